//! A set-valued setting, compared place by place.

use super::compare::Reading;
use super::wanted::Wanted;
use crate::facts::places::Place;
use crate::facts::settings::Setting;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::sets::{Between, Members};
use crate::policy::expect::{Expect, Term};
use crate::policy::operand::SettingValue;
use crate::policy::set::{SetOf, Word};

/// What the members of a set are compared with.
pub struct Compared<'a> {
    /// What is wanted of them.
    pub set: &'a SetOf<Expect<SettingValue>>,
    /// What separates them.
    pub between: Option<Between>,
    /// How the setting is read.
    pub reading: &'a Reading,
    /// What applies where it is not set.
    pub default: Option<&'a str>,
    /// Whether a setting that is not there is the set without members: in formats without an owner,
    /// who would put a default in its place.
    pub empty_if_unset: bool,
}

/// What one line of a setting has for members.
struct Line {
    /// Each in all its spellings.
    members: Vec<Vec<String>>,
    /// The value as a whole, where it is split: a pattern that must match nothing may be meant for it.
    whole: Option<String>,
    /// How the members stand to what is built in.
    base: Base,
}

/// What a line says of the members that are there without it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Base {
    /// It replaces them.
    Replaced,
    /// Its members are added.
    Added,
    /// Its members are taken away.
    Without,
}

impl Compared<'_> {
    /// Whether what one place says is as wanted.
    pub fn judge(&self, place: &Place) -> Fact<bool> {
        if !place.values.is_empty() {
            let lines: Vec<Line> =
                place.values.iter().map(|setting| self.of_setting(setting)).collect();
            return self.holds(&lines);
        }
        match self.default {
            Some(default) => self.holds(&[self.of_text(default)]),
            None if self.empty_if_unset => self.holds(&[]),
            None => Ok(false),
        }
    }

    fn holds(&self, lines: &[Line]) -> Fact<bool> {
        if let Some(line) = lines.iter().find(|line| line.base != Base::Replaced) {
            return match self.default {
                Some(default) => self.with_default(lines, default),
                None => self.without_default(line),
            };
        }
        self.holds_for(lines)
    }

    fn holds_for(&self, lines: &[Line]) -> Fact<bool> {
        let members = lines.iter().flat_map(|line| line.members.iter().map(|one| (one, false)));
        let wholes = lines.iter().flat_map(|line| &line.whole).map(|whole| vec![whole.clone()]);
        let wholes: Vec<Vec<String>> = wholes.collect();
        let found: Vec<(&Vec<String>, bool)> =
            members.chain(wholes.iter().map(|one| (one, true))).collect();
        let fits = |expect: &Expect<SettingValue>, (spellings, _): &(&Vec<String>, bool)| {
            let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
            self.reading.holds(expect, &spellings)
        };
        self.set.judge_but(&found, fits, |(_, whole)| *whole).holds
    }

    /// What the rule says for built in, with what lines add to it and take from it.
    fn with_default(&self, lines: &[Line], default: &str) -> Fact<bool> {
        let mut all = self.of_text(default).members;
        for line in lines {
            match line.base {
                Base::Replaced | Base::Added => all.extend(line.members.iter().cloned()),
                Base::Without => all.retain(|one| !line.members.contains(one)),
            }
        }
        self.holds_for(&[Line { members: all, whole: None, base: Base::Replaced }])
    }

    /// Without knowing what is built in, only what a line adds and takes away can be told.
    fn without_default(&self, line: &Line) -> Fact<bool> {
        let out = |expect: &Expect<SettingValue>| match expect {
            Expect::Term(Term::Is(value)) => {
                line.members.iter().any(|spellings| spellings.contains(&value.0))
            }
            _ => false,
        };
        let none = self.set.is_only(Word::None);
        if line.base == Base::Without && none && self.set.all_members().all(out) {
            return Ok(true);
        }
        if line.base == Base::Added && none {
            let added = Line { members: line.members.clone(), whole: None, base: Base::Replaced };
            if self.holds_for(&[added]) == Ok(false) {
                return Ok(false);
            }
        }
        let names: Vec<&str> =
            line.members.iter().filter_map(|one| one.first()).map(String::as_str).collect();
        let how = if line.base == Base::Without { "without" } else { "with" };
        let why = "what is built in is not known; say it with default:".to_owned();
        let what = format!("the built-in list {how} {}", names.join(", "));
        Err(Unknown::new(what, Cause::Unsupported(why)))
    }

    fn of_text(&self, text: &str) -> Line {
        match self.between {
            Some(between) => {
                let (members, base) = match between.members(text) {
                    Members::These(members) => (members, Base::Replaced),
                    Members::And(members) => (members, Base::Added),
                    Members::AllBut(members) => (members, Base::Without),
                };
                let members = members.into_iter().map(|one| vec![one]).collect();
                Line { members, whole: Some(text.to_owned()), base }
            }
            None => {
                Line { members: vec![vec![text.to_owned()]], whole: None, base: Base::Replaced }
            }
        }
    }

    /// Where nothing separates members, a line is one, in all its spellings.
    fn of_setting(&self, setting: &Setting) -> Line {
        let mut line = self.of_text(&setting.value);
        if self.between.is_none()
            && let Some(spellings) = line.members.first_mut()
        {
            spellings.extend(setting.also.iter().cloned());
        }
        line
    }
}

/// Formats whose files have no owner who knows defaults.
pub fn has_no_owner(format: &str) -> bool {
    ["json", "yaml", "toml", "ini", "env"].contains(&format)
}

/// Whether a violation of what is wanted can be seen in one place alone.
pub fn each_place_decides(wanted: &Wanted) -> bool {
    matches!(wanted, Wanted::Every(_) | Wanted::Set(_) | Wanted::Members(..))
}
