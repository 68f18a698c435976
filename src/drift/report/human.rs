//! For people: what nobody can explain first, everything that is explained as numbers.

use super::fold::{Folded, fold};
use super::{DriftReport, exit};
use crate::drift::store::short;
use crate::facts::drift::{Change, Delta, Explanation, How};
use crate::facts::object::Class;
use crate::report::Style;
use crate::text::{printable, time};
use colored::{Color, ColoredString, Colorize};
use std::fmt::Write as _;

/// Explained packages are named in one line, up to so many.
const PACKAGES_NAMED: usize = 12;
/// Gaps are told up to so many.
const GAPS: usize = 20;
/// Longer values are cut.
const VALUE: usize = 160;

/// The report. With `verbose` everything is shown that is otherwise only counted.
pub fn render(report: &DriftReport, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = head(&mut out, report);
    let all: Vec<&Change> = report.drift.changes.iter().collect();
    for explanation in Explanation::ALL {
        let some: Vec<&Change> =
            all.iter().copied().filter(|change| change.explanation == explanation).collect();
        if some.is_empty() || !(explanation.counts() || style.verbose) {
            continue;
        }
        let _ = section(&mut out, explanation, &some, style);
    }
    let _ = hints(&mut out, &report.drift.changes);
    let _ = tail(&mut out, report, style);
    out
}

fn head(out: &mut String, report: &DriftReport) -> std::fmt::Result {
    let system = report.host.os_release.iter().find(|(key, _)| key == "PRETTY_NAME");
    let system = system.map(|(_, value)| format!(" · {}", printable(value))).unwrap_or_default();
    let who = if report.host.privilege.full { "as root" } else { "not as root" };
    let name = printable(&report.host.name).into_owned();
    writeln!(out, "spotcheck drift on {name}{system} · {who} · {}", time::utc(report.time))?;
    let against = &report.drift.against;
    let mut words = match against.taken {
        Some(taken) => format!("since the baseline of {}", time::utc(taken)),
        None => format!("against {}", printable(&against.name)),
    };
    if let Some(by) = &against.by {
        let _ = write!(words, " by {}", printable(by));
    }
    if let Some(digest) = &against.digest {
        let signature = against.signature.as_deref().unwrap_or("not signed");
        let _ = write!(words, " · {} · {}", short(digest), printable(signature));
    }
    writeln!(out, "{words}\n")
}

fn coloured(text: &str, explanation: Explanation, style: Style) -> String {
    if !style.colour {
        return text.to_owned();
    }
    let text: ColoredString = match explanation {
        Explanation::Unexplained => text.color(Color::Red).bold(),
        Explanation::DefaultChanged => text.color(Color::Yellow).bold(),
        _ => text.dimmed(),
    };
    // The decision was made for this stream, whatever `colored` would decide.
    colored::control::set_override(true);
    let shown = text.to_string();
    colored::control::unset_override();
    shown
}

fn section(
    out: &mut String,
    explanation: Explanation,
    changes: &[&Change],
    style: Style,
) -> std::fmt::Result {
    let title = format!("{} {}", explanation.name().to_uppercase(), changes.len());
    writeln!(out, "{}", coloured(&title, explanation, style))?;
    let folded = fold(changes);
    for one in &folded {
        object(out, one, style)?;
    }
    if style.verbose && folded.len() < changes.len() {
        writeln!(out, "  everything below a new or removed directory:")?;
        let shown: std::collections::HashSet<&str> =
            folded.iter().map(|one| one.change.name.as_str()).collect();
        let with_accounts: std::collections::HashSet<&str> =
            folded.iter().flat_map(|one| one.files.iter().copied()).collect();
        let is_told = |change: &Change| {
            shown.contains(change.name.as_str()) || with_accounts.contains(change.name.as_str())
        };
        for change in changes.iter().filter(|change| !is_told(change)) {
            writeln!(out, "    {} {}", printable(&change.name), change.how.name())?;
        }
    }
    writeln!(out)
}

fn object(out: &mut String, folded: &Folded, style: Style) -> std::fmt::Result {
    let Folded { change, below, first, .. } = folded;
    let below = *below;
    let name = printable(&change.name);
    let how =
        if change.how == How::Changed { String::new() } else { format!(" {}", change.how.name()) };
    let more = match below {
        0 => String::new(),
        1 => ", with 1 file below it".to_owned(),
        more => format!(", with {more} files below it"),
    };
    writeln!(out, "  {} {name}{how}{more}", change.class.name())?;
    let settings = change.deltas.iter().any(|delta| delta.line.is_some());
    let shown: Vec<&Delta> = change
        .deltas
        .iter()
        .filter(|delta| style.verbose || delta.explanation != Explanation::Rewritten)
        .filter(|delta| style.verbose || !is_trace(delta, &change.deltas))
        .collect();
    let width = shown.iter().map(|delta| delta.attribute.chars().count()).max().unwrap_or(0);
    let mut last_why = "";
    for delta in shown {
        let attribute = printable(&delta.attribute);
        let mut line = format!("    {attribute:width$}  {}", values(delta, settings));
        if let Some(number) = delta.line.filter(|number| *number > 0) {
            let _ = write!(line, " at line {number}");
        }
        if delta.explanation != change.explanation {
            let _ = write!(line, " [{}]", delta.explanation.name());
        }
        if !delta.why.is_empty() && delta.why != last_why {
            let _ = write!(line, " ({})", printable(&delta.why));
        }
        last_why = &delta.why;
        writeln!(out, "{line}")?;
    }
    if !first.is_empty() {
        let names: Vec<_> = first.iter().map(|name| printable(name)).collect();
        let more = if below > first.len() { ", …" } else { "" };
        writeln!(out, "    below it: {}{more}", names.join(", "))?;
    }
    if let Some(layer) = &change.layer {
        let words: String = layer.chars().take(VALUE).collect();
        writeln!(out, "    made by {}", printable(&words))?;
    }
    if !folded.files.is_empty() {
        let names: Vec<_> = folded.files.iter().map(|name| printable(name)).collect();
        writeln!(out, "    with it: {}", names.join(", "))?;
    }
    Ok(())
}

/// What happened at the same time as changes that count: each run of a package manager once.
fn hints(out: &mut String, changes: &[Change]) -> std::fmt::Result {
    let mut told: Vec<(&str, Vec<&Change>)> = Vec::new();
    for change in changes {
        for event in &change.at_the_same_time {
            match told.iter_mut().find(|(words, _)| words == event) {
                Some((_, near)) => near.push(change),
                None => told.push((event, vec![change])),
            }
        }
    }
    for (event, near) in &told {
        let which = match near.as_slice() {
            [one] => format!("{} {}", one.class.name(), printable(&one.name)),
            several => format!("{} of these changes", several.len()),
        };
        writeln!(out, "at the same time: {} ({which})", printable(event))?;
    }
    if !told.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

/// Times, size and inode of a file follow from what else has changed.
fn is_trace(delta: &Delta, all: &[Delta]) -> bool {
    let trace =
        ["mtime", "ctime", "inode", "links", "filesystem"].contains(&delta.attribute.as_str());
    let told = ["content", "target", "type"];
    let size =
        delta.attribute == "size" && all.iter().any(|one| told.contains(&one.attribute.as_str()));
    let else_ = all.iter().any(|one| {
        !["mtime", "ctime", "inode", "links", "filesystem", "size"]
            .contains(&one.attribute.as_str())
    });
    (trace && else_) || size
}

fn values(delta: &Delta, settings: bool) -> String {
    let cut = |text: &str| {
        let text = printable(text);
        match text.chars().count() > VALUE {
            true => format!("{}…", text.chars().take(VALUE).collect::<String>()),
            false => text.into_owned(),
        }
    };
    if delta.attribute == "content" {
        return if settings { "differs, in these settings" } else { "differs" }.to_owned();
    }
    match (&delta.before, &delta.after) {
        (Some(before), Some(after)) => format!("{} -> {}", cut(before), cut(after)),
        (None, Some(after)) if delta.attribute == "exists" => cut(without_digest(after)),
        (Some(before), None) if delta.attribute == "exists" => {
            format!("was {}", cut(without_digest(before)))
        }
        (None, Some(after)) => format!("{} (was not set)", cut(after)),
        (Some(before), None) => format!("{} -> not set", cut(before)),
        (None, None) => String::new(),
    }
}

/// What tells one content from another says nothing to a person.
fn without_digest(text: &str) -> &str {
    let digest = [" blake3:", " sha256:", " md5:"].iter().find_map(|mark| text.rfind(mark));
    digest.and_then(|at| text.get(..at)).unwrap_or(text)
}

fn tail(out: &mut String, report: &DriftReport, style: Style) -> std::fmt::Result {
    let drift = report.drift;
    if !style.verbose {
        folded_counts(out, report)?;
    }
    if !drift.gaps.is_empty() || !drift.unseen.is_empty() {
        let count = drift.gaps.count + drift.unseen.len() as u64;
        writeln!(out, "COULD NOT SEE {count}")?;
        let most = if style.verbose { usize::MAX } else { GAPS };
        for why in drift.unseen.iter().chain(&drift.gaps.first).take(most) {
            writeln!(out, "  {}", printable(&why.to_string()))?;
        }
        writeln!(out)?;
    }
    for note in &report.notes {
        writeln!(out, "note: {}", printable(note))?;
    }
    let effort = drift.effort;
    let files = if effort.files == 1 { "file" } else { "files" };
    writeln!(
        out,
        "{} {files} looked at, {} read ({})",
        effort.files,
        effort.read,
        size(effort.bytes)
    )?;
    let exit = exit(drift);
    match exit {
        crate::verdict::Exit::Holds => writeln!(out, "No drift that counts. · exit 0"),
        _ => writeln!(out, "report {} · exit {}", drift.digest(), exit.code()),
    }
}

/// What is explained, in numbers.
fn folded_counts(out: &mut String, report: &DriftReport) -> std::fmt::Result {
    let drift = report.drift;
    let packages: Vec<String> = drift
        .changes
        .iter()
        .filter(|change| change.class == Class::Package && !change.explanation.counts())
        .map(package)
        .collect();
    if !packages.is_empty() {
        let more = match packages.len().saturating_sub(PACKAGES_NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let named: Vec<&str> = packages.iter().take(PACKAGES_NAMED).map(String::as_str).collect();
        writeln!(out, "packages: {}{more}", printable(&named.join(", ")))?;
    }
    let counts: Vec<String> = Explanation::ALL
        .into_iter()
        .filter(|explanation| !explanation.counts())
        .filter_map(|explanation| {
            let of = |change: &&Change| {
                change.explanation == explanation && change.class != Class::Package
            };
            let count = drift.changes.iter().filter(of).count();
            (count > 0).then(|| format!("{count} {}", explanation.name()))
        })
        .collect();
    if !counts.is_empty() {
        writeln!(out, "explained: {} (--all shows them)", counts.join(", "))?;
    }
    if !packages.is_empty() || !counts.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn package(change: &Change) -> String {
    let version = |value: &Option<String>| {
        let words = value.as_deref().unwrap_or_default();
        let version = words.split(", ").find_map(|word| word.strip_prefix("version "));
        version.unwrap_or_default().to_owned()
    };
    let delta = |name: &str| change.deltas.iter().find(|delta| delta.attribute == name);
    match change.how {
        How::Added => {
            let new = delta("exists").map(|delta| version(&delta.after)).unwrap_or_default();
            format!("+{} {new}", change.name)
        }
        How::Removed => format!("-{}", change.name),
        How::Changed => match delta("version") {
            Some(Delta { before: Some(before), after: Some(after), .. }) => {
                format!("{} {before} -> {after}", change.name)
            }
            _ => format!("{} (state)", change.name),
        },
    }
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}
