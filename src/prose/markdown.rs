//! Markdown as GitHub, GitLab and editors render it: CommonMark with tables and task lists.

use super::{Block, Document, Entry, Span};
use crate::text::printable;
use std::fmt::Write as _;

/// Writes a document. Writing to a String cannot fail.
pub fn markdown(document: &Document) -> String {
    let mut out = format!("# {}\n", escape(&document.title));
    for block in &document.blocks {
        out.push('\n');
        match block {
            Block::Heading(words) => {
                let _ = writeln!(out, "## {}", escape(words));
            }
            Block::Subheading(words) => {
                let _ = writeln!(out, "### {}", escape(words));
            }
            Block::Paragraph(words) => {
                let _ = writeln!(out, "{}", spans(words));
            }
            Block::ToFill(question) => {
                let _ = writeln!(out, "> _To be filled in: {}_", escape(question));
            }
            Block::List(list) => entries(&mut out, list, 0),
            Block::Table(head, rows) => table(&mut out, head, rows),
        }
    }
    out
}

fn entries(out: &mut String, list: &[Entry], depth: usize) {
    for entry in list {
        let indent = "  ".repeat(depth);
        let tick = match entry.tick {
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
            None => "",
        };
        let _ = writeln!(out, "{indent}- {tick}{}", spans(&entry.text));
        entries(out, &entry.below, depth + 1);
    }
}

fn table(out: &mut String, head: &[String], rows: &[Vec<Vec<Span>>]) {
    let cells: Vec<String> = head.iter().map(|cell| escape(cell)).collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
    let _ = writeln!(out, "|{}", " --- |".repeat(head.len()));
    for row in rows {
        // Within code a bar would end the cell.
        let cells: Vec<String> = row.iter().map(|cell| cell_spans(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

fn cell_spans(cell: &[Span]) -> String {
    let with = |span: &Span| match span {
        Span::Code(words) => code(words).replace('|', "\\|"),
        other => spans(std::slice::from_ref(other)),
    };
    cell.iter().map(with).collect()
}

fn spans(spans: &[Span]) -> String {
    let each = spans.iter().map(|span| match span {
        Span::Text(words) => escape(words),
        Span::Strong(words) => format!("**{}**", escape(words)),
        Span::Code(words) => code(words),
    });
    each.collect()
}

/// A code span that nothing in it can end: its fence is longer than any run of backticks in it.
fn code(words: &str) -> String {
    let words = printable(words);
    let longest = words.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if words.starts_with('`') || words.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{words}{pad}{fence}")
}

/// Text that Markdown shows as it is: no emphasis, no links, no HTML, no mention of anybody.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_cannot_become_markup() {
        assert_eq!(escape("<b>*a*\n[x](y) @all"), r"&lt;b&gt;\*a\*\\n\[x\](y) &#64;all");
    }

    #[test]
    fn code_ends_where_it_should_whatever_is_in_it() {
        assert_eq!(code("chmod 0600 /x"), "`chmod 0600 /x`");
        assert_eq!(code("echo `id`"), "`` echo `id` ``");
        assert_eq!(code("a``b"), "```a``b```");
        assert_eq!(code("a\nb\u{1b}"), "`a\\nb\\x1b`");
    }

    #[test]
    fn a_bar_in_code_does_not_end_the_cell_of_a_table() {
        let row = vec![vec![Span::Code("a | b".into())], vec![Span::Text("c | d".into())]];
        let document = Document {
            title: "T".into(),
            blocks: vec![Block::Table(vec!["x".into(), "y".into()], vec![row])],
        };
        assert!(markdown(&document).ends_with("| `a \\| b` | c \\| d |\n"));
    }
}
