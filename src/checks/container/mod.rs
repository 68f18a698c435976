#![doc = include_str!("page.md")]

mod conditions;

use crate::facts::Unknown;
use crate::facts::container::Kept;
use crate::facts::host::TargetKind;
use crate::facts::process::Selector;
use crate::facts::{Cause, Fact};
use crate::formats::containers::kept;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::node::Node;
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Subject};
use globset::{Glob, GlobMatcher};

/// `container:`
pub static CONTAINER: SubjectKind = SubjectKind {
    key: "container",
    value: "all, or the name or id of containers: web, shop-*",
    options: &[
        ABSENT,
        ("engine", "docker, podman, cri-o or containerd"),
        ("pod", "namespace and name of the pod: shop/web-*"),
    ],
    conditions: || infos(conditions::CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// One container, as conditions see it.
pub struct ContainerView {
    subject: Subject,
    kept: Kept,
}

struct ContainerCheck {
    shown: String,
    name: GlobMatcher,
    engine: Option<GlobMatcher>,
    pod: Option<GlobMatcher>,
    absent: Absent,
    tests: Vec<Demand<ContainerView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let shown = problems.ok(input.subject.text("all, or the name of a container"))?.to_owned();
    let name = match shown.as_str() {
        "all" => Glob::new("*").ok().map(|glob| glob.compile_matcher()),
        _ => pattern(&input.subject, problems),
    };
    let mut option = |name| input.fields.take(name).and_then(|node| pattern(&node, problems));
    let (engine, pod) = (option("engine"), option("pod"));
    let absent = take_absent(&mut input, problems);
    let tests = read_all(conditions::CONDITIONS, &input.must, scope, problems);
    Some(Box::new(ContainerCheck { shown, name: name?, engine, pod, absent, tests }))
}

fn pattern(node: &Node, problems: &mut Diagnostics) -> Option<GlobMatcher> {
    let text = problems.ok(node.text("a name or pattern"))?;
    match Glob::new(text) {
        Ok(glob) if !text.is_empty() => Some(glob.compile_matcher()),
        _ => {
            problems.push(node.expected("a name or pattern, such as web or shop-*"));
            None
        }
    }
}

impl ContainerCheck {
    fn means(&self, kept: &Kept) -> bool {
        // The whole id or the short one that engines show.
        let short = kept.id.get(..12).unwrap_or(&kept.id);
        let named = [kept.name.as_str(), kept.id.as_str(), short];
        let fits = |pattern: &Option<GlobMatcher>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
        };
        named.iter().any(|name| self.name.is_match(name))
            && fits(&self.engine, &kept.engine)
            && fits(&self.pod, &kept.pod)
    }
}

impl Check for ContainerCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let all = Subject::new("container", self.shown.clone());
        let exists = Assertion::of(&all, "exists").expected("to exist");
        let found = match kept(target) {
            Ok(found) => found,
            Err(why) => return vec![exists.unknown(why)],
        };
        let mut assertions = Vec::new();
        for kept in found.all.iter().filter(|kept| self.means(kept)) {
            let subject = Subject::new("container", kept.to_string());
            let view = ContainerView { subject, kept: kept.clone() };
            assertions.extend(self.tests.iter().map(|demand| demand.judge(&view, target)));
        }
        // What could not be read may be meant.
        let unread =
            found.unread.first().cloned().map_or_else(|| unlisted(&found.all, target), Some);
        match (unread, assertions.is_empty(), &self.absent) {
            (Some(why), ..) => assertions.push(exists.unknown(why)),
            (None, true, Absent::Fail) => {
                assertions.push(exists.observed("no engine keeps such a container").fail());
            }
            (None, true, Absent::Skip) => {
                assertions.push(exists.absent("no engine keeps such a container"));
            }
            (None, false, _) => {}
        }
        assertions
    }
}

/// Who makes containers that are kept, as control groups name them. Machines of systemd-nspawn and LXC,
/// and services with a root directory of their own, are others.
const ENGINES: [&str; 6] = ["docker", "podman", "cri-o", "containerd", "kubernetes", "container"];

/// A container that runs and that no engine keeps where it is looked for.
fn unlisted(all: &[Kept], target: &dyn Target) -> Option<Unknown> {
    if target.host().kind == TargetKind::Image {
        return None;
    }
    let stray = || -> Fact<Option<String>> {
        let running = target.processes(&Selector::everything())?;
        let inside = running.processes.iter().filter_map(|process| process.inside.as_ref());
        let known =
            |name: &str| all.iter().any(|kept| kept.id.starts_with(name) || kept.name == name);
        let stray = inside.filter(|inside| {
            ENGINES.contains(&inside.engine.as_str())
                && !inside.name.is_empty()
                && !known(&inside.name)
        });
        Ok(stray.map(ToString::to_string).min())
    };
    match stray() {
        Ok(name) => name.map(|name| {
            let why = "it runs, and no engine keeps it where containers are looked for".to_owned();
            Unknown::new(format!("container {name}"), Cause::Unsupported(why))
        }),
        Err(why) => Some(why),
    }
}
