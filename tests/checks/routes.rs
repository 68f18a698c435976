//! Ways to become root, each planted on plain data, and its twin in which the same things are root's
//! own: the first has to be found, the second has to be silent.

use spotcheck::control::Cause;
use spotcheck::control::chain::search;
use spotcheck::facts::file::FileKind;
use spotcheck::host::{Files, Target};
use spotcheck::targets::memory::{Memory, Running};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The start of a program.
const PROGRAM: &str = "\u{7f}ELF\0";
/// Programs that every host of these tests has.
const PROGRAMS: &[&str] = &[
    "sh",
    "bash",
    "dash",
    "env",
    "nice",
    "ionice",
    "chrt",
    "flock",
    "timeout",
    "stdbuf",
    "setsid",
    "nohup",
    "prlimit",
    "taskset",
    "python3",
    "perl",
    "ruby",
    "node",
    "php",
    "java",
    "run-parts",
    "true",
    "id",
    "tar",
    "rsync",
    "chown",
    "cp",
    "echo",
    "find",
    "xargs",
    "sudo",
    "su",
    "runuser",
    "setpriv",
    "chroot",
    "make",
    "tini",
    "dumb-init",
    "logger",
    "dirname",
    "systemd-run",
    "systemd-cat",
    "chpst",
    "gosu",
    "nginx",
    "supervisord",
    "start-stop-daemon",
    "time",
    "unshare",
    "watch",
    "script",
    "git",
    "cat",
    "test",
    "chmod",
    "date",
    "strace",
    "busybox",
];

/// A host on which what belongs to bob is bob's, or in the clean twin root's.
fn planted(setup: &str, mine: bool) -> Memory {
    let uid = if mine { 1001 } else { 0 };
    let mut host = Memory::new()
        .user("root", 0, 0)
        .user("bob", 1001, 1001)
        .user("eve", 1002, 1002)
        .user("web", 999, 999)
        .group("root", 0, &[])
        .group("devs", 1500, &["bob"])
        .file("/etc/passwd", 0o644, 0, 0, "")
        .file("/etc/group", 0o644, 0, 0, "")
        .file("/etc/shadow", 0o640, 0, 0, "")
        .dir("/root", 0o700, 0, 0)
        .dir("/home/bob", 0o755, uid, uid)
        .dir("/tmp", 0o1777, 0, 0)
        .dir("/usr/local/bin", 0o755, 0, 0);
    for name in PROGRAMS {
        host = host.file(format!("/usr/bin/{name}"), 0o755, 0, 0, PROGRAM);
    }
    host = host.symlink("/bin", "usr/bin");
    let mut crontab = String::new();
    for step in setup.split('\n').map(str::trim).filter(|step| !step.is_empty()) {
        let (verb, rest) = step.split_once(' ').unwrap();
        let (path, content) = rest.split_once(' ').unwrap_or((rest, PROGRAM));
        let content = content.replace("\\n", "\n");
        let (gid, open) = if mine { (1500, 0o020) } else { (0, 0) };
        host = match verb {
            "bob" => host.file(path, 0o755, uid, uid, content),
            "setuid" => host.file(path, 0o4755, uid, uid, content),
            "data" => host.file(path, 0o644, uid, uid, content),
            "dir" => host.dir(path, 0o755, uid, uid),
            "group" => host.dir(path, 0o755 | open, 0, gid),
            "grouped" => host.file(path, 0o644 | open, 0, gid, content),
            "root" => host.file(path, 0o755, 0, 0, content),
            "file" => host.file(path, 0o644, 0, 0, content),
            "own" => host.dir(path, 0o755, 0, 0),
            "link" => host.symlink(path, content),
            "cron" => {
                crontab.push_str(&format!("{}\n", rest.replace("\\n", "\n")));
                host
            }
            "unit" => {
                let name = format!("/etc/systemd/system/{path}");
                host.file(name, 0o644, 0, 0, format!("[Service]\n{content}\n"))
            }
            other => panic!("what is {other}?"),
        };
    }
    match crontab.is_empty() {
        true => host,
        false => host.file("/etc/cron.d/x", 0o644, 0, 0, crontab),
    }
}

/// Everybody who becomes root in one step, and whether anything was left open.
fn found(host: &Memory) -> (BTreeSet<String>, Vec<String>) {
    let root = host.user("root").unwrap().unwrap();
    let chain = search(host, &root);
    // Programs with rights of their own are not part of plain data.
    let open = chain.gaps.iter().map(ToString::to_string);
    let open = open.filter(|gap| !gap.contains("inventory") && !gap.starts_with("/:"));
    (chain.nodes[0].people(), open.collect())
}

/// What is wrong with the answer about a route and its clean twin, if anything.
fn wrong(setup: &str) -> Option<String> {
    let (base, base_open) = found(&planted("", false));
    let (people, open) = found(&planted(setup, true));
    if people.is_subset(&base) && open.len() <= base_open.len() {
        return Some(format!("silent: {setup}"));
    }
    if let Some(harm) = wrong_repair(setup) {
        return Some(harm);
    }
    let (people, open) = found(&planted(setup, false));
    let new: Vec<&String> = people.difference(&base).collect();
    let left: Vec<&String> = open.iter().filter(|gap| !base_open.contains(gap)).collect();
    let clean = new.is_empty() && left.is_empty();
    (!clean).then(|| format!("the clean twin has {new:?} {left:?}: {setup}"))
}

/// The causes by which somebody becomes root, and the people of all routes.
fn causes(host: &Memory) -> (Vec<Cause>, BTreeSet<String>) {
    let root = host.user("root").unwrap().unwrap();
    let mut chain = search(host, &root);
    let people = chain.nodes[0].people();
    (chain.nodes.remove(0).causes, people)
}

/// What a command of a repair does.
fn applied(host: Memory, step: &str) -> Memory {
    let command = step.split(" # ").next().unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    let path = PathBuf::from(words.last().unwrap().trim_matches('\''));
    let fact = Files::file(&host, &path).unwrap();
    match words.as_slice() {
        ["chown", "root", _] | ["chown", "-h", "root", _] => {
            host.owned(&path, 0, fact.unwrap().gid)
        }
        ["chmod", change, _] => {
            let fact = fact.unwrap();
            let taken = match *change {
                "g-w" => 0o020,
                "o-w" => 0o002,
                "go-w" => 0o022,
                other => panic!("chmod {other}"),
            };
            let (mode, uid, gid) = (fact.mode.0 & !taken, fact.uid, fact.gid);
            match fact.kind {
                FileKind::Directory => host.dir(&path, mode, uid, gid),
                FileKind::File => {
                    let content = host.read(&path).unwrap().unwrap();
                    host.file(&path, mode, uid, gid, &*content)
                }
                other => panic!("chmod of {other:?}"),
            }
        }
        ["install", "-d", "-o", "root", "-m", "0755", _] => {
            assert!(fact.is_none(), "{step}: it is there");
            host.dir(&path, 0o755, 0, 0)
        }
        _ => panic!("a repair of another kind: {step}"),
    }
}

/// Runs all repairs of a route on a copy: what they repair has to be gone, and nothing else may have
/// become worse.
fn wrong_repair(setup: &str) -> Option<String> {
    let host = planted(setup, true);
    let (before, people_before) = causes(&host);
    let mut after = host.clone();
    let mut repaired = BTreeSet::new();
    for cause in &before {
        let steps = cause.repairs(&host);
        let place = cause.component.display().to_string();
        let kernels =
            ["/dev", "/proc", "/sys"].iter().any(|place| cause.component.starts_with(place));
        if steps.is_empty() && !kernels {
            return Some(format!("no repair of {place}: {setup}"));
        }
        if !steps.iter().any(|step| step.starts_with('#')) {
            repaired.insert(cause.component.clone());
        }
        for step in steps.iter().filter(|step| !step.starts_with('#')) {
            if step.contains(" /home") || step.contains(" /dev") || step.contains(" -R ") {
                return Some(format!("`{step}` does harm: {setup}"));
            }
            after = applied(after, step);
        }
    }
    let (left, people) = causes(&after.clone());
    let known: BTreeSet<_> = before.iter().map(|cause| cause.component.clone()).collect();
    for cause in &left {
        if repaired.contains(&cause.component) || !known.contains(&cause.component) {
            let place = cause.component.display();
            return Some(format!("{place} is left after {:?}: {setup}", before[0].repairs(&host)));
        }
    }
    let worse: Vec<&String> = people.difference(&people_before).collect();
    (!worse.is_empty()).then(|| format!("repairs let {worse:?} in: {setup}"))
}

#[test]
fn what_a_repair_would_break_is_advice() {
    for (setup, told) in [
        ("bob /home/bob/x\ncron * * * * * root /home/bob/x", "# let it be /usr/local/sbin/x"),
        (
            "dir /home/bob/bin\ncron PATH=/home/bob/bin:/bin\ncron * * * * * root /bin/true",
            "home directory /home/bob",
        ),
    ] {
        let (causes, _) = causes(&planted(setup, true));
        let steps: Vec<String> =
            causes.iter().flat_map(|cause| cause.repairs(&planted(setup, true))).collect();
        assert!(steps.iter().all(|step| step.starts_with('#')), "{setup}: {steps:?}");
        assert!(steps.iter().any(|step| step.contains(told)), "{setup}: {steps:?}");
    }
    // The home of a service, wherever it is; a program that gives its owner's rights away.
    let job = |path: &str| format!("* * * * * root {path}\n");
    let host = planted("", false)
        .user("db", 120, 120)
        .but("db", |user| user.home = "/var/lib/db".into())
        .dir("/var/lib/db", 0o755, 120, 120)
        .file("/var/lib/db/x", 0o755, 120, 120, PROGRAM)
        .file("/opt/tool", 0o4755, 1001, 1001, PROGRAM)
        .file("/etc/cron.d/y", 0o644, 0, 0, job("/var/lib/db/x") + &job("/opt/tool"));
    let steps: Vec<String> =
        causes(&host).0.iter().flat_map(|cause| cause.repairs(&host)).collect();
    assert_eq!(
        steps,
        [
            "# /opt/tool gives away its owner's rights: let it be /usr/local/sbin/tool, root's own",
            "# let it be /usr/local/sbin/x, root's own, instead of /var/lib/db/x in the home directory \
             /var/lib/db",
        ]
    );
}

#[track_caller]
fn all_found(setups: impl Iterator<Item = String>) -> usize {
    let setups: Vec<String> = setups.collect();
    let wrong: Vec<String> = setups.iter().filter_map(|setup| wrong(setup)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), setups.len(), wrong.join("\n"));
    setups.len()
}

/// Commands that run /opt/v/x.
const COMMANDS: &[&str] = &[
    "/opt/v/x",
    "/opt/v/x --all >/dev/null 2>&1",
    "nice -n 19 /opt/v/x",
    "nice -19 ionice -c3 /opt/v/x",
    "ionice -c 2 -n 7 /opt/v/x",
    "chrt -b 0 /opt/v/x",
    "taskset -c 0 /opt/v/x",
    "flock -n /run/l /opt/v/x",
    "flock -w 5 /run/l -c '/opt/v/x -q'",
    "timeout -k 9 60 /opt/v/x",
    "timeout --signal=TERM 1h nice /opt/v/x",
    "env -i PATH=/bin A=b /opt/v/x",
    "env -u HOME -C / /opt/v/x",
    "stdbuf -oL -eL /opt/v/x",
    "setsid -w /opt/v/x",
    "nohup /opt/v/x",
    "time -p /opt/v/x",
    "prlimit --nofile=64 /opt/v/x",
    "unshare -n /opt/v/x",
    "strace -o /root/t -f /opt/v/x",
    "busybox timeout 5 /opt/v/x",
    "sh -c '/opt/v/x'",
    "bash -lc \"sleep 5; /opt/v/x -q\"",
    "bash -euo pipefail -c 'nice /opt/v/x'",
    "sudo /opt/v/x",
    "sudo -n -u root -- /opt/v/x",
    "su -c /opt/v/x",
    "su - root -c 'exec /opt/v/x'",
    "runuser -u root -- /opt/v/x",
    "setpriv --no-new-privs /opt/v/x",
    "systemd-run --wait -u a /opt/v/x",
    "systemd-cat -t a /opt/v/x",
    "chpst -o 64 /opt/v/x",
    "start-stop-daemon --start --quiet --exec /opt/v/x -- -d",
    "tini -g -- /opt/v/x",
    "dumb-init /opt/v/x",
    "script -qc /opt/v/x /dev/null",
    "watch -n 5 /opt/v/x",
    "xargs -0 -n1 /opt/v/x",
    "find /srv -type f -exec /opt/v/x {} +",
    "find /srv -execdir /opt/v/x {} \\;",
];
/// The same for texts that need a shell.
const TEXTS: &[&str] = &[
    "cd /opt/v && ./x",
    "[ -x /opt/v/x ] && /opt/v/x",
    "test -x /opt/v/x && { /opt/v/x || true; }",
    "true; /opt/v/x &",
    "date | /opt/v/x",
    "echo \"$(/opt/v/x)\"",
    "echo `/opt/v/x`",
    "D=/opt/v; \"$D/x\" run",
    "D=/opt/v/x; $D",
    "D=/opt; E=$D/v; ${E}/x",
    ": \"${T:=/opt/v/x}\"; \"$T\"",
    "\"${T:-/opt/v/x}\" now",
    "C=(/opt/v/x --a); \"${C[@]}\"",
    "f() { \"$@\"; }; f /opt/v/x",
    "f() { /opt/v/x; }; f",
    "trap '/opt/v/x' EXIT",
    "eval \"/opt/v/x -a\"",
    "exec /opt/v/x",
    "command /opt/v/x",
    "if true; then /opt/v/x; fi",
    "for i in 1 2; do /opt/v/x $i; done",
    "for p in /opt/v/x /bin/true; do $p; done",
    "while read -r l; do /opt/v/x \"$l\"; done < /etc/passwd",
    "case a in a) /opt/v/x ;; *) true ;; esac",
    "(cd /opt/v; nice ./x)",
    "PATH=/opt/v:$PATH; x",
    ". /opt/v/x",
    "sh /opt/v/x",
    "sh < /opt/v/x",
    "cat /opt/v/x | sh",
    "bash <<X\n/opt/v/x\nX",
    "python3 -u /opt/v/x",
    "perl -w /opt/v/x",
    "ruby /opt/v/x",
    "node /opt/v/x",
    "php -q -f /opt/v/x",
    "java -Xmx1g -jar /opt/v/x",
    "run-parts /opt/v",
    "tar cf /root/t --to-command=/opt/v/x /srv",
    "rsync -e /opt/v/x a b:",
];

#[test]
fn what_a_job_of_root_runs_through_anything() {
    let lines = COMMANDS.iter().chain(TEXTS).filter(|text| !text.contains('\n'));
    all_found(lines.map(|line| format!("bob /opt/v/x\ncron * * * * * root {line}")));
}

#[test]
fn what_a_unit_of_root_runs_through_anything() {
    let plain = COMMANDS.iter().filter(|command| !command.contains(['>', ';']));
    all_found(plain.map(|line| format!("bob /opt/v/x\nunit a.service ExecStart={line}")));
}

#[test]
fn what_a_script_of_root_runs_through_anything() {
    let count = all_found(COMMANDS.iter().chain(TEXTS).map(|text| {
        let script = text.replace('\n', "\\n");
        format!(
            "bob /opt/v/x\nroot /usr/local/bin/job #!/bin/bash\\n{script}\\n\n\
             cron * * * * * root /usr/local/bin/job"
        )
    }));
    assert!(count >= 80, "{count}");
}

#[test]
fn what_decides_what_root_runs() {
    let setups = [
        // Units and their surroundings.
        "bob /opt/a\nunit a.service ExecStart=/bin/true\\nExecReload=/opt/a",
        "bob /opt/a\nunit a.service ExecStart=/bin/true\\nExecStopPost=-/opt/a",
        "bob /opt/a\nunit a.service User=web\\nExecStart=/bin/true\\nExecStartPre=+/opt/a",
        "bob /opt/p/a\nunit a.service Environment=D=/opt/p\\nExecStart=/usr/bin/python3 ${D}/a",
        "bob /opt/p/a\nfile /etc/a.env M=/opt/p/a\nunit a.service EnvironmentFile=/etc/a.env\\nExecStart=/bin/sh $M",
        "bob /opt/p/a\nunit a.service WorkingDirectory=/opt/p\\nExecStart=/usr/bin/python3 a",
        "dir /opt/p\nunit a.service WorkingDirectory=/opt/p\\nExecStart=/usr/bin/python3 -m a",
        "dir /opt/p\nunit a.service ExecStart=/opt/p/missing",
        "bob /srv/jail/bin/a\nunit a.service RootDirectory=/srv/jail\\nExecStart=/bin/a",
        "bob /opt/a/run\nunit a.service ExecStart=/opt/%p/run",
        "bob /opt/so\nunit a.service Environment=LD_PRELOAD=/opt/so\\nExecStart=/bin/true",
        "dir /opt/lib\nunit a.service Environment=LD_LIBRARY_PATH=/opt/lib\\nExecStart=/bin/true",
        "dir /opt/lib\nunit a.service Environment=PYTHONPATH=/opt/lib\\nExecStart=/usr/bin/python3 -m a",
        "data /opt/x.js\nunit a.service Environment=NODE_OPTIONS=--require=/opt/x.js\\nExecStart=/bin/true",
        "data /opt/x.jar\nunit a.service Environment=JAVA_TOOL_OPTIONS=-javaagent:/opt/x.jar\\nExecStart=/bin/true",
        "dir /opt/g\nunit a.service Environment=RUBYOPT=-I/opt/g\\nExecStart=/bin/true",
        "data /opt/s\nunit a.service Environment=GIT_SSH_COMMAND=/opt/s\\nExecStart=/bin/true",
        "data /opt/a.conf\nunit a.service ExecStart=/usr/bin/nginx -c /opt/a.conf",
        "group /etc/nginx/conf.d\nunit a.service ExecStart=/usr/bin/nginx",
        "data /opt/m.so\nfile /etc/nginx/nginx.conf load_module /opt/m.so;\nunit a.service ExecStart=/usr/bin/nginx",
        "bob /opt/a\nfile /etc/supervisor/conf.d/a.conf [program:a]\\ncommand=/opt/a\nunit s.service ExecStart=/usr/bin/supervisord",
        "group /etc/supervisor/conf.d\nunit s.service ExecStart=/usr/bin/supervisord",
        "bob /opt/up\nfile /etc/openvpn/a.conf up /opt/up\nunit a.service ExecStart=/usr/sbin/openvpn --config /etc/openvpn/a.conf",
        "data /opt/x.so\nfile /etc/systemd/system.conf [Manager]\\nDefaultEnvironment=LD_PRELOAD=/opt/x.so",
        // Interpreters.
        "group /usr/local/lib/python3.11/dist-packages",
        "data /etc/python3.11/sitecustomize.py",
        "group /etc/perl",
        "group /usr/local/lib/site_ruby",
        "root /opt/a/run #!/usr/bin/python3\\nimport helper\\n\ndata /opt/a/helper.py x\nunit a.service ExecStart=/opt/a/run",
        "root /opt/a/run #!/bin/sh\\n. \"$(dirname \"$0\")/lib\"\\n\ndata /opt/a/lib x\nunit a.service ExecStart=/opt/a/run",
        "root /opt/a/run #!/bin/sh\\ncd \"${0%/*}\" && exec ./tool\\n\nbob /opt/a/tool\nunit a.service ExecStart=/opt/a/run",
        "group /usr/lib/x/gconv",
        // Cron.
        "bob /opt/sh\ncron SHELL=/opt/sh\ncron * * * * * root /bin/id",
        "data /opt/x.so\ncron LD_PRELOAD=/opt/x.so\ncron * * * * * root /bin/id",
        "bob /opt/v/x\ncron D=/opt/v\ncron * * * * * root $D/x",
        "dir /opt/b\ncron PATH=/opt/b:/usr/bin\ncron * * * * * root backup",
        "dir /opt/c\ncron * * * * * root [ -x /opt/c/x ] && /opt/c/x",
        "dir /opt/jobs\ncron * * * * * root run-parts /opt/jobs",
        "data /srv/b/Makefile x\ncron * * * * * root make -C /srv/b all",
        "bob /srv/j/x\ncron * * * * * root chroot /srv/j /x",
        "group /srv/w\ncron * * * * * root cd /srv/w && tar czf /root/b.tgz *",
        "group /srv/w\ncron * * * * * root cd /srv/w && chown web:web *",
        "group /srv/w\ncron * * * * * root cd /srv/w && rsync -a * /root/b",
        "own /srv/r/.git/hooks\nbob /srv/r/.git/hooks/post-merge\ncron * * * * * root cd /srv/r && git pull -q",
        // Places.
        "bob /usr/local/bin/tool",
        "bob /opt/ed\nlink /usr/bin/editor /etc/alternatives/editor\nlink /etc/alternatives/editor /opt/ed",
        "bob /opt/u\nfile /etc/udev/rules.d/x.rules ACTION==\"add\", RUN+=\"/opt/u %k\"",
        "dir /opt/u\nfile /etc/udev/rules.d/x.rules ACTION==\"add\", RUN+=\"/opt/u/missing\"",
        "bob /opt/l\nfile /etc/logrotate.d/x /var/log/x {\\n postrotate\\n  /opt/l\\n endscript\\n}\\n",
        "dir /opt/l\nfile /etc/logrotate.d/x /var/log/x {\\n postrotate\\n  /opt/l/missing\\n endscript\\n}\\n",
        "bob /opt/ap\nfile /etc/apt/apt.conf.d/x DPkg::Post-Invoke {\"test -x /opt/ap && /opt/ap || true\";};",
        "bob /opt/dp\nfile /etc/dpkg/dpkg.cfg.d/x post-invoke=\"/opt/dp\"",
        "bob /opt/mp\nfile /etc/modprobe.d/x.conf install foo /opt/mp",
        "dir /opt/mp\nfile /etc/modprobe.d/x.conf install foo /opt/mp/missing",
        "bob /opt/bf\nfile /etc/binfmt.d/x.conf :a:M::aa::/opt/bf:C",
        "bob /opt/db\nfile /usr/share/dbus-1/system-services/a.service [D-BUS Service]\\nExec=/opt/db\\nUser=root",
        "bob /opt/if\nfile /etc/network/interfaces iface eth0 inet dhcp\\n  post-up /opt/if\\n",
        "bob /opt/cp\nfile /etc/sysctl.d/x.conf kernel.core_pattern=|/opt/cp %p",
        "dir /opt/repo\nfile /etc/apt/sources.list.d/x.list deb [trusted=yes] file:/opt/repo ./",
        "group /var/cache/apt/archives",
        "bob /opt/pf\nfile /etc/profile.d/x.sh . /opt/pf",
        "bob /opt/lo\nfile /etc/profile.d/x.sh export LESSOPEN=\"|/opt/lo %s\"",
        "dir /opt/pb\nfile /root/.bashrc export PATH=/opt/pb:$PATH",
        "bob /opt/pam\nfile /etc/pam.d/common-session session optional pam_exec.so seteuid /opt/pam",
        "bob /opt/pam\nfile /opt/stack session optional pam_exec.so /opt/pam\nfile /etc/pam.d/su @include /opt/stack",
        "bob /opt/pam\nfile /opt/b session optional pam_exec.so /opt/pam\nfile /opt/a auth substack /opt/b\nfile /etc/pam.d/su auth include /opt/a",
        "bob /opt/pam\nfile /etc/pam.d/su session optional pam_exec.so \\\\n  /opt/pam",
        "bob /opt/stack\nfile /etc/pam.d/su auth include /opt/stack",
        "data /home/bob/img\nfile /etc/systemd/system/usr-local.mount [Mount]\\nWhat=/home/bob/img\\nWhere=/usr/local\\nOptions=loop",
        "dir /home/bob/opt\nroot /opt/app/x\nfile /etc/fstab /home/bob/opt /opt/app none bind 0 0\nunit a.service ExecStart=/opt/app/x",
        "bob /etc/update-motd.d/x",
        // What is setuid bob is bob's, and root runs it.
        "setuid /opt/job\ncron * * * * * root /opt/job",
        "setuid /usr/local/bin/job2\ncron PATH=/usr/local/bin:/bin\ncron * * * * * root job2",
        "bob /etc/init.d/x",
        "bob /etc/cron.daily/x",
        "grouped /etc/ld.so.preload x",
        "group /etc/sudoers.d",
        "group /etc/systemd/system",
        "grouped /etc/wireguard/wg0.conf x",
        "bob /opt/f\nfile /etc/ssh/sshd_config ForceCommand /opt/f",
        "grouped /etc/ssh/shosts.equiv x\nfile /etc/ssh/sshd_config HostbasedAuthentication yes",
        "bob /opt/e\nfile /etc/sudoers Defaults editor=/opt/e",
        "dir /opt/s\nfile /etc/sudoers eve ALL=(root) NOPASSWD: /opt/s/x",
        "data /opt/py/x x\nroot /opt/py/run #!/bin/sh\\n. /opt/py/x\\n\nfile /etc/sudoers eve ALL=(root) /opt/py/run",
    ];
    all_found(setups.into_iter().map(str::to_owned));
}

#[test]
fn what_gives_nobody_anything_is_silent() {
    let (base, _) = found(&planted("", false));
    for setup in [
        "setuid /usr/local/bin/at",
        "bob /home/bob/run\ncron * * * * * bob /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root su - bob -c /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root sudo -u bob /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root runuser -u bob -- /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root setpriv --reuid=bob --regid=bob --clear-groups /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root chpst -u bob /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root gosu bob /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root start-stop-daemon --start --chuid bob --exec /home/bob/run",
        "bob /home/bob/run\ncron * * * * * root systemd-run --uid=bob /home/bob/run",
        "bob /home/bob/run\nunit a.service User=bob\\nExecStart=/home/bob/run",
        "bob /home/bob/run\ncron # * * * * * root /home/bob/run",
        "bob /home/bob/in\ncron * * * * * root cp /home/bob/in /srv/out",
        "bob /home/bob/in\ncron * * * * * root tar czf /root/b.tgz /home/bob/in",
        "bob /home/bob/in\ncron * * * * * root chmod 644 /home/bob/in",
        "bob /home/bob/in\nroot /opt/a #!/bin/sh\\necho run /home/bob/in by hand\\n\nunit a.service ExecStart=/opt/a",
        "bob /home/bob/in\nroot /opt/a #!/bin/sh\\n# /home/bob/in\\n\nunit a.service ExecStart=/opt/a",
        "dir /home/bob/w\ncron * * * * * root cd /home/bob/w && tar czf /root/b.tgz -- *",
        "dir /home/bob/w\ncron * * * * * root cd /home/bob/w && tar czf /root/b.tgz ./*",
        "link /etc/systemd/system-generators/x /dev/null",
        "link /etc/tmpfiles.d/x.conf /dev/null",
        "link /etc/udev/rules.d/x.rules /dev/null",
        "link /etc/profile.d/x.sh /dev/null",
        "link /etc/update-motd.d/x /dev/null",
        "unit a.service EnvironmentFile=/dev/null\\nExecStart=/bin/true",
    ] {
        let host = planted(setup, true).special(
            "/dev/null",
            spotcheck::facts::file::FileKind::CharDevice,
            0o666,
        );
        let (people, _) = found(&host);
        let new: Vec<&String> = people.difference(&base).collect();
        assert!(new.is_empty(), "{new:?}: {setup}");
    }
}

#[test]
fn what_a_process_of_roots_is_made_of_is_roots() {
    let with = |process: Running, maps: &str| {
        planted("bob /opt/tool", true)
            .file("/srv/lib/x.so", 0o755, 1001, 1001, PROGRAM)
            .file("/proc/50/maps", 0o400, 0, 0, maps)
            .process(process)
    };
    let people = |host: &Memory| found(host).0;
    let bob = BTreeSet::from(["bob".to_owned()]);
    let nobody = BTreeSet::new();
    let tool = || Running::program(50, "/opt/tool");
    assert_eq!(people(&with(tool(), "")), bob);
    assert_eq!(people(&with(tool().owned_by(1002, 1002), "")), nobody);
    // In a session root looks at other people's files; in a container the path is another's.
    assert_eq!(
        people(&with(tool().in_group("/user.slice/user-0.slice/session-1.scope", None), "")),
        nobody
    );
    assert_eq!(people(&with(tool().in_container(), "")), nobody);
    let library = "7f00-7f01 r-xp 00000000 08:01 17 /srv/lib/x.so\n";
    assert_eq!(people(&with(Running::program(50, "/usr/bin/env"), library)), bob);
    let script =
        Running::program(50, "/usr/bin/python3").arguments(&["python3", "-u", "/opt/tool"]);
    assert_eq!(people(&with(script, "")), bob);
    // Whoever runs code there, and whoever can change the program, has its capabilities.
    let able = |exe: &str, bit: u32| {
        let one = Running::program(50, exe).owned_by(1002, 1002);
        one.each_thread(move |thread| thread.capabilities.permitted = 1 << bit)
    };
    let eve = BTreeSet::from(["eve".to_owned()]);
    assert_eq!(people(&with(able("/usr/bin/env", 21), "")), eve);
    assert_eq!(people(&with(able("/opt/tool", 21), "")), &eve | &bob);
    assert_eq!(people(&with(able("/opt/tool", 10), "")), nobody);
}
