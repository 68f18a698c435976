//! Listening sockets by `/proc/net/{tcp,tcp6,udp,udp6,udplite,udplite6}`, `proc_pid_net(5)`: slower than
//! `sock_diag(7)`, and silent about `IPV6_V6ONLY` and the bound interface, but there in sandboxes.

use crate::facts::listener::{Listener, Protocol};
use crate::facts::{Cause, Fact, Unknown};
use crate::targets::live::proc_file;
use crate::targets::live::sock_diag::SOCKET_LIMIT;
use crate::targets::live::sockets::Family;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

/// A line has about 150 bytes, whatever the state of its socket.
const BYTE_LIMIT: usize = 512 << 20;

/// The listening sockets of one kind in the network namespace that this directory shows: `/proc/net`,
/// `/proc/1/net`.
pub(super) fn list_below(
    directory: &str,
    protocol: Protocol,
    family: Family,
) -> Fact<Vec<Listener>> {
    let name = match (protocol, family) {
        (Protocol::Tcp, Family::V4) => "tcp",
        (Protocol::Tcp, Family::V6) => "tcp6",
        (Protocol::Udp, Family::V4) => "udp",
        (Protocol::Udp, Family::V6) => "udp6",
        (Protocol::UdpLite, Family::V4) => "udplite",
        (Protocol::UdpLite, Family::V6) => "udplite6",
        (Protocol::Sctp | Protocol::Dccp, _) => {
            let why = "only sock_diag(7) lists them, and it does not answer here".to_owned();
            let what = format!("listening {protocol} sockets ({family})");
            return Err(Unknown::new(what, Cause::Unsupported(why)));
        }
    };
    let path = format!("{directory}/{name}");
    let bytes = match proc_file::bounded(&path, BYTE_LIMIT) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            let cause = Cause::TooLarge(format!("more than {BYTE_LIMIT} bytes"));
            return Err(Unknown::new(path, cause));
        }
        // A kernel without IPv6. Only if its neighbour is there is this about IPv6 and not /proc.
        Err(e) if family == Family::V6 && e.kind() == io::ErrorKind::NotFound => {
            let neighbour = path.trim_end_matches('6');
            return if Path::new(neighbour).exists() {
                Ok(Vec::new())
            } else {
                Err(Unknown::from_io(neighbour, &e))
            };
        }
        Err(error) => return Err(Unknown::from_io(path, &error)),
    };
    let found = parse(&bytes, protocol, family);
    let found = found.map_err(|why| Unknown::new(path.clone(), Cause::Malformed(why)))?;
    if found.len() > SOCKET_LIMIT {
        let cause = Cause::TooLarge(format!("more than {SOCKET_LIMIT} sockets"));
        return Err(Unknown::new(path, cause));
    }
    Ok(found)
}

/// Parses one of the four files.
///
/// A TCP socket listens in the state `0A`; that the remote port is 0 is no sign of it. A UDP
/// socket that is not connected is in the state `07`.
///
/// # Errors
/// In words, where a line is not of the format.
pub fn parse(bytes: &[u8], protocol: Protocol, family: Family) -> Result<Vec<Listener>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not text".to_owned())?;
    let mut lines = text.lines();
    if !lines.next().is_some_and(|header| header.contains("local_address")) {
        return Err("no header".to_owned());
    }
    let wanted = match protocol {
        Protocol::Udp | Protocol::UdpLite => "07",
        Protocol::Tcp | Protocol::Sctp | Protocol::Dccp => "0A",
    };
    let mut found = Vec::new();
    for (index, line) in lines.enumerate() {
        let bad = || format!("line {} is not of its format", index.saturating_add(2));
        let mut words = line.split_ascii_whitespace();
        let local = words.nth(1).ok_or_else(bad)?;
        let state = words.nth(1).ok_or_else(bad)?;
        if state == wanted {
            found.push(listener(local, words, protocol, family).ok_or_else(bad)?);
        }
    }
    Ok(found)
}

fn listener<'a>(
    local: &str,
    mut words: impl Iterator<Item = &'a str>,
    protocol: Protocol,
    family: Family,
) -> Option<Listener> {
    let (address, port) = local.split_once(':')?;
    Some(Listener {
        protocol,
        address: match family {
            Family::V4 => IpAddr::from(word(address)?),
            Family::V6 => IpAddr::V6(v6(address)?),
        },
        port: u16::from_str_radix(port, 16).ok()?,
        v6_only: None,
        interface: 0,
        uid: words.nth(3)?.parse().ok()?,
        inode: words.nth(1)?.parse().ok()?,
    })
}

/// The kernel prints a word of an address as a number of the machine's byte order.
fn word(hex: &str) -> Option<[u8; 4]> {
    if hex.len() != 8 {
        return None;
    }
    u32::from_str_radix(hex, 16).ok().map(u32::to_ne_bytes)
}

fn v6(hex: &str) -> Option<Ipv6Addr> {
    if hex.len() != 32 {
        return None;
    }
    let mut octets = [0; 16];
    for (index, chunk) in octets.chunks_exact_mut(4).enumerate() {
        let start = index.checked_mul(8)?;
        chunk.copy_from_slice(&word(hex.get(start..start.checked_add(8)?)?)?);
    }
    Some(Ipv6Addr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when \
                          retrnsmt   uid  timeout inode\n";

    fn tcp(lines: &str) -> Result<Vec<Listener>, String> {
        parse(format!("{HEADER}{lines}").as_bytes(), Protocol::Tcp, Family::V4)
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn a_listening_socket_is_read() {
        let found = tcp("   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 \
                         00000000    33        0 4711 1 0000000000000000 100 0 0 10 0\n");
        let found = found.unwrap();
        assert_eq!(found[0].to_string(), "127.0.0.1:8080/tcp");
        assert_eq!((found[0].uid, found[0].inode, found[0].v6_only), (33, 4711, None));
    }

    #[test]
    fn a_remote_port_of_zero_does_not_make_a_listener() {
        let closed = "   0: 0100007F:1F90 00000000:0000 07 0:0 0:0 0 33 0 4711 1\n";
        assert_eq!(tcp(closed), Ok(Vec::new()));
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn ipv6_addresses_are_four_words() {
        let line = "   1: B80D0120000000000000000001000000:0016 \
                    00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 12\n";
        let text = format!("{HEADER}{line}");
        let found = parse(text.as_bytes(), Protocol::Tcp, Family::V6).unwrap();
        assert_eq!(found[0].to_string(), "[2001:db8::1]:22/tcp");
    }

    #[test]
    fn what_is_not_of_the_format_is_an_error_and_no_empty_list() {
        for text in [
            "",
            "nonsense\n",
            &format!("{HEADER}   0: 0100007F:1F90\n"),
            &format!("{HEADER}   0: 0100007F 0:0 0A 0:0 0:0 0 0 0 1\n"),
            &format!("{HEADER}   0: 0100007F:1F90 0:0 0A 0:0 0:0 0 0 0 x\n"),
        ] {
            assert!(parse(text.as_bytes(), Protocol::Tcp, Family::V4).is_err(), "{text}");
        }
        assert!(parse(b"\xff", Protocol::Tcp, Family::V4).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(lines in "([0-9A-F: \n]|0A|\\PC){0,120}") {
            let _ = parse(format!("{HEADER}{lines}").as_bytes(), Protocol::Udp, Family::V6);
            let _ = tcp(&lines);
        }
    }
}
