//! Listening sockets of the network namespace that spotcheck runs in: by `sock_diag(7)`, and where
//! that is not to be had by `/proc/net`.

use crate::facts::listener::{Listener, Protocol};
use crate::facts::{Fact, Unknown};
use crate::targets::live::protocols::Protocols;
use crate::targets::live::{proc_net, sock_diag};
use std::fmt;

/// Files about the network namespace of process 1, proc_pid_net(5).
const OF_PROCESS_1: &str = "/proc/1/net";

/// Address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// `AF_INET`.
    V4,
    /// `AF_INET6`; sockets that take IPv4 as well are of this family.
    V6,
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Family::V4 => "IPv4",
            Family::V6 => "IPv6",
        })
    }
}

/// Why one way of listing did not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It is not available here: another way may be.
    Unavailable,
    /// It is available and failed.
    Unknown(Unknown),
}

/// All of them, sorted by protocol, port, address and inode.
///
/// # Errors
/// Where any kind of socket could not be listed: a port must not seem free because half of the
/// sockets was not to be seen.
pub(super) fn list() -> Fact<Vec<Listener>> {
    list_or_read("/proc/net")
}

/// The same for a thread that has joined the network namespace of process 1: `/proc/net` stays that of
/// its process.
///
/// # Errors
/// As [`list`].
pub(super) fn list_of_process_1_by_netlink() -> Fact<Vec<Listener>> {
    list_or_read(OF_PROCESS_1)
}

fn list_or_read(directory: &str) -> Fact<Vec<Listener>> {
    let mut found = Vec::new();
    for kind in kinds(directory) {
        let (protocol, family) = kind?;
        found.extend(match sock_diag::list(protocol, family) {
            Ok(listeners) => listeners,
            Err(Failure::Unavailable) => proc_net::list_below(directory, protocol, family)?,
            Err(Failure::Unknown(unknown)) => return Err(unknown),
        });
    }
    sort(&mut found);
    Ok(found)
}

/// All of them in the network namespace of process 1, by its `/proc/1/net`, proc_pid_net(5).
///
/// # Errors
/// As [`list`].
pub(super) fn list_of_process_1() -> Fact<Vec<Listener>> {
    let mut found = Vec::new();
    for kind in kinds(OF_PROCESS_1) {
        let (protocol, family) = kind?;
        found.extend(proc_net::list_below(OF_PROCESS_1, protocol, family)?);
    }
    sort(&mut found);
    Ok(found)
}

/// The kinds of sockets that there may be in the namespace that this directory shows, TCP and UDP first.
fn kinds(directory: &str) -> Vec<Fact<(Protocol, Family)>> {
    let both = |protocol| [(protocol, Family::V4), (protocol, Family::V6)];
    let mut all: Vec<_> =
        [Protocol::Tcp, Protocol::Udp].into_iter().flat_map(both).map(Ok).collect();
    let others = Protocol::ALL.into_iter();
    let mut others =
        others.filter(|one| !matches!(one, Protocol::Tcp | Protocol::Udp)).flat_map(both);
    match Protocols::read(directory) {
        Ok(there) => {
            all.extend(others.filter(|(protocol, family)| there.has(*protocol, *family)).map(Ok));
        }
        Err(why) => all.extend(others.next().map(|_| Err(why))),
    }
    all
}

/// By protocol, port, address and inode.
pub(super) fn sort(listeners: &mut [Listener]) {
    listeners.sort_by_key(|l| (l.protocol, l.port, l.address, l.interface, l.inode));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn both_ways_of_listing_agree() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        for (protocol, port) in [
            (Protocol::Tcp, tcp.local_addr().unwrap().port()),
            (Protocol::Udp, udp.local_addr().unwrap().port()),
        ] {
            let of = |mut found: Vec<Listener>| {
                found.retain(|l| l.port == port);
                found
            };
            let one = of(sock_diag::list(protocol, Family::V4).unwrap());
            assert_eq!(one.len(), 1, "{protocol} {port}");
            assert_eq!(one, of(proc_net::list_below("/proc/net", protocol, Family::V4).unwrap()));
        }
    }

    #[test]
    fn a_port_that_is_connected_is_not_listening() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.connect(listener.local_addr().unwrap()).unwrap();
        let ports = [client.local_addr().unwrap().port(), udp.local_addr().unwrap().port()];
        let found = list().unwrap();
        assert!(!found.iter().any(|l| l.protocol == Protocol::Tcp && l.port == ports[0]));
        assert!(!found.iter().any(|l| l.protocol == Protocol::Udp && l.port == ports[1]));
    }
}
