//! Lines and words of apache's configuration: `ap_cfg_getline()` and `ap_getword_conf()` of
//! `server/util.c`.

/// Lines with those joined that end in a backslash, comments too, each with the number of its
/// first and without the white space around it.
pub fn lines(content: &[u8]) -> impl Iterator<Item = (u32, String)> + '_ {
    let mut rest = (1_u32..).zip(content.split(|byte| *byte == b'\n'));
    std::iter::from_fn(move || {
        let (number, first) = rest.next()?;
        let mut joined = Vec::new();
        let mut line = first;
        loop {
            let bare = line.strip_suffix(b"\r").unwrap_or(line);
            match bare.strip_suffix(b"\\") {
                Some(before) => joined.extend_from_slice(before),
                None => {
                    joined.extend_from_slice(bare);
                    break;
                }
            }
            match rest.next() {
                Some((_, next)) => line = next,
                None => break,
            }
        }
        let text = String::from_utf8_lossy(&joined);
        Some((number, text.trim_matches(is_space).to_owned()))
    })
}

/// `apr_isspace()` in the C locale.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// The first word and what follows it.
pub fn word(text: &str) -> (String, &str) {
    let text = text.trim_start_matches(is_space);
    let mut chars = text.char_indices();
    let open = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let Some(quote) = open else {
        let end = text.find(is_space).unwrap_or(text.len());
        let (word, rest) = text.split_at_checked(end).unwrap_or_default();
        return (word.to_owned(), rest.trim_start_matches(is_space));
    };
    let mut word = String::new();
    chars.next();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            let rest = text.get(at + 1..).unwrap_or_default();
            return (word, rest.trim_start_matches(is_space));
        }
        let next = chars.clone().next().map(|(_, next)| next);
        match next {
            Some(next) if c == '\\' && (next == '\\' || next == quote) => {
                chars.next();
                word.push(next);
            }
            _ => word.push(c),
        }
    }
    (word, "")
}

/// All words.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_matches(is_space);
    while !rest.is_empty() {
        let (next, after) = word(rest);
        words.push(next);
        rest = after;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backslash_joins_lines_and_comments_as_well() {
        let text = b"A b \\\n  c\r\n# d \\\nE f\nG\\";
        let all: Vec<(u32, String)> = lines(text).collect();
        let wanted = [(1, "A b   c"), (3, "# d E f"), (5, "G")];
        assert_eq!(all, wanted.map(|(line, text)| (line, text.to_owned())));
    }

    #[test]
    fn quotes_keep_words_together() {
        assert_eq!(
            words(r#"a "b c" 'd "e"' "f\"g\\" h"i j"#),
            ["a", "b c", "d \"e\"", "f\"g\\", "h\"i", "j"]
        );
        assert_eq!(words("\"open  x"), ["open  x"]);
        assert_eq!(words("  "), Vec::<String>::new());
    }
}
