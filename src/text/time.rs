//! Times as people read them: always UTC, always saying so.

use jiff::Timestamp;

/// Seconds since 1970-01-01 UTC as `2026-11-01 10:02:11 UTC`.
pub fn utc(seconds: i64) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("{seconds} s since 1970-01-01 UTC"),
    }
}

/// The day of a time, UTC: `2026-11-01`.
pub fn day(seconds: i64) -> String {
    utc(seconds).chars().take(10).collect()
}

/// The time as RFC 3339, UTC: `2026-11-01T10:02:11Z`.
pub fn rfc3339(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}
