//! Traces: times that the kernel itself keeps, as a run saw them. An inode says when it was last
//! changed (ctime, which only the kernel sets), a process when it was started.

use crate::actions::items::evidence::EvidenceRecord;
use serde_json::Value;

/// A trace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Trace {
    /// When, seconds since 1970-01-01 UTC.
    pub at: i64,
    /// What happened then.
    pub what: String,
    /// What says so.
    pub source: String,
    /// What it is about: of a program with many processes only the first start is told.
    about: String,
}

/// The traces in an evidence that are younger than `after`, and not younger than the run that saw them.
pub fn traces(evidence: &EvidenceRecord, after: i64, run: i64) -> Vec<Trace> {
    let mut all: Vec<Trace> = evidence.seen.iter().filter_map(trace).collect();
    all.retain(|trace| trace.at > after && trace.at <= run);
    all.sort();
    all.dedup();
    first_of_each_program(all)
}

/// A program of many processes is told once, by the first of them.
fn first_of_each_program(all: Vec<Trace>) -> Vec<Trace> {
    let mut seen = std::collections::BTreeSet::new();
    all.into_iter().filter(|trace| seen.insert(trace.about.clone())).collect()
}

fn trace(seen: &Value) -> Option<Trace> {
    let text = |key: &str| seen.get(key).and_then(Value::as_str);
    let number = |key: &str| seen.get(key).and_then(Value::as_i64);
    match text("kind")? {
        "file" => {
            let (path, mode) = (text("path")?, text("mode")?);
            let (uid, gid, inode) = (number("uid")?, number("gid")?, number("inode")?);
            Some(Trace {
                at: number("changed")?,
                what: format!("{path} was changed; from then on uid {uid}, gid {gid}, mode {mode}"),
                source: format!("ctime of inode {inode}"),
                about: format!("file {path} {inode} {mode}"),
            })
        }
        "process" => {
            let program = text("exe").or(text("comm"))?;
            let unit = text("unit").map(|unit| format!(" in {unit}")).unwrap_or_default();
            let real = seen.get("uids").and_then(|uids| uids.get(0)).and_then(Value::as_i64);
            let root = if real == Some(0) { " as root" } else { "" };
            Some(Trace {
                at: number("started")?,
                what: format!("{program} was started{root}{unit}"),
                source: format!("start time of process {}", number("pid")?),
                about: format!("{program}{unit}"),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_happened_between_two_looks_is_a_trace() {
        let seen = vec![
            json!({ "kind": "process", "pid": 7, "comm": "apache2", "exe": "/usr/sbin/apache2",
                    "uids": [33, 33, 33, 33], "unit": "apache2.service", "started": 51 }),
            json!({ "kind": "process", "pid": 6, "comm": "apache2", "exe": "/usr/sbin/apache2",
                    "uids": [33, 33, 33, 33], "unit": "apache2.service", "started": 50 }),
            json!({ "kind": "file", "path": "/c", "uid": 0, "gid": 0, "mode": "0000", "inode": 5,
                    "changed": 40 }),
            json!({ "kind": "file", "path": "/old", "uid": 0, "gid": 0, "mode": "0644", "inode": 4,
                    "changed": 10 }),
            json!({ "kind": "socket", "socket": "*:80" }),
        ];
        let evidence = EvidenceRecord { seen, ..EvidenceRecord::default() };
        let what: Vec<(i64, String)> =
            traces(&evidence, 30, 60).into_iter().map(|trace| (trace.at, trace.what)).collect();
        assert_eq!(
            what,
            [
                (40, "/c was changed; from then on uid 0, gid 0, mode 0000".into()),
                (50, "/usr/sbin/apache2 was started in apache2.service".into())
            ]
        );
    }
}
