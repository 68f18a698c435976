//! Numbers, sizes, times and shares as texts, each in millionths of its unit.

/// Bare numbers are kept in millionths, so that fractions can be compared.
pub(super) const ONE: i128 = 1_000_000;

/// A number in millionths, with or without a fraction. A leading zero may mean octal, so that is
/// none.
pub(super) fn number(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let plain = digits == "0" || digits.starts_with("0.") || !digits.starts_with('0');
    if plain { bare(digits).map(|number| sign * number) } else { None }
}

/// Digits in millionths, of which some may stand behind a point; what is smaller is cut.
pub(super) fn bare(text: &str) -> Option<i128> {
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 20 {
        return None;
    }
    let millionths: String = fraction.chars().chain("000000".chars()).take(6).collect();
    let millionths: i128 = millionths.parse().ok()?;
    whole.parse::<i128>().ok()?.checked_mul(ONE)?.checked_add(millionths)
}

pub(super) fn octal(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.strip_prefix("0o").unwrap_or(text);
    u64::from_str_radix(digits, 8).ok().filter(|_| !digits.contains(['+', '-']))
}

/// Permission bits; a spelling with a leading zero is exact.
pub(super) fn bits(spellings: &[&str]) -> Option<u64> {
    let leading = |text: &&&str| text.starts_with('0');
    let exact = spellings.iter().filter(leading).find_map(|text| octal(text));
    exact.or_else(|| spellings.iter().find_map(|text| octal(text)))
}

pub(super) fn percent(text: &str) -> Option<i128> {
    bare(text.trim().strip_suffix('%')?)
}

/// A quantity of Kubernetes in millionths: powers of 1000 and, with `i`, of 1024; `m` is a
/// thousandth.
pub(super) fn quantity(text: &str) -> Option<i128> {
    let text = text.trim();
    let end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let count = bare(text.get(..end)?)?;
    let factor: i128 = match text.get(end..)? {
        "" => 1,
        "m" => return Some(count / 1000),
        "k" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "P" => 1_000_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        "Pi" => 1 << 50,
        _ => return None,
    };
    count.checked_mul(factor)
}

/// `10`, `4k`, `10M`, `2G` in bytes, with powers of 1024.
pub fn size(text: &str) -> Option<u64> {
    let bytes = bytes(text)?;
    if bytes % ONE == 0 { u64::try_from(bytes / ONE).ok() } else { None }
}

/// The same in millionths of a byte: `1.5G`.
pub(super) fn bytes(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: i128 = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "ki" | "kib" => 1 << 10,
        "m" | "mb" | "mi" | "mib" => 1 << 20,
        "g" | "gb" | "gi" | "gib" => 1 << 30,
        "t" | "tb" | "ti" | "tib" => 1 << 40,
        _ => return None,
    };
    bare(digits)?.checked_mul(factor)
}

/// `90s`, `1h30m`, `5min 20s`, `0.5s`, `1month` in millionths of a microsecond. A month counts 30.44
/// days and a year 365.25, `systemd.time(7)`.
pub(super) fn duration(text: &str) -> Option<i128> {
    let mut rest = text.trim();
    let mut total = 0_i128;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let count = |c: char| c.is_ascii_digit() || c == '.';
        let digits = rest.len() - rest.trim_start_matches(count).len();
        let (count, behind) = (bare(rest.get(..digits)?)?, rest.get(digits..)?.trim_start());
        let letters =
            behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit: i128 = match behind.get(..letters)? {
            "us" | "usec" => 1,
            "ms" | "msec" => 1000,
            "s" | "S" | "sec" | "second" | "seconds" => 1_000_000,
            "m" | "mi" | "min" | "minute" | "minutes" => 60_000_000,
            "h" | "H" | "hr" | "hour" | "hours" => 3_600_000_000,
            "d" | "D" | "day" | "days" => 86_400_000_000,
            "w" | "W" | "week" | "weeks" => 604_800_000_000,
            "M" | "month" | "months" => 2_629_800_000_000,
            "y" | "year" | "years" => 31_557_600_000_000,
            _ => return None,
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = behind.get(letters..)?.trim_start();
    }
    Some(total)
}
