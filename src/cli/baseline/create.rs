//! `spotcheck baseline create`: take the state of a target for good.

use crate::cli::console::Console;
use crate::cli::drift::{PlaceArgs, look};
use crate::cli::load::report;
use crate::cli::site::SiteArgs;
use crate::drift::collect::Site;
use crate::drift::report::human::size;
use crate::drift::store::change::Change;
use crate::drift::store::history::Entry;
use crate::drift::store::short;
use crate::facts::file::FileKind;
use crate::facts::scope::Scope;
use crate::facts::snapshot::Algorithm;
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::library::HOST;
use crate::policy::load::load;
use crate::policy::vars::Vars;
use crate::targets::survey::Reading;
use crate::text;
use crate::text::duration;
use crate::text::time::rfc3339;
use crate::verdict::Exit;
use clap::ValueEnum;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub(super) struct Create {
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
    /// End after this time (30s, 5m); of what was not looked at by then nothing will be known
    #[arg(long, value_name = "TIME", value_parser = duration::parse)]
    timeout: Option<i64>,
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

impl Create {
    pub(super) fn run(&self, console: &Console) -> Result<Exit, Exit> {
        let fail = |why: String| console.fail(&why);
        let (place, _, _) = self.place.resolve(&self.site, console)?;
        let change = Change::begin(&place).map_err(|why| console.fail(&why.to_string()))?;
        let there = place.symlink_metadata().is_ok();
        if there && !self.replace {
            return Err(console.fail(&format!(
                "{}: there is a baseline already; `baseline accept` takes single changes into it, \
                 --replace --reason TEXT forgets all that has changed",
                text::path(&place)
            )));
        }
        let scope = match (&self.policy, &self.site.image) {
            // An image has nothing that is there for a while, or another's.
            (None, Some(_)) => Scope::whole(),
            (policy, _) => scope_of(policy.as_deref(), console)?,
        };
        let (target, root) = self.site.open().map_err(fail)?;
        let limit = self.timeout.map(|seconds| Duration::from_secs(seconds.unsigned_abs()));
        let deadline = limit.map(|limit| Instant::now() + limit);
        let site = Site { target: &*target, root, deadline };
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
        let head = &baseline.head;
        let entry = Entry {
            time: rfc3339(head.taken.seconds),
            event: "create".to_owned(),
            by: head.by.clone(),
            reason: self.reason.clone(),
            ..Entry::default()
        };
        let (digest, bytes) =
            change.finish(&baseline, entry).map_err(|why| console.fail(&why.to_string()))?;
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
            .objects
            .unseen
            .iter()
            .map(|(_, why)| why.to_string())
            .chain(head.gaps.first.iter().map(ToString::to_string))
            .collect();
        let count = head.gaps.count + baseline.objects.unseen.len() as u64;
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
pub fn scope_of(policy: Option<&Path>, console: &Console) -> Result<Scope, Exit> {
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
