//! Users that systemd makes at boot where they are missing, `sysusers.d(5)`.
//!
//! A line without a number lets systemd choose one of the range for system users, which never is 0.

use crate::facts::account::User;
use crate::facts::settings::Location;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::{conf_files, systemd};
use crate::host::Target;

/// The most lines of all files.
const LINE_LIMIT: usize = 10_000;

/// A user that will be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Number, where the line gives one that is free.
    pub uid: Option<u32>,
    /// Primary group, likewise.
    pub gid: Option<u32>,
    /// Where it is written.
    pub at: Location,
}

/// The user of this name that systemd would make; `None`: no line asks for it. Of several lines the
/// first counts.
///
/// # Errors
/// Where a file cannot be read, or says what cannot be resolved here.
pub fn user(name: &str, target: &dyn Target) -> Fact<Option<Made>> {
    let mut unread = Vec::new();
    let mut left = LINE_LIMIT;
    let paths = conf_files::collect(target, &conf_files::folders("sysusers.d"), &mut unread);
    // What is not read may take the place of any file, and stand before any line.
    if let Some(why) = unread.into_iter().next() {
        return Err(why);
    }
    for path in paths {
        let Some(content) = target.read(&path)? else { continue };
        for (number, line) in (1_u32..).zip(String::from_utf8_lossy(&content).lines()) {
            left = left.checked_sub(1).ok_or_else(|| {
                let why = format!("more than {LINE_LIMIT} lines");
                Unknown::new("sysusers.d", Cause::TooLarge(why))
            })?;
            let words = systemd::words(line);
            let [kind, user, rest @ ..] = words.as_slice() else { continue };
            // `u!` (systemd 257) makes a user that cannot log in.
            if !matches!(kind.as_str(), "u" | "u!") || user != name {
                continue;
            }
            let at = Location { file: path.clone(), line: number };
            let id = rest.first().map_or("-", String::as_str);
            return made(id, at, target).map(Some);
        }
    }
    Ok(None)
}

fn made(id: &str, at: Location, target: &dyn Target) -> Fact<Made> {
    let (uid, gid) = id.split_once(':').unwrap_or((id, ""));
    let odd = || Unknown::new(at.to_string(), Cause::Unsupported(format!("the id `{id}`")));
    let uid: Option<u32> = match uid {
        "-" => None,
        number => Some(number.parse().map_err(|_| odd())?),
    };
    if uid == Some(0) {
        return Err(odd());
    }
    // A number that somebody has already is not given again.
    let taken = |uid: u32| target.user_by_id(uid).map(|user: Option<User>| user.is_some());
    let uid = match uid {
        Some(uid) if !taken(uid)? => Some(uid),
        _ => None,
    };
    let gid = match gid {
        "" => None,
        text => match text.parse() {
            Ok(gid) => Some(gid),
            Err(_) => target.group(text)?.map(|group| group.gid),
        },
    };
    Ok(Made { uid, gid, at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    #[test]
    fn the_first_line_of_the_file_that_counts_makes_a_user() {
        let target = Memory::new()
            .user("root", 0, 0)
            .user("taken", 50, 50)
            .file(
                "/usr/lib/sysusers.d/a.conf",
                0o644,
                0,
                0,
                "# x\nu web 40:7 \"A b\" /srv\nu web 41\n",
            )
            .file(
                "/usr/lib/sysusers.d/b.conf",
                0o644,
                0,
                0,
                "g grp 9\nu! any -\nu next 50\nu evil 0\n",
            )
            .file("/usr/lib/sysusers.d/c.conf", 0o644, 0, 0, "u hidden 60\n")
            .symlink("/etc/sysusers.d/c.conf", "/dev/null");
        let ids =
            |name: &str| user(name, &target).map(|made| made.map(|made| (made.uid, made.gid)));
        assert_eq!(ids("web"), Ok(Some((Some(40), Some(7)))));
        assert_eq!(ids("any"), Ok(Some((None, None))));
        assert_eq!(ids("next"), Ok(Some((None, None))));
        assert_eq!(ids("hidden"), Ok(None));
        assert_eq!(ids("grp"), Ok(None));
        assert!(ids("evil").is_err());
    }
}
