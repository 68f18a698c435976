//! Conditions of `image:` about secrets: in the environment, labels, history and files.
//!
//! Each place is a subject of its own (`env NAME`, `label NAME`, `history step 3`, `file /path`), so that
//! a waiver accepts one of them and not the next that comes. No value is shown.

use super::ImageView;
use crate::facts::image::SecretFile;
use crate::facts::{Cause, Unknown};
use crate::formats::packages;
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::text::secrets::{files, of_variable};
use crate::verdict::{Assertion, Evidence, Subject};
use std::collections::HashSet;

/// The conditions that are told place by place.
pub const EACH: [&str; 4] =
    ["secrets_in_env", "secrets_in_labels", "secrets_in_history", "secrets_in_files"];

/// One place with a secret.
struct Place {
    /// What a waiver calls it.
    subject: String,
    /// Why it is a secret.
    why: String,
    seen: Option<Evidence>,
    repair: &'static str,
}

const REVOKE_ENV: &str =
    "give secrets when the container is started (a mounted file), and revoke these";
const REVOKE: &str = "use a build secret (RUN --mount=type=secret), and revoke what was published";

fn of_env(view: &ImageView) -> Vec<Place> {
    let place = |(name, value): &(String, String)| {
        let why = of_variable(name, value)?.to_owned();
        let subject = format!("env {name}");
        Some(Place { subject, why, seen: view.step("ENV"), repair: REVOKE_ENV })
    };
    view.config.env.iter().filter_map(place).collect()
}

fn of_labels(view: &ImageView) -> Vec<Place> {
    let place = |(name, value): &(String, String)| {
        let why = of_variable(name, value)?.to_owned();
        let subject = format!("label {name}");
        Some(Place { subject, why, seen: view.step("LABEL"), repair: REVOKE })
    };
    view.config.labels.iter().filter_map(place).collect()
}

fn of_history(view: &ImageView) -> Vec<Place> {
    let place = |(index, step): (usize, &crate::facts::image::Step)| {
        let why = files::of_step(&step.created_by)?;
        let subject = format!("history step {}", index + 1);
        let seen = Some(view.step_at(index));
        Some(Place { subject, why, seen, repair: REVOKE })
    };
    view.config.history.iter().enumerate().filter_map(place).collect()
}

fn of_files(found: &[SecretFile], target: &dyn Target) -> Vec<Place> {
    // What a package has in every copy of it is nobody's secret.
    let paths: HashSet<&[u8]> = found.iter().map(|one| one.path.as_bytes()).collect();
    let with_usr =
        |path: &[u8]| path.strip_prefix(b"/usr").is_some_and(|rest| paths.contains(rest));
    let packages = match found.is_empty() {
        true => Default::default(),
        false => {
            let wanted = |path: &[u8]| paths.contains(path) || with_usr(path);
            packages::files::read(target, Some(&wanted))
        }
    };
    let place = |one: &SecretFile| {
        let how = match one.hidden {
            true => "; a later layer takes it away, which only hides it",
            false => "",
        };
        Place {
            subject: format!("file {}", one.path),
            why: format!("{}{how}", one.what),
            seen: Some(Evidence::layer(&one.layer)),
            repair: REVOKE,
        }
    };
    let own = |one: &&SecretFile| packages.claims(one.path.as_bytes()).is_empty();
    found.iter().filter(own).map(place).collect()
}

/// The environment.
pub fn in_env(view: &ImageView, _: &dyn Target) -> Assertion {
    whole(view, "secrets_in_env", "no secrets in environment variables", &of_env(view))
}

/// Labels.
pub fn in_labels(view: &ImageView, _: &dyn Target) -> Assertion {
    whole(view, "secrets_in_labels", "no secrets in labels", &of_labels(view))
}

/// The history.
pub fn in_history(view: &ImageView, target: &dyn Target) -> Assertion {
    let found = of_history(view);
    let assertion = whole(view, "secrets_in_history", "no secrets in the history", &found);
    let mut steps = view.config.history.iter();
    match steps.find_map(|step| left_out(target, "history", &step.created_by)) {
        Some(why) if found.is_empty() => assertion.unknown(why),
        _ => assertion,
    }
}

/// Files.
pub fn in_files(view: &ImageView, target: &dyn Target) -> Assertion {
    const EXPECTED: &str = "no private key, token or credentials in any layer";
    let Some(found) = &view.image.secret_files else {
        let why = "nobody looked for them when this was read".to_owned();
        let why = Unknown::new("files with secrets", Cause::Unsupported(why));
        return view.about("secrets_in_files", "").expected(EXPECTED).unknown(why);
    };
    whole(view, "secrets_in_files", EXPECTED, &of_files(found, target))
}

fn whole(view: &ImageView, condition: &str, expected: &str, found: &[Place]) -> Assertion {
    let words: Vec<String> =
        found.iter().map(|place| format!("{} ({})", place.subject, place.why)).collect();
    let observed = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    view.about(condition, observed.clone())
        .seen(found.iter().find_map(|place| place.seen.clone()))
        .expected(expected)
        .observed(observed)
        .decide(Ok(found.is_empty()))
        .repair(found.first().map_or(REVOKE, |place| place.repair))
}

/// The same place by place.
pub fn each(view: &ImageView, condition: &str, target: &dyn Target) -> Vec<Assertion> {
    let found = match condition {
        "secrets_in_env" => of_env(view),
        "secrets_in_labels" => of_labels(view),
        "secrets_in_history" => of_history(view),
        "secrets_in_files" => of_files(view.image.secret_files.as_deref().unwrap_or(&[]), target),
        _ => return Vec::new(),
    };
    let one = |place: Place| {
        Assertion::of(&Subject::new("image", &place.subject), condition)
            .seen(place.seen)
            .expected("no secret")
            .observed(place.why)
            .fail()
            .repair(place.repair)
    };
    found.into_iter().map(one).collect()
}
