//! redis: `port` and `tls-port`, 0 being none, on every address of `bind`.

use super::{ANY, Configured, Daemon, Sockets};
use crate::declared::invocation::{Invocation, absolute, not_followed};
use crate::facts::Fact;
use crate::facts::listener::Protocol;

pub(super) static REDIS: Daemon = Daemon {
    names: &["redis-server", "valkey-server"],
    format: "redis",
    places: &[],
    can_do_without: true,
    invocation,
    sockets,
    workers: None,
};

/// `redis-server [FILE] [--name value ...]`. Without a file there is no usual one: redis then has
/// what is built in.
fn invocation(arguments: &[String]) -> Fact<Invocation> {
    let mut invocation = Invocation::default();
    let mut words = arguments.iter().peekable();
    if let Some(first) = words.next_if(|word| !word.starts_with("--")) {
        if first == "-" {
            return not_followed("redis-server -");
        }
        invocation.file = Some(absolute(first)?);
    }
    while let Some(word) = words.next() {
        let Some(name) = word.strip_prefix("--") else { continue };
        let name = name.to_ascii_lowercase();
        if name == "include" {
            return not_followed("redis-server --include");
        }
        // The last of a name counts.
        invocation.settings.retain(|(known, _)| *known != name);
        while let Some(value) = words.next_if(|word| !word.starts_with("--")) {
            let values = value.split_whitespace();
            invocation.settings.extend(values.map(|value| (name.clone(), value.to_owned())));
        }
    }
    Ok(invocation)
}

fn sockets(redis: &Configured) -> Sockets {
    let mut sockets = Sockets::default();
    let ports = ["port", "tls-port"].map(|name| (name, redis.values(name).pop()));
    let bind = redis.values("bind");
    for (name, port) in ports {
        let (port, at) = match (name, port) {
            (_, Some(found)) => found,
            ("port", None) => ("6379".to_owned(), redis.settings.root.at.clone()),
            (_, None) => continue,
        };
        if bind.is_empty() {
            ANY.iter().for_each(|any| sockets.add(any, &port, Protocol::Tcp, &at));
        }
        for (address, _) in &bind {
            // An address with a dash may be missing when redis starts.
            let host = match address.strip_prefix('-').unwrap_or(address) {
                "*" => "0.0.0.0",
                "::*" => "::",
                host => host,
            };
            // `bind ""` listens on nothing.
            if !host.is_empty() {
                sockets.add(host, &port, Protocol::Tcp, &at);
            }
        }
    }
    sockets
}
