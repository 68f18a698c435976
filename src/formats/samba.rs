//! Samba: `[global]` and shares, names without regard to case and white space, the last value wins.
//!
//! A parameter has synonyms, some with the opposite meaning (`writeable` is the inverse of `read
//! only`): each is there under all its names, whichever the file uses. A share takes what it does not
//! say from `[global]`, where that is a parameter of services. smb.conf(5), `lib/param/param_table.c`
//! and `loadparm.c`.

use super::include::Includes;
use super::limits::Budget;
use super::sections::Sections;
use super::sets::Between;
use super::table::{Row, Table};
use super::{Format, last};
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::Path;

/// The configuration of Samba.
pub const FORMAT: Format = Format {
    name: "samba",
    doc: "smb.conf(5): sections; synonyms and their inverses are one parameter; the last value wins; \
          shares take what they do not say from `[global]`; `include`.",
    recognises: |path| path.file_name().is_some_and(|name| name == "smb.conf"),
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

/// `set_boolean()` of `lib/util/util_str.c`.
static FLAG: Words = Words::of(&[&["yes", "true", "1", "on"], &["no", "false", "0", "off"]]);
const FLAGS: Kind = Kind::Words(&FLAG);

/// Words that mean the same, in any case.
static OTHERS: Words =
    Words::among_others(&[&["yes", "true", "1", "on"], &["no", "false", "0", "off"]]);
static SIGNING: Words = Words::of(&[
    &["default"],
    &["auto", "if_required", "if required"],
    &["disabled", "no", "false", "off", "0"],
    &["mandatory", "required", "force", "forced", "enforced"],
    &["desired"],
    &["yes", "true", "on", "1"],
]);
static GUEST: Words = Words::of(&[&["never"], &["bad user"], &["bad password"], &["bad uid"]]);

/// smb.conf(5), as far as the default has been the same in all of 4.11 to 4.21.
static TABLE: Table = Table {
    rows: &[
        Row::new("allow insecure wide links", FLAGS).or("no"),
        Row::new("available", FLAGS).or("yes"),
        Row::new("browseable", FLAGS).or("yes"),
        Row::new("create mask", Kind::Octal).or("0744"),
        Row::new("directory mask", Kind::Octal).or("0755"),
        Row::new("disable netbios", FLAGS).or("no"),
        Row::new("follow symlinks", FLAGS).or("yes"),
        Row::new("force create mode", Kind::Octal).or("0000"),
        Row::new("force directory mode", Kind::Octal).or("0000"),
        Row::new("guest account", Kind::Text).or("nobody"),
        Row::new("guest ok", FLAGS).or("no"),
        Row::new("guest only", FLAGS).or("no"),
        Row::new("hide dot files", FLAGS).or("yes"),
        Row::new("hosts allow", Kind::AnyCase).set(Between::Space),
        Row::new("hosts deny", Kind::AnyCase).set(Between::Space),
        Row::new("interfaces", Kind::AnyCase).set(Between::Space),
        Row::new("invalid users", Kind::AnyCase).set(Between::Space),
        Row::new("lanman auth", FLAGS).or("no"),
        Row::new("load printers", FLAGS).or("yes"),
        Row::new("log level", Kind::Open),
        Row::new("map to guest", Kind::Words(&GUEST)).or("never"),
        Row::new("max log size", Kind::Number).or("5000").without_limit(Special::ZeroIsNoLimit),
        Row::new("null passwords", FLAGS).or("no"),
        Row::new("obey pam restrictions", FLAGS).or("no"),
        Row::new("path", Kind::Text),
        Row::new("printable", FLAGS).or("no"),
        Row::new("read only", FLAGS).or("yes"),
        Row::new("restrict anonymous", Kind::Number).or("0"),
        Row::new("server signing", Kind::Words(&SIGNING)).or("default"),
        Row::new("usershare allow guests", FLAGS).or("no"),
        Row::new("valid users", Kind::AnyCase).set(Between::Space),
        Row::new("wide links", FLAGS).or("no"),
        Row::new("write list", Kind::AnyCase).set(Between::Space),
    ],
    others: Kind::Words(&OTHERS),
    any_case: true,
};

/// Names of one parameter, the first of which is the one that Samba shows (`testparm`).
const SYNONYMS: &[&[&str]] = &[
    &["browseable", "browsable"],
    &["create mask", "create mode"],
    &["directory mask", "directory mode"],
    &["force group", "group"],
    &["guest ok", "public"],
    &["guest only", "only guest"],
    &["hosts allow", "allow hosts"],
    &["hosts deny", "deny hosts"],
    &["log level", "debuglevel"],
    &["min receivefile size"],
    &["path", "directory"],
    &["preexec", "exec"],
    &["printable", "print ok"],
    &["printer name", "printer"],
    &["read only"],
    &["server min protocol", "min protocol"],
    &["server max protocol", "max protocol", "protocol"],
    &["server smb encrypt", "smb encrypt"],
    &["username", "user", "users"],
    &["max smbd processes"],
    &["vfs objects", "vfs object"],
    &["dos charset"],
];

/// Names that mean the opposite of a parameter.
const INVERSES: &[(&str, &[&str])] = &[("read only", &["writeable", "writable", "write ok"])];

/// Parameters of `[global]` that no share takes from it (`P_GLOBAL`) are asked there alone; these are
/// the ones of services (`P_LOCAL`) that are known here.
const OF_SERVICES: &[&str] = &[
    "available",
    "browseable",
    "create mask",
    "directory mask",
    "follow symlinks",
    "force create mode",
    "force directory mode",
    "force group",
    "force user",
    "guest ok",
    "guest only",
    "hide dot files",
    "hosts allow",
    "hosts deny",
    "invalid users",
    "printable",
    "read only",
    "server smb encrypt",
    "valid users",
    "vfs objects",
    "wide links",
    "write list",
];

/// Parses a configuration and what it includes.
///
/// # Errors
/// When a bound is met. What cannot be read is told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        sections: Sections::new(path),
    };
    reader.read(path, content, 0)?;
    let mut root = reader.sections.finish();
    for block in &mut root.blocks {
        let said = std::mem::take(&mut block.settings);
        block.settings = last::in_force(said, |setting| Some(setting.name.clone()));
    }
    take_from_global(&mut root, &mut reader.budget, path)?;
    for block in &mut root.blocks {
        let all: Vec<Setting> =
            block.settings.drain(..).flat_map(|one| by_all_names(&one)).collect();
        block.settings = all;
    }
    let Includes { read, unread, .. } = reader.includes;
    Ok(Settings { root, files: read, unread, ignore_case: true, ..Settings::default() })
}

/// What a share does not say itself holds as `[global]` says it.
fn take_from_global(root: &mut Block, budget: &mut Budget, path: &Path) -> Fact<()> {
    let is_global = |block: &&Block| block.name.eq_ignore_ascii_case("global");
    let Some(global) = root.blocks.iter().find(is_global).cloned() else { return Ok(()) };
    let passed: Vec<Setting> = global
        .settings
        .into_iter()
        .filter(|setting| OF_SERVICES.contains(&setting.name.as_str()))
        .collect();
    for share in root.blocks.iter_mut().filter(|block| !is_global(&&**block)) {
        for setting in &passed {
            if !share.settings.iter().any(|own| own.name == setting.name) {
                budget.take(path)?;
                share.settings.push(setting.clone());
            }
        }
    }
    Ok(())
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    sections: Sections,
}

impl Reader<'_> {
    /// `tini_parse()` of `lib/util/tini.c`.
    fn read(&mut self, path: &Path, content: &[u8], depth: usize) -> Fact<()> {
        let text = String::from_utf8_lossy(content);
        let mut lines = (1_u32..).zip(text.lines());
        while let Some((line, first)) = lines.next() {
            let mut whole = first.trim().to_owned();
            if whole.is_empty() || whole.starts_with(['#', ';']) {
                continue;
            }
            while whole.ends_with('\\') {
                whole.pop();
                let Some((_, more)) = lines.next() else { break };
                whole.push_str(more.trim());
            }
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line };
            if let Some((name, _)) = whole.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                self.sections.open(name.trim(), "", at, str::to_lowercase);
                continue;
            }
            let Some((name, value)) = whole.split_once('=') else { continue };
            let (name, value) = (plain(name), value.trim().to_owned());
            if name == "include" {
                self.include(&value, depth)?;
                continue;
            }
            if matches!(name.as_str(), "copy" | "config file" | "config backend") {
                let cause = Cause::Unsupported(format!("{name} = {value} is not followed"));
                self.includes.unread.push(Unknown::new(at.to_string(), cause));
            }
            self.sections.push(canonical(&name, value, at));
        }
        Ok(())
    }

    fn include(&mut self, name: &str, depth: usize) -> Fact<()> {
        if name.contains('%') || name == "registry" || depth > 4 {
            let cause = Cause::Unsupported("an include that cannot be resolved".into());
            self.includes.unread.push(Unknown::new(name, cause));
            return Ok(());
        }
        // Samba goes on without a file that is not there.
        if let Some(content) = self.includes.open(Path::new(name), None) {
            self.read(Path::new(name), &content, depth + 1)?;
        }
        Ok(())
    }
}

/// A name in lower case, one space between its words.
fn plain(name: &str) -> String {
    name.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `set_boolean()`.
fn boolean(value: &str) -> Option<bool> {
    match FLAG.canonical(value)? {
        "yes" => Some(true),
        _ => Some(false),
    }
}

fn inverse(value: &str) -> String {
    match boolean(value) {
        Some(true) => "no".into(),
        Some(false) => "yes".into(),
        None => value.to_owned(),
    }
}

/// The parameter that a line sets, by the name that Samba shows. White space in names does not count:
/// `strwicmp()`.
fn canonical(name: &str, value: String, at: Location) -> Setting {
    let bare = |text: &str| text.replace(' ', "");
    let same = |known: &str| bare(known) == bare(name);
    let also = Vec::new();
    if let Some((name, _)) = INVERSES.iter().find(|(_, names)| names.iter().any(|n| same(n))) {
        let (name, value) = ((*name).to_owned(), inverse(&value));
        return Setting { name, value, also, at };
    }
    let group = SYNONYMS.iter().find(|group| group.iter().any(|name| same(name)));
    let known = group.and_then(|group| group.first()).copied();
    let known = known.or_else(|| TABLE.rows.iter().map(|row| row.name).find(|name| same(name)));
    Setting { name: known.unwrap_or(name).to_owned(), value, also, at }
}

/// A parameter under each of its names.
fn by_all_names(setting: &Setting) -> Vec<Setting> {
    let named = |name: &str, value: String| Setting {
        name: name.to_owned(),
        value,
        also: Vec::new(),
        at: setting.at.clone(),
    };
    let is = |name: &str| name == setting.name;
    let group = SYNONYMS.iter().find(|group| group.first().is_some_and(|name| is(name)));
    let others = group.into_iter().flat_map(|group| group.iter().skip(1));
    let others = others.map(|name| named(name, setting.value.clone()));
    let opposite = INVERSES.iter().filter(|(name, _)| is(name)).flat_map(|(_, names)| *names);
    let opposite = opposite.map(|name| named(name, inverse(&setting.value)));
    std::iter::once(setting.clone()).chain(others).chain(opposite).collect()
}
