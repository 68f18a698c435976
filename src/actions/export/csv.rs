//! One line for each item, as RFC 4180 has it: every cell in quotes, lines ending in CR LF.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula and executes it,
//! and names of files are anybody's to choose. Such a cell gets an apostrophe before it, which
//! spreadsheets take for "this is text".

use super::Export;
use crate::actions::Occurrence;
use crate::actions::export::whole::Whole;
use crate::actions::items::evidence::EvidenceRecord;
use crate::actions::items::lifecycle::Presence;
use crate::text::printable;
use crate::text::time::rfc3339;

/// Most conditions whose evidence a cell names.
const EVIDENCE: usize = 10;

const HEAD: [&str; 26] = [
    "id",
    "fingerprint",
    "state",
    "since",
    "severity",
    "type",
    "title",
    "owner",
    "due",
    "overdue",
    "waived until",
    "policy",
    "rule",
    "subject kind",
    "subject",
    "conditions",
    "postmortem",
    "measures",
    "hosts violated",
    "first seen",
    "last seen",
    "reopenings",
    "evidence",
    "corrective",
    "preventive",
    "verify",
];

/// All items.
pub fn render(export: &Export) -> String {
    let mut out = line(HEAD.map(String::from));
    for whole in export.items {
        out.push_str(&line(cells(whole, export.now)));
    }
    out
}

fn cells(whole: &Whole, now: i64) -> [String; 26] {
    let item = &whole.item;
    let time = |time: Option<i64>| time.map(rfc3339).unwrap_or_default();
    let present = || whole.occurrences.iter().filter(|one| one.presence == Presence::Present);
    let hosts: std::collections::BTreeSet<&str> = present().map(|one| one.host.as_str()).collect();
    let words = |one: &Occurrence| {
        let evidence = EvidenceRecord::from_json(&one.evidence_now);
        format!("{}: {}", one.condition, evidence.words())
    };
    let mut evidence: Vec<String> = Vec::new();
    let first = whole.occurrences.first().filter(|_| present().next().is_none());
    for one in present().chain(first).map(words) {
        if !evidence.contains(&one) && evidence.len() < EVIDENCE {
            evidence.push(one);
        }
    }
    let several = |texts: &[String]| texts.join("; ");
    [
        item.id.to_string(),
        item.key.fingerprint(),
        item.state.to_string(),
        rfc3339(item.state_since),
        item.severity.to_string(),
        item.kind.to_string(),
        item.title.clone(),
        item.owner.clone().unwrap_or_default(),
        time(item.due),
        if item.is_overdue(now) { "yes" } else { "no" }.into(),
        time(item.waived_until),
        item.key.policy.clone(),
        item.key.rule.clone(),
        item.key.thing.kind.clone(),
        item.key.thing.name.clone(),
        several(&whole.conditions()),
        item.texts.postmortem.clone().unwrap_or_default(),
        several(&item.texts.measures),
        hosts.into_iter().collect::<Vec<_>>().join(" "),
        rfc3339(item.first_seen),
        rfc3339(item.last_seen),
        item.reopenings.to_string(),
        several(&evidence),
        several(&item.texts.corrective),
        item.texts.preventive.clone().unwrap_or_default(),
        item.texts.command.clone(),
    ]
}

fn line(cells: [String; 26]) -> String {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    cells.join(",") + "\r\n"
}

fn cell(text: &str) -> String {
    // Line ends become visible, so that a line of the file is an item.
    let text = printable(text);
    // What a spreadsheet trims before it looks counts as well.
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_none_ends_before_its_end() {
        assert_eq!(cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        for formula in ["+1", "-1", "@SUM(1)", " =1", "\u{ff1d}1"] {
            assert_eq!(cell(formula), format!("\"'{formula}\""));
        }
        assert_eq!(cell("\t=1\r\n"), "\"\\t=1\\r\\n\"");
        assert_eq!(cell("/etc/x, y"), "\"/etc/x, y\"");
    }
}
