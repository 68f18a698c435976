//! Layers on top of each other: whiteouts, hard links, replaced directories, awkward names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, Tar};
use spotcheck::facts::file::{FileKind, Mode};
use spotcheck::host::Wants;
use spotcheck::host::{Files, Target};
use spotcheck::targets::image::{Choice, ImageFiles, open};
use spotcheck::targets::offline::Still;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The files of an image of these layers.
fn merged(layers: impl IntoIterator<Item = Tar>) -> Still<ImageFiles> {
    attempt(layers).unwrap_or_else(|why| panic!("{why}"))
}

fn attempt(layers: impl IntoIterator<Item = Tar>) -> Result<Still<ImageFiles>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    std::fs::write(&path, Image::new("{}", layers).docker_old("x:1")).unwrap();
    open(&path, &Choice::default(), &Wants::default()).map(|mut images| images.remove(0))
}

fn text(files: &dyn Files, path: &str) -> Option<String> {
    let bytes = files.read(Path::new(path)).unwrap()?;
    Some(String::from_utf8(bytes.to_vec()).unwrap())
}

fn names(files: &dyn Files, path: &str) -> Vec<String> {
    let names = files.list(Path::new(path)).unwrap().unwrap();
    names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

#[test]
fn a_whiteout_takes_a_file_of_a_lower_layer_away_and_is_itself_never_seen() {
    let image = merged([
        Tar::new().dir("etc/").file("etc/a", "a").file("etc/b", "b"),
        Tar::new().file("etc/.wh.a", ""),
    ]);
    assert_eq!(names(&image, "/etc"), ["b"]);
}

#[test]
fn a_whiteout_does_not_touch_its_own_layer_wherever_it_stands() {
    for second in [
        Tar::new().file("etc/.wh.a", "").file("etc/a", "new"),
        Tar::new().file("etc/a", "new").file("etc/.wh.a", ""),
    ] {
        let image = merged([Tar::new().file("etc/a", "old"), second]);
        assert_eq!(text(&image, "/etc/a").as_deref(), Some("new"));
    }
}

#[test]
fn a_whiteout_takes_a_whole_directory_away() {
    let image = merged([
        Tar::new().file("opt/app/x", "").file("opt/app/sub/y", ""),
        Tar::new().file("opt/.wh.app", ""),
    ]);
    assert!(names(&image, "/opt").is_empty());
}

#[test]
fn an_opaque_directory_hides_all_of_lower_layers_and_nothing_of_its_own() {
    for second in [
        Tar::new().dir("opt/").file("opt/.wh..wh..opq", "").file("opt/new", ""),
        Tar::new().file("opt/new", "").file("opt/.wh..wh..opq", ""),
    ] {
        let image = merged([Tar::new().file("opt/a", "").file("opt/sub/b", ""), second]);
        assert_eq!(names(&image, "/opt"), ["new"]);
    }
}

#[test]
fn records_of_aufs_are_no_files() {
    let image =
        merged([Tar::new().file("etc/a", "").file(".wh..wh.aufs", "").dir(".wh..wh.plnk/")]);
    assert_eq!(names(&image, "/"), ["etc"]);
}

#[test]
fn a_directory_on_a_directory_changes_its_mode_and_keeps_its_files() {
    let image = merged([
        Tar::new().dir("etc/").file("etc/a", "a"),
        Tar::new().member(b'5', "etc/", "", 0o700, (5, 6), ""),
    ]);
    let etc = image.file(Path::new("/etc")).unwrap().unwrap();
    assert_eq!((etc.mode, etc.uid, etc.gid), (Mode(0o700), 5, 6));
    assert_eq!(names(&image, "/etc"), ["a"]);
}

#[test]
fn a_name_below_a_file_is_refused() {
    let why = attempt([Tar::new().file("var", ""), Tar::new().file("var/x", "")]).err().unwrap();
    assert!(why.contains("layer 2: var: lies below what is no directory"), "{why}");
}

#[test]
fn a_file_replaces_a_directory_and_a_directory_a_file() {
    let image = merged([
        Tar::new().file("etc/a", "a").file("opt", "file"),
        Tar::new().file("etc", "a file").dir("opt/").file("opt/x", "x"),
    ]);
    assert_eq!(text(&image, "/etc").as_deref(), Some("a file"));
    assert_eq!(image.file(Path::new("/etc/a")).unwrap(), None);
    assert_eq!(text(&image, "/opt/x").as_deref(), Some("x"));
}

#[test]
fn a_hard_link_keeps_the_content_whose_other_name_is_taken_away() {
    let image = merged([
        Tar::new().file("etc/a", "content").hard_link("etc/b", "etc/a"),
        Tar::new().file("etc/.wh.a", ""),
    ]);
    assert_eq!(names(&image, "/etc"), ["b"]);
    assert_eq!(text(&image, "/etc/b").as_deref(), Some("content"));
    assert_eq!(image.file(Path::new("/etc/b")).unwrap().unwrap().links, 1);
}

#[test]
fn a_hard_link_may_name_a_file_of_a_lower_layer() {
    let image =
        merged([Tar::new().file("etc/a", "content"), Tar::new().hard_link("etc/b", "./etc/a")]);
    assert_eq!(text(&image, "/etc/b").as_deref(), Some("content"));
    let (a, b) = (image.file(Path::new("/etc/a")), image.file(Path::new("/etc/b")));
    assert_eq!((a.clone(), b.clone().unwrap().unwrap().links), (b, 2));
}

#[test]
fn a_hard_link_to_nothing_or_to_a_directory_is_refused() {
    let why = attempt([Tar::new().hard_link("b", "a")]).err().unwrap();
    assert!(why.contains("a hard link to a, which does not exist"), "{why}");
    let why = attempt([Tar::new().dir("a/").hard_link("b", "a")]).err().unwrap();
    assert!(why.contains("a hard link to a directory"), "{why}");
}

#[test]
fn directories_that_nobody_describes_are_made() {
    let image = merged([Tar::new().file("./a/b/c", "deep")]);
    let made = image.file(Path::new("/a/b")).unwrap().unwrap();
    assert_eq!((made.kind, made.mode, made.uid), (FileKind::Directory, Mode(0o755), 0));
    assert_eq!(text(&image, "/a/b/c").as_deref(), Some("deep"));
}

#[test]
fn names_below_a_link_mean_where_it_leads_and_stay_inside() {
    let image = merged([
        Tar::new().dir("usr/bin/").symlink("bin", "usr/bin").symlink("out", "../../../usr/bin"),
        Tar::new().file("bin/sh", "shell").file("out/ls", "list"),
    ]);
    assert_eq!(names(&image, "/usr/bin"), ["ls", "sh"]);
    assert_eq!(image.file(Path::new("/bin")).unwrap().unwrap().kind, FileKind::Symlink);
}

#[test]
fn absolute_links_begin_in_the_image_and_two_dots_stop_at_its_root() {
    let image = merged([Tar::new()
        .file("etc/os-release", "ID=shop")
        .symlink("etc/name", "/etc/hostname")
        .symlink("etc/up", "../../../../../etc/os-release")
        .symlink("loop", "loop")]);
    assert_eq!(image.read(Path::new("/etc/name")).unwrap(), None);
    assert_eq!(text(&image, "/etc/up").as_deref(), Some("ID=shop"));
    assert!(image.read(Path::new("/loop")).is_err());
}

#[test]
fn forty_links_are_followed_and_not_one_more() {
    let mut tar = Tar::new().file("link0", "end");
    for number in 1..=41 {
        tar = tar.symlink(&format!("link{number}"), &format!("link{}", number - 1));
    }
    let image = merged([tar]);
    assert_eq!(text(&image, "/link40").as_deref(), Some("end"));
    assert!(image.read(Path::new("/link41")).is_err());
}

#[test]
fn names_need_not_be_utf8_and_long_ones_are_whole() {
    let long = format!("opt/{}/{}", "d".repeat(120), "f".repeat(200));
    let image = merged([Tar::new()
        .file(b"etc/odd-\xff", "odd")
        .pax(&[("path", long.as_bytes())])
        .file("cut", "long")
        .member(b'L', "././@LongLink", "", 0, (0, 0), format!("{long}2\0"))
        .file("cut", "longer")]);
    let odd = Path::new(OsStr::from_bytes(b"/etc/odd-\xff"));
    assert_eq!(image.read(odd).unwrap().unwrap().as_slice(), b"odd");
    assert_eq!(text(&image, &format!("/{long}")).as_deref(), Some("long"));
    assert_eq!(text(&image, &format!("/{long}2")).as_deref(), Some("longer"));
}

#[test]
fn owners_modes_and_sizes_are_the_numbers_of_the_header_or_of_its_extension() {
    let image = merged([Tar::new()
        .owned("bin/su", 0o4755, (0, 0), "su")
        .pax(&[("uid", b"3000000"), ("gid", b"4000000000")])
        .owned("bin/big", 0o2755, (1, 1), "")]);
    let su = image.file(Path::new("/bin/su")).unwrap().unwrap();
    assert_eq!((su.mode, su.size), (Mode(0o4755), 2));
    let big = image.file(Path::new("/bin/big")).unwrap().unwrap();
    assert_eq!((big.uid, big.gid, big.mode), (3_000_000, 4_000_000_000, Mode(0o2755)));
}

#[test]
fn an_access_control_list_is_read_and_a_damaged_one_is_unknown() {
    let mut acl = vec![2, 0, 0, 0];
    for (tag, perm, id) in [
        (1_u16, 6_u16, u32::MAX),
        (2, 4, 1000),
        (4, 4, u32::MAX),
        (16, 4, u32::MAX),
        (32, 0, u32::MAX),
    ] {
        acl.extend(tag.to_le_bytes());
        acl.extend(perm.to_le_bytes());
        acl.extend(id.to_le_bytes());
    }
    let key = "SCHILY.xattr.system.posix_acl_access";
    let image = merged([Tar::new()
        .pax(&[(key, &acl)])
        .file("a", "")
        .pax(&[(key, b"\x02\0\0\0damaged")])
        .file("b", "")
        .file("c", "")]);
    assert_eq!(image.acl(Path::new("/a")).unwrap().unwrap().entries.len(), 5);
    assert!(image.acl(Path::new("/b")).is_err());
    assert_eq!(image.acl(Path::new("/c")).unwrap(), None);
}

#[test]
fn what_is_no_regular_file_is_known_and_never_read() {
    let image = merged([Tar::new()
        .member(b'6', "pipe", "", 0o644, (0, 0), "")
        .member(b'3', "null", "", 0o666, (0, 0), "")
        .member(b'4', "disk", "", 0o660, (0, 6), "")]);
    for (path, kind) in [
        ("/pipe", FileKind::Fifo),
        ("/null", FileKind::CharDevice),
        ("/disk", FileKind::BlockDevice),
    ] {
        assert_eq!(image.file(Path::new(path)).unwrap().unwrap().kind, kind);
        assert!(image.read(Path::new(path)).is_err());
    }
}

#[test]
fn a_sparse_file_has_its_real_name_and_size_and_its_content_is_unknown() {
    let image = merged([Tar::new()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"var/db"),
            ("GNU.sparse.realsize", b"1000000"),
        ])
        .file("GNUSparseFile.0/db", "1\n0\n0\n")]);
    assert_eq!(image.file(Path::new("/var/db")).unwrap().unwrap().size, 1_000_000);
    assert!(image.read(Path::new("/var/db")).is_err());
}

#[test]
fn a_name_that_leads_out_of_the_root_is_refused() {
    for name in ["../etc/passwd", "a/../../b", "/../x"] {
        let why = attempt([Tar::new().file(name, "")]).err().unwrap();
        assert!(why.contains("leads out of the root"), "{why}");
    }
    let why = attempt([Tar::new().file("a", "").hard_link("b", "../a")]).err().unwrap();
    assert!(why.contains("leads out of the root"), "{why}");
}

#[test]
fn whiteouts_of_no_name_are_refused() {
    for name in ["a/.wh.", "a/.wh..", "a/.wh..."] {
        assert!(attempt([Tar::new().file(name, "")]).is_err(), "{name}");
    }
}

#[test]
fn content_is_found_whether_it_was_expected_or_not() {
    let large = "x".repeat(3 << 20);
    let image = merged([
        Tar::new().file("etc/large", &large).file("srv/data", "not expected"),
        Tar::new().file("srv/other", "above"),
    ]);
    assert_eq!(text(&image, "/etc/large"), Some(large));
    assert_eq!(text(&image, "/srv/data").as_deref(), Some("not expected"));
    assert_eq!(
        image.sha256(Path::new("/srv/other")).unwrap().unwrap(),
        crate::support::archive::hex(b"above")
    );
}

#[test]
fn a_file_knows_the_layer_and_the_line_that_made_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    let image = Image::new(
        "{}",
        [
            Tar::new().dir("etc/").file("etc/a", "").file("etc/b", ""),
            Tar::new().dir("etc/").owned("etc/b", 0o666, (0, 0), ""),
        ],
    )
    .made_by(&["ADD rootfs /", "(ENV x=1)", "RUN chmod 666 /etc/b"]);
    std::fs::write(&path, image.docker_old("x:1")).unwrap();
    let image = &open(&path, &Choice::default(), &Wants::default()).unwrap()[0];
    let line = |path: &str| {
        let layer = image.layer(Path::new(path)).unwrap();
        (layer.number, layer.created_by.unwrap())
    };
    assert_eq!(line("/etc/a"), (1, "ADD rootfs /".to_owned()));
    assert_eq!(line("/etc/b"), (2, "RUN chmod 666 /etc/b".to_owned()));
    // Merely mentioned again by the second layer.
    assert_eq!(line("/etc"), (1, "ADD rootfs /".to_owned()));
}
