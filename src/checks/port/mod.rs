#![doc = include_str!("page.md")]

pub mod declared;
pub(in crate::checks) mod forwarded;
pub mod holder;
mod published;

use crate::checks::port::declared::Declared;
use crate::checks::port::holder::{Bound, Holder, bounds, holders_of};
use crate::facts::host::TargetKind;
use crate::facts::listener::Listener;
use crate::facts::{Unknown, all};
use crate::host::Target;
use crate::policy::Diagnostics;
use crate::policy::expect::{Operand, operand};
use crate::policy::node::Scalar;
use crate::policy::port::PortSpec;
use crate::policy::set::SetOf;
use crate::rules::combine::Demand;
use crate::rules::compile::{ABSENT, Absent, take_absent};
use crate::rules::condition::{Condition, ConditionInfo, Form, infos, read_all};
use crate::rules::{Check, Input, Scope, SubjectKind};
use crate::verdict::{Assertion, Evidence, Subject};
use std::net::IpAddr;

/// `port:`
pub static PORT: SubjectKind = SubjectKind {
    key: "port",
    value: "port, such as 8080/tcp, 127.0.0.1:5432/tcp or 8000-8010/udp",
    options: &[ABSENT],
    conditions: || infos(CONDITIONS),
    open: false,
    page: include_str!("page.md"),
    combines: true,
    patterns: false,
    refers: None,
    compile,
};

/// What conditions see of a port.
pub struct PortView {
    subject: Subject,
    /// Sockets that answer on it.
    sockets: Vec<Listener>,
    /// Their holders, one entry for each process; computed only when asked.
    holders: Vec<Holder>,
    /// Holders that could not be seen.
    unseen: Option<Unknown>,
    /// What would be opened, of a target that does not run: then there are no sockets.
    declared: Option<Declared>,
}

static CONDITIONS: &[Condition<PortView>] = &[
    Condition {
        info: ConditionInfo {
            name: "listening",
            doc: "Something listens on it (true), or nothing does (false). For a range: on at \
                  least one of its ports, or on none.",
            form: Form::Boolean,
            example: "true",
        },
        read: |node, _, problems| {
            let wanted = problems.ok(node.boolean())?;
            Some(Box::new(move |view, target| {
                if let Some(declared) = &view.declared {
                    return declared.listening(wanted);
                }
                let listens = !view.sockets.is_empty();
                // That nobody holds it is no proof where the packet filter may forward it.
                let holds = match forwarded::may_be(target).filter(|_| !listens && !wanted) {
                    Some(why) => Err(why),
                    None => Ok(listens == wanted),
                };
                let steps = || match wanted {
                    true => Vec::new(),
                    false => {
                        let holders: Vec<&Holder> = view.holders.iter().collect();
                        Holder::stop_steps(&holders, &view.sockets, target)
                    }
                };
                about(view, "listening")
                    .expected(if wanted { "something listens" } else { "nothing listens" })
                    .observed(if listens { held_by(view) } else { "nothing listens".into() })
                    .decide(holds)
                    .repaired_by(steps)
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "bound_by",
            doc: "Every process that holds the socket is one of these: a service of the policy, \
                  { exe: PATH } or { user: NAME }, or a list of them.",
            form: Form::Special,
            example: "nginx",
        },
        read: |node, scope, problems| {
            let wanted = bounds(node, scope, problems);
            Some(Box::new(move |view, target| match &view.declared {
                Some(declared) => declared.bound_by(&wanted, target),
                None => bound_by(view, &wanted, target),
            }))
        },
    },
    Condition {
        info: ConditionInfo {
            name: "addresses",
            doc: "The addresses that its sockets are bound to; 0.0.0.0 and :: stand for every \
                  address, `loopback` for 127.0.0.0/8 and ::1, `ipv4` and `ipv6` for any of a family.",
            form: Form::Set,
            example: "{ only: loopback }",
        },
        read: |node, _, problems| {
            let wanted: SetOf<Address> = SetOf::parse("addresses", node, problems, operand)?;
            Some(Box::new(move |view, _| {
                if let Some(declared) = &view.declared {
                    return declared.addresses(&wanted);
                }
                let fits = |wanted: &Address, s: &Listener| Ok(wanted.covers(s.address));
                about(view, "addresses")
                    .expected(format!("bound to {}", wanted.show(Address::show)))
                    .observed(sockets(&view.sockets))
                    .decide(wanted.judge(&view.sockets, fits).holds)
            }))
        },
    },
];

/// An address that a socket may be bound to.
#[derive(Clone, Debug)]
pub enum Address {
    /// `127.0.0.0/8` and `::1`.
    Loopback,
    /// Any of IPv4, as the socket names it.
    Ipv4,
    /// Any of IPv6; a dual-stack socket has one.
    Ipv6,
    /// This one.
    Ip(IpAddr),
}

impl Address {
    /// Whether a socket bound to `address` is bound to this.
    pub fn covers(&self, address: IpAddr) -> bool {
        match self {
            Address::Loopback => address.to_canonical().is_loopback(),
            Address::Ipv4 => address.is_ipv4(),
            Address::Ipv6 => address.is_ipv6(),
            Address::Ip(wanted) => wanted.to_canonical() == address.to_canonical(),
        }
    }
}

impl Operand for Address {
    const WHAT: &'static str = "an address";
    const ORDERED: bool = false;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        match scalar.text.as_str() {
            "loopback" => Ok(Address::Loopback),
            "ipv4" => Ok(Address::Ipv4),
            "ipv6" => Ok(Address::Ipv6),
            text => {
                text.parse().map(Address::Ip).map_err(|_| "such as 127.0.0.1 or \"::1\"".into())
            }
        }
    }

    fn show(&self) -> String {
        match self {
            Address::Loopback => "loopback".into(),
            Address::Ipv4 => "ipv4".into(),
            Address::Ipv6 => "ipv6".into(),
            Address::Ip(address) => address.to_string(),
        }
    }
}

struct PortCheck {
    spec: PortSpec,
    absent: Absent,
    tests: Vec<Demand<PortView>>,
}

fn compile(scope: &Scope, mut input: Input, problems: &mut Diagnostics) -> Option<Box<dyn Check>> {
    let spec = problems.ok(operand::<PortSpec>(&input.subject));
    let absent = take_absent(&mut input, problems);
    let tests = read_all(CONDITIONS, &input.must, scope, problems);
    Some(Box::new(PortCheck { spec: spec?, absent, tests }))
}

impl Check for PortCheck {
    fn assertions(&self, target: &dyn Target) -> Vec<Assertion> {
        let subject = Subject::new("port", self.spec.to_string());
        if target.host().kind == TargetKind::Image {
            let view = PortView {
                declared: Some(Declared::of(subject.clone(), &self.spec, target)),
                subject,
                sockets: Vec::new(),
                holders: Vec::new(),
                unseen: None,
            };
            return self.tests.iter().map(|demand| demand.judge(&view, target)).collect();
        }
        let listening = Assertion::of(&subject, "listening").expected("something listens");
        let listeners = match target.listeners() {
            Ok(listeners) => listeners,
            Err(why) => return vec![listening.unknown(why)],
        };
        let sockets: Vec<Listener> =
            listeners.iter().filter(|listener| self.spec.covers(listener)).cloned().collect();
        let nothing = sockets.is_empty();
        // Finding holders is the expensive step; a port that must be free and is needs none.
        let (holders, unseen) = match holders_of(&sockets, target) {
            Ok(found) => found,
            Err(why) => (Vec::new(), Some(why)),
        };
        let view = PortView { subject, sockets, holders, unseen, declared: None };
        let mut assertions: Vec<Assertion> = self
            .tests
            .iter()
            // Of a port on which nothing listens, the addresses say nothing.
            .filter_map(|demand| {
                let can_judge = |name: &str| !nothing || matches!(name, "listening" | "bound_by");
                demand.judge_some(&can_judge, &view, target)
            })
            .collect();
        let says_listening = self.tests.iter().any(|demand| demand.name() == "listening");
        if nothing && self.absent == Absent::Skip && !says_listening {
            return vec![listening.skipped("nothing listens on it")];
        }
        if assertions.is_empty() {
            assertions.push(listening.observed("nothing listens").fail());
        }
        assertions
    }
}

fn about(view: &PortView, condition: &str) -> Assertion {
    Assertion::of(&view.subject, condition)
        .seen(view.sockets.iter().map(Evidence::socket))
        .seen(view.holders.iter().filter_map(Holder::evidence))
}

fn sockets(sockets: &[Listener]) -> String {
    sockets.iter().map(Listener::to_string).collect::<Vec<_>>().join(", ")
}

fn held_by(view: &PortView) -> String {
    let mut words = Holder::describe(&view.holders);
    if let (Some(why), true) = (&view.unseen, view.holders.is_empty()) {
        words = format!("somebody who could not be seen ({why})");
    } else if let Some(why) = &view.unseen {
        words.push_str(&format!("; perhaps others ({why})"));
    }
    format!("{} held by {words}", sockets(&view.sockets))
}

fn bound_by(view: &PortView, wanted: &[Bound], target: &dyn Target) -> Assertion {
    let names: Vec<String> = wanted.iter().map(Bound::show).collect();
    let assertion = about(view, "bound_by").expected(format!("held by {}", names.join(" or ")));
    let start = wanted.iter().filter_map(|bound| bound.start_step(target));
    if view.sockets.is_empty() {
        return assertion.observed("nothing listens").fail().repaired_by(|| start);
    }
    let verdicts: Vec<_> =
        view.holders.iter().map(|holder| (holder, holder.is_any_of(wanted, target))).collect();
    let strangers: Vec<&Holder> =
        verdicts.iter().filter(|(_, fact)| *fact == Ok(false)).map(|(holder, _)| *holder).collect();
    let stop = || Holder::stop_steps(&strangers, &view.sockets, target);
    let gap = view.unseen.iter().map(|why| Err(why.clone()));
    let holds = all(verdicts.iter().map(|(_, fact)| fact.clone()).chain(gap));
    assertion.observed(held_by(view)).decide(holds).repaired_by(|| stop().into_iter().chain(start))
}
