//! Archives that show one thing to a check and another to the engine that runs them: none may pass.
//! Where engines agree the answer is theirs, where they do not the image is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, Tar, gzip, hex};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

const NO_SETUID: &str = "- { id: a, files: all, must: { setuid: [] } }\n";
const NEVER_ROOT: &str = "- { id: a, image: config, must: { never_root: true } }\n";

/// Exit code and report for an archive, as a file and on standard input, which must agree.
fn check(archive: &[u8], rules: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.tar");
    fs::write(&path, archive).unwrap();
    let policy = folder.path().join("p.yaml");
    fs::write(&policy, format!("policy: p\nrules:\n{rules}")).unwrap();
    let run = |image: &str| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
            .args(["check", "--verbose", "--image", image])
            .arg(&policy)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever reads a file closes its input unread.
        let _ = child.stdin.take().unwrap().write_all(archive);
        let output = child.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (file, stream) = (run(path.to_str().unwrap()), run("-"));
    assert_eq!(file.0, stream.0, "{}\n{}", file.1, stream.1);
    file
}

fn layers(layers: impl IntoIterator<Item = Tar>) -> (Option<i32>, String) {
    check(&Image::new("{}", layers).docker_old("x:1"), NO_SETUID)
}

#[track_caller]
fn is_found(tar: Tar, name: &str) {
    let (status, report) = layers([tar]);
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains(&format!("file /{name}\n")), "{report}");
}

#[track_caller]
fn is_refused((status, report): (Option<i32>, String), why: &str) {
    assert_eq!(status, Some(3), "{report}");
    assert!(report.contains(why), "{report}");
}

fn evil(name: &str) -> Tar {
    Tar::new().owned(name, 0o4755, (0, 0), "x")
}

/// One archive behind the other.
fn joined(first: Tar, second: Tar) -> Tar {
    first.raw(&second.cut())
}

#[test]
fn a_file_whose_name_ends_in_a_slash_is_a_file() {
    is_found(evil("evil/"), "evil");
}

#[test]
fn a_name_is_the_one_that_engines_take() {
    let long = || Tar::new().member(b'L', "././@LongLink", "", 0, (0, 0), "evil\0");
    let pax = || Tar::new().pax(&[("path", b"harmless")]);
    is_found(joined(joined(pax(), long()), evil("n")), "evil");
    is_found(joined(joined(long(), pax()), evil("n")), "evil");
    // The second header replaces the first, a global one takes it away.
    is_found(joined(pax().pax(&[("uid", b"0")]), evil("evil")), "evil");
    is_found(joined(pax().member(b'g', "g", "", 0, (0, 0), ""), evil("evil")), "evil");
    // An empty name is none.
    let empty = Tar::new().member(b'L', "././@LongLink", "", 0, (0, 0), "\0");
    is_found(joined(empty, evil("evil")), "evil");
    // Without a version there are no holes and no other name.
    let holes = [("GNU.sparse.name", &b"harmless"[..]), ("GNU.sparse.realsize", b"1")];
    is_found(joined(Tar::new().pax(&holes), evil("evil")), "evil");
}

#[test]
fn what_comes_before_a_name_is_what_engines_take_for_it() {
    let header = |magic: &[u8], prefix: &[u8], end: &[u8]| {
        let mut bytes = evil("evil").cut();
        bytes[257..265].fill(0);
        bytes[257..257 + magic.len()].copy_from_slice(magic);
        bytes[345..345 + prefix.len()].copy_from_slice(prefix);
        bytes[508..508 + end.len()].copy_from_slice(end);
        bytes[148..156].fill(b' ');
        let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
        bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        Tar::new().raw(&bytes)
    };
    is_found(header(b"ustar\x0000", b"usr/bin", b""), "usr/bin/evil");
    is_found(header(b"ustar  \0", b"usr/bin", b""), "usr/bin/evil");
    is_found(header(b"ustar  \0", b"14500000000\x0014500000000\0", b""), "evil");
    is_found(header(b"", b"usr/bin", b""), "evil");
    let star = [&b"p".repeat(131)[..], b"00000000000 "].concat();
    is_found(header(b"ustar\x0000", &star, b"tar\0"), &format!("{}/evil", "p".repeat(131)));
}

#[test]
fn a_number_that_readers_see_differently_is_refused() {
    let mut bytes = Tar::new().file("d", evil("hidden").cut()).cut();
    let size = format!("\0\0\0\0\0{:06o}\0", bytes.len() - 512);
    bytes[124..136].copy_from_slice(size.as_bytes());
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    is_refused(layers([Tar::new().raw(&bytes)]), "a number behind a zero byte");
}

#[test]
fn a_hard_link_that_grants_more_than_its_file_is_refused() {
    let with = |mode, owner| {
        Tar::new().owned("a", 0o755, (7, 7), "x").member(b'1', "b", "a", mode, owner, "")
    };
    is_refused(layers([with(0o4755, (7, 7))]), "b: a hard link that says another owner");
    is_refused(layers([with(0o755, (0, 7))]), "b: a hard link that says another owner");
    let key = "SCHILY.xattr.security.capability";
    let capable = Tar::new().file("a", "x").pax(&[(key, b"x")]).hard_link("b", "a");
    is_refused(layers([capable]), "b: a hard link that says another owner");
    let (status, report) = layers([with(0o755, (7, 7))]);
    assert_eq!(status, Some(0), "{report}");
    // One that says less grants nothing, and takes nothing away.
    let (status, report) = layers([Tar::new().owned("a", 0o4755, (0, 0), "x").hard_link("b", "a")]);
    assert_eq!(status, Some(1), "{report}");
}

/// A lower layer with a setuid file and a link to its directory.
fn lower() -> Tar {
    Tar::new().dir("real/").owned("real/x", 0o4755, (0, 0), "").symlink("l", "real")
}

#[test]
fn what_a_layer_does_to_a_directory_that_replaces_a_link_is_not_done_to_where_the_link_led() {
    for upper in [
        Tar::new().dir("l/").file("l/.wh.x", ""),
        Tar::new().file("l/.wh.x", "").dir("l/"),
        Tar::new().file("l/.wh..wh..opq", "").dir("l/"),
        Tar::new().dir("l/").file("l/x", "harmless"),
    ] {
        let (status, report) = layers([lower(), upper]);
        assert_eq!(status, Some(1), "{report}");
        assert!(report.contains("file /real/x\n"), "{report}");
    }
}

#[test]
fn what_would_be_hidden_through_a_link_of_a_lower_layer_is_refused() {
    let why = "leads through the symbolic link l of a lower layer";
    for upper in [
        Tar::new().file("l/.wh.x", ""),
        Tar::new().file("l/.wh..wh..opq", ""),
        Tar::new().file("l/x", "harmless"),
        Tar::new().file("other", "").hard_link("l/x", "other"),
        Tar::new().file("l/x", "harmless").dir("l/"),
        Tar::new().file("l/new", "").dir("l/"),
    ] {
        is_refused(layers([lower(), upper]), why);
    }
    // Nothing is hidden by what is not there, nor by a name that is new.
    let (status, report) = layers([lower(), Tar::new().file("l/.wh.y", "").file("l/new", "")]);
    assert_eq!(status, Some(1), "{report}");
}

/// An archive of these members.
fn parts(members: &[(&str, &[u8])]) -> Vec<u8> {
    members.iter().fold(Tar::new(), |tar, (name, bytes)| tar.file(name, bytes)).finish()
}

fn good() -> Image {
    Image::new(r#"{"User":"1000"}"#, [Tar::new().file("etc/a", "")])
}

fn bad() -> Image {
    Image::new(r#"{"User":"0"}"#, [evil("etc/evil")])
}

/// Blobs of an OCI layout as members, and the digest of its manifest.
fn blobs(image: &Image) -> (Vec<(String, Vec<u8>)>, String) {
    let (blobs, digest) = image.blobs(|bytes| bytes.to_vec());
    (blobs.into_iter().map(|b| (format!("blobs/sha256/{}", hex(&b)), b)).collect(), digest)
}

fn docker_manifest(image: &Image) -> String {
    format!(
        r#"[{{"Config":"blobs/sha256/{}","RepoTags":["x:1"],"Layers":["blobs/sha256/{}"]}}]"#,
        hex(&image.document()),
        hex(&image.layers[0])
    )
}

fn archive(images: &[&Image], more: &[(&str, &[u8])]) -> Vec<u8> {
    let all: Vec<(String, Vec<u8>)> = images.iter().flat_map(|image| blobs(image).0).collect();
    let mut members: Vec<(&str, &[u8])> =
        all.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    members.extend(more);
    parts(&members)
}

fn index(items: &[String]) -> String {
    format!(r#"{{"manifests":[{}]}}"#, items.join(","))
}

fn item(image: &Image, more: &str) -> String {
    format!(r#"{{"digest":"sha256:{}"{more}}}"#, blobs(image).1)
}

#[test]
fn two_manifests_that_name_different_images_are_two_images() {
    let listed = index(&[item(&good(), "")]);
    let of = |manifest: &str| {
        let more = [("index.json", listed.as_bytes()), ("manifest.json", manifest.as_bytes())];
        check(&archive(&[&good(), &bad()], &more), NEVER_ROOT)
    };
    let (status, report) = of(&docker_manifest(&good()));
    assert_eq!(status, Some(0), "{report}");
    is_refused(of(&docker_manifest(&bad())), "choose an image");
    // The same configuration, other layers.
    let mixed = docker_manifest(&good()).replace(&hex(&good().layers[0]), &hex(&bad().layers[0]));
    is_refused(of(&mixed), "choose an image");
}

#[test]
fn what_is_marked_as_an_attestation_and_can_run_is_an_image() {
    let of = |platform: &str| {
        let marked = format!(
            r#","platform":{platform},"annotations":{{"vnd.docker.reference.type":"attestation-manifest"}}"#
        );
        let listed = index(&[item(&good(), ""), item(&bad(), &marked)]);
        let more = [("index.json", listed.as_bytes())];
        check(&archive(&[&good(), &bad()], &more), NEVER_ROOT)
    };
    let (status, report) = of(r#"{"os":"unknown","architecture":"unknown"}"#);
    assert_eq!(status, Some(0), "{report}");
    is_refused(of(r#"{"os":"linux","architecture":"amd64"}"#), "choose an image");
}

#[test]
fn an_image_with_a_directory_of_a_container_beside_it_is_neither() {
    let manifest = docker_manifest(&bad());
    let why = "both an image and the files of a container";
    for text in [
        manifest.clone(),
        // Damaged for a careful reader, good enough for Go.
        format!("{} trailing", manifest.replace("\"Config\"", "\"Config\":\"\",\"Config\"")),
    ] {
        let more = [("etc/passwd", &b""[..]), ("manifest.json", text.as_bytes())];
        is_refused(check(&archive(&[&bad()], &more), NO_SETUID), why);
        is_refused(check(&gzip(&archive(&[&bad()], &more)), NO_SETUID), why);
    }
    // That of a web application, say.
    let more = [("etc/passwd", &b""[..]), ("manifest.json", br#"{"name":"app","icons":[]}"#)];
    let (status, report) = check(&parts(&more), NO_SETUID);
    assert_eq!(status, Some(0), "{report}");
}

#[test]
fn the_last_member_of_a_name_is_the_one_that_counts() {
    let (first, last) = (docker_manifest(&good()), docker_manifest(&bad()));
    let of = |more: &[(&str, &[u8])]| check(&archive(&[&good(), &bad()], more), NEVER_ROOT);
    let first = ("manifest.json", first.as_bytes());
    let (status, report) = of(&[first, ("manifest.json", last.as_bytes())]);
    assert_eq!(status, Some(1), "{report}");
    let large = format!("{last}{}", " ".repeat(5 << 20));
    is_refused(of(&[first, ("manifest.json", large.as_bytes())]), "manifest.json: more than");
    let link = Tar::new()
        .file("a.json", first.1)
        .symlink("manifest.json", "a.json")
        .raw(&archive(&[&good(), &bad()], &[("manifest.json", last.as_bytes())]));
    let (status, report) = check(&link.cut(), NEVER_ROOT);
    assert_eq!(status, Some(1), "{report}");
    let holes = Tar::new().raw(&archive(&[&good(), &bad()], &[first])[..]).cut();
    let holes = Tar::new()
        .raw(&holes[..holes.len() - 1024])
        .pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0")])
        .file("manifest.json", format!("1\n0\n9\n{last}"))
        .finish();
    is_refused(check(&holes, NEVER_ROOT), "stored with holes");
}

#[test]
fn a_key_that_go_would_take_for_another_or_add_up_is_refused() {
    for config in [
        r#"{"User":"1000","User":"0"}"#,
        "{\"User\":\"1000\",\"U\u{17f}er\":\"0\"}",
        r#"{"Env":["PASSWORD=hunter2x"]},"config":{"User":"1000"}"#,
    ] {
        let image = Image::new(config, [Tar::new().file("etc/a", "")]);
        let (status, report) = check(&image.docker_old("x:1"), NEVER_ROOT);
        assert_eq!(status, Some(3), "{config}: {report}");
        assert!(report.contains("is there twice") || report.contains("in two spellings"));
    }
}
