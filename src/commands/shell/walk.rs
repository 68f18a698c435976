//! Goes through a shell text command by command, in the order in which it stands. What stands in a
//! branch may be run or not: all branches are gone through, and a variable that one of them sets
//! may have that value or the one before.

use super::lex::{Token, tokens};
use super::word::{Part, Word, assignment, plain};
use crate::commands::context::Context;
use crate::commands::reader::{Reader, Stdin};
use crate::facts::Cause;
use std::collections::BTreeMap;

/// How deep texts may stand within each other.
const DEPTH: usize = 24;

/// What a command stands in.
enum Frame {
    Branch,
    Case,
    /// Braces; of a function with the parameters outside of it.
    Brace(Option<Option<Vec<String>>>),
    /// A subshell, with the circumstances outside of it.
    Paren(Box<Context>),
}

/// The reader of one text.
pub(in crate::commands) struct Shell<'r, 't> {
    pub(super) reader: &'r mut Reader<'t>,
    tokens: Vec<Token>,
    at: usize,
    frames: Vec<Frame>,
    /// Functions that the text defines, and whether they run what they are given.
    pub(super) functions: BTreeMap<String, bool>,
    pending: Option<String>,
    current: Vec<String>,
    operator: &'static str,
    /// What the last command has printed, where that can be told.
    pub(super) printed: Vec<String>,
    stdin: Stdin,
}

impl<'r, 't> Shell<'r, 't> {
    /// Reads a text under these circumstances, which it may change.
    pub(in crate::commands) fn read(reader: &'r mut Reader<'t>, text: &str, context: &mut Context) {
        let mut shell = Self::new(reader, BTreeMap::new());
        shell.text(text, context);
    }

    fn new(reader: &'r mut Reader<'t>, functions: BTreeMap<String, bool>) -> Self {
        Self {
            reader,
            tokens: Vec::new(),
            at: 0,
            frames: Vec::new(),
            functions,
            pending: None,
            current: Vec::new(),
            operator: "\n",
            printed: Vec::new(),
            stdin: Stdin::None,
        }
    }

    /// What a text prints that stands within another one, where that can be told.
    pub(super) fn nested(&mut self, text: &str, context: &Context) -> Vec<String> {
        let mut inner = context.clone();
        inner.main = false;
        let functions = self.functions.clone();
        let mut shell = Shell::new(&mut *self.reader, functions);
        shell.text(text, &mut inner);
        shell.printed
    }

    /// The same for a text of `eval` or a trap, which is part of this one.
    pub(super) fn inline(&mut self, text: &str, context: &mut Context) {
        let functions = self.functions.clone();
        let mut shell = Shell::new(&mut *self.reader, functions);
        shell.text(text, context);
    }

    fn text(&mut self, text: &str, context: &mut Context) {
        context.depth += 1;
        if context.depth > DEPTH {
            let why = Cause::TooLarge(format!("more than {DEPTH} commands within each other"));
            self.reader.gap(text, why, context);
        } else {
            let (tokens, complete) = tokens(text);
            self.tokens = tokens;
            if !complete {
                let limit = format!("more than {} words", super::lex::TOKENS);
                self.reader.gap(text, Cause::TooLarge(limit), context);
            }
            while self.at < self.tokens.len() && self.reader.goes_on(context) {
                self.step(context);
            }
        }
        context.depth -= 1;
    }

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn is_operator(&self, ahead: usize, text: &str) -> bool {
        matches!(self.token(ahead), Some(Token::Operator(operator)) if *operator == text)
    }

    fn step(&mut self, context: &mut Context) {
        match self.token(0) {
            Some(Token::Operator("(")) if self.is_operator(1, "(") => self.skip_sum(),
            Some(Token::Operator("(")) => {
                self.at += 1;
                self.operator = "\n";
                self.pending = None;
                self.frames.push(Frame::Paren(Box::new(context.clone())));
            }
            Some(Token::Operator(")")) => {
                self.at += 1;
                if matches!(self.frames.last(), Some(Frame::Paren(_)))
                    && let Some(Frame::Paren(outside)) = self.frames.pop()
                {
                    *context = *outside;
                }
            }
            Some(Token::Operator(operator)) => {
                let operator = *operator;
                self.at += 1;
                self.operator = operator;
                if matches!(operator, ";;" | ";&" | ";;&")
                    && matches!(self.frames.last(), Some(Frame::Case))
                {
                    self.patterns();
                }
                if !matches!(operator, "|" | "|&" | "\n") {
                    self.stdin = Stdin::None;
                }
            }
            Some(Token::Word(word)) => {
                let reserved = plain(word).map(str::to_owned);
                if !reserved.is_some_and(|word| self.reserved(&word, context)) {
                    self.simple(context);
                }
            }
            Some(_) => self.simple(context),
            None => {}
        }
    }

    /// `((…))`.
    fn skip_sum(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.token(0) {
            match token {
                Token::Operator("(") => depth += 1,
                Token::Operator(")") => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                break;
            }
        }
    }

    /// Passes over the patterns of one branch of `case`.
    fn patterns(&mut self) {
        while let Some(token) = self.token(0) {
            match token {
                Token::Word(word) if plain(word) == Some("esac") => return,
                Token::Operator(")") => {
                    self.at += 1;
                    self.operator = "\n";
                    return;
                }
                _ => self.at += 1,
            }
        }
    }

    /// Whether a word at the place of a command was one of the language itself.
    fn reserved(&mut self, word: &str, context: &mut Context) -> bool {
        match word {
            "if" | "while" | "until" => self.frames.push(Frame::Branch),
            "fi" | "done" => self.leave(context, |frame| matches!(frame, Frame::Branch)),
            "then" | "else" | "elif" | "do" | "!" | "time" | "coproc" => {}
            "{" => {
                let function = self.pending.take();
                let parameters = function.map(|name| {
                    self.current.push(name);
                    context.parameters.take()
                });
                self.frames.push(Frame::Brace(parameters));
            }
            "}" => self.leave(context, |frame| matches!(frame, Frame::Brace(_))),
            "for" | "select" => {
                self.at += 1;
                self.frames.push(Frame::Branch);
                self.each(context);
                return true;
            }
            "case" => {
                self.frames.push(Frame::Case);
                while let Some(token) = self.token(0) {
                    let is_in = matches!(token, Token::Word(word) if plain(word) == Some("in"));
                    if let Token::Word(word) = token.clone() {
                        // What stands in it may run something.
                        self.values(&word, context);
                    }
                    self.at += 1;
                    if is_in {
                        break;
                    }
                }
                self.patterns();
                return true;
            }
            "esac" => self.leave(context, |frame| matches!(frame, Frame::Case)),
            "[[" => {
                while let Some(token) = self.token(0) {
                    let ends = matches!(token, Token::Word(word) if plain(word) == Some("]]"));
                    if let Token::Word(word) = token.clone() {
                        self.values(&word, context);
                    }
                    self.at += 1;
                    if ends {
                        break;
                    }
                }
                return true;
            }
            "function" => {
                self.at += 1;
                let name = match self.token(0) {
                    Some(Token::Word(word)) => plain(word).map(str::to_owned),
                    _ => None,
                };
                self.define(name.unwrap_or_default(), 1);
                return true;
            }
            _ => return false,
        }
        self.at += 1;
        self.operator = "\n";
        // `time -p` of the language itself.
        while word == "time"
            && matches!(self.token(0), Some(Token::Word(option))
                if plain(option).is_some_and(|option| option.starts_with('-')))
        {
            self.at += 1;
        }
        true
    }

    fn define(&mut self, name: String, tokens: usize) {
        self.at += tokens;
        if self.is_operator(0, "(") && self.is_operator(1, ")") {
            self.at += 2;
        }
        self.functions.entry(name.clone()).or_insert(false);
        self.pending = Some(name);
    }

    fn leave(&mut self, context: &mut Context, is: impl Fn(&Frame) -> bool) {
        let Some(at) = self.frames.iter().rposition(is) else { return };
        for frame in self.frames.split_off(at).into_iter().rev() {
            if let Frame::Brace(Some(parameters)) = frame {
                context.parameters = parameters;
                self.current.pop();
            }
        }
    }

    /// `for NAME in WORDS`: the name may have each of the values.
    fn each(&mut self, context: &mut Context) {
        let Some(Token::Word(name)) = self.token(0).cloned() else { return };
        let Some(name) = plain(&name).map(str::to_owned) else { return };
        self.at += 1;
        while self.is_operator(0, "\n") {
            self.at += 1;
        }
        let listed = matches!(self.token(0), Some(Token::Word(word)) if plain(word) == Some("in"));
        let mut words: Vec<Word> = Vec::new();
        if listed {
            self.at += 1;
            while let Some(Token::Word(word)) = self.token(0).cloned() {
                words.push(word);
                self.at += 1;
            }
        } else {
            let all = Part::Variable { name: "@".into(), operator: String::new(), quoted: true };
            words.push(vec![all]);
        }
        let lists = self.fields(&words, context);
        context.assign(&name, lists.into_iter().flatten().collect(), true);
    }

    /// Whether the next command may be left out.
    pub(super) fn in_branch(&self) -> bool {
        let branches =
            |frame: &Frame| matches!(frame, Frame::Branch | Frame::Case | Frame::Brace(Some(_)));
        matches!(self.operator, "&&" | "||") || self.frames.iter().any(branches)
    }

    /// The function whose body this is.
    pub(super) fn inside(&self) -> Option<&str> {
        self.current.last().map(String::as_str)
    }

    /// One command with its words and redirections.
    fn simple(&mut self, context: &mut Context) {
        if let Some(Token::Word(word)) = self.token(0)
            && let Some(name) = plain(word)
            && self.is_operator(1, "(")
            && self.is_operator(2, ")")
        {
            return self.define(name.to_owned(), 1);
        }
        let mut words: Vec<Word> = Vec::new();
        let mut stdin = std::mem::take(&mut self.stdin);
        let mut subshell = context.clone();
        while let Some(token) = self.token(0).cloned() {
            match token {
                Token::Operator(_) => break,
                Token::Word(word) => words.push(word),
                Token::Input(word) => stdin = Stdin::File(self.value(&word, &mut subshell)),
                Token::Here(word) => stdin = Stdin::Text(self.value(&word, &mut subshell)),
                Token::Output(word) => drop(self.values(&word, &mut subshell)),
            }
            self.at += 1;
        }
        let piped = self.is_operator(0, "|") || self.is_operator(0, "|&");
        let background = self.is_operator(0, "&");
        let count = words.iter().take_while(|word| assignment(word).is_some()).count();
        let command = words.split_off(count);
        self.printed.clear();
        if command.is_empty() {
            for word in &words {
                self.assigns(word, context, !self.in_branch());
            }
            return;
        }
        // What stands before the command holds for it, and not for what its words come to.
        let lists = self.fields(&command, context);
        let mut own = context.clone();
        own.main &= !piped && !background && matches!(stdin, Stdin::None);
        for word in &words {
            self.assigns(word, &mut own, true);
        }
        let several = lists.len() > 1;
        for list in &lists {
            self.command(&command, list, context, &own, &stdin, several);
        }
        if piped {
            let printed = match self.printed.as_slice() {
                [one] => Stdin::Text(one.clone()),
                _ => Stdin::Unknown,
            };
            self.stdin = self.reader.piped.take().map_or(printed, Stdin::File);
        }
        self.reader.piped = None;
    }

    /// `NAME=VALUE`.
    pub(super) fn assigns(&mut self, word: &Word, context: &mut Context, instead: bool) {
        let Some((name, adds, value)) = assignment(word) else { return };
        let name = name.to_owned();
        let mut values = self.values(&value, context);
        if adds {
            let before = context.values(&name);
            values = before
                .iter()
                .flat_map(|before| {
                    let array = value.iter().any(|part| matches!(part, Part::Array(_)));
                    let split = if array { super::word::SPLIT.to_string() } else { String::new() };
                    values.iter().map(move |value| format!("{before}{split}{value}"))
                })
                .collect();
        }
        for value in &values {
            self.reader.note_variable(&name, value, context);
        }
        context.assign(&name, values, instead);
    }
}
