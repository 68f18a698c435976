//! Evidence: where something was seen.

use crate::facts::account::Origin;
use crate::facts::file::FileFact;
use crate::facts::image::Layer;
use crate::facts::listener::Listener;
use crate::facts::process::Process;
use crate::text;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// One piece of evidence, exact enough to look again.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(transform = describe_kind)]
pub enum Evidence {
    /// A process, as `/proc` showed it.
    Process {
        /// Process id.
        pid: u32,
        /// The kernel's name of it.
        comm: String,
        /// Path of its executable, where it could be read.
        exe: Option<String>,
        /// The executable has been replaced or removed since it was started.
        exe_deleted: bool,
        /// Real, effective, saved and filesystem uid of the main thread.
        uids: Option<[u32; 4]>,
        /// systemd unit.
        unit: Option<String>,
        /// Start, seconds since 1970-01-01 UTC.
        started: i64,
    },
    /// A listening socket.
    Socket {
        /// Local address and port with protocol: `127.0.0.1:80/tcp`.
        socket: String,
        /// Inode of the socket.
        inode: u32,
        /// Owner of the socket.
        uid: u32,
    },
    /// A file's inode.
    File {
        /// Path; bytes that are not UTF-8 as `\xff`.
        path: String,
        /// Owner's id.
        uid: u32,
        /// Group's id.
        gid: u32,
        /// Permission bits, octal.
        mode: String,
        /// Number of the device that it lies on, as `stat -c %d` prints it.
        device: u64,
        /// Inode number.
        inode: u64,
        /// Last change of the inode, seconds since 1970-01-01 UTC.
        changed: i64,
    },
    /// A line of a file.
    Line {
        /// Path of the file.
        file: String,
        /// Line, from 1; 0 for the file as a whole.
        line: u32,
        /// What stands there.
        text: String,
    },
    /// An account, and who answered.
    Account {
        /// Its name.
        name: String,
        /// Its number.
        id: u32,
        /// `files` or `nss`.
        origin: String,
    },
    /// The step of an image's making that introduced what was seen.
    Layer {
        /// Number of the layer, 1 being the lowest; none for a step that changed the configuration.
        layer: Option<usize>,
        /// Digest of the layer.
        digest: Option<String>,
        /// Line of the Dockerfile, as the image's history has it.
        created_by: Option<String>,
    },
}

/// Puts words to the tag in the JSON Schema: it has no field that could have a comment.
fn describe_kind(schema: &mut schemars::Schema) {
    let variants = schema.get_mut("oneOf").and_then(|variants| variants.as_array_mut());
    for variant in variants.into_iter().flatten() {
        if let Some(serde_json::Value::Object(kind)) = variant.pointer_mut("/properties/kind") {
            kind.insert("description".into(), "What was seen.".into());
        }
    }
}

impl Evidence {
    /// A process as evidence.
    pub fn process(process: &Process) -> Self {
        let exe = process.exe.as_ref().ok().and_then(Option::as_ref);
        let main = process.threads.as_ref().ok().and_then(|threads| threads.first());
        Evidence::Process {
            pid: process.pid,
            comm: process.comm.clone(),
            exe: exe.map(|exe| text::path(&exe.path)),
            exe_deleted: exe.is_some_and(|exe| exe.deleted),
            uids: main.map(|thread| thread.uid.all()),
            unit: process.cgroup.as_ref().ok().and_then(|cgroup| cgroup.unit.clone()),
            started: process.started,
        }
    }

    /// A socket as evidence.
    pub fn socket(listener: &Listener) -> Self {
        Evidence::Socket { socket: listener.to_string(), inode: listener.inode, uid: listener.uid }
    }

    /// A file as evidence.
    pub fn file(path: &Path, fact: &FileFact) -> Self {
        Evidence::File {
            path: text::path(path),
            uid: fact.uid,
            gid: fact.gid,
            mode: fact.mode.to_string(),
            device: fact.device,
            inode: fact.inode,
            changed: fact.changed,
        }
    }

    /// A line of a file as evidence.
    pub fn line(file: &Path, line: u32, content: impl Into<String>) -> Self {
        Evidence::Line { file: text::path(file), line, text: content.into() }
    }

    /// A layer as evidence.
    pub fn layer(layer: &Layer) -> Self {
        Evidence::Layer {
            layer: Some(layer.number),
            digest: Some(layer.digest.clone()),
            created_by: layer.created_by.clone(),
        }
    }

    /// What was seen, by a name that it will have in the next run as well; nothing of what is a step of
    /// an image, or an account that a rule was only looked up for.
    pub fn lasting_name(&self) -> Option<String> {
        match self {
            Evidence::Process { comm, exe, .. } => {
                Some(exe.clone().unwrap_or_else(|| comm.clone()))
            }
            Evidence::Socket { socket, .. } => Some(socket.clone()),
            Evidence::File { path, .. } | Evidence::Line { file: path, line: 0, .. } => {
                Some(path.clone())
            }
            Evidence::Line { file, text, .. } => Some(format!("{file}: {}", text.trim())),
            Evidence::Account { .. } | Evidence::Layer { .. } => None,
        }
    }

    /// The path of the file that was seen, if it is one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Evidence::File { path, .. } | Evidence::Line { file: path, .. } => Some(path),
            _ => None,
        }
    }

    /// An account as evidence.
    pub fn account(name: &str, id: u32, origin: Origin) -> Self {
        let origin = match origin {
            Origin::Files => "files",
            Origin::Nss => "nss",
        };
        Evidence::Account { name: name.to_owned(), id, origin: origin.to_owned() }
    }
}
