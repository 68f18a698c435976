//! `same_as`: a value that is a fact of another subject.
//!
//! `{ same_as: service.nginx.user }` stands where a literal value would. What it refers to is looked
//! up when the rule is evaluated and must be one value: nothing there (no process, a setting that is
//! not set) and several that differ (a root master and other workers) are unknown, since neither
//! says what the value should be.

use super::Scope;
use super::config::settings;
use super::declared_service::Part;
use super::identity::{group_name, user_name};
use super::service::select;
use super::unit::find;
use crate::facts::settings::{Lookup, Settings};
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::sysctl_d::slashed;
use crate::formats::systemd::names;
use crate::formats::{Format, for_path};
use crate::host::Target;
use crate::host::redacted::left_out;
use crate::policy::diagnostic::Diagnostic;
use crate::policy::node::Node;
use crate::policy::service::Service;
use crate::text;
use crate::text::secrets::is_secret_setting;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The kinds of reference, for errors and the reference.
pub const FORMS: [(&str, &str); 7] = [
    (
        "service.NAME.user",
        "of a service of the policy: user, group, executable; of one part of it: \
                           workers.user, master.user",
    ),
    ("file./PATH.owner", "owner, group, mode or target"),
    ("user.NAME.home", "uid, group, home or shell"),
    ("unit.NAME.service.user", "user, group, or a setting: unit.nginx.service.Service.User"),
    ("package.NAME.version", "version"),
    ("sysctl.NAME.value", "value, or configured"),
    ("config./PATH.SETTING", "any setting of a file whose path tells its format"),
];

/// A fact of another subject.
#[derive(Clone)]
pub struct Reference {
    /// As written.
    text: String,
    what: What,
}

#[derive(Clone)]
enum What {
    Service(Box<Service>, Part, &'static str),
    File(PathBuf, &'static str),
    User(String, &'static str),
    Unit(String, String),
    Package(String),
    Sysctl(String, &'static str),
    /// Where the path ends and the setting begins, the files on the target tell.
    Config(Vec<(PathBuf, &'static Format, String)>),
}

impl Reference {
    /// Reads what stands behind `same_as:`.
    pub fn parse(node: &Node, scope: &Scope) -> Result<Self, Diagnostic> {
        let text = node.text("a reference such as service.nginx.user")?;
        let wrong = |message: &str| {
            let forms: Vec<&str> = FORMS.iter().map(|(form, _)| *form).collect();
            Diagnostic::at(&node.span, message).help(format!("such as {}", forms.join(", ")))
        };
        let (kind, rest) = text.split_once('.').ok_or_else(|| wrong("not a reference"))?;
        let last = || rest.rsplit_once('.').ok_or_else(|| wrong("a reference without a property"));
        let property = |name: &str, known: &[&'static str]| {
            known.iter().copied().find(|word| *word == name).ok_or_else(|| {
                Diagnostic::at(&node.span, format!("a {kind} has no `{name}` to compare with"))
                    .suggest(name, known.iter().copied())
            })
        };
        let path = |text: &str| match text.starts_with('/') {
            true => Ok(PathBuf::from(text)),
            false => Err(wrong("a reference to a file takes an absolute path")),
        };
        let what = match kind {
            "service" => {
                let (name, word) = last()?;
                let (name, part) = match name.rsplit_once('.') {
                    Some((name, "workers")) => (name, Part::Workers),
                    Some((name, "master")) => (name, Part::Master),
                    _ => (name, Part::All),
                };
                let known = &scope.policy.services;
                let service = known.get(name).cloned().ok_or_else(|| {
                    let message = format!("there is no service `{name}` in this policy");
                    Diagnostic::at(&node.span, message)
                        .suggest(name, known.keys().map(String::as_str))
                })?;
                What::Service(
                    Box::new(service),
                    part,
                    property(word, &["user", "group", "executable"])?,
                )
            }
            "file" => {
                let (name, word) = last()?;
                What::File(path(name)?, property(word, &["owner", "group", "mode", "target"])?)
            }
            "user" => {
                let (name, word) = last()?;
                What::User(name.into(), property(word, &["uid", "group", "home", "shell"])?)
            }
            "unit" => unit(rest).ok_or_else(|| wrong("not a unit and what of it"))?,
            "package" => {
                let (name, word) = last()?;
                property(word, &["version"])?;
                What::Package(name.into())
            }
            "sysctl" => {
                let (name, word) = last()?;
                What::Sysctl(slashed(name), property(word, &["value", "configured"])?)
            }
            "config" => What::Config(config(&path(rest)?).map_err(|message| wrong(&message))?),
            _ => return Err(wrong("not a subject that can be referred to")),
        };
        Ok(Self { text: text.to_owned(), what })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the value that it stands for must not be shown.
    pub fn is_secret(&self) -> bool {
        let name = match &self.what {
            What::Config(places) => places.first().map(|(_, _, setting)| setting.as_str()),
            What::Unit(_, setting) => Some(setting.as_str()),
            _ => None,
        };
        name.is_some_and(is_secret_setting)
    }

    /// The one value that it stands for.
    ///
    /// # Errors
    /// When it cannot be seen, when there is none, and when there are several.
    pub fn resolve(&self, target: &dyn Target) -> Fact<String> {
        let values = match &self.what {
            What::Service(service, part, property) => of_service(service, *part, property, target)?,
            What::File(path, property) => of_file(path, property, target)?,
            What::User(name, property) => of_user(name, property, target)?,
            What::Unit(name, property) => of_unit(name, property, target)?,
            What::Package(name) => of_package(name, target)?,
            What::Sysctl(key, property) => of_sysctl(key, property, target)?,
            What::Config(places) => self.of_config(places, target)?,
        };
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (Some(value), None) => Ok(value),
            (None, _) => Err(self.unknown("there is nothing to compare with".into())),
            (Some(_), Some(_)) if self.is_secret() => {
                Err(self.unknown("is not one value, but several".into()))
            }
            (Some(one), Some(two)) => {
                let more = if values.next().is_some() { " and others" } else { "" };
                Err(self.unknown(format!("is not one value, but {one}, {two}{more}")))
            }
        }
    }

    fn unknown(&self, why: String) -> Unknown {
        Unknown::new(self.text.clone(), Cause::Unsupported(why))
    }

    fn of_config(
        &self,
        places: &[(PathBuf, &'static Format, String)],
        target: &dyn Target,
    ) -> Fact<BTreeSet<String>> {
        for (path, format, setting) in places {
            if let Some(settings) = settings(format, path, target)? {
                return of_settings(&settings, setting, (format.default)(setting), target);
            }
        }
        Err(self.unknown("there is no such file".into()))
    }
}

/// Every way to read `/PATH.SETTING`, the longest path first.
fn config(text: &Path) -> Result<Vec<(PathBuf, &'static Format, String)>, String> {
    let text = text.to_str().unwrap_or_default();
    let dots = text.match_indices('.').rev();
    let places: Vec<_> = dots
        .filter_map(|(at, _)| {
            let path = Path::new(text.get(..at)?);
            let setting = text.get(at + 1..).filter(|setting| !setting.is_empty())?;
            Some((path.to_owned(), for_path(path)?, setting.to_owned()))
        })
        .collect();
    match places.is_empty() {
        true => Err("neither a path that tells its format nor a setting of it".into()),
        false => Ok(places),
    }
}

/// `nginx.service.user`, `nginx.service.Service.User`
fn unit(rest: &str) -> Option<What> {
    // The longest name: a setting has no type of unit in it.
    let dots = rest.match_indices('.').rev();
    let places = dots.filter_map(|(at, _)| Some((rest.get(..at)?, rest.get(at + 1..)?)));
    let (name, property) = places.into_iter().find(|(name, _)| names::is_valid(name))?;
    let property = match property {
        "user" => "Service.User",
        "group" => "Service.Group",
        setting if setting.split('.').count() == 2 => setting,
        _ => return None,
    };
    Some(What::Unit(name.to_owned(), property.to_owned()))
}

fn of_settings(
    settings: &Settings,
    path: &str,
    default: Option<&str>,
    target: &dyn Target,
) -> Fact<BTreeSet<String>> {
    if let Some(why) = settings.unread.first() {
        return Err(why.clone());
    }
    let value = |found: Lookup<'_>| match found {
        // The barest spelling: the port of `8080 default_server`.
        Lookup::Set(setting) => {
            let all = setting.also.iter().chain([&setting.value]);
            all.min_by_key(|spelling| spelling.len()).cloned()
        }
        Lookup::NotSet(_) => default.map(str::to_owned),
    };
    let values: BTreeSet<String> = settings.lookup(path).into_iter().filter_map(value).collect();
    match values.iter().find_map(|value| left_out(target, path, value)) {
        Some(why) => Err(why),
        None => Ok(values),
    }
}

fn of_service(
    service: &Service,
    part: Part,
    property: &str,
    target: &dyn Target,
) -> Fact<BTreeSet<String>> {
    let selection = select(service, target)?;
    if let Some(why) = selection.gap() {
        return Err(why.clone());
    }
    let mut values = BTreeSet::new();
    for process in part.of(selection.processes) {
        match property {
            "executable" => values.extend(process.exe.clone()?.map(|exe| text::path(&exe.path))),
            _ => {
                for thread in process.threads.clone()? {
                    match property {
                        "user" => {
                            values.extend(thread.uid.all().map(|uid| user_name(target, uid)));
                        }
                        _ => values.extend(thread.gid.all().map(|gid| group_name(target, gid))),
                    }
                }
            }
        }
    }
    Ok(values)
}

fn of_file(path: &Path, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    if property == "target" {
        let link = target.file(path)?;
        let to = link.and_then(|file| file.link_target.as_deref().map(text::path));
        return Ok(to.into_iter().collect());
    }
    let Some((_, file)) = super::file::reached(path, target)? else { return Ok(BTreeSet::new()) };
    Ok(BTreeSet::from([match property {
        "owner" => user_name(target, file.uid),
        "group" => group_name(target, file.gid),
        _ => file.mode.to_string(),
    }]))
}

fn of_user(name: &str, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    let Some(user) = target.user(name)? else { return Ok(BTreeSet::new()) };
    Ok(BTreeSet::from([match property {
        "uid" => user.uid.to_string(),
        "group" => group_name(target, user.gid),
        "home" => user.home,
        // passwd(5): an empty field means /bin/sh.
        _ if user.shell.is_empty() => "/bin/sh".into(),
        _ => user.shell,
    }]))
}

fn of_unit(name: &str, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    let Some(unit) = find(name, target)? else { return Ok(BTreeSet::new()) };
    let default = (crate::formats::systemd::FORMAT.default)(property);
    let settings = unit.settings.as_ref().map_err(Unknown::clone)?;
    let mut values = of_settings(settings, property, default, target)?;
    if property == "Service.Group" && values.is_empty() {
        // systemd.exec(5): without Group=, the default group of the user.
        let users = of_unit(name, "Service.User", target)?;
        for user in users {
            values.extend(of_user(&user, "group", target)?);
        }
    }
    let plain = |value: String| {
        names::expand(&value, &unit.id).ok_or_else(|| {
            let why = format!("what `{value}` stands for, only systemd knows");
            Unknown::new(unit.id.clone(), Cause::Unsupported(why))
        })
    };
    values.into_iter().map(plain).collect()
}

fn of_package(name: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    let packages = target.derived().packages(target)?;
    let found = packages.named(name).map(|package| package.version.clone()).collect();
    match packages.unread.first() {
        Some(why) => Err(why.clone()),
        None => Ok(found),
    }
}

fn of_sysctl(key: &str, property: &str, target: &dyn Target) -> Fact<BTreeSet<String>> {
    if property == "value" {
        return Ok(super::sysctl::now(key, target)?.into_iter().collect());
    }
    let settings = target.derived().sysctl(target);
    match settings.unread.first() {
        Some(why) => Err(why.clone()),
        None => Ok(settings.of(key).and_then(|line| line.value.clone()).into_iter().collect()),
    }
}
