//! Ids that users may take in user namespaces of their own, subuid(5): a range with somebody else's
//! uid makes them that one, since newuidmap(1) maps it and what they do with it is done as that uid.

use crate::access::Credentials;
use crate::access::root_equivalent::{by_objects, objects};
use crate::control::person::Route;
use crate::facts::account::User;
use crate::facts::{Fact, capability};
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::Path;

/// The most lines of a file that are looked at.
const LINES: usize = 100_000;

/// One line: `name:first:count`.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    line: usize,
    owner: String,
    first: u64,
    count: u64,
}

impl Range {
    fn has(&self, id: u32) -> bool {
        let id = u64::from(id);
        id >= self.first && id - self.first < self.count
    }
}

/// Users who may take the uid of this one, or for root a group that amounts to it.
pub(super) fn routes(target: &dyn Target, user: &User) -> Fact<Vec<Route>> {
    let mut found = Vec::new();
    if is_there(target, "newuidmap", 7)? {
        for range in ranges(target, "/etc/subuid")?.into_iter().filter(|range| range.has(user.uid))
        {
            let right = format!("may take uid {} in a user namespace (newuidmap)", user.uid);
            found.extend(route(target, "/etc/subuid", &range, user, right)?);
        }
    }
    if user.uid == 0 && is_there(target, "newgidmap", 6)? {
        let groups = target.accounts()?.groups.clone();
        for range in ranges(target, "/etc/subgid")? {
            for group in groups.iter().filter(|group| range.has(group.gid)) {
                let who = Credentials::of(u32::MAX - 1, [group.gid]);
                let words = by_objects(target, &objects(target)?, &who)?;
                if let Some(first) = words.first() {
                    let right = format!("may take gid {} (newgidmap), which {first}", group.gid);
                    found.extend(route(target, "/etc/subgid", &range, user, right)?);
                }
            }
        }
    }
    Ok(found)
}

fn route(
    target: &dyn Target,
    file: &str,
    range: &Range,
    user: &User,
    right: String,
) -> Fact<Option<Route>> {
    let owner = match range.owner.parse::<u32>() {
        Ok(uid) => target.user_by_id(uid)?,
        Err(_) => target.user(&range.owner)?,
    };
    // A name that no account has is an engine's own range.
    let Some(owner) = owner.filter(|owner| owner.uid != user.uid && owner.uid != 0) else {
        return Ok(None);
    };
    let place = format!("{file}:{}", range.line);
    Ok(Some(Route { place, people: BTreeSet::from([owner.name]), right }))
}

fn ranges(target: &dyn Target, file: &str) -> Fact<Vec<Range>> {
    let content = target.read(Path::new(file))?.unwrap_or_default();
    let text = String::from_utf8_lossy(&content);
    let lines = text.lines().take(LINES).enumerate();
    Ok(lines.filter_map(|(at, line)| range(at.saturating_add(1), line)).collect())
}

fn range(line: usize, text: &str) -> Option<Range> {
    let mut fields = text.split('#').next()?.trim().split(':');
    let owner = fields.next()?.trim().to_owned();
    let first = fields.next()?.trim().parse().ok()?;
    let count = fields.next()?.trim().parse().ok()?;
    Some(Range { line, owner, first, count })
}

/// Whether the program that maps ids is there with the right to.
fn is_there(target: &dyn Target, name: &str, wanted: u8) -> Fact<bool> {
    for folder in ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin"] {
        let path = Path::new(folder).join(name);
        let Some((path, fact)) = crate::host::route::route(target, &path)?.end else { continue };
        let setuid = fact.mode.0 & 0o4000 != 0 && fact.uid == 0;
        let capable = target
            .file_capabilities(&path)
            .ok()
            .flatten()
            .is_some_and(|held| capability::has(held.permitted, wanted));
        if setuid || capable {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_its_first_id_and_not_the_one_behind_its_last() {
        let range = range(3, " carl:100000:65536 # containers").unwrap();
        assert_eq!((range.line, range.owner.as_str()), (3, "carl"));
        assert!(range.has(100_000) && range.has(165_535));
        assert!(!range.has(99_999) && !range.has(165_536) && !range.has(0));
        assert!(super::range(1, "carl:x:1").is_none());
    }
}
