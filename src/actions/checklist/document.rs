//! A checklist as people read it.

use crate::actions::checklist::model::{Checklist, Group, Task};
use crate::prose::{Block, Document, Entry, Span, code, strong, text};
use crate::text::time;

/// The checklist as a document, postmortem by postmortem.
pub fn document(checklist: &Checklist) -> Document {
    let made = format!("{}, made {}.", checklist.scope, time::utc(checklist.time));
    let ticks = "A tick is an observation: what has one was seen to hold.";
    let mut blocks = vec![Block::Paragraph(vec![text(format!("{made} {ticks}"))])];
    let mut heading = None;
    for group in &checklist.groups {
        let title = match &group.postmortem {
            Some(postmortem) => format!("{postmortem} (policy {})", group.policy),
            None => "Work that serves no measure".into(),
        };
        if heading.as_ref() != Some(&title) {
            blocks.push(Block::Heading(title.clone()));
            heading = Some(title);
        }
        add(&mut blocks, entries(group));
    }
    if checklist.groups.is_empty() {
        blocks.push(Block::Paragraph(vec![text("There is nothing to do.")]));
    }
    Document { title: "Corrective measures".into(), blocks }
}

/// Measures of one postmortem are one list.
fn add(blocks: &mut Vec<Block>, more: Vec<Entry>) {
    match blocks.last_mut() {
        Some(Block::List(list)) => list.extend(more),
        _ => blocks.push(Block::List(more)),
    }
}

/// The entries of a measure, or of work that serves none.
pub fn entries(group: &Group) -> Vec<Entry> {
    let notes = group.notes.iter().map(|note| Entry::of(vec![text(note.clone())]));
    let below: Vec<Entry> = notes.chain(group.tasks.iter().map(task)).collect();
    let Some(measure) = &group.measure else { return below };
    let words = format!(" — {}", group.progress.words());
    vec![Entry::ticked(group.progress.is_done(), vec![strong(measure.clone()), text(words)], below)]
}

fn task(task: &Task) -> Entry {
    let owner = task.owner.as_deref().unwrap_or("nobody");
    let mut words = vec![task.severity.to_string(), task.kind.to_string(), task.state.clone()];
    words.push(format!("owner {owner}"));
    let mut title = Vec::new();
    if let Some(id) = task.id {
        title.extend([strong(id.to_string()), text(" ")]);
    }
    title.push(text(format!("{} ({}", task.title, words.join(", "))));
    match task.due {
        Some(due) if task.overdue => {
            title.extend([text(", "), strong(format!("overdue since {}", time::day(due)))]);
        }
        Some(due) => title.push(text(format!(", due {}", time::day(due)))),
        None => {}
    }
    title.push(text(")"));
    let line = |name: &str, span: Span| Entry::of(vec![text(format!("{name}: ")), span]);
    let mut below = Vec::new();
    below.extend(task.evidence.iter().map(|words| line("seen", text(words.clone()))));
    if !task.done {
        below.extend(task.corrective.iter().map(|step| line("repair", code(step.clone()))));
    }
    below.extend(task.preventive.iter().map(|words| line("prevent", text(words.clone()))));
    below.push(line("verify", code(task.verify.clone())));
    below.extend(task.links.iter().map(|link| line("link", text(link.clone()))));
    Entry::ticked(task.done, title, below)
}
