//! One setting of a configuration file against what a rule wants of it.

use super::places::{self, Compared, each_place_decides, has_no_owner};
use super::wanted::Wanted;
use crate::access::route::route;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Location, Lookup, Setting, Settings};
use crate::facts::{Fact, Unknown};
use crate::formats::Format;
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, Operand, all, any};
use crate::policy::node::{Key, Node, Value};
use crate::rules::guard_gaps::advice;
use crate::text::secrets::{self, HIDDEN};
use crate::text::{self, shell};
use crate::verdict::{Assertion, Sighting, Subject};

/// What a rule wants of one setting.
pub struct SettingTest {
    path: String,
    wanted: Wanted,
    /// What applies where it is not set, as the policy says.
    default: Option<String>,
}

impl SettingTest {
    /// Reads what stands behind a setting's path.
    pub fn parse(path: &str, node: &Node, format: &Format) -> Result<Self, Diagnostic> {
        let (default, node) = split_default(node)?;
        limits_are(&node, (format.kind)(path), (format.special)(path))?;
        let wanted = Wanted::parse(path, &node, format)?;
        Ok(Self { path: path.to_owned(), wanted, default })
    }

    /// The value that the rule names, for a step that repairs a violation.
    pub fn value_wanted(&self) -> Option<String> {
        match &self.wanted {
            _ if secrets::is_secret_setting(&self.path) => None,
            Wanted::Every(expect) | Wanted::Some(expect) => {
                expect.wanted().map(|value| value.0.clone())
            }
            _ => None,
        }
    }

    /// The answer when the file could not be read.
    pub fn unread(&self, subject: &Subject, why: Unknown) -> Assertion {
        Assertion::of(subject, &self.path).expected(self.show()).unknown(why)
    }

    /// Compares the setting with what is wanted of it.
    pub fn judge(
        &self,
        subject: &Subject,
        settings: &Settings,
        format: &Format,
        target: &dyn Target,
    ) -> Assertion {
        let found = settings.lookup(&self.path);
        let default = self.default.as_deref().or_else(|| (format.default)(&self.path));
        let answers: Vec<Fact<bool>> = match &self.wanted {
            Wanted::Members(set, between) => {
                let compared = Compared {
                    set,
                    between: *between,
                    kind: (format.kind)(&self.path),
                    special: (format.special)(&self.path),
                    default,
                    empty_if_unset: has_no_owner(format.name),
                };
                let answers = places::judge(settings, &found, &compared);
                let told = |(lookup, answer)| self.told(lookup, target).and(answer);
                found.iter().zip(answers).map(told).collect()
            }
            _ => found.iter().map(|lookup| self.seen(lookup, default, format, target)).collect(),
        };
        let verdicts: Vec<(Lookup, Fact<bool>)> = found.iter().copied().zip(answers).collect();
        let violated = || verdicts.iter().filter(|(_, fact)| *fact == Ok(false));
        let shown: Vec<&Lookup> = if violated().next().is_some() && each_place_decides(&self.wanted)
        {
            violated().map(|(lookup, _)| lookup).collect()
        } else {
            found.iter().collect()
        };
        let observed: Vec<String> =
            shown.iter().map(|lookup| self.words(lookup, default, format)).collect();
        let facts = || verdicts.iter().map(|(_, fact)| fact.clone());
        let holds = match &self.wanted {
            Wanted::Some(_) => any(facts()),
            Wanted::Count(expect) => {
                let set = found.iter().filter(|lookup| matches!(lookup, Lookup::Set(_)));
                Ok(expect.holds_for(set.count() as u64))
            }
            _ => all(facts()),
        };
        // What stands in a part that could not be read may decide differently. A violation is only
        // certain when a value is seen that violates, and nothing unread can replace it.
        let seen = violated().any(|(lookup, _)| matches!(lookup, Lookup::Set(_)));
        let certain = seen && each_place_decides(&self.wanted) && !settings.unread_can_override();
        let holds = match (&holds, settings.unread.first()) {
            (Ok(true), Some(why)) => Err(why.clone()),
            (Ok(false), Some(why)) if !certain => Err(why.clone()),
            _ => holds,
        };
        let steps = || {
            violated()
                .filter_map(|(lookup, _)| advice(target, |target| self.repair(lookup, target)))
        };
        Assertion::of(subject, &self.path)
            .expected(self.show())
            .observed(observed.join(", "))
            .seen(shown.iter().map(|lookup| self.sighting(lookup)))
            .decide(holds)
            .repaired_by(steps)
    }

    fn words(&self, lookup: &Lookup, default: Option<&str>, format: &Format) -> String {
        let meaning = |spellings: &[&str]| match self.is_beyond(spellings, format) {
            true => ", which means no limit",
            false => "",
        };
        match (lookup, default) {
            (Lookup::Set(setting), _) => {
                let meaning = meaning(&spellings(setting));
                let (value, place) = (self.shown(setting), place(&setting.at));
                format!("{} {value} ({place}){meaning}", setting.name)
            }
            (Lookup::NotSet(at), Some(default)) => {
                let (place, meaning) = (place(at), meaning(&[default]));
                format!("not set in {place}, so the default {default} applies{meaning}")
            }
            (Lookup::NotSet(at), None) => format!("not set in {}", place(at)),
        }
    }

    /// Whether the rule gives a limit, and the value is the one that means none.
    fn is_beyond(&self, spellings: &[&str], format: &Format) -> bool {
        let (kind, special) = ((format.kind)(&self.path), (format.special)(&self.path));
        let limited = self.wanted.expect().is_some_and(Expect::has_upper_limit);
        limited && special.no_limit(kind, spellings) == Ok(true)
    }

    fn sighting(&self, lookup: &Lookup) -> Sighting {
        match lookup {
            Lookup::Set(setting) => {
                let value = if self.hides(setting) { HIDDEN } else { &setting.value };
                let text = format!("{} {value}", setting.name);
                Sighting::line(&setting.at.file, setting.at.line, text)
            }
            Lookup::NotSet(at) => Sighting::line(&at.file, at.line, "not set"),
        }
    }

    /// A value as it may be shown.
    fn shown<'a>(&self, setting: &'a Setting) -> &'a str {
        match setting.value.as_str() {
            "" => "\"\"",
            _ if self.hides(setting) => HIDDEN,
            value => value,
        }
    }

    /// Whether a value is nobody's business.
    fn hides(&self, setting: &Setting) -> bool {
        secrets::is_secret_value(&self.path, &setting.value)
    }

    fn show(&self) -> String {
        // A value that holds would be told by what is expected.
        let secret = secrets::is_secret_setting(&self.path);
        match &self.wanted {
            Wanted::Count(_) | Wanted::Set(_) => self.wanted.show(),
            _ if secret => format!("as the rule says, {HIDDEN}"),
            wanted => wanted.show(),
        }
    }

    /// Whether it holds, as far as the value is told at all: a recording leaves secrets out.
    fn seen(
        &self,
        lookup: &Lookup,
        default: Option<&str>,
        format: &Format,
        target: &dyn Target,
    ) -> Fact<bool> {
        if self.wanted.expect().is_some() {
            self.told(lookup, target)?;
        }
        self.holds(lookup, default, format)
    }

    /// A recording leaves secrets out.
    fn told(&self, lookup: &Lookup, target: &dyn Target) -> Fact<()> {
        let Lookup::Set(setting) = lookup else { return Ok(()) };
        let mut spellings = setting.also.iter().chain([&setting.value]);
        match spellings.find_map(|text| left_out(target, &self.path, text)) {
            Some(why) => Err(why),
            None => Ok(()),
        }
    }

    fn holds(&self, lookup: &Lookup, default: Option<&str>, format: &Format) -> Fact<bool> {
        let (kind, special) = ((format.kind)(&self.path), (format.special)(&self.path));
        let expect = match &self.wanted {
            Wanted::Set(wanted) => return Ok(matches!(lookup, Lookup::Set(_)) == *wanted),
            // Compared by their number and place by place.
            Wanted::Count(_) | Wanted::Members(..) => return Ok(true),
            Wanted::Every(expect) | Wanted::Some(expect) => expect,
        };
        match lookup {
            Lookup::Set(setting) => {
                let holds = expect.holds_for(&spellings(setting), kind, special);
                holds.map_err(|why| match self.hides(setting) {
                    true => Unknown::new(HIDDEN, why.cause),
                    false => why,
                })
            }
            Lookup::NotSet(_) => {
                let Some(default) = default else { return Ok(false) };
                // A default of no is as good as one of false, as it is for a value that is set.
                let also = match format.name {
                    "systemd" => crate::formats::systemd::same_default(&self.path, default),
                    _ => Vec::new(),
                };
                let also = also.iter().map(String::as_str);
                let spellings: Vec<&str> = std::iter::once(default).chain(also).collect();
                expect.holds_for(&spellings, kind, special)
            }
        }
    }

    /// A sed command for the very line, when the line says exactly what is to be replaced.
    fn repair(&self, lookup: &Lookup, target: &dyn Target) -> Option<String> {
        let (Lookup::Set(setting), Wanted::Every(expect)) = (lookup, &self.wanted) else {
            return None;
        };
        if self.hides(setting) {
            return None;
        }
        let wanted = expect.wanted()?.show();
        let Location { file, line } = &setting.at;
        let content = target.read_marked(file).ok()??;
        let text = String::from_utf8_lossy(&content);
        let there = text.lines().nth((*line as usize).checked_sub(1)?)?;
        // A short spelling (`80` of `80 default_server`) keeps the words behind it.
        let old = setting
            .also
            .iter()
            .chain([&setting.value])
            .find(|old| there.contains(old.as_str()) && !old.is_empty())?;
        let safe =
            |s: &str| s.chars().all(|c| c.is_ascii_alphanumeric() || " _-:/@%+,=".contains(c));
        let (name, old) = (&setting.name, old.as_str());
        let gap = there.split_once(name.as_str())?.1.split_once(old)?.0;
        let fits = [name, old, wanted.as_str(), gap].iter().all(|s| safe(s) || s.trim() != *s);
        let before = format!("{name}{gap}{old}");
        if !fits || !safe(&before) || !safe(&wanted) || !there.contains(&before) {
            return None;
        }
        let script = format!("{line}s|{before}|{name}{gap}{wanted}|");
        // `sed -i` writes a new file in the place of a link: the file behind it is named, or none.
        let end = route(target, file).ok()?.end.map(|(end, _)| end)?;
        Some(format!("sed -i {} {}", shell::quote(script.as_bytes()), shell::quote_path(&end)))
    }
}

/// The value as written, then all others that mean the same.
fn spellings(setting: &Setting) -> Vec<&str> {
    std::iter::once(&setting.value).chain(&setting.also).map(String::as_str).collect()
}

fn place(at: &Location) -> String {
    match at.line {
        0 => text::path(&at.file),
        line => format!("{}:{line}", text::path(&at.file)),
    }
}

/// Refuses limits with which no value of this kind could be compared, or that none can keep.
pub fn limits_are(node: &Node, kind: Kind, special: Special) -> Result<(), Diagnostic> {
    match &node.value {
        Value::Scalar(_) => Ok(()),
        Value::List(items) => items.iter().try_for_each(|item| limits_are(item, kind, special)),
        Value::Map(entries) => {
            entries.iter().try_for_each(|(key, value)| match (key.text.as_str(), &value.value) {
                ("at_most" | "at_least", Value::Scalar(scalar)) => {
                    let message = format!("`{}` cannot be compared here", scalar.text);
                    kind.accepts(&scalar.text)
                        .map_err(|why| Diagnostic::at(&value.span, message).label(why))?;
                    let none = special.no_limit(kind, &[&scalar.text]) == Ok(true);
                    if none && key.text == "at_most" {
                        let message = format!("no value is at most `{}` here", scalar.text);
                        return Err(Diagnostic::at(&value.span, message)
                            .label("means that there is no limit")
                            .help(format!("to demand just that, write `{}` alone", scalar.text)));
                    }
                    Ok(())
                }
                // A number of values, whatever they are.
                ("count", _) => Ok(()),
                _ => limits_are(value, kind, special),
            })
        }
    }
}

/// Takes `default:` out of a mapping, leaving the expectation.
fn split_default(node: &Node) -> Result<(Option<String>, Node), Diagnostic> {
    let Value::Map(entries) = &node.value else { return Ok((None, node.clone())) };
    let (default, rest): (Vec<_>, Vec<(Key, Node)>) =
        entries.iter().cloned().partition(|(key, _)| key.text == "default");
    let Some((_, value)) = default.first() else { return Ok((None, node.clone())) };
    let default = value.text("the value that applies where it is not set")?.to_owned();
    if rest.is_empty() {
        return Err(node.expected("what it must be, such as { is: 22, default: 22 }"));
    }
    Ok((Some(default), Node { span: node.span.clone(), value: Value::Map(rest) }))
}
