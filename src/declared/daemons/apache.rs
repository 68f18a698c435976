//! Apache: `Listen`, which has no default, and `User` and `Group` of its workers.

use super::{ANY, Configured, Daemon, Sockets, account, last};
use crate::declared::invocation::{Invocation, absolute, each_option, not_followed};
use crate::facts::listener::Protocol;
use crate::facts::start::Identity;
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;

pub(super) static APACHE: Daemon = Daemon {
    names: &["apache2", "httpd"],
    format: "apache",
    places: &[
        "/etc/apache2/apache2.conf",
        "/etc/httpd/conf/httpd.conf",
        "/usr/local/apache2/conf/httpd.conf",
        "/etc/apache2/httpd.conf",
    ],
    can_do_without: false,
    invocation,
    sockets,
    workers: Some(workers),
};

/// Names after `-D` that decide how it is started, not what it serves.
const HARMLESS: [&str; 5] = ["FOREGROUND", "NO_DETACH", "NO_DETATCH", "DEBUG", "ONE_PROCESS"];

fn invocation(arguments: &[String]) -> Fact<Invocation> {
    let mut invocation = Invocation::default();
    each_option(arguments, "DdfCcekEhR", |option, value| {
        match option {
            'f' => invocation.file = Some(absolute(value)?),
            'd' | 'C' | 'c' => return not_followed(&format!("apache2 -{option}")),
            'D' if !HARMLESS.contains(&value) => {
                return not_followed(&format!("apache2 -D {value}"));
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(invocation)
}

fn sockets(apache: &Configured) -> Sockets {
    let mut sockets = Sockets::default();
    for (value, at) in apache.values("Listen") {
        let text = value.split(' ').next().unwrap_or_default();
        match text.rsplit_once(':') {
            Some((host, port)) if host != "*" => sockets.add(host, port, Protocol::Tcp, &at),
            Some((_, port)) => {
                ANY.iter().for_each(|any| sockets.add(any, port, Protocol::Tcp, &at))
            }
            None => ANY.iter().for_each(|any| sockets.add(any, text, Protocol::Tcp, &at)),
        }
    }
    sockets
}

/// Workers of a parent that is not root stay who it is.
fn workers(apache: &Configured, target: &dyn Target) -> Fact<Identity> {
    let parent = apache.start.identity.clone()?;
    if parent.uid != Some(0) {
        return Ok(parent);
    }
    let Some((user, at)) = last(&apache.settings, "User") else {
        let why = "no `User` in its configuration, so that the one counts that was compiled in";
        return Err(Unknown::new("workers of apache", Cause::Unsupported(why.to_owned())));
    };
    let group = last(&apache.settings, "Group").map(|(group, _)| group);
    account(&user, group.as_deref(), &at, target)
}
