//! php-fpm: `[global]` and pools, the last value of a name wins.
//!
//! PHP's own scanner reads the files (`fpm_conf.c`), so words such as `on` are what they are in
//! `php.ini`. Each pool is a block of its name (`www.user`) and one
//! of the name `pool`, with its own as label (`pool.user` for all, `pool["www"].user`). What a pool sets of PHP
//! is a block within: `www.php_admin_value.memory_limit`. Files of `include` are read where they are
//! named; a file of a pool may be asked alone, since nothing of it stands elsewhere.

use super::include::Includes;
use super::limits::{Budget, malformed};
use super::php::scan::{Scanner, Statement};
use super::sections::Sections;
use super::table::{Row, Table};
use super::{Format, last};
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::sets::Between;
use crate::host::Files;
use std::path::Path;

/// Pools of php-fpm.
pub const FORMAT: Format = Format {
    name: "php-fpm",
    doc: "php-fpm.conf and its pools: the last value wins; `pool.user` is that of every pool, \
          `www.php_admin_value.NAME` what one sets of PHP; files of `include`.",
    recognises,
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

/// `fpm_conf_set_boolean()`: what PHP's scanner makes a 1 is on, anything else is off.
static FLAG: Words =
    Words::of(&[&["yes", "1", "on", "true"], &["no", "0", "", "off", "false", "none"]]);
static PM: Words =
    Words { groups: &[&["static"], &["dynamic"], &["ondemand"]], any_case: false, others: false };
static LEVEL: Words = Words::of(&[&["alert"], &["error"], &["warning"], &["notice"], &["debug"]]);
const FLAGS: Kind = Kind::Words(&FLAG);
const TIME: Kind = Kind::SECONDS;

/// The manual's "FastCGI Process Manager, Configuration", and `fpm_conf.c`.
static TABLE: Table = Table {
    rows: &[
        Row::new("global.daemonize", FLAGS).or("yes"),
        Row::new("global.emergency_restart_interval", TIME)
            .or("0")
            .without_limit(Special::ZeroIsNoLimit),
        Row::new("global.emergency_restart_threshold", Kind::Number)
            .or("0")
            .without_limit(Special::ZeroIsNoLimit),
        Row::new("global.log_level", Kind::Words(&LEVEL)).or("notice"),
        Row::new("global.process_control_timeout", TIME).or("0"),
        Row::new("global.process.max", Kind::Number).or("0").without_limit(Special::ZeroIsNoLimit),
        Row::new("global.rlimit_files", Kind::Number),
        Row::new("catch_workers_output", FLAGS).or("no"),
        Row::new("clear_env", FLAGS).or("yes"),
        Row::new("decorate_workers_output", FLAGS).or("yes"),
        Row::new("group", Kind::Text),
        Row::new("listen", Kind::Text),
        Row::new("listen.acl_users", Kind::Text).set(Between::Comma),
        Row::new("listen.acl_groups", Kind::Text).set(Between::Comma),
        Row::new("listen.allowed_clients", Kind::Text).set(Between::Comma),
        Row::new("listen.group", Kind::Text),
        Row::new("listen.mode", Kind::Octal).or("0660"),
        Row::new("listen.owner", Kind::Text),
        Row::new("pm", Kind::Words(&PM)),
        Row::new("pm.max_children", Kind::Number),
        Row::new("pm.max_requests", Kind::Number).or("0").without_limit(Special::ZeroIsNoLimit),
        Row::new("pm.process_idle_timeout", TIME).or("10s"),
        Row::new("pm.status_path", Kind::Text),
        Row::new("process.dumpable", FLAGS).or("no"),
        Row::new("request_slowlog_timeout", TIME).or("0").without_limit(Special::ZeroIsNoLimit),
        Row::new("request_terminate_timeout", TIME).or("0").without_limit(Special::ZeroIsNoLimit),
        Row::new("rlimit_core", Kind::Text),
        Row::new("rlimit_files", Kind::Number),
        Row::new("security.limit_extensions", Kind::Text).or(".php .phar").set(Between::Space),
        Row::new("user", Kind::Text),
    ],
    others: Kind::Words(&OTHERS),
    any_case: false,
};
static OTHERS: Words =
    Words::among_others(&[&["1", "on", "yes", "true"], &["", "0", "off", "no", "false", "none"]]);

/// Files within files that php-fpm takes, `fpm_conf_load_ini_file()`.
const INCLUDE_DEPTH: usize = 4;

/// Whether a path is that of php-fpm's configuration or of a pool.
pub fn recognises(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let fpm = |part: &str| part.contains("php-fpm") || part == "fpm";
    let conf = path.extension().is_some_and(|extension| extension == "conf");
    let folders = || path.components().filter_map(|part| part.as_os_str().to_str());
    let named = |wanted: &str| folders().any(|part| part == wanted);
    conf && (name.starts_with("php-fpm")
        || named("php-fpm.d")
        || named("pool.d") && folders().any(fpm))
}

/// Parses the configuration and the pools that it includes, or a pool alone.
///
/// # Errors
/// Where php-fpm would refuse a line's syntax, or a bound is met.
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        sections: Sections::new(path),
    };
    reader.read(path, content, 0)?;
    let mut root = reader.sections.finish();
    for block in &mut root.blocks {
        in_force(block);
        block.blocks.iter_mut().for_each(in_force);
    }
    let is_pool = |block: &&Block| block.name != "global";
    let pools: Vec<Block> = root.blocks.iter().filter(is_pool).cloned().collect();
    root.blocks.extend(pools.into_iter().map(|pool| {
        let label = pool.name.clone();
        Block { name: "pool".into(), label, ..pool }
    }));
    let Includes { read, unread, .. } = reader.includes;
    Ok(Settings { root, files: read, unread, ..Settings::default() })
}

fn in_force(block: &mut Block) {
    let said = std::mem::take(&mut block.settings);
    block.settings = last::in_force(said, |setting| Some(setting.name.clone()));
}

/// Names that take a name of their own in brackets.
const OF_PHP: [&str; 5] = ["env", "php_admin_flag", "php_admin_value", "php_flag", "php_value"];

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    sections: Sections,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, content: &[u8], depth: usize) -> Fact<()> {
        let fold = str::to_owned;
        let at = |line| Location { file: path.to_path_buf(), line };
        let mut opened = depth > 0;
        let mut scanner = Scanner::new(content);
        loop {
            let next = scanner.next(&|_| None);
            let (line, statement) = next.map_err(|error| malformed(path, error.line, error.why))?;
            self.budget.take(path)?;
            match statement {
                Statement::End => return Ok(()),
                Statement::Section(name) => {
                    self.sections.open(&name, "", at(line), fold);
                    opened = true;
                }
                Statement::Entry { name, value, .. } if name == "include" => {
                    self.include(&value.written, depth)?;
                    // As for PHP, the section that was open goes on behind it.
                }
                Statement::Entry { name, key, value } => {
                    // What stands before all sections: `fpm_conf_ini_parser_entry()`.
                    if !std::mem::replace(&mut opened, true) {
                        self.sections.open("global", "", at(line), fold);
                    }
                    if let Some(what) = value.unresolved.first() {
                        let cause = Cause::Unsupported(format!("{what} is not known"));
                        self.includes.unread.push(Unknown::new(at(line).to_string(), cause));
                    }
                    let also = if value.php == value.written { None } else { Some(value.php) };
                    let block = self.sections.current();
                    let setting = |name: String| Setting {
                        name,
                        value: value.written,
                        also: also.into_iter().collect(),
                        at: at(line),
                    };
                    match key {
                        Some(key) if OF_PHP.contains(&name.as_str()) => {
                            within(block, &name, at(line), setting(key));
                        }
                        Some(key) => block.settings.push(setting(format!("{name}[{key}]"))),
                        None => block.settings.push(setting(name)),
                    }
                }
            }
        }
    }

    fn include(&mut self, pattern: &str, depth: usize) -> Fact<()> {
        if !pattern.starts_with('/') || depth > INCLUDE_DEPTH {
            let cause = Cause::Unsupported("an include that cannot be resolved".into());
            self.includes.unread.push(Unknown::new(pattern, cause));
            return Ok(());
        }
        for path in self.includes.expand(pattern) {
            if let Some(content) = self.includes.open(&path, None) {
                self.read(&path, &content, depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Adds a setting to the inner block of a name.
fn within(block: &mut Block, name: &str, at: Location, setting: Setting) {
    match block.blocks.iter_mut().find(|inner| inner.name == name) {
        Some(inner) => inner.settings.push(setting),
        None => {
            let mut inner = Block::new(name, "", at);
            inner.settings.push(setting);
            block.blocks.push(inner);
        }
    }
}
