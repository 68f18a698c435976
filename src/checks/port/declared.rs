//! `port:` for a target that does not run: which ports its configured daemons would open.
//!
//! Told from the configuration of nginx, Apache, sshd, redis and PostgreSQL where something declares
//! to start them, and from enabled socket units. That nothing else would open a port cannot be told, and
//! the exposed ports of an image prove nothing.

use crate::checks::port::Address;
use crate::checks::port::holder::Bound;
use crate::checks::service::declared::runs;
use crate::declared::{daemons, starts};
use crate::facts::start::{Opened, Sockets, Starts};
use crate::facts::{Cause, Fact, Unknown, all, any};
use crate::host::Target;
use crate::policy::expect::Operand;
use crate::policy::port::PortSpec;
use crate::policy::set::SetOf;
use crate::text;
use crate::verdict::{Assertion, Evidence, Subject};
use std::path::Path;
use std::sync::Arc;

/// What the daemons of a target would open, as conditions about one port see it.
pub struct Declared {
    subject: Subject,
    /// On any port, and what could not be told of others, which may open this one too.
    sockets: Arc<Sockets>,
    /// On the port in question.
    opened: Vec<Opened>,
    starts: Arc<Starts>,
    /// The port, for the answer that nobody can tell without running it.
    port: String,
}

impl Declared {
    /// What is declared about a port.
    pub fn of(subject: Subject, spec: &PortSpec, target: &dyn Target) -> Self {
        let sockets = daemons::opened(target);
        let opened =
            sockets.all.iter().filter(|opened| spec.covers(&opened.listener)).cloned().collect();
        let port = format!("port {spec}");
        Self { subject, sockets, opened, starts: starts(target), port }
    }

    /// `listening`
    pub fn listening(&self, wanted: bool) -> Assertion {
        let expected = if wanted { "something listens" } else { "nothing listens" };
        let holds = if self.opened.is_empty() { Err(self.open_end()) } else { Ok(wanted) };
        self.about("listening").expected(expected).decide(holds)
    }

    /// `bound_by`
    pub fn bound_by(&self, wanted: &[Bound], target: &dyn Target) -> Assertion {
        let names: Vec<String> = wanted.iter().map(Bound::show).collect();
        let assertion = self.about("bound_by").expected(format!("held by {}", names.join(" or ")));
        if self.opened.is_empty()
            && let Some(socket) = self.elsewhere(wanted, target)
        {
            let line = Evidence::line(&socket.at.file, socket.at.line, socket.by.clone());
            let (program, listener) = (program(socket), &socket.listener);
            return assertion
                .observed(format!("nothing is declared to; {program} would listen on {listener}"))
                .seen([line])
                .fail();
        }
        let each = self.opened.iter().map(|one| self.belongs(one, wanted, target));
        assertion.decide(self.by_all(each))
    }

    /// `addresses`
    pub fn addresses(&self, wanted: &SetOf<Address>) -> Assertion {
        let assertion =
            self.about("addresses").expected(format!("bound to {}", wanted.show(Address::show)));
        if self.opened.is_empty() {
            return assertion.unknown(self.open_end());
        }
        let fits = |wanted: &Address, socket: &Opened| Ok(wanted.covers(socket.listener.address));
        let judged = wanted.judge(&self.opened, fits);
        // What could not be told of may be a further socket: only a stranger is certain.
        let holds = match (judged.strangers.is_empty(), self.gap().next()) {
            (true, Some(why)) => Err(why.clone()),
            _ => judged.holds,
        };
        assertion.decide(holds)
    }

    /// Whether it holds for every socket; what could not be told may be a further one.
    fn by_all(&self, each: impl Iterator<Item = Fact<bool>>) -> Fact<bool> {
        if self.opened.is_empty() {
            return Err(self.open_end());
        }
        all(each.chain(self.gap().map(|why| Err(why.clone()))))
    }

    /// Nothing is declared to open it, and nobody can tell more without running it.
    fn open_end(&self) -> Unknown {
        let unseen = || Unknown::new(self.port.clone(), Cause::NotRunning);
        self.gap().next().cloned().unwrap_or_else(unseen)
    }

    fn gap(&self) -> impl Iterator<Item = &Unknown> {
        self.sockets.unknown.iter().take(1)
    }

    /// A socket of a wanted program on another port.
    fn elsewhere(&self, wanted: &[Bound], target: &dyn Target) -> Option<&Opened> {
        self.sockets.all.iter().find(|socket| self.belongs(socket, wanted, target) == Ok(true))
    }

    fn belongs(&self, socket: &Opened, wanted: &[Bound], target: &dyn Target) -> Fact<bool> {
        let exe = socket.exe.as_deref().unwrap_or(Path::new("/usr/lib/systemd/systemd"));
        any(wanted.iter().map(|bound| match bound {
            Bound::Service(service) => runs(service, exe, &self.starts.all, target),
            Bound::Exe(expect) => Ok(expect.holds_for(&text::path(exe))),
            Bound::User(_) => Err(Unknown::new("the user of a socket", Cause::NotRunning)),
        }))
    }

    fn about(&self, condition: &str) -> Assertion {
        let line = |socket: &Opened| {
            let text = format!("port {}", socket.listener.port);
            Evidence::line(&socket.at.file, socket.at.line, text)
        };
        Assertion::of(&self.subject, condition)
            .observed(in_words(&self.opened))
            .seen(self.opened.iter().map(line))
    }
}

fn program(socket: &Opened) -> String {
    match &socket.exe {
        Some(exe) => text::path(exe),
        None => socket.by.clone(),
    }
}

fn in_words(opened: &[Opened]) -> String {
    if opened.is_empty() {
        return "nothing is declared to listen on it".to_owned();
    }
    let words =
        opened.iter().map(|socket| format!("declared: {} by {}", socket.listener, program(socket)));
    words.collect::<Vec<_>>().join("; ")
}
