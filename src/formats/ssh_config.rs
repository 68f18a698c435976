//! The configuration of OpenSSH's client: the first value of a keyword wins, `Host` and `Match` blocks
//! say otherwise for some hosts.
//!
//! A rule that asks for `forwardagent` is answered with every value that can be in force for any host:
//! those of blocks in their order, up to the first that holds for all (`Host *`, `Match all`, or no
//! block at all), and the default beside them where none does. Blocks are there as `Host` and `Match`
//! with what they are for as label. ssh_config(5), `ssh -G`.

use super::include::Includes;
use super::limits::{Budget, malformed};
use super::sshd::line;
use super::table::{Row, Table};
use super::{Format, sets::Between};
use crate::facts::quantity::Kind;
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The OpenSSH client's configuration.
pub const FORMAT: Format = Format {
    name: "ssh_config",
    doc: "ssh_config(5): the first value wins, includes; the values of `Host` and `Match` blocks count \
          beside the one for all hosts.",
    recognises: |path| {
        path.file_name().is_some_and(|name| name == "ssh_config")
            || path.ends_with(".ssh/config")
            || path.parent().is_some_and(|parent| parent.ends_with("ssh_config.d"))
    },
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

static FLAG: Words = Words::of(&[&["yes", "true"], &["no", "false"]]);
static STRICT: Words =
    Words::of(&[&["yes", "true"], &["no", "false", "off"], &["ask"], &["accept-new"]]);
static OTHERS: Words = Words::among_others(&[&["yes", "true"], &["no", "false"]]);
static TUNNEL: Words =
    Words::of(&[&["yes", "true"], &["no", "false"], &["point-to-point"], &["ethernet"]]);
const FLAGS: Kind = Kind::Words(&FLAG);

/// ssh_config(5) of 8.4 to 9.9, where no distribution compiles in another default.
static TABLE: Table = Table {
    rows: &[
        Row::new("batchmode", FLAGS).or("no"),
        Row::new("ciphers", Kind::Text).set(Between::SshdList),
        Row::new("clearallforwardings", FLAGS).or("no"),
        Row::new("compression", FLAGS).or("no"),
        Row::new("connectionattempts", Kind::Number).or("1"),
        Row::new("enablesshkeysign", FLAGS).or("no"),
        Row::new("exitonforwardfailure", FLAGS).or("no"),
        Row::new("forwardagent", Kind::Words(&OTHERS)).or("no"),
        Row::new("forwardx11", FLAGS).or("no"),
        Row::new("gatewayports", FLAGS).or("no"),
        Row::new("hashknownhosts", FLAGS).or("no"),
        Row::new("hostbasedauthentication", FLAGS).or("no"),
        Row::new("hostkeyalgorithms", Kind::Text).set(Between::SshdList),
        Row::new("kexalgorithms", Kind::Text).set(Between::SshdList),
        Row::new("macs", Kind::Text).set(Between::SshdList),
        Row::new("nohostauthenticationforlocalhost", FLAGS).or("no"),
        Row::new("numberofpasswordprompts", Kind::Number).or("3"),
        Row::new("passwordauthentication", FLAGS).or("yes"),
        Row::new("permitlocalcommand", FLAGS).or("no"),
        Row::new("port", Kind::Number).or("22"),
        Row::new("proxyusefdpass", FLAGS).or("no"),
        Row::new("pubkeyacceptedalgorithms", Kind::Text).set(Between::SshdList),
        Row::new("serveralivecountmax", Kind::Number).or("3"),
        // Debian builds in another default where BatchMode is on.
        Row::new("serveraliveinterval", Kind::SECONDS),
        Row::new("streamlocalbindunlink", FLAGS).or("no"),
        Row::new("stricthostkeychecking", Kind::Words(&STRICT)).or("ask"),
        Row::new("tcpkeepalive", FLAGS).or("yes"),
        Row::new("tunnel", Kind::Words(&TUNNEL)).or("no"),
        Row::new("visualhostkey", FLAGS).or("no"),
    ],
    others: Kind::Words(&OTHERS),
    any_case: true,
};

/// Keywords of which every line counts.
const EVERY: &[&str] = &[
    "certificatefile",
    "dynamicforward",
    "identityfile",
    "localforward",
    "remoteforward",
    "sendenv",
    "setenv",
];

/// Older names, `keywords[]` of `readconf.c`.
const ALIASES: &[(&str, &str)] = &[
    ("challengeresponseauthentication", "kbdinteractiveauthentication"),
    ("dsaauthentication", "pubkeyauthentication"),
    ("hostbasedkeytypes", "hostbasedacceptedalgorithms"),
    ("keepalive", "tcpkeepalive"),
    ("pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"),
];

/// `READCONF_MAX_DEPTH`.
const INCLUDE_DEPTH: usize = 16;

/// Parses a configuration and what it includes.
///
/// # Errors
/// Where ssh would refuse a line's syntax, or a bound is met.
pub fn parse(files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut reader = Reader {
        includes: Includes::new(files, path),
        budget: Budget::default(),
        entries: Vec::new(),
        blocks: Vec::new(),
    };
    reader.read(path, content, 0, None)?;
    let root = reader.assemble(path);
    let Includes { read, unread, .. } = reader.includes;
    let part = path.parent().is_some_and(|parent| parent.ends_with("ssh_config.d"));
    Ok(Settings { root, files: read, unread, ignore_case: true, part, ..Settings::default() })
}

struct Reader<'a> {
    includes: Includes<'a>,
    budget: Budget,
    /// Values, and the block that each stands in.
    entries: Vec<(Setting, Option<usize>)>,
    blocks: Vec<Block>,
}

impl Reader<'_> {
    fn read(
        &mut self,
        path: &Path,
        content: &[u8],
        depth: usize,
        outer: Option<usize>,
    ) -> Fact<()> {
        let mut under = outer;
        for (number, raw) in (1_u32..).zip(content.split(|byte| *byte == b'\n')) {
            let words = line::split(raw).map_err(|why| malformed(path, number, why))?;
            let Some((keyword, arguments)) = words else { continue };
            self.budget.take(path)?;
            let at = Location { file: path.to_path_buf(), line: number };
            let name = keyword.to_ascii_lowercase();
            let value = arguments.join(" ");
            match name.as_str() {
                "host" | "match" => {
                    let kind = if name == "host" { "Host" } else { "Match" };
                    self.blocks.push(Block::new(kind, value, at));
                    under = Some(self.blocks.len() - 1);
                }
                "include" => {
                    for pattern in &arguments {
                        self.include(path, pattern, depth, under)?;
                    }
                }
                _ => {
                    let known = ALIASES.iter().find(|(old, _)| *old == name);
                    let name = known.map_or(name.clone(), |(_, new)| (*new).to_owned());
                    self.entries.push((Setting { name, value, also: Vec::new(), at }, under));
                }
            }
        }
        Ok(())
    }

    fn include(
        &mut self,
        from: &Path,
        pattern: &str,
        depth: usize,
        under: Option<usize>,
    ) -> Fact<()> {
        if pattern.starts_with('~') || depth >= INCLUDE_DEPTH {
            let cause = Cause::Unsupported("an Include that cannot be resolved".into());
            self.includes.unread.push(Unknown::new(pattern, cause));
            return Ok(());
        }
        // Of a user's own file relative names belong to ~/.ssh, of the system's to /etc/ssh.
        let own = from.ancestors().find(|folder| folder.ends_with(".ssh"));
        let full = own.map_or_else(|| PathBuf::from("/etc/ssh"), Path::to_path_buf).join(pattern);
        for path in self.includes.expand(&full.to_string_lossy()) {
            if let Some(content) = self.includes.open(&path, None) {
                self.read(&path, &content, depth + 1, under)?;
            }
        }
        Ok(())
    }

    fn is_for_all(&self, under: Option<usize>) -> bool {
        let Some(block) = under.and_then(|index| self.blocks.get(index)) else {
            return under.is_none();
        };
        match block.name.as_str() {
            "Host" => block.label == "*",
            _ => block.label.eq_ignore_ascii_case("all"),
        }
    }

    fn assemble(&mut self, path: &Path) -> Block {
        let mut root = Block::root(path);
        let mut decided: BTreeSet<String> = BTreeSet::new();
        let mut first: BTreeSet<(String, Option<usize>)> = BTreeSet::new();
        let mut open: BTreeMap<String, ()> = BTreeMap::new();
        for (setting, under) in std::mem::take(&mut self.entries) {
            let every = EVERY.contains(&setting.name.as_str());
            if !first.insert((setting.name.clone(), under)) && !every {
                continue;
            }
            if let Some(block) = under.and_then(|index| self.blocks.get_mut(index)) {
                block.settings.push(setting.clone());
            }
            if decided.contains(&setting.name) {
                continue;
            }
            match self.is_for_all(under) && !every {
                true => drop(decided.insert(setting.name.clone())),
                false => drop(open.insert(setting.name.clone(), ())),
            }
            root.settings.push(setting);
        }
        // For hosts that no block is for the default holds.
        for name in open.into_keys().filter(|name| !decided.contains(name)) {
            if let Some(default) = TABLE.default(&name) {
                let (value, at) = (default.to_owned(), root.at.clone());
                root.settings.push(Setting { name, value, also: Vec::new(), at });
            }
        }
        root.blocks = std::mem::take(&mut self.blocks);
        root
    }
}
