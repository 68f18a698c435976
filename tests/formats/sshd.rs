//! sshd_config: which values are in force, compared with sshd itself.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use spotcheck::facts::settings::{Lookup, Settings};
use spotcheck::facts::{Cause, Fact};
use spotcheck::formats::by_name;
use spotcheck::formats::sshd::keywords;
use spotcheck::host::Files;
use spotcheck::targets::memory::Memory;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const MAIN: &str = "/etc/ssh/sshd_config";

fn parse(files: &Memory) -> Fact<Settings> {
    let content = files.read(Path::new(MAIN)).unwrap().unwrap();
    (by_name("sshd").unwrap().parse)(files, Path::new(MAIN), &content)
}

fn host(content: impl AsRef<[u8]>) -> Memory {
    Memory::new().file(MAIN, 0o644, 0, 0, content)
}

fn values(settings: &Settings, path: &str) -> Vec<String> {
    let show = |lookup: Lookup| match lookup {
        Lookup::Set(setting) => setting.value.clone(),
        Lookup::NotSet(at) => format!("not set at {at}"),
    };
    settings.lookup(path).into_iter().map(show).collect()
}

fn asked(content: &str, path: &str) -> Vec<String> {
    values(&parse(&host(content)).unwrap(), path)
}

#[test]
fn the_first_value_wins() {
    assert_eq!(asked("PermitRootLogin no\npermitrootlogin yes\n", "PermitRootLogin"), ["no"]);
}

#[test]
fn every_port_counts() {
    assert_eq!(asked("Port 22\nPort=2222\n", "port"), ["22", "2222"]);
}

#[test]
fn every_member_of_a_list_is_a_value() {
    let text = "AllowUsers alice bob\nAllowUsers carol\n";
    assert_eq!(asked(text, "allowusers"), ["alice", "bob", "carol"]);
}

#[test]
fn a_match_block_that_says_yes_is_seen() {
    let text = "PermitRootLogin no\nMatch Address 10.0.0.0/8\n  PermitRootLogin yes\n";
    assert_eq!(asked(text, "permitrootlogin"), ["no", "yes"]);
    assert_eq!(asked(text, "match.permitrootlogin"), ["yes"]);
    let settings = parse(&host(text)).unwrap();
    assert_eq!(settings.root.blocks[0].label, "Address 10.0.0.0/8");
    let Lookup::Set(exception) = settings.lookup("permitrootlogin")[1] else { panic!("not set") };
    assert_eq!(exception.at.line, 3);
}

#[test]
fn a_good_match_block_does_not_hide_a_bad_default() {
    let text = "Match User git\n PasswordAuthentication no\n";
    assert_eq!(asked(text, "passwordauthentication"), ["yes", "no"]);
    let text = "Match User git\n AllowUsers git\n";
    assert_eq!(asked(text, "allowusers"), ["", "git"]);
}

#[test]
fn match_all_is_no_condition() {
    let text = "Match User git\n X11Forwarding yes\nMatch all\nPermitRootLogin no\n";
    assert_eq!(asked(text, "permitrootlogin"), ["no"]);
    assert_eq!(asked(text, "x11forwarding"), ["no", "yes"]);
}

#[test]
fn within_one_match_block_the_first_value_wins_too() {
    let text = "Match User a\nBanner /a\nBanner /b\nMatch User b\nBanner /c\n";
    assert_eq!(asked(text, "banner"), ["none", "/a", "/c"]);
}

#[test]
fn an_old_name_is_the_same_keyword() {
    let text = "ChallengeResponseAuthentication no\nKbdInteractiveAuthentication yes\n";
    assert_eq!(asked(text, "kbdinteractiveauthentication"), ["no"]);
    assert_eq!(asked(text, "challengeresponseauthentication"), ["no"]);
}

#[test]
fn includes_stand_where_they_are_written_and_a_match_ends_with_its_file() {
    let files = host("Include conf.d/*.conf\nPort 22\nMatch User x\n Include inner\n")
        .file("/etc/ssh/conf.d/a.conf", 0o644, 0, 0, "UsePAM yes\nMatch User y\nBanner /y\n")
        .file("/etc/ssh/conf.d/b.conf", 0o644, 0, 0, "UsePAM no\nBanner /global\n")
        .file("/etc/ssh/inner", 0o644, 0, 0, "PermitTTY no\n");
    let settings = parse(&files).unwrap();
    assert_eq!(values(&settings, "usepam"), ["yes"]);
    assert_eq!(values(&settings, "banner"), ["/y", "/global"]);
    assert_eq!(values(&settings, "permittty"), ["yes", "no"]);
    assert_eq!(values(&settings, "port"), ["22"]);
    assert_eq!(settings.files.len(), 4);
    assert_eq!(settings.unread, []);
}

#[test]
fn an_include_that_matches_nothing_is_fine_and_one_without_permission_a_gap() {
    assert_eq!(parse(&host("Include gone /no/such/*\n")).unwrap().unread, []);
    let files = host("Include a\n").file("/etc/ssh/a", 0o600, 0, 0, "").unreadable("/etc/ssh/a");
    assert_eq!(parse(&files).unwrap().unread[0].cause, Cause::PermissionDenied);
}

#[test]
fn a_file_that_includes_itself_ends() {
    assert!(!parse(&host("Include *\nInclude *\n")).unwrap().unread.is_empty());
}

#[test]
fn an_error_has_its_line() {
    let error = parse(&host("Port 22\nBanner \"x\n")).unwrap_err();
    assert_eq!(error.to_string(), "/etc/ssh/sshd_config: line 2: unbalanced quotes");
    assert!(parse(&host(b"Port 2\x002\n")).is_err());
}

#[test]
fn a_value_not_set_has_the_documented_default() {
    let default = by_name("sshd").unwrap().default;
    assert_eq!(default("PermitRootLogin"), Some("prohibit-password"));
    assert_eq!(default("match.permitrootlogin"), None);
    assert_eq!(asked("Port 22\n", "permitrootlogin"), ["not set at /etc/ssh/sshd_config"]);
}

#[test]
fn many_match_blocks_take_no_more_than_linear_time() {
    let text = "Match User a\nPort 1\n".repeat(40_000);
    assert!(parse(&host(text)).is_ok());
}

/// `sshd -T` for a configuration, by keyword; `None` when sshd refuses it or is not installed.
fn sshd(config: &str) -> Option<BTreeMap<String, Vec<String>>> {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-N", "", "-t", "ed25519", "-f"]).arg(&key);
    keygen.output().ok()?.status.success().then_some(())?;
    // sshd insists on its privilege separation directory.
    std::fs::create_dir_all("/run/sshd").ok()?;
    let path = dir.path().join("config");
    std::fs::write(&path, config).unwrap();
    let output = Command::new("/usr/sbin/sshd")
        .arg("-T")
        .arg("-f")
        .arg(&path)
        .arg("-h")
        .arg(&key)
        .output()
        .ok()?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let (name, value) = line.split_once(' ').unwrap_or((line, ""));
        all.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    Some(all)
}

fn same(name: &str, ours: &str, theirs: &str) -> bool {
    ours.eq_ignore_ascii_case(theirs)
        || keywords::spellings(name, ours).iter().any(|other| other == theirs)
}

#[test]
fn sshd_itself_has_the_same_defaults() {
    let Some(theirs) = sshd("") else {
        eprintln!("sshd is not installed: nothing compared");
        return;
    };
    // Built without Kerberos or GSSAPI, sshd does not print those.
    let mut compared = 0;
    for (name, ours) in keywords::defaults() {
        let Some(values) = theirs.get(*name) else { continue };
        assert!(same(name, ours, &values[0]), "{name}: {ours} here, {values:?} there");
        compared += 1;
    }
    assert!(compared > 50, "{compared} defaults compared");
}

#[test]
fn sshd_itself_has_the_same_values_in_force() {
    let config = "Port 2201\nport=2202\n  PermitRootLogin = \"YES\" # why\nPermitRootLogin no\n\
        LoginGraceTime 1m30\nMaxAuthTries 3\nAllowUsers al 'bo b'\nAllowUsers \"c d\" e\\ f\n\
        ChallengeResponseAuthentication no\nBanner /a\"b c\"\nAcceptEnv LANG LC_*\nAcceptEnv X\n\
        AuthorizedKeysFile a b\nAuthorizedKeysFile c\n\"X11Forwarding\" yes\nTCPKeepAlive False\n\
        Subsystem sftp /usr/lib/sftp -l  x\nLogLevel verbose\nClientAliveInterval 2h\r\n\
        Match User nobody-such\n MaxAuthTries 9\n Banner none\n";
    let Some(theirs) = sshd(config) else {
        eprintln!("sshd is not installed: nothing compared");
        return;
    };
    let settings = parse(&host(config)).unwrap();
    let names = [
        "port",
        "permitrootlogin",
        "logingracetime",
        "allowusers",
        "kbdinteractiveauthentication",
        "acceptenv",
        "authorizedkeysfile",
        "x11forwarding",
        "tcpkeepalive",
        "subsystem",
        "loglevel",
        "clientaliveinterval",
        "maxauthtries",
        "banner",
    ];
    for name in names {
        let ours = values(&settings, name);
        // What Match adds comes behind the global values; `-T` shows the latter.
        let global = ours.get(..theirs[name].len()).unwrap();
        let both = global.iter().zip(&theirs[name]);
        for (ours, theirs) in both {
            assert!(same(name, ours, theirs), "{name}: {ours:?} here, {theirs:?} there");
        }
    }
    assert_eq!(values(&settings, "maxauthtries"), ["3", "9"]);
}

#[test]
fn sshd_itself_refuses_the_same_lines() {
    if sshd("").is_none() {
        eprintln!("sshd is not installed: nothing compared");
        return;
    }
    let lines = [
        "Banner /x",
        "Banner",
        "Banner # x",
        "Banner \"/x",
        "Banner '/x",
        "\"Banner /x",
        "Banner=/x",
        "= Banner /x",
        "Banner = = /x",
        "\"Banner\"/x",
        "Banner\t/x",
        " \t Banner /x",
        "Banner /x\\",
        "#",
        "",
        "Banner \"\"",
        "Banner /x \"y",
        "\u{b}Banner /x",
        "Banner /x\u{c}",
        "Banner\"/x\" /y",
        " \"Banner /x",
        " \"Banner\" /x",
        "Banner /x\u{b}",
        "=",
        "Banner /a\\\"b",
    ];
    for line in lines {
        let ours = parse(&host(line)).map(|settings| values(&settings, "banner"));
        let theirs = sshd(line).map(|all| all["banner"].clone());
        match (&ours, &theirs) {
            (Ok(ours), Some(theirs)) if ours[0].starts_with("not set") => {
                assert_eq!(theirs, &["none"], "{line:?}");
            }
            (Ok(ours), Some(theirs)) => assert_eq!(ours, theirs, "{line:?}"),
            (Err(_), None) => {}
            // An unknown keyword or a surplus argument is beyond the words of a line.
            (Ok(_), None) => eprintln!("only sshd refuses {line:?}"),
            (Err(why), Some(_)) => panic!("{line:?}: refused here alone: {why}"),
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&host(bytes));
    }

    #[test]
    fn anything_that_looks_like_sshd_gives_an_answer(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "Port", " ", "=", "\"", "'", "\\", "#", "\n", "Match ", "all", "Include ", "*", "\t", "1h",
                "AllowUsers a b", "\r", "LoginGraceTime 99999999999999999999w", "Subsystem ",
            ]),
            0..60,
        )
    ) {
        let _ = parse(&host(parts.concat()));
    }
}
