//! Control groups: from `/proc/PID/cgroup` (`cgroups(7)`) to the systemd unit and the container.
//!
//! systemd makes one group per unit below slices: `/system.slice/nginx.service`. Where it lets a
//! unit manage groups of its own (`user@1000.service`, container engines) more levels follow, which
//! that unit names as it likes. So only the outermost unit is systemd's own word: a user can make
//! a group `nginx.service` below `user@1000.service`, and it is not the system's nginx.

/// The path of a process in the hierarchy that systemd manages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    /// Path in `name=systemd` (cgroups v1 and hybrid) where that is in use, or else in `0::`; empty
    /// if there is neither.
    pub path: String,
    /// Some path of the file lies in a group that a container engine made.
    pub container: bool,
}

/// Parses the content of `/proc/PID/cgroup`.
///
/// # Errors
/// In words, where a line is not `id:controllers:path`.
pub fn parse(bytes: &[u8]) -> Result<Membership, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut named = None;
    let mut unified = None;
    let mut container = false;
    for line in text.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(id), Some(controllers), Some(path)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!("{:?} is not id:controllers:path", shorten(line)));
        };
        // The group of a zombie may be gone already.
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        container |= is_container(path);
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

/// Whether `path` is the group of a service itself and not one below it: what systemd starts there
/// is the host's, even in a pid namespace of its own (`PrivatePIDs=`, sandboxes).
pub fn is_plain_service(path: &str) -> bool {
    let mut rest = components(path).skip_while(|name| is_slice(name));
    let service = rest.next().is_some_and(|name| unescape(name).ends_with(".service"));
    service && rest.next().is_none()
}

/// Whether a container engine made the group or one above it: Docker, Podman, CRI-O, containerd,
/// Kubernetes, LXC, under either of their cgroup drivers.
pub fn is_container(path: &str) -> bool {
    let mut previous = "";
    components(path).any(|name| {
        let found = name.starts_with("kubepods")
            || name.starts_with("lxc.payload")
            || (previous == "docker" && is_id(name))
            || (previous == "lxc" && name != "monitor")
            || ["docker-", "libpod-payload-", "libpod-", "crio-", "cri-containerd-"].iter().any(
                // `docker-registry.service` is no container, `libpod-conmon-ID` is its supervisor.
                |prefix| {
                    let rest = name.strip_prefix(prefix);
                    rest.is_some_and(|id| is_id(id.strip_suffix(".scope").unwrap_or(id)))
                },
            );
        previous = name;
        found
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
        assert!(!found.container);
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
        for path in [
            format!("/docker/{ID}"),
            format!("/system.slice/docker-{ID}.scope"),
            format!("/machine.slice/libpod-{ID}.scope/container"),
            format!("/user.slice/user-1.slice/user@1.service/user.slice/libpod-payload-{ID}"),
            format!("/kubepods.slice/kubepods-burstable.slice/cri-containerd-{ID}.scope"),
            "/kubepods/besteffort/pod1/x".to_owned(),
            format!("/system.slice/crio-{ID}.scope"),
            "/lxc.payload.web/init.scope".to_owned(),
            "/lxc/web".to_owned(),
        ] {
            assert!(is_container(&path), "{path}");
        }
        for path in [
            "/".to_owned(),
            "/system.slice/docker.service".to_owned(),
            "/system.slice/docker-registry.service".to_owned(),
            format!("/machine.slice/libpod-conmon-{ID}.scope"),
            "/lxc.monitor.web".to_owned(),
            "/docker".to_owned(),
        ] {
            assert!(!is_container(&path), "{path}");
        }
    }

    #[test]
    fn a_plain_service_is_the_group_itself() {
        assert!(is_plain_service("/system.slice/nginx.service"));
        assert!(is_plain_service("/system.slice/system-x.slice/x@1.service"));
        assert!(!is_plain_service("/system.slice/docker.service/0123"));
        assert!(!is_plain_service("/user.slice/user-1.slice/session-1.scope"));
        assert!(!is_plain_service("/"));
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
            let _ = is_plain_service(&text);
        }
    }
}
