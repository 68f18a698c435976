//! Where a piece of policy stands: file, line and column.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

/// One policy file as it was read.
#[derive(Debug)]
pub struct Source {
    /// Path as the user gave it, or a name such as `<built-in>/host.yaml`.
    pub path: PathBuf,
    /// Whole content.
    pub text: String,
    /// Where each line begins. Every rule and every error asks, so counting anew would be
    /// quadratic.
    line_starts: OnceLock<Vec<usize>>,
}

impl Source {
    /// A file with its content.
    pub fn new(path: PathBuf, text: String) -> Self {
        Self { path, text, line_starts: OnceLock::new() }
    }

    /// The line, counted from 1, that the byte at `offset` is in.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts().partition_point(|&start| start <= offset).max(1)
    }

    /// The bytes of a line, counted from 1, without its end. Empty behind the last one.
    pub fn line(&self, line: usize) -> Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let end = starts.get(line).map_or(self.text.len(), |next| next - 1);
        let windows = self.text.get(start..end).is_some_and(|line| line.ends_with('\r'));
        start..end - usize::from(windows)
    }

    fn line_starts(&self) -> &[usize] {
        self.line_starts.get_or_init(|| {
            let behind_breaks = self.text.match_indices('\n').map(|(at, _)| at + 1);
            std::iter::once(0).chain(behind_breaks).collect()
        })
    }
}

/// A range of bytes in a [`Source`].
#[derive(Clone)]
pub struct Span {
    /// The file.
    pub source: Arc<Source>,
    /// Byte range in its text, within its bounds.
    pub range: Range<usize>,
}

impl Span {
    /// The given part of `source`, cut to its length.
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let end = range.end.min(source.text.len());
        Self { source: Arc::clone(source), range: range.start.min(end)..end }
    }

    /// The whole file, as a place to point at when nothing in it is to blame.
    pub fn file(source: &Arc<Source>) -> Self {
        Self::new(source, 0..0)
    }

    /// Line and column of the beginning, both counted from 1, the column in characters.
    pub fn line_column(&self) -> (usize, usize) {
        let line = self.source.line_of(self.range.start);
        let before = self.source.line(line).start..self.range.start;
        let column = self.source.text.get(before).unwrap_or_default().chars().count() + 1;
        (line, column)
    }
}

impl fmt::Display for Span {
    /// `policies/nginx.yaml:21:7`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_column();
        write!(f, "{}:{line}:{column}", self.source.path.display())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_one_and_columns_in_characters() {
        let source = Arc::new(Source::new("p.yaml".into(), "a: b\nü: {c: d}\n".into()));
        let at = |text: &str| {
            let start = source.text.find(text).unwrap();
            Span::new(&source, start..start + 1).line_column()
        };
        assert_eq!(at("a"), (1, 1));
        assert_eq!(at("b"), (1, 4));
        assert_eq!(at("c"), (2, 5));
        assert_eq!(Span::new(&source, 999..1000).line_column(), (3, 1));
    }
}
