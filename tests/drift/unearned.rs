//! What must never pass for "no drift", or for explained: links and directories of which dpkg knows
//! only that they exist, databases that have gone or cannot be read, lists that somebody has edited,
//! a baseline that did not see, a rule about what nobody looked at.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Folder, Need, Output, needs};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::Command;

const MD5_OF_TOOL: &str = "6ad5b8a5b3f8b9d9b5e4d4ba3cb0f7ba";

/// A root filesystem with one package of dpkg, all of it written by hand.
struct Host(Folder);

impl Host {
    fn new() -> Self {
        let host = Self(Folder::new());
        host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
        host.write("etc/group", "root:x:0:\n");
        host.write("etc/tool.conf", "default\n");
        host.write("usr/bin/tool", "tool 1\n").write("usr/lib/tool/part", "part\n");
        host.link("usr/bin/t", "tool");
        host.package("1.0");
        host
    }

    /// What dpkg's database says of the package.
    fn package(&self, version: &str) -> &Self {
        self.write(
            "var/lib/dpkg/status",
            &format!(
                "Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n\
                 Conffiles:\n /etc/tool.conf 0123456789abcdef0123456789abcdef\n"
            ),
        );
        let list = "/.\n/usr\n/usr/bin\n/usr/bin/t\n/usr/bin/tool\n/usr/lib\n/usr/lib/tool\n\
                    /usr/lib/tool/part\n";
        self.write("var/lib/dpkg/info/tool.list", list);
        let sums = format!("{MD5_OF_TOOL}  usr/bin/tool\n{MD5_OF_TOOL}  usr/lib/tool/part\n");
        self.write("var/lib/dpkg/info/tool.md5sums", &sums)
    }

    fn write(&self, inside: &str, content: &str) -> &Self {
        self.0.write(&format!("root/{inside}"), content);
        self
    }

    fn path(&self, inside: &str) -> std::path::PathBuf {
        self.0.path(&format!("root/{inside}"))
    }

    fn link(&self, inside: &str, to: &str) -> &Self {
        let _ = fs::remove_file(self.path(inside));
        symlink(to, self.path(inside)).unwrap();
        self
    }

    fn mode(&self, inside: &str, mode: u32) -> &Self {
        fs::set_permissions(self.path(inside), fs::Permissions::from_mode(mode)).unwrap();
        self
    }

    fn create(&self, more: &[&str]) -> &Self {
        let args = ["baseline", "create", "--root", "root", "--baseline", "base"];
        let output = self.0.run(&[&args, more].concat());
        assert_eq!(output.status, Some(0), "{output:?}");
        self
    }

    fn drift(&self, more: &[&str]) -> Output {
        self.0.run(&[&["drift", "--root", "root", "--baseline", "base"], more].concat())
    }

    fn json(&self, more: &[&str]) -> Value {
        let output = self.drift(&[&["--format", "json"], more].concat());
        serde_json::from_str(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
    }

    /// Explanation and reason of the first attribute of a change that is not a trace.
    fn told(&self, name: &str) -> (String, String) {
        let report = self.json(&[]);
        let changes = report["changes"].as_array().unwrap();
        let found = changes.iter().find(|change| change["name"] == name);
        let change = found.unwrap_or_else(|| panic!("{name} is not in {report:#}"));
        let deltas = change["deltas"].as_array().unwrap();
        let worst = deltas.iter().find(|d| d["explanation"] == change["explanation"]).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&change["explanation"]), text(&worst["why"]))
    }

    fn assert_unexplained(&self, name: &str, why: &str) {
        let (explanation, because) = self.told(name);
        assert_eq!(explanation, "unexplained", "{name}: {because}");
        assert!(because.contains(why), "{name}: {because}");
    }

    fn packages(&self) -> Output {
        self.0.run(&["drift", "--root", "root", "--against", "packages"])
    }
}

#[test]
fn a_link_that_a_package_only_lists_is_not_excused_when_it_leads_elsewhere() {
    let host = Host::new();
    host.create(&[]).link("usr/bin/t", "/tmp/evil");
    host.assert_unexplained("/usr/bin/t", "which has not changed since");
    // Even a new version explains a link only to what a package has.
    host.package("2.0");
    host.assert_unexplained("/usr/bin/t", "no package's");
    host.link("usr/bin/t", "../lib/tool/part");
    assert_eq!(host.told("/usr/bin/t"), ("verified".into(), "listed by tool 2.0".into()));
}

#[test]
fn a_directory_that_became_a_link_or_a_pipe_is_not_excused() {
    let host = Host::new();
    host.create(&[]);
    fs::rename(host.path("usr/lib/tool"), host.path("usr/lib/moved")).unwrap();
    host.link("usr/lib/tool", "/tmp/evil");
    host.assert_unexplained("/usr/lib/tool", "which has not changed since");
    fs::remove_file(host.path("usr/lib/tool")).unwrap();
    assert!(Command::new("mkfifo").arg(host.path("usr/lib/tool")).status().unwrap().success());
    host.package("2.0");
    host.assert_unexplained("/usr/lib/tool", "has no fifo there");
}

/// Takes the package away as dpkg --purge does, and leaves another one in the database.
fn purge(host: &Host) {
    host.write(
        "var/lib/dpkg/status",
        "Package: other\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n",
    );
    for file in [
        "var/lib/dpkg/info/tool.list",
        "var/lib/dpkg/info/tool.md5sums",
        "usr/bin/tool",
        "usr/bin/t",
        "etc/tool.conf",
    ] {
        fs::remove_file(host.path(file)).unwrap();
    }
    fs::remove_dir_all(host.path("usr/lib/tool")).unwrap();
}

#[test]
fn what_a_removed_package_had_goes_with_it_links_directories_and_units_too() {
    let host = Host::new();
    let list = fs::read_to_string(host.path("var/lib/dpkg/info/tool.list")).unwrap();
    let unit = "usr/lib/systemd/system/tool.service";
    host.write("var/lib/dpkg/info/tool.list", &format!("{list}/{unit}\n"));
    host.write(unit, "[Service]\nExecStart=/usr/bin/tool\n[Install]\nWantedBy=multi-user.target\n");
    host.write("usr/lib/systemd/system/multi-user.target", "[Unit]\n");
    for folder in ["etc/systemd/system/multi-user.target.wants", "etc/alternatives", "etc/rc2.d"] {
        fs::create_dir_all(host.path(folder)).unwrap();
    }
    let wants = "etc/systemd/system/multi-user.target.wants/tool.service";
    let links = [
        (wants, "/usr/lib/systemd/system/tool.service"),
        ("etc/alternatives/x", "/usr/bin/tool"),
        ("usr/bin/x", "/etc/alternatives/x"),
        ("etc/rc2.d/S01tool", "../../usr/lib/tool/part"),
    ];
    for (link, to) in links {
        host.link(link, to);
    }
    host.create(&[]);
    purge(&host);
    fs::remove_file(host.path(unit)).unwrap();
    links.iter().for_each(|(link, _)| fs::remove_file(host.path(link)).unwrap());
    let output = host.drift(&[]);
    assert_eq!(output.status, Some(0), "{output:?}");
    assert_eq!(host.told("/usr/lib/tool").1, "tool was removed");
    assert_eq!(host.told("/usr/bin/x").1, "it led to /usr/bin/tool: tool was removed");
    assert_eq!(host.told("tool.service").1, "tool was removed");
}

#[test]
fn what_was_no_packages_does_not_go_with_one() {
    let host = Host::new();
    host.write("usr/bin/own", "own").link("usr/bin/to-own", "own");
    host.write("usr/share/own/file", "own").create(&[]);
    purge(&host);
    fs::remove_file(host.path("usr/bin/own")).unwrap();
    fs::remove_file(host.path("usr/bin/to-own")).unwrap();
    fs::remove_dir_all(host.path("usr/share/own")).unwrap();
    for name in ["/usr/bin/own", "/usr/bin/to-own", "/usr/share/own", "/usr/share/own/file"] {
        host.assert_unexplained(name, "");
    }
}

#[test]
fn what_dpkg_is_told_to_leave_out_is_not_missing() {
    let host = Host::new();
    host.write("etc/dpkg/dpkg.cfg.d/slim", "path-exclude /usr/lib/tool/*\n").create(&[]);
    fs::remove_file(host.path("usr/lib/tool/part")).unwrap();
    let (explanation, why) = host.told("/usr/lib/tool/part");
    assert_eq!(
        (explanation.as_str(), why.as_str()),
        ("verified", "path-exclude of dpkg leaves it out of tool 1.0")
    );
    let told = host.packages().stdout;
    assert!(!told.contains("/usr/lib/tool/part"), "{told}");
    host.write("etc/dpkg/dpkg.cfg.d/slim", "path-exclude /usr/lib/tool/*\npath-include *part\n");
    let told = host.packages().stdout;
    assert!(told.contains("file /usr/lib/tool/part removed"), "{told}");
}

#[test]
fn links_and_directories_that_a_package_lists_are_missed_when_they_are_gone() {
    let host = Host::new();
    fs::remove_file(host.path("usr/bin/t")).unwrap();
    fs::remove_dir_all(host.path("usr/lib/tool")).unwrap();
    let told = host.packages().stdout;
    for name in ["file /usr/bin/t removed", "file /usr/lib/tool removed"] {
        assert!(told.contains(name), "{name}: {told}");
    }
    host.write("usr/lib/tool", "a file in its place");
    let told = host.packages().stdout;
    assert!(
        told.contains("type  directory -> file (a file stands where tool 1.0 has a directory)"),
        "{told}"
    );
}

#[test]
fn what_stands_in_the_place_of_a_file_is_told_as_that_and_not_as_other_content() {
    let host = Host::new();
    let tool = host.path("usr/bin/tool");
    fs::rename(&tool, host.path("usr/bin/moved")).unwrap();
    host.link("usr/bin/tool", "moved");
    let told = |kind: &str| {
        let told = host.packages().stdout;
        let words = format!("type  file -> {kind} (a {kind} stands where tool 1.0 has a file)");
        assert!(told.contains(&words), "{told}");
    };
    told("symlink");
    fs::remove_file(&tool).unwrap();
    fs::create_dir(&tool).unwrap();
    told("directory");
    fs::remove_dir(&tool).unwrap();
    assert!(Command::new("mkfifo").arg(&tool).status().unwrap().success());
    told("fifo");
}

#[test]
fn a_package_database_that_has_gone_did_not_remove_its_packages() {
    let host = Host::new();
    host.create(&[]);
    fs::remove_file(host.path("usr/bin/tool")).unwrap();
    fs::remove_dir_all(host.path("var/lib/dpkg")).unwrap();
    host.assert_unexplained("/usr/bin/tool", "the package database could not be read");
    host.assert_unexplained("all", "there is no package database any more");
}

#[test]
fn an_override_that_is_new_itself_excuses_no_rights() {
    let host = Host::new();
    host.write("var/lib/dpkg/statoverride", "root root 0750 /usr/lib/tool/part\n").create(&[]);
    host.mode("usr/bin/tool", 0o4755).mode("usr/lib/tool/part", 0o750);
    host.write(
        "var/lib/dpkg/statoverride",
        "root root 0750 /usr/lib/tool/part\nroot root 4755 /usr/bin/tool\n",
    );
    host.assert_unexplained("/usr/bin/tool", "which did not at the time of the baseline");
    host.assert_unexplained("statoverride /usr/bin/tool", "set by dpkg-statoverride");
    assert_eq!(host.told("/usr/lib/tool/part").0, "verified");
}

#[test]
fn what_ucf_remembers_is_not_believed_as_long_as_the_package_is_the_same() {
    let host = Host::new();
    host.write("etc/ucf.conf", "1\n").write("var/lib/ucf/registry", "tool /etc/ucf.conf\n");
    host.create(&[]);
    host.write("etc/ucf.conf", "evil\n");
    let sum = Command::new("md5sum").arg(host.path("etc/ucf.conf")).output().unwrap().stdout;
    let sum = String::from_utf8(sum[..32].to_vec()).unwrap();
    host.write("var/lib/ucf/hashfile", &format!("{sum}  /etc/ucf.conf\n"));
    host.assert_unexplained("/etc/ucf.conf", "tool 1.0 has not changed since");
    host.package("2.0");
    assert_eq!(host.told("/etc/ucf.conf").0, "verified");
}

#[test]
fn a_new_default_that_nobody_merged_is_told_as_that() {
    let host = Host::new();
    host.create(&[]).write("etc/tool.conf.dpkg-dist", "new default\n");
    host.write("etc/other.conf.dpkg-dist", "of no package\n");
    let (explanation, why) = host.told("/etc/tool.conf.dpkg-dist");
    assert_eq!(explanation, "default_changed");
    assert!(why.contains("not merged"), "{why}");
    host.assert_unexplained("/etc/other.conf.dpkg-dist", "");
}

#[test]
fn what_the_baseline_did_not_see_stays_unknown() {
    if !needs(&[Need::Root, Need::Command("setpriv")]) {
        return;
    }
    let host = Host::new();
    host.write("etc/closed/a", "a").mode("etc/closed", 0o700);
    host.write("etc/shadow", "root:*:1::::::\n").mode("etc/shadow", 0o600);
    fs::create_dir(host.0.path("mine")).unwrap();
    std::os::unix::fs::chown(host.0.path("mine"), Some(65_534), Some(65_534)).unwrap();
    let args = ["baseline", "create", "--root", "root", "--baseline", "mine/base"];
    let made = host.0.run_as(65_534, &args);
    assert_eq!(made.status, Some(2), "{made:?}");
    std::os::unix::fs::chown(host.0.path("mine/base"), Some(0), Some(0)).unwrap();
    let args = ["drift", "--root", "root", "--baseline", "mine/base", "--format", "json"];
    let output = host.0.run(&args);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let unseen = report["unseen"].to_string();
    for what in ["/etc/closed: not seen when the baseline was made", "/etc/shadow: not seen when"] {
        assert!(unseen.contains(what), "{what}: {unseen}");
    }
    // The hash of root's password was not seen, which is no change of it.
    assert!(!report["changes"].to_string().contains("password"), "{report:#}");
}

#[test]
fn what_cannot_be_looked_at_one_by_one_has_not_gone() {
    if !needs(&[Need::Root, Need::Command("setpriv")]) {
        return;
    }
    let host = Host::new();
    host.write("etc/listed/a", "a").write("etc/listed/deep/b", "b").create(&[]);
    // It can be listed, and nothing in it looked at.
    host.mode("etc/listed", 0o744).mode("../base", 0o644).mode("../base.history", 0o644);
    let args = ["drift", "--root", "root", "--baseline", "base", "--format", "json"];
    let output = host.0.run_as(65_534, &args);
    let report: Value = serde_json::from_str(&output.stdout).unwrap();
    let removed: Vec<&Value> =
        report["changes"].as_array().unwrap().iter().filter(|c| c["how"] == "removed").collect();
    assert!(removed.is_empty(), "{removed:#?}");
    assert!(report["unseen"].to_string().contains("/etc/listed/a: permission denied"));
}

#[test]
fn a_rule_about_what_nobody_looked_at_does_not_hold() {
    let host = Host::new();
    host.write("srv/own/a", "a").write("srv/tmp/b", "b").link("srv/way", "own");
    host.0.write(
        "scope.yaml",
        "policy: p\ndrift: { paths: [/etc, /srv], exclude: /srv/tmp, classes: [file, account] }\n",
    );
    host.create(&["--policy", "scope.yaml"]);
    let check = |subject: &str| {
        let rule = format!(
            "policy: p\nrules:\n  - {{ id: r, drift: {subject}, must: {{ unexplained: 0 }} }}\n"
        );
        host.0.write("rule.yaml", rule);
        let args = ["check", "--root", "root", "--baseline", "base", "rule.yaml"];
        host.0.run(&args)
    };
    for subject in ["/etc", "/etc/passwd", "/srv", "/srv/own/a", "account", "all"] {
        let output = check(subject);
        assert_eq!(output.status, Some(0), "{subject}: {output:?}");
    }
    for (subject, why) in [
        ("/usr", "the baseline does not have it; it has /etc, /srv"),
        ("/", "the baseline does not have it"),
        ("/srv/tmp/b", "left out of the baseline by `exclude:`"),
        ("/srv/way/a", "/srv/way is a link"),
        ("/etc/nginx", "neither the baseline nor the target has it"),
        ("group", "the baseline has none of these"),
        ("listener", "the baseline has none of these"),
    ] {
        let output = check(subject);
        assert_eq!(output.status, Some(2), "{subject}: {output:?}");
        assert!(output.stdout.contains(why), "{subject}: {}", output.stdout);
    }
    // What was there and has gone is drift, and no unknown.
    fs::remove_file(host.path("srv/own/a")).unwrap();
    assert_eq!(check("/srv/own/a").status, Some(1));
}

#[test]
fn a_log_may_grow_and_not_become_something_else() {
    let host = Host::new();
    let log = "sshd: eve logged in\n";
    host.write("srv/log/auth.log", log).write("srv/log/app.log", log).write("srv/log/new.log", log);
    host.0.write("p.yaml", "policy: p\ndrift: { paths: [/srv], log: /srv/log }\n");
    host.create(&["--policy", "p.yaml"]);
    host.link("srv/log/auth.log", "/dev/null");
    // Taken away and made anew; the other was rotated.
    fs::rename(host.path("srv/log/app.log"), host.path("srv/log/gone")).unwrap();
    fs::rename(host.path("srv/log/new.log"), host.path("srv/log/new.log.1")).unwrap();
    host.write("srv/log/app.log", "").write("srv/log/new.log", "");
    host.assert_unexplained("/srv/log/auth.log", "another kind of file");
    host.assert_unexplained("/srv/log/app.log", "no rotated one is there");
    assert_eq!(host.told("/srv/log/new.log").0, "expected");
}

#[test]
fn without_reading_nobody_knows_that_a_touched_file_is_the_same() {
    let host = Host::new();
    host.create(&[]);
    let path = host.path("usr/bin/tool");
    let time = fs::metadata(&path).unwrap().modified().unwrap();
    host.write("usr/bin/tool", "evil 1\n");
    fs::OpenOptions::new().write(true).open(&path).unwrap().set_modified(time).unwrap();
    let report = host.json(&["--metadata"]);
    let tool = report["changes"].as_array().unwrap().iter().find(|c| c["name"] == "/usr/bin/tool");
    assert_eq!(tool.unwrap()["explanation"], "unexplained", "{report:#}");
    assert_eq!(report["exit"], 1);
}

#[test]
fn databases_of_rpm_that_are_not_read_are_unknown_and_not_empty() {
    for (name, kind) in [("Packages", "Berkeley DB"), ("Packages.db", "ndb")] {
        let host = Host::new();
        fs::remove_dir_all(host.path("var/lib/dpkg")).unwrap();
        host.write(&format!("var/lib/rpm/{name}"), "not one that is read");
        let output = host.packages();
        assert_eq!(output.status, Some(2), "{output:?}");
        assert!(output.stderr.contains(kind), "{output:?}");
        let args = ["baseline", "create", "--root", "root", "--baseline", "base"];
        let made = host.0.run(&args);
        assert_eq!((made.status, made.stdout.contains(kind)), (Some(2), true), "{made:?}");
        let drift = host.drift(&[]);
        assert_eq!((drift.status, drift.stdout.contains(kind)), (Some(2), true), "{drift:?}");
    }
}

#[test]
fn a_package_without_digests_or_without_a_list_was_not_compared() {
    let host = Host::new();
    fs::remove_file(host.path("var/lib/dpkg/info/tool.md5sums")).unwrap();
    fs::write(host.path("etc/tool.conf"), "default\n").unwrap();
    let output = host.packages();
    assert!(output.stdout.contains("package tool: the database has no digests"), "{output:?}");
    fs::remove_file(host.path("var/lib/dpkg/info/tool.list")).unwrap();
    let output = host.packages();
    assert!(output.stdout.contains("has no list of its files"), "{output:?}");
}

#[test]
fn an_image_without_dpkg_and_without_digests_was_not_compared() {
    let folder = Folder::new();
    folder.write("root/usr/bin/app", "app\n");
    folder.write("root/var/lib/dpkg/status.d/app", "Package: app\nVersion: 1\n");
    let output = folder.run(&["drift", "--root", "root", "--against", "packages"]);
    assert_eq!(output.status, Some(2), "{output:?}");
    assert!(output.stdout.contains("package app: the database has no digests"), "{output:?}");
    assert!(output.stdout.contains("no file that could be compared"), "{output:?}");
}

#[test]
fn lines_that_are_no_digests_are_told() {
    let host = Host::new();
    host.write("var/lib/dpkg/info/tool.md5sums", "#oops  usr/bin/tool\n");
    let output = host.packages();
    assert!(output.stdout.contains("1 lines that are no digest of a file"), "{output:?}");
}

#[test]
fn digests_of_two_kinds_are_not_taken_for_equal_contents() {
    use crate::support::archive::{Image, Tar};
    let host = Host::new();
    host.create(&[]);
    let layer = Tar::new().dir("etc/").file("etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    host.0.write("image.tar", Image::new("{}", [layer]).docker_old("a:1"));
    let against = |more: &[&str]| {
        let args = ["drift", "--image", "image.tar", "--against", "base", "--format", "json"];
        let output = host.0.run(&[&args, more].concat());
        serde_json::from_str::<Value>(&output.stdout).unwrap()["unseen"].to_string()
    };
    assert!(against(&[]).contains("only SHA-256 is known"), "{}", against(&[]));
    assert!(!against(&["--metadata"]).contains("SHA-256"), "nobody asked for contents");
    host.create(&["--digest", "sha256", "--replace", "--reason", "x"]);
    assert!(!against(&[]).contains("contents of files"), "{}", against(&[]));
    host.create(&["--metadata", "--replace", "--reason", "x"]);
    assert!(against(&[]).contains("no digest of any file"), "{}", against(&[]));
}

#[test]
fn a_baseline_that_others_can_write_proves_nothing() {
    let host = Host::new();
    host.create(&[]).mode("../base", 0o666);
    let output = host.drift(&[]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(2), ""), "{output:?}");
    assert!(output.stderr.contains("others than root and you can write"), "{output:?}");
}

#[test]
fn the_second_line_of_a_group_is_not_hidden_by_the_first() {
    let host = Host::new();
    host.create(&[]).write("etc/group", "root:x:0:\nroot:x:0:eve\n");
    host.assert_unexplained("root (again)", "");
}

#[test]
fn links_of_alpine_are_compared_by_the_digest_of_what_they_lead_to() {
    let folder = Folder::new();
    folder.write("root/lib/real", "").write("root/lib/apk/db/x", "");
    symlink("real", folder.path("root/lib/link")).unwrap();
    // SHA-1 of "real", and of nothing.
    let (link, empty) = ("Q1ycZOBx0oU7x5BsAXojGtHMRqtjA=", "Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=");
    let (uid, gid) = (nix::unistd::geteuid(), nix::unistd::getegid());
    folder.write(
        "root/lib/apk/db/installed",
        format!(
            "P:tool\nV:1-r0\nF:lib\nR:link\na:{uid}:{gid}:777\nZ:{link}\nR:real\na:{uid}:{gid}:644\n\
             Z:{empty}\n\n"
        ),
    );
    fs::set_permissions(folder.path("root/lib/real"), fs::Permissions::from_mode(0o644)).unwrap();
    let packages = || folder.run(&["drift", "--root", "root", "--against", "packages"]);
    assert_eq!(packages().status, Some(0), "{:?}", packages());
    fs::remove_file(folder.path("root/lib/link")).unwrap();
    symlink("/tmp/evil", folder.path("root/lib/link")).unwrap();
    let output = packages();
    assert_eq!((output.status, output.stdout.contains("/lib/link")), (Some(1), true), "{output:?}");
    // A file that became a link.
    fs::remove_file(folder.path("root/lib/link")).unwrap();
    symlink("real", folder.path("root/lib/link")).unwrap();
    fs::remove_file(folder.path("root/lib/real")).unwrap();
    symlink("/tmp/evil", folder.path("root/lib/real")).unwrap();
    let output = packages();
    assert_eq!((output.status, output.stdout.contains("/lib/real")), (Some(1), true), "{output:?}");
}

#[test]
fn apt_and_its_rotated_history_tell_what_happened_at_the_same_time() {
    let host = Host::new();
    host.create(&[]).write("usr/bin/new", "new\n");
    use std::os::unix::fs::MetadataExt;
    let changed = fs::metadata(host.path("usr/bin/new")).unwrap().ctime();
    let zone = jiff::tz::TimeZone::system();
    let time = |seconds: i64| {
        let time = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(zone.clone());
        time.strftime("%Y-%m-%d  %H:%M:%S").to_string()
    };
    let history = format!(
        "\nStart-Date: {}\nCommandline: apt-get install new\nRequested-By: ann (1000)\n\
         Install: new:amd64 (1)\nEnd-Date: {}\n",
        time(changed - 300),
        time(changed + 300)
    );
    host.write("var/log/apt/history.log", "");
    fs::write(host.path("var/log/apt/history.log.1"), history).unwrap();
    let packed = Command::new("gzip").arg(host.path("var/log/apt/history.log.1")).status().unwrap();
    assert!(packed.success());
    let output = host.drift(&[]);
    let wanted = "at the same time: apt history: apt-get install new, requested by ann (1000)";
    assert!(output.stdout.contains(wanted), "{}", output.stdout);
    assert_eq!(output.status, Some(1), "it proves nothing");
}

#[test]
fn what_was_over_before_the_baseline_is_not_at_the_same_time() {
    let host = Host::new();
    let history = |start: i64, end: i64| {
        let zone = jiff::tz::TimeZone::system();
        let time = |seconds: i64| {
            let time = jiff::Timestamp::from_second(seconds).unwrap().to_zoned(zone.clone());
            time.strftime("%Y-%m-%d  %H:%M:%S").to_string()
        };
        let text = format!(
            "\nStart-Date: {}\nCommandline: apt-get install old\nEnd-Date: {}\n",
            time(start),
            time(end)
        );
        fs::create_dir_all(host.path("var/log/apt")).unwrap();
        fs::write(host.path("var/log/apt/history.log"), text).unwrap();
    };
    host.create(&[]).write("usr/bin/new", "new\n");
    let now = jiff::Timestamp::now().as_second();
    history(now - 20, now - 10);
    assert!(!host.drift(&[]).stdout.contains("at the same time"));
    history(now - 20, now + 10);
    assert!(host.drift(&[]).stdout.contains("at the same time"));
}

#[test]
fn a_run_of_packages_is_told_once_and_not_under_each_file() {
    let host = Host::new();
    host.create(&[]);
    for name in ["one", "two", "three"] {
        host.write(&format!("usr/bin/{name}"), name);
    }
    let time = jiff::Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
    let log = format!("{time} install a:amd64 <none> 1\n{time} install b:amd64 <none> 1\n");
    host.write("var/log/dpkg.log", &log);
    let report = host.drift(&[]).stdout;
    assert_eq!(report.matches("at the same time").count(), 1, "{report}");
    assert!(report.contains("and 1 more (3 of these changes)"), "{report}");
}

#[test]
fn a_new_account_is_one_thing_with_the_files_that_it_stands_in() {
    let host = Host::new();
    let files = ["passwd", "shadow", "group", "gshadow", "subuid", "subgid"];
    for name in files {
        host.write(&format!("etc/{name}"), "root:x:0:0::/root:/bin/sh\n");
    }
    host.write("etc/group", "root:x:0:\n").create(&[]);
    for name in files {
        fs::copy(host.path(&format!("etc/{name}")), host.path(&format!("etc/{name}-"))).unwrap();
    }
    host.write("etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n");
    host.write("etc/group", "root:x:0:\nbob:x:1000:\n");
    for name in ["shadow", "gshadow", "subuid", "subgid"] {
        host.write(&format!("etc/{name}"), "root:*:1::::::\nbob:!:1::::::\n");
    }
    let output = host.drift(&[]);
    let report = &output.stdout;
    assert_eq!(output.status, Some(1), "{report}");
    let lines: Vec<&str> = report.lines().filter(|line| line.starts_with("  ")).collect();
    assert!(lines.iter().filter(|line| line.starts_with("  file ")).count() == 0, "{report}");
    assert!(report.contains("account bob added") && report.contains("group bob added"), "{report}");
    assert!(report.contains("with it: /etc/group, /etc/group-"), "{report}");
    // Another mode of one of them is no part of that.
    host.mode("etc/shadow", 0o666);
    assert!(host.drift(&[]).stdout.contains("  file /etc/shadow"));
}

#[test]
fn a_setuid_program_that_gains_a_name_is_told_as_that() {
    let host = Host::new();
    host.mode("usr/bin/tool", 0o4755).write("srv/x", "").create(&[]);
    fs::hard_link(host.path("usr/bin/tool"), host.path("usr/lib/tool/kept")).unwrap();
    host.assert_unexplained("/usr/bin/tool", "gained a name: /usr/lib/tool/kept");
    // Where nobody looks.
    fs::remove_file(host.path("usr/lib/tool/kept")).unwrap();
    fs::create_dir_all(host.path("elsewhere")).unwrap();
    fs::hard_link(host.path("usr/bin/tool"), host.path("elsewhere/kept")).unwrap();
    host.assert_unexplained("/usr/bin/tool", "gained a name: ");
    // A program that gives nothing may have as many names as it likes.
    let plain = Host::new();
    plain.create(&[]);
    fs::hard_link(plain.path("usr/bin/tool"), plain.path("elsewhere")).unwrap();
    let report = plain.drift(&["--all"]).stdout;
    assert!(!report.contains("gained a name"), "{report}");
}
