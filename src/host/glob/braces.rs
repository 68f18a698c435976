//! Braces of a glob pattern: `/etc/{nginx,apache2/conf}/x` is two patterns.

/// The most alternatives that the braces of one pattern may give.
const ALTERNATIVES: usize = 1000;

/// What stands before the first braces, between their commas, and behind them.
type Parts<'a> = (&'a str, Vec<&'a str>, &'a str);

/// Replaces `{a,b}` by its alternatives, the first braces first, nested ones as well.
pub(super) fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let mut done = Vec::new();
    let mut todo = vec![pattern.to_owned()];
    while let Some(text) = todo.pop() {
        match first_braces(&text)? {
            None => done.push(text),
            Some((before, alternatives, after)) => {
                todo.extend(alternatives.iter().map(|middle| format!("{before}{middle}{after}")));
            }
        }
        if done.len().saturating_add(todo.len()) > ALTERNATIVES {
            return Err(format!("braces with more than {ALTERNATIVES} alternatives"));
        }
    }
    Ok(done)
}

/// What stands before, in (split at the commas) and behind the first braces.
fn first_braces(text: &str) -> Result<Option<Parts<'_>>, String> {
    let mut open = None;
    let mut depth = 0usize;
    let mut start = 0;
    let mut alternatives = Vec::new();
    let mut class = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            // Braces within `[...]` mean themselves.
            '[' if !class => {
                class = text.get(at.saturating_add(2)..).is_some_and(|rest| rest.contains(']'));
            }
            ']' => class = false,
            _ if class => {}
            '{' => {
                if depth == 0 {
                    open = Some(at);
                    start = at.saturating_add(1);
                }
                depth = depth.saturating_add(1);
            }
            ',' if depth == 1 => {
                alternatives.push(text.get(start..at).unwrap_or_default());
                start = at.saturating_add(1);
            }
            '}' if depth > 0 => {
                depth = depth.saturating_sub(1);
                if let (0, Some(open)) = (depth, open) {
                    alternatives.push(text.get(start..at).unwrap_or_default());
                    let before = text.get(..open).unwrap_or_default();
                    let after = text.get(at.saturating_add(1)..).unwrap_or_default();
                    return Ok(Some((before, alternatives, after)));
                }
            }
            _ => {}
        }
    }
    if depth > 0 { Err("a brace that is not closed".to_owned()) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(pattern: &str) -> Vec<String> {
        let mut found = expand(pattern).unwrap();
        found.sort();
        found
    }

    #[test]
    fn braces_multiply_and_nest() {
        assert_eq!(sorted("/a"), ["/a"]);
        assert_eq!(sorted("/{a,b}{c,d}"), ["/ac", "/ad", "/bc", "/bd"]);
        assert_eq!(sorted("/{a,b/{c,d}}/e"), ["/a/e", "/b/c/e", "/b/d/e"]);
        assert_eq!(sorted("/{a,}b"), ["/ab", "/b"]);
    }

    #[test]
    fn an_escaped_or_classed_brace_means_itself() {
        assert_eq!(sorted("/\\{a,b\\}"), ["/\\{a,b\\}"]);
        assert_eq!(sorted("/[{]a,b"), ["/[{]a,b"]);
        assert_eq!(sorted("/a}b"), ["/a}b"]);
    }

    #[test]
    fn open_or_countless_braces_are_refused() {
        assert!(expand("/{a,b").is_err());
        assert!(expand(&"{a,b}".repeat(30)).is_err());
        assert!(expand(&"{".repeat(100_000)).is_err());
    }
}
