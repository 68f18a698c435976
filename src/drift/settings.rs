//! Settings of configuration files, so that a change is told by what it sets and not as "another
//! digest".

use crate::facts::file::FileKind;
use crate::facts::object::Attributes;
use crate::facts::scope::{FileUse, Rules};
use crate::facts::settings::{Block, Settings};
use crate::facts::snapshot::{Content, Tree};
use crate::formats::for_path;
use crate::host::Target;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Larger files are data, not configuration.
const SIZE_LIMIT: u64 = 256 << 10;
/// The most settings of one file, and of all.
const FILE_LIMIT: usize = 2_000;
const LIMIT: usize = 200_000;
/// Longer values are cut: what they begin with tells that they differ, and the file's digest too.
const VALUE_LIMIT: usize = 300;

/// Settings by name, with the lines in which they stand.
pub type WithLines = BTreeMap<String, (String, u32)>;

/// Settings of all configuration files below `/etc` whose format is known, by file.
pub fn of_tree(target: &dyn Target, tree: &Tree, rules: &Rules) -> BTreeMap<String, Attributes> {
    let mut all = BTreeMap::new();
    let mut count = 0;
    for directory in &tree.directories {
        if directory.path != b"/etc" && !directory.path.starts_with(b"/etc/") {
            continue;
        }
        for (name, record) in directory.iter() {
            let read = matches!(record.content, Content::Digest(_));
            if record.kind != FileKind::File || !read || record.size > SIZE_LIMIT || count > LIMIT {
                continue;
            }
            let path = directory.path_of(name);
            if rules.use_of(&path) != FileUse::Plain {
                continue;
            }
            let Some(settings) = of_file(target, &path) else { continue };
            count += settings.len();
            let plain = settings.into_iter().map(|(name, (value, _))| (name, value)).collect();
            all.insert(text::bytes(&path), plain);
        }
    }
    all
}

/// Settings of one file. `None`: its format is not known, or it has more than configuration has.
pub fn of_file(target: &dyn Target, path: &[u8]) -> Option<WithLines> {
    let path = Path::new(OsStr::from_bytes(path));
    let format = for_path(path)?;
    let content = target.read(path).ok()??;
    if content.len() as u64 > SIZE_LIMIT {
        return None;
    }
    let settings: Settings = (format.parse)(target, path, &content).ok()?;
    let mut all = BTreeMap::new();
    block(&settings.root, path, &mut String::new(), &mut all);
    (!all.is_empty() && all.len() <= FILE_LIMIT).then_some(all)
}

fn block(block_: &Block, path: &Path, prefix: &mut String, all: &mut WithLines) {
    for setting in block_.settings.iter().filter(|setting| setting.at.file == path) {
        let name = format!("{prefix}{}", word(&setting.name));
        // A setting that is given several times has a number from the second on.
        let mut key = name.clone();
        let mut number = 1;
        while all.contains_key(&key) && number < FILE_LIMIT {
            number += 1;
            key = format!("{name} #{number}");
        }
        let value: String = setting.value.chars().take(VALUE_LIMIT).collect();
        all.insert(key, (value, setting.at.line));
        if all.len() > FILE_LIMIT {
            return;
        }
    }
    // What a format tells apart of a setting's value (`listen.port`) says nothing more.
    let own: BTreeSet<&str> = block_.settings.iter().map(|one| one.name.as_str()).collect();
    for inner in block_.blocks.iter().filter(|inner| !own.contains(inner.name.as_str())) {
        let length = prefix.len();
        prefix.push_str(&word(&inner.name));
        prefix.push('.');
        block(inner, path, prefix, all);
        prefix.truncate(length);
    }
}

/// A name as `config:` rules write it.
fn word(name: &str) -> String {
    if name.contains('.') { format!("\"{name}\"") } else { name.to_owned() }
}
