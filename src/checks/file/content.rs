//! Conditions of `file:` about what stands in it.

use crate::checks::file::FileView;
use crate::checks::file::conditions::{about, file_of};
use crate::facts::file::Match;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::policy::expect::{Expect, Operand, Term, pattern};
use crate::policy::node::{Node, Scalar, Value};
use crate::policy::set::{SetOf, Word};
use crate::policy::{Diagnostic, Diagnostics};
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

/// Reads one regular expression, or a set of them with its word.
pub fn patterns(node: &Node, problems: &mut Diagnostics) -> Option<SetOf<Regex>> {
    match &node.value {
        Value::Scalar(_) => {
            problems.ok(multi_line(node)).map(|one| SetOf::of(Word::All, vec![one]))
        }
        _ => SetOf::parse_words("contains", node, &["all", "any", "none"], problems, multi_line),
    }
}

/// Looks for matches.
pub fn contains(view: &FileView, wanted: &SetOf<Regex>, target: &dyn Target) -> Assertion {
    let (path, file) = file_of(view);
    let expected = format!("contains {}", wanted.show(|regex| format!("/{regex}/")));
    let assertion = about(view, "contains", path, file).expected(expected);
    let all: Vec<&Regex> = wanted.all_members().collect();
    match matches(view, &all, target) {
        Ok((found, words)) => {
            // What is in the set are the patterns that match.
            let there: Vec<&str> = all
                .iter()
                .zip(&found)
                .filter(|(_, found)| **found != Match::Nowhere)
                .map(|(regex, _)| regex.as_str())
                .collect();
            let judged = wanted.judge(&there, |regex, there| Ok(regex.as_str() == *there));
            assertion.observed(words).decide(judged.holds)
        }
        Err(why) => assertion.unknown(why),
    }
}

/// Looks for matches of patterns of which none may match.
pub fn not_contains(view: &FileView, patterns: &[Regex], target: &dyn Target) -> Assertion {
    let (path, file) = file_of(view);
    let words: Vec<String> = patterns.iter().map(|regex| format!("/{regex}/")).collect();
    let assertion = about(view, "not_contains", path, file)
        .expected(format!("does not contain {}", words.join(" or ")));
    match matches(view, &patterns.iter().collect::<Vec<_>>(), target) {
        Ok((found, words)) => {
            let there = patterns.iter().zip(&found).filter(|(_, at)| **at != Match::Nowhere);
            let names = there.map(|(regex, _)| format!("/{regex}/"));
            assertion
                .observed(words)
                .offenders(names)
                .decide(Ok(found.iter().all(|found| *found == Match::Nowhere)))
        }
        Err(why) => assertion.unknown(why),
    }
}

/// Where each pattern matches first, and the same in words. The line of a match is evidence; the
/// match itself may be a secret and is not repeated.
fn matches(
    view: &FileView,
    patterns: &[&Regex],
    target: &dyn Target,
) -> Fact<(Vec<Match>, String)> {
    let mut found = Vec::new();
    let mut words = Vec::new();
    for regex in patterns {
        let Some(first) = target.first_match(&view.path, regex)? else {
            return Err(Unknown::new(text::path(&view.path), Cause::Vanished));
        };
        words.push(match &first {
            Match::Line(line) => format!("/{regex}/ in line {line}"),
            Match::Nowhere => format!("no /{regex}/"),
        });
        found.push(first);
    }
    Ok((found, words.join(", ")))
}
