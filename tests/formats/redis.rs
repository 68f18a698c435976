//! redis.conf: which values are in force, compared with a running redis.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::formats_support::{Config, alone, asked, parse, refused, spellings, values};
use crate::support::{Need, needs};
use proptest::prelude::*;
use spotcheck::formats::for_path;
use spotcheck::formats::redis::names;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

#[test]
fn the_last_value_wins_whatever_the_case_of_its_name() {
    assert_eq!(asked("redis", "port 1\nPORT 2\n", "port"), ["2"]);
    assert_eq!(
        asked("redis", "bind 10.0.0.1\nbind 127.0.0.1 -::1\n", "bind"),
        ["127.0.0.1", "-::1"]
    );
}

#[test]
fn save_points_add_up_until_one_says_none() {
    assert_eq!(asked("redis", "save 10 1 20 2\nsave 30 3\n", "save"), ["10 1", "20 2", "30 3"]);
    assert_eq!(asked("redis", "save 10 1\nsave \"\"\n", "save"), [""]);
    assert_eq!(asked("redis", "save \"\"\nsave 10 1\n", "save"), ["10 1"]);
}

#[test]
fn users_add_up_and_buffer_limits_do_by_class() {
    assert_eq!(asked("redis", "user a on\nuser b off\n", "user"), ["a on", "b off"]);
    let text = "client-output-buffer-limit slave 1 1 1 normal 0 0 0\n\
        client-output-buffer-limit replica 2 2 2\n";
    let wanted = ["normal 0 0 0", "replica 2 2 2"];
    assert_eq!(asked("redis", text, "client-output-buffer-limit"), wanted);
}

#[test]
fn an_old_name_is_the_same_setting() {
    let text = "slaveof 10.0.0.1 6379\nreplicaof 10.0.0.2 6379\n";
    assert_eq!(asked("redis", text, "slaveof"), ["10.0.0.2 6379"]);
    assert_eq!(asked("redis", text, "replicaof"), ["10.0.0.2 6379"]);
}

#[test]
fn an_include_stands_where_it_is_written() {
    let config = Config::new(&[
        ("redis.conf", "port 1\ntimeout 1\ninclude {dir}/a.conf\nport 3\n"),
        ("a.conf", "port 2\ntimeout 2\n"),
    ]);
    let settings = config.parse("redis").unwrap();
    assert_eq!(values(&settings, "port"), ["3"]);
    assert_eq!(values(&settings, "timeout"), ["2"]);
    assert_eq!(settings.files.len(), 2);
}

#[test]
fn a_relative_include_is_known_only_behind_dir() {
    let config = Config::new(&[
        ("redis.conf", "dir {dir}\ndir sub\ninclude a.conf\n"),
        ("sub/a.conf", "port 2\n"),
    ]);
    assert_eq!(values(&config.parse("redis").unwrap(), "port"), ["2"]);
    let settings = parse("redis", &alone("include a.conf\n"), "/c/main").unwrap();
    assert!(settings.unread[0].to_string().contains("depends on the directory"));
}

#[test]
fn an_include_that_is_missing_is_a_gap_and_a_pattern_without_match_is_none() {
    let settings = parse("redis", &alone("include /gone.conf\n"), "/c/main").unwrap();
    assert!(settings.unread[0].to_string().contains("would not start"));
    let settings = parse("redis", &alone("include /gone/*.conf\n"), "/c/main").unwrap();
    assert_eq!(settings.unread, []);
}

#[test]
fn a_file_that_includes_itself_ends() {
    let settings = parse("redis", &alone("include /c/main\ninclude /c/*\n"), "/c/main").unwrap();
    assert!(!settings.unread.is_empty());
}

#[test]
fn an_error_has_its_line() {
    assert_eq!(refused("redis", "port 1\nlogfile \"a\n"), "/c/main: line 2: unbalanced quotes");
    assert_eq!(refused("redis", "port\n"), "/c/main: line 1: wrong number of arguments");
    assert!(refused("redis", b"port 1\0").contains("NUL"));
}

#[test]
fn paths_tell_the_format() {
    for path in ["/etc/redis/redis.conf", "/etc/redis.conf", "/etc/redis/conf.d/a.conf"] {
        assert_eq!(for_path(Path::new(path)).unwrap().name, "redis", "{path}");
    }
    assert!(for_path(Path::new("/etc/redis/sentinel.conf")).is_none());
}

#[test]
fn many_lines_take_no_more_than_linear_time() {
    for line in ["save 1 1\n", "bind ::1\n", "user a on\n", "client-output-buffer-limit a 1 1 1\n"]
    {
        assert!(parse("redis", &alone(line.repeat(90_000)), "/c/main").is_ok());
    }
}

/// A redis that runs until dropped, without a port.
struct Redis {
    process: Child,
    socket: String,
}

impl Redis {
    /// `None` when it refuses the configuration.
    fn start(config: &Config) -> Option<Self> {
        let socket = config.dir().join("socket").to_str().unwrap().to_owned();
        let process = Command::new("redis-server")
            .arg(config.main())
            .args(["--port", "0", "--daemonize", "no", "--unixsocket", &socket])
            .current_dir(config.dir())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut redis = Self { process, socket };
        let patience = Instant::now() + Duration::from_secs(20);
        while Instant::now() < patience {
            if redis.process.try_wait().unwrap().is_some() {
                return None;
            }
            if redis.settings().contains_key("dir") {
                return Some(redis);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("redis neither answers nor ends");
    }

    fn settings(&self) -> BTreeMap<String, String> {
        let output =
            Command::new("redis-cli").args(["-s", &self.socket, "CONFIG", "GET", "*"]).output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        lines.chunks_exact(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned())).collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const REDIS: [Need; 2] = [Need::Command("redis-server"), Need::Command("redis-cli")];

#[test]
fn redis_itself_has_the_same_defaults() {
    if !needs(&REDIS) {
        return;
    }
    let config = Config::new(&[("redis.conf", "")]);
    let theirs = Redis::start(&config).unwrap().settings();
    for (name, ours) in names::defaults() {
        if !["port", "daemonize", "unixsocket"].contains(&name) {
            assert_eq!(theirs[name], ours, "{name}");
        }
    }
}

#[test]
fn redis_itself_has_the_same_values_in_force() {
    if !needs(&REDIS) {
        return;
    }
    let config = Config::new(&[
        (
            "redis.conf",
            "timeout 1\nTimeout 2\nappendonly YES\nappendonly no\nMAXMEMORY 10m\nloglevel Verbose\n\
             slave-read-only no\nreplica-read-only yes\nmin-replicas-to-write 3\n\
             requirepass \"\"\nmasterauth 'x\\'y'\nmasteruser \"a\\x41\\\"b\"\ndir {dir}/sub\n\
             save 10 1\nsave 20 2 30 3\n\
             include b.conf\ninclude {dir}/parts/*.conf\ninclude {dir}/none/*\nrepl-backlog-size 2kb\nproto-max-bulk-len 1MB\n\
             client-output-buffer-limit normal 1 1 1\n#timeout 9\n\t hz 20 \r\n",
        ),
        ("sub/b.conf", "tcp-backlog 100\nclient-query-buffer-limit 2gb\n"),
        ("parts/1.conf", "maxclients 77\ndatabases 3"),
        ("parts/2.conf", "1\ntcp-keepalive 9\n"),
        ("parts/3", "databases 9\n"),
    ]);
    let theirs = Redis::start(&config).unwrap().settings();
    let settings = config.parse("redis").unwrap();
    let names = [
        "timeout",
        "appendonly",
        "maxmemory",
        "loglevel",
        "replica-read-only",
        "slave-read-only",
        "min-slaves-to-write",
        "requirepass",
        "masterauth",
        "masteruser",
        "dir",
        "tcp-backlog",
        "client-query-buffer-limit",
        "maxclients",
        "databases",
        "tcp-keepalive",
        "repl-backlog-size",
        "proto-max-bulk-len",
        "hz",
    ];
    for name in names {
        let ours = spellings(&settings, name);
        let relative = ours.iter().any(|value| theirs[name].ends_with(&format!("/{value}")));
        // No password is none that is set.
        let none = ours.is_empty() && theirs[name].is_empty();
        let same = ours.contains(&theirs[name]) || none;
        assert!(same || name == "dir" && relative, "{name}: {ours:?}");
    }
    assert_eq!(values(&settings, "databases"), ["31"]);
    assert_eq!(values(&settings, "save").join(" "), theirs["save"]);
    assert_eq!(settings.unread, []);
}

#[test]
fn redis_itself_cuts_lines_alike() {
    if !needs(&REDIS) {
        return;
    }
    let lines = [
        "syslog-ident a",
        "syslog-ident  \"a b\" ",
        "syslog-ident \"a\"b",
        "syslog-ident a\"b\"",
        "syslog-ident 'a\\'b\\x41'",
        "syslog-ident \"a",
        "syslog-ident a#b",
        "syslog-ident",
        "syslog-ident\u{b}a",
        "\u{b}syslog-ident a",
        "\"syslog-ident\" a",
        " # syslog-ident a",
        "syslog-ident \"\"",
        "syslog-ident \"\\x4\"",
    ];
    for line in lines {
        let config = Config::new(&[("redis.conf", line)]);
        let ours = config.parse("redis").map(|settings| values(&settings, "syslog-ident").concat());
        let theirs = Redis::start(&config).map(|redis| redis.settings()["syslog-ident"].clone());
        match (ours, theirs) {
            (Ok(ours), Some(theirs)) if ours.starts_with("not set") => assert_eq!(theirs, "redis"),
            (Ok(ours), Some(theirs)) => assert_eq!(ours, theirs, "{line:?}"),
            (Err(_), None) => {}
            (ours, theirs) => panic!("{line:?}: {ours:?} here, {theirs:?} there"),
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse("redis", &alone(bytes), "/c/main");
    }
}
