//! `spotcheck baseline accept`: take changes of the last report into the baseline.

use crate::cli::actions::{actor, when};
use crate::cli::console::Console;
use crate::cli::drift::{PlaceArgs, load_or_say};
use crate::cli::site::SiteArgs;
use crate::drift::accept::{self, Wish};
use crate::drift::baseline::Acceptance;
use crate::drift::collect::{self, Site};
use crate::drift::run::since;
use crate::drift::store::change::Change;
use crate::drift::store::history::Entry;
use crate::drift::store::short;
use crate::drift::store::state::State;
use crate::facts::object::Class;
use crate::targets::survey::Reading;
use crate::text;
use crate::text::time::rfc3339;
use crate::verdict::Exit;

#[derive(clap::Args)]
pub(super) struct Accept {
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// What is accepted: a file (and what is below a directory), a pattern, or a class and a name
    /// such as 'listener 0.0.0.0:80/tcp'
    #[arg(value_name = "OBJECT", required_unless_present = "explained")]
    objects: Vec<String>,
    /// Accept everything that the report could explain, instead
    #[arg(long, conflicts_with = "objects")]
    explained: bool,
    /// Accept only these attributes, such as mode,owner
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    attribute: Vec<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// By whom, where that is not who runs this
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Where more is written
    #[arg(long, value_name = "TICKET")]
    ticket: Option<String>,
    /// Until when, a date or a span such as 7d; then it is drift again. Without it for good
    #[arg(long, value_name = "WHEN")]
    expires: Option<String>,
    /// How many things are accepted at once, where it is more than one object each
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// Only if this was the last report
    #[arg(long, value_name = "ID")]
    report: Option<String>,
}

impl Accept {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let fail = |why: String| console.fail(&why);
        if self.reason.trim().is_empty() {
            return Err(console.fail("an empty reason is none"));
        }
        let (place, key, _) = self.place.resolve(&self.site, console)?;
        let change = Change::begin(&place).map_err(|why| console.fail(&why.to_string()))?;
        let mut loaded = load_or_say(&place, key.as_ref(), console)?;
        let state = State::load(&place);
        if self.report.as_ref().is_some_and(|report| *report != state.report) {
            let why = format!("the last report was {}; nothing was accepted", state.report);
            return Err(console.fail(&why));
        }
        if loaded.against.digest.as_deref() != Some(state.baseline.as_str()) {
            let why = "there is no report on this baseline yet: run `spotcheck drift` first";
            return Err(console.fail(why));
        }
        let now = collect::now().seconds;
        let expires = self.expires.as_deref().map(|text| when::due(text, now)).transpose();
        let expires = expires.map_err(fail)?.flatten();
        if expires.is_some_and(|expires| expires <= now) {
            return Err(console.fail("--expires: that is over already"));
        }
        let (target, root) = self.site.open().map_err(fail)?;
        let site = Site { target: &*target, root, deadline: None };
        let portable = !loaded.baseline.head.walked || site.root.is_none();
        let reading = Reading::Moved { slot: 0, of: 0 };
        let outcome = since(&loaded.baseline, loaded.against.clone(), &site, reading, portable)
            .map_err(|why| console.fail(&why.to_string()))?;
        let wish = Wish {
            objects: self.objects.clone(),
            attributes: self.attribute.clone(),
            explained: self.explained,
        };
        let chosen = accept::choose(&wish, &outcome.drift.changes).map_err(fail)?;
        if chosen.is_empty() {
            return Err(console.fail("there is nothing to accept"));
        }
        let unseen = accept::unseen(&chosen, &state);
        if let Some(first) = unseen.first() {
            return Err(console.fail(&format!(
                "{} {} has changed again since the last report, or was not in it; look at a new one. \
                 Nothing was accepted",
                first.class.name(),
                first.name
            )));
        }
        if !self.explained && chosen.len() > self.objects.len() && self.count != Some(chosen.len())
        {
            return Err(console.fail(&format!(
                "that would accept {} changes; say --count {} if that is meant. Nothing was accepted",
                chosen.len(),
                chosen.len()
            )));
        }
        let by = self.by.clone().unwrap_or_else(actor);
        match expires {
            Some(expires) => {
                let template = Acceptance {
                    class: Class::File,
                    name: String::new(),
                    attribute: String::new(),
                    value: None,
                    reason: self.reason.clone(),
                    by: by.clone(),
                    ticket: self.ticket.clone(),
                    time: now,
                    expires,
                };
                accept::for_a_while(&wish, &chosen, &template, &mut loaded.baseline);
            }
            None => accept::for_good(&wish, &chosen, &outcome, &*target, &mut loaded.baseline),
        }
        let object = |change: &&crate::facts::drift::Change| {
            let attributes = match self.attribute.is_empty() {
                true => String::new(),
                false => format!(" ({})", self.attribute.join(",")),
            };
            format!("{} {}{attributes}", change.class.name(), change.name)
        };
        let entry = Entry {
            time: rfc3339(now),
            event: "accept".to_owned(),
            by,
            reason: Some(self.reason.clone()),
            ticket: self.ticket.clone(),
            expires: expires.map(rfc3339),
            objects: chosen.iter().map(object).collect(),
            ..Entry::default()
        };
        let (digest, _) =
            change.finish(&loaded.baseline, entry).map_err(|why| console.fail(&why.to_string()))?;
        // What else the report said still holds, of the new baseline.
        let mut state = state;
        state.baseline.clone_from(&digest);
        state.save(&place);
        let sign = match key {
            Some(_) => format!(
                "\nit has to be signed again: minisign -S -m {}",
                text::shell::quote_path(&place)
            ),
            None => String::new(),
        };
        let changes = if chosen.len() == 1 { "change" } else { "changes" };
        let text =
            format!("accepted {} {changes}\nbaseline {}{sign}\n", chosen.len(), short(&digest));
        Ok(console.print(&text, Exit::Holds))
    }
}
