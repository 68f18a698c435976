//! What the value of a setting counts, and how two values are ordered.
//!
//! `3600` of a time and `2m` of a limit are numbers of different things until the format says that
//! the one counts seconds and the other minutes. So only values of one kind are compared; what
//! cannot be is no answer, neither yes nor no.

mod number;
mod open;
mod special;

use super::words::Words;
use number::{bare, bits, bytes, duration, number, octal, percent, quantity};
use open::{open, read};

pub use number::size;
pub use special::Special;

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The format does not say. Values can be compared when both are bare numbers, or both have
    /// units of one kind.
    Open,
    /// A number and nothing else.
    Number,
    /// A span of time.
    Duration {
        /// Microseconds that a number without unit counts.
        bare: u64,
    },
    /// A number of bytes.
    Size {
        /// Bytes that a number without unit counts.
        bare: u64,
    },
    /// Permission bits, octal. "At most" means no bit outside.
    Octal,
    /// A share in percent, which may be more than 100.
    Percent,
    /// Several values with a colon between them, such as a soft and a hard limit: each is compared.
    Parts(&'static Kind),
    /// A quantity of Kubernetes: `500m`, `2`, `1Gi`.
    Quantity,
    /// Words of the owner, some of which mean the same.
    Words(&'static Words),
    /// Text that the owner compares without regard to case.
    AnyCase,
    /// Words, which have no order.
    Text,
}

impl Kind {
    /// Times whose bare numbers are seconds.
    pub const SECONDS: Kind = Kind::Duration { bare: 1_000_000 };
    /// Sizes whose bare numbers are bytes.
    pub const BYTES: Kind = Kind::Size { bare: 1 };

    /// Whether a rule can compare such a value with this limit.
    ///
    /// # Errors
    /// What the limit should look like.
    pub fn accepts(self, limit: &str) -> Result<(), String> {
        let (known, such) = match self {
            Kind::Words(words) if words.others => return Kind::Open.accepts(limit),
            Kind::Parts(kind) => return limit.split(':').try_for_each(|part| kind.accepts(part)),
            Kind::Open => (read(limit).is_some(), "a number, a size or a time: 10, 4M, 90s"),
            Kind::Number => (number(limit).is_some(), "this setting is a number without a unit"),
            Kind::Duration { .. } => {
                (duration(limit).is_some() || bare(limit).is_some(), "a time such as 90s, 2m or 1h")
            }
            Kind::Size { .. } => (bytes(limit).is_some(), "a size such as 512, 4K, 10M or 2G"),
            Kind::Octal => (octal(limit).is_some(), "permission bits such as \"0640\""),
            Kind::Percent => (percent(limit).is_some(), "a share such as 50%"),
            Kind::Quantity => (quantity(limit).is_some(), "a quantity such as 500m, 2 or 1Gi"),
            Kind::Text | Kind::AnyCase | Kind::Words(_) => {
                (false, "values of this setting have no order")
            }
        };
        if known { Ok(()) } else { Err(such.to_owned()) }
    }

    /// Whether a rule can ask whether such a value is this word at all.
    ///
    /// # Errors
    /// What the owner takes instead.
    pub fn takes(self, spellings: &[&str]) -> Result<(), String> {
        match self {
            Kind::Words(words) if !words.others => {
                match spellings.iter().any(|word| words.canonical(word).is_some()) {
                    true => Ok(()),
                    false => Err(format!("it can be {}", words.listed())),
                }
            }
            _ => Ok(()),
        }
    }

    /// Whether a value, in several spellings, is what a rule's word means, the word being read by
    /// the same owner into several spellings, the first of which is the one written.
    pub fn same(self, spellings: &[&str], word: &[&str]) -> bool {
        let Some(first) = word.first() else { return false };
        if spellings.contains(first) {
            return true;
        }
        match self {
            Kind::Words(words) => {
                words.canonical(first).is_some_and(|wanted| {
                    spellings.iter().any(|text| words.canonical(text) == Some(wanted))
                }) || words.any_case
                    && spellings.iter().any(|text| text.eq_ignore_ascii_case(first))
            }
            Kind::AnyCase => spellings.iter().any(|text| text.eq_ignore_ascii_case(first)),
            Kind::Open | Kind::Text => false,
            Kind::Parts(kind) => {
                let parts = |text: &str| text.split(':').map(str::to_owned).collect::<Vec<_>>();
                let wanted = parts(first);
                spellings.iter().map(|text| parts(text)).any(|is| {
                    is.len() == wanted.len()
                        && is.iter().zip(&wanted).all(|(is, wanted)| kind.same(&[is], &[wanted]))
                })
            }
            Kind::Octal => match (bits(spellings), bits(word)) {
                (Some(is), Some(wanted)) => is == wanted,
                _ => false,
            },
            _ => match (self.count(spellings), self.count(word)) {
                (Some(is), Some(wanted)) => is == wanted,
                _ => false,
            },
        }
    }

    /// The number that a value counts, in millionths of the smallest unit. Of several spellings the
    /// one that the format has made of the value is exact, so the last of them that is a number
    /// without a unit comes first.
    fn count(self, spellings: &[&str]) -> Option<i128> {
        match self {
            Kind::Number => spellings.iter().rev().find_map(|text| number(text)),
            Kind::Percent => spellings.iter().find_map(|text| percent(text)),
            Kind::Quantity => spellings.iter().find_map(|text| quantity(text)),
            Kind::Duration { bare: unit } => {
                let unit = i128::from(unit);
                let plain = spellings.iter().rev().find_map(|text| bare(text)?.checked_mul(unit));
                plain.or_else(|| spellings.iter().find_map(|text| duration(text)))
            }
            Kind::Size { bare: unit } => {
                let unit = i128::from(unit);
                let exact = |text: &&str| bare(text.strip_suffix('B')?);
                let plain = |text: &&str| bare(text)?.checked_mul(unit);
                let is = spellings.iter().find_map(exact);
                let is = is.or_else(|| spellings.iter().rev().find_map(plain));
                is.or_else(|| spellings.iter().find_map(|text| bytes(text)))
            }
            _ => None,
        }
    }

    /// Whether an observed value is at most, and at least, the limit. Of the spellings of the
    /// observed value one must be of this kind.
    ///
    /// # Errors
    /// Why the two cannot be compared.
    pub fn compare(self, spellings: &[&str], limit: &str) -> Result<Order, String> {
        self.compare_read(spellings, &[limit])
    }

    /// [`Kind::compare`] with a limit that the owner has read into several spellings.
    ///
    /// # Errors
    /// Why the two cannot be compared.
    pub fn compare_read(self, spellings: &[&str], limit: &[&str]) -> Result<Order, String> {
        let written = limit.first().copied().unwrap_or_default();
        let missing = || self.not().to_owned();
        let wrong = || format!("the limit `{written}` is {}", self.not());
        match self {
            Kind::Words(words) if words.others => open(spellings, written),
            Kind::Open => open(spellings, written),
            Kind::Text | Kind::AnyCase | Kind::Words(_) => {
                Err("values of this setting have no order".to_owned())
            }
            Kind::Parts(kind) => {
                let is: Vec<&str> =
                    spellings.first().copied().unwrap_or_default().split(':').collect();
                let limits: Vec<&str> = written.split(':').collect();
                let mut order = Order { at_most: true, at_least: true };
                for (index, part) in is.iter().enumerate() {
                    // One limit is one for each part.
                    let limit = match limits.as_slice() {
                        [only] => only,
                        several => several.get(index).ok_or_else(wrong)?,
                    };
                    let one = kind.compare(&[part], limit)?;
                    order.at_most &= one.at_most;
                    order.at_least &= one.at_least;
                }
                Ok(order)
            }
            Kind::Octal => {
                let is = bits(spellings).ok_or_else(missing)?;
                let limit = bits(limit).ok_or_else(wrong)?;
                Ok(Order { at_most: is & !limit == 0, at_least: limit & !is == 0 })
            }
            _ => {
                let is = self.count(spellings).ok_or_else(missing)?;
                Ok(Order::of(&is, &self.count(limit).ok_or_else(wrong)?))
            }
        }
    }

    fn not(self) -> &'static str {
        match self {
            Kind::Duration { .. } => "no span of time that can be compared",
            Kind::Size { .. } => "no size that can be compared",
            Kind::Octal => "no octal permission bits",
            Kind::Percent => "no share in percent",
            _ => "no number that can be compared",
        }
    }
}

/// How an observed value stands to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// It is the limit or less.
    pub at_most: bool,
    /// It is the limit or more.
    pub at_least: bool,
}

impl Order {
    fn of<T: Ord>(is: &T, limit: &T) -> Self {
        Self { at_most: is <= limit, at_least: is >= limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at_most(kind: Kind, spellings: &[&str], limit: &str) -> Option<bool> {
        kind.compare(spellings, limit).ok().map(|order| order.at_most)
    }

    #[test]
    fn a_time_is_compared_as_a_time() {
        let seconds = Kind::SECONDS;
        assert_eq!(at_most(seconds, &["3600"], "2m"), Some(false));
        assert_eq!(at_most(seconds, &["120"], "2m"), Some(true));
        assert_eq!(at_most(seconds, &["2m", "120"], "119"), Some(false));
        assert_eq!(at_most(seconds, &["1h 30min"], "1d"), Some(true));
        assert_eq!(at_most(seconds, &["500ms"], "1s"), Some(true));
        assert_eq!(at_most(seconds, &["infinity"], "1s"), None);
        assert!(seconds.accepts("2G").is_err() && seconds.accepts("1h30m").is_ok());
    }

    #[test]
    fn a_size_is_compared_as_a_size() {
        assert_eq!(at_most(Kind::BYTES, &["10m", "10000000", "10000000B"], "9765K"), Some(false));
        assert_eq!(at_most(Kind::BYTES, &["10m"], "16M"), Some(true));
        assert_eq!(
            at_most(Kind::Size { bare: 8192 }, &["16384", "134217728B"], "128M"),
            Some(true)
        );
        assert_eq!(
            at_most(Kind::Size { bare: 8192 }, &["16384", "134217728B"], "16383"),
            Some(false)
        );
        assert!(Kind::BYTES.accepts("90s").is_err());
    }

    #[test]
    fn bits_are_compared_as_bits() {
        assert_eq!(at_most(Kind::Octal, &["0707"], "0770"), Some(false));
        assert_eq!(at_most(Kind::Octal, &["022", "18"], "027"), Some(true));
        assert_eq!(Kind::Octal.compare(&["0700"], "0600").map(|o| o.at_least), Ok(true));
    }

    #[test]
    fn where_nothing_is_known_only_what_is_written_alike_is_compared() {
        let open = |is, limit| at_most(Kind::Open, &[is], limit);
        assert_eq!(open("5", "6"), Some(true));
        assert_eq!(open("-1", "2"), Some(true));
        assert_eq!(open("5m", "6m"), Some(true));
        assert_eq!(open("5m", "1h"), Some(true));
        assert_eq!(open("5m", "1G"), Some(true));
        assert_eq!(open("90s", "1m"), Some(false));
        for (is, limit) in
            [("3600", "2m"), ("2m", "3600"), ("5s", "1G"), ("022", "27"), ("auto", "4"), ("", "1")]
        {
            assert_eq!(open(is, limit), None, "{is} {limit}");
        }
    }

    #[test]
    fn zero_may_mean_that_there_is_no_limit() {
        let zero = |kind, text| Special::ZeroIsNoLimit.no_limit(kind, &[text]).unwrap();
        for text in ["0", "00", "0s", "0min"] {
            assert!(zero(Kind::SECONDS, text), "{text}");
        }
        assert!(zero(Kind::BYTES, "0k") && zero(Kind::Number, "0") && zero(Kind::Open, "0"));
        assert!(!zero(Kind::SECONDS, "1ms") && !zero(Kind::SECONDS, "none"));
        let below = |text| Special::NegativeIsNoLimit.no_limit(Kind::BYTES, &[text]).unwrap();
        assert!(below("-1") && below(" -1") && !below("0") && !below("-"));
        assert!(Special::ZeroIsElsewhere.no_limit(Kind::SECONDS, &["0"]).is_err());
        assert_eq!(Special::ZeroIsElsewhere.no_limit(Kind::SECONDS, &["1"]), Ok(false));
    }

    #[test]
    fn a_number_has_no_unit() {
        assert_eq!(at_most(Kind::Number, &["-1"], "2"), Some(true));
        assert_eq!(at_most(Kind::Number, &["4k"], "2"), None);
        assert!(Kind::Number.accepts("2m").is_err());
        assert!(Kind::Text.accepts("2").is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "([0-9]{0,25}[a-zA-Z ]{0,4}){0,3}|\\PC*", limit in "[0-9]{0,20}[a-zA-Z]{0,3}") {
            for kind in [Kind::Open, Kind::Number, Kind::SECONDS, Kind::BYTES, Kind::Octal, Kind::Text] {
                let order = kind.compare(&[&text], &limit);
                // What can be compared with a limit is compared with a limit that lint accepts.
                prop_assert!(order.is_err() || kind.accepts(&limit).is_ok(), "{kind:?} {limit}");
            }
        }
    }
}
