#![doc = include_str!("page.md")]

use crate::actions::record::Terms;
use crate::policy::Severity;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::read::read;
use crate::policy::source::{Source, Span};
use crate::text::duration;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;

/// What the file is for and may say, for readers.
pub const PAGE: &str = include_str!("page.md");

/// Where it is looked for when nobody says.
pub const PATH: &str = "/etc/spotcheck/config.toml";

/// Days until a violation is due, by severity, where nobody says. What is only worth knowing is
/// never due.
const DUE_DAYS: [(Severity, i64); 4] =
    [(Severity::Critical, 7), (Severity::High, 30), (Severity::Medium, 90), (Severity::Low, 180)];

/// How long before its end a waiver is news, in days, where nobody says.
const WAIVER_NOTICE_DAYS: i64 = 14;

/// Days after which an open item is said again, by severity, where nobody says.
const REMIND_DAYS: [(Severity, i64); 5] = [
    (Severity::Critical, 1),
    (Severity::High, 7),
    (Severity::Medium, 7),
    (Severity::Low, 7),
    (Severity::Info, 7),
];

const DAY: i64 = 86_400;

/// The configuration of a host.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where runs are recorded; given, every run of `check` is.
    pub ledger: Option<String>,
    /// Waiver files of every run.
    pub waivers: Vec<PathBuf>,
    /// Longest time, in seconds, for which a waiver may accept a violation.
    pub waiver_longest: Option<i64>,
    /// Due dates and owners.
    pub terms: Terms,
    /// Where the baseline is, and how far it is trusted.
    pub drift: Drift,
}

/// What is the same for all runs of `drift`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drift {
    /// The baseline of the host.
    pub baseline: Option<PathBuf>,
    /// The minisign key that has to have signed it, or the file with it.
    pub public_key: Option<String>,
    /// Over so many runs every file is read again.
    pub every: Option<u64>,
}

impl Default for Config {
    fn default() -> Self {
        let due = DUE_DAYS.into_iter().map(|(severity, days)| (severity, days * DAY)).collect();
        Self {
            ledger: None,
            waivers: Vec::new(),
            drift: Drift::default(),
            waiver_longest: None,
            terms: Terms {
                due,
                owners: BTreeMap::new(),
                waiver_notice: WAIVER_NOTICE_DAYS * DAY,
                remind: REMIND_DAYS.into_iter().map(|(one, days)| (one, days * DAY)).collect(),
            },
        }
    }
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    ledger: Option<String>,
    #[serde(default)]
    waivers: Vec<PathBuf>,
    waiver_notice: Option<Spanned<String>>,
    waiver_longest: Option<Spanned<String>>,
    #[serde(default)]
    due: Spans,
    #[serde(default)]
    remind: Spans,
    #[serde(default)]
    owners: BTreeMap<String, String>,
    #[serde(default)]
    drift: Drift,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spans {
    critical: Option<Spanned<String>>,
    high: Option<Spanned<String>>,
    medium: Option<Spanned<String>>,
    low: Option<Spanned<String>>,
    info: Option<Spanned<String>>,
}

impl Spans {
    fn table(&self) -> [(Severity, Option<&Spanned<String>>); 5] {
        [
            (Severity::Critical, self.critical.as_ref()),
            (Severity::High, self.high.as_ref()),
            (Severity::Medium, self.medium.as_ref()),
            (Severity::Low, self.low.as_ref()),
            (Severity::Info, self.info.as_ref()),
        ]
    }
}

impl Config {
    /// The named file, or [`PATH`] where it exists.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its place.
    pub fn load(path: Option<&Path>) -> Result<Self, Vec<Diagnostic>> {
        let usual = Path::new(PATH);
        if path.is_none()
            && usual.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound)
        {
            return Ok(Self::default());
        }
        let path = path.unwrap_or(usual);
        let text = read(path).map_err(|problem| vec![problem])?;
        Self::parse(&Arc::new(Source::new(path.to_owned(), text)))
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its place.
    pub fn parse(source: &Arc<Source>) -> Result<Self, Vec<Diagnostic>> {
        let file: File = toml::from_str(&source.text).map_err(|error| {
            let span = Span::new(source, error.span().unwrap_or(0..0));
            vec![Diagnostic::at(&span, error.message().lines().next().unwrap_or_default())]
        })?;
        let mut config = Self { ledger: file.ledger, waivers: file.waivers, ..Self::default() };
        config.terms.owners = file.owners;
        config.drift = file.drift;
        let mut problems = Vec::new();
        let mut span = |value: &Spanned<String>| match duration::parse(value.get_ref()) {
            Ok(seconds) => Some(seconds),
            Err(why) => {
                let place = Span::new(source, value.span());
                problems.push(Diagnostic::at(&place, "expected a span of time").label(why));
                None
            }
        };
        if let Some(notice) = file.waiver_notice.as_ref().and_then(&mut span) {
            config.terms.waiver_notice = notice;
        }
        config.waiver_longest = file.waiver_longest.as_ref().and_then(&mut span);
        for (severity, value) in file.due.table() {
            if let Some(seconds) = value.and_then(&mut span) {
                config.terms.due.insert(severity, seconds);
            }
        }
        for (severity, value) in file.remind.table() {
            match value {
                Some(value) if value.get_ref() == "never" => {
                    config.terms.remind.remove(&severity);
                }
                value => {
                    if let Some(seconds) = value.and_then(&mut span) {
                        config.terms.remind.insert(severity, seconds);
                    }
                }
            }
        }
        if problems.is_empty() { Ok(config) } else { Err(problems) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        let source = Source::new("config.toml".into(), text.into());
        Config::parse(&Arc::new(source))
            .map_err(|all| all.iter().map(|problem| problem.render(false)).collect())
    }

    #[test]
    fn every_key_may_be_left_out() {
        let config = parse("").unwrap();
        assert_eq!(config.ledger, None);
        assert_eq!(config.terms.due.get(&Severity::Critical), Some(&(7 * DAY)));
        assert_eq!(config.terms.due.get(&Severity::Info), None);
    }

    #[test]
    fn due_dates_and_owners_are_read() {
        let text = "ledger = '/x.db'\n[due]\nhigh = '2w'\ninfo = '1d'\n[remind]\nhigh = '1d'\nlow = 'never'\n\
             [owners]\nweb = 'web-team'\n";
        let config = parse(text).unwrap();
        assert_eq!(config.ledger.as_deref(), Some("/x.db"));
        assert_eq!(config.terms.due.get(&Severity::High), Some(&(14 * DAY)));
        assert_eq!(config.terms.due.get(&Severity::Info), Some(&DAY));
        assert_eq!(config.terms.remind.get(&Severity::High), Some(&DAY));
        assert_eq!(config.terms.remind.get(&Severity::Low), None);
        assert_eq!(config.terms.owners.get("web").map(String::as_str), Some("web-team"));
    }

    #[test]
    fn an_unknown_key_and_a_wrong_value_are_errors_with_their_place() {
        let problems = parse("ledgr = 'x'\n").unwrap_err();
        assert!(problems[0].contains("config.toml:1:1"), "{problems:?}");
        assert!(problems[0].contains("unknown field `ledgr`"), "{problems:?}");
        let problems = parse("[due]\nhigh = '2y'\nlow = '0d'\n").unwrap_err();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].contains("config.toml:2:8"), "{problems:?}");
        assert!(parse("[due]\nhihg = '2w'\n").is_err());
    }
}
