//! The attributes of a file by name, in words, and which kind of thing each tells.

use crate::facts::capability;
use crate::facts::snapshot::{Algorithm, Content, Hex, Record, Time};
use crate::formats::{acl, filecap};
use crate::text;

/// What an attribute tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Who may do what: never excused by content.
    Rights,
    /// What is in it.
    Content,
    /// What follows from the others, or from its having been written again.
    Trace,
}

/// An attribute that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub attribute: String,
    /// What it was, and what it is.
    pub before: Option<String>,
    /// See above.
    pub after: Option<String>,
    /// What it tells.
    pub weight: Weight,
}

/// How users and groups are called.
pub struct Names<'a> {
    /// By uid.
    pub user: &'a dyn Fn(u32) -> String,
    /// By gid.
    pub group: &'a dyn Fn(u32) -> String,
}

/// What differs. With `portable` only what means the same on two machines.
pub fn differences(
    before: &Record,
    after: &Record,
    names: [&Names; 2],
    algorithm: Algorithm,
    portable: bool,
) -> Vec<Difference> {
    let mut all = Vec::new();
    let mut add = |attribute: &str, weight: Weight, was: Option<String>, is: Option<String>| {
        let attribute = attribute.to_owned();
        all.push(Difference { attribute, before: was, after: is, weight });
    };
    let [old, new] = names;
    if before.kind != after.kind {
        let word = |record: &Record| Some(record.kind.name().to_owned());
        add("type", Weight::Content, word(before), word(after));
    }
    if before.uid != after.uid {
        add("owner", Weight::Rights, Some((old.user)(before.uid)), Some((new.user)(after.uid)));
    }
    if before.gid != after.gid {
        add("group", Weight::Rights, Some((old.group)(before.gid)), Some((new.group)(after.gid)));
    }
    if before.mode != after.mode {
        let mode = |record: &Record| Some(record.mode.to_string());
        add("mode", Weight::Rights, mode(before), mode(after));
    }
    xattrs(before, after, portable, &mut add);
    if before.flags() != after.flags() && !portable {
        add("flags", Weight::Rights, Some(flags(before.flags())), Some(flags(after.flags())));
    }
    let device = |record: &Record| {
        let numbers = record.extra.as_ref().and_then(|extra| extra.device)?;
        Some(format!("{}:{}", numbers.0, numbers.1))
    };
    if device(before) != device(after) {
        add("device", Weight::Rights, device(before), device(after));
    }
    if before.link() != after.link() {
        let link = |record: &Record| Some(text::bytes(record.link())).filter(|l| !l.is_empty());
        add("target", Weight::Content, link(before), link(after));
    }
    // What could not be read is a gap, and no change.
    let known = |record: &Record| !matches!(record.content, Content::None | Content::Unreadable);
    if before.content != after.content && known(before) && known(after) {
        let (was, is) = (content(before, algorithm), content(after, algorithm));
        add("content", Weight::Content, was, is);
    }
    if portable {
        return all;
    }
    // The size of anything but a file follows from what is in it; so does that of equal content.
    if before.size != after.size {
        let told = known(before) && known(after) || before.kind != after.kind;
        let is_file = before.kind == crate::facts::file::FileKind::File;
        let weight = if is_file && !told { Weight::Content } else { Weight::Trace };
        add("size", weight, Some(before.size.to_string()), Some(after.size.to_string()));
    }
    let time = |attribute: &str, was: Time, is: Time| {
        let exact = |t: Time| Some(format!("{}.{:09}", t.seconds, t.nanoseconds));
        (was != is).then(|| (attribute.to_owned(), exact(was), exact(is)))
    };
    let number = |attribute: &str, was: u64, is: u64| {
        (was != is).then(|| (attribute.to_owned(), Some(was.to_string()), Some(is.to_string())))
    };
    let traces = [
        time("mtime", before.modified, after.modified),
        time("ctime", before.changed, after.changed),
        number("inode", before.inode, after.inode),
        number("filesystem", before.filesystem, after.filesystem),
        number("links", u64::from(before.links), u64::from(after.links)),
    ];
    for (attribute, was, is) in traces.into_iter().flatten() {
        add(&attribute, Weight::Trace, was, is);
    }
    all
}

type Add<'a> = &'a mut dyn FnMut(&str, Weight, Option<String>, Option<String>);

fn xattrs(before: &Record, after: &Record, portable: bool, add: Add) {
    let all = |record: &Record| {
        record.extra.as_ref().map(|extra| extra.xattrs.clone()).unwrap_or_default()
    };
    let (old, new) = (all(before), all(after));
    if old == new {
        return;
    }
    let mut keys: Vec<&Vec<u8>> = old.iter().chain(&new).map(|(name, _)| name).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let (was, is) = (before.xattr(key), after.xattr(key));
        if was == is {
            continue;
        }
        let name = match key.as_slice() {
            b"system.posix_acl_access" => "acl".to_owned(),
            b"system.posix_acl_default" => "default_acl".to_owned(),
            b"security.capability" => "capabilities".to_owned(),
            // An image cannot tell of others.
            _ if portable => continue,
            other => format!("xattr {}", text::bytes(other)),
        };
        let shown = |value: Option<&[u8]>| value.map(|value| xattr(&name, value));
        add(&name, Weight::Rights, shown(was), shown(is));
    }
}

/// The value of an extended attribute in words where its format is known.
fn xattr(name: &str, value: &[u8]) -> String {
    let words = match name {
        "acl" | "default_acl" => acl::parse(value).ok().flatten().map(|acl| acl_words(&acl)),
        "capabilities" => filecap::parse(value).ok().map(|found| {
            let effective = if found.effective { "ep" } else { "p" };
            format!("{}={effective}", capability::show(found.permitted | found.inheritable))
        }),
        _ => None,
    };
    words.unwrap_or_else(|| match std::str::from_utf8(value) {
        Ok(text) => text.trim_end_matches('\0').to_owned(),
        Err(_) => format!("0x{}", Hex(value)),
    })
}

fn acl_words(acl: &crate::facts::file::Acl) -> String {
    use crate::facts::file::AclTag;
    let words = acl.entries.iter().map(|entry| {
        let who = match entry.who {
            AclTag::UserObj => "u:".to_owned(),
            AclTag::User(id) => format!("u:{id}"),
            AclTag::GroupObj => "g:".to_owned(),
            AclTag::Group(id) => format!("g:{id}"),
            AclTag::Mask => "m:".to_owned(),
            AclTag::Other => "o:".to_owned(),
        };
        let bits: String = [(4, 'r'), (2, 'w'), (1, 'x')]
            .iter()
            .map(|(bit, letter)| if entry.perms & bit != 0 { *letter } else { '-' })
            .collect();
        format!("{who}:{bits}")
    });
    words.collect::<Vec<_>>().join(",")
}

/// Flags as chattr(1) has them.
fn flags(bits: u64) -> String {
    let words = [
        (0x4, "compressed"),
        (0x10, "immutable"),
        (0x20, "append-only"),
        (0x40, "no-dump"),
        (0x800, "encrypted"),
        (0x10_0000, "verity"),
        (0x20_0000, "dax"),
    ];
    let set: Vec<&str> =
        words.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, word)| *word).collect();
    if set.is_empty() { "none".to_owned() } else { set.join(",") }
}

fn content(record: &Record, algorithm: Algorithm) -> Option<String> {
    Some(match record.content {
        Content::None => return None,
        Content::Digest(digest) => {
            let digest = digest.get(..algorithm.size()).unwrap_or_default();
            format!("{}:{}", algorithm.name(), Hex(digest))
        }
        Content::Unstable => "changed while it was read".to_owned(),
        Content::Unreadable => "could not be read".to_owned(),
    })
}
