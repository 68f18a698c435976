//! nginx: blocks, includes, and what `listen` and `user` mean.
//!
//! Blocks keep what stands behind their name as a label (`location /x`), every setting keeps its
//! file and line, and a block without a setting takes it from the enclosing one, as nginx does.
//! A relative `include` belongs to the directory of the main configuration file, nginx's
//! configuration prefix. Directives that nginx would refuse as duplicates are kept, all of them.

mod defaults;
pub mod listen;
mod token;

use super::include::Includes;
use super::limits::{Budget, malformed, too_large};
use super::{Format, glob3, last_word};
use crate::facts::settings::{Block, Inner, Location, Setting, Settings};
use crate::facts::{Fact, Unknown};
use crate::host::Files;
use std::path::{Path, PathBuf};
use token::{End, SyntaxError, Tokens};

/// nginx's configuration.
pub const FORMAT: Format = Format {
    name: "nginx",
    doc: "nginx: blocks, includes; a block without a setting takes it from the enclosing one. \
          `listen.port` and `listen.address` are the parts of every `listen`.",
    recognises,
    parse,
    also: |path, text| {
        let arguments: Vec<String> = text.split(' ').map(str::to_owned).collect();
        match last_word(path) {
            // A rule that names only the user says nothing of the group.
            "user" | "listen" => Vec::new(),
            name => spellings(name, &arguments, text),
        }
    },
    default: defaults::of,
    kind: defaults::kind,
    special: defaults::special,
    table: None,
    blocks: BLOCKS,
};

/// Blocks of the modules that nginx comes with, the commercial ones among them.
const BLOCKS: &[&str] = &[
    "charset_map",
    "events",
    "geo",
    "http",
    "if",
    "limit_except",
    "location",
    "mail",
    "map",
    "match",
    "otel_exporter",
    "server",
    "split_clients",
    "stream",
    "types",
    "upstream",
    // Parts of a `listen`, as this reader gives them.
    "listen",
];

/// How many files may include one another in a chain.
const INCLUDE_DEPTH: usize = 10;

fn recognises(path: &Path) -> bool {
    const DIRECTORIES: [&str; 3] = ["sites-enabled", "sites-available", "snippets"];
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let inside = |wanted: &str| {
        path.parent().is_some_and(|dir| dir.components().any(|part| part.as_os_str() == wanted))
    };
    name == "nginx.conf"
        || inside("nginx") && (name.ends_with(".conf") || DIRECTORIES.iter().any(|d| inside(d)))
}

/// Parses a main configuration, or a part of one that `include` would read.
///
/// # Errors
/// Where nginx would refuse a file's syntax, or a bound is met. An include that cannot be read is
/// told in [`Settings::unread`].
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        prefix: prefix(files, path, content),
        budget: Budget::default(),
    };
    let mut root = block(path, 0, "", "");
    reader.read_file(path, content, &mut root, 0, 0)?;
    finish(&mut root, true);
    let Includes { read, unread, .. } = reader.includes;
    let part = is_part(path, content, &root);
    Ok(Settings {
        root,
        files: read,
        unread,
        inherits: true,
        inner: Inner::Nginx,
        things: true,
        part,
        ..Settings::default()
    })
}

/// Whether another file includes it: nginx does not start from one without `events`.
fn is_part(path: &Path, content: &[u8], root: &Block) -> bool {
    let main = path.file_name().is_some_and(|name| name == "nginx.conf");
    let has = |name: &str| root.blocks.iter().any(|block| block.name == name);
    !main && !has("http") && !has("stream") && !has_events(content)
}

/// The directory that relative includes belong to: that of the main configuration. A file with an
/// `events` block is one, since nginx does not start without; for a part it is looked for above.
fn prefix(files: &dyn Files, path: &Path, content: &[u8]) -> PathBuf {
    let own = path.parent().unwrap_or(Path::new("/"));
    if has_events(content) {
        return own.to_path_buf();
    }
    let mut above = own.ancestors();
    let main = above.find(|dir| matches!(files.file(&dir.join("nginx.conf")), Ok(Some(_))));
    main.unwrap_or(own).to_path_buf()
}

fn has_events(content: &[u8]) -> bool {
    let mut tokens = Tokens::new(content);
    let mut depth = 0_usize;
    while let Ok(statement) = tokens.next_statement() {
        let name = statement.words.first().map(Vec::as_slice).unwrap_or_default();
        match statement.end {
            End::File => return false,
            End::Simple => {}
            End::BlockDone => depth = depth.saturating_sub(1),
            End::BlockStart if depth == 0 && name == b"events" => return true,
            End::BlockStart if name.ends_with(LUA) => {
                if tokens.skip_lua().is_err() {
                    return false;
                }
            }
            End::BlockStart => depth += 1,
        }
    }
    false
}

/// How the names of directives end whose block is Lua code.
const LUA: &[u8] = b"_by_lua_block";

struct Reader<'a> {
    includes: Includes<'a>,
    prefix: PathBuf,
    budget: Budget,
}

impl Reader<'_> {
    /// Reads a file into the block that includes it; `chain` counts includes, `depth` blocks.
    fn read_file(
        &mut self,
        path: &Path,
        content: &[u8],
        into: &mut Block,
        chain: usize,
        depth: usize,
    ) -> Fact<()> {
        let mut tokens = Tokens::new(content);
        self.read_block(path, &mut tokens, into, chain, depth, false)
    }

    fn read_block(
        &mut self,
        path: &Path,
        tokens: &mut Tokens<'_>,
        into: &mut Block,
        chain: usize,
        depth: usize,
        nested: bool,
    ) -> Fact<()> {
        self.budget.depth(path, depth)?;
        loop {
            let statement = tokens.next_statement().map_err(|error| refused(path, &error))?;
            let line = statement.line;
            let mut words =
                statement.words.iter().map(|word| String::from_utf8_lossy(word).into_owned());
            let name = words.next().unwrap_or_default();
            let arguments: Vec<String> = words.collect();
            match statement.end {
                End::File if nested => {
                    return Err(malformed(path, line, "unexpected end of file, expecting \"}\""));
                }
                End::BlockDone if !nested => {
                    return Err(malformed(path, line, "unexpected \"}\""));
                }
                End::File | End::BlockDone => return Ok(()),
                _ => self.budget.take(path)?,
            }
            if statement.words.iter().flatten().any(|byte| *byte == 0) {
                return Err(malformed(path, line, "a NUL byte"));
            }
            let label = arguments.join(" ");
            if statement.end == End::BlockStart {
                let mut inner = block(path, line, &name, &label);
                if name.as_bytes().ends_with(LUA) {
                    tokens.skip_lua().map_err(|error| refused(path, &error))?;
                } else {
                    self.read_block(path, tokens, &mut inner, chain, depth + 1, true)?;
                }
                into.blocks.push(inner);
                continue;
            }
            let at = Location { file: path.to_path_buf(), line };
            for value in members(&name, &arguments, &label) {
                let mut also = spellings(&name, &arguments, value);
                if *value != label {
                    also.push(label.clone());
                }
                let at = at.clone();
                into.settings.push(Setting {
                    name: name.clone(),
                    value: value.to_owned(),
                    also,
                    at,
                });
            }
            if name == "include" {
                let raw = statement.words.get(1).map(Vec::as_slice).unwrap_or_default();
                if arguments.len() != 1 || std::str::from_utf8(raw).is_err() {
                    return Err(malformed(path, line, "include takes one file name"));
                }
                self.include(&arguments.concat(), into, chain, depth)?;
            }
        }
    }

    fn include(&mut self, name: &str, into: &mut Block, chain: usize, depth: usize) -> Fact<()> {
        let full = self.prefix.join(name);
        let pattern = full.to_string_lossy().into_owned();
        if chain >= INCLUDE_DEPTH {
            let limit = format!("included more than {INCLUDE_DEPTH} files deep");
            self.includes.unread.push(too_large(&full, limit));
            return Ok(());
        }
        // A pattern may match nothing; a plain name has to be there.
        let paths =
            if glob3::is_pattern(&pattern) { self.includes.expand(&pattern) } else { vec![full] };
        for path in paths {
            let missing = Some("nginx would not start: this included file does not exist");
            if let Some(content) = self.includes.open(&path, missing) {
                self.read_file(&path, &content, into, chain + 1, depth)?;
            }
        }
        Ok(())
    }
}

fn refused(path: &Path, error: &SyntaxError) -> Unknown {
    malformed(path, error.line, &error.why)
}

fn block(path: &Path, line: u32, name: &str, label: &str) -> Block {
    Block {
        name: name.to_owned(),
        label: label.to_owned(),
        at: Location { file: path.to_path_buf(), line },
        settings: Vec::new(),
        blocks: Vec::new(),
        empty_list: false,
    }
}

/// The values that a directive gives: each argument where they are members of a set.
fn members<'a>(name: &str, arguments: &'a [String], whole: &'a str) -> Vec<&'a str> {
    let set = matches!(name, "server_name" | "gzip_types" | "ssi_types" | "sub_filter_types");
    match set && !arguments.is_empty() {
        true => arguments.iter().map(String::as_str).collect(),
        false => vec![whole],
    }
}

/// Other spellings of a directive's value that mean the same to nginx.
fn spellings(name: &str, arguments: &[String], value: &str) -> Vec<String> {
    let mut also = match (name, arguments) {
        ("listen", [address, ..]) => listen::spellings(address),
        // Without a group nginx takes the one named like the user.
        ("user", [user]) => vec![format!("{user} {user}")],
        ("user", [user, group]) if user == group => vec![user.clone()],
        // The second time is only what a header tells the client.
        ("keepalive_timeout", [first, _]) => {
            let seconds = defaults::seconds(first).map(|seconds| seconds.to_string());
            [first.clone()].into_iter().chain(seconds).collect()
        }
        (name, [time]) if defaults::is_time(name) => {
            defaults::seconds(time).map(|seconds| seconds.to_string()).into_iter().collect()
        }
        // Flags are compared without regard to case: `ngx_conf_set_flag_slot()`.
        _ if value.eq_ignore_ascii_case("on") || value.eq_ignore_ascii_case("off") => {
            vec![value.to_ascii_lowercase()]
        }
        _ => Vec::new(),
    };
    also.retain(|spelling| spelling != value);
    also
}

/// Adds a block `listen` with `port` and `address` to every server, for each of its `listen`.
fn finish(block: &mut Block, web: bool) {
    for inner in &mut block.blocks {
        let web = web && !matches!(inner.name.as_str(), "stream" | "mail");
        finish(inner, web);
        if inner.name != "server" {
            continue;
        }
        let mut parts: Vec<Block> = Vec::new();
        for setting in inner.settings.iter().filter(|setting| setting.name == "listen") {
            parts.push(listen::parts(setting));
        }
        // Without `listen` a server has the default address, so there it is "not set".
        if parts.is_empty() && web {
            parts.push(self::block(&inner.at.file, inner.at.line, "listen", ""));
        }
        inner.blocks.extend(parts);
    }
}
