//! The words and operators of a shell text, as POSIX's "Token Recognition" has them, with the
//! arrays and here-strings of bash.

use super::word::{ANY, Part, Word, clean};

/// The most tokens of one text.
pub(super) const TOKENS: usize = 100_000;
/// How many quotes and substitutions may be open at once; what has more is passed over whole.
const OPEN: usize = 500;
/// How deep arrays may stand within each other.
const DEPTH: usize = 30;

/// A word, an operator, or something that a command reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// `;`, `&&`, `|`, `(`, a newline (`\n`) and their like.
    Operator(&'static str),
    /// `< FILE`.
    Input(Word),
    /// `> FILE` and its like, with the place where it goes.
    Output(Word),
    /// The text of a here-document or here-string.
    Here(Word),
}

/// The tokens of a text. `false`: it goes on after what was read.
pub(super) fn tokens(text: &str) -> (Vec<Token>, bool) {
    nested(text, 0)
}

fn nested(text: &str, depth: usize) -> (Vec<Token>, bool) {
    let text = clean(text);
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, tokens: Vec::new(), depth };
    let complete = lexer.all();
    (lexer.tokens, complete)
}

/// The parts of a text within double quotes, as of a here-document.
pub(super) fn quoted(text: &str) -> Word {
    let mut lexer = Lexer { chars: text.chars().collect(), at: 0, tokens: Vec::new(), depth: 0 };
    let mut word = Word::new();
    lexer.double(&mut word, None);
    word
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<Token>,
    depth: usize,
}

/// A here-document whose text follows after the line.
struct Awaited {
    token: usize,
    end: String,
    tabs: bool,
    plain: bool,
}

/// Operators, longer ones first.
const OPERATORS: &[&str] = &[";;&", ";;", ";&", "&&", "||", "|&", "(", ")", ";", "&", "|"];

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c))
    }

    fn all(&mut self) -> bool {
        let mut awaited: Vec<Awaited> = Vec::new();
        while let Some(c) = self.peek(0) {
            if self.tokens.len() > TOKENS {
                return false;
            }
            match c {
                '\n' => {
                    self.at += 1;
                    self.tokens.push(Token::Operator("\n"));
                    for one in awaited.drain(..) {
                        let body = self.body(&one);
                        let word = if one.plain { vec![Part::Text(body)] } else { quoted(&body) };
                        if let Some(token) = self.tokens.get_mut(one.token) {
                            *token = Token::Here(word);
                        }
                    }
                }
                c if c.is_whitespace() => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ if self.redirection(&mut awaited) => {}
                _ => match OPERATORS.iter().find(|operator| self.starts(operator)) {
                    Some(operator) => {
                        self.at += operator.len();
                        self.tokens.push(Token::Operator(operator));
                    }
                    None => {
                        let before = self.at;
                        let word = self.word();
                        self.tokens.push(Token::Word(word));
                        // Whatever stands there, the next round is about what follows.
                        self.at = self.at.max(before + 1);
                    }
                },
            }
        }
        true
    }

    /// Reads a redirection with its file, if one stands here.
    fn redirection(&mut self, awaited: &mut Vec<Awaited>) -> bool {
        let mut digits = 0;
        while self.peek(digits).is_some_and(|c| c.is_ascii_digit()) {
            digits += 1;
        }
        let sign = self.peek(digits);
        let both = digits == 0 && sign == Some('&') && self.peek(1) == Some('>');
        if !(matches!(sign, Some('<' | '>')) || both) {
            return false;
        }
        // `<(…)` is a word.
        if digits == 0 && self.peek(1) == Some('(') {
            return false;
        }
        self.at += digits + usize::from(both);
        let kinds = ["<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">"];
        let kind = kinds.into_iter().find(|kind| self.starts(kind)).unwrap_or("<");
        self.at += kind.len();
        while self.peek(0).is_some_and(|c| c == ' ' || c == '\t') {
            self.at += 1;
        }
        let start = self.at;
        let word = self.word();
        let raw: String = self.chars.get(start..self.at).unwrap_or_default().iter().collect();
        match kind {
            "<<<" => self.tokens.push(Token::Here(word)),
            "<<-" | "<<" => {
                let end = raw.replace(['\'', '"', '\\'], "");
                let plain = raw != end;
                awaited.push(Awaited { token: self.tokens.len(), end, tabs: kind == "<<-", plain });
                self.tokens.push(Token::Here(Word::new()));
            }
            "<" | "<>" => self.tokens.push(Token::Input(word)),
            "<&" | ">&" if raw.chars().all(|c| c.is_ascii_digit() || c == '-') => {}
            _ => self.tokens.push(Token::Output(word)),
        }
        true
    }

    /// The lines of a here-document.
    fn body(&mut self, awaited: &Awaited) -> String {
        let mut body = String::new();
        while self.at < self.chars.len() {
            let rest = self.chars.get(self.at..).unwrap_or_default();
            let length = rest.iter().position(|c| *c == '\n').unwrap_or(rest.len());
            let line: String = rest.iter().take(length).collect();
            self.at += length + 1;
            let bare = if awaited.tabs { line.trim_start_matches('\t') } else { line.as_str() };
            if bare == awaited.end {
                break;
            }
            body.push_str(bare);
            body.push('\n');
        }
        self.at = self.at.min(self.chars.len());
        body
    }

    /// One word, up to a blank or an operator.
    fn word(&mut self) -> Word {
        let mut word = Word::new();
        while let Some(c) = self.peek(0) {
            match c {
                '\'' => {
                    self.at += 1;
                    word.push(Part::Quote);
                    let mut text = String::new();
                    while let Some(c) = self.peek(0).filter(|c| *c != '\'') {
                        text.push(c);
                        self.at += 1;
                    }
                    self.at += 1;
                    word.push(Part::Text(text));
                }
                '"' => {
                    self.at += 1;
                    word.push(Part::Quote);
                    self.double(&mut word, Some('"'));
                }
                '\\' => {
                    if let Some(next) = self.peek(1).filter(|next| *next != '\n') {
                        word.push(Part::Text(next.to_string()));
                    }
                    self.at += 2;
                }
                '$' if matches!(self.peek(1), Some('\'' | '"')) => self.at += 1,
                '$' => self.dollar(&mut word, false),
                '`' => self.backquoted(&mut word, false),
                '<' | '>' if self.peek(1) == Some('(') => {
                    self.at += 2;
                    let text = self.until_closed();
                    word.push(Part::Process(text));
                }
                '(' if matches!(word.last(), Some(Part::Text(text)) if text.ends_with('=')) => {
                    self.at += 1;
                    let text = self.until_closed();
                    let (tokens, _) = match self.depth < DEPTH {
                        true => nested(&text, self.depth + 1),
                        false => Default::default(),
                    };
                    let words = tokens.into_iter().filter_map(|token| match token {
                        Token::Word(word) => Some(word),
                        _ => None,
                    });
                    word.push(Part::Array(words.collect()));
                }
                '*' | '?' => {
                    self.at += 1;
                    word.push(Part::Text(ANY.to_string()));
                }
                c if c.is_whitespace() || ";&|()<>".contains(c) => break,
                c => {
                    self.at += 1;
                    match word.last_mut() {
                        Some(Part::Text(text)) => text.push(c),
                        _ => word.push(Part::Text(c.to_string())),
                    }
                }
            }
        }
        word
    }

    /// What stands within double quotes, up to the closing one.
    fn double(&mut self, word: &mut Word, end: Option<char>) {
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            match c {
                c if Some(c) == end => {
                    self.at += 1;
                    break;
                }
                '\\' if self.peek(1).is_some_and(|next| "$`\"\\\n".contains(next)) => {
                    text.extend(self.peek(1).filter(|next| *next != '\n'));
                    self.at += 2;
                }
                '$' | '`' => {
                    word.push(Part::Text(std::mem::take(&mut text)));
                    match c {
                        '$' => self.dollar(word, true),
                        _ => self.backquoted(word, true),
                    }
                }
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
        word.push(Part::Text(text));
    }

    /// A variable, substitution or sum.
    fn dollar(&mut self, word: &mut Word, quoted: bool) {
        self.at += 1;
        match self.peek(0) {
            Some('(') if self.peek(1) == Some('(') => {
                self.at += 2;
                self.until_closed();
                if self.peek(0) == Some(')') {
                    self.at += 1;
                }
                word.push(Part::Unknown);
            }
            Some('(') => {
                self.at += 1;
                let text = self.until_closed();
                word.push(Part::Substitution { text, quoted });
            }
            Some('{') => {
                self.at += 1;
                let text = self.braced(quoted);
                word.push(variable(&text, quoted));
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let mut name = String::new();
                while let Some(c) = self.peek(0).filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                {
                    name.push(c);
                    self.at += 1;
                }
                word.push(Part::Variable { name, operator: String::new(), quoted });
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.at += 1;
                word.push(Part::Variable { name: c.to_string(), operator: String::new(), quoted });
            }
            _ => word.push(Part::Text("$".into())),
        }
    }

    fn backquoted(&mut self, word: &mut Word, quoted: bool) {
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek(0).filter(|c| *c != '`') {
            self.at += 1;
            match self.peek(0) {
                Some(next) if c == '\\' && "$`\\".contains(next) => {
                    text.push(next);
                    self.at += 1;
                }
                _ => text.push(c),
            }
        }
        self.at += 1;
        word.push(Part::Substitution { text, quoted });
    }

    /// The text up to the parenthesis that closes.
    fn until_closed(&mut self) -> String {
        self.enclosed(')', false)
    }

    fn braced(&mut self, quoted: bool) -> String {
        self.enclosed('}', quoted)
    }

    /// The text up to `close`. What is quoted within, and substitutions in that, may have further ones.
    fn enclosed(&mut self, close: char, quoted: bool) -> String {
        let start = self.at;
        // What closes what has been opened, the innermost last.
        let mut open = vec![close];
        while let (Some(top), Some(c)) = (open.last().copied(), self.peek(0)) {
            if open.len() > OPEN {
                self.at = self.chars.len();
                break;
            }
            self.at += 1;
            let starts_word = || {
                let before = self.at.checked_sub(2).and_then(|at| self.chars.get(at));
                before.is_none_or(|c| c.is_whitespace() || "(;&|".contains(*c))
            };
            match c {
                '\\' => self.at += 1,
                c if c == top => drop(open.pop()),
                '`' | '"' if top != '`' => open.push(c),
                '$' if top != '`' && matches!(self.peek(0), Some('(' | '{')) => {
                    open.push(if self.peek(0) == Some('(') { ')' } else { '}' });
                    self.at += 1;
                }
                '(' if top == ')' => open.push(')'),
                '{' if top == '}' => open.push('}'),
                // Within double quotes it is a character like others.
                '\'' if top == ')' || (top == '}' && !quoted && !open.contains(&'"')) => {
                    while self.peek(0).is_some_and(|c| c != '\'') {
                        self.at += 1;
                    }
                    self.at += 1;
                }
                '#' if top == ')' && starts_word() => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                _ => {}
            }
        }
        self.at = self.at.min(self.chars.len());
        let end = if open.is_empty() { self.at.saturating_sub(1) } else { self.at };
        self.chars.get(start..end).unwrap_or_default().iter().collect()
    }
}

/// `${NAME…}`, by its text.
fn variable(text: &str, quoted: bool) -> Part {
    let bare = text.strip_prefix(['!', '#']).filter(|rest| !rest.is_empty());
    if bare.is_some() && text.len() > 1 {
        return Part::Unknown;
    }
    let length = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    let (mut name, mut rest) = text.split_at(length.unwrap_or(text.len()));
    if name.is_empty() {
        let special = text.chars().next().map_or(0, char::len_utf8);
        (name, rest) = text.split_at(special);
    }
    // An element of an array: all of them, or one.
    if rest.starts_with('[')
        && let Some((_, behind)) = rest.split_once(']')
    {
        rest = behind;
    }
    Part::Variable { name: name.to_owned(), operator: rest.to_owned(), quoted }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first part of the only word of a text.
    fn part(text: &str) -> Part {
        let (tokens, _) = tokens(text);
        let [Token::Word(word)] = tokens.as_slice() else { panic!("{text}: {tokens:?}") };
        let mut parts = word.iter().filter(|part| match part {
            Part::Quote => false,
            Part::Text(text) => !text.is_empty(),
            _ => true,
        });
        parts.next().cloned().unwrap()
    }

    #[test]
    fn a_substitution_ends_where_it_does_for_a_shell() {
        for (text, within) in [
            ("$(a b)", "a b"),
            ("$(a (b) c)", "a (b) c"),
            (r#""$(basename "$(readlink /x)")""#, r#"basename "$(readlink /x)""#),
            (r#"$(a "b)" 'c)' \) d)"#, r#"a "b)" 'c)' \) d"#),
            (r#"$(a "${x%")"}" b)"#, r#"a "${x%")"}" b"#),
            ("$(a # don't (stop\n b)", "a # don't (stop\n b"),
            ("$(a x#y $# ')')", "a x#y $# ')'"),
            ("$(a `b )` c)", "a `b )` c"),
        ] {
            let quoted = text.starts_with('"');
            let expected = Part::Substitution { text: within.to_owned(), quoted };
            assert_eq!(part(text), expected, "{text}");
        }
        for (text, name) in [
            ("${x:-a}", "x"),
            (r#""${x:-don't}""#, "x"),
            (r#"${x#'}'}"#, "x"),
            (r#""${x%"${y}"}""#, "x"),
            ("${x:-$(a } b)}", "x"),
        ] {
            assert!(
                matches!(part(text), Part::Variable { name: found, .. } if found == name),
                "{text}"
            );
        }
        // What nothing closes ends with the text, however deep.
        assert!(tokens(&"$(".repeat(100_000)).0.len() < 10);
        assert!(tokens(r#"$(a "b"#).0.len() == 1);
        assert!(tokens(&"a=(".repeat(100_000)).0.len() < 10);
    }
}
