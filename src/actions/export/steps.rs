//! Which corrective steps a machine may take, and in which order.
//!
//! Steps of a policy are written for people: some are commands, some are sentences. What a script
//! executes has to be a command beyond doubt: one line, of a program that repairs, used as it is used
//! for that. Everything else stays a task by hand, and is said to be one.

use super::command::{Command, Seen};
use crate::actions::export::whole::Whole;
use crate::actions::items::item::Item;
use crate::text::step::{Token, command, tokens};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A corrective step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A shell command.
    Command(Command),
    /// A sentence, or a command that only a person may give, and why.
    ByHand(String, &'static str),
}

/// The work on one rule: all its items, and their steps, each once.
pub struct Work<'a> {
    /// Items, in the order of their numbers.
    pub items: Vec<&'a Item>,
    /// The command that verifies the rule.
    pub verify: &'a str,
    /// Steps.
    pub steps: Vec<Step>,
    /// Where its items were seen violated.
    pub hosts: BTreeSet<&'a str>,
}

impl Work<'_> {
    /// What it is about, in one line: `nginx-conf-owned (SC-3, SC-4)`.
    pub fn name(&self) -> String {
        let ids: Vec<String> = self.items.iter().map(|item| item.id.to_string()).collect();
        let rule = self.items.first().map(|item| item.key.rule.as_str()).unwrap_or_default();
        format!("{rule} ({})", ids.join(", "))
    }
}

/// The work that is to be done: of live items whose violation nobody has accepted, rule by rule, in
/// the order in which it can succeed. A service starts once its files are right and its port is free.
///
/// A step belongs to the target that it was found on. With `root` only what was seen below that
/// directory is worked on; without, what was seen below one or in an image is a task by hand.
pub fn work<'a>(items: &'a [Whole], now: i64, root: Option<&Path>) -> Vec<Work<'a>> {
    let mut all: Vec<Work> = Vec::new();
    let seen = Seen::of(items);
    for whole in items {
        let item = &whole.item;
        let waived = item.waived_until.is_some_and(|until| until > now);
        let place = place(&item.texts.command);
        let is_asked = root.is_none_or(|root| place == Place::Root(absolute(root)));
        if !item.state.is_live() || waived || !is_asked {
            continue;
        }
        let present = whole.occurrences.iter();
        let present = present.filter(|one| one.presence == crate::actions::Presence::Present);
        let hosts = present.map(|one| one.host.as_str());
        let steps = item.texts.corrective.iter().map(|text| match (&place, step(text, &seen)) {
            (Place::Here, step) => step,
            (Place::Root(place), Step::Command(command)) if root.is_some() => command.below(place),
            (Place::Root(_), _) => Step::ByHand(
                text.clone(),
                "it was seen in a root directory, not here (--for-root DIR)",
            ),
            (Place::Image, _) => Step::ByHand(
                text.clone(),
                "it was seen in an image, not here: change what makes the image",
            ),
        });
        let is_same = |work: &&mut Work| work.verify == item.texts.command;
        match all.iter_mut().find(is_same) {
            Some(work) => {
                work.items.push(item);
                work.hosts.extend(hosts);
                for step in steps {
                    if !work.steps.contains(&step) {
                        work.steps.push(step);
                    }
                }
            }
            None => all.push(Work {
                items: vec![item],
                verify: &item.texts.command,
                steps: steps.collect(),
                hosts: hosts.collect(),
            }),
        }
    }
    for work in &mut all {
        work.items.sort_by_key(|item| item.id);
    }
    all.sort_by_key(|work| work.items.first().map(|item| (turn(item), item.id)));
    all
}

/// Where an item was seen.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    /// On the host that the ledger says.
    Here,
    /// Below a directory.
    Root(PathBuf),
    /// In an image.
    Image,
}

/// Where what verifies an item looks.
fn place(verify: &str) -> Place {
    let tokens = tokens(verify);
    let word = |at: usize| match tokens.get(at) {
        Some(Token::Word(word)) => Some(word.as_str()),
        _ => None,
    };
    let option = |name: &str| (0..tokens.len()).find(|at| word(*at) == Some(name));
    // A policy of such a name is taken for one too: a step by hand too many does no harm.
    if option("--image").is_some() {
        return Place::Image;
    }
    match option("--root") {
        Some(at) => Place::Root(absolute(Path::new(word(at + 1).unwrap_or("?")))),
        None => Place::Here,
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).components().collect()
}

/// What has to be right before what: what comes first has the lower number.
pub fn turn(item: &Item) -> u8 {
    match item.key.thing.kind.as_str() {
        "package" => 0,
        "user" | "group" | "accounts" => 1,
        "port" | "listeners" => 3,
        "unit" => 4,
        "service" | "process" => 5,
        _ => 2,
    }
}

/// What a step of a policy or of a check is.
fn step(words: &str, seen: &Seen) -> Step {
    let words = words.trim();
    match command(words) {
        Ok(()) => Step::Command(Command::new(words, seen)),
        Err(why) => Step::ByHand(words.to_owned(), why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_an_item_was_seen_is_what_its_verification_looks_at() {
        assert_eq!(place("spotcheck check p.yaml --rule x"), Place::Here);
        let root = "spotcheck check p.yaml --rule x --root '/srv/a b/'";
        assert_eq!(place(root), Place::Root("/srv/a b".into()));
        assert_eq!(place("spotcheck check --rule x --image a.tar"), Place::Image);
    }
}
