//! MySQL and MariaDB: groups of options, the last value wins whatever file it stands in.
//!
//! `-` and `_` are the same in names, so an option answers to both. A server reads several groups
//! (`[mysqld]`, `[server]`, `[mariadb]`, `[mysqld-10.11]` and so on), which of them depends on the
//! program: `mysqld.bind-address` is answered with the last value of `[mysqld]` and `[server]`, and
//! with that of each other group that a server may read. A file that everybody may write is ignored
//! by the server. `my_default.c` and `my_default.cc` of the sources.

use super::include::Includes;
use super::limits::{Budget, malformed, too_large};
use super::{Format, last};
use crate::facts::file::FileKind;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Option files of MySQL and MariaDB.
pub const FORMAT: Format = Format {
    name: "mysql",
    doc: "my.cnf: groups, !include, !includedir; the last value wins; - and _ are the same in names; \
          `mysqld` answers for all groups that a server may read.",
    recognises,
    parse,
    also: |path, text| spellings(path, text),
    default,
    kind,
    special,
    table: None,
    blocks: &[],
};

/// `max_recursion_level` of the sources.
const INCLUDE_DEPTH: usize = 10;

fn recognises(path: &Path) -> bool {
    let named = |wanted: &str| path.file_name().is_some_and(|name| name == wanted);
    let inside = |wanted: &str| path.components().any(|part| part.as_os_str() == wanted);
    named("my.cnf")
        || named("mariadb.cnf")
        || path.extension().is_some_and(|extension| extension == "cnf")
            && (inside("mysql") || inside("my.cnf.d"))
}

/// Documented for all versions of both.
fn default(path: &str) -> Option<&'static str> {
    let (group, name) = path.split_once('.')?;
    match (group, name.replace('_', "-").as_str()) {
        ("mysqld", "port") => Some("3306"),
        _ => None,
    }
}

/// What the documentation says of groups of names; K, M and G are factors of any number.
fn kind(path: &str) -> Kind {
    let name = path.rsplit('.').next().unwrap_or_default().replace('_', "-");
    match name.as_str() {
        "max-allowed-packet" | "thread-stack" | "key-buffer" => Kind::BYTES,
        "long-query-time" => Kind::SECONDS,
        "sql-mode" => Kind::AnyCase,
        "binlog-row-image" => Kind::Words(&ROW_IMAGE),
        name if is_name(name) => Kind::Text,
        _ if name.ends_with("-timeout") => Kind::SECONDS,
        _ if name.ends_with("-buffer-size")
            || name.ends_with("-cache-size") && name.contains("query") =>
        {
            Kind::BYTES
        }
        _ if name.starts_with("max-") && name.ends_with("-connections") => Kind::Number,
        "port" | "max-connect-errors" | "open-files-limit" => Kind::Number,
        _ => Kind::Words(&FLAG_OR_MORE),
    }
}

/// Variables whose 0 means no limit, or never, in MySQL and MariaDB.
fn special(path: &str) -> Special {
    let name = path.rsplit('.').next().unwrap_or_default().replace('_', "-");
    match name.as_str() {
        "binlog-expire-logs-seconds"
        | "default-password-lifetime"
        | "expire-logs-days"
        | "idle-readonly-transaction-timeout"
        | "idle-transaction-timeout"
        | "idle-write-transaction-timeout"
        | "max-execution-time"
        | "max-statement-time"
        | "max-user-connections" => Special::ZeroIsNoLimit,
        _ => Special::None,
    }
}

/// Whether the file stands where those are that the main one includes.
fn is_part(path: &Path) -> bool {
    path.parent().and_then(Path::file_name).is_some_and(|name| {
        ["conf.d", "mysql.conf.d", "mariadb.conf.d", "my.cnf.d"].iter().any(|known| name == *known)
    })
}

/// Parses an option file and what it includes.
///
/// # Errors
/// Where the server would refuse a line or ignore the file, or a bound is met. What cannot be read
/// is told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let includes = Includes::new(files, path);
    let mut reader = Reader {
        files,
        includes,
        budget: Budget::default(),
        groups: Vec::new(),
        known: BTreeMap::new(),
        server: BTreeMap::new(),
    };
    if let Some(why) = reader.ignored(path)? {
        return Err(why);
    }
    reader.read(path, content, 0)?;
    let mut root = Block::root(path);
    let mut server = Block::new("mysqld", "", root.at.clone());
    for mut group in reader.groups {
        let said = std::mem::take(&mut group.settings);
        group.settings = both_spellings(in_force(said));
        // What a server reads of this group is told with the rest of it.
        if group.name == "mysqld" {
            server.at = group.at;
        } else {
            root.blocks.push(group);
        }
    }
    for said in reader.server.into_values() {
        server.settings.extend(both_spellings(in_force(said)));
    }
    root.blocks.insert(0, server);
    let Includes { read, unread, .. } = reader.includes;
    Ok(Settings {
        root,
        files: read,
        unread,
        inherits: false,
        ignore_case: false,
        part: is_part(path),
        ..Settings::default()
    })
}

/// Of a name the last value holds; of `user` the first, behind which the server warns of others.
fn in_force(said: Vec<Setting>) -> Vec<Setting> {
    let mut user = false;
    let first =
        said.into_iter().filter(|s| s.name != "user" || !std::mem::replace(&mut user, true));
    last::in_force(first.collect(), |s| Some(s.name.clone()))
}

struct Reader<'a> {
    files: &'a dyn Files,
    includes: Includes<'a>,
    budget: Budget,
    groups: Vec<Block>,
    /// Where the groups are, by their names in lower case.
    known: BTreeMap<String, usize>,
    /// What a server may read: what all do under the empty name, other groups under their own.
    server: BTreeMap<String, Vec<Setting>>,
}

impl Reader<'_> {
    /// Why a file is passed over by the server.
    fn ignored(&self, path: &Path) -> Fact<Option<Unknown>> {
        let Some(file) = self.files.file(path)? else { return Ok(None) };
        let open = file.kind == FileKind::File && file.mode.0 & 0o002 != 0;
        let cause = || Cause::Malformed("everybody may write it, so the server ignores it".into());
        Ok(open.then(|| Unknown::new(path.display().to_string(), cause())))
    }

    fn read(&mut self, path: &Path, content: &[u8], depth: usize) -> Fact<()> {
        let mut group: Option<usize> = None;
        for (line, bytes) in (1_u32..).zip(content.split(|byte| *byte == b'\n')) {
            let raw = String::from_utf8_lossy(bytes);
            let text = raw.trim_start_matches(is_space);
            if text.is_empty() || text.starts_with(['#', ';']) {
                continue;
            }
            let refused = |why: &str| malformed(path, line, why);
            if text.contains('\0') {
                return Err(refused("a NUL byte"));
            }
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line };
            if let Some(directive) = text.strip_prefix('!') {
                self.directive(directive.trim_matches(is_space), depth)?;
                continue;
            }
            if let Some(header) = text.strip_prefix('[') {
                let (name, _) =
                    header.split_once(']').ok_or_else(|| refused("a group without its ]"))?;
                group = Some(self.group(name.trim_end_matches(is_space), at));
                continue;
            }
            let text = uncommented(text).trim_end_matches(is_space);
            let index = group.ok_or_else(|| refused("an option before all groups"))?;
            let Some(block) = self.groups.get_mut(index) else { continue };
            let (name, value) = match text.split_once('=') {
                Some((name, value)) => (name.trim_end_matches(is_space), Some(value)),
                None => (text, None),
            };
            let value = value.map(|value| unescape(value.trim_matches(is_space)));
            let written = name.replace('_', "-");
            let setting = Setting {
                name: written.clone(),
                also: spellings("", value.as_deref().unwrap_or("ON")),
                value: value.clone().unwrap_or_default(),
                at: at.clone(),
            };
            let setting = if value.is_none() { on(setting) } else { setting };
            // What a prefix makes of it: several options may be meant, which the server decides by
            // those that it knows.
            let meant = prefixed(&written, value.as_deref(), &at);
            let meant: Vec<Setting> = meant.into_iter().chain([setting]).collect();
            if let Some(class) = server_class(&block.name) {
                self.budget.take(path)?;
                self.server.entry(class).or_default().extend(meant.iter().cloned());
            }
            block.settings.extend(meant);
        }
        Ok(())
    }

    fn group(&mut self, name: &str, at: Location) -> usize {
        let name = name.to_ascii_lowercase();
        let groups = &mut self.groups;
        *self.known.entry(name.clone()).or_insert_with(|| {
            groups.push(Block::new(name, "", at));
            groups.len() - 1
        })
    }

    /// `!include` and `!includedir`; others the server passes over.
    fn directive(&mut self, text: &str, depth: usize) -> Fact<()> {
        let Some((word, argument)) = text.split_once(is_space) else { return Ok(()) };
        let path = Path::new(argument.trim_start_matches(is_space));
        if !matches!(word, "include" | "includedir") {
            return Ok(());
        }
        if !path.is_absolute() || argument.contains('\u{fffd}') {
            let why = "an include that depends on the directory in which the server was started";
            self.includes.unread.push(Unknown::new(argument, Cause::Unsupported(why.into())));
            return Ok(());
        }
        if word == "include" {
            return self.include(path, depth);
        }
        match self.files.list(path) {
            Ok(Some(names)) => {
                for name in names.iter().filter(|name| name.as_bytes().ends_with(b".cnf")) {
                    self.include(&path.join(name), depth)?;
                }
            }
            Ok(None) => {
                let why = "the server would not start: this directory does not exist";
                let cause = Cause::Malformed(why.into());
                self.includes.unread.push(Unknown::new(argument, cause));
            }
            Err(why) => self.includes.unread.push(why),
        }
        Ok(())
    }

    fn include(&mut self, path: &Path, depth: usize) -> Fact<()> {
        if depth >= INCLUDE_DEPTH {
            let limit = format!("included more than {INCLUDE_DEPTH} files deep");
            self.includes.unread.push(too_large(path, limit));
            return Ok(());
        }
        let Some(content) = self.includes.open(path, None) else { return Ok(()) };
        match self.ignored(path)? {
            Some(why) => self.includes.unread.push(why),
            None => self.read(path, &content, depth + 1)?,
        }
        Ok(())
    }
}

/// An option alone is on.
fn on(setting: Setting) -> Setting {
    let also = ["true", "1", "ON"].map(str::to_owned).to_vec();
    Setting { value: String::new(), also, ..setting }
}

/// What an option with a prefix sets, `my_getopt.c`: `loose-` lets an unknown one be no error,
/// `skip-` and `disable-` turn it off, `enable-` turns it on, and `maximum-` is its upper bound.
fn prefixed(name: &str, value: Option<&str>, at: &Location) -> Vec<Setting> {
    let plain = |name: &str, value: &str| Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        also: spellings("", value),
        at: at.clone(),
    };
    if let Some(rest) = name.strip_prefix("loose-") {
        let own = match value {
            Some(value) => plain(rest, value),
            None => on(plain(rest, "")),
        };
        let inner = prefixed(rest, value, at);
        return inner.into_iter().chain([own]).collect();
    }
    // `skip-networking` and the like are options of their own, and are kept as such beside.
    let off = name.strip_prefix("skip-").or_else(|| name.strip_prefix("disable-"));
    // With a value of 0 a negation is none.
    let negated = value.and_then(boolean) == Some(false);
    let word = |on: bool| if on { "ON" } else { "OFF" };
    match (off, name.strip_prefix("enable-")) {
        (Some(rest), _) => vec![plain(rest, word(negated))],
        (None, Some(rest)) => vec![plain(rest, word(!negated))],
        (None, None) => Vec::new(),
    }
}

/// `get_bool_argument()` of `my_getopt.c`.
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "on" | "true" => Some(true),
        "0" | "off" | "false" => Some(false),
        _ => None,
    }
}

/// Other spellings of a value that mean the same: a number with its factor multiplied, a flag by
/// all its words.
fn spellings(_name: &str, value: &str) -> Vec<String> {
    let mut also: Vec<String> = match boolean(value) {
        Some(true) => ["ON", "on", "1"].map(str::to_owned).to_vec(),
        Some(false) => ["OFF", "off", "0"].map(str::to_owned).to_vec(),
        None => Vec::new(),
    };
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match value.get(digits.len()..).unwrap_or_default().to_ascii_lowercase().as_str() {
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        "p" => 50,
        "e" => 60,
        _ => 0,
    };
    if shift > 0
        && let Some(number) = digits.parse::<u64>().ok().and_then(|n| n.checked_mul(1 << shift))
    {
        also.push(number.to_string());
    }
    also.retain(|spelling| spelling != value);
    also
}

/// Flags by all their words, and words of enumerations without regard to case.
static FLAG_OR_MORE: Words = Words::among_others(&[&["ON", "1", "TRUE"], &["OFF", "0", "FALSE"]]);
static ROW_IMAGE: Words =
    Words::of(&[&["MINIMAL", "0"], &["NOBLOB", "1"], &["FULL", "2"], &["FULL_NODUP", "3"]]);

/// Options whose values are names of files, accounts and the like, so that case matters.
fn is_name(name: &str) -> bool {
    matches!(
        name,
        "user"
            | "datadir"
            | "basedir"
            | "socket"
            | "tmpdir"
            | "bind-address"
            | "plugin-load-add"
            | "plugin-load"
    ) || ["-file", "-dir", "-path", "-cert", "-key", "-ca", "-crl"]
        .iter()
        .any(|end| name.ends_with(end))
}

/// Under what a server reads a group: the empty name for what every server does, its own for what
/// depends on program and version.
fn server_class(group: &str) -> Option<String> {
    let rest = |prefix: &str| group.strip_prefix(prefix).is_some_and(|r| r.starts_with('-'));
    match group {
        "mysqld" | "server" => Some(String::new()),
        "mariadb" | "mariadbd" | "client-server" | "galera" => Some(group.to_owned()),
        _ if rest("mysqld") || rest("mariadb") || rest("mariadbd") => Some(group.to_owned()),
        _ => None,
    }
}

/// Settings with `-` in their names and, where that differs, with `_` as well.
fn both_spellings(settings: Vec<Setting>) -> Vec<Setting> {
    let mut all = Vec::with_capacity(settings.len());
    for setting in settings {
        if setting.name.contains('-') {
            all.push(Setting { name: setting.name.replace('-', "_"), ..setting.clone() });
        }
        all.push(setting);
    }
    all
}

/// `isspace(3)` in the C locale.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// A line without what stands behind a `#` outside of quotes.
fn uncommented(line: &str) -> &str {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        if matches!(c, '\'' | '"') && !escaped {
            match quote {
                None => quote = Some(c),
                Some(open) if open == c => quote = None,
                Some(_) => {}
            }
        }
        if quote.is_none() && c == '#' {
            return line.get(..at).unwrap_or_default();
        }
        escaped = quote.is_some() && c == '\\' && !escaped;
    }
    line
}

/// A value without the quotes around it, its escapes resolved.
fn unescape(value: &str) -> String {
    let within = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    let inner = within('"').or_else(|| within('\'')).unwrap_or(value);
    let mut text = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('b') => text.push('\u{8}'),
            Some('s') => text.push(' '),
            Some(same @ ('"' | '\'' | '\\')) => text.push(same),
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}
