//! News is told to each reader once its report is out: nothing that could not be written is lost, and
//! nobody takes anything from the others.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A file, a policy about it, and a ledger.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(scene.path("key"), "").unwrap();
        let policy = format!(
            "policy: p\nrules:\n  - {{ id: private, severity: critical, file: '{}', must: {{ mode: \
             '0600' }} }}\n",
            scene.path("key").display()
        );
        fs::write(scene.path("p.yaml"), policy).unwrap();
        scene.mode(0o600);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mode(&self, mode: u32) {
        fs::set_permissions(self.path("key"), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotcheck"));
        command.current_dir(self.folder.path());
        command.args(["check", "p.yaml", "--ledger", "l.db"]).args(options);
        command.stdin(Stdio::null());
        command
    }

    /// What a check prints, on both streams.
    fn check(&self, options: &[&str]) -> String {
        let output = self.command(options).output().unwrap();
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    }

    fn mail(&self) -> String {
        self.check(&["--changes-only"])
    }
}

#[test]
fn what_a_full_disk_or_a_closed_pipe_kept_from_being_written_is_told_by_the_next_run() {
    let scene = Scene::new();
    scene.mode(0o644);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let status = scene.command(&["--changes-only"]).stdout(full).status().unwrap();
    assert_eq!(status.code(), Some(3));
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = scene.command(&["--changes-only"]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(1));
    let mail = scene.mail();
    assert!(mail.contains("NEW             SC-1 critical"), "{mail}");
    assert_eq!(scene.mail(), "");
}

#[test]
fn a_plugin_or_a_look_by_hand_takes_nothing_from_the_mail() {
    let scene = Scene::new();
    assert_eq!(scene.mail(), "");
    scene.mode(0o666);
    assert!(scene.check(&["--format", "nagios"]).starts_with("SPOTCHECK CRITICAL"));
    assert!(scene.check(&["--format", "human"]).contains("FAIL critical private"));
    let by_hand = scene.check(&["--changes-only", "--reader", "person:alice"]);
    assert!(by_hand.contains("NEW             SC-1"), "{by_hand}");
    let mail = scene.mail();
    assert!(mail.contains("NEW             SC-1"), "{mail}");
    assert_eq!(scene.mail() + &scene.check(&["--changes-only", "--reader", "person:alice"]), "");
    assert!(scene.check(&["--changes-only", "--reader", "a b"]).contains("a reader is called by"));
}

#[test]
fn who_reads_for_the_first_time_is_told_what_is_open_and_not_what_is_over() {
    let scene = Scene::new();
    for mode in [0o644, 0o600] {
        scene.mode(mode);
        assert_ne!(scene.mail(), "");
    }
    assert_eq!(scene.check(&["--changes-only", "--reader", "late"]), "");
    scene.mode(0o640);
    let told = scene.check(&["--changes-only", "--reader", "late"]);
    assert!(told.contains("\n\nREGRESSED       SC-1"), "{told}");
}

#[test]
fn what_came_and_went_while_nobody_could_be_told_is_told_with_its_end() {
    let scene = Scene::new();
    assert_eq!(scene.mail(), "");
    for mode in [0o644, 0o600, 0o644, 0o600] {
        scene.mode(mode);
        scene.check(&["--format", "json"]);
    }
    let mail = scene.mail();
    let words: Vec<&str> = mail.lines().filter_map(|line| line.split(' ').next()).collect();
    for word in ["NEW", "REGRESSED", "resolved"] {
        assert_eq!(words.iter().filter(|one| **one == word).count(), 1, "{mail}");
    }
    assert!(mail.contains("2 times since you were told"), "{mail}");
}

#[test]
fn a_report_that_cannot_be_written_is_said_once_and_again_when_it_comes_back() {
    let scene = Scene::new();
    let output = format!("prometheus={}", scene.path("textfile/x.prom").display());
    let run = || scene.check(&["--changes-only", "--output", &output]);
    let first = run();
    assert!(first.contains(": 1 not written\n\nNOT WRITTEN "), "{first}");
    assert!(first.contains("there is no such folder"), "{first}");
    assert_eq!(run(), "");
    fs::create_dir(scene.path("textfile")).unwrap();
    assert_eq!(run(), "");
    fs::remove_dir_all(scene.path("textfile")).unwrap();
    assert!(run().contains("\n\nNOT WRITTEN "));
    // Without a ledger it is said each time.
    let plain = scene.check(&["--no-track", "--output", &output]);
    assert!(plain.contains("error: "), "{plain}");
}

#[test]
fn a_mail_has_its_subject_and_there_is_none_where_nothing_is_new() {
    let scene = Scene::new();
    assert_eq!(scene.check(&["--format", "mail"]), "");
    scene.mode(0o644);
    let output = scene.command(&["--format", "mail"]).env("MAILTO", "root@example.org").output();
    let mail = String::from_utf8(output.unwrap().stdout).unwrap();
    let (head, body) = mail.split_once("\n\n").expect("a mail has a head and a body");
    assert!(head.starts_with("To: root@example.org\nSubject: "), "{mail}");
    assert!(head.contains(": critical: 1 new\n"), "{mail}");
    assert!(body.starts_with("NEW             SC-1 critical"), "{mail}");
    assert_eq!(scene.check(&["--format", "mail"]), "");
    assert_eq!(scene.mail(), "", "it is the same reader");
    assert!(scene.check(&["--format", "mail", "--no-track"]).contains("takes a ledger"));
}
