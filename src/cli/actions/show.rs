//! `spotcheck actions show` and `history`

use super::Failure;
use crate::actions::items::evidence::EvidenceRecord;
use crate::actions::items::item::{Event, ItemId, Occurrence};
use crate::actions::{Ledger, Presence};
use crate::text::{duration, printable, time};
use std::fmt::Write as _;

/// Most occurrences that are shown one by one.
const SHOWN: usize = 20;

/// Everything about an item.
pub fn run(id: ItemId, ledger: &mut Ledger, now: i64) -> Result<String, Failure> {
    let Some(item) = ledger.item(id)? else {
        return Err(Failure::Words(format!("there is no action item {id}")));
    };
    let mut page = Page::default();
    page.line(&format!("{} {}", item.id, item.title));
    let since = time::utc(item.state_since);
    page.field("state", &format!("{} since {since}", item.state));
    page.maybe("demand", item.demand.as_deref());
    page.field("severity", item.severity.name());
    page.field("type", item.kind.name());
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
    let seen = format!("{} to {}", time::utc(item.first_seen), time::utc(item.last_seen));
    page.field("seen", &seen);
    page.field("came back", &format!("{} times", item.reopenings));
    page.maybe("why", item.texts.why.as_deref());
    for step in &item.texts.corrective {
        page.field("repair", step);
    }
    page.maybe("prevent", item.texts.preventive.as_deref());
    page.field("verify", &item.texts.command);
    if item.verify > 1 {
        page.field("", &format!("resolved after {} observations in a row", item.verify));
    }
    for measure in &item.texts.measures {
        page.field("measure", measure);
    }
    page.maybe("postmortem", item.texts.postmortem.as_deref());
    for link in item.texts.links.iter().chain(&item.texts.references) {
        page.field("link", link);
    }
    page.field("rule", &format!("{} of policy {}", item.key.rule, item.key.policy));
    let occurrences = ledger.occurrences(id)?;
    page.line("");
    page.line(&format!("Occurrences: {} violated, {} ever", item.present, item.occurrences));
    occurrences.iter().take(SHOWN).for_each(|one| page.occurrence(one, item.verify));
    if let Some(more) = occurrences.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        page.line(&format!("  ... and {more} more"));
    }
    page.line("");
    page.line("History:");
    for event in ledger.events(Some(id), u32::MAX)? {
        page.line(&format!("  {}", event_words(&event)));
    }
    Ok(page.0)
}

/// What happened, newest last.
pub fn history(id: Option<ItemId>, limit: u32, ledger: &mut Ledger) -> Result<String, Failure> {
    if let Some(id) = id
        && ledger.item(id)?.is_none()
    {
        return Err(Failure::Words(format!("there is no action item {id}")));
    }
    let mut page = Page::default();
    for event in ledger.events(id, limit)? {
        page.line(&format!("{:<7} {}", event.item, event_words(&event)));
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

    fn field(&mut self, name: &str, text: &str) {
        self.line(&format!("  {name:<11} {text}"));
    }

    fn maybe(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.field(name, text);
        }
    }

    fn occurrence(&mut self, one: &Occurrence, verify: u32) {
        let state = match one.presence {
            Presence::Present if one.held > 0 => {
                format!("seen to hold {} of {verify} times", one.held)
            }
            Presence::Present => "violated".into(),
            Presence::Held => "repaired".into(),
            Presence::Retired => "not asked about any more".into(),
        };
        let (first, last) = (time::utc(one.first_seen), time::utc(one.last_seen));
        self.line(&format!("  {}: {}, {state}, seen {first} to {last}", one.host, one.affected));
        let (then, now) = (
            EvidenceRecord::from_json(&one.evidence_then),
            EvidenceRecord::from_json(&one.evidence_now),
        );
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
