//! `port:`: every condition with each of its outcomes, on plain data, and how the report says it of
//! real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, Stage, denied, rule, scrubbed};
use spotcheck::facts::listener::{Holders, Listener, Protocol};
use spotcheck::facts::process::Process;
use spotcheck::targets::memory::{Memory, Running};

const SERVICES: &str =
    "services: { nginx: { exe: /usr/sbin/nginx }, sshd: { exe: /usr/sbin/sshd } }";
const ANY: [u8; 4] = [0, 0, 0, 0];
const LOOPBACK: [u8; 4] = [127, 0, 0, 1];
const ANY6: [u16; 8] = [0; 8];

fn host() -> Memory {
    Memory::new()
        .user("root", 0, 0)
        .user("www", 33, 33)
        .process(Running::program(10, "/usr/sbin/nginx").in_unit("nginx.service"))
        .process(Running::program(11, "/usr/sbin/nginx").owned_by(33, 33).child_of(10))
        .process(Running::program(20, "/usr/sbin/sshd"))
        .process(Running::program(66, "/tmp/miner").owned_by(33, 33))
}

/// nginx on 8080 of every IPv4 address.
fn web() -> Memory {
    host().tcp((ANY, 8080), 7, &[10, 11])
}

fn port(port: &str, conditions: &str) -> Rule {
    rule(&format!("port: {port}\nmust: {{ {conditions} }}")).given(SERVICES)
}

fn web_must(conditions: &str) -> Rule {
    port("8080/tcp", conditions)
}

const WEB_HELD: &str = "0.0.0.0:8080/tcp held by nginx (/usr/sbin/nginx; unit nginx.service; \
                        root: pid 10; www: pid 11; since 1970-01-01 00:00:10 UTC)";

// --- listening -----------------------------------------------------------------------------------

#[test]
fn a_port_is_open_or_free() {
    web_must("listening: true").on(&web()).passes();
    web_must("listening: false")
        .on(&web())
        .fails_with(&format!("listening: {WEB_HELD}; expected nothing listens"))
        .repaired_by("systemctl stop nginx.service");
    web_must("listening: false")
        .on(&host())
        .passes_with("listening: nothing listens; expected nothing listens");
    web_must("listening: true")
        .on(&host())
        .fails_with("listening: nothing listens; expected something listens");
}

#[test]
fn sockets_that_cannot_be_listed_do_not_make_a_port_free() {
    let host = host().unlistable_sockets(denied("/proc/net/tcp"));
    for conditions in ["listening: false", "listening: true", "bound_by: nginx"] {
        let answers = web_must(conditions).on(&host);
        answers.unknown_with("listening: /proc/net/tcp: permission denied");
        assert_eq!(answers.exit(), 2);
    }
    rule("port: 8080\nabsent: skip\nmust: { bound_by: nginx }")
        .given(SERVICES)
        .on(&host)
        .unknown_with("listening: /proc/net/tcp: permission denied");
}

#[test]
fn protocols_are_told_apart() {
    port("8080/udp", "listening: false").on(&web()).passes();
    port("53/udp", "listening: true").on(&host().udp((LOOPBACK, 53), 8, &[20])).passes();
}

#[test]
fn a_dual_stack_socket_answers_for_both_and_a_v6_only_one_does_not() {
    let dual = host().tcp((ANY6, 8080), 7, &[10]);
    for spec in ["8080/tcp", "127.0.0.1:8080/tcp", "'[::1]:8080/tcp'"] {
        port(spec, "listening: true").on(&dual).passes();
    }
    let socket = |v6_only| Listener {
        protocol: Protocol::Tcp,
        address: "::".parse().unwrap(),
        port: 8080,
        v6_only,
        interface: 0,
        inode: 7,
        uid: 0,
    };
    let only = host().listener(socket(Some(true)), Holders::default());
    port("127.0.0.1:8080/tcp", "listening: false").on(&only).passes();
    let unsaid = host().listener(socket(None), Holders { pids: vec![10], unseen: None });
    port("127.0.0.1:8080/tcp", "listening: true").on(&unsaid).passes();
}

#[test]
fn a_range_is_open_when_one_of_its_ports_is() {
    port("8000-8100/tcp", "listening: true").on(&web()).passes();
    port("8000-8079/tcp", "listening: false").on(&web()).passes();
}

#[test]
fn a_program_is_named_by_its_whole_path() {
    for condition in ["bound_by: { exe: nginx }", "bound_by: { exe: [/usr/sbin/nginx, nginx] }"] {
        let refused = web_must(condition).is_refused();
        assert!(refused.contains("it begins with /, such as /usr/sbin/nginx"), "{refused}");
    }
    web_must("bound_by: { exe: { matches: nginx$ } }").on(&web()).passes();
}

// --- bound_by ------------------------------------------------------------------------------------

#[test]
fn a_port_is_held_by_who_should_hold_it() {
    web_must("bound_by: nginx")
        .on(&web())
        .passes_with(&format!("bound_by: {WEB_HELD}; expected held by nginx"));
    web_must("bound_by: { exe: /usr/sbin/nginx }").on(&web()).passes();
    web_must("bound_by: [sshd, nginx]").on(&web()).passes();
    port("22/tcp", "bound_by: { user: root }").on(&host().tcp((ANY, 22), 8, &[20])).passes();
    web_must("bound_by: { user: www }")
        .on(&web())
        .fails_with(&format!("bound_by: {WEB_HELD}; expected held by user www"));
}

#[test]
fn a_stranger_is_named_and_stopped() {
    let host = host()
        .process(Running::program(30, "/usr/sbin/apache2").in_unit("apache2.service"))
        .tcp((ANY, 8080), 7, &[30])
        .file("/etc/systemd/system/nginx.service", 0o644, 0, 0, "");
    web_must("bound_by: nginx")
        .on(&host)
        .fails_with(
            "bound_by: 0.0.0.0:8080/tcp held by apache2 (/usr/sbin/apache2; unit apache2.service; \
             root: pid 30; since 1970-01-01 00:00:30 UTC); expected held by nginx",
        )
        .repaired_by("systemctl stop apache2.service")
        .repaired_by("systemctl start nginx.service");
}

#[test]
fn every_holder_of_a_shared_socket_is_looked_at() {
    let host = host().tcp((ANY, 8080), 7, &[10, 11, 66]);
    let answers = web_must("bound_by: nginx").on(&host);
    answers
        .fails_with(
            "bound_by: 0.0.0.0:8080/tcp held by miner (/tmp/miner; www: pid 66; since 1970-01-01 \
             00:01:06 UTC), nginx (/usr/sbin/nginx; unit nginx.service; root: pid 10; www: pid 11; \
             since 1970-01-01 00:00:10 UTC); expected held by nginx",
        )
        .repaired_by("kill 66");
    assert_eq!(answers.findings[0].corrective(), ["kill 66"]);
}

#[test]
fn a_stranger_beside_the_service_on_another_socket_is_found() {
    let host = web().tcp((ANY6, 8080), 8, &[66]);
    let answers = web_must("bound_by: nginx").on(&host);
    assert!(answers.to_string().starts_with("fail bound_by: 0.0.0.0:8080/tcp, [::]:8080/tcp"));
}

#[test]
fn holders_that_may_be_unseen_keep_a_pass_from_being_earned() {
    let unseen = || denied("/proc/7/fd and 3 more");
    let host = web().perhaps_other_holders(7, unseen());
    web_must("bound_by: nginx")
        .on(&host)
        .unknown_with("bound_by: /proc/7/fd and 3 more: permission denied");
    web_must("listening: true").on(&host).passes();
    let stranger = host.tcp((ANY6, 8080), 8, &[66]).perhaps_other_holders(8, unseen());
    let answers = web_must("bound_by: nginx").on(&stranger);
    assert!(answers.to_string().starts_with("fail "), "{answers:?}");
    assert!(answers.to_string().contains("perhaps others"), "{answers:?}");
}

#[test]
fn a_socket_that_nobody_is_seen_to_hold_is_unknown() {
    web_must("bound_by: nginx").on(&host().tcp((ANY, 8080), 7, &[])).unknown_with(
        "bound_by: 0.0.0.0:8080/tcp: no process holds it: it belongs to the kernel, or has just \
         been closed",
    );
}

#[test]
fn a_holder_that_ended_meanwhile_leaves_its_socket_unknown() {
    let gone = 4711;
    web_must("bound_by: nginx")
        .on(&host().tcp((ANY, 8080), 7, &[gone]))
        .unknown_with("bound_by: holders of 0.0.0.0:8080/tcp: went away while being looked at");
    // The other socket's holder does not answer for it.
    web_must("bound_by: nginx")
        .on(&web().tcp((ANY6, 8080), 8, &[gone]))
        .unknown_with("bound_by: holders of [::]:8080/tcp: went away while being looked at");
    // One of several holders that ends is a worker that ended.
    web_must("bound_by: nginx").on(&host().tcp((ANY, 8080), 7, &[10, gone])).passes();
}

#[test]
fn a_holder_that_cannot_be_read_is_unknown() {
    let host =
        host().unreadable_process(99, denied("/proc/99/stat")).tcp((ANY, 8080), 7, &[10, 99]);
    web_must("bound_by: nginx")
        .on(&host)
        .unknown_with("bound_by: /proc/99/stat: permission denied");
    let host = Memory::new()
        .process(Running::program(9, "/x").unreadable_exe(denied("/proc/9/exe")))
        .tcp((ANY, 8080), 7, &[9]);
    web_must("bound_by: nginx").on(&host).unknown_with("bound_by: /proc/9/exe: permission denied");
}

#[test]
fn a_holder_with_one_thread_of_root_is_not_held_by_the_user() {
    let host = host()
        .process(Running::program(40, "/x").owned_by(33, 33).with_thread(41, 0, 0))
        .tcp((ANY, 8080), 7, &[40]);
    let answers = web_must("bound_by: { user: www }").on(&host);
    assert!(answers.to_string().starts_with("fail "), "{answers:?}");
    let mut threadless: Process = Running::program(40, "/x").into();
    threadless.threads = Ok(Vec::new());
    let host = Memory::new().user("www", 33, 33).process(threadless).tcp((ANY, 8080), 7, &[40]);
    let answers = web_must("bound_by: { user: www }").on(&host);
    assert!(answers.to_string().starts_with("unknown "), "{answers:?}");
}

#[test]
fn a_container_that_holds_the_port_is_not_the_hosts_service() {
    let host = Memory::new().process(Running::program(10, "/usr/sbin/nginx").in_container()).tcp(
        (ANY, 8080),
        7,
        &[10],
    );
    let answers = web_must("bound_by: nginx").on(&host);
    assert!(answers.to_string().starts_with("fail "), "{answers:?}");
}

#[test]
fn nothing_that_listens_fails_and_is_skipped_when_the_rule_says_so() {
    web_must("bound_by: nginx")
        .on(&host())
        .fails_with("bound_by: nothing listens; expected held by nginx");
    web_must("addresses: { only: loopback }")
        .on(&host())
        .fails_with("listening: nothing listens; expected something listens");
    rule("port: 8080\nabsent: skip\nmust: { bound_by: nginx }")
        .given(SERVICES)
        .on(&host())
        .skipped_with("listening: nothing listens on it");
}

// --- addresses -----------------------------------------------------------------------------------

#[test]
fn addresses_are_those_allowed() {
    let local = host().tcp((LOOPBACK, 8080), 7, &[10]);
    for allowed in ["loopback", "127.0.0.1", "[127.0.0.1, '::1']"] {
        web_must(&format!("addresses: {{ only: {allowed} }}")).on(&local).passes();
    }
    web_must("addresses: { only: loopback }").on(&local.tcp((ANY6, 8080), 8, &[10])).fails_with(
        "addresses: 127.0.0.1:8080/tcp, [::]:8080/tcp; expected bound to only loopback",
    );
    web_must("addresses: { only: 0.0.0.0 }").on(&web()).passes();
    web_must("addresses: { only: loopback }")
        .on(&web().unlistable_sockets(denied("tcp")))
        .unknown_with("listening: tcp: permission denied");
}

#[test]
fn an_ipv4_address_in_ipv6_clothes_is_loopback() {
    let mapped = [0, 0, 0, 0, 0, 0xffff, 0x7f00, 1];
    web_must("addresses: { only: loopback }").on(&host().tcp((mapped, 8080), 7, &[10])).passes();
}

#[test]
fn what_is_no_port_is_refused() {
    assert!(port("80/xtp", "listening: true").is_refused().contains("expected a port"));
    assert!(web_must("bound_by: ngnix").is_refused().contains("did you mean `nginx`?"));
    web_must("addresses: { only: localhost }").is_refused();
    web_must("").is_refused();
}

// --- real sockets --------------------------------------------------------------------------------

#[test]
fn the_report_says_who_holds_the_port_instead() {
    let Some(stage) = Stage::healthy() else { return };
    stage.write("/etc/systemd/system/nginx.service", "");
    stage.write("/mnt/web.yaml", POLICY);
    let healthy = stage.run(&["check", "web.yaml"]);
    insta::assert_snapshot!(scrubbed(&healthy), @r#"
    spotcheck on [host] · as root · [time]

    Everything holds.
    2 rules, 2 conditions: 2 hold · exit 0
    exited 0
    "#);
    stage.attack();
    let report = scrubbed(&stage.run(&["check", "web.yaml"]));
    // Without control groups there are no units to name and to stop.
    let report = report
        .replace("unit apache2.service; ", "")
        .replace("systemctl stop apache2.service", "kill [pid]");
    insta::assert_snapshot!(report, @r#"
    spotcheck on [host] · as root · [time]

    FAIL critical web-port  port 8080/tcp
      bound_by  [::]:8080/tcp held by apache2 (/usr/sbin/apache2; root: [pid]; www-data: [pid]; since [time]); expected held by nginx
      why       Whoever holds the port answers in the name of the site.
      repair    kill [pid]
      repair    systemctl start nginx.service
      verify    spotcheck check web.yaml --rule web-port
      policy    web.yaml:5

    2 rules, 2 conditions: 1 violated, 1 holds · exit 1
    exited 1
    "#);
}

const POLICY: &str = "
policy: scene
services: { nginx: { exe: /usr/sbin/nginx } }
rules:
  - id: web-port
    severity: critical
    port: 8080/tcp
    must: { bound_by: nginx }
    why: Whoever holds the port answers in the name of the site.
  - id: no-telnet
    port: 23/tcp
    must: { listening: false }
";

#[test]
fn a_free_port_is_no_proof_where_the_packet_filter_may_forward_it() {
    let forwarding = || {
        Memory::new().file("/proc/sys/net/ipv4/ip_forward", 0o644, 0, 0, "1\n").file(
            "/proc/sys/net/netfilter/nf_conntrack_max",
            0o644,
            0,
            0,
            "65536\n",
        )
    };
    let free = || rule("port: 8081/tcp\nmust: { listening: false }");
    free().on(&Memory::new()).passes();
    assert_eq!(free().on(&forwarding()).exit(), 2);
    assert_eq!(rule("port: 8081/tcp\nmust: { listening: true }").on(&forwarding()).exit(), 1);
}

#[test]
fn the_helper_of_an_engine_is_never_stopped_as_a_repair() {
    for program in ["docker-proxy", "conmon", "rootlessport", "pasta"] {
        let helper = Running::program(10, format!("/usr/libexec/{program}"));
        let helper = helper.in_unit("docker.service");
        let at: std::net::SocketAddr = "0.0.0.0:8081".parse().unwrap();
        let host = Memory::new().process(helper).tcp(at, 1, &[10]);
        let step = match program {
            "docker-proxy" => "docker ps # names the container of the port: docker stop NAME",
            _ => "podman port --all # names the container: podman stop NAME, or its unit",
        };
        rule("port: 8081/tcp\nmust: { listening: false }").on(&host).repaired_by(step);
    }
}

/// As Docker 20.10.24 has written them of `docker create --name caps -p 127.0.0.1:8080:80 -p 53:53/udp`.
fn docker_with_caps(host: Memory) -> Memory {
    let place = "/var/lib/docker/containers/\
                 e5b7fe3f6a10073bb0b88ecc51087285d16064927b1725a2a638afbd399bf970";
    let config = include_str!("containers/docker-caps.config.v2.json");
    let host = host.file(format!("{place}/config.v2.json"), 0o600, 0, 0, config);
    let config = include_str!("containers/docker-caps.hostconfig.json");
    host.file(format!("{place}/hostconfig.json"), 0o600, 0, 0, config)
}

#[test]
fn the_container_behind_a_published_port_is_named() {
    let at: std::net::SocketAddr = "127.0.0.1:8080".parse().unwrap();
    let free = rule("port: 8080/tcp\nmust: { listening: false }");
    let proxy = |port: &str| {
        let words = ["docker-proxy", "-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", port];
        Running::program(10, "/usr/sbin/docker-proxy").arguments(&words).in_unit("docker.service")
    };
    let host = |proxy| docker_with_caps(Memory::new().process(proxy).tcp(at, 1, &[10]));
    free.on(&host(proxy("8080"))).repaired_by("docker stop caps");
    let unnamed = "docker ps # names the container of the port: docker stop NAME";
    free.on(&host(proxy("8081"))).repaired_by(unnamed);
    // What could not be read may publish it as well.
    let id = "f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473";
    let other = format!("/var/lib/docker/containers/{id}/config.v2.json");
    let closed = host(proxy("8080")).file(&other, 0o600, 0, 0, "").unreadable(&other);
    free.on(&closed).repaired_by(unnamed);
}

#[test]
fn a_container_that_holds_a_port_itself_is_stopped_by_its_engine() {
    let at: std::net::SocketAddr = "0.0.0.0:8080".parse().unwrap();
    let inside = |id: &str, engine: &str| {
        let process = Running::program(10, "/bin/busybox").in_container_of(id, engine);
        docker_with_caps(Memory::new().process(process).tcp(at, 1, &[10]))
    };
    let free = rule("port: 8080/tcp\nmust: { listening: false }");
    free.on(&inside("e5b7fe3f6a10", "docker")).repaired_by("docker stop caps");
    free.on(&inside("0123456789ab", "docker")).repaired_by("docker stop 0123456789ab");
    free.on(&inside("0123456789ab", "podman")).repaired_by("podman stop 0123456789ab");
}

#[test]
fn of_a_quadlet_the_unit_is_stopped_and_not_the_supervisor() {
    let at: std::net::SocketAddr = "0.0.0.0:8080".parse().unwrap();
    let conmon = Running::program(10, "/usr/bin/conmon")
        .in_group("/system.slice/web.service/supervisor", Some("web.service"));
    let host = Memory::new().process(conmon).tcp(at, 1, &[10]);
    rule("port: 8080/tcp\nmust: { listening: false }")
        .on(&host)
        .repaired_by("systemctl stop web.service");
}

#[test]
fn a_file_that_is_mounted_over_a_program_does_not_pass_as_it() {
    let at: std::net::SocketAddr = "0.0.0.0:8080".parse().unwrap();
    let impostor = Running::program(10, "/usr/sbin/nginx").running_a_file_of_its_own();
    let host = Memory::new().process(impostor).tcp(at, 1, &[10]);
    for wanted in ["/usr/sbin/nginx", "{ matches: nginx }", "{ not: /usr/sbin/nginx }"] {
        let text = format!("port: 8080/tcp\nmust: {{ bound_by: {{ exe: {wanted} }} }}");
        assert_eq!(rule(&text).on(&host).exit(), 1, "{wanted}");
    }
}

#[test]
fn what_systemd_holds_for_a_socket_unit_is_stopped_by_that_unit() {
    let held = |host: Memory| host.tcp(([0, 0, 0, 0], 2222), 9, &[1]);
    let host = || {
        Memory::new().user("root", 0, 0).process(Running::program(1, "/usr/lib/systemd/systemd"))
    };
    let rule = rule("port: 2222/tcp\nmust: { listening: false }");
    let unit = host()
        .file(
            "/usr/lib/systemd/system/a.socket",
            0o644,
            0,
            0,
            "[Socket]\nListenStream=0.0.0.0:2222\n",
        )
        .symlink(
            "/etc/systemd/system/sockets.target.wants/a.socket",
            "/usr/lib/systemd/system/a.socket",
        );
    rule.on(&held(unit)).fails_about("listening").repaired_by("systemctl stop a.socket");
    rule.on(&held(host())).fails_about("listening").repaired_by(
        "systemctl list-sockets # names the unit of port 2222: systemctl stop NAME.socket",
    );
}
