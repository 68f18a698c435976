//! Listening sockets by `sock_diag(7)`: the kernel filters by state and sends what it has.
//!
//! Messages are those of `include/uapi/linux/{netlink,inet_diag}.h`, in the byte order of the
//! machine but for ports and addresses. Where the answer is incomplete in any way there is none.

use crate::facts::listener::{Listener, Protocol};
use crate::facts::{Cause, Unknown};
use crate::targets::live::sockets::{Failure, Family};
use nix::errno::Errno;
use nix::sys::socket::sockopt::ReceiveTimeout;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, sendto,
    setsockopt, socket,
};
use nix::sys::time::TimeVal;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, OwnedFd};

/// How long the kernel may take for one message, in seconds.
const PATIENCE: i64 = 5;
/// How often a dump is tried that the kernel says was interrupted by a change.
const ATTEMPTS: u32 = 4;
/// The most sockets of one kind that are kept.
pub(super) const SOCKET_LIMIT: usize = 1 << 20;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_DUMP_INTR: u16 = 0x10;
const INET_DIAG_SKV6ONLY: u16 = 11;
/// All addresses of an SCTP socket, of which the message itself has one.
const INET_DIAG_LOCALS: u16 = 15;
/// `struct sockaddr_storage`.
const ADDRESS_LENGTH: usize = 128;
/// States of `include/net/tcp_states.h`; a UDP socket without a peer is in the state CLOSE.
const TCP_LISTEN: u32 = 10;
const TCP_CLOSE: u32 = 7;

/// The listening sockets of one kind.
pub(super) fn list(protocol: Protocol, family: Family) -> Result<Vec<Listener>, Failure> {
    for sequence in 1..=ATTEMPTS {
        if let Some(found) = dump(protocol, family, sequence)? {
            return Ok(found);
        }
    }
    let why = format!("the list of sockets changed during each of {ATTEMPTS} dumps");
    Err(Failure::Unknown(Unknown::new(what(protocol, family), Cause::Io(why))))
}

/// One dump; `None` if it was interrupted and may be inconsistent.
fn dump(
    protocol: Protocol,
    family: Family,
    sequence: u32,
) -> Result<Option<Vec<Listener>>, Failure> {
    let unknown =
        |why: String| Failure::Unknown(Unknown::new(what(protocol, family), Cause::Io(why)));
    let socket = connect().map_err(|error| refused(error, protocol, family))?;
    let message = request(protocol, family, sequence);
    let kernel = NetlinkAddr::new(0, 0);
    sendto(socket.as_raw_fd(), &message, &kernel, MsgFlags::empty())
        .map_err(|error| refused(error, protocol, family))?;
    let mut found = Vec::new();
    let mut interrupted = false;
    // The kernel sends at most 32 KiB at once (`netlink_dump` in `net/netlink/af_netlink.c`).
    let mut buffer = vec![0; 64 << 10];
    loop {
        let length = match recv(socket.as_raw_fd(), &mut buffer, MsgFlags::MSG_TRUNC) {
            Ok(length) => length,
            Err(Errno::EINTR) => continue,
            Err(Errno::EAGAIN) => {
                return Err(unknown(format!("no answer from the kernel in {PATIENCE} seconds")));
            }
            Err(error) => return Err(unknown(error.desc().to_owned())),
        };
        let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
            return Err(unknown(format!("a message of {length} bytes was cut short")));
        };
        let part = parse(bytes, sequence, protocol).map_err(unknown)?;
        found.extend(part.listeners);
        interrupted |= part.interrupted;
        if found.len() > SOCKET_LIMIT {
            let cause = Cause::TooLarge(format!("more than {SOCKET_LIMIT} sockets"));
            return Err(Failure::Unknown(Unknown::new(what(protocol, family), cause)));
        }
        match part.end {
            None => {}
            Some(0) => return Ok((!interrupted).then_some(found)),
            Some(errno) => return Err(refused(Errno::from_raw(errno), protocol, family)),
        }
    }
}

fn connect() -> nix::Result<OwnedFd> {
    let protocol = SockProtocol::NetlinkSockDiag;
    let socket =
        socket(AddressFamily::Netlink, SockType::Datagram, SockFlag::SOCK_CLOEXEC, protocol)?;
    setsockopt(&socket, ReceiveTimeout, &TimeVal::new(PATIENCE, 0))?;
    // A port of the kernel's choice: then only the kernel's answers arrive.
    bind(socket.as_raw_fd(), &NetlinkAddr::new(0, 0))?;
    Ok(socket)
}

fn refused(error: Errno, protocol: Protocol, family: Family) -> Failure {
    match error {
        // A sandbox, or a kernel without the family, the protocol's module, or netlink at all:
        // /proc/net may still know.
        Errno::EPERM
        | Errno::EACCES
        | Errno::ENOENT
        | Errno::ENOSYS
        | Errno::EINVAL
        | Errno::EOPNOTSUPP
        | Errno::EPROTONOSUPPORT
        | Errno::EAFNOSUPPORT => Failure::Unavailable,
        other => {
            let cause = Cause::Io(other.desc().to_owned());
            Failure::Unknown(Unknown::new(what(protocol, family), cause))
        }
    }
}

fn what(protocol: Protocol, family: Family) -> String {
    format!("listening {protocol} sockets ({family}) by sock_diag")
}

/// `struct nlmsghdr` and `struct inet_diag_req_v2`.
fn request(protocol: Protocol, family: Family, sequence: u32) -> Vec<u8> {
    const LENGTH: u32 = 16 + 56;
    let (number, state) = match protocol {
        Protocol::Tcp => (6, TCP_LISTEN),
        Protocol::Udp => (17, TCP_CLOSE),
        Protocol::UdpLite => (136, TCP_CLOSE),
        Protocol::Sctp => (132, TCP_LISTEN),
        Protocol::Dccp => (33, TCP_LISTEN),
    };
    let family = match family {
        Family::V4 => 2,
        Family::V6 => 10,
    };
    let mut bytes = Vec::with_capacity(72);
    bytes.extend(LENGTH.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    bytes.extend(sequence.to_ne_bytes());
    bytes.extend([0; 4]);
    bytes.extend([family, number, 0, 0]);
    bytes.extend((1u32 << state).to_ne_bytes());
    // Any socket: ports, addresses and interface zero, and no cookie.
    bytes.extend([0; 48]);
    bytes
}

/// What one datagram of an answer holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Sockets, in the kernel's order.
    pub listeners: Vec<Listener>,
    /// The list of sockets changed while the kernel walked through it (`NLM_F_DUMP_INTR`).
    pub interrupted: bool,
    /// Set at the end of the answer: 0, or the number of the error that ended it.
    pub end: Option<i32>,
}

/// Parses one datagram: messages that answer the request `sequence`; others are left out.
///
/// # Errors
/// In words, where a message is shorter than it says or than its kind must be.
pub fn parse(bytes: &[u8], sequence: u32, protocol: Protocol) -> Result<Part, String> {
    let mut part = Part::default();
    let mut rest = bytes;
    while part.end.is_none() && !rest.is_empty() {
        let length = u32_at(rest, 0).ok_or("a message without a header")? as usize;
        let message = rest.get(..length).ok_or("a message longer than its datagram")?;
        let payload = message.get(16..).ok_or("a message shorter than its header")?;
        let (kind, flags) = (u16_at(message, 4), u16_at(message, 6));
        if u32_at(message, 8) == Some(sequence) {
            part.interrupted |= flags.is_some_and(|flags| flags & NLM_F_DUMP_INTR != 0);
            match kind {
                Some(SOCK_DIAG_BY_FAMILY) => {
                    let one = listener(payload, protocol);
                    let one = one.ok_or("a socket that is not of its format")?;
                    part.listeners.extend(further(payload, &one));
                    part.listeners.push(one);
                }
                Some(NLMSG_DONE | NLMSG_ERROR) => part.end = Some(error_number(payload)),
                Some(NLMSG_OVERRUN) => return Err("the kernel lost a message".to_owned()),
                _ => {}
            }
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(part)
}

/// The number at the start of the payload is a negated `errno`. `NLMSG_DONE` may carry one, too.
fn error_number(payload: &[u8]) -> i32 {
    let number = payload.first_chunk().map_or(0, |bytes| i32::from_ne_bytes(*bytes));
    number.checked_neg().unwrap_or(i32::MAX).max(0)
}

/// `struct inet_diag_msg` and its attributes.
fn listener(payload: &[u8], protocol: Protocol) -> Option<Listener> {
    const LENGTH: usize = 72;
    let family = *payload.first()?;
    let address = match family {
        2 => IpAddr::V4(Ipv4Addr::from(*payload.get(8..)?.first_chunk::<4>()?)),
        10 => IpAddr::V6(Ipv6Addr::from(*payload.get(8..)?.first_chunk::<16>()?)),
        _ => return None,
    };
    let only = attribute(payload.get(LENGTH..)?, INET_DIAG_SKV6ONLY);
    let v6_only = only.and_then(|value| value.first()).map(|value| *value != 0);
    Some(Listener {
        protocol,
        address,
        port: u16::from_be_bytes(*payload.get(4..)?.first_chunk()?),
        v6_only: v6_only.filter(|_| address.is_ipv6()),
        interface: u32_at(payload, 40)?,
        uid: u32_at(payload, 64)?,
        inode: u32_at(payload, 68)?,
    })
}

/// The same socket at its further addresses.
fn further(payload: &[u8], socket: &Listener) -> Vec<Listener> {
    let all = payload.get(72..).and_then(|rest| attribute(rest, INET_DIAG_LOCALS));
    let addresses = all.unwrap_or_default().chunks(ADDRESS_LENGTH).filter_map(address);
    let others = addresses.filter(|address| *address != socket.address);
    others.map(|address| Listener { address, ..socket.clone() }).collect()
}

/// The address in a `struct sockaddr_in` or `sockaddr_in6`.
fn address(bytes: &[u8]) -> Option<IpAddr> {
    match u16_at(bytes, 0)? {
        2 => Some(IpAddr::V4(Ipv4Addr::from(*bytes.get(4..)?.first_chunk::<4>()?))),
        10 => Some(IpAddr::V6(Ipv6Addr::from(*bytes.get(8..)?.first_chunk::<16>()?))),
        _ => None,
    }
}

/// Value of the first attribute (`struct nlattr`) of that type.
fn attribute(mut rest: &[u8], wanted: u16) -> Option<&[u8]> {
    loop {
        let length = usize::from(u16_at(rest, 0)?);
        let value = rest.get(4..length)?;
        if u16_at(rest, 2)? == wanted {
            return Some(value);
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let length = 16 + payload.len();
        let mut bytes = (length as u32).to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend(7u32.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(payload);
        bytes.resize(length.next_multiple_of(4), 0);
        bytes
    }

    fn socket_payload(family: u8, address: &[u8], attributes: &[u8]) -> Vec<u8> {
        let mut bytes = vec![family, 10, 0, 0];
        bytes.extend(8080u16.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(address);
        bytes.resize(40, 0);
        bytes.extend(3u32.to_ne_bytes());
        bytes.resize(64, 0);
        bytes.extend(33u32.to_ne_bytes());
        bytes.extend(4711u32.to_ne_bytes());
        bytes.extend(attributes);
        bytes
    }

    fn v6_only(value: u8) -> Vec<u8> {
        let other = [8, 0, 2, 0, 1, 2, 3, 4];
        [other.as_slice(), &5u16.to_ne_bytes(), &11u16.to_ne_bytes(), &[value, 0, 0, 0]].concat()
    }

    #[test]
    fn sockets_and_the_end_are_read_from_one_datagram() {
        let mut bytes = message(20, 2, &socket_payload(2, &[127, 0, 0, 1], &[]));
        bytes.extend(message(20, 2, &socket_payload(10, &[0; 16], &v6_only(1))));
        bytes.extend(message(3, 2, &0i32.to_ne_bytes()));
        let part = parse(&bytes, 7, Protocol::Tcp).unwrap();
        assert_eq!((part.interrupted, part.end), (false, Some(0)));
        let [four, six] = part.listeners.as_slice() else { panic!("{part:?}") };
        assert_eq!(four.to_string(), "127.0.0.1:8080/tcp");
        assert_eq!((four.interface, four.uid, four.inode, four.v6_only), (3, 33, 4711, None));
        assert_eq!((six.to_string().as_str(), six.v6_only), ("[::]:8080/tcp", Some(true)));
    }

    #[test]
    fn a_dual_stack_socket_says_so_and_silence_is_not_an_answer() {
        let of = |attributes: &[u8]| {
            listener(&socket_payload(10, &[0; 16], attributes), Protocol::Tcp).unwrap().v6_only
        };
        assert_eq!(of(&v6_only(0)), Some(false));
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_socket_of_several_addresses_listens_on_each() {
        let mut addresses = vec![0; 256];
        addresses[..8].copy_from_slice(&[2u16.to_ne_bytes(), [0, 9], [127, 0], [0, 1]].concat());
        addresses[128..136]
            .copy_from_slice(&[2u16.to_ne_bytes(), [0, 9], [192, 0], [2, 1]].concat());
        let attribute = [&260u16.to_ne_bytes()[..], &15u16.to_ne_bytes(), &addresses].concat();
        let bytes = message(20, 2, &socket_payload(2, &[127, 0, 0, 1], &attribute));
        let part = parse(&bytes, 7, Protocol::Sctp).unwrap();
        let names: Vec<_> = part.listeners.iter().map(Listener::to_string).collect();
        assert_eq!(names, ["192.0.2.1:8080/sctp", "127.0.0.1:8080/sctp"]);
    }

    #[test]
    fn errors_and_interruptions_are_not_overlooked() {
        let part = parse(&message(2, 0, &(-2i32).to_ne_bytes()), 7, Protocol::Tcp).unwrap();
        assert_eq!(part.end, Some(2));
        let part = parse(&message(3, 0x12, &(-105i32).to_ne_bytes()), 7, Protocol::Tcp).unwrap();
        assert_eq!((part.end, part.interrupted), (Some(105), true));
        assert!(parse(&message(4, 0, &[]), 7, Protocol::Tcp).is_err());
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let whole = message(20, 2, &socket_payload(2, &[127, 0, 0, 1], &[]));
        for length in 1..whole.len() {
            assert!(parse(&whole[..length], 7, Protocol::Tcp).is_err(), "{length} bytes");
        }
        assert!(parse(&message(20, 2, &[2; 71]), 7, Protocol::Tcp).is_err());
        assert!(parse(&[0; 16], 7, Protocol::Tcp).is_err());
    }

    #[test]
    fn answers_to_another_question_are_left_out() {
        let bytes = message(20, 2, &socket_payload(2, &[127, 0, 0, 1], &[]));
        assert_eq!(parse(&bytes, 8, Protocol::Tcp), Ok(Part::default()));
    }

    #[test]
    fn the_request_has_the_length_that_it_says() {
        let bytes = request(Protocol::Tcp, Family::V6, 1);
        assert_eq!(bytes.len(), 72);
        assert_eq!(u32_at(&bytes, 0), Some(72));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse(&bytes, 7, Protocol::Udp);
            let _ = attribute(&bytes, 11);
        }

        #[test]
        fn no_change_to_a_good_answer_makes_it_panic(at in 0usize..104, byte in any::<u8>()) {
            let mut bytes = message(20, 2, &socket_payload(10, &[0; 16], &v6_only(1)));
            bytes[at] = byte;
            let _ = parse(&bytes, 7, Protocol::Tcp);
        }
    }
}
