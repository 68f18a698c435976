//! Due dates as people type them.

use crate::text::duration;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// `2026-12-31` (until its end, UTC), `7d` from `now`, or `none`, as seconds since 1970-01-01 UTC.
pub fn due(text: &str, now: i64) -> Result<Option<i64>, String> {
    if text == "none" {
        return Ok(None);
    }
    if let Ok(date) = text.parse::<Date>() {
        return end_of(date).map(Some).ok_or_else(|| format!("{text} is too far away"));
    }
    duration::parse(text)
        .map(|span| Some(now.saturating_add(span)))
        .map_err(|_| format!("`{text}` is neither a date such as 2026-12-31, nor 7d, nor none"))
}

/// The second before the next day begins, UTC.
fn end_of(date: Date) -> Option<i64> {
    let next = date.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(next.timestamp().as_second() - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_lasts_until_its_end_and_a_span_begins_now() {
        assert_eq!(due("1970-01-01", 0), Ok(Some(86_399)));
        assert_eq!(due("1d", 100), Ok(Some(86_500)));
        assert_eq!(due("none", 100), Ok(None));
        for text in ["", "tomorrow", "2026-13-01", "31.12.2026"] {
            assert!(due(text, 0).is_err(), "{text}");
        }
    }
}
