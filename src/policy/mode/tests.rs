use super::*;
use FileKind::{Directory, File};
use proptest::prelude::*;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn mode(text: &str) -> ModeExpectation {
    ModeExpectation::parse(text, true).unwrap()
}

fn error(text: &str, quoted: bool) -> String {
    ModeExpectation::parse(text, quoted).unwrap_err()
}

#[test]
fn octal_is_octal_whether_quoted_or_not() {
    for (text, quoted) in [("0640", false), ("0640", true), ("0o640", false), ("640", true)] {
        let expected = ModeExpectation::parse(text, quoted).unwrap();
        assert!(expected.holds(Mode(0o640), File), "{text}");
        assert!(!expected.holds(Mode(0o644), File), "{text}");
        assert_eq!(expected.to_string(), "0640");
    }
    assert!(mode("2755").holds(Mode(0o2755), Directory));
    assert!(mode("0").holds(Mode(0), File));
}

#[test]
fn bare_digits_without_a_leading_zero_are_refused_with_advice() {
    assert_eq!(
        error("416", false),
        "`416` without a leading zero is a decimal number in YAML: write `mode: \"0416\"`, \
         or `mode: \"0640\"` if the decimal number is meant"
    );
    assert!(error("640", false).contains("write `mode: \"0640\"`"));
    assert!(error("99999", false).contains("as in `mode: \"0640\"`"));
}

#[test]
fn a_wrong_part_is_named() {
    for (text, part) in [
        ("", "missing"),
        ("0680", "`8` in `0680`"),
        ("0o", "no digits"),
        ("017777", "7777"),
        ("64", "three or four"),
        ("64000", "three or four"),
        ("u+rw,,o-w", "empty clause"),
        ("u+rw, o-w", "space"),
        ("u+rq", "`q` in `u+rq` is not a permission"),
        ("z+r", "`z` in `z+r` is not a class"),
        ("urw", "no operator"),
        ("0640x", "neither"),
        ("u+", "names no permission"),
        ("u+r-", "names no permission"),
        ("g=u", "copying"),
        ("o+s", "a matter of u or g"),
        ("ug+t", "a matter of o or a"),
        ("rw-r-----", "write `mode: \"0640\"`"),
        ("-rwxr-xr-x", "write `mode: \"0755\"`"),
        ("u+ä", "`ä`"),
    ] {
        let error = error(text, true);
        assert!(error.contains(part), "{text}: {error}");
    }
    assert!(error(&"u+r,".repeat(100), true).contains("256"));
}

#[test]
fn plus_must_be_there_and_minus_must_not_and_the_rest_is_free() {
    let expected = mode("u+rw,o-w");
    assert!(expected.holds(Mode(0o640), File) && expected.holds(Mode(0o6775), File));
    assert!(!expected.holds(Mode(0o440), File) && !expected.holds(Mode(0o642), File));
    assert_eq!(expected.to_string(), "u+rw,o-w");
}

#[test]
fn equals_is_exact_for_its_class_and_special_bits_belong_to_classes() {
    assert!(mode("u=rw").holds(Mode(0o2677), File));
    assert!(!mode("u=rw").holds(Mode(0o4600), File), "u= is about setuid too");
    assert!(mode("u=rws").holds(Mode(0o4600), File));
    assert!(!mode("o=").holds(Mode(0o1000), File), "o= is about the sticky bit too");
    assert!(mode("g=rwx").holds(Mode(0o2070), Directory), "but a directory keeps its setgid");
    assert!(!mode("g=rwxs").holds(Mode(0o070), Directory));
    assert!(mode("a=r,u+w").holds(Mode(0o644), File), "later clauses win");
    assert!(mode("+t").holds(Mode(0o1777), Directory));
}

#[test]
fn capital_x_is_about_directories_and_what_somebody_executes() {
    let expected = mode("a+X");
    assert!(expected.holds(Mode(0o644), File) && !expected.holds(Mode(0o744), File));
    assert!(!expected.holds(Mode(0o644), Directory) && expected.holds(Mode(0o755), Directory));
}

#[test]
fn at_most_forbids_bits_and_at_least_requires_them() {
    assert!(mode("0640").at_most(Mode(0o600), File) && mode("0640").at_most(Mode(0), File));
    assert!(!mode("0640").at_most(Mode(0o604), File) && !mode("0640").at_most(Mode(0o4640), File));
    assert!(mode("0640").at_least(Mode(0o4777), File));
    assert!(!mode("0640").at_least(Mode(0o600), File));
    assert!(mode("go-w").forbids() && !mode("go-w").requires());
    assert!(mode("u+r").requires() && !mode("u+r").forbids());
    assert!(mode("a+X").requires() && !mode("7777").forbids() && !mode("0000").requires());
}

#[test]
fn the_repair_is_what_an_administrator_would_type() {
    for (expected, is, kind, repair) in [
        ("u+rw,o-w", 0o002, File, "u+rw,o-w"),
        ("u+rw,o-w", 0o600, File, ""),
        ("go-w", 0o666, File, "go-w"),
        ("0640", 0o000, File, "0640"),
        ("0640", 0o640, File, ""),
        ("0755", 0o2755, Directory, "00755"),
        ("u=rw", 0o4755, File, "u-xs"),
        ("g+s,+t", 0o755, Directory, "g+s,a+t"),
    ] {
        assert_eq!(mode(expected).repair(Mode(is), kind), repair, "{expected} of {is:o}");
    }
    assert_eq!(mode("0640").repair_at_most(Mode(0o4777), File), "u-xs,g-wx,o-rwx");
    assert_eq!(mode("0640").repair_at_least(Mode(0o4000), File), "u+rw,g+r");
}

fn symbolic() -> impl Strategy<Value = String> {
    let clause =
        ("(u|g|o|a|ug|go|uo|ugo|)", "[-+=]", "[rwx]{1,3}|s|t|X|rX|rws|rwxt", "=?[rwx]{0,2}");
    let clause = clause.prop_map(|(classes, operator, bits, more)| {
        let more = if more.starts_with('=') { more } else { String::new() };
        format!("{classes}{operator}{bits}{more}")
    });
    proptest::collection::vec(clause, 1..4)
        .prop_map(|clauses| clauses.join(","))
        .prop_filter("s and t of the wrong class", |text| {
            ModeExpectation::parse(text, true).is_ok()
        })
}

/// Runs chmod with an umask of 0, so that a clause without classes means all of them.
fn chmod(argument: &str, path: &Path) -> Mode {
    let script = "umask 0; exec chmod -- \"$1\" \"$2\"";
    let status =
        Command::new("sh").args(["-c", script, "sh", argument]).arg(path).status().unwrap();
    assert!(status.success(), "chmod {argument}");
    Mode((fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777) as u16)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    /// Differential: the real chmod makes of every mode what `applied` says, and a repair repairs.
    #[test]
    fn chmod_agrees(text in symbolic(), bits in 0_u16..0o10000, directory: bool) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        let kind = if directory { Directory } else { File };
        if directory { fs::create_dir(&path).unwrap() } else { fs::write(&path, "").unwrap() }
        let reset = || fs::set_permissions(&path, Permissions::from_mode(bits.into())).unwrap();
        let expected = mode(&text);

        reset();
        let after = chmod(&text, &path);
        prop_assert_eq!(expected.applied(Mode(bits), kind), after, "{} of {:o}", text, bits);
        if !text.contains('X') {
            prop_assert!(expected.holds(after, kind), "{} after itself: {}", text, after);
        }

        reset();
        let repair = expected.repair(Mode(bits), kind);
        prop_assert_eq!(repair.is_empty(), expected.holds(Mode(bits), kind));
        if !repair.is_empty() {
            prop_assert_eq!(chmod(&repair, &path), expected.applied(Mode(bits), kind));
        }
    }

    #[test]
    fn an_octal_repair_repairs_files_and_directories(want in 0_u16..0o10000, bits in 0_u16..0o10000, directory: bool) {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        let kind = if directory { Directory } else { File };
        if directory { fs::create_dir(&path).unwrap() } else { fs::write(&path, "").unwrap() }
        fs::set_permissions(&path, Permissions::from_mode(bits.into())).unwrap();
        let expected = mode(&format!("{want:04o}"));
        let repair = expected.repair(Mode(bits), kind);
        if !repair.is_empty() {
            prop_assert_eq!(chmod(&repair, &path), Mode(want));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in ".{0,40}", modelike in "[ugoa+=rwxXst,0-9-]{0,12}", quoted: bool) {
        for text in [text, modelike] {
            if let Ok(expected) = ModeExpectation::parse(&text, quoted) {
                let _ = expected.repair(Mode(0o644), File);
            }
        }
    }
}
