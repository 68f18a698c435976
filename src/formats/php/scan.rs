//! The lines of `php.ini`, as PHP's own scanner and grammar take them apart
//! (`Zend/zend_ini_scanner.l` and `zend_ini_parser.y` of PHP, mode `INI_SCANNER_NORMAL`).

/// What stands in the file next.
pub enum Statement {
    /// `[PATH=/x]`, without the brackets.
    Section(String),
    /// `name = value`, `name[] = value`.
    Entry {
        /// The name.
        name: String,
        /// What stands in the brackets that follow it; nothing in those of `name[]`.
        key: Option<String>,
        /// The value.
        value: Value,
    },
    /// Nothing more.
    End,
}

/// A value.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Value {
    /// Words and expressions as written, strings without their quotes.
    pub written: String,
    /// What PHP makes of it.
    pub php: String,
    /// Variables and constants that only a running PHP could tell.
    pub unresolved: Vec<String>,
}

/// What PHP would complain about.
pub struct SyntaxError {
    /// Line.
    pub line: u32,
    /// In words.
    pub why: &'static str,
}

/// Values of constants that PHP knows while it reads its configuration.
const CONSTANTS: [(&str, i64); 16] = [
    ("E_ALL", 32767),
    ("E_ERROR", 1),
    ("E_WARNING", 2),
    ("E_PARSE", 4),
    ("E_NOTICE", 8),
    ("E_CORE_ERROR", 16),
    ("E_CORE_WARNING", 32),
    ("E_COMPILE_ERROR", 64),
    ("E_COMPILE_WARNING", 128),
    ("E_USER_ERROR", 256),
    ("E_USER_WARNING", 512),
    ("E_USER_NOTICE", 1024),
    ("E_STRICT", 2048),
    ("E_RECOVERABLE_ERROR", 4096),
    ("E_DEPRECATED", 8192),
    ("E_USER_DEPRECATED", 16384),
];

/// How deep parentheses and signs may be nested; PHP has no bound but its stack.
const DEPTH: usize = 100;

/// Looks up what an earlier setting says, for `${name}`.
pub type Known<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Goes through a file.
pub struct Scanner<'a> {
    rest: &'a [u8],
    line: u32,
}

/// A piece of a value.
enum Piece {
    /// Text, and whether PHP takes it for a word of its own (`on`, a constant).
    Text(String, bool),
    Operator(u8),
}

impl<'a> Scanner<'a> {
    /// A scanner at the beginning of a file.
    pub fn new(content: &'a [u8]) -> Self {
        Self { rest: content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content), line: 1 }
    }

    /// The next statement and the line in which it begins.
    pub fn next(&mut self, known: &Known) -> Result<(u32, Statement), SyntaxError> {
        loop {
            self.blanks(b" \t\r\n");
            let line = self.line;
            match self.rest.first() {
                None => return Ok((line, Statement::End)),
                Some(b';') => self.comment(),
                Some(b'[') => return Ok((line, Statement::Section(self.section()?))),
                Some(_) => {
                    if let Some(entry) = self.entry(known)? {
                        return Ok((line, entry));
                    }
                }
            }
        }
    }

    fn error(&self, why: &'static str) -> SyntaxError {
        SyntaxError { line: self.line, why }
    }

    fn bump(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        let next = rest.first();
        if *first == b'\n' || *first == b'\r' && next != Some(&b'\n') {
            self.line = self.line.saturating_add(1);
        }
        Some(*first)
    }

    fn take_while(&mut self, fits: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.rest.iter().position(|byte| !fits(*byte)).unwrap_or(self.rest.len());
        let (taken, _) = self.rest.split_at(end);
        for _ in 0..end {
            self.bump();
        }
        taken
    }

    fn blanks(&mut self, which: &[u8]) -> bool {
        !self.take_while(|byte| which.contains(&byte)).is_empty()
    }

    fn comment(&mut self) {
        self.take_while(|byte| !matches!(byte, b'\n' | b'\r'));
    }

    fn section(&mut self) -> Result<String, SyntaxError> {
        self.bump();
        let inside = self.take_while(|byte| !matches!(byte, b']' | b'\n' | b'\r'));
        if self.bump() != Some(b']') {
            return Err(self.error("a section without its closing bracket"));
        }
        Ok(text(inside).replace(['"', '\''], ""))
    }

    /// `None`: a name alone, which sets nothing.
    fn entry(&mut self, known: &Known) -> Result<Option<Statement>, SyntaxError> {
        let is_name = |byte| !b"=\n\r\t;&|^$~(){}!\"[]\0".contains(&byte);
        let name = text(self.take_while(is_name)).trim_end().to_owned();
        if name.is_empty() {
            return Err(self.error("a line that begins with neither a name nor a section"));
        }
        if switch(&name).is_some() {
            return Err(self.error("a word such as `on` or `none` in the place of a name"));
        }
        let key = match self.rest.first() {
            Some(b'[') => Some(self.section()?),
            _ => None,
        };
        self.blanks(b" \t");
        match self.rest.first() {
            Some(b'=') => {
                self.bump();
                let value = self.value(known)?;
                Ok(Some(Statement::Entry { name, key, value }))
            }
            None | Some(b'\n' | b'\r' | b';') => Ok(None),
            Some(_) => Err(self.error("a name with something else than = behind it")),
        }
    }

    fn value(&mut self, known: &Known) -> Result<Value, SyntaxError> {
        self.blanks(b" \t");
        let start = self.rest;
        let mut value = Value::default();
        let pieces = self.pieces(known, &mut value)?;
        let length = start.len() - self.rest.len();
        let source = start.get(..length).unwrap_or_default().trim_ascii();
        let expression = pieces.iter().any(|piece| matches!(piece, Piece::Operator(_)));
        let mut words = pieces.iter().filter_map(|piece| match piece {
            Piece::Text(word, true) => Some(word.as_str()),
            _ => None,
        });
        let switch = words.find_map(switch);
        match switch {
            // These words stand alone or not at all.
            Some(_) if pieces.len() > 1 => {
                return Err(self.error("a word such as `on` or `none` beside something else"));
            }
            Some(php) => {
                value.written = text(source);
                value.php = php.to_owned();
            }
            None if expression => {
                value.written = text(source);
                let mut left = pieces.iter().peekable();
                let found = evaluate(&mut left, &mut value.unresolved, 0);
                let Some(found) = found.filter(|_| left.next().is_none()) else {
                    return Err(self.error("an expression that PHP does not understand"));
                };
                value.php = found;
            }
            None => {
                let mut changed = false;
                for piece in &pieces {
                    let Piece::Text(part, word) = piece else { continue };
                    let constant = word.then(|| constant(part, &mut value.unresolved)).flatten();
                    changed |= constant.is_some();
                    value.php.push_str(&constant.map_or_else(|| part.clone(), |n| n.to_string()));
                }
                value.written = if changed { text(source) } else { value.php.clone() };
            }
        }
        Ok(value)
    }

    /// Everything up to the end of a value, comments left out.
    fn pieces(&mut self, known: &Known, value: &mut Value) -> Result<Vec<Piece>, SyntaxError> {
        let mut pieces: Vec<Piece> = Vec::new();
        // White space counts between words, not beside quotes and operators.
        let mut space = String::new();
        let mut glue = false;
        loop {
            let blank = self.take_while(|byte| matches!(byte, b' ' | b'\t'));
            if !blank.is_empty() {
                space = text(blank);
            }
            let Some(first) = self.rest.first().copied() else { return Ok(pieces) };
            match first {
                b'\n' | b'\r' | b';' => {
                    self.comment();
                    return Ok(pieces);
                }
                b'=' => return Err(self.error("an = within a value that has no quotes")),
                0 => return Err(self.error("a NUL byte")),
                b'"' => {
                    let string = self.double_quoted(known, value)?;
                    pieces.push(Piece::Text(string, false));
                    glue = false;
                }
                b'\'' => {
                    self.bump();
                    let inside = self.take_while(|byte| byte != b'\'');
                    if self.bump().is_none() {
                        return Err(self.error("a string without its closing quote"));
                    }
                    let ends =
                        matches!(self.rest.first(), None | Some(b' ' | b'\t' | b'\r' | b'\n'));
                    if inside.is_empty() && !(pieces.is_empty() && ends) {
                        // PHP loses what stands beside it.
                        return Err(self.error("an empty string beside something else"));
                    }
                    pieces.push(Piece::Text(text(inside), false));
                    glue = false;
                }
                b'&' | b'|' | b'^' | b'~' | b'(' | b')' | b'!' => {
                    self.bump();
                    pieces.push(Piece::Operator(first));
                    glue = false;
                }
                _ => {
                    if glue && !space.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut space), false));
                    }
                    if self.rest.starts_with(b"${") {
                        let found = self.variable(known, value)?;
                        pieces.push(Piece::Text(found, false));
                    } else {
                        let word = self.word();
                        pieces.push(Piece::Text(word, true));
                    }
                    glue = true;
                }
            }
            space.clear();
        }
    }

    /// Characters without a meaning; a dollar sign has one before a brace only.
    fn word(&mut self) -> String {
        let mut word = Vec::new();
        while let Some(byte) = self.rest.first().copied() {
            let special = b"= \t\n\r;&|^~()!\"'\0".contains(&byte);
            if special || self.rest.starts_with(b"${") {
                break;
            }
            word.push(byte);
            self.bump();
            // A dollar sign takes the character behind it along, whatever that is.
            if byte == b'$' {
                let escaped = self.rest.first() == Some(&b'\\');
                word.extend(self.bump());
                word.extend(if escaped { self.bump() } else { None });
            }
        }
        text(&word)
    }

    fn variable(&mut self, known: &Known, value: &mut Value) -> Result<String, SyntaxError> {
        self.bump();
        self.bump();
        let name = text(self.take_while(|byte| !b"}\n\r".contains(&byte)));
        if self.bump() != Some(b'}') || name.is_empty() {
            return Err(self.error("a variable without a name or its closing brace"));
        }
        Ok(known(&name).unwrap_or_else(|| {
            value.unresolved.push(format!("the variable ${{{name}}} of PHP's environment"));
            format!("${{{name}}}")
        }))
    }

    fn double_quoted(&mut self, known: &Known, value: &mut Value) -> Result<String, SyntaxError> {
        self.bump();
        let mut string = Vec::new();
        loop {
            if self.rest.starts_with(b"${") {
                string.extend(self.variable(known, value)?.into_bytes());
                continue;
            }
            match (self.bump(), self.rest.first()) {
                (None, _) => return Err(self.error("a string without its closing quote")),
                (Some(b'"'), _) => return Ok(text(&string)),
                (Some(b'\\'), Some(b'\\')) => {
                    self.bump();
                    string.push(b'\\');
                }
                (Some(b'\\'), Some(b'"')) => {
                    self.bump();
                    // At the end of a line it is a path of Windows that ends here.
                    if matches!(self.rest.first(), None | Some(b'\n' | b'\r')) {
                        string.push(b'\\');
                        return Ok(text(&string));
                    }
                    string.push(b'"');
                }
                (Some(byte), _) => string.push(byte),
            }
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What PHP makes of a word that is on or off.
fn switch(word: &str) -> Option<&'static str> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" => Some("1"),
        "false" | "off" | "no" | "none" | "null" => Some(""),
        _ => None,
    }
}

/// The value of a constant; one that only PHP knows is noted.
fn constant(word: &str, unresolved: &mut Vec<String>) -> Option<i64> {
    if word.starts_with("PHP_") || word.starts_with("ZEND_") {
        unresolved.push(format!("the constant {word}"));
    }
    CONSTANTS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

type Left<'a> = std::iter::Peekable<std::slice::Iter<'a, Piece>>;

/// Operands with operators between them, all of one rank, from left to right. Alone an operand stays
/// what it is; beside an operator it is a number.
fn evaluate(left: &mut Left, unresolved: &mut Vec<String>, depth: usize) -> Option<String> {
    let mut total = operand(left, unresolved, depth)?;
    loop {
        let operator = match left.peek() {
            Some(Piece::Operator(operator @ (b'&' | b'|' | b'^'))) => *operator,
            _ => return Some(total),
        };
        left.next();
        let (one, other) = (number(&total), number(&operand(left, unresolved, depth)?));
        total = match operator {
            b'&' => one & other,
            b'|' => one | other,
            _ => one ^ other,
        }
        .to_string();
    }
}

fn operand(left: &mut Left, unresolved: &mut Vec<String>, depth: usize) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    match left.next()? {
        Piece::Operator(b'~') => {
            Some((!number(&operand(left, unresolved, depth + 1)?)).to_string())
        }
        Piece::Operator(b'!') => {
            let zero = number(&operand(left, unresolved, depth + 1)?) == 0;
            Some(i64::from(zero).to_string())
        }
        Piece::Operator(b'(') => {
            let inner = evaluate(left, unresolved, depth + 1)?;
            matches!(left.next(), Some(Piece::Operator(b')'))).then_some(inner)
        }
        Piece::Operator(_) => None,
        Piece::Text(first, word) => {
            let mut text = resolved(first, *word, unresolved);
            while let Some(Piece::Text(next, word)) = left.peek() {
                text.push_str(&resolved(next, *word, unresolved));
                left.next();
            }
            Some(text)
        }
    }
}

/// A word, or what the constant of that name is.
fn resolved(text: &str, word: bool, unresolved: &mut Vec<String>) -> String {
    let constant = if word { constant(text, unresolved) } else { None };
    constant.map_or_else(|| text.to_owned(), |number| number.to_string())
}

/// `atoi(3)`
fn number(text: &str) -> i64 {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let end = digits.bytes().take_while(u8::is_ascii_digit).count();
    let length = text.len() - digits.len() + end;
    text.get(..length).and_then(|number| number.parse().ok()).unwrap_or(0)
}
