//! Clusters of PostgreSQL as Debian's `postgresql-common` starts them.
//!
//! At boot a generator makes `postgresql@VERSION-NAME.service` for every
//! `/etc/postgresql/VERSION/NAME` whose `start.conf` says `auto`, so no link is there before. That
//! unit starts `pg_ctlcluster` as root, which becomes the owner of the data directory before it
//! starts the server (`pg_ctlcluster(1)`); the server itself refuses to be root.

use super::units::values;
use crate::facts::settings::Location;
use crate::facts::start::{Identity, Start};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::postgresql;
use crate::host::Target;
use crate::host::redacted::Marked;
use std::path::{Path, PathBuf};

const ROOT: &str = "/etc/postgresql";

/// The program of the distribution that starts a cluster.
pub const STARTER: &str = "pg_ctlcluster";

/// The clusters that the generator would start; `enabled` is whether `postgresql.service` is.
///
/// # Errors
/// Where a directory cannot be listed.
pub fn all(target: &dyn Target, enabled: &Fact<bool>) -> Fact<Vec<Start>> {
    let mut starts = Vec::new();
    let names = |path: &Path| -> Fact<Vec<String>> {
        let names = target.list(path)?.unwrap_or_default();
        Ok(names.iter().filter_map(|name| name.to_str().map(str::to_owned)).collect())
    };
    for version in names(Path::new(ROOT))? {
        let folder = Path::new(ROOT).join(&version);
        for name in names(&folder)? {
            let place = folder.join(&name);
            if target.file(&place.join("postgresql.conf"))?.is_none()
                || target.file(Path::new(&program(&version)))?.is_none()
            {
                continue;
            }
            let enabled = match start_conf(&place, target) {
                Ok(true) => enabled.clone(),
                Ok(false) => Ok(false),
                Err(why) => Err(why),
            };
            starts.push(start(&version, &name, enabled, target));
        }
    }
    Ok(starts)
}

fn program(version: &str) -> String {
    format!("/usr/lib/postgresql/{version}/bin/postgres")
}

/// The cluster that a unit's command starts: `pg_ctlcluster … 15-main start`.
pub fn of_command(words: &[String], enabled: &Fact<bool>, target: &dyn Target) -> Option<Start> {
    let plain: Vec<&String> = words.iter().skip(1).filter(|word| !word.starts_with('-')).collect();
    let (version, name) = match plain.as_slice() {
        [cluster, action] if *action == "start" => cluster.split_once('-')?,
        [version, name, action] if *action == "start" => (version.as_str(), name.as_str()),
        _ => return None,
    };
    Some(start(version, name, enabled.clone(), target))
}

fn start(version: &str, name: &str, enabled: Fact<bool>, target: &dyn Target) -> Start {
    let unit = format!("postgresql@{version}-{name}.service");
    let conf = Path::new(ROOT).join(version).join(name).join("postgresql.conf");
    let (identity, at, text) = match owner(&conf, target) {
        Ok((identity, at, text)) => (Ok(identity), at, text),
        Err(why) => (Err(why), Location { file: conf.clone(), line: 0 }, unit.clone()),
    };
    let program = program(version);
    Start {
        by: unit.clone(),
        at,
        text,
        unit: Some(unit),
        program: Some(PathBuf::from(&program)),
        command: vec![program, "-c".to_owned(), format!("config_file={}", conf.display())],
        script: None,
        identity,
        enabled,
    }
}

/// Whether `start.conf` says `auto`, as a missing one does.
fn start_conf(place: &Path, target: &dyn Target) -> Fact<bool> {
    let Some(content) = target.read(&place.join("start.conf"))? else { return Ok(true) };
    let text = String::from_utf8_lossy(&content);
    let mut words = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    Ok(words.find(|word| !word.is_empty()) == Some("auto"))
}

/// The owner of the data directory.
fn owner(conf: &Path, target: &dyn Target) -> Fact<(Identity, Location, String)> {
    let what = || conf.display().to_string();
    let missing = |why: &str| Unknown::new(what(), Cause::Unsupported(why.to_owned()));
    let content = target.read_marked(conf)?.ok_or_else(|| missing("there is no such file"))?;
    let settings = postgresql::parse(&Marked(target), conf, &content)?;
    let (directory, at) = values(&settings, "data_directory")
        .pop()
        .ok_or_else(|| missing("no data_directory, whose owner the server runs as"))?;
    let fact = target.file(Path::new(&format!("{directory}/")))?;
    let fact = fact.ok_or_else(|| missing("the data directory does not exist yet"))?;
    let name = target.user_by_id(fact.uid)?.map(|user| user.name);
    let words = match &name {
        Some(name) => format!("{name} (uid {}), owner of {directory}", fact.uid),
        None => format!("uid {}, owner of {directory}", fact.uid),
    };
    let identity = Identity { uid: Some(fact.uid), gid: Some(fact.gid), name, words };
    Ok((identity, at, format!("data_directory = {directory}")))
}
