//! What is declared to start, and which ports that would open: facts of a target that does not run.

use super::listener::Listener;
use super::settings::Location;
use super::{Fact, Unknown};
use std::path::PathBuf;

/// All programs that are declared to start.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    /// These.
    pub all: Vec<Start>,
    /// Declarations that could not be read.
    pub unread: Vec<Unknown>,
}

/// All sockets that programs would open.
#[derive(Clone, Debug, Default)]
pub struct Sockets {
    /// These.
    pub all: Vec<Opened>,
    /// What could not be told of others.
    pub unknown: Vec<Unknown>,
}

/// A socket that would be opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Address, port, protocol.
    pub listener: Listener,
    /// Program that opens it; `None` for a socket unit, which PID 1 opens.
    pub exe: Option<PathBuf>,
    /// Who starts it.
    pub by: String,
    /// Where the port is written.
    pub at: Location,
}

/// One program, started by one declaration.
#[derive(Clone, Debug)]
pub struct Start {
    /// Who starts it: `the image's configuration`, `nginx.service`.
    pub by: String,
    /// Where that is written.
    pub at: Location,
    /// What stands there: `User=nginx`.
    pub text: String,
    /// systemd unit, where it is one.
    pub unit: Option<String>,
    /// Path of the program, symbolic links not followed, as far as it can be told.
    pub program: Option<PathBuf>,
    /// All words of the command.
    pub command: Vec<String>,
    /// Content of the script that the command is, which may start other programs.
    pub script: Option<String>,
    /// As whom.
    pub identity: Fact<Identity>,
    /// Whether it is started at all without anybody's doing; unknown where that cannot be told.
    pub enabled: Fact<bool>,
}

/// As whom a program is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// User id; `None` for a user that is made when it starts and is never root.
    pub uid: Option<u32>,
    /// Group id, where it is known.
    pub gid: Option<u32>,
    /// Name, where it is known: all there is to compare before a user is made.
    pub name: Option<String>,
    /// In words: `nginx (uid 101)`.
    pub words: String,
}

impl Identity {
    /// root.
    pub fn root() -> Self {
        let name = Some("root".to_owned());
        Self { uid: Some(0), gid: Some(0), name, words: "root".to_owned() }
    }
}

impl Start {
    /// Whether the command is a shell with its program as an argument.
    pub fn is_shell(&self) -> bool {
        let name = self.program.as_ref().and_then(|path| path.file_name()?.to_str());
        name.is_some_and(|name| ["sh", "bash", "dash", "ash", "busybox"].contains(&name))
    }
}
