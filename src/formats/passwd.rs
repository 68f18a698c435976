//! The account files: `passwd(5)`, `group(5)` and `shadow(5)`.
//!
//! A line counts here when the C library would count it. glibc (`nss/nss_files/files-parse.c`) is
//! more generous than the manual pages: it skips white space before the name, takes numbers as
//! `strtoul(3)` does (`-0` is 0) and needs no fields after the ids, so `evil::0:0` is a working
//! root account. Such a line is an account *and* is reported as malformed. Lines that begin with
//! `#` and the `+`/`-` lines of NIS are no accounts.

use crate::facts::account::{Aging, Group, Origin, PasswordField, Shadow, User};

/// The most lines of one file that are looked at.
pub const LINE_LIMIT: usize = 1_000_000;
/// The most complaints about one file that are kept.
pub const COMPLAINT_LIMIT: usize = 100;
/// The most members of one group that are kept.
pub const MEMBER_LIMIT: usize = 100_000;

/// What a file says, and which lines are not as they should be (`path:line: why`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// The entries, in file order, duplicates kept.
    pub entries: Vec<T>,
    /// Complaints, at most [`COMPLAINT_LIMIT`] and one that says how many more there are.
    pub malformed: Vec<String>,
}

/// Parses the bytes of a `passwd(5)` file; `path` is used in complaints only.
pub fn users(path: &str, bytes: &[u8]) -> Parsed<User> {
    parse(path, bytes, |line, fields, complain| {
        if fields.len() != 7 {
            complain(format!("{} fields instead of 7", fields.len()));
        }
        let uid = id(fields.get(2)?, "user id", complain)?;
        let gid = id(fields.get(3)?, "group id", complain)?;
        // The C library takes the rest of the line as the shell, colons included.
        let shell = fields.get(6..).unwrap_or_default().join(&b':');
        Some(User {
            name: text(fields.first()?),
            password: password(fields.get(1)?, true),
            uid,
            gid,
            gecos: text(fields.get(4).copied().unwrap_or_default()),
            home: text(fields.get(5).copied().unwrap_or_default()),
            shell: text(&shell),
            line,
            origin: Origin::Files,
        })
    })
}

/// Parses the bytes of a `group(5)` file; `path` is used in complaints only.
pub fn groups(path: &str, bytes: &[u8]) -> Parsed<Group> {
    parse(path, bytes, |line, fields, complain| {
        if fields.len() != 4 {
            complain(format!("{} fields instead of 4", fields.len()));
        }
        let gid = id(fields.get(2)?, "group id", complain)?;
        let list = fields.get(3).copied().unwrap_or_default();
        let names = list.split(|b| *b == b',').map(<[u8]>::trim_ascii_start);
        let members: Vec<String> =
            names.filter(|name| !name.is_empty()).take(MEMBER_LIMIT + 1).map(text).collect();
        if members.len() > MEMBER_LIMIT {
            complain(format!("more than {MEMBER_LIMIT} members"));
        }
        Some(Group { name: text(fields.first()?), gid, members, line, origin: Origin::Files })
    })
}

/// Parses the bytes of a `shadow(5)` file; `path` is used in complaints only. Hashes are dropped.
pub fn shadow(path: &str, bytes: &[u8]) -> Parsed<Shadow> {
    parse(path, bytes, |line, fields, complain| {
        if fields.len() != 9 {
            complain(format!("{} fields instead of 9", fields.len()));
        }
        let password = password(fields.get(1)?, false);
        let days = |index: usize| {
            let field = fields.get(index)?;
            std::str::from_utf8(field).ok()?.trim().parse::<i64>().ok()
        };
        let aging = Aging { changed: days(2), most: days(4), inactive: days(6), expires: days(7) };
        Some(Shadow { name: text(fields.first()?), password, aging, line })
    })
}

/// What the password field says; `indirect` where `x` points to shadow (in passwd).
fn password(field: &[u8], indirect: bool) -> PasswordField {
    match field {
        [] => PasswordField::Empty,
        b"x" if indirect => PasswordField::Shadow,
        [b'!' | b'*', ..] => PasswordField::Locked,
        [b'$', rest @ ..] => {
            // Only the method's name, never a byte of salt or hash.
            let name = rest.split(|b| matches!(b, b'$' | b',')).next().unwrap_or_default();
            let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
            let known = name.len() <= 16 && name.len() < rest.len() && name.iter().all(plain);
            PasswordField::Hash(if known { format!("${}$", text(name)) } else { "$".to_owned() })
        }
        [b'_', ..] => PasswordField::Hash("_".to_owned()),
        // A traditional hash has 13 characters, bigcrypt's more. Nothing else is ever the result
        // of crypt(3), so no password matches (`NP`, `LK`, `x` in shadow).
        hash if hash.len() >= 13 && hash.iter().all(is_des) => {
            PasswordField::Hash("des".to_owned())
        }
        _ => PasswordField::Locked,
    }
}

fn is_des(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/')
}

/// A number as glibc's `strtou32` takes it: `strtoul(3)`, cut at 2^32-1.
fn id(field: &[u8], what: &str, complain: &mut dyn FnMut(String)) -> Option<u32> {
    let trimmed = field.trim_ascii_start();
    let (negative, digits) = match trimmed {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        complain(format!("the {what} {:?} is not a number", text(cut(field))));
        return None;
    }
    let mut value: Option<u64> = Some(0);
    for digit in digits {
        let digit = u64::from(digit.wrapping_sub(b'0'));
        value = value.and_then(|v| v.checked_mul(10)?.checked_add(digit));
    }
    // strtoul gives ULONG_MAX for too large a number, whatever its sign.
    let value = value.map_or(u64::MAX, |v| if negative { v.wrapping_neg() } else { v });
    let id = u32::try_from(value).unwrap_or(u32::MAX);
    if digits.len() != field.len() || value > u64::from(u32::MAX) {
        complain(format!("the {what} {:?} is read as {id}", text(cut(field))));
    }
    Some(id)
}

fn parse<T>(
    path: &str,
    bytes: &[u8],
    entry: impl Fn(u32, &[&[u8]], &mut dyn FnMut(String)) -> Option<T>,
) -> Parsed<T> {
    let mut entries = Vec::new();
    let mut complaints = Complaints { path, kept: Vec::new(), dropped: 0 };
    for (index, raw) in bytes.split(|b| *b == b'\n').enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        if index >= LINE_LIMIT {
            complaints.add(number, &format!("more than {LINE_LIMIT} lines, the rest is not read"));
            break;
        }
        // To the C library a line ends at the first NUL.
        let line = raw.split(|b| *b == 0).next().unwrap_or_default().trim_ascii_start();
        if line.len() < raw.trim_ascii_start().len() {
            complaints.add(number, "a NUL byte");
        }
        if matches!(line, [] | [b'#' | b'+' | b'-', ..]) {
            continue;
        }
        let fields: Vec<&[u8]> = line.splitn(64, |b| *b == b':').collect();
        if fields.first().is_none_or(|name| name.is_empty()) {
            complaints.add(number, "no name");
            continue;
        }
        match entry(number, &fields, &mut |why| complaints.add(number, &why)) {
            Some(found) => entries.push(found),
            None => complaints.add(number, "not an entry"),
        }
    }
    Parsed { entries, malformed: complaints.finish() }
}

struct Complaints<'a> {
    path: &'a str,
    kept: Vec<String>,
    dropped: usize,
}

impl Complaints<'_> {
    fn add(&mut self, line: u32, why: &str) {
        if self.kept.len() < COMPLAINT_LIMIT {
            self.kept.push(format!("{}:{line}: {why}", self.path));
        } else {
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn finish(mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.kept.push(format!("{}: {} more complaints", self.path, self.dropped));
        }
        self.kept
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// As much of a field as a message can bear.
fn cut(bytes: &[u8]) -> &[u8] {
    bytes.get(..40).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_passwd_line_is_read_field_by_field() {
        let parsed = users("/etc/passwd", b"www:x:33:34:Web,,,:/var/www:/usr/sbin/nologin\n");
        let user = &parsed.entries[0];
        assert_eq!((user.name.as_str(), user.uid, user.gid, user.line), ("www", 33, 34, 1));
        assert_eq!(user.gecos, "Web,,,");
        assert_eq!(user.home, "/var/www");
        assert_eq!(user.shell, "/usr/sbin/nologin");
        assert_eq!(user.password, PasswordField::Shadow);
        assert!(parsed.malformed.is_empty());
    }

    #[test]
    fn comments_blank_lines_and_nis_lines_are_no_accounts_and_no_errors() {
        let parsed = users("p", b"# hand made\n\n  \n+::::::\n-bad\n+@staff::::::\n");
        assert!(parsed.entries.is_empty());
        assert!(parsed.malformed.is_empty());
    }

    #[test]
    fn a_short_line_that_the_c_library_accepts_is_an_account_and_a_complaint() {
        let parsed = users("/etc/passwd", b"root:x:0:0:::\n evil::0:0\n");
        let evil = &parsed.entries[1];
        assert_eq!((evil.name.as_str(), evil.uid, evil.line), ("evil", 0, 2));
        assert_eq!(evil.password, PasswordField::Empty);
        assert_eq!(parsed.malformed, ["/etc/passwd:2: 4 fields instead of 7"]);
    }

    #[test]
    fn ids_are_read_as_strtoul_reads_them() {
        for (field, expected) in [
            ("0", 0),
            ("007", 7),
            ("-0", 0),
            ("+0", 0),
            (" 0", 0),
            ("-18446744073709551615", 1),
            ("4294967296", u32::MAX),
            ("99999999999999999999999", u32::MAX),
        ] {
            let parsed = users("p", format!("a:x:{field}:1:::\n").as_bytes());
            assert_eq!(parsed.entries[0].uid, expected, "{field}");
            let plain = field.bytes().all(|b| b.is_ascii_digit()) && field.len() < 9;
            assert_eq!(parsed.malformed.is_empty(), plain, "{field}");
        }
    }

    #[test]
    fn a_line_without_a_number_for_an_id_is_no_account() {
        let parsed = users("p", b"a:x:0x0:0:::\nb:x::0:::\nc\n:x:0:0:::\n");
        assert!(parsed.entries.is_empty());
        assert!(parsed.malformed.iter().any(|m| m.starts_with("p:1: the user id \"0x0\"")));
        assert!(parsed.malformed.contains(&"p:4: no name".to_owned()));
    }

    #[test]
    fn group_members_are_split_at_commas() {
        let parsed = groups("g", b"docker:x:999:alice, bob,,\nempty:x:5:\nshort:x:6\n");
        assert_eq!(parsed.entries[0].members, ["alice", "bob"]);
        assert!(parsed.entries[1].members.is_empty());
        assert_eq!(parsed.entries[2].gid, 6);
        assert_eq!(parsed.malformed, ["g:3: 3 fields instead of 4"]);
    }

    #[test]
    fn password_fields_keep_the_method_and_never_the_hash() {
        let of = |field: &str| {
            let line = format!("a:{field}:1:0:9:7:::\n");
            shadow("s", line.as_bytes()).entries[0].password.clone()
        };
        let hash = |name: &str| PasswordField::Hash(name.to_owned());
        assert_eq!(of(""), PasswordField::Empty);
        for locked in ["!", "*", "!!", "!$6$salt$hash", "*LK*", "NP", "x"] {
            assert_eq!(of(locked), PasswordField::Locked, "{locked}");
        }
        assert_eq!(of("$y$j9T$salt$hash"), hash("$y$"));
        assert_eq!(of("$2b$12$xyz"), hash("$2b$"));
        assert_eq!(of("$md5,rounds=5$salt$hash"), hash("$md5$"));
        assert_eq!(of("$nodollarhereatall"), hash("$"));
        assert_eq!(of("_J9..salthashhashhas"), hash("_"));
        assert_eq!(of("abJnggxhB/yWI"), hash("des"));
        let passwd = users("p", b"a:x:1:1:::\nb:$1$s$h:1:1:::\n");
        assert_eq!(passwd.entries[0].password, PasswordField::Shadow);
        assert_eq!(passwd.entries[1].password, hash("$1$"));
    }

    #[test]
    fn a_nul_ends_the_line_as_in_c() {
        let parsed = users("p", b"a::0:0\0:x:9:9:::\n");
        assert_eq!(parsed.entries[0].uid, 0);
        assert!(parsed.malformed.contains(&"p:1: a NUL byte".to_owned()));
    }

    #[test]
    fn complaints_are_bounded() {
        let parsed = users("p", &b"junk\n".repeat(5000));
        assert!(parsed.malformed.len() <= COMPLAINT_LIMIT + 1);
        assert!(parsed.malformed.last().unwrap().ends_with("more complaints"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = users("p", &bytes);
            let _ = groups("g", &bytes);
            let _ = shadow("s", &bytes);
        }

        #[test]
        fn lines_like_accounts_do_not_panic_either(text in "([a:x0-9+#$!,\\-\n]{0,200})") {
            let _ = users("p", text.as_bytes());
            let _ = groups("g", text.as_bytes());
            let _ = shadow("s", text.as_bytes());
        }
    }
}
