//! Documents that people read, sign and paste: said once, written as Markdown or as HTML.
//!
//! Only [`Span::Code`] and plain text ever hold words of others; both renderings show them as they
//! are and let nothing in them mean anything.

mod html;
mod markdown;

pub use html::html;
pub use markdown::{escape, markdown};

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its title, which is also its first heading.
    pub title: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// A heading below the title.
    Heading(String),
    /// A heading below a [`Block::Heading`].
    Subheading(String),
    /// A paragraph.
    Paragraph(Vec<Span>),
    /// A place that only people can fill, with the question that they answer.
    ToFill(String),
    /// A list.
    List(Vec<Entry>),
    /// A table: its head, and rows of as many cells.
    Table(Vec<String>, Vec<Vec<Vec<Span>>>),
}

/// An entry of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// A box before it, ticked or not.
    pub tick: Option<bool>,
    /// What it says.
    pub text: Vec<Span>,
    /// Entries below it.
    pub below: Vec<Entry>,
}

impl Entry {
    /// An entry without a box.
    pub fn of(text: Vec<Span>) -> Self {
        Self { tick: None, text, below: Vec::new() }
    }

    /// An entry with a box.
    pub fn ticked(tick: bool, text: Vec<Span>, below: Vec<Entry>) -> Self {
        Self { tick: Some(tick), text, below }
    }
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// Words.
    Text(String),
    /// Words that stand out.
    Strong(String),
    /// A command, to be pasted.
    Code(String),
}

/// Words.
pub fn text(words: impl Into<String>) -> Span {
    Span::Text(words.into())
}

/// Words that stand out.
pub fn strong(words: impl Into<String>) -> Span {
    Span::Strong(words.into())
}

/// A command.
pub fn code(words: impl Into<String>) -> Span {
    Span::Code(words.into())
}
