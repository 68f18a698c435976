//! Images compared: their files by every digest that databases have, their configuration, all of the
//! tree; and rules about drift of an image.

use crate::support::Folder;
use crate::support::archive::{Image, Tar};
use std::process::Command;

fn files() -> Tar {
    Tar::new()
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        .file("etc/group", "root:x:0:\n")
        .owned("app/run", 0o755, (0, 0), "v1")
}

const CONFIG: &str =
    r#"{"User":"1000","Env":["PATH=/usr/bin","DB_PASSWORD=hunter2hunter2"],"Cmd":["/app/run"]}"#;

fn compared(old: &Image, new: &Image) -> (Option<i32>, String) {
    let folder = Folder::new();
    folder.write("old.tar", old.docker_old("a:1")).write("new.tar", new.crane("a:2"));
    let output = folder.run(&["drift", "--image", "new.tar", "--against", "old.tar"]);
    (output.status, format!("{}{}", output.stdout, output.stderr))
}

#[test]
fn two_images_with_other_configurations_have_drifted() {
    let old = Image::new(CONFIG, [files()]);
    assert_eq!(compared(&old, &old).0, Some(0));
    for (config, told) in [
        (
            r#"{"User":"root","Env":["PATH=/usr/bin","DB_PASSWORD=hunter2hunter2"],"Cmd":["/app/run"]}"#,
            "value  1000 -> root",
        ),
        (
            r#"{"User":"1000","Env":["PATH=/usr/bin","DB_PASSWORD=hunter3hunter3"],"Cmd":["/app/run"]}"#,
            "image env DB_PASSWORD",
        ),
        (
            r#"{"User":"1000","Env":["PATH=/usr/bin","DB_PASSWORD=hunter2hunter2","LD_PRELOAD=/tmp/x.so"],"Cmd":["/app/run"]}"#,
            "image env LD_PRELOAD added",
        ),
        (
            r#"{"User":"1000","Env":["PATH=/usr/bin","DB_PASSWORD=hunter2hunter2"],"Cmd":["/bin/sh"]}"#,
            "image cmd",
        ),
        (
            r#"{"User":"1000","Env":["PATH=/usr/bin","DB_PASSWORD=hunter2hunter2"],"Cmd":["/app/run"],"OnBuild":["RUN evil"]}"#,
            "image on build added",
        ),
        (
            r#"{"User":"1000","Env":["PATH=/usr/bin","DB_PASSWORD=hunter2hunter2"],"Cmd":["/app/run"],"ExposedPorts":{"22/tcp":{}}}"#,
            "image port 22/tcp added",
        ),
    ] {
        let (code, report) = compared(&old, &Image::new(config, [files()]));
        assert!(code == Some(1) && report.contains(told), "{told}: {report}");
        assert!(!report.contains("hunter"), "{report}");
    }
}

#[test]
fn the_step_that_changed_a_part_is_named() {
    let old = Image::new(CONFIG, [files()]);
    let new = Image::new(&CONFIG.replace("1000", "root"), [files()]);
    let new = new.made_by(&["COPY . /", "USER root"]);
    let mut new = new;
    new.history = new
        .history
        .replace(r#""USER root","empty_layer":false"#, r#""USER root","empty_layer":true"#);
    let (_, report) = compared(&old, &new);
    assert!(report.contains("history step 2: USER root"), "{report}");
}

#[test]
fn all_of_the_tree_is_compared_and_a_change_says_which_layer_made_it() {
    let old = Image::new(CONFIG, [files()]);
    let more = Tar::new().owned("app/run", 0o4755, (0, 0), "v2").file("srv/new", "x");
    let new = Image::new(CONFIG, [files(), more]).made_by(&["COPY . /", "RUN make"]);
    let (code, report) = compared(&old, &new);
    assert_eq!(code, Some(1), "{report}");
    for words in
        ["file /app/run", "mode     0755 -> 4755", "file /srv added", "made by layer 2: RUN make"]
    {
        assert!(report.contains(words), "{words}: {report}");
    }
    // What is there for a while is not.
    let temporary = Image::new(CONFIG, [files(), Tar::new().file("tmp/x", "x").file("run/x", "x")]);
    let (code, report) = compared(&old, &temporary);
    assert_eq!(code, Some(0), "{report}");
}

fn md5(text: &str) -> String {
    let folder = Folder::new();
    folder.write("x", text);
    let output = Command::new("md5sum").arg(folder.path("x")).output().unwrap();
    String::from_utf8_lossy(&output.stdout[..32]).into_owned()
}

#[test]
fn files_of_an_image_are_compared_with_the_digests_of_its_packages() {
    let status = "Package: tool\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n\n";
    let sums = format!("{}  usr/bin/tool\n", md5("tool 1\n"));
    let dpkg = |content: &str| {
        files()
            .owned("usr/bin/tool", 0o755, (0, 0), content)
            .file("var/lib/dpkg/status", status)
            .file("var/lib/dpkg/info/tool.list", "/.\n/usr\n/usr/bin\n/usr/bin/tool\n")
            .file("var/lib/dpkg/info/tool.md5sums", &sums)
    };
    let distroless = |content: &str| {
        files()
            .owned("usr/bin/tool", 0o755, (0, 0), content)
            .file("var/lib/dpkg/status.d/tool", "Package: tool\nVersion: 1\n")
            .file("var/lib/dpkg/status.d/tool.md5sums", &sums)
    };
    // sha1 of "tool 1\n" in base64, as apk has it.
    let apk = |content: &str| {
        let database = "C:Q1AAAA\nP:tool\nV:1\nA:x\nF:usr/bin\nR:tool\na:0:0:755\nZ:@SUM@\n\n";
        files().owned("usr/bin/tool", 0o755, (0, 0), content).file(
            "lib/apk/db/installed",
            database.replace("@SUM@", "Q1jSdYB4qjTpkk5gQ0SW4x3XgYxGk="),
        )
    };
    let verdict = |files: Tar| {
        let folder = Folder::new();
        folder.write("i.tar", Image::new(CONFIG, [files]).crane("a:1"));
        let output = folder.run(&["drift", "--image", "i.tar", "--against", "packages"]);
        (output.status, output.stdout)
    };
    for (kind, image) in
        [("dpkg", &dpkg as &dyn Fn(&str) -> Tar), ("status.d", &distroless), ("apk", &apk)]
    {
        let (code, report) = verdict(image("tool 1\n"));
        assert_eq!(code, Some(0), "{kind}: {report}");
        assert!(report.contains("1 read") || report.contains("read (7 bytes)"), "{kind}: {report}");
        let (code, report) = verdict(image("tool 2\n"));
        assert!(code == Some(1) && report.contains("content  differs"), "{kind}: {report}");
    }
}

#[test]
fn a_rule_about_drift_compares_an_image_with_its_baseline() {
    let folder = Folder::new();
    folder.write("old.tar", Image::new(CONFIG, [files()]).docker_old("a:1"));
    let changed = files().owned("app/run", 0o755, (0, 0), "v2");
    folder.write("new.tar", Image::new(CONFIG, [changed]).docker_old("a:2"));
    folder.write(
        "p.yaml",
        "policy: p\nrules:\n  - { id: a, drift: all, must: { unexplained: 0 } }\n",
    );
    let made = folder.run(&["baseline", "create", "--image", "old.tar", "--baseline", "base"]);
    assert_eq!(made.status, Some(0), "{made:?}");
    let check = |image: &str| {
        let args = ["check", "p.yaml", "--image", image, "--baseline", "base"];
        folder.run(&args)
    };
    assert_eq!(check("old.tar").status, Some(0), "{:?}", check("old.tar"));
    let output = check("new.tar");
    assert!(output.status == Some(1) && output.stdout.contains("/app/run"), "{output:?}");
}

#[test]
fn what_a_policy_leaves_out_of_an_image_is_named_with_its_number_of_files() {
    let folder = Folder::new();
    let old = files().file("srv/a", "1").file("srv/b/c", "1").file("opt/x", "1").file("proc/1", "");
    let new = files().file("srv/a", "2").file("srv/b/c", "2").file("opt/x", "1").file("proc/1", "");
    folder.write("old.tar", Image::new(CONFIG, [old]).docker_old("a:1"));
    folder.write("new.tar", Image::new(CONFIG, [new]).docker_old("a:2"));
    let drift = |section: &str| {
        folder.write("p.yaml", format!("policy: p\ndrift:\n{section}\nrules: []\n"));
        let args = ["drift", "--image", "new.tar", "--against", "old.tar", "--policy", "p.yaml"];
        folder.run(&args)
    };
    let output = drift("  paths: [/etc, /app]");
    assert_eq!(output.status, Some(0), "{output:?}");
    let note = "not compared, by the policy: 3 files: /srv (2), /opt";
    assert!(output.stdout.contains(note), "{output:?}");
    let output = drift("  paths: [/]\n  exclude: [/srv/b/**, /srv/a]");
    assert_eq!(output.status, Some(0), "{output:?}");
    assert!(output.stdout.contains("not compared, by the policy: 2 files"), "{output:?}");
    // Nothing is left out of the whole.
    let output = folder.run(&["drift", "--image", "new.tar", "--against", "old.tar"]);
    assert!(!output.stdout.contains("not compared"), "{output:?}");
}
