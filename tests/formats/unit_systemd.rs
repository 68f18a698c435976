//! Units as systemd itself sees them: `systemctl --root` for states, `systemd-analyze verify` for
//! which drop-ins are read in which order, on trees made for it and on this host's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, needs};
use spotcheck::facts::unit::UnitFileState;
use spotcheck::formats::systemd::units::Index;
use spotcheck::formats::systemd::{self};
use spotcheck::host::Files as _;
use spotcheck::targets::live::Live;
use spotcheck::targets::memory::Memory;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

const VENDOR: &str = "/usr/lib/systemd/system";
const ADMIN: &str = "/etc/systemd/system";
const RUNTIME: &str = "/run/systemd/system";
const INSTALL: &str = "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n";

/// The same tree on disk, for systemd, and in memory, for us.
struct Tree {
    root: tempfile::TempDir,
    memory: Memory,
}

impl Tree {
    fn new() -> Self {
        let tree = Self { root: tempfile::tempdir().unwrap(), memory: Memory::new() };
        [VENDOR, ADMIN, RUNTIME].iter().for_each(|path| {
            fs::create_dir_all(tree.outside(path)).unwrap();
        });
        let memory = tree.memory.clone();
        let memory = memory.dir(VENDOR, 0o755, 0, 0).dir(ADMIN, 0o755, 0, 0);
        Self { memory: memory.dir(RUNTIME, 0o755, 0, 0), ..tree }
    }

    fn outside(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    fn place(&self, path: &str) -> std::path::PathBuf {
        let outside = self.outside(path);
        fs::create_dir_all(outside.parent().unwrap()).unwrap();
        outside
    }

    fn file(self, path: &str, content: &str) -> Self {
        fs::write(self.place(path), content).unwrap();
        let memory = self.memory.file(path, 0o644, 0, 0, content);
        Self { memory, ..self }
    }

    fn link(self, path: &str, target: &str) -> Self {
        let place = self.place(path);
        let _ = fs::remove_file(&place);
        symlink(target, place).unwrap();
        let memory = self.memory.symlink(path, target);
        Self { memory, ..self }
    }

    fn unit(&self, name: &str) -> Option<spotcheck::facts::unit::Unit> {
        Index::read(&self.memory).unit(&self.memory, name).unwrap()
    }

    fn state(&self, name: &str) -> String {
        self.unit(name).map_or("none".into(), |unit| unit.state.name().to_owned())
    }

    /// What systemd says; `none` for an error, such as that there is no such unit.
    fn systemds_state(&self, name: &str) -> String {
        let root = format!("--root={}", self.root.path().display());
        let output = Command::new("systemctl").args([&root, "is-enabled", name]).output().unwrap();
        let word = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        if word.is_empty() { "none".into() } else { word }
    }

    /// Files of a unit in the order in which systemd reads them. Each has to set a key that
    /// systemd does not know, about which it complains with the file's name.
    fn systemds_files(&self, name: &str) -> Vec<String> {
        let root = self.root.path().to_str().unwrap().to_owned();
        let output = Command::new("systemd-analyze")
            .args([format!("--root={root}"), "--man=no".into(), "verify".into(), name.into()])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        let lines = text.lines().filter(|line| line.contains("Unknown key"));
        lines.map(|l| l.split(':').next().unwrap().trim_start_matches(&root).to_owned()).collect()
    }
}

fn systemd_is_here() -> bool {
    needs(&[Need::Command("systemctl"), Need::Command("systemd-analyze")])
}

#[test]
fn states_are_those_that_systemctl_tells() {
    if !systemd_is_here() {
        return;
    }
    let vendor = |name: &str| format!("{VENDOR}/{name}");
    let wants = |name: &str| format!("{ADMIN}/multi-user.target.wants/{name}");
    let mut tree = Tree::new();
    for name in ["plain", "wanted", "dest", "vendor", "dangling", "othername", "masked", "empty"] {
        tree = tree.file(&vendor(&format!("{name}.service")), INSTALL);
    }
    let tree = tree
        .file(&vendor("static.service"), "[Service]\nExecStart=/bin/true\n")
        .file(&vendor("also.service"), "[Service]\nExecStart=/a\n[Install]\nAlso=plain.service\n")
        .file(&vendor("named.service"), "[Service]\nExecStart=/a\n[Install]\nAlias=nick.service\n")
        .file(&vendor("one@.service"), &format!("{INSTALL}DefaultInstance=x\n"))
        .file(&vendor("two@.service"), INSTALL)
        .file(&vendor("runtime.service"), INSTALL)
        .file(&vendor("shadowed.service"), INSTALL)
        .file(&format!("{ADMIN}/shadowed.service"), "[Service]\nExecStart=/bin/true\n")
        .file("/opt/linked.service", INSTALL)
        .file("/opt/later.service", INSTALL)
        .link(&wants("wanted.service"), &vendor("wanted.service"))
        .link(&wants("dest.service"), &vendor("plain.service"))
        .link(&wants("dangling.service"), "/nowhere")
        .link(&wants("static.service"), &vendor("static.service"))
        .link(&wants("one@x.service"), &vendor("one@.service"))
        .link(&wants("two@y.service"), &vendor("two@.service"))
        .link(&vendor("multi-user.target.wants/vendor.service"), "../vendor.service")
        .link(&vendor("multi-user.target.wants/two@z.service"), "../two@.service")
        .link(&format!("{RUNTIME}/a.target.requires/runtime.service"), &vendor("runtime.service"))
        .link(&format!("{ADMIN}/different.service"), &vendor("othername.service"))
        .link(&format!("{ADMIN}/nick.service"), &vendor("named.service"))
        .link(&format!("{ADMIN}/masked.service"), "/dev/null")
        .link(&format!("{RUNTIME}/gone.service"), "/dev/null")
        .file(&format!("{ADMIN}/empty.service"), "")
        .link(&format!("{ADMIN}/linked.service"), "/opt/linked.service")
        .link(&format!("{RUNTIME}/later.service"), "/opt/later.service")
        .link(&format!("{ADMIN}/lost.service"), "/opt/lost.service")
        .file(&wants("plain.service"), "a file is no link");
    let names = "plain wanted dest vendor dangling othername masked empty static also named one@ \
                 one@x one@y two@ two@y two@z two@none runtime shadowed different nick gone linked \
                 later lost missing";
    for name in names.split_whitespace().map(|name| format!("{name}.service")) {
        assert_eq!(tree.state(&name), tree.systemds_state(&name), "{name}");
    }
}

#[test]
fn states_agree_on_trees_made_at_random() {
    if !systemd_is_here() {
        return;
    }
    // A fixed sequence: a failure can be repeated.
    let mut seed = 7_u64;
    let mut below = |limit: u64| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % limit
    };
    const NAMES: [&str; 6] =
        ["a.service", "b.service", "c.service", "t@.service", "t@i.service", "d.socket"];
    const DIRECTORIES: [&str; 3] = [VENDOR, ADMIN, RUNTIME];
    const CONTENTS: [&str; 5] = [
        INSTALL,
        "[Service]\nExecStart=/bin/true\n",
        "[Install]\nAlias=b.service\n",
        "[Install]\nWantedBy=x.target\nDefaultInstance=i\n",
        "",
    ];
    for round in 0..25 {
        let mut tree = Tree::new();
        let mut pick = |of: &[&str]| of[below(of.len() as u64) as usize].to_owned();
        for _ in 0..8 {
            let (directory, name) = (pick(&DIRECTORIES), pick(&NAMES));
            let path = format!("{directory}/{name}");
            let taken = tree.outside(&path).symlink_metadata().is_ok();
            tree = match pick(&["file", "file", "alias", "wants", "wants"]).as_str() {
                "file" if !taken => tree.file(&path, &pick(&CONTENTS)),
                "alias" if !taken && name != "t@i.service" => {
                    // A link to the own name ends in itself below another root.
                    let target = pick(&NAMES);
                    let kind = |name: &str| {
                        (name.contains("@."), name.rsplit('.').next().map(str::to_owned))
                    };
                    if target == name || kind(&target) != kind(&name) || target == "t@i.service" {
                        continue;
                    }
                    tree.link(&path, &format!("{VENDOR}/{target}"))
                }
                _ => {
                    let wants = format!("{directory}/x.target.wants/{name}");
                    tree.link(&wants, &format!("{VENDOR}/{}", name.replace("@i", "@")))
                }
            };
        }
        for name in NAMES {
            let (ours, theirs) = (tree.state(name), tree.systemds_state(name));
            assert_eq!(ours, theirs, "{name} in round {round}: {:#?}", tree.memory);
        }
    }
}

#[test]
fn states_of_this_hosts_units_are_those_that_systemctl_tells() {
    if !systemd_is_here() || Path::new("/run/systemd/private").exists() {
        return;
    }
    let output = Command::new("systemctl")
        .args(["--root=/", "list-unit-files", "--no-legend", "--no-pager"])
        .output()
        .unwrap();
    let live = Live::new();
    let index = Index::read(&live);
    let mut different = BTreeMap::new();
    let mut compared = 0;
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(theirs)) = (words.next(), words.next()) else { continue };
        let ours = index.unit(&live, name).unwrap().map(|unit| unit.state);
        compared += 1;
        if ours.map(UnitFileState::name) != Some(theirs) {
            different.insert(name.to_owned(), (ours, theirs.to_owned()));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    assert!(compared > 20, "{compared}");
}

#[test]
fn drop_ins_are_read_in_the_order_in_which_systemd_reads_them() {
    if !systemd_is_here() {
        return;
    }
    let part = "[Service]\nSpotcheckWasHere=1\n";
    let mut tree = Tree::new()
        .file(&format!("{VENDOR}/p-q@.service"), &format!("{part}ExecStart=/bin/true\n"))
        .link(&format!("{ADMIN}/nick-q@.service"), &format!("{VENDOR}/p-q@.service"));
    let folders = ["p-q@r.service.d", "p-q@.service.d", "p-.service.d", "service.d"];
    for (d, directory) in [VENDOR, ADMIN, RUNTIME].into_iter().enumerate() {
        for (f, folder) in folders.into_iter().enumerate() {
            // Names of its own, one that all share, and one that only some share.
            let number = 10 * d + f;
            for name in [format!("{number:02}-own"), "50-all".into(), format!("60-{}", number % 5)]
            {
                tree = tree.file(&format!("{directory}/{folder}/{name}.conf"), part);
            }
        }
    }
    let tree = tree
        .file(&format!("{ADMIN}/nick-q@.service.d/70-alias.conf"), part)
        .file(&format!("{VENDOR}/p-q@r.service.d/80-masked.conf"), part)
        .link(&format!("{ADMIN}/p-q@r.service.d/80-masked.conf"), "/dev/null")
        .file(&format!("{ADMIN}/p-q@r.service.d/90-not-a-drop-in.txt"), part);
    let unit = tree.unit("p-q@r.service").unwrap();
    let mut ours = vec![unit.fragment];
    ours.extend(unit.dropins);
    assert_eq!(
        ours.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
        tree.systemds_files("p-q@r.service")
    );
    assert_eq!(unit.settings.unwrap().files, ours);
}

#[test]
fn a_daemons_configuration_is_made_of_the_files_that_systemd_reads() {
    if !systemd_is_here() {
        return;
    }
    let part = "[Journal]\nStorage=none\n";
    let mut tree = Tree::new().file("/etc/systemd/journald.conf", part);
    for (d, place) in ["/usr/lib", "/run", "/etc"].into_iter().enumerate() {
        let folder = format!("{place}/systemd/journald.conf.d");
        for name in [format!("{d}0-own.conf"), "50-all.conf".into(), format!("6{}.txt", d)] {
            tree = tree.file(&format!("{folder}/{name}"), part);
        }
    }
    let tree = tree
        .file("/usr/lib/systemd/journald.conf.d/70-masked.conf", part)
        .link("/etc/systemd/journald.conf.d/70-masked.conf", "/dev/null");
    let root = tree.root.path().display().to_string();
    let output = Command::new("systemd-analyze")
        .args([&format!("--root={root}"), "cat-config", "systemd/journald.conf"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# ")?.strip_prefix(&root)).collect();
    let path = Path::new("/etc/systemd/journald.conf");
    let content = tree.memory.read(path).unwrap().unwrap();
    let settings = (systemd::FORMAT.parse)(&tree.memory, path, &content).unwrap();
    assert_eq!(settings.unread, []);
    let ours: Vec<String> = settings.files.iter().map(|path| path.display().to_string()).collect();
    // What is linked to /dev/null is listed by systemd, with nothing in it.
    let theirs: Vec<&str> =
        theirs.into_iter().filter(|path| !path.ends_with("masked.conf")).collect();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), 5);
}

#[test]
fn an_alias_leads_to_the_unit_and_all_its_names_bring_drop_ins() {
    let tree = Tree::new()
        .file(&format!("{VENDOR}/ssh.service"), "[Service]\nUser=a\n")
        .link(&format!("{ADMIN}/sshd.service"), &format!("{VENDOR}/ssh.service"))
        .file(&format!("{ADMIN}/sshd.service.d/x.conf"), "[Service]\nUser=b\n");
    for name in ["ssh.service", "sshd.service"] {
        let unit = tree.unit(name).unwrap();
        assert_eq!(unit.id, "ssh.service");
        let settings = unit.settings.unwrap();
        let spotcheck::facts::settings::Lookup::Set(user) = settings.lookup("Service.User")[0]
        else {
            panic!("User= is set");
        };
        assert_eq!(user.value, "b");
    }
}

#[test]
fn a_directory_that_cannot_be_read_makes_absence_unknown() {
    let tree = Tree::new();
    let memory = tree.memory.clone().unreadable(ADMIN);
    assert!(Index::read(&memory).unit(&memory, "ssh.service").is_err());
}

#[test]
fn aliases_in_a_circle_are_no_unit() {
    let tree = Tree::new()
        .link(&format!("{ADMIN}/a.service"), &format!("{VENDOR}/b.service"))
        .link(&format!("{ADMIN}/b.service"), &format!("{VENDOR}/a.service"));
    assert_eq!(tree.unit("a.service"), None);
}

#[test]
fn only_links_that_last_start_a_unit_at_boot() {
    let wants = |place: &str| format!("{place}/x.target.wants/a.service");
    let unit = |link: &str| {
        let tree = Tree::new().file(&format!("{VENDOR}/a.service"), INSTALL);
        tree.link(link, "../a.service").unit("a.service").unwrap().starts_at_boot()
    };
    assert!(unit(&wants(ADMIN)));
    assert!(unit(&wants(VENDOR)));
    assert!(!unit(&wants(RUNTIME)));
    assert!(unit(&wants("/run/systemd/generator")));
    assert!(!unit(&format!("{ADMIN}/unrelated.service")));
}
