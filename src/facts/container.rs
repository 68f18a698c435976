//! Containers as their engines keep them: with what rights they run, and what of the host they have.

use super::capability;
use super::listener::Listener;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A container of an engine that root runs, whether it runs now or not: an engine starts it again as
/// it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// Its whole id.
    pub id: String,
    /// Its name; its id where it has none.
    pub name: String,
    /// `docker`, `podman`, `cri-o`, `containerd`.
    pub engine: String,
    /// Image, as it was named when the container was made; empty where that is not kept.
    pub image: String,
    /// Namespace and name of its pod in Kubernetes; empty where it is in none.
    pub pod: String,
    /// The file that says most of this.
    #[serde(with = "super::raw_bytes::path")]
    pub at: PathBuf,
    /// User as the engine has it: a name, a number, `USER:GROUP`; empty for root.
    pub user: String,
    /// All capabilities, all devices, no seccomp, no AppArmor (`--privileged`); `None` where the engine
    /// does not say so by a word of its own.
    pub privileged: Option<bool>,
    /// Capabilities that its processes can have, a bit each.
    pub capabilities: u64,
    /// Its system calls are filtered.
    pub seccomp: bool,
    /// Profile of AppArmor; empty for none.
    pub apparmor: String,
    /// Its ids are not the host's.
    pub user_namespace: bool,
    /// Namespaces of the host that it has instead of some of its own, sorted.
    pub host_namespaces: Vec<String>,
    /// What of the host is mounted in it.
    pub mounts: Vec<HostPath>,
    /// Ports of the host that lead to it.
    pub published: Vec<Listener>,
    /// When the engine starts it again: `no`, `always`, `on-failure`, `unless-stopped`; empty where the
    /// engine does not keep that.
    pub restart: String,
}

/// A directory or file of the host in a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPath {
    /// Its path on the host.
    #[serde(with = "super::raw_bytes::path")]
    pub source: PathBuf,
    /// It can be written there.
    pub writable: bool,
}

/// All that are kept where engines keep them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptContainers {
    /// Those that could be read, by engine and name.
    pub all: Vec<Kept>,
    /// Why there may be others, or what is not known of them.
    pub unread: Vec<super::Unknown>,
}

impl Kept {
    /// Whether its processes are root of the host where nothing else holds them back.
    pub fn is_root(&self) -> bool {
        let user = self.user.split(':').next().unwrap_or_default();
        let zero = !user.is_empty() && user.bytes().all(|byte| byte == b'0');
        !self.user_namespace && (user.is_empty() || user == "root" || zero)
    }

    /// Whether it has everything that `--privileged` gives, said or put together: engines write down
    /// what it amounts to.
    pub fn is_privileged(&self) -> bool {
        self.privileged.unwrap_or_else(|| {
            !self.seccomp
                && capability::parse("cap_sys_module")
                    .is_some_and(|bit| capability::has(self.capabilities, bit))
        })
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.engine)
    }
}
