//! Conditions of `service:` about as whom and with which rights its threads run.

use crate::checks::service::conditions::every_thread;
use crate::checks::service::processes::{grouped, identity_of};
use crate::checks::service::{ServiceView, declared};
use crate::facts::process::{Process, Thread};
use crate::facts::{all, capability};
use crate::host::Target;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::expect::Expect;
use crate::policy::node::{Node, Value};
use crate::policy::operand::Principal;
use crate::policy::set::SetOf;
use crate::rules::identity::{group_is, group_name, missing_user, user_is};
use crate::verdict::Assertion;
use std::collections::BTreeSet;

/// Expected user and group.
pub type RunAs = (Option<Expect<Principal>>, Option<Expect<Principal>>);

/// Reads `run_as`: a user, `user:group`, or a mapping of both.
pub fn run_as_value(node: &Node) -> Result<RunAs, Diagnostic> {
    match &node.value {
        Value::Scalar(scalar) if scalar.text.contains(':') => {
            let (user, group) = scalar.text.split_once(':').unwrap_or_default();
            Ok((Some(literal(node, user)?), Some(literal(node, group)?)))
        }
        Value::Map(entries)
            if entries.iter().any(|(k, _)| k.text == "user" || k.text == "group") =>
        {
            let mut fields = node.fields("user and group")?;
            let mut take = |key| fields.take(key).map(|node| Expect::parse(&node)).transpose();
            let value = (take("user")?, take("group")?);
            match fields.rest().first() {
                Some((key, value)) => {
                    Err(crate::policy::node::unknown_key(key, value, &["user", "group"]))
                }
                None => Ok(value),
            }
        }
        _ => Expect::parse(node).map(|user| (Some(user), None)),
    }
}

fn literal(node: &Node, word: &str) -> Result<Expect<Principal>, Diagnostic> {
    let scalar = crate::policy::node::Scalar { text: word.to_owned(), quoted: false };
    Expect::parse(&Node { span: node.span.clone(), value: Value::Scalar(scalar) })
}

/// User and group of every thread.
pub fn run_as(
    view: &ServiceView,
    user: Option<&Expect<Principal>>,
    group: Option<&Expect<Principal>>,
    target: &dyn Target,
) -> Assertion {
    if let Some(found) = &view.declared {
        return declared::run_as(view, found, user, group, target);
    }
    let fits = |thread: &Thread| {
        let is_user = |uid| user.map_or(Ok(true), |user| user_is(target, user, uid));
        let is_group = |gid| group.map_or(Ok(true), |group| group_is(target, group, gid));
        let users = thread.uid.distinct().map(is_user);
        all(users.chain(thread.gid.distinct().map(is_group)))
    };
    let words =
        [user.map(|u| format!("user {}", u.show())), group.map(|g| format!("group {}", g.show()))];
    let mut observed = grouped(&view.processes, |process| {
        let mut words = identity_of(process, target);
        if group.is_some()
            && let Ok(threads) = &process.threads
            && let Some(main) = threads.first()
        {
            words.push_str(&format!(":{}", group_name(target, main.gid.effective)));
        }
        words
    });
    if let Some(name) = user.and_then(|expect| missing_user(target, expect)) {
        observed.push_str(&format!("; there is no user {name} here"));
    }
    every_thread(view, "run_as", &fits)
        .expected(words.into_iter().flatten().collect::<Vec<_>>().join(", "))
        .observed(observed)
}

/// Supplementary groups of every thread.
pub fn groups(
    view: &ServiceView,
    wanted: &SetOf<Expect<Principal>>,
    target: &dyn Target,
) -> Assertion {
    let fits = |thread: &Thread| {
        let primary = thread.gid.all();
        let gids: BTreeSet<u32> = thread.groups.iter().chain(&primary).copied().collect();
        let gids: Vec<u32> = gids.into_iter().collect();
        let is = |expect: &Expect<Principal>, gid: &u32| group_is(target, expect, *gid);
        wanted.judge_but(&gids, is, |gid| primary.contains(gid)).holds
    };
    let names = |process: &Process| match &process.threads {
        Ok(threads) => {
            let gids: BTreeSet<u32> =
                threads.iter().flat_map(|thread| thread.groups.iter().copied()).collect();
            let names: Vec<String> = gids.into_iter().map(|gid| group_name(target, gid)).collect();
            if names.is_empty() { "no supplementary group".into() } else { names.join("+") }
        }
        Err(_) => "unreadable".into(),
    };
    every_thread(view, "groups", &fits)
        .expected(format!("supplementary groups: {}", wanted.show(Expect::show)))
        .observed(grouped(&view.processes, names))
}

/// Reads the name of a capability to its number.
pub fn capability_name(node: &Node) -> Result<u8, Diagnostic> {
    let text = node.text("a capability")?;
    capability::parse(text).ok_or_else(|| {
        Diagnostic::at(&node.span, format!("unknown capability `{text}`")).suggest(
            text,
            (0..=40).map(capability::name).collect::<Vec<_>>().iter().map(String::as_str),
        )
    })
}

/// Capabilities that any thread holds or can raise.
pub fn capabilities(view: &ServiceView, wanted: &SetOf<u8>) -> Assertion {
    let held = |thread: &Thread| {
        let sets = &thread.capabilities;
        sets.inheritable | sets.permitted | sets.effective | sets.ambient
    };
    let words = |process: &Process| match &process.threads {
        Ok(threads) => capability::show(threads.iter().map(held).fold(0, |a, b| a | b)),
        Err(_) => "unreadable".into(),
    };
    let fits = |thread: &Thread| {
        let bits = held(thread);
        let found: Vec<u8> = (0..64).filter(|bit| bits & (1 << bit) != 0).collect();
        wanted.judge(&found, |wanted, bit| Ok(wanted == bit)).holds
    };
    every_thread(view, "capabilities", &fits)
        .expected(wanted.show(|bit| capability::name(*bit)))
        .observed(grouped(&view.processes, words))
}
