//! Files of `EnvironmentFile=`, as systemd reads them: `systemd.exec(5)`, and
//! `parse_env_file_internal()` of `env-file.c`. No shell reads them: nothing is expanded, a value
//! goes on to the end of its line, and `#` begins a comment in the place of a name only.

use crate::facts::Fact;
use crate::formats::limits::{Budget, malformed};
use std::path::Path;

/// Names and values in their order; of a name given twice the last holds.
///
/// # Errors
/// When the file is not UTF-8, or a bound is met.
pub fn variables(path: &Path, content: &[u8]) -> Fact<Vec<(String, String)>> {
    let text = std::str::from_utf8(content).map_err(|_| malformed(path, 0, "not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut budget = Budget::default();
    let mut found = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(first) = chars.next() {
        match first {
            '#' | ';' => while chars.next().is_some_and(|c| c != '\n') {},
            c if c.is_ascii_whitespace() => {}
            first => {
                budget.take(path)?;
                let mut name = String::from(first);
                let mut sets = false;
                while let Some(c) = chars.next_if(|c| *c != '\n' && *c != '\r') {
                    if c == '=' {
                        sets = true;
                        break;
                    }
                    name.push(c);
                }
                if sets {
                    let value = value(&mut chars);
                    found.push((name.trim_end().to_owned(), value));
                }
            }
        }
    }
    Ok(found)
}

/// A value up to the end of its line, which a quote or a backslash may put off.
fn value(chars: &mut std::iter::Peekable<std::str::Chars>) -> String {
    let mut value = String::new();
    // Up to where white space at the end is no part of it.
    let mut kept = 0;
    let mut begun = false;
    while let Some(c) = chars.next() {
        match c {
            '\n' | '\r' => break,
            ' ' | '\t' if !begun => {}
            '\'' if !begun => {
                value.extend(chars.by_ref().take_while(|c| *c != '\''));
                kept = value.len();
            }
            '"' if !begun => {
                double_quoted(chars, &mut value);
                kept = value.len();
            }
            '\\' => {
                begun = true;
                value.extend(chars.next().filter(|c| *c != '\n'));
                kept = value.len();
            }
            c => {
                begun = true;
                value.push(c);
                if !c.is_ascii_whitespace() {
                    kept = value.len();
                }
            }
        }
    }
    value.truncate(kept);
    value
}

fn double_quoted(chars: &mut std::iter::Peekable<std::str::Chars>, value: &mut String) {
    while let Some(c) = chars.next() {
        match c {
            '"' => return,
            '\\' => match chars.next() {
                Some('\n') | None => {}
                Some(c @ ('"' | '\\' | '`' | '$')) => value.push(c),
                Some(c) => value.extend(['\\', c]),
            },
            c => value.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        variables(Path::new("/f"), text.as_bytes()).unwrap_or_default()
    }

    #[test]
    fn a_value_goes_on_to_the_end_of_its_line() {
        for (text, value) in [
            ("A=-a -b  \n", "-a -b"),
            ("A=x; B=1\n", "x; B=1"),
            ("A=x # y\n", "x # y"),
            ("A=\"a b\"  'c d'\n", "a bc d"),
            ("A=$B\r\n", "$B"),
            ("A= \"a\\$b\\x\"\n", "a$b\\x"),
            ("A=a\\\nb\n", "ab"),
            ("# x\n;y\nnothing\nA=\"1\n2\"\nC=3\n", "1\n2"),
            ("A=it's\n", "it's"),
        ] {
            assert_eq!(read(text).first(), Some(&("A".into(), value.into())), "{text:?}");
        }
    }
}
