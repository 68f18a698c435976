//! Ports of socket units that are started at boot. systemd itself, which is PID 1, opens them.

use super::{ANY, Sockets};
use crate::declared::units::{of_kind, values};
use crate::facts::Unknown;
use crate::facts::listener::{Listener, Protocol};
use crate::facts::start::{Opened, Start};
use crate::formats::systemd::names;
use crate::host::Target;

pub(super) fn opened(
    target: &dyn Target,
    starts: &[Start],
    unknown: &mut Vec<Unknown>,
) -> Vec<Opened> {
    // In a container that runs something else nobody reads units.
    let systemd = target.image().is_none_or(|image| image.config.is_none())
        || starts.iter().any(|start| start.unit.is_some());
    if !systemd {
        return Vec::new();
    }
    let mut opened = Vec::new();
    let mut unread = Vec::new();
    for unit in of_kind(target, "socket", &mut unread) {
        if !unit.starts_at_boot() {
            continue;
        }
        let settings = match &unit.settings {
            Ok(settings) => settings,
            Err(why) => {
                unread.push(why.clone());
                continue;
            }
        };
        unread.extend(settings.unread.iter().cloned());
        let mut sockets = Sockets::default();
        // Multipath TCP is asked for as TCP.
        let transport = values(settings, "Socket.SocketProtocol").pop();
        let (stream, datagram) = match transport.as_ref().map(|(word, _)| word.as_str()) {
            Some("sctp") => (Protocol::Sctp, Protocol::Sctp),
            Some("udplite") => (Protocol::Tcp, Protocol::UdpLite),
            _ => (Protocol::Tcp, Protocol::Udp),
        };
        let keys = [
            ("Socket.ListenStream", stream),
            ("Socket.ListenSequentialPacket", stream),
            ("Socket.ListenDatagram", datagram),
        ];
        for (key, protocol) in keys {
            for (value, at) in values(settings, key) {
                let value = names::expand(&value, &unit.id).unwrap_or(value);
                // Specifiers that begin a path, `systemd.unit(5)`.
                let path = ["/", "@", "vsock:", "%t", "%S", "%C", "%L", "%E", "%h", "%T", "%V"];
                if path.iter().any(|begin| value.starts_with(begin)) {
                    continue;
                }
                match value.rsplit_once(':') {
                    Some((host, port)) => sockets.add(host, port, protocol, &at),
                    // One socket for both families, `systemd.socket(5)`.
                    None => sockets.add(ANY[1], &value, protocol, &at),
                }
            }
        }
        let v6_only = values(settings, "Socket.BindIPv6Only").pop();
        let v6_only = v6_only.is_some_and(|(value, _)| value == "ipv6-only");
        unknown.extend(sockets.unknown);
        opened.extend(sockets.known.into_iter().map(|(address, port, protocol, at)| Opened {
            listener: Listener {
                v6_only: address.is_ipv6().then_some(v6_only),
                ..super::listener(address, port, protocol)
            },
            exe: None,
            by: unit.id.clone(),
            at,
        }));
    }
    unknown.extend(unread);
    opened
}
