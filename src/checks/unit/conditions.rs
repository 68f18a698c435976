//! What a rule may demand of a unit.

use crate::checks::config::setting::SettingTest;
use crate::checks::unit::UnitView;
use crate::checks::unit::active::{CAN_BE_TOLD, active};
use crate::checks::unit::user::{group, user};
use crate::facts::Fact;
use crate::facts::host::TargetKind;
use crate::facts::unit::UnitFileState;
use crate::formats::systemd::{self, names};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::Expect;
use crate::policy::node::{Key, Node, Value};
use crate::policy::operand::{Principal, Tenths, Text};
use crate::rules::compile::some_of;
use crate::rules::condition::{Condition, ConditionInfo, Form, Test};
use crate::text::{self, shell};
use crate::verdict::{Assertion, Evidence};
use std::path::Path;

const STATES: &[&str] = &[
    "enabled",
    "enabled-runtime",
    "linked",
    "linked-runtime",
    "alias",
    "masked",
    "masked-runtime",
    "static",
    "indirect",
    "disabled",
    "generated",
    "transient",
];

/// What `enabled` may be.
const ENABLED: &[&str] = &["true", "false", "static"];

/// The conditions of `unit:`; settings are further ones.
pub static CONDITIONS: &[Condition<UnitView>] = &[
    Condition {
        info: ConditionInfo {
            name: "exists",
            doc: "There is such a unit (true), or there is not (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| {
                let there = view.unit.as_ref().map(|unit| text::path(&unit.fragment));
                view.about("exists")
                    .expected(if wanted { "to exist" } else { "not to exist" })
                    .observed(there.clone().unwrap_or_else(|| "no such unit".into()))
                    .decide(Ok(there.is_some() == wanted))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "enabled",
            doc: "Something starts it at the next boot (true): systemctl enable, or a package's link; \
                  nothing does (false); or static: it cannot be enabled, and what other units do \
                  decides. [false, static] allows both.",
            form: Form::SomeOf(ENABLED),
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(some_of(node, ENABLED))?;
            Some(Box::new(move |view, _| enabled(view, &wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "state",
            doc: "The word of systemctl is-enabled.",
            form: Form::SomeOf(STATES),
            example: "disabled",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(some_of(node, STATES))?;
            Some(Box::new(move |view, _| {
                let state = view.unit.as_ref().map_or("no such unit", |unit| unit.state.name());
                let assertion = view.about("state").expected(wanted.show()).observed(state);
                assertion.decide(complete(view, Ok(wanted.holds_for(state))))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "masked",
            doc: "It cannot be started at all (true), or it can (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| {
                let masked = view.unit.as_ref().is_some_and(|unit| unit.masked);
                let verb = if wanted { "mask" } else { "unmask" };
                view.about("masked")
                    .expected(if wanted { "masked" } else { "not masked" })
                    .observed(if masked { "masked" } else { "not masked" })
                    .repair(systemctl(verb, view))
                    .decide(complete(view, Ok(masked == wanted)))
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "active",
            doc: "Processes are in its control group, or systemd holds its port (true); or not.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| active(view, wanted, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "user",
            doc: "As whom ExecStart= runs, by name or id: User= after drop-ins, root without one.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "{ not: root }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| user(view, &expect, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "group",
            doc: "With which group: Group= after drop-ins, the user's own without one.",
            form: Form::Expectation { ordered: false, textual: false },
            example: "nginx",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Principal>::parse(node))?;
            Some(Box::new(move |view, target| group(view, &expect, target)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "exposure",
            doc: "The number of systemd-analyze security, 0.0 to 10.0, with the weights of systemd \
                  252; --verbose shows its rows.",
            form: Form::Expectation { ordered: true, textual: false },
            example: "{ at_most: 5.0 }",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<Tenths>::parse(node))?;
            Some(Box::new(move |view, target| exposure(view, &expect, target)))
        },
    },
];

/// Reads the demand for a setting, which has a dot in its name.
pub fn setting(
    key: &Key,
    node: &Node,
    problems: &mut Diagnostics,
) -> Option<Option<Test<UnitView>>> {
    let (section, name) = key.text.split_once('.')?;
    if section.is_empty() || name.is_empty() || name.contains('.') {
        problems.push(
            Diagnostic::at(&key.span, format!("`{}` is not the name of a setting", key.text))
                .help("section and key, such as Service.NoNewPrivileges"),
        );
        return Some(None);
    }
    let test = problems.ok(SettingTest::parse(&key.text, node, &systemd::FORMAT));
    let path = key.text.clone();
    Some(test.map(|test| -> Test<UnitView> {
        Box::new(move |view, target| match view.settings() {
            Some(Ok(settings)) => {
                let mut assertion = test.judge(&view.subject, settings, &systemd::FORMAT, target);
                // A package would overwrite its own file: a drop-in is the place.
                assertion.corrective.clear();
                match test.value_wanted() {
                    Some(value) => assertion.repair(drop_in(view.id(), &path, &value)),
                    None => assertion,
                }
            }
            Some(Err(why)) => test.unread(&view.subject, why.clone()),
            None => masked(view, &path),
        })
    }))
}

/// Why nobody could answer such a question about a unit of its type; `None`: it can be.
pub fn cannot_be_told(name: &str, condition: &str) -> Option<String> {
    let kind = names::kind(name);
    let fits = match condition {
        "active" => CAN_BE_TOLD.contains(&kind),
        "user" | "group" | "exposure" => kind == "service",
        _ => true,
    };
    (!fits).then(|| format!("nobody but systemd could tell `{condition}` of a {kind}"))
}

/// Refuses questions to which there never is an answer, so that nobody waits for one.
pub fn refuse_unanswerable(name: &str, must: &Node, problems: &mut Diagnostics) {
    let Value::Map(entries) = &must.value else { return };
    for (key, value) in entries {
        if let Some(message) = cannot_be_told(name, &key.text) {
            problems.push(Diagnostic::at(&key.span, message));
        }
        let groups = match (key.text.as_str(), &value.value) {
            ("any" | "all" | "not", Value::List(groups)) => groups.as_slice(),
            ("any" | "all" | "not", Value::Map(_)) => std::slice::from_ref(value),
            _ => &[],
        };
        groups.iter().for_each(|group| refuse_unanswerable(name, group, problems));
    }
}

/// The answer about settings of a unit that has none.
pub fn masked(view: &UnitView, condition: &str) -> Assertion {
    view.about(condition).skipped("the unit is masked: it cannot be started")
}

/// An answer that rests on all files of the unit having been seen.
pub fn complete(view: &UnitView, holds: Fact<bool>) -> Fact<bool> {
    let unread = match view.unit.as_ref().map(|unit| &unit.settings) {
        Some(Ok(settings)) => settings.unread.first(),
        Some(Err(why)) => Some(why),
        None => None,
    };
    unread.map_or(holds, |why| Err(why.clone()))
}

/// A drop-in that sets `Section.Key` to a value.
pub fn drop_in(unit: &str, path: &str, value: &str) -> String {
    let (section, key) = path.split_once('.').unwrap_or_default();
    let folder = format!("/etc/systemd/system/{unit}.d");
    let line = |text: String| shell::quote(text.as_bytes());
    format!(
        "mkdir -p {folder} && printf '%s\\n' {} {} > {} && systemctl daemon-reload && \
         systemctl restart {}",
        line(format!("[{section}]")),
        line(format!("{key}={value}")),
        line(format!("{folder}/60-{}.conf", key.to_lowercase())),
        line(unit.to_owned()),
        folder = shell::quote(folder.as_bytes()),
    )
}

/// A command of systemctl about the unit.
pub fn systemctl(verb: &str, view: &UnitView) -> String {
    format!("systemctl {verb} {}", shell::quote(view.id().as_bytes()))
}

fn enabled(view: &UnitView, wanted: &Expect<Text>) -> Assertion {
    let expected = match wanted.wanted().map(|text| text.0.as_str()) {
        Some("true") if wanted.holds_for("true") => "started at boot".to_owned(),
        Some("false") if !wanted.holds_for("static") => "not started at boot".to_owned(),
        _ => wanted.show(),
    };
    let Some(unit) = &view.unit else {
        let assertion = view.about("enabled").observed("no such unit");
        return assertion.expected(expected).decide(Ok(wanted.holds_for("false")));
    };
    let is = match (unit.starts_at_boot(), unit.state) {
        (true, _) => "true",
        (false, UnitFileState::Static) => "static",
        (false, _) => "false",
    };
    let mut observed = unit.state.name().to_owned();
    if let Some(own) = unit.behind_alias {
        observed.push_str(&format!(" of {}, which is {}", unit.id, own.name()));
    }
    if unit.state == UnitFileState::EnabledRuntime {
        observed.push_str(", until the next boot only");
    }
    if is == "static" {
        observed.push_str(": it cannot be enabled or disabled, other units may start it");
    }
    if let Some(link) = unit.wanted_by.first() {
        observed.push_str(&format!("; {} starts it", text::path(link)));
    }
    // What is static has no links to make or to remove.
    let step = match (wanted.holds_for("true"), unit.masked, is) {
        (_, false, _) if unit.state == UnitFileState::Static => None,
        (true, true, _) => Some("unmask"),
        (true, false, _) => Some("enable"),
        (false, ..) => Some("disable --now"),
    };
    view.about("enabled")
        .expected(expected)
        .observed(observed)
        .seen(unit.wanted_by.iter().map(|link| Evidence::line(link, 0, "link")))
        .decide(complete(view, Ok(wanted.holds_for(is))))
        .repaired_by(|| step.map(|verb| systemctl(verb, view)))
}

/// The value of a setting that is set.
pub fn value_of(found: crate::facts::settings::Lookup<'_>) -> Option<&str> {
    match found {
        crate::facts::settings::Lookup::Set(setting) => Some(setting.value.as_str()),
        crate::facts::settings::Lookup::NotSet(_) => None,
    }
}

/// The file and line of a setting as evidence, or the unit's file where it is not set.
pub fn evidence(view: &UnitView, path: &str) -> Option<Evidence> {
    let settings = view.settings()?.as_ref().ok()?;
    match settings.lookup(path).pop()? {
        crate::facts::settings::Lookup::Set(setting) => {
            let text = format!("{}={}", setting.name, setting.value);
            Some(Evidence::line(&setting.at.file, setting.at.line, text))
        }
        crate::facts::settings::Lookup::NotSet(at) => {
            Some(Evidence::line(Path::new(&at.file), at.line, "not set"))
        }
    }
}

/// How many rows of the table a violation names.
const ROWS: usize = 5;

fn exposure(view: &UnitView, expect: &Expect<Tenths>, target: &dyn Target) -> Assertion {
    let settings = match view.settings() {
        Some(Ok(settings)) => settings,
        Some(Err(why)) => return view.about("exposure").unknown(why.clone()),
        None => return masked(view, "exposure"),
    };
    let live = target.host().kind == TargetKind::Host;
    let found = systemd::exposure::exposure(settings, live);
    let tenths = |number: u64| format!("{}.{}", number / 10, number % 10);
    let bad = found.rows.iter().filter(|row| row.badness.unwrap_or(0) > 0);
    let worst: Vec<String> =
        bad.take(ROWS).map(|row| format!("{} {}", row.name, tenths(row.tenths))).collect();
    let observed = match worst.is_empty() {
        true => tenths(found.tenths),
        false => format!("{} (most of it: {})", tenths(found.tenths), worst.join(", ")),
    };
    let row = |row: &systemd::exposure::Row| {
        let words = match row.badness {
            None => format!("{} does not apply", row.name),
            Some(badness) => format!(
                "{} adds {}: {badness} of {}, weight {}",
                row.name,
                tenths(row.tenths),
                row.range,
                row.weight
            ),
        };
        let fragment = view.unit.as_ref().map(|unit| unit.fragment.as_path());
        Evidence::line(fragment.unwrap_or(Path::new("/")), 0, words)
    };
    view.about("exposure")
        .expected(expect.show())
        .observed(observed)
        .seen(found.rows.iter().map(row))
        .decide(complete(view, Ok(expect.holds_for(found.tenths))))
}
