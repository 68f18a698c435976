//! `/proc/PID/fdinfo/FD`, `proc_pid_fdinfo(5)`: what the file of a descriptor holds in turn.

use crate::targets::live::descriptors::socket_inode;

/// A ring may have 32,768 registered files (`IORING_MAX_FIXED_FILES`), of a line each, and buffers.
pub(super) const LIMIT: usize = 16 << 20;

/// What is held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Holds {
    /// Inodes of sockets that are registered with an `io_uring(7)` (`io_uring_show_fdinfo()`).
    pub(super) sockets: Vec<u32>,
    /// Descriptors that wait in a Unix socket until somebody takes them, `SCM_RIGHTS` of
    /// `unix(7)` (`scm_fds` of `unix_show_fdinfo()`).
    pub(super) in_flight: u64,
    /// Registered files that the kernel counts and does not name: it does so only while nobody else uses
    /// the ring.
    pub(super) unnamed: u64,
}

/// Parses it; lines that are of no concern here are left out.
pub(super) fn parse(bytes: &[u8]) -> Holds {
    let mut holds = Holds::default();
    let mut slots = 0u64;
    let mut seen = 0u64;
    let mut is_file = false;
    for line in bytes.split(|byte| *byte == b'\n') {
        let number = |value: &[u8]| std::str::from_utf8(value).ok()?.trim().parse::<u64>().ok();
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (key, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii();
        match key {
            b"scm_fds" => holds.in_flight = number(value).unwrap_or(1),
            b"UserFiles" => {
                slots = number(value).unwrap_or(1);
                is_file = true;
            }
            // `    0: socket:[4711]`, until the next key.
            slot if is_file && number(slot).is_some() => {
                seen = seen.saturating_add(1);
                holds.sockets.extend(socket_inode(value));
            }
            _ => is_file = false,
        }
    }
    // Empty slots are counted and not listed, so that only a list of nothing at all says that it is none.
    holds.unnamed = if seen == 0 { slots } else { 0 };
    holds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_a_ring_and_descriptors_in_flight_are_read() {
        let ring = b"pos:\t0\nSQEs:\t0\nUserFiles:\t3\n    0: socket:[4711]\n    2: /etc/x: y\nUserBufs:\t1\n    0: 123/7\nPollList:\n";
        let holds = Holds { sockets: vec![4711], ..Holds::default() };
        assert_eq!(parse(ring), holds);
        assert_eq!(parse(b"pos:\t0\nUserFiles:\t3\nUserBufs:\t0\n").unnamed, 3);
        assert_eq!(parse(b"pos:\t0\nino:\t7\nscm_fds: 2\n").in_flight, 2);
        assert_eq!(parse(b"scm_fds: 0\n"), Holds::default());
        assert_eq!(parse(b""), Holds::default());
    }
}
