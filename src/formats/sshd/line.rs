//! One line of `sshd_config(5)`, cut as OpenSSH cuts it: `strdelim()` and `argv_split()` of `misc.c`.

/// Keyword and arguments; `None` for a line that sshd passes over.
pub type Words = Option<(String, Vec<String>)>;

/// Cuts a line without its line feed.
///
/// # Errors
/// What sshd would complain about, in words.
pub fn split(line: &[u8]) -> Result<Words, &'static str> {
    let end = line.iter().rposition(|byte| !is_space(*byte) && *byte != 0x0c);
    let line = end.and_then(|end| line.get(..=end)).unwrap_or_default();
    let Some((mut keyword, mut rest)) = first_word(line) else { return Ok(None) };
    if keyword.is_empty() {
        let Some(next) = first_word(rest) else { return Ok(None) };
        (keyword, rest) = next;
    }
    if keyword.is_empty() || keyword.starts_with(b"#") {
        return Ok(None);
    }
    let arguments = arguments(rest)?;
    if arguments.is_empty() {
        return Err("no argument after the keyword");
    }
    Ok(Some((text(&keyword), arguments)))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn trim_start(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_space(*first)
    {
        text = rest;
    }
    text
}

/// The keyword: up to white space or one `=`, or within double quotes. `None` when the quote is not
/// closed: sshd silently passes over such a line.
fn first_word(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(at) = text.iter().position(|byte| is_space(*byte) || matches!(byte, b'"' | b'='))
    else {
        return Some((text.to_vec(), &[]));
    };
    let (word, rest) = text.split_at(at);
    let Some((&delimiter, rest)) = rest.split_first() else { return Some((word.to_vec(), rest)) };
    if delimiter == b'"' {
        let close = rest.iter().position(|byte| *byte == b'"')?;
        let (quoted, after) = rest.split_at(close);
        return Some(([word, quoted].concat(), trim_start(after.get(1..).unwrap_or_default())));
    }
    let mut rest = trim_start(rest);
    if delimiter != b'='
        && let [b'=', after @ ..] = rest
    {
        rest = trim_start(after);
    }
    Some((word.to_vec(), rest))
}

/// The arguments, quotes removed; a `#` at the beginning of one ends the line.
fn arguments(line: &[u8]) -> Result<Vec<String>, &'static str> {
    let mut all = Vec::new();
    let mut rest = line;
    loop {
        while let [b' ' | b'\t', after @ ..] = rest {
            rest = after;
        }
        if matches!(rest, [] | [b'#', ..]) {
            return Ok(all);
        }
        let mut word = Vec::new();
        let mut quote = None;
        loop {
            rest = match (rest, quote) {
                ([], Some(_)) => return Err("unbalanced quotes"),
                ([], None) | ([b' ' | b'\t', ..], None) => break,
                ([b'\\', escaped @ (b'\'' | b'"' | b'\\'), after @ ..], _)
                | ([b'\\', escaped @ b' ', after @ ..], None) => {
                    word.push(*escaped);
                    after
                }
                ([open @ (b'"' | b'\''), after @ ..], None) => {
                    quote = Some(*open);
                    after
                }
                ([byte, after @ ..], _) => {
                    if quote == Some(*byte) {
                        quote = None;
                    } else {
                        word.push(*byte);
                    }
                    after
                }
            };
        }
        all.push(text(&word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        let (keyword, arguments) = split(line.as_bytes()).unwrap().unwrap();
        [vec![keyword], arguments].concat()
    }

    #[test]
    fn an_equals_sign_may_stand_between_keyword_and_value() {
        for line in ["Port 22", "Port=22", "Port = 22", "\tPort =22 \r", "\"Port\" 22", "Port  22"]
        {
            assert_eq!(words(line), ["Port", "22"], "{line}");
        }
    }

    #[test]
    fn quotes_and_escapes_keep_spaces_together() {
        assert_eq!(words(r#"Banner "/a b" '/c d' /e\ f"#), ["Banner", "/a b", "/c d", "/e f"]);
        assert_eq!(words(r#"Banner /a"b c"d \x"#), ["Banner", "/ab cd", r"\x"]);
    }

    #[test]
    fn a_comment_may_follow_the_arguments() {
        assert_eq!(words("Port 22 # why"), ["Port", "22"]);
        assert_eq!(words("Banner /a#b"), ["Banner", "/a#b"]);
        assert_eq!(split(b"  # Port 22"), Ok(None));
        assert_eq!(split(b"\t \r"), Ok(None));
    }

    #[test]
    fn a_keyword_whose_quote_is_not_closed_is_passed_over() {
        assert_eq!(split(b"\"PermitRootLogin no"), Ok(None));
    }

    #[test]
    fn what_sshd_refuses_is_refused() {
        for line in ["Port", "Port # 22", "Banner \"/a", "Banner 'x"] {
            assert!(split(line.as_bytes()).is_err(), "{line}");
        }
    }
}
