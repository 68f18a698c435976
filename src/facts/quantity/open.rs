//! Values of settings of which the format says nothing: they are compared when both are written alike.

use super::Order;
use super::number::{bare, bytes, duration, number, percent};

/// A value of which the format says nothing, by its unit.
#[derive(Clone, Copy)]
pub(super) enum Read {
    Bare(i128),
    Size(i128),
    Duration(i128),
    Percent(i128),
    /// `m` is a minute or a megabyte.
    Ambiguous(i128),
}

pub(super) fn read(text: &str) -> Option<Read> {
    if let Some(number) = number(text) {
        return Some(Read::Bare(number));
    }
    if let Some(digits) = text.strip_suffix('m').and_then(bare) {
        return Some(Read::Ambiguous(digits));
    }
    let size = bytes(text).map(Read::Size);
    let percent = || percent(text).map(Read::Percent);
    size.or_else(|| duration(text).map(Read::Duration)).or_else(percent)
}

pub(super) fn open(spellings: &[&str], limit: &str) -> Result<Order, String> {
    let wanted = read(limit).ok_or_else(|| format!("the limit `{limit}` is no number"))?;
    let minutes = |count: i128| count.saturating_mul(60_000_000);
    let compare = |is: Read| match (is, wanted) {
        (Read::Bare(is), Read::Bare(limit))
        | (Read::Size(is), Read::Size(limit))
        | (Read::Duration(is), Read::Duration(limit))
        | (Read::Percent(is), Read::Percent(limit))
        | (Read::Ambiguous(is), Read::Ambiguous(limit)) => Some(Order::of(&is, &limit)),
        (Read::Ambiguous(is), Read::Size(limit)) => {
            Some(Order::of(&(is.saturating_mul(1 << 20)), &limit))
        }
        (Read::Size(is), Read::Ambiguous(limit)) => {
            Some(Order::of(&is, &(limit.saturating_mul(1 << 20))))
        }
        (Read::Ambiguous(is), Read::Duration(limit)) => Some(Order::of(&minutes(is), &limit)),
        (Read::Duration(is), Read::Ambiguous(limit)) => Some(Order::of(&is, &minutes(limit))),
        _ => None,
    };
    if let Some(order) = spellings.iter().find_map(|text| compare(read(text)?)) {
        return Ok(order);
    }
    Err(match (spellings.iter().find_map(|text| read(text)), wanted) {
        (None, _) => "cannot be compared as a number".to_owned(),
        (Some(Read::Bare(_)), _) => {
            format!("has no unit and the limit `{limit}` has one; write the limit without")
        }
        (Some(_), Read::Bare(_)) => {
            format!("has a unit and the limit `{limit}` has none; write the limit with one")
        }
        _ => format!("counts something else than the limit `{limit}`"),
    })
}
