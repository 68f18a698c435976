//! Databases of packages: what dpkg and rpm themselves say of the same database, and databases that
//! are damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, needs};
use spotcheck::facts::package::{Manager, PackageState, Packages};
use spotcheck::formats::packages;
use spotcheck::targets::live::Live;
use spotcheck::targets::memory::Memory;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const RPM: &str = "/var/lib/rpm/rpmdb.sqlite";

#[test]
fn this_hosts_packages_are_those_that_dpkg_tells() {
    if !needs(&[Need::Command("dpkg-query")]) {
        return;
    }
    let format = "${Package} ${Architecture} ${Version} ${db:Status-Status}\n";
    let output = Command::new("dpkg-query").args(["-W", "-f", format]).output().unwrap();
    let theirs: BTreeSet<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let found = packages::read(&Live::new()).unwrap();
    let word = |state: &PackageState| match state {
        PackageState::Installed => "installed".to_owned(),
        PackageState::ConfigFiles => "config-files".to_owned(),
        PackageState::Broken(word) => word.clone(),
    };
    let ours: BTreeSet<String> = found
        .all
        .iter()
        .filter(|package| package.manager == Manager::Dpkg)
        .map(|p| format!("{} {} {} {}", p.name, p.architecture, p.version, word(&p.state)))
        .collect();
    let theirs: BTreeSet<String> =
        theirs.into_iter().filter(|line| !line.ends_with(" not-installed")).collect();
    assert!(ours.len() > 50);
    assert_eq!(ours, theirs);
}

#[test]
fn packages_that_rpm_installed_are_found_in_its_database() {
    if !needs(&[Need::Command("rpm"), Need::Command("rpmbuild")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    let spec = |name: &str, epoch: &str| {
        format!(
            "Name: {name}\nVersion: 1.2~rc3\nRelease: 4.el9\n{epoch}Summary: x\nLicense: MIT\n\
             BuildArch: noarch\n%description\nx\n%files\n"
        )
    };
    let run = |command: &mut Command| {
        let output = command.env("HOME", top).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let database = top.join("db");
    for (name, epoch) in [("spot-one", ""), ("spot-two", "Epoch: 7\n")] {
        let path = top.join(format!("{name}.spec"));
        fs::write(&path, spec(name, epoch)).unwrap();
        let define = format!("_topdir {}", top.display());
        run(Command::new("rpmbuild").args(["--quiet", "-bb", "--define", &define]).arg(&path));
        let package = top.join(format!("RPMS/noarch/{name}-1.2~rc3-4.el9.noarch.rpm"));
        run(Command::new("rpm")
            .args(["--dbpath", database.to_str().unwrap(), "--justdb", "--nodeps", "-i"])
            .arg(package));
    }
    let memory =
        Memory::new().file(RPM, 0o644, 0, 0, fs::read(database.join("rpmdb.sqlite")).unwrap());
    let found = packages::read(&memory).unwrap();
    assert!(found.unread.is_empty(), "{:?}", found.unread);
    let mut words: Vec<String> =
        found.all.iter().map(|p| format!("{} {} {}", p.name, p.version, p.architecture)).collect();
    words.sort();
    assert_eq!(words, ["spot-one 1.2~rc3-4.el9 noarch", "spot-two 7:1.2~rc3-4.el9 noarch"]);
}

/// A header as rpm writes it, with so many bytes that are of no interest.
fn header(name: &str, padding: usize) -> Vec<u8> {
    let tags = [(1000_u32, name), (1001, "1.0"), (1002, "2"), (1022, "noarch")];
    let (mut index, mut data) = (Vec::new(), vec![b'x'; padding]);
    for (tag, value) in tags {
        for number in [tag, 6, data.len() as u32, 1] {
            index.extend(number.to_be_bytes());
        }
        data.extend(value.as_bytes());
        data.push(0);
    }
    let counts = [tags.len() as u32, data.len() as u32].map(u32::to_be_bytes).concat();
    [counts, index, data].concat()
}

/// A database made by SQLite itself; `None` where there is no Python to ask it.
fn sqlite(page_size: u32, blobs: &[Vec<u8>]) -> Option<Vec<u8>> {
    if !needs(&[Need::Command("python3")]) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rpmdb.sqlite");
    let script = "import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute('PRAGMA page_size=' + sys.argv[2])
db.execute('CREATE TABLE other(a, b)')
db.execute('CREATE TABLE Packages(hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)')
for line in sys.stdin:
    db.execute('INSERT INTO Packages(blob) VALUES(?)', (bytes.fromhex(line.strip()),))
db.commit()";
    let mut python = Command::new("python3")
        .args(["-c", script, path.to_str().unwrap(), &page_size.to_string()])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    for blob in blobs {
        let hex: String = blob.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(stdin, "{hex}").unwrap();
    }
    drop(stdin);
    assert!(python.wait().unwrap().success());
    Some(fs::read(path).unwrap())
}

fn read_rpm(content: &[u8]) -> Result<Packages, String> {
    let memory = Memory::new().file(RPM, 0o644, 0, 0, content);
    packages::read(&memory).map_err(|why| why.to_string())
}

#[test]
fn trees_of_many_pages_and_rows_of_many_pages_are_read_whole() {
    for page_size in [512, 4096, 65536] {
        let blobs: Vec<Vec<u8>> = (0..800)
            .map(|number| header(&format!("p{number}"), (number * 37) % 1500))
            .chain([header("large", 300_000)])
            .collect();
        let Some(content) = sqlite(page_size, &blobs) else { return };
        let found = read_rpm(&content).unwrap();
        let names: Vec<&str> = found.all.iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names.len(), 801, "page size {page_size}");
        assert_eq!((names[0], names[799], names[800]), ("p0", "p799", "large"));
    }
}

#[test]
fn a_damaged_database_is_unknown_and_never_a_panic() {
    let Some(content) = sqlite(512, &[header("a", 10), header("b", 3000)]) else { return };
    assert!(read_rpm(b"").is_err());
    assert!(read_rpm(&content[..content.len() / 2]).is_err());
    for at in 0..content.len() {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = content.clone();
            damaged[at] = value;
            let _ = read_rpm(&damaged);
        }
    }
}

#[test]
fn changes_that_are_not_merged_yet_make_it_unknown() {
    let Some(content) = sqlite(4096, &[header("a", 10)]) else { return };
    let memory = Memory::new().file(RPM, 0o644, 0, 0, &content);
    assert!(packages::read(&memory).is_ok());
    let wal = memory.file(format!("{RPM}-wal"), 0o644, 0, 0, "x");
    let why = packages::read(&wal).unwrap_err().to_string();
    assert!(why.contains("not merged yet"), "{why}");
}

#[test]
fn databases_of_other_kinds_are_unknown() {
    let memory = Memory::new().file("/var/lib/rpm/Packages.db", 0o644, 0, 0, "x");
    assert!(packages::read(&memory).unwrap_err().to_string().contains("ndb"));
    assert!(packages::read(&Memory::new()).is_err());
}

#[test]
fn images_without_dpkg_have_a_file_for_each_package() {
    let part = "Package: base\nVersion: 1\nArchitecture: all\n";
    let memory = Memory::new().file("/var/lib/dpkg/status.d/base", 0o644, 0, 0, part).file(
        "/var/lib/dpkg/status.d/base.md5sums",
        0o644,
        0,
        0,
        "0123  etc/x",
    );
    let found = packages::read(&memory).unwrap();
    assert_eq!(found.databases, [Path::new("/var/lib/dpkg/status.d")]);
    assert_eq!(found.all.len(), 1);
    assert_eq!(found.all[0].state, PackageState::Installed);
}

#[test]
fn a_change_that_dpkg_has_not_merged_yet_counts() {
    let status = |state: &str| {
        format!("Package: a\nStatus: install ok {state}\nArchitecture: all\nVersion: 1\n")
    };
    let memory = Memory::new()
        .file("/var/lib/dpkg/status", 0o644, 0, 0, status("installed"))
        .file("/var/lib/dpkg/updates/0001", 0o644, 0, 0, status("half-installed"))
        .file("/var/lib/dpkg/updates/tmp.i", 0o644, 0, 0, "");
    let found = packages::read(&memory).unwrap();
    assert_eq!(found.all.len(), 1);
    assert_eq!(found.all[0].state, PackageState::Broken("half-installed".into()));
}
