//! nginx configurations: what a path leads to, compared with nginx itself.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use spotcheck::facts::settings::{Block, Lookup, Settings};
use spotcheck::facts::{Cause, Fact};
use spotcheck::formats::by_name;
use spotcheck::host::Files;
use spotcheck::targets::memory::Memory;
use std::path::Path;
use std::process::Command;

const MAIN: &str = "/etc/nginx/nginx.conf";

fn parse(files: &Memory, path: &str) -> Fact<Settings> {
    let content = files.read(Path::new(path)).unwrap().unwrap();
    (by_name("nginx").unwrap().parse)(files, Path::new(path), &content)
}

fn host(content: &str) -> Memory {
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
    values(&parse(&host(content), MAIN).unwrap(), path)
}

#[test]
fn every_server_answers() {
    let text = "http {\n server { listen 80; }\n server { listen 8080 default_server; }\n}";
    assert_eq!(asked(text, "http.server.listen"), ["80", "8080 default_server"]);
    assert_eq!(asked(text, "http.server.listen.port"), ["80", "8080"]);
}

#[test]
fn a_server_without_listen_is_not_forgotten() {
    let text = "http {\n server { listen 8080; }\n server { }\n}";
    let silent = "not set at /etc/nginx/nginx.conf:3";
    assert_eq!(asked(text, "http.server.listen"), ["8080", silent]);
    assert_eq!(asked(text, "http.server.listen.port"), ["8080", silent]);
    assert_eq!((by_name("nginx").unwrap().default)("http.server.listen.port"), Some("80"));
}

#[test]
fn a_unix_socket_has_no_port_that_a_rule_could_want() {
    let text = "http { server { listen unix:/run/x; } }";
    assert_eq!(asked(text, "http.server.listen.port"), ["none"]);
    assert_eq!(asked(text, "http.server.listen.address"), ["unix:/run/x"]);
}

#[test]
fn a_listen_without_its_flags_means_the_same() {
    let settings = parse(&host("http { server { listen [::]:80 ssl; } }"), MAIN).unwrap();
    let Lookup::Set(listen) = settings.lookup("http.server.listen")[0] else { panic!("not set") };
    assert_eq!(listen.also, ["[::]", "[::]:80"]);
}

#[test]
fn a_setting_of_an_outer_block_holds_within() {
    let text = "http { server_tokens off; server { } server { server_tokens on; } }";
    assert_eq!(asked(text, "http.server.server_tokens"), ["off", "on"]);
}

#[test]
fn a_flag_in_capitals_is_a_flag() {
    let settings = parse(&host("http { server_tokens ON; }"), MAIN).unwrap();
    let Lookup::Set(tokens) = settings.lookup("http.server_tokens")[0] else { panic!("not set") };
    assert_eq!(tokens.also, ["on"]);
}

#[test]
fn the_user_with_the_group_of_its_name_is_the_user() {
    let settings = parse(&host("user nginx nginx;"), MAIN).unwrap();
    let Lookup::Set(user) = settings.lookup("user")[0] else { panic!("not set") };
    assert_eq!((user.value.as_str(), user.also.as_slice()), ("nginx nginx", &["nginx".into()][..]));
}

#[test]
fn includes_belong_to_the_directory_of_the_main_file_wherever_they_stand() {
    let files = host("events { } http { include sites/*; }")
        .file("/etc/nginx/sites/b", 0o644, 0, 0, "server { include snippets/port; }")
        .file("/etc/nginx/sites/a", 0o644, 0, 0, "\nserver {\nlisten 81; }")
        .file("/etc/nginx/snippets/port", 0o644, 0, 0, "listen 82;");
    let settings = parse(&files, MAIN).unwrap();
    assert_eq!(values(&settings, "http.server.listen"), ["81", "82"]);
    let Lookup::Set(first) = settings.lookup("http.server.listen")[0] else { panic!("not set") };
    assert_eq!(first.at.to_string(), "/etc/nginx/sites/a:3");
    let read: Vec<_> = settings.files.iter().map(|file| file.to_str().unwrap()).collect();
    assert_eq!(
        read,
        [MAIN, "/etc/nginx/sites/a", "/etc/nginx/sites/b", "/etc/nginx/snippets/port"]
    );
    assert_eq!(settings.unread, []);

    let part = parse(&files, "/etc/nginx/sites/b").unwrap();
    assert_eq!(values(&part, "server.listen"), ["82"]);
}

#[test]
fn an_include_without_permission_leaves_a_gap() {
    let files = host("include a; include b/*;").file("/etc/nginx/a", 0o600, 0, 0, "").dir(
        "/etc/nginx/b",
        0o700,
        0,
        0,
    );
    let files = files.unreadable("/etc/nginx/a").unreadable("/etc/nginx/b");
    let causes: Vec<_> = parse(&files, MAIN).unwrap().unread.into_iter().map(|u| u.cause).collect();
    assert_eq!(causes, [Cause::PermissionDenied, Cause::PermissionDenied]);
}

#[test]
fn a_missing_include_matters_only_when_named_plainly() {
    let unread = |text: &str| parse(&host(text), MAIN).unwrap().unread;
    assert_eq!(unread("include gone/*.conf;"), []);
    let gap = &unread("include gone.conf;")[0];
    assert!(gap.to_string().contains("nginx would not start"), "{gap}");
}

#[test]
fn a_dangling_link_among_the_sites_matters() {
    let files = host("include sites/*;").symlink("/etc/nginx/sites/x", "/nowhere");
    assert_eq!(parse(&files, MAIN).unwrap().unread.len(), 1);
}

#[test]
fn an_error_has_file_and_line() {
    let files = host("http {\n include x;\n}").file("/etc/nginx/x", 0o644, 0, 0, "a;\n}\n");
    let error = parse(&files, MAIN).unwrap_err();
    assert_eq!(error.to_string(), "/etc/nginx/x: line 2: unexpected \"}\"");
    assert!(parse(&host("http {"), MAIN).is_err());
}

#[test]
fn a_file_that_includes_itself_ends() {
    let settings = parse(&host("a 1; include *;"), MAIN).unwrap();
    assert!(!settings.unread.is_empty());
    let many = (0..60).fold(host("include *;"), |files, n| {
        files.file(format!("/etc/nginx/{n}"), 0o644, 0, 0, "include *;")
    });
    assert!(parse(&many, MAIN).unwrap().unread.len() < 2000);
}

#[test]
fn nesting_and_number_are_bounded() {
    assert!(matches!(
        parse(&host(&"a{".repeat(10_000)), MAIN).unwrap_err().cause,
        Cause::TooLarge(_)
    ));
    assert!(matches!(
        parse(&host(&"a;".repeat(300_000)), MAIN).unwrap_err().cause,
        Cause::TooLarge(_)
    ));
}

#[test]
fn lua_code_does_not_disturb() {
    let text = "http { server { content_by_lua_block { ngx.say(\"}\") -- } \n } listen 81; } }";
    assert_eq!(asked(text, "http.server.listen"), ["81"]);
}

/// All directives, one per line, as `depth name value`, without includes.
fn flat(block: &Block, depth: usize, into: &mut Vec<String>) {
    for setting in block.settings.iter().filter(|setting| setting.name != "include") {
        into.push(format!("{depth} {} {}", setting.name, setting.value));
    }
    for inner in block.blocks.iter().filter(|inner| inner.name != "listen") {
        into.push(format!("{depth} {} {} {{", inner.name, inner.label));
        flat(inner, depth + 1, into);
    }
}

/// A tree with the directories `conf.d` and `sites` that nginx itself accepts.
fn real_tree() -> Vec<(&'static str, String)> {
    let main = "worker_processes 1;\nerror_log stderr;\npid DIR/pid;\nevents { worker_connections 64; }\n\
         http {\n access_log off;\n include conf.d/*.conf;\n include types;\n\
         client_body_temp_path DIR/t; proxy_temp_path DIR/t; fastcgi_temp_path DIR/t;\n\
         uwsgi_temp_path DIR/t; scgi_temp_path DIR/t;\n\
         log_format x '$remote_addr \"$request\" '\n   \"more \\\" ${status}\";\n\
         map $uri $y { default 0; \"~*^/a b\" 1; \"/q;{}\" 2; }\n\
         include sites/[a-b]*;\n}\n";
    vec![
        ("nginx.conf", main.to_owned()),
        ("types", "types { text/html html htm; text/css css; }\n".to_owned()),
        ("conf.d/10.conf", "server_tokens off; # no version\n".to_owned()),
        ("conf.d/.hidden.conf", "broken".to_owned()),
        ("conf.d/20.other", "broken".to_owned()),
        ("sites/a", "server { listen 127.0.0.1:18081; include snip; }\n".to_owned()),
        (
            "sites/b",
            "server {\n listen unix:DIR/s;\n if ($uri = \"/x\") { return 404 \"a\\tb\"; }\n\
          location ~ ^/\\d+$ { return 200 'it''s'; } }\n"
                .replace("'it''s'", "\"it's\""),
        ),
        ("sites/c", "broken".to_owned()),
        ("snip", "location / { return 204; }".to_owned()),
    ]
}

#[test]
fn nginx_itself_reads_the_same_files_and_directives() {
    if Command::new("nginx").arg("-v").output().is_err() {
        eprintln!("nginx is not installed: nothing compared");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().to_str().unwrap();
    let mut files = Memory::new();
    for (name, content) in real_tree() {
        let path = dir.path().join(name);
        let content = content.replace("DIR", root);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &content).unwrap();
        files = files.file(&path, 0o644, 0, 0, &content);
    }
    let main = dir.path().join("nginx.conf");
    let settings = parse(&files, main.to_str().unwrap()).unwrap();
    assert_eq!(settings.unread, []);

    let output = Command::new("nginx").arg("-T").arg("-c").arg(&main).output().unwrap();
    let dump = String::from_utf8(output.stdout).unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{complaint}");
    // The dump: `# configuration file PATH:`, content, an empty line; each file once.
    let mut theirs: Vec<(String, String)> = Vec::new();
    for line in dump.lines() {
        match line.strip_prefix("# configuration file ").and_then(|rest| rest.strip_suffix(':')) {
            Some(path) => theirs.push((path.to_owned(), String::new())),
            None => theirs.last_mut().unwrap().1.push_str(&format!("{line}\n")),
        }
    }
    let mut paths: Vec<&str> = theirs.iter().map(|(path, _)| path.as_str()).collect();
    let mut ours: Vec<&str> = settings.files.iter().map(|path| path.to_str().unwrap()).collect();
    paths.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, paths);

    let dumped = theirs
        .iter()
        .fold(Memory::new(), |files, (path, content)| files.file(path, 0o644, 0, 0, content));
    let again = parse(&dumped, main.to_str().unwrap()).unwrap();
    let (mut one, mut two) = (Vec::new(), Vec::new());
    flat(&settings.root, 0, &mut one);
    flat(&again.root, 0, &mut two);
    assert_eq!(one, two);
    assert!(
        one.contains(&"1 log_format x $remote_addr \"$request\"  more \" ${status}".to_owned()),
        "{one:#?}"
    );
    assert!(
        one.contains(&"4 return 404 a\tb".to_owned())
            || one.contains(&"3 return 404 a\tb".to_owned()),
        "{one:#?}"
    );
}

/// nginx's verdict about the syntax of a file; an unknown directive comes after correct words.
fn nginx_accepts_words(text: &str) -> bool {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("c");
    std::fs::write(dir.path().join("part"), text).unwrap();
    // Within `map` every statement is only words.
    let main = "events {} http { map $uri $v { include part; } }";
    std::fs::write(&path, main).unwrap();
    let output = Command::new("nginx").arg("-t").arg("-c").arg(&path).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    !said.contains("unexpected") && !said.contains("too long") && !said.contains("terminating")
}

#[test]
fn nginx_itself_refuses_the_same_words() {
    if Command::new("nginx").arg("-v").output().is_err() {
        eprintln!("nginx is not installed: nothing compared");
        return;
    }
    let long = |n: usize| "x".repeat(n);
    let mut cases: Vec<String> = [
        "a b;",
        "a \"b\"c;",
        "a 'b' ;",
        "a \"b\");",
        "a b",
        "a",
        ";",
        "}",
        "a b }",
        "a \\; c;",
        "a ${b;",
        "a ${b}c;",
        "a \"${b}\";",
        "a b#c;",
        "a #b;\n c;",
        "a \"b\\\"c\";",
        "a 'b",
        "\"\" c;",
        "a \"\";",
        "# only",
        "a b;#",
        "a $;",
        "a \\",
        "a $\"b;",
        "a b\"c d;",
        "''''",
        "a '' '';",
    ]
    .map(str::to_owned)
    .to_vec();
    for n in [4094, 4095, 4096, 4097] {
        cases.push(format!("a {};", long(n)));
        cases.push(format!("a \"{}\";", long(n)));
        cases.push(format!("#{}\na b;", long(n)));
        cases.push(format!("#{}", long(n)));
    }
    for text in cases {
        let files = host("x;").file("/etc/nginx/part", 0o644, 0, 0, &text);
        let ours = parse(&files, "/etc/nginx/part").is_ok();
        assert_eq!(ours, nginx_accepts_words(&text), "{:?}", &text[..text.len().min(60)]);
    }
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let files = Memory::new().file(MAIN, 0o644, 0, 0, &bytes);
        let _ = parse(&files, MAIN);
    }

    #[test]
    fn anything_that_looks_like_nginx_gives_an_answer(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "a", " ", ";", "{", "}", "\"", "'", "\\", "#", "\n", "$", "${", "include *;", "listen ",
                "[::]:80", "unix:", "x_by_lua_block {", "--[[", "]]", "[=[", "server {", "-",
            ]),
            0..60,
        )
    ) {
        let files = host(&parts.concat()).file("/etc/nginx/part", 0o644, 0, 0, parts.concat());
        let _ = parse(&files, MAIN);
    }
}
