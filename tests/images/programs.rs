//! The program of an image: whether it is there, as whom it really runs, through which wrappers; and
//! what is beside an image in an archive.

use crate::support::archive::{Image, Tar, gzip, hex};
use std::fs;
use std::process::Command;

fn files() -> Tar {
    Tar::new()
        .file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n")
        .file("etc/group", "root:x:0:\napp:x:1000:\n")
        .owned("usr/bin/app", 0o755, (0, 0), "\x7fELF")
        .owned("usr/bin/env", 0o755, (0, 0), "\x7fELF")
        .owned("usr/bin/gosu", 0o755, (0, 0), "\x7fELF")
        .owned("usr/bin/timeout", 0o755, (0, 0), "\x7fELF")
}

fn check(config: &str, files: Tar, rule: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, Image::new(config, [files]).docker_old("shop/app:1")).unwrap();
    let policy = folder.path().join("p.yaml");
    fs::write(&policy, format!("policy: p\nrules:\n  - {{ id: a, {rule} }}\n")).unwrap();
    run(&["check", "--verbose"], &archive, &policy)
}

fn run(args: &[&str], image: &std::path::Path, policy: &std::path::Path) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(args)
        .arg("--image")
        .args([image, policy])
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

const SERVICE: &str = "service: { exe: /usr/bin/app }, must: { never_root: true }";

#[test]
fn a_setuid_program_is_root_whoever_starts_it() {
    let config = r#"{"User":"1000","Cmd":["/usr/bin/app"]}"#;
    let with = |mode: u64, owner: (u64, u64), content: &str| {
        files().owned("usr/bin/app", mode, owner, content)
    };
    let image = "image: config, must: { never_root: true }";
    let root = "service: { exe: /usr/bin/app }, must: { root_equivalent: false }";
    for rule in [SERVICE, image, root] {
        let (code, report) = check(config, with(0o4755, (0, 0), "\x7fELF"), rule);
        assert_eq!(code, Some(1), "{rule}: {report}");
        // Another owner, a script, or no bit: the kernel makes nobody root.
        for harmless in [
            with(0o4755, (33, 33), "\x7fELF"),
            with(0o4755, (0, 0), "#!/bin/sh\n").owned("bin/sh", 0o755, (0, 0), "\x7fELF"),
            files(),
        ] {
            let (code, report) = check(config, harmless, rule);
            assert_eq!(code, Some(0), "{rule}: {report}");
        }
    }
    // Through a link and a wrapper it is the same program.
    let linked = with(0o4755, (0, 0), "\x7fELF").symlink("opt/app", "/usr/bin/app");
    let config = r#"{"User":"1000","Entrypoint":["/usr/bin/env","A=1","/opt/app"]}"#;
    assert_eq!(check(config, linked, image).0, Some(1));
}

#[test]
fn capabilities_of_the_program_count_and_those_of_another_root_do_not() {
    let config = r#"{"User":"1000","Cmd":["/usr/bin/app"]}"#;
    let root = "service: { exe: /usr/bin/app }, must: { root_equivalent: false }";
    let capability = |version: u8, root: &[u8]| {
        let mut value = vec![1, 0, 0, version, 0, 0, 0x20, 0];
        value.extend([0; 12]);
        value.extend(root);
        files().pax(&[("SCHILY.xattr.security.capability", &value)]).owned(
            "usr/bin/app",
            0o755,
            (0, 0),
            "\x7fELF",
        )
    };
    assert_eq!(check(config, capability(2, &[]), root).0, Some(1));
    assert_eq!(check(config, capability(3, &[0, 0, 0, 0]), root).0, Some(1));
    let (code, report) = check(config, capability(3, &[0xe8, 3, 0, 0]), root);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn wrappers_start_what_they_are_given_and_as_whom() {
    for (command, user, code) in [
        (r#"["/usr/bin/env","FOO=1","/usr/bin/app"]"#, "1000", Some(0)),
        (r#"["env","-i","FOO=1","app"]"#, "1000", Some(0)),
        (r#"["timeout","-k","5","60","/usr/bin/app"]"#, "1000", Some(0)),
        (r#"["timeout","60","env","A=1","/usr/bin/app"]"#, "", Some(1)),
        (r#"["gosu","app","/usr/bin/app"]"#, "", Some(0)),
        (r#"["gosu","root","/usr/bin/app"]"#, "", Some(1)),
        (r#"["env","FOO=1","/usr/bin/app"]"#, "", Some(1)),
    ] {
        let config =
            format!(r#"{{"User":"{user}","Env":["PATH=/usr/bin"],"Entrypoint":{command}}}"#);
        let (found, report) = check(&config, files(), SERVICE);
        assert_eq!(found, code, "{command}: {report}");
    }
}

#[test]
fn an_image_whose_program_is_not_there_or_may_not_be_executed_does_not_start() {
    let starts = |config: &str, files: Tar| {
        let (code, report) = check(config, files, "image: config, must: { user: { not: nobody } }");
        (code, report)
    };
    let fails = |config: &str, files: Tar, why: &str| {
        let (code, report) = starts(config, files);
        assert!(code == Some(1) && report.contains(why), "{why}: {report}");
    };
    let of =
        |command: &str| format!(r#"{{"User":"1000","Env":["PATH=/usr/bin"],"Cmd":["{command}"]}}"#);
    assert_eq!(starts(&of("/usr/bin/app"), files()).0, Some(0));
    assert_eq!(starts(&of("app"), files()).0, Some(0));
    assert_eq!(starts("{}", files()).0, Some(0));
    fails(&of("/nope"), files(), "there is no /nope");
    fails(&of("nope"), files(), "in no directory of PATH");
    let private = files().owned("usr/bin/app", 0o700, (0, 0), "\x7fELF");
    fails(&of("/usr/bin/app"), private.clone(), "uid 1000 may not execute");
    let root = r#"{"Cmd":["/usr/bin/app"]}"#;
    assert_eq!(starts(root, private).0, Some(0));
    let script = files().owned("usr/bin/app", 0o755, (0, 0), "#!/usr/bin/python3\n");
    fails(&of("/usr/bin/app"), script, "needs /usr/bin/python3");
}

#[test]
fn a_pattern_is_about_the_contents_of_regular_files_and_of_all_of_them() {
    let mut many = files().dir("srv/").symlink("srv/link", "/nowhere");
    for number in 0..300 {
        let content = format!("{number}\n").repeat(20_000);
        many = many.file(format!("srv/{number}"), content);
    }
    let rule = "file: \"/srv/**\", must: { not_contains: PRIVATE }";
    let judged = |files: Tar| {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("image.tar");
        fs::write(&archive, Image::new("{}", [files]).crane("shop/app:1")).unwrap();
        let policy = folder.path().join("p.yaml");
        fs::write(&policy, format!("policy: p\nrules:\n  - {{ id: a, {rule} }}\n")).unwrap();
        run(&["check"], &archive, &policy)
    };
    let (code, report) = judged(many.clone());
    assert_eq!(code, Some(0), "{report}");
    let (code, report) = judged(many.file("srv/last", "PRIVATE"));
    assert!(code == Some(1) && report.contains("/srv/last"), "{report}");
}

#[test]
fn records_of_aufs_are_no_files() {
    let rule = "files: all, must: { setuid: [] }";
    for name in [".wh..wh.plnk/1.2", ".wh..wh.orph/x", "srv/.wh..wh.plnk/a/b"] {
        let tar = files().owned(name, 0o4755, (0, 0), "x");
        let (code, report) = check("{}", tar, rule);
        assert_eq!(code, Some(0), "{name}: {report}");
    }
    assert_eq!(check("{}", files().owned("srv/.x/1", 0o4755, (0, 0), "x"), rule).0, Some(1));
}

/// A layout with an image and a manifest beside it, whose layers have these media types.
fn layout(kinds: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |bytes: &[u8]| {
        let digest = hex(bytes);
        fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        fs::write(folder.path().join("blobs/sha256").join(&digest), bytes).unwrap();
        format!(r#""digest":"sha256:{digest}","size":{}"#, bytes.len())
    };
    let image = Image::new(r#"{"User":"1000"}"#, [files()]);
    let config = put(&image.document());
    let layer = put(&image.layers[0]);
    let plain = "application/vnd.oci.image.layer.v1.tar";
    let image =
        put(format!(r#"{{"config":{{{config}}},"layers":[{{"mediaType":"{plain}",{layer}}}]}}"#)
            .as_bytes());
    let other =
        put(br#"{"os":"","architecture":"","config":{},"rootfs":{"type":"layers","diff_ids":[]}}"#);
    let layers: Vec<String> = kinds
        .iter()
        .map(|kind| format!(r#"{{"mediaType":"{kind}",{}}}"#, put(&gzip(kind.as_bytes()))))
        .collect();
    let beside =
        put(format!(r#"{{"config":{{{other}}},"layers":[{}]}}"#, layers.join(",")).as_bytes());
    let index = format!(
        r#"{{"manifests":[{{{image}}},{{{beside},"annotations":
           {{"org.opencontainers.image.ref.name":"sha256-x.sig"}}}}]}}"#
    );
    fs::write(folder.path().join("index.json"), index).unwrap();
    fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    folder
}

#[test]
fn what_is_beside_an_image_and_no_image_is_not_asked_about() {
    let rule = "policy: p\nrules:\n  - { id: a, image: config, must: { never_root: true } }\n";
    let judged = |kinds: &[&str]| {
        let folder = layout(kinds);
        let policy = folder.path().join("p.yaml");
        fs::write(&policy, rule).unwrap();
        run(&["check"], folder.path(), &policy)
    };
    for kind in [
        "application/vnd.dev.cosign.simplesigning.v1+json",
        "application/vnd.in-toto+json",
        "application/spdx+json",
        "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
    ] {
        let (code, report) = judged(&[kind]);
        assert_eq!(code, Some(0), "{kind}: {report}");
    }
    // One layer of files makes an image, whatever else it has.
    let files = "application/vnd.oci.image.layer.v1.tar+gzip";
    for kinds in [&[files][..], &["application/vnd.in-toto+json", files]] {
        assert_eq!(judged(kinds).0, Some(3), "{kinds:?}");
    }
}
