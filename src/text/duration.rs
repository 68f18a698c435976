//! Spans of time as people write them: `30s`, `15m`, `12h`, `7d`, `2w`.

/// Longest span that anything here may take: ten years, in seconds.
const LONGEST: i64 = 10 * 366 * 86_400;

/// Units with their length in seconds, largest first.
const UNITS: [(char, i64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// Seconds of a span such as `7d`; the error completes "expected a span of time: …".
pub fn parse(text: &str) -> Result<i64, String> {
    let wrong = || String::from("a number and one of s, m, h, d, w, such as 7d");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let digits = text.strip_suffix(unit).ok_or_else(wrong)?;
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    digits
        .parse::<i64>()
        .ok()
        .and_then(|number| number.checked_mul(*factor))
        .filter(|seconds| *seconds > 0 && *seconds <= LONGEST)
        .ok_or_else(|| "more than nothing and at most ten years".into())
}

/// A span in the largest unit of which it is a whole number: `7d` is `1w`, 90 s stay `90s`.
pub fn show(seconds: i64) -> String {
    let fits = |(_, length): &&(char, i64)| seconds != 0 && seconds % length == 0;
    match UNITS.iter().find(fits) {
        Some((unit, length)) => format!("{}{unit}", seconds / length),
        None => format!("{seconds}s"),
    }
}

/// A span roughly, for people: `3 days`, `2 hours`, `5 minutes`.
pub fn roughly(seconds: i64) -> String {
    let (number, unit) = match seconds.unsigned_abs() {
        seconds if seconds >= 2 * 86_400 => (seconds / 86_400, "day"),
        seconds if seconds >= 2 * 3_600 => (seconds / 3_600, "hour"),
        seconds if seconds >= 2 * 60 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_a_unit_is_a_span() {
        assert_eq!(parse("7d"), Ok(604_800));
        assert_eq!(parse("2w"), Ok(1_209_600));
        assert_eq!(parse("90s"), Ok(90));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "d", "7", "-1d", "0d", "1y", "7 d", "7dd", "99999999999999999999d", "7ä"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        for seconds in [1, 59, 60, 3_600, 5_400, 86_400, 604_800, 691_200] {
            assert_eq!(parse(&show(seconds)), Ok(seconds));
        }
    }
}
