//! PostgreSQL: `port` on every address of `listen_addresses`.

use super::{ANY, Configured, Daemon, Sockets};
use crate::declared::invocation::{Invocation, absolute, each_option, not_followed};
use crate::facts::Fact;
use crate::facts::listener::Protocol;
use crate::facts::start::Identity;
use crate::host::Target;

pub(super) static POSTGRESQL: Daemon = Daemon {
    names: &["postgres"],
    format: "postgresql",
    places: &[],
    can_do_without: false,
    invocation,
    sockets,
    workers: Some(workers),
};

/// The data directory, and `-c name=value` in all its spellings.
fn invocation(arguments: &[String]) -> Fact<Invocation> {
    let mut invocation = Invocation::default();
    let mut set = |name: &str, value: &str| -> Fact<()> {
        match name.replace('-', "_").as_str() {
            "config_file" => invocation.file = Some(absolute(value)?),
            "data_directory" => return not_followed("postgres -c data_directory"),
            "listen_addresses" => {
                let hosts = value.split(',').map(|host| host.trim().to_owned());
                let hosts = hosts.map(|host| ("listen_addresses".to_owned(), host));
                invocation.settings.extend(hosts);
            }
            name => invocation.settings.push((name.to_owned(), value.to_owned())),
        }
        Ok(())
    };
    let mut directory = None;
    let (long, short): (Vec<String>, Vec<String>) =
        arguments.iter().cloned().partition(|word| word.starts_with("--"));
    for (name, value) in long.iter().filter_map(|word| word.get(2..)?.split_once('=')) {
        set(name, value)?;
    }
    each_option(&short, "BcCdDfhkNoprStvW", |option, value| match option {
        'c' => {
            let (name, value) = value.split_once('=').unwrap_or((value, ""));
            set(name, value)
        }
        'D' => {
            directory = Some(absolute(value)?);
            Ok(())
        }
        'p' => set("port", value),
        'h' => set("listen_addresses", value),
        'i' => set("listen_addresses", "*"),
        _ => Ok(()),
    })?;
    if invocation.file.is_none() {
        invocation.file = directory.map(|directory| directory.join("postgresql.conf"));
    }
    Ok(invocation)
}

fn sockets(postgres: &Configured) -> Sockets {
    let mut sockets = Sockets::default();
    let default = || ("5432".to_owned(), postgres.settings.root.at.clone());
    let (port, at) = postgres.values("port").pop().unwrap_or_else(default);
    let mut hosts = postgres.values("listen_addresses");
    if hosts.is_empty() {
        hosts.push(("localhost".to_owned(), at.clone()));
    }
    for (host, _) in &hosts {
        match host.as_str() {
            "*" => ANY.iter().for_each(|any| sockets.add(any, &port, Protocol::Tcp, &at)),
            // None at all: only the unix domain socket.
            "" => {}
            host => sockets.add(host, &port, Protocol::Tcp, &at),
        }
    }
    sockets
}

/// All its processes have one user, which never is root: it would refuse to start.
fn workers(postgres: &Configured, _: &dyn Target) -> Fact<Identity> {
    postgres.start.identity.clone()
}
