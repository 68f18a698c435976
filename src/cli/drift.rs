//! `spotcheck drift`: what has changed since a baseline, and why.

use super::actions::actor;
use super::baseline::create::scope_of;
use super::console::Console;
use super::site::{SiteArgs, open_image, open_root};
use super::{load, supervise};
use crate::config::Config;
use crate::drift::baseline::{Baseline, Head};
use crate::drift::collect::Site;
use crate::drift::report::{DriftReport, exit, human, json};
use crate::drift::run::since;
use crate::drift::store::signature::Key;
use crate::drift::store::state::State;
use crate::drift::store::{self};
use crate::drift::{collect, left_out, truth};
use crate::facts::drift::{Against, Drift};
use crate::facts::scope::Scope;
use crate::facts::snapshot::Algorithm;
use crate::report::Style;
use crate::targets::survey::Reading;
use crate::text::duration;
use crate::verdict::Exit;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Over so many runs every file is read again, where nobody says.
pub const EVERY: u64 = 50;

/// Arguments of `drift`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    place: PlaceArgs,
    /// Compare with this instead of the baseline: another baseline, an image, the directory of a root
    /// filesystem, or `packages` (what the package databases say, as dpkg -V and rpm -V do)
    #[arg(long, value_name = "WHAT", conflicts_with = "baseline")]
    against: Option<String>,
    /// Policy whose `drift:` section says what of an image or root filesystem is compared; without it
    /// all but /proc, /sys, /dev, /run and /tmp
    #[arg(long, value_name = "POLICY", requires = "against")]
    policy: Option<PathBuf>,
    /// Read the content of every file, not only of those that have moved
    #[arg(long, conflicts_with = "metadata")]
    full: bool,
    /// Read no content
    #[arg(long)]
    metadata: bool,
    /// Show everything that is explained, too
    #[arg(long)]
    all: bool,
    /// Print nothing when there is no drift that counts
    #[arg(short, long)]
    quiet: bool,
    /// Format of the report
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    format: Format,
    /// End after this time (30s, 5m); what was not looked at by then could not be seen
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<i64>,
}

/// Options about where the baseline is and who has to have signed it.
#[derive(clap::Args)]
pub struct PlaceArgs {
    /// The baseline; without it that of this host
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Trust only a baseline with a signature by this minisign key: the key, or a file with it
    #[arg(long, value_name = "KEY")]
    pub public_key: Option<String>,
    /// Configuration; without it /etc/spotcheck/config.toml where that exists
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

impl PlaceArgs {
    /// The place of the baseline, and the key that has to have signed it.
    pub fn resolve(
        &self,
        site: &SiteArgs,
        console: &Console,
    ) -> Result<(PathBuf, Option<Key>, Config), Exit> {
        let config = Config::load(self.config.as_deref()).map_err(|problems| {
            let mut all = crate::policy::Diagnostics::default();
            problems.into_iter().for_each(|problem| all.push(problem));
            load::report(all, console);
            Exit::CouldNotRun
        })?;
        let key = self.public_key.as_ref().or(config.drift.public_key.as_ref());
        let key = key
            .map(|text| Key::parse(text))
            .transpose()
            .map_err(|why| console.fail(&format!("public key: {why}")))?;
        let place = self
            .baseline
            .clone()
            .or_else(|| config.drift.baseline.clone().filter(|_| site.is_host()));
        let place = match place {
            Some(path) => path,
            None if site.is_host() => store::usual().map_err(|why| console.fail(&why))?,
            None => {
                let why = "say which baseline is that of this target: --baseline FILE";
                return Err(console.fail(why));
            }
        };
        Ok((place, key, config))
    }
}

/// Runs the command; the number is its exit code.
pub fn run(args: Args, console: Console) -> u8 {
    let limit = args.timeout.map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
    let Some(limit) = limit else { return args.run(&console, None).code() };
    if !supervise::is_worker()
        && let Some(code) = supervise::watch(Some(limit), &console)
    {
        return code;
    }
    let deadline = Instant::now() + limit;
    supervise::work(Some(limit), console, move |console| args.run(console, Some(deadline)).code())
}

impl Args {
    fn run(&self, console: &Console, deadline: Option<Instant>) -> Exit {
        match self.drift(console, deadline) {
            Ok(exit) | Err(exit) => exit,
        }
    }

    fn drift(&self, console: &Console, deadline: Option<Instant>) -> Result<Exit, Exit> {
        let fail = |why: String| console.fail(&why);
        let (target, root) = self.site.open().map_err(fail)?;
        let site = Site { target: &*target, root, deadline };
        let mut notes = Vec::new();
        if !target.host().privilege.full {
            notes.push("not run as root: what others may not read could not be seen".to_owned());
        }
        let time = collect::now().seconds;
        let drift = match self.against.as_deref() {
            Some("packages") => self.packages(&site, console)?,
            Some(what) => self.other(what, &site, console, &mut notes)?,
            None => self.baseline(&site, console, &mut notes)?,
        };
        let report = DriftReport { host: target.host(), time, drift: &drift, notes };
        let exit = exit(&drift);
        if self.quiet && exit == Exit::Holds {
            return Ok(exit);
        }
        let style = Style { colour: console.out_colour, verbose: self.all, width: console.width };
        let text = match self.format {
            Format::Human => human::render(&report, style),
            Format::Json => json::render(&report),
        };
        Ok(console.print(&text, exit))
    }

    fn reading(&self, state: &State, every: u64) -> Reading {
        match (self.full, self.metadata) {
            (true, _) => Reading::Everything,
            (_, true) => Reading::Nothing,
            _ => Reading::Moved { slot: state.runs, of: every },
        }
    }

    /// Since the baseline of the target.
    fn baseline(
        &self,
        site: &Site,
        console: &Console,
        notes: &mut Vec<String>,
    ) -> Result<Drift, Exit> {
        let (place, key, config) = self.place.resolve(&self.site, console)?;
        let loaded = load_or_say(&place, key.as_ref(), console)?;
        if loaded.history.is_none() {
            notes.push("the baseline has no history: nobody can tell who made it".to_owned());
        }
        if self.metadata || loaded.baseline.head.effort.read == 0 {
            notes.push(
                "contents were not read; what was only written to is told by its size and times"
                    .to_owned(),
            );
        }
        notes.extend(self.left_out(site, &loaded.baseline.head.scope));
        let mut state = State::load(&place);
        let every = config.drift.every.unwrap_or(EVERY);
        let portable = loaded.baseline.head.live != self.site.is_host()
            || site.root.is_none()
            || loaded.baseline.head.algorithm == Algorithm::Sha256 && !loaded.baseline.head.walked;
        let reading = self.reading(&state, every);
        let outcome = since(&loaded.baseline, loaded.against, site, reading, portable)
            .map_err(|why| console.fail(&why.to_string()))?;
        let expired = loaded
            .baseline
            .head
            .acceptances
            .iter()
            .filter(|one| one.expires <= outcome.looked.seconds);
        let expired = expired.count();
        if expired > 0 {
            notes.push(format!("{expired} acceptances have expired and count no longer"));
        }
        if let Some(covers) = outcome.drift.covers.as_ref().filter(|c| !c.mounts.is_empty()) {
            let first: Vec<&str> = covers.mounts.iter().take(5).map(String::as_str).collect();
            let more = covers.mounts.len() - first.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            notes.push(format!("other filesystems were not entered: {}{more}", first.join(", ")));
        }
        state.note(&outcome.drift);
        if !state.save(&place) {
            notes.push(
                "what this report says could not be remembered beside the baseline; nothing of it \
                 can be accepted"
                    .to_owned(),
            );
        }
        Ok(outcome.drift)
    }

    /// What is not compared of an image or root filesystem, of which everything is meant.
    fn left_out(&self, site: &Site, scope: &Scope) -> Option<String> {
        match self.site.is_host() {
            true => None,
            false => left_out::words(site.target, scope),
        }
    }

    /// Against an image, a root filesystem or another baseline.
    fn other(
        &self,
        what: &str,
        site: &Site,
        console: &Console,
        notes: &mut Vec<String>,
    ) -> Result<Drift, Exit> {
        let path = Path::new(what);
        let fail = |why: String| console.fail(&why);
        if is_baseline(path) {
            let (_, key, _) = self.place.resolve(&SiteArgs { root: None, image: None }, console)?;
            let loaded = load_or_say(path, key.as_ref(), console)?;
            let reading = self.reading(&State::default(), 0);
            notes.extend(self.left_out(site, &loaded.baseline.head.scope));
            return since(&loaded.baseline, loaded.against, site, reading, true)
                .map(|outcome| outcome.drift)
                .map_err(|why| console.fail(&why.to_string()));
        }
        let is_layout = path.join("oci-layout").exists() || path.join("manifest.json").exists();
        let (target, root) = match path.is_dir() && !is_layout {
            true => open_root(path),
            false => open_image(path),
        }
        .map_err(fail)?;
        let other = Site { target: &*target, root, deadline: site.deadline };
        let algorithm = if site.root.is_some() && other.root.is_some() {
            Algorithm::Blake3
        } else {
            Algorithm::Sha256
        };
        let reading = if self.metadata { Reading::Nothing } else { Reading::Everything };
        // Of a host what comes with it is compared; of what does not run, all.
        let scope = match (&self.policy, self.site.is_host()) {
            (Some(policy), _) => scope_of(Some(policy), console)?,
            (None, true) => Scope::usual(),
            (None, false) => Scope::whole(),
        };
        notes.extend(self.left_out(site, &scope));
        let baseline =
            look(&other, false, scope, reading, algorithm).map_err(|why| console.fail(&why))?;
        let against =
            Against { name: what.to_owned(), taken: None, by: None, digest: None, signature: None };
        since(&baseline, against, site, reading, true)
            .map(|outcome| outcome.drift)
            .map_err(|why| console.fail(&why.to_string()))
    }

    /// Against what the package databases say.
    fn packages(&self, site: &Site, console: &Console) -> Result<Drift, Exit> {
        let place = self.site.is_host().then(store::usual).and_then(Result::ok);
        let cache = place.map(|place| place.with_file_name("packages.cache"));
        let cache = cache.filter(|_| nix::unistd::geteuid().is_root());
        truth::verify(site, cache.as_deref(), self.full).map_err(|why| {
            let exit = console.fail(&why.to_string());
            // There is a database, and nobody knows what it says.
            if why.what == "packages" { exit } else { Exit::Undecided }
        })
    }
}

/// Whether a file begins like a baseline.
fn is_baseline(path: &Path) -> bool {
    use std::io::Read;
    let mut first = [0; 8];
    let regular = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
    regular
        && std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first)).is_ok()
        && &first == crate::drift::baseline::MAGIC
}

/// Reads a baseline, or says why not: one that cannot be trusted leaves drift undecided.
pub fn load_or_say(
    place: &Path,
    key: Option<&Key>,
    console: &Console,
) -> Result<store::Loaded, Exit> {
    store::load(place, key).map_err(|failure| {
        let exit = console.fail(&failure.to_string());
        if failure.is_undecided() { Exit::Undecided } else { exit }
    })
}

/// Looks at everything.
pub fn look(
    site: &Site,
    live: bool,
    scope: Scope,
    reading: Reading,
    algorithm: Algorithm,
) -> Result<Baseline, String> {
    let taken = collect::now();
    let all = site.everything(&scope, reading, algorithm).map_err(|why| why.to_string())?;
    Ok(Baseline {
        head: Head {
            taken,
            checked: taken,
            by: actor(),
            target: site.target.host().name.clone(),
            live,
            walked: site.root.is_some(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            scope,
            algorithm,
            packages: all.packages,
            manifests: all.manifests,
            gaps: all.gaps,
            effort: all.effort,
            acceptances: Vec::new(),
        },
        tree: all.tree,
        objects: all.objects,
    })
}
