//! `unit:`: every condition with each of its outcomes, on plain data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, Rule, Stage, denied, needs, rule};
use spotcheck::targets::memory::{Memory, Running};

const VENDOR: &str = "/usr/lib/systemd/system";
const ADMIN: &str = "/etc/systemd/system";

fn must(conditions: &str) -> Rule {
    rule(&format!("unit: nginx.service\nmust: {{ {conditions} }}"))
}

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("toor", 0, 0)
        .user("nginx", 101, 101)
        .group("root", 0, &[])
        .group("nginx", 101, &[])
        .group("web", 200, &[])
}

/// nginx.service with these lines in `[Service]`.
fn unit(service: &str) -> Memory {
    let text =
        format!("[Service]\nExecStart=/usr/sbin/nginx\n{service}\n[Install]\nWantedBy=x.target\n");
    host().file(format!("{VENDOR}/nginx.service"), 0o644, 0, 0, text)
}

fn enabled(host: Memory) -> Memory {
    host.symlink(format!("{ADMIN}/x.target.wants/nginx.service"), format!("{VENDOR}/nginx.service"))
}

fn masked(host: Memory) -> Memory {
    host.symlink(format!("{ADMIN}/nginx.service"), "/dev/null")
}

// --- existence -----------------------------------------------------------------------------------

#[test]
fn a_unit_that_does_not_exist_violates_a_rule_by_default() {
    must("user: nginx").on(&host()).fails_with("exists: does not exist; expected to exist");
    must("exists: true").on(&host()).fails_with("exists: no such unit; expected to exist");
    must("exists: false").on(&host()).passes();
    rule("unit: nginx.service\nabsent: skip\nmust: { user: nginx }")
        .on(&host())
        .skipped_with("exists: does not exist");
}

#[test]
fn of_a_unit_that_does_not_exist_it_holds_that_it_is_not_enabled_and_not_active() {
    must("enabled: false, active: false").on(&host()).passes();
    must("enabled: true").on(&host()).fails_with("enabled: no such unit; expected started at boot");
}

#[test]
fn a_folder_of_units_that_cannot_be_read_hides_them() {
    let closed = host().dir(ADMIN, 0o700, 0, 0).unreadable(ADMIN);
    must("exists: false").on(&closed).unknown_with(&format!("exists: {ADMIN}: permission denied"));
    must("enabled: false")
        .on(&closed)
        .unknown_with(&format!("enabled: {ADMIN}: permission denied"));
    let both = unit("User=nginx").dir(ADMIN, 0o700, 0, 0).unreadable(ADMIN);
    assert_eq!(must("user: nginx").on(&both).exit(), 2);
    assert_eq!(must("enabled: false").on(&both).exit(), 2);
}

#[test]
fn names_without_a_type_are_refused_with_the_right_one() {
    let refusal = rule("unit: nginx\nmust: { enabled: true }").is_refused();
    assert!(refusal.contains("write nginx.service"), "{refusal}");
}

#[test]
fn what_is_static_is_neither_enabled_nor_disabled() {
    let text = "[Service]\nExecStart=/usr/sbin/nginx\n";
    let fixed = host().file(format!("{VENDOR}/nginx.service"), 0o644, 0, 0, text);
    let answers = must("enabled: false").on(&fixed);
    answers.fails_about("enabled: static: it cannot be enabled or disabled");
    assert!(answers.findings.iter().all(|finding| finding.corrective().is_empty()));
    assert_eq!(must("enabled: true").on(&fixed).exit(), 1);
    must("enabled: static").on(&fixed).passes();
    must("enabled: [false, static]").on(&fixed).passes();
    must("enabled: { not: true }").on(&fixed).passes();
    must("enabled: false").on(&masked(fixed)).passes();
    assert_eq!(must("enabled: static").on(&unit("")).exit(), 1);
    must("enabled: yes").is_refused();
}

// --- enabled, state, masked ----------------------------------------------------------------------

#[test]
fn a_link_in_a_wants_folder_enables() {
    let words = "enabled: disabled; expected started at boot";
    must("enabled: true")
        .on(&unit(""))
        .fails_with(words)
        .repaired_by("systemctl enable nginx.service");
    must("enabled: true, state: enabled").on(&enabled(unit(""))).passes();
    must("enabled: false")
        .on(&enabled(unit("")))
        .fails_with(&format!(
            "enabled: enabled; {ADMIN}/x.target.wants/nginx.service starts it; expected not \
             started at boot"
        ))
        .repaired_by("systemctl disable --now nginx.service");
}

#[test]
fn a_unit_that_is_asked_for_by_its_alias_is_started_like_itself() {
    let alias = format!("{ADMIN}/web.service");
    let web = |conditions: &str| rule(&format!("unit: web.service\nmust: {{ {conditions} }}"));
    // Enabled by the alias alone, which another unit may want.
    let text = "[Service]\nExecStart=/usr/sbin/nginx\n[Install]\nAlias=web.service\n";
    let host = host().file(format!("{VENDOR}/nginx.service"), 0o644, 0, 0, text);
    let host = host.symlink(&alias, format!("{VENDOR}/nginx.service"));
    web("enabled: false").on(&host).fails_with(
        "enabled: alias of nginx.service, which is enabled; expected not started at boot",
    );
    web("enabled: true, state: alias").on(&host).passes();
    must("enabled: true, state: enabled").on(&host).passes();
    // An alias of a unit that nothing starts.
    let idle = unit("").symlink(format!("{VENDOR}/web.service"), "nginx.service");
    web("enabled: false").on(&idle).passes();
}

#[test]
fn an_init_script_is_a_unit_that_its_links_start() {
    let script = |mode| host().file("/etc/init.d/oldd", mode, 0, 0, "#!/bin/sh\n");
    let linked = |host: Memory, at: &str| host.symlink(at, "../init.d/oldd");
    let old = |conditions: &str| rule(&format!("unit: oldd.service\nmust: {{ {conditions} }}"));
    let started = linked(script(0o755), "/etc/rc3.d/S01oldd");
    old("exists: true, enabled: true, state: enabled, user: root").on(&started).passes();
    old("enabled: false")
        .on(&started)
        .fails_with("enabled: enabled; /etc/rc3.d/S01oldd starts it; expected not started at boot");
    old("exists: false").on(&started).fails_with("exists: /etc/init.d/oldd; expected not to exist");
    // Stopped there, started for maintenance alone, not executable, or with a unit of its own.
    for at in ["/etc/rc3.d/K01oldd", "/etc/rc1.d/S01oldd"] {
        old("enabled: false, state: disabled").on(&linked(script(0o755), at)).passes();
    }
    old("exists: false").on(&linked(script(0o644), "/etc/rc3.d/S01oldd")).passes();
    let native =
        started.file(format!("{VENDOR}/oldd.service"), 0o644, 0, 0, "[Service]\nExecStart=/x\n");
    old("state: static").on(&native).passes();
    // Drop-ins apply as to any other.
    let dropin = script(0o755).file(
        format!("{ADMIN}/oldd.service.d/x.conf"),
        0o644,
        0,
        0,
        "[Service]\nUser=nginx\n",
    );
    old("user: nginx").on(&dropin).passes();
}

#[test]
fn a_link_that_is_gone_after_the_next_boot_does_not_enable() {
    let link = "/run/systemd/system/x.target.wants/nginx.service";
    let runtime = unit("").symlink(link, format!("{VENDOR}/nginx.service"));
    must("enabled: true").on(&runtime).fails_with(&format!(
        "enabled: enabled-runtime, until the next boot only; {link} starts it; expected started \
         at boot"
    ));
    must("state: enabled-runtime").on(&runtime).passes();
}

#[test]
fn a_masked_unit_is_not_started_and_has_no_settings() {
    let host = masked(enabled(unit("User=nginx")));
    must("masked: true, enabled: false, state: masked").on(&host).passes();
    must("masked: false")
        .on(&host)
        .fails_with("masked: masked; expected not masked")
        .repaired_by("systemctl unmask nginx.service");
    must("user: nginx").on(&host).skipped_with("user: the unit is masked: it cannot be started");
    must("Service.User: nginx")
        .on(&host)
        .skipped_with("Service.User: the unit is masked: it cannot be started");
    must("masked: true").on(&unit("")).fails_with("masked: not masked; expected masked");
}

// --- active --------------------------------------------------------------------------------------

#[test]
fn a_service_is_active_when_processes_are_in_its_group() {
    let nginx = Running::program(10, "/usr/sbin/nginx").in_unit("nginx.service");
    let running = unit("").process(nginx);
    must("active: true").on(&running).passes_with("active: active: pid 10; expected active");
    must("active: false")
        .on(&running)
        .fails_with("active: active: pid 10; expected not active")
        .repaired_by("systemctl stop nginx.service");
    let words = "active: no process is in its control group; expected active";
    must("active: true").on(&unit("")).fails_with(words);
    must("active: false").on(&unit("")).passes();
}

#[test]
fn hidden_processes_and_services_that_need_none_make_inactivity_unknown() {
    let hidden = unit("").hiding_processes(denied("/proc"));
    assert_eq!(must("active: false").on(&hidden).exit(), 2);
    let remains = unit("RemainAfterExit=yes");
    assert_eq!(must("active: false").on(&remains).exit(), 2);
    assert_eq!(must("active: true").on(&remains).exit(), 2);
}

#[test]
fn a_service_that_may_end_is_active_as_long_as_systemd_notes_its_life() {
    let remains = unit("RemainAfterExit=yes").dir("/run/systemd/units", 0o755, 0, 0);
    must("active: false").on(&remains).passes();
    let note = "/run/systemd/units/invocation:nginx.service";
    must("active: true").on(&remains.file(note, 0o777, 0, 0, "")).passes_with(
        "active: active: what it started has ended (RemainAfterExit=); expected active",
    );
}

#[test]
fn mounts_swap_space_and_slices_are_active_when_the_kernel_has_them() {
    let with = |name: &str| host().file(format!("{VENDOR}/{name}"), 0o644, 0, 0, "[Unit]\n");
    let rule = |name: &str| rule(&format!("unit: {name}\nmust: {{ active: true }}"));
    let table = "/proc/self/mountinfo";
    let tmp = |line: &str| with("tmp.mount").file(table, 0o444, 0, 0, line);
    rule("tmp.mount").on(&tmp("20 1 0:9 / /tmp rw - tmpfs none rw\n")).passes();
    rule("tmp.mount")
        .on(&tmp("20 1 8:1 / / rw - ext4 x rw\n"))
        .fails_with("active: nothing of the kind is mounted at /tmp; expected active");
    let autofs = "20 1 0:9 / /a rw - autofs systemd-1 rw\n";
    rule("a.automount").on(&with("a.automount").file(table, 0o444, 0, 0, autofs)).passes();
    rule("a.mount")
        .on(&with("a.mount").file(table, 0o444, 0, 0, autofs))
        .fails_with("active: nothing of the kind is mounted at /a; expected active");

    let swap = |text: &str| with("dev-sda2.swap").file("/proc/swaps", 0o444, 0, 0, text);
    rule("dev-sda2.swap").on(&swap("Filename Type\n/dev/sda2 partition\n")).passes();
    rule("dev-sda2.swap")
        .on(&swap("Filename Type\n"))
        .fails_with("active: there is no swap space; expected active");
    // /dev/dm-1 may be the same device by another name.
    assert_eq!(rule("dev-sda2.swap").on(&swap("Filename Type\n/dev/dm-1 partition\n")).exit(), 2);

    let groups = with("a-b.slice").file("/sys/fs/cgroup/cgroup.procs", 0o444, 0, 0, "");
    // systemd makes the group when it is first needed.
    assert_eq!(rule("a-b.slice").on(&groups).exit(), 2);
    rule("a-b.slice").on(&groups.dir("/sys/fs/cgroup/a.slice/a-b.slice", 0o755, 0, 0)).passes();
    assert_eq!(rule("a-b.slice").on(&with("a-b.slice")).exit(), 2);
}

#[test]
fn a_socket_is_active_when_systemd_holds_its_file() {
    let text = "[Socket]\nListenStream=/var/run/x.sock\n";
    let held = |line: &str| {
        host()
            .file(format!("{VENDOR}/x.socket"), 0o644, 0, 0, text)
            .file("/proc/net/unix", 0o444, 0, 0, format!("Num RefCount\n{line}\n"))
            .process(Running::program(1, "/usr/lib/systemd/systemd").child_of(0))
            .tcp(([127, 0, 0, 1], 1), 71, &[1])
    };
    let rule = rule("unit: x.socket\nmust: { active: true }");
    rule.on(&held("0: 00000002 00000000 00010000 0001 01 71 /run/x.sock"))
        .passes_with("active: systemd holds /run/x.sock; expected active");
    // It is there, and nobody listens.
    rule.on(&held("0: 00000002 00000000 00000000 0001 01 71 /run/x.sock"))
        .fails_with("active: systemd does not hold /run/x.sock; expected active");
}

#[test]
fn a_socket_is_active_when_systemd_holds_its_port() {
    let socket = |text: &str| {
        host().file(format!("{VENDOR}/ssh.socket"), 0o644, 0, 0, format!("[Socket]\n{text}\n"))
    };
    let systemd = Running::program(1, "/usr/lib/systemd/systemd").child_of(0);
    let other = Running::program(7, "/usr/sbin/sshd");
    let rule = rule("unit: ssh.socket\nmust: { active: true }");
    let held = socket("ListenStream=22").process(systemd);
    rule.on(&held.clone().tcp(([0, 0, 0, 0], 22), 70, &[1]))
        .passes_with("active: systemd holds 22/tcp; expected active");
    let words = "active: systemd does not hold 22/tcp; expected active";
    rule.on(&held.process(other).tcp(([0, 0, 0, 0], 22), 70, &[7])).fails_with(words);
    rule.on(&socket("ListenStream=[::1]:22")).fails_with(words);
    assert_eq!(rule.on(&socket("ListenStream=@x")).exit(), 2);
    assert_eq!(rule.on(&socket("ListenStream=/run/x.sock")).exit(), 2);
}

#[test]
fn what_only_systemd_could_tell_is_refused_at_once() {
    for lines in [
        "unit: a.timer\nmust: { active: true }",
        "unit: a.target\nmust: { any: [{ active: true }, { enabled: true }] }",
        "unit: a.socket\nmust: { not: { user: root } }",
    ] {
        let refusal = rule(lines).is_refused();
        assert!(refusal.contains("nobody but systemd could tell"), "{refusal}");
    }
}

#[test]
fn in_an_image_nothing_is_active() {
    must("active: false").on(&unit("").image()).skipped_with("active: needs a running host");
}

// --- user and group ------------------------------------------------------------------------------

#[test]
fn without_a_user_a_service_runs_as_root() {
    must("user: { not: root }").on(&unit("")).fails_with("user: root; expected not root");
    must("user: root, group: root").on(&unit("")).passes();
    must("user: nginx").on(&unit("User=nginx\nUser=")).fails_with("user: root; expected nginx");
}

#[test]
fn another_name_or_number_of_root_is_root() {
    for user in ["0", "toor"] {
        let found = must("user: { not: root }").on(&unit(&format!("User={user}")));
        assert_eq!(found.exit(), 1, "{user}: {found}");
    }
    must("user: nginx").on(&unit("User=101")).passes_with("user: 101 (nginx); expected nginx");
}

#[test]
fn a_command_that_ignores_the_user_runs_as_root() {
    let host = unit("User=nginx\nExecStart=\nExecStart=-+/usr/sbin/nginx");
    must("user: nginx")
        .on(&host)
        .fails_with("user: root; a command with the prefix + or ! runs as root; expected nginx");
    must("user: nginx").on(&unit("User=nginx\nExecStartPre=+/bin/mkdir /run/x")).passes();
}

#[test]
fn drop_ins_decide_the_user_and_the_repair_is_one() {
    let dropin = format!("{ADMIN}/nginx.service.d/user.conf");
    let host = unit("User=nginx").file(&dropin, 0o644, 0, 0, "[Service]\nUser=root\n");
    let found = must("user: nginx").on(&host);
    found.fails_with("user: root; expected nginx").repaired_by(
        "mkdir -p /etc/systemd/system/nginx.service.d && printf '%s\\n' '[Service]' User=nginx > \
         /etc/systemd/system/nginx.service.d/60-user.conf && systemctl daemon-reload && \
         systemctl restart nginx.service",
    );
    let unread = unit("User=nginx").file(&dropin, 0o600, 0, 0, "[Service]\nUser=root\n");
    let answer = must("user: nginx").on(&unread.unreadable(&dropin));
    answer.unknown_with(&format!("user: {dropin}: permission denied"));
}

#[test]
fn a_user_that_does_not_exist_is_said_to_be_missing() {
    must("user: nginx")
        .on(&unit("User=ngnix"))
        .fails_with("user: ngnix (there is no such user here); expected nginx");
    must("user: nginx").on(&unit("DynamicUser=yes")).passes();
}

#[test]
fn specifiers_of_names_are_replaced_and_others_are_unknown() {
    must("user: nginx").on(&unit("User=%p")).passes();
    assert_eq!(must("user: nginx").on(&unit("User=%H")).exit(), 2);
}

#[test]
fn the_group_is_the_users_own_unless_it_is_said() {
    must("group: nginx").on(&unit("User=nginx")).passes_with("group: nginx; expected nginx");
    must("group: nginx")
        .on(&unit("User=nginx\nGroup=web"))
        .fails_with("group: web; expected nginx");
    must("group: 0").on(&unit("Group=root")).passes();
}

// --- settings ------------------------------------------------------------------------------------

#[test]
fn a_setting_is_judged_after_drop_ins_with_systemds_spelling_and_default() {
    must("Service.NoNewPrivileges: true").on(&unit("NoNewPrivileges=yes")).passes();
    must("Service.NoNewPrivileges: false").on(&unit("")).passes();
    must("Service.NoNewPrivileges: true").on(&unit("")).fails_with(&format!(
        "Service.NoNewPrivileges: not set in {VENDOR}/nginx.service:1, so the default no applies; \
         expected true"
    ));
    let dropin = format!("{ADMIN}/service.d/10-all.conf");
    let host = unit("").file(&dropin, 0o644, 0, 0, "[Service]\nNoNewPrivileges=1\n");
    must("Service.NoNewPrivileges: true").on(&host).passes();
}

#[test]
fn timers_and_sockets_have_settings_too() {
    let text = "[Timer]\nOnCalendar=daily\nOnCalendar=\nOnCalendar=weekly\n";
    let host = host().file(format!("{VENDOR}/a.timer"), 0o644, 0, 0, text);
    rule("unit: a.timer\nmust: { Timer.OnCalendar: weekly }").on(&host).passes();
}

#[test]
fn a_word_without_a_section_is_no_setting() {
    let refusal = must("NoNewPrivileges: true").is_refused();
    assert!(refusal.contains("unknown key `NoNewPrivileges`"), "{refusal}");
    let refusal = must("enabeld: true").is_refused();
    assert!(refusal.contains("did you mean `enabled`"), "{refusal}");
}

// --- a real daemon in a real control group --------------------------------------------------------

#[test]
fn a_running_daemon_makes_its_unit_active_and_its_end_inactive() {
    if !needs(&[Need::ControlGroups]) {
        return;
    }
    let Some(stage) = Stage::healthy() else { return };
    stage.write(
        "/mnt/unit.yaml",
        "policy: unit\nrules:\n  - id: active\n    unit: nginx.service\n    must: { active: true }\n",
    );
    let healthy = stage.run(&["check", "unit.yaml"]);
    assert_eq!(healthy.status, Some(0), "{healthy:#?}");
    stage.attack();
    let attacked = stage.run(&["check", "unit.yaml"]);
    assert_eq!(attacked.status, Some(1), "{attacked:#?}");
    assert!(attacked.stdout.contains("systemctl start nginx.service"), "{}", attacked.stdout);
}

fn exposure(unit: &str) -> spotcheck::formats::systemd::exposure::Exposure {
    let path = std::path::Path::new("/etc/systemd/system/x.service");
    let host = Memory::new().file(path, 0o644, 0, 0, unit);
    let settings = spotcheck::formats::systemd::parse(&host, path, unit.as_bytes()).unwrap();
    spotcheck::formats::systemd::exposure::exposure(&settings, false)
}

/// What `systemd-analyze security` says of a unit file: the whole, and by row what it adds.
fn told(folder: &std::path::Path, unit: &str) -> (String, Vec<(String, Option<u64>)>) {
    let run = |more: &[&str]| {
        let root = format!("--root={}", folder.display());
        let output = std::process::Command::new("systemd-analyze")
            .args(["security", "--offline=true", "--no-pager", &root])
            .args(more)
            .arg(unit)
            .env("SYSTEMD_ANALYZE_DEBUG", "1")
            .output()
            .unwrap();
        (String::from_utf8_lossy(&output.stdout).into_owned(), output.stderr)
    };
    let (json, errors) = run(&["--json=short"]);
    let json: serde_json::Value = serde_json::from_str(&json)
        .unwrap_or_else(|error| panic!("{unit}: {error} {}", String::from_utf8_lossy(&errors)));
    let row = |row: &serde_json::Value| {
        let name = row["name"].as_str().unwrap().to_owned();
        // A row that does not apply has the largest number there is.
        (name, row["badness"].as_u64().filter(|badness| *badness <= 10))
    };
    let mut rows: Vec<(String, Option<u64>)> = json.as_array().unwrap().iter().map(row).collect();
    rows.sort();
    let (text, _) = run(&[]);
    let whole = text.rsplit_once(": ").map(|(_, rest)| rest.split(' ').next().unwrap().to_owned());
    (whole.unwrap_or(text), rows)
}

fn ours(
    found: &spotcheck::formats::systemd::exposure::Exposure,
) -> (String, Vec<(String, Option<u64>)>) {
    let rows = found.rows.iter().map(|row| (row.name.to_owned(), row.badness));
    let mut rows: Vec<(String, Option<u64>)> = rows.collect();
    rows.sort();
    (format!("{}.{}", found.tenths / 10, found.tenths % 10), rows)
}

/// Settings that differ from the default one by one, and in the combinations that change others.
const HARDENED: &[&str] = &[
    "User=nobody",
    "User=web",
    "User=0\nSupplementaryGroups=adm",
    "User=web\nSupplementaryGroups=adm\nRemoveIPC=yes",
    "DynamicUser=yes",
    "DynamicUser=yes\nProtectSystem=full\nPrivateTmp=no\nProtectHome=yes",
    "PrivateDevices=yes\nProtectClock=yes\nProtectKernelModules=yes\nProtectKernelLogs=1",
    "PrivateDevices=yes\nDeviceAllow=/dev/null rw",
    "DevicePolicy=closed",
    "DevicePolicy=strict\nDeviceAllow=/dev/null",
    "ProtectSystem=full\nProtectHome=tmpfs",
    "ProtectSystem=strict\nProtectHome=read-only",
    "ProtectSystem=true\nProtectHome=on\nPrivateTmp=true\nPrivateMounts=yes",
    "CapabilityBoundingSet=",
    "CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_CHOWN",
    "CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_SYS_PTRACE\nCapabilityBoundingSet=~CAP_BPF",
    "AmbientCapabilities=CAP_NET_RAW",
    "UMask=0077",
    "UMask=0027",
    "UMask=0002",
    "UMask=0067",
    "KeyringMode=shared\nProtectProc=invisible\nProcSubset=pid",
    "ProtectProc=noaccess\nNotifyAccess=all\nDelegate=yes",
    "Delegate=cpu memory\nRestrictRealtime=yes\nRestrictSUIDSGID=yes\nLockPersonality=yes",
    "RestrictNamespaces=yes",
    "RestrictNamespaces=user net",
    "RestrictNamespaces=~user cgroup",
    "RestrictAddressFamilies=AF_UNIX AF_INET",
    "RestrictAddressFamilies=~AF_PACKET AF_BLUETOOTH",
    "RestrictAddressFamilies=AF_UNIX AF_INET\nRestrictAddressFamilies=~AF_INET",
    "RestrictAddressFamilies=none",
    "SystemCallArchitectures=native",
    "SystemCallArchitectures=native x86",
    "SystemCallFilter=@system-service",
    "SystemCallFilter=@system-service\nSystemCallFilter=~@resources @privileged",
    "SystemCallFilter=~@mount @swap @reboot:EPERM",
    "SystemCallFilter=@basic-io mount",
    "SystemCallFilter=@system-service\nSystemCallFilter=",
    "IPAddressDeny=any",
    "IPAddressDeny=any\nIPAddressAllow=localhost",
    "IPAddressDeny=any\nIPAddressAllow=localhost 10.0.0.0/8",
    "IPAddressDeny=0.0.0.0/0",
    "RootDirectory=/srv",
    "MemoryDenyWriteExecute=yes\nNoNewPrivileges=yes\nPrivateNetwork=yes\nPrivateUsers=yes",
    "ProtectHostname=yes\nProtectControlGroups=yes\nProtectKernelTunables=yes",
];

#[test]
fn the_exposure_is_that_of_systemd_analyze_row_by_row() {
    if !crate::support::needs(&[crate::support::Need::Command("systemd-analyze")]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let units = folder.path().join("etc/systemd/system");
    std::fs::create_dir_all(&units).unwrap();
    let early = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n".to_owned();
    let texts = HARDENED
        .iter()
        .map(|lines| format!("[Service]\nExecStart=/bin/true\n{lines}\n"))
        .chain([early, "[Service]\nExecStart=/bin/true\n".to_owned()]);
    let mut wrong = String::new();
    for (number, text) in texts.enumerate() {
        let name = format!("t{number}.service");
        std::fs::write(units.join(&name), &text).unwrap();
        let theirs = told(folder.path(), &name);
        let ours = ours(&exposure(&text));
        if theirs != ours {
            let rows = theirs.1.iter().zip(&ours.1).filter(|(a, b)| a != b);
            wrong.push_str(&format!(
                "{text}{} {}: {:?}\n",
                theirs.0,
                ours.0,
                rows.collect::<Vec<_>>()
            ));
        }
    }
    assert!(wrong.is_empty(), "theirs, ours:\n{wrong}");
}

#[test]
fn the_exposure_of_a_unit_is_judged_and_explained() {
    let host = Memory::new().file(
        "/etc/systemd/system/x.service",
        0o644,
        0,
        0,
        "[Service]\nExecStart=/x\nPrivateNetwork=yes\n",
    );
    let ask =
        |what: &str| rule(&format!("unit: x.service\nmust: {{ exposure: {what} }}")).on(&host);
    ask("{ at_most: 9.2 }").passes();
    let answers = ask("{ at_most: 3.0 }");
    let shown = format!("{answers}");
    assert!(
        shown.starts_with("fail exposure: 9.1 (most of it: User=/DynamicUser= 0.4, "),
        "{shown}"
    );
    assert_eq!(answers.findings[0].assertion.seen.len(), 82, "a row each, and the unit");
    rule("unit: x.service\nmust: { exposure: { at_most: lots } }").is_refused();
    rule("unit: x.socket\nmust: { exposure: { at_most: 1.0 } }").is_refused();
}

/// All services of this host, to the decimal, in one run of the tool.
#[test]
fn the_exposure_of_every_unit_here_is_that_of_systemd_analyze() {
    if !needs(&[Need::Command("systemd-analyze")]) {
        return;
    }
    let host = spotcheck::targets::live::Live::new();
    let index = spotcheck::formats::systemd::units::Index::read(&host);
    let mut ours = std::collections::BTreeMap::new();
    for name in index.all().into_iter().filter(|name| name.ends_with(".service")) {
        let unit = match index.unit(&host, name) {
            Ok(Some(unit)) if !unit.masked && unit.id == name && !name.contains('@') => unit,
            _ => continue,
        };
        let Ok(settings) = &unit.settings else { continue };
        let found = spotcheck::formats::systemd::exposure::exposure(settings, false).tenths;
        ours.insert(name.to_owned(), format!("{}.{}", found / 10, found % 10));
    }
    let output = std::process::Command::new("systemd-analyze")
        .args(["security", "--offline=true", "--no-pager"])
        .args(ours.keys())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut compared = 0;
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("exposure level for ") else { continue };
        let (name, number) = rest.split_once(": ").unwrap();
        assert_eq!(ours[name], number.split(' ').next().unwrap(), "{name}");
        compared += 1;
    }
    println!("{compared} units");
    assert!(compared >= 10, "{text}{}", String::from_utf8_lossy(&output.stderr));
}
