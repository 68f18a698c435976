//! Whose a port is that a helper of a container engine holds, and how it is closed.
//!
//! Stopping the helper leaves the port open by the rules of the packet filter, or the container without
//! its supervisor; stopping the engine stops everything. So the container is named: by what the helper
//! was told to pass on (`docker-proxy -host-port`), or by the container that it watches (`conmon -n`).

use crate::facts::container::Kept;
use crate::facts::process::Process;
use crate::formats::containers::kept;
use crate::host::Target;
use crate::text::shell;

/// How to close a port that a helper of an engine holds, or a container itself; `None` for all other
/// processes.
pub(super) fn stop(process: &Process, target: &dyn Target) -> Option<String> {
    if let Some(inside) = &process.inside {
        // Killed, it is started again by its engine.
        let engine = ["docker", "podman"].into_iter().find(|engine| *engine == inside.engine)?;
        let found = kept(target).ok();
        let one = found.iter().flat_map(|found| &found.all).find(|one| {
            one.engine == engine && !inside.name.is_empty() && one.id.starts_with(&inside.name)
        });
        let name = one.map_or(inside.name.as_str(), |one| one.name.as_str());
        return Some(format!("{engine} stop {}", shell::quote(name.as_bytes())));
    }
    let exe = process.exe.as_ref().ok()?.as_ref().map(|exe| exe.path.clone());
    let name = exe.as_deref().and_then(|exe| exe.file_name()?.to_str()).unwrap_or(&process.comm);
    match name {
        "docker-proxy" => Some(match of_proxy(process, target) {
            Some(name) => format!("docker stop {}", shell::quote(name.as_bytes())),
            None => "docker ps # names the container of the port: docker stop NAME".to_owned(),
        }),
        "containerd-shim" | "containerd-shim-runc-v2" | "dockerd" => {
            Some("docker ps # names the container of the port: docker stop NAME".to_owned())
        }
        // Of a quadlet or another unit that runs one container, the unit is stopped.
        "conmon" if process.cgroup.as_ref().is_ok_and(|group| group.is_supervisor()) => None,
        "conmon" => Some(match of_conmon(process, target) {
            Some(name) => format!("podman stop {}", shell::quote(name.as_bytes())),
            None => ask_podman(),
        }),
        "rootlessport" | "rootlessport-child" | "slirp4netns" | "pasta" | "pasta.avx2" => {
            Some(ask_podman())
        }
        _ => None,
    }
}

fn ask_podman() -> String {
    "podman port --all # names the container: podman stop NAME, or its unit".to_owned()
}

/// The one container of Docker that publishes the port which a docker-proxy passes on.
fn of_proxy(process: &Process, target: &dyn Target) -> Option<String> {
    let port: u16 = argument(process, &["-host-port"])?.parse().ok()?;
    let protocol = argument(process, &["-proto"])?;
    let kept = kept(target).ok()?;
    // Of a container that could not be read nobody knows which ports it has.
    if !kept.unread.is_empty() {
        return None;
    }
    let publishes = |one: &&Kept| {
        one.engine == "docker"
            && one
                .published
                .iter()
                .any(|socket| socket.port == port && socket.protocol.to_string() == protocol)
    };
    let mut all = kept.all.iter().filter(publishes);
    // A second one waits for the port: which of them has it is not kept.
    let one = all.next().filter(|_| all.next().is_none())?;
    Some(one.name.clone())
}

/// The container of Podman that a conmon watches, where root's Podman keeps one of that name.
fn of_conmon(process: &Process, target: &dyn Target) -> Option<String> {
    let id = argument(process, &["-c", "--cid"])?;
    let found = kept(target).ok()?;
    let one = found.all.iter().find(|one| one.engine == "podman" && one.id == id)?;
    Some(one.name.clone())
}

/// The word behind an option of a helper's command line.
fn argument<'a>(process: &'a Process, names: &[&str]) -> Option<&'a str> {
    let words = process.cmdline.as_ref().ok()?;
    let at = words.iter().position(|word| names.contains(&word.as_str()))?;
    words.get(at.saturating_add(1)).map(String::as_str)
}
