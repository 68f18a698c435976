//! Control groups: from `/proc/PID/cgroup` (`cgroups(7)`) to the systemd unit and the container.
//!
//! systemd makes one group per unit below slices: `/system.slice/nginx.service`. Where it lets a
//! unit manage groups of its own (`user@1000.service`, container engines) more levels follow, which
//! that unit names as it likes. So only the outermost unit is systemd's own word: a user can make
//! a group `nginx.service` below `user@1000.service`, and it is not the system's nginx.

use crate::facts::process::Container;

/// The path of a process in the hierarchy that systemd manages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Path in `name=systemd` (cgroups v1 and hybrid) where that is in use, or else in `0::`; empty
    /// if there is neither.
    pub path: String,
    /// The container of which some path of the file is the group, where only root can have put a
    /// process into it.
    pub container: Option<Container>,
}

/// Parses the content of `/proc/PID/cgroup`.
///
/// # Errors
/// In words, where a line is not `id:controllers:path`.
pub fn parse(bytes: &[u8]) -> Result<Membership, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut named = None;
    let mut unified = None;
    let mut container = None;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("{:?} is not id:controllers:path", shorten(line)));
        };
        // The group of a zombie may be gone already.
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        container = container.or_else(|| self::container(path));
        match (id, controllers) {
            ("0", "") => unified = Some(path),
            (_, "name=systemd") => named = Some(path),
            _ => {}
        }
    }
    // A systemd that manages cgroups v2 alone leaves everything at the root of a hierarchy
    // `name=systemd` that it does not use: a container with pure v2 on a hybrid host.
    let path = named.filter(|path| *path != "/").or(unified).or(named).unwrap_or_default();
    let path = path.to_owned();
    Ok(Membership { path, container })
}

/// The part of `path` below the root of the hierarchy as systemd uses it, which is where pid 1
/// stands (`sd_pid_get_unit(3)` does the same): in a container the host's groups come first.
pub fn below_root<'a>(path: &'a str, init: &str) -> &'a str {
    let root = ["/init.scope", "/system.slice", "/system"]
        .iter()
        .find_map(|suffix| init.strip_suffix(suffix))
        .unwrap_or(init)
        .trim_end_matches('/');
    match path.strip_prefix(root) {
        Some(rest) if rest.starts_with('/') || rest.is_empty() => rest,
        _ => path,
    }
}

/// The system unit of a group: the first component that is not a slice, if it is named like a
/// unit.
pub fn system_unit(path: &str) -> Option<String> {
    components(path)
        .find(|name| !is_slice(name))
        .map(unescape)
        .filter(|n| is_unit(n))
        .map(str::to_owned)
}

/// The unit of a *user's* service manager (`systemd --user`) within `user@UID.service`.
///
/// That manager is a program of the user, so the name is the user's claim.
pub fn user_unit(path: &str) -> Option<String> {
    let mut rest = components(path).skip_while(|name| is_slice(name));
    let manager = unescape(rest.next()?);
    if !(manager.starts_with("user@") && manager.ends_with(".service")) {
        return None;
    }
    rest.find(|name| !is_slice(name)).map(unescape).filter(|n| is_unit(n)).map(str::to_owned)
}

/// The container that an engine made the group or one above it for: Docker, Podman, CRI-O,
/// containerd, Kubernetes, LXC, under either of their cgroup drivers.
///
/// Below the unit of a user, or of a service that manages groups of its own, a name is whatever
/// that user or service likes, so there it tells nothing.
pub fn container(path: &str) -> Option<Container> {
    let outside = path.starts_with("/..");
    let mut previous = "";
    for name in components(path) {
        let found = if name.starts_with("kubepods") {
            Some(named("kubernetes", path.rsplit('/').next().unwrap_or_default()))
        } else if let Some(name) = name.strip_prefix("lxc.payload") {
            Some(named("lxc", name.trim_start_matches('.')))
        } else if previous == "docker" && is_id(name) {
            Some(named("docker", name))
        } else if previous == "lxc" && name != "monitor" {
            Some(named("lxc", name))
        } else if outside && is_long_id(name) {
            // A neighbour of the reader, as its own control group namespace shows it.
            Some(named("container", name))
        } else {
            ENGINES.iter().find_map(|(prefix, engine)| {
                // `docker-registry.service` is no container, `libpod-conmon-ID` is its supervisor.
                let id = name.strip_prefix(prefix)?;
                let id = id.strip_suffix(".scope").unwrap_or(id);
                is_id(id).then(|| named(engine, id))
            })
        };
        if found.is_some() {
            return found;
        }
        if name == "user.slice" || unescape(name).ends_with(".service") {
            return None;
        }
        previous = name;
    }
    None
}

/// Prefixes of the groups of containers.
const ENGINES: [(&str, &str); 5] = [
    ("docker-", "docker"),
    ("libpod-payload-", "podman"),
    ("libpod-", "podman"),
    ("crio-", "cri-o"),
    ("cri-containerd-", "containerd"),
];

/// How many digits of a container's id engines show.
const SHORT_ID: usize = 12;

fn named(engine: &str, name: &str) -> Container {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    let name = ENGINES.iter().find_map(|(prefix, _)| name.strip_prefix(prefix)).unwrap_or(name);
    let name = if is_id(name) { name.get(..SHORT_ID).unwrap_or(name) } else { name };
    Container { name: name.to_owned(), engine: engine.to_owned() }
}

/// The machine of `systemd-machined(8)` whose group this is, for a process that is in a container by
/// its root directory: `machine-web.scope`, `systemd-nspawn@web.service`; or the container of a
/// group's name, whoever chose it.
pub fn machine(path: &str) -> Option<Container> {
    components(path).find_map(|name| {
        let nspawn = name.strip_prefix("systemd-nspawn@").and_then(|n| n.strip_suffix(".service"));
        let machine = name.strip_prefix("machine-").and_then(|n| n.strip_suffix(".scope"));
        if let Some(name) = nspawn.or(machine) {
            return Some(named("systemd-nspawn", &name.replace("\\x2d", "-")));
        }
        container(&format!("/{name}"))
    })
}

fn components(path: &str) -> impl Iterator<Item = &str> {
    // `..` stands for groups outside the reader's cgroup namespace.
    path.split('/').filter(|name| !name.is_empty() && *name != "..")
}

fn is_slice(name: &str) -> bool {
    name.len() > ".slice".len() && name.ends_with(".slice")
}

/// systemd puts `_` before a name that would clash with a kernel file (`cg_unescape`).
fn unescape(name: &str) -> &str {
    name.strip_prefix('_').unwrap_or(name)
}

/// Unit types that have processes; `systemd.unit(5)`.
fn is_unit(name: &str) -> bool {
    const TYPES: [&str; 5] = ["service", "scope", "socket", "mount", "swap"];
    name.rsplit_once('.').is_some_and(|(stem, kind)| !stem.is_empty() && TYPES.contains(&kind))
}

/// Container ids are long hexadecimal numbers.
fn is_id(name: &str) -> bool {
    name.len() >= 12 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Of the length that engines give them.
fn is_long_id(name: &str) -> bool {
    is_id(name) && name.len() == 64
}

fn shorten(line: &str) -> String {
    line.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn a_named_hierarchy_that_is_not_in_use_gives_way_to_v2() {
        let hybrid = b"1:name=systemd:/system.slice/a.service\n0::/system.slice/a.service\n";
        assert_eq!(parse(hybrid).unwrap().path, "/system.slice/a.service");
        let container = b"9:name=systemd:/\n0::/system.slice/nginx.service\n";
        assert_eq!(parse(container).unwrap().path, "/system.slice/nginx.service");
        assert_eq!(parse(b"9:name=systemd:/\n0::/\n").unwrap().path, "/");
    }

    #[test]
    fn a_pure_v2_host_has_one_line() {
        let found = parse(b"0::/system.slice/nginx.service\n").unwrap();
        assert_eq!(found.path, "/system.slice/nginx.service");
        assert_eq!(found.container, None);
    }

    #[test]
    fn on_hybrid_and_v1_hosts_the_line_of_systemd_counts() {
        let text = b"9:name=systemd:/system.slice/a.service\n8:cpu,cpuacct:/\n0::/elsewhere\n";
        assert_eq!(parse(text).unwrap().path, "/system.slice/a.service");
        assert_eq!(parse(b"2:cpu:/x\n").unwrap().path, "");
    }

    #[test]
    fn a_path_may_hold_colons_and_the_group_of_a_zombie_may_be_gone() {
        assert_eq!(parse(b"0::/a.slice/b:c.service\n").unwrap().path, "/a.slice/b:c.service");
        assert_eq!(parse(b"0::/b.service (deleted)\n").unwrap().path, "/b.service");
    }

    #[test]
    fn a_line_without_a_path_is_an_error() {
        assert!(parse(b"0:\n").is_err());
    }

    #[test]
    fn the_system_unit_is_the_outermost() {
        for (path, unit) in [
            ("/", None),
            ("/init.scope", Some("init.scope")),
            ("/system.slice/nginx.service", Some("nginx.service")),
            ("/system.slice/system-getty.slice/getty@tty1.service", Some("getty@tty1.service")),
            ("/user.slice/user-1000.slice/session-3.scope", Some("session-3.scope")),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service",
                Some("user@1000.service"),
            ),
            ("/system.slice/docker.service/sub", Some("docker.service")),
            ("/system.slice/_cgroup.service", Some("cgroup.service")),
            ("/system.slice/-.mount", Some("-.mount")),
            ("/docker/0123456789ab", None),
            ("/system.slice", None),
            ("/.slice", None),
            ("/../system.slice/a.service", Some("a.service")),
        ] {
            assert_eq!(system_unit(path).as_deref(), unit, "{path}");
        }
    }

    #[test]
    fn a_user_unit_is_found_below_its_manager_only() {
        let manager = "/user.slice/user-1000.slice/user@1000.service";
        let user = |rest: &str| user_unit(&format!("{manager}{rest}"));
        assert_eq!(user("/app.slice/foo.service").as_deref(), Some("foo.service"));
        assert_eq!(
            user("/app.slice/app-gnome.slice/a.scope/deeper.service").as_deref(),
            Some("a.scope")
        );
        assert_eq!(user("/init.scope").as_deref(), Some("init.scope"));
        assert_eq!(user(""), None);
        assert_eq!(user_unit("/system.slice/a.service/b.service"), None);
    }

    #[test]
    fn containers_are_known_by_the_groups_of_their_engines() {
        for (path, name) in [
            (format!("/docker/{ID}"), "0123456789ab (docker)"),
            (format!("/system.slice/docker-{ID}.scope"), "0123456789ab (docker)"),
            (format!("/machine.slice/libpod-{ID}.scope/container"), "0123456789ab (podman)"),
            (
                format!("/kubepods.slice/kubepods-burstable.slice/cri-containerd-{ID}.scope"),
                "0123456789ab (kubernetes)",
            ),
            ("/kubepods/besteffort/pod1/x".to_owned(), "x (kubernetes)"),
            (format!("/system.slice/crio-{ID}.scope"), "0123456789ab (cri-o)"),
            ("/lxc.payload.web/init.scope".to_owned(), "web (lxc)"),
            ("/lxc/web".to_owned(), "web (lxc)"),
            (format!("/../{ID}"), "0123456789ab (container)"),
        ] {
            assert_eq!(container(&path).map(|c| c.to_string()).as_deref(), Some(name), "{path}");
        }
        for path in [
            "/".to_owned(),
            "/system.slice/docker.service".to_owned(),
            "/system.slice/docker-registry.service".to_owned(),
            format!("/machine.slice/libpod-conmon-{ID}.scope"),
            "/lxc.monitor.web".to_owned(),
            "/docker".to_owned(),
        ] {
            assert_eq!(container(&path), None, "{path}");
        }
    }

    #[test]
    fn a_name_that_a_user_or_a_service_may_choose_makes_no_container() {
        for path in [
            format!("/user.slice/user-1.slice/user@1.service/docker-{ID}.scope"),
            format!("/user.slice/user-1.slice/user@1.service/user.slice/libpod-payload-{ID}"),
            format!("/system.slice/ci.service/docker/{ID}"),
            "/system.slice/ci.service/kubepods/x".to_owned(),
        ] {
            assert_eq!(container(&path), None, "{path}");
        }
    }

    #[test]
    fn machines_are_named() {
        let name = |path: &str| machine(path).map(|machine| machine.to_string());
        let web = Some("web (systemd-nspawn)".to_owned());
        assert_eq!(name("/machine.slice/machine-web.scope/payload/init.scope"), web);
        assert_eq!(name("/machine.slice/systemd-nspawn@web.service/payload"), web);
        assert_eq!(name("/system.slice/nginx.service"), None);
    }

    #[test]
    fn groups_above_pid_1_are_left_out() {
        let init = "/machine.slice/web.scope/init.scope";
        let path = "/machine.slice/web.scope/system.slice/nginx.service";
        assert_eq!(below_root(path, init), "/system.slice/nginx.service");
        assert_eq!(below_root("/system.slice/a.service", "/init.scope"), "/system.slice/a.service");
        assert_eq!(below_root("/system.slice/a.service", "/"), "/system.slice/a.service");
        assert_eq!(below_root("/ab/c", "/a/init.scope"), "/ab/c");
        assert_eq!(below_root("/a", "/a"), "");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "([0-9:/a-z_.@-]|service|slice|docker|\n|\\PC){0,60}") {
            let _ = parse(text.as_bytes());
            let _ = system_unit(&text);
            let _ = user_unit(&text);
            let _ = below_root(&text, &text);
            let _ = container(&text);
            let _ = machine(&text);
        }
    }
}
