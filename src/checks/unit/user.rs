//! As whom a unit's main program runs: `systemd.exec(5)`, `User=`, and `systemd.service(5)`, the
//! table of prefixes of executables.

use crate::checks::unit::UnitView;
use crate::checks::unit::conditions::{complete, drop_in, evidence, masked, value_of};
use crate::facts::settings::Settings;
use crate::facts::{Cause, Fact, Unknown, all};
use crate::formats::systemd::names;
use crate::host::Target;
use crate::policy::expect::{Expect, Term};
use crate::policy::operand::Principal;
use crate::rules::identity::{group_id, group_name, user_id, user_name};
use crate::verdict::Assertion;

/// An account as a unit names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    /// As written, specifiers replaced.
    name: String,
    /// The number behind it; `None`: no account has the name (yet).
    id: Option<u32>,
}

/// `user:`
pub fn user(view: &UnitView, expect: &Expect<Principal>, target: &dyn Target) -> Assertion {
    let settings = match view.settings() {
        None => return masked(view, "user"),
        Some(Err(why)) => return view.about("user").unknown(why.clone()),
        Some(Ok(settings)) => settings,
    };
    let assertion = Assertion::of(&view.subject, "user")
        .expected(expect.show())
        .seen(evidence(view, "Service.User"))
        .seen(evidence(view, "Service.ExecStart"));
    let declared = match declared(view, settings, "Service.User", target) {
        Ok(declared) => declared,
        Err(why) => return assertion.unknown(why),
    };
    let root = Named { name: "root".into(), id: Some(0) };
    let mut runs_as = Vec::new();
    for command in settings.lookup("Service.ExecStart").into_iter().filter_map(value_of) {
        let one = if ignores_user(command) { &root } else { &declared };
        if !runs_as.contains(one) {
            runs_as.push(one.clone());
        }
    }
    if runs_as.is_empty() {
        runs_as.push(declared.clone());
    }
    let mut words: Vec<String> = runs_as.iter().map(|one| one.show(target)).collect();
    if runs_as.contains(&root) && declared != root {
        words.push("a command with the prefix + or ! runs as root".into());
    }
    let holds = all(runs_as.iter().map(|one| one.is(expect, target, user_id)));
    let assertion = match expect.wanted() {
        Some(wanted) => assertion.repair(drop_in(view.id(), "Service.User", &wanted.to_string())),
        None => assertion,
    };
    assertion.observed(words.join("; ")).decide(complete(view, holds))
}

/// `group:`
pub fn group(view: &UnitView, expect: &Expect<Principal>, target: &dyn Target) -> Assertion {
    let settings = match view.settings() {
        None => return masked(view, "group"),
        Some(Err(why)) => return view.about("group").unknown(why.clone()),
        Some(Ok(settings)) => settings,
    };
    let assertion = Assertion::of(&view.subject, "group")
        .expected(expect.show())
        .seen(evidence(view, "Service.Group"))
        .seen(evidence(view, "Service.User"));
    let found = declared_group(view, settings, target);
    match found {
        Ok(group) => {
            let observed = match group.id {
                Some(id) => group_name(target, id),
                None => format!("{}; there is no such group here", group.name),
            };
            let holds = group.is(expect, target, group_id);
            assertion.observed(observed).decide(complete(view, holds))
        }
        Err(why) => assertion.unknown(why),
    }
}

/// The account that a setting names; root where it names none.
fn declared(view: &UnitView, settings: &Settings, path: &str, target: &dyn Target) -> Fact<Named> {
    let Some(written) = settings.lookup(path).into_iter().find_map(value_of) else {
        return Ok(Named { name: "root".into(), id: Some(0) });
    };
    let name = expanded(view, written)?;
    let id = id_of(&name, target, user_id)?;
    Ok(Named { name, id })
}

fn declared_group(view: &UnitView, settings: &Settings, target: &dyn Target) -> Fact<Named> {
    if let Some(written) = settings.lookup("Service.Group").into_iter().find_map(value_of) {
        let name = expanded(view, written)?;
        let id = id_of(&name, target, group_id)?;
        return Ok(Named { name, id });
    }
    // systemd.exec(5): without Group=, the default group of the user.
    let user = declared(view, settings, "Service.User", target)?;
    let account = match &user.id {
        Some(id) => target.user_by_id(*id)?,
        None => None,
    };
    match account {
        Some(account) => Ok(Named { name: group_name(target, account.gid), id: Some(account.gid) }),
        // A dynamic user has a group of its name.
        None => Ok(Named { id: id_of(&user.name, target, group_id)?, name: user.name }),
    }
}

fn expanded(view: &UnitView, written: &str) -> Fact<String> {
    names::expand(written, view.id()).ok_or_else(|| {
        let why = format!("what the specifiers in `{written}` stand for, only systemd knows");
        Unknown::new(view.id(), Cause::Unsupported(why))
    })
}

/// To systemd digits are an id, whatever accounts are called (`get_user_creds()`).
fn id_of(
    name: &str,
    target: &dyn Target,
    resolve: fn(&dyn Target, &Principal) -> Fact<Option<u32>>,
) -> Fact<Option<u32>> {
    match name.parse() {
        Ok(id) => Ok(Some(id)),
        Err(_) => resolve(target, &Principal::Name(name.to_owned())),
    }
}

impl Named {
    /// Whether it is one of those expected. A name stands for its number: another name for uid 0
    /// is root.
    fn is(
        &self,
        expect: &Expect<Principal>,
        target: &dyn Target,
        resolve: fn(&dyn Target, &Principal) -> Fact<Option<u32>>,
    ) -> Fact<bool> {
        expect.holds(&mut |term| match term {
            Term::Is(Principal::Name(wanted)) if *wanted == self.name => Ok(true),
            Term::Is(wanted) => Ok(self.id.is_some() && resolve(target, wanted)? == self.id),
            _ => Ok(false),
        })
    }

    fn show(&self, target: &dyn Target) -> String {
        match self.id {
            None => format!("{} (there is no such user here)", self.name),
            Some(id) if id.to_string() == self.name => {
                format!("{} ({})", self.name, user_name(target, id))
            }
            Some(id) if id == 0 && self.name != "root" => format!("{} (uid 0)", self.name),
            Some(_) => self.name.clone(),
        }
    }
}

/// Whether a command is run with full privileges, whatever `User=` says: `+`, and `!`, which keeps
/// the confinement and leaves out the user. `!!` is for kernels without ambient capabilities.
fn ignores_user(command: &str) -> bool {
    let prefix: String = command.chars().take_while(|c| "@-:+!".contains(*c)).collect();
    prefix.contains('+') || prefix.matches('!').count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_or_a_single_exclamation_mark_runs_as_root() {
        for command in ["+/bin/x", "-+/bin/x", "@+:/bin/x", "!/bin/x", "-!/bin/x"] {
            assert!(ignores_user(command), "{command}");
        }
        for command in ["/bin/x +", "-/bin/x", "!!/bin/x", "@:/bin/x", ""] {
            assert!(!ignores_user(command), "{command}");
        }
    }
}
