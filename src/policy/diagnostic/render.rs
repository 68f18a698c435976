//! A diagnostic as a compiler shows it: message, place, source line, caret, what to do.
//!
//! Only the lines that are shown are looked at, so that a file of a hundred thousand errors is
//! reported in time.

use super::{Parts, Place};
use crate::policy::source::{Source, Span};
use crate::text::{path, printable};
use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Origin, Renderer, Snippet};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Longest line that is shown, in bytes. Of a longer one only the place is told.
const LINE_LIMIT: usize = 16 << 10;
/// Two places at most that many lines apart share one snippet.
const TOGETHER: usize = 30;
/// Longest message, in characters; what a policy holds may be much longer.
const WORDS_LIMIT: usize = 400;

/// See [`super::Diagnostic::render`].
pub(super) fn render(parts: &Parts, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut message = words(&parts.message);
    if !matches!(parts.place, Place::Span(_)) && !parts.label.is_empty() {
        // There is no caret to put it at.
        message = format!("{message}; {}", words(&parts.label));
    }
    let mut group = Level::ERROR.primary_title(&message).elements(place(parts));
    if let Some(help) = &parts.help {
        group = group.element(Level::HELP.message(words(help)));
    }
    renderer.render(&[group])
}

fn place(parts: &Parts) -> Vec<Element<'static>> {
    let span = match &parts.place {
        Place::CommandLine => return Vec::new(),
        Place::Path(file) => return vec![Origin::path(words(&path(file))).into()],
        Place::Span(span) => span,
    };
    let primary = (AnnotationKind::Primary, span, parts.label.as_str());
    let Some((also, label)) = &parts.also else {
        return vec![snippet(&[primary])];
    };
    let context = (AnnotationKind::Context, also, label.as_str());
    let near =
        Arc::ptr_eq(&span.source, &also.source) && line(span).abs_diff(line(also)) <= TOGETHER;
    if near {
        vec![snippet(&[primary, context])]
    } else {
        vec![snippet(&[primary]), snippet(&[context])]
    }
}

type Mark<'a> = (AnnotationKind, &'a Span, &'a str);

/// The lines that the marks are in, the first mark leading. All are of one file.
fn snippet(marks: &[Mark]) -> Element<'static> {
    let Some((_, lead, _)) = marks.first() else { return Origin::path("").into() };
    let source = &lead.source;
    let file = words(&path(&source.path));
    let all = marks.iter().map(|(_, span, _)| line(span));
    let first = all.clone().min().unwrap_or(1);
    let last = all.max().unwrap_or(1);
    if too_long(source, first..=last) {
        let (line, column) = lead.line_column();
        return Origin::path(file).line(line).char_column(column).into();
    }
    let shown = source.line(first).start..source.line(last).end;
    let base = shown.start;
    let annotations: Vec<Annotation> = marks
        .iter()
        .map(|(kind, span, label)| {
            let range = visible(span);
            kind.span(range.start - base..range.end - base).label(words(label))
        })
        .collect();
    let text = clean(source.text.get(shown).unwrap_or_default());
    Snippet::source(text).line_start(first).path(file).annotations(annotations).into()
}

fn line(span: &Span) -> usize {
    span.source.line_of(span.range.start)
}

fn too_long(source: &Source, mut lines: RangeInclusive<usize>) -> bool {
    lines.any(|line| source.line(line).len() > LINE_LIMIT)
}

/// Words for a terminal: neutralised, and cut in the middle where there are too many.
fn words(text: &str) -> String {
    let count = text.chars().count();
    if count <= WORDS_LIMIT {
        return printable(text).into_owned();
    }
    let half = WORDS_LIMIT / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("{} … {}", printable(&head), printable(&tail))
}

/// The span on one line and on character borders, widened so that the caret is never empty where
/// there is a character. One line is enough to find the place; a whole block would fill the screen.
fn visible(span: &Span) -> std::ops::Range<usize> {
    let text = &span.source.text;
    let line = span.source.line(line(span));
    let start = (line.start..=span.range.start.min(line.end))
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(line.start);
    let wanted = span.range.end.min(line.end).max(start + 1).min(line.end).max(start);
    let end = (wanted..=line.end).find(|&at| text.is_char_boundary(at)).unwrap_or(line.end);
    start..end
}

/// The text with every control character but line ends replaced by one of the same length, so that
/// a policy cannot paint the terminal and places stay true.
fn clean(text: &str) -> String {
    let replace = |c: char| match c.len_utf8() {
        1 => '?',
        2 => '¿',
        // No hostile character is longer.
        _ => char::REPLACEMENT_CHARACTER,
    };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\n' | '\t' => c,
            // Windows ends lines with it; nobody sees a space there.
            '\r' if chars.peek() == Some(&'\n') => ' ',
            c if printable(c.encode_utf8(&mut [0; 4])) == *c.encode_utf8(&mut [0; 4]) => c,
            c => replace(c),
        });
    }
    out
}
