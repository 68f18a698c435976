//! apache: sections, includes, conditions and variables.
//!
//! A path names the sections as apache does: `VirtualHost.Directory.AllowOverride`; what stands
//! behind the name is the label. `<IfModule>`, `<IfDefine>` and `<IfFile>` are decided as apache
//! decides them, and what they hold belongs to the section around them. `${NAME}` is resolved from
//! `Define` and from `envvars`. Of a directive that takes one value the last in a section wins, of
//! sections for the same directory likewise, and a virtual host takes it from the main server where
//! it has none; of all others every value counts. `Listen.port` and `Listen.address` are the parts
//! of every `Listen`.
//!
//! What cannot be decided leaves a gap: variables from nowhere, `<IfVersion>`, macros, and
//! conditions in a part (`sites-enabled/x.conf`) that is read without the main configuration.

mod line;
mod listen;
mod modules;
mod names;
mod section;
mod variables;

use super::include::Includes;
use super::limits::{Budget, malformed, too_large};
use super::{Format, glob3, last_word};
use crate::facts::settings::{Block, Inner, Location, Setting, Settings, Undecided};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use modules::Modules;
use section::Kind;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use variables::Variables;

/// The configuration of apache 2.4.
pub const FORMAT: Format = Format {
    name: "apache",
    doc: "apache2.conf, httpd.conf: sections, Include, IfModule and IfDefine decided, `${NAME}` from \
          Define and envvars; the last value wins where a directive takes one; virtual hosts take \
          it from the main server; `Listen.port` and `Listen.address` are parts of every `Listen`.",
    recognises,
    parse,
    also: |path, text| names::spellings(last_word(path), text),
    default: names::default,
    kind: names::kind,
    special: names::special,
    table: None,
    blocks: &[],
};

/// `AP_MAX_INCLUDE_DEPTH` and `AP_MAX_INCLUDE_DIR_DEPTH` of apache.
const INCLUDE_DEPTH: usize = 20;

fn recognises(path: &Path) -> bool {
    let inside = |wanted: &str| path.components().any(|part| part.as_os_str() == wanted);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    is_main(path) || (inside("apache2") || inside("httpd")) && name.ends_with(".conf")
}

/// Whether this file is what apache starts with, so that what it does not say is not said.
fn is_main(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "apache2.conf" || name == "httpd.conf")
}

/// Whether the file stands where those are that the main configuration includes.
fn is_part(path: &Path) -> bool {
    const DIRECTORIES: [&str; 9] = [
        "conf-available",
        "conf-enabled",
        "conf.d",
        "conf.modules.d",
        "extra",
        "mods-available",
        "mods-enabled",
        "sites-available",
        "sites-enabled",
    ];
    let parent = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    !is_main(path) && parent.is_some_and(|name| DIRECTORIES.contains(&name))
}

/// Parses a main configuration, or a part of one that `Include` would read.
///
/// # Errors
/// Where apache would refuse a file's syntax, or a bound is met. What cannot be read or decided is
/// told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut includes = Includes::new(files, path);
    let root = server_root(path);
    let mut reader = Reader {
        files,
        variables: Variables::of(files, &root, &mut includes.unread),
        includes,
        root,
        main: is_main(path),
        modules: Modules::default(),
        budget: Budget::default(),
        undecided: BTreeSet::new(),
        settings: Vec::new(),
    };
    let mut block = Block::root(path);
    reader.read_file(path, content, &mut block, 0, 0)?;
    section::finish(&mut block, &mut reader.budget, path)?;
    let Includes { read, mut unread, .. } = reader.includes;
    let variables = reader.variables.unknown.iter().map(|name| format!("the value of ${{{name}}}"));
    unread.extend(variables.chain(reader.undecided).map(|what| {
        Unknown::new(path.display().to_string(), Cause::Unsupported(format!("{what} is not known")))
    }));
    Ok(Settings {
        root: block,
        files: read,
        unread,
        ignore_case: true,
        inner: Inner::Apache,
        things: true,
        part: is_part(path),
        undecided: reader.settings,
        ..Settings::default()
    })
}

/// The directory that relative names belong to until `ServerRoot` says so: that of the main
/// configuration, of which Debian's distinguishes parts by directory.
fn server_root(path: &Path) -> PathBuf {
    let own = path.parent().unwrap_or(Path::new("/"));
    let named = |dir: &&Path| {
        dir.file_name()
            .is_some_and(|name| name == "httpd" || name.to_string_lossy().starts_with("apache2"))
    };
    let root = if is_main(path) && !own.ends_with("conf") {
        own
    } else {
        own.ancestors().find(named).unwrap_or(own)
    };
    root.to_path_buf()
}

struct Reader<'a> {
    files: &'a dyn Files,
    includes: Includes<'a>,
    variables: Variables,
    modules: Modules,
    root: PathBuf,
    main: bool,
    budget: Budget,
    /// Conditions that could not be decided.
    undecided: BTreeSet<String>,
    /// Settings that cannot be told because of one.
    settings: Vec<Undecided>,
}

/// A section that is open: its name, and the block for what it holds unless it is a condition.
struct Open {
    name: String,
    block: Option<Block>,
    /// What it holds is passed over.
    skip: bool,
    /// Why it is not known whether it holds.
    undecided: Option<String>,
}

impl Reader<'_> {
    /// Reads a file into the block that includes it; `chain` counts includes, `depth` sections.
    fn read_file(
        &mut self,
        path: &Path,
        content: &[u8],
        into: &mut Block,
        chain: usize,
        depth: usize,
    ) -> Fact<()> {
        let mut open: Vec<Open> = Vec::new();
        for (line, text) in line::lines(content) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let refused = |why: &str| malformed(path, line, why);
            if text.contains('\0') {
                return Err(refused("a NUL byte"));
            }
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line };
            let (name, rest) = line::word(&text);
            if let Some(closed) = name.strip_prefix("</") {
                let closed = closed.strip_suffix('>').unwrap_or(closed);
                let Some(last) = open.pop().filter(|o| o.name.eq_ignore_ascii_case(closed)) else {
                    return Err(refused("the end of a section that is not open"));
                };
                if let Some(block) = last.block.filter(|_| !last.skip) {
                    target(into, &mut open).blocks.push(block);
                }
                continue;
            }
            let skip = open.last().is_some_and(|last| last.skip);
            let resolved = if skip { Ok(rest.to_owned()) } else { self.variables.resolve(rest) };
            let arguments = resolved.map_err(refused)?;
            if let Some(section) = name.strip_prefix('<') {
                // A section without arguments may stand in one word: `<RequireAll>`.
                let (section, glued) = match section.strip_suffix('>') {
                    Some(section) => (section, true),
                    None => (section, false),
                };
                let inner = arguments.trim_end().strip_suffix('>');
                let Some(inner) = inner.or(glued.then_some("")) else {
                    return Err(refused("a section whose first line does not end in >"));
                };
                self.budget.depth(path, depth + open.len() + 1)?;
                open.push(self.open(section, inner, at, skip));
                continue;
            }
            if skip {
                continue;
            }
            let words = line::words(&arguments);
            self.directive(&name, &words)?;
            let whole = words.join(" ");
            let inner = depth + open.len();
            self.touched(&name, &whole, open.iter().find_map(|open| open.undecided.as_ref()));
            let block = target(into, &mut open);
            let also = names::spellings(&name, &whole);
            block.settings.push(Setting { name: name.clone(), value: whole, also, at });
            if name.eq_ignore_ascii_case("Include") || name.eq_ignore_ascii_case("IncludeOptional")
            {
                let [wanted] = words.as_slice() else {
                    return Err(refused("Include takes one file name"));
                };
                let optional = name.len() > "Include".len();
                self.include(wanted, optional, block, chain, inner)?;
            }
        }
        match open.pop() {
            None => Ok(()),
            Some(last) => {
                Err(malformed(path, 0, format!("<{}> is not closed in this file", last.name)))
            }
        }
    }

    /// What apache does with some directives while it reads.
    fn directive(&mut self, name: &str, words: &[String]) -> Fact<()> {
        match (name.to_ascii_lowercase().as_str(), words) {
            ("define", [name]) => self.variables.define(name, None),
            ("define", [name, value]) => self.variables.define(name, Some(value.clone())),
            ("undefine", [name]) => self.variables.undefine(name),
            ("loadmodule", [identifier, file]) => self.modules.load(identifier, file),
            ("serverroot", [directory]) => self.root = PathBuf::from(directory),
            ("use", _) => {
                self.undecided.insert("what a macro (Use) stands for".into());
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes note of a directive whose value, or whether it is in force, is not known. What others
    /// do with it cannot be told of those that decide about other directives.
    fn touched(&mut self, name: &str, value: &str, condition: Option<&String>) {
        let unknown = std::mem::take(&mut self.variables.unknown);
        let variable = unknown
            .iter()
            .find(|variable| value.contains(&format!("${{{variable}}}")))
            .map(|variable| format!("the value of ${{{variable}}}"));
        let Some(what) = condition.cloned().or(variable) else {
            self.variables.unknown.extend(unknown);
            return;
        };
        const DECIDES: [&str; 7] =
            ["define", "include", "includeoptional", "loadmodule", "serverroot", "undefine", "use"];
        if DECIDES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            self.undecided.insert(what);
            return;
        }
        let why = Unknown::new(name, Cause::Unsupported(format!("{what} is not known")));
        self.settings.push(Undecided { name: name.to_owned(), why, adds: false });
    }

    fn open(&mut self, name: &str, arguments: &str, at: Location, skip: bool) -> Open {
        let words = line::words(arguments);
        let label = words.join(" ");
        let name = name.to_owned();
        if skip {
            return Open { name, block: None, skip, undecided: None };
        }
        let holds = match section::kind(&name) {
            Kind::Section => {
                let block = Some(Block::new(&name, label, at));
                return Open { name, block, skip, undecided: None };
            }
            Kind::Macro => Some(false),
            Kind::Version => section::version_holds(&label),
            kind => {
                let (negated, wanted) = match label.strip_prefix('!') {
                    Some(wanted) => (true, wanted.trim()),
                    None => (false, label.as_str()),
                };
                let found = match kind {
                    Kind::Module => self.modules.has(wanted),
                    Kind::Define => self.variables.is_defined(wanted),
                    _ => match self.files.file(&self.root.join(wanted)) {
                        Ok(found) => found.is_some(),
                        Err(why) => {
                            self.includes.unread.push(why);
                            true
                        }
                    },
                };
                // In a part, what is not found may be loaded or defined elsewhere.
                let known = found || self.main || matches!(kind, Kind::File);
                known.then_some(found != negated)
            }
        };
        let undecided = holds.is_none().then(|| format!("whether <{name} {label}> holds"));
        Open { name, block: None, skip: holds == Some(false), undecided }
    }

    fn include(
        &mut self,
        name: &str,
        optional: bool,
        into: &mut Block,
        chain: usize,
        depth: usize,
    ) -> Fact<()> {
        let full = self.root.join(name);
        if name.contains("${") || name.contains('\u{fffd}') {
            let cause = Cause::Unsupported("an Include that cannot be resolved".into());
            self.includes.unread.push(Unknown::new(name, cause));
            return Ok(());
        }
        if !glob3::is_pattern(name) {
            return self.include_path(&full, optional, into, chain, depth);
        }
        let before = self.includes.unread.len();
        let paths = self.includes.expand(&full.to_string_lossy());
        if paths.is_empty() && !optional && self.includes.unread.len() == before {
            let cause = Cause::Malformed("apache would not start: Include matches nothing".into());
            self.includes.unread.push(Unknown::new(full.display().to_string(), cause));
        }
        for path in paths {
            self.include_path(&path, false, into, chain, depth)?;
        }
        Ok(())
    }

    /// Includes a file, or all that a directory holds.
    fn include_path(
        &mut self,
        path: &Path,
        optional: bool,
        into: &mut Block,
        chain: usize,
        depth: usize,
    ) -> Fact<()> {
        if chain >= INCLUDE_DEPTH {
            let limit = format!("included more than {INCLUDE_DEPTH} files deep");
            self.includes.unread.push(too_large(path, limit));
            return Ok(());
        }
        if let Ok(Some(names)) = self.files.list(path) {
            for name in names.iter() {
                self.budget.take(path)?;
                self.include_path(&path.join(name), false, into, chain + 1, depth)?;
            }
            return Ok(());
        }
        let missing = "apache would not start: this included file does not exist";
        match self.includes.open(path, (!optional).then_some(missing)) {
            Some(content) => self.read_file(path, &content, into, chain + 1, depth),
            None => Ok(()),
        }
    }
}

/// The block that a line belongs to: the innermost section that is no condition.
fn target<'a>(into: &'a mut Block, open: &'a mut [Open]) -> &'a mut Block {
    open.iter_mut().rev().find_map(|open| open.block.as_mut()).unwrap_or(into)
}
