//! Sockets that wait for others: TCP, SCTP and DCCP in LISTEN, UDP and UDP-Lite bound and not connected.

use super::Unknown;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Transport protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
    /// UDP-Lite, RFC 3828: its ports are others than those of UDP.
    UdpLite,
    /// Stream Control Transmission Protocol.
    Sctp,
    /// Datagram Congestion Control Protocol.
    Dccp,
}

impl Protocol {
    /// All that have ports.
    pub const ALL: [Protocol; 5] =
        [Protocol::Tcp, Protocol::Udp, Protocol::UdpLite, Protocol::Sctp, Protocol::Dccp];

    /// As it is written behind a port: `tcp`.
    pub const fn name(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::UdpLite => "udplite",
            Protocol::Sctp => "sctp",
            Protocol::Dccp => "dccp",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One listening socket in the reader's network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Local address; unspecified (`0.0.0.0`, `::`) means every address.
    pub address: IpAddr,
    /// Local port.
    pub port: u16,
    /// For an IPv6 socket: whether it refuses IPv4 (`IPV6_V6ONLY`). `None` for IPv4 sockets, and
    /// where the kernel did not say.
    pub v6_only: Option<bool>,
    /// Network interface the socket is bound to (`SO_BINDTODEVICE`), 0 for none.
    pub interface: u32,
    /// Inode of the socket; holders are found by it.
    pub inode: u32,
    /// Owner of the socket: effective uid of its creator.
    pub uid: u32,
}

impl Listener {
    /// Whether the socket is an IPv6 one that takes IPv4 traffic too. An unsaid `v6_only` counts
    /// as yes: claiming that a port is not reachable takes evidence.
    pub fn is_dual_stack(&self) -> bool {
        matches!(self.address, IpAddr::V6(a) if a == Ipv6Addr::UNSPECIFIED)
            && self.v6_only != Some(true)
    }

    /// Whether traffic to `address` reaches this socket.
    pub fn answers(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(_)) => true,
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V6(_)) => true,
            (IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(_)) => self.is_dual_stack(),
            (own, asked) => own.to_canonical() == asked.to_canonical(),
        }
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(a) => write!(f, "{a}:{}/{}", self.port, self.protocol),
            IpAddr::V6(a) => write!(f, "[{a}]:{}/{}", self.port, self.protocol),
        }
    }
}

/// Who holds a socket open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holders {
    /// Every process seen holding it, by pid, ascending.
    pub pids: Vec<u32>,
    /// Why there may be more holders: processes whose descriptors could not be read, or nobody seen
    /// to hold it (the kernel itself, another pid namespace, or it was closed meanwhile).
    pub unseen: Option<Unknown>,
}
