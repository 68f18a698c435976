//! Which transport protocols have sockets in a network namespace: `/proc/PID/net/protocols`, made by
//! `proto_seq_show()` of the kernel's `net/core/sock.c`.
//!
//! Asked before `sock_diag(7)` is: an older kernel would load the module of a protocol to say that it has no
//! sockets, and hosts are hardened by keeping just those modules out.

use crate::facts::listener::Protocol;
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::live::proc_file;
use crate::targets::live::sockets::Family;

const LIMIT: usize = 1 << 20;

/// How many sockets there are of a protocol, by the kernel's name of it.
pub(super) struct Protocols(Vec<(String, u64)>);

impl Protocols {
    /// Those of the namespace that this directory shows: `/proc/self/net`.
    pub(super) fn read(directory: &str) -> Fact<Self> {
        let path = format!("{directory}/protocols");
        let bytes = proc_file::bounded(&path, LIMIT);
        let bytes = bytes.map_err(|error| Unknown::from_io(path.clone(), &error))?;
        let text = String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned();
        let why = "not of its format".to_owned();
        parse(&text).map(Self).ok_or_else(|| Unknown::new(path, Cause::Malformed(why)))
    }

    /// Whether there may be sockets of this kind. TCP and UDP always count.
    pub(super) fn has(&self, protocol: Protocol, family: Family) -> bool {
        let name = match (protocol, family) {
            (Protocol::Tcp | Protocol::Udp, _) => return true,
            (Protocol::UdpLite, Family::V4) => "UDP-Lite",
            (Protocol::UdpLite, Family::V6) => "UDPLITEv6",
            (Protocol::Sctp, Family::V4) => "SCTP",
            (Protocol::Sctp, Family::V6) => "SCTPv6",
            (Protocol::Dccp, Family::V4) => "DCCP",
            (Protocol::Dccp, Family::V6) => "DCCPv6",
        };
        self.0.iter().any(|(known, count)| known == name && *count > 0)
    }
}

/// The first and the third column behind the header.
fn parse(text: &str) -> Option<Vec<(String, u64)>> {
    let mut lines = text.lines();
    lines.next().filter(|header| header.starts_with("protocol"))?;
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        Some((words.next()?.to_owned(), words.nth(1)?.parse().ok()?))
    };
    lines.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_there_when_they_have_sockets() {
        let text = "protocol  size sockets  memory press maxhdr  slab module     cl co di\n\
                    UDP-Lite  1344      1       0   NI       0   yes  kernel      y  y  y\n\
                    SCTP      1568      0       0   no       0   yes  sctp        y  y  y\n";
        let found = Protocols(parse(text).unwrap());
        assert!(found.has(Protocol::UdpLite, Family::V4));
        assert!(!found.has(Protocol::UdpLite, Family::V6));
        assert!(!found.has(Protocol::Sctp, Family::V4) && !found.has(Protocol::Dccp, Family::V4));
        assert!(found.has(Protocol::Tcp, Family::V6));
        for other in ["", "nonsense\n", "protocol size sockets\nTCP x\n", "protocol\nTCP 1 -1 2\n"]
        {
            assert!(parse(other).is_none(), "{other}");
        }
    }
}
