//! `cron:`: every place and every condition with each of its outcomes, on plain data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, rule};
use spotcheck::targets::memory::Memory;

fn must(conditions: &str) -> Rule {
    rule(&format!("cron: all\nmust: {{ {conditions} }}"))
}

fn host() -> Memory {
    Memory::new()
        .os_release("ID", "debian")
        .user("root", 0, 0)
        .user("bob", 7, 7)
        .group("root", 0, &[])
        .group("bob", 7, &[])
}

fn table(path: &str, text: &str) -> Memory {
    host().file(path, 0o644, 0, 0, text)
}

/// The rule fails, showing exactly this job.
fn shows(host: &Memory, job: &str) {
    must("exists: false").on(host).fails_with(&format!("exists: {job}; expected no jobs"));
}

#[test]
fn jobs_are_found_in_all_of_crons_places() {
    let line = "SHELL=/bin/sh\n# no job\n17 * * * * bob /bin/x -y\n";
    shows(&table("/etc/crontab", line), "/bin/x -y as bob (/etc/crontab:3)");
    shows(&table("/etc/cron.d/x", line), "/bin/x -y as bob (/etc/cron.d/x:3)");
    let own = "PATH = /bin\n*/5 * * * * /bin/x\n";
    for spool in ["/var/spool/cron/crontabs/bob", "/var/spool/cron/bob", "/etc/crontabs/bob"] {
        shows(&table(spool, own), &format!("/bin/x as bob ({spool}:2)"));
    }
    shows(
        &table("/etc/anacrontab", "1 5 x.daily run-parts /etc\n"),
        "run-parts /etc as root (/etc/anacrontab:1)",
    );
    let script = host().file("/etc/cron.daily/x", 0o755, 0, 0, "");
    shows(&script, "/etc/cron.daily/x as root (/etc/cron.daily/x)");
    must("exists: false").on(&table("/etc/cron.daily/x", "not executable")).passes();
    must("exists: true").on(&host()).fails_with("exists: no jobs; expected jobs");
}

#[test]
fn shorthands_input_and_odd_users_are_understood() {
    shows(&table("/etc/crontab", "@reboot bob /x % input"), "/x as bob (/etc/crontab:1)");
    shows(&table("/etc/crontab", "* * * * * bob date +\\%F"), "date +%F as bob (/etc/crontab:1)");
    shows(&table("/etc/crontab", "* * * * * bob A=1 /x"), "A=1 /x as bob (/etc/crontab:1)");
}

#[test]
fn names_that_debians_cron_passes_over_hold_no_job_there() {
    let host = table("/etc/cron.d/x.dpkg-old", "* * * * * root /x\n");
    must("exists: false").on(&host).passes();
    let fedora = Memory::new()
        .os_release("ID", "fedora")
        .file("/etc/cron.d/x.conf", 0o644, 0, 0, "* * * * * root /x\n")
        .file("/etc/cron.d/x.rpmsave", 0o644, 0, 0, "* * * * * root /y\n");
    shows(&fedora, "/x as root (/etc/cron.d/x.conf:1)");
}

#[test]
fn what_cannot_be_read_or_understood_may_be_a_job() {
    let odd = table("/etc/crontab", "* * * root\n");
    must("exists: false")
        .on(&odd)
        .unknown_with("exists: /etc/crontab: line 1 is no line of a crontab");
    must("run_as: root")
        .on(&odd)
        .unknown_with("exists: /etc/crontab: line 1 is no line of a crontab");
    let spool = "/var/spool/cron/crontabs";
    let closed = host().dir(spool, 0o700, 0, 0).unreadable(spool);
    assert_eq!(must("exists: false").on(&closed).exit(), 2);
}

#[test]
fn every_job_runs_as_one_of_the_users() {
    let both = table("/etc/crontab", "1 1 * * * root /x\n2 2 * * * bob /y\n");
    must("run_as: [root, bob]").on(&both).passes();
    must("run_as: root").on(&both).fails_with("run_as: /y as bob (/etc/crontab:2); expected root");
    must("run_as: { not: root }")
        .on(&both.clone().user("toor", 0, 0))
        .fails_with("run_as: /x as root (/etc/crontab:1); expected not root");
    rule("cron: bob\nmust: { exists: true, command: /y }").on(&both).passes();
    rule("cron: bob\nmust: { command: { matches: ^/usr/ } }")
        .on(&both)
        .fails_with("command: /y as bob (/etc/crontab:2); expected matching /^/usr//");
}

#[test]
fn a_setuid_program_runs_as_its_owner_whosever_job_it_is() {
    const MOUNTS: &str =
        "21 1 8:1 / / rw - ext4 /dev/a rw\n22 21 8:2 / /opt rw,nosuid - ext4 /dev/b rw\n";
    let job = |command: &str| {
        table("/etc/cron.d/app", &format!("* * * * * bob {command}\n"))
            .file("/proc/self/mountinfo", 0o444, 0, 0, MOUNTS)
            .file("/usr/bin/tool", 0o4755, 0, 0, "\x7fELF")
            .file("/usr/bin/plain", 0o755, 0, 0, "\x7fELF")
            .file("/usr/bin/script", 0o4755, 0, 0, "#!/bin/sh\n/usr/bin/tool\n")
            .file("/bin/sh", 0o755, 0, 0, "\x7fELF")
            .file("/opt/tool", 0o4755, 0, 0, "\x7fELF")
    };
    let rule = must("run_as: bob");
    for command in ["/usr/bin/tool", "cd /tmp && nice /usr/bin/tool -x"] {
        rule.on(&job(command)).fails_with(&format!(
            "run_as: {command} as bob (/etc/cron.d/app:1); /usr/bin/tool is setuid root; \
                 expected bob"
        ));
    }
    // What a script is does not make it root, and what it starts is another program; one is mounted so
    // that the bit has no effect.
    for command in ["/usr/bin/plain", "/usr/bin/script", "/opt/tool"] {
        rule.on(&job(command)).passes();
    }
}

#[test]
fn whoever_can_write_the_table_or_the_program_decides_what_is_run() {
    let line = "1 1 * * * root /opt/backup.sh --all\n";
    let program = |uid: u32| table("/etc/crontab", line).file("/opt/backup.sh", 0o755, uid, 0, "");
    must("writable_only_by: root").on(&program(0)).passes();
    let answers = must("writable_only_by: root").on(&program(7));
    assert_eq!(answers.exit(), 1, "{answers}");
    assert!(answers.to_string().contains("/opt/backup.sh: bob: owner"), "{answers}");
    must("writable_only_by: [root, bob]").on(&program(7)).passes();
    // His own table is his.
    let own = host().file("/var/spool/cron/crontabs/bob", 0o600, 7, 7, "1 1 * * * true\n");
    must("writable_only_by: root").on(&own).passes();
    let open = host().file("/etc/cron.d/x", 0o666, 0, 0, line);
    assert_eq!(must("writable_only_by: root").on(&open).exit(), 1);
}

#[test]
fn a_program_without_a_path_is_the_one_that_the_tables_path_leads_to() {
    let line = "PATH=/opt/bin:/usr/bin\n1 1 * * * root cd / && nice-backup --all | mail root\n";
    let host = |uid: u32| {
        let host = table("/etc/crontab", line).file("/usr/bin/mail", 0o755, 0, 0, "");
        host.file("/opt/bin/nice-backup", 0o755, uid, 0, "")
    };
    must("writable_only_by: root").on(&host(0)).passes();
    let answers = must("writable_only_by: root").on(&host(7));
    assert_eq!(answers.exit(), 1, "{answers}");
    assert!(answers.to_string().contains("/opt/bin/nice-backup: bob: owner"), "{answers}");
}

#[test]
fn what_a_wrapper_or_a_shell_starts_in_its_directory_is_what_is_run() {
    for command in [
        "nice -n 5 /srv/shop/job",
        "flock -n /run/lock/shop /srv/shop/job --all",
        "/usr/bin/env X=1 /srv/shop/job",
        "sh -c '/srv/shop/job; true'",
        "sudo -u root /srv/shop/job",
        "python3 /srv/shop/job",
        "cd /srv/shop && ./job",
    ] {
        let host = table("/etc/crontab", &format!("1 1 * * * root {command}\n"))
            .user("bob", 1001, 1001)
            .dir("/usr/bin", 0o755, 0, 0)
            .file("/srv/shop/job", 0o755, 1001, 1001, "\u{7f}ELF\0");
        let answers = must("writable_only_by: root").on(&host);
        assert_eq!(answers.exit(), 1, "{command}: {answers}");
    }
    for command in
        ["su - bob -c /srv/shop/job", "runuser -u bob -- /srv/shop/job", "cp /srv/shop/job /x"]
    {
        let mut host = table("/etc/crontab", &format!("1 1 * * * root {command}\n"))
            .user("bob", 1001, 1001)
            .file("/srv/shop/job", 0o755, 1001, 1001, "\u{7f}ELF\0");
        for name in ["su", "runuser", "cp", "bash"] {
            host = host.file(format!("/usr/bin/{name}"), 0o755, 0, 0, "\u{7f}ELF\0");
        }
        let answers = must("writable_only_by: root").on(&host);
        assert_eq!(answers.exit(), 0, "{command}: {answers}");
    }
}

#[test]
fn a_program_that_cannot_be_told_leaves_open_who_decides_what_is_run() {
    for command in ["nowhere", "$SHOP/own", "sh -c \"$JOB\"", "cd \"$SHOP\" && bin/job"] {
        let host = table("/etc/crontab", &format!("1 1 * * * root {command}\n"));
        let answers = must("writable_only_by: root").on(&host);
        assert_eq!(answers.exit(), 2, "{command}: {answers}");
    }
}

#[test]
fn no_jobs_satisfy_nothing_that_is_said_of_jobs() {
    for conditions in ["command: /x", "run_as: root", "writable_only_by: root"] {
        must(conditions).on(&host()).fails_with("exists: no jobs; expected jobs");
        rule(&format!("cron: bob\nabsent: skip\nmust: {{ {conditions} }}"))
            .on(&host())
            .skipped_with("exists: there are no jobs");
    }
    must("any: [{ exists: false }, { run_as: root }]").on(&host()).passes();
}

#[test]
fn a_job_is_there_with_its_command_its_time_and_its_user() {
    let both = table("/etc/crontab", "30  2 * * * root /x --all\n@daily bob /y\n");
    let job = |job: &str| must(&format!("job: {{ {job} }}")).on(&both);
    job("command: /x --all, schedule: \"30 2 * * *\", as: root").passes();
    job("command: { matches: ^/x }, as: 0").passes();
    job("command: /y, schedule: \"@daily\"").passes();
    job("command: /y, schedule: \"0 0 * * *\"").passes();
    job("command: /y, schedule: \"@midnight\"").passes();
    // Each of them is there, and not in one job.
    assert_eq!(job("command: /y, as: root").exit(), 1);
    assert_eq!(job("command: /x --all, schedule: \"@daily\"").exit(), 1);
    must("job: [{ command: /y }, { command: /x --all }]").on(&both).passes();
    must("job: [{ command: /y }, { command: /z }]")
        .on(&both)
        .fails_about("expected a job with command /y; and one with command /z");
    rule("cron: bob\nmust: { job: { command: /y } }").on(&both).passes();
    assert_eq!(rule("cron: root\nmust: { job: { command: /y } }").on(&both).exit(), 1);
}

#[test]
fn a_job_that_is_not_there_is_told_with_the_line_that_makes_it() {
    rule("cron: bob\nmust: { job: { command: /y, schedule: \"1 2 * * *\" } }")
        .on(&host())
        .fails_with("job: no jobs; expected a job with command /y, schedule 1 2 * * *")
        .repaired_by("add the line '1 2 * * * /y' with: crontab -u bob -e");
    let odd = table("/etc/crontab", "* * * root\n");
    assert_eq!(must("job: { command: /y }").on(&odd).exit(), 2);
    for slip in ["{}", "[]", "{ comand: /x }", "{ command: { at_most: 3 } }"] {
        must(&format!("job: {slip}")).is_refused();
    }
}
