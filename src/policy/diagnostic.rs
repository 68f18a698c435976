//! What is wrong with a policy, where, and what to write instead.
//!
//! All errors of all files are collected before anything is said, so that a policy is repaired in
//! one round.

mod render;

use super::source::Span;
use crate::text::suggest;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// One error in a policy. Boxed, since it travels as the error of nearly every function here.
#[derive(Clone, Debug)]
pub struct Diagnostic(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    /// What is wrong, without a full stop.
    message: String,
    /// Where.
    place: Place,
    /// A few words at the caret.
    label: String,
    /// Another place that belongs to it, with its own words: the first of two rules of one id.
    also: Option<(Span, String)>,
    /// What to do.
    help: Option<String>,
    /// Other errors at the same place only follow from this one.
    cause: bool,
}

/// Where a diagnostic points to.
#[derive(Clone, Debug)]
enum Place {
    /// A piece of a policy file.
    Span(Span),
    /// A path that could not be read as a policy at all.
    Path(PathBuf),
    /// The command line.
    CommandLine,
}

impl Diagnostic {
    /// An error at a piece of a policy.
    pub fn at(span: &Span, message: impl Into<String>) -> Self {
        Self::new(Place::Span(span.clone()), message)
    }

    /// An error about a path.
    pub fn path(path: &Path, message: impl Into<String>) -> Self {
        Self::new(Place::Path(path.to_owned()), message)
    }

    /// An error in what the user typed.
    pub fn command_line(message: impl Into<String>) -> Self {
        Self::new(Place::CommandLine, message)
    }

    fn new(place: Place, message: impl Into<String>) -> Self {
        Self(Box::new(Parts {
            message: message.into(),
            place,
            label: String::new(),
            also: None,
            help: None,
            cause: false,
        }))
    }

    /// Adds words at the caret.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.0.label = label.into();
        self
    }

    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// Adds a second place.
    pub fn also(mut self, span: &Span, words: impl Into<String>) -> Self {
        self.0.also = Some((span.clone(), words.into()));
        self
    }

    /// Adds "did you mean" when one of the known names is close, else the list of them if short.
    pub fn suggest<'a>(self, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        const SHORT: usize = 24;
        let known: Vec<&str> = known.into_iter().collect();
        match suggest::closest(name, known.iter().copied()) {
            Some(close) => self.label(format!("did you mean `{close}`?")),
            None if !known.is_empty() && known.len() <= SHORT => {
                self.help(format!("known here: {}", known.join(", ")))
            }
            None => self,
        }
    }

    /// Order of report: by file, then by position.
    fn order(&self) -> (&Path, usize, &str) {
        match &self.0.place {
            Place::CommandLine => (Path::new(""), 0, &self.0.message),
            Place::Path(path) => (path, 0, &self.0.message),
            Place::Span(span) => (&span.source.path, span.range.start, &self.0.message),
        }
    }

    /// The diagnostic with its source line and a caret, as a compiler shows it.
    pub fn render(&self, colour: bool) -> String {
        render::render(&self.0, colour)
    }

    /// Says that other errors at the same place only follow from this one.
    pub fn cause(mut self) -> Self {
        self.0.cause = true;
        self
    }

    fn place(&self) -> Option<(&Path, usize)> {
        match &self.0.place {
            Place::Span(span) => Some((&span.source.path, span.range.start)),
            Place::Path(_) | Place::CommandLine => None,
        }
    }
}

/// All errors found so far.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Adds one.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds all of another reading.
    pub fn append(&mut self, others: Diagnostics) {
        self.0.extend(others.0);
    }

    /// Adds those of another reading of the same words that say something new; `told` is what has been
    /// said.
    pub fn append_new(&mut self, others: Diagnostics, told: &mut HashSet<String>) {
        self.0.extend(others.0.into_iter().filter(|other| told.insert(other.render(false))));
    }

    /// Keeps the value, or files the error and goes on without.
    pub fn ok<T>(&mut self, result: Result<T, Diagnostic>) -> Option<T> {
        result.map_err(|diagnostic| self.push(diagnostic)).ok()
    }

    /// No errors.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Sorted by place, as they are to be reported, without those that only follow from another.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        let causes: HashSet<(PathBuf, usize)> = self
            .0
            .iter()
            .filter(|diagnostic| diagnostic.0.cause)
            .filter_map(|diagnostic| diagnostic.place().map(|(path, at)| (path.to_owned(), at)))
            .collect();
        if !causes.is_empty() {
            self.0.retain(|diagnostic| {
                let place = diagnostic.place().map(|(path, at)| (path.to_owned(), at));
                diagnostic.0.cause || place.is_none_or(|place| !causes.contains(&place))
            });
        }
        self.0.sort_by(|a, b| a.order().cmp(&b.order()));
        self.0
    }
}
