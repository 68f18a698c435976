//! Entries of the Boot Loader Specification, type #1: `loader/entries/*.conf`, whose `options` lines
//! are the kernel's command line; several in one file add up.

use super::{Entry, files_in, grub_env};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use crate::text;
use std::collections::BTreeMap;
use std::path::Path;

const FOLDERS: [&str; 3] =
    ["/boot/loader/entries", "/efi/loader/entries", "/boot/efi/loader/entries"];
/// What tuned adds to a command line; empty where it is not set.
const MAY_BE_EMPTY: [&str; 1] = ["tuned_params"];

/// Every entry, in the order of their names.
pub(super) fn entries(files: &dyn Files) -> Fact<Vec<Entry>> {
    let mut entries = Vec::new();
    for folder in FOLDERS {
        for path in files_in(files, folder, "conf")? {
            let Some(content) = files.read(&path)? else { continue };
            entries.push(entry(files, &path, &String::from_utf8_lossy(&content))?);
        }
    }
    Ok(entries)
}

fn entry(files: &dyn Files, path: &Path, content: &str) -> Fact<Entry> {
    let (mut title, mut at, mut options) = (text::path(path), 0, Vec::new());
    for (number, line) in (1..).zip(content.lines()) {
        match line.trim().split_once(char::is_whitespace) {
            Some(("title", rest)) => title = rest.trim().to_owned(),
            Some(("options", rest)) => {
                at = if at == 0 { number } else { at };
                options.push(expanded(files, path, rest)?);
            }
            _ => {}
        }
    }
    Ok(Entry::new(&title, path, at, &options.join(" ")))
}

/// GRUB of Fedora expands variables of its environment in options (`$kernelopts`).
fn expanded(files: &dyn Files, path: &Path, options: &str) -> Fact<String> {
    if !options.contains('$') {
        return Ok(options.to_owned());
    }
    let known: BTreeMap<String, String> = grub_env::variables(files)?;
    let words = options.split_whitespace().map(|word| {
        let Some(name) = word.strip_prefix('$') else { return Ok(word.to_owned()) };
        match known.get(name) {
            Some(value) => Ok(value.clone()),
            None if MAY_BE_EMPTY.contains(&name) => Ok(String::new()),
            None => {
                let why = format!("the environment of GRUB does not set ${name}");
                Err(Unknown::new(text::path(path), Cause::Unsupported(why)))
            }
        }
    });
    Ok(words.collect::<Fact<Vec<String>>>()?.join(" "))
}
