//! YAML text to a tree of nodes, with bounds.
//!
//! The parser's events carry what serde would lose: the raw text of a scalar (`0640`), whether it
//! was quoted, and where it stands. What a policy does not need and an attacker would use is
//! refused: anchors, aliases, tags, merge keys, several documents.

use super::diagnostic::{Diagnostic, Diagnostics};
use super::node::{Key, Node, Scalar, Value};
use super::source::{Source, Span};
use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StrInput};
use std::collections::HashMap;
use std::sync::Arc;

/// Deepest nesting of lists and mappings.
const DEPTH_LIMIT: usize = 32;
/// Most nodes of one document.
const NODE_LIMIT: usize = 200_000;

/// Parses one document. Errors are filed; `None` when there is no tree to go on with.
pub fn parse(source: &Arc<Source>, problems: &mut Diagnostics) -> Option<Node> {
    let parser = Parser::new_from_str_with_options(&source.text, Options::default());
    let mut reader = Reader { source, parser, nodes: 0 };
    match reader.document(problems) {
        Ok(node) => node,
        Err(diagnostic) => {
            problems.push(diagnostic);
            None
        }
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    parser: Parser<'a, StrInput<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Diagnostic> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                let range = span.byte_range().unwrap_or(0..0);
                Ok((event, Span::new(self.source, range)))
            }
            Some(Err(error)) => Err(syntax(&error, self.source)),
            None => Ok((Event::StreamEnd, Span::file(self.source))),
        }
    }

    fn document(&mut self, problems: &mut Diagnostics) -> Result<Option<Node>, Diagnostic> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) if root.is_some() => {
                    return Err(Diagnostic::at(&span, "a second document in one file")
                        .help("give every policy a file of its own"));
                }
                Event::DocumentStart(..) => {}
                other => root = Some(self.node(other, span, 0, problems)?),
            }
        }
    }

    fn node(
        &mut self,
        event: Event<'a>,
        span: Span,
        depth: usize,
        problems: &mut Diagnostics,
    ) -> Result<Node, Diagnostic> {
        self.nodes += 1;
        if self.nodes > NODE_LIMIT {
            return Err(Diagnostic::at(
                &span,
                format!("more than {NODE_LIMIT} values in one file"),
            ));
        }
        if depth > DEPTH_LIMIT {
            return Err(too_deep(&span));
        }
        let start = span.range.start;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_extras(&span, anchor, tag.is_some())?;
                let quoted = style != ScalarStyle::Plain;
                let value = Value::Scalar(Scalar { text: text.into_owned(), quoted });
                Ok(Node { span, value })
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_extras(&span, anchor, tag.is_some())?;
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if let Event::SequenceEnd = event {
                        let span = Span::new(self.source, start..span.range.end.max(start));
                        return Ok(Node { span, value: Value::List(items) });
                    }
                    items.push(self.node(event, span, depth + 1, problems)?);
                }
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_extras(&span, anchor, tag.is_some())?;
                self.mapping(start, depth, problems)
            }
            Event::Alias(_) => Err(alias(&span)),
            other => Err(Diagnostic::at(&span, format!("unexpected {other:?}"))),
        }
    }

    fn mapping(
        &mut self,
        start: usize,
        depth: usize,
        problems: &mut Diagnostics,
    ) -> Result<Node, Diagnostic> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen = Seen::default();
        loop {
            let (event, span) = self.next()?;
            let key = match event {
                Event::MappingEnd => {
                    let span = Span::new(self.source, start..span.range.end.max(start));
                    return Ok(Node { span, value: Value::Map(entries) });
                }
                Event::Scalar(text, _, anchor, tag) => {
                    refuse_extras(&span, anchor, tag.is_some())?;
                    Key { text: text.into_owned(), span }
                }
                Event::Alias(_) => return self.node(event, span, depth + 1, problems),
                _ => return Err(Diagnostic::at(&span, "a key must be a word")),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1, problems)?;
            if key.text == "<<" {
                problems.push(Diagnostic::at(&key.span, "merge keys are not allowed in policies"));
            } else if let Some(first) = seen.find(&entries, &key.text) {
                let message = format!("`{}` is given twice", key.text);
                problems.push(
                    Diagnostic::at(&key.span, message)
                        .label("given again here")
                        .also(first, "first given here"),
                );
            } else {
                entries.push((key, value));
            }
        }
    }
}

/// Keys of a mapping by name. Those of policies are few and compared one by one; an index is made
/// only for a mapping so large that this would take long.
#[derive(Default)]
struct Seen {
    index: HashMap<String, usize>,
}

impl Seen {
    /// Where the key was given before.
    fn find<'e>(&mut self, entries: &'e [(Key, Node)], text: &str) -> Option<&'e Span> {
        const FEW: usize = 16;
        let found = if entries.len() <= FEW {
            entries.iter().find(|(key, _)| key.text == text)
        } else {
            for (at, (key, _)) in entries.iter().enumerate().skip(self.index.len()) {
                self.index.insert(key.text.clone(), at);
            }
            self.index.get(text).and_then(|at| entries.get(*at))
        };
        found.map(|(key, _)| &key.span)
    }
}

fn refuse_extras(span: &Span, anchor: usize, tag: bool) -> Result<(), Diagnostic> {
    if tag {
        return Err(Diagnostic::at(&property(span, '!'), "tags are not allowed in policies")
            .help("leave it out: every condition knows what type of value it takes"));
    }
    if anchor != 0 {
        return Err(Diagnostic::at(&property(span, '&'), "anchors are not allowed in policies")
            .help("use a variable: ${name}"));
    }
    Ok(())
}

/// The anchor or tag in front of a node: the parser's span is that of the node alone.
fn property(span: &Span, sign: char) -> Span {
    let mut end = span.range.start;
    // There are two at most, a tag and an anchor.
    for _ in 0..2 {
        let before = span.source.text.get(..end).unwrap_or_default().trim_end();
        let start =
            before.rfind(|c: char| c.is_whitespace() || "[{,".contains(c)).map_or(0, |at| {
                at + before.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8)
            });
        if before.get(start..).is_some_and(|word| word.starts_with(sign)) {
            return Span::new(&span.source, start..before.len());
        }
        end = start;
    }
    span.clone()
}

/// What the parser says, in the words of this tool where it is one of its own rules or a slip that
/// everybody makes.
fn syntax(error: &ScanError, source: &Arc<Source>) -> Diagnostic {
    let at = error.marker().byte_offset().unwrap_or(source.text.len());
    let place = Span::new(source, at..at + 1);
    match error.kind() {
        ErrorKind::UnknownAnchor => alias(&property(&place, '*')),
        ErrorKind::RecursionLimitExceeded => too_deep(&place),
        _ => {
            let diagnostic = Diagnostic::at(&place, format!("not valid YAML: {}", error.info()));
            let line = source.line(source.line_of(at)).start..at + 1;
            if source.text.get(line).is_some_and(|line| line.contains("${")) {
                return diagnostic.help("inside { } and [ ] quote a variable: \"${name}\"");
            }
            match error.kind() {
                ErrorKind::MappingValueNotAllowed => diagnostic
                    .help("quote a text that has a colon in it; else look at the indentation"),
                ErrorKind::TabNotAllowed
                | ErrorKind::TabInBlockIndentation
                | ErrorKind::TabInIndentation
                | ErrorKind::TabInPlainScalar => diagnostic.help("indent with spaces"),
                _ => diagnostic,
            }
        }
    }
}

fn alias(span: &Span) -> Diagnostic {
    Diagnostic::at(span, "aliases are not allowed in policies")
        .help("write the value out, or use a variable: ${name}")
}

fn too_deep(span: &Span) -> Diagnostic {
    Diagnostic::at(span, format!("nested deeper than {DEPTH_LIMIT} levels"))
}
