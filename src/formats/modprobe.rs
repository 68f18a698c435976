//! `modprobe.d(5)`: which modules are not to be loaded.

use super::conf_files;
use crate::facts::module::{ModuleRule, ModuleRules};
use crate::facts::settings::Location;
use crate::facts::{Cause, Unknown};
use crate::host::Files;

/// The most lines of all files.
const LINE_LIMIT: usize = 100_000;

/// Reads all files.
pub fn read(files: &dyn Files) -> ModuleRules {
    let mut found = ModuleRules::default();
    for path in conf_files::collect(files, &conf_files::folders("modprobe.d"), &mut found.unread) {
        let content = match files.read(&path) {
            Ok(Some(content)) => content,
            Ok(None) => continue,
            Err(why) => {
                found.unread.push(why);
                continue;
            }
        };
        let text = String::from_utf8_lossy(&content);
        let mut lines = (1_u32..).zip(text.lines());
        while let Some((number, line)) = lines.next() {
            let mut whole = line.to_owned();
            while whole.ends_with('\\') {
                whole.pop();
                let Some((_, more)) = lines.next() else { break };
                whole.push_str(more);
            }
            let at = Location { file: path.clone(), line: number };
            found.rules.extend(rule(&whole, at));
        }
        if found.rules.len() > LINE_LIMIT {
            let why = format!("more than {LINE_LIMIT} lines about modules");
            found.unread.push(Unknown::new(path.display().to_string(), Cause::TooLarge(why)));
            break;
        }
    }
    found
}

fn rule(line: &str, at: Location) -> Option<ModuleRule> {
    let mut words = line.split_whitespace();
    let install = match words.next()? {
        "blacklist" => None,
        "install" => Some(line.split_whitespace().skip(2).collect::<Vec<_>>().join(" ")),
        _ => return None,
    };
    Some(ModuleRule { module: plain(words.next()?), install, at })
}

/// A module's name as the kernel shows it: `-` and `_` are the same.
pub fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// What is configured about kernel modules, read once a run.
pub fn configured(target: &dyn crate::host::Target) -> std::sync::Arc<ModuleRules> {
    target.memo().get_or_init(|| std::sync::Arc::new(read(target)))
}
