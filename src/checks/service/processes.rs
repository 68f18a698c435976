//! Processes in words, so that a reader sees at once which differ.

use crate::facts::process::Process;
use crate::host::Target;
use crate::rules::identity::user_name;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most pids that are listed of one group.
const LISTED: usize = 8;

/// Processes grouped by what `word` says of each: `nginx: pids 12, 13; root: pid 11`.
pub fn grouped(processes: &[Arc<Process>], word: impl Fn(&Process) -> String) -> String {
    let mut groups: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for process in processes {
        groups.entry(word(process)).or_default().push(process.pid);
    }
    let words = groups.into_iter().map(|(word, pids)| format!("{word} ({})", pid_list(&pids)));
    words.collect::<Vec<_>>().join("; ")
}

/// `pid 7`, `pids 7, 8, 9`, `pids 1, … and 20 more`.
pub fn pid_list(pids: &[u32]) -> String {
    let listed: Vec<String> = pids.iter().take(LISTED).map(u32::to_string).collect();
    let more = match pids.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("pid{} {}{more}", if pids.len() == 1 { "" } else { "s" }, listed.join(", "))
}

/// As whom a process runs, over all ids of all threads: `nginx`, or `nginx+root` when it can be both.
pub fn identity_of(process: &Process, target: &dyn Target) -> String {
    let Ok(threads) = &process.threads else { return "unreadable".into() };
    let uids: BTreeSet<u32> = threads.iter().flat_map(|thread| thread.uid.distinct()).collect();
    let names: Vec<String> = uids.into_iter().map(|uid| user_name(target, uid)).collect();
    names.join("+")
}
