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
fn a_wrapper_that_is_setuid_is_the_first_process_and_root() {
    let image = "image: config, must: { never_root: true }";
    let config =
        r#"{"User":"1000","Env":["PATH=/usr/bin"],"Entrypoint":["sudo","-E","/usr/bin/app"]}"#;
    let sudo = |mode: u64| files().owned("usr/bin/sudo", mode, (0, 0), "\x7fELF");
    let (code, report) = check(config, sudo(0o4755), image);
    assert!(code == Some(1) && report.contains("sudo is setuid root"), "{report}");
    // What a script starts on its way is another process.
    let config = r#"{"User":"1000","Env":["PATH=/usr/bin"],"Cmd":["/usr/bin/app"]}"#;
    let script = |text: &str| {
        files()
            .owned("usr/bin/app", 0o755, (0, 0), text)
            .owned("bin/sh", 0o755, (0, 0), "\x7fELF")
            .owned("usr/bin/mount", 0o4755, (0, 0), "\x7fELF")
    };
    let (code, report) = check(config, script("#!/bin/sh\nmount -a\nexec true\n"), image);
    assert_ne!(code, Some(1), "{report}");
    // A script whose interpreter is.
    let script = files().owned("usr/bin/app", 0o755, (0, 0), "#!/bin/own\nx\n").owned(
        "bin/own",
        0o4755,
        (0, 0),
        "\x7fELF",
    );
    let config = r#"{"User":"1000","Cmd":["/usr/bin/app"]}"#;
    assert_eq!(check(config, script, image).0, Some(1));
}

#[test]
fn a_start_that_cannot_be_followed_is_not_said_to_stay_without_root() {
    let image = "image: config, must: { never_root: true }";
    let config = r#"{"User":"1000","Cmd":["/srv/run.sh"]}"#;
    let script = |text: &str| {
        files().owned("srv/run.sh", 0o755, (0, 0), text).owned("bin/sh", 0o755, (0, 0), "\x7fELF")
    };
    assert_eq!(check(config, script("#!/bin/sh\nexec /usr/bin/app\n"), image).0, Some(0));
    let long = format!("#!/bin/sh\n{}", "true\n".repeat(20_000));
    let (code, report) = check(config, script(&long), image);
    assert!(code == Some(2) && report.contains("script of more than"), "{report}");
    // Whoever is root already needs nothing to be.
    assert_eq!(check(r#"{"Cmd":["/srv/run.sh"]}"#, script(&long), image).0, Some(1));
}

/// A program of this machine with its loader and C library, as files of an image.
fn real_program() -> (Tar, String, Vec<(String, Vec<u8>)>) {
    let bytes = fs::read("/usr/bin/true").unwrap();
    let elf = spotcheck::formats::elf::parse(&bytes).unwrap();
    let loader = elf.interpreter.unwrap();
    let folder = fs::canonicalize(&loader).unwrap().parent().unwrap().to_owned();
    let libraries = elf.needed.iter().map(|name| {
        let path = folder.join(name);
        (path.to_string_lossy()[1..].to_owned(), fs::read(path).unwrap())
    });
    let tar = files().member(b'0', "usr/bin/true", "", 0o755, (0, 0), &bytes);
    (tar, loader, libraries.collect())
}

#[test]
fn a_program_starts_with_its_loader_and_libraries_only() {
    let rule = "image: config, must: { starts: true }";
    let config = r#"{"User":"1000","Cmd":["/usr/bin/true"]}"#;
    let (tar, loader, libraries) = real_program();
    let (code, report) = check(config, tar.clone(), rule);
    assert!(code == Some(1) && report.contains("needs the loader"), "{report}");
    let bytes = fs::read(&loader).unwrap();
    let loaded = tar.member(b'0', &loader[1..], "", 0o755, (0, 0), &bytes);
    let (code, report) = check(config, loaded.clone(), rule);
    assert!(code == Some(1) && report.contains("needs the library libc"), "{report}");
    let whole = libraries.iter().fold(loaded.clone(), |tar, (name, bytes)| {
        tar.member(b'0', name, "", 0o644, (0, 0), bytes)
    });
    let (code, report) = check(config, whole.clone(), rule);
    assert_eq!(code, Some(0), "{report}");
    // In a directory that the image names.
    let elsewhere = libraries.iter().fold(loaded, |tar, (name, bytes)| {
        let name = format!("opt/own/{}", name.rsplit('/').next().unwrap());
        tar.member(b'0', name, "", 0o644, (0, 0), bytes)
    });
    assert_eq!(check(config, elsewhere.clone(), rule).0, Some(1));
    let named = r#"{"User":"1000","Cmd":["/usr/bin/true"],"Env":["LD_LIBRARY_PATH=/opt/own"]}"#;
    let (code, report) = check(named, elsewhere, rule);
    assert_eq!(code, Some(0), "{report}");
    // A file of that name that is no library is passed over.
    let empty = libraries.iter().fold(whole, |tar, (name, _)| tar.file(name, "x"));
    assert_eq!(check(config, empty, rule).0, Some(1));
    // Whoever declares nothing says nothing.
    assert_eq!(check("{}", files(), rule).0, Some(2));
}

#[test]
fn what_a_program_needs_is_told_of_a_compressed_image_that_goes_by_once() {
    let (tar, loader, libraries) = real_program();
    let bytes = fs::read(&loader).unwrap();
    let whole = libraries
        .iter()
        .fold(tar.member(b'0', &loader[1..], "", 0o755, (0, 0), &bytes), |tar, (name, bytes)| {
            tar.member(b'0', name, "", 0o644, (0, 0), bytes)
        });
    let folder = tempfile::tempdir().unwrap();
    let config = r#"{"User":"1000","Cmd":["/usr/bin/true"]}"#;
    let archive = gzip(&Image::new(config, [whole]).docker_old("shop/app:1"));
    let policy = folder.path().join("p.yaml");
    let rule = "{ id: a, image: config, must: { starts: true, never_root: true } }";
    fs::write(&policy, format!("policy: p\nrules:\n  - {rule}\n")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
        .args(["check", "--image", "-"])
        .arg(&policy)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), &archive).unwrap();
    let output = child.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{report}");
}

#[test]
fn a_program_for_another_processor_does_not_start() {
    let rule = "image: config, must: { starts: true }";
    let (_, _, libraries) = real_program();
    let mut bytes = libraries[0].1.clone();
    // MIPS, which no platform of the tests has.
    bytes[18] = 8;
    let tar = files().member(b'0', "usr/bin/app", "", 0o755, (0, 0), &bytes);
    let (code, report) = check(r#"{"Cmd":["/usr/bin/app"]}"#, tar, rule);
    assert!(code == Some(1) && report.contains("another processor"), "{report}");
}

#[test]
fn a_layer_that_is_not_what_the_configuration_says_is_refused_as_engines_do() {
    let rule = "policy: p\nrules:\n  - { id: a, image: config, must: { layers: 1 } }\n";
    let judged = |described: &Image, layer: &[u8]| {
        let folder = tempfile::tempdir().unwrap();
        let blobs = folder.path().join("blobs/sha256");
        fs::create_dir_all(&blobs).unwrap();
        let put = |bytes: &[u8]| {
            fs::write(blobs.join(hex(bytes)), bytes).unwrap();
            format!(r#""digest":"sha256:{}","size":{}"#, hex(bytes), bytes.len())
        };
        let (config, layer) = (put(&described.document()), put(layer));
        let kind = "application/vnd.oci.image.layer.v1.tar+gzip";
        let manifest =
            format!(r#"{{"config":{{{config}}},"layers":[{{"mediaType":"{kind}",{layer}}}]}}"#);
        let index = format!(r#"{{"manifests":[{{{}}}]}}"#, put(manifest.as_bytes()));
        fs::write(folder.path().join("index.json"), index).unwrap();
        fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let policy = folder.path().join("p.yaml");
        fs::write(&policy, rule).unwrap();
        run(&["check"], folder.path(), &policy)
    };
    let image = Image::new("{}", [files()]);
    let other = Image::new("{}", [files().file("srv/x", "x")]);
    for layer in [gzip(&image.layers[0]), image.layers[0].clone()] {
        let (code, report) = judged(&image, &layer);
        assert_eq!(code, Some(0), "{report}");
        let (code, report) = judged(&other, &layer);
        assert!(code == Some(3) && report.contains("layer 1"), "{report}");
    }
}

#[test]
fn the_largest_layer_has_a_size_of_its_own() {
    let small = check("{}", files(), "image: config, must: { largest_layer: { at_most: 1M } }");
    assert_eq!(small.0, Some(0), "{}", small.1);
    let (code, report) =
        check("{}", files(), "image: config, must: { largest_layer: { at_most: 100 } }");
    assert!(code == Some(1) && report.contains("layer 1"), "{report}");
}

#[test]
fn ranges_of_ports_are_the_ports_in_them() {
    let exposed = |ports: &str, wanted: &str| {
        let config = format!(r#"{{"ExposedPorts":{{{ports}}}}}"#);
        let rule = format!("image: config, must: {{ exposed_ports: {wanted} }}");
        check(&config, files(), &rule).0
    };
    let three = r#""8000/tcp":{},"8001":{},"8002/tcp":{}"#;
    assert_eq!(exposed(three, "{ only: [8000-8002/tcp] }"), Some(0));
    assert_eq!(exposed(three, "{ only: [8000-8001/tcp] }"), Some(1));
    assert_eq!(exposed(r#""8000-8002/tcp":{}"#, "{ only: [8000-8010/tcp] }"), Some(0));
    assert_eq!(exposed(r#""8000-8020/tcp":{}"#, "{ only: [8000-8010/tcp] }"), Some(1));
    assert_eq!(exposed(r#""8000/udp":{}"#, "{ only: [8000/tcp] }"), Some(1));
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
