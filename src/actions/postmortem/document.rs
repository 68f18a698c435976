//! The draft, in the sections that teams use.

use super::case::{Case, begins, ends};
use super::cluster::Cluster;
use super::facts::{Found, found, meanings};
use super::timeline::{self, Kind, Line};
use crate::actions::checklist::entries;
use crate::actions::export::{Whole, turn};
use crate::actions::items::item::{Event, Item};
use crate::prose::{Block, Document, Entry, Span, code, strong, text};
use crate::text::{duration, time};

/// The draft of a case.
pub fn document(case: &Case) -> Document {
    let lines = timeline::of(case);
    let mut blocks = Vec::new();
    summary(&mut blocks, case, &lines);
    blocks.push(Block::Heading("Impact".into()));
    blocks.push(Block::ToFill(
        "who noticed what, how many, for how long. The records know of hosts only.".into(),
    ));
    blocks.push(Block::Heading("Timeline".into()));
    blocks.push(Block::Paragraph(vec![text("All times are UTC.")]));
    blocks.push(Block::Table(
        vec!["Time".into(), "What".into(), "Source".into()],
        lines.iter().map(row).collect(),
    ));
    blocks.push(Block::Heading("Root Cause and Resolution".into()));
    for cluster in &case.clusters {
        cause(&mut blocks, case, cluster);
    }
    blocks.push(Block::ToFill(
        "what led to it: who or what could change these things, and why. The records show what was \
         there and in which order, not that one thing caused another."
            .into(),
    ));
    resolution(&mut blocks, case, &lines);
    measures(&mut blocks, case);
    blocks.push(Block::Heading("What went well".into()));
    blocks.push(Block::ToFill("what went well, and where you were lucky.".into()));
    Document { title: title(case), blocks }
}

fn title(case: &Case) -> String {
    let names: Vec<String> = case.clusters.iter().take(3).map(Cluster::name).collect();
    let hosts: Vec<&str> = case.hosts().into_iter().take(3).collect();
    let day = case.events().first().map_or(case.period.from, |(_, event)| event.at);
    format!("Postmortem: {} on {}, {}", names.join(", "), hosts.join(", "), time::day(day))
}

/// A time of the timeline, with its offset.
fn at(seconds: i64) -> String {
    time::utc(seconds).replace(" UTC", " +00:00")
}

fn row(line: &Line) -> Vec<Vec<Span>> {
    let mark = match line.kind {
        Kind::Change | Kind::Repair => strong(line.what.clone()),
        _ => text(line.what.clone()),
    };
    vec![vec![text(at(line.at))], vec![mark], vec![text(line.source.clone())]]
}

fn summary(blocks: &mut Vec<Block>, case: &Case, lines: &[Line]) {
    blocks.push(Block::Heading("Issue Summary".into()));
    let (from, to) = (at(case.period.from), at(case.period.to));
    blocks.push(Block::Paragraph(vec![text(format!(
        "Draft from what runs of spotcheck recorded and what was entered in its ledger from {from} \
         to {to}. What stands here was observed; what only people know is marked."
    ))]));
    let entry = |found: &Found| {
        let (words, ids) = (found.short(), found.ids());
        Entry::of(vec![strong(words), text(format!(" {ids}"))])
    };
    let found: Vec<Entry> = found(case, |_| true).iter().map(entry).collect();
    let hosts: Vec<&str> = case.hosts().into_iter().collect();
    blocks.push(Block::Paragraph(vec![text(format!(
        "What was found on {}, in the order in which it was seen:",
        hosts.join(", ")
    ))]));
    blocks.push(Block::List(found));
    if case.omitted > 0 {
        let words = format!("{} more items are not told of here.", case.omitted);
        blocks.push(Block::Paragraph(vec![text(words)]));
    }
    blocks.push(Block::Paragraph(vec![text("When, as far as the records say:")]));
    blocks.push(Block::List(times(case, lines)));
}

/// Beginning, detection, repair and verification, with the spans between them.
fn times(case: &Case, lines: &[Line]) -> Vec<Entry> {
    let first = |kind| lines.iter().filter(|line| line.kind == kind).map(|line| line.at).min();
    let last = |kind| lines.iter().filter(|line| line.kind == kind).map(|line| line.at).max();
    let entry =
        |name: &str, words: String| Entry::of(vec![strong(name), text(format!(": {words}"))]);
    let mut out = Vec::new();
    let (good, change, seen) = (first(Kind::LastGood), first(Kind::Change), first(Kind::Seen));
    let began = match (good, change, seen) {
        (_, Some(change), _) => Some(format!("{}, by the first trace", at(change))),
        (Some(good), None, Some(seen)) => Some(format!(
            "after {}, when it was last seen to hold, and before {}",
            at(good),
            at(seen)
        )),
        (None, None, Some(seen)) => {
            Some(format!("before {}; no earlier run saw it hold", at(seen)))
        }
        _ => None,
    };
    out.extend(began.map(|words| entry("Began", words)));
    if let Some(seen) = seen {
        let after = change
            .map(|change| format!(", {} after the first trace", duration::roughly(seen - change)));
        out.push(entry("Detected", at(seen) + &after.unwrap_or_default()));
    }
    out.extend(last(Kind::Repair).map(|repair| entry("Last trace of repair", at(repair))));
    let live = case.items.iter().filter(|whole| whole.item.state.is_live()).count();
    match last(Kind::Verified) {
        Some(verified) if live == 0 => {
            let lasted = change
                .or(seen)
                .map(|began| format!(", {} after it began", duration::roughly(verified - began)));
            let words = at(verified) + &lasted.unwrap_or_default();
            out.push(entry("Verified", format!("{words}: all of it was seen to hold")));
        }
        _ => out.push(entry("Not over", format!("{live} of {} items are open", case.items.len()))),
    }
    out
}

fn cause(blocks: &mut Vec<Block>, case: &Case, cluster: &Cluster) {
    blocks.push(Block::Subheading(format!("What was found: {}", cluster.name())));
    let entry = |found: &Found| {
        let words = format!(" {}, first seen {}", found.ids(), at(found.at));
        let mut below = vec![Entry::of(vec![text(found.full())])];
        below.extend(found.why().map(|why| Entry::of(vec![text(why)])));
        Entry { tick: None, text: vec![strong(found.short()), text(words)], below }
    };
    let own = found(case, |id| cluster.items.contains(&id));
    blocks.push(Block::List(own.iter().map(entry).collect()));
    let mut together: Vec<Entry> =
        meanings(case, cluster).into_iter().map(|words| Entry::of(vec![text(words)])).collect();
    together.extend(cluster.ties.iter().map(|(tie, rules)| {
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        Entry::of(vec![text(format!("{} speak of {tie}.", rules.join(", ")))])
    }));
    if !together.is_empty() {
        blocks.push(Block::Paragraph(vec![text("What ties this together:")]));
        blocks.push(Block::List(together));
    }
}

fn resolution(blocks: &mut Vec<Block>, case: &Case, lines: &[Line]) {
    blocks.push(Block::Subheading("Resolution".into()));
    let is_over = |whole: &&Whole| whole.events.iter().any(|event: &Event| ends(event.kind));
    let over = case.items.iter().filter(is_over).count();
    let words = format!("{over} of {} items were seen repaired.", case.items.len());
    blocks.push(Block::Paragraph(vec![text(words)]));
    let repairs = lines.iter().filter(|line| line.kind == Kind::Repair);
    let repairs: Vec<Entry> = repairs
        .map(|line| {
            Entry::of(vec![text(format!("{}: {}; {}", at(line.at), line.what, line.source))])
        })
        .collect();
    if !repairs.is_empty() {
        blocks.push(Block::Paragraph(vec![text("What the traces show of the repair:")]));
        blocks.push(Block::List(repairs));
    }
    // In the order in which they can succeed, as in the script.
    let mut items: Vec<&Item> = case.items.iter().filter(began).map(|whole| &whole.item).collect();
    items.sort_by_key(|item| (turn(item), item.id));
    let mut steps: Vec<&String> = Vec::new();
    for step in items.into_iter().flat_map(|item| &item.texts.corrective) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    if !steps.is_empty() {
        blocks.push(Block::Paragraph(vec![text("Steps that the items named:")]));
        let steps = steps.into_iter().map(|step| Entry::of(vec![code(step.clone())]));
        blocks.push(Block::List(steps.collect()));
    }
}

// By reference to a reference: that is what `filter` hands over.
fn began(whole: &&Whole) -> bool {
    whole.events.iter().any(|event| begins(event.kind))
}

fn measures(blocks: &mut Vec<Block>, case: &Case) {
    blocks.push(Block::Heading("Corrective and Preventative Measures".into()));
    let words = "A tick is an observation: what has one was seen to hold.";
    blocks.push(Block::Paragraph(vec![text(words)]));
    let mut heading: Option<&String> = None;
    for group in &case.checklist.groups {
        if let Some(name) = group.postmortem.as_ref()
            && heading != Some(name)
        {
            blocks.push(Block::Subheading(format!("Promised before, in {name}")));
            heading = Some(name);
        } else if group.measure.is_none() {
            blocks.push(Block::Subheading("Work that serves no measure yet".into()));
        }
        match blocks.last_mut() {
            Some(Block::List(list)) => list.extend(entries(group)),
            _ => blocks.push(Block::List(entries(group))),
        }
    }
    blocks.push(Block::ToFill(
        "further measures. Each that becomes a rule with `measure:` is watched from then on."
            .into(),
    ));
}
