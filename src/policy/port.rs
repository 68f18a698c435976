//! Ports as Docker and Kubernetes users write them: `8080/tcp`, `53/udp`, `127.0.0.1:5432/tcp`,
//! `[::1]:5432`, `8000-8010/tcp`.

use super::expect::Operand;
use super::node::Scalar;
use crate::facts::listener::{Listener, Protocol};
use std::fmt;
use std::net::IpAddr;
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

    fn read(text: &str) -> Option<PortSpec> {
        let (rest, protocol) = match text.rsplit_once('/') {
            Some((rest, "tcp")) => (rest, Protocol::Tcp),
            Some((rest, "udp")) => (rest, Protocol::Udp),
            Some(_) => return None,
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
        for text in ["8080/tcp", "53/udp", "127.0.0.1:5432/tcp", "[::1]:5432/tcp", "8000-8010/tcp"]
        {
            assert_eq!(PortSpec::read(text).unwrap().to_string(), text);
        }
        assert_eq!(PortSpec::read("22").unwrap().to_string(), "22/tcp");
    }

    #[test]
    fn what_is_no_port_is_refused() {
        for text in ["", "tcp", "0/tcp", "65536", "10-1", "80/sctp", "::1:80", "host:80", "80/"] {
            assert_eq!(PortSpec::read(text), None, "{text}");
        }
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
