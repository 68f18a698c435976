//! What can be asked of an option of the kernel's command line.

use super::view::BootOptionView;
use crate::checks::config::compare::Reading;
use crate::facts::{Fact, all};
use crate::formats::boot::{CommandLine, Entry};
use crate::policy::expect::Expect;
use crate::policy::operand::SettingValue;
use crate::rules::condition::{Condition, ConditionInfo, Form, only_true};
use crate::verdict::Assertion;

pub(super) static CONDITIONS: &[Condition<BootOptionView>] = &[
    Condition {
        info: ConditionInfo {
            name: "booted",
            doc: "The running kernel was started with it, with a value or without (true), or was not (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| booted(view, wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "value",
            doc: "The value that the running kernel was started with; of several the last. One that is not given \
                  has none, which no value fits but `not: X`.",
            form: Form::Expectation { ordered: true, textual: true },
            example: "auto,nosmt",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<SettingValue>::parse(node))?;
            Some(Box::new(move |view, _| value(view, &expect)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "configured",
            doc: "The next boot gives it to the kernel, with a value or without (true), or does not (false).",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, _| configured(view, wanted)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "configured_value",
            doc: "The value that the next boot gives to the kernel.",
            form: Form::Expectation { ordered: true, textual: true },
            example: "auto,nosmt",
        },
        read: |node, _, problems| {
            let expect = problems.ok(Expect::<SettingValue>::parse(node))?;
            Some(Box::new(move |view, _| configured_value(view, &expect)))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "consistent",
            doc: "The next boot gives the kernel what it was started with.",
            form: Form::True,
            example: "true",
        },
        read: |node, _, problems| {
            only_true(node, problems)?;
            Some(Box::new(|view, _| consistent(view)))
        },
    },
];

fn given(wanted: bool) -> &'static str {
    if wanted { "given" } else { "not given" }
}

fn booted(view: &BootOptionView, wanted: bool) -> Assertion {
    let assertion = Assertion::of(&view.subject, "booted").expected(given(wanted));
    now(view, assertion, &|line| Ok(line.has(&view.name) == wanted))
}

fn value(view: &BootOptionView, expect: &Expect<SettingValue>) -> Assertion {
    let assertion = Assertion::of(&view.subject, "value").expected(expect.show());
    now(view, assertion, &|line| fits(view, expect, line))
}

fn configured(view: &BootOptionView, wanted: bool) -> Assertion {
    let assertion = Assertion::of(&view.subject, "configured").expected(given(wanted));
    next(view, assertion, &|line| Ok(line.has(&view.name) == wanted))
}

fn configured_value(view: &BootOptionView, expect: &Expect<SettingValue>) -> Assertion {
    let assertion = Assertion::of(&view.subject, "configured_value").expected(expect.show());
    next(view, assertion, &|line| fits(view, expect, line))
}

fn consistent(view: &BootOptionView) -> Assertion {
    let assertion = Assertion::of(&view.subject, "consistent");
    match &view.booted {
        Ok(booted) => {
            let wanted = booted.values(&view.name);
            let assertion = assertion
                .expected(format!("as the kernel was started: {}", view.words(booted)))
                .seen([view.seen_booted(booted)]);
            next(view, assertion, &|line| Ok(line.values(&view.name) == wanted))
        }
        Err(why) => assertion.expected("the same now and after the next boot").unknown(why.clone()),
    }
}

/// Options of the kernel have no common types: `1`, `on` and `y` are different words.
fn fits(view: &BootOptionView, expect: &Expect<SettingValue>, line: &CommandLine) -> Fact<bool> {
    Reading::of_kernel().text_holds(expect, line.value(&view.name).unwrap_or_default())
}

fn now(
    view: &BootOptionView,
    assertion: Assertion,
    holds: &dyn Fn(&CommandLine) -> Fact<bool>,
) -> Assertion {
    match &view.booted {
        Ok(line) => {
            assertion.observed(view.words(line)).seen([view.seen_booted(line)]).decide(holds(line))
        }
        Err(why) => assertion.unknown(why.clone()),
    }
}

/// Every entry that the next boot may start has to hold.
fn next(
    view: &BootOptionView,
    assertion: Assertion,
    holds: &dyn Fn(&CommandLine) -> Fact<bool>,
) -> Assertion {
    let entries = match &view.next {
        Ok(entries) => entries,
        Err(why) => return assertion.unknown(why.clone()),
    };
    let judged: Vec<(&Entry, Fact<bool>)> =
        entries.iter().map(|entry| (entry, holds(&entry.line))).collect();
    // Of several the first that does not hold is the one to see.
    let telling = judged.iter().find(|(_, holds)| *holds != Ok(true)).or(judged.first());
    let Some((entry, _)) = telling else { return assertion };
    let observed = format!("{} ({})", view.words(&entry.line), entry.at);
    let seen = view.seen_next(entry);
    assertion
        .observed(observed)
        .seen([seen])
        .decide(all(judged.into_iter().map(|(_, holds)| holds)))
}
