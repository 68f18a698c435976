//! A ledger that is looked after: what is wrong is said, what is old is removed and kept elsewhere.

use crate::support::{Machine, Need, needs};

const POLICY: &str = "policy: p
rules:
  - { id: one, file: /mnt/one, must: { mode: \"0600\" } }
  - { id: two, file: /mnt/two, must: { mode: \"0600\" } }
  - { id: three, file: /mnt/three, must: { mode: \"0600\" } }
";

/// A ledger with an item that was resolved long ago, a live one, and one resolved just now.
fn machine() -> Option<Machine> {
    if !needs(&[Need::Root, Need::Namespaces, Need::Command("sqlite3")]) {
        return None;
    }
    let machine = Machine::new();
    machine.write("/mnt/p.yaml", POLICY);
    machine.must("cd /mnt; touch one two three; chmod 644 one two three");
    let check = ["check", "p.yaml", "--ledger", "l.db"];
    machine.run(&check);
    machine.must("cd /mnt; chmod 600 one three");
    machine.run(&check);
    machine.must(
        "sqlite3 /mnt/l.db \"UPDATE items SET first_seen = 1000000, last_seen = 1000000,
         state_since = 1000001 WHERE rule = 'one'\"",
    );
    Some(machine)
}

#[test]
fn what_was_settled_long_ago_is_archived_and_removed_and_nothing_else() {
    let Some(machine) = machine() else { return };
    let prune = |options: &[&str]| {
        let mut args = vec!["ledger", "--ledger", "l.db", "prune", "--older", "2y"];
        args.extend(options);
        machine.run(&args)
    };
    assert_eq!(prune(&[]).status, Some(3), "it has to be said whether it is kept");
    assert_eq!(prune(&["--dry-run"]).stdout, "1 item would be removed\n");
    let output = prune(&["--archive", "old.json"]);
    assert_eq!(output.stdout, "removed 1 item\n", "{output:?}");
    let archive = machine.must("cat /mnt/old.json; stat -c %a /mnt/old.json");
    assert!(archive.contains("\"SC-1\"") && !archive.contains("\"SC-2\""), "{archive}");
    assert!(archive.ends_with("600\n"), "{archive}");
    let left = machine.must("sqlite3 /mnt/l.db 'SELECT rule FROM items ORDER BY id'");
    assert_eq!(left, "two\nthree\n");
    let check = machine.run(&["ledger", "--ledger", "l.db", "check"]);
    assert_eq!((check.status, check.stdout.as_str()), (Some(0), "nothing is wrong\n"));
    // What comes back is an item like any other, under a number that nothing had.
    machine.must("chmod 644 /mnt/one");
    machine.run(&["check", "p.yaml", "--ledger", "l.db"]);
    let left = machine.must("sqlite3 /mnt/l.db \"SELECT id FROM items WHERE rule = 'one'\"");
    assert_eq!(left, "4\n");
    // An archive of before stays.
    machine
        .must("sqlite3 /mnt/l.db \"UPDATE items SET state_since = 1000001 WHERE rule = 'three'\"");
    assert_eq!(prune(&["--archive", "old.json"]).status, Some(3));
    assert_eq!(prune(&["--forget"]).stdout, "removed 1 item\n");
}

#[test]
fn a_history_that_cannot_be_is_named_with_its_item() {
    let Some(machine) = machine() else { return };
    for (damage, words) in [
        ("UPDATE items SET state_since = 5 WHERE id = 2", "SC-2: it ended before it began"),
        ("DELETE FROM events WHERE item = 2", "SC-2: nothing says that it was opened"),
        ("UPDATE items SET state = 'resolved' WHERE id = 2", "SC-2: it is resolved, and violated"),
    ] {
        machine.must(&format!("cp /mnt/l.db /mnt/d.db; sqlite3 /mnt/d.db \"{damage}\""));
        let output = machine.run(&["ledger", "--ledger", "d.db", "check"]);
        assert_eq!(output.status, Some(1), "{damage}: {output:?}");
        assert!(output.stdout.contains(words), "{damage}: {output:?}");
    }
}
