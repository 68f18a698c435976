//! One setting of a configuration file against what a rule wants of it.

use super::compare::Reading;
use super::places::{Compared, each_place_decides, has_no_owner};
use super::wanted::Wanted;
use crate::facts::places::{Place, without_labels};
use crate::facts::settings::{Location, Setting, Settings, Undecided};
use crate::facts::{Cause, Fact, Unknown, all, any};
use crate::formats::Format;
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::host::route::route;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::{Expect, Operand};
use crate::policy::node::{Key, Node, Value};
use crate::policy::operand::SettingValue;
use crate::rules::guard_gaps::advice;
use crate::text::secrets::{self, HIDDEN};
use crate::text::{self, shell};
use crate::verdict::{Assertion, Evidence, Subject};

/// What a rule wants of one setting.
pub struct SettingTest {
    path: String,
    reading: Reading,
    wanted: Wanted,
    /// What applies where it is not set, as the policy says.
    default: Option<String>,
}

/// What one place says, what applies where it says nothing, and whether that is as wanted.
struct Answer<'p, 'a> {
    place: &'p Place<'a>,
    default: Fact<Option<String>>,
    holds: Fact<bool>,
    /// The path leads to no block at all.
    nowhere: bool,
}

impl SettingTest {
    /// Reads what stands behind a setting's path.
    pub fn parse(path: &str, node: &Node, format: &Format) -> Result<Self, Diagnostic> {
        let (default, node) = split_default(node)?;
        let plain = without_labels(path);
        let reading = Reading::of(&plain, format);
        reading.check(&node)?;
        let wanted = Wanted::parse(&plain, &node, format)?;
        Ok(Self { path: path.to_owned(), reading, wanted, default })
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
        let places = settings.places(&self.path);
        let nowhere = places.iter().all(|place| place.missing.is_some());
        let answers: Vec<Answer> = places
            .iter()
            .map(|place| Answer {
                place,
                default: self.default(place, settings, format),
                holds: Ok(false),
                nowhere,
            })
            .map(|answer| Answer {
                holds: self.answer(&answer, settings, format, target),
                ..answer
            })
            .collect();
        let violated = || answers.iter().filter(|answer| answer.holds == Ok(false));
        let shown: Vec<&Answer> = match violated().next() {
            Some(_) if each_place_decides(&self.wanted) => violated().collect(),
            _ => answers.iter().collect(),
        };
        let culprits = shown.iter().map(|answer| (*answer, self.culprits(answer)));
        let culprits: Vec<(&Answer, Vec<&Setting>)> = culprits.collect();
        let observed: Vec<String> = culprits
            .iter()
            .flat_map(|(answer, values)| self.words(answer, values, settings))
            .collect();
        let facts = answers.iter().map(|answer| answer.holds.clone());
        let holds = match &self.wanted {
            Wanted::Some(_) => any(facts),
            Wanted::Count(expect) => {
                let count = answers.iter().map(|answer| answer.place.values.len()).sum::<usize>();
                Ok(expect.holds_for(count as u64))
            }
            _ => all(facts),
        };
        // What stands in a part that could not be read may decide differently. A violation is only
        // certain when a value is seen that violates, and nothing unread can replace it.
        let seen = violated().any(|answer| !answer.place.values.is_empty());
        let certain = seen && each_place_decides(&self.wanted);
        let open = self.undecided(settings);
        let replaced = open.as_ref().is_some_and(|open| !open.adds);
        let unread = settings.unread.first().map(|why| (why, !settings.unread_can_override()));
        let gap = unread.or(open.map(|open| (&open.why, !replaced)));
        let holds = match (&holds, gap) {
            (Ok(true), Some((why, _))) => Err(why.clone()),
            (Ok(false), Some((why, stays))) if !(certain && stays) => Err(why.clone()),
            _ => holds,
        };
        let steps = || {
            let values = violated().flat_map(|answer| self.culprits(answer));
            values.filter_map(|setting| advice(target, |target| self.repair(setting, target)))
        };
        let refused = self.refused(settings);
        let passed_over = refused.iter().map(|setting| {
            let (value, place) = (self.shown(setting), place(&setting.at));
            format!("{} {value} ({place}) is passed over, being no value of it", setting.name)
        });
        let observed: Vec<String> = observed.into_iter().chain(passed_over).collect();
        let refused = refused.iter().map(|setting| {
            let text = format!("{} {}", setting.name, self.shown(setting));
            Evidence::line(&setting.at.file, setting.at.line, text)
        });
        let evidence = culprits.iter().flat_map(|(answer, values)| self.evidence(answer, values));
        Assertion::of(subject, &self.path)
            .expected(self.show())
            .observed(observed.join(", "))
            .seen(evidence)
            .seen(refused)
            .decide(holds)
            .repaired_by(steps)
    }

    /// What is known of a setting that cannot be told as a whole.
    fn undecided<'a>(&self, settings: &'a Settings) -> Option<&'a Undecided> {
        let path = without_labels(&self.path);
        let name = path.rsplit('.').next().unwrap_or_default().trim_matches('"');
        settings.undecided.iter().find(|open| settings.same_name(&open.name, name) || name == "*")
    }

    /// Lines about the setting that its owner passes over.
    fn refused<'a>(&self, settings: &'a Settings) -> Vec<&'a Setting> {
        let path = without_labels(&self.path);
        let name = path.rsplit('.').next().unwrap_or_default().trim_matches('"');
        settings.refused.iter().filter(|line| settings.same_name(&line.name, name)).collect()
    }

    /// The value that applies where a place says nothing: the policy's, or the daemon's own. None of
    /// the daemon's for a block that is not there, and none in a part of a configuration.
    fn default(&self, place: &Place, settings: &Settings, format: &Format) -> Fact<Option<String>> {
        if place.missing.is_some() && settings.things {
            return Ok(None);
        }
        if self.default.is_some() {
            return Ok(self.default.clone());
        }
        let default = format.default_of(&without_labels(&self.path));
        match default {
            Some(_) if settings.part => {
                let why = "a part of a configuration: what it does not set another part may; ask the main file";
                let file = settings.root.at.file.display().to_string();
                Err(Unknown::new(file, Cause::Unsupported(why.into())))
            }
            default => Ok(default.map(str::to_owned)),
        }
    }

    /// Whether a place is as wanted.
    fn answer(
        &self,
        answer: &Answer,
        settings: &Settings,
        format: &Format,
        target: &dyn Target,
    ) -> Fact<bool> {
        let place = answer.place;
        let is_there = !place.values.is_empty() || !place.blocks.is_empty();
        let expect = match &self.wanted {
            Wanted::Set(wanted) => {
                // A block on the way that nobody has may be one that is spelled otherwise.
                return match (wanted, place.missing.as_ref().filter(|_| settings.things)) {
                    (false, Some(name)) => Err(nowhere(name, place)),
                    _ => Ok(is_there == *wanted),
                };
            }
            // Compared by their number.
            Wanted::Count(_) => return Ok(true),
            Wanted::Members(set, between) => {
                for setting in &place.values {
                    self.told(setting, target)?;
                }
                let blocks = place.blocks.iter().all(|block| block.empty_list);
                if place.values.is_empty() && !blocks {
                    return Err(a_block(place));
                }
                let default = answer.default.clone()?;
                let compared = Compared {
                    set,
                    between: *between,
                    reading: &self.reading,
                    default: default.as_deref(),
                    empty_if_unset: !answer.nowhere && has_no_owner(format.name)
                        || !place.blocks.is_empty(),
                };
                return compared.judge(place);
            }
            Wanted::Every(expect) | Wanted::Some(expect) => expect,
        };
        if !place.values.is_empty() {
            let each = place.values.iter().map(|setting| self.value(expect, setting, target));
            return if matches!(self.wanted, Wanted::Some(_)) { any(each) } else { all(each) };
        }
        if !place.blocks.is_empty() {
            return match place.blocks.iter().all(|block| block.empty_list) {
                // None of its elements is anything.
                true => expect.holds(&mut |_| Ok(false)),
                false => Err(a_block(place)),
            };
        }
        match answer.default.clone()? {
            Some(default) => self.reading.text_holds(expect, &default),
            None => Ok(false),
        }
    }

    /// Whether one value is as expected, as far as it is told at all: a recording leaves secrets out.
    fn value(
        &self,
        expect: &Expect<SettingValue>,
        setting: &Setting,
        target: &dyn Target,
    ) -> Fact<bool> {
        self.told(setting, target)?;
        self.reading.holds(expect, &self::spellings(setting)).map_err(|why| {
            match self.hides(setting) {
                true => Unknown::new(HIDDEN, why.cause),
                false => why,
            }
        })
    }

    /// A recording leaves secrets out.
    fn told(&self, setting: &Setting, target: &dyn Target) -> Fact<()> {
        let mut spellings = setting.also.iter().chain([&setting.value]);
        spellings.find_map(|text| left_out(target, &self.path, text)).map_or(Ok(()), Err)
    }

    /// The values of a place that are to be shown: where it is violated, those that do it.
    fn culprits<'a>(&self, answer: &Answer<'_, 'a>) -> Vec<&'a Setting> {
        let values = &answer.place.values;
        match &self.wanted {
            Wanted::Every(expect) if answer.holds == Ok(false) => {
                let wrong = |setting: &&Setting| {
                    self.reading.holds(expect, &spellings(setting)) == Ok(false)
                };
                values.iter().copied().filter(wrong).collect()
            }
            _ => values.clone(),
        }
    }

    fn words(&self, answer: &Answer, values: &[&Setting], settings: &Settings) -> Vec<String> {
        let meaning = |spellings: &[&str]| match self.is_beyond(spellings) {
            true => ", which means no limit",
            false => "",
        };
        if !values.is_empty() {
            let show = |setting: &&Setting| {
                let meaning = meaning(&spellings(setting));
                let (value, place) = (self.shown(setting), place(&setting.at));
                format!("{} {value} ({place}){meaning}", setting.name)
            };
            return values.iter().map(show).collect();
        }
        let place = place(answer.place.at);
        let blocks = answer.place.blocks.iter();
        let blocks: Vec<String> = blocks
            .map(|block| {
                let what = if block.empty_list { "an empty list" } else { "a block" };
                format!("{} is {what} ({})", block.name, self::place(&block.at))
            })
            .collect();
        if !blocks.is_empty() {
            return blocks;
        }
        let said = match (&answer.place.missing, &answer.default) {
            (Some(name), _) if settings.things => format!("no {name} in {place}"),
            (_, Ok(Some(default))) if !matches!(self.wanted, Wanted::Set(_)) => {
                let meaning = meaning(&[default]);
                format!("not set in {place}, so the default {default} applies{meaning}")
            }
            (Some(name), _) => format!("not set: no {name} in {place}"),
            _ => format!("not set in {place}"),
        };
        vec![said]
    }

    /// Whether the rule gives a limit, and the value is the one that means none.
    fn is_beyond(&self, spellings: &[&str]) -> bool {
        let limited = self.wanted.expect().is_some_and(Expect::has_upper_limit);
        limited && self.reading.is_no_limit(spellings)
    }

    fn evidence(&self, answer: &Answer, values: &[&Setting]) -> Vec<Evidence> {
        let show = |setting: &&Setting| {
            let value = if self.hides(setting) { HIDDEN } else { &setting.value };
            let text = format!("{} {value}", setting.name);
            Evidence::line(&setting.at.file, setting.at.line, text)
        };
        if !values.is_empty() {
            return values.iter().map(show).collect();
        }
        if let Some(block) = answer.place.blocks.first() {
            return vec![Evidence::line(&block.at.file, block.at.line, block.name.clone())];
        }
        let at = answer.place.at;
        vec![Evidence::line(&at.file, at.line, "not set")]
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

    /// A sed command for the very line, when the line says exactly what is to be replaced.
    fn repair(&self, setting: &Setting, target: &dyn Target) -> Option<String> {
        let Wanted::Every(expect) = &self.wanted else { return None };
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

/// The unknown for a path that leads to no block.
fn nowhere(name: &str, place: &Place) -> Unknown {
    let why = format!("there is no block {name} here, so the path leads nowhere");
    Unknown::new(self::place(place.at), Cause::Unsupported(why))
}

/// The unknown for a block where a value is asked for.
fn a_block(place: &Place) -> Unknown {
    let block = place.blocks.first();
    let (name, at) = block.map_or(("it", place.at), |block| (block.name.as_str(), &block.at));
    Unknown::new(self::place(at), Cause::Unsupported(format!("{name} is a block, not a value")))
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
