//! `/proc/PID/status` and `/proc/PID/task/TID/status`, `proc_pid_status(5)`.

use crate::facts::process::{Capabilities, Ids, Thread};
use std::collections::BTreeSet;

/// What one status file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Credentials and confinement of the thread.
    pub thread: Thread,
    /// In how many nested pid namespaces it has a pid, counted from the reader's (`NSpid`); 1 where
    /// the kernel does not say (before Linux 4.1).
    pub pid_namespaces: usize,
}

/// Parses a status file of the thread `tid`.
///
/// The kernel escapes newlines in `Name`, so a process cannot forge a line. The first line of a
/// name counts.
///
/// # Errors
/// In words, where a field that every kernel since Linux 2.6.26 writes is missing or not a number.
pub fn parse(tid: u32, bytes: &[u8]) -> Result<Status, String> {
    let text = String::from_utf8_lossy(bytes);
    let field = |name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let needed = |name: &str| field(name).ok_or_else(|| format!("no {name}"));
    let capability = |name: &str| {
        let value = needed(name)?;
        u64::from_str_radix(value, 16).map_err(|_| format!("{name} is {value:?}"))
    };
    let groups = needed("Groups")?
        .split_ascii_whitespace()
        .map(|word| word.parse().map_err(|_| format!("Groups has {word:?}")))
        .collect::<Result<BTreeSet<u32>, _>>()?;
    let flag = |name: &str| {
        let parse = |value: &str| value.parse::<u8>().map_err(|_| format!("{name} is {value:?}"));
        field(name).map(parse).transpose()
    };
    let thread = Thread {
        tid,
        uid: ids(needed("Uid")?).ok_or("Uid is not four numbers")?,
        gid: ids(needed("Gid")?).ok_or("Gid is not four numbers")?,
        groups,
        capabilities: Capabilities {
            inheritable: capability("CapInh")?,
            permitted: capability("CapPrm")?,
            effective: capability("CapEff")?,
            bounding: capability("CapBnd")?,
            // Linux before 4.3 has no ambient capabilities, so none is what a thread has there.
            ambient: if field("CapAmb").is_some() { capability("CapAmb")? } else { 0 },
        },
        no_new_privs: flag("NoNewPrivs")?.map(|value| value != 0),
        seccomp: flag("Seccomp")?,
    };
    let pid_namespaces = field("NSpid").map_or(1, |pids| pids.split_ascii_whitespace().count());
    Ok(Status { thread, pid_namespaces })
}

/// The four numbers of `Uid:` and `Gid:`.
fn ids(value: &str) -> Option<Ids> {
    let mut numbers = value.split_ascii_whitespace().map(|word| word.parse().ok());
    let mut next = || numbers.next().flatten();
    let ids = Ids { real: next()?, effective: next()?, saved: next()?, filesystem: next()? };
    numbers.next().is_none().then_some(ids)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATUS: &str = "Name:\tnginx\\nUid:\\t0\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t42\n\
        Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nFDSize:\t64\nGroups:\t8 27 1000 \nNSpid:\t42\t7\n\
        CapInh:\t0000000000000001\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000400\n\
        CapBnd:\t0000000000000002\nCapAmb:\t0000000000000004\nNoNewPrivs:\t1\nSeccomp:\t2\n\
        Seccomp_filters:\t1\n";

    #[test]
    fn every_field_is_read() {
        let status = parse(42, STATUS.as_bytes()).unwrap();
        let thread = status.thread;
        assert_eq!(thread.tid, 42);
        assert_eq!(thread.uid.all(), [1, 2, 3, 4]);
        assert_eq!(thread.gid.all(), [5, 6, 7, 8]);
        assert_eq!(thread.groups.into_iter().collect::<Vec<_>>(), [8, 27, 1000]);
        assert_eq!(thread.capabilities.inheritable, 1);
        assert_eq!(thread.capabilities.permitted, 0x1ff_ffff_ffff);
        assert_eq!(thread.capabilities.effective, 0x400);
        assert_eq!(thread.capabilities.bounding, 2);
        assert_eq!(thread.capabilities.ambient, 4);
        assert_eq!((thread.no_new_privs, thread.seccomp), (Some(true), Some(2)));
        assert_eq!(status.pid_namespaces, 2);
    }

    #[test]
    fn what_an_old_kernel_does_not_say_is_not_made_up() {
        let old: String = STATUS
            .lines()
            .filter(|l| {
                !["NSpid", "CapAmb", "NoNewPrivs", "Seccomp"].iter().any(|p| l.starts_with(p))
            })
            .map(|l| format!("{l}\n"))
            .collect();
        let status = parse(1, old.as_bytes()).unwrap();
        assert_eq!((status.thread.no_new_privs, status.thread.seccomp), (None, None));
        assert_eq!(status.pid_namespaces, 1);
    }

    #[test]
    fn missing_or_broken_fields_are_errors() {
        for (from, to, part) in [
            ("Uid:\t1\t2\t3\t4\n", "", "no Uid"),
            ("Gid:\t5\t6\t7\t8", "Gid:\t5\t6\t7", "Gid is not four"),
            ("Gid:\t5\t6\t7\t8", "Gid:\t5\t6\t7\t8\t9", "Gid is not four"),
            ("Groups:\t8", "Groups:\tx", "Groups has"),
            ("CapEff:\t0000000000000400", "CapEff:\t", "CapEff is"),
            ("CapPrm", "CapXxx", "no CapPrm"),
        ] {
            let error = parse(1, STATUS.replace(from, to).as_bytes()).unwrap_err();
            assert!(error.contains(part), "{error:?} does not say {part:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(1, &bytes);
        }

        #[test]
        fn no_change_to_a_good_file_makes_it_panic(at in 0..STATUS.len(), byte in any::<u8>()) {
            let mut bytes = STATUS.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = parse(1, &bytes);
        }
    }
}
