//! Lines, words and lists of sudoers.

use crate::facts::sudo::Member;

/// The longest line that is read, in bytes.
const LONGEST: usize = 1 << 20;

/// Lines that say something, those joined that end in a backslash, comments taken out; each with
/// the number of its first. `#include` and `#1000` (a uid) begin no comment.
pub(super) fn logical_lines(text: &str) -> Vec<(u32, String)> {
    let mut found = Vec::new();
    let mut lines = (1_u32..).zip(text.split('\n'));
    while let Some((number, line)) = lines.next() {
        let mut joined = without_comment(line);
        while joined.1 && joined.0.len() < LONGEST {
            joined.0.pop();
            let Some((_, next)) = lines.next() else { break };
            let (next, goes_on) = without_comment(next.trim_start());
            joined.0.push_str(&next);
            joined.1 = goes_on;
        }
        let line = joined.0.trim();
        if !line.is_empty() {
            found.push((number, line.to_owned()));
        }
    }
    found
}

/// A line up to its comment, and whether it goes on behind a backslash.
fn without_comment(line: &str) -> (String, bool) {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let bare = line.trim_start();
    if bare.starts_with("#include") {
        return (line.to_owned(), false);
    }
    let mut quoted = false;
    let mut escaped = false;
    let mut end = line.len();
    for (at, c) in line.char_indices() {
        match c {
            _ if escaped => {
                escaped = false;
                continue;
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '#' if !quoted => {
                let after = line.get(at + 1..).and_then(|rest| rest.chars().next());
                let before = line.get(..at).and_then(|rest| rest.chars().next_back());
                // `#1000` is a uid, `%#10` a gid.
                let id = after.is_some_and(|c| c.is_ascii_digit() || c == '-')
                    && before.is_none_or(|c| c.is_whitespace() || ",(!%:>".contains(c));
                if !id {
                    end = at;
                    break;
                }
            }
            _ => {}
        }
    }
    let kept = line.get(..end).unwrap_or_default().to_owned();
    (kept, escaped && end == line.len())
}

/// The target of an include line, and whether it is a directory.
pub(super) fn include(line: &str) -> Option<(bool, String)> {
    let rest = line.strip_prefix('@').or_else(|| line.strip_prefix('#'))?;
    let (word, target) = rest.split_once(char::is_whitespace)?;
    let directory = match word {
        "include" => false,
        "includedir" => true,
        _ => return None,
    };
    let target = target.trim();
    let target =
        target.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(target);
    Some((directory, target.replace("\\ ", " ")))
}

/// What is left of a line.
pub(super) struct Scanner<'a> {
    pub rest: &'a str,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { rest: line.trim_start() }
    }

    /// Takes this text if it is next.
    pub(super) fn take(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest.trim_start();
                true
            }
            None => false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Exclamation marks: an odd number of them negates.
    pub(super) fn negation(&mut self) -> bool {
        let mut negated = false;
        while self.take("!") {
            negated = !negated;
        }
        negated
    }

    /// A word of a list of users, groups or hosts.
    pub(super) fn word(&mut self) -> Result<String, String> {
        let mut out = String::new();
        let mut chars = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        let mut quoted = false;
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => quoted = !quoted,
                '\\' => {
                    if let Some((_, next)) = chars.next() {
                        out.push(next);
                    }
                }
                _ if quoted => out.push(c),
                // Parts of an IPv6 address.
                ':' if !out.is_empty()
                    && out.chars().all(|c| c.is_ascii_hexdigit() || c == ':')
                    && chars.peek().is_some_and(|(_, c)| c.is_ascii_hexdigit() || *c == ':') =>
                {
                    out.push(c);
                }
                ':' if out == "%" => out.push(c),
                c if c.is_whitespace() || ",=:()!".contains(c) => {
                    end = at;
                    break;
                }
                _ => out.push(c),
            }
        }
        if quoted {
            return Err("a quote is not closed".into());
        }
        let whole = self.rest;
        self.rest = whole.get(end..).unwrap_or_default().trim_start();
        match out.is_empty() {
            true => Err("a name is missing".into()),
            false => Ok(out),
        }
    }

    /// A list of users, groups or hosts.
    pub(super) fn members(&mut self) -> Result<Vec<Member>, String> {
        let mut list = Vec::new();
        loop {
            let negated = self.negation();
            list.push(Member { negated, text: self.word()? });
            if !self.take(",") {
                return Ok(list);
            }
        }
    }

    /// A command with its arguments: everything up to a comma or colon that is not escaped.
    pub(super) fn command(&mut self) -> Result<String, String> {
        let mut out = String::new();
        let mut end = self.rest.len();
        let mut quoted = false;
        let mut chars = self.rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    // What is special to the list loses its backslash, a pattern's keeps it.
                    Some((_, next)) if ",:= \t#\\".contains(next) => {
                        if next == '\\' || next == ' ' {
                            out.push('\\');
                        }
                        out.push(next);
                    }
                    Some((_, next)) => {
                        out.push('\\');
                        out.push(next);
                    }
                    None => return Err("it ends in a backslash".into()),
                },
                '"' => {
                    quoted = !quoted;
                    out.push(c);
                }
                ',' | ':' if !quoted => {
                    // sha256:… in front of a command.
                    if c == ':' && is_digest(&out) {
                        out.push(c);
                        continue;
                    }
                    end = at;
                    break;
                }
                _ => out.push(c),
            }
        }
        let whole = self.rest;
        self.rest = whole.get(end..).unwrap_or_default().trim_start();
        let words: Vec<&str> = out.split_whitespace().collect();
        match words.is_empty() {
            true => Err("a command is missing".into()),
            false => Ok(words.join(" ")),
        }
    }
}

fn is_digest(text: &str) -> bool {
    ["sha224", "sha256", "sha384", "sha512"].contains(&text.trim())
}
