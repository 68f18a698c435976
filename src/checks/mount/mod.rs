#![doc = include_str!("page.md")]

pub mod planned;

use crate::checks::mount::planned::is_for_programs;
use crate::facts::host::TargetKind;
use crate::facts::mount::{Mount, mounted_at};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::host::route::route;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, each_of_some};
use crate::policy::node::Node;
use crate::policy::operand::Text;
use crate::policy::service::absolute_path;
use crate::policy::set::{SetOf, Word};
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, only_true, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text::{self, shell};
use crate::verdict::{Assertion, Evidence, Subject};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `mount:`
pub static MOUNT: SubjectKind = SubjectKind {
    key: "mount",
    value: "path of a mount point",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// A mount point, as conditions see it.
pub struct MountView {
    subject: Subject,
    point: PathBuf,
    /// What is mounted there.
    mount: Option<Mount>,
    fstab: Fact<Arc<Vec<Mount>>>,
}

static CONDITIONS: &[Condition<MountView>] = &[
    Condition {
        info: ConditionInfo {
            name: "mounted",
            doc: "Something is mounted there (true), or nothing is (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| mounted(view, wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "filesystem",
            doc: "Type of the filesystem.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "[ext4, xfs]",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                let found = view.mount.as_ref().map(|mount| mount.filesystem.as_str());
                text_is(view, "filesystem", &expect, found.unwrap_or_default())
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "source",
            doc: "What is mounted: a device, host:/path, tmpfs.",
            form: Form::Expectation { ordered: false, textual: true },
            example: "/dev/sdb1",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Text>::parse(node))?;
            Some(Box::new(move |view, _| {
                let found = view.mount.as_ref().map(|mount| mount.source.as_str());
                text_is(view, "source", &expect, found.unwrap_or_default())
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "options",
            doc: "Options that are in force. `all` is what a hardening guide asks for; `suid`, `dev`, \
                  `exec` and `async` are in force where nothing says otherwise.",
            form: Form::Set,
            example: "{ all: [nosuid, nodev, noexec] }",
        },
        read: |node, _, problems| {
            let wanted = SetOf::parse("options", node, problems, option)?;
            Some(Box::new(move |view, _| options(view, "options", &wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "no_options",
            doc: "None of these options is in force.",
            form: Form::Words,
            example: "[rw]",
        },
        read: |node, _, problems| {
            let none = each_of_some(node, problems, option);
            let wanted = SetOf::of(Word::None, none);
            Some(Box::new(move |view, _| options(view, "no_options", &wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "as_configured",
            doc: "It is mounted as /etc/fstab asks for.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(as_configured))
        },
    },
];

struct MountCheck {
    point: PathBuf,
    absent: Absent,
    tests: Vec<Demand<MountView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    // `/tmp/` is `/tmp`.
    let point = problems.ok(absolute_path(&input.subject)).map(|path| path.components().collect());
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(MountCheck { point: point?, absent, tests }))
}

fn option(node: &Node) -> Result<String, Diagnostic> {
    let text = node.text("a mount option")?;
    if text.contains([',', ' ']) {
        return Err(node.expected("one option; write several as a list"));
    }
    if is_for_programs(text) {
        let message = format!("`{text}` is for mount(8): the kernel does not show it");
        return Err(Diagnostic::at(&node.span, message)
            .help("as_configured: true compares with /etc/fstab"));
    }
    Ok(text.to_owned())
}

impl Check for MountCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("mount", text::path(&self.point));
        let about = |demand: &Demand<MountView>| Assertion::of(&subject, demand.name());
        if target.host().kind == TargetKind::Image {
            let why = Unknown::new(text::path(&self.point), Cause::NotRunning);
            return self.tests.iter().map(|one| about(one).unknown(why.clone())).collect();
        }
        let mounts = match crate::formats::mounts::in_force(target) {
            Ok(mounts) => mounts,
            Err(why) => {
                return self.tests.iter().map(|one| about(one).unknown(why.clone())).collect();
            }
        };
        let mount = match at(&self.point, &mounts, target) {
            Ok(mount) => mount,
            Err(why) => {
                return self.tests.iter().map(|one| about(one).unknown(why.clone())).collect();
            }
        };
        let view = MountView {
            subject: subject.clone(),
            point: self.point.clone(),
            mount: mount.cloned(),
            fstab: crate::formats::mounts::of_fstab(target),
        };
        let can_judge = |name: &str| view.mount.is_some() || name == "mounted";
        let mut assertions: Vec<Assertion> = self
            .tests
            .iter()
            .filter_map(|demand| demand.judge_some(&can_judge, &view, target))
            .collect();
        if assertions.is_empty() {
            assertions.push(match self.absent {
                Absent::Skip => mounted(&view, true).absent("nothing is mounted there"),
                Absent::Fail => mounted(&view, true),
            });
        }
        assertions
    }
}

/// What is mounted where a path leads. The table has paths without links, so a path that stands in it
/// needs no look at the file, which a server that is gone would not answer.
fn at<'a>(point: &Path, mounts: &'a [Mount], target: &dyn Target) -> Fact<Option<&'a Mount>> {
    if let Some(found) = mounted_at(mounts, point) {
        return Ok(Some(found));
    }
    let end = route(target, point)?.end.map(|(path, _)| path);
    Ok(end.filter(|end| end != point).and_then(|end| mounted_at(mounts, &end)))
}

impl MountView {
    fn about(&self, condition: &str) -> Assertion {
        let line = |mount: &Mount| Evidence::line(&mount.at.file, mount.at.line, shown(mount));
        Assertion::of(&self.subject, condition).seen(self.mount.iter().map(line))
    }

    fn remount(&self, options: &[String]) -> String {
        let point = shell::quote_path(&self.point);
        format!("mount -o remount,{} {point}", shell::quote(options.join(",").as_bytes()))
    }
}

fn shown(mount: &Mount) -> String {
    let options: Vec<&str> = mount.options.iter().map(String::as_str).collect();
    format!("{} {} {}", mount.source, mount.filesystem, options.join(","))
}

fn mounted(view: &MountView, wanted: bool) -> Assertion {
    let point = shell::quote_path(&view.point);
    view.about("mounted")
        .expected(if wanted { "mounted" } else { "not mounted" })
        .observed(view.mount.as_ref().map_or_else(|| "nothing is mounted there".into(), shown))
        .repair(format!("{} {point}", if wanted { "mount" } else { "umount" }))
        .decide(Ok(view.mount.is_some() == wanted))
}

fn text_is(view: &MountView, condition: &str, expect: &Expect<Text>, found: &str) -> Assertion {
    let holds = expect.holds_for(found);
    view.about(condition).expected(expect.show()).observed(found).decide(Ok(holds))
}

/// Options that are in force where the kernel shows nothing about them.
const UNSAID: [&str; 4] = ["suid", "dev", "exec", "async"];

fn options(view: &MountView, condition: &str, wanted: &SetOf<String>) -> Assertion {
    let Some(mount) = &view.mount else { return mounted(view, true) };
    let said = mount.options.iter().cloned();
    let unsaid = UNSAID.iter().filter(|word| mount.has(word)).map(|word| (*word).to_owned());
    let found: Vec<String> = said.chain(unsaid).collect();
    let judged = wanted.judge_but(
        &found,
        |option, found| planned::is_same(option, found),
        |found| UNSAID.contains(&found.as_str()),
    );
    let strangers: Vec<&str> =
        judged.strangers.iter().filter_map(|at| found.get(*at)).map(String::as_str).collect();
    let missing: Vec<String> = judged.missing.iter().map(|option| (*option).clone()).collect();
    let mut words = Vec::new();
    if !missing.is_empty() {
        words.push(format!("lacks {}", missing.join(",")));
    }
    if !strangers.is_empty() {
        words.push(format!("has {}", strangers.join(",")));
    }
    let observed = match words.is_empty() {
        true => shown(mount),
        false => format!("{} ({})", words.join(", "), shown(mount)),
    };
    let assertion = view.about(condition).expected(wanted.show(String::clone)).observed(observed);
    // Which of `any` is for people to say.
    let step = !missing.is_empty() && wanted.members(Word::Any).next().is_none();
    let assertion = if step { assertion.repair(view.remount(&missing)) } else { assertion };
    assertion.decide(judged.holds)
}

fn as_configured(view: &MountView, target: &dyn Target) -> Assertion {
    let assertion = view.about("as_configured").expected("mounted as /etc/fstab asks for");
    let (Some(mount), fstab) = (&view.mount, &view.fstab) else { return mounted(view, true) };
    let fstab = match fstab {
        Ok(fstab) => fstab,
        Err(why) => return assertion.unknown(why.clone()),
    };
    let is_it = |line: &&Mount| line.point.components().eq(view.point.components());
    let Some(planned) = fstab.iter().rfind(is_it) else {
        return assertion.observed("/etc/fstab does not have it").fail();
    };
    let assertion = assertion
        .seen([Evidence::line(&planned.at.file, planned.at.line, shown(planned))])
        .repair(format!("mount -o remount {}", shell::quote_path(&view.point)));
    let (differences, unknown) = planned::differences(planned, mount, target);
    let observed = match differences.is_empty() {
        true => shown(mount),
        false => format!("{} ({})", differences.join(", "), shown(mount)),
    };
    let holds = match unknown {
        Some(why) if differences.is_empty() => Err(why),
        _ => Ok(differences.is_empty()),
    };
    assertion.observed(observed).decide(holds)
}
