//! postgresql.conf: which values are in force, compared with PostgreSQL itself.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::formats_support::{Config, alone, parse, refused, spellings, values};
use crate::support::{Need, needs};
use proptest::prelude::*;
use spotcheck::facts::Cause;
use spotcheck::formats::for_path;
use spotcheck::formats::postgresql::names;
use spotcheck::targets::memory::Memory;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A data directory with this configuration.
fn host(content: &str) -> Memory {
    alone(content).file("/c/PG_VERSION", 0o600, 0, 0, "15\n")
}

fn asked(content: &str, path: &str) -> Vec<String> {
    let settings = parse("postgresql", &host(content), "/c/main").unwrap();
    assert_eq!(settings.unread, []);
    values(&settings, path)
}

#[test]
fn the_last_value_wins_whatever_the_case_of_its_name() {
    assert_eq!(asked("port = 5433\nPORT 5434 # why\n", "port"), ["5434"]);
}

#[test]
fn every_address_is_a_value() {
    let text = "listen_addresses = '*'\nlisten_addresses = 'localhost, 10.0.0.1'\n";
    assert_eq!(asked(text, "listen_addresses"), ["localhost", "10.0.0.1"]);
}

#[test]
fn what_alter_system_wrote_comes_last() {
    let files = host("port = 1\n").file("/c/postgresql.auto.conf", 0o600, 0, 0, "port = '2'\n");
    let settings = parse("postgresql", &files, "/c/main").unwrap();
    assert_eq!(values(&settings, "port"), ["2"]);
    let files = alone("data_directory = '/d'\nport = 1\n")
        .file("/d/postgresql.auto.conf", 0o600, 0, 0, "port = '3'\n")
        .file("/c/postgresql.auto.conf", 0o600, 0, 0, "port = '2'\n");
    let settings = parse("postgresql", &files, "/c/main").unwrap();
    assert_eq!(values(&settings, "port"), ["3"]);
    assert_eq!(settings.unread, []);
}

#[test]
fn without_the_data_directory_nothing_is_certain() {
    for text in ["port = 1\n", "data_directory = 'data'\n"] {
        let settings = parse("postgresql", &alone(text), "/c/main").unwrap();
        assert_eq!(settings.unread.len(), 1, "{text}");
    }
    let files = alone("data_directory = '/d'\n")
        .file("/d/postgresql.auto.conf", 0o600, 0, 0, "")
        .unreadable("/d/postgresql.auto.conf");
    let settings = parse("postgresql", &files, "/c/main").unwrap();
    assert_eq!(settings.unread[0].cause, Cause::PermissionDenied);
}

#[test]
fn includes_belong_to_the_directory_of_their_own_file() {
    let files = host("include 'sub/a'\ninclude_if_exists 'gone'\ninclude_dir = 'd'\n")
        .file("/c/sub/a", 0o600, 0, 0, "include b\nport = 1\n")
        .file("/c/sub/b", 0o600, 0, 0, "port = 2\nssl = yes\n")
        .file("/c/d/1.conf", 0o600, 0, 0, "fsync = off\n")
        .file("/c/d/2.conf", 0o600, 0, 0, "fsync = on\n")
        .file("/c/d/.3.conf", 0o600, 0, 0, "fsync = 0\n")
        .file("/c/d/4.conf.bak", 0o600, 0, 0, "fsync = 0\n");
    let settings = parse("postgresql", &files, "/c/main").unwrap();
    assert_eq!(values(&settings, "port"), ["1"]);
    assert_eq!(spellings(&settings, "ssl"), ["yes", "on"]);
    assert_eq!(values(&settings, "fsync"), ["on"]);
    assert_eq!(settings.unread, []);
}

#[test]
fn an_include_that_is_missing_is_a_gap() {
    for text in ["include gone\n", "include_dir gone\n"] {
        let settings = parse("postgresql", &host(text), "/c/main").unwrap();
        assert!(settings.unread[0].to_string().contains("would not start"), "{text}");
    }
}

#[test]
fn a_file_that_includes_itself_ends() {
    let settings = parse("postgresql", &host("include main\ninclude main\n"), "/c/main").unwrap();
    assert!(!settings.unread.is_empty());
}

#[test]
fn an_error_has_its_line() {
    let error = refused("postgresql", "port = 1\nssl = 'on\n");
    assert_eq!(error, "/c/main: line 2: a quote that is not closed");
}

#[test]
fn paths_tell_the_format() {
    let debian = Path::new("/etc/postgresql/15/main/postgresql.conf");
    assert_eq!(for_path(debian).unwrap().name, "postgresql");
}

/// The newest PostgreSQL of Debian, or one in the path.
fn postgres() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut programs: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin/postgres")).collect();
    programs.retain(|program| program.exists());
    programs.sort();
    programs
        .pop()
        .or_else(|| needs(&[Need::Command("postgres")]).then(|| PathBuf::from("postgres")))
}

/// `postgres -C` for a setting, modes in octal; `None` when the configuration is refused.
fn theirs(program: &Path, config: &Config, name: &str) -> Option<String> {
    let output = Command::new(program).args(["-C", name, "-D"]).arg(config.dir()).output().unwrap();
    let value = || String::from_utf8(output.stdout.clone()).unwrap().trim_end().to_owned();
    let octal = |mode: String| mode.parse().map_or(mode, |mode: u32| format!("{mode:04o}"));
    let is_mode = ["log_file_mode", "unix_socket_permissions"].contains(&name);
    output.status.success().then(value).map(|value| if is_mode { octal(value) } else { value })
}

#[test]
fn postgresql_itself_has_the_same_defaults() {
    let Some(program) = postgres() else { return };
    let config = Config::new(&[("postgresql.conf", "")]);
    for (name, ours) in names::defaults() {
        assert_eq!(theirs(&program, &config, name).as_deref(), Some(ours), "{name}");
    }
}

#[test]
fn postgresql_itself_has_the_same_values_in_force() {
    let Some(program) = postgres() else { return };
    let config = Config::new(&[
        (
            "postgresql.conf",
            "data_directory = '{dir}/data'\nport = 5433\nPort 5434\nssl = tru\nfsync = 0\n\
             shared_buffers = 256MB\nwork_mem=8192\nmaintenance_work_mem = '2 MB'\n\
             unix_socket_permissions = 0700\nauthentication_timeout = 2min\n\
             statement_timeout = 5s\nlog_rotation_age = 1d\nlog_line_prefix = 'a''b\\\\c\\053 '\n\
             log_min_messages = ERROR\nmax_connections = 0x20\nlisten_addresses='*'\n\
             include 'sub/a'\ninclude_if_exists gone\ninclude_dir 'conf.d'\nsyslog_ident b-c\n",
        ),
        ("sub/a", "syslog_ident = a\ninclude = b\n"),
        ("sub/b", "bonjour_name = 'x'\n"),
        ("conf.d/1.conf", "log_statement = ddl\nwal_level = minimal\n"),
        ("conf.d/2.conf", "log_statement = 'ALL'"),
        ("conf.d/.3.conf", "log_statement = none\n"),
        ("conf.d/3.conf.x", "log_statement = none\n"),
        ("data/postgresql.auto.conf", "listen_addresses = '127.0.0.1'\nwal_level = 'logical'\n"),
        ("data/PG_VERSION", "15\n"),
    ]);
    let settings = config.parse("postgresql").unwrap();
    assert_eq!(settings.unread, []);
    let names = [
        "port",
        "ssl",
        "fsync",
        "shared_buffers",
        "work_mem",
        "maintenance_work_mem",
        "unix_socket_permissions",
        "authentication_timeout",
        "statement_timeout",
        "log_rotation_age",
        "log_line_prefix",
        "log_min_messages",
        "max_connections",
        "listen_addresses",
        "syslog_ident",
        "bonjour_name",
        "log_statement",
        "wal_level",
    ];
    for name in names {
        let ours = spellings(&settings, name);
        let theirs = theirs(&program, &config, name).unwrap();
        let same = ours.iter().any(|ours| ours.trim_end() == theirs);
        assert!(same, "{name}: {ours:?} here, {theirs} there");
    }
}

#[test]
fn postgresql_itself_refuses_the_same_lines() {
    let Some(program) = postgres() else { return };
    let lines = [
        "search_path = a.b",
        "search_path = a.b.c",
        "search_path a-b",
        "search_path = /a",
        "search_path='a",
        "search_path 'a\\'b'",
        "search_path = ''",
        "search_path = -5x",
        "search_path = 1.5",
        "search_path = 1.5e3",
        "search_path = 1.5GB",
        "search_path = 1.",
        "search_path = a b",
        "search_path'5433'",
        "search_path=5433#x",
        "search_path = 0x15",
        "search_path = 0xg",
        "search_path",
        "search_path =",
        "search_path = = a",
        "= search_path",
        "search_path a,b",
        "search-path = a",
        "search_path = é",
        "search_path = -",
        "\tsearch_path\t=\ta\r",
    ];
    for line in lines {
        let config = Config::new(&[("postgresql.conf", line), ("PG_VERSION", "15\n")]);
        let ours = config.parse("postgresql").map(|settings| values(&settings, "search_path"));
        let theirs = theirs(&program, &config, "search_path");
        match (ours, theirs) {
            (Ok(ours), Some(theirs)) => assert_eq!(ours, [theirs], "{line:?}"),
            (Err(_), None) => {}
            (ours, theirs) => panic!("{line:?}: {ours:?} here, {theirs:?} there"),
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse("postgresql", &alone(bytes), "/c/main");
    }

    #[test]
    fn anything_that_looks_like_postgresql_gives_an_answer(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "port", " ", "=", "'", "''", "\\", "\\7", "#", "\n", "include main", "1", ".", "0x",
                "e", "-", "work_mem", "GB", "listen_addresses", ",", "\t",
            ]),
            0..60,
        )
    ) {
        let _ = parse("postgresql", &host(&parts.concat()), "/c/main");
    }
}
