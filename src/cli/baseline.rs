//! `spotcheck baseline`: make one, look at it, accept changes.

use super::actions::{actor, when};
use super::console::Console;
use super::drift::{PlaceArgs, load_or_say, look};
use super::load::report;
use super::site::SiteArgs;
use crate::drift::accept::{self, Wish};
use crate::drift::baseline::Acceptance;
use crate::drift::collect::{self, Site};
use crate::drift::report::human::size;
use crate::drift::run::since;
use crate::drift::store::history::{Entry, History};
use crate::drift::store::state::State;
use crate::drift::store::{self, short};
use crate::facts::file::FileKind;
use crate::facts::scope::{Rules, Scope};
use crate::facts::snapshot::{Algorithm, Content, Hex};
use crate::facts::thing::Class;
use crate::policy::Diagnostics;
use crate::policy::load::{HOST, load};
use crate::policy::vars::Vars;
use crate::target::Target;
use crate::target::survey::Reading;
use crate::text::time::rfc3339;
use crate::text::{self, time};
use crate::verdict::Exit;
use clap::{Subcommand, ValueEnum};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Arguments of `baseline`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Take the state of a target for good
    Create(Create),
    /// Print what a baseline says, of itself or of some files
    Show(Show),
    /// Check a baseline's bytes, history and signature
    Verify(Verify),
    /// Take changes of the last report into the baseline
    Accept(Accept),
}

#[derive(clap::Args)]
struct Create {
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// Policy whose `drift:` section says what is looked at
    #[arg(long, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// How contents are digested
    #[arg(long, value_name = "KIND")]
    digest: Option<Digest>,
    /// Read no content
    #[arg(long)]
    metadata: bool,
    /// Put it in the place of a baseline that is there; what has changed since is forgotten
    #[arg(long, requires = "reason")]
    replace: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Digest {
    /// The fastest
    Blake3,
    /// The one that others know
    Sha256,
}

#[derive(clap::Args)]
struct Show {
    #[command(flatten)]
    place: PlaceArgs,
    /// Files of which everything known is printed
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
}

#[derive(clap::Args)]
struct Verify {
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(clap::Args)]
struct Accept {
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

/// Runs the command.
pub fn run(args: &Args, console: &Console) -> Exit {
    let done = match &args.what {
        What::Create(create) => create.run(console),
        What::Show(show) => show.run(console),
        What::Verify(verify) => verify.run(console),
        What::Accept(accept) => accept.run(console),
    };
    match done {
        Ok(exit) | Err(exit) => exit,
    }
}

/// The place of a baseline that needs no target.
fn place(
    args: &PlaceArgs,
    console: &Console,
) -> Result<(PathBuf, Option<store::signature::Key>), Exit> {
    let host = SiteArgs { root: None, image: None };
    args.resolve(&host, console).map(|(place, key, _)| (place, key))
}

impl Create {
    fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let fail = |why: String| console.fail(&why);
        let (place, _, _) = self.place.resolve(&self.site, console)?;
        let there = place.symlink_metadata().is_ok();
        if there && !self.replace {
            return Err(console.fail(&format!(
                "{}: there is a baseline already; `baseline accept` takes single changes into it, \
                 --replace --reason TEXT forgets all that has changed",
                text::path(&place)
            )));
        }
        let scope = scope_of(self.policy.as_deref(), console)?;
        let (target, root) = self.site.open().map_err(fail)?;
        let site = Site { target: &*target, root, deadline: None };
        let algorithm = match self.digest {
            Some(Digest::Sha256) => Algorithm::Sha256,
            Some(Digest::Blake3) if site.root.is_none() => {
                return Err(console.fail("of an image only --digest sha256 is known"));
            }
            _ => site.algorithm(),
        };
        let reading = if self.metadata { Reading::Nothing } else { Reading::Everything };
        let baseline = look(&site, self.site.is_host(), scope, reading, algorithm).map_err(fail)?;
        if baseline.tree.is_empty() {
            return Err(console.fail("there is no file in what was to be looked at"));
        }
        let (digest, bytes) =
            store::save(&place, &baseline).map_err(|why| console.fail(&why.to_string()))?;
        let head = &baseline.head;
        let entry = Entry {
            number: 0,
            time: rfc3339(head.taken.seconds),
            event: "create".to_owned(),
            by: head.by.clone(),
            reason: self.reason.clone(),
            ticket: None,
            expires: None,
            objects: Vec::new(),
            baseline: digest.clone(),
            previous: String::new(),
        };
        History::append(&place, entry).map_err(|why| console.fail(&why.to_string()))?;
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{}: {} files, {} read ({}), {}\nbaseline {}",
            text::printable(&text::path(&place)),
            baseline.tree.len(),
            head.effort.read,
            size(head.effort.bytes),
            size(bytes),
            short(&digest),
        );
        if self.policy.is_some() {
            for note in nothing_below(&head.scope, &*target) {
                let _ = writeln!(out, "note: {}", text::printable(&note));
            }
        }
        let unseen: Vec<String> = baseline
            .things
            .unseen
            .iter()
            .map(|(_, why)| why.to_string())
            .chain(head.gaps.first.iter().map(ToString::to_string))
            .collect();
        let count = head.gaps.count + baseline.things.unseen.len() as u64;
        if count > 0 {
            let _ = writeln!(out, "could not see {count}; nothing will be known of:");
            for why in unseen.iter().take(20) {
                let _ = writeln!(out, "  {}", text::printable(why));
            }
        }
        let exit = if count > 0 { Exit::Undecided } else { Exit::Holds };
        Ok(console.print(&out, exit))
    }
}

/// Paths of a policy at which there is nothing to look at: a slip of the pen looks like that.
fn nothing_below(scope: &Scope, target: &dyn Target) -> Vec<String> {
    let named = scope.paths.iter().filter(|path| !path.starts_with("~"));
    let note = |path: &PathBuf| {
        let shown = text::path(path);
        match target.file(path) {
            Ok(None) => Some(format!("{shown}: there is no such file or directory")),
            Ok(Some(file)) if file.kind == FileKind::Symlink => Some(format!(
                "{shown} is a link; what it leads to is not looked at unless it is named"
            )),
            _ => None,
        }
    };
    named.filter_map(note).collect()
}

/// The scope that a policy asks for, or the usual one.
fn scope_of(policy: Option<&Path>, console: &Console) -> Result<Scope, Exit> {
    let Some(policy) = policy else { return Ok(Scope::usual()) };
    let mut problems = Diagnostics::default();
    let policies = load(&[policy.to_owned()], &HOST, &Vars::default(), &mut problems);
    if !problems.is_empty() {
        report(problems, console);
        return Err(Exit::CouldNotRun);
    }
    let scopes: Vec<Scope> = policies.into_iter().filter_map(|policy| policy.drift).collect();
    match scopes.len() {
        1 => Ok(scopes.into_iter().next().unwrap_or_else(Scope::usual)),
        0 => Err(console.fail(&format!("{}: has no `drift:` section", text::path(policy)))),
        _ => Err(console.fail(&format!(
            "{}: several `drift:` sections; a baseline has one",
            text::path(policy)
        ))),
    }
}

impl Show {
    fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let (place, key) = place(&self.place, console)?;
        let loaded = load_or_say(&place, key.as_ref(), console)?;
        let text =
            if self.paths.is_empty() { whole(&loaded) } else { self.files(&loaded, console)? };
        Ok(console.print(&text, Exit::Holds))
    }

    fn files(&self, loaded: &store::Loaded, console: &Console) -> Result<String, Exit> {
        use std::os::unix::ffi::OsStrExt;
        let baseline = &loaded.baseline;
        let rules = Rules::new(&baseline.head.scope).map_err(|why| console.fail(&why))?;
        let mut out = String::new();
        for path in &self.paths {
            let bytes = path.as_os_str().as_bytes();
            let name = text::path(path);
            let Some(record) = baseline.tree.get(bytes) else {
                return Err(console.fail(&format!("{name}: the baseline does not have it")));
            };
            let _ = writeln!(out, "{}", text::printable(&name));
            let mut line = |key: &str, value: String| {
                let _ = writeln!(out, "  {key:8}  {}", text::printable(&value));
            };
            line("type", record.kind.name().to_owned());
            line("use", rules.use_of(bytes).name().to_owned());
            line("owner", format!("{}:{}", record.uid, record.gid));
            line("mode", record.mode.to_string());
            line("size", record.size.to_string());
            line("mtime", time::utc(record.modified.seconds));
            line("ctime", time::utc(record.changed.seconds));
            line("inode", format!("{}, {} links", record.inode, record.links));
            if !record.link().is_empty() {
                line("target", text::bytes(record.link()));
            }
            if let Content::Digest(digest) = record.content {
                let algorithm = baseline.head.algorithm;
                let digest = digest.get(..algorithm.size()).unwrap_or_default();
                line("content", format!("{}:{}", algorithm.name(), Hex(digest)));
            }
            for (name, value) in record.extra.iter().flat_map(|extra| &extra.xattrs) {
                line("xattr", format!("{} 0x{}", text::bytes(name), Hex(value)));
            }
            let package = (record.package as usize).checked_sub(1);
            if let Some(package) = package.and_then(|index| baseline.head.packages.get(index)) {
                line("package", package.clone());
            }
        }
        Ok(out)
    }
}

fn whole(loaded: &store::Loaded) -> String {
    let baseline = &loaded.baseline;
    let head = &baseline.head;
    let mut out = String::new();
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(out, "{key:11} {}", text::printable(value));
    };
    line("baseline", loaded.against.digest.as_deref().unwrap_or_default());
    line("signature", loaded.against.signature.as_deref().unwrap_or("not signed"));
    line("target", &head.target);
    line("taken", &format!("{} by {}", time::utc(head.taken.seconds), head.by));
    let paths: Vec<String> = head.scope.paths.iter().map(|path| text::path(path)).collect();
    line("paths", &paths.join(" "));
    if !head.scope.exclude.is_empty() {
        line("without", &head.scope.exclude.join(" "));
    }
    line("files", &format!("{}, contents by {}", baseline.tree.len(), head.algorithm.name()));
    for class in Class::ALL {
        if let Some(all) = baseline.things.all.get(&class) {
            line(class.name(), &all.len().to_string());
        }
    }
    if !head.gaps.is_empty() {
        line("not seen", &head.gaps.count.to_string());
    }
    for one in &head.acceptances {
        let day: String = time::utc(one.expires).chars().take(10).collect();
        let what = format!(
            "{} {} {} until {day} by {}: {}",
            one.class.name(),
            one.name,
            one.attribute,
            one.by,
            one.reason
        );
        line("accepted", &what);
    }
    for entry in loaded.history.iter().flat_map(|history| &history.entries) {
        let mut what = format!("{} {} by {}", entry.time, entry.event, entry.by);
        for (word, value) in [("until", &entry.expires), ("ticket", &entry.ticket)] {
            if let Some(value) = value {
                let _ = write!(what, ", {word} {value}");
            }
        }
        if let Some(reason) = &entry.reason {
            let _ = write!(what, ": {reason}");
        }
        let objects = entry.objects.iter().take(5).cloned().collect::<Vec<_>>().join(", ");
        let more = entry.objects.len().saturating_sub(5);
        if !objects.is_empty() {
            let _ = write!(what, " [{objects}");
            let _ = if more > 0 { write!(what, " and {more} more]") } else { write!(what, "]") };
        }
        line("history", &what);
    }
    out
}

impl Verify {
    fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let (place, key) = place(&self.place, console)?;
        let loaded = load_or_say(&place, key.as_ref(), console)?;
        let history = match &loaded.history {
            Some(history) => format!("history of {} entries is whole", history.entries.len()),
            None => "there is no history of it".to_owned(),
        };
        let text = format!(
            "{}: {}\n{}\n{history}\n",
            text::path(&place),
            loaded.against.digest.as_deref().unwrap_or_default(),
            loaded.against.signature.as_deref().unwrap_or("not signed, and no key is configured"),
        );
        Ok(console.print(&text, Exit::Holds))
    }
}

impl Accept {
    fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let fail = |why: String| console.fail(&why);
        if self.reason.trim().is_empty() {
            return Err(console.fail("an empty reason is none"));
        }
        let (place, key, _) = self.place.resolve(&self.site, console)?;
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
        let (digest, _) =
            store::save(&place, &loaded.baseline).map_err(|why| console.fail(&why.to_string()))?;
        let object = |change: &&crate::facts::drift::Change| {
            let attributes = match self.attribute.is_empty() {
                true => String::new(),
                false => format!(" ({})", self.attribute.join(",")),
            };
            format!("{} {}{attributes}", change.class.name(), change.name)
        };
        let entry = Entry {
            number: 0,
            time: rfc3339(now),
            event: "accept".to_owned(),
            by,
            reason: Some(self.reason.clone()),
            ticket: self.ticket.clone(),
            expires: expires.map(rfc3339),
            objects: chosen.iter().map(object).collect(),
            baseline: digest.clone(),
            previous: String::new(),
        };
        History::append(&place, entry).map_err(|why| console.fail(&why.to_string()))?;
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
