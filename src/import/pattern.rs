//! Regular expressions of Go, which other tools match line by line or against a whole text.
//!
//! Our expressions are matched against the whole content with `^` and `$` at lines. What means one line
//! elsewhere must not match across two here.

/// A plain text as an expression.
pub fn escaped(text: &str) -> String {
    regex::escape(text)
}

/// An expression that is matched with one line. `None`: what it means cannot be said here.
pub fn of_line(pattern: &str) -> Option<String> {
    // Flags may make `.` match the end of a line.
    if pattern.contains("(?") && !pattern.contains("(?i)") && !pattern.contains("(?:") {
        return None;
    }
    let mut out = String::new();
    let mut chars = pattern.chars().peekable();
    let mut class: Option<bool> = None;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', None) => match chars.next()? {
                's' => out.push_str("[^\\S\\n]"),
                'S' => out.push_str("\\S"),
                'W' => out.push_str("[^\\w\\n]"),
                'D' => out.push_str("[^\\d\\n]"),
                'A' => out.push('^'),
                'z' => out.push('$'),
                'n' | 'P' | 'p' | 'C' => return None,
                other => out.extend(['\\', other]),
            },
            ('\\', Some(negated)) => match chars.next()? {
                's' if !negated => out.push_str(" \\t\\r\\f\\v"),
                'W' | 'D' | 'n' | 'P' | 'S' if !negated => return None,
                'S' if negated => return None,
                other => out.extend(['\\', other]),
            },
            ('[', None) => {
                out.push('[');
                let negated = chars.next_if_eq(&'^').is_some();
                if negated {
                    out.push_str("^\\n");
                }
                // A bracket that comes first is a member.
                if chars.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
                class = Some(negated);
            }
            ('[', Some(_)) if chars.peek() == Some(&':') => {
                let name: String = chars.by_ref().take_while(|c| *c != ']').collect();
                if ["space", "^", "cntrl"].iter().any(|word| name.contains(word)) {
                    return None;
                }
                out.push_str(&format!("[{name}]"));
            }
            ('[', Some(_)) => out.push_str("\\["),
            (']', Some(_)) => {
                out.push(']');
                class = None;
            }
            // What our syntax gives a meaning within brackets, and Go's does not.
            ('&' | '~', Some(_)) => out.extend(['\\', c]),
            (c, _) => out.push(c),
        }
    }
    class.is_none().then_some(out)
}

/// An expression that is matched with a whole text, `^` and `$` being its ends.
pub fn of_text(pattern: &str) -> String {
    format!("(?-m:{pattern})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(pattern: &str, text: &str) -> bool {
        let pattern = of_line(pattern).unwrap_or_default();
        let built = regex::RegexBuilder::new(&pattern).multi_line(true).build();
        built.is_ok_and(|regex| regex.is_match(text))
    }

    #[test]
    fn what_means_one_line_does_not_match_across_two() {
        for (pattern, one, two) in [
            (r"a\s+b", "a  b", "a\nb"),
            (r"a[^c]*b", "a x b", "a\nb"),
            (r"a[\s]b", "a b", "a\nb"),
            (r"a\Wb", "a-b", "a\nb"),
            (r"a\Db", "a-b", "a\nb"),
            (r"^a b$", "x\na b\ny", "x a b"),
        ] {
            assert!(finds(pattern, one), "{pattern}");
            assert!(!finds(pattern, two), "{pattern}");
        }
    }

    #[test]
    fn what_cannot_be_kept_within_a_line_is_not_carried_over() {
        for pattern in [r"a\nb", r"(?s)a.b", r"[\W]x", "[[:space:]]a", "[a"] {
            assert_eq!(of_line(pattern), None, "{pattern}");
        }
    }
}
