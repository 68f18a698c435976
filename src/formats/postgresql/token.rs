//! The words of `postgresql.conf`: the rules of PostgreSQL's `guc-file.l`, longest match first.

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// `[A-Za-z_][A-Za-z0-9_]*`: a name or a value.
    Id(String),
    /// Two of them with a period between: a name.
    QualifiedId(String),
    /// Any other value, quotes removed.
    Value(String),
    Equals,
}

/// Cuts a line; none for one that PostgreSQL passes over.
///
/// # Errors
/// What PostgreSQL calls a syntax error.
pub fn split(line: &[u8]) -> Result<Vec<Token>, &'static str> {
    let mut rest = line;
    let mut tokens = Vec::new();
    loop {
        rest = match rest {
            [] | [b'#', ..] => return Ok(tokens),
            [b' ' | b'\t' | b'\r', after @ ..] => after,
            [b'=', after @ ..] => {
                tokens.push(Token::Equals);
                after
            }
            [b'\'', after @ ..] => {
                let (text, after) = quoted(after)?;
                tokens.push(Token::Value(text));
                after
            }
            [first, ..] if is_letter(*first) => {
                let (token, after) = word(rest);
                tokens.push(token);
                after
            }
            _ => {
                let end = number(rest).ok_or("syntax error")?;
                let (text, after) = rest.split_at(end);
                tokens.push(Token::Value(show(text)));
                after
            }
        };
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_letter(byte) || byte.is_ascii_digit()
}

/// How many bytes at the beginning pass.
fn run(text: &[u8], test: impl Fn(u8) -> bool) -> usize {
    text.iter().position(|byte| !test(*byte)).unwrap_or(text.len())
}

fn word(text: &[u8]) -> (Token, &[u8]) {
    let id = run(text, is_word);
    let qualified = match text.get(id..) {
        Some([b'.', second @ ..]) if second.first().is_some_and(|byte| is_letter(*byte)) => {
            id + 1 + run(second, is_word)
        }
        _ => id,
    };
    let longest = run(text, |byte| is_word(byte) || matches!(byte, b'-' | b'.' | b':' | b'/'));
    let (own, rest) = text.split_at(longest);
    let token = match longest {
        _ if longest == id => Token::Id(show(own)),
        _ if longest == qualified => Token::QualifiedId(show(own)),
        _ => Token::Value(show(own)),
    };
    (token, rest)
}

/// The length of an integer (with a unit) or a real number, whichever is longer.
fn number(text: &[u8]) -> Option<usize> {
    let sign = usize::from(matches!(text, [b'-' | b'+', ..]));
    let unsigned = text.get(sign..)?;
    let digit = |byte: u8| byte.is_ascii_digit();
    let digits = run(unsigned, digit);
    let hexadecimal = match unsigned {
        [b'0', b'x', hex @ ..] => Some(run(hex, |byte| byte.is_ascii_hexdigit())),
        _ => None,
    };
    let whole = match hexadecimal {
        Some(length) if length > 0 => length + 2,
        _ => digits,
    };
    let unit = run(unsigned.get(whole..)?, |byte| byte.is_ascii_alphabetic());
    let integer = if whole > 0 { whole + unit } else { 0 };
    let real = match unsigned.get(digits..) {
        Some([b'.', fraction @ ..]) => {
            let length = run(fraction, digit);
            digits + 1 + length + exponent(fraction.get(length..).unwrap_or_default())
        }
        _ => 0,
    };
    let length = integer.max(real);
    (length > 0).then_some(sign + length)
}

fn exponent(text: &[u8]) -> usize {
    let [b'e' | b'E', rest @ ..] = text else { return 0 };
    let sign = usize::from(matches!(rest, [b'-' | b'+', ..]));
    match run(rest.get(sign..).unwrap_or_default(), |byte| byte.is_ascii_digit()) {
        0 => 0,
        digits => 1 + sign + digits,
    }
}

/// What stands up to the closing quote: `''` is one, and a backslash escapes as in C.
fn quoted(text: &[u8]) -> Result<(String, &[u8]), &'static str> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Err("a quote that is not closed"),
            [b'\'', b'\'', after @ ..] => {
                value.push(b'\'');
                after
            }
            [b'\'', after @ ..] => return Ok((show(&value), after)),
            [b'\\', b'0'..=b'7', ..] => {
                let digits = rest.get(1..).unwrap_or_default();
                let length = run(digits, |byte| matches!(byte, b'0'..=b'7')).min(3);
                let (octal, after) = digits.split_at(length);
                value.push(
                    octal
                        .iter()
                        .fold(0, |sum: u8, byte| sum.wrapping_mul(8).wrapping_add(byte - b'0')),
                );
                after
            }
            [b'\\', escaped, after @ ..] => {
                value.push(match escaped {
                    b'b' => 0x08,
                    b'f' => 0x0c,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                after
            }
            [byte, after @ ..] => {
                value.push(*byte);
                after
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> Token {
        Token::Id(text.into())
    }

    fn value(text: &str) -> Token {
        Token::Value(text.into())
    }

    #[test]
    fn words_need_no_space_between_them() {
        let wanted = vec![id("port"), Token::Equals, value("5433")];
        assert_eq!(split(b"port=5433#why").unwrap(), wanted);
        assert_eq!(split(b"port'5433' \r").unwrap(), [id("port"), value("5433")]);
    }

    #[test]
    fn the_longest_word_decides_what_it_is() {
        assert_eq!(split(b"a.b").unwrap(), [Token::QualifiedId("a.b".into())]);
        assert_eq!(split(b"a.b.c a-b").unwrap(), [value("a.b.c"), value("a-b")]);
        assert_eq!(
            split(b"-5MB 0x1F 1.5e3").unwrap(),
            [value("-5MB"), value("0x1F"), value("1.5e3")]
        );
        assert_eq!(split(b"1.5GB").unwrap(), [value("1.5"), id("GB")]);
    }

    #[test]
    fn quotes_are_doubled_or_escaped() {
        assert_eq!(split(br"'a''b\'c\053\x'").unwrap(), [value("a'b'c+x")]);
    }

    #[test]
    fn what_is_no_word_is_refused() {
        for line in ["'a", "/a", "-", "a = ,", "+x", "'a\\"] {
            assert!(split(line.as_bytes()).is_err(), "{line}");
        }
    }
}
