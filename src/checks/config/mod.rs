#![doc = include_str!("page.md")]

pub mod compare;
mod places;
pub(crate) mod refer;
pub mod setting;
pub mod wanted;

use super::file::{expand, path_or_glob};
use crate::checks::config::setting::SettingTest;
use crate::facts::places::without_labels;
use crate::facts::settings::Settings;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{FORMATS, Format, by_name, for_path};
use crate::host::redacted::Marked;
use crate::host::{Target, Wants};
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::{Key, Node};
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{ConditionInfo, Form, Test, read_open};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text;
use crate::verdict::{Assertion, Subject};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `config:`
pub static CONFIG: SubjectKind = SubjectKind {
    key: "config",
    value: "absolute path or glob of a configuration file",
    options: &[ABSENT, ("format", "format of the file, where its path does not tell")],
    conditions: || vec![&SETTING],
    open: true,
    page: include_str!("page.md"),
    combines: true,
    patterns: true,
    refers: Some(refer::REFERS),
    compile,
};

static SETTING: ConditionInfo = ConditionInfo {
    name: "http.server.listen",
    doc: "Any setting by its path: a value, a list of allowed values, { not: … }, { at_most: … }, \
          { at_least: … }, { matches: … }, { contains: … }, { set: true|false }, and beside any of \
          them default: VALUE, which applies where it is not set.",
    form: Form::Special,
    example: "8080",
};

/// One configuration, as tests of its settings see it.
struct ConfigView {
    subject: Subject,
    format: &'static Format,
    settings: Fact<Settings>,
}

struct ConfigCheck {
    path: PathBuf,
    format: &'static Format,
    absent: Absent,
    tests: Vec<Demand<ConfigView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let path = problems.ok(path_or_glob(&input.subject));
    let absent = take_absent(&mut input, problems);
    let format = match input.fields.take("format") {
        Some(node) => problems.ok(node.text("a format").and_then(|name| {
            by_name(name).ok_or_else(|| {
                Diagnostic::at(&node.span, format!("unknown format `{name}`"))
                    .suggest(name, FORMATS.iter().map(|format| format.name))
            })
        })),
        None => path.as_deref().and_then(|path| {
            for_path(path).or_else(|| {
                let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
                problems.push(
                    Diagnostic::at(&input.subject.span, "this path does not tell its format")
                        .help(format!("add format: one of {}", names.join(", "))),
                );
                None
            })
        }),
    };
    let format = format?;
    let open = move |key: &Key, node: &Node, problems: &mut Diagnostics| {
        setting(format, key, node, problems)
    };
    let tests = read_open(&[], Arc::new(open), &input.must, scope, problems);
    Some(Box::new(ConfigCheck { path: path?, format, absent, tests }))
}

fn setting(
    format: &'static Format,
    key: &Key,
    node: &Node,
    problems: &mut Diagnostics,
) -> Option<Option<Test<ConfigView>>> {
    if let Err(slip) = known_blocks(format, key) {
        problems.push(slip);
        return Some(None);
    }
    let test = problems.ok(SettingTest::parse(&key.text, node, format));
    Some(test.map(|test| -> Test<ConfigView> {
        Box::new(move |view, target| match &view.settings {
            Ok(settings) => test.judge(&view.subject, settings, view.format, target),
            Err(why) => test.unread(&view.subject, why.clone()),
        })
    }))
}

/// Refuses a path through a block whose name is close to one that the owner knows and is none itself:
/// it leads nowhere. Names that are close to none may be those of other people's modules.
fn known_blocks(format: &Format, key: &Key) -> Result<(), Diagnostic> {
    let path = without_labels(&key.text);
    let Some((way, _)) = path.rsplit_once('.').filter(|_| !format.blocks.is_empty()) else {
        return Ok(());
    };
    let words = way.split('.').filter(|word| *word != "*" && !word.contains('"'));
    for word in words.filter(|word| !format.blocks.contains(word)) {
        let known = format.blocks.iter().copied();
        if text::suggest::closest(word, known.clone()).is_some() {
            let message = format!("{} has no block `{word}`", format.name);
            return Err(Diagnostic::at(&key.span, message).suggest(word, known));
        }
    }
    Ok(())
}

impl Check for ConfigCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("config", text::path(&self.path));
        let readable = Assertion::of(&subject, "exists").expected("a configuration file");
        let paths = match expand(&self.path, target) {
            Ok(paths) => paths,
            Err(why) => return vec![readable.unknown(why)],
        };
        let mut assertions = Vec::new();
        for path in paths {
            let subject = Subject::new("config", text::path(&path));
            if let Some(settings) = settings(self.format, &path, target).transpose() {
                let view = ConfigView { subject, format: self.format, settings };
                assertions.extend(self.tests.iter().map(|demand| demand.judge(&view, target)));
            }
        }
        if assertions.is_empty() {
            let exists = readable.observed("does not exist");
            assertions.push(match self.absent {
                Absent::Skip => exists.absent("does not exist"),
                Absent::Fail => exists.fail(),
            });
        }
        assertions
    }

    fn wants(&self, wants: &mut Wants) {
        wants.content(&text::path(&self.path));
    }
}

pub(super) fn settings(
    format: &Format,
    path: &Path,
    target: &dyn Target,
) -> Fact<Option<Settings>> {
    let Some(content) = target.read_marked(path)? else { return Ok(None) };
    let settings = (format.parse)(&Marked(target), path, &content)?;
    if settings.files.is_empty() {
        let why = format!("the {} format gave nothing", format.name);
        return Err(Unknown::new(text::path(path), Cause::Malformed(why)));
    }
    Ok(Some(settings))
}
