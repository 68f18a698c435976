#![doc = include_str!("page.md")]

mod refer;

use crate::checks::config::compare::Reading;
use crate::facts::file::FileKind;
use crate::facts::host::TargetKind;
use crate::facts::sysctl::SysctlSettings;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::sysctl_d::{slashed, words};
use crate::host::{Target, glob};
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::Expect;
use crate::policy::node::{Node, Value};
use crate::policy::operand::SettingValue;
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, only_true, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text::{self, shell};
use crate::verdict::{Assertion, Evidence, Subject};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `sysctl:`
pub static SYSCTL: SubjectKind = SubjectKind {
    key: "sysctl",
    value: "name of a kernel parameter: net.ipv4.ip_forward, or a pattern: net.ipv4.conf.*.rp_filter",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: true,
    refers: Some(refer::REFERS),
    compile,
};

/// A parameter, as conditions see it.
pub struct SysctlView {
    subject: Subject,
    /// With slashes.
    key: String,
    path: PathBuf,
    /// What the kernel uses; `None` where there is no such parameter.
    live: Fact<Option<String>>,
    settings: Arc<SysctlSettings>,
    /// What the rule demands of `value`, if it does: of two values that differ that is the right one.
    wanted: Option<Expect<SettingValue>>,
}

static CONDITIONS: &[Condition<SysctlView>] = &[
    Condition {
        info: ConditionInfo {
            name: "value",
            doc: "What the kernel uses now.",
            form: Form::Expectation { ordered: true, textual: true },
            example: "0",
        },
        read: |node, _, problems| {
            let expect = problems.ok(expectation(node))?;
            Some(Box::new(move |view, _| value(view, &expect)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "configured",
            doc: "What the next boot sets, by the files of sysctl.d.",
            form: Form::Expectation { ordered: true, textual: true },
            example: "0",
        },
        read: |node, _, problems| {
            let expect = problems.ok(expectation(node))?;
            Some(Box::new(move |view, _| configured(view, &expect)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "consistent",
            doc: "No file would make the next boot set another value than the kernel uses now.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, _| consistent(view)))
        },
    },
];

/// Where the kernel shows its parameters.
const ROOT: &str = "/proc/sys";

struct SysctlCheck {
    name: String,
    absent: Absent,
    wanted: Option<Expect<SettingValue>>,
    tests: Vec<Demand<SysctlView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let name = problems.ok(input.subject.text("the name of a kernel parameter"))?.to_owned();
    // Alternatives in braces could lead elsewhere.
    let fits = |c: char| c.is_ascii_graphic() && !"{}".contains(c);
    let parts = slashed(&name);
    let odd = |part: &str| part.is_empty() || part.chars().all(|c| c == '.');
    if !name.chars().all(fits) || parts.split('/').any(odd) {
        problems.push(input.subject.expected("a kernel parameter such as net.ipv4.ip_forward"));
        return None;
    }
    if glob::is_pattern(&name)
        && let Err(why) = glob::validate(&format!("{ROOT}/{parts}"))
    {
        problems.push(Diagnostic::at(&input.subject.span, "not a pattern").label(why));
        return None;
    }
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    let wanted = match &input.must.value {
        Value::Map(entries) => entries.iter().find(|(key, _)| key.text == "value"),
        _ => None,
    };
    let wanted = wanted.and_then(|(_, node)| Expect::parse(node).ok());
    Some(Box::new(SysctlCheck { name, absent, wanted, tests }))
}

impl Check for SysctlCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let key = slashed(&self.name);
        if !glob::is_pattern(&self.name) {
            return self.judge(&self.name, key, target);
        }
        let found = match target.host().kind {
            // Which parameters the kernel will have is not known.
            TargetKind::Image => Err(Unknown::new(self.name.clone(), Cause::NotRunning)),
            TargetKind::Host => glob::expand(target, &format!("{ROOT}/{key}")),
        };
        let found = match found {
            Ok(found) => found,
            Err(why) => {
                let subject = Subject::new("sysctl", self.name.clone());
                let unknown = |demand: &Demand<SysctlView>| {
                    Assertion::of(&subject, demand.name()).unknown(why.clone())
                };
                return self.tests.iter().map(unknown).collect();
            }
        };
        let is_folder = |path: &Path| matches!(target.file(path), Ok(Some(file)) if file.kind == FileKind::Directory);
        let keys = found.iter().filter(|path| !is_folder(path));
        let keys = keys.filter_map(|path| path.strip_prefix(ROOT).ok()?.to_str());
        let mut assertions: Vec<Assertion> =
            keys.flat_map(|key| self.judge(&dotted(key), key.to_owned(), target)).collect();
        if assertions.is_empty() {
            let subject = Subject::new("sysctl", self.name.clone());
            assertions.push(self.no_such(&subject));
        }
        assertions
    }
}

impl SysctlCheck {
    fn no_such(&self, subject: &Subject) -> Assertion {
        const WHY: &str = "this kernel has no such parameter";
        let exists = Assertion::of(subject, "exists").expected("to exist").observed(WHY);
        match self.absent {
            Absent::Skip => exists.absent(WHY),
            Absent::Fail => exists.fail(),
        }
    }

    /// The answers about one parameter; `key` is its name with slashes.
    fn judge(&self, name: &str, key: String, target: &dyn Target) -> Vec<Assertion> {
        let path = Path::new(ROOT).join(&key);
        let live = now(&key, target);
        let view = SysctlView {
            subject: Subject::new("sysctl", name),
            key,
            path,
            live,
            settings: crate::formats::sysctl_d::configured(target),
            wanted: self.wanted.clone(),
        };
        let there = view.live != Ok(None);
        let can_judge = |name: &str| there || name == "configured";
        let mut assertions: Vec<Assertion> = self
            .tests
            .iter()
            .filter_map(|demand| demand.judge_some(&can_judge, &view, target))
            .collect();
        if assertions.len() < self.tests.len() {
            assertions.push(self.no_such(&view.subject));
        }
        assertions
    }
}

/// What the kernel uses; `None` where it has no such parameter. The kernel of an image is not known.
pub(super) fn now(key: &str, target: &dyn Target) -> Fact<Option<String>> {
    let path = Path::new("/proc/sys").join(key);
    if target.host().kind == TargetKind::Image {
        return Err(Unknown::new(text::path(&path), Cause::NotRunning));
    }
    let content = target.read(&path)?;
    // With `subset=pid` a proc file system shows processes and nothing else.
    let all = Path::new("/proc/sys");
    if content.is_none() && target.file(all)?.is_none() {
        let why = "the proc file system that is mounted there shows no parameters".to_owned();
        return Err(Unknown::new(text::path(all), Cause::Unsupported(why)));
    }
    Ok(content.map(|content| words(&String::from_utf8_lossy(&content))))
}

impl SysctlView {
    /// What the next boot sets, in words, with where it stands.
    fn planned(&self) -> (Option<&str>, String, Option<Evidence>) {
        match self.settings.of(&self.key) {
            Some(line) => {
                let value = line.value.as_deref().unwrap_or_default();
                let seen =
                    Evidence::line(&line.at.file, line.at.line, format!("{} = {value}", line.key));
                (Some(value), format!("{value} ({})", line.at), Some(seen))
            }
            None => (None, "not configured".into(), None),
        }
    }

    fn now(&self) -> Fact<&str> {
        match &self.live {
            Ok(value) => Ok(value.as_deref().unwrap_or_default()),
            Err(why) => Err(why.clone()),
        }
    }

    fn about(&self, condition: &str) -> Assertion {
        Assertion::of(&self.subject, condition)
    }

    /// A file that could not be read may set another value.
    fn earned(&self, holds: Fact<bool>) -> Fact<bool> {
        self.settings.unread.first().map_or(holds, |why| Err(why.clone()))
    }

    /// The name with dots, as sysctl(8) takes it.
    fn dotted(&self) -> String {
        dotted(&self.key)
    }

    fn write_down(&self, value: &str) -> String {
        let line = format!("{} = {value}", self.dotted());
        let file = format!("/etc/sysctl.d/90-{}.conf", self.dotted().replace('/', "-"));
        let (line, file) = (shell::quote(line.as_bytes()), shell::quote(file.as_bytes()));
        format!("printf '%s\\n' {line} > {file} && sysctl -p {file}")
    }
}

/// A name with slashes as `sysctl(8)` takes it: a dot within a name, of a VLAN, becomes a slash.
fn dotted(key: &str) -> String {
    let swap = |c| match c {
        '/' => '.',
        '.' => '/',
        other => other,
    };
    key.chars().map(swap).collect()
}

/// Values of the kernel have no units.
fn expectation(node: &Node) -> Result<Expect<SettingValue>, Diagnostic> {
    Reading::of_kernel().check(node)?;
    Expect::parse(node)
}

fn value(view: &SysctlView, expect: &Expect<SettingValue>) -> Assertion {
    let assertion = view.about("value").expected(expect.show());
    let now = match view.now() {
        Ok(now) => now,
        Err(why) => return assertion.unknown(why),
    };
    let assertion = match expect.wanted() {
        Some(wanted) => {
            let word = format!("{}={}", view.dotted(), wanted.0);
            assertion.repair(format!("sysctl -w {}", shell::quote(word.as_bytes())))
        }
        None => assertion,
    };
    let (_, planned, seen) = view.planned();
    assertion
        .observed(format!("{now}; the next boot sets: {planned}"))
        .seen([Evidence::line(&view.path, 1, now)])
        .seen(seen)
        .decide(Reading::of_kernel().text_holds(expect, now))
}

fn configured(view: &SysctlView, expect: &Expect<SettingValue>) -> Assertion {
    let (value, words, seen) = view.planned();
    let assertion = view.about("configured").expected(expect.show()).observed(words).seen(seen);
    let holds = value.map_or(Ok(false), |value| Reading::of_kernel().text_holds(expect, value));
    let step = || expect.wanted().map(|wanted| view.write_down(&wanted.0));
    assertion.decide(view.earned(holds)).repaired_by(step)
}

fn consistent(view: &SysctlView) -> Assertion {
    let assertion = view.about("consistent").expected("the same now and after the next boot");
    let now = match view.now() {
        Ok(now) => now,
        Err(why) => return assertion.unknown(why),
    };
    let (planned, words, seen) = view.planned();
    assertion
        .observed(format!("{now} now; the next boot sets: {words}"))
        .seen([Evidence::line(&view.path, 1, now)])
        .seen(seen)
        .decide(view.earned(Ok(planned.is_none_or(|planned| planned == now))))
        .repaired_by(|| bring_together(view, now, planned?))
}

/// Which of two values has to go, the rule says, or nobody: writing down a wrong one would make it
/// last.
fn bring_together(view: &SysctlView, now: &str, planned: &str) -> Option<String> {
    let wanted = view.wanted.as_ref()?;
    let holds = |value: &str| Reading::of_kernel().text_holds(wanted, value) == Ok(true);
    if holds(now) {
        return Some(view.write_down(now));
    }
    if holds(planned) {
        let word = format!("{}={planned}", view.dotted());
        return Some(format!("sysctl -w {}", shell::quote(word.as_bytes())));
    }
    wanted.wanted().map(|value| view.write_down(&value.0))
}
