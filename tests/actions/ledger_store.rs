//! What happens to the ledger of a host, and what is left then: killed processes, full disks,
//! damaged and foreign files, other versions, several runs at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

use crate::support::ledger::{Book, Saw};
use crate::support::{Machine, Need, Output, needs};
use spotcheck::actions::items::item::ItemId;
use spotcheck::actions::query::Filter;
use spotcheck::actions::{Ledger, LedgerError, Location, State};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A folder with files that violate a policy, and a ledger.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    /// So many files that are to have mode 0600 and have 0644.
    fn new(files: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder };
        let policy = format!(
            "policy: web\nrules:\n  - {{ id: private, file: '{}/*.conf', must: {{ mode: '0600' }} }}\n",
            place.path("").display()
        );
        fs::write(place.path("policy.yaml"), policy).unwrap();
        (0..files).for_each(|n| place.mode(n, 0o644));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mode(&self, file: usize, mode: u32) {
        let path = self.path(&format!("{file}.conf"));
        fs::write(&path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spotcheck"));
        command.arg("check").arg(self.path("policy.yaml")).arg("--ledger");
        command.arg(self.path("ledger.db")).args(options).stdin(Stdio::null());
        command
    }

    fn check(&self, options: &[&str]) -> Output {
        let output = self.command(options).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Output {
            status: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&Location::File(self.path("ledger.db"))).unwrap()
    }
}

fn assert_sound(path: &Path) {
    let db = rusqlite::Connection::open(path).unwrap();
    let answer: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(answer, "ok");
    let broken: i64 = db
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(broken, 0);
}

#[test]
fn a_run_that_is_killed_at_any_moment_loses_nothing_and_leaves_nothing_half_done() {
    let place = Place::new(60);
    assert_eq!(place.check(&["--quiet"]).status, Some(1));
    let mut killed = 0;
    for round in 0..60u64 {
        // Every run has something to write: all files change sides.
        (0..60).for_each(|n| place.mode(n, if round % 2 == 0 { 0o600 } else { 0o644 }));
        let mut child = place
            .command(&["--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(500 * round));
        child.kill().unwrap();
        killed += usize::from(child.wait().unwrap().code().is_none());
        // Opening it takes back what was not committed. All items have one state: the run's whole
        // or none of it.
        let items = place.ledger().items(&Filter::default()).unwrap();
        assert_eq!(items.len(), 60);
        let live = items.iter().filter(|item| item.state.is_live()).count();
        assert!([0, 60].contains(&live), "{live} of 60 are live");
    }
    assert_sound(&place.path("ledger.db"));
    assert!(killed > 5, "only {killed} runs were killed in time");
    (0..60).for_each(|n| place.mode(n, 0o600));
    assert_eq!(place.check(&["--quiet"]).status, Some(0));
    let items = place.ledger().items(&Filter::default()).unwrap();
    assert!(items.iter().all(|item| item.state == State::Resolved));
    for item in items {
        let events = place.ledger().events(Some(item.id), 1000).unwrap();
        let opened = events.iter().filter(|event| event.kind.name() == "opened").count();
        assert_eq!(opened, 1);
    }
}

#[test]
fn several_processes_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::File(folder.path().join("ledger.db"));
    std::thread::scope(|scope| {
        for writer in 0..6 {
            let location = &location;
            scope.spawn(move || {
                for n in 0..10 {
                    let mut book = Book::new(Ledger::open(location).unwrap());
                    book.policy("  - { id: conf, file: '/d/*', must: { mode: '0600' } }\n");
                    let own = format!("/d/{writer}-{n}");
                    let saw = Saw::Violated;
                    let host = format!("h{writer}");
                    book.run(
                        &host,
                        &[("conf", "/d/same", "mode", saw), ("conf", &own, "mode", saw)],
                    );
                }
            });
        }
    });
    let items = Ledger::open(&location).unwrap().items(&Filter::default()).unwrap();
    assert_eq!(items.len(), 61);
    let same = items.iter().find(|item| item.key.thing.name == "/d/same").unwrap();
    assert_eq!((same.present, same.reopenings), (6, 0));
    assert_sound(&folder.path().join("ledger.db"));
}

#[test]
fn a_second_run_of_the_same_check_says_who_is_at_it_and_evaluates_nothing() {
    let place = Place::new(1);
    let marker = place.path(".run-");
    place.check(&[]);
    let lock = fs::read_dir(place.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().starts_with(&*marker.to_string_lossy()))
        .expect("there is a lock");
    let held = fs::File::open(lock).unwrap();
    held.lock().unwrap();
    let output = place.check(&["--changes-only"]);
    assert_eq!(output.status, Some(2));
    assert!(output.stderr.contains("is being run already (process "), "{}", output.stderr);
    // Another check is another matter, and one that is not recorded as well.
    assert_eq!(place.check(&["--rule", "private"]).status, Some(1));
    assert_eq!(place.check(&["--no-track"]).status, Some(1));
    held.unlock().unwrap();
    assert_eq!(place.check(&["--changes-only"]).status, Some(1));
}

#[test]
fn with_a_full_disk_the_report_and_its_exit_code_are_as_ever() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must(
        "mkdir /mnt/small /mnt/d && mount -t tmpfs -o size=2m,mode=0755 tmpfs /mnt/small
         for n in $(seq 300); do echo > /mnt/d/$n; done; chmod 644 /mnt/d/*; chmod 600 /mnt/d/1",
    );
    machine.write(
        "/mnt/p.yaml",
        "policy: web\nrules:\n  - { id: private, file: '/mnt/d/*', must: { mode: '0600' } }\n",
    );
    let check = ["check", "p.yaml", "--rule", "private", "--ledger", "/mnt/small/ledger.db"];
    let first = machine.run(&["check", "p.yaml", "--ledger", "/mnt/small/ledger.db"]);
    assert_eq!(first.status, Some(1), "{first:?}");
    let list = ["actions", "--ledger", "/mnt/small/ledger.db", "list", "--all"];
    let before = machine.run(&list);
    assert_eq!(before.stdout.lines().count(), 299);

    machine.must("chmod 600 /mnt/d/*; cat /dev/zero > /mnt/small/filler || true");
    let full = machine.run(&check);
    assert!(full.stdout.contains("Everything holds."), "{full:?}");
    assert!(full.stderr.contains("no space left, nothing was recorded"), "{full:?}");
    assert_eq!(full.status, Some(3));
    assert_eq!(machine.run(&list).stdout, before.stdout);
    machine.must("chmod 644 /mnt/d/1");
    assert_eq!(machine.run(&check).status, Some(1));

    machine.must("rm /mnt/small/filler; chmod 600 /mnt/d/1");
    assert_eq!(machine.run(&check).status, Some(0));
    assert!(!machine.run(&list).stdout.contains(" open "));

    machine.must("mount -o remount,ro /mnt/small; chmod 644 /mnt/d/1");
    let read_only = machine.run(&check);
    assert_eq!(read_only.status, Some(1));
    assert!(read_only.stderr.contains("cannot be written"), "{read_only:?}");
    assert_eq!(machine.run(&list).stdout.lines().count(), 299);
}

#[test]
fn somebody_who_may_not_write_the_ledger_is_told_and_still_gets_the_report() {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return;
    }
    let machine = Machine::new();
    machine.must("mkdir -m 755 /mnt/d; touch /mnt/d/1; chmod 644 /mnt/d/1");
    machine.write(
        "/mnt/p.yaml",
        "policy: web\nrules:\n  - { id: private, file: '/mnt/d/*', must: { mode: '0600' } }\n",
    );
    let check = ["check", "p.yaml", "--ledger", "/mnt/led/ledger.db"];
    assert_eq!(machine.run(&check).status, Some(1));
    assert_eq!(machine.must("stat -c %a /mnt/led /mnt/led/ledger.db"), "700\n600\n");
    for prepare in ["true", "chmod 755 /mnt/led; chmod 644 /mnt/led/ledger.db"] {
        machine.must(prepare);
        let output = machine.run_as(65534, &check);
        assert_eq!(output.status, Some(1));
        assert!(output.stdout.contains("FAIL medium private"), "{output:?}");
        assert!(output.stderr.contains("the run was not recorded"), "{output:?}");
    }
    let list = machine.run_as(65534, &["actions", "--ledger", "/mnt/led/ledger.db", "list"]);
    assert!(list.stdout.starts_with("SC-1 "), "{list:?}");
}

#[test]
fn a_damaged_ledger_is_refused_and_not_touched() {
    type Damage = fn(&mut Vec<u8>);
    let damages: [(&str, Damage); 4] = [
        ("no ledger", |bytes| bytes[..100].fill(b'x')),
        ("no ledger", |bytes| *bytes = b"items: []\n".repeat(100)),
        ("damaged", |bytes| bytes[4096..].fill(0xa5)),
        ("damaged", |bytes| bytes.truncate(8192)),
    ];
    for (words, damage) in damages {
        let place = Place::new(3);
        place.check(&[]);
        let path = place.path("ledger.db");
        let mut bytes = fs::read(&path).unwrap();
        damage(&mut bytes);
        fs::write(&path, &bytes).unwrap();
        let output = place.check(&[]);
        assert_eq!(output.status, Some(1));
        assert!(output.stdout.contains("FAIL medium private"), "{output:?}");
        assert!(output.stderr.contains(words), "{output:?}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn something_else_in_its_place_is_refused_and_not_touched() {
    let place = Place::new(1);
    let path = place.path("ledger.db");
    let refused = |words: &str| {
        let output = place.check(&[]);
        assert_eq!(output.status, Some(1));
        assert!(output.stderr.contains(words), "{output:?}");
    };
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE cats (name TEXT)").unwrap();
    drop(foreign);
    refused("an SQLite database of another program");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused("not a regular file");
    fs::remove_dir(&path).unwrap();
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).unwrap();
    refused("not a regular file");
    fs::remove_file(&path).unwrap();
    // An empty file is what is left of a process that was killed right after it made the file.
    fs::write(&path, "").unwrap();
    assert_eq!(place.check(&[]).stderr, "");
}

#[test]
fn a_ledger_of_a_newer_version_is_refused_and_not_touched() {
    let place = Place::new(1);
    place.check(&[]);
    let db = rusqlite::Connection::open(place.path("ledger.db")).unwrap();
    db.pragma_update(None, "user_version", 99).unwrap();
    drop(db);
    let output = place.check(&[]);
    assert_eq!(output.status, Some(1));
    assert!(output.stderr.contains("version 99"), "{output:?}");
    let error = Ledger::read(&Location::File(place.path("ledger.db"))).err();
    assert!(matches!(error, Some(LedgerError::Newer { found: 99, .. })), "{error:?}");
}

/// `tests/actions/ledger/versions` holds a ledger of every version that there ever was, made by the
/// spotcheck of its time: SC-1 is open on two hosts and assigned to alice, SC-2 is resolved.
#[test]
fn ledgers_of_every_older_version_are_migrated_with_all_they_hold() {
    let versions = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/actions/ledger/versions");
    let mut seen = 0;
    for entry in fs::read_dir(versions).unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        fs::copy(entry.unwrap().path(), &path).unwrap();
        let mut ledger = Ledger::open(&Location::File(path.clone())).unwrap();
        let mut items = ledger.items(&Filter::default()).unwrap();
        items.sort_by_key(|item| item.id);
        assert_eq!(items.len(), 2);
        assert_eq!((items[0].state, items[0].present), (State::Open, 2));
        assert_eq!(items[0].owner.as_deref(), Some("alice"));
        assert_eq!(items[0].texts.links, ["https://example.org/1"]);
        assert_eq!(items[1].state, State::Resolved);
        // And it works from there on.
        let mut book = Book::new(ledger);
        book.now = items[0].last_seen;
        book.policy(
            "  - { id: conf-private, file: /srv/sc-demo/conf, must: { mode: '0600' } }\n  \
             - { id: key-private, file: /srv/sc-demo/key, must: { mode: '0600' } }\n",
        );
        for host in ["web1", "web2"] {
            book.run(
                host,
                &[
                    ("conf-private", "/srv/sc-demo/conf", "mode", Saw::Holding),
                    ("key-private", "/srv/sc-demo/key", "mode", Saw::Violated),
                ],
            );
        }
        let items = book.items();
        assert_eq!((items[0].state, items[1].state), (State::Resolved, State::Regressed));
        assert_sound(&path);
        seen += 1;
    }
    assert!(seen >= 1);
}

/// `apart-5.db` was made when an item was one for each condition: SC-1, SC-3 and SC-4 are mode, owner and
/// group of one file, all open, SC-2 and SC-6 mode and owner of another, both resolved; SC-4 has a
/// comment, and SC-3 was given to alice.
#[test]
fn items_that_were_one_for_each_condition_become_one_and_nothing_of_them_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/actions/ledger/apart-5.db");
    fs::copy(&old, &path).unwrap();
    let count = |path: &Path, table: &str| -> i64 {
        let db = rusqlite::Connection::open(path).unwrap();
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
    };
    let (events, occurrences) = (count(&old, "events"), count(&old, "occurrences"));
    let mut ledger = Ledger::open(&Location::File(path.clone())).unwrap();
    let mut items = ledger.items(&Filter::default()).unwrap();
    items.sort_by_key(|item| item.id);
    let states: Vec<_> = items.iter().map(|item| (item.id.0, item.state)).collect();
    assert_eq!(states, [(1, State::Open), (2, State::Resolved), (5, State::Open)]);
    assert_eq!(items[0].owner.as_deref(), Some("alice"));
    assert_eq!((items[0].present, items[0].occurrences), (1, 1));
    for (gone, heir) in [(3, 1), (4, 1), (6, 2)] {
        assert_eq!(ledger.heir(ItemId(gone)).unwrap(), Some(ItemId(heir)));
        assert_eq!(ledger.item(ItemId(gone)).unwrap(), None);
    }
    assert_eq!(ledger.heir(ItemId(1)).unwrap(), None);
    let of = |ledger: &mut Ledger, id| -> Vec<String> {
        let all = ledger.events(Some(ItemId(id)), 100).unwrap();
        all.into_iter().map(|event| event.detail).collect()
    };
    let history = of(&mut ledger, 1);
    assert!(history.iter().any(|words| words == "the deploy script did it"), "{history:?}");
    assert!(history.iter().any(|words| words == "SC-4 is part of it now"), "{history:?}");
    let conditions: Vec<_> = ledger.occurrences(ItemId(1)).unwrap();
    let conditions: Vec<_> = conditions.iter().map(|one| one.condition.as_str()).collect();
    assert_eq!(conditions, ["mode", "owner", "group"]);
    drop(ledger);
    assert_eq!(count(&path, "events"), events + 3, "one for each that was merged");
    assert_eq!(count(&path, "occurrences"), occurrences);
    assert_sound(&path);
}
