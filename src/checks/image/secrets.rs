//! Conditions of `image:` about secrets: in the environment, labels, history and files.
//!
//! Each place is a subject of its own (`env NAME`, `label NAME`, `history step 3`, `file /path`), so that
//! a waiver accepts one of them and not the next that comes. No value is shown.

use super::ImageView;
use crate::facts::image::{SecretFile, Step};
use crate::facts::package_file::{Claim, PackageFiles, Role};
use crate::facts::{Cause, Unknown};
use crate::formats::packages;
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::policy::Diagnostics;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::each_of_some;
use crate::policy::node::Node;
use crate::rules::condition::Test;
use crate::text::secrets::{files, of_variable};
use crate::verdict::{Assertion, Evidence, Subject};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::HashSet;

/// The conditions that are told place by place.
pub const EACH: [&str; 4] =
    ["secrets_in_env", "secrets_in_labels", "secrets_in_history", "secrets_in_files"];

/// One place with a secret.
pub struct Place {
    /// What a waiver calls it.
    subject: String,
    /// Why it is a secret.
    why: String,
    seen: Option<Evidence>,
    repair: &'static str,
    /// Why it may be none, where that cannot be told.
    undecided: Option<Unknown>,
}

/// Names that are no secrets, whatever they look like.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    patterns: GlobSet,
    shown: Vec<String>,
}

impl Allowed {
    fn has(&self, name: &str) -> bool {
        self.patterns.is_match(name)
    }

    fn show(&self, expected: &str) -> String {
        match self.shown.is_empty() {
            true => expected.to_owned(),
            false => format!("{expected}, {} aside", self.shown.join(", ")),
        }
    }
}

const REVOKE_ENV: &str =
    "give secrets when the container is started (a mounted file), and revoke these";
const REVOKE: &str = "use a build secret (RUN --mount=type=secret), and revoke what was published";
const FILES: &str = "no private key, token or credentials in any layer";

/// What a condition finds, and what it could not see.
type Find = fn(&ImageView, &dyn Target, &Allowed) -> (Vec<Place>, Option<Unknown>);

/// `false`, or `{ allow: [NAME, 'PUBLIC_*'] }`.
pub fn read(
    name: &'static str,
    node: &Node,
    problems: &mut Diagnostics,
) -> Option<Test<ImageView>> {
    let (find, expected): (Find, &str) = match name {
        "secrets_in_env" => (of_env, "no secrets in environment variables"),
        "secrets_in_labels" => (of_labels, "no secrets in labels"),
        "secrets_in_history" => (of_history, "no secrets in the history"),
        _ => (of_files, FILES),
    };
    let allowed = allowed(node, problems)?;
    let expected = allowed.show(expected);
    Some(Box::new(move |view, target| {
        let (found, unseen) = find(view, target, &allowed);
        whole(view, name, &expected, found, unseen)
    }))
}

fn allowed(node: &Node, problems: &mut Diagnostics) -> Option<Allowed> {
    if node.as_boolean() == Some(false) {
        return Some(Allowed::default());
    }
    let wanted = "false, or { allow: [NAME, ...] }";
    if node.as_boolean().is_some() {
        problems.push(node.expected(wanted));
        return None;
    }
    let mut fields = problems.ok(node.fields(wanted))?;
    let list = fields.take("allow");
    fields.finish(&["allow"], problems);
    let Some(list) = list else {
        problems.push(node.expected(wanted));
        return None;
    };
    let shown: Vec<String> =
        each_of_some(&list, problems, |node| Ok(node.text("a name")?.to_owned()));
    let mut patterns = GlobSetBuilder::new();
    for text in &shown {
        match GlobBuilder::new(text).literal_separator(true).build() {
            Ok(glob) => {
                patterns.add(glob);
            }
            Err(error) => problems.push(Diagnostic::at(&list.span, error.to_string())),
        }
    }
    let patterns = match patterns.build() {
        Ok(patterns) => patterns,
        Err(error) => {
            problems.push(Diagnostic::at(&list.span, error.to_string()));
            return None;
        }
    };
    (!shown.is_empty()).then_some(Allowed { patterns, shown })
}

/// Pairs of names and values that look like secrets.
fn of_pairs(
    pairs: &[(String, String)],
    allowed: &Allowed,
    (word, kind, repair): (&str, &str, &'static str),
    view: &ImageView,
) -> Vec<Place> {
    let place = |(name, value): &(String, String)| {
        let why = of_variable(name, value).filter(|_| !allowed.has(name))?.to_owned();
        let (subject, seen) = (format!("{kind} {name}"), view.step(word));
        Some(Place { subject, why, seen, repair, undecided: None })
    };
    pairs.iter().filter_map(place).collect()
}

fn of_env(view: &ImageView, _: &dyn Target, allowed: &Allowed) -> (Vec<Place>, Option<Unknown>) {
    (of_pairs(&view.config.env, allowed, ("ENV", "env", REVOKE_ENV), view), None)
}

fn of_labels(view: &ImageView, _: &dyn Target, allowed: &Allowed) -> (Vec<Place>, Option<Unknown>) {
    (of_pairs(&view.config.labels, allowed, ("LABEL", "label", REVOKE), view), None)
}

fn of_history(
    view: &ImageView,
    target: &dyn Target,
    allowed: &Allowed,
) -> (Vec<Place>, Option<Unknown>) {
    let place = |(index, step): (usize, &Step)| {
        let why = files::of_step(&without(&step.created_by, allowed))?;
        let subject = format!("history step {}", index + 1);
        let seen = Some(view.step_at(index));
        Some(Place { subject, why, seen, repair: REVOKE, undecided: None })
    };
    let found = view.config.history.iter().enumerate().filter_map(place).collect();
    let mut steps = view.config.history.iter();
    (found, steps.find_map(|step| left_out(target, "history", &step.created_by)))
}

/// A line of the history without what is given to names that are allowed.
fn without(line: &str, allowed: &Allowed) -> String {
    let is_allowed = |word: &&str| {
        let name = word.split_once('=').map(|(name, _)| name.trim_start_matches(['-', '"', '\'']));
        name.is_some_and(|name| allowed.has(name))
    };
    line.split(' ').filter(|word| !is_allowed(word)).collect::<Vec<_>>().join(" ")
}

fn of_files(
    view: &ImageView,
    target: &dyn Target,
    allowed: &Allowed,
) -> (Vec<Place>, Option<Unknown>) {
    let Some(found) = &view.image.secret_files else {
        let why = "nobody looked for them when this was read".to_owned();
        return (Vec::new(), Some(Unknown::new("files with secrets", Cause::Unsupported(why))));
    };
    let paths: HashSet<&[u8]> = found.iter().map(|one| one.path.as_bytes()).collect();
    let with_usr =
        |path: &[u8]| path.strip_prefix(b"/usr").is_some_and(|rest| paths.contains(rest));
    let packages = match found.is_empty() {
        true => PackageFiles::default(),
        false => {
            let wanted = |path: &[u8]| paths.contains(path) || with_usr(path);
            packages::files::read(target, Some(&wanted))
        }
    };
    let place = |one: &SecretFile| {
        let undecided = match of_package(one, &packages) {
            Ok(true) => return None,
            Ok(false) => None,
            Err(why) => Some(why),
        };
        let how = match one.hidden {
            true => "; a later layer takes it away, which only hides it",
            false => "",
        };
        Some(Place {
            subject: format!("file {}", one.path),
            why: format!("{}{how}", one.what),
            seen: Some(Evidence::layer(&one.layer)),
            repair: REVOKE,
            undecided,
        })
    };
    let own = |one: &&SecretFile| !allowed.has(&one.path);
    (found.iter().filter(own).filter_map(place).collect(), None)
}

/// Whether a file is what a package has in every copy of it, and so nobody's secret. Its name alone
/// tells nothing: anybody may put a key where a package has a file.
///
/// # Errors
/// Where a package claims the path and nothing says what it has there.
fn of_package(one: &SecretFile, packages: &PackageFiles) -> Result<bool, Unknown> {
    // What a script of the package makes (`%ghost`, ucf) is another on every machine.
    let made = |claim: &&Claim| matches!(claim.role, Role::Ghost | Role::Ucf);
    let claims = packages.claims(one.path.as_bytes()).iter().filter(|claim| !made(claim));
    let mut undecided = None;
    for claim in claims {
        match claim.checksum {
            Some(sum) if one.sums.contains(&sum) => return Ok(true),
            Some(_) if !one.sums.is_empty() => {}
            _ => undecided = Some(claim),
        }
    }
    let Some(claim) = undecided else { return Ok(false) };
    let name = packages.owner(claim).map_or("a package", |owner| &owner.name);
    let why = format!("{name} has a file of this name, and no digest tells whether it is that one");
    Err(Unknown::new(one.path.clone(), Cause::Unsupported(why)))
}

fn whole(
    view: &ImageView,
    condition: &'static str,
    expected: &str,
    found: Vec<Place>,
    unseen: Option<Unknown>,
) -> Assertion {
    let words: Vec<String> =
        found.iter().map(|place| format!("{} ({})", place.subject, place.why)).collect();
    let observed = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let assertion = view
        .about(condition, observed.clone())
        .seen(found.iter().find_map(|place| place.seen.clone()))
        .expected(expected)
        .observed(observed)
        .repair(found.first().map_or(REVOKE, |place| place.repair));
    let certain = found.iter().any(|place| place.undecided.is_none());
    let unseen = unseen.or_else(|| found.iter().find_map(|place| place.undecided.clone()));
    view.places.borrow_mut().insert(condition, found);
    match unseen {
        Some(why) if !certain => assertion.unknown(why),
        _ => assertion.decide(Ok(!certain)),
    }
}

/// The same place by place, of a condition that was asked.
pub fn each(view: &ImageView, condition: &str) -> Vec<Assertion> {
    let found = view.places.borrow_mut().remove(condition).unwrap_or_default();
    let one = |place: Place| {
        let assertion = Assertion::of(&Subject::new("image", &place.subject), condition)
            .seen(place.seen)
            .expected("no secret")
            .observed(place.why);
        match place.undecided {
            Some(why) => assertion.unknown(why),
            None => assertion.fail().repair(place.repair),
        }
    };
    found.into_iter().map(one).collect()
}
