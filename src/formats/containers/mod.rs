//! Containers by the files in which engines that root runs keep them. No socket is asked.
//!
//! Docker keeps what it was told, `config.v2.json` and `hostconfig.json`, the rest the specification for
//! the runtime, `config.json` of the OCI runtime specification. Those of rootless engines are their
//! users' and are not read.

mod docker;
mod oci;

use crate::facts::container::{Kept, KeptContainers};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Target, learn};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More containers than any host has.
const LIMIT: usize = 20_000;

/// The containers that are kept on a target, read once.
pub fn kept(target: &dyn Target) -> Fact<Arc<KeptContainers>> {
    target.memo().get_or_init(|| {
        // Environments of containers hold secrets, so recordings keep what was learnt.
        learn(target, "containers", Path::new("/"), |target| {
            let mut found = KeptContainers::default();
            docker::add(target, &mut found);
            oci::add(target, &mut found);
            let key = |one: &Kept| (one.engine.clone(), one.name.clone(), one.id.clone());
            found.all.sort_by_key(key);
            found.all.dedup_by(|one, other| one.id == other.id);
            Ok(found)
        })
        .map(Arc::new)
    })
}

/// The names in a directory; none where it does not exist.
fn names(target: &dyn Target, directory: &Path, found: &mut KeptContainers) -> Vec<PathBuf> {
    match target.list(directory) {
        Ok(None) => Vec::new(),
        Ok(Some(names)) if names.len() > LIMIT => {
            let cause = Cause::TooLarge(format!("more than {LIMIT} containers"));
            found.unread.push(Unknown::new(crate::text::path(directory), cause));
            Vec::new()
        }
        Ok(Some(names)) => names.iter().map(|name| directory.join(name)).collect(),
        Err(why) => {
            found.unread.push(why);
            Vec::new()
        }
    }
}

/// A file of JSON. `None`: there is none, or it could not be read, which is noted.
fn json(target: &dyn Target, path: &Path, found: &mut KeptContainers) -> Option<Value> {
    let content = match target.read(path) {
        Ok(content) => content?,
        Err(why) => {
            found.unread.push(why);
            return None;
        }
    };
    match serde_json::from_slice(&content) {
        Ok(value) => Some(value),
        Err(error) => {
            let cause = Cause::Malformed(error.to_string());
            found.unread.push(Unknown::new(crate::text::path(path), cause));
            None
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn words<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a str> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str)
}

fn is_id(name: &Path) -> bool {
    let name = name.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}
