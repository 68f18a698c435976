//! Archives that mean harm, or nothing: bounds hold, nothing panics, the merge keeps its promises.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Tar, gzip, hex, zstd};
use proptest::prelude::*;
use spotcheck::facts::file::FileKind;
use spotcheck::formats::tar::{Streamed, Tar as Walk};
use spotcheck::host::Wants;
use spotcheck::targets::image::layer::{Change, Content, Entry};
use spotcheck::targets::image::limits::{Bounds, Limits};
use spotcheck::targets::image::stream::{Hashes, Looks, Stream, looks};
use spotcheck::targets::image::wants::Wanted;
use spotcheck::targets::image::{layer, merge, parts};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

fn read(bytes: &[u8]) -> Result<Vec<Change>, String> {
    let mut tar = Walk::new(Streamed(bytes));
    layer::read(&mut tar, true, &Wanted::of(&Wants::default()), &Limits::default())
}

#[test]
fn a_bomb_ends_in_an_error() {
    let zeros = vec![0; 4 << 20];
    for packed in [gzip(&zeros), zstd(&zeros)] {
        let bounds = Bounds { plain: u64::MAX, grace: 1 << 20, ratio: 100 };
        let stream = Stream::new(packed.as_slice(), Hashes::default(), bounds).unwrap();
        let why = stream.finish().unwrap_err().to_string();
        assert!(why.contains("decompress to more than"), "{why}");
        let bounds = Bounds { plain: 1 << 20, ..Bounds::default() };
        let stream = Stream::new(packed.as_slice(), Hashes::default(), bounds).unwrap();
        assert!(stream.finish().is_err());
        let stream = Stream::new(packed.as_slice(), Hashes::default(), Bounds::default()).unwrap();
        assert!(stream.finish().is_ok());
    }
}

#[test]
fn digests_are_those_of_the_stored_and_of_the_decompressed_bytes() {
    let plain = b"some bytes".repeat(1000);
    for packed in [plain.clone(), gzip(&plain), zstd(&plain)] {
        let hashes = Hashes { stored: true, plain: true };
        let mut stream = Stream::new(packed.as_slice(), hashes, Bounds::default()).unwrap();
        let mut first = [0; 10];
        stream.read_exact(&mut first).unwrap();
        let digests = stream.finish().unwrap();
        assert_eq!(digests.size, packed.len() as u64);
        assert_eq!(digests.stored, Some(format!("sha256:{}", hex(&packed))));
        assert_eq!(digests.plain, Some(format!("sha256:{}", hex(&plain))));
    }
}

#[test]
fn what_something_is_its_first_bytes_tell() {
    assert_eq!(looks(&gzip(b"x")), Looks::Gzip);
    assert_eq!(looks(&zstd(b"x")), Looks::Zstd);
    assert_eq!(looks(&Tar::new().file("a", "").finish()[..512]), Looks::Tar);
    assert_eq!(looks(b" {\"a\": 1}"), Looks::Json);
    assert_eq!(looks(b"\xfd7zXZ\0"), Looks::Unsupported("xz"));
    assert_eq!(looks(b"hello"), Looks::Other);
}

#[test]
fn extended_headers_and_names_have_a_greatest_length() {
    let long = vec![b'a'; 2 << 20];
    for hostile in [
        Tar::new().member(b'x', "PaxHeaders", "", 0, (0, 0), &long),
        Tar::new().member(b'L', "././@LongLink", "", 0, (0, 0), &long),
        Tar::new().member(b'g', "global", "", 0, (0, 0), &long),
        Tar::new().pax(&[("path", &vec![b'a'; 5000])]).file("x", ""),
        Tar::new().pax(&[("path", &vec![b'a'; 300])]).file("x", ""),
    ] {
        assert!(read(&hostile.finish()).is_err());
    }
}

#[test]
fn damaged_extended_headers_are_refused() {
    for records in ["", "x", "12 path", "999 path=a\n", "11 path=abcd", "8 path\n", "-1 path=a\n"] {
        let tar = Tar::new().member(b'x', "P", "", 0, (0, 0), format!("{records} ")).file("a", "");
        assert!(read(&tar.finish()).is_err(), "{records:?}");
    }
    for pair in
        [("uid", "x"), ("size", "-1"), ("gid", "5000000000"), ("size", "99999999999999999999")]
    {
        let tar = Tar::new().pax(&[(pair.0, pair.1.as_bytes())]).file("a", "");
        assert!(read(&tar.finish()).is_err(), "{pair:?}");
    }
    // At the very end there is no member for it.
    assert!(read(&Tar::new().pax(&[("uid", b"1")]).finish()).is_err());
}

#[test]
fn a_size_beyond_the_archive_is_an_error_and_takes_no_memory() {
    let tar = Tar::new().pax(&[("size", b"9000000000000000000")]).file("etc/huge", "x").cut();
    assert!(read(&tar).is_err());
}

#[test]
fn directories_have_a_greatest_depth() {
    let deep = "d/".repeat(1500);
    let changes = read(&Tar::new().pax(&[("path", deep.as_bytes())]).dir("x").finish()).unwrap();
    assert!(merge::merge([changes]).unwrap_err().contains("1000 deep"));
}

#[test]
fn there_is_room_for_so_many_files_and_no_more() {
    let limits = Limits::default();
    let most = (0..2_000_000).take_while(|_| limits.take_entry(10).is_ok()).count();
    assert_eq!(most, 1_000_000);
    let limits = Limits::default();
    let most = (0..2_000_000).take_while(|_| limits.take_entry(4000).is_ok()).count();
    assert!(most < 100_000);
}

/// A change of a model without links, where a file is the number of its layer.
fn change() -> impl Strategy<Value = (u8, String)> {
    (0_u8..5, "[abc](/[abc]){0,2}")
}

fn put(path: &str, kind: FileKind, layer: usize) -> Change {
    Change::Put(Box::new(Entry {
        path: path.as_bytes().to_vec(),
        kind,
        uid: layer as u32,
        gid: 0,
        mode: 0o755,
        size: 0,
        modified: 0,
        link: Vec::new(),
        acl: None,
        capability: None,
        content: Content::None,
        sums: None,
        secret: None,
        parts: None,
    }))
}

/// The same by the words of the specification: names to owners, files and directories apart.
fn model(layers: &[Vec<(u8, String)>]) -> Option<BTreeMap<String, (bool, u32)>> {
    let mut tree: BTreeMap<String, (bool, u32)> = BTreeMap::new();
    let below =
        |path: &str, other: &str| other.strip_prefix(path).is_some_and(|r| r.starts_with('/'));
    for (number, layer) in layers.iter().enumerate() {
        for (kind, path) in layer {
            match kind {
                0 => tree.retain(|name, _| name != path && !below(path, name)),
                1 => tree.retain(|name, _| !below(path, name)),
                _ => {}
            }
        }
        for (kind, path) in layer.iter().filter(|(kind, _)| *kind > 1) {
            for (at, _) in path.match_indices('/') {
                let parent = tree.entry(path[..at].to_owned()).or_insert((true, 0));
                if !parent.0 {
                    return None;
                }
            }
            let directory = *kind == 2;
            if !(directory && tree.get(path).is_some_and(|old| old.0)) {
                tree.retain(|name, _| name != path && !below(path, name));
            }
            tree.insert(path.clone(), (directory, number as u32));
        }
    }
    Some(tree)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Layers merge as the specification says, whatever is in them.
    #[test]
    fn merged_layers_are_what_the_specification_says(
        layers in prop::collection::vec(prop::collection::vec(change(), 0..12), 1..5)
    ) {
        let changes = layers.iter().enumerate().map(|(number, layer)| {
            layer.iter().map(|(kind, path)| match kind {
                0 => Change::Whiteout(path.clone().into_bytes()),
                1 => Change::Opaque(path.clone().into_bytes()),
                2 => put(path, FileKind::Directory, number),
                _ => put(path, FileKind::File, number),
            }).collect::<Vec<_>>()
        });
        let merged = merge::merge(changes);
        match model(&layers) {
            None => prop_assert!(merged.is_err()),
            Some(expected) => {
                let tree = merged.unwrap();
                let mut found = BTreeMap::new();
                let mut pending = vec![String::new()];
                while let Some(folder) = pending.pop() {
                    let id = tree.resolve(Path::new(&format!("/{folder}")), false).unwrap().unwrap();
                    for name in tree.names(id) {
                        let path = format!("{folder}/{}", name.to_str().unwrap());
                        let path = path.trim_start_matches('/').to_owned();
                        let id = tree.resolve(Path::new(&format!("/{path}")), false).unwrap().unwrap();
                        let fact = tree.fact(id).unwrap();
                        let directory = fact.kind == FileKind::Directory;
                        found.insert(path.clone(), (directory, fact.uid));
                        if directory {
                            pending.push(path);
                        }
                    }
                }
                prop_assert_eq!(found, expected);
            }
        }
    }

    /// No bytes make a reader of archives panic, and none are taken for an image without an error.
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = read(&bytes);
        let wanted = Wanted::of(&Wants::default());
        prop_assert!(parts::stream(bytes.as_slice(), &wanted, &Limits::default()).is_err());
    }

    /// Nor does an archive that was good before some of its bytes were changed.
    #[test]
    fn no_damage_makes_it_panic(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20)) {
        let mut bytes = Tar::new()
            .dir("etc/").file("etc/a", "content").symlink("l", "etc").hard_link("h", "etc/a")
            .pax(&[("path", b"long"), ("SCHILY.xattr.security.capability", b"x")]).file("x", "y")
            .file("etc/.wh.a", "").finish();
        for (index, byte) in changes {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(changes) = read(&bytes) {
            let _ = merge::merge([changes]);
        }
    }
}
