//! Words of a shell text: what they are made of, and what they come to as far as the text tells.

/// Stands in a text for what cannot be told.
pub const UNKNOWN: char = '\u{10fffd}';
/// Stands for `*` and `?` outside of quotes.
pub const ANY: char = '\u{10fffc}';
/// Stands between the words that one variable comes to.
pub const SPLIT: char = '\u{10fffb}';
/// The most values that one word may have.
pub(super) const VALUES: usize = 8;
/// The longest value that is followed.
pub(super) const LONGEST: usize = 8192;

/// What a word is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Plain text.
    Text(String),
    /// A quote opened: the word is one even where it is empty.
    Quote,
    /// `$NAME`, `${NAME…}`.
    Variable {
        /// Its name; `@`, `0` and the like too.
        name: String,
        /// What follows the name in braces: `:-/opt/x`.
        operator: String,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `$(…)`, `` `…` ``.
    Substitution {
        /// The commands.
        text: String,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `<(…)`.
    Process(String),
    /// `(a b c)` behind an assignment.
    Array(Vec<Word>),
    /// What is not followed, such as sums.
    Unknown,
}

/// The parts of a word.
pub(super) type Word = Vec<Part>;

/// A text without the characters that have a meaning here.
pub fn clean(text: &str) -> String {
    text.replace([UNKNOWN, ANY, SPLIT], "\u{fffd}")
}

/// A text as people write it: what cannot be told is an ellipsis.
pub fn shown(text: &str) -> String {
    let text = text.replace(UNKNOWN, "…").replace(ANY, "*").replace(SPLIT, " ");
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Whether all of a text is known, and it names one thing.
pub fn is_known(text: &str) -> bool {
    !text.contains([UNKNOWN, ANY])
}

/// The word without quotes, if it is plain: for reserved words and names of functions.
pub(super) fn plain(word: &Word) -> Option<&str> {
    match word.as_slice() {
        [Part::Text(text)] => Some(text),
        _ => None,
    }
}

/// Name, whether it adds, and value of an assignment, if the word is one.
pub(super) fn assignment(word: &Word) -> Option<(&str, bool, Word)> {
    let (Part::Text(first), rest) = word.split_first()? else { return None };
    let (name, value) = first.split_once('=')?;
    let adds = name.ends_with('+');
    let name = name.trim_end_matches('+');
    if !is_name(name) {
        return None;
    }
    let mut parts = vec![Part::Text(value.to_owned())];
    parts.extend(rest.iter().cloned());
    Some((name, adds, parts))
}

/// Whether a text can be the name of a variable.
pub fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
