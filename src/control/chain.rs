//! Routes of several steps: bob controls a service that runs as alice, and alice has sudo.
//!
//! The search goes backwards from the user in question, one step at a time, so that everybody is
//! found by the fewest steps. Root can become everybody; who becomes root is part of every answer.

use super::cause::{Cause, causes};
use super::person::{self, Route};
use crate::access::Person;
use crate::facts::account::User;
use crate::facts::{Cause as Why, Unknown};
use crate::host::Target;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most steps.
const STEPS: usize = 8;
/// The most users whose routes are looked for.
const USERS: usize = 100;

/// One user, and who becomes that user in a single step.
#[derive(Debug)]
pub struct Node {
    /// Login name.
    pub user: String,
    /// Whoever can become this user becomes that one, by position; `None` for the user in question.
    pub leads_to: Option<usize>,
    /// Files through which somebody becomes this user.
    pub causes: Vec<Cause>,
    /// Routes that are no files.
    pub direct: Vec<Route>,
    /// How many files and directories decide it.
    pub looked_at: usize,
}

impl Node {
    /// Everybody who becomes this user in one step, by name.
    pub fn people(&self) -> BTreeSet<String> {
        let changing = self.causes.iter().flat_map(|cause| cause.people.values().flatten());
        let direct = self.direct.iter().flat_map(|route| route.people.iter().cloned());
        changing.map(Person::to_string).chain(direct).collect()
    }

    fn leave_out(&mut self, who: &dyn Fn(&str) -> bool) {
        for cause in &mut self.causes {
            for people in cause.people.values_mut() {
                people.retain(|person| !who(&person.to_string()));
            }
            cause.people.retain(|_, people| !people.is_empty());
        }
        self.causes.retain(|cause| !cause.people.is_empty());
        for route in &mut self.direct {
            route.people.retain(|name| !who(name));
        }
        self.direct.retain(|route| !route.people.is_empty());
    }
}

/// All users from whom a route leads to the one in question, that one first.
#[derive(Debug, Default)]
pub struct Chain {
    /// Users in the order of their steps.
    pub nodes: Vec<Node>,
    /// What could not be seen: there may be more.
    pub gaps: Vec<Unknown>,
    /// What scripts put together when they run, which was not followed.
    pub unfollowed: Vec<Unknown>,
}

/// Looks for all routes to a user.
pub fn search(target: &dyn Target, user: &User) -> Chain {
    let mut chain = Chain::default();
    let mut seen: BTreeSet<u32> = BTreeSet::from([user.uid]);
    // In how many steps everybody gets there.
    let mut known: BTreeMap<String, usize> = BTreeMap::from([(user.name.clone(), 0)]);
    let mut pending = VecDeque::from([(user.clone(), None, 0)]);
    if user.uid != 0 {
        match target.user_by_id(0) {
            Ok(root) => {
                seen.insert(0);
                pending.extend(root.map(|root| (root, Some(0), 1)));
            }
            Err(why) => chain.gaps.push(why),
        }
    }
    while let Some((user, leads_to, steps)) = pending.pop_front() {
        if steps > STEPS || chain.nodes.len() >= USERS {
            let limit = format!("more than {STEPS} steps or {USERS} users are not followed");
            chain.gaps.push(Unknown::new("routes of several steps", Why::TooLarge(limit)));
            break;
        }
        let routes = person::routes(target, &user);
        let itself = |person: &Person| person.uid.is_some_and(|uid| [0, user.uid].contains(&uid));
        let found = causes(target, &routes.items, &itself);
        chain.gaps.extend(found.gaps);
        chain.unfollowed.extend(found.unfollowed);
        let mut node = Node {
            user: user.name.clone(),
            leads_to,
            causes: found.causes,
            direct: routes.direct,
            looked_at: found.looked_at,
        };
        let at = chain.nodes.len();
        // Whoever gets there in fewer steps needs not this one.
        node.leave_out(&|name| known.get(name).is_some_and(|nearer| *nearer <= steps));
        for name in node.people() {
            known.entry(name).or_insert(steps + 1);
        }
        for name in node.people() {
            // Everybody, groups and ids without an account are not users to be become.
            match target.user(&name) {
                Ok(Some(next)) if next.name == name && seen.insert(next.uid) => {
                    pending.push_back((next, Some(at), steps + 1));
                }
                Ok(_) => {}
                Err(why) => chain.gaps.push(why),
            }
        }
        chain.nodes.push(node);
    }
    chain.without_dead_ends()
}

impl Chain {
    /// Leaves out users whom nobody can become.
    fn without_dead_ends(mut self) -> Self {
        let mut positions: Vec<Option<usize>> = Vec::new();
        let mut kept: Vec<Node> = Vec::new();
        for (at, mut node) in self.nodes.into_iter().enumerate() {
            // What leads to a dead end would be a way to become it, so it is none.
            let wanted = at == 0 || !node.people().is_empty();
            positions.push(wanted.then_some(kept.len()));
            if wanted {
                node.leads_to = node.leads_to.and_then(|to| positions.get(to).copied().flatten());
                kept.push(node);
            }
        }
        self.nodes = kept;
        self
    }
}
