//! Routes by which somebody becomes another user: sudo, accounts without a password, programs that
//! give their rights to whoever runs them, objects that amount to root; and the files through which
//! a user can be made to run something.

use super::{
    Items, engines, functions, granted, program, proof, root, running, shells, sources, ssh, sudo,
    unit,
};
use crate::access::root_equivalent::{by_objects, objects};
use crate::access::{Credentials, Permission, Person, decide};
use crate::declared::units::values;
use crate::facts::account::{PasswordField, User};
use crate::facts::file::{AclTag, FileKind};
use crate::facts::inventory::Found;
use crate::facts::{Cause, Fact, Unknown, capability};
use crate::host::Target;
use crate::host::route::route;
use crate::inventory::inventory;
use crate::text;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A route that is no file which somebody could change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// What opens it: `/etc/sudoers:3`, `/run/docker.sock`.
    pub place: String,
    /// Who.
    pub people: BTreeSet<String>,
    /// By which right.
    pub right: String,
}

/// Everything by which somebody else becomes a user.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Routes that stand by themselves.
    pub direct: Vec<Route>,
    /// Files that decide what the user runs: whoever could change one becomes that user.
    pub items: Items,
}

/// An id that owns nothing.
const NOBODY: u32 = u32::MAX - 1;
/// Files in a home directory that a login reads or runs.
const LOGIN: &[&str] = &[
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".kshrc",
    ".cshrc",
    ".ssh/rc",
    ".ssh/environment",
    ".ssh/config",
    ".config/systemd/user",
    ".config/autostart",
    ".vimrc",
    ".pam_environment",
    ".forward",
    ".rhosts",
];
/// The rules of another program of sudo's kind.
const DOAS: &str = "/etc/doas.conf";
/// Programs with the right to change ids that decide by themselves for whom they do it.
const MEDIATORS: &[&str] = &["newuidmap", "newgidmap"];

/// The routes to a user.
pub fn routes(target: &dyn Target, user: &User) -> Routes {
    let mut routes = Routes::default();
    // What is found stands, whatever else could not be seen.
    let take = |found: Fact<Vec<Route>>, routes: &mut Routes| match found {
        Ok(found) => routes.direct.extend(found),
        Err(why) => routes.items.unread.push(why),
    };
    take(accounts(target, user), &mut routes);
    let mut unread = Vec::new();
    take(engines::direct(target, user, &mut unread), &mut routes);
    routes.items.unread.append(&mut unread);
    by_sudo(target, user, &mut routes);
    if user.uid == 0 {
        take(by_object(target, &mut unread), &mut routes);
        routes.items.unread.append(&mut unread);
        routes.items.extend(root::items(target));
        routes.direct.extend(sources::routes(target, &mut routes.items));
        routes.direct.extend(proof::without_proof(target, &mut routes.items));
        routes.direct.extend(proof::capable_units(target, &mut routes.items));
    }
    routes.direct.extend(proof::shared_keys(target, user, &mut routes.items));
    let live = running::add(target, user, &mut routes.items);
    routes.direct.extend(live);
    programs(target, user, &mut routes);
    own(target, user, &mut routes.items);
    routes
}

/// Other names of the user, and an account that asks for no password.
fn accounts(target: &dyn Target, user: &User) -> Fact<Vec<Route>> {
    let accounts = target.accounts()?;
    let mut found = Vec::new();
    let same =
        accounts.users.iter().filter(|other| other.uid == user.uid && other.name != user.name);
    for other in same {
        found.push(Route {
            place: format!("/etc/passwd:{}", other.line),
            people: BTreeSet::from([other.name.clone()]),
            right: format!("has the same uid, {}", user.uid),
        });
    }
    let password = match &user.password {
        PasswordField::Shadow => {
            let shadow = accounts.shadow.clone()?;
            shadow.into_iter().find(|line| line.name == user.name).map(|line| line.password)
        }
        other => Some(other.clone()),
    };
    if password == Some(PasswordField::Empty) {
        found.push(Route {
            place: "/etc/shadow".into(),
            people: BTreeSet::from(["everyone".to_owned()]),
            right: "no password is asked for".into(),
        });
    }
    Ok(found)
}

fn by_sudo(target: &dyn Target, user: &User, routes: &mut Routes) {
    let sudoers = crate::formats::sudoers::rules(target);
    routes.items.unread.extend(sudoers.unread.iter().cloned());
    let mut judge = || -> Fact<()> {
        for one in sudo::allowed(target, &sudoers)? {
            // ALL is every account.
            let people = one.others(target).into_iter();
            let people: BTreeSet<String> = people
                .map(|name| if name == "ALL" { Person::everyone().to_string() } else { name })
                .collect();
            if one.is_as_good_as_a_shell() && !people.is_empty() && one.runs_as(user, target)? {
                let right = format!("may run {} through sudo", one.words());
                routes.direct.push(Route { place: one.grant.at.to_string(), people, right });
            }
            if !one.unlisted.is_empty()
                && one.is_as_good_as_a_shell()
                && one.runs_as(user, target)?
            {
                routes.items.unread.extend(one.unlisted.values().cloned());
            }
        }
        if user.uid == 0 {
            let grants = sudo::allowed(target, &sudoers)?;
            routes.items.extend(granted::items(&sudoers, &grants, target));
            routes.direct.extend(granted::loaders(&sudoers, &grants, target));
        }
        Ok(())
    };
    if let Err(why) = judge() {
        routes.items.unread.push(why);
    }
    // Another program of that kind, whose rules are not read.
    match target.file(Path::new(DOAS)) {
        Ok(None) => {}
        Ok(Some(_)) => {
            let why = Cause::Unsupported("what doas lets somebody do is not read".into());
            routes.items.unread.push(Unknown::new(DOAS, why));
        }
        Err(why) => routes.items.unread.push(why),
    }
}

/// Accounts that may use an object which amounts to root.
fn by_object(target: &dyn Target, unread: &mut Vec<Unknown>) -> Fact<Vec<Route>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let all = root_equivalent(target)?;
    unread.extend(all.gap);
    for (person, words) in all.people {
        for word in words {
            found.entry(word).or_default().insert(person.to_string());
        }
    }
    let route = |(right, people): (String, BTreeSet<String>)| {
        let place = right.split(' ').find(|word| word.starts_with('/')).unwrap_or_default();
        Route { place: place.to_owned(), people, right }
    };
    Ok(found.into_iter().map(route).collect())
}

/// All people who may use an object that amounts to root.
#[derive(Clone, Debug, Default)]
pub struct Equivalent {
    /// Each with the reasons: accounts, those whom only the name service puts into its group, and ids
    /// without an account.
    pub people: Vec<(Person, Vec<String>)>,
    /// Why somebody may be missing.
    pub gap: Option<Unknown>,
}

/// All people who may use an object that amounts to root, each with the reasons.
///
/// # Errors
/// Where one of the objects cannot be told.
pub fn root_equivalent(target: &dyn Target) -> Fact<Equivalent> {
    let people = target.memo().table::<crate::access::Memo>().people(target)?;
    let mut found: BTreeMap<Person, Vec<String>> = BTreeMap::new();
    let mut unread = Vec::new();
    let mut all = objects(target)?;
    all.extend(engines::objects(target, &mut unread));
    if let Some(why) = unread.pop() {
        return Err(why);
    }
    all.sort();
    all.dedup_by(|one, other| one.path == other.path);
    let mut gap = None;
    for object in all {
        let mut gids = BTreeSet::new();
        let mut uids = BTreeSet::new();
        if let Some((path, fact)) = route(target, &object.path)?.end {
            gids.insert(fact.gid);
            uids.insert(fact.uid);
            for entry in target.acl(&path)?.into_iter().flat_map(|acl| acl.entries) {
                match entry.who {
                    AclTag::User(uid) => drop(uids.insert(uid)),
                    AclTag::Group(gid) => drop(gids.insert(gid)),
                    _ => {}
                }
            }
        }
        let members = people.with_groups(&gids, target);
        let mut all = members.people;
        let known: BTreeSet<u32> = all.iter().filter_map(|person| person.uid).chain([0]).collect();
        let strangers = uids.into_iter().filter(|uid| !known.contains(uid));
        all.extend(strangers.flat_map(|uid| people.with_uid(uid)));
        all.push(Person::everyone());
        let one = std::slice::from_ref(&object);
        // Somebody in these groups alone, as whoever is missing would be.
        if let Some(why) = members.gap {
            let who = Credentials::of(NOBODY, gids);
            if !by_objects(target, one, &who)?.is_empty() {
                gap.get_or_insert(why);
            }
        }
        for person in all {
            let words = by_objects(target, one, &people.credentials(&person))?;
            if !words.is_empty() {
                // One person, with the groups of one object or another.
                let known = found
                    .keys()
                    .find(|known| (&known.name, known.uid) == (&person.name, person.uid));
                let person = known.cloned().unwrap_or(person);
                found.entry(person).or_default().extend(words);
            }
        }
    }
    Ok(Equivalent { people: found.into_iter().collect(), gap })
}

/// Programs that run as the user whoever starts them: those that give a shell are a route, all of
/// them decide what the user runs.
fn programs(target: &dyn Target, user: &User, routes: &mut Routes) {
    let inventory = match inventory(target, Path::new("/")) {
        Ok(Some(inventory)) => inventory,
        Ok(None) => return,
        Err(why) => return routes.items.unread.push(why),
    };
    routes.items.unread.extend(inventory.unread.iter().cloned());
    let mut unread = Vec::new();
    for one in &inventory.privileged {
        let setuid = one.fact.mode.0 & 0o4000 != 0 && one.fact.uid == user.uid && !one.nosuid;
        // The kernel takes the bit from a file that is written, and what somebody puts in its place is
        // theirs: it counts as a program that root and others run.
        let gives = one.fact.mode.0 & 0o6000 != 0 || !matches!(one.capabilities, Ok(None));
        if user.uid == 0 && gives && !one.nosuid {
            let why = "program that root and others run";
            routes.items.add_but_for_owner(&one.path, why, one.fact.uid);
        }
        if setuid {
            let why = text::path(&one.path);
            program::add_libraries(target, &one.path, &why, &mut routes.items);
        }
        let Some(why) = gives_a_shell(target, one) else { continue };
        let mut judge = || -> Fact<BTreeSet<String>> {
            let counts = setuid || user.uid == 0 && gives_root(target, one)?;
            if counts { who_may_run(target, &one.path, &mut unread) } else { Ok(BTreeSet::new()) }
        };
        match judge() {
            Ok(people) if people.is_empty() => {}
            Ok(people) => {
                let right = format!("may run what {why}");
                routes.direct.push(Route { place: text::path(&one.path), people, right });
            }
            Err(why) => routes.items.unread.push(why),
        }
        routes.items.unread.append(&mut unread);
    }
}

/// Whether what a program gives away beside its owner's rights amounts to root: capabilities, or a
/// group by what it may touch.
fn gives_root(target: &dyn Target, one: &Found) -> Fact<bool> {
    if capable_of_root(one).is_some() {
        return Ok(true);
    }
    if one.fact.mode.0 & 0o2000 == 0 {
        return Ok(false);
    }
    let who = Credentials::of(NOBODY, [one.fact.gid]);
    Ok(one.fact.gid == 0 || !by_objects(target, &objects(target)?, &who)?.is_empty())
}

/// Those who may execute a file, uid 0 left out.
fn who_may_run(
    target: &dyn Target,
    path: &Path,
    unread: &mut Vec<Unknown>,
) -> Fact<BTreeSet<String>> {
    let people = target.memo().table::<crate::access::Memo>().people(target)?;
    let may = |person: &Person| -> Fact<bool> {
        let who = people.credentials(person);
        let ruling = decide(target, path, &who, Permission::Execute)?;
        Ok(ruling.is_some_and(|ruling| ruling.allowed))
    };
    if may(&Person::everyone())? {
        return Ok(BTreeSet::from([Person::everyone().to_string()]));
    }
    let Some((_, fact)) = route(target, path)?.end else { return Ok(BTreeSet::new()) };
    let members = people.with_groups(&BTreeSet::from([fact.gid]), target);
    unread.extend(members.gap.filter(|_| fact.mode.0 & 0o010 != 0));
    let mut found = BTreeSet::new();
    for person in members.people {
        if may(&person)? {
            found.insert(person.to_string());
        }
    }
    Ok(found)
}

/// Why a program with rights of its own gives them away, if so.
pub fn gives_a_shell(target: &dyn Target, one: &Found) -> Option<String> {
    let name = one.path.file_name()?.to_string_lossy().into_owned();
    if one.nosuid {
        return None;
    }
    let known = shells::is_known(&name) || functions::of(&name).is_some();
    let gives = known && !functions::is_shipped(&name);
    for (bit, word) in [(0o4000, "setuid"), (0o2000, "setgid")] {
        if one.fact.mode.0 & bit == 0 || functions::is_shipped(&name) {
            continue;
        }
        if gives {
            return Some(format!("is {word} and gives a shell or writes any file: {name}"));
        }
        if let Some(original) = copy_of(target, one) {
            return Some(format!(
                "is {word} and the same as {original}, which gives a shell or writes any file"
            ));
        }
    }
    capable_of_root(one)
}

/// The program of another name whose content this one has, of those that give a shell.
fn copy_of(target: &dyn Target, one: &Found) -> Option<String> {
    // What is smaller is a stub, which many may share.
    const SMALLEST: u64 = 8 << 10;
    if one.fact.size < SMALLEST {
        return None;
    }
    let folder = Path::new("/usr/bin");
    let names = target.list(folder).ok().flatten()?;
    let mut own = None;
    for name in names.iter().map(|name| name.to_string_lossy()) {
        if functions::of(&name).is_none() {
            continue;
        }
        let path = folder.join(&*name);
        let same = |fact: &crate::facts::file::FileFact| {
            fact.kind == FileKind::File && fact.size == one.fact.size
        };
        if !matches!(target.file(&path), Ok(Some(fact)) if same(&fact)) {
            continue;
        }
        let own = own.get_or_insert_with(|| target.sha256(&one.path).ok().flatten());
        if own.is_some() && target.sha256(&path).ok().flatten() == *own {
            return Some(text::path(&path));
        }
    }
    None
}

/// The capability of a program that amounts to root, with the way there.
fn capable_of_root(one: &Found) -> Option<String> {
    let name = one.path.file_name()?.to_string_lossy();
    let Ok(Some(held)) = &one.capabilities else { return None };
    // Those of a user namespace count in it alone.
    if one.nosuid || held.root.is_some_and(|root| root != 0) || MEDIATORS.contains(&name.as_ref()) {
        return None;
    }
    let root = crate::access::root_equivalent::CAPABILITIES.iter();
    let mut words = root.filter(|(bit, _)| capability::has(held.permitted, *bit));
    let (bit, why) = words.next()?;
    Some(format!("has {}, which {why}", capability::name(*bit)))
}

/// Files that decide what the user runs.
fn own(target: &dyn Target, user: &User, items: &mut Items) {
    let home = Path::new(&user.home);
    let there = match target.file(home) {
        Ok(there) => there.is_some(),
        Err(why) => {
            items.unread.push(why);
            false
        }
    };
    if home.is_absolute() && home != Path::new("/") && there {
        for name in LOGIN {
            items.add(home.join(name), format!("login file of {}", user.name));
        }
        match ssh::config(target) {
            Ok(config) => {
                for file in ssh::files(&config, user) {
                    items.add(file, format!("ssh keys of {}", user.name));
                }
            }
            Err(why) => items.unread.push(why),
        }
    }
    let shell = if user.shell.is_empty() { "/bin/sh" } else { &user.shell };
    items.add(shell, format!("login shell of {}", user.name));
    if user.uid == 0 {
        return;
    }
    let debian = target.host().os_release.iter().any(|(_, value)| value.contains("debian"));
    let jobs = crate::formats::cron::jobs(target, debian);
    items.unread.extend(jobs.unread.iter().cloned());
    for job in jobs.jobs.iter().filter(|job| job.user == user.name) {
        items.add(&job.at.file, format!("cron table of {}", user.name));
        root::job_of(target, job, &format!("of {}", user.name), Some(user), items);
    }
    let index = crate::formats::systemd::units::index(target);
    items.unread.extend(index.unread.iter().cloned());
    for name in index.all() {
        let one = match crate::formats::systemd::units::unit(target, name) {
            Ok(Some(one)) if !one.masked => one,
            Ok(_) => continue,
            Err(why) => {
                items.unread.push(why);
                continue;
            }
        };
        let settings = match &one.settings {
            Ok(settings) => settings,
            Err(why) => {
                items.unread.push(why.clone());
                continue;
            }
        };
        let Some((runs, _)) = values(settings, "Service.User").pop() else { continue };
        let Some(runs) = unit::expand(&runs, &one.id) else {
            let why = Cause::Unsupported("it has a specifier that only systemd knows".into());
            items.unread.push(Unknown::new(format!("User={runs} of {}", one.id), why));
            continue;
        };
        if runs == user.name || runs.parse() == Ok(user.uid) {
            unit::add(target, &one, items);
        }
    }
}
