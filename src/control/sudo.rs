//! Who may become whom through sudo: the grants of sudoers with their aliases followed.

mod last;

use super::functions::{self, Gives};
use super::shells;
use crate::access::{self, Credentials, root_equivalent};
use crate::facts::account::{Origin, User};
use crate::facts::sudo::{AliasKind, Default_, Grant, Member, Sudoers};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::Target;
use std::collections::{BTreeMap, BTreeSet};

/// How deep aliases may lead to aliases.
const DEPTH: usize = 64;
/// An id that owns nothing.
const NOBODY: u32 = u32::MAX - 1;

/// A grant with what it comes to.
#[derive(Clone, Debug)]
pub struct Allowed<'a> {
    /// As written.
    pub grant: &'a Grant,
    /// Names of those who have it; `ALL` for everybody, `%group` for one whose members are not known.
    pub users: BTreeSet<String>,
    /// May be run as uid 0.
    pub as_root: bool,
    /// As whom, in words.
    pub runas: String,
    /// As whom, aliases followed.
    pub runas_list: Vec<Member>,
    /// With which groups, aliases followed.
    pub groups_list: Vec<Member>,
    /// Those of the users who are not asked for a password.
    pub open: BTreeSet<String>,
    /// Those whom a list of everybody leaves out.
    pub except: BTreeSet<String>,
    /// Groups of the list that may have members whom nothing here lists, and why.
    pub unlisted: BTreeMap<String, Unknown>,
    /// Whether these would not be asked for a password, or may not be.
    pub open_to_unlisted: bool,
    /// The commands, aliases followed; those that are taken out are negated.
    pub commands: Vec<Member>,
}

/// Grants that apply on the target.
pub fn allowed<'a>(target: &dyn Target, sudoers: &'a Sudoers) -> Fact<Vec<Allowed<'a>>> {
    let rules = Rules { sudoers, target };
    let mut found: Vec<Allowed> = Vec::new();
    // The commands of one list belong together: a negated one takes from those before it.
    let mut index = 0;
    while let Some(grant) = sudoers.grants.get(index) {
        let same = |other: &&Grant| {
            other.at == grant.at
                && other.users == grant.users
                && other.hosts == grant.hosts
                && (&other.runas_users, &other.runas_groups, other.password)
                    == (&grant.runas_users, &grant.runas_groups, grant.password)
                && (&other.not_before, &other.not_after) == (&grant.not_before, &grant.not_after)
                && (&other.tags, &other.chroot) == (&grant.tags, &grant.chroot)
        };
        let group: Vec<&Grant> =
            sudoers.grants.get(index..).unwrap_or_default().iter().take_while(same).collect();
        index += group.len().max(1);
        // One that will begin later is one all the same.
        if !last::is_over(grant, target.host().now()) && rules.applies(&grant.hosts)? {
            found.push(rules.judge(grant, &group)?);
        }
    }
    Ok(last::deciding(found))
}

struct Rules<'a, 't> {
    sudoers: &'a Sudoers,
    target: &'t dyn Target,
}

impl<'a> Rules<'a, '_> {
    fn judge(&self, grant: &'a Grant, group: &[&'a Grant]) -> Fact<Allowed<'a>> {
        let People { users, except, unlisted } = self.users(&grant.users)?;
        let runas_list = match &grant.runas_users {
            None => self.runas_default(),
            Some(list) => self.flat(AliasKind::Runas, list, 0)?,
        };
        let words: Vec<String> = runas_list
            .iter()
            .map(|member| format!("{}{}", if member.negated { "!" } else { "" }, member.text))
            .collect();
        // What is taken out of a list by name can be run as by number.
        let mut as_root = false;
        for member in runas_list.iter().filter(|member| !member.negated) {
            as_root |= self.is_root(&member.text)?;
        }
        let mut runas = if words.is_empty() { "themselves".into() } else { words.join(", ") };
        if !as_root && let Some((groups, mighty)) = self.groups(grant)? {
            runas.push_str(&format!(" with group {groups}"));
            as_root = mighty;
        }
        let groups_list = grant.runas_groups.as_deref().unwrap_or_default();
        let groups_list = self.flat(AliasKind::Runas, groups_list, 0)?;
        let commands: Vec<Member> = group.iter().map(|grant| grant.command.clone()).collect();
        let commands = self.flat(AliasKind::Command, &commands, 0)?;
        let open = match grant.password {
            Some(true) => BTreeSet::new(),
            Some(false) => users.clone(),
            None => self.unasked(&users, &except, &commands)?,
        };
        let by_default = |one: &Default_| {
            one.name == "exempt_group" || (one.name == "authenticate" && one.negated)
        };
        let open_to_unlisted = match grant.password {
            Some(asked) => !asked,
            None => self.sudoers.defaults.iter().any(by_default),
        };
        Ok(Allowed {
            grant,
            as_root,
            runas,
            runas_list,
            groups_list,
            open,
            except,
            unlisted,
            open_to_unlisted,
            commands,
            users,
        })
    }

    /// Whether somebody who is named as the one to run as is root, or may be.
    fn is_root(&self, name: &str) -> Fact<bool> {
        if let Some(number) = name.strip_prefix('#') {
            return Ok(number.parse::<u32>().map_or(true, |uid| uid == 0));
        }
        if name == "ALL" || name == "root" || name.starts_with('+') {
            return Ok(true);
        }
        if name.starts_with('%') {
            let members = self.named(name)?.names;
            let is_root = |name: &String| -> Fact<bool> {
                Ok(name.starts_with('%') || self.target.user(name)?.is_some_and(|u| u.uid == 0))
            };
            return crate::facts::any(members.iter().map(is_root));
        }
        Ok(self.target.user(name)?.is_some_and(|user| user.uid == 0))
    }

    /// Groups with which a command may be run, in words, and whether one of them amounts to root.
    fn groups(&self, grant: &Grant) -> Fact<Option<(String, bool)>> {
        let Some(list) = grant.runas_groups.as_ref().filter(|list| !list.is_empty()) else {
            return Ok(None);
        };
        let list = self.flat(AliasKind::Runas, list, 0)?;
        let mut mighty = false;
        let mut words = Vec::new();
        for member in list.iter().filter(|member| !member.negated) {
            words.push(member.text.clone());
            let bare = member.text.trim_start_matches('%');
            let gid = match bare.strip_prefix('#').map(str::parse::<u32>) {
                Some(number) => number.ok(),
                None if bare == "ALL" => None,
                None => match self.target.group(bare)? {
                    Some(group) => Some(group.gid),
                    None => continue,
                },
            };
            mighty |= match gid {
                // Any group at all.
                None | Some(0) => true,
                Some(gid) => {
                    let who = Credentials::of(NOBODY, [gid]);
                    let objects = root_equivalent::objects(self.target)?;
                    !root_equivalent::by_objects(self.target, &objects, &who)?.is_empty()
                }
            };
        }
        Ok((!words.is_empty()).then(|| (words.join(", "), mighty)))
    }

    /// Whom a command without a name behind it is run as; one for some users counts beside that of
    /// all.
    fn runas_default(&self) -> Vec<Member> {
        let of_all = |one: &&Default_| one.name == "runas_default" && one.scope.is_none();
        let last = self.sudoers.defaults.iter().rfind(of_all);
        let last = last.and_then(|one| one.value.clone()).unwrap_or_else(|| "root".to_owned());
        let some = self.sudoers.defaults.iter().filter(|one| one.name == "runas_default");
        let some = some.filter(|one| one.scope.is_some()).filter_map(|one| one.value.clone());
        let all = std::iter::once(last).chain(some);
        all.map(|text| Member { negated: false, text }).collect()
    }

    /// Those who are not asked for a password by what `Defaults` say. `authenticate` is on unless it
    /// is switched off for all, or for a user, host, command or one to run as; members of
    /// `exempt_group` are never asked.
    fn unasked(
        &self,
        users: &BTreeSet<String>,
        except: &BTreeSet<String>,
        commands: &[Member],
    ) -> Fact<BTreeSet<String>> {
        let everybody = users.contains("ALL");
        let mut open = BTreeSet::new();
        let named = |found: BTreeSet<String>| -> BTreeSet<String> {
            if found.contains("ALL") {
                return users.clone();
            }
            let has = |name: &String| (everybody && !except.contains(name)) || users.contains(name);
            found.into_iter().filter(has).collect()
        };
        // Those for commands come last, once the command is known; all others count in the order of their
        // lines, whatever their scope (`update_defaults()` of sudo's defaults.c).
        let kind = |one: &Default_| one.scope.as_ref().map(|(kind, _)| *kind);
        let early = self.sudoers.defaults.iter().filter(|one| kind(one) != Some('!'));
        let late = self.sudoers.defaults.iter().filter(|one| kind(one) == Some('!'));
        for one in early.chain(late) {
            let kind = kind(one);
            let list = one.scope.as_ref().map(|(_, list)| list.as_slice()).unwrap_or_default();
            if one.name == "exempt_group" && !one.negated {
                let group = one.value.as_deref().unwrap_or_default();
                let members = self.named(&format!("%{}", group.trim_start_matches('%')))?;
                open.extend(named(members.names.into_iter().collect()));
            }
            if one.name != "authenticate" {
                continue;
            }
            let (whom, certain) = match kind {
                None => (users.clone(), true),
                Some(':') => (named(self.users(list)?.users), true),
                Some('@') if !self.applies(list)? => continue,
                Some('!') if !self.touches(list, commands)? => continue,
                // To which of the grant's runs it applies depends on more than the grant.
                _ => (users.clone(), false),
            };
            match one.negated {
                true => open.extend(whom),
                false if certain => open.retain(|name| !whom.contains(name)),
                false => {}
            }
        }
        Ok(open)
    }

    /// Whether a list of commands has one of these.
    fn touches(&self, list: &[Member], commands: &[Member]) -> Fact<bool> {
        let list = self.flat(AliasKind::Command, list, 0)?;
        let same = |one: &Member, other: &Member| {
            let (a, b) = (path_of(&one.text), path_of(&other.text));
            let wide =
                |path: &str| path == "ALL" || path.ends_with('/') || shells::is_pattern(path);
            a == b || wide(a) || wide(b)
        };
        Ok(list.iter().any(|one| commands.iter().any(|other| same(one, other))))
    }

    /// Whether a list of hosts has this one. What cannot be told (networks, netgroups) counts.
    fn applies(&self, hosts: &[Member]) -> Fact<bool> {
        use crate::facts::host::TargetKind;
        let name = self.target.host().name.clone();
        let live = self.target.host().kind == TargetKind::Host;
        let mut applies = false;
        for host in self.flat(AliasKind::Host, hosts, 0)? {
            let plain = host.text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
                && host.text.chars().any(|c| c.is_ascii_alphabetic());
            // Which domain a host has is not always told by its name.
            let short =
                |name: &str| name.split('.').next().unwrap_or_default().to_ascii_lowercase();
            let fits = host.text == "ALL" || !live || !plain || short(&host.text) == short(&name);
            if fits && (!host.negated || (plain && live)) {
                applies = !host.negated;
            }
        }
        Ok(applies)
    }

    /// Aliases replaced by what they stand for.
    fn flat(&self, kind: AliasKind, list: &[Member], depth: usize) -> Fact<Vec<Member>> {
        if depth > DEPTH {
            let why = Cause::Malformed("aliases lead in a circle".into());
            return Err(Unknown::new(crate::formats::sudoers::SUDOERS, why));
        }
        let mut found = Vec::new();
        for member in list {
            match self.sudoers.aliases.get(&(kind, member.text.clone())) {
                Some(inner) => {
                    for mut one in self.flat(kind, inner, depth + 1)? {
                        one.negated ^= member.negated;
                        found.push(one);
                    }
                }
                None => found.push(member.clone()),
            }
        }
        Ok(found)
    }

    /// Names of those whom a list of users has.
    fn users(&self, list: &[Member]) -> Fact<People> {
        let mut found = People::default();
        for member in self.flat(AliasKind::User, list, 0)? {
            let Named { names, unlisted } = self.named(&member.text)?;
            match (member.negated, unlisted) {
                (false, Some(why)) => drop(found.unlisted.insert(member.text.clone(), why)),
                (true, _) => drop(found.unlisted.remove(&member.text)),
                (false, None) => {}
            }
            for name in names {
                match member.negated {
                    true => {
                        found.users.remove(&name);
                        found.except.insert(name);
                    }
                    false => {
                        found.except.remove(&name);
                        found.users.insert(name);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whom a word means. What has members that nobody lists stays as it is: it is somebody.
    fn named(&self, text: &str) -> Fact<Named> {
        let as_written = Ok(Named { names: vec![text.to_owned()], unlisted: None });
        if let Some(group) = text.strip_prefix('%') {
            let group = match group.strip_prefix('#').and_then(|number| number.parse().ok()) {
                Some(gid) => self.target.group_by_id(gid)?,
                // Of another directory than that of the system.
                None if group.starts_with(':') => return as_written,
                None => self.target.group(group)?,
            };
            // Of another service: who is in it, and whether it is there at all, is not told.
            let unlisted = access::unlisted(self.target)?
                .map(|why| Unknown { what: format!("{text} of sudoers: {}", why.what), ..why });
            let Some(group) = group else { return Ok(Named { names: Vec::new(), unlisted }) };
            if group.origin == Origin::Nss && group.members.is_empty() {
                return as_written;
            }
            let mut names = group.members;
            let accounts = self.target.accounts()?;
            let primary = accounts.users.iter().filter(|user| user.gid == group.gid);
            names.extend(primary.map(|user| user.name.clone()));
            // Which of the accounts here other services put into it can be asked.
            if unlisted.is_some() {
                let has = |user: &&User| {
                    self.target.groups_of(user).is_ok_and(|gids| gids.contains(&group.gid))
                };
                let more = accounts.users.iter().filter(has).map(|user| user.name.clone());
                names.extend(more);
            }
            return Ok(Named { names, unlisted });
        }
        if let Some(uid) = text.strip_prefix('#').and_then(|number| number.parse::<u32>().ok()) {
            let name = match self.target.user_by_id(uid)? {
                Some(user) => user.name,
                None => text.to_owned(),
            };
            return Ok(Named { names: vec![name], unlisted: None });
        }
        as_written
    }
}

/// A list of users: those whom it has, and those whom it takes out of everybody.
#[derive(Default)]
struct People {
    users: BTreeSet<String>,
    except: BTreeSet<String>,
    unlisted: BTreeMap<String, Unknown>,
}

/// Whom a word means.
struct Named {
    names: Vec<String>,
    /// Why somebody may be missing.
    unlisted: Option<Unknown>,
}

impl Allowed<'_> {
    /// Those who have it and are not root already.
    pub fn others(&self, target: &dyn Target) -> BTreeSet<String> {
        but_root(&self.users, target)
    }

    /// Those of them who are not asked for a password.
    pub fn open_to(&self, target: &dyn Target) -> BTreeSet<String> {
        but_root(&self.open, target)
    }

    /// What may be run, and as whom: `/usr/bin/less as root without a password`.
    pub fn words(&self) -> String {
        let commands: Vec<String> = self.commands.iter().map(command_words).collect();
        let open: Vec<&str> = self.open.iter().map(String::as_str).collect();
        let without = match (open.is_empty(), self.open == self.users) {
            (true, _) => String::new(),
            (false, true) => " without a password".to_owned(),
            (false, false) => format!(", {} without a password", open.join(", ")),
        };
        format!("{} as {}{without}", commands.join(", "), self.runas)
    }

    /// Whether it allows everything, a shell, or a directory of programs.
    pub fn is_unlimited(&self) -> bool {
        let unlimited = |command: &Member| !command.negated && shells::is_unlimited(&command.text);
        self.commands.iter().any(unlimited)
    }

    /// Commands by whose own means a shell can be had.
    pub fn shell_escapes(&self) -> Vec<&Member> {
        let noexec = self.grant.tags.iter().any(|tag| tag == "NOEXEC");
        let escapes = |command: &&Member| {
            let name = path_of(&command.text).rsplit('/').next().unwrap_or_default();
            let further = match functions::of(name) {
                Some(Gives::Always) => true,
                Some(Gives::ByArguments) => chooses_arguments(&command.text),
                None => false,
            };
            let known = shells::is_known(name) || further;
            let escapes = known && !shells::is_plain_action(&command.text);
            !command.negated && !noexec && escapes
        };
        self.commands.iter().filter(escapes).collect()
    }

    /// Whether it may be run as somebody; what cannot be told counts.
    ///
    /// # Errors
    /// Where a group cannot be looked up.
    pub fn runs_as(&self, user: &User, target: &dyn Target) -> Fact<bool> {
        if user.uid == 0 {
            return Ok(self.as_root);
        }
        for member in self.runas_list.iter().filter(|member| !member.negated) {
            let name = member.text.as_str();
            let number = name.strip_prefix('#').map(str::parse::<u32>);
            let fits = match (number, name.strip_prefix('%')) {
                (Some(number), _) => number.is_ok_and(|uid| uid == user.uid),
                (_, Some(group)) => match target.group(group)? {
                    Some(group) => {
                        let unlisted = group.origin == Origin::Nss && group.members.is_empty();
                        unlisted || group.gid == user.gid || group.members.contains(&user.name)
                    }
                    None => false,
                },
                _ => name == "ALL" || name == user.name || name.starts_with('+'),
            };
            if fits {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether whoever has it can do as the one it is run as does: any program, or one of those by
    /// whose means a shell can be had.
    pub fn is_as_good_as_a_shell(&self) -> bool {
        self.is_unlimited() || !self.shell_escapes().is_empty()
    }
}

/// Whether the caller may choose arguments of a command: there are none in the rule, which allows
/// any, or a pattern.
fn chooses_arguments(command: &str) -> bool {
    let mut words = command.split_whitespace().skip_while(|word| *word != path_of(command)).skip(1);
    match words.next() {
        None => true,
        Some("\"\"") => false,
        Some(first) => shells::is_pattern(first) || words.any(shells::is_pattern),
    }
}

fn but_root(names: &BTreeSet<String>, target: &dyn Target) -> BTreeSet<String> {
    let is_root = |name: &String| matches!(target.user(name), Ok(Some(user)) if user.uid == 0);
    names.iter().filter(|name| !is_root(name)).cloned().collect()
}

/// A command as sudoers writes it.
pub fn command_words(command: &Member) -> String {
    format!("{}{}", if command.negated { "!" } else { "" }, command.text)
}

/// The path of a command, digests in front of it passed over.
pub fn path_of(command: &str) -> &str {
    let mut words = command.split_whitespace();
    words.find(|word| word.contains('/') || !word.starts_with("sha")).unwrap_or_default()
}
