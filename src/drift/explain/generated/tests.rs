use super::*;
use crate::drift::compare::FileChange;
use crate::facts::file::Mode;
use crate::facts::snapshot::{Content, Time};
use crate::targets::memory::Memory;

fn record(kind: FileKind, mode: u16, link: &str) -> Record {
    let time = Time { seconds: 1_000_000_000, nanoseconds: 0 };
    let extra = (!link.is_empty()).then(|| {
        Box::new(crate::facts::snapshot::Extra { link: link.into(), ..Default::default() })
    });
    Record {
        name_end: 0,
        kind,
        mode: Mode(mode),
        uid: 0,
        gid: 0,
        links: 1,
        package: 0,
        filesystem: 1,
        inode: 1,
        size: 1,
        modified: time,
        changed: time,
        content: Content::Digest([1; 32]),
        extra,
    }
}

fn added(path: &str) -> FileChange {
    let after = Some(record(FileKind::File, 0o644, ""));
    FileChange { path: path.into(), before: None, after }
}

fn touched(path: &str) -> FileChange {
    let before = record(FileKind::File, 0o644, "");
    let after = Record { inode: 2, ..before.clone() };
    FileChange { path: path.into(), before: Some(before), after: Some(after) }
}

fn judged(
    host: &Memory,
    path: &str,
    now: &Record,
    changed: &[FileChange],
) -> Result<String, String> {
    let packages = crate::formats::packages::files::read(host, None);
    let evidence = Evidence { target: host, packages: &packages, packages_before: &[], changed };
    let because = Generators::new().of(path.as_bytes(), now, false, &evidence);
    let because = because.ok_or("nobody makes it")?;
    match because.explanation {
        Explanation::Generated => Ok(because.why),
        _ => Err(because.why),
    }
}

fn file(host: &Memory, path: &str, changed: &[FileChange]) -> Result<String, String> {
    judged(host, path, &record(FileKind::File, 0o644, ""), changed)
}

fn link(host: &Memory, path: &str, to: &str) -> Result<String, String> {
    judged(host, path, &record(FileKind::Symlink, 0o777, to), &[])
}

fn with_tool(tool: &str) -> Memory {
    Memory::new().file(format!("/usr/bin/{tool}"), 0o755, 0, 0, "program")
}

#[test]
fn every_pattern_of_the_list_is_one() {
    for kind in KINDS {
        for pattern in kind.paths.iter().chain(kind.inputs) {
            assert!(compiled(pattern).is_some(), "{pattern}");
        }
    }
}

const PYC: &str = "/usr/lib/p/__pycache__/a.cpython-311.pyc";

/// A module of 6 bytes, and what its compiled form begins with.
fn module(flags: u32, first: u32, second: u32) -> Memory {
    let words = [0x0a0d_0da7, flags, first, second].map(u32::to_le_bytes).concat();
    let source = Memory::new().file("/usr/lib/p/a.py", 0o644, 0, 0, "x = 1\n");
    source.file(PYC, 0o644, 0, 0, words)
}

fn source_time() -> u32 {
    let host = module(0, 0, 0);
    let fact = crate::host::Files::file(&host, Path::new("/usr/lib/p/a.py")).unwrap().unwrap();
    (fact.modified & 0xffff_ffff) as u32
}

#[test]
fn compiled_python_has_to_agree_with_a_source_that_has_changed() {
    let time = source_time();
    let source = [added("/usr/lib/p/a.py")];
    let made = Ok("made by py3compile".to_owned());
    assert_eq!(file(&module(0, time, 6), PYC, &source), made);
    // A new interpreter compiles everything again.
    let interpreter = [added("/usr/bin/python3.11")];
    assert_eq!(file(&module(0, time, 6), PYC, &interpreter), made);
    let not = |host: &Memory, changed: &[FileChange], why: &str| {
        let told = file(host, PYC, changed).unwrap_err();
        assert!(told.contains(why), "{told}");
    };
    not(&module(0, time, 6), &[], "neither /usr/lib/p/a.py nor python3.11 has changed");
    not(&module(0, time, 6), &[touched("/usr/lib/p/a.py")], "has changed");
    not(&module(0, time, 7), &source, "does not agree");
    not(&module(0, time ^ 1, 6), &source, "does not agree");
    not(&module(4, time, 6), &source, "no Python knows");
    let text =
        Memory::new().file("/usr/lib/p/a.py", 0o644, 0, 0, "").file(PYC, 0o644, 0, 0, "EVIL");
    not(&text, &source, "too short");
    let alone = Memory::new().file(PYC, 0o644, 0, 0, [0xa7, 0x0d, 0x0d, 0x0a].repeat(4));
    not(&alone, &source, "there is no /usr/lib/p/a.py");
}

#[test]
fn compiled_python_that_is_never_compared_with_its_source_is_nobodys() {
    // _imp.source_hash of Python 3.11 for `x = 1\n`, as the header has it.
    let right = super::python::siphash13(0x0a0d_0da7, b"x = 1\n");
    let (low, high) = ((right & 0xffff_ffff) as u32, (right >> 32) as u32);
    let source = [added("/usr/lib/p/a.py")];
    assert!(file(&module(3, low, high), PYC, &source).is_ok());
    assert!(file(&module(3, low ^ 1, high), PYC, &source).is_err());
    let unchecked = file(&module(1, low, high), PYC, &source).unwrap_err();
    assert!(unchecked.contains("never to be compared"), "{unchecked}");
}

#[test]
fn without_its_program_or_without_other_inputs_nothing_is_generated() {
    let cache = super::linker::tests::cache(&[("liba.so", "/usr/lib/liba.so")]);
    let host = |host: Memory| host.file("/etc/ld.so.cache", 0o644, 0, 0, cache.clone());
    let library = [added("/usr/lib/liba.so")];
    let path = "/etc/ld.so.cache";
    assert_eq!(file(&host(with_tool("ldconfig")), path, &library), Ok("made by ldconfig".into()));
    let absent = file(&host(Memory::new()), path, &library).unwrap_err();
    assert!(absent.contains("that program is not here"), "{absent}");
    let same =
        file(&host(with_tool("ldconfig")), path, &[touched("/usr/lib/liba.so")]).unwrap_err();
    assert!(same.contains("nothing that it is made from has changed"), "{same}");
    let evil = super::linker::tests::cache(&[("liba.so", "/opt/evil/liba.so")]);
    let evil = with_tool("ldconfig").file(path, 0o644, 0, 0, evil);
    assert!(file(&evil, path, &library).unwrap_err().contains("/opt/evil/liba.so"));
}

#[test]
fn a_cache_of_loaders_may_name_only_what_lies_beside_it_or_is_a_packages() {
    let folder = "/usr/lib/x86_64-linux-gnu/gdk-pixbuf-2.0/2.10.0";
    let path = format!("{folder}/loaders.cache");
    let changed = [added(&format!("{folder}/loaders/a.so"))];
    let host = |text: &str| {
        with_tool("gdk-pixbuf-query-loaders")
            .file(format!("{folder}/loaders/a.so"), 0o644, 0, 0, "")
            .file("/tmp/evil.so", 0o644, 0, 0, "")
            .file(&path, 0o644, 0, 0, text)
    };
    let judged = |text: &str| file(&host(text), &path, &changed);
    assert!(
        judged(&format!("# a\n\"{folder}/loaders/a.so\"\n\"a\" 5 \"gdk\" \"image/a\"\n")).is_ok()
    );
    for evil in ["/tmp/evil.so", &format!("{folder}/../../../../../tmp/evil.so"), "../../evil.so"] {
        let text = format!("\"{folder}/loaders/a.so\"\n  \"{evil}\"\n");
        assert!(judged(&text).is_err(), "{evil}");
    }
}

#[test]
fn of_an_index_directory_only_the_indexes_are_generated_and_nothing_that_may_be_executed() {
    let changed = [added("/usr/share/mime/packages/a.xml")];
    let tool = "update-mime-database";
    let host = |path: &str, text: &str| with_tool(tool).file(path, 0o644, 0, 0, text);
    let ok = |path: &str| file(&host(path, "x"), path, &changed).is_ok();
    assert!(ok("/usr/share/mime/types") && ok("/usr/share/mime/text/plain.xml"));
    for other in ["/usr/share/mime/backdoor", "/usr/share/mime/a.so", "/usr/share/mime/x/types"] {
        assert!(!ok(other), "{other}");
    }
    let program = record(FileKind::File, 0o755, "");
    let path = "/usr/share/mime/types";
    assert!(judged(&host(path, "x"), path, &program, &changed).is_err());
    assert!(file(&host(path, "\x7fELF"), path, &changed).is_err());
    assert!(file(&host(path, "#!/bin/sh\n"), path, &changed).is_err());
}

#[test]
fn lists_of_depmod_stay_below_their_directory_and_configure_nothing_else() {
    let folder = "/usr/lib/modules/6.1.0";
    let changed = [added(&format!("{folder}/extra/a.ko"))];
    let judged = |name: &str, text: &str| {
        let path = format!("{folder}/{name}");
        file(&with_tool("depmod").file(&path, 0o644, 0, 0, text), &path, &changed)
    };
    assert!(judged("modules.dep", "extra/a.ko: kernel/b.ko.xz\n").is_ok());
    assert!(judged("modules.dep", "extra/a.ko: /tmp/evil.ko\n").is_err());
    assert!(judged("modules.dep.bin", "\0\x01a\0../../../tmp/evil.ko:\0").is_err());
    assert!(judged("modules.softdep", "# soft\nsoftdep a pre: b\n").is_ok());
    assert!(judged("modules.softdep", "install a /tmp/evil\n").is_err());
    assert!(judged("modules.evil", "").is_err());
}

#[test]
fn an_entry_of_mailcap_is_one_of_a_package() {
    let entry = "text/html; /usr/bin/w3m -I %{charset} -T text/html '%s'; needsterminal";
    let host = |text: String| {
        with_tool("update-mime")
            .dir("/usr/lib/mime/packages", 0o755, 0, 0)
            .file("/usr/lib/mime/packages/w3m", 0o644, 0, 0, format!("{entry}\n"))
            .dir("/usr/share/applications", 0o755, 0, 0)
            .file("/usr/share/applications/a.desktop", 0o644, 0, 0, "[x]\nExec=xpdf %U\n")
            .file("/etc/mailcap", 0o644, 0, 0, text)
    };
    let changed = [added("/usr/lib/mime/packages/w3m")];
    let judged = |text: String| file(&host(text), "/etc/mailcap", &changed);
    assert!(
        judged(format!("# made\n{entry}\napplication/pdf; xpdf %s; test=test -n \"$DISPLAY\"\n"))
            .is_ok()
    );
    assert!(judged(format!("{entry}\ntext/html; /tmp/evil %s\n")).is_err());
    assert!(judged("text/html; xpdf %s; test=/tmp/evil\n".to_owned()).is_err());
}

#[test]
fn a_link_of_alternatives_may_lead_only_where_one_does() {
    let file = "auto\n/usr/bin/editor\neditor.1\n/usr/share/man/editor.1\n\n/usr/bin/vim\n30\n\
                /usr/share/man/vim.1\n\n";
    let status = "Package: vim\nStatus: install ok installed\nVersion: 9\n";
    let list = "/usr/bin/vim\n/usr/share/man/vim.1\n";
    let host = with_tool("update-alternatives")
        .file("/var/lib/dpkg/alternatives/editor", 0o644, 0, 0, file)
        .file("/var/lib/dpkg/status", 0o644, 0, 0, status)
        .file("/var/lib/dpkg/info/vim.list", 0o644, 0, 0, list);
    let by = Ok("made by update-alternatives".to_owned());
    assert_eq!(link(&host, "/usr/bin/editor", "/etc/alternatives/editor"), by);
    assert_eq!(link(&host, "/etc/alternatives/editor", "/usr/bin/vim"), by);
    assert_eq!(link(&host, "/etc/alternatives/editor.1", "/usr/share/man/vim.1"), by);
    assert!(link(&host, "/etc/alternatives/editor", "/tmp/vim").is_err());
    // One that somebody has written into the list, and that is no package's.
    let text = file.replace("/usr/bin/vim", "/usr/local/bin/vim");
    let host = host.file("/var/lib/dpkg/alternatives/editor", 0o644, 0, 0, text);
    assert!(link(&host, "/etc/alternatives/editor", "/usr/local/bin/vim").is_err());
}

#[test]
fn an_authority_that_was_only_added_to_the_file_of_all_is_nobodys() {
    let pem =
        |name: &str| format!("-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n");
    let host = |all: String| {
        with_tool("update-ca-certificates")
            .dir("/usr/share/ca-certificates/mozilla", 0o755, 0, 0)
            .file("/usr/share/ca-certificates/mozilla/a.crt", 0o644, 0, 0, pem("a"))
            .file("/usr/share/ca-certificates/mozilla/old.crt", 0o644, 0, 0, pem("old"))
            .file("/usr/local/share/ca-certificates/b.crt", 0o644, 0, 0, pem("b"))
            .file("/etc/ca-certificates.conf", 0o644, 0, 0, "mozilla/a.crt\n!mozilla/old.crt\n")
            .file(certificates::CERTIFICATES, 0o644, 0, 0, &all)
    };
    let by = |all: String| file(&host(all), certificates::CERTIFICATES, &[]);
    assert!(by(pem("a") + &pem("b")).is_ok());
    assert!(by(pem("a") + &pem("evil")).is_err());
    assert!(by(pem("a") + &pem("old")).is_err(), "the host does not want that one");
}

#[test]
fn what_is_no_file_is_not_made_by_a_program_that_makes_one() {
    let host = with_tool("passwd").file("/etc/.pwd.lock", 0o600, 0, 0, "");
    let by = |kind| judged(&host, "/etc/.pwd.lock", &record(kind, 0o600, "/tmp/x"), &[]);
    assert!(by(FileKind::File).is_ok());
    for kind in [FileKind::Fifo, FileKind::CharDevice, FileKind::Symlink] {
        assert!(by(kind).is_err());
    }
}
