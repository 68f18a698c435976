//! A repair is made to the file that was seen, on the target that it was seen on, and to no other.

use crate::support::{Machine, Need, needs};

/// A machine with a file that only root decides about, one in a directory of somebody else, and one in
/// a directory of a group; and with a policy about them that is violated.
fn machine() -> Option<Machine> {
    if !needs(&[Need::Root, Need::Namespaces]) {
        return None;
    }
    let machine = Machine::new();
    machine.must(
        "cd /mnt; mkdir ok www grp secret; chmod 700 secret; echo s >secret/shadow
         chmod 600 secret/shadow; for d in ok www grp; do echo x >$d/f; chmod 644 $d/f; done
         chown 65534 www www/f; chgrp 100 grp; chmod 775 grp",
    );
    machine.write(
        "/mnt/p.yaml",
        "policy: p
rules:
  - { id: ok, file: /mnt/ok/f, must: { owner: nobody, mode: \"0640\" } }
  - { id: www, file: /mnt/www/f, must: { owner: root, mode: \"0600\" } }
  - { id: grp, file: /mnt/grp/f, must: { mode: \"0600\" } }
  - { id: own, file: /mnt/grp/f, must: { mode: \"0600\" }, corrective: chmod 600 /mnt/grp/f }
",
    );
    machine.run(&["check", "p.yaml", "--ledger", "l.db"]);
    machine.must("cd /mnt; ./spotcheck actions --ledger l.db export --format script > s.sh");
    Some(machine)
}

const STATE: &str = "cd /mnt; stat -c '%n %u %a' ok/f www/f grp/f secret/shadow";

#[test]
fn the_script_changes_what_was_seen_whoever_owns_its_directory() {
    let Some(machine) = machine() else { return };
    for shell in ["sh", "busybox sh"] {
        machine.sh(&format!("cd /mnt; PATH=/mnt:$PATH {shell} s.sh --apply"));
        let state = machine.must(STATE);
        let wanted = "ok/f 65534 640\nwww/f 0 600\ngrp/f 0 644\nsecret/shadow 0 600\n";
        assert_eq!(state, wanted, "{shell}");
        machine.must("cd /mnt; chown 0 ok/f; chmod 644 ok/f www/f; chown 65534 www/f");
    }
}

#[test]
fn a_file_that_somebody_put_in_its_place_is_left_alone() {
    let Some(machine) = machine() else { return };
    for swap in [
        "ln -s /mnt/secret/shadow f",
        "ln /mnt/secret/shadow f",
        "echo other >f; chown 65534 f; chmod 644 f",
        "mkdir f; chown 65534 f",
        "mkfifo f; chown 65534 f; chmod 644 f",
    ] {
        machine.must(&format!("cd /mnt/www; rm -rf f; {swap}"));
        let before = machine.must(STATE);
        let output = machine.sh("cd /mnt; PATH=/mnt:$PATH timeout 20 sh s.sh --apply");
        let after = machine.must(STATE).replace("ok/f 65534 640", "ok/f 0 644");
        assert_eq!(before.replace("ok/f 65534 640", "ok/f 0 644"), after, "{swap}: {output:?}");
    }
}

#[test]
fn a_step_behind_a_link_or_in_a_directory_of_others_is_a_task_by_hand() {
    let Some(machine) = machine() else { return };
    machine.must(
        "cd /mnt; ln -s ../secret/shadow ok/final; ln -s /mnt/secret ok/folder; ln -s /mnt/secret/shadow www/led",
    );
    let repairs = |path: &str| {
        machine.write(
            "/mnt/q.yaml",
            &format!(
                "policy: q\nrules:\n  - {{ id: x, file: {path}, must: {{ mode: \"0604\" }} }}\n"
            ),
        );
        let output = machine.run(&["check", "q.yaml", "--format", "json"]);
        let json: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        json["findings"][0]["corrective"][0].as_str().unwrap().to_owned()
    };
    assert_eq!(repairs("/mnt/ok/f"), "chmod 0604 /mnt/ok/f");
    assert_eq!(repairs("/mnt/ok/folder/shadow"), "chmod 0604 /mnt/ok/folder/shadow");
    for (path, why) in [
        ("/mnt/grp/f", "others can put something else in the place of /mnt/grp/f"),
        ("/mnt/ok/final", "/mnt/ok/final is a link to ../secret/shadow (uid 0)"),
        ("/mnt/www/led", "/mnt/www/led is a link to /mnt/secret/shadow (uid 0)"),
    ] {
        let step = repairs(path);
        assert!(step.starts_with(why), "{path}: {step}");
    }
    // Whoever decides where the name leads decides whose file the rule is about.
    machine.write(
        "/mnt/q.yaml",
        "policy: q\nrules:\n  - { id: x, file: /mnt/www/led, must: { owner: root } }\n  \
         - { id: y, file: /mnt/ok/final, must: { owner: root } }\n",
    );
    let output = machine.run(&["check", "q.yaml"]);
    assert_eq!(output.status, Some(1), "{output:?}");
    let words = "in a directory that others than root may write";
    assert_eq!(output.stdout.matches(words).count(), 1, "{output:?}");
}

#[test]
fn what_was_seen_below_a_root_directory_is_repaired_there_when_told_and_by_its_accounts() {
    let Some(machine) = machine() else { return };
    machine.must(
        "cd /mnt; mkdir -p img/mnt/ok img/etc; echo 'www:x:333:33::/:/bin/sh' >img/etc/passwd
         echo 'g:x:444:' >img/etc/group; echo x >img/mnt/ok/f; chmod 600 img/mnt/ok/f",
    );
    machine.write(
        "/mnt/r.yaml",
        "policy: r\nrules:\n  - { id: x, file: /mnt/ok/f, must: { owner: www, group: g, mode: \"0640\" } }\n",
    );
    machine.run(&["check", "r.yaml", "--root", "img", "--ledger", "m.db"]);
    let script = |option: &str| {
        machine.must(&format!(
            "cd /mnt; ./spotcheck actions --ledger m.db export --format script {option} > r.sh
             PATH=/mnt:$PATH sh r.sh --apply || :; stat -c '%u %g %a' ok/f img/mnt/ok/f"
        ))
    };
    let end = |text: &str| text.lines().rev().take(2).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(end(&script("")), ["0 0 600", "0 0 644"]);
    assert_eq!(end(&script("--for-root /mnt/elsewhere")), ["0 0 600", "0 0 644"]);
    assert_eq!(end(&script("--for-root /mnt/img")), ["333 444 640", "0 0 644"]);
}
