//! What the live host can be asked from where spotcheck runs, as a table for people.

use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, Target};
use crate::targets::live::vantage::{self, Namespace, Share};
use crate::targets::live::{Live, view::View};
use std::path::Path;

/// One kind of question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What is asked about.
    pub what: &'static str,
    /// The namespace that decides whose answer it is, and whether that is process 1's.
    pub namespace: String,
    /// How the host's answer is had, or why it is not.
    pub answer: Fact<String>,
}

impl Live {
    /// The table: each row has been tried.
    pub fn from_where(&self) -> Vec<Row> {
        vec![
            row("files, mounts, os-release", Namespace::Mount, self.of_files()),
            row("processes", Namespace::Pid, self.of_processes()),
            row("owners of files", Namespace::User, of_ids()),
            row("sockets and ports", Namespace::Network, self.of_sockets()),
            self.parameter("parameters net.*", "/proc/sys/net/ipv4/ip_forward"),
            self.parameter("parameters kernel.shm*, msg*, sem", "/proc/sys/kernel/shmmax"),
            self.parameter("host name", "/proc/sys/kernel/hostname"),
            row("units of processes", Namespace::Cgroup, of_groups()),
        ]
    }

    fn of_files(&self) -> Fact<String> {
        match self.view() {
            View::Shared => Ok("the same mounts".to_owned()),
            View::Through { .. } => Ok("through /proc/1/root".to_owned()),
            View::Apart { why, .. } => {
                let why = format!("only where both have the same mount ({why})");
                Err(Unknown::new("/proc/1/root", Cause::Unsupported(why)))
            }
            View::Unsure(why) => Err(why.clone()),
        }
    }

    fn of_processes(&self) -> Fact<String> {
        match self.hidden() {
            Some(why) => Err(why.clone()),
            None if self.host().privilege.full => Ok("all of /proc".to_owned()),
            None => Ok("those of /proc, without what only root may see of them".to_owned()),
        }
    }

    fn of_sockets(&self) -> Fact<String> {
        let count = self.listeners()?.len();
        let how = if *Namespace::Network.share() == Share::Other { ", of process 1" } else { "" };
        Ok(format!("{count} sockets listen{how}"))
    }

    fn parameter(&self, what: &'static str, path: &str) -> Row {
        let path = Path::new(path);
        // Each of these has one.
        let namespace = vantage::governing(path).unwrap_or(Namespace::Mount);
        let answer = self.read(path).and_then(|value| {
            let how = match namespace.share() {
                Share::Other => "asked in the namespace of process 1",
                Share::Same | Share::Unsure(_) => "asked here",
            };
            let none = || Unknown::new(path.display().to_string(), Cause::NotRunning);
            value.map(|_| how.to_owned()).ok_or_else(none)
        });
        row(what, namespace, answer)
    }
}

fn row(what: &'static str, namespace: Namespace, answer: Fact<String>) -> Row {
    let share = match namespace.share() {
        Share::Same => "process 1's".to_owned(),
        Share::Other => "its own".to_owned(),
        Share::Unsure(_) => "cannot be compared".to_owned(),
    };
    Row { what, namespace: format!("{}: {share}", namespace.name()), answer }
}

fn of_ids() -> Fact<String> {
    match Namespace::User.share() {
        Share::Same | Share::Unsure(_) => Ok("as they are".to_owned()),
        Share::Other => {
            let why = "ids that this user namespace lacks are shown as nobody's".to_owned();
            Err(Unknown::new("owners and groups", Cause::Unsupported(why)))
        }
    }
}

fn of_groups() -> Fact<String> {
    Ok(match Namespace::Cgroup.share() {
        Share::Other => "groups of siblings are taken for containers",
        Share::Same | Share::Unsure(_) => "as /proc has them",
    }
    .to_owned())
}
