//! A recording run that is killed at each of its system calls in turn: nothing is lost, nothing is half
//! done, and nobody is told more than twice.

use crate::support::{Need, needs};
use spotcheck::actions::items::item::EventKind;
use spotcheck::actions::query::Filter;
use spotcheck::actions::{Ledger, Location};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every so many kills the next run is made as well, and the one after that.
const FOLLOWED: usize = 40;

/// A folder with a file, a policy about it, and a ledger of a run before.
struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    /// The file has had these modes, each of them seen by a run but the last.
    fn new(modes: &[u32]) -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(scene.path("key"), "").unwrap();
        let policy = format!(
            "policy: p\nrules:\n  - {{ id: private, severity: critical, file: '{}', must: {{ mode: \
             '0600' }} }}\n",
            scene.path("key").display()
        );
        fs::write(scene.path("p.yaml"), policy).unwrap();
        let (last, before) = modes.split_last().unwrap();
        for mode in before {
            scene.mode(*mode);
            scene.run(&scene.command(&scene.path("ledger.db")));
        }
        scene.mode(*last);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mode(&self, mode: u32) {
        fs::set_permissions(self.path("key"), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, ledger: &Path) -> Vec<String> {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let policy = text(&self.path("p.yaml"));
        let words = [env!("CARGO_BIN_EXE_spotcheck"), "check", &policy, "--ledger", &text(ledger)];
        words.iter().map(|word| (*word).to_owned()).chain(["--changes-only".into()]).collect()
    }

    /// What a run tells.
    fn run(&self, words: &[String]) -> String {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stderr(Stdio::null());
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    }

    /// The ledger before the run, in a folder of its own.
    fn copy(&self) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.db");
        fs::copy(self.path("ledger.db"), &ledger).unwrap();
        (folder, ledger)
    }

    /// Every system call of a run: its name, and which one of that name. With `late` only those from
    /// where the ledger comes in: before that nothing can be lost.
    fn calls(&self, late: bool) -> Vec<(String, usize)> {
        let (folder, ledger) = self.copy();
        let log = folder.path().join("log");
        let mut words = vec!["strace".to_owned(), "-f".into(), "-qq".into(), "-o".into()];
        words.push(log.to_str().unwrap().to_owned());
        words.extend(self.command(&ledger));
        self.run(&words);
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut calls = Vec::new();
        let mut begun = !late;
        for line in fs::read_to_string(log).unwrap().lines() {
            let Some(name) = line.split_whitespace().nth(1).and_then(|word| word.split_once('('))
            else {
                continue;
            };
            let count = counts.entry(name.0.to_owned()).or_default();
            *count += 1;
            begun |= line.contains("ledger.db\"") && name.0 != "execve";
            // The first is what strace itself executes.
            if begun && name.0 != "execve" {
                calls.push((name.0.to_owned(), *count));
            }
        }
        calls
    }

    /// Kills a run when it enters that call, and looks at what is left.
    fn kill_at(&self, name: &str, count: usize, word: &str, kind: EventKind, follow: bool) -> bool {
        let (_folder, ledger) = self.copy();
        let inject = format!("inject={name}:signal=SIGKILL:when={count}");
        let head = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", &inject];
        let words = head.iter().map(|word| (*word).to_owned()).chain(self.command(&ledger));
        let words: Vec<String> = words.collect();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).stdin(Stdio::null()).stderr(Stdio::null());
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        let heard = told.lines().filter(|line| line.starts_with(word)).count();
        assert!(heard <= 1, "{name} {count}: {told}");
        let mut left = Ledger::open(&Location::File(ledger.clone())).unwrap();
        let host = nix::unistd::gethostname().unwrap();
        let untold = left.untold("mail", host.to_str().unwrap()).unwrap().news;
        let waits = untold.pieces.iter().filter(|piece| piece.kind == kind).count();
        let items = left.items(&Filter::default()).unwrap();
        let events: Vec<EventKind> = items
            .iter()
            .flat_map(|item| left.events(Some(item.id), 100).unwrap())
            .map(|event| event.kind)
            .collect();
        let recorded = events.iter().filter(|one| **one == kind).count();
        assert!(recorded <= 1 && waits <= 1, "{name} {count}: {events:?}");
        // Recorded and not waiting: somebody heard of it. Not recorded: the next run will.
        assert!(recorded == waits || heard == 1, "{name} {count}: {told}");
        drop(left);
        if follow {
            let next = self.run(&self.command(&ledger));
            let again = next.lines().filter(|line| line.starts_with(word)).count();
            assert!((1..=2).contains(&(heard + again)), "{name} {count}: {told}{next}");
            assert_eq!(self.run(&self.command(&ledger)), "", "{name} {count}");
        }
        output.status.code().is_none()
    }
}

#[test]
fn a_run_that_is_killed_at_any_system_call_loses_no_news() {
    if !needs(&[Need::Command("strace")]) {
        return;
    }
    let killed = AtomicUsize::new(0);
    let scenes = [
        (Scene::new(&[0o600, 0o644]), "NEW ", EventKind::Opened),
        (Scene::new(&[0o644, 0o600]), "resolved ", EventKind::Resolved),
        (Scene::new(&[0o644, 0o600, 0o644]), "REGRESSED ", EventKind::Regressed),
    ];
    for (number, (scene, word, kind)) in scenes.iter().enumerate() {
        let calls = scene.calls(number == 1);
        assert!(calls.len() > 200, "{} calls", calls.len());
        let (next, total) = (AtomicUsize::new(0), &killed);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    loop {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        let Some((name, count)) = calls.get(place) else { return };
                        let follow = place.is_multiple_of(FOLLOWED);
                        if scene.kill_at(name, *count, word, *kind, follow) {
                            total.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                });
            }
        });
    }
    let killed = killed.into_inner();
    assert!(killed >= 1000, "only {killed} runs were killed");
}
