//! The answer to a question of `who-can`, as a tree for people and as JSON.

use crate::control::chain::{Chain, Node};
use crate::control::{Cause, Items, causes};
use crate::host::Target;
use crate::text::{self, printable};
use serde::Serialize;
use std::collections::BTreeSet;

/// The most affected files that the tree names for one cause.
const SHOWN: usize = 5;

/// Who could, through which components, and what could not be seen.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    /// What was asked: `write /etc/passwd`.
    question: String,
    /// Everybody beside uid 0, by name.
    who: BTreeSet<String>,
    /// The routes, one for each component.
    routes: Vec<Route>,
    /// Who could become somebody who could, and so on.
    through: Vec<Step>,
    /// How many files and directories decide it.
    looked_at: usize,
    /// What could not be seen: there may be more.
    unknown: Vec<String>,
    /// Commands that scripts put together when they run: not followed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_followed: Vec<String>,
}

/// A user through whom others get there.
#[derive(Debug, Serialize)]
struct Step {
    /// Login name.
    user: String,
    /// Whom these people become, one after the other: `bob`, `alice`, `root`.
    chain: Vec<String>,
    /// Those who could become this user.
    who: BTreeSet<String>,
    /// How.
    routes: Vec<Route>,
    /// Those through whom others become this user.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    through: Vec<Step>,
}

#[derive(Debug, Serialize)]
struct Route {
    /// Path of the directory or file.
    component: String,
    /// The same with its mode, owner and group.
    place: String,
    /// Who, and by which right.
    who: Vec<Grant>,
    /// What they could do.
    could: String,
    /// What that decides: path and reason.
    decides: Vec<(String, String)>,
    /// What would take it away from them.
    repair: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Grant {
    people: Vec<String>,
    right: String,
}

impl Answer {
    /// Looks for everybody but uid 0 and those of these names.
    pub(super) fn new(question: &str, items: &Items, but: &[String], target: &dyn Target) -> Self {
        let known = |person: &crate::access::Person| {
            person.uid == Some(0) || person.name.as_ref().is_some_and(|name| but.contains(name))
        };
        let found = causes(target, items, &known);
        let mut unknown: Vec<String> = found.gaps.iter().map(ToString::to_string).collect();
        unknown.sort();
        unknown.dedup();
        let everybody = found.causes.iter().flat_map(|cause| cause.people.values().flatten());
        Self {
            question: question.to_owned(),
            who: everybody.map(ToString::to_string).collect(),
            routes: found.causes.iter().map(|cause| Route::of(cause, target)).collect(),
            through: Vec::new(),
            looked_at: found.looked_at,
            unknown,
            not_followed: sorted(&found.unfollowed),
        }
    }

    /// The answer of a search for routes of several steps; those whom `but` names are left out as
    /// the ones who could, and not as those through whom others could.
    pub(super) fn of_chain(
        question: &str,
        chain: &Chain,
        but: &[String],
        target: &dyn Target,
    ) -> Self {
        let mut unknown: Vec<String> = chain.gaps.iter().map(ToString::to_string).collect();
        unknown.sort();
        unknown.dedup();
        let steps = Steps { chain, but, target };
        let routes = chain.nodes.first().map(|node| steps.routes(node)).unwrap_or_default();
        Self {
            question: question.to_owned(),
            who: people(&routes),
            routes,
            through: steps.through(0),
            looked_at: chain.nodes.iter().map(|node| node.looked_at).sum(),
            unknown,
            not_followed: sorted(&chain.unfollowed),
        }
    }

    /// Whether everything could be seen; strictly, what scripts put together when they run too.
    pub(super) fn is_complete(&self, strict: bool) -> bool {
        self.unknown.is_empty() && (!strict || self.not_followed.is_empty())
    }

    /// One JSON object.
    pub(super) fn json(&self) -> String {
        // Serialising text and numbers cannot fail.
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }

    /// For people; names that anybody may have chosen cannot reach the terminal as they are.
    pub(super) fn tree(&self) -> String {
        let names: Vec<&str> = self.who.iter().map(String::as_str).collect();
        let mut who = match names.is_empty() {
            true => "nobody but root".to_owned(),
            false => format!("{}, and root", names.join(", ")),
        };
        for step in &self.through {
            step.told(&self.who, &mut who);
        }
        let mut tree = Tree::default();
        tree.line(0, &format!("who can {}: {who}", self.question));
        tree.level(&mut Vec::new(), &self.routes, &self.through);
        for why in &self.unknown {
            tree.line(0, &format!("not seen: {why}"));
        }
        if let Some((first, rest)) = self.not_followed.split_first() {
            let more = match rest.len() {
                0 => String::new(),
                more => format!(", and {more} more"),
            };
            let what = "not followed: what scripts put together when they run";
            tree.line(0, &format!("{what}: {first}{more} (--strict makes that exit 2)"));
        }
        tree.text
    }
}

fn sorted(all: &[crate::facts::Unknown]) -> Vec<String> {
    let words: BTreeSet<String> = all.iter().map(|unknown| unknown.what.clone()).collect();
    words.into_iter().collect()
}

/// Everybody of these routes.
fn people(routes: &[Route]) -> BTreeSet<String> {
    routes.iter().flat_map(|route| &route.who).flat_map(|grant| grant.people.clone()).collect()
}

/// The steps of a search, for answers.
struct Steps<'a> {
    chain: &'a Chain,
    but: &'a [String],
    target: &'a dyn Target,
}

impl Steps<'_> {
    fn routes(&self, node: &Node) -> Vec<Route> {
        let direct = node.direct.iter().map(|one| Route {
            component: one.place.clone(),
            place: one.place.clone(),
            who: vec![Grant {
                people: one.people.iter().cloned().collect(),
                right: one.right.clone(),
            }],
            could: String::new(),
            decides: Vec::new(),
            repair: Vec::new(),
        });
        let changing = node.causes.iter().map(|cause| Route::of(cause, self.target));
        let mut routes: Vec<Route> = changing.chain(direct).collect();
        for route in &mut routes {
            for grant in &mut route.who {
                grant.people.retain(|name| *name != node.user && !self.but.contains(name));
            }
            route.who.retain(|grant| !grant.people.is_empty());
        }
        routes.retain(|route| !route.who.is_empty());
        routes
    }

    /// Those through whom others become the user at a position.
    fn through(&self, at: usize) -> Vec<Step> {
        let nodes = self.chain.nodes.iter().enumerate().skip(1);
        let below = nodes.filter(|(_, node)| node.leads_to == Some(at));
        let steps = below.map(|(number, node)| {
            let routes = self.routes(node);
            Step {
                user: node.user.clone(),
                chain: self.way(number),
                who: people(&routes),
                routes,
                through: self.through(number),
            }
        });
        steps.filter(|step| !step.routes.is_empty() || !step.through.is_empty()).collect()
    }

    /// Whom one becomes from here on, in their order.
    fn way(&self, from: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut next = self.chain.nodes.get(from);
        while let Some(node) = next {
            names.push(node.user.clone());
            // Every user leads to one that was found before.
            next = node.leads_to.and_then(|to| self.chain.nodes.get(to));
        }
        names
    }
}

impl Step {
    /// Adds those who are not among the known: `; bob through alice`.
    fn told(&self, known: &BTreeSet<String>, words: &mut String) {
        let names: Vec<&str> =
            self.who.iter().filter(|name| !known.contains(*name)).map(String::as_str).collect();
        if !names.is_empty() {
            // The last is the one in question.
            let way: Vec<&str> =
                self.chain.iter().rev().skip(1).rev().map(String::as_str).collect();
            words.push_str(&format!("; {} through {}", names.join(", "), way.join(" and ")));
        }
        let known: BTreeSet<String> = known.union(&self.who).cloned().collect();
        self.through.iter().for_each(|step| step.told(&known, words));
    }
}

impl Route {
    fn of(cause: &Cause, target: &dyn Target) -> Self {
        let grant = |(right, people): (&String, &BTreeSet<crate::access::Person>)| Grant {
            people: people.iter().map(ToString::to_string).collect(),
            right: right.clone(),
        };
        let item = |(path, reason): (&std::path::PathBuf, &String)| {
            (text::path(path), reason.trim_end_matches(',').replace(",,", ","))
        };
        Self {
            component: text::path(&cause.component),
            place: cause.place(target),
            who: cause.people.iter().map(grant).collect(),
            could: cause.deeds(),
            decides: cause.items.iter().map(item).collect(),
            repair: cause.repairs(target),
        }
    }
}

/// The reason of what a question is about itself.
pub(super) const ITSELF: &str = "itself";

#[derive(Default)]
struct Tree {
    text: String,
}

impl Tree {
    fn line(&mut self, indent: usize, words: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(&printable(words));
        self.text.push('\n');
    }

    /// Routes, and below them those through whom others get there.
    fn level(&mut self, above: &mut Vec<bool>, routes: &[Route], through: &[Step]) {
        let all = routes.len() + through.len();
        for (index, route) in routes.iter().enumerate() {
            self.route(above, index + 1 == all, route);
        }
        for (index, step) in (routes.len()..).zip(through) {
            let last = index + 1 == all;
            let names: Vec<&str> = step.who.iter().map(String::as_str).collect();
            let words = match names.is_empty() {
                true => format!("through {}", step.user),
                false => format!("through {}, whom {} can become", step.user, names.join(", ")),
            };
            self.branch(above, last, &words);
            above.push(last);
            self.level(above, &step.routes, &step.through);
            above.pop();
        }
    }

    fn route(&mut self, above: &mut Vec<bool>, last: bool, route: &Route) {
        self.branch(above, last, &route.place);
        above.push(last);
        for (index, grant) in route.who.iter().enumerate() {
            let people = grant.people.join(", ");
            let could = match route.could.is_empty() {
                true => String::new(),
                false => format!(": could {}", route.could),
            };
            let asked = route.decides.iter().all(|(_, reason)| reason == ITSELF);
            let ends = asked && index + 1 == route.who.len();
            self.branch(above, ends, &format!("{people} {}{could}", grant.right));
        }
        // What was asked about decides nothing but itself.
        let asked = route.decides.iter().all(|(_, reason)| reason == ITSELF);
        if !route.decides.is_empty() && !asked {
            let more = route.decides.len().saturating_sub(SHOWN);
            let shown = route.decides.iter().take(SHOWN);
            let mut decides: Vec<String> =
                shown.map(|(path, reason)| format!("{reason} {path}")).collect();
            if more > 0 {
                decides.push(format!("and {more} more"));
            }
            self.branch(above, true, &format!("that decides {}", decides.join("; ")));
        }
        above.pop();
    }

    /// A line of the tree; `above` says of each level above whether it was the last of its own.
    fn branch(&mut self, above: &[bool], last: bool, words: &str) {
        for ended in above {
            self.text.push_str(if *ended { "   " } else { "│  " });
        }
        self.text.push_str(if last { "└─ " } else { "├─ " });
        self.line(0, words);
    }
}
