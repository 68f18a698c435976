//! One line of `redis.conf`, cut as redis cuts it: `sdssplitargs()` of `sds.c`.

/// Cuts a line into words; none for a line that redis passes over.
///
/// # Errors
/// When a quote is not closed, or goes on without white space behind it.
pub fn split(line: &[u8]) -> Result<Vec<String>, &'static str> {
    let mut rest = trim(line);
    let mut words = Vec::new();
    if rest.first() == Some(&b'#') {
        return Ok(words);
    }
    loop {
        while let [first, after @ ..] = rest
            && is_space(*first)
        {
            rest = after;
        }
        if rest.is_empty() {
            return Ok(words);
        }
        let (word, after) = word(rest)?;
        words.push(String::from_utf8_lossy(&word).into_owned());
        rest = after;
    }
}

/// `isspace(3)` in the C locale.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Without the white space that redis takes off a line.
fn trim(mut line: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', rest @ ..] = line {
        line = rest;
    }
    while let [rest @ .., b' ' | b'\t' | b'\r' | b'\n'] = line {
        line = rest;
    }
    line
}

fn word(text: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    const UNBALANCED: &str = "unbalanced quotes";
    let mut word = Vec::new();
    let mut rest = text;
    let mut quote = None;
    loop {
        rest = match (quote, rest) {
            (None, []) => return Ok((word, rest)),
            (Some(_), []) => return Err(UNBALANCED),
            (None, [b' ' | b'\n' | b'\r' | b'\t', ..]) => return Ok((word, rest)),
            (None, [open @ (b'"' | b'\''), after @ ..]) => {
                quote = Some(*open);
                after
            }
            (Some(open), [close, after @ ..]) if open == *close => {
                // What follows a closing quote has to be white space.
                return match after {
                    [byte, ..] if !is_space(*byte) => Err(UNBALANCED),
                    _ => Ok((word, after)),
                };
            }
            (Some(b'"'), [b'\\', b'x', high, low, after @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(digit(*high) << 4 | digit(*low));
                after
            }
            (Some(b'"'), [b'\\', escaped, after @ ..]) => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                after
            }
            (Some(b'\''), [b'\\', b'\'', after @ ..]) => {
                word.push(b'\'');
                after
            }
            (_, [byte, after @ ..]) => {
                word.push(*byte);
                after
            }
        };
    }
}

fn digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_separated_by_white_space_and_quotes_keep_it() {
        assert_eq!(split(b" \tbind 127.0.0.1  -::1 \r").unwrap(), ["bind", "127.0.0.1", "-::1"]);
        assert_eq!(split(br#"a "b c" 'd e' """#).unwrap(), ["a", "b c", "d e", ""]);
    }

    #[test]
    fn escapes_mean_something_in_double_quotes_only() {
        assert_eq!(split(br#"a "\x41\n\"\q" '\x41\''"#).unwrap(), ["a", "A\n\"q", r"\x41'"]);
        assert_eq!(split(br"a \x41").unwrap(), ["a", r"\x41"]);
    }

    #[test]
    fn a_comment_is_a_line_of_its_own() {
        assert_eq!(split(b"  # port 1").unwrap(), Vec::<String>::new());
        assert_eq!(split(b"port 1 # why").unwrap(), ["port", "1", "#", "why"]);
    }

    #[test]
    fn a_quote_that_is_not_closed_or_goes_on_is_refused() {
        for line in [r#"a "b"#, "a 'b", r#"a "b"c"#, r#"a "b\"#] {
            assert!(split(line.as_bytes()).is_err(), "{line}");
        }
    }
}
