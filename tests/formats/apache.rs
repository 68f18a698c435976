//! apache: which directives are in force, compared with apache itself.

// Helpers of tests may be blunt, as the tests themselves: a panic is a failing test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use crate::formats_support::{Config, alone, asked, parse, refused, values};
use crate::support::{Need, needs};
use proptest::prelude::*;
use spotcheck::facts::Fact;
use spotcheck::facts::settings::{Block, Settings};
use spotcheck::formats::for_path;
use spotcheck::targets::memory::Memory;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const MAIN: &str = "/etc/apache2/apache2.conf";

fn host(content: &str) -> Memory {
    Memory::new().file(MAIN, 0o644, 0, 0, content)
}

/// What the main configuration says, which has to be without gaps.
fn main(content: &str, path: &str) -> Vec<String> {
    let settings = parse("apache", &host(content), MAIN).unwrap();
    assert_eq!(settings.unread, []);
    values(&settings, path)
}

fn gaps(settings: Fact<Settings>) -> Vec<String> {
    let settings = settings.unwrap();
    let undecided = settings.undecided.iter().map(|open| &open.why);
    settings.unread.iter().chain(undecided).map(ToString::to_string).collect()
}

#[test]
fn the_last_value_wins_where_a_directive_takes_one() {
    assert_eq!(main("ServerTokens Full\nservertokens Prod\n", "ServerTokens"), ["Prod"]);
    assert_eq!(main("Listen 80\nListen 443 https\n", "Listen"), ["80", "443 https"]);
    assert_eq!(main("Listen 80\nListen 127.0.0.1:81\n", "Listen.port"), ["80", "81"]);
}

#[test]
fn a_virtual_host_takes_what_it_does_not_say_from_the_main_server() {
    let text = "<VirtualHost *:80>\nServerName a\n</VirtualHost>\n<VirtualHost *:81>\n\
        TraceEnable on\n</VirtualHost>\nTraceEnable off\nServerName main\n";
    assert_eq!(main(text, "TraceEnable"), ["off", "on"]);
    assert_eq!(main(text, "VirtualHost.TraceEnable"), ["off", "on"]);
    assert_eq!(main(text, "VirtualHost.ServerName"), ["a", "not set at line 4"]);
}

#[test]
fn sections_for_one_directory_are_one() {
    let text = "<Directory /srv>\nAllowOverride All\n</Directory>\n<Directory \"/srv/\">\n\
        AllowOverride None\n</Directory>\n<Directory /b>\n</Directory>\n";
    assert_eq!(main(text, "Directory.AllowOverride"), ["None", "not set at line 7"]);
}

#[test]
fn conditions_are_decided_and_leave_no_section() {
    let text = "LoadModule ssl_module modules/mod_ssl.so\nDefine TLS\n\
        <IfModule mod_ssl.c>\n<IfDefine TLS>\nListen 443\n</IfDefine>\n</IfModule>\n\
        <IfModule !ssl_module>\nListen 1\n<Directory /x>\n</Directory>\n</IfModule>\n\
        <IfModule mod_gone.c>\nListen 2\n</IfModule>\nUnDefine TLS\n\
        <IfDefine TLS>\nListen 3\n</IfDefine>\n<IfDefine !TLS>\nListen 4\n</IfDefine>\n\
        <IfFile apache2.conf>\nListen 5\n</IfFile>\n<IfFile gone>\nListen 6\n</IfFile>\n";
    assert_eq!(main(text, "Listen"), ["443", "4", "5"]);
}

#[test]
fn what_cannot_be_decided_counts_and_leaves_a_gap() {
    let settings = parse("apache", &host("<IfVersion > 2.4.9>\nTimeout 1\n</IfVersion>\n"), MAIN);
    assert_eq!(values(settings.as_ref().unwrap(), "Timeout"), ["1"]);
    assert!(gaps(settings)[0].ends_with("whether <IfVersion > 2.4.9> holds is not known"));
    // All versions of 2.4 are newer than 2.
    let decided =
        "<IfVersion > 2>\nTimeout 1\n</IfVersion>\n<IfVersion < 2.4>\nTimeout 2\n</IfVersion>\n";
    let settings = parse("apache", &host(decided), MAIN);
    assert_eq!(values(settings.as_ref().unwrap(), "Timeout"), ["1"]);
    assert!(gaps(settings).is_empty());
    let part = alone("<IfModule mod_ssl.c>\nTimeout 1\n</IfModule>\n");
    let settings = parse("apache", &part, "/c/main");
    assert_eq!(values(settings.as_ref().unwrap(), "Timeout"), ["1"]);
    assert_eq!(gaps(settings).len(), 1);
    assert_eq!(gaps(parse("apache", &host("Use VHost x\n"), MAIN)).len(), 1);
    assert_eq!(gaps(parse("apache", &host("User ${NOBODY_KNOWS}\n"), MAIN)).len(), 1);
}

#[test]
fn variables_come_from_definitions_and_envvars() {
    let files = host("Define SITE /srv/${NAME}\nDocumentRoot ${SITE}\nUser ${APACHE_RUN_USER}\n")
        .file("/etc/apache2/envvars", 0o644, 0, 0, "export APACHE_RUN_USER=www\nNAME=a\n");
    let settings = parse("apache", &files, MAIN).unwrap();
    assert_eq!(values(&settings, "DocumentRoot"), ["/srv/a"]);
    assert_eq!(values(&settings, "User"), ["www"]);
    assert_eq!(settings.unread, []);
}

#[test]
fn envvars_that_cannot_be_read_is_a_gap() {
    let files = host("User x\n").file("/etc/apache2/envvars", 0o600, 0, 0, "");
    let settings = parse("apache", &files.unreadable("/etc/apache2/envvars"), MAIN).unwrap();
    assert_eq!(settings.unread.len(), 1);
}

#[test]
fn includes_belong_to_the_server_root_and_a_directory_is_all_its_files() {
    let files = host(
        "Include sites/*.conf\nIncludeOptional gone/*\nIncludeOptional gone\n\
        <VirtualHost *:1>\nInclude in\n</VirtualHost>\nServerRoot /srv\nInclude x\n",
    )
    .file("/etc/apache2/sites/b.conf", 0o644, 0, 0, "Listen 2\n")
    .file("/etc/apache2/sites/a.conf", 0o644, 0, 0, "Listen 1\n")
    .file("/etc/apache2/in/1", 0o644, 0, 0, "ServerName a\n")
    .file("/etc/apache2/in/sub/2~", 0o644, 0, 0, "ServerAlias b\n")
    .file("/srv/x", 0o644, 0, 0, "Listen 3\n");
    let settings = parse("apache", &files, MAIN).unwrap();
    assert_eq!(values(&settings, "Listen"), ["1", "2", "3"]);
    assert_eq!(values(&settings, "VirtualHost.ServerAlias"), ["b"]);
    assert_eq!(settings.unread, []);
}

#[test]
fn an_include_that_is_missing_is_a_gap() {
    for text in ["Include gone\n", "Include gone/*\n"] {
        let gaps = gaps(parse("apache", &host(text), MAIN));
        assert!(gaps[0].contains("would not start"), "{gaps:?}");
    }
}

#[test]
fn a_file_that_includes_itself_ends() {
    assert!(!gaps(parse("apache", &host("Include apache2.conf\nInclude *\n"), MAIN)).is_empty());
}

#[test]
fn an_error_has_its_line() {
    assert!(refused("apache", "A\n</IfModule>\n").contains("line 2: the end of a section"));
    assert!(refused("apache", "<VirtualHost *\n").contains("does not end in >"));
    assert!(refused("apache", "<A>\n<B>\n</A>\n</B>\n").contains("line 3"));
    assert!(refused("apache", "<Directory />\n").contains("not closed"));
}

#[test]
fn lines_go_on_behind_a_backslash() {
    assert_eq!(asked("apache", "# c \\\nTimeout 1\nTimeout \\\n  2\n", "Timeout"), ["2"]);
}

#[test]
fn paths_tell_the_format() {
    let paths = [
        "/etc/apache2/apache2.conf",
        "/etc/apache2/sites-enabled/a.conf",
        "/etc/httpd/conf/httpd.conf",
        "/etc/httpd/conf.d/ssl.conf",
    ];
    for path in paths {
        assert_eq!(for_path(Path::new(path)).unwrap().name, "apache", "{path}");
    }
}

#[test]
fn many_virtual_hosts_take_no_more_room_than_is_allowed() {
    let text = "TraceEnable off\nTimeout 1\n".to_owned()
        + &"<VirtualHost a>\n</VirtualHost>\n".repeat(90_000);
    assert!(parse("apache", &host(&text), MAIN).is_err());
}

/// Modules that a configuration on Debian needs to be accepted.
const MODULES: &str = "LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so\n\
    LoadModule info_module /usr/lib/apache2/modules/mod_info.so\n\
    LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so\n";

/// What apache prints for a configuration.
fn apache(config: &Config, what: &str) -> String {
    let output = Command::new("/usr/sbin/apache2")
        .arg("-d")
        .arg(config.dir())
        .arg("-f")
        .arg(config.main())
        .args(["-t", "-D", what])
        .env("FROM_ENV", "env")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// File, line and name of each directive that apache has in force.
fn theirs(config: &Config) -> BTreeSet<(String, u32, String)> {
    let mut all = BTreeSet::new();
    let (mut file, mut number) = (String::new(), 0);
    for line in apache(config, "DUMP_CONFIG").lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("# In file: ") {
            file = name.to_owned();
        } else if let Some(at) = line.strip_prefix('#') {
            number = at.trim().trim_end_matches(':').parse().unwrap();
        } else if !line.starts_with("</") {
            let word = line.split(' ').next().unwrap();
            all.insert((file.clone(), number, word.trim_matches(['<', '>']).to_lowercase()));
        }
    }
    all
}

/// The same here, without what apache forgets once it is read.
fn ours(block: &Block, all: &mut BTreeSet<(String, u32, String)>) {
    const READ: [&str; 6] =
        ["loadmodule", "define", "undefine", "include", "includeoptional", "serverroot"];
    for setting in &block.settings {
        let name = setting.name.to_lowercase();
        if !READ.contains(&name.as_str()) {
            all.insert((setting.at.file.display().to_string(), setting.at.line, name));
        }
    }
    for inner in block.blocks.iter().filter(|inner| inner.name != "Listen") {
        let at = &inner.at;
        all.insert((at.file.display().to_string(), at.line, inner.name.to_lowercase()));
        ours(inner, all);
    }
}

#[test]
fn apache_itself_has_the_same_directives_in_force() {
    if !needs(&[Need::Command("apache2")]) {
        return;
    }
    let main = MODULES.to_owned()
        + "ServerName x\nListen 127.0.0.1:8081\nDefine A bc\nDefine B\n\
        ErrorLog {dir}/${A}\nUser www-data\nGroup ${G}\n# com\\\nTimeout 3\n\
        <IfDefine B>\nServerTokens Prod\n</IfDefine>\n<IfDefine !B>\nTimeout 5\n</IfDefine>\n\
        <IfModule !mod_info.c>\nTimeout 6\n</IfModule>\n<IfModule event.c>\nKeepAlive On\n\
        <IfModule http_module>\nTraceEnable off\n</IfModule>\n</IfModule>\n\
        <IfModule mod_gone.c>\n<Directory /x>\nNonsense\n</Directory>\n</IfModule>\n\
        <IfModule mod_so.c>\n<IfFile main.conf>\nUseCanonicalName off\n</IfFile>\n</IfModule>\n\
        <Directory \"/a b\">\nOptions None\n<RequireAll>\nRequire all denied\n</RequireAll>\n\
        </Directory>\nInclude sites/*.conf\nIncludeOptional gone/*.conf\n";
    let config = Config::new(&[
        ("main.conf", &main.replace("${G}", "www-data")),
        ("sites/2.conf", "<VirtualHost *:81>\nServerName b\nInclude more\n</VirtualHost>\n"),
        ("sites/1.conf", "<VirtualHost *:80 *:82>\nServerAdmin ${A}\n</VirtualHost>\n"),
        ("sites/0.off", "Nonsense\n"),
        ("more/a", "ServerAlias c\n"),
        ("more/sub/b~", "<Location />\nRequire all granted\n</Location>\n"),
    ]);
    // The name tells that nothing is loaded or defined elsewhere.
    let path = config.dir().join("apache2.conf");
    let content = std::fs::read(config.main()).unwrap();
    let settings =
        (spotcheck::formats::by_name("apache").unwrap().parse)(&config.memory, &path, &content);
    let settings = settings.unwrap();
    assert_eq!(settings.unread, []);
    let mut here = BTreeSet::new();
    ours(&settings.root, &mut here);
    let renamed: BTreeSet<_> = here
        .into_iter()
        .map(|(file, line, name)| (file.replace("/apache2.conf", "/main.conf"), line, name))
        .collect();
    assert_eq!(renamed, theirs(&config));
    let dump = apache(&config, "DUMP_RUN_CFG");
    let log = values(&settings, "ErrorLog").concat();
    assert!(dump.contains(&format!("Main ErrorLog: \"{log}\"")), "{log}: {dump}");
    assert!(dump.contains(&format!("User: name=\"{}\"", values(&settings, "User").concat())));
    let hosts = apache(&config, "DUMP_VHOSTS");
    for host in settings.root.blocks.iter().filter(|block| block.name == "VirtualHost") {
        let place = format!("({}:{})", host.at.file.display(), host.at.line);
        assert!(hosts.contains(&place), "{place}: {hosts}");
    }
}

#[test]
fn the_configuration_of_the_package_is_understood_without_gaps() {
    if !needs(&[Need::Command("apache2")]) {
        return;
    }
    let mut memory = Memory::new();
    let mut pending = vec![Path::new("/etc/apache2").to_path_buf()];
    while let Some(path) = pending.pop() {
        if path.is_dir() {
            pending.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            memory = memory.file(&path, 0o644, 0, 0, std::fs::read(&path).unwrap());
        }
    }
    let settings = parse("apache", &memory, MAIN).unwrap();
    assert_eq!(settings.unread, []);
    assert_eq!(values(&settings, "User"), ["www-data"]);
}

proptest! {
    #[test]
    fn any_bytes_give_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse("apache", &alone(bytes), "/c/main");
    }

    #[test]
    fn anything_that_looks_like_apache_gives_an_answer(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "Listen ", " ", ":", "\"", "'", "\\", "#", "\n", "<VirtualHost a>\n", "1",
                "</VirtualHost>\n", "Include *", "<If", "Module x>\n", "</IfModule>\n", "${", "}",
                "Define ", "A", "!", "<Directory /", ">", "é",
            ]),
            0..60,
        )
    ) {
        let _ = parse("apache", &host(&parts.concat()), MAIN);
    }
}
