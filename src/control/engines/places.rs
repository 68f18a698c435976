//! Files and directories that daemons of container engines obey, and what these name in turn.

use crate::commands::Context;
use crate::control::{Items, command};
use crate::facts::settings::{Block, Settings};
use crate::formats::{glob3, json, toml, yaml};
use crate::host::Target;
use crate::text;
use std::path::{Path, PathBuf};

/// Where engines look for what they obey, and why it matters. The directory of a pattern counts as
/// well: whoever may add a file there is obeyed.
const PLACES: &[(&str, &str)] = &[
    // dockerd(8): `runtimes` are run as root, `hosts` opens the API.
    ("/etc/docker/daemon.json", "configuration of dockerd"),
    ("/etc/docker/plugins/*", "plugin of dockerd"),
    ("/usr/lib/docker/plugins/*", "plugin of dockerd"),
    ("/root/.docker/config.json", "configuration of root's docker"),
    // Every file there is run at each start of docker with a sub-command.
    ("/root/.docker/cli-plugins/*", "plugin that root's docker runs"),
    ("/usr/local/lib/docker/cli-plugins/*", "plugin that root's docker runs"),
    ("/usr/local/libexec/docker/cli-plugins/*", "plugin that root's docker runs"),
    ("/usr/lib/docker/cli-plugins/*", "plugin that root's docker runs"),
    ("/usr/libexec/docker/cli-plugins/*", "plugin that root's docker runs"),
    ("/var/lib/docker/containers/*/config.v2.json", "container that dockerd starts"),
    ("/var/lib/docker/containers/*/hostconfig.json", "container that dockerd starts"),
    // containerd-config.toml(5): plugins, runtimes and stream processors are programs.
    ("/etc/containerd/config.toml", "configuration of containerd"),
    ("/etc/containerd/conf.d/*", "configuration of containerd"),
    ("/etc/nerdctl/nerdctl.toml", "configuration of root's nerdctl"),
    // containers.conf(5), containers-storage.conf(5).
    ("/usr/share/containers/containers.conf", "configuration of podman"),
    ("/etc/containers/containers.conf", "configuration of podman"),
    ("/etc/containers/containers.conf.d/*", "configuration of podman"),
    ("/root/.config/containers/containers.conf", "configuration of root's podman"),
    ("/root/.config/containers/containers.conf.d/*", "configuration of root's podman"),
    ("/etc/containers/storage.conf", "storage of podman"),
    ("/etc/containers/mounts.conf", "mounts of every container of podman"),
    ("/usr/share/containers/mounts.conf", "mounts of every container of podman"),
    ("/etc/containers/networks/*", "network of podman"),
    ("/usr/libexec/podman/*", "program of podman"),
    ("/usr/lib/podman/*", "program of podman"),
    // oci-hooks(5): run as root outside of the container.
    ("/usr/share/containers/oci/hooks.d/*", "OCI hook"),
    ("/etc/containers/oci/hooks.d/*", "OCI hook"),
    ("/run/containers/oci/hooks.d/*", "OCI hook"),
    // A network list names the plugins that are run as root.
    ("/etc/cni/net.d/*", "CNI network"),
    ("/opt/cni/bin/*", "CNI plugin"),
    ("/usr/lib/cni/*", "CNI plugin"),
    ("/usr/libexec/cni/*", "CNI plugin"),
    ("/opt/nri/plugins/*", "NRI plugin"),
    ("/etc/nri/conf.d/*", "NRI plugin configuration"),
    ("/etc/cdi/*", "CDI device, which names hooks and mounts"),
    ("/var/run/cdi/*", "CDI device, which names hooks and mounts"),
    ("/etc/crio/crio.conf", "configuration of CRI-O"),
    ("/etc/crio/crio.conf.d/*", "configuration of CRI-O"),
    ("/etc/buildkit/buildkitd.toml", "configuration of buildkitd"),
    // kubelet: static pods are privileged and mount what they like.
    ("/var/lib/kubelet/config.yaml", "configuration of the kubelet"),
    ("/var/lib/kubelet/kubeadm-flags.env", "flags of the kubelet"),
    ("/etc/kubernetes/kubelet.conf", "kubeconfig of the kubelet"),
    ("/etc/kubernetes/kubelet.conf.d/*", "configuration of the kubelet"),
    ("/etc/kubernetes/kubelet/*", "configuration of the kubelet"),
    ("/etc/kubernetes/bootstrap-kubelet.conf", "kubeconfig of the kubelet"),
    ("/etc/kubernetes/manifests/*", "static pod"),
    ("/etc/kubernetes/admin.conf", "kubeconfig of the cluster's administrator"),
    ("/etc/kubernetes/super-admin.conf", "kubeconfig of the cluster's administrator"),
    ("/etc/kubernetes/pki/*", "keys of the cluster"),
    ("/root/.kube/config", "kubeconfig of root, whose plugins root runs"),
    ("/usr/libexec/kubernetes/kubelet-plugins/volume/exec/*/*", "volume plugin of the kubelet"),
    ("/var/lib/kubelet/plugins_registry/*", "plugin of the kubelet"),
    ("/etc/rancher/k3s/config.yaml", "configuration of k3s"),
    ("/etc/rancher/k3s/config.yaml.d/*", "configuration of k3s"),
    ("/etc/rancher/rke2/config.yaml", "configuration of rke2"),
    ("/etc/rancher/rke2/config.yaml.d/*", "configuration of rke2"),
    ("/var/lib/rancher/k3s/server/manifests/*", "manifest that k3s applies"),
    ("/var/lib/rancher/rke2/server/manifests/*", "manifest that rke2 applies"),
    ("/var/lib/rancher/k3s/agent/pod-manifests/*", "static pod"),
    ("/var/lib/rancher/rke2/agent/pod-manifests/*", "static pod"),
    ("/var/lib/rancher/k3s/agent/etc/containerd/*", "configuration of containerd"),
    ("/var/lib/rancher/rke2/agent/etc/containerd/*", "configuration of containerd"),
    ("/var/snap/microk8s/current/args/*", "flags of microk8s"),
    // systemd.nspawn(5): Bind= and PrivateUsers= are trusted there.
    ("/etc/systemd/nspawn/*", "settings of an nspawn container"),
    ("/run/systemd/nspawn/*", "settings of an nspawn container"),
    ("/var/lib/machines/*", "root directory of an nspawn container"),
    // lxc.container.conf(5): hooks and mounts.
    ("/etc/lxc/*", "configuration of LXC"),
    ("/etc/default/lxc*", "configuration of LXC"),
    ("/usr/share/lxc/config/*", "configuration of LXC"),
    ("/usr/share/lxc/hooks/*", "hook of LXC"),
    ("/var/lib/lxc/*/config", "configuration of a container of LXC"),
    ("/etc/libvirt/*.conf", "configuration of libvirt"),
    ("/etc/libvirt/hooks/*", "hook of libvirt"),
    ("/etc/libvirt/hooks/*/*", "hook of libvirt"),
    ("/etc/libvirt/qemu/*.xml", "machine of libvirt"),
    ("/etc/libvirt/lxc/*.xml", "container of libvirt"),
    // subuid(5): whoever writes it takes the ids of root.
    ("/etc/subuid", "ids that users may take"),
    ("/etc/subgid", "ids that users may take"),
];

/// Where engines keep what they start: whoever may write there decides it.
const DATA: [(&str, &str); 5] = [
    ("/var/lib/docker", "data of dockerd"),
    ("/var/lib/containerd", "data of containerd"),
    ("/var/lib/containers/storage", "data of podman"),
    ("/var/lib/rancher", "data of k3s and rke2"),
    ("/var/lib/kubelet", "data of the kubelet"),
];

/// Where settings of these files name a program that root runs.
const PROGRAMS: [&str; 12] = [
    "path",
    "BinaryName",
    "binary_name",
    "runtime_path",
    "conmon_path",
    "conmon",
    "helper_binaries_dir",
    "hooks_dir",
    "network_cmd_path",
    "netavark_plugin_dirs",
    "cni_plugin_dirs",
    "bin_dir",
];
/// Where they name another file or directory that is obeyed.
const FILES: [&str; 14] = [
    "data-root",
    "graph",
    "exec-root",
    "graphroot",
    "runroot",
    "root",
    "network_config_dir",
    "conf_dir",
    "staticPodPath",
    "pod-manifest-path",
    "volumePluginDir",
    "plugin_dir",
    "imports",
    "config-default",
];

/// Adds everything of a target's engines.
pub(super) fn add(target: &dyn Target, items: &mut Items) {
    for (pattern, what) in PLACES {
        let mut unread = Vec::new();
        if glob3::is_pattern(pattern) {
            directories(target, pattern, what, items);
        }
        for path in glob3::expand(target, pattern, &mut unread) {
            if there(target, &path, items) {
                items.add(&path, *what);
                named_in(target, &path, what, items);
            }
        }
        items.unread.extend(unread);
    }
    for (directory, what) in DATA {
        let directory = Path::new(directory);
        if there(target, directory, items) {
            items.add(directory, what);
        }
    }
}

fn there(target: &dyn Target, path: &Path, items: &mut Items) -> bool {
    match target.file(path) {
        Ok(found) => found.is_some(),
        Err(why) => {
            items.unread.push(why);
            false
        }
    }
}

/// The directories in which files of a pattern lie.
fn directories(target: &dyn Target, pattern: &str, what: &str, items: &mut Items) {
    let Some(folder) = Path::new(pattern).parent() else { return };
    let mut unread = Vec::new();
    let found = match glob3::is_pattern(&folder.to_string_lossy()) {
        true => glob3::expand(target, &folder.to_string_lossy(), &mut unread),
        false => vec![folder.to_owned()],
    };
    items.unread.extend(unread);
    for folder in found {
        if there(target, &folder, items) {
            items.add(folder, format!("directory of {what},"));
        }
    }
}

/// What a configuration file names: programs and directories.
fn named_in(target: &dyn Target, path: &Path, what: &str, items: &mut Items) {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let parse = match extension {
        Some("json" | "conflist") => json::parse,
        Some("toml" | "conf") if !what.contains("kubeconfig") && !what.contains("libvirt") => {
            toml::parse
        }
        Some("yaml" | "yml") => yaml::parse,
        _ => return,
    };
    let content = match target.read_marked(path) {
        Ok(Some(content)) => content,
        Ok(None) => return,
        Err(why) => return items.unread.push(why),
    };
    if content.trim_ascii().is_empty() {
        return;
    }
    // The daemon does not start with what it cannot read.
    let Ok(Settings { root, .. }) = parse(target, path, &content) else { return };
    let why = format!("named in {}", text::path(path));
    named(target, &root, &why, items);
}

fn named(target: &dyn Target, block: &Block, why: &str, items: &mut Items) {
    for setting in &block.settings {
        let value = setting.value.as_str();
        if !value.starts_with('/') {
            continue;
        }
        if PROGRAMS.contains(&setting.name.as_str()) {
            let file = PathBuf::from(value);
            command::add_program(target, &file, Context::new(why), items);
        } else if FILES.contains(&setting.name.as_str()) {
            items.add(value, why);
            if setting.name.to_lowercase().contains("pod") {
                pods(target, Path::new(value), items);
            }
        }
    }
    for inner in &block.blocks {
        named(target, inner, why, items);
    }
}

/// Static pods in the directory that a kubelet was given.
pub(super) fn pods(target: &dyn Target, directory: &Path, items: &mut Items) {
    items.add(directory, "directory of static pods");
    let mut unread = Vec::new();
    let pattern = format!("{}/*", text::path(directory).trim_end_matches('/'));
    for path in glob3::expand(target, &pattern, &mut unread) {
        items.add(path, "static pod");
    }
    items.unread.extend(unread);
}
