//! Versions of Alpine, `apk-package(5)`: `1.2.3b_rc4-r5`. Numbers separated by dots, a letter,
//! suffixes of which `_alpha`, `_beta`, `_pre` and `_rc` come before the bare version and `_cvs`,
//! `_svn`, `_git`, `_hg` and `_p` after it, a revision.
//!
//! A number behind a dot that begins with a zero is compared as text: `1.01` comes before `1.1`.

use super::{digits, numbers, take_while};
use std::cmp::Ordering;

/// Suffixes in their order; the bare version comes before the one at [`BARE`].
const SUFFIXES: [&str; 9] = ["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];
const BARE: usize = 4;

/// A piece of a version. The order of the kinds is the order of apk: where two versions differ in
/// kind, the one whose piece comes later here is older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'a> {
    First(&'a str),
    Number(&'a str),
    Letter(char),
    Suffix(usize),
    SuffixNumber(&'a str),
    Hash(&'a str),
    Revision(&'a str),
    End,
    /// What is no part of a version.
    Garbage(&'a str),
}

impl Piece<'_> {
    fn rank(self) -> u8 {
        match self {
            Piece::First(_) | Piece::Number(_) => 0,
            Piece::Letter(_) => 1,
            Piece::Suffix(_) => 2,
            Piece::SuffixNumber(_) => 3,
            Piece::Hash(_) => 4,
            Piece::Revision(_) => 5,
            Piece::End => 6,
            Piece::Garbage(_) => 7,
        }
    }
}

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Pieces::new(a), Pieces::new(b));
    loop {
        let (left, right) = (a.next(), b.next());
        let order = match (left, right) {
            (Piece::End, Piece::End) => return Ordering::Equal,
            (Piece::Number(a), Piece::Number(b)) if a.starts_with('0') || b.starts_with('0') => {
                a.cmp(b)
            }
            (Piece::First(a), Piece::First(b))
            | (Piece::Number(a), Piece::Number(b))
            | (Piece::SuffixNumber(a), Piece::SuffixNumber(b))
            | (Piece::Revision(a), Piece::Revision(b)) => numbers(a, b),
            (Piece::Letter(a), Piece::Letter(b)) => a.cmp(&b),
            (Piece::Suffix(a), Piece::Suffix(b)) => a.cmp(&b),
            (Piece::Hash(a), Piece::Hash(b)) | (Piece::Garbage(a), Piece::Garbage(b)) => {
                // Garbage goes to the end: it decides.
                return a.cmp(b).then(Ordering::Equal);
            }
            (Piece::Suffix(early), _) if early < BARE => Ordering::Less,
            (_, Piece::Suffix(early)) if early < BARE => Ordering::Greater,
            (left, right) => right.rank().cmp(&left.rank()),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

struct Pieces<'a> {
    rest: &'a str,
    place: Place,
}

/// What stood before the piece that comes next.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Nothing.
    First,
    /// A dot or a piece that a letter may follow.
    Within,
    /// A suffix, which a number may follow.
    Tail,
}

impl<'a> Pieces<'a> {
    fn new(version: &'a str) -> Self {
        Self { rest: version.trim(), place: Place::First }
    }

    fn next(&mut self) -> Piece<'a> {
        let place = std::mem::replace(&mut self.place, Place::Within);
        let (number, rest) = digits(self.rest);
        if !number.is_empty() && place != Place::Tail {
            self.rest = rest;
            return match place {
                Place::First => Piece::First(number),
                _ => Piece::Number(number),
            };
        }
        if let Some(rest) = self.rest.strip_prefix('.')
            && rest.starts_with(|c: char| c.is_ascii_digit())
        {
            self.rest = rest;
            return self.next();
        }
        if let Some(rest) = self.rest.strip_prefix('_') {
            let (word, rest) = take_while(rest, |c| c.is_ascii_lowercase());
            if let Some(order) = SUFFIXES.iter().position(|suffix| *suffix == word) {
                self.rest = rest;
                self.place = Place::Tail;
                return Piece::Suffix(order);
            }
        }
        if place == Place::Tail && !number.is_empty() {
            self.rest = rest;
            return Piece::SuffixNumber(number);
        }
        if let Some(rest) = self.rest.strip_prefix('~') {
            let (hash, rest) = take_while(rest, |c| c.is_ascii_hexdigit());
            self.rest = rest;
            return Piece::Hash(hash);
        }
        if let Some(revision) = self.rest.strip_prefix("-r") {
            let (number, rest) = digits(revision);
            if !number.is_empty() {
                self.rest = rest;
                return Piece::Revision(number);
            }
        }
        let mut chars = self.rest.chars();
        match chars.next() {
            None => Piece::End,
            Some(letter) if letter.is_ascii_lowercase() && place == Place::Within => {
                self.rest = chars.as_str();
                Piece::Letter(letter)
            }
            Some(_) => Piece::Garbage(std::mem::take(&mut self.rest)),
        }
    }
}
