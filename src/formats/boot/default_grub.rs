//! `/etc/default/grub` and the files that follow it: what `update-grub` will write. Asked only where there
//! is no `grub.cfg` yet, as in an image of a disk that is still to be installed.

use super::{Entry, files_in};
use crate::facts::settings::Setting;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::env;
use crate::host::Files;
use crate::text;
use std::path::Path;

const FILE: &str = "/etc/default/grub";
const FOLDER: &str = "/etc/default/grub.d";
/// What an entry of daily work gets, in this order: `10_linux` of grub-mkconfig.
const VARIABLES: [&str; 2] = ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"];

/// The one command line that the variables make.
pub(super) fn entries(files: &dyn Files) -> Fact<Vec<Entry>> {
    let main = Path::new(FILE);
    if files.file(main)?.is_none() {
        return Ok(Vec::new());
    }
    let mut places = vec![main.to_owned()];
    places.extend(files_in(files, FOLDER, "cfg")?);
    let mut values = [String::new(), String::new()];
    let mut at = (main.to_owned(), 0);
    for path in places {
        let Some(content) = files.read(&path)? else { continue };
        let settings = env::parse(files, &path, &content)?;
        if let Some(why) = settings.unread.first() {
            return Err(why.clone());
        }
        for setting in &settings.root.settings {
            let Some(which) = VARIABLES.iter().position(|name| setting.name == *name) else {
                continue;
            };
            let Some(value) = values.get_mut(which) else { continue };
            let adds = setting.value.contains(&format!("${{{}}}", setting.name))
                || setting.value.contains(&format!("${}", setting.name));
            let before = assignments(&content, &setting.name);
            if adds && before > 1 {
                return Err(made_by_a_shell(setting));
            }
            *value = expanded(setting, value)?;
            at = (path.clone(), setting.at.line);
        }
    }
    Ok(vec![Entry::new(FILE, &at.0, at.1, &values.join(" "))])
}

/// A value that may add to the one before it: `"$GRUB_CMDLINE_LINUX quiet"`.
fn expanded(setting: &Setting, before: &str) -> Fact<String> {
    let value = setting.value.as_str();
    let own = [format!("${{{}}}", setting.name), format!("${}", setting.name)];
    let value = own.iter().fold(value.to_owned(), |value, name| value.replace(name, before));
    if value.contains(['$', '`']) {
        return Err(made_by_a_shell(setting));
    }
    Ok(value)
}

/// How often a file assigns to a variable: the reader of such files keeps the last one.
fn assignments(content: &[u8], name: &str) -> usize {
    let text = String::from_utf8_lossy(content);
    let assigns = |line: &&str| {
        let line = line.trim_start().trim_start_matches("export ");
        line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['=', '+']))
    };
    text.lines().filter(assigns).count()
}

fn made_by_a_shell(setting: &Setting) -> Unknown {
    let why = format!("the value of {} is made by a shell", setting.name);
    Unknown::new(text::path(&setting.at.file), Cause::Unsupported(why))
}
