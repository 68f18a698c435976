//! What can be asked of a container.

use crate::checks::container::ContainerView;
use crate::facts::capability;
use crate::facts::container::{HostPath, Kept};
use crate::facts::listener::Listener;
use crate::facts::{Cause, Fact, Unknown, any};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, operand};
use crate::policy::node::Node;
use crate::policy::operand::Text;
use crate::policy::port::PortSpec;
use crate::policy::set::SetOf;
use crate::rules::condition::{Condition, ConditionInfo, Form, Test, only_true};
use crate::text;
use crate::verdict::{Assertion, Evidence};
use globset::{GlobBuilder, GlobMatcher};
use std::path::{Path, PathBuf};

/// The conditions of `container:`.
pub static CONDITIONS: &[Condition<ContainerView>] = &[
    Condition {
        info: ConditionInfo {
            name: "never_root",
            doc: "Its user is not root of the host: another one, or root of a user namespace.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, _| {
                let user = if view.kept.user.is_empty() { "root" } else { &view.kept.user };
                let ids = if view.kept.user_namespace { " of a user namespace" } else { "" };
                about(view, "never_root")
                    .expected("not root of the host")
                    .observed(format!("user {user}{ids}"))
                    .decide(Ok(!view.kept.is_root()))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "privileged",
            doc: "It has every capability and device and nothing that filters its system calls \
                  (--privileged).",
            form: Form::Boolean,
            example: "false",
        },
        read: |node, _, problems| {
            flag(node, problems, "privileged", |view| view.kept.is_privileged())
        },
    },
    Condition {
        info: ConditionInfo {
            name: "capabilities",
            doc: "Capabilities that its processes can have (the bounding set).",
            form: Form::Set,
            example: "{ none: [cap_sys_admin, cap_sys_ptrace, cap_sys_module] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("capabilities", node, problems, capability_bit)?;
            Some(Box::new(move |view, _| {
                let held = |bit: &u8| capability::has(view.kept.capabilities, *bit);
                let found: Vec<u8> = (0..64).filter(held).collect();
                let judged = wanted.judge(&found, |wanted, found| Ok(wanted == found));
                about(view, "capabilities")
                    .expected(wanted.show(|bit| capability::name(*bit)))
                    .observed(capability::show(view.kept.capabilities))
                    .decide(judged.holds)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "seccomp",
            doc: "Its system calls are filtered.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| flag(node, problems, "seccomp", |view| view.kept.seccomp),
    },
    Condition {
        info: ConditionInfo {
            name: "apparmor",
            doc: "A profile of AppArmor binds it.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            flag(node, problems, "apparmor", |view| !view.kept.apparmor.is_empty())
        },
    },
    Condition {
        info: ConditionInfo {
            name: "user_namespace",
            doc: "Its ids are not the host's: its root is not root of the host.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            flag(node, problems, "user_namespace", |view| view.kept.user_namespace)
        },
    },
    Condition {
        info: ConditionInfo {
            name: "host_namespaces",
            doc: "Namespaces of the host that it is in: cgroup, ipc, network, pid, uts.",
            form: Form::Set,
            example: "[]",
        },
        read: |node, _, problems| {
            const KINDS: [&str; 5] = ["cgroup", "ipc", "network", "pid", "uts"];
            let read = |node: &Node| crate::rules::compile::one_of(node, &KINDS).map(str::to_owned);
            let wanted = SetOf::parse("host_namespaces", node, problems, read)?;
            Some(Box::new(move |view, _| {
                let found = &view.kept.host_namespaces;
                let judged = wanted.judge(found, |wanted, found| Ok(wanted == found));
                about(view, "host_namespaces")
                    .expected(wanted.show(String::clone))
                    .observed(listed(found))
                    .decide(judged.holds)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "host_paths",
            doc: "Paths of the host that are mounted in it; `*` is a name, `**` any number of them.",
            form: Form::Set,
            example: "{ only: [/srv/**, /etc/localtime] }",
        },
        read: |node, _, problems| paths(node, problems, "host_paths", |_| true),
    },
    Condition {
        info: ConditionInfo {
            name: "writable_host_paths",
            doc: "The same of those that it can write.",
            form: Form::Set,
            example: "{ only: [/srv/**] }",
        },
        read: |node, _, problems| {
            paths(node, problems, "writable_host_paths", |path| path.writable)
        },
    },
    Condition {
        info: ConditionInfo {
            name: "engine_socket",
            doc: "It reaches the socket of an engine, whose master starts any process as root.",
            form: Form::Boolean,
            example: "false",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| engine_socket(view, wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "published",
            doc: "Ports of the host that lead to it. Known of Docker alone.",
            form: Form::Set,
            example: "{ only: [127.0.0.1:8080/tcp] }",
        },
        read: |node, _, problems| {
            let wanted: SetOf<PortSpec> = SetOf::parse("published", node, problems, operand)?;
            Some(Box::new(move |view, _| published(view, &wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "restart",
            doc: "When the engine starts it again: no, always, on-failure, unless-stopped. Known of \
                  Docker alone.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "{ not: always }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| said(view, "restart", &expect, &view.kept.restart)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "image",
            doc: "Image, as it was named when the container was made.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "{ matches: \"^registry.example/\" }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| said(view, "image", &expect, &view.kept.image)))
        },
    },
];

fn about(view: &ContainerView, condition: &str) -> Assertion {
    let words = format!("container {}", view.kept.id);
    Assertion::of(&view.subject, condition).seen([Evidence::line(&view.kept.at, 1, words)])
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn flag(
    node: &Node,
    problems: &mut Diagnostics,
    condition: &'static str,
    is_so: fn(&ContainerView) -> bool,
) -> Option<Test<ContainerView>> {
    let wanted = problems.ok(node.boolean())?;
    let word = |yes: bool| if yes { "yes" } else { "no" };
    Some(Box::new(move |view, _| {
        let found = is_so(view);
        about(view, condition)
            .expected(word(wanted))
            .observed(word(found))
            .decide(Ok(found == wanted))
    }))
}

fn capability_bit(node: &Node) -> Result<u8, Diagnostic> {
    let text = node.text("a capability")?;
    capability::parse(text).ok_or_else(|| node.expected("a capability, such as cap_sys_admin"))
}

/// A path of the host, or a pattern of such.
struct HostPattern {
    shown: String,
    matcher: GlobMatcher,
}

fn host_pattern(node: &Node) -> Result<HostPattern, Diagnostic> {
    let text = node.text("a path")?;
    let wrong = || node.expected("an absolute path, such as /srv/**");
    if !text.starts_with('/') {
        return Err(wrong());
    }
    let clean: PathBuf = Path::new(text).components().collect();
    let glob = GlobBuilder::new(&clean.to_string_lossy()).literal_separator(true).build();
    let matcher = glob.map_err(|_| wrong())?.compile_matcher();
    Ok(HostPattern { shown: text.to_owned(), matcher })
}

fn paths(
    node: &Node,
    problems: &mut Diagnostics,
    condition: &'static str,
    counts: fn(&HostPath) -> bool,
) -> Option<Test<ContainerView>> {
    let wanted = SetOf::parse(condition, node, problems, host_pattern)?;
    Some(Box::new(move |view, _| {
        let found: Vec<&HostPath> = view.kept.mounts.iter().filter(|path| counts(path)).collect();
        let judged = wanted.judge(&found, |wanted, found| {
            Ok(wanted.matcher.is_match(found.source.components().collect::<PathBuf>()))
        });
        let words = |mount: &&HostPath| {
            let how = if mount.writable { "" } else { " (read-only)" };
            format!("{}{how}", text::path(&mount.source))
        };
        about(view, condition)
            .expected(wanted.show(|pattern| pattern.shown.clone()))
            .observed(listed(&found.iter().map(words).collect::<Vec<_>>()))
            .decide(judged.holds)
    }))
}

/// Where engines have their sockets by default; `/var/run` is `/run`.
const SOCKETS: [(&str, &str); 9] = [
    ("/run/docker.sock", "docker"),
    ("/run/podman/podman.sock", "podman"),
    ("/run/containerd/containerd.sock", "containerd"),
    ("/run/crio/crio.sock", "cri-o"),
    ("/run/k3s/containerd/containerd.sock", "containerd"),
    ("/run/buildkit/buildkitd.sock", "buildkit"),
    ("/run/cri-dockerd.sock", "cri-dockerd"),
    ("/var/lib/lxd/unix.socket", "lxd"),
    ("/var/lib/incus/unix.socket", "incus"),
];

fn engine_socket(view: &ContainerView, wanted: bool, target: &dyn Target) -> Assertion {
    let reaches = |mount: &HostPath| leads_to_a_socket(&mount.source, &view.kept, target);
    let through: Vec<String> = view
        .kept
        .mounts
        .iter()
        .filter(|mount| reaches(mount) == Ok(true))
        .map(|mount| text::path(&mount.source))
        .collect();
    let holds = any(view.kept.mounts.iter().map(reaches));
    about(view, "engine_socket")
        .expected(if wanted { "reached" } else { "not reached" })
        .observed(match through.is_empty() {
            true => "not reached".to_owned(),
            false => format!("reached through {}", through.join(", ")),
        })
        .decide(holds.map(|reached| reached == wanted))
}

/// Whether a path is the socket of an engine or a directory above one that is there. The engine of the
/// container itself is there; a file of one of the usual names is a socket wherever it lies.
fn leads_to_a_socket(path: &Path, kept: &Kept, target: &dyn Target) -> Fact<bool> {
    // `/var` has `/var/run`, which is a link to `/run`: what is mounted from there does not lead on.
    let path: PathBuf = match path.strip_prefix("/var/run") {
        Ok(rest) => Path::new("/run").join(rest).components().collect(),
        Err(_) => path.components().collect(),
    };
    any(SOCKETS.iter().map(|(socket, engine)| {
        let socket = Path::new(socket);
        let name = socket.file_name().filter(|name| *name != "unix.socket");
        if path == socket || name.is_some() && path.file_name() == name {
            return Ok(true);
        }
        Ok(socket.starts_with(&path) && (*engine == kept.engine || target.file(socket)?.is_some()))
    }))
}

fn published(view: &ContainerView, wanted: &SetOf<PortSpec>) -> Assertion {
    let assertion = about(view, "published").expected(wanted.show(PortSpec::to_string));
    if view.kept.engine != "docker" {
        return assertion.unknown(not_kept(view, "which ports it publishes"));
    }
    let found = &view.kept.published;
    let judged = wanted.judge(found, |wanted, found| Ok(wanted.allows(found)));
    let words: Vec<String> = found.iter().map(Listener::to_string).collect();
    assertion.observed(listed(&words)).decide(judged.holds)
}

fn said(view: &ContainerView, condition: &str, expect: &Expect<Text>, found: &str) -> Assertion {
    let assertion = about(view, condition).expected(expect.show());
    if found.is_empty() {
        return assertion.unknown(not_kept(view, condition));
    }
    assertion.observed(found).decide(Ok(expect.holds_for(found)))
}

fn not_kept(view: &ContainerView, what: &str) -> Unknown {
    let why = format!("{} does not keep this there", view.kept.engine);
    let what = format!("{what} of {}", view.kept);
    Unknown::new(what, Cause::Unsupported(why))
}
