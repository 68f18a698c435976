//! The order of versions, compared with what the package managers themselves say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, needs};
use proptest::prelude::*;
use spotcheck::facts::package::Manager;
use spotcheck::formats::versions::compare;
use std::cmp::Ordering;
use std::process::Command;

/// Every version is older than those behind it.
fn ascends(manager: Manager, versions: &[&str]) {
    for (i, a) in versions.iter().enumerate() {
        for (j, b) in versions.iter().enumerate() {
            assert_eq!(compare(manager, a, b), i.cmp(&j), "{a} and {b}");
        }
    }
}

#[test]
fn dpkg_puts_tildes_before_the_end_and_letters_before_signs() {
    ascends(Manager::Dpkg, &["1.0~~", "1.0~~a", "1.0~", "1.0", "1.0a", "1.0+b", "1.0.1", "1:0.1"]);
    ascends(Manager::Dpkg, &["1.9-2", "1.10-1", "1.10-1+deb12u1", "1.10-1.1", "1.10-2"]);
    assert_eq!(compare(Manager::Dpkg, "1.0", "0:1.00-0"), Ordering::Equal);
}

#[test]
fn rpm_compares_segments_and_leaves_out_a_release_that_is_not_asked_for() {
    ascends(Manager::Rpm, &["1.0~rc1-1", "1.0-1", "1.0-2", "1.0^git1-1", "1.0.a-1", "1.0.1-1"]);
    ascends(Manager::Rpm, &["9.9-1", "1:0.1-1", "1:1.10-1"]);
    assert_eq!(compare(Manager::Rpm, "1.18.0-3.el9", "1.18.0"), Ordering::Equal);
    assert_eq!(compare(Manager::Rpm, "1_0-1", "1.0-1"), Ordering::Equal);
}

#[test]
fn apk_knows_its_suffixes_and_zeros() {
    ascends(
        Manager::Apk,
        &[
            "1.0_alpha",
            "1.0_alpha2",
            "1.0_beta",
            "1.0_pre",
            "1.0_rc1",
            "1.0_rc2",
            "1.0",
            "1.0-r1",
            "1.0_cvs",
            "1.0_git20200101",
            "1.0_p1",
            "1.0_p2",
            "1.0_p2-r3",
            "1.0b",
            "1.0.1",
            "1.001",
            "1.01",
            "1.1",
            "1.2",
            "1.10",
            "2",
        ],
    );
    assert_eq!(compare(Manager::Apk, "1.36.1-r15", "1.36.1-r15"), Ordering::Equal);
}

fn version() -> impl Strategy<Value = String> {
    "([0-9]:)?[0-9]{1,2}[0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn dpkg_itself_agrees(a in version(), b in version()) {
        if Command::new("dpkg").arg("--version").output().is_err() {
            return Ok(());
        }
        let holds = |operator: &str| {
            let compare = ["--compare-versions", &a, operator, &b];
            Command::new("dpkg").args(compare).output().unwrap().status.success()
        };
        let theirs = match () {
            () if holds("lt") => Ordering::Less,
            () if holds("eq") => Ordering::Equal,
            () => Ordering::Greater,
        };
        prop_assert_eq!(compare(Manager::Dpkg, &a, &b), theirs);
    }

    #[test]
    fn every_order_is_one(a in "[0-9a-c.~^_+r-]{0,10}", b in "[0-9a-c.~^_+r-]{0,10}") {
        for manager in [Manager::Dpkg, Manager::Apk] {
            prop_assert_eq!(compare(manager, &a, &a), Ordering::Equal);
            prop_assert_eq!(compare(manager, &a, &b), compare(manager, &b, &a).reverse());
        }
    }

    #[test]
    fn no_text_makes_it_panic(a in "\\PC{0,12}", b in "\\PC{0,12}") {
        for manager in [Manager::Dpkg, Manager::Rpm, Manager::Apk] {
            compare(manager, &a, &b);
        }
    }
}

#[test]
fn rpm_itself_agrees() {
    if !needs(&[Need::Command("rpm")]) {
        return;
    }
    // A fixed sequence, so that a failure can be repeated; one process for all of it.
    let mut seed = 11_u64;
    let mut below = |limit: usize| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) as usize % limit
    };
    let mut word = |most: usize| -> String {
        let length = 1 + below(most);
        let letters: Vec<char> = "0012ab.~^_".chars().collect();
        (0..length).map(|_| letters[below(letters.len())]).collect()
    };
    let pairs: Vec<(String, String)> = (0..400).map(|_| (word(7), word(7))).collect();
    let script: String = pairs
        .iter()
        .map(|(a, b)| format!("print(rpm.vercmp(\"0{a}\", \"0{b}\"), \" \")"))
        .collect();
    let output =
        Command::new("rpm").args(["--eval", &format!("%{{lua:{script}}}")]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<i32> = text.split_whitespace().map(|word| word.parse().unwrap()).collect();
    assert_eq!(theirs.len(), pairs.len());
    for ((a, b), theirs) in pairs.iter().zip(theirs) {
        let ours = compare(Manager::Rpm, &format!("0{a}"), &format!("0{b}"));
        assert_eq!(ours, theirs.cmp(&0), "0{a} and 0{b}");
    }
}
