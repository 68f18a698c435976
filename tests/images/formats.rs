//! Every kind of archive that image tools write, what is not clear in them, and what is damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::archive::{Image, Tar, gzip, hex, oci_archive, zstd};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

const RULE: &str = "- { id: a, file: /etc/name, must: { contains: '^shop$' } }\n";

/// An image whose `/etc/name` says `shop`, as the second layer has it.
fn shop() -> Image {
    let base = Tar::new().dir("etc/").file("etc/name", "old\n").file("usr/bin/x", "x");
    Image::new(r#"{"User":"1000"}"#, [base, Tar::new().file("etc/name", "shop\n")])
}

fn plain(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// Exit code and output of `check --image` with this rule.
fn check(image: &Path, rules: &str, options: &[&str]) -> (Option<i32>, String) {
    run(&image.to_string_lossy(), b"", rules, options)
}

fn run(image: &str, input: &[u8], rules: &str, options: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.yaml");
    fs::write(&policy, format!("policy: p\nrules:\n{rules}")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--verbose", "--image", image])
        .args(options)
        .arg(&policy)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// The archive passes as a file, on standard input, and compressed as a whole both ways.
fn holds_every_way(what: &str, archive: &[u8]) {
    let packed = [archive.to_vec(), gzip(archive), zstd(archive)];
    for bytes in &packed {
        let (status, report) = check(file(bytes).path(), RULE, &[]);
        assert_eq!(status, Some(0), "{what}: {report}");
        let (status, report) = run("-", bytes, RULE, &[]);
        assert_eq!(status, Some(0), "{what} on standard input: {report}");
        let (status, report) = run("-", bytes, RULE, &["--timeout", "10m"]);
        assert_eq!(status, Some(0), "{what} on standard input, with a limit: {report}");
    }
}

#[test]
fn docker_save_of_old_with_the_manifest_at_the_end_is_read() {
    holds_every_way("docker save 24", &shop().docker_old("shop/app:1"));
    holds_every_way("without a tag", &shop().docker_old(""));
}

#[test]
fn docker_save_of_today_with_both_manifests_is_read() {
    let new = shop().oci("1", plain);
    // Docker 25 writes its own manifest beside the index.
    let document = shop().document();
    let layers: Vec<String> =
        shop().layers.iter().map(|l| format!(r#""blobs/sha256/{}""#, hex(l))).collect();
    let manifest = format!(
        r#"[{{"Config":"blobs/sha256/{}","RepoTags":["shop/app:1"],"Layers":[{}]}}]"#,
        hex(&document),
        layers.join(",")
    );
    let mut bytes = new[..new.len() - 1024].to_vec();
    bytes.extend(Tar::new().file("manifest.json", manifest).finish());
    holds_every_way("docker save 25", &bytes);
}

#[test]
fn podman_skopeo_and_crane_archives_are_read() {
    holds_every_way("podman", &shop().podman("shop/app:1"));
    holds_every_way("crane", &shop().crane("shop/app:1"));
}

#[test]
fn oci_archives_are_read_whatever_their_media_types_say() {
    for pack in [plain, gzip, zstd] {
        holds_every_way("oci-archive", &shop().oci("1", pack));
    }
}

#[test]
fn an_oci_layout_and_a_docker_dir_are_read_from_their_directories() {
    let (blobs, digest) = shop().blobs(gzip);
    let layout = tempfile::tempdir().unwrap();
    fs::create_dir_all(layout.path().join("blobs/sha256")).unwrap();
    let docker = tempfile::tempdir().unwrap();
    for blob in &blobs {
        fs::write(layout.path().join("blobs/sha256").join(hex(blob)), blob).unwrap();
        fs::write(docker.path().join(hex(blob)), blob).unwrap();
    }
    let index = format!(r#"{{"manifests":[{{"digest":"sha256:{digest}","size":1}}]}}"#);
    fs::write(layout.path().join("index.json"), index).unwrap();
    fs::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(docker.path().join("manifest.json"), blobs.last().unwrap()).unwrap();
    fs::write(docker.path().join("version"), "Directory Transport Version: 1.1\n").unwrap();
    for path in [layout.path(), docker.path()] {
        let (status, report) = check(path, RULE, &[]);
        assert_eq!(status, Some(0), "{report}");
    }
}

#[test]
fn the_files_of_docker_export_are_read_and_have_no_configuration() {
    let flat = Tar::new()
        .file(".dockerenv", "")
        .dir("etc/")
        .file("etc/name", "shop\n")
        // Here this is a file like others.
        .file("etc/.wh.other", "")
        .file("app/manifest.json", "[]")
        .finish();
    holds_every_way("docker export", &flat);
    let (status, report) = check(
        file(&flat).path(),
        "- { id: a, file: /etc/.wh.other, must: { type: file } }
- { id: b, image: config, must: { never_root: true } }
",
        &[],
    );
    assert_eq!(status, Some(2), "{report}");
}

#[test]
fn a_scratch_image_without_any_file_is_an_image() {
    let image = Image::new("{}", [Tar::new()]).docker_old("x:1");
    let rule = "- { id: a, file: /etc/passwd, must: { exists: false } }\n";
    let (status, report) = check(file(&image).path(), rule, &[]);
    assert_eq!(status, Some(0), "{report}");
}

#[test]
fn several_images_are_listed_and_never_guessed_about() {
    let (amd, arm) = (shop(), shop().for_arch("arm64"));
    let archive = file(&oci_archive(&[("shop:1", &amd), ("shop:1", &arm)], gzip));
    let (status, report) = check(archive.path(), RULE, &[]);
    assert_eq!(status, Some(3), "{report}");
    assert!(report.contains("shop:1 (linux/amd64); shop:1 (linux/arm64)"), "{report}");
    let (status, report) = check(archive.path(), RULE, &["--platform", "linux/arm64"]);
    assert_eq!(status, Some(0), "{report}");
    let (status, report) = check(archive.path(), RULE, &["--platform", "linux/riscv64"]);
    assert_eq!(status, Some(3), "{report}");
    let (status, report) = check(archive.path(), RULE, &["--all-platforms"]);
    assert_eq!(status, Some(0), "{report}");
    assert!(report.contains("/etc/name [linux/arm64]"), "{report}");
}

#[test]
fn an_image_is_chosen_by_its_name_as_docker_understands_it() {
    let other = Image::new("{}", [Tar::new().file("etc/name", "other\n")]);
    let images = [("docker.io/library/shop:latest", &shop()), ("other:2", &other)];
    let archive = file(&oci_archive(&images, gzip));
    for name in ["shop", "shop:latest", "docker.io/library/shop:latest"] {
        let (status, report) = check(archive.path(), RULE, &["--ref", name]);
        assert_eq!(status, Some(0), "{report}");
    }
    let (status, _) = check(archive.path(), RULE, &["--ref", "other:2"]);
    assert_eq!(status, Some(1));
    for name in ["shop:1", "her"] {
        let (status, report) = check(archive.path(), RULE, &["--ref", name]);
        assert_eq!(status, Some(3), "{report}");
    }
}

#[test]
fn a_changed_byte_anywhere_in_a_layer_or_document_is_noticed() {
    for (what, archive) in [
        ("docker", shop().docker_old("x:1")),
        ("oci", shop().oci("1", plain)),
        ("oci gzip", shop().oci("1", gzip)),
    ] {
        // The content of the file: a pass or a violation would both be wrong.
        let find = |needle: &[u8]| archive.windows(needle.len()).position(|w| w == needle);
        for needle in [&b"shop\n"[..], b"diff_ids", b"linux"] {
            let Some(at) = find(needle) else { continue };
            let mut damaged = archive.clone();
            damaged[at] ^= 1;
            for (status, report) in
                [check(file(&damaged).path(), RULE, &[]), run("-", &damaged, RULE, &[])]
            {
                assert_eq!(status, Some(3), "{what}: {report}");
            }
        }
    }
}

#[test]
fn an_archive_that_is_cut_off_anywhere_is_an_error() {
    let image = shop();
    for archive in [
        image.docker_old("x:1"),
        image.oci("1", gzip),
        gzip(&image.docker_old("x:1")),
        zstd(&image.docker_old("x:1")),
        Tar::new().dir("etc/").file("etc/name", "shop\n").finish(),
    ] {
        // Without the last zeros an archive is still whole.
        let whole =
            if archive.ends_with(&[0; 1024]) { archive.len() - 1024 } else { archive.len() };
        for length in (0..whole).step_by(whole / 40 + 1).chain([whole - 1]) {
            let cut = &archive[..length];
            let (status, report) = check(file(cut).path(), RULE, &[]);
            assert_eq!(status, Some(3), "{length} of {}: {report}", archive.len());
            let (status, report) = run("-", cut, RULE, &[]);
            assert_eq!(status, Some(3), "{length} of {}: {report}", archive.len());
        }
    }
}

#[test]
fn what_is_no_image_is_an_error_and_never_an_empty_image() {
    let rule = "- { id: a, file: /x, must: { exists: false } }\n";
    let empty_folder = tempfile::tempdir().unwrap();
    let (status, report) = check(empty_folder.path(), rule, &[]);
    assert_eq!(status, Some(3), "{report}");
    for bytes in [
        b"".to_vec(),
        b"hello".to_vec(),
        vec![0; 4096],
        vec![0xff; 4096],
        b"{}".to_vec(),
        gzip(b"hello"),
        Tar::new().finish(),
        Tar::new().file("readme", "hello").finish(),
        Tar::new().file("manifest.json", "[]").finish(),
        Tar::new().file("manifest.json", "{}").finish(),
        Tar::new().file("index.json", "not json").finish(),
        Tar::new().file("index.json", r#"{"manifests":[]}"#).finish(),
        b"BZh91AY&SY".repeat(60),
    ] {
        for (status, report) in [check(file(&bytes).path(), rule, &[]), run("-", &bytes, rule, &[])]
        {
            assert_eq!(status, Some(3), "{:?}: {report}", &bytes[..bytes.len().min(20)]);
        }
    }
}

#[test]
fn a_layer_that_the_archive_lacks_is_an_error() {
    let image = shop();
    let layer = hex(&image.layers[0]);
    let mut archive = Vec::new();
    // The same archive, one of its layers under another name.
    let name = format!("blobs/sha256/{layer}");
    let whole = image.oci("1", plain);
    let at = whole.windows(name.len()).position(|w| w == name.as_bytes()).unwrap();
    archive.extend_from_slice(&whole[..at]);
    let member = Tar::new().file(format!("blobs/sha256/{}", hex(b"x")), &image.layers[0]).cut();
    archive.extend_from_slice(&member);
    archive.extend_from_slice(&whole[at + member.len()..]);
    for (status, report) in [check(file(&archive).path(), RULE, &[]), run("-", &archive, RULE, &[])]
    {
        assert_eq!(status, Some(3), "{report}");
        assert!(report.contains("layer 1: not in the archive"), "{report}");
    }
}

#[test]
fn manifests_cannot_name_files_outside_of_the_image() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = r#"[{"Config":"../../../../etc/passwd","RepoTags":[],"Layers":[]}]"#;
    fs::write(folder.path().join("manifest.json"), manifest).unwrap();
    let (status, report) = check(folder.path(), RULE, &[]);
    assert_eq!(status, Some(3), "{report}");
    assert!(report.contains("leads out of the root"), "{report}");
    let digest = r#"{"manifests":[{"digest":"sha256:../../../../../etc/passwd"}]}"#;
    fs::write(folder.path().join("index.json"), digest).unwrap();
    let (status, report) = check(folder.path(), RULE, &[]);
    assert_eq!(status, Some(3), "{report}");
    assert!(report.contains("not a SHA-256 digest"), "{report}");
}

#[test]
fn an_index_in_itself_ends() {
    // A digest cannot name its own document, so this one is not verified: it is not there.
    let index = r#"{"manifests":[{"digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}]}"#;
    let archive = Tar::new().file("index.json", index).file("oci-layout", "{}").finish();
    let (status, report) = check(file(&archive).path(), RULE, &[]);
    assert_eq!(status, Some(3), "{report}");
    assert!(report.contains("named, but not in the archive"), "{report}");
}

#[test]
fn a_key_in_two_spellings_is_refused() {
    let mut image = shop();
    image.config = r#"{"User":"1000","user":"0"}"#.to_owned();
    let (status, report) = check(file(&image.docker_old("x:1")).path(), RULE, &[]);
    assert_eq!(status, Some(3), "{report}");
    assert!(report.contains("`User` is given in two spellings"), "{report}");
}

#[test]
fn layers_and_their_description_must_fit() {
    let mut image = shop();
    let archive = image.docker_old("x:1");
    image.layers.pop();
    // The configuration describes one layer, the manifest names two.
    let document = image.document();
    let mut tar = Tar::new().file(format!("{}.json", hex(&document)), &document);
    for layer in &shop().layers {
        tar = tar.file(format!("{}.tar", hex(layer)), layer);
    }
    let names: Vec<String> =
        shop().layers.iter().map(|layer| format!(r#""{}.tar""#, hex(layer))).collect();
    let manifest = format!(
        r#"[{{"Config":"{}.json","RepoTags":[],"Layers":[{}]}}]"#,
        hex(&document),
        names.join(",")
    );
    let (status, report) =
        check(file(&tar.file("manifest.json", manifest).finish()).path(), RULE, &[]);
    assert_eq!(status, Some(3), "{report}");
    assert!(report.contains("2 layers are named and 1 are described"), "{report}");
    assert_eq!(check(file(&archive).path(), RULE, &[]).0, Some(0));
}

#[test]
fn junit_has_every_case_of_every_platform_once() {
    let (amd, arm) = (shop(), shop().for_arch("arm64"));
    let archive = file(&oci_archive(&[("shop:1", &amd), ("shop:1", &arm)], gzip));
    let folder = tempfile::tempdir().unwrap();
    let second = folder.path().join("second.yaml");
    let rule = "- { id: b, file: /etc/name, must: { exists: true } }\n";
    fs::write(&second, format!("policy: second\nrules:\n{rule}")).unwrap();
    let options = ["--all-platforms", "--format", "junit", second.to_str().unwrap()];
    let (status, report) = check(archive.path(), RULE, &options);
    assert_eq!(status, Some(0), "{report}");
    assert_eq!(report.matches("<testsuite ").count(), 2, "{report}");
    assert_eq!(report.matches("<testcase ").count(), 4, "{report}");
}
