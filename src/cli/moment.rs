//! Moments as people type them.

use crate::text::duration;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// `2026-11-01T10:02:11Z` (any offset), `2026-11-01 10:02` and `2026-11-01` (UTC), or a span before
/// `now` such as `24h`, as seconds since 1970-01-01 UTC. A day is meant from its first second, or, at
/// the `end` of a period, to its last.
///
/// # Errors
/// In words, when it is none of these.
pub fn moment(text: &str, now: i64, end: bool) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    let utc =
        |time: DateTime| time.to_zoned(TimeZone::UTC).map(|time| time.timestamp().as_second());
    let wrong = || {
        format!(
            "`{text}` is no moment: write 2026-11-01, 2026-11-01T10:02Z, or a span before now \
             such as 24h"
        )
    };
    if text.len() == "2026-11-01".len()
        && let Ok(date) = text.parse::<Date>()
    {
        let first = utc(date.at(0, 0, 0, 0)).map_err(|_| wrong())?;
        return Ok(if end { first + 86_399 } else { first });
    }
    let bare = text.trim_end_matches(['Z', 'z']);
    if let Ok(time) = bare.parse::<DateTime>()
        && text.len() > "2026-11-01".len()
    {
        return utc(time).map_err(|_| wrong());
    }
    duration::parse(text).map(|span| now.saturating_sub(span)).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_they_are_written() {
        assert_eq!(moment("1970-01-02", 0, false), Ok(86_400));
        assert_eq!(moment("1970-01-02", 0, true), Ok(2 * 86_400 - 1));
        for text in ["1970-01-01T01:00:00Z", "1970-01-01T03:00+02:00", "1970-01-01 01:00"] {
            assert_eq!(moment(text, 0, false), Ok(3_600), "{text}");
        }
        assert_eq!(moment("1970-01-01T01:00Z", 0, true), Ok(3_600));
        assert_eq!(moment("1h", 7_200, false), Ok(3_600));
        for text in ["", "yesterday", "10:00", "2026-13-01", "2026-02-30T10:00"] {
            assert!(moment(text, 0, false).is_err(), "{text}");
        }
    }
}
