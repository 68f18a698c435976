//! Conditions of `file:` about what stands in it.

use crate::checks::file::FileView;
use crate::checks::file::conditions::{about, file_of};
use crate::facts::file::Match;
use crate::facts::{Cause, Unknown};
use crate::host::Target;
use crate::policy::Diagnostic;
use crate::policy::expect::{Expect, Operand, Term, pattern};
use crate::policy::node::{Node, Scalar};
use crate::text;
use crate::verdict::Assertion;
use regex::Regex;

/// A SHA-256 digest in hexadecimal.
#[derive(Clone, Debug)]
pub struct Digest(String);

impl Operand for Digest {
    const WHAT: &'static str = "a SHA-256 digest";
    const ORDERED: bool = false;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        let text = scalar.text.to_ascii_lowercase();
        if text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
            Ok(Digest(text))
        } else {
            Err("64 hexadecimal digits, as sha256sum prints them".into())
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// Compares the digest of a file's content.
pub fn sha256(view: &FileView, expect: &Expect<Digest>, target: &dyn Target) -> Assertion {
    let (path, file) = file_of(view);
    let assertion = about(view, "sha256", path, file).expected(expect.show());
    match target.sha256(&view.path) {
        Ok(Some(found)) => {
            let holds =
                expect.holds(&mut |term| Ok(matches!(term, Term::Is(digest) if digest.0 == found)));
            assertion.observed(found).decide(holds)
        }
        Ok(None) => assertion.unknown(Unknown::new(text::path(&view.path), Cause::Vanished)),
        Err(why) => assertion.unknown(why),
    }
}

/// Reads a regular expression in which `^` and `$` match at lines.
pub fn multi_line(node: &Node) -> Result<Regex, Diagnostic> {
    let plain = pattern(node)?;
    regex::RegexBuilder::new(plain.as_str())
        .multi_line(true)
        .size_limit(1 << 20)
        .build()
        .map_err(|_| node.expected("a regular expression"))
}

/// Looks for matches: of each pattern (`wanted`), or of none.
pub fn contains(
    view: &FileView,
    patterns: &[Regex],
    wanted: bool,
    target: &dyn Target,
) -> Assertion {
    let (path, file) = file_of(view);
    let words: Vec<String> = patterns.iter().map(|regex| format!("/{regex}/")).collect();
    let (condition, expected) = if wanted {
        ("contains", format!("contains {}", words.join(" and ")))
    } else {
        ("not_contains", format!("does not contain {}", words.join(" or ")))
    };
    let assertion = about(view, condition, path, file).expected(expected);
    // The line of a match is evidence; the match itself may be a secret and is not repeated.
    let mut found: Vec<(String, Match)> = Vec::new();
    for regex in patterns {
        match target.first_match(&view.path, regex) {
            Ok(Some(first)) => found.push((format!("/{regex}/"), first)),
            Ok(None) => {
                let why = Unknown::new(text::path(&view.path), Cause::Vanished);
                return assertion.unknown(why);
            }
            Err(why) => return assertion.unknown(why),
        }
    }
    let observed: Vec<String> = found
        .iter()
        .map(|(regex, first)| match first {
            Match::Line(line) => format!("{regex} in line {line}"),
            Match::Nowhere => format!("no {regex}"),
        })
        .collect();
    let holds = found.iter().all(|(_, first)| (*first != Match::Nowhere) == wanted);
    assertion.observed(observed.join(", ")).decide(Ok(holds))
}
