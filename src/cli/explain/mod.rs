//! `spotcheck explain CHECK`: the page of a check.
//!
//! The text is the module documentation of the check's own source file; the keys come from its
//! table of conditions. There is no second place to keep true.

mod topics;

use super::console::Console;
use crate::checks::{SUBJECTS, by_key};
use crate::formats::{FORMATS, Format};
use crate::policy::document::RULE_KEYS;
use crate::rules::SubjectKind;
use crate::rules::combine::COMBINATORS;
use crate::rules::condition::{ConditionInfo, Form};
use crate::rules::reference::forms;
use crate::rules::several::{GROUPS, QUANTIFIERS};
use crate::text::suggest;
use crate::verdict::Exit;
use std::fmt::Write as _;

/// Arguments of `explain`.
#[derive(clap::Args)]
pub struct Args {
    /// A check (`spotcheck checks` lists them), a format of `config`, a condition, a key of policies or
    /// rules, `waivers`, `exit-codes`, `configuration`
    #[arg(value_name = "WORD")]
    check: String,
}

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    // A check and a format may share a name, as sysctl does: then both are meant.
    let format = FORMATS.iter().find(|format| format.name == args.check);
    let mut pages: Vec<String> =
        by_key(&args.check).map(page).into_iter().chain(format.map(format_page)).collect();
    if pages.is_empty() {
        pages.extend(topics::page(&args.check));
    }
    if !pages.is_empty() {
        return console.print(&pages.join("\n"), Exit::Holds);
    }
    let names = SUBJECTS.iter().map(|kind| kind.key).chain(FORMATS.iter().map(|f| f.name));
    let names = names.chain(topics::words());
    let hint = match suggest::closest(&args.check, names) {
        Some(close) => format!("did you mean `{close}`?"),
        None => "`spotcheck checks` lists them".into(),
    };
    console.fail(&format!("there is nothing to explain about `{}`; {hint}", args.check))
}

/// What a subject asks, its conditions and options.
pub fn subject(kind: &SubjectKind) -> String {
    let mut out = format!("{}: {}\n\n{}\n", kind.key, kind.value, kind.page);
    let _ = writeln!(out, "Conditions (under `must:`)\n");
    for info in (kind.conditions)() {
        let _ = writeln!(out, "  {}: {}", info.name, info.example);
        let _ = writeln!(out, "      {}", info.doc);
        let _ = writeln!(out, "      Takes {}.", form_words(info));
    }
    if !kind.options.is_empty() {
        let _ = writeln!(out, "\nOptions (beside `must:`)\n");
        for (name, doc) in kind.options {
            let _ = writeln!(out, "  {name}: {doc}");
        }
    }
    out
}

/// The page of a subject as text, with what it has in common with others.
pub fn page(kind: &SubjectKind) -> String {
    let mut out = subject(kind);
    if kind.combines {
        let _ = writeln!(out, "\nCombinations (under `must:` too)\n");
        for (name, doc) in COMBINATORS {
            let _ = writeln!(out, "  {name}: {doc}");
        }
        let _ = writeln!(
            out,
            "\nOver several things, a list of subjects or a pattern (under `must:`)\n"
        );
        let conditions = (kind.conditions)();
        let own = |name: &str| conditions.iter().any(|info| info.name == name);
        for (name, doc) in QUANTIFIERS.iter().filter(|(name, _)| !own(name)) {
            let _ = writeln!(out, "  {name}: {doc}");
        }
    }
    let _ =
        writeln!(out, "\nValues of other subjects, in the place of any value: {{ same_as: … }}\n");
    for (form, doc) in forms(SUBJECTS) {
        let _ = writeln!(out, "  {form}: {doc}");
    }
    if kind.key == "config" {
        let _ = writeln!(out, "\nFormats\n");
        for format in FORMATS {
            let _ = writeln!(out, "  {}: {}", format.name, format.doc);
        }
    }
    let _ = writeln!(out, "\nSeveral subjects in one rule, in the place of its own\n");
    for (name, doc) in GROUPS {
        let _ = writeln!(out, "  {name}: {doc}");
    }
    let _ = writeln!(out, "\nKeys of every rule\n");
    for (name, doc) in RULE_KEYS {
        let _ = writeln!(out, "  {name}: {doc}");
    }
    out
}

fn format_page(format: &Format) -> String {
    format!(
        "{}: a format of `config:`\n\n{}\n\n`spotcheck explain config` says how settings are addressed.\n",
        format.name, format.doc
    )
}

/// What kind of value a condition takes, in words.
pub fn form_words(info: &ConditionInfo) -> String {
    match info.form {
        Form::Boolean => "true or false".into(),
        Form::True => "true".into(),
        Form::OneOf(words) => words.join(", "),
        Form::FalseButAllowed => {
            "false, or { allow: [NAME, ...] }; * stands for any characters".into()
        }
        Form::SomeOf(words) => {
            format!("{}; a list for any of several, {{ not: … }}", words.join(", "))
        }
        Form::Words => "a value or a list of values".into(),
        Form::Set => "a set: { only: [...] }, { all: [...] }, { any: [...] }, { none: [...] }, { \
                      exactly: [...] }; [] for nothing"
            .into(),
        Form::Only => "a set: { only: [...] }; [] for nothing".into(),
        Form::Patterns => {
            "a regular expression, or { all: [...] }, { any: [...] }, { none: [...] }".into()
        }
        Form::Arguments => {
            "the arguments as a list, a text, { not: … } or { matches: REGEX }".into()
        }
        Form::Named => {
            "names, each with a value, a list of alternatives, { not: … } or { matches: … }".into()
        }
        Form::Special => "what the text above says".into(),
        Form::Expectation { ordered, textual } => {
            let mut words = "a value, a list of alternatives, { not: … }".to_owned();
            if ordered {
                words.push_str(", { at_most: … }, { at_least: … }");
            }
            if textual {
                words.push_str(", { matches: REGEX }");
            }
            words
        }
    }
}

/// The first sentence of a page.
pub fn first_sentence(page: &str) -> String {
    let paragraph = page.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => paragraph,
    }
}
