//! Values that mean that there is no limit.

use super::Kind;

/// Which numbers of a setting do not count anything.
///
/// `LoginGraceTime 0` is no short time but no limit at all: it must not pass for `at_most: 2m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    /// None: each number means itself.
    None,
    /// 0 means without limit, or never.
    ZeroIsNoLimit,
    /// Numbers below 0 (mostly -1) mean without limit, or never.
    NegativeIsNoLimit,
    /// 0 leaves it to the operating system, so that the number is written elsewhere.
    ZeroIsElsewhere,
    /// `infinity` means without limit.
    Infinity,
    /// 0 and `infinity` mean without limit.
    ZeroOrInfinity,
}

impl Special {
    /// Whether a value of this kind means that there is no limit.
    ///
    /// # Errors
    /// Why that cannot be told: the number that counts is written elsewhere.
    pub fn no_limit(self, kind: Kind, spellings: &[&str]) -> Result<bool, String> {
        let zero =
            || kind.compare(spellings, "0").is_ok_and(|order| order.at_most && order.at_least);
        match self {
            Special::None => Ok(false),
            Special::ZeroIsNoLimit => Ok(zero()),
            Special::NegativeIsNoLimit => Ok(spellings.iter().any(|text| is_negative(text))),
            Special::Infinity => Ok(Special::is_infinite(spellings)),
            Special::ZeroOrInfinity => Ok(Special::is_infinite(spellings) || zero()),
            Special::ZeroIsElsewhere if zero() => {
                Err("0 leaves it to the operating system".to_owned())
            }
            Special::ZeroIsElsewhere => Ok(false),
        }
    }

    /// Whether a value is more than every limit, and so at least each of them.
    pub fn is_endless(self, spellings: &[&str]) -> bool {
        matches!(self, Special::Infinity | Special::ZeroOrInfinity)
            && Special::is_infinite(spellings)
    }

    /// All parts of a value: one that is infinite has no limit where the other one has.
    fn is_infinite(spellings: &[&str]) -> bool {
        spellings.iter().any(|text| text.split(':').any(|part| part == "infinity"))
    }
}

fn is_negative(text: &str) -> bool {
    let digits = text.trim().strip_prefix('-').unwrap_or_default();
    digits.starts_with(|c: char| c.is_ascii_digit())
}
