//! POSIX access control lists as the kernel stores them: the extended attributes
//! `system.posix_acl_access` and `system.posix_acl_default`.
//!
//! Layout (`include/uapi/linux/posix_acl_xattr.h`, little endian): a 32-bit version, 2, and then
//! entries of 8 bytes, each a 16-bit tag, 16 permission bits and a 32-bit id.

use crate::facts::file::{Acl, AclEntry, AclTag};

/// Name of the attribute that decides access.
pub const ACCESS_XATTR: &str = "system.posix_acl_access";

const VERSION: u32 = 2;

/// Why bytes are not an access control list.
pub type Malformed = String;

/// Parses the value of an ACL attribute.
///
/// `Ok(None)` is a minimal list, which says no more than the mode bits do. The order of the entries
/// is kept.
///
/// # Errors
/// In words, where the bytes break the layout or an entry occurs that the kernel would not have
/// written: a wrong version, a length that is not whole entries, an unknown tag or permission bit,
/// a second entry of a kind that occurs once, a missing one of the three that must be there.
pub fn parse(bytes: &[u8]) -> Result<Option<Acl>, Malformed> {
    let Some((version, rest)) = bytes.split_first_chunk::<4>() else {
        return Err("an ACL shorter than its header".to_owned());
    };
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(format!("ACL version {version}, only {VERSION} is known"));
    }
    let (chunks, remainder) = rest.as_chunks::<8>();
    if !remainder.is_empty() {
        return Err("an ACL whose length is not a whole number of entries".to_owned());
    }
    let entries = chunks.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    check(&entries)?;
    let extended = entries
        .iter()
        .any(|entry| matches!(entry.who, AclTag::User(_) | AclTag::Group(_) | AclTag::Mask));
    Ok(extended.then_some(Acl { entries }))
}

fn entry(bytes: &[u8; 8]) -> Result<AclEntry, Malformed> {
    let [t0, t1, p0, p1, i0, i1, i2, i3] = *bytes;
    let id = u32::from_le_bytes([i0, i1, i2, i3]);
    let who = match u16::from_le_bytes([t0, t1]) {
        0x01 => AclTag::UserObj,
        0x02 => AclTag::User(id),
        0x04 => AclTag::GroupObj,
        0x08 => AclTag::Group(id),
        0x10 => AclTag::Mask,
        0x20 => AclTag::Other,
        tag => return Err(format!("unknown ACL tag {tag:#x}")),
    };
    match u16::from_le_bytes([p0, p1]) {
        perms @ 0..=7 => Ok(AclEntry { who, perms: perms as u8 }),
        perms => Err(format!("unknown ACL permission bits {perms:#x}")),
    }
}

/// The rules of `posix_acl_valid()` in `fs/posix_acl.c` that matter to a reader.
fn check(entries: &[AclEntry]) -> Result<(), Malformed> {
    let count = |tag: AclTag| entries.iter().filter(|entry| entry.who == tag).count();
    for (tag, name) in
        [(AclTag::UserObj, "owner"), (AclTag::GroupObj, "group"), (AclTag::Other, "other")]
    {
        if count(tag) != 1 {
            return Err(format!("an ACL with {} entries for {name}", count(tag)));
        }
    }
    let named = entries.iter().any(|e| matches!(e.who, AclTag::User(_) | AclTag::Group(_)));
    match (count(AclTag::Mask), named) {
        (0, true) => Err("an ACL with named entries and no mask".to_owned()),
        (0 | 1, _) => Ok(()),
        (many, _) => Err(format!("an ACL with {many} masks")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut out = 2u32.to_le_bytes().to_vec();
        for (tag, perm, id) in entries {
            out.extend(tag.to_le_bytes());
            out.extend(perm.to_le_bytes());
            out.extend(id.to_le_bytes());
        }
        out
    }

    const NONE: u32 = u32::MAX;

    #[test]
    fn an_extended_list_is_read_in_its_order() {
        let value = bytes(&[
            (0x01, 6, NONE),
            (0x02, 6, 1000),
            (0x04, 4, NONE),
            (0x08, 7, 1),
            (0x10, 4, NONE),
            (0x20, 0, NONE),
        ]);
        let acl = parse(&value).unwrap().unwrap();
        let who: Vec<_> = acl.entries.iter().map(|e| (e.who, e.perms)).collect();
        assert_eq!(
            who,
            [
                (AclTag::UserObj, 6),
                (AclTag::User(1000), 6),
                (AclTag::GroupObj, 4),
                (AclTag::Group(1), 7),
                (AclTag::Mask, 4),
                (AclTag::Other, 0),
            ]
        );
    }

    #[test]
    fn a_minimal_list_is_no_list() {
        let value = bytes(&[(0x01, 6, NONE), (0x04, 4, NONE), (0x20, 0, NONE)]);
        assert_eq!(parse(&value), Ok(None));
    }

    #[test]
    fn what_the_kernel_would_not_write_is_malformed() {
        let whole = bytes(&[(0x01, 6, NONE), (0x04, 4, NONE), (0x20, 0, NONE)]);
        let mut version = whole.clone();
        version[0] = 1;
        for (value, part) in [
            (Vec::new(), "shorter"),
            (version, "version 1"),
            (whole[..whole.len() - 1].to_vec(), "whole number"),
            (bytes(&[(0x03, 6, NONE)]), "tag 0x3"),
            (bytes(&[(0x01, 8, NONE)]), "bits 0x8"),
            (bytes(&[(0x01, 6, NONE), (0x01, 6, NONE)]), "2 entries for owner"),
            (bytes(&[]), "0 entries for owner"),
            (bytes(&[(0x01, 6, NONE), (0x02, 6, 0), (0x04, 4, NONE), (0x20, 0, NONE)]), "no mask"),
        ] {
            let error = parse(&value).unwrap_err();
            assert!(error.contains(part), "{error:?} does not say {part:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&value);
        }
    }
}
