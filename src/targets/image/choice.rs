//! Which image of an archive is meant. Nothing is guessed.

use crate::targets::image::manifest::Candidate;
use std::collections::BTreeSet;

/// Which image of an archive is meant.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Its platform: `linux/arm64`, or with the variant `linux/arm64/v8`.
    pub platform: Option<String>,
    /// One of its names.
    pub reference: Option<String>,
    /// Every platform.
    pub all: bool,
}

impl Choice {
    /// The image that is meant, or with `all` those that are.
    ///
    /// # Errors
    /// In words with what there is, where none or more than one is meant: nothing is guessed.
    pub fn of(&self, candidates: Vec<Candidate>) -> Result<Vec<Candidate>, String> {
        let listed: Vec<String> = candidates.iter().map(Candidate::show).collect();
        let listed = format!("the archive holds {}", listed.join("; "));
        let fits = |candidate: &Candidate| {
            self.platform.as_ref().is_none_or(|wanted| candidate.is_for(wanted))
                && self.reference.as_ref().is_none_or(|wanted| candidate.is_called(wanted))
        };
        let chosen: Vec<Candidate> = candidates.into_iter().filter(fits).collect();
        match chosen.as_slice() {
            [] => Err(format!("no image of that platform or name; {listed}")),
            [_] => Ok(chosen),
            several if self.all => {
                let names: BTreeSet<&Vec<String>> = several.iter().map(|c| &c.references).collect();
                if names.len() > 1 {
                    return Err(format!("choose one image with --ref; {listed}"));
                }
                Ok(chosen)
            }
            _ => {
                Err(format!("choose an image with --platform, --ref or --all-platforms; {listed}"))
            }
        }
    }
}

impl Candidate {
    /// In words: `shop/app:1 (linux/amd64)`.
    pub fn show(&self) -> String {
        let name = match self.references.as_slice() {
            [] => "an image without a name".to_owned(),
            names => names.join(", "),
        };
        match self.platform.as_str() {
            "" => name,
            platform => format!("{name} ({platform})"),
        }
    }

    fn is_for(&self, wanted: &str) -> bool {
        self.platform == wanted
            || self.platform.strip_prefix(wanted).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether this is one of its names, a short one as Docker understands it.
    pub(super) fn is_called(&self, wanted: &str) -> bool {
        self.references.iter().any(|name| full(name) == full(wanted))
    }
}

/// A name in full, as Docker understands short ones: `docker.io/library/nginx:latest`.
fn full(name: &str) -> String {
    let rest = name.strip_prefix("docker.io/").unwrap_or(name);
    let rest = rest.strip_prefix("library/").unwrap_or(rest);
    let tagged = rest.rsplit('/').next().is_some_and(|last| last.contains([':', '@']));
    if tagged { rest.to_owned() } else { format!("{rest}:latest") }
}
