//! Whatever stands in a policy: reading it ends, in time and without a panic, and what is wrong with
//! it can be shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::pages;
use proptest::prelude::*;
use proptest::sample::Index;
use spotcheck::policy::Diagnostics;
use spotcheck::policy::load::load_text;
use spotcheck::policy::vars::Vars;
use spotcheck::rules::plan::Plan;
use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Far more than any of these short texts needs, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Texts to start from: the shipped policies, and what stands in the pages of the checks.
fn seeds() -> &'static [String] {
    static SEEDS: OnceLock<Vec<String>> = OnceLock::new();
    SEEDS.get_or_init(|| {
        let shipped = pages::shipped().into_iter().map(|file| fs::read_to_string(file).unwrap());
        let examples = pages::examples().into_iter().map(|(_, example)| example);
        shipped.chain(examples).collect()
    })
}

/// Reads a text as far as a check would, and shows all that is wrong with it.
fn read(text: &str) {
    // Nothing here is about the files of this machine.
    let text = text.replace("include", "exclude");
    let start = Instant::now();
    let mut problems = Diagnostics::default();
    let policies = load_text("policy.yaml", &text, &Vars::default(), &mut problems);
    let plan = Plan::compile(policies, spotcheck::checks::SUBJECTS, &mut problems);
    let problems = problems.into_sorted();
    if problems.is_empty() {
        assert!(plan.ids().all(|id| !id.is_empty()));
    }
    for problem in problems.iter().take(100) {
        let shown = problem.render(false);
        assert!(shown.starts_with("error: "), "{shown}");
        let hostile = shown.chars().find(|&c| c.is_control() && c != '\n' && c != '\t');
        assert_eq!(hostile, None, "{shown:?}");
    }
    assert!(start.elapsed() < PATIENCE, "{:?} for {text:?}", start.elapsed());
}

/// Pieces that mean something in YAML or in a policy.
const PIECES: [&str; 28] = [
    "- ",
    ": ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "${",
    "}",
    "$${",
    "&a ",
    "*a",
    "!!str ",
    "<<: ",
    "|\n",
    ">-\n",
    "#",
    "---\n",
    "? ",
    "\t",
    "\r\n",
    "\u{feff}",
    "ä€𝄞",
    "\0",
    "\u{202e}",
    "0640",
    "must: { mode: u+rw,o-w }",
];

#[derive(Clone, Debug)]
enum Change {
    /// A piece is put in.
    Insert(Index, Index),
    /// So many characters are taken out.
    Remove(Index, usize),
    /// So many characters from one place are put in at another.
    Copy(Index, usize, Index),
    /// A character becomes another one.
    Replace(Index, char),
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        (place(), place()).prop_map(|(at, piece)| Change::Insert(at, piece)),
        (place(), 1..40usize).prop_map(|(at, count)| Change::Remove(at, count)),
        (place(), 1..200usize, place()).prop_map(|(from, count, to)| Change::Copy(from, count, to)),
        (place(), any::<char>()).prop_map(|(at, c)| Change::Replace(at, c)),
    ]
}

fn mutate(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        let at = |index: &Index| index.index(chars.len() + 1);
        match change {
            Change::Insert(place, piece) => {
                let at = at(place);
                chars.splice(at..at, PIECES[piece.index(PIECES.len())].chars());
            }
            Change::Remove(place, count) => {
                let at = at(place);
                let end = (at + count).min(chars.len());
                chars.drain(at..end);
            }
            Change::Copy(from, count, to) => {
                let (from, to) = (at(from), at(to));
                let end = (from + count).min(chars.len());
                let part: Vec<char> = chars[from..end].to_vec();
                chars.splice(to..to, part);
            }
            Change::Replace(place, c) => {
                let at = at(place);
                if let Some(old) = chars.get_mut(at) {
                    *old = *c;
                }
            }
        }
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        read(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn any_pieces_of_yaml_are_read_or_refused(
        pieces in prop::collection::vec(any::<Index>(), 0..60)
    ) {
        let text: String = pieces.iter().map(|piece| PIECES[piece.index(PIECES.len())]).collect();
        read(&text);
        read(&format!("policy: p\nrules:\n  - id: r\n    {text}"));
    }

    #[test]
    fn a_mutated_policy_is_read_or_refused(
        seed in any::<Index>(),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let seeds = seeds();
        read(&mutate(&seeds[seed.index(seeds.len())], &changes));
    }

    #[test]
    fn a_truncated_policy_is_read_or_refused(seed in any::<Index>(), end in any::<Index>()) {
        let seeds = seeds();
        let text = &seeds[seed.index(seeds.len())];
        let end = (0..=end.index(text.len() + 1)).rev().find(|&at| text.is_char_boundary(at));
        read(&text[..end.unwrap()]);
    }
}

#[test]
fn the_seeds_are_policies_without_errors() {
    let seeds = seeds();
    assert!(seeds.len() > 8, "{}", seeds.len());
    for seed in seeds {
        let mut problems = Diagnostics::default();
        let policies = load_text("seed.yaml", seed, &Vars::default(), &mut problems);
        Plan::compile(policies, spotcheck::checks::SUBJECTS, &mut problems);
        let shown: Vec<_> = problems.into_sorted().iter().map(|p| p.render(false)).collect();
        assert!(shown.is_empty(), "{seed}\n{}", shown.join("\n"));
    }
}
