//! The words of an nginx configuration, cut as `ngx_conf_read_token()` of
//! `src/core/ngx_conf_file.c` cuts them.

/// nginx reads through a buffer of this many bytes and refuses a word (or comment) that fills it.
const WORD_LIMIT: usize = 4096;

/// One statement: words, and what ends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Words with quotes removed and escapes undone.
    pub words: Vec<Vec<u8>>,
    /// What ends it.
    pub end: End,
    /// Line of the first word, 1 being the first; for `}` and the end of file where they are.
    pub line: u32,
}

/// What ends a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// `;`
    Simple,
    /// `{`
    BlockStart,
    /// `}`: closes a block, comes without words.
    BlockDone,
    /// The end of the file, comes without words.
    File,
}

/// Line and words of an error, as nginx would complain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Line, 1 being the first.
    pub line: u32,
    /// What is wrong.
    pub why: String,
}

/// Reads statements one after the other.
#[derive(Clone, Debug)]
pub struct Tokens<'a> {
    content: &'a [u8],
    pos: usize,
    line: u32,
}

/// In what the reader is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    /// Behind a closing quote, where only white space, `;`, `{` or `)` may stand.
    Closed,
    Word,
    Quoted(u8),
    Comment,
}

impl<'a> Tokens<'a> {
    /// Reads from the beginning of a file.
    pub fn new(content: &'a [u8]) -> Self {
        Self { content, pos: 0, line: 1 }
    }

    /// The next statement.
    ///
    /// # Errors
    /// Where nginx would refuse the file.
    pub fn next_statement(&mut self) -> Result<Statement, SyntaxError> {
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut state = State::Between;
        let mut start = self.pos;
        let mut line = self.line;
        let mut variable = false;
        let mut escaped = false;
        while let Some(&byte) = self.content.get(self.pos) {
            if state != State::Between && self.pos - start >= WORD_LIMIT {
                return self.error("a word or comment is longer than nginx reads; unclosed quote?");
            }
            self.pos += 1;
            if byte == b'\n' {
                self.line = self.line.saturating_add(1);
            }
            if std::mem::take(&mut escaped) {
                continue;
            }
            let space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            if state == State::Comment {
                if byte == b'\n' {
                    state = State::Between;
                }
                continue;
            }
            if state == State::Closed {
                match byte {
                    _ if space => {
                        state = State::Between;
                        continue;
                    }
                    b';' => return Ok(Statement { words, end: End::Simple, line }),
                    b'{' => return Ok(Statement { words, end: End::BlockStart, line }),
                    b')' => state = State::Between,
                    _ => return self.unexpected(byte),
                }
            }
            if state == State::Between {
                start = self.pos - 1;
                if space {
                    continue;
                }
                if words.is_empty() {
                    line = self.line;
                }
                state = State::Word;
                match byte {
                    b';' | b'{' if words.is_empty() => return self.unexpected(byte),
                    b';' => return Ok(Statement { words, end: End::Simple, line }),
                    b'{' => return Ok(Statement { words, end: End::BlockStart, line }),
                    b'}' if words.is_empty() => {
                        return Ok(Statement { words, end: End::BlockDone, line });
                    }
                    b'}' => return self.unexpected(byte),
                    b'#' => state = State::Comment,
                    b'\\' => escaped = true,
                    b'$' => variable = true,
                    b'"' | b'\'' => {
                        start = self.pos;
                        state = State::Quoted(byte);
                    }
                    _ => {}
                }
                continue;
            }
            // In `${name}` the brace does not open a block.
            if byte == b'{' && variable {
                continue;
            }
            variable = byte == b'$';
            if byte == b'\\' {
                escaped = true;
            }
            let ends = match state {
                State::Quoted(quote) => byte == quote,
                _ => space || matches!(byte, b';' | b'{'),
            };
            if !ends {
                continue;
            }
            words.push(unescape(self.content.get(start..self.pos - 1).unwrap_or_default()));
            match (state, byte) {
                (State::Quoted(_), _) => state = State::Closed,
                (_, b';') => return Ok(Statement { words, end: End::Simple, line }),
                (_, b'{') => return Ok(Statement { words, end: End::BlockStart, line }),
                _ => state = State::Between,
            }
        }
        if words.is_empty() && matches!(state, State::Between | State::Comment) {
            return Ok(Statement { words, end: End::File, line: self.line });
        }
        self.error("unexpected end of file, expecting \";\" or \"}\"")
    }

    /// Leaves a block of Lua code (`content_by_lua_block { ... }`) whose `{` has been read: braces
    /// count except in Lua's strings and comments.
    ///
    /// # Errors
    /// When the file ends before the block does.
    pub fn skip_lua(&mut self) -> Result<(), SyntaxError> {
        let mut depth = 1_usize;
        while let Some(rest) = self.content.get(self.pos..) {
            let length = match rest {
                [] => break,
                [b'{', ..] => {
                    depth += 1;
                    1
                }
                [b'}', ..] => {
                    depth -= 1;
                    1
                }
                [b'-', b'-', after @ ..] => {
                    2 + long_bracket(after).unwrap_or_else(|| until(after, b"\n"))
                }
                [b'[', ..] => long_bracket(rest).unwrap_or(1),
                [quote @ (b'"' | b'\''), after @ ..] => 1 + quoted(after, *quote),
                _ => 1,
            };
            let passed = rest.get(..length.min(rest.len())).unwrap_or(rest);
            let lines = passed.iter().filter(|byte| **byte == b'\n').count();
            self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
            self.pos += passed.len().max(1);
            if depth == 0 {
                return Ok(());
            }
        }
        self.error("unexpected end of file in a block of Lua code")
    }

    fn unexpected<T>(&self, byte: u8) -> Result<T, SyntaxError> {
        self.error(format!("unexpected \"{}\"", char::from(byte).escape_default()))
    }

    fn error<T>(&self, why: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError { line: self.line, why: why.into() })
    }
}

/// Undoes the escapes that nginx knows; any other backslash stays.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut word = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&byte, after)) = rest.split_first() {
        let (plain, left) = match (byte, after) {
            (b'\\', [escaped @ (b'"' | b'\'' | b'\\'), left @ ..]) => (*escaped, left),
            (b'\\', [b't', left @ ..]) => (b'\t', left),
            (b'\\', [b'r', left @ ..]) => (b'\r', left),
            (b'\\', [b'n', left @ ..]) => (b'\n', left),
            _ => (byte, after),
        };
        word.push(plain);
        rest = left;
    }
    word
}

/// Length up to and with the first `end`, or all.
fn until(text: &[u8], end: &[u8]) -> usize {
    let at = text.windows(end.len()).position(|window| window == end);
    at.map_or(text.len(), |at| at + end.len())
}

/// Length of a Lua long bracket `[==[ ... ]==]` at the beginning of `text`, if one is there.
fn long_bracket(text: &[u8]) -> Option<usize> {
    let inner = text.strip_prefix(b"[")?;
    let level = inner.iter().take_while(|byte| **byte == b'=').count();
    let body = inner.get(level..)?.strip_prefix(b"[")?;
    let mut end = vec![b'='; level];
    end.insert(0, b']');
    end.push(b']');
    Some(level + 2 + until(body, &end))
}

/// Length of the rest of a Lua string behind its opening quote.
fn quoted(text: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if std::mem::take(&mut escaped) => {}
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statements(text: &str) -> Result<Vec<(Vec<String>, End, u32)>, SyntaxError> {
        let mut tokens = Tokens::new(text.as_bytes());
        let mut all = Vec::new();
        loop {
            let next = tokens.next_statement()?;
            if next.end == End::File {
                return Ok(all);
            }
            let words = next.words.iter().map(|w| String::from_utf8_lossy(w).into()).collect();
            all.push((words, next.end, next.line));
        }
    }

    fn words(text: &str) -> Vec<String> {
        statements(text).unwrap().remove(0).0
    }

    #[test]
    fn quotes_are_removed_and_known_escapes_undone() {
        assert_eq!(
            words(r#"a "b c" 'd "e"' "f\"g" h\;i \t \x;"#)[1..],
            ["b c", "d \"e\"", "f\"g", r"h\;i", "\t", r"\x"]
        );
    }

    #[test]
    fn a_quote_within_a_word_is_an_ordinary_character() {
        assert_eq!(words(r#"log a"b;"#), ["log", "a\"b"]);
    }

    #[test]
    fn a_variable_in_braces_does_not_open_a_block() {
        assert_eq!(words("set $a ${b}c;"), ["set", "$a", "${b}c"]);
    }

    #[test]
    fn a_comment_begins_only_where_a_word_could() {
        assert_eq!(words("a b#c # d;\n e;"), ["a", "b#c", "e"]);
    }

    #[test]
    fn a_statement_has_the_line_of_its_first_word() {
        let all = statements("\n# x\na\n b;\nc { \n}").unwrap();
        let lines: Vec<u32> = all.iter().map(|statement| statement.2).collect();
        assert_eq!(lines, [3, 5, 6]);
    }

    #[test]
    fn a_bracket_may_follow_a_closing_quote() {
        assert_eq!(words("if ($a = \"b\") { }"), ["if", "($a", "=", "b", ")"]);
        assert_eq!(words("if ($a = \"b\" ) { }"), ["if", "($a", "=", "b", ")"]);
        assert!(statements("a \"b\"c;").is_err());
    }

    #[test]
    fn what_nginx_refuses_is_refused() {
        for text in ["a", ";", "{", "a }", "a \"b", "a 'b;", "a b"] {
            assert!(statements(text).is_err(), "{text}");
        }
        assert!(statements(&format!("a {};", "x".repeat(5000))).is_err());
    }

    #[test]
    fn lua_code_is_passed_over() {
        let text = "x_by_lua_block {\n s = \"}\" -- }\n --[[ } ]] t = {} u = [=[ } ]] ]=]\n} b;";
        let mut tokens = Tokens::new(text.as_bytes());
        assert_eq!(tokens.next_statement().unwrap().end, End::BlockStart);
        tokens.skip_lua().unwrap();
        let next = tokens.next_statement().unwrap();
        assert_eq!((next.words, next.line), (vec![b"b".to_vec()], 4));
    }
}
