//! Which ports the configured daemons would open and as whom their workers would run.
//!
//! A daemon counts where something declares to start it. Its arguments count as well as its
//! configuration. `ExposedPorts` of an image is documentation and proves nothing.

mod apache;
mod nginx;
mod postgresql;
mod redis;
mod socket_units;
mod sshd;

use super::invocation::{Invocation, arguments};
use super::program;
use crate::facts::listener::{Listener, Protocol};
use crate::facts::settings::{Location, Lookup, Settings};
use crate::facts::start::{Identity, Opened, Start};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use crate::host::redacted::Marked;
use crate::{facts, formats};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

/// A daemon whose configuration says which ports it opens.
struct Daemon {
    /// Names of its program.
    names: &'static [&'static str],
    /// Format of its configuration.
    format: &'static str,
    /// Where that is, the first that exists.
    places: &'static [&'static str],
    /// Whether it starts without a configuration.
    can_do_without: bool,
    /// What its arguments say.
    invocation: fn(&[String]) -> Fact<Invocation>,
    /// The sockets it would open.
    sockets: fn(&Configured) -> Sockets,
    /// As whom its workers run; `None` where that depends on more than its configuration.
    workers: Option<Workers>,
}

/// The socket unit that opens a port, of those that are started at boot.
pub fn socket_unit(target: &dyn Target, socket: &Listener) -> Option<String> {
    let opened = socket_units::opened(target, &[], &mut Vec::new()).into_iter();
    let mut fits = opened.filter(|opened| {
        let declared = &opened.listener;
        declared.protocol == socket.protocol
            && declared.port == socket.port
            && declared.address.to_canonical() == socket.address.to_canonical()
    });
    fits.next().map(|opened| opened.by)
}

/// Tells from a daemon's configuration as whom its workers run.
type Workers = fn(&Configured, &dyn Target) -> Fact<Identity>;

static DAEMONS: [&Daemon; 5] =
    [&nginx::NGINX, &apache::APACHE, &sshd::SSHD, &redis::REDIS, &postgresql::POSTGRESQL];

/// A daemon that is started, with its arguments and configuration.
struct Configured<'a> {
    start: &'a Start,
    invocation: Invocation,
    settings: Settings,
}

impl Configured<'_> {
    /// Whether it is started as root, which may be, where it is not known.
    fn by_root(&self) -> bool {
        self.start.identity.as_ref().map_or(true, |identity| identity.uid == Some(0))
    }

    /// Values of a setting: of the arguments, or else of the configuration.
    fn values(&self, name: &str) -> Vec<(String, Location)> {
        match self.invocation.get(name) {
            Some(values) => {
                let values =
                    values.into_iter().map(|value| (value.to_owned(), self.start.at.clone()));
                values.collect()
            }
            None => super::units::values(&self.settings, name),
        }
    }
}

/// Sockets that a daemon would open, and those that cannot be told.
#[derive(Default)]
struct Sockets {
    known: Vec<(IpAddr, u16, Protocol, Location)>,
    unknown: Vec<Unknown>,
}

impl Sockets {
    /// Adds the addresses that a configuration writes as `host` with a port written as `port`.
    fn add(&mut self, host: &str, port: &str, protocol: Protocol, at: &Location) {
        let refuse = |what: &str, why: &str| Unknown::new(what, Cause::Unsupported(why.to_owned()));
        let port = match port.parse::<u16>() {
            Ok(0) => return,
            Ok(port) => port,
            Err(_) => {
                let what = format!("{at}: port {port}");
                return self.unknown.push(refuse(&what, "not a number that is known here"));
            }
        };
        match addresses(host) {
            Some(found) => {
                let sockets = found.iter().map(|address| (*address, port, protocol, at.clone()));
                self.known.extend(sockets);
            }
            None => {
                let what = format!("{at}: address {host}");
                self.unknown.push(refuse(&what, "a name that is resolved when it starts"));
            }
        }
    }
}

/// The addresses of a host as configurations write it; `None` for other names than localhost.
fn addresses(host: &str) -> Option<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    Some(match bare {
        "localhost" => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
        address => vec![address.parse().ok()?],
    })
}

/// Both families' every address.
const ANY: [&str; 2] = ["0.0.0.0", "::"];

/// Every port that is declared to be opened, and what could not be told.
pub fn opened(target: &dyn Target) -> Arc<facts::start::Sockets> {
    let starts = super::starts(target);
    target.memo().get_or_init(|| {
        let (all, mut unknown) = read(target, &starts.all);
        unknown.extend(starts.unread.iter().cloned());
        Arc::new(facts::start::Sockets { all, unknown })
    })
}

fn read(target: &dyn Target, starts: &[Start]) -> (Vec<Opened>, Vec<Unknown>) {
    let (mut opened, mut unknown) = (Vec::new(), Vec::new());
    for (daemon, start) in started(starts, target) {
        match &start.enabled {
            Ok(false) => continue,
            Ok(true) => {}
            // Whether it starts is not known, so neither is whether its sockets are opened.
            Err(why) => {
                unknown.push(why.clone());
                continue;
            }
        }
        let configured = match daemon.configured(start, target) {
            Ok(configured) => configured,
            Err(why) => {
                unknown.push(why);
                continue;
            }
        };
        unknown.extend(configured.settings.unread.iter().cloned());
        if !configured.settings.unread.is_empty() && configured.settings.unread_can_override() {
            continue;
        }
        let sockets = (daemon.sockets)(&configured);
        unknown.extend(sockets.unknown);
        let exe = daemon.program(start);
        opened.extend(sockets.known.into_iter().map(|(address, port, protocol, at)| Opened {
            listener: listener(address, port, protocol),
            exe: Some(exe.clone()),
            by: start.by.clone(),
            at,
        }));
    }
    opened.extend(socket_units::opened(target, starts, &mut unknown));
    (opened, unknown)
}

/// As whom the workers of a started daemon would run; `None` where it is not one of those whose
/// configuration says so.
pub fn workers(start: &Start, target: &dyn Target) -> Option<Fact<Identity>> {
    let (daemon, _) = started(std::slice::from_ref(start), target).next()?;
    let workers = daemon.workers?;
    Some(daemon.configured(start, target).and_then(|configured| {
        match configured.settings.unread.first() {
            Some(why) => Err(why.clone()),
            None => workers(&configured, target),
        }
    }))
}

fn started<'a>(
    starts: &'a [Start],
    target: &'a dyn Target,
) -> impl Iterator<Item = (&'static Daemon, &'a Start)> {
    DAEMONS.into_iter().flat_map(move |daemon| {
        let runs = move |start: &&Start| {
            daemon.names.iter().any(|name| program::runs_named(start, name, target))
        };
        starts.iter().filter(runs).map(move |start| (daemon, start))
    })
}

impl Daemon {
    /// Reads what the daemon would read.
    fn configured<'a>(&self, start: &'a Start, target: &dyn Target) -> Fact<Configured<'a>> {
        let invocation = (self.invocation)(&arguments(start, self.names, target)?)?;
        let places: Vec<PathBuf> = match &invocation.file {
            Some(file) => vec![file.clone()],
            None => self.places.iter().map(PathBuf::from).collect(),
        };
        for place in &places {
            let Some(bytes) = target.read_marked(place)? else { continue };
            let format = formats::by_name(self.format).ok_or_else(|| self.unclear(start))?;
            let settings = (format.parse)(&Marked(target), place, &bytes)?;
            return Ok(Configured { start, invocation, settings });
        }
        if self.can_do_without && invocation.file.is_none() {
            let root = crate::facts::settings::Block::new("", "", start.at.clone());
            let (files, unread) = (Vec::new(), Vec::new());
            let settings = Settings {
                root,
                files,
                unread,
                inherits: false,
                ignore_case: true,
                ..Settings::default()
            };
            return Ok(Configured { start, invocation, settings });
        }
        Err(self.unclear(start))
    }

    fn unclear(&self, start: &Start) -> Unknown {
        let name = self.names.first().copied().unwrap_or_default();
        let why = "its configuration is not there before it has been started".to_owned();
        Unknown::new(format!("{name} from {}", start.by), Cause::Unsupported(why))
    }

    /// The path of the program, as far as the declaration shows it.
    fn program(&self, start: &Start) -> PathBuf {
        let own = start.program.iter().filter_map(|path| path.to_str());
        let all = own.chain(start.command.iter().map(String::as_str));
        let is = |word: &&str| self.names.contains(&program::base(word));
        let mut known = all.filter(is).collect::<Vec<_>>();
        known.sort_by_key(|word| !word.starts_with('/'));
        PathBuf::from(known.first().or(self.names.first()).copied().unwrap_or_default())
    }
}

fn listener(address: IpAddr, port: u16, protocol: Protocol) -> Listener {
    // The daemons here open a socket of its own for each family.
    let v6_only = address.is_ipv6().then_some(true);
    Listener { protocol, address, port, v6_only, interface: 0, inode: 0, uid: 0 }
}

/// The last value of a lookup.
fn last(settings: &Settings, path: &str) -> Option<(String, Location)> {
    super::units::values(settings, path).pop()
}

/// The account that a daemon's configuration names, by name or as a number behind `#`.
fn account(user: &str, group: Option<&str>, at: &Location, target: &dyn Target) -> Fact<Identity> {
    let number = user.strip_prefix('#').unwrap_or(user).parse::<u32>().ok();
    let missing = |what: &str| {
        let why = format!("there is no such {what}: it does not start");
        Unknown::new(format!("{at}: {what} {user}"), Cause::Malformed(why))
    };
    let (uid, gid, name) = match number.filter(|_| user.starts_with('#')) {
        Some(uid) => (uid, None, target.user_by_id(uid)?.map(|user| user.name)),
        None => {
            let user = target.user(user)?.ok_or_else(|| missing("user"))?;
            (user.uid, Some(user.gid), Some(user.name))
        }
    };
    let gid = match group {
        None => gid,
        Some(group) => match group.strip_prefix('#').and_then(|number| number.parse().ok()) {
            Some(gid) => Some(gid),
            None => Some(target.group(group)?.ok_or_else(|| missing("group"))?.gid),
        },
    };
    let words = match &name {
        Some(name) => format!("{name} (uid {uid}, {at})"),
        None => format!("uid {uid} ({at})"),
    };
    Ok(Identity { uid: Some(uid), gid, name, words })
}

/// A setting of a lookup, or where it would stand.
fn set(lookup: Lookup<'_>) -> Result<(String, Location), Location> {
    match lookup {
        Lookup::Set(setting) => Ok((setting.value.clone(), setting.at.clone())),
        Lookup::NotSet(at) => Err(at.clone()),
    }
}
