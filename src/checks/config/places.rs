//! A set-valued setting, compared place by place.

use super::wanted::Wanted;
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Lookup, Setting, Settings};
use crate::formats::sets::Between;
use crate::policy::expect::Expect;
use crate::policy::operand::SettingValue;
use crate::policy::set::SetOf;

/// What the members of a set are compared with.
pub struct Compared<'a> {
    /// What is wanted of them.
    pub set: &'a SetOf<Expect<SettingValue>>,
    /// What separates them.
    pub between: Option<Between>,
    /// What the setting counts.
    pub kind: Kind,
    /// What means "no limit".
    pub special: Special,
    /// What applies where it is not set.
    pub default: Option<&'a str>,
    /// Whether a setting that is not there is the set without members: in formats without an owner,
    /// who would put a default in its place.
    pub empty_if_unset: bool,
}

/// The answer for each lookup: that of the place in which it stands.
pub fn judge<'a>(
    settings: &'a Settings,
    found: &[Lookup<'a>],
    compared: &Compared,
) -> Vec<Fact<bool>> {
    let places: Vec<Option<*const Block>> = found
        .iter()
        .map(|lookup| match lookup {
            Lookup::Set(setting) => block_of(&settings.root, setting).map(std::ptr::from_ref),
            Lookup::NotSet(_) => None,
        })
        .collect();
    let answer = |(index, lookup): (usize, &Lookup)| match lookup {
        Lookup::NotSet(at) => {
            // A path whose blocks are not there at all leads to the file itself.
            let no_place = std::ptr::eq(*at, &raw const settings.root.at);
            match compared.default {
                Some(default) => compared.holds(&compared.of_text(default)),
                None if compared.empty_if_unset && !no_place => compared.holds(&[]),
                None => Ok(false),
            }
        }
        Lookup::Set(_) => {
            let place = places.get(index).copied().flatten();
            let members: Vec<Vec<&str>> = found
                .iter()
                .zip(&places)
                .filter(|(_, other)| place.is_some() && **other == place)
                .filter_map(|(lookup, _)| match lookup {
                    Lookup::Set(setting) => Some(*setting),
                    Lookup::NotSet(_) => None,
                })
                .flat_map(|setting| compared.of_setting(setting))
                .collect();
            compared.holds(&members)
        }
    };
    found.iter().enumerate().map(answer).collect()
}

impl Compared<'_> {
    fn holds(&self, members: &[Vec<&str>]) -> Fact<bool> {
        let fits = |expect: &Expect<SettingValue>, spellings: &Vec<&str>| {
            expect.holds_for(spellings, self.kind, self.special)
        };
        self.set.judge(members, fits).holds
    }

    /// The members of a text, each in its one spelling.
    fn of_text<'a>(&self, text: &'a str) -> Vec<Vec<&'a str>> {
        match self.between {
            Some(between) => between.members(text).into_iter().map(|one| vec![one]).collect(),
            None => vec![vec![text]],
        }
    }

    /// The members of a line; where nothing separates any, the line is one, in all its spellings.
    fn of_setting<'a>(&self, setting: &'a Setting) -> Vec<Vec<&'a str>> {
        match self.between {
            Some(_) => self.of_text(&setting.value),
            None => {
                let also = setting.also.iter().map(String::as_str);
                vec![std::iter::once(setting.value.as_str()).chain(also).collect()]
            }
        }
    }
}

/// The block that a setting stands in.
fn block_of<'a>(block: &'a Block, setting: &Setting) -> Option<&'a Block> {
    match block.settings.iter().any(|one| std::ptr::eq(one, setting)) {
        true => Some(block),
        false => block.blocks.iter().find_map(|inner| block_of(inner, setting)),
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
