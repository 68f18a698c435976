//! nginx: `listen` of every server, `user` of its workers.

use super::{Configured, Daemon, Sockets, account, last, set};
use crate::declared::invocation::{Invocation, absolute, each_option, not_followed};
use crate::facts::listener::Protocol;
use crate::facts::settings::Block;
use crate::facts::settings::Location;
use crate::facts::start::Identity;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::nginx::listen;
use crate::host::Target;

pub(super) static NGINX: Daemon = Daemon {
    names: &["nginx"],
    format: "nginx",
    places: &["/etc/nginx/nginx.conf", "/usr/local/nginx/conf/nginx.conf"],
    can_do_without: false,
    invocation,
    sockets,
    workers: Some(workers),
};

fn invocation(arguments: &[String]) -> Fact<Invocation> {
    let mut invocation = Invocation::default();
    each_option(arguments, "cpges", |option, value| {
        match option {
            'c' => invocation.file = Some(absolute(value)?),
            'p' => return not_followed("nginx -p"),
            // Global directives: harmless unless they say who works or what is served.
            'g' => {
                let mut words = value.split(|c: char| c.is_whitespace() || c == ';');
                if words.any(|word| ["user", "include", "http", "stream", "mail"].contains(&word)) {
                    return not_followed("nginx -g");
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(invocation)
}

/// Whether a server of `http` begins there.
fn is_server(nginx: &Configured, at: &Location) -> bool {
    let blocks = nginx.settings.root.blocks.iter().filter(|block| block.name == "http");
    blocks.flat_map(|http| &http.blocks).any(|block| block.name == "server" && block.at == *at)
}

fn sockets(nginx: &Configured) -> Sockets {
    let mut sockets = Sockets::default();
    for context in ["http", "stream", "mail"] {
        for lookup in nginx.settings.lookup(&format!("{context}.server.listen")) {
            let (value, at) = match set(lookup) {
                Ok(found) => found,
                // A server without `listen`; without any server nothing is opened.
                Err(at) if context == "http" && is_server(nginx, &at) => {
                    let port = if nginx.by_root() { "80" } else { "8000" };
                    (port.to_owned(), at)
                }
                Err(_) => continue,
            };
            // QUIC is UDP, whatever the module: `listen` of ngx_http_core_module since 1.25.
            let udp = value.split(' ').any(|word| matches!(word, "udp" | "quic"));
            let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
            let parts = listen::parts(&crate::facts::settings::Setting {
                name: "listen".to_owned(),
                value,
                also: Vec::new(),
                at: at.clone(),
            });
            let (host, port) = (part(&parts, "address"), part(&parts, "port"));
            // A unix domain socket has no port.
            if port == "none" {
                continue;
            }
            let (first, end) = port.split_once('-').unwrap_or((port, port));
            match (first.parse::<u16>(), end.parse::<u16>()) {
                (Ok(first), Ok(end)) if end > first => {
                    (first..=end)
                        .for_each(|port| sockets.add(host, &port.to_string(), protocol, &at));
                }
                _ => sockets.add(host, first, protocol, &at),
            }
        }
    }
    sockets
}

fn part<'a>(parts: &'a Block, name: &str) -> &'a str {
    let found = parts.settings.iter().find(|setting| setting.name == name);
    found.map_or("", |setting| setting.value.as_str())
}

/// Workers of a master that is not root stay who it is.
fn workers(nginx: &Configured, target: &dyn Target) -> Fact<Identity> {
    let master = nginx.start.identity.clone()?;
    if master.uid != Some(0) {
        return Ok(master);
    }
    let Some((value, at)) = last(&nginx.settings, "user") else {
        let why = "no `user` in its configuration, so that the one counts that was compiled in";
        return Err(Unknown::new("workers of nginx", Cause::Unsupported(why.to_owned())));
    };
    let mut words = value.split(' ');
    let user = words.next().unwrap_or_default();
    // Without a group the one of the user's name.
    account(user, Some(words.next().unwrap_or(user)), &at, target)
}
