//! Which of two versions is newer: dpkg, rpm and apk each have an order of their own.

mod apk;
mod dpkg;
mod rpm;

use crate::facts::package::Manager;
use std::cmp::Ordering;

/// Compares two versions as a package manager would. `b` may leave out the release of an rpm
/// version; releases are not compared then, as for rpm's own dependencies.
pub fn compare(manager: Manager, a: &str, b: &str) -> Ordering {
    match manager {
        Manager::Dpkg => dpkg::compare(a, b),
        Manager::Rpm => rpm::compare(a, b),
        Manager::Apk => apk::compare(a, b),
    }
}

/// Compares two numbers of any length by their digits.
fn numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Splits off what a text begins with.
fn take_while(text: &str, fits: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn digits(text: &str) -> (&str, &str) {
    take_while(text, |c| c.is_ascii_digit())
}
