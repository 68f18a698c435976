//! php.ini: which values are in force, compared with PHP itself.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::formats_support::{Config, alone, asked, parse, refused, spellings, values};
use crate::support::{Need, needs, rule};
use proptest::prelude::*;
use spotcheck::facts::settings::Settings;
use spotcheck::formats::{for_path, php};
use spotcheck::host::Files as _;
use spotcheck::targets::memory::Memory;
use std::path::Path;
use std::process::Command;

#[test]
fn the_last_value_wins_and_sections_have_no_meaning() {
    let text = "[PHP]\nmemory_limit = 1M\n[other]\nmemory_limit = 2M ; why\n";
    assert_eq!(asked("php", text, "memory_limit"), ["2M"]);
    assert_eq!(asked("php", "a.b = 1\n", "a.b"), ["1"]);
    assert_eq!(asked("php", "memory_limit\n", "memory_limit"), ["not set at line 0"]);
}

#[test]
fn files_of_the_scanned_directory_come_behind_in_the_order_of_their_names() {
    let config = Config::new(&[
        ("php.ini", "precision = 1\nextension = a\nx = 1\n"),
        ("conf.d/20-b.ini", "precision = 20\nextension = b\n"),
        ("conf.d/3.ini", "precision = 3\n"),
        ("conf.d/99.ini.off", "precision = 99\n"),
    ]);
    let settings = config.parse("php").unwrap();
    assert_eq!(values(&settings, "precision"), ["3"]);
    assert_eq!(values(&settings, "extension"), ["a", "b"]);
    assert_eq!(settings.files.len(), 3);
    let fedora = Memory::new().file("/etc/php.ini", 0o644, 0, 0, "precision = 1\n").file(
        "/etc/php.d/a.ini",
        0o644,
        0,
        0,
        "precision = 2\n",
    );
    assert_eq!(values(&parse("php", &fedora, "/etc/php.ini").unwrap(), "precision"), ["2"]);
}

#[test]
fn what_holds_for_a_directory_or_host_counts_beside_the_global_value() {
    let text = "display_errors = Off\n[HOST=Dev.example]\ndisplay_errors = On\n[PATH=/srv/]\n\
        precision = 9\n[PHP]\nx = 1\n";
    assert_eq!(asked("php", text, "display_errors"), ["Off", "On"]);
    assert_eq!(asked("php", text, "HOST.display_errors"), ["On"]);
    assert_eq!(asked("php", text, "x"), ["1"]);
    // Elsewhere the default holds, or nobody knows what.
    assert_eq!(asked("php", "[PATH=/a]\nexpose_php = Off\n", "expose_php"), ["1", "Off"]);
    let settings = parse("php", &alone(text), "/c/main").unwrap();
    assert!(settings.unread[0].to_string().contains("precision elsewhere is not known"));
}

#[test]
fn a_scanned_file_that_cannot_be_read_or_understood_is_a_gap() {
    let host = |text: &str| {
        Memory::new().file("/etc/php/8.2/cli/php.ini", 0o644, 0, 0, "expose_php = Off\n").file(
            "/etc/php/8.2/cli/conf.d/a.ini",
            0o644,
            0,
            0,
            text,
        )
    };
    let off = rule("config: /etc/php/8.2/cli/php.ini\nmust: { expose_php: \"Off\" }");
    off.on(&host("x = 1")).passes();
    let words = "expose_php: /etc/php/8.2/cli/conf.d/a.ini";
    off.on(&host("x = 1\ny = a=b"))
        .unknown_with(&format!("{words}: line 2: an = within a value that has no quotes"));
    off.on(&host("").unreadable("/etc/php/8.2/cli/conf.d/a.ini"))
        .unknown_with(&format!("{words}: permission denied"));
    // A variable that is not known says nothing of other settings.
    off.on(&host("y = ${SECRET}")).passes();
    off.on(&host("expose_php = ${SECRET}")).unknown_with(
        "expose_php: /etc/php/8.2/cli/conf.d/a.ini:1: the variable ${SECRET} of PHP's environment \
         is not known",
    );
}

#[test]
fn values_are_known_as_php_has_them_and_in_words() {
    let of =
        |text: &str, name: &str| spellings(&parse("php", &alone(text), "/c/main").unwrap(), name);
    for on in ["On", "1", "true", "yes"] {
        assert!(of("expose_php = on", "expose_php").contains(&on.to_owned()), "{on}");
    }
    for off in ["Off", "0", "", "no"] {
        assert!(of("expose_php = No", "expose_php").contains(&off.to_owned()), "{off}");
    }
    let reporting = of("error_reporting = E_ALL & ~E_DEPRECATED", "error_reporting");
    assert_eq!(reporting, ["E_ALL & ~E_DEPRECATED", "22527", "24575"]);
    assert_eq!(
        asked("php", "disable_functions = exec,system", "disable_functions"),
        ["exec", "system"]
    );
}

#[test]
fn rules_can_ask_for_names_with_dots_and_compare_sizes_and_times() {
    let text = "memory_limit = 256M\nsession.gc_maxlifetime = 3600\nsession.use_strict_mode = 1\n\
        disable_functions = exec,system\nmysqli.default_pw = hunter2\n";
    let host = Memory::new().file("/etc/php/8.2/fpm/php.ini", 0o644, 0, 0, text);
    let must =
        |setting: &str| rule(&format!("config: /etc/php/8.2/fpm/php.ini\nmust:\n  {setting}"));
    must("session.use_strict_mode: \"On\"").on(&host).passes();
    must("session.cookie_httponly: 1").on(&host).fails_with(
        "session.cookie_httponly: not set in /etc/php/8.2/fpm/php.ini, so the default 0 applies; \
         expected 1",
    );
    must("memory_limit: { at_most: 1G }").on(&host).passes();
    must("session.gc_maxlifetime: { at_most: 30min }").on(&host).fails_with(
        "session.gc_maxlifetime: session.gc_maxlifetime 3600 (/etc/php/8.2/fpm/php.ini:2); \
         expected at most 30min",
    );
    must("disable_functions: { all: [system] }").on(&host).passes();
    must("mysqli.default_pw: \"\"").on(&host).fails_with(
        "mysqli.default_pw: mysqli.default_pw [hidden] (/etc/php/8.2/fpm/php.ini:5); expected as \
         the rule says, [hidden]",
    );
}

#[test]
fn paths_are_recognised() {
    let format = |path: &str| for_path(Path::new(path)).map(|format| format.name);
    for path in ["/etc/php/8.2/cli/php.ini", "/etc/php.ini", "/etc/php.d/a.ini"] {
        assert_eq!(format(path), Some("php"), "{path}");
    }
    assert_eq!(format("/etc/php/8.2/cli/conf.d/10-x.ini"), Some("php"));
    assert_eq!(format("/etc/app.ini"), Some("ini"));
}

// --- PHP itself ----------------------------------------------------------------------------------

/// What PHP has read: for each name its value, and whether it complained of the syntax.
fn php(config: &Config, names: &[&str]) -> (Vec<Option<String>>, bool) {
    const DUMP: &str = "foreach (array_slice($argv, 1) as $n) { $v = get_cfg_var($n);
        echo $v === false ? \"-\\0\" : '+' . (is_array($v) ? implode(',', $v) : $v) . \"\\0\"; }";
    let output = Command::new("php")
        .arg("-c")
        .arg(config.main())
        .args(["-d", "display_errors=stderr", "-r", DUMP, "--"])
        .args(names)
        .env("PHP_INI_SCAN_DIR", config.dir().join("conf.d"))
        .env_remove("NOPE")
        .output()
        .unwrap();
    let refused = String::from_utf8_lossy(&output.stderr).contains("syntax error")
        || String::from_utf8_lossy(&output.stdout).contains("syntax error");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let answers = text.split_terminator('\0').map(|answer| {
        answer.rsplit_once('\n').map_or(answer, |(_, last)| {
            if last.starts_with(['+', '-']) && answer.contains("syntax error") {
                last
            } else {
                answer
            }
        })
    });
    (answers.map(|answer| answer.strip_prefix('+').map(str::to_owned)).collect(), refused)
}

fn ours(settings: &Settings, name: &str) -> Option<String> {
    let found: Vec<_> = settings.root.settings.iter().filter(|s| s.name == name).collect();
    (!found.is_empty()).then(|| {
        let php = found.iter().map(|s| s.also.last().unwrap_or(&s.value).clone());
        php.collect::<Vec<_>>().join(",")
    })
}

#[track_caller]
fn same_as_php(text: &str, exactly: bool) {
    let config = Config::new(&[("php.ini", text), ("conf.d/.keep", "")]);
    let names = ["a", "b"];
    let (theirs, refused) = php(&config, &names);
    match config.parse("php") {
        Ok(settings) => {
            assert!(!refused, "PHP refuses {text:?}");
            // What only PHP knows is said to be a gap.
            if settings.unread.is_empty() && settings.undecided.is_empty() {
                let found: Vec<_> = names.iter().map(|name| ours(&settings, name)).collect();
                assert_eq!(found, theirs, "{text:?}");
            }
        }
        // Where a string is not closed, PHP may pass over the rest without a word.
        Err(why) => {
            assert!(
                !exactly || refused || theirs[1].is_none(),
                "PHP takes {text:?}, not so: {why}"
            );
        }
    }
}

#[test]
fn every_kind_of_value_is_what_php_makes_of_it() {
    if !needs(&[Need::Command("php")]) {
        return;
    }
    for line in LINES {
        same_as_php(&format!("{line}\nb = after\n"), true);
    }
    same_as_php("a = 1\r\nb = 2\r\n", true);
    same_as_php("\u{feff}a = 1\nb = 2", true);
    same_as_php("a = 1\rb = 2\n", true);
    same_as_php("a = \"x\ny\"\nb = ${a}!\n", true);
}

const LINES: &[&str] = &[
    "a = none",
    "a = null",
    "a = None x",
    "a = #x",
    "a[] = 1",
    "a =",
    "a = \"\"",
    "a = PHP_VERSION",
    "a = E_ALL",
    "a = (1|2)",
    "a = !1",
    "a = 5 ^ 1",
    "a = abc|def",
    "a = a$b",
    "a = a:b/c,d",
    "a = a\\b",
    "a = \"a\\b\\'c\"",
    "a = \"x \\\" \\\\ \\n y\"",
    "a = x   \t",
    "a = TRUE",
    "a = \"x\" ; y",
    "a = 'it' ; c",
    "a = it's",
    "a = 5%",
    "a = \"a;b\"",
    "a = a{b",
    "a = a[b]",
    "a = a=b",
    "a = x \"y\" z",
    "a = E_ALL & ~E_NOTICE ; c",
    "a = E_ALL ^ E_NOTICE | 4",
    "a = 1 | 2 & 4",
    "a = -1K",
    "a = 010",
    "a = yes",
    "a = off ; x",
    "a = ${NOPE}",
    "a = $HOME",
    "a = a(b)",
    "a = tcp://h?x",
    "a = foo bar",
    "a = foo \"bar\"",
    "a = foo;bar",
    "a = \"foo",
    "a = 'x\"y'",
    "a = 'x",
    "a: 5",
    "a 5",
    "= 5",
    "[sec] a = 5",
    "[sec",
    "a = foo on",
    "a = on foo",
    "a = .:/usr/share",
    "a = \"x\\\"",
    "a = \"x\\\\\"",
    "a = \"a\" \"b\"",
    "a = \"a\"'b'",
    "a = !foo",
    "a = nobody",
    "a = E_ALL&~E_NOTICE",
    "a = ~1",
    "a = foo & bar",
    "a = M_PI",
    "a=5 ",
    "# a = 5",
    "a = a!b",
    "a = a~b",
    "[PATH=/srv]\na = 1\n[x]",
    "a = ()",
    "a = (1",
    "a = 1 2",
    "a = \u{e4}\u{f6}",
];

#[test]
fn the_order_of_files_is_phps() {
    if !needs(&[Need::Command("php")]) {
        return;
    }
    let config = Config::new(&[
        ("php.ini", "a = main\n[PATH=/x]\n"),
        ("conf.d/10-x.ini", "a = ten\nb = ten\n[PATH=/x]\nb = path\n"),
        ("conf.d/2.ini", "b = two\n"),
        ("conf.d/Z.ini", "a = upper\n"),
        ("conf.d/z.txt", "a = text\n"),
    ]);
    let (theirs, _) = php(&config, &["a", "b"]);
    let settings = config.parse("php").unwrap();
    assert_eq!(theirs, [Some("upper".to_owned()), Some("two".to_owned())]);
    assert_eq!(values(&settings, "a"), ["upper"]);
    assert_eq!(values(&settings, "b"), ["two", "path"]);
}

#[test]
fn defaults_are_those_of_php_without_a_file() {
    if !needs(&[Need::Command("php")]) {
        return;
    }
    // What the command line's PHP sets for itself cannot be seen with it.
    let own = [
        "display_errors",
        "html_errors",
        "max_execution_time",
        "cgi.fix_pathinfo",
        "cgi.force_redirect",
    ];
    for (name, value) in php::defaults().filter(|(name, _)| !own.contains(name)) {
        let output = Command::new("php")
            .args(["-n", "-r", "echo ini_get($argv[1]);", "--", name])
            .output()
            .unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        let same = theirs == value || value == "0" && theirs.is_empty();
        assert!(same, "{name}: {theirs:?}, not {value:?}");
    }
}

#[test]
fn debians_own_configuration_is_read_as_php_reads_it() {
    if !needs(&[Need::Command("php")]) {
        return;
    }
    let output = Command::new("php").args(["-r", "echo php_ini_loaded_file();"]).output().unwrap();
    let path = String::from_utf8(output.stdout).unwrap();
    if path.is_empty() {
        return;
    }
    let live = spotcheck::targets::live::Live::new();
    let content = live.read(Path::new(&path)).unwrap().unwrap();
    let settings = (php::FORMAT.parse)(&live, Path::new(&path), &content).unwrap();
    assert_eq!(settings.unread, []);
    let names: Vec<&str> = settings.root.settings.iter().map(|s| s.name.as_str()).collect();
    assert!(names.len() > 20, "{names:?}");
    // The command line's PHP has its own way with these, and lists of modules are no variables.
    let own = [
        "extension",
        "html_errors",
        "implicit_flush",
        "max_execution_time",
        "max_input_time",
        "output_buffering",
        "register_argc_argv",
        "zend_extension",
    ];
    for name in names.into_iter().filter(|name| !own.contains(name)) {
        let output = Command::new("php")
            .args(["-r", "$v = get_cfg_var($argv[1]); echo $v;", "--", name])
            .output()
            .unwrap();
        let theirs = String::from_utf8(output.stdout).unwrap();
        assert_eq!(ours(&settings, name), Some(theirs), "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_lines_are_what_php_makes_of_them(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("on"), Just("x"), Just(" "), Just("\""), Just("'"), Just("1"), Just("&"),
                Just("|"), Just("~"), Just("!"), Just("("), Just(")"), Just("E_NOTICE"),
                Just("\\"), Just("$"), Just("{"), Just("}"), Just("["), Just("]"), Just(";"),
                Just("\n"), Just("="), Just("a"), Just(":"), Just("^"), Just("none"), Just("-"),
            ],
            0..8,
        ),
    ) {
        if needs(&[Need::Command("php")]) {
            // What nobody would write may be refused that PHP takes; never the other way.
            same_as_php(&format!("a = {}\nb = after\n", pieces.concat()), false);
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in "([a=\\[\\]\"'${};&|~!()\\\\ \n\r]|\\PC){0,60}") {
        let _ = parse("php", &alone(&text), "/c/main");
    }
}

#[test]
fn what_php_would_refuse_is_refused_with_its_line() {
    assert_eq!(
        refused("php", "a = 1\nb = x=y\n"),
        "/c/main: line 2: an = within a value that has no quotes"
    );
}
