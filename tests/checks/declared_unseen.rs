//! What is declared to start and cannot be seen is unknown: neither a pass nor a violation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, rule};
use spotcheck::targets::memory::Memory;

/// A root filesystem with one unit, enabled.
fn system(unit: &str) -> Memory {
    Memory::new()
        .image()
        .user("root", 0, 0)
        .user("web", 33, 33)
        .file("/etc/systemd/system/web.service", 0o644, 0, 0, unit)
        .symlink("/etc/systemd/system/multi-user.target.wants/web.service", "../web.service")
}

fn service(by: &str, must: &str) -> Rule {
    rule(&format!("service: {{ {by} }}\nmust: {{ {must} }}"))
}

const UNIT: &str = "[Service]\nUser=web\nExecStart=/opt/start.sh\n";

#[test]
fn a_script_that_cannot_be_read_may_become_root() {
    let seen = system(UNIT).file("/opt/start.sh", 0o755, 0, 0, "#!/bin/sh\nexec /opt/web\n");
    let never_root = service("unit: web.service", "never_root: true");
    never_root.on(&seen).passes();
    let closed = seen.unreadable("/opt/start.sh");
    never_root.on(&closed).unknown_with("never_root: /opt/start.sh: permission denied");
    let root = service("unit: web.service", "run_as: root");
    assert_eq!(root.on(&closed).exit(), 2);
}

#[test]
fn a_script_too_long_to_be_looked_through_may_become_root() {
    let long = format!("#!/bin/sh\n{}\nexec sudo /opt/web\n", "#\n".repeat(40_000));
    let never_root = service("unit: web.service", "never_root: true");
    let host = system(UNIT).file("/opt/start.sh", 0o755, 0, 0, long.clone());
    never_root.on(&host).unknown_with("never_root: /opt/start.sh: a script of more than 64 KiB");
    let linked = system(UNIT).symlink("/opt/start.sh", "real.sh").file(
        "/opt/real.sh",
        0o755,
        0,
        0,
        long.clone(),
    );
    assert_eq!(never_root.on(&linked).exit(), 2);
    // A program of that size is none.
    let program = system(UNIT).file("/opt/start.sh", 0o755, 0, 0, format!("\x7fELF{long}"));
    never_root.on(&program).passes();
}

#[test]
fn a_link_that_cannot_be_followed_may_lead_to_the_service() {
    let unit = "[Service]\nExecStart=/closed/web -x\n";
    let never_root = service("exe: /opt/web", "never_root: true");
    let seen =
        system(unit).file("/opt/web", 0o755, 0, 0, "\x7fELF").symlink("/closed/web", "/opt/web");
    assert_eq!(never_root.on(&seen).exit(), 1);
    let closed = seen.unreadable("/closed");
    // Nothing else is known to start it, so that this one decides.
    assert_eq!(never_root.on(&closed).exit(), 2);
    let skip = rule("service: { exe: /opt/web }\nabsent: skip\nmust: { never_root: true }");
    assert_eq!(skip.on(&closed).exit(), 2);
    // A start that is seen to hold does not hide the one that is not seen.
    let other = "[Service]\nUser=web\nExecStart=/opt/web\n";
    let both = closed
        .file("/etc/systemd/system/other.service", 0o644, 0, 0, other)
        .symlink("/etc/systemd/system/multi-user.target.wants/other.service", "../other.service");
    assert_eq!(never_root.on(&both).exit(), 2);
}

#[test]
fn variables_from_a_pattern_of_files_are_unknown() {
    let unit =
        "[Service]\nUser=web\nEnvironmentFile=/etc/web.d/*.conf\nExecStart=/opt/web $OPTIONS\n";
    let host = || system(unit).file("/opt/web", 0o755, 0, 0, "\x7fELF");
    let by_line = service("cmdline: --danger", "never_root: true");
    assert_eq!(by_line.on(&host()).exit(), 2);
    let told = system(&unit.replace("EnvironmentFile=/etc/web.d/*.conf", "Environment=OPTIONS=-x"))
        .file("/opt/web", 0o755, 0, 0, "\x7fELF");
    by_line
        .on(&told)
        .fails_with("declared: nothing is declared to start it; expected something that starts it");
}

#[test]
fn a_socket_unit_that_cannot_be_read_may_open_a_port() {
    let addresses = rule("port: 8080/tcp\nmust: { addresses: { only: 127.0.0.1 } }");
    let socket = |name: &str, listen: &str| {
        (
            format!("/etc/systemd/system/{name}.socket"),
            format!("[Socket]\nListenStream={listen}\n[Install]\nWantedBy=sockets.target\n"),
            format!("/etc/systemd/system/sockets.target.wants/{name}.socket"),
        )
    };
    let with = |host: Memory, (path, text, link): (String, String, String)| {
        let target = path.replace("/etc/systemd/system/", "../");
        host.file(path, 0o644, 0, 0, text).symlink(link, target)
    };
    let one = with(system(UNIT), socket("one", "127.0.0.1:8080"));
    addresses.on(&one).passes();
    let both = with(one, socket("two", "0.0.0.0:8080"));
    assert_eq!(addresses.on(&both).exit(), 1);
    let closed = both.unreadable("/etc/systemd/system/two.socket");
    assert_eq!(addresses.on(&closed).exit(), 2);
    // The port of an instance whose specifier is not known may be any.
    let open = with(with(system(UNIT), socket("one", "127.0.0.1:8080")), socket("three", "%b"));
    assert_eq!(addresses.on(&open).exit(), 2);
}

#[test]
fn a_user_is_made_by_the_file_that_counts_or_nobody_knows() {
    let unit = "[Service]\nUser=made\nExecStart=/opt/web\n";
    let host = system(unit).file("/opt/web", 0o755, 0, 0, "\x7fELF").file(
        "/usr/lib/sysusers.d/made.conf",
        0o644,
        0,
        0,
        "u made 700\n",
    );
    let as_made = service("unit: web.service", "run_as: 700");
    as_made.on(&host).passes();
    let hidden = host.dir("/etc/sysusers.d", 0o700, 0, 0).unreadable("/etc/sysusers.d");
    assert_eq!(as_made.on(&hidden).exit(), 2);
}

#[test]
fn a_daemon_of_which_it_is_not_known_whether_it_starts_opens_no_port_for_certain() {
    let conf = "data_directory = '/var/lib/postgresql/15/main'\nport = 5432\n";
    let host = Memory::new()
        .image()
        .user("root", 0, 0)
        .user("postgres", 100, 100)
        .file("/etc/postgresql/15/main/postgresql.conf", 0o644, 100, 100, conf)
        .file("/etc/postgresql/15/main/start.conf", 0o644, 100, 100, "auto\n")
        .file("/usr/lib/postgresql/15/bin/postgres", 0o755, 0, 0, "\x7fELF")
        .dir("/var/lib/postgresql/15/main", 0o700, 100, 100)
        .file(
            "/usr/lib/systemd/system/postgresql.service",
            0o644,
            0,
            0,
            "[Service]\nExecStart=/bin/true\n",
        )
        .symlink(
            "/etc/systemd/system/multi-user.target.wants/postgresql.service",
            "/usr/lib/systemd/system/postgresql.service",
        );
    let listening = rule("port: 5432/tcp\nmust: { listening: true }");
    listening.on(&host).passes();
    let closed = host.unreadable("/etc/postgresql/15/main/start.conf");
    assert_eq!(listening.on(&closed).exit(), 2);
}

#[test]
fn not_running_means_of_an_image_that_nothing_is_declared_to_start_it() {
    let web = |must: &str| service("unit: web.service", must);
    let other = |must: &str| service("exe: /opt/other", must);
    let host = system("[Service]\nExecStart=/opt/web\n").file("/opt/web", 0o755, 0, 0, "\x7fELF");
    for none in ["running: false", "count: 0", "count: { at_most: 0 }"] {
        assert_eq!(web(none).on(&host).exit(), 1, "{none}");
        other(none).on(&host).passes();
    }
    other("count: { at_least: 1 }").on(&host).fails_about("nothing is declared to start it");
    other("running: true").on(&host).fails_about("nothing is declared to start it");
    // That it will run, nobody can say.
    for some in ["running: true", "count: { at_least: 1 }", "count: { at_most: 3 }"] {
        assert_eq!(web(some).on(&host).exit(), 2, "{some}");
    }
}

#[test]
fn what_is_not_enabled_is_not_started_unless_a_unit_that_is_names_it() {
    let unit = "[Service]\nExecStart=/opt/web\n[Install]\nWantedBy=x.target\n";
    let off = Memory::new().image().file("/opt/web", 0o755, 0, 0, "\x7fELF").file(
        "/etc/systemd/system/web.service",
        0o644,
        0,
        0,
        unit,
    );
    let gone = service("unit: web.service", "running: false");
    gone.on(&off).passes();
    let socket = |name: &str, text: &str| {
        let wants = format!("/etc/systemd/system/sockets.target.wants/{name}");
        off.clone()
            .file(format!("/etc/systemd/system/{name}"), 0o644, 0, 0, text)
            .symlink(wants, format!("/etc/systemd/system/{name}"))
    };
    assert_eq!(gone.on(&socket("web.socket", "[Socket]\nListenStream=80\n")).exit(), 1);
    let named = "[Socket]\nListenStream=80\nService=web.service\n";
    assert_eq!(gone.on(&socket("other.socket", named)).exit(), 1);
    gone.on(&socket("other.socket", "[Socket]\nListenStream=80\n")).passes();
    let fixed =
        off.file("/etc/systemd/system/web.service", 0o644, 0, 0, "[Service]\nExecStart=/opt/web\n");
    assert_eq!(gone.on(&fixed).exit(), 2, "what starts a static unit is not known");
}
