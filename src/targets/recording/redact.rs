//! What a recording is made without: secrets, so that it can be given to others.
//!
//! Never kept: hashes of passwords (the kinds of them are facts of their own), private keys, contents
//! that are not text, arguments of processes unless they are asked for. Values of settings and
//! variables whose name says that they are secret, and what has the shape of a secret, are
//! replaced by the recording's mark. The digest of a file goes with what was left out of it: it would
//! let a short secret be guessed.

use crate::facts::image::ImageConfig;
use crate::facts::raw_bytes::RawBytes;
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::recording::answers::Answers;
use crate::targets::recording::contents::Content;
use crate::targets::recording::playback::find;
use crate::targets::recording::{Recording, contents};
use crate::text;
use crate::text::secrets::{self, Masked, mask};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Files of secrets and nothing else, by name.
const SECRET_FILES: [&str; 13] = [
    "shadow",
    "shadow-",
    "gshadow",
    "gshadow-",
    "opasswd",
    "master.passwd",
    ".pgpass",
    ".netrc",
    ".htpasswd",
    "htpasswd",
    ".git-credentials",
    ".vault-token",
    "krb5.keytab",
];

/// Takes all secrets out. `arguments`: those of processes stay.
pub fn redact(recording: &mut Recording, arguments: bool) {
    recording.mark =
        mark(&recording.answers, recording.image.as_ref().and_then(|i| i.config.as_ref()));
    let mark = recording.mark.clone();
    if !arguments {
        leave_out_arguments(&mut recording.answers);
    }
    // Databases of packages are kept as the facts that were read from them.
    if let Some(Ok(packages)) = &recording.packages {
        for database in &packages.databases {
            recording.answers.read.0.remove(&RawBytes::of(database));
            recording.answers.read_up_to.0.remove(&RawBytes::of(database));
        }
    }
    let mut digests: BTreeSet<String> = BTreeSet::new();
    let answers = &mut recording.answers;
    for (path, answer) in answers.read.0.iter_mut().chain(&mut answers.read_up_to.0) {
        if let Ok(Some(content)) = answer
            && let Some(without) = without_secrets(path, content, &mark)
        {
            digests.insert(hex(&Sha256::digest(content.0.as_slice())));
            *answer = without.map(Some);
        }
    }
    for ((kind, path), answer) in &mut recording.answers.learn.0 {
        if !PLAIN.contains(&kind.as_str())
            && let Ok(value) = answer
            && has_secrets(value, &mark)
        {
            let why = "there are secrets in it, which the recording was made without".to_owned();
            *answer = Err(Unknown::new(text::bytes(&path.0), Cause::NotRecorded(why)));
        }
    }
    // By whatever path the file was asked for.
    let tells = |answer: &Fact<Option<String>>| matches!(answer, Ok(Some(digest)) if digests.contains(digest));
    recording.answers.sha256.0.retain(|path, answer| !tells(answer) && !is_secret(path));
    if let Some(config) = recording.image.as_mut().and_then(|image| image.config.as_mut()) {
        of_image(config, &mark);
    }
}

/// Kinds of what is learnt that hold names of files and nothing else.
const PLAIN: [&str; 2] = ["inventory", "libraries"];

fn has_secrets(value: &Value, mark: &str) -> bool {
    match value {
        Value::String(text) => mask(text, mark) != Masked::Unchanged,
        Value::Array(items) => items.iter().any(|item| has_secrets(item, mark)),
        Value::Object(entries) => entries.values().any(|item| has_secrets(item, mark)),
        _ => false,
    }
}

/// A word that occurs nowhere in the contents: nobody can write his own digest into a file.
fn mark(answers: &Answers, config: Option<&ImageConfig>) -> String {
    let mut digest = Sha256::new();
    for content in answers.read.0.values().chain(answers.read_up_to.0.values()).flatten().flatten()
    {
        digest.update(content.0.as_slice());
    }
    digest.update(format!("{config:?}"));
    let digest = hex(&digest.finalize());
    format!("left-out-{}", digest.get(..16).unwrap_or_default())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn leave_out_arguments(answers: &mut Answers) {
    for answer in answers.process.0.values_mut() {
        if let Ok(Some(process)) = answer
            && process.cmdline.as_ref().is_ok_and(|words| !words.is_empty())
        {
            let why = "the recording was made without arguments (--with-arguments)".to_owned();
            let what = format!("arguments of process {}", process.pid);
            Arc::make_mut(process).cmdline = Err(Unknown::new(what, Cause::NotRecorded(why)));
        }
    }
}

/// The content as it may be kept; `None`: as it is.
fn without_secrets(path: &RawBytes, content: &Content, mark: &str) -> Option<Fact<Content>> {
    let refused = |why: &str| {
        let why = format!("the recording was made without its content: {why}");
        Some(Err(Unknown::new(text::bytes(&path.0), Cause::NotRecorded(why))))
    };
    if is_secret(path) {
        return refused("it holds secrets");
    }
    let Content(bytes) = content;
    if bytes.contains(&0) {
        return refused("it is not text");
    }
    if is_of_names(path) {
        return None;
    }
    // A byte that is not UTF-8 stays what it is: each stands for itself while secrets are looked for.
    let latin = || bytes.iter().map(|byte| char::from(*byte)).collect::<String>();
    let (text, is_utf8) = match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), true),
        Err(_) => (latin(), false),
    };
    match mask(&text, mark) {
        Masked::Unchanged => None,
        Masked::Whole(why) => refused(&format!("it holds {why}")),
        Masked::Text(text) => {
            let bytes = match is_utf8 {
                true => text.into_bytes(),
                false => text.chars().filter_map(|c| u8::try_from(c).ok()).collect(),
            };
            Some(Ok(contents::Content(Arc::new(bytes))))
        }
    }
}

/// Whether a file holds names of services, packages and files, `passwd` among them, and never a secret.
fn is_of_names(path: &RawBytes) -> bool {
    let text = text::bytes(&path.0);
    ["/etc/services", "/etc/nsswitch.conf", "/etc/mime.types"].contains(&text.as_str())
        || ["/pam.d/", "/lib/dpkg/", "/lib/apk/"].iter().any(|part| text.contains(part))
}

/// Whether a file holds secrets and nothing else.
fn is_secret(path: &RawBytes) -> bool {
    let text = text::bytes(&path.0);
    let name = text.rsplit('/').next().unwrap_or_default();
    let of_process = text.starts_with("/proc/") && (name == "environ" || name == "cmdline");
    SECRET_FILES.contains(&name) || (of_process && text != "/proc/cmdline")
}

/// What an image says about itself. Names of variables stay, and so does the kind of a secret.
fn of_image(config: &mut ImageConfig, mark: &str) {
    let plain = |text: &mut String| match secrets::mask(text, mark) {
        Masked::Unchanged => {}
        Masked::Text(masked) => *text = masked,
        Masked::Whole(_) => *text = mark.to_owned(),
    };
    for (name, value) in config.env.iter_mut().chain(&mut config.labels) {
        if secrets::of_value(value).is_some() {
            // Keeps the shape, by which rules recognise it.
            *value = secrets::harmless(value, mark);
        } else if secrets::of_variable(name, value).is_some() || secrets::is_secret_setting(name) {
            *value = mark.to_owned();
        } else {
            plain(value);
        }
    }
    config.entrypoint.iter_mut().chain(&mut config.cmd).for_each(plain);
    config.healthcheck.iter_mut().for_each(plain);
    config.history.iter_mut().for_each(|step| plain(&mut step.created_by));
}

/// Whether the mark stands in some bytes.
pub fn is_marked(bytes: &[u8], mark: &str) -> bool {
    find(bytes, mark.as_bytes()).is_some()
}
