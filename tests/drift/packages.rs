//! What packages say about files, against the tools that made those databases: `dpkg -V`, `debsums`
//! and `rpm -V`, on root filesystems of packages made for the purpose.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Need, needs};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::process::Command;

fn run(folder: &Folder, program: &str, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .current_dir(folder.path(""))
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn must(folder: &Folder, script: &str) {
    let done =
        Command::new("sh").args(["-ec", script]).current_dir(folder.path("")).output().unwrap();
    assert!(done.status.success(), "{script}\n{done:?}");
}

/// What `spotcheck drift --against packages` says: letters by path.
fn ours(folder: &Folder) -> (BTreeMap<String, String>, Value) {
    let output =
        folder.run(&["drift", "--root", "root", "--against", "packages", "--format", "json"]);
    let report: Value =
        serde_json::from_str(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let changes = report["changes"].as_array().unwrap().iter().map(|change| {
        let text = |key: &str| change[key].as_str().unwrap_or_default().to_owned();
        (text("name"), text("letters"))
    });
    (changes.collect(), report)
}

/// Lines such as `S.5....T.  c /etc/x` and `missing   c /etc/x`: letters with their mark by path.
fn theirs(text: &str, root: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let at = line.find(" /")?;
            let (head, path) = line.split_at(at);
            let path = path.trim().strip_prefix(root).unwrap_or(path.trim());
            let path = path.split(" (").next().unwrap();
            let words: Vec<&str> = head.split_whitespace().collect();
            Some((path.to_owned(), words.join(" ")))
        })
        .collect()
}

/// A root filesystem on which dpkg has installed two packages.
fn debian() -> Folder {
    let folder = Folder::new();
    for (name, etc) in [("one", "one.conf"), ("two", "two.conf")] {
        let at = |path: &str| format!("{name}/{path}");
        folder.write(
            &at("DEBIAN/control"),
            format!("Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: n <n@example.org>\nDescription: {name}\n"),
        );
        folder.write(&at("DEBIAN/conffiles"), format!("/etc/{etc}\n"));
        folder.write(&at(&format!("etc/{etc}")), "setting = default\n");
        for file in ["tool", "other", "gone"] {
            folder.write(&at(&format!("usr/bin/{name}-{file}")), format!("{name} {file}\n"));
        }
        folder.write(&at(&format!("usr/share/{name}/a file")), "with a space\n");
        let sums = format!(
            "cd {name} && find usr -type f -printf '%P\\0' -name '*' | sed -z 's|^|usr/|' | \
             xargs -0 md5sum > DEBIAN/md5sums && cd .. && dpkg-deb --root-owner-group -b {name} {name}.deb >/dev/null"
        );
        must(&folder, &sums);
    }
    must(
        &folder,
        "mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates && touch root/var/lib/dpkg/status && \
         dpkg --root=\"$PWD/root\" --force-not-root --force-bad-path --log=/dev/null -i one.deb two.deb >/dev/null 2>&1",
    );
    folder
}

#[test]
fn the_verdict_per_file_is_that_of_dpkg() {
    if !needs(&[Need::Root, Need::Command("dpkg-deb")]) {
        return;
    }
    let folder = debian();
    let root = folder.path("root");
    assert_eq!(ours(&folder).0, BTreeMap::new(), "nothing has changed yet");
    folder.write("root/usr/bin/one-tool", "evil\n").write("root/etc/one.conf", "setting = mine\n");
    fs::remove_file(root.join("usr/bin/one-gone")).unwrap();
    fs::remove_file(root.join("etc/two.conf")).unwrap();
    fs::remove_file(root.join("usr/bin/two-gone")).unwrap();
    symlink("/etc/hostname", root.join("usr/bin/two-gone")).unwrap();
    folder.write("root/usr/share/two/a file", "another\n");
    fs::set_permissions(root.join("usr/bin/two-tool"), fs::Permissions::from_mode(0o4755)).unwrap();
    let verify = run(&folder, "dpkg", &["--root=root", "--force-not-root", "-V"]);
    let theirs = theirs(&verify, folder.path("root").to_str().unwrap());
    let (ours, report) = ours(&folder);
    let plain = |all: &BTreeMap<String, String>| -> BTreeSet<(String, bool, bool)> {
        all.iter()
            .map(|(path, letters)| {
                (path.clone(), letters.starts_with("missing"), letters.ends_with(" c"))
            })
            .map(|(path, missing, conf)| (path, missing, conf && !missing))
            .collect()
    };
    assert_eq!(plain(&ours), plain(&theirs), "{verify}");
    assert_eq!(ours["/usr/bin/one-tool"], "??5??????");
    assert_eq!(ours["/etc/one.conf"], "??5?????? c");
    let by = |name: &str| report["counts"][name].as_u64().unwrap();
    assert_eq!((by("unexplained"), by("default_changed")), (4, 2), "{report:#}");
}

#[test]
fn diverted_overridden_obsolete_and_merged_files_are_where_they_are() {
    if !needs(&[Need::Root, Need::Command("dpkg-divert"), Need::Command("dpkg-statoverride")]) {
        return;
    }
    let folder = debian();
    must(
        &folder,
        "dpkg-divert --root=\"$PWD/root\" --local --rename --divert /usr/bin/one-tool.real \
         --add /usr/bin/one-tool >/dev/null && \
         dpkg-divert --root=\"$PWD/root\" --package two --rename --add /usr/bin/one-other >/dev/null",
    );
    assert_eq!(ours(&folder).0, BTreeMap::new());
    folder.write("root/usr/bin/one-tool.real", "evil\n");
    assert_eq!(ours(&folder).0.keys().collect::<Vec<_>>(), ["/usr/bin/one-tool.real"]);
    // dpkg -V does not look at files that were diverted: here spotcheck sees more.
    assert_eq!(run(&folder, "dpkg", &["--root=root", "--force-not-root", "-V"]), "");
    // A conffile that the package no longer has, or wants gone, may be missing.
    let status = fs::read_to_string(folder.path("root/var/lib/dpkg/status")).unwrap();
    let marked = status.replace(
        "Conffiles:\n /etc/two.conf",
        "Conffiles:\n /etc/old.conf 00000000000000000000000000000000 remove-on-upgrade\n /etc/two.conf",
    );
    folder.write("root/var/lib/dpkg/status", marked);
    assert_eq!(ours(&folder).0.len(), 1, "{:?}", ours(&folder).0);
    // /bin is a link, and the database says /bin/x.
    folder.write("root/usr/bin/ls", "ls\n");
    symlink("usr/bin", folder.path("root/bin")).unwrap();
    folder
        .write("root/var/lib/dpkg/info/one.md5sums", "00000000000000000000000000000000  bin/ls\n");
    assert!(ours(&folder).0.contains_key("/usr/bin/ls"), "{:?}", ours(&folder).0);
}

#[test]
fn packages_of_this_machine_are_judged_as_dpkg_and_debsums_judge_them() {
    if !needs(&[Need::Root, Need::Command("dpkg-query"), Need::Command("debsums")]) {
        return;
    }
    // All of a machine takes these tools minutes; these have files of every kind.
    let folder = Folder::new();
    must(
        &folder,
        "mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates root/usr/bin root/usr/sbin root/usr/lib
         for name in bin sbin lib lib32 lib64 libx32; do
             if [ -L /$name ]; then mkdir -p root/usr/$name; ln -s usr/$name root/$name; fi
         done
         cp /var/lib/dpkg/info/format root/var/lib/dpkg/info/ 2>/dev/null || true
         for package in bash coreutils libc-bin login passwd debsums adduser sudo cron; do
             dpkg-query -s $package >> root/var/lib/dpkg/status
             echo >> root/var/lib/dpkg/status
             for end in list md5sums conffiles; do
                 cp /var/lib/dpkg/info/$package.$end root/var/lib/dpkg/info/ 2>/dev/null || true
             done
             dpkg -L $package | sed 's|^/||' | grep -v '^\\.$' |
                 tar -C / -c --no-recursion --ignore-failed-read -T - 2>/dev/null |
                 tar -C root -x --keep-directory-symlink
         done
         echo changed >> root/etc/adduser.conf
         echo changed >> root/bin/cat
         rm root/usr/bin/env root/etc/cron.d/e2scrub_all root/etc/crontab 2>/dev/null || true
         touch root/usr/bin/nobodys",
    );
    let root = folder.path("root").to_str().unwrap().to_owned();
    let dpkg = theirs(&run(&folder, "dpkg", &["--root=root", "-V"]), &root);
    let mut bad: BTreeSet<String> = dpkg.into_keys().collect();
    let debsums =
        Command::new("debsums").args(["--root", &root, "-a"]).env("LC_ALL", "C").output().unwrap();
    let mut seen = 0;
    for line in String::from_utf8_lossy(&debsums.stdout).lines() {
        let Some((path, verdict)) = line.rsplit_once(' ') else { continue };
        seen += 1;
        if !["OK", "REPLACED"].contains(&verdict) {
            bad.insert(path.trim().trim_start_matches(&root).to_owned());
        }
    }
    assert!(seen > 100, "{debsums:?}");
    // debsums says on standard error what is missing.
    let ours: BTreeSet<String> = ours(&folder).0.into_keys().collect();
    let merged =
        |path: &String| match ["/bin/", "/sbin/", "/lib"].iter().any(|p| path.starts_with(p)) {
            true => format!("/usr{path}"),
            false => path.clone(),
        };
    let bad: BTreeSet<String> = bad.iter().map(merged).collect();
    assert_eq!(ours, bad);
    for path in ["/etc/adduser.conf", "/usr/bin/cat", "/usr/bin/env"] {
        assert!(ours.contains(path), "{path} is not in {ours:?}");
    }
}

const SPEC: &str = "Name: shop\nVersion: 2\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n\
%description\nd\n%install\nmkdir -p %{buildroot}/etc %{buildroot}/opt/shop %{buildroot}/var/lib/shop\n\
echo default > %{buildroot}/etc/shop.conf\necho default > %{buildroot}/etc/keep.conf\n\
for f in size mode digest owner group time caps gone ok exempt type; do echo $f > %{buildroot}/opt/shop/$f; done\n\
ln -s ok %{buildroot}/opt/shop/link\nln -s ok %{buildroot}/opt/shop/link2\ntouch %{buildroot}/var/lib/shop/ghost\n\
%files\n%defattr(0644,root,root,0755)\n%config /etc/shop.conf\n%config(noreplace) /etc/keep.conf\n%dir /opt/shop\n\
/opt/shop/size\n%attr(0750,root,root) /opt/shop/mode\n/opt/shop/digest\n/opt/shop/owner\n/opt/shop/group\n\
/opt/shop/time\n%caps(cap_net_raw=ep) /opt/shop/caps\n/opt/shop/gone\n/opt/shop/ok\n/opt/shop/type\n\
%verify(not mtime size md5) /opt/shop/exempt\n/opt/shop/link\n/opt/shop/link2\n%ghost /var/lib/shop/ghost\n";

#[test]
fn the_letters_are_those_of_rpm() {
    let wanted =
        [Need::Root, Need::Command("rpm"), Need::Command("rpmbuild"), Need::Command("setfacl")];
    if !needs(&wanted) {
        return;
    }
    let folder = Folder::new();
    folder.write("shop.spec", SPEC);
    must(
        &folder,
        "rpmbuild --quiet --define \"_topdir $PWD/b\" --define '__os_install_post %{nil}' -bb shop.spec >/dev/null 2>&1
         mkdir -p root/etc && echo root:x:0:0::/root:/bin/sh > root/etc/passwd && echo root:x:0: > root/etc/group
         rpm --root \"$PWD/root\" --dbpath /var/lib/rpm --define '_db_backend sqlite' --nodeps --noscripts -i b/RPMS/noarch/*.rpm
         rm -f root/var/lib/rpm/rpmdb.sqlite-*",
    );
    assert_eq!(ours(&folder).0, BTreeMap::new(), "{:#}", ours(&folder).1);
    let root = folder.path("root");
    let shop = |name: &str| root.join("opt/shop").join(name);
    let time = fs::metadata(shop("digest")).unwrap().modified().unwrap();
    folder.write("root/opt/shop/size", "another size\n").write("root/opt/shop/digest", "DIGEST\n");
    fs::File::open(shop("digest")).unwrap().set_modified(time).unwrap();
    fs::set_permissions(shop("mode"), fs::Permissions::from_mode(0o4755)).unwrap();
    chown(shop("owner"), Some(1), None).unwrap();
    chown(shop("group"), None, Some(1)).unwrap();
    fs::File::open(shop("time")).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    must(
        &folder,
        "setcap -r root/opt/shop/caps 2>/dev/null || true; setfacl -m u:1000:r root/opt/shop/ok",
    );
    fs::remove_file(shop("gone")).unwrap();
    folder.write("root/opt/shop/exempt", "whatever it likes\n");
    folder.write("root/etc/shop.conf", "mine\n");
    // The package may have been built in this very second.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(60);
    fs::File::open(root.join("etc/shop.conf")).unwrap().set_modified(later).unwrap();
    fs::remove_file(root.join("etc/keep.conf")).unwrap();
    fs::remove_file(shop("link")).unwrap();
    symlink("/etc/shadow", shop("link")).unwrap();
    fs::remove_file(shop("type")).unwrap();
    fs::create_dir(shop("type")).unwrap();
    fs::remove_file(shop("link2")).unwrap();
    fs::write(shop("link2"), "a file\n").unwrap();
    fs::remove_file(root.join("var/lib/shop/ghost")).ok();
    must(&folder, "cp -a root copy");
    let verify = run(
        &folder,
        "rpm",
        &[
            "--root",
            folder.path("copy").to_str().unwrap(),
            "--dbpath",
            "/var/lib/rpm",
            "--define",
            "_db_backend sqlite",
            "--nodeps",
            "-V",
            "shop",
        ],
    );
    let mut theirs = theirs(&verify, "");
    // Debian builds rpm without support for access control lists.
    theirs.entry("/opt/shop/ok".to_owned()).or_insert_with(|| ".M.......".to_owned());
    let (ours, report) = ours(&folder);
    let without_c = |all: &BTreeMap<String, String>| -> BTreeMap<String, String> {
        all.iter()
            .map(|(path, letters)| (path.clone(), letters.split(' ').next().unwrap().to_owned()))
            .collect()
    };
    assert_eq!(without_c(&ours), without_c(&theirs), "{verify}");
    assert_eq!(ours["/etc/shop.conf"], "S.5....T. c");
    let of = |path: &str| -> Value {
        let changes = report["changes"].as_array().unwrap();
        changes.iter().find(|change| change["name"] == path).unwrap()["explanation"].clone()
    };
    assert_eq!(of("/etc/shop.conf"), "default_changed");
    assert_eq!(of("/opt/shop/mode"), "unexplained");
}

#[test]
fn an_upgrade_leaves_nothing_to_explain_but_what_it_does_not() {
    if !needs(&[Need::Root, Need::Command("dpkg-deb")]) {
        return;
    }
    let folder = debian();
    folder
        .write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        .write("root/etc/group", "root:x:0:\n");
    folder.write("root/usr/lib/python3/x.py", "x").write("root/etc/ld.so.cache", "old");
    folder.write("root/usr/sbin/ldconfig", "program").write("root/etc/ld.so.conf.d/own.conf", "");
    must(
        &folder,
        "cp -a /etc/ld.so.conf root/etc/; cp -a /etc/ld.so.conf.d/. root/etc/ld.so.conf.d",
    );
    let base = ["baseline", "create", "--root", "root", "--baseline", "base"];
    assert_eq!(folder.run(&base).status, Some(0));
    // A new version brings files, drops one and changes one; a trigger writes a cache.
    folder.write("one/usr/bin/one-new", "new\n").write("one/usr/bin/one-other", "one other 2\n");
    folder
        .write("one/usr/lib/libone.so.1", "library\n")
        .write("one/usr/lib/python3/x.py", "y = 2\n");
    must(
        &folder,
        "rm one/usr/bin/one-gone && chmod 4755 one/usr/bin/one-new && sed -i 's/1.0/2.0/' one/DEBIAN/control && \
         cd one && find usr -type f -printf 'usr/%P\\0' | xargs -0 md5sum > DEBIAN/md5sums && cd .. && \
         dpkg-deb --root-owner-group -b one one.deb >/dev/null && \
         dpkg --root=\"$PWD/root\" --force-not-root --force-bad-path --log=/dev/null -i one.deb >/dev/null 2>&1 && \
         cp -a /etc/ld.so.cache root/etc/ && mkdir root/usr/lib/python3/__pycache__ && touch root/usr/bin/dropped",
    );
    // What Python makes of the source that the package has changed: PEP 552.
    let source = std::fs::metadata(folder.path("root/usr/lib/python3/x.py")).unwrap();
    let time = source.modified().unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let words = [0x0a0d_0da7, 0, (time & 0xffff_ffff) as u32, source.len() as u32];
    std::fs::write(
        folder.path("root/usr/lib/python3/__pycache__/x.cpython-311.pyc"),
        words.map(u32::to_le_bytes).concat(),
    )
    .unwrap();
    let output = folder.run(&["drift", "--root", "root", "--baseline", "base", "--format", "json"]);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let changes: BTreeMap<&str, &Value> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["name"].as_str().unwrap(), change))
        .collect();
    let of = |name: &str| changes.get(name).map(|change| change["explanation"].as_str().unwrap());
    for name in ["/usr/bin/one-other", "/usr/bin/one-gone", "one"] {
        assert_eq!(of(name), Some("verified"), "{name}: {report:#}");
    }
    assert_eq!(of("/etc/ld.so.cache"), Some("generated"));
    assert_eq!(of("/usr/lib/python3/__pycache__/x.cpython-311.pyc"), Some("generated"));
    assert_eq!(of("/usr/bin/dropped"), Some("unexplained"));
    // Its content is the package's; that it runs as root for everybody is explained by nothing.
    assert_eq!(of("/usr/bin/one-new"), Some("unexplained"));
    let new = &changes["/usr/bin/one-new"]["deltas"];
    assert_eq!(
        (&new[0]["explanation"], &new[1]["attribute"]),
        (&"verified".into(), &"mode".into())
    );
    assert_eq!(report["counts"]["unexplained"], 2, "{report:#}");
}

#[test]
fn a_package_database_that_was_edited_in_secret_excuses_nothing() {
    if !needs(&[Need::Root, Need::Command("dpkg-deb")]) {
        return;
    }
    let folder = debian();
    let base = ["baseline", "create", "--root", "root", "--baseline", "base"];
    folder.write("root/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    assert_eq!(folder.run(&base).status, Some(0));
    folder.write("root/usr/bin/one-tool", "evil\n");
    must(
        &folder,
        "sum=$(md5sum < root/usr/bin/one-tool | cut -c-32) && \
         sed -i \"s|.*  usr/bin/one-tool|$sum  usr/bin/one-tool|\" root/var/lib/dpkg/info/one.md5sums",
    );
    assert_eq!(ours(&folder).0, BTreeMap::new(), "dpkg -V would see nothing");
    let output = folder.run(&["drift", "--root", "root", "--baseline", "base"]);
    assert_eq!(output.status, Some(1));
    assert!(output.stdout.contains("package one\n    files"), "{}", output.stdout);
    let wanted = "the package database of one was changed without another version";
    assert!(output.stdout.contains(wanted), "{}", output.stdout);
}

#[test]
fn files_of_alpine_are_compared_with_owner_and_mode() {
    let folder = Folder::new();
    folder.write("root/usr/bin/tool", "").write("root/etc/tool.conf", "");
    let empty = "Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=";
    let uid = nix::unistd::geteuid();
    let gid = nix::unistd::getegid();
    folder.write(
        "root/lib/apk/db/installed",
        format!(
            "P:tool\nV:1-r0\nF:usr/bin\nR:tool\na:{uid}:{gid}:755\nZ:{empty}\nF:etc\nR:tool.conf\n\
             a:{uid}:{gid}:644\nZ:{empty}\nR:gone\na:0:0:644\nZ:{empty}\n\n"
        ),
    );
    let tool = folder.path("root/usr/bin/tool");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(folder.path("root/etc/tool.conf"), fs::Permissions::from_mode(0o644))
        .unwrap();
    let expected = BTreeMap::from([("/etc/gone".to_owned(), "missing".to_owned())]);
    assert_eq!(ours(&folder).0, expected);
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o4755)).unwrap();
    folder.write("root/etc/tool.conf", "mine");
    let (ours, report) = ours(&folder);
    assert_eq!(ours["/usr/bin/tool"], ".M.......", "{report:#}");
    assert_eq!(ours["/etc/tool.conf"], "..5...... c");
}

#[test]
fn without_any_database_there_is_nothing_to_compare_with() {
    let folder = Folder::new();
    folder.write("root/etc/passwd", "");
    let output = folder.run(&["drift", "--root", "root", "--against", "packages"]);
    assert_eq!(output.status, Some(3));
    assert!(output.stderr.contains("neither dpkg nor rpm nor apk"), "{output:?}");
}
