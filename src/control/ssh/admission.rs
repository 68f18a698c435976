//! Whether sshd takes keys of one user at all: what `Match` blocks say of him, `PubkeyAuthentication`,
//! `AuthenticationMethods`, and who is let in, `sshd_config(5)`.
//!
//! A block whose `User` does not have him says nothing of him; one with a further condition may hold.

use super::Config;
use crate::facts::Fact;
use crate::facts::account::User;
use crate::facts::settings::{Block, Lookup, Settings};
use crate::host::Target;

/// Whom sshd lets in; what is denied comes first.
const LISTS: [&str; 4] = ["DenyUsers", "AllowUsers", "DenyGroups", "AllowGroups"];

/// Whether a `Match` block holds for somebody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Never,
    Perhaps,
    Always,
}

impl Config {
    /// All values that a setting may have for a user: those of blocks that may hold come before that of
    /// all others. `default` is what holds where nothing is set.
    pub fn of_user(&self, name: &str, user: &User, default: &str) -> Vec<String> {
        let mut found = Vec::new();
        let Some(settings) = &self.settings else { return vec![default.to_owned()] };
        for block in &settings.root.blocks {
            let values = in_block(block, name);
            match holds(&block.label, &user.name) {
                Holds::Never => {}
                Holds::Perhaps => found.extend(values),
                Holds::Always if values.is_empty() => {}
                Holds::Always => {
                    found.extend(values);
                    return found;
                }
            }
        }
        let all = unconditional(settings, name);
        found.extend(if all.is_empty() { vec![default.to_owned()] } else { all });
        found
    }

    /// Why sshd takes no key of a user, if it takes none.
    ///
    /// # Errors
    /// Where his groups cannot be looked up and would decide.
    pub fn refuses_keys(&self, user: &User, target: &dyn Target) -> Fact<Option<String>> {
        let all_are = |name: &str, default: &str, value: &str| {
            self.of_user(name, user, default).iter().all(|one| one.eq_ignore_ascii_case(value))
        };
        if user.uid == 0 && all_are("PermitRootLogin", "prohibit-password", "no") {
            return Ok(Some("PermitRootLogin no".into()));
        }
        if all_are("PubkeyAuthentication", "yes", "no") {
            return Ok(Some("PubkeyAuthentication no".into()));
        }
        let methods = self.of_user("AuthenticationMethods", user, "any");
        if !methods.iter().any(|one| one == "any" || one.contains("publickey")) {
            return Ok(Some("AuthenticationMethods without publickey".into()));
        }
        self.keeps_out(user, target)
    }

    /// By which list a user is kept out from everywhere. A block of its own may say otherwise.
    fn keeps_out(&self, user: &User, target: &dyn Target) -> Fact<Option<String>> {
        let Some(settings) = &self.settings else { return Ok(None) };
        let says = |block: &Block| LISTS.iter().any(|name| !in_block(block, name).is_empty());
        let blocks = &settings.root.blocks;
        if blocks.iter().any(|block| holds(&block.label, &user.name) != Holds::Never && says(block))
        {
            return Ok(None);
        }
        let list = |name: &str| -> Vec<String> {
            let values = unconditional(settings, name);
            values.iter().flat_map(|value| value.split_whitespace()).map(str::to_owned).collect()
        };
        let whole = |pattern: &String| !pattern.contains('@') && matches(pattern, &user.name);
        let from_somewhere =
            |pattern: &String| matches(pattern.split('@').next().unwrap_or_default(), &user.name);
        let [deny_users, allow_users, deny_groups, allow_groups] = LISTS.map(list);
        if deny_users.iter().any(whole) {
            return Ok(Some("DenyUsers".into()));
        }
        if !allow_users.is_empty() && !allow_users.iter().any(from_somewhere) {
            return Ok(Some("AllowUsers without it".into()));
        }
        if deny_groups.is_empty() && allow_groups.is_empty() {
            return Ok(None);
        }
        let mut groups = Vec::new();
        for gid in target.groups_of(user)? {
            groups.extend(target.group_by_id(gid)?.map(|group| group.name));
        }
        let in_one = |pattern: &String| groups.iter().any(|group| matches(pattern, group));
        if deny_groups.iter().any(in_one) {
            return Ok(Some("DenyGroups".into()));
        }
        let out = !allow_groups.is_empty() && !allow_groups.iter().any(in_one);
        Ok(out.then(|| "AllowGroups without its groups".into()))
    }

    /// What else gives sshd keys of a user, which no file of his tells: a program, or whoever signs
    /// certificates.
    pub fn other_sources(&self, user: &User) -> Vec<String> {
        ["AuthorizedKeysCommand", "TrustedUserCAKeys"]
            .into_iter()
            .flat_map(|name| {
                let values = self.of_user(name, user, "none").into_iter();
                let set = values.filter(|one| !one.is_empty() && !one.eq_ignore_ascii_case("none"));
                set.map(move |value| format!("{name} {value}"))
            })
            .collect()
    }
}

/// Values outside of all blocks: the outermost one has those of the blocks as well, each at its place.
fn unconditional(settings: &Settings, name: &str) -> Vec<String> {
    let blocks = || settings.root.blocks.iter().flat_map(|block| &block.settings);
    let found = settings.lookup(name).into_iter().filter_map(|lookup| match lookup {
        Lookup::Set(setting) => Some(setting),
        Lookup::NotSet(_) => None,
    });
    let outside = found.filter(|one| !blocks().any(|other| other.at == one.at));
    outside.map(|setting| setting.value.clone()).collect()
}

fn in_block(block: &Block, name: &str) -> Vec<String> {
    let same = block.settings.iter().filter(|one| one.name.eq_ignore_ascii_case(name));
    same.map(|one| one.value.clone()).collect()
}

/// Whether the conditions of a `Match` line are met for a user: by `User` alone for certain.
fn holds(label: &str, user: &str) -> Holds {
    let words: Vec<&str> = label.split_whitespace().collect();
    if let [all] = words.as_slice()
        && all.eq_ignore_ascii_case("all")
    {
        return Holds::Always;
    }
    let mut answer = Holds::Always;
    for pair in words.chunks(2) {
        match pair {
            [name, list] if name.eq_ignore_ascii_case("user") => {
                if !in_list(list, user) {
                    return Holds::Never;
                }
            }
            _ => answer = Holds::Perhaps,
        }
    }
    answer
}

/// `match_pattern_list()` of OpenSSH's match.c: a pattern with `!` that fits takes the name out.
fn in_list(list: &str, name: &str) -> bool {
    let mut found = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(pattern) if matches(pattern, name) => return false,
            Some(_) => {}
            None => found |= matches(pattern, name),
        }
    }
    found
}

/// `match_pattern()`: `*` and `?`, nothing else.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().collect());
    let (mut at, mut here) = (0_usize, 0_usize);
    // Where the last asterisk stands, and what it has taken.
    let mut back: Option<(usize, usize)> = None;
    while here < name.len() {
        match pattern.get(at) {
            Some('*') => {
                back = Some((at, here));
                at = at.saturating_add(1);
            }
            Some(one) if *one == '?' || Some(one) == name.get(here) => {
                at = at.saturating_add(1);
                here = here.saturating_add(1);
            }
            _ => match &mut back {
                Some((star, taken)) => {
                    *taken = taken.saturating_add(1);
                    at = star.saturating_add(1);
                    here = *taken;
                }
                None => return false,
            },
        }
    }
    pattern.get(at..).unwrap_or_default().iter().all(|one| *one == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_know_asterisk_and_question_mark() {
        for (pattern, name, expected) in [
            ("root", "root", true),
            ("r*", "root", true),
            ("*oot", "root", true),
            ("r??t", "root", true),
            ("r?t", "root", false),
            ("*", "", true),
            ("", "", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("[r]oot", "root", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        assert!(
            in_list("ann,ro*", "root") && !in_list("!root,*", "root") && !in_list("ann", "root")
        );
    }

    #[test]
    fn a_block_for_others_never_holds_and_one_with_more_conditions_perhaps() {
        assert!(holds("User ann", "root") == Holds::Never);
        assert!(holds("User root,ann", "root") == Holds::Always);
        assert!(holds("all", "root") == Holds::Always);
        assert!(holds("User root Address 10.0.0.0/8", "root") == Holds::Perhaps);
        assert!(holds("Address 10.0.0.0/8 User ann", "root") == Holds::Never);
        assert!(holds("Group wheel", "root") == Holds::Perhaps);
    }
}
