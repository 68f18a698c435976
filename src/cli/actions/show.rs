//! `spotcheck actions show` and `history`

use super::Failure;
use crate::actions::items::item::{Event, ItemId, Occurrence};
use crate::actions::{Ledger, Presence};
use crate::text::{duration, printable, time};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A run notes what it saw as of its beginning, people as of now: so far apart (in seconds) two times may
/// be though the clock was right.
const CLOCK: i64 = 900;

/// Most occurrences that are shown one by one.
const SHOWN: usize = 20;

/// Everything about an item: what was promised, what is, what to do and how to verify it; what
/// happened comes last.
pub fn run(id: ItemId, ledger: &mut Ledger, now: i64) -> Result<String, Failure> {
    let Some(item) = ledger.item(id)? else { return Err(super::no_item(id)) };
    let occurrences = ledger.occurrences(id)?;
    let mut page = Page::default();
    page.line(&format!("{} {}", item.id, item.title));
    if item.state.is_live() && !item.texts.instead.is_empty() {
        page.field("instead", &item.texts.instead);
    }
    let since = time::utc(item.state_since);
    page.field("state", &format!("{} since {since}", item.state));
    page.field("severity", item.severity.name());
    page.maybe("why", item.texts.why.as_deref());
    for step in &item.texts.corrective {
        page.field("repair", step);
    }
    page.maybe("prevent", item.texts.preventive.as_deref());
    page.field("verify", &item.texts.command);
    if item.verify > 1 {
        page.field("", &format!("resolved after {} observations in a row", item.verify));
    }
    page.field("owner", item.owner.as_deref().unwrap_or("nobody"));
    let due = match item.due {
        Some(due) if item.is_overdue(now) => {
            let late = duration::roughly(now.saturating_sub(due));
            format!("{}: overdue by {late}", time::utc(due))
        }
        Some(due) => time::utc(due),
        None => "no due date".into(),
    };
    page.field("due", &due);
    if let Some(until) = item.waived_until {
        page.field("waived", &format!("until {}", super::list::last_day(until)));
    }
    page.field("seen", &span(item.first_seen, item.last_seen));
    page.field("came back", &times(item.reopenings));
    page.field("type", item.kind.name());
    for measure in &item.texts.measures {
        page.field("measure", measure);
    }
    page.maybe("postmortem", item.texts.postmortem.as_deref());
    for link in item.texts.links.iter().chain(&item.texts.references) {
        page.field("link", link);
    }
    let own = (item.key.policy.clone(), item.key.rule.clone());
    let others = occurrences.iter().map(|one| (one.policy.clone(), one.rule.clone()));
    let others: BTreeSet<_> = others.filter(|rule| *rule != own).collect();
    for (policy, rule) in std::iter::once(own).chain(others) {
        page.field("rule", &format!("{rule} of policy {policy}"));
    }
    page.line("");
    let places = if item.occurrences == 1 { "place" } else { "places" };
    page.line(&format!("Violated in {} of {} {places}:", item.present, item.occurrences));
    let rules: BTreeSet<_> = occurrences.iter().map(|one| (&one.policy, &one.rule)).collect();
    let several = rules.len() > 1;
    occurrences.iter().take(SHOWN).for_each(|one| page.occurrence(one, item.verify, several));
    if let Some(more) = occurrences.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        page.line(&format!("  ... and {more} more"));
    }
    page.line("");
    page.line("History:");
    let mut before = None;
    for event in ledger.events(Some(id), u32::MAX)? {
        page.event("  ", &event, &mut before);
    }
    Ok(page.0)
}

/// From when to when; said where a clock that was set back has them the other way round.
fn span(first: i64, last: i64) -> String {
    let (from, to) = (time::utc(first), time::utc(last));
    match last < first {
        false => format!("{from} to {to}"),
        true => format!("first {from}, last {to}: the clock was set back between the two"),
    }
}

fn times(count: i64) -> String {
    match count {
        0 => "never".into(),
        1 => "once".into(),
        count => format!("{count} times"),
    }
}

/// What happened, newest last.
pub fn history(id: Option<ItemId>, limit: u32, ledger: &mut Ledger) -> Result<String, Failure> {
    if let Some(id) = id
        && ledger.item(id)?.is_none()
    {
        return Err(super::no_item(id));
    }
    let mut page = Page::default();
    let mut before = None;
    for event in ledger.events(id, limit)? {
        let item = format!("{:<7} ", event.item);
        page.event(&item, &event, &mut before);
    }
    Ok(page.0)
}

fn event_words(event: &Event) -> String {
    let host = event.host.as_deref().map(|host| format!(" on {host}")).unwrap_or_default();
    let detail = match event.detail.as_str() {
        "" => String::new(),
        detail => format!(": {detail}"),
    };
    format!("{} {} by {}{host}{detail}", time::utc(event.at), event.kind, event.actor)
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "{}", printable(text));
    }

    /// An event in the order in which it was noted; where its time is before that of the one before it,
    /// the clock was set back, which is said.
    fn event(&mut self, head: &str, event: &Event, before: &mut Option<i64>) {
        if before.is_some_and(|before| event.at.saturating_add(CLOCK) < before) {
            self.line(&format!("{head}(the clock was set back here)"));
        }
        *before = Some(event.at);
        self.line(&format!("{head}{}", event_words(event)));
    }

    fn field(&mut self, name: &str, text: &str) {
        self.line(&format!("  {name:<11} {text}"));
    }

    fn maybe(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.field(name, text);
        }
    }

    fn occurrence(&mut self, one: &Occurrence, verify: u32, several: bool) {
        let state = match one.presence {
            Presence::Present if one.held > 0 => {
                format!("seen to hold {} of {verify} times", one.held)
            }
            Presence::Present => "violated".into(),
            Presence::Held => "repaired".into(),
            Presence::Retired => "not asked about any more".into(),
        };
        let (host, condition) = (&one.host, &one.condition);
        let seen = span(one.first_seen, one.last_seen);
        let by = if several { format!(" ({})", one.rule) } else { String::new() };
        self.line(&format!("  {host}: {}, {condition}{by}: {state}, seen {seen}", one.affected));
        let (then, now) = (one.first_evidence(), one.last_evidence());
        self.line(&format!("    expected {}", now.expected));
        if then.observed != now.observed {
            self.line(&format!("    then     {}", then.observed));
        }
        self.line(&format!("    observed {}", now.observed));
        for evidence in &now.seen {
            self.line(&format!("    seen     {evidence}"));
        }
    }
}
