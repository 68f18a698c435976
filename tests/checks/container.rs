//! `container:` on what Docker 20.10.24 and Podman 4.3.1 of Debian 12 have really written, kept in `containers/`: of
//! `docker create` and `podman run` with the options that their names say, with lists cut that nothing is
//! asked about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, rule};
use spotcheck::targets::memory::{Memory, Running};

/// `docker create --name plain bb:1`
const PLAIN: [&str; 3] = [
    "f6bf5cf02518e207a377526e454380367e3c9e5610895c0b1e0867e658a60473",
    include_str!("containers/docker-plain.config.v2.json"),
    include_str!("containers/docker-plain.hostconfig.json"),
];
/// `--name priv --privileged --net host --pid host -v /:/host -v /var/run/docker.sock:/var/run/docker.sock`
const PRIV: [&str; 3] = [
    "8920afc93fdfb8447df388fd217c8bc02a66152e4b86eaa7f3fd50099dacff2f",
    include_str!("containers/docker-priv.config.v2.json"),
    include_str!("containers/docker-priv.hostconfig.json"),
];
/// `--name caps --cap-drop ALL --cap-add NET_ADMIN --cap-add SYS_ADMIN --security-opt seccomp=unconfined
/// -u 1000:1000 -v /srv:/srv:ro -v vol:/v --mount type=bind,source=/etc,target=/e -p 127.0.0.1:8080:80
/// -p 53:53/udp --restart always`
const CAPS: [&str; 3] = [
    "e5b7fe3f6a10073bb0b88ecc51087285d16064927b1725a2a638afbd399bf970",
    include_str!("containers/docker-caps.config.v2.json"),
    include_str!("containers/docker-caps.hostconfig.json"),
];
/// `podman run -d --name web --network none bb:1`
const WEB: [&str; 2] = [
    "b417e24fe78c434a995670c6a3c924a64f3d15e20ec7e268d80c151b27f2b862",
    include_str!("containers/podman-web.config.json"),
];
/// `podman run -d --name priv --privileged --network host --pid host -v /srv:/srv:ro -v /run:/hostrun bb:1`
const PODMAN_PRIV: [&str; 2] = [
    "0fa50e7ac74a07f9359f131a5f9f85df6101827ba5cb3097175d466b1e0a449c",
    include_str!("containers/podman-priv.config.json"),
];
const LISTED: &str = include_str!("containers/podman.containers.json");

fn docker_in(data: &str, host: Memory, [id, config, hostconfig]: [&str; 3]) -> Memory {
    let place = format!("{data}/containers/{id}");
    host.file(format!("{place}/config.v2.json"), 0o600, 0, 0, config).file(
        format!("{place}/hostconfig.json"),
        0o600,
        0,
        0,
        hostconfig,
    )
}

fn docker(container: [&str; 3]) -> Memory {
    docker_in("/var/lib/docker", Memory::new(), container)
}

fn podman_in(storage: &str, host: Memory) -> Memory {
    let place = format!("{storage}/vfs-containers");
    let spec = |id: &str| format!("{place}/{id}/userdata/config.json");
    host.file(format!("{place}/containers.json"), 0o600, 0, 0, LISTED)
        .file(spec(WEB[0]), 0o600, 0, 0, WEB[1])
        .file(spec(PODMAN_PRIV[0]), 0o600, 0, 0, PODMAN_PRIV[1])
}

fn podman() -> Memory {
    podman_in("/var/lib/containers/storage", Memory::new())
}

fn must(conditions: &str) -> Rule {
    rule(&format!("container: all\nmust: {{ {conditions} }}"))
}

#[test]
fn a_container_without_options_has_what_its_engine_gives_to_all() {
    let host = docker(PLAIN);
    must(
        "privileged: false, seccomp: true, user_namespace: false, engine_socket: false, host_paths: [], \
         published: [], restart: \"no\", image: \"bb:1\"",
    )
    .on(&host)
    .passes();
    must("capabilities: { none: [cap_sys_admin, cap_net_admin], all: [cap_chown, cap_net_raw] }")
        .on(&host)
        .passes();
    must("never_root: true")
        .on(&host)
        .fails_with("never_root: user root; expected not root of the host");
    must("privileged: true").on(&host).fails_with("privileged: no; expected yes");
}

#[test]
fn a_privileged_container_has_everything() {
    let host = docker(PRIV);
    must("privileged: false").on(&host).fails_with("privileged: yes; expected no");
    must("seccomp: true").on(&host).fails_with("seccomp: no; expected yes");
    must("capabilities: { none: [cap_sys_module] }")
        .on(&host)
        .fails_with("capabilities: all; expected none of cap_sys_module");
    must("host_namespaces: { none: [pid] }")
        .on(&host)
        .fails_with("host_namespaces: cgroup, network, pid; expected none of pid");
    must("engine_socket: false")
        .on(&host)
        .fails_with("engine_socket: reached through /, /var/run/docker.sock; expected not reached");
    must("host_paths: { none: [/] }")
        .on(&host)
        .fails_with("host_paths: /, /var/run/docker.sock; expected none of /");
}

#[test]
fn options_are_told_as_they_were_given() {
    let host = docker(CAPS);
    must(
        "never_root: true, privileged: false, capabilities: { exactly: [cap_net_admin, cap_sys_admin] }, \
         host_paths: { exactly: [/srv, /etc] }, writable_host_paths: { only: [/etc] }, restart: always, \
         published: { exactly: [\"127.0.0.1:8080/tcp\", 53/udp] }",
    )
    .on(&host)
    .passes();
    must("seccomp: true").on(&host).fails_with("seccomp: no; expected yes");
    must("published: { only: [8080/tcp] }").on(&host).fails_with(
        "published: 0.0.0.0:53/udp, [::]:53/udp, 127.0.0.1:8080/tcp; expected only 8080/tcp",
    );
    must("restart: { not: always }").on(&host).fails_with("restart: always; expected not always");
}

#[test]
fn daemon_json_says_where_they_are_and_what_holds_for_all() {
    let daemon = |text: &str| Memory::new().file("/etc/docker/daemon.json", 0o644, 0, 0, text);
    let moved = docker_in("/srv/docker", daemon("{\"data-root\": \"/srv/docker\"}"), PRIV);
    must("privileged: false").on(&moved).fails_with("privileged: yes; expected no");
    let remapped = daemon("{\"userns-remap\": \"default\"}");
    let remapped = docker_in("/var/lib/docker/165536.165536", remapped, PLAIN);
    must("user_namespace: true, never_root: true").on(&remapped).passes();
    let open = docker_in("/var/lib/docker", daemon("{\"seccomp-profile\": \"unconfined\"}"), PLAIN);
    must("seccomp: true").on(&open).fails_with("seccomp: no; expected yes");
}

#[test]
fn containers_of_podman_are_told_by_their_specification() {
    let host = podman();
    let of = |name: &str, conditions: &str| {
        rule(&format!("container: {name}\nmust: {{ {conditions} }}"))
    };
    of("web", "privileged: false, seccomp: true, host_paths: [], image: \"localhost/bb:1\"")
        .on(&host)
        .passes();
    of("web", "host_namespaces: []").on(&host).fails_with("host_namespaces: cgroup; expected none");
    of("priv", "privileged: false").on(&host).fails_with("privileged: yes; expected no");
    of("priv", "host_paths: { exactly: [/run, /srv] }, writable_host_paths: { exactly: [/run] }")
        .on(&host)
        .passes();
    of("priv", "engine_socket: false").on(&host).fails_about("reached through /run");
    of("priv", "host_namespaces: { none: [network, pid] }")
        .on(&host)
        .fails_with("host_namespaces: cgroup, network, pid; expected none of network, pid");
    // What Podman does not keep there is not taken for nothing.
    assert_eq!(of("web", "published: []").on(&host).exit(), 2);
    assert_eq!(of("web", "restart: { not: always }").on(&host).exit(), 2);
    let conf = "[storage]\ndriver = \"vfs\"\ngraphroot = \"/srv/containers\"\n";
    let moved = Memory::new().file("/etc/containers/storage.conf", 0o644, 0, 0, conf);
    let moved = podman_in("/srv/containers", moved);
    of("priv", "privileged: false").on(&moved).fails_with("privileged: yes; expected no");
}

#[test]
fn containers_of_kubernetes_are_told_by_pod_and_name() {
    let spec = WEB[1].replace(
        "\"annotations\":{",
        "\"annotations\":{\"io.kubernetes.cri.container-name\":\"shop\",\
         \"io.kubernetes.cri.sandbox-name\":\"shop-7d\",\"io.kubernetes.cri.sandbox-namespace\":\"prod\",\
         \"io.kubernetes.cri.image-name\":\"registry.example/shop:2\",",
    );
    let task = "/run/containerd/io.containerd.runtime.v2.task/k8s.io/0123456789ab/config.json";
    let host = Memory::new().file(task, 0o600, 0, 0, spec);
    let of = |pod: &str, conditions: &str| {
        rule(&format!("container: shop\npod: {pod}\nmust: {{ {conditions} }}")).on(&host)
    };
    of("prod/shop-*", "privileged: false, image: \"registry.example/shop:2\"").passes();
    of("prod/shop-*", "never_root: true").fails_about("never_root: user 0");
    of("test/*", "privileged: false").fails_about("exists: no engine keeps such a container");
}

#[test]
fn a_name_a_pattern_or_an_id_means_containers_and_all_means_every_one() {
    let host = docker_in("/var/lib/docker", docker(PLAIN), PRIV);
    let of = |name: &str| {
        rule(&format!("container: \"{name}\"\nmust: {{ privileged: false }}")).on(&host).exit()
    };
    assert_eq!(of("plain"), 0);
    assert_eq!(of("pl*"), 0);
    assert_eq!(of(PLAIN[0]), 0);
    assert_eq!(of("f6bf5cf02518"), 0);
    assert_eq!(of("p*"), 1);
    assert_eq!(of("all"), 1);
    assert_eq!(of("none-such"), 1);
}

#[test]
fn without_containers_nothing_holds_unless_that_may_be_so() {
    must("privileged: false")
        .on(&Memory::new())
        .fails_about("exists: no engine keeps such a container");
    let skip = rule("container: all\nabsent: skip\nmust: { privileged: false }");
    assert_eq!(skip.on(&Memory::new()).exit(), 2, "nothing was evaluated");
}

#[test]
fn what_cannot_be_read_is_not_taken_for_nothing() {
    let place = format!("/var/lib/docker/containers/{}", PLAIN[0]);
    for file in ["config.v2.json", "hostconfig.json"] {
        let host = docker(PLAIN).unreadable(format!("{place}/{file}"));
        assert_eq!(must("privileged: false").on(&host).exit(), 2, "{file}");
        let broken = docker(PLAIN).file(format!("{place}/{file}"), 0o600, 0, 0, "{\"ID\":");
        assert_eq!(must("privileged: false").on(&broken).exit(), 2, "{file}");
    }
    let closed = docker(PLAIN).unreadable("/var/lib/docker/containers");
    assert_eq!(must("privileged: false").on(&closed).exit(), 2);
    // A container of Podman that was never started has no specification yet.
    let listed = Memory::new().file(
        "/var/lib/containers/storage/overlay-containers/containers.json",
        0o600,
        0,
        0,
        LISTED,
    );
    assert_eq!(must("privileged: false").on(&listed).exit(), 2);
    // A violation that was seen stays one.
    let both = docker_in("/var/lib/docker", closed_beside(), PRIV);
    assert_eq!(must("privileged: false").on(&both).exit(), 1);
}

fn closed_beside() -> Memory {
    docker(PLAIN).unreadable(format!("/var/lib/docker/containers/{}/hostconfig.json", PLAIN[0]))
}

#[test]
fn a_container_that_runs_and_is_kept_nowhere_makes_all_of_them_unknown() {
    let running = |id: &str| Running::program(10, "/bin/busybox").in_container_of(id, "docker");
    let known = docker(PLAIN).process(running("f6bf5cf02518"));
    must("privileged: false").on(&known).passes();
    let stranger = docker(PLAIN).process(running("0123456789ab"));
    assert_eq!(must("privileged: false").on(&stranger).exit(), 2);
}

#[test]
fn a_directory_above_a_socket_leads_to_it_where_it_is_there() {
    let mounted = |path: &str| {
        let host = PLAIN[2].replace("\"Binds\":null", &format!("\"Binds\":[\"{path}:/x\"]"));
        docker([PLAIN[0], PLAIN[1], &host])
    };
    let socket = must("engine_socket: false");
    for path in ["/run", "/var/run", "/run/docker.sock", "/opt/sockets/docker.sock", "/"] {
        socket.on(&mounted(path)).fails_about("engine_socket: reached through");
    }
    for path in ["/run/user", "/var/lib", "/srv", "/run/podman"] {
        socket.on(&mounted(path)).passes();
    }
    let podman = mounted("/run/podman").file("/run/podman/podman.sock", 0o600, 0, 0, "");
    socket.on(&podman).fails_about("engine_socket: reached through /run/podman");
}
