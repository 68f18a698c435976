//! The takeover table: ways in which somebody becomes root or takes over a service, each staged on a
//! root filesystem of its own, beside a clean variant that looks much like it. policies/privilege.yaml
//! has to tell every one of them by the right rule, and nothing in the clean variants.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, needs};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A route: what it is, the rule that has to tell it, what stages it, and what looks like it and is
/// none. Scripts run in the root of the staged filesystem; `bob` and `eve` are users, `staff` is a
/// group with bob in it, `none` a group without members.
struct Route {
    kind: &'static str,
    rule: &'static str,
    seeded: &'static str,
    clean: &'static str,
}

const ROUTES: &[Route] = &[
    Route {
        kind: "unit file that a group may write",
        rule: "privilege-root-runs",
        seeded: "chgrp 50 etc/systemd/system/shop.service; chmod 664 etc/systemd/system/shop.service",
        clean: "chgrp 60 etc/systemd/system/shop.service; chmod 664 etc/systemd/system/shop.service",
    },
    Route {
        kind: "drop-in directory of somebody",
        rule: "privilege-root-runs",
        seeded: "mkdir etc/systemd/system/shop.service.d; chown 1001 etc/systemd/system/shop.service.d",
        clean: "mkdir etc/systemd/system/shop.service.d",
    },
    Route {
        kind: "program of root's service that somebody owns",
        rule: "privilege-root-runs",
        seeded: "chown 1001 opt/shop/bin/shop",
        clean: "chown 1001 opt/shop/README",
    },
    Route {
        kind: "directory above a program, writable for a group",
        rule: "privilege-root-runs",
        seeded: "chgrp 50 opt; chmod 775 opt",
        clean: "chgrp 60 opt; chmod 775 opt",
    },
    Route {
        kind: "directory above a program by an access control list",
        rule: "privilege-root-runs",
        seeded: "setfacl -m u:1001:rwx opt/shop",
        clean: "setfacl -m u:1001:rwx,m::r-x opt/shop",
    },
    Route {
        kind: "directory of root in one that all may write",
        rule: "privilege-root-runs",
        seeded: "mkdir -p srv/app; chmod 777 srv; echo x > srv/app/run; chmod 755 srv/app/run; echo '* * * * * root /srv/app/run' > etc/cron.d/app",
        clean: "mkdir -p srv/app; chmod 755 srv; echo x > srv/app/run; chmod 755 srv/app/run; echo '* * * * * root /srv/app/run' > etc/cron.d/app",
    },
    Route {
        kind: "missing environment file in a shared directory",
        rule: "privilege-root-runs",
        seeded: "sed -i 's,^ExecStart,EnvironmentFile=-/tmp/shop.env\\nExecStart,' etc/systemd/system/shop.service",
        clean: "sed -i 's,^ExecStart,EnvironmentFile=-/etc/shop.env\\nExecStart,' etc/systemd/system/shop.service",
    },
    Route {
        kind: "environment file of somebody",
        rule: "privilege-root-runs",
        seeded: "sed -i 's,^ExecStart,EnvironmentFile=/etc/shop.env\\nExecStart,' etc/systemd/system/shop.service; touch etc/shop.env; chown 1001 etc/shop.env",
        clean: "sed -i 's,^ExecStart,EnvironmentFile=/etc/shop.env\\nExecStart,' etc/systemd/system/shop.service; touch etc/shop.env; chgrp 50 etc/shop.env",
    },
    Route {
        kind: "interpreter of a script",
        rule: "privilege-root-runs",
        seeded: "printf '#!/opt/py\\n' > opt/shop/bin/shop; printf x > opt/py; chmod 755 opt/py; chown 1001 opt/py",
        clean: "printf '#!/opt/py\\n' > opt/shop/bin/shop; printf x > opt/py; chmod 755 opt/py",
    },
    Route {
        kind: "program that root's script runs",
        rule: "privilege-root-runs",
        seeded: "printf '#!/bin/sh\\n/opt/tool now\\n' > opt/shop/bin/shop; printf x > opt/tool; chmod 775 opt/tool; chgrp 50 opt/tool",
        clean: "printf '#!/bin/sh\\n# /opt/tool now\\n' > opt/shop/bin/shop; printf x > opt/tool; chmod 775 opt/tool; chgrp 50 opt/tool",
    },
    Route {
        kind: "directory of the unit's PATH",
        rule: "privilege-root-runs",
        seeded: "sed -i 's,^ExecStart,Environment=PATH=/opt/bin:/bin\\nExecStart,' etc/systemd/system/shop.service; mkdir opt/bin; chown 1001 opt/bin",
        clean: "sed -i 's,^ExecStart,Environment=PATH=/opt/bin:/bin\\nExecStart,' etc/systemd/system/shop.service; mkdir opt/bin",
    },
    Route {
        kind: "library that a unit preloads",
        rule: "privilege-root-runs",
        seeded: "sed -i 's,^ExecStart,Environment=LD_PRELOAD=/opt/pre.so\\nExecStart,' etc/systemd/system/shop.service; touch opt/pre.so; chown 1001 opt/pre.so",
        clean: "sed -i 's,^ExecStart,Environment=PRELOAD=/opt/pre.so\\nExecStart,' etc/systemd/system/shop.service; touch opt/pre.so; chown 1001 opt/pre.so",
    },
    Route {
        kind: "ld.so.preload",
        rule: "privilege-root-runs",
        seeded: "echo /opt/pre.so > etc/ld.so.preload; touch opt/pre.so; chown 1001 opt/pre.so",
        clean: "echo /opt/pre.so > etc/ld.so.preload; touch opt/pre.so",
    },
    Route {
        kind: "library directory in ld.so.conf.d that somebody could make",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/ld.so.conf.d; echo 'include /etc/ld.so.conf.d/*.conf' > etc/ld.so.conf; echo /tmp/lib > etc/ld.so.conf.d/x.conf",
        clean: "mkdir -p etc/ld.so.conf.d; echo 'include /etc/ld.so.conf.d/*.conf' > etc/ld.so.conf; echo /opt/lib > etc/ld.so.conf.d/x.conf",
    },
    Route {
        kind: "cron table of the system",
        rule: "privilege-root-runs",
        seeded: "echo '* * * * * root /bin/true' > etc/cron.d/job; chown 1001 etc/cron.d/job",
        clean: "echo '* * * * * root /bin/true' > etc/cron.d/job; chgrp 50 etc/cron.d/job",
    },
    Route {
        kind: "script in cron.daily",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/cron.daily; printf '#!/bin/sh\\n' > etc/cron.daily/x; chmod 775 etc/cron.daily/x; chgrp 50 etc/cron.daily/x",
        clean: "mkdir -p etc/cron.daily; printf '#!/bin/sh\\n' > etc/cron.daily/x; chmod 755 etc/cron.daily/x; chgrp 50 etc/cron.daily/x",
    },
    Route {
        kind: "what root's cron job runs through a symbolic link of somebody",
        rule: "privilege-root-runs",
        seeded: "mkdir opt/link; chown 1001 opt/link; ln -s /opt/shop/bin/shop opt/link/run; echo '* * * * * root /opt/link/run' > etc/cron.d/job",
        clean: "mkdir opt/link; ln -s /opt/shop/bin/shop opt/link/run; echo '* * * * * root /opt/link/run' > etc/cron.d/job",
    },
    Route {
        kind: "profile of all shells",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/profile.d; touch etc/profile.d/x.sh; chown 1001 etc/profile.d/x.sh",
        clean: "mkdir -p etc/profile.d; touch etc/profile.d/x.sh",
    },
    Route {
        kind: "message of the day",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/update-motd.d; chgrp 50 etc/update-motd.d; chmod 775 etc/update-motd.d",
        clean: "mkdir -p etc/update-motd.d; chgrp 60 etc/update-motd.d; chmod 775 etc/update-motd.d",
    },
    Route {
        kind: "program that udev runs",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/udev/rules.d; echo 'ACTION==\"add\", RUN+=\"/opt/plug %k\"' > etc/udev/rules.d/9.rules; printf x > opt/plug; chmod 755 opt/plug; chown 1001 opt/plug",
        clean: "mkdir -p etc/udev/rules.d; echo '#ACTION==\"add\", RUN+=\"/opt/plug %k\"' > etc/udev/rules.d/9.rules; printf x > opt/plug; chmod 755 opt/plug; chown 1001 opt/plug",
    },
    Route {
        kind: "script of logrotate",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/logrotate.d; printf '/var/log/x {\\npostrotate\\n/opt/rotate\\nendscript\\n}\\n' > etc/logrotate.d/x; printf x > opt/rotate; chmod 755 opt/rotate; chown 1001 opt/rotate",
        clean: "mkdir -p etc/logrotate.d; printf '/var/log/x {\\npostrotate\\n/opt/rotate\\nendscript\\n}\\n' > etc/logrotate.d/x; printf x > opt/rotate; chmod 755 opt/rotate",
    },
    Route {
        kind: "hook of apt",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/apt/apt.conf.d; echo 'DPkg::Post-Invoke {\"/opt/hook\";};' > etc/apt/apt.conf.d/9; printf x > opt/hook; chmod 755 opt/hook; chown 1001 opt/hook",
        clean: "mkdir -p etc/apt/apt.conf.d; echo '// DPkg::Post-Invoke {\"/opt/hook\";};' > etc/apt/apt.conf.d/9; printf x > opt/hook; chmod 755 opt/hook; chown 1001 opt/hook",
    },
    Route {
        kind: "module of PAM",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/pam.d usr/lib/x86_64-linux-gnu/security; echo 'auth required pam_own.so' > etc/pam.d/login; touch usr/lib/x86_64-linux-gnu/security/pam_own.so; chown 1001 usr/lib/x86_64-linux-gnu/security/pam_own.so",
        clean: "mkdir -p etc/pam.d usr/lib/x86_64-linux-gnu/security; echo 'auth required pam_own.so' > etc/pam.d/login; touch usr/lib/x86_64-linux-gnu/security/pam_own.so",
    },
    Route {
        kind: "install line of modprobe",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/modprobe.d; echo 'install pcspkr /opt/mod' > etc/modprobe.d/x.conf; printf x > opt/mod; chmod 755 opt/mod; chown 1001 opt/mod",
        clean: "mkdir -p etc/modprobe.d; echo 'options pcspkr /opt/mod' > etc/modprobe.d/x.conf; printf x > opt/mod; chmod 755 opt/mod; chown 1001 opt/mod",
    },
    Route {
        kind: "D-Bus service",
        rule: "privilege-root-runs",
        seeded: "mkdir -p usr/share/dbus-1/system-services; printf '[D-BUS Service]\\nName=x\\nExec=/opt/bus\\nUser=root\\n' > usr/share/dbus-1/system-services/x.service; printf x > opt/bus; chmod 755 opt/bus; chown 1001 opt/bus",
        clean: "mkdir -p usr/share/dbus-1/system-services; printf '[D-BUS Service]\\nName=x\\nExec=/opt/bus\\nUser=root\\n' > usr/share/dbus-1/system-services/x.service; printf x > opt/bus; chmod 755 opt/bus",
    },
    Route {
        kind: "rc.local",
        rule: "privilege-root-runs",
        seeded: "printf '#!/bin/sh\\n' > etc/rc.local; chmod 755 etc/rc.local; chown 1001 etc/rc.local",
        clean: "printf '#!/bin/sh\\n' > etc/rc.local; chmod 755 etc/rc.local",
    },
    Route {
        kind: "command that sshd asks for keys",
        rule: "privilege-root-runs",
        seeded: "mkdir -p etc/ssh; printf 'AuthorizedKeysCommand /opt/keys\\n' > etc/ssh/sshd_config; printf x > opt/keys; chmod 755 opt/keys; chown 1001 opt/keys",
        clean: "mkdir -p etc/ssh; printf '#AuthorizedKeysCommand /opt/keys\\n' > etc/ssh/sshd_config; printf x > opt/keys; chmod 755 opt/keys; chown 1001 opt/keys",
    },
    Route {
        kind: "setuid program that a group may write",
        rule: "privilege-setuid-controlled",
        seeded: "printf x > usr/bin/own; chgrp 50 usr/bin/own; chmod 4775 usr/bin/own",
        clean: "printf x > usr/bin/own; chgrp 60 usr/bin/own; chmod 4775 usr/bin/own",
    },
    Route {
        kind: "setuid program that no package has",
        rule: "privilege-setuid-packaged",
        seeded: "touch var/lib/dpkg/status; printf x > usr/bin/own; chmod 4755 usr/bin/own",
        clean: "touch var/lib/dpkg/status; echo /bin/own > var/lib/dpkg/info/own.list; echo 'root root 4755 /usr/bin/own' > var/lib/dpkg/statoverride; printf x > usr/bin/own; chmod 4755 usr/bin/own",
    },
    Route {
        kind: "shell for the account of a service",
        rule: "privilege-service-shells",
        seeded: "printf '/bin/sh\n' > etc/shells; echo 'web:x:200:200::/:/bin/sh' >> etc/passwd; echo 'web:!:1::::::' >> etc/shadow",
        clean: "printf '/bin/sh\n' > etc/shells; echo 'web:x:200:200::/:/usr/sbin/nologin' >> etc/passwd; echo 'web:!:1::::::' >> etc/shadow",
    },
    Route {
        kind: "setuid shell",
        rule: "privilege-setuid-shells",
        seeded: "printf x > usr/bin/bash; chmod 4755 usr/bin/bash",
        clean: "printf x > usr/bin/su; chmod 4755 usr/bin/su",
    },
    Route {
        kind: "interpreter with a capability",
        rule: "privilege-setuid-shells",
        seeded: "printf x > usr/bin/python3.11; chmod 755 usr/bin/python3.11; setcap cap_setuid+ep usr/bin/python3.11",
        clean: "printf x > usr/bin/ping; chmod 755 usr/bin/ping; setcap cap_net_raw+ep usr/bin/ping",
    },
    Route {
        kind: "disk that a group may read",
        rule: "privilege-objects",
        seeded: "mkdir -p dev; mknod dev/sda b 8 0; chgrp 50 dev/sda; chmod 640 dev/sda",
        clean: "mkdir -p dev; mknod dev/sda b 8 0; chgrp 60 dev/sda; chmod 640 dev/sda",
    },
    Route {
        kind: "socket of a container engine",
        rule: "privilege-objects",
        seeded: "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('run/docker.sock')\"; chgrp 50 run/docker.sock; chmod 660 run/docker.sock",
        clean: "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('run/docker.sock')\"; chgrp 60 run/docker.sock; chmod 660 run/docker.sock",
    },
    Route {
        kind: "second account of uid 0",
        rule: "privilege-one-root",
        seeded: "echo 'toor:x:0:0::/root:/bin/sh' >> etc/passwd; echo 'toor:!:1::::::' >> etc/shadow",
        clean: "echo 'toor:x:1003:0::/root:/usr/sbin/nologin' >> etc/passwd; echo 'toor:!:1::::::' >> etc/shadow",
    },
    Route {
        kind: "account without a password",
        rule: "privilege-one-root",
        seeded: "sed -i 's,^bob:[^:]*,bob:,' etc/shadow",
        clean: "sed -i 's,^bob:[^:]*,bob:!,' etc/shadow",
    },
    Route {
        kind: "hash that is tried by the million",
        rule: "privilege-one-root",
        seeded: "sed -i 's,^bob:[^:]*,bob:$1$abcdefgh$0123456789012345678901,' etc/shadow",
        clean: "sed -i 's,^bob:[^:]*,bob:$y$j9T$abcdefgh$0123456789012345678901,' etc/shadow",
    },
    Route {
        kind: "sudo without a password",
        rule: "privilege-sudo",
        seeded: "echo 'bob ALL=(ALL) NOPASSWD: /usr/bin/uptime' > etc/sudoers",
        clean: "echo 'bob ALL=(ALL) /usr/bin/uptime' > etc/sudoers",
    },
    Route {
        kind: "sudo for a command that gives a shell",
        rule: "privilege-sudo",
        seeded: "echo 'bob ALL=/usr/bin/less /var/log/x' > etc/sudoers",
        clean: "echo 'bob ALL=NOEXEC: /usr/bin/less /var/log/x' > etc/sudoers",
    },
    Route {
        kind: "sudo for a command that somebody could replace",
        rule: "privilege-sudo",
        seeded: "echo 'bob ALL=/opt/own' > etc/sudoers; printf x > opt/own; chmod 755 opt/own; chown 1001 opt/own",
        clean: "echo 'bob ALL=/opt/own' > etc/sudoers; printf x > opt/own; chmod 755 opt/own",
    },
    Route {
        kind: "sudo with a command taken out",
        rule: "privilege-sudo",
        seeded: "echo 'bob ALL=ALL, !/bin/sh' > etc/sudoers",
        clean: "echo 'bob ALL=/usr/bin/uptime, !/bin/sh' > etc/sudoers",
    },
    Route {
        kind: "sudo that keeps LD_PRELOAD",
        rule: "privilege-sudo",
        seeded: "printf 'Defaults env_keep += \"LD_PRELOAD\"\\nbob ALL=/usr/bin/uptime\\n' > etc/sudoers",
        clean: "printf 'Defaults env_keep += \"LANG\"\\nbob ALL=/usr/bin/uptime\\n' > etc/sudoers",
    },
    Route {
        kind: "authorized_keys that a group may write",
        rule: "privilege-ssh-keys",
        seeded: "mkdir home/eve/.ssh; echo k > home/eve/.ssh/authorized_keys; chown -R 1002:50 home/eve/.ssh; chmod 664 home/eve/.ssh/authorized_keys",
        clean: "mkdir home/eve/.ssh; echo k > home/eve/.ssh/authorized_keys; chown -R 1002:60 home/eve/.ssh; chmod 644 home/eve/.ssh/authorized_keys",
    },
    Route {
        kind: "home directory that others may write",
        rule: "privilege-ssh-keys",
        seeded: "chgrp 50 home/eve; chmod 775 home/eve",
        clean: "chmod 755 home/eve",
    },
    Route {
        kind: "private host key that others may read",
        rule: "privilege-ssh-keys",
        seeded: "mkdir -p etc/ssh; echo k > etc/ssh/ssh_host_rsa_key; chmod 644 etc/ssh/ssh_host_rsa_key",
        clean: "mkdir -p etc/ssh; echo k > etc/ssh/ssh_host_rsa_key; chmod 600 etc/ssh/ssh_host_rsa_key",
    },
    Route {
        kind: "file that everybody may write",
        rule: "privilege-open-to-all",
        seeded: "touch srv/x; chmod 666 srv/x",
        clean: "touch srv/x; chmod 664 srv/x",
    },
    Route {
        kind: "directory of everybody's without sticky bit",
        rule: "privilege-open-to-all",
        seeded: "mkdir srv/drop; chmod 777 srv/drop",
        clean: "mkdir srv/drop; chmod 1777 srv/drop",
    },
    Route {
        kind: "files of a deleted account",
        rule: "privilege-of-nobody",
        seeded: "touch srv/x; chown 4711 srv/x",
        clean: "touch srv/x; chown 1001 srv/x",
    },
    Route {
        kind: "hashes that everybody may read",
        rule: "privilege-shadow",
        seeded: "chmod 644 etc/shadow",
        clean: "chmod 600 etc/shadow",
    },
];

/// A small host: a service of root's, two users, groups with and without members.
const HOST: &str = r"
set -eu
mkdir -p etc/systemd/system etc/cron.d opt/shop/bin usr/bin usr/sbin usr/lib usr/local/bin usr/local/sbin
mkdir -p home/bob home/eve root tmp run srv var/lib/dpkg/info
ln -s usr/bin bin; ln -s usr/sbin sbin; ln -s usr/lib lib
chmod 1777 tmp; chmod 700 root
printf 'ID=debian\n' > etc/os-release
printf 'root:x:0:0::/root:/bin/sh\nbob:x:1001:1001::/home/bob:/bin/sh\neve:x:1002:1002::/home/eve:/bin/sh\n' > etc/passwd
printf 'root:x:0:\nbob:x:1001:\neve:x:1002:\nstaff:x:50:bob\nnone:x:60:\nshadow:x:42:\n' > etc/group
printf 'root:!:1::::::\nbob:!:1::::::\neve:!:1::::::\n' > etc/shadow
chgrp 42 etc/shadow; chmod 640 etc/shadow
chown 1001:1001 home/bob; chown 1002:1002 home/eve
printf '[Service]\nExecStart=/opt/shop/bin/shop\n' > etc/systemd/system/shop.service
printf '#!/bin/sh\n' > opt/shop/bin/shop; chmod 755 opt/shop/bin/shop
printf x > usr/bin/dash; chmod 755 usr/bin/dash; ln -s dash usr/bin/sh
touch opt/shop/README
";

fn stage(script: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    for text in [HOST, script] {
        let output = Command::new("sh")
            .args(["-c", &format!("set -e; umask 022\n{text}")])
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    place
}

/// The rules that are violated, and the whole report for messages.
fn violated(root: &Path) -> (Vec<String>, String) {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/privilege.yaml");
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--format", "json", "--root"])
        .args([root, &policy])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr))
    });
    let all = json["findings"].as_array().unwrap();
    let bad =
        |finding: &&Value| ["fail", "unknown"].contains(&finding["outcome"].as_str().unwrap());
    let rule = |finding: &Value| finding["rule"].as_str().unwrap().to_owned();
    let mut rules: Vec<String> = all.iter().filter(bad).map(rule).collect();
    let words: Vec<String> = all.iter().filter(bad).map(|finding| finding.to_string()).collect();
    rules.dedup();
    (rules, words.join("\n"))
}

#[test]
fn every_route_is_told_by_its_rule_and_no_clean_variant_is() {
    let wanted =
        [Need::Root, Need::Command("setfacl"), Need::Command("setcap"), Need::Command("python3")];
    if !needs(&wanted) {
        return;
    }
    let (rules, words) = violated(stage("").path());
    assert!(rules.is_empty(), "the host itself: {words}");
    let judge = |routes: &[Route]| -> String {
        let mut wrong = String::new();
        for route in routes {
            let (rules, words) = violated(stage(route.seeded).path());
            // A route may be more than one thing; the rule has to be among those that tell it.
            if !rules.iter().any(|rule| rule == route.rule) {
                wrong.push_str(&format!("not told: {}: {rules:?}\n{words}\n", route.kind));
            }
            let (rules, words) = violated(stage(route.clean).path());
            if !rules.is_empty() {
                wrong.push_str(&format!("told without reason: {}: {words}\n", route.kind));
            }
        }
        wrong
    };
    let (first, second) = ROUTES.split_at(ROUTES.len() / 2);
    let wrong = std::thread::scope(|scope| {
        let other = scope.spawn(|| judge(second));
        judge(first) + &other.join().unwrap()
    });
    assert!(wrong.is_empty(), "{wrong}");
    let kinds: std::collections::BTreeSet<&str> = ROUTES.iter().map(|route| route.kind).collect();
    assert!(kinds.len() >= 25 && kinds.len() == ROUTES.len());
}

fn who_can(root: &Path, question: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .arg("who-can")
        .args(question)
        .arg("--root")
        .arg(root)
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    (String::from_utf8(output.stdout).unwrap() + &errors, output.status.code())
}

#[test]
fn the_same_engine_answers_questions() {
    if !needs(&[Need::Root]) {
        return;
    }
    let place = stage("chgrp 50 opt; chmod 775 opt; echo 'eve ALL=(ALL) ALL' > etc/sudoers");
    let ask = |question: &[&str]| who_can(place.path(), question);
    let (text, code) = ask(&["write", "/opt/shop/bin/shop"]);
    insta::assert_snapshot!(text, @r"
    who can write /opt/shop/bin/shop: bob, and root
    └─ /opt (drwxrwxr-x root:staff)
       └─ bob via group staff: could replace shop
    ");
    assert_eq!(code, Some(0));
    let (text, _) = ask(&["control", "shop"]);
    insta::assert_snapshot!(text, @r"
    who can control shop.service: bob, and root
    └─ /opt (drwxrwxr-x root:staff)
       ├─ bob via group staff: could replace shop
       └─ that decides ExecStart= of shop.service /opt/shop/bin/shop
    ");
    let (text, _) = ask(&["become", "root"]);
    insta::assert_snapshot!(text, @r"
    who can become root: bob, eve, and root
    ├─ /opt (drwxrwxr-x root:staff)
    │  ├─ bob via group staff: could replace shop
    │  └─ that decides ExecStart= of shop.service /opt/shop/bin/shop
    └─ /etc/sudoers:1
       └─ eve may run ALL as ALL through sudo
    ");
    let (text, _) = ask(&["become", "eve"]);
    insta::assert_snapshot!(text, @r"
    who can become eve: nobody but root; bob through root
    └─ through root, whom bob can become
       └─ /opt (drwxrwxr-x root:staff)
          ├─ bob via group staff: could replace shop
          └─ that decides ExecStart= of shop.service /opt/shop/bin/shop
    ");
    let (text, _) = ask(&["write", "/etc/passwd"]);
    insta::assert_snapshot!(text, @"who can write /etc/passwd: nobody but root");
    let (text, code) = ask(&["control", "none"]);
    insta::assert_snapshot!(text, @"error: there is no unit none.service; name a unit, or a program by its absolute path");
    assert_eq!(code, Some(3));
    let (text, _) = ask(&["write", "/opt/shop/bin/shop", "--but", "bob"]);
    insta::assert_snapshot!(text, @"who can write /opt/shop/bin/shop: nobody but root");
    let (text, _) = ask(&["write", "/opt/shop", "--format", "json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["who"], serde_json::json!(["bob"]));
    assert_eq!(json["routes"][0]["component"], "/opt");
}

#[test]
fn routes_of_several_steps_are_followed() {
    if !needs(&[Need::Root]) {
        return;
    }
    let place = stage(
        "echo 'eve ALL=(ALL) ALL' > etc/sudoers; mkdir srv/web; printf x > srv/web/run; \
         chmod 775 srv/web/run; chgrp 50 srv/web/run; \
         printf '[Service]\nUser=eve\nExecStart=/srv/web/run\n' > etc/systemd/system/web.service; \
         echo 'ann:x:1003:1003::/home/ann:/bin/sh' >> etc/passwd; echo 'ann:!:1::::::' >> etc/shadow; \
         echo 'ann ALL=(bob) /bin/sh' >> etc/sudoers",
    );
    let (text, code) = who_can(place.path(), &["become", "root"]);
    insta::assert_snapshot!(text, @r"
    who can become root: eve, and root; bob through eve; ann through bob and eve
    ├─ /etc/sudoers:1
    │  └─ eve may run ALL as ALL through sudo
    └─ through eve, whom bob can become
       ├─ /srv/web/run (-rwxrwxr-x root:staff)
       │  ├─ bob via group staff: could write it
       │  └─ that decides ExecStart= of web.service /srv/web/run
       └─ through bob, whom ann can become
          └─ /etc/sudoers:2
             └─ ann may run /bin/sh as bob through sudo
    ");
    assert_eq!(code, Some(0));
    let (text, _) = who_can(place.path(), &["become", "root", "--but", "eve"]);
    insta::assert_snapshot!(text, @r"
    who can become root: nobody but root; bob through eve; ann through bob and eve
    └─ through eve, whom bob can become
       ├─ /srv/web/run (-rwxrwxr-x root:staff)
       │  ├─ bob via group staff: could write it
       │  └─ that decides ExecStart= of web.service /srv/web/run
       └─ through bob, whom ann can become
          └─ /etc/sudoers:2
             └─ ann may run /bin/sh as bob through sudo
    ");
    let (text, _) = who_can(place.path(), &["become", "root", "--format", "json"]);
    let json: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["who"], serde_json::json!(["eve"]));
    assert_eq!(json["through"][0]["who"], serde_json::json!(["bob"]));
    assert_eq!(
        json["through"][0]["through"][0]["chain"],
        serde_json::json!(["bob", "eve", "root"])
    );
    // The same without the link in the middle.
    let cut = "chgrp 0 srv/web/run";
    assert!(Command::new("sh").args(["-c", cut]).current_dir(&place).status().unwrap().success());
    let (text, _) = who_can(place.path(), &["become", "root"]);
    insta::assert_snapshot!(text, @r"
    who can become root: eve, and root
    └─ /etc/sudoers:1
       └─ eve may run ALL as ALL through sudo
    ");
}

#[test]
fn programs_that_give_their_rights_away_are_for_those_who_may_run_them() {
    if !needs(&[Need::Root, Need::Command("setcap")]) {
        return;
    }
    let place = stage(
        "printf x > usr/bin/bash; chgrp 50 usr/bin/bash; chmod 4750 usr/bin/bash; \
         printf x > usr/bin/vim; chgrp 42 usr/bin/vim; chmod 2755 usr/bin/vim; \
         printf x > usr/bin/less; chgrp 60 usr/bin/less; chmod 2755 usr/bin/less",
    );
    let (text, _) = who_can(place.path(), &["become", "root"]);
    insta::assert_snapshot!(text, @r"
    who can become root: bob, everyone, and root
    ├─ /usr/bin/bash
    │  └─ bob may run what is setuid and gives a shell or writes any file: bash
    └─ /usr/bin/vim
       └─ everyone may run what is setgid and gives a shell or writes any file: vim
    ");
}
