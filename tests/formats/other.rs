//! The other formats: what a path leads to, errors with their lines, and bounds.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use spotcheck::facts::settings::{Lookup, Settings};
use spotcheck::facts::{Cause, Fact};
use spotcheck::formats::{FORMATS, by_name, for_path};
use spotcheck::host::Files;
use spotcheck::targets::memory::Memory;
use std::path::Path;
use std::time::Instant;

fn parse_at(format: &str, files: &Memory, path: &str) -> Fact<Settings> {
    let content = files.read(Path::new(path)).unwrap().unwrap();
    (by_name(format).unwrap().parse)(files, Path::new(path), &content)
}

fn parse(format: &str, content: impl AsRef<[u8]>) -> Fact<Settings> {
    parse_at(format, &Memory::new().file("/f", 0o644, 0, 0, content), "/f")
}

/// Values of a path with their lines.
fn seen(settings: &Settings, path: &str) -> Vec<String> {
    let show = |lookup: Lookup| match lookup {
        Lookup::Set(setting) => format!("{}: {}", setting.at.line, setting.value),
        Lookup::NotSet(at) => format!("not set at {at}"),
    };
    settings.lookup(path).into_iter().map(show).collect()
}

fn asked(format: &str, content: &str, path: &str) -> Vec<String> {
    seen(&parse(format, content).unwrap(), path)
}

fn refused(format: &str, content: impl AsRef<[u8]>) -> String {
    parse(format, content).unwrap_err().to_string()
}

mod ini {
    use super::*;

    #[test]
    fn sections_are_blocks_and_names_know_no_case() {
        let text = "a = 1\n[Mail]\n; note\nsmtp_port = 25 ; why\n# x\npath = \"/a b\" \n";
        assert_eq!(asked("ini", text, "A"), ["1: 1"]);
        assert_eq!(asked("ini", text, "mail.SMTP_PORT"), ["4: 25"]);
        assert_eq!(asked("ini", text, "mail.path"), ["6: /a b"]);
        assert_eq!(asked("ini", text, "gone.x"), ["not set at /f"]);
    }

    #[test]
    fn a_section_of_git_has_a_label() {
        let settings = parse("ini", "[remote \"origin\"]\n\turl = x\n[core]\n\tbare\n").unwrap();
        assert_eq!(settings.root.blocks[0].label, "origin");
        assert_eq!(seen(&settings, "remote.url"), ["2: x"]);
        assert_eq!(seen(&settings, "core.bare"), ["4: "]);
    }

    #[test]
    fn all_of_several_values_count_and_sections_of_one_name_are_one() {
        let text = "[a]\nx=1\n[b]\n[A]\nx=2\ny=3\n";
        assert_eq!(asked("ini", text, "a.x"), ["2: 1", "5: 2"]);
        assert_eq!(asked("ini", text, "a.y"), ["6: 3"]);
    }

    #[test]
    fn a_quoted_value_keeps_its_comment_characters() {
        assert_eq!(asked("ini", "a = \"x;y # z\" ; c\n", "a"), ["1: x;y # z"]);
        assert_eq!(asked("ini", "a = http://x/#y\n", "a"), ["1: http://x/#y"]);
    }

    #[test]
    fn a_backslash_joins_lines() {
        assert_eq!(asked("ini", "a = x\\\ny\nb: 2", "a"), ["1: xy"]);
        assert_eq!(asked("ini", "a = x\\\ny\nb: 2", "b"), ["3: 2"]);
    }

    #[test]
    fn an_open_section_header_is_an_error() {
        assert_eq!(
            refused("ini", "\n[a\nx=1"),
            "/f: line 2: a section without its closing bracket"
        );
    }
}

mod systemd {
    use super::*;

    const UNIT: &str = "/etc/systemd/system/nginx.service";

    fn with(unit: &str, dropins: &[(&str, &str)]) -> Settings {
        let start = Memory::new().file(UNIT, 0o644, 0, 0, unit);
        let files =
            dropins.iter().fold(start, |files, (path, text)| files.file(path, 0o644, 0, 0, text));
        parse_at("systemd", &files, UNIT).unwrap()
    }

    #[test]
    fn the_last_value_holds_and_an_empty_one_takes_it_back() {
        let text = "[Service]\nUser=root\nUser=www\nGroup=x\nGroup=\n";
        assert_eq!(asked("systemd", text, "Service.User"), ["3: www"]);
        assert_eq!(asked("systemd", text, "Service.Group"), ["not set at /f:1"]);
    }

    #[test]
    fn lists_add_up_until_an_empty_value() {
        let text = "[Service]\nExecStart=/a\nExecStart=\nExecStart=/b\nExecStart=/c\n";
        assert_eq!(asked("systemd", text, "Service.ExecStart"), ["4: /b", "5: /c"]);
    }

    #[test]
    fn an_empty_bounding_set_is_not_the_same_as_none() {
        let text = "[Service]\nCapabilityBoundingSet=CAP_CHOWN\nCapabilityBoundingSet=\n";
        assert_eq!(asked("systemd", text, "Service.CapabilityBoundingSet"), ["3: "]);
    }

    #[test]
    fn a_boolean_that_is_none_is_ignored() {
        let text = "[Service]\nPrivateNetwork=yes\nPrivateNetwork=\nPrivateNetwork=perhaps\n";
        assert_eq!(asked("systemd", text, "Service.PrivateNetwork"), ["2: yes"]);
    }

    #[test]
    fn joined_lines_pass_over_comments() {
        let text = "[Service]\nExecStart=/a \\\n# no\n; no\n  b\\\\\nUser=x\n";
        assert_eq!(asked("systemd", text, "Service.ExecStart"), ["2: /a    b\\\\"]);
        assert_eq!(asked("systemd", text, "Service.User"), ["6: x"]);
    }

    #[test]
    fn drop_ins_apply_by_name_whatever_their_directory() {
        let settings = with(
            "[Service]\nUser=root\n",
            &[
                ("/etc/systemd/system/nginx.service.d/20-b.conf", "[Service]\nUser=twenty\n"),
                ("/usr/lib/systemd/system/nginx.service.d/30-c.conf", "[Service]\nUser=thirty\n"),
                ("/run/systemd/system/nginx.service.d/20-b.conf", "[Service]\nUser=no\n"),
                ("/usr/lib/systemd/system/service.d/10-all.conf", "[Service]\nUMask=0027\n"),
                ("/etc/systemd/system/nginx.service.d/.40.conf", "[Service]\nUser=hidden\n"),
            ],
        );
        assert_eq!(seen(&settings, "Service.User"), ["2: thirty"]);
        assert_eq!(seen(&settings, "Service.UMask"), ["2: 0027"]);
        assert_eq!(settings.files.len(), 4);
        assert_eq!(settings.unread, []);
    }

    #[test]
    fn a_link_to_nowhere_takes_a_drop_in_away() {
        let files = Memory::new()
            .file("/usr/lib/systemd/system/a.service", 0o644, 0, 0, "[Service]\nUser=a\n")
            .file("/usr/lib/systemd/system/a.service.d/x.conf", 0o644, 0, 0, "[Service]\nUser=b\n")
            .symlink("/etc/systemd/system/a.service.d/x.conf", "/dev/null");
        let settings = parse_at("systemd", &files, "/usr/lib/systemd/system/a.service").unwrap();
        assert_eq!(seen(&settings, "Service.User"), ["2: a"]);
    }

    #[test]
    fn a_unit_that_another_replaces_does_not_answer_for_itself() {
        let files = Memory::new().file("/usr/lib/systemd/system/a.service", 0o644, 0, 0, "").file(
            "/etc/systemd/system/a.service",
            0o644,
            0,
            0,
            "",
        );
        let settings = parse_at("systemd", &files, "/usr/lib/systemd/system/a.service").unwrap();
        assert!(settings.unread[0].to_string().contains("takes its place"));
    }

    #[test]
    fn drop_ins_that_cannot_be_listed_leave_a_gap() {
        let files = Memory::new()
            .file(UNIT, 0o644, 0, 0, "")
            .dir("/etc/systemd/system/nginx.service.d", 0o700, 0, 0)
            .unreadable("/etc/systemd/system/nginx.service.d");
        let settings = parse_at("systemd", &files, UNIT).unwrap();
        assert_eq!(settings.unread[0].cause, Cause::PermissionDenied);
    }

    #[test]
    fn a_dynamic_user_is_a_user() {
        let settings = with("[Service]\nDynamicUser=1\nProtectHome=yes\n", &[]);
        assert_eq!(seen(&settings, "Service.User"), ["2: nginx"]);
        assert_eq!(seen(&settings, "Service.NoNewPrivileges"), ["2: yes"]);
        assert_eq!(seen(&settings, "Service.ProtectHome"), ["3: yes"]);
    }

    #[test]
    fn all_spellings_of_yes_are_the_same() {
        let settings = with("[Service]\nNoNewPrivileges=On\n", &[]);
        let Lookup::Set(flag) = settings.lookup("Service.NoNewPrivileges")[0] else { panic!() };
        assert!(flag.also.contains(&"yes".to_owned()), "{flag:?}");
    }

    #[test]
    fn a_configuration_of_a_daemon_has_drop_ins_as_well() {
        let files = Memory::new()
            .file("/etc/systemd/journald.conf", 0o644, 0, 0, "[Journal]\nStorage=auto\n")
            .file(
                "/usr/lib/systemd/journald.conf.d/a.conf",
                0o644,
                0,
                0,
                "[Journal]\nStorage=none\n",
            );
        let settings = parse_at("systemd", &files, "/etc/systemd/journald.conf").unwrap();
        assert_eq!(seen(&settings, "Journal.Storage"), ["2: none"]);
    }
}

mod sysctl {
    use super::*;

    #[test]
    fn a_key_is_found_as_a_name_and_as_a_path() {
        let text = "# x\nnet.ipv4.ip_forward = 1\n-net/ipv4/conf/eth0.1/rp_filter=2\nnet.ipv4.ip_forward=0\n";
        assert_eq!(asked("sysctl", text, "\"net.ipv4.ip_forward\""), ["4: 0"]);
        assert_eq!(asked("sysctl", text, "net.ipv4.ip_forward"), ["4: 0"]);
        assert_eq!(asked("sysctl", text, "net.ipv4.conf.eth0/1.rp_filter"), ["3: 2"]);
        assert_eq!(asked("sysctl", "a = 1\n", "a"), ["1: 1"]);
    }

    #[test]
    fn values_of_several_words_are_joined_by_one_space() {
        assert_eq!(asked("sysctl", "a.b = 1\t 2\n", "a.b"), ["1: 1 2"]);
    }

    #[test]
    fn a_line_without_a_value_is_an_error_unless_it_excludes() {
        assert!(parse("sysctl", "-a.b\n").is_ok());
        assert_eq!(refused("sysctl", "\nnonsense\n"), "/f: line 2: expected key = value");
    }
}

mod env {
    use super::*;

    #[test]
    fn quotes_are_removed_as_a_shell_does() {
        let text = "A=x\nexport B=\"a \\\"b\\\" \\x\"\nC='it'\\''s'\nD=a\\ b # c\nE=\nF=a#b\n";
        for (name, value) in [
            ("A", "1: x"),
            ("B", "2: a \"b\" \\x"),
            ("C", "3: it's"),
            ("D", "4: a b"),
            ("E", "5: "),
            ("F", "6: a#b"),
        ] {
            assert_eq!(asked("env", text, name), [value]);
        }
    }

    #[test]
    fn the_last_assignment_wins() {
        assert_eq!(asked("env", "A=1\nA=2\nunset B\nB=3\nB=4\nunset B\n", "A"), ["2: 2"]);
        assert_eq!(asked("env", "B=3\nunset B\n", "B"), ["not set at /f"]);
    }

    #[test]
    fn a_value_may_go_over_lines() {
        let text = "A=\"x\ny\"\nB=a\\\nb\nC=1\n";
        assert_eq!(asked("env", text, "A"), ["1: x\ny"]);
        assert_eq!(asked("env", text, "B"), ["3: ab"]);
        assert_eq!(asked("env", text, "C"), ["5: 1"]);
    }

    #[test]
    fn where_a_script_branches_every_assignment_counts() {
        let text = "U=a\nif [ \"$X\" = \"y\" ]; then\n  U=b\nelse\nU=c\nfi\n";
        let settings = parse("env", text).unwrap();
        assert_eq!(settings.unread, []);
        assert_eq!(seen(&settings, "U"), ["1: a", "3: b", "5: c"]);
    }

    #[test]
    fn a_command_leaves_a_gap() {
        for line in [". /etc/other", "if x; then A=2; fi", "eval $y", "if [ ${A:=2} ]; then"] {
            assert_eq!(parse("env", format!("A=1\n{line}\n")).unwrap().unread.len(), 1, "{line}");
        }
    }

    /// Each text, the variable `A`, and what `sh -c '. FILE; printf %s "$A"'` says of it; `None` where
    /// it depends on more than the file.
    #[test]
    fn a_shell_reads_the_same() {
        let texts = [
            ("A=ok\nB=1; A=bad\n", Some("bad")),
            ("A=ok\nB=1 A=bad\n", Some("bad")),
            ("A=ok\nexport B=1 A=bad\n", Some("bad")),
            ("A=ok\nexport C B=1 A=bad D\n", Some("bad")),
            ("A=bad; B=1\n", Some("bad")),
            ("A=bad;B=1;;\n", None),
            ("A='a;b' # c\n", Some("a;b")),
            ("A=a#b\n", Some("a#b")),
            ("A=\"it's\" B='\"'\n", Some("it's")),
            ("A=\n", Some("")),
            ("A=a\\\nb\n", Some("ab")),
            ("readonly A=1\n", Some("1")),
            ("A=1\nunset A\n", Some("")),
            ("A=$B\nA=plain\n", Some("plain")),
            ("A=good\nB=$(x 'y' $(z))\n", Some("good")),
            ("A=good\nB=\"`x \"y\"`\" C=${D:-\"e f\"}\n", Some("good")),
            ("A=one two\n", None),
            ("A=ok\nA=one eval A=2\n", None),
            ("A=x\r\n", None),
            ("A=~/x\n", None),
            ("A=a:~b\n", None),
            ("A=(1 2)\n", None),
            ("A=ok && A=2\n", None),
            ("A=ok | A=2\n", None),
        ];
        for (text, wanted) in texts {
            let settings = parse("env", text).unwrap();
            let value = seen(&settings, "A").pop().unwrap_or_default();
            let value = value.split_once(": ").map_or("", |(_, value)| value).to_owned();
            let open = settings.undecided.iter().any(|open| open.name == "A");
            let told = (!open && settings.unread.is_empty()).then_some(value);
            assert_eq!(told.as_deref(), wanted, "{text:?}");
            let Some(wanted) = wanted else { continue };
            let place = tempfile::tempdir().unwrap();
            let file = place.path().join("f");
            std::fs::write(&file, text).unwrap();
            let script =
                format!("x() {{ :; }}; . {} 2>/dev/null; printf %s \"$A\"", file.display());
            let theirs = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(theirs.stdout).unwrap(), wanted, "{text:?}");
        }
    }

    #[test]
    fn an_open_quote_is_an_error() {
        assert_eq!(refused("env", "A=1\nB=\"x\n\n"), "/f: line 2: a quote that is not closed");
    }
}

mod json {
    use super::*;

    #[test]
    fn objects_are_blocks_and_lists_are_several_values() {
        let text =
            "{\n \"a\": {\"b\": [1,\n \"x\"], \"c.d\": null},\n \"l\": [{\"n\": true}, {}]\n}\n";
        assert_eq!(asked("json", text, "a.b"), ["2: 1", "3: x"]);
        assert_eq!(asked("json", text, "a.\"c.d\""), ["3: null"]);
        assert_eq!(asked("json", text, "l.n"), ["4: true", "not set at /f:4"]);
    }

    #[test]
    fn escapes_are_undone() {
        assert_eq!(asked("json", r#"{"a": "\u00e9\n\ud83d\ude00\""}"#, "a"), ["1: é\n😀\""]);
    }

    #[test]
    fn a_repeated_name_hides_nothing() {
        assert_eq!(asked("json", "{\"a\":1,\"a\":2}", "a"), ["1: 1", "1: 2"]);
    }

    #[test]
    fn the_same_texts_are_accepted_as_by_another_reader() {
        let texts = [
            "{}",
            "[]",
            "1",
            "-1.5e+3",
            "01",
            "1.",
            ".5",
            "\"a",
            "{\"a\"}",
            "{\"a\":}",
            "[1,]",
            "{,}",
            "nul",
            "true false",
            " null ",
            "\"\\x\"",
            "\"\u{1}\"",
            "{\"a\":1,}",
            "[1 2]",
            "",
            "-",
            "1e",
            "+1",
            "NaN",
            "\"\\ud800\"",
            "{a:1}",
            "'a'",
            "// c\n1",
            "\u{a0}1",
            "[[[]]]",
            "\"\t\"",
            "0",
            "-0",
            "1E5",
            "[",
        ];
        for text in texts {
            let theirs = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(parse("json", text).is_ok(), theirs, "{text:?}");
        }
    }

    #[test]
    fn an_error_has_its_line() {
        assert_eq!(
            refused("json", "{\n\"a\": 1\n\"b\": 2}"),
            "/f: line 3: expected \",\" or \"}\""
        );
        assert_eq!(refused("json", b"{\n\"a\": \"\xff\"}"), "/f: line 2: not UTF-8");
    }
}

mod yaml {
    use super::*;

    #[test]
    fn maps_are_blocks_and_scalars_are_as_written() {
        let text = "a:\n  b: yes\n  mode: 0640\n  n: ~\n  l:\n    - x\n    - k: v\n";
        assert_eq!(asked("yaml", text, "a.b"), ["2: yes"]);
        assert_eq!(asked("yaml", text, "a.mode"), ["3: 0640"]);
        assert_eq!(asked("yaml", text, "a.n"), ["4: null"]);
        assert_eq!(asked("yaml", text, "a.l"), ["6: x"]);
        assert_eq!(asked("yaml", text, "a.l.k"), ["7: v"]);
    }

    #[test]
    fn aliases_and_merges_are_resolved() {
        let text = "base: &b {x: 1, y: 2}\nown:\n  <<: *b\n  y: 3\nsame: *b\n";
        assert_eq!(asked("yaml", text, "own.x"), ["1: 1"]);
        assert_eq!(asked("yaml", text, "own.y"), ["4: 3"]);
        assert_eq!(asked("yaml", text, "same.y"), ["1: 2"]);
    }

    #[test]
    fn aliases_of_aliases_do_not_explode() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..30 {
            text += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
        }
        assert!(matches!(parse("yaml", text).unwrap_err().cause, Cause::TooLarge(_)));
    }

    #[test]
    fn several_documents_count_as_one() {
        assert_eq!(asked("yaml", "a: 1\n---\na: 2\n", "a"), ["1: 1", "3: 2"]);
    }

    #[test]
    fn an_error_has_its_line() {
        assert!(refused("yaml", "a: 1\nb: [\n").starts_with("/f: line "));
        assert!(refused("yaml", "a: 1\nb: *gone\n").starts_with("/f: line 2"));
    }
}

mod toml {
    use super::*;

    #[test]
    fn tables_are_blocks_with_true_lines() {
        let text = "a = 1_000\n[b.c]\nd = [\"x\",\n 0o17]\n[[e]]\nf = 1979-05-27\n[[e]]\n";
        assert_eq!(asked("toml", text, "a"), ["1: 1_000"]);
        assert_eq!(asked("toml", text, "b.c.d"), ["3: x", "4: 0o17"]);
        assert_eq!(asked("toml", text, "e.f"), ["6: 1979-05-27", "not set at /f:7"]);
        let settings = parse("toml", text).unwrap();
        let Lookup::Set(a) = settings.lookup("a")[0] else { panic!() };
        assert_eq!(a.also, ["1000"]);
    }

    #[test]
    fn an_error_has_its_line() {
        assert!(refused("toml", "a = 1\nb = \n").starts_with("/f: line 2: "));
        assert!(refused("toml", "a = 1\na = 2\n").starts_with("/f: line 2: "));
    }

    #[test]
    fn depth_is_bounded_however_it_is_written() {
        for text in [
            format!("[{}]\n", vec!["a"; 50_000].join(".")),
            format!("a = {}", "[".repeat(50_000)),
            format!("a = {}", "{a=".repeat(50_000)),
            format!("{} = 1", vec!["a"; 50_000].join(".")),
            format!(
                "x = {}1{}",
                format!("{{{}=", vec!["a"; 79].join(".")).repeat(70),
                "}".repeat(70)
            ),
        ] {
            assert!(parse("toml", text).is_err());
        }
    }
}

#[test]
fn a_path_suggests_its_format() {
    for (path, name) in [
        ("/etc/nginx/nginx.conf", "nginx"),
        ("/etc/nginx/sites-enabled/default", "nginx"),
        ("/etc/ssh/sshd_config", "sshd"),
        ("/etc/ssh/sshd_config.d/10.conf", "sshd"),
        ("/etc/systemd/system/x.service", "systemd"),
        ("/etc/systemd/system/x.service.d/o.conf", "systemd"),
        ("/etc/systemd/journald.conf", "systemd"),
        ("/etc/sysctl.d/99.conf", "sysctl"),
        ("/etc/os-release", "env"),
        ("/etc/default/ssh", "env"),
        ("/x/package.json", "json"),
        ("/x/compose.yml", "yaml"),
        ("/x/Cargo.toml", "toml"),
        ("/etc/php/8.2/fpm/php.ini", "php"),
    ] {
        assert_eq!(for_path(Path::new(path)).map(|format| format.name), Some(name), "{path}");
    }
    assert!(for_path(Path::new("/etc/passwd")).is_none());
}

#[test]
fn every_format_has_a_name_of_its_own_and_a_word_about_it() {
    let mut names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
    assert!(FORMATS.iter().all(|format| !format.doc.is_empty()));
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!((names.len(), count), (35, 35));
}

#[test]
fn nothing_nested_deeply_overflows_the_stack() {
    for open in
        ["a{", "[", "{\"a\":", "- ", "{a: ", "[a]\n", "? ", "a:\n ", "\"", "&a [", "((", "!a "]
    {
        for format in FORMATS {
            let _ = parse(format.name, open.repeat(20_000));
        }
    }
}

#[test]
fn many_lines_take_no_more_than_linear_time() {
    let started = Instant::now();
    let many = |line: &dyn Fn(usize) -> String| (0..15_000).map(line).collect::<String>();
    for text in [
        many(&|n| format!("[s{n}]\na{n}=1\n")),
        many(&|n| format!("A{n}=1\nunset A{n}\n")),
        many(&|n| format!("a.b{n} = 1\n")),
        many(&|n| format!("k{n}: &a{n} v\n")),
        many(&|_| "[s]\nUser=x\n".to_owned()),
        "[".repeat(100_000),
        "#".repeat(500_000),
        "\\\n".repeat(100_000),
        "\"a\\\"".repeat(200_000),
    ] {
        for format in FORMATS {
            let before = Instant::now();
            let _ = parse(format.name, &text);
            let took = before.elapsed().as_secs();
            assert!(took < 10, "{}: {took} s for {:?}", format.name, text.get(..20));
        }
    }
    assert!(started.elapsed().as_secs() < 240);
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer_in_every_format(
        bytes in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        for format in FORMATS {
            let _ = parse(format.name, &bytes);
        }
    }

    #[test]
    fn any_mixture_of_special_characters_gives_an_answer_in_every_format(
        text in "[\\[\\]{}=:;#\\\\\"' \n\t,a1$&*<!|>.é/-]{0,120}"
    ) {
        for format in FORMATS {
            let _ = parse(format.name, &text);
        }
    }

    #[test]
    fn json_values_are_read_as_another_reader_reads_them(
        map in prop::collection::hash_map("\\PC{0,8}", "\\PC{0,12}", 0..6)
    ) {
        let text = serde_json::to_string_pretty(&map).unwrap();
        let settings = parse("json", &text).unwrap();
        prop_assert_eq!(settings.root.settings.len(), map.len());
        for setting in &settings.root.settings {
            prop_assert_eq!(map.get(&setting.name), Some(&setting.value));
        }
    }
}
