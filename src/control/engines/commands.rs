//! Commands that start containers, and daemons of engines with what they are given: `docker run`,
//! `docker compose`, `podman kube play`, `ctr`, `runc`, `systemd-nspawn`, `lxc-start`, `kubelet`.
//!
//! Options are those of the manual pages (docker-run(1), podman-run(1), podman-kube-play(1),
//! runc-run(8), systemd-nspawn(1), lxc-start(1), kubelet's and k3s's references). An option that is
//! not known here is taken for one without a value.

use super::compose;
use super::workload::Workload;
use crate::control::Items;
use crate::host::Target;
use std::path::{Path, PathBuf};

/// The most words of one command line that are looked at.
const WORDS: usize = 10_000;

/// Programs that start containers from their command line.
const CLIENTS: [&str; 5] = ["docker", "podman", "nerdctl", "podman-remote", "balena-engine"];
/// Programs of compose.
const COMPOSES: [&str; 2] = ["docker-compose", "podman-compose"];

/// Options of `run` and `create` that have a value.
const RUN_VALUES: &str = "a add-host annotation arch attach authfile blkio-weight \
    blkio-weight-device cap-add cap-drop cgroup-conf cgroup-parent cgroupns cgroups cidfile \
    conmon-pidfile cpu-period cpu-quota cpu-rt-period cpu-rt-runtime cpu-shares c cpus cpuset-cpus \
    cpuset-mems d-k decryption-key device device-cgroup-rule device-read-bps device-read-iops \
    device-write-bps device-write-iops dns dns-option dns-search dns-opt domainname entrypoint e env \
    env-file expose gidmap gpus group-add group-entry health-cmd health-interval health-retries \
    health-start-period health-timeout h hostname hostuser init-path ip ip6 ipc isolation l label \
    label-file link link-local-ip log-driver log-opt mac-address m memory memory-reservation \
    memory-swap memory-swappiness mount name net network net-alias network-alias oom-score-adj os \
    passwd-entry personality pid pidfile pids-limit platform pod pod-id-file preserve-fds p publish \
    pull requires restart runtime sdnotify seccomp-policy secret security-opt shm-size stop-signal \
    stop-timeout storage-opt subgidname subuidname sysctl systemd timeout tmpfs tz uidmap ulimit \
    umask unsetenv u user userns uts variant v volume volume-driver volumes-from w workdir";
/// Options of the client itself that have a value.
const GLOBAL_VALUES: &str = "c config context D H host l log-level tlscacert tlscert tlskey root \
    runroot runtime runtime-flag storage-driver storage-opt url connection identity conmon \
    cgroup-manager events-backend hooks-dir module network-config-dir network-cmd-path tmpdir \
    volumepath address a namespace n cni-path cni-netconfpath data-root snapshotter hosts-dir";

/// Options by which a program is given something that it obeys: program, option, what it is.
const OBEYED: &[(&str, &str, &str)] = &[
    ("dockerd", "config-file", "configuration of dockerd"),
    ("dockerd", "data-root", "data of dockerd"),
    ("dockerd", "g", "data of dockerd"),
    ("dockerd", "init-path", "program of dockerd"),
    ("dockerd", "userland-proxy-path", "program of dockerd"),
    ("dockerd", "exec-root", "state of dockerd"),
    ("containerd", "c", "configuration of containerd"),
    ("containerd", "config", "configuration of containerd"),
    ("containerd", "root", "data of containerd"),
    ("crio", "config", "configuration of CRI-O"),
    ("crio", "c", "configuration of CRI-O"),
    ("crio", "config-dir", "configuration of CRI-O"),
    ("crio", "d", "configuration of CRI-O"),
    ("crio", "hooks-dir", "OCI hooks"),
    ("crio", "cni-config-dir", "CNI networks"),
    ("crio", "cni-plugin-dir", "CNI plugins"),
    ("buildkitd", "config", "configuration of buildkitd"),
    ("cri-dockerd", "cni-conf-dir", "CNI networks"),
    ("cri-dockerd", "cni-bin-dir", "CNI plugins"),
    ("kubelet", "config", "configuration of the kubelet"),
    ("kubelet", "config-dir", "configuration of the kubelet"),
    ("kubelet", "kubeconfig", "kubeconfig of the kubelet"),
    ("kubelet", "bootstrap-kubeconfig", "kubeconfig of the kubelet"),
    ("kubelet", "pod-manifest-path", "static pods"),
    ("kubelet", "root-dir", "data of the kubelet"),
    ("kubelet", "volume-plugin-dir", "plugins of the kubelet"),
    ("kubelet", "cert-dir", "certificates of the kubelet"),
    ("k3s", "c", "configuration of k3s"),
    ("k3s", "config", "configuration of k3s"),
    ("k3s", "d", "data of k3s"),
    ("k3s", "data-dir", "data of k3s"),
    ("k3s", "token-file", "token of k3s"),
    ("rke2", "c", "configuration of rke2"),
    ("rke2", "config", "configuration of rke2"),
    ("rke2", "d", "data of rke2"),
    ("rke2", "data-dir", "data of rke2"),
    ("kubectl", "kubeconfig", "kubeconfig of kubectl"),
    ("kubectl", "f", "manifest that kubectl applies"),
    ("kubectl", "filename", "manifest that kubectl applies"),
    ("kubectl", "k", "manifests that kubectl applies"),
    ("helm", "kubeconfig", "kubeconfig of helm"),
    ("helm", "f", "values of helm"),
    ("helm", "values", "values of helm"),
    ("runc", "b", "bundle of the container"),
    ("runc", "bundle", "bundle of the container"),
    ("crun", "b", "bundle of the container"),
    ("crun", "bundle", "bundle of the container"),
    ("crun", "f", "configuration of the container"),
    ("crun", "config", "configuration of the container"),
    ("ctr", "config", "configuration of the container"),
    ("lxc-start", "f", "configuration of the container"),
    ("lxc-start", "rcfile", "configuration of the container"),
    ("lxc-start", "P", "containers of LXC"),
    ("lxc-start", "lxcpath", "containers of LXC"),
    ("lxc-execute", "f", "configuration of the container"),
    ("lxc-autostart", "P", "containers of LXC"),
    ("systemd-nspawn", "D", "root directory of the container"),
    ("systemd-nspawn", "directory", "root directory of the container"),
    ("systemd-nspawn", "template", "root directory of the container"),
    ("systemd-nspawn", "i", "image of the container"),
    ("systemd-nspawn", "image", "image of the container"),
    ("systemd-nspawn", "oci-bundle", "bundle of the container"),
    ("machinectl", "D", "root directory of the container"),
    ("podman", "hooks-dir", "OCI hooks"),
    ("podman", "conmon", "program of podman"),
    ("podman", "runtime", "program of podman"),
    ("podman", "network-config-dir", "networks of podman"),
    ("podman", "network-cmd-path", "program of podman"),
    ("podman", "root", "data of podman"),
    ("docker", "config", "configuration of docker, with its plugins"),
    ("nerdctl", "cni-path", "CNI plugins"),
    ("nerdctl", "cni-netconfpath", "CNI networks"),
    ("nerdctl", "data-root", "data of nerdctl"),
];

/// Looks at one program that is started, with its arguments, in a directory.
pub fn add_run(
    target: &dyn Target,
    program: &Path,
    arguments: &[String],
    from: Option<&Path>,
    why: &str,
    items: &mut Items,
) {
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let words: Vec<&str> = arguments.iter().take(WORDS).map(String::as_str).collect();
    obeyed(name, &words, from, why, items);
    if COMPOSES.contains(&name) {
        return compose::add_command(target, &words, from, why, items);
    }
    if CLIENTS.contains(&name) {
        return client(target, &words, from, why, items);
    }
    if name == "ctr" {
        ctr(&words, from, why, items);
    }
}

/// A path as the program finds it.
pub(super) fn placed(word: &str, from: Option<&Path>) -> Option<PathBuf> {
    match word.starts_with('/') {
        true => Some(PathBuf::from(word)),
        false if word.is_empty() || word == "-" || word.contains("://") => None,
        false => Some(from?.join(word.trim_start_matches("./"))),
    }
}

/// Options whose value is obeyed, wherever they stand.
fn obeyed(name: &str, words: &[&str], from: Option<&Path>, why: &str, items: &mut Items) {
    for (_, option, what) in OBEYED.iter().filter(|(program, ..)| *program == name) {
        for value in values(words, option) {
            // A runtime may be named without a path, too.
            if let Some(path) = placed(value, from).filter(|_| value.contains('/')) {
                items.add(path, format!("{what}, of {why},"));
            } else if (*option == "f" || option.contains("file") || option.contains("config"))
                && let Some(path) = placed(value, from)
            {
                items.add(path, format!("{what}, of {why},"));
            }
        }
    }
    if name == "lxc-start" {
        for container in values(words, "n").chain(values(words, "name")) {
            let config = Path::new("/var/lib/lxc").join(container).join("config");
            items.add(config, format!("configuration of the container, of {why},"));
        }
    }
    if name == "systemd-nspawn" {
        for machine in values(words, "M").chain(values(words, "machine")) {
            let root = Path::new("/var/lib/machines").join(machine);
            items.add(root, format!("root directory of the container, of {why},"));
        }
    }
    if let ("runc" | "crun", Some(directory)) = (name, from)
        && words.iter().any(|word| matches!(*word, "run" | "create"))
        && values(words, "b").chain(values(words, "bundle")).next().is_none()
        && directory != Path::new("/")
    {
        items.add(
            directory.join("config.json"),
            format!("configuration of the container, of {why},"),
        );
    }
}

/// The values that an option has: `--name value`, `--name=value`, `-n value`, `-nvalue`.
pub(super) fn values<'a>(
    words: &'a [&'a str],
    option: &'a str,
) -> impl Iterator<Item = &'a str> + 'a {
    let short = option.len() == 1;
    words.iter().enumerate().filter_map(move |(at, word)| {
        // `-itv VALUE`: the last of several.
        let several = word.strip_prefix('-').and_then(|rest| rest.strip_suffix(option));
        if short
            && several.is_some_and(|rest| {
                !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphabetic())
            })
        {
            return words.get(at.saturating_add(1)).copied();
        }
        let dashes = if short { "-" } else { "--" };
        let rest = word
            .strip_prefix(dashes)
            // Programs of Go take one dash, too.
            .or_else(|| word.strip_prefix('-').filter(|_| !short))?
            .strip_prefix(option)?;
        match rest {
            "" => words.get(at.saturating_add(1)).copied(),
            rest => rest.strip_prefix('=').or(short.then_some(rest)),
        }
    })
}

/// Splits options from what follows: words of options with their values, and the rest from the first
/// operand on.
pub(super) fn operands<'a>(words: &'a [&'a str], with_value: &str) -> (usize, &'a [&'a str]) {
    let has_value = |name: &str| with_value.split_ascii_whitespace().any(|known| known == name);
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if *word == "--" {
            at = at.saturating_add(1);
            break;
        }
        let Some(option) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) else { break };
        at = at.saturating_add(1);
        if option.contains('=') {
            continue;
        }
        let takes = match option.strip_prefix('-') {
            Some(long) => has_value(long),
            // `-it`, `-v /a:/b`, `-v/a:/b`: the first of several that has a value ends them.
            None => {
                let first = option.char_indices().find(|(_, c)| has_value(&c.to_string()));
                first.is_some_and(|(at, c)| at.saturating_add(c.len_utf8()) == option.len())
            }
        };
        if takes {
            at = at.saturating_add(1);
        }
    }
    let at = at.min(words.len());
    (at, words.get(at..).unwrap_or_default())
}

fn client(target: &dyn Target, words: &[&str], from: Option<&Path>, why: &str, items: &mut Items) {
    let (_, rest) = operands(words, GLOBAL_VALUES);
    match rest {
        ["container", rest @ ..] => run(rest, from, why, items),
        ["compose" | "stack", rest @ ..] => compose::add_command(target, rest, from, why, items),
        ["kube", "play", rest @ ..] | ["play", "kube", rest @ ..] => {
            let (_, files) = operands(
                rest,
                "annotation authfile build cert-dir configmap context-dir creds ip log-driver \
                 log-opt mac-address network publish publish-all seccomp-profile-root userns \
                 username password",
            );
            for file in files.iter().filter_map(|file| placed(file, from)) {
                items.add(file, format!("pods that {why} plays,"));
            }
            for file in values(rest, "configmap").filter_map(|file| placed(file, from)) {
                items.add(file, format!("pods that {why} plays,"));
            }
        }
        rest => run(rest, from, why, items),
    }
}

fn run(words: &[&str], from: Option<&Path>, why: &str, items: &mut Items) {
    let Some((verb, words)) = words.split_first() else { return };
    if !matches!(*verb, "run" | "create") {
        return;
    }
    workload(words, from).add(why, items);
}

/// Options of `run`, the image, and the command.
pub(super) fn workload(words: &[&str], from: Option<&Path>) -> Workload {
    let (count, rest) = operands(words, RUN_VALUES);
    let options = words.get(..count).unwrap_or_default();
    let mut workload = Workload::default();
    for option in ["v", "volume"] {
        values(options, option).for_each(|volume| workload.volume(volume, from));
    }
    values(options, "mount").for_each(|mount| workload.mount_option(mount, from));
    values(options, "cap-add").for_each(|name| workload.capability(name));
    let flag =
        |name: &str| options.iter().any(|word| *word == name || **word == format!("{name}=true"));
    let host = |name| values(options, name).any(|value| value == "host");
    workload.privileged |= flag("--privileged")
        || host("pid")
        || values(options, "device").next().is_some()
        || values(options, "security-opt").any(|value| value.contains("systempaths=unconfined"));
    workload.user = values(options, "user").chain(values(options, "u")).last().map(str::to_owned);
    workload.directory =
        values(options, "workdir").chain(values(options, "w")).last().map(str::to_owned);
    let entry = values(options, "entrypoint").last();
    workload.command.extend(entry.map(str::to_owned));
    workload.command.extend(rest.iter().skip(1).map(|word| (*word).to_owned()));
    workload
}

/// `ctr run --mount type=bind,src=…,dst=…,options=rbind:rw IMAGE ID COMMAND`.
fn ctr(words: &[&str], from: Option<&Path>, why: &str, items: &mut Items) {
    let Some(at) = words.iter().position(|word| matches!(*word, "run" | "create")) else { return };
    let words = words.get(at.saturating_add(1)..).unwrap_or_default();
    let (count, rest) = operands(
        words,
        "config cwd env env-file label mount runtime runtime-config-path snapshotter with-ns \
         pid-file gpus device cap-add cap-drop seccomp-profile apparmor-default-profile hostname \
         allow-new-privs user uidmap gidmap cpus cpu-shares memory-limit platform annotation",
    );
    let options = words.get(..count).unwrap_or_default();
    let mut workload = Workload::default();
    for mount in values(options, "mount") {
        let read_only = mount.contains("options=") && mount.contains("ro");
        let mount = if read_only { format!("{mount},ro") } else { mount.to_owned() };
        workload.mount_option(&mount, from);
    }
    values(options, "cap-add").for_each(|name| workload.capability(name));
    workload.privileged |= options.contains(&"--privileged");
    workload.command.extend(rest.iter().skip(2).map(|word| (*word).to_owned()));
    workload.add(why, items);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    fn items(command: &str) -> Vec<String> {
        let mut items = Items::default();
        let from = Some(Path::new("/srv/app"));
        let words = crate::formats::systemd::words(command);
        let (program, arguments) = words.split_first().unwrap();
        add_run(&Memory::new(), Path::new(program), arguments, from, "x", &mut items);
        items.iter().map(|(path, _)| path.display().to_string()).collect()
    }

    #[test]
    fn files_of_the_host_that_a_container_runs_are_found() {
        for command in [
            "/usr/bin/docker run --rm -it -v /home/carl/app:/app -v /:/host image /app/run.sh",
            "podman --log-level debug run -v/home/carl/app:/app image /app/run.sh",
            "docker container run --name web --volume=/home/carl/app:/app:rw i sh -c '/app/run.sh x'",
            "docker run --mount type=bind,src=/home/carl/app,dst=/app i /app/run.sh",
            "nerdctl run -v /home/carl/app:/app --entrypoint /app/run.sh i",
            "ctr run --mount type=bind,src=/home/carl/app,dst=/app,options=rbind:rw i id /app/run.sh",
        ] {
            assert_eq!(items(command), ["/home/carl/app/run.sh"], "{command}");
        }
        assert!(items("docker run -p 80:80 -v /home/carl/data:/data nginx").is_empty());
        assert!(items("docker logs /app/run.sh").is_empty());
    }

    #[test]
    fn what_engines_obey_is_found() {
        for (command, path) in [
            ("podman kube play /home/carl/pod.yaml", "/home/carl/pod.yaml"),
            ("podman play kube --replace pod.yaml", "/srv/app/pod.yaml"),
            ("dockerd --config-file=/srv/daemon.json", "/srv/daemon.json"),
            ("kubelet --config kubelet.yaml", "/srv/app/kubelet.yaml"),
            ("runc run -b /srv/bundle web", "/srv/bundle"),
            ("runc run web", "/srv/app/config.json"),
            ("lxc-start -n web", "/var/lib/lxc/web/config"),
            ("systemd-nspawn -bD /srv/root", "/srv/root"),
            ("kubectl apply -f deploy.yaml", "/srv/app/deploy.yaml"),
        ] {
            assert!(items(command).contains(&path.to_owned()), "{command}: {:?}", items(command));
        }
    }

    #[test]
    fn options_end_at_the_image() {
        let words = ["-it", "--name", "x", "-v", "/a:/b", "image", "-v", "/c:/d"];
        let (count, rest) = operands(&words, RUN_VALUES);
        assert_eq!((count, rest), (5, ["image", "-v", "/c:/d"].as_slice()));
    }
}
