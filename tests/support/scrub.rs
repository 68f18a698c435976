//! What differs from run to run and from machine to machine, taken out of a report.

use super::Output;
use regex::Regex;

/// The report with times as `[time]`, pids as `[pid]`, inodes as `[inode]`, and the host and its
/// system in the first line as `[host]`; ends with the exit code that the program really had.
pub fn scrubbed(output: &Output) -> String {
    assert_eq!(output.stderr, "", "on standard error, beside:\n{}", output.stdout);
    let mut text = output.stdout.clone();
    for (pattern, to) in [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "[time]"),
        (r"(?m)^spotcheck on .* · as ", "spotcheck on [host] · as "),
        (r"\bpids? \d+(, \d+)*", "[pid]"),
        (r"\bkill( \d+)+", "kill [pid]"),
        (r"/proc/\d+/", "/proc/[pid]/"),
        (r"process \d+", "process [pid]"),
        (r"inode \d+", "inode [inode]"),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, to).into_owned();
    }
    let code = output.status.map_or("by a signal".into(), |code| code.to_string());
    format!("{text}exited {code}")
}
