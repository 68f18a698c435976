//! One self-contained HTML file: no script, no image, nothing that is fetched from anywhere.

use super::{Block, Document, Entry, Span};
use crate::text::printable;
use std::fmt::Write as _;

/// Nothing may be loaded or executed, whatever slips through: only the style in the page counts.
const HEAD: &str = r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="spotcheck">
"#;

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #fff;
  --code: #eff2f5; --fill: #fff8c5; --done: #1a7f37; --open: #bc4c00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b1; --line: #3d444d;
  --paper: #0d1117; --code: #21262d; --fill: #3b2f0b; --done: #3fb950; --open: #f0883e; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.7rem; line-height: 1.25; }
h2 { font-size: 1.3rem; margin-top: 2.2rem; padding-bottom: .3rem;
  border-bottom: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin-top: 1.6rem; }
ul { padding-left: 1.4rem; } li { margin: .25rem 0; }
ul.tasks { list-style: none; padding-left: .2rem; }
ul.tasks > li { padding-left: 1.8rem; position: relative; }
ul ul, ul ul.tasks { padding-left: 1.2rem; } ul ul.tasks > li { margin-top: .5rem; }
main > ul.tasks > li { margin: 1.1rem 0; }
.box { position: absolute; left: 0; font-weight: 700; }
.done { color: var(--done); } .open { color: var(--open); } .name { white-space: nowrap; }
code { font: .88em ui-monospace, monospace; background: var(--code); padding: .1em .35em;
  border-radius: 4px; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; font-size: .95em; }
th, td { text-align: left; vertical-align: top; padding: .45rem .6rem;
  border: 1px solid var(--line); }
th { background: var(--code); } td { overflow-wrap: anywhere; }
td:first-child { white-space: nowrap; } td:last-child { min-width: 11rem; }
.fill { background: var(--fill); border-left: 4px solid var(--open); padding: .6rem .9rem;
  margin: .8rem 0; }
@media (max-width: 40rem) { thead { display: none; } table, tbody, tr, td { display: block; }
  tr { border-top: 1px solid var(--line); padding: .5rem 0; } td { border: 0; padding: .1rem 0; }
  td:first-child, td:last-child { color: var(--soft); font-size: .9em; } }
@media print { body { max-width: none; margin: 0; } h2, h3 { break-after: avoid; }
  li:not(:has(ul)), tr { break-inside: avoid; } }
";

/// Writes a document. Writing to a String cannot fail.
pub fn html(document: &Document) -> String {
    let title = escape(&document.title);
    let mut out = String::from(HEAD);
    let _ = writeln!(out, "<title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>");
    let _ = writeln!(out, "<main>\n<h1>{}</h1>", flowing(&document.title));
    for block in &document.blocks {
        let _ = match block {
            Block::Heading(words) => writeln!(out, "<h2>{}</h2>", flowing(words)),
            Block::Subheading(words) => writeln!(out, "<h3>{}</h3>", flowing(words)),
            Block::Paragraph(words) => writeln!(out, "<p>{}</p>", spans(words)),
            Block::ToFill(question) => {
                writeln!(out, "<p class=\"fill\">To be filled in: {}</p>", flowing(question))
            }
            Block::List(list) => {
                entries(&mut out, list);
                Ok(())
            }
            Block::Table(head, rows) => {
                table(&mut out, head, rows);
                Ok(())
            }
        };
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn entries(out: &mut String, list: &[Entry]) {
    let tasks = list.iter().any(|entry| entry.tick.is_some());
    out.push_str(if tasks { "<ul class=\"tasks\">\n" } else { "<ul>\n" });
    for entry in list {
        // Words beside the sign, for who cannot see it.
        let tick = match entry.tick {
            Some(true) => "<span class=\"box done\" role=\"img\" aria-label=\"done\">☑</span>",
            Some(false) => "<span class=\"box open\" role=\"img\" aria-label=\"to do\">☐</span>",
            None => "",
        };
        let _ = write!(out, "<li>{tick}{}", spans(&entry.text));
        if !entry.below.is_empty() {
            out.push('\n');
            entries(out, &entry.below);
        }
        out.push_str("</li>\n");
    }
    out.push_str("</ul>\n");
}

fn table(out: &mut String, head: &[String], rows: &[Vec<Vec<Span>>]) {
    out.push_str("<table>\n<thead><tr>");
    for cell in head {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(cell));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", spans(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n");
}

fn spans(spans: &[Span]) -> String {
    let each = spans.iter().map(|span| match span {
        Span::Text(words) => flowing(words),
        Span::Strong(words) => format!("<strong>{}</strong>", flowing(words)),
        Span::Code(words) => format!("<code>{}</code>", escape(words)),
    });
    each.collect()
}

/// Longest name that is kept on one line, in bytes.
const NAME: usize = 24;

/// Text that is broken at its spaces. A browser would break a name at its hyphens, and `SC-` at the
/// end of a line with `4` in the next is no name of anything.
fn flowing(words: &str) -> String {
    // A date is not broken there, and says nothing but itself.
    let is_name =
        |word: &str| word.contains('-') && word.len() <= NAME && word.contains(char::is_alphabetic);
    let word = |word: &str| match escape(word) {
        safe if is_name(word) => format!("<span class=\"name\">{safe}</span>"),
        safe => safe,
    };
    words.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Text within an element.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prose::{code, strong, text};

    #[test]
    fn a_name_is_not_broken_at_its_hyphens() {
        assert_eq!(flowing("in SC-4 <x"), "in <span class=\"name\">SC-4</span> &lt;x");
        assert_eq!(flowing("<a-b>"), "<span class=\"name\">&lt;a-b&gt;</span>");
        for plain in ["2026-11-01 10:00:00 +00:00", "a-very-long-name-that-fills-a-line", "a - b"] {
            assert_eq!(flowing(plain), plain);
        }
    }

    #[test]
    fn nothing_of_others_becomes_an_element() {
        let hostile = "</title><script>alert(1)</script>\" onload='x' \u{202e}\u{1b}";
        let document = Document {
            title: hostile.into(),
            blocks: vec![
                Block::Heading(hostile.into()),
                Block::Paragraph(vec![text(hostile), strong(hostile), code(hostile)]),
                Block::List(vec![Entry::ticked(true, vec![text(hostile)], vec![])]),
                Block::Table(vec![hostile.into()], vec![vec![vec![code(hostile)]]]),
                Block::ToFill(hostile.into()),
            ],
        };
        let page = html(&document);
        assert!(!page.contains("<script") && !page.contains("onload='x'"), "{page}");
        assert!(!page.contains('\u{202e}') && !page.contains('\u{1b}'));
        assert_eq!(page.matches("</title>").count(), 1);
    }
}
