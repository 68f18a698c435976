//! What a container is given of the host, and which of the host's files are run in it as root.
//!
//! `docker run -v /home/carl/app:/app image /app/run.sh` runs carl's script as root. Where it may
//! write to a directory of the host it leaves a setuid program there, and where it is privileged it
//! needs not even that, so carl is root. Data that a program of the image reads is no route.

use crate::control::Items;
use std::path::{Path, PathBuf};

/// A container that an engine is told to run.
#[derive(Clone, Debug, Default)]
pub(super) struct Workload {
    /// Directories and files of the host that it has.
    pub(super) mounts: Vec<Mount>,
    /// It has rights over the host beyond its mounts.
    pub(super) privileged: bool,
    /// Words of its command, entry point first.
    pub(super) command: Vec<String>,
    /// Its working directory.
    pub(super) directory: Option<String>,
    /// It runs as another user than root in the container.
    pub(super) user: Option<String>,
}

/// A place of the host in a container.
#[derive(Clone, Debug)]
pub(super) struct Mount {
    /// Where it is on the host.
    pub(super) source: PathBuf,
    /// Where it is in the container.
    pub(super) target: PathBuf,
    /// It may be written to.
    pub(super) writable: bool,
}

/// Capabilities that reach the host from a container.
const CAPABILITIES: [&str; 8] = [
    "ALL",
    "SYS_ADMIN",
    "SYS_MODULE",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "DAC_READ_SEARCH",
    "BPF",
    "MKNOD",
];

impl Workload {
    /// `SOURCE:TARGET[:OPTIONS]`, as of `-v` and of volumes of compose and quadlets. A name instead
    /// of a path is a volume of the engine.
    pub(super) fn volume(&mut self, text: &str, from: Option<&Path>) {
        let mut parts = text.splitn(3, ':');
        let (Some(source), Some(target)) = (parts.next(), parts.next()) else { return };
        let options = parts.next().unwrap_or_default();
        let writable = !options.split(',').any(|option| option == "ro");
        self.mount(source, target, writable, from);
    }

    /// `type=bind,source=…,target=…[,ro]`.
    pub(super) fn mount_option(&mut self, text: &str, from: Option<&Path>) {
        let value = |names: &[&str]| {
            text.split(',').find_map(|part| {
                let (name, value) = part.split_once('=')?;
                names.contains(&name).then_some(value)
            })
        };
        if value(&["type"]).is_some_and(|kind| kind != "bind") {
            return;
        }
        let (Some(source), Some(target)) =
            (value(&["source", "src"]), value(&["target", "dst", "destination"]))
        else {
            return;
        };
        let read_only = text
            .split(',')
            .any(|part| matches!(part, "ro" | "readonly" | "ro=true" | "readonly=true"));
        self.mount(source, target, !read_only, from);
    }

    pub(super) fn mount(
        &mut self,
        source: &str,
        target: &str,
        writable: bool,
        from: Option<&Path>,
    ) {
        let home = source.strip_prefix("~/").map(|rest| Path::new("/root").join(rest));
        let source = match (home, source.starts_with('/'), source.starts_with('.')) {
            (Some(home), ..) => home,
            (None, true, _) => PathBuf::from(source),
            (None, false, true) => {
                let Some(from) = from else { return };
                from.join(source.trim_start_matches("./"))
            }
            // A volume of the engine.
            (None, false, false) => return,
        };
        if target.starts_with('/') {
            self.mounts.push(Mount { source, target: PathBuf::from(target), writable });
        }
    }

    /// A capability that is added.
    pub(super) fn capability(&mut self, name: &str) {
        let name = name.to_ascii_uppercase();
        self.privileged |= CAPABILITIES.contains(&name.trim_start_matches("CAP_"));
    }

    /// Adds the files of the host that are run in it, where that amounts to being root on the host.
    pub(super) fn add(&self, why: &str, items: &mut Items) {
        let is_root = self.user.as_deref().is_none_or(|user| {
            let user = user.split(':').next().unwrap_or_default();
            matches!(user, "" | "0" | "root")
        });
        let reaches_host = self.privileged || self.mounts.iter().any(|mount| mount.writable);
        if !reaches_host || !(is_root || self.privileged) {
            return;
        }
        let on_host = Covering(&self.mounts);
        for word in &self.command {
            // `--config=/app/x`, and paths within the text of `sh -c`.
            for part in word.split(|c: char| c.is_whitespace() || "=;&|()\"'`<>".contains(c)) {
                if part.starts_with('/')
                    && let Some(path) = on_host.find(Path::new(part))
                {
                    items.add(path, format!("run as root in the container of {why},"));
                }
            }
        }
        // What is named without a path is looked for in the working directory, `npm start` reads
        // package.json there.
        if let Some(directory) = &self.directory
            && let Some(path) = on_host.find(Path::new(directory))
        {
            items.add(path, format!("working directory in the container of {why},"));
        }
        // Programs of the image lie there.
        for place in ["/usr", "/bin", "/usr/bin", "/usr/local/bin", "/lib", "/etc"] {
            let covering = self.mounts.iter().filter(|mount| mount.target == Path::new(place));
            for mount in covering {
                items.add(&mount.source, format!("programs in the container of {why},"));
            }
        }
    }
}

/// Mounts, the innermost of which has a path.
struct Covering<'a>(&'a [Mount]);

impl Covering<'_> {
    /// Where a path of the container lies on the host.
    fn find(&self, path: &Path) -> Option<PathBuf> {
        let over = self.0.iter().filter(|mount| path.starts_with(&mount.target));
        let mount = over.max_by_key(|mount| mount.target.components().count())?;
        let rest = path.strip_prefix(&mount.target).ok()?;
        Some(if rest.as_os_str().is_empty() {
            mount.source.clone()
        } else {
            mount.source.join(rest)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(workload: &Workload) -> Vec<String> {
        let mut items = Items::default();
        workload.add("x", &mut items);
        items.iter().map(|(path, _)| path.display().to_string()).collect()
    }

    fn with(volumes: &[&str], command: &[&str]) -> Workload {
        let mut workload = Workload {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            ..Workload::default()
        };
        for volume in volumes {
            workload.volume(volume, Some(Path::new("/srv/app")));
        }
        workload
    }

    #[test]
    fn a_program_of_a_mounted_directory_is_a_file_of_the_host() {
        let workload = with(&["/home/carl/app:/app", "/:/host"], &["/app/run.sh"]);
        assert_eq!(items(&workload), ["/home/carl/app/run.sh"]);
        assert_eq!(items(&with(&["./x:/app"], &["sh", "-c", "cd /; /app/go"])), ["/srv/app/x/go"]);
        assert_eq!(items(&with(&["/a:/app", "/b:/app/bin"], &["/app/bin/go"])), ["/b/go"]);
    }

    #[test]
    fn data_is_no_route_and_neither_is_what_reaches_nothing_of_the_host() {
        assert!(items(&with(&["/home/carl/data:/data"], &["/usr/bin/serve"])).is_empty());
        assert!(items(&with(&["/home/carl/app:/app:ro"], &["/app/run.sh"])).is_empty());
        assert!(items(&with(&["cache:/app"], &["/app/run.sh"])).is_empty());
        let mut workload = with(&["/home/carl/app:/app"], &["/app/run.sh"]);
        workload.user = Some("1000:1000".into());
        assert!(items(&workload).is_empty());
        workload.privileged = true;
        assert_eq!(items(&workload).len(), 1);
    }

    #[test]
    fn the_long_form_of_a_mount_is_read() {
        let mut workload = with(&[], &["/app/x"]);
        workload.mount_option("type=bind,src=/home/carl,dst=/app", None);
        workload.mount_option("type=volume,src=v,dst=/v", None);
        assert_eq!(items(&workload), ["/home/carl/x"]);
        let mut read_only = with(&[], &["/app/x"]);
        read_only.mount_option("type=bind,source=/home/carl,target=/app,readonly", None);
        assert!(items(&read_only).is_empty());
    }
}
