//! Waivers as they are written: in a file of their own or in a policy, reviewed like code.
//!
//! ```yaml
//! waivers:
//!   - rule: nginx-conf-owned
//!     host: web*                      # all hosts without it
//!     subject: /etc/nginx/nginx.conf  # all of the rule without it
//!     values: [alice]                 # the offenders that it accepts; else those of when it began
//!     reason: The new deploy is not there yet (OPS-17)
//!     approved_by: alice
//!     starts: 2026-11-01
//!     expires: 2026-12-31             # its last day, UTC; required
//! ```

use super::diagnostic::{Diagnostic, Diagnostics};
use super::expect::each;
use super::node::{Node, Value};
use super::read::read;
use super::source::{Source, Span};
use super::yaml;
use globset::{GlobBuilder, GlobMatcher};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::path::Path;
use std::sync::Arc;

/// One waiver, as a person reviewed it.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// Ids of the rules whose violations it accepts.
    pub rules: Vec<String>,
    /// Policy that it stands in; one in a file of its own is for all.
    pub policy: Option<String>,
    /// Hosts that it is for; `None` for all.
    pub host: Option<GlobMatcher>,
    /// Subjects that it is for, by name; `None` for all.
    pub subject: Option<GlobMatcher>,
    /// The offenders that it accepts, by name; without it those that there were when it was granted.
    pub values: Option<Vec<GlobMatcher>>,
    /// Why the violation is accepted.
    pub reason: String,
    /// Who accepted it.
    pub approved_by: String,
    /// First second of it, since 1970-01-01 UTC; `None`: from ever.
    pub starts: Option<i64>,
    /// First second behind it, likewise.
    pub expires: i64,
    /// Where it stands: `waivers.yaml:3:5`.
    pub place: String,
}

impl Waiver {
    /// One word for it as it was reviewed: changed in any way, it is another grant.
    pub fn digest(&self) -> String {
        let glob = |glob: &GlobMatcher| glob.glob().glob().to_owned();
        let maybe = |one: &Option<GlobMatcher>| one.as_ref().map(glob).unwrap_or_default();
        let mut hash = blake3::Hasher::new();
        let words = [
            self.rules.join("\0"),
            self.policy.clone().unwrap_or_default(),
            maybe(&self.host),
            maybe(&self.subject),
            self.reason.clone(),
            self.approved_by.clone(),
            format!("{:?} {}", self.starts, self.expires),
        ];
        for word in words {
            hash.update(&(word.len() as u64).to_le_bytes());
            hash.update(word.as_bytes());
        }
        hash.finalize().to_hex().chars().take(16).collect()
    }

    /// Seconds that it has from its beginning, or from now where it names none, to its end.
    pub fn lasts(&self, now: i64) -> i64 {
        // Its last day counts as a whole; what is written as 90 days is no longer than that.
        const DAY: i64 = 86_400;
        self.expires.saturating_sub(DAY).saturating_sub(self.starts.unwrap_or(now))
    }

    /// Whether its first day has come.
    pub fn has_started(&self, now: i64) -> bool {
        self.starts.is_none_or(|starts| starts <= now)
    }

    /// Last day of it, UTC.
    pub fn last_day(&self) -> String {
        crate::text::time::utc(self.expires.saturating_sub(1)).chars().take(10).collect()
    }
}

/// The keys of a waiver with their meaning.
pub const KEYS: [(&str, &str); 8] = [
    ("rule", "id, or list of ids, of the rules whose violations are accepted"),
    ("host", "name or glob of the hosts that it is for; all without it"),
    ("subject", "name or glob of the subjects that it is for; all without it"),
    (
        "values",
        "names or globs of what it accepts of a violation (members, keys, files); without it, what \
         there was when the ledger first saw it, and nobody who comes later",
    ),
    ("reason", "why the violation is accepted"),
    ("approved_by", "who accepted it"),
    ("starts", "its first day, UTC: 2026-11-01; from ever without it"),
    ("expires", "its last day, UTC: 2026-12-31; no waiver is for ever"),
];

/// Longest pattern, in bytes.
const LONGEST_PATTERN: usize = 1000;

/// Reads a file of waivers, filing every error.
pub fn load(path: &Path, problems: &mut Diagnostics) -> Vec<Arc<Waiver>> {
    let Some(text) = problems.ok(read(path)) else { return Vec::new() };
    let source = Arc::new(Source::new(path.to_owned(), text));
    let mut found = Diagnostics::default();
    let Some(root) = yaml::parse(&source, &mut found) else {
        if found.is_empty() {
            problems.push(Diagnostic::at(&Span::file(&source), "an empty file of waivers"));
        }
        found.into_sorted().into_iter().for_each(|problem| problems.push(problem));
        return Vec::new();
    };
    found.into_sorted().into_iter().for_each(|problem| problems.push(problem));
    let Some(mut fields) = problems.ok(root.fields("a mapping with `waivers:`")) else {
        return Vec::new();
    };
    let node = fields.take("waivers");
    fields.finish(&["waivers"], problems);
    match node {
        Some(node) => items(&node, None, problems),
        None => {
            problems.push(
                Diagnostic::at(&root.span, "a file of waivers without any")
                    .help("list them under `waivers:`"),
            );
            Vec::new()
        }
    }
}

/// Reads what stands under `waivers:`. In a policy, a text names a file of waivers beside it.
pub fn items(node: &Node, policy: Option<&str>, problems: &mut Diagnostics) -> Vec<Arc<Waiver>> {
    let mut waivers = Vec::new();
    for item in node.items() {
        match (&item.value, policy) {
            (Value::Scalar(_), Some(_)) => {
                let Some(name) = problems.ok(item.text("a waiver or a file of waivers")) else {
                    continue;
                };
                let folder = item.span.source.path.parent().unwrap_or(Path::new(""));
                waivers.extend(load(&folder.join(name), problems));
            }
            _ => waivers.extend(waiver(item, policy, problems).map(Arc::new)),
        }
    }
    waivers
}

fn waiver(node: &Node, policy: Option<&str>, problems: &mut Diagnostics) -> Option<Waiver> {
    let mut fields = problems.ok(node.fields("a waiver: rule, reason, approved_by, expires"))?;
    let mut taken = |name: &str, required: bool, problems: &mut Diagnostics| {
        let found = fields.take(name);
        if found.is_none() && required {
            let message = format!("a waiver without `{name}`");
            problems.push(Diagnostic::at(&node.span, message));
        }
        found
    };
    let rules = taken("rule", true, problems);
    let host = taken("host", false, problems).and_then(|node| problems.ok(pattern(&node)));
    let subject = taken("subject", false, problems).and_then(|node| problems.ok(pattern(&node)));
    let values = taken("values", false, problems).map(|node| each(&node, problems, pattern));
    let reason = taken("reason", true, problems).and_then(|node| problems.ok(words(&node)));
    let approved_by =
        taken("approved_by", true, problems).and_then(|node| problems.ok(words(&node)));
    let starts = taken("starts", false, problems).and_then(|node| problems.ok(date(&node)));
    let expires =
        taken("expires", true, problems).and_then(|node| Some((problems.ok(date(&node))?, node)));
    fields.finish(&KEYS.map(|(key, _)| key), problems);
    let rules = rules.map(|node| {
        each(&node, problems, |item| item.text("the id of a rule").map(str::to_owned))
    })?;
    let (last, place) = expires?;
    if starts.is_some_and(|starts| last < starts) {
        problems.push(Diagnostic::at(&place.span, "it expires before it starts"));
    }
    let Some(expires) = last.tomorrow().ok().and_then(midnight) else {
        problems.push(place.expected("a day that will come"));
        return None;
    };
    Some(Waiver {
        rules,
        policy: policy.map(str::to_owned),
        host,
        subject,
        values,
        reason: reason?,
        approved_by: approved_by?,
        starts: starts.and_then(midnight),
        expires,
        place: node.span.to_string(),
    })
}

fn words(node: &Node) -> Result<String, Diagnostic> {
    let text = node.text("a text")?.trim();
    if text.is_empty() { Err(node.expected("a text that says something")) } else { Ok(text.into()) }
}

fn date(node: &Node) -> Result<Date, Diagnostic> {
    let text = node.text("a date such as 2026-12-31")?;
    let whole = text.len() == "2026-12-31".len();
    text.parse().ok().filter(|_| whole).ok_or_else(|| node.expected("a date such as 2026-12-31"))
}

fn midnight(date: Date) -> Option<i64> {
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// A glob in which `*` may stand for anything, `/` as well: names of hosts and subjects are words.
fn pattern(node: &Node) -> Result<GlobMatcher, Diagnostic> {
    let text = node.text("a name or a glob")?;
    let wrong = |why: String| node.expected("a name or a glob").label(why);
    if text.len() > LONGEST_PATTERN {
        return Err(wrong(format!("longer than {LONGEST_PATTERN} bytes")));
    }
    let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
    glob.map(|glob| glob.compile_matcher()).map_err(|error| wrong(error.kind().to_string()))
}
