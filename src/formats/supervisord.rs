//! supervisord: sections of options, the last value wins, and `[include]` names further files.
//!
//! As Python's `RawConfigParser` reads it in supervisor's `UnhosedConfigParser`: names in lower
//! case, indented lines go on, a comment may follow white space. Sections of one name are one. The
//! kind of a section is its name and what follows the colon its label, so `program.user` asks for
//! the user of every program. `%(here)s` is resolved, `%(ENV_X)s` stays as it is written.

use super::include::Includes;
use super::limits::{Budget, malformed};
use super::{Format, last};
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::Path;

/// The configuration of supervisord.
pub const FORMAT: Format = Format {
    name: "supervisord",
    doc: "supervisord.conf: sections, `program.user` is that of every program; the last value wins; \
          files of `[include]`.",
    recognises,
    parse,
    also: |_, _| Vec::new(),
    default,
    kind,
    special,
    table: None,
    blocks: &[],
};

fn recognises(path: &Path) -> bool {
    let inside = |wanted: &str| path.components().any(|part| part.as_os_str() == wanted);
    let extension = path.extension().and_then(|extension| extension.to_str());
    path.file_name().is_some_and(|name| name == "supervisord.conf")
        || inside("supervisor") && extension == Some("conf")
        || inside("supervisord.d") && matches!(extension, Some("conf" | "ini"))
}

/// Documented constants of <http://supervisord.org/configuration.html>.
fn default(path: &str) -> Option<&'static str> {
    Some(match path {
        "program.autorestart" => "unexpected",
        "program.autostart" => "true",
        "program.startretries" => "3",
        "program.startsecs" => "1",
        "supervisord.minfds" => "1024",
        "supervisord.umask" => "022",
        "unix_http_server.chmod" => "0700",
        _ => return None,
    })
}

/// `boolean()` of supervisor's `datatypes.py`.
static FLAG: Words = Words::of(&[&["true", "yes", "on", "1"], &["false", "no", "off", "0"]]);
static RESTART: Words =
    Words::of(&[&["true", "yes", "on", "1"], &["false", "no", "off", "0"], &["unexpected"]]);

fn kind(path: &str) -> Kind {
    match path.rsplit('.').next().unwrap_or_default() {
        "startsecs" | "stopwaitsecs" => Kind::SECONDS,
        "umask" | "chmod" => Kind::Octal,
        name if name.ends_with("_maxbytes") => Kind::BYTES,
        "minfds" | "minprocs" | "numprocs" | "priority" | "startretries" => Kind::Number,
        "autorestart" => Kind::Words(&RESTART),
        "autostart" | "nodaemon" | "redirect_stderr" | "killasgroup" | "stopasgroup" => {
            Kind::Words(&FLAG)
        }
        "command" | "user" => Kind::Text,
        _ => Kind::Open,
    }
}

/// A log file of at most 0 bytes is never rotated.
fn special(path: &str) -> Special {
    match path.ends_with("logfile_maxbytes") {
        true => Special::ZeroIsNoLimit,
        false => Special::None,
    }
}

/// Parses a configuration and what it includes.
///
/// # Errors
/// Where supervisord would refuse a line, or a bound is met. What cannot be read is told in
/// [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        root: Block::root(path),
        known: BTreeMap::new(),
    };
    reader.read(path, content)?;
    reader.include(path)?;
    let mut root = reader.root;
    // These are programs too, that supervisord starts under the name of another section.
    let started = ["fcgi-program", "eventlistener"];
    let also: Vec<Block> =
        root.blocks.iter().filter(|b| started.contains(&b.name.as_str())).cloned().collect();
    root.blocks.extend(also.into_iter().map(|block| Block { name: "program".into(), ..block }));
    for block in &mut root.blocks {
        let said = std::mem::take(&mut block.settings);
        block.settings = last::in_force(said, |setting| Some(setting.name.clone()));
    }
    let Includes { read, mut unread, .. } = reader.includes;
    if root.blocks.iter().any(|block| block.name == "DEFAULT") {
        let cause = Cause::Unsupported("a [DEFAULT] section, which changes all others".into());
        unread.push(Unknown::new(path.display().to_string(), cause));
    }
    Ok(Settings {
        root,
        files: read,
        unread,
        inherits: false,
        ignore_case: false,
        ..Settings::default()
    })
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    root: Block,
    /// Where the sections are, by their whole names.
    known: BTreeMap<String, usize>,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, content: &[u8]) -> Fact<()> {
        let text = std::str::from_utf8(content)
            .map_err(|_| malformed(path, 0, "not UTF-8, which supervisord would refuse"))?;
        let here = path.parent().unwrap_or(Path::new("/")).display().to_string();
        let mut section: Option<usize> = None;
        let mut indent = 0;
        // Whether an option is open that an indented line could go on.
        let mut open = false;
        for (line, raw) in (1_u32..).zip(text.lines()) {
            let value = uncommented(raw).trim();
            if value.is_empty() {
                continue;
            }
            self.budget.take(path)?;
            let refused = |why: &str| malformed(path, line, why);
            let own = raw.len() - raw.trim_start().len();
            let block = section.and_then(|index| self.root.blocks.get_mut(index));
            if open && own > indent {
                if let Some(last) = block.and_then(|block| block.settings.last_mut()) {
                    last.value.push(' ');
                    last.value.push_str(&value.replace("%(here)s", &here));
                }
                continue;
            }
            indent = own;
            let at = Location { file: path.to_path_buf(), line };
            if let Some(header) = value.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
                section = Some(self.section(header.0, at));
                open = false;
                continue;
            }
            let block = block.ok_or_else(|| refused("an option outside of all sections"))?;
            let (name, value) = value
                .split_once(['=', ':'])
                .ok_or_else(|| refused("neither [ ] nor name=value"))?;
            let name = name.trim().to_lowercase();
            if name.is_empty() {
                return Err(refused("a value without a name"));
            }
            let value = value.trim().replace("%(here)s", &here);
            let also = flag(&value).filter(|flag| *flag != value);
            let also = also.map(str::to_owned).into_iter().collect();
            block.settings.push(Setting { name, value, also, at });
            open = true;
        }
        Ok(())
    }

    /// The place of a section.
    fn section(&mut self, header: &str, at: Location) -> usize {
        let blocks = &mut self.root.blocks;
        *self.known.entry(header.to_owned()).or_insert_with(|| {
            let (name, label) = header.split_once(':').unwrap_or((header, ""));
            blocks.push(Block::new(name, label, at));
            blocks.len() - 1
        })
    }

    /// Reads what `[include]` of the main file names; in other files it means nothing.
    fn include(&mut self, main: &Path) -> Fact<()> {
        let own = main.parent().unwrap_or(Path::new("/"));
        let index = self.known.get("include");
        let files = index
            .and_then(|index| self.root.blocks.get(*index))
            .and_then(|block| block.settings.iter().rev().find(|s| s.name == "files"));
        let patterns = files.map(|setting| setting.value.clone()).unwrap_or_default();
        for pattern in patterns.split_whitespace() {
            if pattern.contains("%(") {
                let cause = Cause::Unsupported("an include that cannot be resolved".into());
                self.includes.unread.push(Unknown::new(pattern, cause));
                continue;
            }
            for path in self.includes.expand(&own.join(pattern).to_string_lossy()) {
                let missing = Some("an included file that does not exist");
                if let Some(content) = self.includes.open(&path, missing) {
                    self.read(&path, &content)?;
                }
            }
        }
        Ok(())
    }
}

/// A line without its comment, which begins the line or follows white space.
fn uncommented(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if matches!(c, '#' | ';') && before.is_whitespace() {
            return line.get(..at).unwrap_or_default();
        }
        before = c;
    }
    line
}

/// `boolean()` of supervisor's `datatypes.py`; a number is left to be one.
fn flag(value: &str) -> Option<&'static str> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some("true"),
        "false" | "no" | "off" => Some("false"),
        _ => None,
    }
}
