//! Settings of configuration files, as the daemon reads them.
//!
//! A key of `must` is the path of a setting: the blocks that lead to it and its name, separated by
//! dots (`http.server.listen`; a name that has dots itself is put in double quotes). Every value
//! that is in force is judged and reported with its file and line: all `server` blocks, all
//! includes, values under a `Match`. A setting given several times is a list, and each of its
//! values must be as expected; `{ contains: X }` asks for one that is.
//!
//! "Not set" is an answer of its own: where the daemon has a documented default, that is what is
//! judged, and a policy can name one with `default:`; otherwise a setting that is not set violates
//! the rule. `{ set: false }` demands that it is not set.
//!
//! `at_most` and `at_least` compare values of one kind: times (`90s`, `2m`, `1h30m`), sizes (`4K`,
//! `10M`, `2G`, powers of 1024), permission bits (no bit outside) and numbers, as the format knows its
//! settings. A limit without unit counts in the setting's own. Where a format does not know (`env`,
//! `ini`, `json`, `toml`, `yaml`), value and limit have to be written alike, both with a unit or both
//! without; what cannot be compared is unknown. Where a daemon takes 0 or -1 for "no limit"
//! (`LoginGraceTime 0`, `client_max_body_size 0`, `temp_file_limit = -1`) such a value is never
//! `at_most` anything; a format that does not know its settings takes 0 for a number, so say `at_least: 1`
//! there as well.
//!
//! In nginx what a block further in says instead counts as well: `http.server.autoindex` is answered
//! with that of every `location` too. Values that look like secrets, by the setting's name
//! (`requirepass`, `DB_PASSWORD`) or by themselves, are judged and never shown.
//!
//! The format is recognised by the path, or given with `format:`. An include that cannot be read
//! turns a pass into unknown.
//!
//! ```yaml
//! policy: example
//! vars: { port: 8080 }
//! rules:
//!   - id: nginx-settings
//!     severity: high
//!     config: /etc/nginx/nginx.conf
//!     format: nginx
//!     absent: skip
//!     must: { user: nginx, http.server.listen: "${port}" }
//! ```

use super::combine::Demand;
use super::compile::{ABSENT, Absent, take_absent};
use super::condition::{ConditionInfo, Form, Test, read_open};
use super::file::{expand, path_or_glob};
use super::setting::SettingTest;
use super::{Check, Input, Scope, SubjectKind};
use crate::facts::settings::Settings;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{FORMATS, Format, by_name, for_path};
use crate::host::Target;
use crate::host::redacted::Marked;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::{Key, Node};
use crate::targets::image::Wants;
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
    source: include_str!("config.rs"),
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
    let test = problems.ok(SettingTest::parse(&key.text, node, format));
    Some(test.map(|test| -> Test<ConfigView> {
        Box::new(move |view, target| match &view.settings {
            Ok(settings) => test.judge(&view.subject, settings, view.format, target),
            Err(why) => test.unread(&view.subject, why.clone()),
        })
    }))
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
                Absent::Skip => exists.skipped("does not exist"),
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
