//! sshd: every `Port` on every `ListenAddress` that has none of its own.

use super::{ANY, Configured, Daemon, Sockets};
use crate::declared::invocation::{Invocation, absolute, each_option, not_followed};
use crate::facts::Fact;
use crate::facts::listener::Protocol;
use crate::facts::settings::Location;

pub(super) static SSHD: Daemon = Daemon {
    names: &["sshd"],
    format: "sshd",
    places: &["/etc/ssh/sshd_config"],
    can_do_without: true,
    invocation,
    sockets,
    // Whoever logs in.
    workers: None,
};

fn invocation(arguments: &[String]) -> Fact<Invocation> {
    let mut invocation = Invocation::default();
    each_option(arguments, "bCcEfghkopu", |option, value| {
        match option {
            'f' => invocation.file = Some(absolute(value)?),
            'p' => invocation.settings.push(("Port".to_owned(), value.to_owned())),
            'o' => {
                let (name, value) = value.split_once(['=', ' ']).unwrap_or((value, ""));
                match name.to_ascii_lowercase().as_str() {
                    "port" => invocation.settings.push(("Port".to_owned(), value.to_owned())),
                    "listenaddress" | "addressfamily" | "include" => {
                        return not_followed(&format!("sshd -o {name}"));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    if arguments.iter().any(|word| word == "-4" || word == "-6") {
        return not_followed("sshd -4 and -6");
    }
    Ok(invocation)
}

fn sockets(sshd: &Configured) -> Sockets {
    let mut sockets = Sockets::default();
    let mut ports = sshd.values("Port");
    if ports.is_empty() {
        ports.push(("22".to_owned(), sshd.settings.root.at.clone()));
    }
    let family = sshd.values("AddressFamily").first().map(|(value, _)| value.to_ascii_lowercase());
    let fits = |host: &str| match family.as_deref() {
        Some("inet") => !host.contains(':'),
        Some("inet6") => host.contains(':'),
        _ => true,
    };
    let addresses = sshd.values("ListenAddress");
    for (address, at) in &addresses {
        let text = address.split(' ').next().unwrap_or_default();
        let (host, own) = parts(text);
        let hosts: Vec<&str> = match host {
            "*" => ANY.to_vec(),
            host => vec![host],
        };
        let default: Vec<(&str, &Location)> = match own {
            Some(port) => vec![(port, at)],
            None => ports.iter().map(|(port, _)| (port.as_str(), at)).collect(),
        };
        for host in hosts.into_iter().filter(|host| fits(host)) {
            default.iter().for_each(|(port, at)| sockets.add(host, port, Protocol::Tcp, at));
        }
    }
    if addresses.is_empty() {
        for host in ANY.into_iter().filter(|host| fits(host)) {
            ports.iter().for_each(|(port, at)| sockets.add(host, port, Protocol::Tcp, at));
        }
    }
    sockets
}

/// Host and port of `host`, `host:port`, `[v6]:port` or a bare IPv6 address, `parse_listen_address()`.
fn parts(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}
