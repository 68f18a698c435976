//! Services and ports of what does not run: told from what is declared, unknown or skipped
//! otherwise, and never a pass that was not earned.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, Tar};
use std::fs;
use std::process::Command;

const PASSWD: &str = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n\
    app:x:1000:1000::/srv:/bin/false\nwww-data:x:33:33::/var/www:/bin/false\n";
const GROUP: &str = "root:x:0:\napp:x:1000:\nwww-data:x:33:\n";

fn files() -> Tar {
    Tar::new().file("etc/passwd", PASSWD).file("etc/group", GROUP)
}

/// Exit code and report of an image with this configuration and these files.
fn check(config: &str, files: Tar, rules: &str) -> (Option<i32>, String) {
    let image = Image::new(config, [files]).made_by(&["COPY . /", "(USER app)"]);
    run(&image, rules)
}

fn run(image: &Image, rules: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, image.docker_old("shop/app:1")).unwrap();
    policy("--image", &archive, rules)
}

/// The same for files that are unpacked.
fn root(files: &[(&str, &str)], links: &[(&str, &str)], rules: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let base = [("etc/passwd", PASSWD), ("etc/group", GROUP)];
    for (name, content) in base.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    for (name, to) in links {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(to, path).unwrap();
    }
    policy("--root", folder.path(), rules)
}

fn policy(option: &str, target: &std::path::Path, rules: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.yaml");
    let services = "services: { nginx: { exe: /usr/sbin/nginx }, sshd: { exe: /usr/sbin/sshd } }";
    fs::write(&policy, format!("policy: p\n{services}\nrules:\n{rules}")).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--verbose", option])
        .args([target, &policy])
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

const NEVER_ROOT: &str = "- { id: a, image: config, must: { never_root: true } }\n";
const NGINX: &str = "- { id: a, service: nginx, must: { never_root: true } }\n";

#[test]
fn every_way_to_be_root_is_root() {
    for user in ["", "0", "0:0", "00", "+0", "root", "root:app", "toor", "0:1000", ":1000"] {
        let config = format!(r#"{{"User":"{user}"}}"#);
        let (status, report) = check(&config, files(), NEVER_ROOT);
        assert_eq!(status, Some(1), "{user}: {report}");
    }
    assert_eq!(check("{}", files(), NEVER_ROOT).0, Some(1));
    assert_eq!(check("null", files(), NEVER_ROOT).0, Some(1));
}

#[test]
fn a_user_other_than_root_passes_and_a_name_is_said_to_be_unverifiable() {
    let (status, report) = check(r#"{"User":"4242"}"#, files(), NEVER_ROOT);
    assert_eq!(status, Some(0), "{report}");
    let (status, report) = check(r#"{"User":"app"}"#, files(), NEVER_ROOT);
    assert_eq!(status, Some(0), "{report}");
    assert!(report.contains("runAsNonRoot cannot verify it"), "{report}");
    let rule = "- { id: a, image: config, must: { numeric_user: true, user: app } }\n";
    assert_eq!(check(r#"{"User":"app"}"#, files(), rule).0, Some(1));
    assert_eq!(check(r#"{"User":"1000:1000"}"#, files(), rule).0, Some(0));
}

#[test]
fn a_user_that_nobody_has_is_a_violation_of_its_own() {
    let (status, report) = check(r#"{"User":"ghost"}"#, files(), NEVER_ROOT);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("it does not: there is no user `ghost`"), "{report}");
}

#[test]
fn a_violation_names_the_step_that_made_it() {
    let image = Image::new(
        r#"{"User":"root"}"#,
        [files(), Tar::new().owned("usr/bin/tool", 0o4755, (0, 0), "x")],
    )
    .made_by(&["COPY base /", "RUN install tool", "(/bin/sh -c #(nop)  USER root)"]);
    let (status, report) = run(
        &image,
        "- { id: a, image: config, must: { never_root: true } }
- { id: b, files: all, must: { setuid: [], setgid: [], capabilities: [] } }
",
    );
    assert_eq!(status, Some(1), "{report}");
    let made_by: Vec<&str> =
        report.lines().filter_map(|line| line.trim_start().strip_prefix("made by ")).collect();
    assert_eq!(made_by[0].trim(), "(/bin/sh -c #(nop)  USER root)");
    assert!(made_by[1].trim().starts_with("layer 2 · sha256:"), "{report}");
    assert!(made_by[1].ends_with("RUN install tool"), "{report}");
}

#[test]
fn allowed_setuid_files_may_be_named_with_and_without_usr() {
    let with =
        || files().owned("usr/bin/su", 0o4755, (0, 0), "").owned("bin/mount", 0o4755, (0, 0), "");
    let rule = "- { id: a, files: all, must: { setuid: { only: [/bin/su, /usr/bin/mount] } } }\n";
    let (status, report) = check("{}", with(), rule);
    assert_eq!(status, Some(0), "{report}");
    // A pattern means a place: without a link at /bin that is another directory.
    let rule = "- { id: a, files: all, must: { setuid: { only: [/bin/su, /usr/bin/mo*] } } }\n";
    let (status, report) = check("{}", with(), rule);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("/bin/mount"), "{report}");
    let rule = "- { id: a, files: all, must: { setuid: { only: [/bin/su] } } }\n";
    let (status, report) = check("{}", with(), rule);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("/bin/mount"), "{report}");
}

#[test]
fn file_capabilities_are_seen_and_damaged_ones_are_unknown() {
    let key = "SCHILY.xattr.security.capability";
    let v2 = [1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let rule = "- { id: a, files: all, must: { capabilities: [] } }\n";
    let (status, report) = check("{}", files().pax(&[(key, &v2)]).file("usr/sbin/x", ""), rule);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("cap_net_bind_service"), "{report}");
    let (status, report) = check("{}", files().pax(&[(key, b"?")]).file("usr/sbin/x", ""), rule);
    assert_eq!(status, Some(2), "{report}");
}

#[test]
fn secrets_in_the_environment_are_named_and_never_shown() {
    let config =
        r#"{"Env":["PATH=/bin","DB_PASSWORD=hunter2secret","X=postgres://a:s3cr3tpw@db/"]}"#;
    let rule = "- { id: a, image: config, must: { secrets_in_env: false, env: { PATH: /bin, \
                DB_PASSWORD: other } } }\n";
    let (status, report) = check(config, files(), rule);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("image env DB_PASSWORD") && report.contains("env X"), "{report}");
    assert!(!report.contains("hunter2") && !report.contains("s3cr3tpw"), "{report}");
}

#[test]
fn the_rest_of_a_configuration_can_be_demanded() {
    let config =
        r#"{"User":"1000","ExposedPorts":{"8080/tcp":{}},"Entrypoint":["/app"],"Cmd":["-v"],
        "Labels":{"owner":"web"},"Volumes":{"/data":{}},"WorkingDir":"/srv",
        "Healthcheck":{"Test":["CMD","/app","check"]}}"#
            .replace('\n', " ");
    let (status, report) = check(
        &config,
        files().owned("app", 0o755, (0, 0), ""),
        "- id: a
  image: config
  must:
    exposed_ports: { only: [8080/tcp] }
    entrypoint: /app
    cmd: [-v]
    labels: { owner: web }
    volumes: { only: [/data] }
    workdir: /srv
    healthcheck: true
    layers: 1
    size: { at_most: 1M }
    latest_tag: false
    not_in_history: [curl]
",
    );
    assert_eq!(status, Some(0), "{report}");
    for wrong in [
        "exposed_ports: []",
        "entrypoint: x",
        "cmd: x",
        "cmd: [-v, -v]",
        "cmd: []",
        "cmd: { not: [-v] }",
        "labels: { owner: x }",
        "labels: { z: x }",
        "volumes: []",
        "workdir: /",
        "healthcheck: false",
        "layers: 2",
        "size: { at_most: 1 }",
        "not_in_history: [COPY]",
    ] {
        let rule = format!("- {{ id: a, image: config, must: {{ {wrong} }} }}\n");
        let (status, report) = check(&config, files(), &rule);
        assert_eq!(status, Some(1), "{wrong}: {report}");
    }
}

#[test]
fn a_service_runs_as_the_images_user() {
    let config =
        r#"{"User":"www-data","Entrypoint":["/sbin/tini","-g","--"],"Cmd":["nginx","-g","x"]}"#;
    let with = || files().owned("usr/sbin/nginx", 0o755, (0, 0), "ELF");
    let rule = "- { id: a, service: nginx, must: { never_root: true, run_as: www-data } }\n";
    let (status, report) = check(config, with(), rule);
    assert_eq!(status, Some(0), "{report}");
    assert!(report.contains("declared by the image's configuration: www-data"), "{report}");
    let (status, report) = check(&config.replace("www-data", ""), with(), rule);
    assert_eq!(status, Some(1), "{report}");
}

#[test]
fn a_shell_that_may_drop_privileges_is_unknown_and_never_a_pass() {
    for script in [
        "#!/bin/sh\nexec gosu www-data nginx\n",
        "#!/bin/sh\nexec su-exec www-data \"$@\" nginx\n",
        "#!/bin/sh\nexec setpriv --reuid=33 nginx\n",
    ] {
        let with = files().owned("entry.sh", 0o755, (0, 0), script);
        let config = r#"{"Entrypoint":["/entry.sh"],"Cmd":["nginx"]}"#;
        let (status, report) = check(config, with, NGINX);
        assert_eq!(status, Some(2), "{report}");
        assert!(report.contains("may drop privileges"), "{report}");
    }
    let config = r#"{"Entrypoint":["sh","-c","exec gosu www-data nginx"]}"#;
    assert_eq!(check(config, files().owned("bin/sh", 0o755, (0, 0), ""), NGINX).0, Some(2));
    let config = r#"{"Entrypoint":["gosu","www-data","nginx"]}"#;
    let rule = "- { id: a, service: { name: gosu }, must: { never_root: true } }\n";
    assert_eq!(check(config, files(), rule).0, Some(2));
}

#[test]
fn a_script_that_drops_nothing_keeps_root() {
    let with = files().owned("entry.sh", 0o755, (0, 0), "#!/bin/sh\nexec nginx\n");
    let (status, report) = check(r#"{"Entrypoint":["/entry.sh"]}"#, with, NGINX);
    assert_eq!(status, Some(1), "{report}");
}

#[test]
fn what_nothing_starts_is_absent() {
    let config = r#"{"User":"1000","Entrypoint":["/usr/bin/other"]}"#;
    let (status, report) = check(config, files(), NGINX);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("nothing is declared to start it"), "{report}");
}

#[test]
fn the_units_of_a_root_filesystem_declare_users() {
    let unit = |text: &str| format!("[Service]\nExecStart=/usr/sbin/nginx -g daemon\n{text}\n");
    let place = "usr/lib/systemd/system/nginx.service";
    let cases: &[(&str, Option<i32>)] = &[
        ("", Some(1)),
        ("User=www-data", Some(0)),
        ("User=root", Some(1)),
        ("User=toor", Some(1)),
        ("User=0", Some(1)),
        ("User=www-data\nUser=", Some(1)),
        ("User=\nUser=www-data", Some(0)),
        ("DynamicUser=yes", Some(0)),
        ("User=ghost", Some(2)),
        ("User=%i", Some(2)),
        // `+` means that User= does not apply.
        ("User=www-data\nExecStart=\nExecStart=+/usr/sbin/nginx", Some(1)),
        ("User=www-data\nExecStart=\nExecStart=-/usr/sbin/nginx", Some(0)),
    ];
    for (text, expected) in cases {
        let (status, report) = root(&[(place, &unit(text))], &[], NGINX);
        assert_eq!(status, *expected, "{text}: {report}");
    }
}

#[test]
fn drop_ins_and_masks_of_units_count() {
    let unit = "[Service]\nExecStart=/usr/sbin/nginx\n";
    let place = ("usr/lib/systemd/system/nginx.service", unit);
    let drop_in = ("etc/systemd/system/nginx.service.d/user.conf", "[Service]\nUser=www-data\n");
    let (status, report) = root(&[place, drop_in], &[], NGINX);
    assert_eq!(status, Some(0), "{report}");
    let drop_in = ("etc/systemd/system/nginx.service.d/user.conf", "[Service]\nUser=root\n");
    let (status, report) = root(&[place, drop_in], &[], NGINX);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("nginx.service.d/user.conf:2: User=root"), "{report}");
    let masked = ("etc/systemd/system/nginx.service", "/dev/null");
    let (status, report) = root(&[place], &[masked], NGINX);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("nothing is declared to start it"), "{report}");
}

#[test]
fn units_in_a_container_count_only_when_it_runs_systemd() {
    let unit = "[Service]\nExecStart=/usr/sbin/nginx\n";
    let units = || files().file("usr/lib/systemd/system/nginx.service", unit);
    let with = || {
        let program = units().owned("lib/systemd/systemd", 0o755, (0, 0), "ELF");
        program.symlink("sbin/init", "/lib/systemd/systemd")
    };
    let plain = r#"{"User":"1000","Entrypoint":["/usr/sbin/nginx"]}"#;
    assert_eq!(check(plain, with(), NGINX).0, Some(0));
    let (status, report) = check(r#"{"Entrypoint":["/sbin/init"]}"#, with(), NGINX);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("declared by nginx.service"), "{report}");
    // What another init starts is not known.
    let other = units().owned("init", 0o755, (0, 0), "#!/bin/execlineb -S0\n");
    let (status, report) = check(r#"{"Entrypoint":["/init"]}"#, other, NGINX);
    assert_eq!(status, Some(2), "{report}");
    assert!(report.contains("an init other than systemd"), "{report}");
}

#[test]
fn whoever_is_not_root_may_become_it_by_sudo() {
    let with = files().owned("entry.sh", 0o755, (0, 0), "#!/bin/sh\nexec sudo nginx\n");
    let config = r#"{"User":"1000","Entrypoint":["/entry.sh"]}"#;
    let (status, report) = check(config, with, NGINX);
    assert_eq!(status, Some(2), "{report}");
    assert!(report.contains("may become root (sudo)"), "{report}");
    // gosu, which is not setuid, does nothing for it.
    let with = files().owned("entry.sh", 0o755, (0, 0), "#!/bin/sh\nexec gosu root nginx\n");
    assert_eq!(check(config, with, NGINX).0, Some(0));
}

#[test]
fn another_program_of_the_same_name_is_not_the_service() {
    let with = files().owned("usr/sbin/nginx", 0o755, (0, 0), "ELF").owned(
        "opt/other/nginx",
        0o755,
        (0, 0),
        "ELF",
    );
    let config = r#"{"User":"1000","Entrypoint":["/opt/other/nginx"]}"#;
    let (status, report) = check(config, with, NGINX);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("nothing is declared to start it"), "{report}");
}

#[test]
fn supervisord_declares_users_of_its_programs() {
    let conf = |user: &str| {
        format!(
            "[supervisord]\nnodaemon=true\n[program:web]\ncommand=/usr/sbin/nginx -g x\n{user}\n"
        )
    };
    let config = r#"{"Entrypoint":["/usr/bin/supervisord"]}"#;
    for (user, expected) in [("user=www-data", Some(0)), ("", Some(1)), ("user=root", Some(1))] {
        let with = files().file("etc/supervisord.conf", conf(user));
        let (status, report) = check(config, with, NGINX);
        assert_eq!(status, expected, "{report}");
    }
}

#[test]
fn what_only_a_running_service_shows_is_skipped() {
    let config = r#"{"User":"1000","Entrypoint":["/usr/sbin/nginx"]}"#;
    let rule =
        "- { id: a, service: nginx, must: { running: true, seccomp: filter, never_root: true } }\n";
    let (status, report) = check(config, files(), rule);
    assert_eq!(status, Some(0), "{report}");
    assert_eq!(report.matches("needs a running host").count(), 2, "{report}");
    let rule = "- { id: a, listeners: all, must: { only: [22/tcp] } }\n";
    let (status, report) = check(config, files(), rule);
    assert_eq!(status, Some(2), "{report}");
    assert!(report.contains("needs a running host"), "{report}");
}

#[test]
fn what_is_declared_can_be_combined() {
    let config = r#"{"User":"1000","Entrypoint":["/usr/sbin/nginx"]}"#;
    let of = |must: &str| {
        let rule = format!("- {{ id: a, service: nginx, must: {{ {must} }} }}\n");
        check(config, files(), &rule)
    };
    let (status, report) = of("any: [{ run_as: www-data }, { run_as: \"1000\" }]");
    assert_eq!(status, Some(0), "{report}");
    let (status, report) = of("any: [{ run_as: www-data }, { run_as: root }]");
    assert_eq!(status, Some(1), "{report}");
    assert_eq!(of("not: { never_root: true }").0, Some(1));
    // That it runs nobody can say; that something is declared to start it can be seen.
    let (status, report) = of("all: [{ running: true }, { never_root: true }]");
    assert_eq!(status, Some(2), "{report}");
    assert!(report.contains("needs a running host"), "{report}");
    assert_eq!(of("running: false").0, Some(1));
}

#[test]
fn a_port_is_what_the_started_daemons_configuration_says() {
    let with = |listen: &str| {
        let conf = format!("events {{}}\nhttp {{ server {{ {listen} }} }}\n");
        files().owned("usr/sbin/nginx", 0o755, (0, 0), "").file("etc/nginx/nginx.conf", conf)
    };
    let config = r#"{"User":"1000","Cmd":["nginx"],"ExposedPorts":{"8080/tcp":{}}}"#;
    let rule = "- { id: a, port: 8080/tcp, must: { bound_by: nginx, listening: true } }\n";
    let (status, report) = check(config, with("listen 8080;"), rule);
    assert_eq!(status, Some(0), "{report}");
    assert!(report.contains("declared: 0.0.0.0:8080/tcp by /usr/sbin/nginx"), "{report}");
    let (status, report) = check(config, with("listen 8081;"), rule);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("would listen on 0.0.0.0:8081/tcp"), "{report}");
    // Not root: the port without `listen` is 8000.
    let rule = "- { id: a, port: 8000/tcp, must: { bound_by: nginx } }\n";
    assert_eq!(check(config, with(""), rule).0, Some(0));
    let rule = "- { id: a, port: 8080/tcp, must: { addresses: { only: loopback } } }\n";
    assert_eq!(check(config, with("listen 8080;"), rule).0, Some(1));
    assert_eq!(check(config, with("listen 127.0.0.1:8080;"), rule).0, Some(0));
}

#[test]
fn quic_is_a_port_of_udp() {
    let conf = "events {}\nhttp { server { listen 8443 quic reuseport; listen 8443 ssl; listen 9443 quic; } }\n";
    let of = |rule: &str| {
        let files = files().owned("usr/sbin/nginx", 0o755, (0, 0), "");
        let config = r#"{"User":"1000","Cmd":["nginx"]}"#;
        check(config, files.file("etc/nginx/nginx.conf", conf), rule).0
    };
    assert_eq!(of("- { id: a, port: 8443/udp, must: { listening: true } }\n"), Some(0));
    assert_eq!(of("- { id: a, port: 8443/tcp, must: { listening: true } }\n"), Some(0));
    assert_eq!(
        of("- { id: a, port: 9443/tcp, must: { bound_by: { exe: /usr/sbin/nginx } } }\n"),
        Some(1)
    );
    assert_eq!(
        of("- { id: a, port: 9443/udp, must: { bound_by: { exe: /usr/sbin/nginx } } }\n"),
        Some(0)
    );
}

#[test]
fn exposed_ports_prove_nothing() {
    let config = r#"{"User":"1000","Cmd":["/app"],"ExposedPorts":{"8080/tcp":{}}}"#;
    for rule in [
        "- { id: a, port: 8080/tcp, must: { listening: true } }\n",
        "- { id: a, port: 9090/tcp, must: { listening: false } }\n",
    ] {
        let (status, report) = check(config, files(), rule);
        assert_eq!(status, Some(2), "{report}");
        assert!(report.contains("needs a running host"), "{report}");
    }
}

#[test]
fn a_socket_unit_counts_when_it_is_enabled() {
    let files = &[
        ("usr/lib/systemd/system/x.socket", "[Socket]\nListenStream=127.0.0.1:9090\n"),
        ("usr/lib/systemd/system/y.socket", "[Socket]\nListenStream=9091\n"),
    ];
    let links =
        &[("etc/systemd/system/sockets.target.wants/x.socket", "/usr/lib/systemd/system/x.socket")];
    let rule =
        |port: u16| format!("- {{ id: a, port: {port}/tcp, must: {{ listening: false }} }}\n");
    assert_eq!(root(files, links, &rule(9090)).0, Some(1));
    assert_eq!(root(files, links, &rule(9091)).0, Some(2));
}

/// Differential: `systemd-analyze security --offline` says the same of who is root, but for commands
/// with `+`, where that tool overlooks that User= does not apply.
#[test]
fn who_is_root_among_units_is_what_systemd_says() {
    if !crate::support::needs(&[crate::support::Need::Command("systemd-analyze")]) {
        return;
    }
    for text in [
        "",
        "User=www-data",
        "User=root",
        "User=0",
        "User=www-data\nUser=",
        "User=\nUser=www-data",
        "DynamicUser=yes",
        "DynamicUser=no",
        "User=1000\nGroup=33",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let units = folder.path().join("usr/lib/systemd/system");
        fs::create_dir_all(&units).unwrap();
        fs::create_dir_all(folder.path().join("usr/sbin")).unwrap();
        fs::write(folder.path().join("usr/sbin/nginx"), "").unwrap();
        let unit = format!("[Service]\nExecStart=/usr/sbin/nginx\n{text}\n");
        fs::write(units.join("nginx.service"), &unit).unwrap();
        let theirs = Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", "--json=short"])
            .arg(format!("--root={}", folder.path().display()))
            .arg("nginx.service")
            .output()
            .unwrap();
        let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
        let lines: Vec<serde_json::Value> = serde_json::from_str(&theirs).unwrap_or_default();
        let user = lines.iter().find(|line| line["json_field"] == "UserOrDynamicUser");
        let Some(user) = user else {
            eprintln!("SKIPPED (this systemd-analyze has no offline mode)");
            return;
        };
        let unprivileged = user["set"] == true;
        let place = "usr/lib/systemd/system/nginx.service";
        let (status, report) = root(&[(place, &unit)], &[], NGINX);
        assert_eq!(status, Some(if unprivileged { 0 } else { 1 }), "{text}: {user}: {report}");
    }
}
