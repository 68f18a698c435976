#![doc = include_str!("page.md")]

use crate::checks::port::holder::{Bound, Holder, bounds, holders_of};
use crate::facts::listener::Listener;
use crate::facts::{Fact, Unknown, all, any};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::operand;
use crate::policy::node::Node;
use crate::policy::port::PortSpec;
use crate::rules::compile::one_of;
use crate::rules::condition::{ConditionInfo, Form, nothing_demanded};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Evidence, Subject};
use std::collections::BTreeMap;

/// `listeners:`
pub static LISTENERS: SubjectKind = SubjectKind {
    key: "listeners",
    value: "all",
    options: &[("reach", "any (default), or network: sockets on loopback addresses are left out")],
    conditions: || vec![&ONLY, &ROOT_ALONE],
    open: false,
    page: include_str!("page.md"),
    combines: false,
    patterns: false,
    refers: None,
    compile,
};

static ONLY: ConditionInfo = ConditionInfo {
    name: "only",
    doc: "The ports that may be open: a port, or { port: …, by: … } with who may hold it.",
    form: Form::Special,
    example: "[22/tcp, 8080/tcp]",
};

static ROOT_ALONE: ConditionInfo = ConditionInfo {
    name: "root_alone",
    doc: "Who may hold a socket without any unprivileged process holding it too: services of the \
          policy, { exe: PATH }; [] allows nobody.",
    form: Form::Special,
    example: "[{ exe: /usr/sbin/sshd }]",
};

struct ListenersCheck {
    network_only: bool,
    only: Option<Vec<Allowed>>,
    root_alone: Option<Vec<Bound>>,
}

/// A port that may be open.
struct Allowed {
    port: PortSpec,
    by: Vec<Bound>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    problems.ok(one_of(&input.subject, &["all"]));
    let reach = input.fields.take("reach");
    let reach = reach.and_then(|node| problems.ok(one_of(&node, &["any", "network"])));
    let mut must = problems.ok(input.must.fields("conditions"))?;
    let check = ListenersCheck {
        network_only: reach == Some("network"),
        only: must.take("only").map(|node| allowed(&node, scope, problems)),
        root_alone: must.take("root_alone").map(|node| bounds(&node, scope, problems)),
    };
    if check.only.is_none() && check.root_alone.is_none() && must.rest().is_empty() {
        problems.push(nothing_demanded(&input.must.span));
    }
    must.finish(&[ONLY.name, ROOT_ALONE.name], problems);
    Some(Box::new(check))
}

fn allowed(node: &Node, scope: &Scope, problems: &mut Diagnostics) -> Vec<Allowed> {
    let mut all = Vec::new();
    for item in node.items() {
        let Ok(mut fields) = item.fields("") else {
            all.extend(problems.ok(operand(item)).map(|port| Allowed { port, by: Vec::new() }));
            continue;
        };
        let Some(port) = fields.take("port") else {
            problems.push(item.expected("a port, or { port: …, by: … }"));
            continue;
        };
        let port = problems.ok(operand(&port));
        let by = fields.take("by");
        if let Some(by) = by.as_ref().filter(|by| by.items().is_empty()) {
            // Nobody would be taken for anybody.
            problems.push(by.expected("who may hold it"));
        }
        let by = by.map(|by| bounds(&by, scope, problems)).unwrap_or_default();
        fields.finish(&["port", "by"], problems);
        all.extend(port.map(|port| Allowed { port, by }));
    }
    all
}

impl Check for ListenersCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let host = Subject::new("listeners", "all");
        let listeners = match target.listeners() {
            Ok(listeners) => listeners,
            Err(why) => return vec![Assertion::of(&host, "listening").unknown(why)],
        };
        let mut ports: BTreeMap<String, Vec<Listener>> = BTreeMap::new();
        for socket in listeners.iter() {
            if !(self.network_only && socket.address.to_canonical().is_loopback()) {
                let name = format!("{}/{}", socket.port, socket.protocol);
                ports.entry(name).or_default().push(socket.clone());
            }
        }
        let mut assertions = Vec::new();
        for (name, sockets) in &ports {
            let subject = Subject::new("port", name);
            if let Some(only) = &self.only {
                assertions.push(open(&subject, sockets, only, target));
            }
            if let Some(allowed) = &self.root_alone {
                assertions.push(root_alone(&subject, sockets, allowed, target));
            }
        }
        // Ports that are forwarded have no socket that could be on the list or not.
        if self.only.is_some()
            && let Some(why) = crate::checks::port::forwarded::may_be(target)
        {
            let others = Assertion::of(&host, ONLY.name).expected("nothing beyond the list");
            assertions.push(others.unknown(why));
        }
        if assertions.is_empty() {
            let condition = if self.only.is_some() { ONLY.name } else { ROOT_ALONE.name };
            let nothing = Assertion::of(&host, condition).expected("nothing beyond the list");
            assertions.push(nothing.observed("nothing listens").pass());
        }
        assertions
    }
}

fn about(
    subject: &Subject,
    condition: &str,
    sockets: &[Listener],
    target: &dyn Target,
) -> Assertion {
    let found = holders_of(sockets, target);
    let names: Vec<String> = sockets.iter().map(Listener::to_string).collect();
    let by = match &found {
        Ok((holders, _)) if !holders.is_empty() => Holder::describe(holders),
        _ => "somebody who could not be seen".into(),
    };
    let holders = found.iter().flat_map(|(holders, _)| holders).filter_map(Holder::evidence);
    Assertion::of(subject, condition)
        .observed(format!("{} held by {by}", names.join(", ")))
        .seen(sockets.iter().map(Evidence::socket))
        .seen(holders)
}

/// Judges each socket by itself: who may hold a port on one address need not be who may on another.
fn each_socket(
    sockets: &[Listener],
    target: &dyn Target,
    judge: impl Fn(&Listener, &[Holder], Option<Unknown>) -> Fact<bool>,
) -> Fact<bool> {
    all(sockets.iter().map(|socket| {
        let (holders, unseen) = holders_of(std::slice::from_ref(socket), target)?;
        judge(socket, &holders, unseen)
    }))
}

fn open(
    subject: &Subject,
    sockets: &[Listener],
    only: &[Allowed],
    target: &dyn Target,
) -> Assertion {
    let entries = |socket: &Listener| -> Vec<&Allowed> {
        only.iter().filter(|allowed| allowed.port.allows(socket)).collect()
    };
    let unlisted: Vec<Listener> =
        sockets.iter().filter(|socket| entries(socket).is_empty()).cloned().collect();
    if !unlisted.is_empty() {
        let strangers = holders_of(&unlisted, target).map(|(holders, _)| holders);
        let strangers = strangers.unwrap_or_default();
        let steps = Holder::stop_steps(&strangers.iter().collect::<Vec<_>>(), &unlisted, target);
        return steps
            .into_iter()
            .fold(about(subject, "only", &unlisted, target), Assertion::repair)
            .expected("not open: it is not in the list")
            .fail();
    }
    let assertion = about(subject, "only", sockets, target);
    // Of several entries for one socket, one without `by` allows everybody.
    let holder = |socket: &Listener| -> Vec<Bound> {
        let entries = entries(socket);
        let anybody = entries.iter().any(|allowed| allowed.by.is_empty());
        entries.iter().filter(|_| !anybody).flat_map(|allowed| allowed.by.clone()).collect()
    };
    let mut names: Vec<String> =
        sockets.iter().flat_map(&holder).map(|bound| bound.show()).collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return assertion.expected("open").pass();
    }
    let holds = each_socket(sockets, target, |socket, holders, unseen| {
        let by = holder(socket);
        if by.is_empty() {
            return Ok(true);
        }
        let known = holders.iter().map(|holder| holder.is_any_of(&by, target));
        all(known.chain(unseen.map(Err)))
    });
    assertion.expected(format!("held by {}", names.join(" or "))).decide(holds)
}

fn root_alone(
    subject: &Subject,
    sockets: &[Listener],
    allowed: &[Bound],
    target: &dyn Target,
) -> Assertion {
    let names: Vec<String> = allowed.iter().map(Bound::show).collect();
    let expected = match names.as_slice() {
        [] => "not held by root alone".into(),
        names => format!("held by root alone only for {}", names.join(", ")),
    };
    let holds = each_socket(sockets, target, |_, holders, unseen| {
        // One holder that is not root is enough; one that cannot be seen may be it.
        let gap = || unseen.clone().map(Err);
        let unprivileged = holders.iter().map(|holder| holder.is_root().map(|root| !root));
        let exempt = holders.iter().map(|holder| holder.is_any_of(allowed, target));
        any([any(unprivileged.chain(gap())), all(exempt.chain(gap()))])
    });
    about(subject, "root_alone", sockets, target).expected(expected).decide(holds)
}
