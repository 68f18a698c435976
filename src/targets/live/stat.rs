//! `/proc/PID/stat`, `proc_pid_stat(5)`.

/// `PF_KTHREAD` of `include/linux/sched.h`: the flag of kernel threads in field 9.
const PF_KTHREAD: u64 = 0x0020_0000;

/// The fields that spotcheck uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Field 2 without its parentheses: any bytes but NUL, at most 15 for user processes.
    pub comm: Vec<u8>,
    /// Field 3: `R`, `S`, `Z` ...
    pub state: u8,
    /// Field 4: the parent's pid, 0 for none in this pid namespace.
    pub ppid: u32,
    /// Field 9 has `PF_KTHREAD`.
    pub kernel_thread: bool,
    /// Field 20: number of threads.
    pub threads: u64,
    /// Field 22: start time in clock ticks since boot.
    pub start_ticks: u64,
}

/// Parses the content of `/proc/PID/stat`; `None` if it is not of that format.
///
/// The name may hold spaces and parentheses, so the fields are counted from the *last* `)`: none
/// of those behind it can hold one.
pub fn parse(bytes: &[u8]) -> Option<Stat> {
    let open = bytes.iter().position(|b| *b == b'(')?;
    let close = bytes.iter().rposition(|b| *b == b')')?;
    let comm = bytes.get(open.checked_add(1)?..close)?.to_vec();
    let rest = std::str::from_utf8(bytes.get(close.checked_add(1)?..)?).ok()?;
    // Field 3 is the first behind the name.
    let mut fields = rest.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let ppid = fields.next()?.parse().ok()?;
    let flags: u64 = fields.nth(4)?.parse().ok()?;
    let threads = fields.nth(10)?.parse().ok()?;
    let start_ticks = fields.nth(1)?.parse().ok()?;
    Some(Stat { comm, state, ppid, kernel_thread: flags & PF_KTHREAD != 0, threads, start_ticks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAIL: &str =
        "S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 123456 1000 10 18446744073709551615";

    #[test]
    fn fields_are_counted_from_the_last_parenthesis() {
        for name in ["nginx", "a b", "x) S 1 1 (y", "((", "))", ")"] {
            let stat = parse(format!("42 ({name}) {TAIL}\n").as_bytes()).unwrap();
            assert_eq!(stat.comm, name.as_bytes());
            assert_eq!((stat.state, stat.ppid, stat.threads), (b'S', 7, 3));
            assert_eq!(stat.start_ticks, 123_456);
            assert!(!stat.kernel_thread);
        }
    }

    #[test]
    fn a_name_need_not_be_utf8() {
        let line = [b"1 (\xff\xfe\n) ".as_slice(), TAIL.as_bytes()].concat();
        assert_eq!(parse(&line).unwrap().comm, b"\xff\xfe\n");
    }

    #[test]
    fn kernel_threads_are_known_by_their_flag() {
        let line = "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0";
        assert!(parse(line.as_bytes()).unwrap().kernel_thread);
    }

    #[test]
    fn what_is_cut_short_is_refused() {
        for text in ["", "1", "1 (a", "1 a) S", ")(", "1 (a) S 1 2 3", "1 (a) S x 1 1 1 1 1 1"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn any_name_is_read_back(name in proptest::collection::vec(any::<u8>(), 0..15)) {
            let line = [b"42 (".as_slice(), &name, b") ", TAIL.as_bytes()].concat();
            prop_assert_eq!(parse(&line).map(|s| s.comm), Some(name));
        }
    }
}
