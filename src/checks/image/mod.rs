#![doc = include_str!("page.md")]

pub mod conditions;

use crate::checks::image::conditions::CONDITIONS;
use crate::declared::entrypoint::PLACE;
use crate::declared::user::{self, Resolved};
use crate::facts::image::{Image, ImageConfig};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::rules::combine::Demand;
use crate::rules::compile::one_of;
use crate::rules::condition::{infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Sighting, Subject};
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
}

impl ImageView {
    /// Begins an assertion whose evidence is a part of the configuration.
    pub fn about(&self, condition: &str, part: impl Into<String>) -> Assertion {
        let line = Sighting::line(Path::new(PLACE), 0, part);
        Assertion::of(&self.subject, condition).seen([line])
    }

    /// The last step of the history that begins with a word such as `USER`, as evidence.
    pub fn step(&self, word: &str) -> Option<Sighting> {
        let mut number = 0;
        let mut found = None;
        for step in &self.config.history {
            number += usize::from(!step.empty_layer);
            // Builders write `USER app`, `/bin/sh -c #(nop)  USER app`.
            let text = step.created_by.rsplit("#(nop)").next().unwrap_or_default().trim_start();
            if text.starts_with(word) {
                let layer = self.image.layers.get(number.wrapping_sub(1));
                let layer = layer.filter(|_| !step.empty_layer);
                found = Some(Sighting::Layer {
                    layer: layer.map(|layer| layer.number),
                    digest: layer.map(|layer| layer.digest.clone()),
                    created_by: Some(step.created_by.clone()),
                });
            }
        }
        found
    }
}

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
        let user = user::resolve(&config.user, target);
        let view = ImageView { subject, image, config, user };
        let mut assertions: Vec<Assertion> =
            self.tests.iter().map(|demand| demand.judge(&view, target)).collect();
        if let Ok(Err(why)) = &view.user {
            let part = format!("User: {}", view.config.user);
            assertions.push(
                view.about("starts", part)
                    .seen(view.step("USER"))
                    .expected("the container starts")
                    .observed(format!("it does not: {why}"))
                    .fail(),
            );
        }
        assertions
    }
}
