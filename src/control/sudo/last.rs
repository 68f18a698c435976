//! Of several grants that fit what somebody runs the last one decides, `sudoers(5)`: one that a later
//! one covers whole never decides anything.
//!
//! What a grant fits is a set of users, hosts, commands, users and groups to run as, and a time. A later
//! one takes its place for a user only where it is certain to fit all of it. Nothing is said here of what
//! the later one says: it may ask for a password, or deny (`!ALL`).

use super::Allowed;
use crate::facts::sudo::{Grant, Member};
use jiff::civil::DateTime;
use std::collections::{BTreeSet, HashMap};

/// The most later grants that one is compared with.
const CANDIDATES: usize = 1000;
/// How far a time without a zone may be from UTC, in seconds.
const ZONES: i64 = 14 * 3600;

/// Leaves out what never decides: grants, and users of grants, that a later one covers, and commands
/// that the same list takes out again.
pub(super) fn deciding(mut found: Vec<Allowed<'_>>) -> Vec<Allowed<'_>> {
    let mut by_command: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, one) in found.iter().enumerate() {
        for command in &one.commands {
            by_command.entry(command.text.clone()).or_default().push(at);
        }
    }
    for at in 0..found.len() {
        let (earlier, later) = found.split_at_mut(at.saturating_add(1));
        let Some(one) = earlier.last_mut() else { continue };
        let covering = |text: &str| {
            let of = |text: &str| by_command.get(text).map(Vec::as_slice).unwrap_or_default();
            let all = of("ALL").iter().chain(of(text)).copied();
            let after = all.filter_map(|index| later.get(index.checked_sub(at)?.checked_sub(1)?));
            after.take(CANDIDATES).filter(|later| fits_all_of(later, one)).collect::<Vec<_>>()
        };
        let positive = one.commands.iter().filter(|command| !command.negated);
        let covered: Vec<Vec<&Allowed>> = positive.map(|one| covering(&one.text)).collect();
        let gone: BTreeSet<String> = one
            .users
            .iter()
            .filter(|user| {
                let has = |later: &&Allowed| has_user(later, user);
                !covered.is_empty() && covered.iter().all(|later| later.iter().any(has))
            })
            .cloned()
            .collect();
        one.users.retain(|user| !gone.contains(user));
        one.open.retain(|user| !gone.contains(user));
        one.unlisted.retain(|group, _| {
            let has =
                |later: &&Allowed| later.unlisted.contains_key(group) || has_user(later, group);
            covered.is_empty() || !covered.iter().all(|later| later.iter().any(has))
        });
        one.commands = left(&one.commands);
    }
    let somebodys = |one: &Allowed| !one.users.is_empty() || !one.unlisted.is_empty();
    found.retain(|one| somebodys(one) && one.commands.iter().any(|one| !one.negated));
    found
}

/// The commands of one list without those that it takes out again behind them.
fn left(commands: &[Member]) -> Vec<Member> {
    let takes_out = |out: &Member, one: &Member| {
        out.negated && (out.text == "ALL" || (one.text != "ALL" && out.text == one.text))
    };
    let stays = |(at, one): &(usize, &Member)| {
        let behind = commands.get(at.saturating_add(1)..).unwrap_or_default();
        one.negated || !behind.iter().any(|out| takes_out(out, one))
    };
    commands.iter().enumerate().filter(stays).map(|(_, one)| one.clone()).collect()
}

/// Whether a grant has a user for certain.
fn has_user(grant: &Allowed, user: &str) -> bool {
    let plain = user != "ALL" && !user.starts_with(['%', '+']);
    let everybody = grant.users.contains("ALL")
        && if plain { !grant.except.contains(user) } else { grant.except.is_empty() };
    everybody || grant.users.contains(user)
}

/// Whether a grant fits wherever another does, users and commands aside.
fn fits_all_of(later: &Allowed, one: &Allowed) -> bool {
    let everywhere = later.grant.hosts.iter().all(|host| host.text == "ALL" && !host.negated)
        || later.grant.hosts == one.grant.hosts;
    let same_conditions = conditions(later.grant) == conditions(one.grant);
    let always = later.grant.not_before.is_none()
        && later.grant.not_after.is_none()
        && later.grant.chroot.is_none();
    // Without -g the groups of the later one do not matter; with -g one that lists none does not fit.
    let groups = one.groups_list.is_empty() || covers(&later.groups_list, &one.groups_list);
    everywhere
        && (always || same_conditions)
        && groups
        && covers(&later.runas_list, &one.runas_list)
}

fn conditions(grant: &Grant) -> [&Option<String>; 3] {
    [&grant.not_before, &grant.not_after, &grant.chroot]
}

/// Whether a list of users or groups to run as has everybody that another one has. An empty list is the
/// user who runs it.
fn covers(later: &[Member], one: &[Member]) -> bool {
    let plain = later.iter().all(|member| !member.negated);
    let all = plain && later.iter().any(|member| member.text == "ALL");
    let each = || one.iter().all(|member| later.contains(member));
    all || later == one || (plain && !one.is_empty() && each())
}

/// Whether the time that a grant ends at (`NOTAFTER`) lies behind `now`, in seconds since 1970.
pub(super) fn is_over(grant: &Grant, now: i64) -> bool {
    let end = grant.not_after.as_deref().and_then(generalized_time);
    end.is_some_and(|(end, slack)| end.saturating_add(slack) < now)
}

/// `yyyymmddHH[MM[SS]]` with a fraction and `Z`, `+hhmm` or `-hhmm` behind it, as seconds since 1970;
/// without a zone it is local time, and how far it may be off is told.
fn generalized_time(text: &str) -> Option<(i64, i64)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i16>().ok();
    let part = |from: usize| -> Option<i8> {
        match digits.len() {
            length if length > from => number(from, from.checked_add(2)?)?.try_into().ok(),
            _ => Some(0),
        }
    };
    if !matches!(digits.len(), 10 | 12 | 14) {
        return None;
    }
    let (year, month, day) = (number(0, 4)?, part(4)?, part(6)?);
    let time = DateTime::new(year, month, day, part(8)?, part(10)?, part(12)?, 0).ok()?;
    let seconds = time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    let zone = match rest.strip_prefix(['.', ',']) {
        Some(fraction) => fraction.trim_start_matches(|c: char| c.is_ascii_digit()),
        None => rest,
    };
    if zone == "Z" {
        return Some((seconds, 0));
    }
    let sign = match zone.chars().next() {
        None => return Some((seconds, ZONES)),
        Some('+') => -1,
        Some('-') => 1,
        Some(_) => return None,
    };
    let offset = zone.get(1..).filter(|digits| digits.len() == 4)?;
    let (hours, minutes) =
        (offset.get(..2)?.parse::<i64>().ok()?, offset.get(2..)?.parse::<i64>().ok()?);
    Some((seconds + sign * (hours * 3600 + minutes * 60), 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_sudoers_writes_them() {
        let at = |text: &str| generalized_time(text);
        assert_eq!(at("20200101000000Z"), Some((1_577_836_800, 0)));
        assert_eq!(at("2020010100Z"), Some((1_577_836_800, 0)));
        assert_eq!(at("202001010000Z"), Some((1_577_836_800, 0)));
        assert_eq!(at("20200101010000.5+0100"), Some((1_577_836_800, 0)));
        assert_eq!(at("20191231230000-0100"), Some((1_577_836_800, 0)));
        assert_eq!(at("20200101000000"), Some((1_577_836_800, ZONES)));
        for wrong in ["", "2020", "20201301000000Z", "20200101000000X", "20200101000000+1", "x"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }

    fn member(text: &str) -> Member {
        let bare = text.trim_start_matches('!');
        Member { negated: bare != text, text: bare.to_owned() }
    }

    #[test]
    fn a_list_of_whom_to_run_as_covers_those_that_it_is_certain_to_have() {
        let list = |words: &[&str]| words.iter().map(|word| member(word)).collect::<Vec<_>>();
        for (later, one, expected) in [
            (&["ALL"][..], &["root"][..], true),
            (&["root"], &["ALL"], false),
            (&["root", "web"], &["root"], true),
            (&["root"], &["root", "web"], false),
            (&["ALL", "!root"], &["root"], false),
            (&["ALL", "!root"], &["ALL", "!root"], true),
            (&["ALL"], &[], true),
            (&["root"], &[], false),
            (&[], &[], true),
            (&[], &["root"], false),
        ] {
            assert_eq!(covers(&list(later), &list(one)), expected, "{later:?} {one:?}");
        }
    }

    #[test]
    fn what_a_list_takes_out_again_is_no_command_of_it() {
        let left = |words: &[&str]| -> Vec<String> {
            let list: Vec<Member> = words.iter().map(|word| member(word)).collect();
            left(&list).into_iter().filter(|one| !one.negated).map(|one| one.text).collect()
        };
        assert!(left(&["ALL", "!ALL"]).is_empty());
        assert!(left(&["/bin/a", "!/bin/a"]).is_empty());
        assert_eq!(left(&["!ALL", "ALL"]), ["ALL"]);
        assert_eq!(left(&["ALL", "!/bin/sh"]), ["ALL"]);
        assert_eq!(left(&["/bin/a", "!ALL", "/bin/b"]), ["/bin/b"]);
    }
}
