//! The subjects of a host asked of an image and of a root filesystem: the same answers where files
//! give them, and "needs a running host" where they do not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, hex};
use crate::support::{Need, needs, rule};
use spotcheck::declared::daemons;
use spotcheck::targets::memory::Memory;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Questions that files answer. What is installed on the machine of the tests decides the answers,
/// which only have to be the same.
const QUESTIONS: &str = r#"
policy: p
rules:
  - { id: package, package: nginx-light, must: { installed: true, version: { at_least: "1.0" }, held: false } }
  - { id: no-package, package: telnetd, must: { installed: false } }
  - { id: unit, unit: nginx.service, must: { exists: true, enabled: true, state: enabled, masked: false, user: root, Service.Type: forking } }
  - { id: unit-user, unit: redis-server.service, must: { user: { not: root }, group: redis, Service.PrivateTmp: true } }
  - { id: unit-alias, unit: sshd.service, must: { enabled: true } }
  - { id: no-unit, unit: telnet.socket, must: { enabled: false } }
  - { id: cron, cron: all, must: { exists: true, run_as: root, writable_only_by: root } }
  - { id: cron-user, cron: www-data, must: { exists: false } }
  - { id: sysctl, sysctl: fs.protected_symlinks, must: { configured: 1 } }
  - { id: sysctl-none, sysctl: net.ipv4.ip_forward, must: { configured: 0 } }
  - { id: module, kernel_module: usb-storage, must: { blacklisted: true } }
  - { id: accounts, accounts: all, must: { uid_0: { only: [root] }, empty_passwords: false, duplicate_ids: false } }
  - { id: user, user: www-data, must: { exists: true, uid: 33, shell: /usr/sbin/nologin, groups: { only: [www-data] } } }
  - { id: group, group: shadow, must: { exists: true, gid: 42 } }
  - { id: file, file: /etc/shadow, must: { owner: root, group: shadow, mode: "0640", readable_by: [root] } }
  - { id: glob, file: "/etc/cron.d/*", must: { owner: root, writable_only_by: root } }
  - { id: config, config: /etc/nginx/nginx.conf, must: { user: www-data, http.server_tokens: "off" } }
  - { id: settings, config: /etc/ssh/sshd_config, must: { PermitRootLogin: "no", X11Forwarding: "yes" } }
"#;

/// What is told of a target, by rule and condition.
fn answers(options: &[&str], policy: &Path) -> BTreeMap<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--format", "json"])
        .args(options)
        .arg(policy)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter().map(|finding| {
        let of = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let about = finding["subject"]["name"].as_str().unwrap();
        let told = ["outcome", "expected", "observed", "reason"].map(of).join(" | ");
        (format!("{} {about} {}", of("rule"), of("condition")), told)
    });
    findings.collect()
}

/// Differential: this machine as it runs, its root filesystem, and an image of its files.
#[test]
fn files_say_the_same_on_a_host_in_its_root_filesystem_and_in_an_image() {
    let wanted = [Need::Root, Need::Command("nginx"), Need::Command("redis-server")];
    if !needs(&wanted) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.yaml");
    std::fs::write(&policy, QUESTIONS).unwrap();
    let host = answers(&[], &policy);
    assert!(host.len() > 40, "{host:#?}");
    assert!(host.values().all(|answer| !answer.starts_with("unknown")), "{host:#?}");
    assert_eq!(answers(&["--root", "/"], &policy), host);

    let layer = folder.path().join("layer.tar");
    let places =
        ["etc", "lib", "bin", "sbin", "usr/lib/systemd", "usr/lib/sysctl.d", "run/systemd"];
    let more =
        ["usr/lib/modprobe.d", "usr/lib/os-release", "usr/share/nginx", "var/lib/dpkg/status"];
    let there = |place: &&&str| Path::new("/").join(place).symlink_metadata().is_ok();
    let made = Command::new("tar")
        .args(["--create", "--numeric-owner", "--exclude=lib/x86_64-linux-gnu", "--directory=/"])
        .args(["--exclude=*.sock", "--warning=none", "--file"])
        .arg(&layer)
        .args(places.iter().chain(&more).filter(there))
        .status()
        .unwrap();
    // 1: a file has changed while it was read, as files of a running machine do.
    assert!(matches!(made.code(), Some(0 | 1)), "{made:?}");
    let mut image = Image::new("{}", []);
    image.layers = vec![std::fs::read(&layer).unwrap()];
    assert!(hex(&image.layers[0]).len() == 64);
    let archive = folder.path().join("image.tar");
    std::fs::write(&archive, image.docker_old("shop/app:1")).unwrap();
    let mut seen = answers(&["--image", archive.to_str().unwrap()], &policy);
    let mut expected = host;
    // Programs of cron are not in the image: what they could be replaced by nobody can tell.
    for answers in [&mut seen, &mut expected] {
        answers.retain(|question, _| !question.contains("writable_only_by"));
    }
    assert_eq!(seen, expected);
}

/// A root filesystem in memory.
fn at_rest() -> Memory {
    Memory::new()
        .image()
        .user("root", 0, 0)
        .user("www-data", 33, 33)
        .user("nginx", 101, 101)
        .user("redis", 102, 102)
        .user("postgres", 103, 103)
        .group("nginx", 101, &[])
        .group("www-data", 33, &[])
}

const SERVICE: &str = "/usr/lib/systemd/system/it.service";
const LINK: &str = "/etc/systemd/system/multi-user.target.wants/it.service";

/// With a unit that is enabled and starts this.
fn starting(target: Memory, command: &str) -> Memory {
    let unit = format!("[Service]\nExecStart={command}\n[Install]\nWantedBy=multi-user.target\n");
    target.file(SERVICE, 0o644, 0, 0, unit).symlink(LINK, SERVICE)
}

/// Sockets that would be opened, and what cannot be told.
fn ports(target: &Memory) -> String {
    let sockets = daemons::opened(target);
    let words = sockets.all.iter().map(|one| one.listener.to_string());
    let gaps = sockets.unknown.iter().map(|why| format!("? {why}"));
    words.chain(gaps).collect::<Vec<_>>().join(" ")
}

/// Ports of a daemon with this command, configuration and place of it.
fn of(command: &str, place: &str, configuration: &str) -> String {
    ports(&starting(at_rest().file(place, 0o644, 0, 0, configuration), command))
}

#[test]
fn ports_of_nginx_are_those_of_every_server() {
    let nginx = |configuration: &str| {
        of("/usr/sbin/nginx -g 'daemon on;'", "/etc/nginx/nginx.conf", configuration)
    };
    let server = |listen: &str| format!("events {{}} http {{ server {{ {listen} }} }}");
    assert_eq!(nginx(&server("listen 8080;")), "0.0.0.0:8080/tcp");
    assert_eq!(
        nginx(&server("listen 127.0.0.1:81; listen [::]:82;")),
        "127.0.0.1:81/tcp [::]:82/tcp"
    );
    assert_eq!(nginx(&server("")), "0.0.0.0:80/tcp");
    assert_eq!(nginx(&server("listen 90-91 ssl;")), "0.0.0.0:90/tcp 0.0.0.0:91/tcp");
    assert_eq!(nginx(&server("listen unix:/run/x;")), "");
    assert_eq!(nginx("events {} http {}"), "");
    assert_eq!(nginx("events {} stream { server { listen 53 udp; } }"), "0.0.0.0:53/udp");
    assert_eq!(
        nginx(&server("listen web.example:80;")),
        "? /etc/nginx/nginx.conf:1: address web.example: a name that is resolved when it starts"
    );
    assert_eq!(
        nginx("events {} http { include /nowhere/x; server { listen 80; } }"),
        "0.0.0.0:80/tcp ? /nowhere/x: nginx would not start: this included file does not exist"
    );
}

#[test]
fn another_configuration_in_the_arguments_is_the_one_that_counts() {
    let listen = "events {} http { server { listen 8080; } }";
    let with = |command: &str| of(command, "/srv/nginx.conf", listen);
    assert_eq!(with("/usr/sbin/nginx -c /srv/nginx.conf"), "0.0.0.0:8080/tcp");
    assert!(with("/usr/sbin/nginx").contains("its configuration is not there"));
    assert!(with("/usr/sbin/nginx -p /srv").contains("not followed"));
    assert!(with("/usr/sbin/nginx -c nginx.conf").contains("depends on where"));
    assert!(with("/usr/sbin/nginx -c /srv/nginx.conf -g 'include /x;'").contains("not followed"));
}

#[test]
fn ports_of_sshd_are_every_port_on_every_address() {
    let sshd =
        |command: &str, configuration: &str| of(command, "/etc/ssh/sshd_config", configuration);
    let plain = |configuration: &str| sshd("/usr/sbin/sshd -D", configuration);
    assert_eq!(plain(""), "0.0.0.0:22/tcp [::]:22/tcp");
    assert_eq!(plain("AddressFamily inet\n"), "0.0.0.0:22/tcp");
    assert_eq!(
        plain("Port 22\nPort 2222\nListenAddress 127.0.0.1\n"),
        "127.0.0.1:22/tcp 127.0.0.1:2222/tcp"
    );
    assert_eq!(plain("Port 22\nListenAddress 10.0.0.1:2022\n"), "10.0.0.1:2022/tcp");
    assert_eq!(plain("ListenAddress [::1]:23\nListenAddress ::1\n"), "[::1]:23/tcp [::1]:22/tcp");
    let twice = "0.0.0.0:2200/tcp [::]:2200/tcp";
    assert_eq!(sshd("/usr/sbin/sshd -D -p 2200", "Port 22\n"), twice);
    assert_eq!(sshd("/usr/sbin/sshd -oPort=2200 -D", "Port 22\n"), twice);
    assert!(sshd("/usr/sbin/sshd -o ListenAddress=::1", "").contains("not followed"));
}

#[test]
fn variables_of_the_unit_are_arguments_too() {
    let with = |files: Memory| {
        let unit =
            "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $OPTS\n";
        let target = files
            .file("/etc/ssh/sshd_config", 0o644, 0, 0, "ListenAddress 127.0.0.1\n")
            .file(SERVICE, 0o644, 0, 0, unit)
            .symlink(LINK, SERVICE);
        ports(&target)
    };
    assert_eq!(with(at_rest()), "127.0.0.1:22/tcp");
    let said = at_rest().file("/etc/default/ssh", 0o644, 0, 0, "OPTS='-p 2222'\n");
    assert_eq!(with(said.clone()), "127.0.0.1:2222/tcp");
    assert!(with(said.unreadable("/etc/default/ssh")).contains("they depend on variables"));
}

#[test]
fn ports_of_redis_are_its_own_on_what_it_binds() {
    let redis = |arguments: &str, configuration: &str| {
        let command = format!("/usr/bin/redis-server {arguments}");
        of(&command, "/etc/redis/redis.conf", configuration)
    };
    let file = "/etc/redis/redis.conf";
    assert_eq!(redis("", "port 1\n"), "0.0.0.0:6379/tcp [::]:6379/tcp");
    assert_eq!(redis(file, "bind 127.0.0.1 -::1\n"), "127.0.0.1:6379/tcp [::1]:6379/tcp");
    assert_eq!(
        redis(file, "port 7000\nport 7001\nbind * -::*\n"),
        "0.0.0.0:7001/tcp [::]:7001/tcp"
    );
    assert_eq!(redis(file, "port 0\n"), "");
    assert_eq!(redis(file, "port 0\ntls-port 6380\nbind ::1\n"), "[::1]:6380/tcp");
    assert_eq!(redis(&format!("{file} --port 7 --bind 10.0.0.1"), "port 8\n"), "10.0.0.1:7/tcp");
    assert!(redis("-", "").contains("not followed"));
}

#[test]
fn ports_of_apache_have_no_default() {
    let apache = |command: &str, configuration: &str| {
        of(command, "/etc/apache2/apache2.conf", configuration)
    };
    let start = "/usr/sbin/apachectl start";
    assert_eq!(apache(start, "Listen 8080\n"), "0.0.0.0:8080/tcp [::]:8080/tcp");
    assert_eq!(
        apache(start, "Listen 127.0.0.1:81 http\nListen [::1]:82\n"),
        "127.0.0.1:81/tcp [::1]:82/tcp"
    );
    assert_eq!(
        apache("/usr/sbin/apache2 -D FOREGROUND", "Listen *:80\n"),
        "0.0.0.0:80/tcp [::]:80/tcp"
    );
    assert_eq!(apache(start, "ServerName x\n"), "");
    let conditional = "<IfModule ssl_module>\nListen 443\n</IfModule>\n";
    assert_eq!(apache(start, conditional), "");
    let loaded = format!("LoadModule ssl_module /x.so\n{conditional}");
    assert_eq!(apache(start, &loaded), "0.0.0.0:443/tcp [::]:443/tcp");
    assert!(apache("/usr/sbin/apache2 -D SSL", "Listen 80\n").contains("not followed"));
}

/// A cluster of PostgreSQL as Debian has it.
fn cluster(start: &str, configuration: &str) -> Memory {
    let unit = "/usr/lib/systemd/system/postgresql.service";
    at_rest()
        .file(
            unit,
            0o644,
            0,
            0,
            "[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n",
        )
        .symlink("/etc/systemd/system/multi-user.target.wants/postgresql.service", unit)
        .file("/usr/lib/postgresql/15/bin/postgres", 0o755, 0, 0, "")
        .dir("/var/lib/postgresql/15/main", 0o700, 103, 103)
        .file("/etc/postgresql/15/main/start.conf", 0o644, 103, 103, start)
        .file("/etc/postgresql/15/main/postgresql.conf", 0o644, 103, 103, configuration)
}

#[test]
fn clusters_of_postgresql_start_as_the_owner_of_their_data() {
    let data = "data_directory = '/var/lib/postgresql/15/main'\n";
    let both = "127.0.0.1:5432/tcp [::1]:5432/tcp";
    assert_eq!(ports(&cluster("auto\n", data)), both);
    assert_eq!(
        ports(&cluster("auto", &format!("{data}port = 5433\nlisten_addresses = '*'\n"))),
        "0.0.0.0:5433/tcp [::]:5433/tcp"
    );
    assert_eq!(ports(&cluster("auto", &format!("{data}listen_addresses = ''\n"))), "");
    assert_eq!(ports(&cluster("manual\n", data)), "");
    let asks = rule(
        "service: { exe: /usr/lib/postgresql/15/bin/postgres }\n\
                     must: { run_as: postgres, never_root: true }",
    );
    asks.on(&cluster("auto", data)).passes();
    let elsewhere = "data_directory = '/mnt/later'\n";
    asks.on(&cluster("auto", elsewhere)).unknown_with(
        "run_as: /etc/postgresql/15/main/postgresql.conf: the data directory does not exist yet",
    );
}

#[test]
fn a_postgresql_that_makes_its_configuration_when_it_starts_is_unknown() {
    let postgres = |arguments: &str| {
        let command = format!("/usr/lib/postgresql/15/bin/postgres {arguments}");
        let data = at_rest().file("/srv/db/postgresql.conf", 0o644, 0, 0, "port = 7\n");
        ports(&starting(data.file("/srv/db/PG_VERSION", 0o644, 0, 0, "15"), &command))
    };
    assert_eq!(postgres("-D /srv/db"), "127.0.0.1:7/tcp [::1]:7/tcp");
    assert_eq!(postgres("-D /srv/db -p 8 -c listen_addresses=::1"), "[::1]:8/tcp");
    assert!(postgres("-D /srv/other").contains("its configuration is not there"));
    assert!(postgres("").contains("its configuration is not there"));
}

#[test]
fn a_disabled_daemon_opens_nothing() {
    let conf = "events {} http { server { listen 80; } }";
    let target = at_rest().file("/etc/nginx/nginx.conf", 0o644, 0, 0, conf).file(
        SERVICE,
        0o644,
        0,
        0,
        "[Service]\nExecStart=/usr/sbin/nginx\n",
    );
    assert_eq!(ports(&target), "");
}

#[test]
fn what_could_not_be_told_of_one_daemon_keeps_others_from_passing() {
    let conf = "events {} http { server { listen 80; } }";
    let target =
        starting(at_rest().file("/etc/nginx/nginx.conf", 0o644, 0, 0, conf), "/usr/sbin/nginx");
    let asks = rule("port: 80/tcp\nmust: { bound_by: { exe: /usr/sbin/nginx } }");
    asks.on(&target).passes();
    let other = "/usr/lib/systemd/system/other.service";
    let target = target
        .file(other, 0o644, 0, 0, "[Service]\nExecStart=/usr/sbin/sshd -f /etc/nowhere\n")
        .symlink("/etc/systemd/system/multi-user.target.wants/other.service", other);
    asks.on(&target)
        .unknown_with("bound_by: sshd from other.service: its configuration is not there before it has been started");
    rule("port: 80/tcp\nmust: { listening: false }").on(&target).fails_with(
        "listening: declared: 0.0.0.0:80/tcp by /usr/sbin/nginx; expected nothing listens",
    );
}

#[test]
fn workers_run_as_the_daemons_configuration_says() {
    let workers = |target: &Memory, exe: &str| {
        let text = format!(
            "service: {{ exe: {exe} }}\nprocesses: workers\nmust: {{ run_as: nginx, never_root: true }}"
        );
        rule(&text).on(target)
    };
    let nginx = |configuration: &str| {
        let conf = at_rest().file("/etc/nginx/nginx.conf", 0o644, 0, 0, configuration);
        starting(conf, "/usr/sbin/nginx")
    };
    let exe = "/usr/sbin/nginx";
    workers(&nginx("user nginx;\n"), exe).passes_with(
        "run_as: declared by it.service: workers as nginx (uid 101, /etc/nginx/nginx.conf:1); expected user nginx",
    );
    workers(&nginx("user root www-data;\n"), exe).fails_with(
        "never_root: declared by it.service: workers as root (uid 0, /etc/nginx/nginx.conf:1); expected never uid 0",
    );
    workers(&nginx(""), exe).unknown_with(
        "run_as: workers of nginx: no `user` in its configuration, so that the one counts that was compiled in",
    );
    // The directive is for a master that is root.
    let dropin = "/etc/systemd/system/it.service.d/user.conf";
    let target = nginx("user root;\n").file(dropin, 0o644, 0, 0, "[Service]\nUser=nginx\n");
    workers(&target, exe).passes();
    let conf = at_rest().file("/etc/apache2/apache2.conf", 0o644, 0, 0, "User nginx\nGroup #33\n");
    workers(&starting(conf, "/usr/sbin/apachectl start"), "/usr/sbin/apache2").passes();
    let sshd = starting(at_rest(), "/usr/sbin/sshd -D");
    workers(&sshd, "/usr/sbin/sshd").skipped_with("run_as: needs a running host");
}

#[test]
fn users_that_systemd_makes_at_boot_are_known() {
    let with = |line: &str| {
        let dropin = "/etc/systemd/system/it.service.d/user.conf";
        starting(at_rest(), "/usr/bin/app")
            .file(dropin, 0o644, 0, 0, "[Service]\nUser=_app\n")
            .file("/usr/lib/sysusers.d/app.conf", 0o644, 0, 0, line)
    };
    let asks = rule("service: { exe: /usr/bin/app }\nmust: { run_as: _app, never_root: true }");
    asks.on(&with("u _app - \"App\" /srv\n")).passes_with(
        "never_root: declared by it.service: _app (made at boot by /usr/lib/sysusers.d/app.conf:1); expected never uid 0",
    );
    asks.on(&with("u _app 600\n")).passes();
    rule("service: { exe: /usr/bin/app }\nmust: { run_as: redis }")
        .on(&with("u _app -\n"))
        .fails_with("run_as: declared by it.service: _app (made at boot by /usr/lib/sysusers.d/app.conf:1); expected user redis");
    let nobody = "User=_app: there is no such user in /etc/passwd, and no line of sysusers.d(5) that makes one";
    asks.on(&with("g _app -\n")).unknown_with(&format!("never_root: {nobody}"));
}

#[test]
fn programs_of_supervisord_run_as_it_says_or_as_it_does() {
    let with = |own: &str, program: &str, command: &str| {
        let conf = format!(
            "[supervisord]\n{own}\n[program:app]\ncommand=/usr/bin/app -x\n{program}\n[include]\nfiles=conf.d/*.conf\n"
        );
        let more =
            "[program:web]\ncommand=/usr/sbin/nginx -c /srv/n.conf\nuser=nginx\nautostart=false\n";
        let files = at_rest().file("/etc/supervisor/supervisord.conf", 0o644, 0, 0, conf).file(
            "/etc/supervisor/conf.d/web.conf",
            0o644,
            0,
            0,
            more,
        );
        starting(files, command)
    };
    let start = "/usr/bin/supervisord -n -c /etc/supervisor/supervisord.conf";
    let asks = rule("service: { exe: /usr/bin/app }\nmust: { run_as: redis, never_root: true }");
    asks.on(&with("", "user=redis", start)).passes();
    asks.on(&with("user=redis", "", start)).passes();
    asks.on(&with("", "", &format!("{start} --user=redis"))).passes();
    asks.on(&with("user=redis", "user=root", start)).fails_with(
        "never_root: declared by supervisord's program app: root (uid 0); expected never uid 0",
    );
    asks.on(&with("", "", start)).fails_with(
        "run_as: declared by supervisord's program app: root (no User=); expected user redis",
    );
    asks.on(&with("", "user=ghost", start)).unknown_with(
        "never_root: user=ghost: no such user in /etc/passwd: supervisord does not start",
    );
    rule("service: { exe: /usr/sbin/nginx }\nmust: { run_as: nginx }")
        .on(&with("", "", start))
        .passes_with("run_as: declared by supervisord's program web (not enabled): nginx (uid 101); expected user nginx");
}

#[test]
fn what_only_a_running_host_has_is_skipped() {
    let target = at_rest();
    for text in [
        "unit: it.service\nmust: { active: true }",
        "sysctl: kernel.pid_max\nmust: { value: 1, consistent: true }",
        "mount: /tmp\nmust: { options: { all: [nosuid] } }",
        "kernel_module: dccp\nmust: { loaded: false }",
        "port: 22/tcp\nmust: { listening: false }",
        "service: { pid_file: /run/x.pid }\nmust: { never_root: true }",
        "service: { exe: /usr/bin/app }\nmust: { running: true, seccomp: filter }",
    ] {
        let answers = rule(text).on(&starting(target.clone(), "/usr/bin/app"));
        for line in answers.lines() {
            assert!(
                line.starts_with("skipped") && line.contains("needs a running host"),
                "{text}\n{line}"
            );
        }
        assert_eq!(answers.exit(), 2, "{text}");
    }
}
