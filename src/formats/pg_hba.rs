//! `pg_hba.conf` of PostgreSQL: who may connect from where, and how; the first line that matches.
//!
//! Each line is a block of its type (`local`, `host`, `hostssl`, …) with `database`, `user`, `address`
//! and `method`, and its options: `host.method` asks those of a type, `*.method` all of them. A line
//! that an earlier one takes every connection from is never reached and is left out. Names of several
//! databases or users are values of their own. "The pg_hba.conf File" of the manual, and `hba.c`.

use super::Format;
use super::include::Includes;
use super::limits::{Budget, malformed};
use super::table::{Row, Table};
use crate::facts::quantity::Kind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::path::Path;

/// Access to PostgreSQL.
pub const FORMAT: Format = Format {
    name: "pg_hba",
    doc: "pg_hba.conf: a block for each line, with `database`, `user`, `address`, `method` and \
          options; `*.method` is that of every line; lines behind one that takes all are left out.",
    recognises: |path| path.file_name().is_some_and(|name| name == "pg_hba.conf"),
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

static METHOD: Words = Words {
    groups: &[
        &["trust"],
        &["reject"],
        &["md5"],
        &["password"],
        &["scram-sha-256"],
        &["gss"],
        &["sspi"],
        &["ident"],
        &["peer"],
        &["pam"],
        &["ldap"],
        &["radius"],
        &["cert"],
        &["bsd"],
        &["oauth"],
    ],
    any_case: false,
    others: false,
};

static TABLE: Table = Table {
    rows: &[
        Row::new("method", Kind::Words(&METHOD)),
        Row::new("database", Kind::Text),
        Row::new("user", Kind::Text),
        Row::new("address", Kind::Text),
    ],
    others: Kind::Open,
    any_case: false,
};

const TYPES: &[&str] = &["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"];

/// Parses the file and what it includes (from version 16 on).
///
/// # Errors
/// Where PostgreSQL would refuse a line, or a bound is met.
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        records: Vec::new(),
    };
    reader.read(path, content, 0)?;
    let mut root = Block::root(path);
    // The widest ones are few: only those that take any database and user can hide others.
    let mut takes_all: Vec<usize> = Vec::new();
    for (index, record) in reader.records.iter().enumerate() {
        let hidden = takes_all
            .iter()
            .filter_map(|index| reader.records.get(*index))
            .any(|earlier| hides(earlier, record));
        if hidden {
            continue;
        }
        let is_all = |name: &str| of(record, name).eq(["all"]);
        if is_all("database") && is_all("user") && takes_all.len() < 64 {
            takes_all.push(index);
        }
        root.blocks.push(record.clone());
    }
    let Includes { read, unread, .. } = reader.includes;
    Ok(Settings { root, files: read, unread, things: true, ..Settings::default() })
}

fn of<'a>(record: &'a Block, name: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    record.settings.iter().filter(move |s| s.name == name).map(|s| s.value.as_str())
}

/// Whether every connection that a record is for is taken by an earlier one for any database and user.
fn hides(earlier: &Block, record: &Block) -> bool {
    let kind = earlier.name == record.name || earlier.name == "host" && record.name != "local";
    // `all` is not for replication.
    let replication = of(record, "database").any(|name| name == "replication");
    let (theirs, own): (Vec<&str>, Vec<&str>) =
        (of(earlier, "address").collect(), of(record, "address").collect());
    let plain = |address: &str| !address.contains(':') && address.contains('/');
    let address = theirs == own
        || theirs == ["all"]
        || theirs == ["0.0.0.0/0"] && own.iter().all(|address| plain(address));
    kind && !replication && address
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    records: Vec<Block>,
}

impl Reader<'_> {
    fn read(&mut self, path: &Path, content: &[u8], depth: usize) -> Fact<()> {
        let text = String::from_utf8_lossy(content);
        let mut lines = (1_u32..).zip(text.lines());
        while let Some((line, first)) = lines.next() {
            let mut whole = first.to_owned();
            while whole.ends_with('\\') {
                whole.pop();
                let Some((_, more)) = lines.next() else { break };
                whole.push_str(more);
            }
            let fields = fields(&whole).map_err(|why| malformed(path, line, why))?;
            let Some((kind, rest)) = fields.split_first() else { continue };
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line };
            let kind = kind.join(",");
            if let Some(directive) = kind.strip_prefix("include") {
                let name = rest.first().map(|words| words.join(",")).unwrap_or_default();
                self.include(path, directive, &name, depth)?;
                continue;
            }
            if !TYPES.contains(&kind.as_str()) {
                return Err(malformed(path, line, format!("PostgreSQL knows no type `{kind}`")));
            }
            let record = record(&kind, rest, &at).map_err(|why| malformed(path, line, why))?;
            for _ in &record.settings {
                self.budget.take(path)?;
            }
            self.records.push(record);
        }
        Ok(())
    }

    fn include(&mut self, from: &Path, directive: &str, name: &str, depth: usize) -> Fact<()> {
        if depth >= 10 || !matches!(directive, "" | "_if_exists") {
            let cause = Cause::Unsupported("an include that is not followed here".into());
            self.includes.unread.push(Unknown::new(name, cause));
            return Ok(());
        }
        let full = from.parent().unwrap_or(Path::new("/")).join(name);
        let missing =
            directive.is_empty().then_some("PostgreSQL would not start without this file");
        match self.includes.open(&full, missing) {
            Some(content) => self.read(&full, &content, depth + 1),
            None => Ok(()),
        }
    }
}

fn record(kind: &str, fields: &[Vec<String>], at: &Location) -> Result<Block, &'static str> {
    let mut fields = fields.iter();
    let mut next = |why| fields.next().ok_or(why);
    let mut block = Block::new(kind, "", at.clone());
    let mut say = |name: &str, value: String| {
        let (name, at) = (name.to_owned(), at.clone());
        block.settings.push(Setting { name, value, also: Vec::new(), at });
    };
    let (databases, users) = (next("no database in the line")?, next("no user in the line")?);
    databases.iter().for_each(|name| say("database", name.clone()));
    users.iter().for_each(|name| say("user", name.clone()));
    let mut label = format!("{} {}", databases.join(","), users.join(","));
    if kind != "local" {
        let mut address = next("no address in the line")?.join(",");
        let mut method = next("no method in the line")?;
        // The mask may be a field of its own.
        let one = method.join(",");
        if one.parse::<std::net::IpAddr>().is_ok() {
            address = format!("{address}/{}", prefix(&one).unwrap_or(one));
            method = next("no method in the line")?;
        }
        label = format!("{label} {address}");
        say("address", address);
        say("method", method.join(","));
    } else {
        say("method", next("no method in the line")?.join(","));
    }
    for option in fields {
        let option = option.join(",");
        let (name, value) = option.split_once('=').ok_or("an option without =")?;
        say(name, value.to_owned());
    }
    block.label = label;
    Ok(block)
}

/// The length of a mask.
fn prefix(mask: &str) -> Option<String> {
    let ones = match mask.parse().ok()? {
        std::net::IpAddr::V4(mask) => u32::from(mask).leading_ones(),
        std::net::IpAddr::V6(mask) => u128::from(mask).leading_ones(),
    };
    Some(ones.to_string())
}

/// Fields of a line, each a list of words with commas between them: `next_field_expand()`.
fn fields(line: &str) -> Result<Vec<Vec<String>>, &'static str> {
    let mut fields: Vec<Vec<String>> = Vec::new();
    let (mut word, mut begun, mut quoted) = (String::new(), false, false);
    let mut goes_on = false;
    let mut end = |word: &mut String, goes_on: bool| {
        let word = std::mem::take(word);
        match fields.last_mut().filter(|_| goes_on) {
            Some(field) => field.push(word),
            None => fields.push(vec![word]),
        }
    };
    for c in line.chars() {
        match c {
            '#' if !quoted => break,
            '"' => (quoted, begun) = (!quoted, true),
            ',' if !quoted => {
                if std::mem::take(&mut begun) {
                    end(&mut word, goes_on);
                }
                goes_on = true;
            }
            c if c.is_whitespace() && !quoted => {
                if std::mem::take(&mut begun) {
                    end(&mut word, goes_on);
                    goes_on = false;
                }
            }
            c => {
                word.push(c);
                begun = true;
            }
        }
    }
    if quoted {
        return Err("a quote that is not closed");
    }
    if begun {
        end(&mut word, goes_on);
    }
    Ok(fields)
}
