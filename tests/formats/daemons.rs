//! my.cnf, supervisord.conf and login.defs: which values are in force, compared with their readers.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::formats_support::{Config, alone, asked, parse, refused, spellings, values};
use crate::support::{Need, needs};
use proptest::prelude::*;
use spotcheck::formats::for_path;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

#[test]
fn in_my_cnf_the_last_value_wins_whatever_its_dashes() {
    let text = "[mysqld]\nbind_address=1\n[client]\nbind-address=3\n[mysqld]\nbind-address=2\n";
    assert_eq!(asked("mysql", text, "mysqld.bind_address"), ["2"]);
    assert_eq!(asked("mysql", text, "mysqld.bind-address"), ["2"]);
    assert_eq!(asked("mysql", text, "client.bind_address"), ["3"]);
}

#[test]
fn all_groups_that_a_server_may_read_count() {
    let text = "[mysqld]\nport=1\n[server]\nport=2\n[mariadb-10.11]\nport=3\n[mysqldump]\nport=4\n";
    assert_eq!(asked("mysql", text, "mysqld.port"), ["2", "3"]);
    assert_eq!(asked("mysql", "[server]\nuser=root\n", "mysqld.user"), ["root"]);
    assert_eq!(asked("mysql", "[mysqldump]\nquick\n", "mysqld.user"), ["not set at line 0"]);
}

#[test]
fn an_option_alone_is_on() {
    let settings = parse("mysql", &alone("[mysqld]\nskip-networking\n"), "/c/main").unwrap();
    assert!(spellings(&settings, "mysqld.skip_networking").contains(&"true".to_owned()));
}

#[test]
fn my_cnf_that_everybody_may_write_is_ignored_by_the_server() {
    let files = alone("[mysqld]\n!includedir /d\n").file("/d/a.cnf", 0o666, 0, 0, "[mysqld]\n");
    let settings = parse("mysql", &files, "/c/main").unwrap();
    assert!(settings.unread[0].to_string().contains("everybody may write it"));
    let files = files.file("/c/open", 0o646, 0, 0, "[mysqld]\nport=1\n");
    assert!(parse("mysql", &files, "/c/open").is_err());
}

#[test]
fn includes_of_my_cnf_end_and_leave_gaps() {
    let gaps = |text: &str| parse("mysql", &alone(text), "/c/main").unwrap().unread.len();
    assert_eq!(gaps("!include /c/main\n"), 1);
    assert_eq!(gaps("!include /gone\n"), 0);
    assert_eq!(gaps("!includedir /gone\n!include relative\n"), 2);
}

#[test]
fn what_the_server_refuses_in_my_cnf_is_refused() {
    assert!(refused("mysql", "port=1\n").contains("line 1: an option before all groups"));
    assert!(refused("mysql", "[mysqld\n").contains("line 1"));
}

#[test]
fn mariadb_itself_takes_the_same_arguments() {
    if !needs(&[Need::Command("mariadbd")]) {
        return;
    }
    let config = Config::new(&[
        (
            "my.cnf",
            "[mysqld]\nport=1\nbind_address = \"a b\" # c\nsocket='x#y'\nskip-networking\n\
             user=a\\tb\\\\c # d\n[mariadb]\nport=2\n!includedir {dir}/d\n!include {dir}/gone\n\
             log-error=after\n  [ server ]\nx=1\n[mysqld]]\nempty=\n datadir = ab \nq = a\"b\"c\n\
             a=x ; y\nb=x#y\nc=\"x\" y\nd=\"a\\\"b\"\n; c\n[mysqldump]\nz=2\n[MYSQLD]\ne_f=\\s1\\q\n\
             [server ]\nlast = 1\n!include {dir}/one\n",
        ),
        ("d/b.cnf", "[mysqld]\nport=3\n"),
        ("d/a.cnf", "[mysqld]\nport=4\n"),
        ("d/a.ini", "[mysqld]\nport=5\n"),
        ("one", "[mysqldump]\nw=1\n[server]\nlast=2\n"),
    ]);
    let output = Command::new("/usr/sbin/mariadbd")
        .arg(format!("--defaults-file={}", config.main().display()))
        .arg("--print-defaults")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, arguments) = text.split_once('\n').unwrap();
    let mut theirs = BTreeMap::new();
    for argument in format!(" {}", arguments.trim_end()).split(" --").skip(1) {
        let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
        theirs.insert(name.replace('_', "-"), value.trim_end().to_owned());
    }
    let settings = config.parse("mysql").unwrap();
    assert_eq!(settings.unread, []);
    let mut ours = BTreeMap::new();
    for setting in settings.root.blocks[0].settings.iter().filter(|s| !s.name.contains('_')) {
        ours.insert(setting.name.clone(), setting.value.trim_end().to_owned());
    }
    // What an option with a prefix sets stands under the name of that as well.
    assert_eq!(ours.remove("networking").as_deref(), Some("OFF"));
    // MariaDB reads the group of its own name too, and that here stands behind.
    assert_eq!(values(&settings, "mysqld.port"), ["3", "2"]);
    ours.insert("port".into(), "3".into());
    assert_eq!(ours, theirs);
}

#[test]
fn every_program_of_supervisord_answers() {
    let text = "[program:a]\nUSER=x ; why\nuser: y\n[program:b]\ncommand=/b\n  -v\n[supervisord]\n";
    assert_eq!(asked("supervisord", text, "program.user"), ["y", "not set at line 4"]);
    assert_eq!(asked("supervisord", text, "program.command"), ["not set at line 1", "/b -v"]);
}

#[test]
fn files_of_supervisords_include_come_last() {
    let config = Config::new(&[
        ("supervisord.conf", "[include]\nfiles = d/*.conf\n  e\n[program:a]\nuser=a\n"),
        ("d/a.conf", "[program:a]\nuser=%(here)s\n[include]\nfiles=f\n"),
        ("e", "[program:b]\nuser=b\n"),
        ("f", "[program:a]\nuser=f\n"),
    ]);
    let settings = config.parse("supervisord").unwrap();
    let here = config.dir().join("d").display().to_string();
    assert_eq!(values(&settings, "program.user"), [here, "b".to_owned()]);
    assert_eq!(settings.unread, []);
    let settings = parse("supervisord", &alone("[include]\nfiles=%(ENV_X)s\n"), "/c/main").unwrap();
    assert_eq!(settings.unread.len(), 1);
}

#[test]
fn what_supervisord_refuses_is_refused() {
    assert!(refused("supervisord", "a=1\n").contains("outside of all sections"));
    assert!(refused("supervisord", "[a]\nb\n").contains("line 2"));
}

/// What supervisor's own parser makes of a file: `section.option` and its value, a line each.
const PARSER: &str = "import sys\nfrom supervisor.options import UnhosedConfigParser as P\n\
    p = P()\np.read(sys.argv[1])\n\
    for s in p.sections():\n  for k, v in p.items(s):\n    print(s + '\\t' + k + '\\t' + ' '.join(v.split()))\n";

#[test]
fn supervisor_itself_has_the_same_values() {
    if !needs(&[Need::Command("supervisord")]) {
        return;
    }
    let config = Config::new(&[(
        "supervisord.conf",
        "; c\n[supervisord]\nuser=a ; b\nUser = c#d\n logfile=x\n[program:x]\nCommand: /x=1\n  -a\n\
         \n  -b\n# c\n -c ; e\nautostart = Yes\n[program:y]\nuser=\n[supervisord]\numask=077 # x\n\
         [a:b]c]\nq==r\ns:=t\n",
    )]);
    let output =
        Command::new("/usr/bin/python3").args(["-c", PARSER]).arg(config.main()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut ours = Vec::new();
    for block in &config.parse("supervisord").unwrap().root.blocks {
        let colon = if block.label.is_empty() { "" } else { ":" };
        for setting in &block.settings {
            let (name, value) = (&setting.name, &setting.value);
            ours.push(format!("{}{colon}{}\t{name}\t{value}", block.name, block.label));
        }
    }
    let mut theirs: Vec<String> =
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    ours.sort();
    theirs.sort();
    assert_eq!(ours, theirs);
}

#[test]
fn in_login_defs_the_last_value_wins_and_ends_at_a_quote() {
    let text = "PASS_MAX_DAYS 5\n PASS_MAX_DAYS\t\"90\" # x\nUMASK 022 \r\n#UMASK 0\nALONE\n";
    assert_eq!(asked("login.defs", text, "PASS_MAX_DAYS"), ["90"]);
    assert_eq!(asked("login.defs", "A 1 # 2\n", "A"), ["1 # 2"]);
    let settings = parse("login.defs", &alone(text), "/c/main").unwrap();
    assert_eq!(spellings(&settings, "UMASK"), ["022", "18"]);
    assert_eq!(values(&settings, "ALONE"), ["not set at line 0"]);
}

#[test]
fn useradd_itself_reads_the_same_login_defs() {
    if !needs(&[Need::Root, Need::Command("useradd")]) {
        return;
    }
    let defs = "PASS_MAX_DAYS 5\nPASS_MAX_DAYS \"0x10\" x\n  PASS_MIN_DAYS\t\"3\"4\nUID_MIN 02000\n\
        USERGROUPS_ENAB no\nPASS_WARN_AGE\n\tPASS_WARN_AGE  9 \r\n";
    let config = Config::new(&[
        ("etc/login.defs", defs),
        ("etc/passwd", ""),
        ("etc/group", "users:x:100:\n"),
        ("etc/shadow", ""),
    ]);
    let output =
        Command::new("useradd").arg("--prefix").arg(config.dir()).arg("somebody").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| std::fs::read_to_string(config.dir().join(name)).unwrap();
    let (passwd, shadow) = (read("etc/passwd"), read("etc/shadow"));
    let field = |line: &str, index: usize| line.split(':').nth(index).unwrap().to_owned();
    let settings = config.parse("login.defs").unwrap();
    let same = |name: &str, theirs: String| {
        let ours = spellings(&settings, name);
        assert!(ours.contains(&theirs), "{name}: {ours:?} here, {theirs} there");
    };
    same("PASS_MIN_DAYS", field(&shadow, 3));
    same("PASS_MAX_DAYS", field(&shadow, 4));
    same("PASS_WARN_AGE", field(&shadow, 5));
    same("UID_MIN", field(&passwd, 2));
}

#[test]
fn paths_tell_the_format() {
    let paths = [
        ("/etc/mysql/my.cnf", "mysql"),
        ("/etc/mysql/mariadb.conf.d/50-server.cnf", "mysql"),
        ("/etc/my.cnf.d/server.cnf", "mysql"),
        ("/etc/supervisor/supervisord.conf", "supervisord"),
        ("/etc/supervisor/conf.d/a.conf", "supervisord"),
        ("/etc/login.defs", "login.defs"),
        ("/etc/ssl/openssl.cnf", "ini"),
    ];
    for (path, format) in paths {
        assert_eq!(for_path(Path::new(path)).unwrap().name, format, "{path}");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for format in ["mysql", "supervisord", "login.defs"] {
            let _ = parse(format, &alone(&bytes), "/c/main");
        }
    }

    #[test]
    fn anything_that_looks_like_sections_gives_an_answer(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "[mysqld]", "[", "]", " ", "=", ":", "\"", "'", "\\", "#", ";", "\n", "user", "é",
                "!include /c/main\n", "[include]\nfiles=main\n", "\t", "0x",
            ]),
            0..60,
        )
    ) {
        for format in ["mysql", "supervisord", "login.defs"] {
            let _ = parse(format, &alone(parts.concat()), "/c/main");
        }
    }
}
