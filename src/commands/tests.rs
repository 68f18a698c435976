use super::*;
use crate::targets::memory::Memory;
use std::path::PathBuf;

/// Programs of a system, and a few scripts.
fn host() -> Memory {
    let names = [
        "sh",
        "bash",
        "env",
        "nice",
        "flock",
        "timeout",
        "python3",
        "perl",
        "run-parts",
        "true",
        "id",
        "tar",
        "cp",
        "find",
        "xargs",
        "sudo",
        "su",
        "runuser",
        "setpriv",
        "chroot",
        "make",
        "java",
        "tini",
        "logger",
        "dirname",
        "stdbuf",
        "prlimit",
        "systemd-run",
        "chpst",
        "gosu",
    ];
    let mut host = Memory::new().user("root", 0, 0).user("bob", 1001, 1001);
    for name in names {
        host = host.file(format!("/usr/bin/{name}"), 0o755, 0, 0, "\x7fELF\0");
    }
    host.file("/opt/job", 0o755, 1001, 1001, "\x7fELF\0")
}

/// Programs that are run and files that are read as code, with whoever does so where that is
/// somebody else.
fn told(reading: &Reading) -> Vec<String> {
    let shown = |path: &PathBuf, who: &Who| match who {
        Who::Same => path.display().to_string(),
        Who::User(name) => format!("{} as {name}", path.display()),
        Who::Unclear(text) => format!("{} as {text}?", path.display()),
    };
    let runs = reading
        .runs
        .iter()
        .filter(|run| run.program.is_absolute() && !run.program.starts_with("/usr"));
    let runs = runs.map(|run| shown(&run.program, &run.who));
    runs.chain(reading.reads.iter().map(|read| shown(&read.path, &read.who))).collect()
}

fn line(text: &str) -> Vec<String> {
    told(&shell(&host(), text, Context::new("a job")))
}

#[test]
fn wrappers_in_any_nesting_run_what_they_are_given() {
    for text in [
        "/opt/job",
        "nice -n 5 /opt/job --x",
        "nice -10 /opt/job",
        "flock -n /run/lock/job /opt/job",
        "flock -w 10 /run/lock -c '/opt/job --now'",
        "timeout -k 5 10m /opt/job",
        "env A=1 B=2 /opt/job",
        "env -i -u HOME -C /srv /opt/job",
        "env -S '/opt/job --x'",
        "sh -c '/opt/job; true'",
        "bash -lc \"exec /opt/job\"",
        "sh -ec 'nice flock /run/x timeout 5 /opt/job'",
        "stdbuf -oL prlimit --nofile=64 tini -- /opt/job",
        "systemd-run --wait -p Nice=5 --unit x /opt/job",
        "systemd-run --scope /opt/job",
        "cd / && test -x /opt/job && /opt/job",
        "[ -x /opt/job ] && { /opt/job || true; } >/dev/null 2>&1 &",
        "if true; then (cd /opt && ./job); fi",
        "for x in 1 2; do /opt/job $x; done",
        "case $1 in start|stop) /opt/job ;; *) true ;; esac",
        "echo \"$(/opt/job)\" | logger",
        "true | /opt/job",
        "find /srv -name '*.x' -exec /opt/job {} \\;",
        "find /srv | xargs -0 -n 1 /opt/job",
        "D=/opt; \"$D/job\" x",
        "D=/opt/job; $D",
        ": ${TOOL:=/opt/job}; $TOOL run",
        "run() { \"$@\"; }; run /opt/job x",
        "cmd=(/opt/job --x); \"${cmd[@]}\"",
        "trap '/opt/job' EXIT",
        "eval \"/opt/job x\"",
        "command /opt/job",
        "PATH=/opt:$PATH job",
        "/usr/bin/time -p job() { :; }; /opt/job",
    ] {
        assert!(line(text).contains(&"/opt/job".to_owned()), "{text}: {:?}", line(text));
    }
}

#[test]
fn whoever_drops_rights_runs_it_as_that_user() {
    for text in [
        "sudo -u bob /opt/job",
        "sudo -n -H -u bob -- X=1 /opt/job",
        "su - bob -c /opt/job",
        "su -s /usr/bin/bash bob -c 'exec /opt/job'",
        "su bob -c /opt/job",
        "runuser -u bob -- /opt/job",
        "runuser -l bob -c /opt/job",
        "setpriv --reuid=bob --regid=bob --clear-groups /opt/job",
        "setpriv --reuid bob --init-groups -- /opt/job",
        "chpst -u bob:staff /opt/job",
        "gosu bob:bob /opt/job",
        "start-stop-daemon --start --chuid bob --exec /opt/job -- x",
        "systemd-run --uid=bob /opt/job",
        "daemon --user=bob /opt/job",
    ] {
        assert_eq!(line(text), ["/opt/job as bob"], "{text}");
    }
    assert_eq!(line("sudo /opt/job"), ["/opt/job as root"]);
    assert_eq!(line("su \"$WHO\" -c /opt/job"), ["/opt/job as …?"]);
}

#[test]
fn what_an_interpreter_is_given_is_code() {
    for (text, code) in [
        ("python3 -u /opt/x.py", "/opt/x.py"),
        ("perl -w /opt/x.pl", "/opt/x.pl"),
        ("sh /opt/x.sh", "/opt/x.sh"),
        ("sh < /opt/x.sh", "/opt/x.sh"),
        ("cat /opt/x.sh | sh", "/opt/x.sh"),
        (". /opt/x.sh", "/opt/x.sh"),
        ("java -Xmx1g -jar /opt/x.jar", "/opt/x.jar"),
        ("make -C /srv/b all", "/srv/b/Makefile"),
        ("cd /opt && python3 x.py", "/opt/x.py"),
    ] {
        assert!(line(text).contains(&code.to_owned()), "{text}: {:?}", line(text));
    }
}

#[test]
fn what_is_data_is_not_run() {
    for text in [
        "cp /opt/job /srv",
        "echo run /opt/job",
        "test -x /opt/job",
        "tar cf /x /opt/job",
        "ls -l /opt/job >/opt/job",
    ] {
        assert_eq!(line(text), Vec::<String>::new(), "{text}");
        assert!(shell(&host(), text, Context::new("a job")).operands.is_empty(), "{text}");
    }
    let unknown = argv(&host(), &["/usr/bin/id".into(), "/opt/job".into()], Context::new("x"));
    assert!(unknown.operands.is_empty());
    let host = host().file("/usr/bin/frobnicate", 0o755, 0, 0, "\x7fELF\0");
    let unknown = shell(&host, "frobnicate --run=/opt/job", Context::new("x"));
    assert_eq!(unknown.operands.first().map(|one| one.path.clone()), Some("/opt/job".into()));
}

#[test]
fn what_is_put_together_when_it_runs_is_a_gap() {
    for text in [
        "$HOME/x",
        "$X",
        "\"$(cat /etc/x)\" y",
        "curl http://x | sh",
        "eval \"$X\"",
        "sh -c \"$X\"",
        ". $X/y",
    ] {
        assert!(!shell(&host(), text, Context::new("a job")).gaps.is_empty(), "{text}");
    }
    assert!(shell(&host(), "nothing-of-that-name", Context::new("x")).gaps.len() == 1);
}

#[test]
fn scripts_are_followed_from_their_own_directory() {
    let host = host()
        .file(
            "/srv/a/start",
            0o755,
            0,
            0,
            "#!/bin/sh\ncd \"$(dirname \"$0\")\"\n. ./lib\nexec ./tool \"$@\"\n",
        )
        .file("/srv/a/lib", 0o644, 0, 0, "NAME=/srv/a/other\n$NAME\n")
        .file("/srv/a/tool", 0o755, 0, 0, "#!/usr/bin/env python3\nimport helper\n")
        .file("/srv/a/helper.py", 0o644, 0, 0, "")
        .file("/bin/sh", 0o755, 0, 0, "\x7fELF\0");
    let reading = program(&host, Path::new("/srv/a/start"), Context::new("x"));
    let told = told(&reading);
    for wanted in ["/srv/a/start", "/srv/a/lib", "/srv/a/other", "/srv/a/tool", "/srv/a/helper.py"]
    {
        assert!(told.contains(&wanted.to_owned()), "{wanted}: {told:?}");
    }
}

#[test]
fn the_command_that_goes_on_is_told_from_helpers() {
    let host = host().file(
        "/entry",
        0o755,
        0,
        0,
        "#!/bin/sh\nid\nif [ \"$1\" = x ]; then true; fi\nexec \"$@\"\n",
    );
    let words = ["/usr/bin/tini", "--", "/entry", "gosu", "bob", "/opt/job", "-x"];
    let reading = argv(&host, &words.map(str::to_owned), Context::new("x"));
    let main: Vec<&Run> = reading.runs.iter().filter(|run| run.main && !run.gives_way).collect();
    let last = main.last().unwrap();
    assert_eq!(
        (last.program.as_path(), &last.who),
        (Path::new("/opt/job"), &Who::User("bob".into()))
    );
    assert_eq!(last.arguments, ["-x"]);
}

#[test]
fn a_text_that_is_no_shell_text_is_read_without_harm() {
    for text in [
        "'", "\"", "$(", "${", "((", "case", "for", "(((((", "<<", "`", "x=(", "a\\", "[[ (", "}",
        ")", "<(", "$((1",
    ] {
        let _ = shell(&host(), text, Context::new("x"));
    }
    let deep = "$(".repeat(3000);
    let _ = shell(&host(), &deep, Context::new("x"));
    let deep = "sh -c '".repeat(200);
    let _ = shell(&host(), &deep, Context::new("x"));
}
