//! As whom a container runs: the `User` of an image's configuration, resolved as container engines
//! resolve it (moby's `user` package, which podman and containerd share).
//!
//! Empty means root. The text is cut at the first colon. A number is never tried as a name, a name
//! is the first match in the image's passwd, and without a match the container does not start. A
//! number without an entry has group 0; a group that is given replaces all others. The engines read
//! passwd in their own way: a uid that is no number counts as 0, and lines that begin with `#` count.

use crate::facts::Fact;
use crate::host::Files;
use std::path::Path;

/// The largest id that engines take.
const LARGEST: i64 = (1 << 31) - 1;

/// A resolved user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Name in the image's passwd, if it has one there.
    pub name: Option<String>,
    /// Given as a number, or not at all: what Kubernetes' runAsNonRoot can verify.
    pub numeric: bool,
}

/// Resolves a user. The inner error says why the container will not start.
///
/// # Errors
/// Where the image's passwd or group cannot be read.
pub fn resolve(user: &str, files: &dyn Files) -> Fact<Result<Resolved, String>> {
    let read = |path: &str| Ok(files.read(Path::new(path))?.unwrap_or_default());
    let passwd = read("/etc/passwd")?;
    let group = read("/etc/group")?;
    Ok(of(user, &passwd, &group))
}

/// [`resolve`] on the content of the files.
///
/// # Errors
/// Why the container will not start.
pub fn of(user: &str, passwd: &[u8], group: &[u8]) -> Result<Resolved, String> {
    let (name, group_part) = match user.split_once(':') {
        Some((name, group)) => (name, Some(group).filter(|group| !group.is_empty())),
        None => (user, None),
    };
    let name = if name.is_empty() { "0" } else { name };
    let number = atoi(name);
    let entries = entries(passwd, false);
    let entry = entries.iter().find(|entry| match number {
        Some(number) => entry.id(2) == number,
        None => entry.field(0) == name.as_bytes(),
    });
    let uid = match (number, entry) {
        (Some(number), _) => number,
        (None, Some(entry)) => entry.id(2),
        (None, None) => return Err(format!("there is no user `{name}` in /etc/passwd")),
    };
    let gid = match group_part {
        None => entry.map_or(0, |entry| entry.id(3)),
        Some(text) => match atoi(text) {
            Some(number) => number,
            None => self::entries(group, true)
                .iter()
                .find(|entry| entry.field(0) == text.as_bytes())
                .map(|entry| entry.id(2))
                .ok_or_else(|| format!("there is no group `{text}` in /etc/group"))?,
        },
    };
    let id = |number: i64| {
        u32::try_from(number)
            .ok()
            .filter(|_| number <= LARGEST)
            .ok_or_else(|| format!("the id {number} is outside of 0 to {LARGEST}"))
    };
    let name = entry.map(|entry| String::from_utf8_lossy(entry.field(0)).into_owned());
    Ok(Resolved { uid: id(uid)?, gid: id(gid)?, name, numeric: number.is_some() })
}

/// A number as Go's `strconv.Atoi` takes it.
fn atoi(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !plain {
        return None;
    }
    // What does not fit is out of range, whatever the number.
    Some(text.parse().unwrap_or(i64::MAX))
}

struct Entry<'a>(Vec<&'a [u8]>);

impl Entry<'_> {
    fn field(&self, index: usize) -> &[u8] {
        self.0.get(index).copied().unwrap_or_default()
    }

    fn id(&self, index: usize) -> i64 {
        std::str::from_utf8(self.field(index)).ok().and_then(atoi).unwrap_or(0)
    }
}

fn entries(bytes: &[u8], skip_comments: bool) -> Vec<Entry<'_>> {
    bytes
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !(line.is_empty() || skip_comments && line.starts_with(b"#")))
        .map(|line| Entry(line.split(|byte| *byte == b':').collect()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/:\n1000:x:5:5::/:\n\
        app:x:1000:1001::/:\napp:x:0:0::/:\n#old:x:7:7::/:\nbroken:x:abc:9::/:\n";
    const GROUP: &[u8] = b"root:x:0:\n#app:x:1:\nweb:x:33:app\n";

    fn ids(user: &str) -> Result<(u32, u32), String> {
        of(user, PASSWD, GROUP).map(|user| (user.uid, user.gid))
    }

    #[test]
    fn nobody_given_is_root() {
        assert_eq!(ids(""), Ok((0, 0)));
        assert_eq!(ids(":"), Ok((0, 0)));
        assert_eq!(ids(":33"), Ok((0, 33)));
    }

    #[test]
    fn every_spelling_of_zero_is_root() {
        for user in ["0", "00", "+0", "-0", "0:0", "0:33", "root", "toor", "root:web"] {
            assert_eq!(of(user, PASSWD, GROUP).map(|user| user.uid), Ok(0), "{user}");
        }
    }

    #[test]
    fn a_number_is_never_tried_as_a_name() {
        assert_eq!(ids("1000"), Ok((1000, 1001)));
        assert_eq!(of("1000", PASSWD, GROUP).unwrap().name.as_deref(), Some("app"));
    }

    #[test]
    fn a_name_is_the_first_match() {
        assert_eq!(ids("app"), Ok((1000, 1001)));
    }

    #[test]
    fn a_number_without_an_entry_has_group_0() {
        assert_eq!(ids("4242"), Ok((4242, 0)));
    }

    #[test]
    fn a_group_that_is_given_replaces_the_users_own() {
        assert_eq!(ids("app:web"), Ok((1000, 33)));
        assert_eq!(ids("app:7"), Ok((1000, 7)));
        assert_eq!(ids("app:"), Ok((1000, 1001)));
        assert_eq!(ids("app:web:x"), Err("there is no group `web:x` in /etc/group".into()));
    }

    #[test]
    fn a_name_that_nobody_has_does_not_start() {
        assert!(ids("nobody-here").unwrap_err().contains("no user `nobody-here`"));
        assert!(ids("app:#app").is_err());
        assert!(ids("-1").is_err());
        assert!(ids("4294967295").is_err());
        assert!(ids("99999999999999999999").is_err());
    }

    #[test]
    fn engines_read_damaged_lines_in_their_own_way() {
        assert_eq!(ids("#old"), Ok((7, 7)));
        assert_eq!(ids("broken"), Ok((0, 9)));
    }
}
