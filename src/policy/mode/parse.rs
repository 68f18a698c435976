//! Reading a mode as an administrator writes it, and saying what is wrong with it.

use super::{ALL, BITS, CLASSES, Change, ModeExpectation, Operator, Wanted};
use crate::facts::file::Mode;

/// The most bytes of a mode; a sensible one has less than twenty.
const LENGTH_LIMIT: usize = 256;

/// See [`ModeExpectation::parse`].
pub(super) fn expectation(text: &str, quoted: bool) -> Result<ModeExpectation, String> {
    if text.is_empty() {
        return Err("a mode is missing: write `mode: \"0640\"` or `mode: \"u+rw,o-w\"`".to_owned());
    }
    if text.len() > LENGTH_LIMIT {
        return Err(format!("a mode of more than {LENGTH_LIMIT} characters"));
    }
    let wanted = if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Wanted::Exactly(digits(text, quoted)?)
    } else if let Some(octal) = text.strip_prefix("0o") {
        Wanted::Exactly(octal_value(octal, text)?)
    } else if let Some(mode) = as_ls_shows_it(text) {
        return Err(format!("`{text}` is how ls shows a mode: write `mode: \"{mode}\"`"));
    } else {
        Wanted::Changes(clauses(text)?)
    };
    Ok(ModeExpectation { text: text.to_owned(), wanted })
}

/// Nothing but digits: octal if that is beyond doubt.
fn digits(text: &str, quoted: bool) -> Result<Mode, String> {
    if text.starts_with('0') {
        return octal_value(text, text);
    }
    if quoted && matches!(text.len(), 3 | 4) {
        return octal_value(text, text);
    }
    if quoted {
        return Err(format!("`{text}` needs three or four octal digits, as in `mode: \"0640\"`"));
    }
    let as_octal = octal_value(text, text).ok().filter(|_| text.len() >= 3);
    let as_decimal = text.parse::<u16>().ok().filter(|value| *value <= ALL).map(Mode);
    let advice = match (as_octal, as_decimal) {
        (Some(octal), Some(decimal)) => format!(
            "write `mode: \"{octal}\"`, or `mode: \"{decimal}\"` if the decimal number is meant"
        ),
        (Some(mode), None) | (None, Some(mode)) => format!("write `mode: \"{mode}\"`"),
        (None, None) => "write it as in `mode: \"0640\"`".to_owned(),
    };
    Err(format!("`{text}` without a leading zero is a decimal number in YAML: {advice}"))
}

/// The value of octal digits; `text` is what the message shows.
fn octal_value(octal: &str, text: &str) -> Result<Mode, String> {
    if let Some(wrong) = octal.chars().find(|c| !c.is_digit(8)) {
        return Err(format!("`{wrong}` in `{text}` is not an octal digit: use 0 to 7"));
    }
    match u16::from_str_radix(octal, 8) {
        Ok(value) if value <= ALL => Ok(Mode(value)),
        _ if octal.is_empty() => Err(format!("`{text}` has no digits: write `mode: \"0640\"`")),
        _ => Err(format!("`{text}` is more than a mode can be, which is 7777")),
    }
}

/// The mode that `rw-r-----` or `-rw-r-----` stands for, special bits aside.
fn as_ls_shows_it(text: &str) -> Option<Mode> {
    let letters = match text.len() {
        9 => text,
        10 => text.get(1..)?,
        _ => return None,
    };
    letters.chars().zip("rwxrwxrwx".chars()).try_fold(Mode(0), |mode, (is, may_be)| match is {
        '-' => Some(Mode(mode.0 << 1)),
        _ if is == may_be => Some(Mode(mode.0 << 1 | 1)),
        _ => None,
    })
}

/// Clauses as `chmod(1)` takes them: `[ugoa]*([+-=][rwxXst]*)+`, separated by commas.
fn clauses(text: &str) -> Result<Vec<Change>, String> {
    let mut changes = Vec::new();
    for clause in text.split(',') {
        if clause.is_empty() {
            return Err(format!("an empty clause in `{text}`: remove the comma too many"));
        }
        if let Some(space) = clause.chars().find(|c| c.is_whitespace()) {
            return Err(format!("a space ({space:?}) in `{text}`: write the clauses without"));
        }
        let start = clause.find(['+', '-', '=']).ok_or_else(|| no_operator(clause))?;
        let (letters, mut rest) = clause.split_at(start);
        let classes = classes(letters, clause)?;
        while let Some(sign) = rest.chars().next() {
            let operator = match sign {
                '+' => Operator::Add,
                '-' => Operator::Remove,
                _ => Operator::Set,
            };
            // The sign is ASCII, so it is one byte long.
            let after = rest.get(1..).unwrap_or("");
            let end = after.find(['+', '-', '=']).unwrap_or(after.len());
            let (permissions, next) = after.split_at(end);
            changes.push(change(classes, letters, operator, permissions, clause)?);
            rest = next;
        }
    }
    Ok(changes)
}

fn no_operator(clause: &str) -> String {
    if clause.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("`{clause}` is neither an octal nor a symbolic mode: `0640`, `u+rw,o-w`");
    }
    format!("`{clause}` has no operator: use +, - or =, as in `u+rw`")
}

/// All bits of the classes that the letters name.
fn classes(letters: &str, clause: &str) -> Result<u16, String> {
    if letters.is_empty() {
        return Ok(ALL);
    }
    letters.chars().try_fold(0, |bits, letter| match letter {
        'a' => Ok(ALL),
        _ => {
            CLASSES.iter().find(|(class, _)| *class == letter).map(|(_, of)| bits | of).ok_or_else(
                || {
                    format!(
                        "`{letter}` in `{clause}` is not a class: use u (owner), g (group), \
                     o (others) or a (all)"
                    )
                },
            )
        }
    })
}

fn change(
    classes: u16,
    letters: &str,
    operator: Operator,
    permissions: &str,
    clause: &str,
) -> Result<Change, String> {
    if permissions.is_empty() && operator != Operator::Set {
        return Err(format!("`{clause}` names no permission: add some of r, w, x, X, s, t"));
    }
    let mut change = Change { classes, operator, bits: 0, execute_if_any: false };
    for letter in permissions.chars() {
        if letter == 'X' {
            change.execute_if_any = true;
            continue;
        }
        let Some((_, all)) = BITS.iter().find(|(known, _)| *known == letter) else {
            return Err(no_permission(letter, clause));
        };
        // chmod ignores these without a word; an expectation must not.
        if all & classes == 0 {
            let of = if letter == 's' { "u or g" } else { "o or a" };
            return Err(format!(
                "`{letter}` in `{clause}` means nothing for `{letters}`: it is a matter of {of}"
            ));
        }
        change.bits |= all & classes;
    }
    Ok(change)
}

fn no_permission(letter: char, clause: &str) -> String {
    if "ugo".contains(letter) {
        return format!(
            "`{letter}` in `{clause}`: copying from another class is not supported, name r, w, x"
        );
    }
    format!("`{letter}` in `{clause}` is not a permission: use r, w, x, X, s or t")
}
