//! `setuid:` and `tree:`: every condition on plain data, and the walk itself compared with `find`,
//! `getcap` and what a tree of hostile names holds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Machine, Need, Rule, needs, rule};
use spotcheck::facts::account::Origin;
use spotcheck::facts::inventory::Inventory;
use spotcheck::host::Target;
use spotcheck::inventory::inventory;
use spotcheck::targets::live::Live;
use spotcheck::targets::memory::Memory;
use spotcheck::targets::offline::Still;
use spotcheck::targets::rootfs::Rootfs;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("bob", 1001, 1001)
        .group("root", 0, &[])
        .group("bob", 1001, &[])
        .dir("/tmp", 0o1777, 0, 0)
        .file("/usr/bin/su", 0o4755, 0, 0, "")
        .file("/usr/bin/ls", 0o755, 0, 0, "")
        .file("/etc/passwd", 0o644, 0, 0, "")
        .symlink("/bin", "usr/bin")
        .file("/var/lib/dpkg/info/su.list", 0o644, 0, 0, "/.\n/bin/su\n")
}

fn setuid(conditions: &str) -> Rule {
    rule(&format!("setuid: all\nmust: {{ {conditions} }}"))
}

fn tree(conditions: &str) -> Rule {
    rule(&format!("tree: /srv\nmust: {{ {conditions} }}"))
}

#[test]
fn what_the_list_knows_passes_and_each_other_is_a_finding() {
    setuid("only: [/bin/su]").on(&host()).passes();
    let open = host().file("/srv/sh", 0o6755, 1001, 0, "");
    setuid("only: [/bin/su]")
        .on(&open)
        .fails_with(
            "only: setuid 1001, setgid root, mode 6755; expected setuid, setgid or capabilities only \
             of [/bin/su]",
        )
        .repaired_by("chmod u-s,g-s /srv/sh");
    setuid("only: []").on(&host()).fails_with(
        "only: setuid root, mode 4755; expected setuid, setgid or capabilities only of []",
    );
    rule("setuid: /etc\nmust: { only: [] }").on(&open).passes();
}

#[test]
fn a_pattern_of_the_list_allows_what_lies_in_its_place_and_nothing_else() {
    let under_usr = "only: ['/usr/**']";
    setuid(under_usr).on(&host()).passes();
    for stranger in ["/home/eve/sh", "/opt/su", "/su", "/usrlocal/su", "/lib/modules/su"] {
        setuid(under_usr).on(&host().file(stranger, 0o4755, 0, 0, "")).fails_about("mode 4755");
        rule("tree: /\nmust: { world_writable: { only: ['/usr/**'] } }")
            .on(&host().file(stranger, 0o666, 0, 0, ""))
            .fails_about("-rw-rw-rw-");
    }
    // Where /bin is a link, each name means the other place as well; elsewhere they are two places.
    setuid("only: ['/bin/*']").on(&host()).passes();
    let apart = || Memory::new().user("root", 0, 0).group("root", 0, &[]);
    setuid("only: ['/usr/bin/*']")
        .on(&apart().file("/bin/su", 0o4755, 0, 0, ""))
        .fails_about("4755");
    setuid("only: ['/usr/bin/su']").on(&apart().file("/bin/su", 0o4755, 0, 0, "")).passes();
    // As in file:, a star is for one name, and for none that is hidden.
    setuid("only: ['/usr/bin/*']").on(&host()).passes();
    setuid("only: ['/usr/*']").on(&host()).fails_about("4755");
    setuid("only: ['/usr/bin/*']")
        .on(&host().file("/usr/bin/.sh", 0o4755, 0, 0, ""))
        .fails_about("4755");
    setuid("only: ['/usr/{bin,sbin}/s?']").on(&host()).passes();
}

#[test]
fn a_directory_with_setgid_gives_nobody_rights() {
    setuid("only: [/bin/su]").on(&host().dir("/srv", 0o2775, 0, 1001)).passes();
}

#[test]
fn whether_a_package_has_it_is_told_in_either_spelling() {
    setuid("packaged: true").on(&host()).passes();
    setuid("packaged: true").on(&host().file("/usr/bin/own", 0o4755, 0, 0, "")).fails_with(
        "packaged: setuid root, mode 4755; no package has it; expected belongs to an installed package",
    );
    let none = Memory::new().file("/x", 0o4755, 0, 0, "");
    assert_eq!(setuid("packaged: true").on(&none).exit(), 2, "no package manager, no answer");
    let old =
        Memory::new().file("/var/lib/rpm/Packages", 0o644, 0, 0, "").file("/x", 0o4755, 0, 0, "");
    assert_eq!(setuid("packaged: true").on(&old).exit(), 2, "Berkeley DB is not read");
    let closed = host().unreadable("/var/lib/dpkg/info/su.list");
    assert_eq!(setuid("packaged: true").on(&closed).exit(), 2);
}

#[test]
fn whether_a_package_of_rpm_has_it_is_told_by_its_database() {
    if !needs(&[Need::Root, Need::Command("rpm"), Need::Command("rpmbuild")]) {
        return;
    }
    let folder = Folder::new();
    folder.write(
        "own.spec",
        "Name: own\nVersion: 2\nRelease: 1\nSummary: s\nLicense: MIT\nBuildArch: noarch\n\
         %description\nd\n%install\nmkdir -p %{buildroot}/usr/bin\necho x > %{buildroot}/usr/bin/own\n\
         %files\n%attr(4755,root,root) /usr/bin/own\n",
    );
    let made = Command::new("sh")
        .args(["-ec", "rpmbuild --quiet --define \"_topdir $PWD/b\" -bb own.spec >/dev/null 2>&1
         mkdir -p root/etc && echo root:x:0:0::/root:/bin/sh > root/etc/passwd && echo root:x:0: > root/etc/group
         rpm --root \"$PWD/root\" --dbpath /var/lib/rpm --define '_db_backend sqlite' --nodeps --noscripts -i b/RPMS/noarch/*.rpm"])
        .current_dir(folder.path("."))
        .status()
        .unwrap();
    assert!(made.success());
    let root = folder.path("root");
    let judged = || {
        let target = Still::new("rpm", Rootfs::open(&root).unwrap(), None);
        setuid("packaged: true").on(&target)
    };
    judged().passes();
    fs::write(root.join("usr/bin/mine"), "").unwrap();
    fs::set_permissions(root.join("usr/bin/mine"), fs::Permissions::from_mode(0o4755)).unwrap();
    let answers = judged();
    assert_eq!((answers.exit(), answers.findings.len()), (1, 1), "{answers:?}");
    answers.fails_with(
        "packaged: setuid root, mode 4755; no package has it; expected belongs to an installed package",
    );
    fs::write(root.join("var/lib/rpm/rpmdb.sqlite-journal"), "x").unwrap();
    assert_eq!(judged().exit(), 2, "changes that are not merged yet may be about it");
}

#[test]
fn what_gives_more_than_in_the_baseline_is_a_finding_and_what_it_does_not_cover_unknown() {
    if !needs(&[Need::Root, Need::Command("setcap")]) {
        return;
    }
    let folder = Folder::new();
    let root = folder.path("root");
    let shell = |script: &str| {
        let done = Command::new("sh").args(["-ec", script]).current_dir(&root).status().unwrap();
        assert!(done.success(), "{script}");
    };
    fs::create_dir(&root).unwrap();
    shell(
        "umask 022; mkdir -p etc usr/bin srv; echo root:x:0:0::/root:/bin/sh > etc/passwd
         for name in su ping less gone plain; do echo $name > usr/bin/$name; chmod 755 usr/bin/$name; done
         chmod 4750 usr/bin/su usr/bin/gone; setcap cap_net_raw+ep usr/bin/ping",
    );
    folder.write("scope.yaml", "policy: s\ndrift: { paths: [/usr] }\n");
    let baseline =
        ["baseline", "create", "--root", "root", "--baseline", "base", "--policy", "scope.yaml"];
    let made = folder.run(&baseline);
    assert_eq!(made.status, Some(0), "{made:?}");
    folder.write(
        "policy.yaml",
        "policy: p\nrules:\n  - id: known\n    severity: high\n    setuid: all\n    must: { in_baseline: true }\n",
    );
    let judge = |more: &[&str]| {
        let check = ["check", "policy.yaml", "--root", "root", "--format", "json"];
        let ran = folder.run(&[&check, more].concat());
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let mut words: Vec<String> = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                let subject = one["subject"]["name"].as_str().unwrap();
                format!(
                    "{} {subject}: {}",
                    one["outcome"].as_str().unwrap(),
                    one["observed"].as_str().unwrap_or_default()
                )
            })
            .collect();
        words.sort();
        (words.join("\n"), ran.status)
    };
    let with = ["--baseline", "base"];
    assert_eq!(judge(&with).1, Some(0), "{:?}", judge(&with));
    assert_eq!(judge(&[]).1, Some(2), "without a baseline nothing is known");
    // Fewer rights are no danger.
    shell("chmod 755 usr/bin/gone; chmod 4700 usr/bin/su");
    assert_eq!(judge(&with).1, Some(0), "{:?}", judge(&with));
    shell(
        "chmod 4755 usr/bin/su; setcap cap_net_raw,cap_sys_admin+ep usr/bin/ping
         chmod 4755 usr/bin/plain; echo new > usr/bin/new; chmod 2755 usr/bin/new
         echo far > srv/far; chmod 4755 srv/far",
    );
    insta::assert_snapshot!(judge(&with).0, @r"
    fail /usr/bin/new: setgid root, mode 2755; it was not there
    fail /usr/bin/ping: cap_net_raw, cap_sys_admin, mode 0755; it was mode 0755, owner 0, group 0, cap_net_raw
    fail /usr/bin/plain: setuid root, mode 4755; it was mode 0755, owner 0, group 0
    fail /usr/bin/su: setuid root, mode 4755; it was mode 4750, owner 0, group 0
    unknown /srv/far: setuid root, mode 4755
    ");
    assert_eq!(judge(&with).1, Some(1));
}

#[test]
fn of_roots_own_files_those_that_nobody_can_execute_are_left_out_and_no_others() {
    if !needs(&[Need::Root, Need::Command("setcap")]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for (name, uid, mode) in [("roots", 0, 0o644), ("bobs", 1001, 0o644), ("one-x", 0, 0o645)] {
        let path = place.path().join(name);
        fs::write(&path, "").unwrap();
        lchown(&path, Some(uid), Some(uid)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(Command::new("setcap").arg("cap_setuid+ep").arg(&path).status().unwrap().success());
    }
    let target = Still::new("caps", Rootfs::open(place.path()).unwrap(), None);
    let found = paths(&taken(&target, Path::new("/")).privileged);
    // The owner of the other can make it executable, which leaves its capabilities as they are.
    assert_eq!(found, ["/bobs", "/one-x"].map(PathBuf::from).into());
    let bobs = place.path().join("bobs");
    let made = Command::new("setpriv")
        .args(["--reuid=1001", "--regid=1001", "--clear-groups", "chmod", "755"])
        .arg(&bobs)
        .status()
        .unwrap();
    assert!(made.success());
    assert!(xattr::get(&bobs, "security.capability").unwrap().is_some());
}

#[test]
fn who_could_change_such_a_program_is_a_finding() {
    setuid("controlled_only_by: [root]").on(&host()).passes();
    setuid("controlled_only_by: [root]").on(&host().dir("/usr/bin", 0o775, 0, 1001)).fails_with(
        "controlled_only_by: /usr/bin (drwxrwxr-x root:bob) -> bob via group bob: could replace \
             su; that decides setuid root /usr/bin/su; expected controlled only by root",
    );
}

#[test]
fn what_everybody_may_write_is_a_finding_each() {
    let clean = host().file("/srv/a", 0o644, 0, 0, "").dir("/srv/drop", 0o1777, 0, 0);
    tree("world_writable: []").on(&clean).passes();
    let open = clean.file("/srv/a", 0o666, 0, 0, "").dir("/srv/open", 0o777, 0, 0);
    tree("world_writable: []")
        .on(&open)
        .fails_with("world_writable: -rw-rw-rw-; expected writable by everybody only of []")
        .fails_with("world_writable: drwxrwxrwx; expected writable by everybody only of []")
        .repaired_by("chmod o-w /srv/a")
        .repaired_by("chmod +t /srv/open # where everybody has to write there");
    tree("world_writable: { only: [/srv/a, \"/srv/o*\"] }").on(&open).passes();
}

#[test]
fn files_of_nobody_are_one_finding_for_each_number() {
    let clean = host().file("/srv/a", 0o644, 1001, 1001, "");
    tree("unowned: false").on(&clean).passes();
    let orphaned = clean.file("/srv/b", 0o644, 4711, 0, "").file("/srv/c", 0o644, 4711, 4712, "");
    tree("unowned: false")
        .on(&orphaned)
        .fails_with(
            "unowned: uid 4711, which no account has: 2 files (/srv/b, /srv/c); expected an owner \
             and a group that there is",
        )
        .fails_with(
            "unowned: gid 4712, which no group has: 1 file (/srv/c); expected an owner and a group \
             that there is",
        )
        .repaired_by("find /srv -xdev -uid 4711 -ls # whose are they?");
    let nss = clean_with_nss();
    tree("unowned: false").on(&nss).passes();
}

fn clean_with_nss() -> Memory {
    let user = spotcheck::facts::account::User {
        name: "ldap".into(),
        password: spotcheck::facts::account::PasswordField::Shadow,
        uid: 4711,
        gid: 1001,
        gecos: String::new(),
        home: "/".into(),
        shell: "/bin/sh".into(),
        line: 0,
        origin: Origin::Nss,
    };
    host().file("/srv/a", 0o644, 4711, 1001, "").account(user)
}

#[test]
fn owners_and_groups_are_within_their_lists() {
    let host = host().dir("/srv", 0o755, 0, 0).file("/srv/a", 0o644, 1001, 1001, "");
    tree("owners: { only: [root, bob] }, groups: { only: [root, bob] }").on(&host).passes();
    tree("owners: { only: [root] }")
        .on(&host)
        .fails_with("owners: bob: 1 file (/srv/a); expected one of root");
    tree("groups: { only: [bob] }")
        .on(&host)
        .fails_with("groups: root: 1 file (/srv); expected one of bob");
}

#[test]
fn what_could_not_be_seen_makes_a_pass_unknown_and_violations_stay() {
    let closed = host().file("/srv/in/a", 0o644, 0, 0, "").unreadable("/srv/in");
    assert_eq!(tree("world_writable: []").on(&closed).exit(), 2);
    assert_eq!(setuid("only: [/bin/su]").on(&closed).exit(), 2);
    let both = closed.file("/srv/b", 0o666, 0, 0, "");
    assert_eq!(tree("world_writable: []").on(&both).exit(), 1);
    tree("world_writable: []")
        .on(&host())
        .fails_with("exists: there is none; expected a directory");
}

#[test]
fn combinations_of_many_findings_are_refused() {
    setuid("not: { only: [] }").is_refused();
    tree("any: [{ unowned: false }]").is_refused();
    rule("tree: srv\nmust: { unowned: false }").is_refused();
}

/// What `find` prints below a place, terminated by zero bytes.
fn find(place: &Path, arguments: &[&str]) -> BTreeSet<PathBuf> {
    let output = Command::new("find").arg(place).args(arguments).arg("-print0").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let names = output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    names.map(|name| PathBuf::from(std::ffi::OsString::from_vec(name.to_vec()))).collect()
}

fn paths(found: &[spotcheck::facts::inventory::Found]) -> BTreeSet<PathBuf> {
    found.iter().map(|one| one.path.clone()).collect()
}

fn taken(target: &dyn Target, place: &Path) -> Arc<Inventory> {
    inventory(target, place).unwrap().expect("the place is there")
}

/// A tree with everything that an inventory is about, and names that nobody would choose; one
/// directory has so many names.
fn hostile_tree(many: usize) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    let put = |name: &[u8], uid: u32, gid: u32, mode: u32| {
        let path = root.join(std::ffi::OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "").unwrap();
        lchown(&path, Some(uid), Some(gid)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    };
    put(b"etc/passwd", 0, 0, 0o644);
    fs::write(root.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
    put(b"bin/su", 0, 0, 0o4755);
    put(b"bin/locate", 0, 42, 0o2755);
    put(b"bin/\x1b[31mred\nline", 0, 0, 0o4755);
    put(b"bin/not-\xff-utf8", 0, 0, 0o6755);
    put(b"srv/open", 4711, 4712, 0o666);
    put(b"srv/cap", 0, 0, 0o755);
    put(b"srv/cap3", 0, 0, 0o755);
    symlink("/etc/shadow", root.join("srv/link")).unwrap();
    symlink("..", root.join("srv/up")).unwrap();
    for (name, mode) in [("srv/sticky", 0o1777), ("srv/wide", 0o777), ("many", 0o755)] {
        fs::create_dir(root.join(name)).unwrap();
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    for number in 0..many {
        fs::File::create(root.join(format!("many/file-{number}"))).unwrap();
    }
    // Version 2: cap_net_raw=ep; version 3 belongs to the namespace of uid 100000.
    let v2 = [1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let mut v3 = v2.to_vec();
    v3[3] = 3;
    v3.extend(100_000_u32.to_le_bytes());
    xattr::set(root.join("srv/cap"), "security.capability", &v2).unwrap();
    xattr::set(root.join("srv/cap3"), "security.capability", &v3).unwrap();
    place
}

#[test]
fn a_hostile_tree_is_told_exactly_as_find_and_getcap_tell_it() {
    if !needs(&[Need::Root, Need::Command("find"), Need::Command("getcap")]) {
        return;
    }
    let place = hostile_tree(20_000);
    let root = place.path();
    let target = Still::new("hostile", Rootfs::open(root).unwrap(), None);
    let found = taken(&target, Path::new("/"));
    let inside = |paths: BTreeSet<PathBuf>| -> BTreeSet<PathBuf> {
        paths.iter().map(|path| Path::new("/").join(path.strip_prefix(root).unwrap())).collect()
    };
    assert_eq!(found.unread, []);
    assert_eq!(found.entries as usize, find(root, &[]).len());
    let special = inside(find(root, &["-type", "f", "-perm", "/6000"]));
    let getcap = Command::new("getcap").arg("-r").arg(root).output().unwrap();
    let capable = BTreeSet::from([PathBuf::from("/srv/cap"), PathBuf::from("/srv/cap3")]);
    let told = String::from_utf8_lossy(&getcap.stdout).lines().count();
    assert_eq!(told, capable.len(), "getcap: {getcap:?}");
    assert_eq!(paths(&found.privileged), special.union(&capable).cloned().collect());
    let open = find(
        root,
        &["-perm", "-0002", "(", "-type", "f", "-o", "-type", "d", "!", "-perm", "-1000", ")"],
    );
    assert_eq!(paths(&found.world_writable), inside(open));
    let mine = find(root, &["-uid", "4711"]);
    assert_eq!(found.owners[&4711].count as usize, mine.len());
    assert_eq!(found.owners[&4711].first, inside(mine));
    assert_eq!(found.groups[&0].count as usize, find(root, &["-gid", "0"]).len());
    // The fast walk and the one by names agree.
    let rule = rule("setuid: all\nmust: { only: [] }");
    let answers = rule.on(&target);
    assert_eq!(answers.findings.len(), 6, "{answers:?}");
    answers.fails_with(
        "only: cap_net_raw (for the user namespace whose root is uid 100000), mode 0755; expected \
         setuid, setgid or capabilities only of []",
    );
}

#[test]
fn hostile_names_reach_neither_the_terminal_nor_get_lost_in_json() {
    if !needs(&[Need::Root]) {
        return;
    }
    let place = hostile_tree(10);
    let policy = place.path().join("policy.yaml");
    let text = "policy: p\nrules:\n  - id: r\n    setuid: /bin\n    must: { only: [] }\n";
    fs::write(&policy, text).unwrap();
    let run = |format: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
            .args(["check", "--format", format, "--root"])
            .args([place.path(), &policy])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let human = run("human");
    assert!(human.contains(r"/bin/\x1b[31mred\nline"), "{human}");
    assert!(human.contains(r"/bin/not-\xff-utf8"), "{human}");
    assert!(!human.contains('\u{1b}'), "{human}");
    let json: serde_json::Value = serde_json::from_str(&run("json")).unwrap();
    let names: Vec<&str> = json["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["subject"]["name"].as_str())
        .collect();
    assert!(names.contains(&"/bin/\u{1b}[31mred\nline"), "{names:?}");
}

#[test]
fn several_places_share_one_walk_and_each_has_its_own_counts() {
    if !needs(&[Need::Root]) {
        return;
    }
    let place = hostile_tree(100);
    let target = Still::new("hostile", Rootfs::open(place.path()).unwrap(), None);
    let places = ["/", "/srv", "/srv/wide", "/many", "/bin"].map(PathBuf::from);
    target.memo().table::<spotcheck::inventory::Memo>().expect(places.clone());
    for place_inside in &places {
        let shared = taken(&target, place_inside);
        let alone = Still::new("alone", Rootfs::open(place.path()).unwrap(), None);
        assert_eq!(*shared, *taken(&alone, place_inside), "{}", place_inside.display());
    }
    assert_eq!(taken(&target, Path::new("/many")).entries, 101);
    assert_eq!(taken(&target, Path::new("/srv/wide")).world_writable.len(), 1);
}

#[test]
fn this_hosts_files_are_those_that_find_tells() {
    if !needs(&[Need::Root, Need::Command("find")]) {
        return;
    }
    let host = Live::new();
    for place in ["/etc", "/usr/bin", "/usr/lib/systemd"].map(Path::new) {
        let Some(found) = inventory(&host, place).unwrap() else { continue };
        let special = find(place, &["-xdev", "-type", "f", "-perm", "/6000"]);
        let ours: BTreeSet<PathBuf> = found
            .privileged
            .iter()
            .filter(|one| one.fact.mode.0 & 0o6000 != 0)
            .map(|one| one.path.clone())
            .collect();
        assert_eq!(ours, special, "{}", place.display());
        assert_eq!(found.entries as usize, find(place, &["-xdev"]).len(), "{}", place.display());
    }
}

#[test]
fn a_filesystem_that_is_mounted_nosuid_is_marked_and_one_of_the_kernel_not_walked() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must(
        "mkdir -p /mnt/t/no /mnt/t/yes /mnt/t/proc
         mount -t tmpfs -o nosuid tmpfs /mnt/t/no
         mount -t tmpfs -o suid tmpfs /mnt/t/yes
         mount -t proc proc /mnt/t/proc
         for d in no yes; do cp /bin/true /mnt/t/$d/true; chmod 4755 /mnt/t/$d/true; done",
    );
    machine.write(
        "/mnt/p.yaml",
        "policy: p\nrules:\n  - id: r\n    setuid: /mnt/t\n    must: { only: [] }\n",
    );
    let output = machine.run(&["check", "p.yaml"]).stdout;
    assert!(output.contains("setuid root, without effect, mounted nosuid, mode 4755"), "{output}");
    assert!(output.contains("setuid root, mode 4755"), "{output}");
    assert!(!output.contains("/mnt/t/proc"), "{output}");
}
