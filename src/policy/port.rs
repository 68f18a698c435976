//! Ports as Docker and Kubernetes users write them: `8080/tcp`, `53/udp`, `127.0.0.1:5432/tcp`,
//! `[::1]:5432`, `8000-8010/tcp`.

use super::expect::Operand;
use super::node::Scalar;
use crate::facts::listener::{Listener, Protocol};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;

/// A port, or a range of ports, of one protocol, on one address or on any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortSpec {
    /// Address; `None` for any.
    pub address: Option<IpAddr>,
    /// First to last port.
    pub ports: RangeInclusive<u16>,
    /// Protocol; TCP where none is written.
    pub protocol: Protocol,
}

impl PortSpec {
    /// Whether a socket answers on a port that is meant. A dual-stack socket answers for IPv4 and
    /// IPv6 both.
    pub fn covers(&self, listener: &Listener) -> bool {
        self.protocol == listener.protocol
            && self.ports.contains(&listener.port)
            && self.address.is_none_or(|address| listener.answers(address))
    }

    /// Whether a list that names this lets a socket be: where there is an address, only if nothing but
    /// that address leads to the socket.
    ///
    /// To *answer* on an address is less than to lie within it: a socket on `0.0.0.0` answers on
    /// 127.0.0.1, and on every other address of the host as well. `0.0.0.0` lets all sockets on IPv4
    /// addresses be, `[::]` all on IPv6 addresses, also those that take IPv4 traffic too, since that
    /// is what a socket on `[::]` does unless told otherwise (`ipv6(7)`, `IPV6_V6ONLY`).
    pub fn allows(&self, listener: &Listener) -> bool {
        let within = |allowed: IpAddr, bound: IpAddr| match allowed {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => bound.is_ipv4(),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => bound.is_ipv6(),
            address => address == bound,
        };
        self.protocol == listener.protocol
            && self.ports.contains(&listener.port)
            && self.address.is_none_or(|address| {
                within(address.to_canonical(), listener.address.to_canonical())
            })
    }

    /// Whether all ports of another are among these.
    pub fn contains(&self, other: &PortSpec) -> bool {
        self.protocol == other.protocol
            && self.ports.contains(other.ports.start())
            && self.ports.contains(other.ports.end())
            && self.address.is_none_or(|address| other.address == Some(address))
    }

    /// From a text; `None` for what is no port.
    pub fn read(text: &str) -> Option<PortSpec> {
        let (rest, protocol) = match text.rsplit_once('/') {
            Some((rest, name)) => {
                (rest, Protocol::ALL.into_iter().find(|protocol| protocol.name() == name)?)
            }
            None => (text, Protocol::Tcp),
        };
        let (address, ports) = match rest.rsplit_once(':') {
            Some((address, ports)) => {
                let bare = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
                // Without brackets the last colon of an IPv6 address would be taken for the port's.
                let address: IpAddr = match bare {
                    Some(v6) => IpAddr::V6(v6.parse().ok()?),
                    None => IpAddr::V4(address.parse().ok()?),
                };
                (Some(address), ports)
            }
            None => (None, rest),
        };
        let port = |text: &str| {
            // A number's own parser takes a sign.
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u16>().ok().filter(|&port| digits && port != 0)
        };
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let (first, last) = (port(first)?, port(last)?);
        (first <= last).then_some(PortSpec { address, ports: first..=last, protocol })
    }
}

impl Operand for PortSpec {
    const WHAT: &'static str = "a port";
    const ORDERED: bool = false;
    const TEXTUAL: bool = false;

    fn parse(scalar: &Scalar) -> Result<Self, String> {
        Self::read(&scalar.text)
            .ok_or_else(|| "such as 8080/tcp, 53/udp, 127.0.0.1:5432/tcp, 8000-8010/tcp".into())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for PortSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(IpAddr::V4(address)) => write!(f, "{address}:")?,
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:")?,
            None => {}
        }
        match (self.ports.start(), self.ports.end()) {
            (first, last) if first == last => write!(f, "{first}/{}", self.protocol),
            (first, last) => write!(f, "{first}-{last}/{}", self.protocol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_as_docker_users_write_them() {
        for text in [
            "8080/tcp",
            "53/udp",
            "127.0.0.1:5432/tcp",
            "[::1]:5432/tcp",
            "8000-8010/tcp",
            "1/sctp",
            "2/udplite",
            "3/dccp",
        ] {
            assert_eq!(PortSpec::read(text).unwrap().to_string(), text);
        }
        assert_eq!(PortSpec::read("22").unwrap().to_string(), "22/tcp");
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in
            ["", "tcp", "0/tcp", "65536", "10-1", "80/xtp", "80/TCP", "::1:80", "host:80", "80/"]
        {
            assert_eq!(PortSpec::read(text), None, "{text}");
        }
    }

    fn on(address: &str, v6_only: Option<bool>) -> Listener {
        Listener {
            protocol: Protocol::Tcp,
            address: address.parse().unwrap(),
            port: 5432,
            v6_only,
            interface: 0,
            inode: 1,
            uid: 0,
        }
    }

    #[test]
    fn a_list_lets_be_what_lies_within_it_and_not_what_only_answers_there() {
        let allows = |entry: &str, socket: &Listener| PortSpec::read(entry).unwrap().allows(socket);
        let (v4, v6, both) = (on("0.0.0.0", None), on("::", Some(true)), on("::", Some(false)));
        for socket in [&v4, &v6, &both, &on("::", None), &on("10.0.0.1", None)] {
            assert!(!allows("127.0.0.1:5432", socket), "{socket}");
            assert!(!allows("[::1]:5432", socket), "{socket}");
            assert!(!allows("127.0.0.1:1-65535", socket), "{socket}");
            assert!(allows("5432", socket), "{socket}");
        }
        for socket in [&on("127.0.0.1", None), &on("::ffff:127.0.0.1", None)] {
            assert!(allows("127.0.0.1:5432", socket), "{socket}");
            assert!(allows("[::ffff:127.0.0.1]:5432", socket), "{socket}");
            assert!(allows("0.0.0.0:5432", socket), "{socket}");
            assert!(!allows("[::]:5432", socket), "{socket}");
        }
        assert!(allows("0.0.0.0:5432", &v4));
        assert!(!allows("0.0.0.0:5432", &both), "it takes IPv6 traffic too");
        assert!(!allows("0.0.0.0:5432", &v6));
        assert!(allows("[::]:5432", &both) && allows("[::]:5432", &v6));
        assert!(!allows("[::]:5432", &v4));
        assert!(!allows("127.0.0.1:5432/udp", &on("127.0.0.1", None)));
        assert!(!allows("127.0.0.1:5433", &on("127.0.0.1", None)));
    }

    #[test]
    fn a_dual_stack_socket_answers_for_an_ipv4_address() {
        let mut listener = Listener {
            protocol: Protocol::Tcp,
            address: "::".parse().unwrap(),
            port: 80,
            v6_only: Some(false),
            interface: 0,
            inode: 1,
            uid: 0,
        };
        assert!(PortSpec::read("127.0.0.1:80").unwrap().covers(&listener));
        listener.v6_only = Some(true);
        assert!(!PortSpec::read("127.0.0.1:80").unwrap().covers(&listener));
    }
}
