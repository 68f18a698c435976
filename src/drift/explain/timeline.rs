//! What happened at the same time, by the logs of package managers: a hint, never a proof.

use crate::facts::drift::Change;
use crate::host::Target;
use flate2::read::MultiGzDecoder;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// Logs of dpkg and apt, and what their parts are called in reports: folder, name, reader.
const LOGS: [(&str, &str, Reader); 2] =
    [("/var/log", "dpkg.log", dpkg), ("/var/log/apt", "history.log", apt)];
/// The most of a log that is read, unpacked.
const SIZE_LIMIT: u64 = 64 << 20;
/// The most parts of a log that are read: `dpkg.log`, `dpkg.log.1`, `dpkg.log.2.gz` ... a year of them.
const PARTS: usize = 13;
/// Seconds within which things are at the same time.
const NEAR: i64 = 30;
/// The most lines that are told of one change.
const LINES: usize = 3;

/// Something that a log tells, from its first to its last second.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    start: i64,
    end: i64,
    words: String,
    /// How many lines of dpkg.log it is; 0 for what tells a whole run.
    lines: usize,
}

type Reader = fn(&str, &TimeZone) -> Vec<Event>;

/// Adds to changes what happened at the time of the last change of their inodes, and after the moment
/// of which the baseline is: what was over before cannot be the cause.
pub fn attribute(
    changes: &mut [Change],
    times: &BTreeMap<String, i64>,
    since: i64,
    target: &dyn Target,
) {
    let counts = |change: &&Change| change.explanation.counts() && times.contains_key(&change.name);
    if changes.iter().filter(counts).count() == 0 {
        return;
    }
    let zone = TimeZone::system();
    let mut events = Vec::new();
    for (folder, name, read) in LOGS {
        for text in parts(target, Path::new(folder), name) {
            events.extend(read(&text, &zone));
        }
    }
    events.retain(|event| event.end >= since);
    let events = one_for_each_run(events);
    for change in changes.iter_mut().filter(|change| change.explanation.counts()) {
        let Some(time) = times.get(&change.name) else { continue };
        let near =
            |event: &&Event| event.start - NEAR <= *time && *time <= event.end.saturating_add(NEAR);
        // Those that began last lie nearest.
        let before = events.partition_point(|event| event.start <= time + NEAR);
        let around = events.get(..before).unwrap_or_default().iter().rev().take(REACH);
        let mut told: Vec<&Event> = around.filter(near).take(LINES).collect();
        told.reverse();
        change.at_the_same_time = told.into_iter().map(|event| event.words.clone()).collect();
    }
}

/// One event for each run of a package manager: apt tells of a run what dpkg tells line by line, and
/// what dpkg did in one go is one event too.
fn one_for_each_run(mut events: Vec<Event>) -> Vec<Event> {
    let runs: Vec<(i64, i64)> = events
        .iter()
        .filter(|event| event.lines == 0)
        .map(|event| (event.start - NEAR, event.end + NEAR))
        .collect();
    events.retain(|event| {
        event.lines == 0 || !runs.iter().any(|(start, end)| (start..=end).contains(&&event.start))
    });
    events.sort_by_key(|event| event.start);
    let mut all: Vec<Event> = Vec::new();
    for event in events {
        match all.last_mut().filter(|last| last.lines > 0 && event.lines > 0) {
            Some(last) if event.start - last.end <= NEAR => {
                last.end = last.end.max(event.end);
                last.lines += event.lines;
            }
            _ => all.push(event),
        }
    }
    for event in all.iter_mut().filter(|event| event.lines > 1) {
        event.words = format!("{} and {} more", event.words, event.lines - 1);
    }
    all
}

/// So many events before a moment are looked through for one that still went on.
const REACH: usize = 2_000;

/// A log and its rotated parts, as text; what cannot be read gives no hint.
fn parts(target: &dyn Target, folder: &Path, name: &str) -> Vec<String> {
    let mut all = Vec::new();
    for number in 0..PARTS {
        let plain = match number {
            0 => name.to_owned(),
            number => format!("{name}.{number}"),
        };
        let read = |name: &str| target.read_up_to(&folder.join(name), SIZE_LIMIT).ok().flatten();
        let text = match read(&plain) {
            Some(content) => String::from_utf8_lossy(&content).into_owned(),
            None => match read(&format!("{plain}.gz")) {
                Some(packed) => {
                    let mut bytes = Vec::new();
                    let unpacked = MultiGzDecoder::new(packed.as_slice());
                    // What is damaged further on may be whole up to there.
                    let _ = unpacked.take(SIZE_LIMIT).read_to_end(&mut bytes);
                    String::from_utf8_lossy(&bytes).into_owned()
                }
                None if number == 0 => continue,
                None => break,
            },
        };
        all.push(text);
    }
    all
}

fn seconds(text: &str, zone: &TimeZone) -> Option<i64> {
    let time = DateTime::strptime("%Y-%m-%d %H:%M:%S", text).ok()?;
    Some(zone.to_ambiguous_timestamp(time).compatible().ok()?.as_second())
}

/// Lines such as `2026-11-23 07:00:00 upgrade bash:amd64 5.1 5.2`.
fn dpkg(text: &str, zone: &TimeZone) -> Vec<Event> {
    let event = |line: &str| {
        let (time, rest) = line.split_at_checked(19)?;
        let verb = rest.split_whitespace().next().unwrap_or_default();
        if !["install", "upgrade", "remove", "purge"].contains(&verb) {
            return None;
        }
        let start = seconds(time, zone)?;
        Some(Event { start, end: start, lines: 1, words: format!("dpkg.log: {}", line.trim_end()) })
    };
    text.lines().filter_map(event).collect()
}

/// Paragraphs of `Start-Date`, `Commandline`, `Requested-By`, what was done, `End-Date`: who asked for
/// it, and with which command.
fn apt(text: &str, zone: &TimeZone) -> Vec<Event> {
    let event = |paragraph: &str| {
        let field = |key: &str| {
            let line = paragraph.lines().find_map(|line| line.strip_prefix(key));
            line.map(str::trim).filter(|value| !value.is_empty())
        };
        // Two spaces lie between date and time.
        let time = |key: &str| {
            let words: Vec<&str> = field(key)?.split_whitespace().collect();
            seconds(&words.join(" "), zone)
        };
        let start = time("Start-Date:")?;
        // One that was killed has no end.
        let end = time("End-Date:").unwrap_or(start).max(start);
        let what = field("Commandline:").unwrap_or("a run without a command line");
        let by =
            field("Requested-By:").map(|by| format!(", requested by {by}")).unwrap_or_default();
        Some(Event { start, end, lines: 0, words: format!("apt history: {what}{by}") })
    };
    text.split("\n\n").filter_map(event).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_packages_is_an_event() {
        let text = "2026-11-23 07:00:00 startup archives unpack\n\
                    2026-11-23 07:00:01 upgrade bash:amd64 5.1 5.2\n\
                    2026-11-23 07:00:01 status installed bash:amd64 5.2\nshort\n";
        let events = dpkg(text, &TimeZone::UTC);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].words, "dpkg.log: 2026-11-23 07:00:01 upgrade bash:amd64 5.1 5.2");
    }

    #[test]
    fn a_run_of_a_package_manager_is_one_event() {
        let dpkg_log = "2026-11-23 07:00:01 upgrade bash:amd64 5.1 5.2\n\
                        2026-11-23 07:00:20 upgrade zlib:amd64 1 2\n\
                        2026-11-23 07:00:40 install new:amd64 <none> 2\n\
                        2026-11-23 09:00:00 remove old:amd64 2\n";
        let alone = one_for_each_run(dpkg(dpkg_log, &TimeZone::UTC));
        let words: Vec<&str> = alone.iter().map(|event| event.words.as_str()).collect();
        assert_eq!(
            words,
            [
                "dpkg.log: 2026-11-23 07:00:01 upgrade bash:amd64 5.1 5.2 and 2 more",
                "dpkg.log: 2026-11-23 09:00:00 remove old:amd64 2"
            ]
        );
        let history = "Start-Date: 2026-11-23  07:00:00\nCommandline: apt upgrade\n\
                       End-Date: 2026-11-23  07:00:41\n";
        let mut all = dpkg(dpkg_log, &TimeZone::UTC);
        all.extend(apt(history, &TimeZone::UTC));
        let words: Vec<String> = one_for_each_run(all).into_iter().map(|e| e.words).collect();
        let old = "dpkg.log: 2026-11-23 09:00:00 remove old:amd64 2";
        assert_eq!(words, ["apt history: apt upgrade", old]);
    }

    #[test]
    fn apt_tells_the_command_and_who_asked_for_it() {
        let text = "\nStart-Date: 2026-11-23  07:00:00\nCommandline: apt-get install nginx\n\
                    Requested-By: ann (1000)\nInstall: nginx:amd64 (1.22)\n\
                    End-Date: 2026-11-23  07:05:00\n\nStart-Date: 2026-11-24  07:00:00\n\n\
                    Commandline: nothing\n";
        let events = apt(text, &TimeZone::UTC);
        assert_eq!(events.len(), 2);
        let wanted = "apt history: apt-get install nginx, requested by ann (1000)";
        assert_eq!(events[0].words, wanted);
        assert_eq!(events[0].end - events[0].start, 300);
        assert_eq!(events[1].start, events[1].end, "one that was killed has no end");
    }
}
