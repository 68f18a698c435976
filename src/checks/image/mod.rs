#![doc = include_str!("page.md")]

pub mod conditions;
mod named;
pub mod secrets;
mod starts;
mod user;

use crate::checks::image::conditions::CONDITIONS;
use crate::declared::entrypoint::PLACE;
use crate::declared::rights;
use crate::declared::user::Resolved;
use crate::facts::image::{Image, ImageConfig, Step};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::host::Wants;
use crate::policy::Diagnostics;
use crate::rules::combine::Demand;
use crate::rules::compile::one_of;
use crate::rules::condition::{infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::text::secrets::shown;
use crate::verdict::{Assertion, Evidence, Outcome, Subject};
use secrets::Place;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

/// `image:`
pub static IMAGE: SubjectKind = SubjectKind {
    key: "image",
    value: "config",
    options: &[],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// An image, as conditions see it.
pub struct ImageView {
    /// For assertions.
    pub subject: Subject,
    /// The image.
    pub image: Image,
    /// Its configuration.
    pub config: ImageConfig,
    /// As whom it runs, or why it does not start.
    pub user: Fact<Result<Resolved, String>>,
    /// That the program which starts is root by its own bits, in words.
    pub becomes_root: Fact<Option<String>>,
    /// What conditions about secrets have found, for a finding of each place.
    pub places: RefCell<BTreeMap<&'static str, Vec<Place>>>,
}

impl ImageView {
    /// Begins an assertion whose evidence is a part of the configuration.
    pub fn about(&self, condition: &str, part: impl Into<String>) -> Assertion {
        let line = Evidence::line(Path::new(PLACE), 0, part);
        Assertion::of(&self.subject, condition).seen([line])
    }

    /// The last step of the history that begins with a word such as `USER`, as evidence.
    pub fn step(&self, word: &str) -> Option<Evidence> {
        // Builders write `USER app`, `/bin/sh -c #(nop)  USER app`.
        let begins = |step: &Step| {
            let text = step.created_by.rsplit("#(nop)").next().unwrap_or_default().trim_start();
            text.starts_with(word)
        };
        let at = self.config.history.iter().rposition(begins)?;
        Some(self.step_at(at))
    }

    /// A step of the history, counted from 0, as evidence; what looks like a secret is left out.
    pub fn step_at(&self, at: usize) -> Evidence {
        let steps = self.config.history.get(..=at).unwrap_or_default();
        let number = steps.iter().filter(|step| !step.empty_layer).count();
        let step = steps.last();
        let made = step.is_some_and(|step| !step.empty_layer);
        let layer = self.image.layers.get(number.wrapping_sub(1)).filter(|_| made);
        Evidence::Layer {
            layer: layer.map(|layer| layer.number),
            digest: layer.map(|layer| layer.digest.clone()),
            created_by: step.map(|step| shown(&step.created_by)),
        }
    }
}

/// Conditions whose answer depends on the program that starts.
const ABOUT_START: [&str; 6] =
    ["never_root", "user", "numeric_user", "entrypoint", "cmd", "starts"];

struct ImageCheck {
    tests: Vec<Demand<ImageView>>,
}

fn compile(scope: &Scope, input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    problems.ok(one_of(&input.subject, &["config"]));
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(ImageCheck { tests }))
}

impl Check for ImageCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("image", "config");
        let absent = |why: &str| vec![Assertion::of(&subject, "config").skipped(why)];
        let Some(image) = target.image().cloned() else {
            return absent("the target is no container image");
        };
        let Some(config) = image.config.clone() else {
            let why = "an archive of a container's files has no configuration".to_owned();
            let unknown = Unknown::new("the image's configuration", Cause::Unsupported(why));
            return vec![Assertion::of(&subject, "config").unknown(unknown)];
        };
        let user = crate::declared::user::resolve(&config.user, target);
        // Only a rule about who runs asks for the program that starts.
        let about_start = self.tests.iter().any(|demand| demand.asks(&ABOUT_START));
        let becomes_root = if about_start { rights::becomes_root(target) } else { Ok(None) };
        let places = RefCell::default();
        let view = ImageView { subject, image, config, user, becomes_root, places };
        let mut assertions = Vec::new();
        for demand in &self.tests {
            let whole = demand.judge(&view, target);
            // Each place is a finding of its own, so that a waiver accepts one and not the next.
            let told = whole.outcome == Outcome::Fail && secrets::EACH.contains(&demand.name());
            match told {
                true => assertions.extend(secrets::each(&view, demand.name())),
                false => assertions.push(whole),
            }
        }
        // That it does not start is told whatever about the start was asked.
        if !self.tests.iter().any(|demand| demand.name() == "starts") {
            let told = starts::judge(&view, about_start, target);
            assertions.extend(told.filter(|told| told.outcome != Outcome::Pass));
        }
        assertions
    }

    fn wants(&self, wants: &mut Wants) {
        if self.tests.iter().any(|demand| demand.asks(&["secrets_in_files"])) {
            wants.secrets();
        }
        if self.tests.iter().any(|demand| demand.asks(&["starts"])) {
            wants.programs();
        }
    }
}
