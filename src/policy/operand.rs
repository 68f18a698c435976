//! The types of value that conditions compare.

use super::expect::{Expect, Operand, Term};
use super::mode::ModeExpectation;
use super::node::Scalar;
use crate::facts::quantity;
use std::fmt;

/// Any text, compared literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(pub String);

impl Operand for Text {
    const WHAT: &'static str = "a text";
    const ORDERED: bool = false;
    const TEXTUAL: bool = true;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        Ok(Text(scalar.text.clone()))
    }

    fn show(&self) -> String {
        if self.0.is_empty() { "\"\"".into() } else { self.0.clone() }
    }
}

impl Expect<Text> {
    /// Whether `observed` is as expected.
    pub fn holds_for(&self, observed: &str) -> bool {
        let answer = self.holds(&mut |term| {
            Ok(match term {
                Term::Is(text) => text.0 == observed,
                Term::Matches(pattern) => pattern.is_match(observed),
                // Not ordered: the parser refuses these for text.
                Term::AtMost(_) | Term::AtLeast(_) => false,
            })
        });
        answer.unwrap_or(false)
    }
}

/// An absolute path: what only a whole path can be equal to, `nginx` never is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbsolutePath(pub String);

impl Operand for AbsolutePath {
    const WHAT: &'static str = "an absolute path";
    const ORDERED: bool = false;
    const TEXTUAL: bool = true;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        match scalar.text.starts_with('/') && !scalar.text.contains('\0') {
            true => Ok(AbsolutePath(scalar.text.clone())),
            false => Err("it begins with /, such as /usr/sbin/nginx".into()),
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl Expect<AbsolutePath> {
    /// Whether `observed` is as expected.
    pub fn holds_for(&self, observed: &str) -> bool {
        let answer = self.holds(&mut |term| {
            Ok(match term {
                Term::Is(path) => path.0 == observed,
                Term::Matches(pattern) => pattern.is_match(observed),
                // Not ordered: the parser refuses these for paths.
                Term::AtMost(_) | Term::AtLeast(_) => false,
            })
        });
        answer.unwrap_or(false)
    }
}

/// A whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(pub u64);

impl Operand for Number {
    const WHAT: &'static str = "a whole number";
    const ORDERED: bool = true;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        let digits = !scalar.text.is_empty() && scalar.text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits { scalar.text.parse().ok() } else { None };
        number.map(Number).ok_or_else(|| "digits only".into())
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// A number with at most one digit behind the point, in tenths: `3`, `3.5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tenths(pub u64);

impl Operand for Tenths {
    const WHAT: &'static str = "a number with one digit behind the point";
    const ORDERED: bool = true;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        let (whole, tenth) = scalar.text.split_once('.').unwrap_or((&scalar.text, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let number = || {
            let whole: u64 = whole.parse().ok()?;
            whole.checked_mul(10)?.checked_add(tenth.parse().ok()?)
        };
        match digits(whole) && digits(tenth) && tenth.len() == 1 {
            true => number().map(Tenths).ok_or_else(|| "too large".into()),
            false => Err("such as 3 or 3.5".into()),
        }
    }

    fn show(&self) -> String {
        format!("{}.{}", self.0 / 10, self.0 % 10)
    }
}

/// A number of bytes: `512`, `4K`, `10M`, `2G` (powers of 1024).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Operand for Size {
    const WHAT: &'static str = "a size in bytes";
    const ORDERED: bool = true;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        quantity::size(&scalar.text).map(Size).ok_or_else(|| "such as 512, 4K, 10M or 2G".into())
    }

    fn show(&self) -> String {
        format!("{} bytes", self.0)
    }
}

macro_rules! holds_by_order {
    ($($operand:ident),*) => {$(
        impl Expect<$operand> {
            /// Whether `observed` is as expected.
            pub fn holds_for(&self, observed: u64) -> bool {
                let answer = self.holds(&mut |term| Ok(match term {
                    Term::Is(value) => observed == value.0,
                    Term::AtMost(value) => observed <= value.0,
                    Term::AtLeast(value) => observed >= value.0,
                    // Not textual: the parser refuses it for numbers.
                    Term::Matches(_) => false,
                }));
                answer.unwrap_or(false)
            }
        }
    )*};
}
holds_by_order!(Number, Size, Tenths);

/// The value of a setting: text that may have an order as well, if it is of such a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingValue(pub String);

impl Operand for SettingValue {
    const WHAT: &'static str = "a setting's value";
    const ORDERED: bool = true;
    const TEXTUAL: bool = true;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        Ok(SettingValue(scalar.text.clone()))
    }

    fn show(&self) -> String {
        if self.0.is_empty() { "\"\"".into() } else { self.0.clone() }
    }
}

/// A version; what its order is, whoever compares says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(pub String);

impl Operand for Version {
    const WHAT: &'static str = "a version";
    const ORDERED: bool = true;
    const TEXTUAL: bool = true;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".+-~^:_".contains(c);
        let text = &scalar.text;
        if text.contains(|c: char| c.is_ascii_digit()) && text.chars().all(fits) {
            Ok(Version(text.clone()))
        } else {
            Err("such as \"1.18.0-6.1\"".into())
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// A user or group, by name or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// By name, looked up in the target's accounts.
    Name(String),
    /// By id.
    Id(u32),
}

impl Operand for Principal {
    const WHAT: &'static str = "a name or a numeric id";
    const ORDERED: bool = false;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        let text = &scalar.text;
        if text.is_empty() {
            return Err("a name is missing".into());
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text.parse().map(Principal::Id).map_err(|_| "ids end at 4294967295".into());
        }
        if text.contains([':', '/', ' ', '\n']) || text.starts_with('-') {
            return Err("not a name that passwd(5) could hold".into());
        }
        Ok(Principal::Name(text.clone()))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::Name(name) => f.write_str(name),
            Principal::Id(id) => write!(f, "{id}"),
        }
    }
}

impl Operand for ModeExpectation {
    const WHAT: &'static str = "a mode";
    const ORDERED: bool = true;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        ModeExpectation::parse(&scalar.text, scalar.quoted)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}
