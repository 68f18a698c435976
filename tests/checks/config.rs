//! `config:`: every way to ask about a setting with each of its outcomes, on plain data, and how
//! the report says it of a real configuration.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, Stage, rule, scrubbed};
use spotcheck::targets::memory::Memory;

const NGINX: &str = "/etc/nginx/nginx.conf";
const SSHD: &str = "/etc/ssh/sshd_config";

fn nginx(text: &str) -> Memory {
    Memory::new().file(NGINX, 0o644, 0, 0, text)
}

fn shop() -> Memory {
    nginx(
        "user nginx;\nworker_processes 4;\nhttp {\n  server_tokens off;\n  server {\n    listen 8080;\n  }\n  \
         server {\n    listen 8081;\n    server_tokens on;\n  }\n}\n",
    )
}

fn must(setting: &str) -> Rule {
    rule(&format!("config: {NGINX}\nmust:\n  {setting}"))
}

fn sshd_must(setting: &str) -> Rule {
    rule(&format!("config: {SSHD}\nmust:\n  {setting}"))
}

fn sshd(text: &str) -> Memory {
    Memory::new().file(SSHD, 0o644, 0, 0, text)
}

// --- values --------------------------------------------------------------------------------------

#[test]
fn a_value_is_compared_and_shown_with_its_line() {
    must("user: nginx")
        .on(&shop())
        .passes_with("user: user nginx (/etc/nginx/nginx.conf:1); expected nginx");
    must("user: root")
        .on(&shop())
        .fails_with("user: user nginx (/etc/nginx/nginx.conf:1); expected root")
        .repaired_by("sed -i '1s|user nginx|user root|' /etc/nginx/nginx.conf");
}

#[test]
fn every_value_of_a_list_has_to_be_as_expected() {
    must("http.server.listen: [8080, 8081]").on(&shop()).passes();
    must("http.server.listen: 8080")
        .on(&shop())
        .fails_with("http.server.listen: listen 8081 (/etc/nginx/nginx.conf:9); expected 8080");
    must("http.server.listen: { not: 8081 }")
        .on(&shop())
        .fails_with("http.server.listen: listen 8081 (/etc/nginx/nginx.conf:9); expected not 8081");
}

#[test]
fn one_value_of_a_list_can_be_asked_for() {
    must("http.server.listen: { some: 8081 }").on(&shop()).passes();
    must("http.server.listen: { some: 443 }").on(&shop()).fails_with(
        "http.server.listen: listen 8080 (/etc/nginx/nginx.conf:6), listen 8081 \
         (/etc/nginx/nginx.conf:9); expected a value that is 443",
    );
}

#[test]
fn a_value_is_inherited_from_the_enclosing_block_and_overridden_in_its_own() {
    for path in ["http.server_tokens", "http.server.server_tokens"] {
        must(&format!("{path}: 'off'")).on(&shop()).fails_with(&format!(
            "{path}: server_tokens on (/etc/nginx/nginx.conf:10); expected off"
        ));
    }
}

#[test]
fn what_a_block_further_in_says_instead_is_judged_as_well() {
    let host = nginx(
        "http {\n  autoindex off;\n  types { autoindex x; }\n  server {\n    return 301 https://x;\n    \
         location / {\n      location /open {\n        if ($a) {\n          autoindex on;\n        }\n      }\n      \
         return 204;\n    }\n  }\n}\n",
    );
    for path in ["http.autoindex", "http.server.autoindex", "http.server.location.autoindex"] {
        must(&format!("{path}: 'off'"))
            .on(&host)
            .fails_with(&format!("{path}: autoindex on (/etc/nginx/nginx.conf:9); expected off"));
    }
    // What a location does with a request is not what its server does.
    must("http.server.return: '301 https://x'").on(&host).passes();
}

#[test]
fn only_values_of_one_kind_are_compared() {
    let grace = |limit: &str| sshd_must(&format!("LoginGraceTime: {{ at_most: {limit} }}"));
    let hour = sshd("LoginGraceTime 3600\n");
    grace("2m").on(&hour).fails_with(
        "LoginGraceTime: logingracetime 3600 (/etc/ssh/sshd_config:1); expected at most 2m",
    );
    grace("1h").on(&hour).passes();
    grace("120").on(&sshd("LoginGraceTime 2m\n")).passes();
    grace("119").on(&sshd("")).fails_with(
        "LoginGraceTime: not set in /etc/ssh/sshd_config, so the default 120 applies; expected at \
         most 119",
    );
    assert!(grace("2G").is_refused().contains("a time such as 90s, 2m or 1h"));
    assert!(sshd_must("MaxAuthTries: { at_most: 4m }").is_refused().contains("without a unit"));
    assert!(sshd_must("PermitRootLogin: { at_most: 1 }").is_refused().contains("no order"));

    let env =
        |setting: &str| rule(&format!("config: /etc/app.env\nformat: env\nmust: {{ {setting} }}"));
    let app = Memory::new().file("/etc/app.env", 0o644, 0, 0, "TIMEOUT=3600\nLIMIT=10m\n");
    env("TIMEOUT: { at_most: 2m }").on(&app).unknown_with(
        "TIMEOUT: `3600`: has no unit and the limit `2m` has one; write the limit without",
    );
    env("LIMIT: { at_most: 3600 }").on(&app).unknown_with(
        "LIMIT: `10m`: has a unit and the limit `3600` has none; write the limit with one",
    );
    env("TIMEOUT: { at_most: 3600 }, LIMIT: { at_most: 16m }").on(&app).passes();
    assert!(env("LIMIT: { at_most: many }").is_refused().contains("a number, a size or a time"));
}

#[test]
fn permission_bits_are_compared_bit_by_bit() {
    let conf = Memory::new().file("/etc/redis/redis.conf", 0o644, 0, 0, "unixsocketperm 707\n");
    let must = |limit| {
        rule(&format!(
            "config: /etc/redis/redis.conf\nmust: {{ unixsocketperm: {{ at_most: {limit} }} }}"
        ))
    };
    must("\"0770\"").on(&conf).fails_with(
        "unixsocketperm: unixsocketperm 707 (/etc/redis/redis.conf:1); expected at most 0770",
    );
    must("\"0777\"").on(&conf).passes();
}

#[test]
fn secrets_are_judged_and_never_shown() {
    const SECRET: &str = "hunter2hunter2";
    let redis = format!("requirepass {SECRET}\nmasterauth {SECRET}\nuser bob on >{SECRET} ~*\n");
    let app = format!("DB_PASSWORD={SECRET}\nURL=postgres://app:{SECRET}@db/app\n");
    let host = Memory::new().file("/etc/redis/redis.conf", 0o600, 0, 0, redis).file(
        "/etc/app.env",
        0o600,
        0,
        0,
        app,
    );
    let redis =
        |setting: &str| rule(&format!("config: /etc/redis/redis.conf\nmust: {{ {setting} }}"));
    let env =
        |setting: &str| rule(&format!("config: /etc/app.env\nformat: env\nmust: {{ {setting} }}"));
    redis("requirepass: { not: \"\" }").on(&host).passes_with(
        "requirepass: requirepass [hidden] (/etc/redis/redis.conf:1); expected as the rule says, [hidden]",
    );
    let rules = [
        redis("requirepass: other"),
        redis(&format!("requirepass: {SECRET}")),
        redis("requirepass: { at_most: 3 }"),
        redis("masterauth: { set: false }"),
        redis("masterauth: { same_as: config./etc/redis/redis.conf.requirepass }"),
        redis("dbfilename: { same_as: config./etc/redis/redis.conf.requirepass }"),
        redis("user: none"),
        env("DB_PASSWORD: { matches: x }"),
        env("URL: other"),
        rule("user: root\nmust: { uid: { same_as: config./etc/redis/redis.conf.requirepass } }"),
    ];
    for rule in rules {
        let answers = rule.on(&host);
        let all =
            format!("{:?}", answers.findings.iter().map(|f| &f.assertion).collect::<Vec<_>>());
        assert!(!all.contains(SECRET), "{all}");
    }
}

#[test]
fn numbers_and_sizes_are_compared_by_their_value() {
    must("worker_processes: { at_most: 4, at_least: 2 }").on(&shop()).passes();
    must("worker_processes: { at_most: 2 }").on(&shop()).fails_with(
        "worker_processes: worker_processes 4 (/etc/nginx/nginx.conf:2); expected at most 2",
    );
    let body = nginx("http { client_max_body_size 10m; }");
    must("http.client_max_body_size: { at_most: 16M }").on(&body).passes();
    must("http.client_max_body_size: { at_most: 8M }").on(&body).fails_with(
        "http.client_max_body_size: client_max_body_size 10m (/etc/nginx/nginx.conf:1); expected at most 8M",
    );
}

#[test]
fn what_cannot_be_compared_as_a_number_is_unknown() {
    must("worker_processes: { at_most: 4 }")
        .on(&nginx("worker_processes auto;"))
        .unknown_with("worker_processes: `auto`: cannot be compared as a number");
}

#[test]
fn patterns_match_values() {
    must("user: { matches: '^ngi' }").on(&shop()).passes();
    must("user: { matches: '^www' }")
        .on(&shop())
        .fails_with("user: user nginx (/etc/nginx/nginx.conf:1); expected matching /^www/");
}

// --- not set -------------------------------------------------------------------------------------

#[test]
fn not_set_is_an_answer_of_its_own() {
    let empty = nginx("");
    must("user: nginx")
        .on(&empty)
        .fails_with("user: not set in /etc/nginx/nginx.conf; expected nginx");
    must("user: { set: false }").on(&empty).passes();
    must("user: { set: true }")
        .on(&empty)
        .fails_with("user: not set in /etc/nginx/nginx.conf; expected to be set");
    must("user: { set: false }")
        .on(&shop())
        .fails_with("user: user nginx (/etc/nginx/nginx.conf:1); expected not to be set");
}

#[test]
fn the_default_of_the_daemon_or_of_the_policy_applies() {
    let empty = nginx("http { server { } }");
    must("http.server.listen: 80").on(&empty).passes();
    must("http.server.server_tokens: 'off'").on(&empty).fails_with(
        "http.server.server_tokens: not set in /etc/nginx/nginx.conf:1, so the default on applies; \
         expected off",
    );
    must("user: { is: www-data, default: www-data }").on(&empty).passes();
    must("user: { not: root, default: root }").on(&empty).fails_with(
        "user: not set in /etc/nginx/nginx.conf, so the default root applies; expected not root",
    );
}

// --- files ---------------------------------------------------------------------------------------

#[test]
fn a_file_that_is_missing_fails_unless_the_rule_says_otherwise() {
    let nothing = Memory::new();
    must("user: nginx")
        .on(&nothing)
        .fails_with("exists: does not exist; expected a configuration file");
    let answers =
        rule(&format!("config: {NGINX}\nabsent: skip\nmust: {{ user: nginx }}")).on(&nothing);
    answers.skipped_with("exists: does not exist");
    assert_eq!(answers.exit(), 2);
}

#[test]
fn a_file_that_cannot_be_read_is_unknown_not_absent() {
    for (host, what) in
        [(shop().unreadable(NGINX), NGINX), (shop().unreadable("/etc/nginx"), NGINX)]
    {
        for setting in ["user: nginx", "user: { set: false }", "user: { not: root }"] {
            must(setting).on(&host).unknown_with(&format!("user: {what}: permission denied"));
        }
        let skip = rule(&format!("config: {NGINX}\nabsent: skip\nmust: {{ user: nginx }}"));
        skip.on(&host).unknown_with(&format!("user: {what}: permission denied"));
    }
}

#[test]
fn a_file_that_is_not_of_its_format_is_unknown() {
    let answers = must("user: nginx").on(&nginx("user nginx;\nhttp {"));
    assert!(answers.to_string().starts_with("unknown user"), "{answers:?}");
}

#[test]
fn includes_are_followed() {
    let host = nginx("http { include conf.d/*.conf; }")
        .file("/etc/nginx/conf.d/a.conf", 0o644, 0, 0, "server { listen 8080; }")
        .file("/etc/nginx/conf.d/b.conf", 0o644, 0, 0, "server {\n  listen 9090; }");
    must("http.server.listen: 8080")
        .on(&host)
        .fails_with("http.server.listen: listen 9090 (/etc/nginx/conf.d/b.conf:2); expected 8080");
}

#[test]
fn an_include_that_cannot_be_read_keeps_a_pass_from_being_earned() {
    let host = nginx("user nginx;\nhttp { include conf.d/*.conf; server { listen 8080; } }")
        .file("/etc/nginx/conf.d/a.conf", 0o600, 0, 0, "server { listen 1; }")
        .unreadable("/etc/nginx/conf.d/a.conf");
    for (setting, condition) in [
        ("http.server.listen: 8080", "http.server.listen"),
        ("http.server.server_tokens: { set: false }", "http.server.server_tokens"),
        ("http.server.listen: { some: 9 }", "http.server.listen"),
    ] {
        must(setting)
            .on(&host)
            .unknown_with(&format!("{condition}: /etc/nginx/conf.d/a.conf: permission denied"));
    }
    // A value that is seen to be wrong is wrong whatever else is there.
    must("http.server.listen: 80")
        .on(&host)
        .fails_with("http.server.listen: listen 8080 (/etc/nginx/nginx.conf:2); expected 80");
}

#[test]
fn a_setting_that_may_stand_in_an_unread_include_is_not_unset() {
    let host = nginx("http { server { include secret.conf; } }")
        .file("/etc/nginx/secret.conf", 0o600, 0, 0, "listen 8080;")
        .unreadable("/etc/nginx/secret.conf");
    for setting in ["8080", "{ set: true }", "{ set: false }", "{ not: 80 }"] {
        must(&format!("http.server.listen: {setting}"))
            .on(&host)
            .unknown_with("http.server.listen: /etc/nginx/secret.conf: permission denied");
    }
}

#[test]
fn a_directory_of_includes_that_cannot_be_listed_is_unknown_too() {
    let host = nginx("http { include conf.d/*.conf; server { listen 8080; } }")
        .file("/etc/nginx/conf.d/a.conf", 0o644, 0, 0, "server { listen 1; }")
        .unreadable("/etc/nginx/conf.d");
    let answers = must("http.server.listen: 8080").on(&host);
    assert!(answers.to_string().starts_with("unknown "), "{answers:?}");
}

#[test]
fn every_match_of_a_glob_is_judged() {
    let host = Memory::new()
        .file("/etc/nginx/sites-enabled/a", 0o644, 0, 0, "server { listen 8080; }")
        .file("/etc/nginx/sites-enabled/b", 0o644, 0, 0, "server { listen 9090; }");
    let sites =
        rule("config: /etc/nginx/sites-enabled/*\nformat: nginx\nmust: { server.listen: 8080 }");
    let answers = sites.on(&host);
    answers.fails_with("server.listen: listen 9090 (/etc/nginx/sites-enabled/b:1); expected 8080");
    assert_eq!(answers.findings.len(), 2);
    let blind = host.unreadable("/etc/nginx/sites-enabled");
    let answers = sites.on(&blind);
    assert!(answers.to_string().starts_with("unknown "), "{answers:?}");
    assert_eq!(sites.on(&Memory::new()).exit(), 1);
}

// --- sshd ----------------------------------------------------------------------------------------

#[test]
fn the_first_value_of_sshd_wins_and_names_are_compared_without_case() {
    let host = sshd("permitrootlogin no\nPermitRootLogin yes\n");
    sshd_must("PermitRootLogin: 'no'").on(&host).passes();
    sshd_must("permitROOTlogin: { not: 'no' }").on(&host).fails_with(
        "permitROOTlogin: permitrootlogin no (/etc/ssh/sshd_config:1); expected not no",
    );
}

#[test]
fn a_value_under_match_counts_as_well() {
    let host = sshd("PermitRootLogin no\nMatch Address 10.0.0.0/8\n  PermitRootLogin yes\n");
    let answers = sshd_must("PermitRootLogin: 'no'").on(&host);
    assert_eq!(answers.exit(), 1, "{answers:?}");
}

#[test]
fn an_unread_include_of_sshd_may_have_come_first() {
    let host = sshd("Include /etc/ssh/extra.conf\nPermitRootLogin yes\n")
        .file("/etc/ssh/extra.conf", 0o600, 0, 0, "PermitRootLogin no\n")
        .unreadable("/etc/ssh/extra.conf");
    for value in ["'no'", "'yes'"] {
        sshd_must(&format!("PermitRootLogin: {value}"))
            .on(&host)
            .unknown_with("PermitRootLogin: /etc/ssh/extra.conf: permission denied");
    }
}

// --- policies ------------------------------------------------------------------------------------

#[test]
fn what_says_nothing_is_refused() {
    rule("config: /etc/nginx/nginx.conf\nmust: {}").is_refused();
    assert!(rule("config: /etc/thing\nmust: { a: b }").is_refused().contains("format"));
    let typo = "config: /etc/thing\nformat: ngnix\nmust: { a: b }";
    assert!(rule(typo).is_refused().contains("did you mean `nginx`?"));
    must("user: { default: nginx }").is_refused();
    must("user: []").is_refused();
}

// --- numbers that mean no limit -----------------------------------------------------------------

/// The rule `SETTING: { at_most: … }` about a file of that format with that content.
fn limited(format: &str, content: &str, must: &str) -> String {
    let data = if format == "postgresql" { "data_directory = '/d'\n" } else { "" };
    let host = Memory::new().file("/etc/x", 0o644, 0, 0, format!("{data}{content}"));
    let lines = format!("config: /etc/x\nformat: {format}\nmust: {{ {must} }}");
    rule(&lines).on(&host).to_string()
}

#[test]
fn a_zero_that_means_no_limit_is_at_most_nothing() {
    for (format, content, must) in [
        ("sshd", "LoginGraceTime 0\n", "LoginGraceTime: { at_most: 2m }"),
        ("sshd", "LoginGraceTime 0s\n", "LoginGraceTime: { at_most: 2m }"),
        // The default of ClientAliveInterval is never.
        ("sshd", "", "ClientAliveInterval: { at_most: 300 }"),
        ("sshd", "ClientAliveCountMax 0\n", "ClientAliveCountMax: { at_most: 3 }"),
        ("redis", "timeout 0\n", "timeout: { at_most: 300 }"),
        ("redis", "maxmemory 0\n", "maxmemory: { at_most: 1G }"),
        ("redis", "slowlog-log-slower-than -1\n", "slowlog-log-slower-than: { at_most: 10000 }"),
        ("postgresql", "statement_timeout = 0\n", "statement_timeout: { at_most: 60s }"),
        ("postgresql", "statement_timeout = '0s'\n", "statement_timeout: { at_most: 60s }"),
        ("postgresql", "temp_file_limit = -1\n", "temp_file_limit: { at_most: 1G }"),
        ("nginx", "http { client_max_body_size 0; }", "http.client_max_body_size: { at_most: 1m }"),
        ("apache", "LimitRequestBody 0\n", "LimitRequestBody: { at_most: 1M }"),
        ("php", "post_max_size = 0\n", "post_max_size: { at_most: 8M }"),
        ("php", "memory_limit = -1\n", "memory_limit: { at_most: 128M }"),
        (
            "mysql",
            "[mysqld]\nmax_user_connections=0\n",
            "mysqld.max_user_connections: { at_most: 9 }",
        ),
        ("systemd", "[Service]\nTimeoutStopSec=0\n", "Service.TimeoutStopSec: { at_most: 90 }"),
        (
            "supervisord",
            "[supervisord]\nlogfile_maxbytes=0\n",
            "supervisord.logfile_maxbytes: { at_most: 50M }",
        ),
        ("login.defs", "PASS_MAX_DAYS -1\n", "PASS_MAX_DAYS: { at_most: 365 }"),
    ] {
        let answer = limited(format, content, must);
        assert!(answer.starts_with("fail "), "{must}: {answer}");
        assert!(answer.contains(", which means no limit; expected at most"), "{answer}");
    }
}

#[test]
fn a_zero_that_is_a_number_is_one_and_a_limit_below_it_still_demands_one() {
    for (format, content, must) in [
        ("sshd", "MaxSessions 0\n", "MaxSessions: { at_most: 10 }"),
        ("nginx", "http { keepalive_timeout 0; }", "http.keepalive_timeout: { at_most: 75s }"),
        ("sshd", "LoginGraceTime 0\n", "LoginGraceTime: { at_least: 0 }"),
        ("sshd", "LoginGraceTime 0\n", "LoginGraceTime: 0"),
        ("sshd", "LoginGraceTime 0\n", "LoginGraceTime: [0, { at_most: 2m }]"),
        ("redis", "maxmemory 0\n", "maxmemory: { not: { at_most: 1G } }"),
    ] {
        let answer = limited(format, content, must);
        assert!(answer.starts_with("pass "), "{must}: {answer}");
    }
    let answer = limited("sshd", "LoginGraceTime 0\n", "LoginGraceTime: { at_least: 1 }");
    assert!(answer.starts_with("fail "), "{answer}");
}

#[test]
fn a_zero_that_leaves_it_to_the_system_is_unknown() {
    let must = "tcp_keepalives_idle: { at_most: 60 }";
    let answer = limited("postgresql", "tcp_keepalives_idle = 0\n", must);
    assert!(answer.starts_with("unknown "), "{answer}");
    assert!(answer.contains("0 leaves it to the operating system"), "{answer}");
    assert!(limited("postgresql", "tcp_keepalives_idle = 50\n", must).starts_with("pass "));
}

#[test]
fn a_limit_that_no_value_can_keep_is_refused() {
    let text =
        rule("config: /etc/ssh/sshd_config\nmust: { LoginGraceTime: { at_most: 0 } }").is_refused();
    assert!(text.contains("no value is at most `0` here"), "{text}");
    assert!(text.contains("to demand just that, write `0` alone"), "{text}");
}

// --- a real configuration ------------------------------------------------------------------------

#[test]
fn the_report_says_which_line_differs_and_how_to_change_it() {
    let Some(stage) = Stage::healthy() else { return };
    stage.attack();
    stage.write("/mnt/web.yaml", POLICY);
    insta::assert_snapshot!(scrubbed(&stage.run(&["check", "web.yaml"])), @r#"
    spotcheck on [host] · as root · [time]

    FAIL high web-settings  config /etc/nginx/nginx.conf
      http.server.listen  listen 8081 (/etc/nginx/nginx.conf:13); expected 8080
      repair              sed -i '13s|listen 8081|listen 8080|' /etc/nginx/nginx.conf
      verify              spotcheck check web.yaml --rule web-settings
      policy              web.yaml:4

    1 rule, 3 conditions: 1 violated, 2 hold · exit 1
    exited 1
    "#);
    let step = "sed -i '13s|listen 8081|listen 8080|' /etc/nginx/nginx.conf";
    stage.must(step);
    assert_eq!(stage.run(&["check", "web.yaml"]).status, Some(0));
}

#[test]
fn the_report_says_that_a_configuration_cannot_be_read() {
    let Some(stage) = Stage::healthy() else { return };
    stage.write("/mnt/web.yaml", POLICY);
    insta::assert_snapshot!(scrubbed(&stage.run_as(65534, &["check", "web.yaml"])), @r#"
    spotcheck on [host] · as uid 65534 · [time]
    1 rule cannot be decided: without root 3 facts cannot be seen; run as root to decide

    UNKNOWN web-settings  config /etc/nginx/nginx.conf
      user                undecided: /etc/nginx/nginx.conf: permission denied; expected nginx
      http.server.listen  undecided: /etc/nginx/nginx.conf: permission denied; expected 8080
      http.access_log     undecided: /etc/nginx/nginx.conf: permission denied; expected to be set
      policy              web.yaml:4

    1 rule, 3 conditions: 3 undecided · exit 2
    exited 2
    "#);
}

const POLICY: &str = "
policy: scene
rules:
  - id: web-settings
    severity: high
    config: /etc/nginx/nginx.conf
    must: { user: nginx, http.server.listen: 8080, http.access_log: { set: true } }
";

#[test]
fn how_many_places_have_to_be_so_is_said() {
    let listen = |words: &str| must(&format!("http.server.listen: {words}")).on(&shop());
    listen("{ some: 8081 }").passes();
    assert_eq!(listen("{ every: 8081 }").exit(), 1);
    listen("{ none: 443 }").passes();
    assert_eq!(listen("{ none: [443, 8081] }").exit(), 1);
    listen("{ count: 2 }").passes();
    assert_eq!(listen("{ count: { at_most: 1 } }").exit(), 1);
}

#[test]
fn a_set_is_compared_in_each_place_by_its_word() {
    let one = "http {\n server { add_header A 1; add_header B 2; }\n";
    let host = nginx(&format!("{one} server {{ add_header A 1; }}\n}}\n"));
    let headers = |words: &str| must(&format!("http.server.add_header: {words}")).on(&host);
    headers("{ all: [A 1] }").passes();
    // Some server sends it, not each.
    headers("{ some: B 2 }").passes();
    assert_eq!(headers("{ all: [B 2] }").exit(), 1);
    headers("{ only: [A 1, B 2] }").passes();
    assert_eq!(headers("{ exactly: [A 1, B 2] }").exit(), 1);
    headers("{ any: [A 1, C 3] }").passes();
    assert_eq!(headers("{ any: [B 2, C 3] }").exit(), 1);
    headers("{ none: [C 3] }").passes();
    assert_eq!(headers("{ none: [B 2] }").exit(), 1);
}

#[test]
fn a_value_that_is_a_set_is_compared_by_its_members() {
    let host = sshd("Ciphers aes256-ctr,aes128-cbc\n");
    let ciphers = |words: &str| sshd_must(&format!("Ciphers: {words}")).on(&host);
    for holds in [
        "{ all: [aes128-cbc] }",
        "{ only: [aes256-ctr, aes128-cbc, aes192-ctr] }",
        "{ exactly: [aes128-cbc, aes256-ctr] }",
        "{ any: [aes128-cbc, 3des-cbc] }",
        "{ none: [3des-cbc] }",
        "{ not: 3des-cbc }",
    ] {
        ciphers(holds).passes();
    }
    for fails in [
        "{ not: aes128-cbc }",
        "{ none: [{ matches: '-cbc$' }] }",
        "{ only: [aes256-ctr] }",
        "{ all: [aes256-ctr, aes192-ctr] }",
        "{ exactly: [aes256-ctr] }",
        "{ any: [3des-cbc] }",
    ] {
        assert_eq!(ciphers(fails).exit(), 1, "{fails}");
    }
    let refused = sshd_must("Ciphers: [aes256-ctr]").is_refused();
    for word in ["only", "all", "any", "none", "exactly"] {
        assert!(refused.contains(&format!("Ciphers: {{ {word}: [aes256-ctr] }}")), "{refused}");
    }
}

#[test]
fn a_value_of_a_format_without_an_owner_is_made_a_set_by_split() {
    let host = Memory::new().file("/etc/app.env", 0o644, 0, 0, "MODES=a,b\n");
    let modes =
        |words: &str| rule(&format!("config: /etc/app.env\nformat: env\nmust:\n  MODES: {words}"));
    modes("{ split: ',', all: [b] }").on(&host).passes();
    assert_eq!(modes("{ split: ',', none: [b] }").on(&host).exit(), 1);
    assert_eq!(modes("{ all: [b] }").on(&host).exit(), 1);
    modes("{ split: ',' }").is_refused();
    modes("{ split: ',', at_most: 3 }").is_refused();
}

#[test]
fn an_element_that_lacks_a_set_has_none_of_its_members_and_lacks_all() {
    let text = "spec:\n  containers:\n    - { name: a, drop: [ALL] }\n    - { name: b }\n";
    let host = Memory::new().file("/srv/pod.yaml", 0o644, 0, 0, text);
    let drop = |words: &str| {
        rule(&format!("config: /srv/pod.yaml\nmust:\n  spec.containers.drop: {words}")).on(&host)
    };
    assert_eq!(drop("{ all: [ALL] }").exit(), 1);
    drop("{ only: [ALL] }").passes();
    drop("{ none: [CHOWN] }").passes();
    // A path that leads nowhere says nothing.
    let nowhere = rule("config: /srv/pod.yaml\nmust:\n  spec.pods.drop: { none: [CHOWN] }");
    assert_eq!(nowhere.on(&host).exit(), 1);
}

#[test]
fn the_old_word_for_one_of_several_values_names_the_new_ones() {
    let refused = must("http.server.listen: { contains: 8081 }").is_refused();
    assert!(refused.contains("http.server.listen: { some: X }"), "{refused}");
    assert!(refused.contains("http.server.listen: { all: [X] }"), "{refused}");
}

#[test]
fn what_a_list_adds_to_what_is_built_in_or_takes_from_it_is_seen() {
    let ciphers = |line: &str, words: &str| {
        sshd_must(&format!("Ciphers: {words}")).on(&sshd(&format!("Ciphers {line}\n")))
    };
    assert_eq!(ciphers("+aes128-cbc", "{ none: [aes128-cbc] }").exit(), 1);
    ciphers("-aes128-cbc", "{ none: [aes128-cbc] }").passes();
    // What else is built in nobody has said.
    assert_eq!(ciphers("+a", "{ only: [a] }").exit(), 2);
    assert_eq!(ciphers("-a", "{ all: [b] }").exit(), 2);
    ciphers("-a", "{ only: [b], default: 'a,b' }").passes();
    assert_eq!(ciphers("+c", "{ only: [a, b], default: 'a,b' }").exit(), 1);
}

// --- one reading ---------------------------------------------------------------------------------

#[test]
fn a_word_means_what_the_daemon_takes_it_for_however_it_is_written() {
    sshd_must("LogLevel: QUIET").on(&sshd("LogLevel quiet")).passes();
    sshd_must("LoginGraceTime: 2m").on(&sshd("LoginGraceTime 120")).passes();
    sshd_must("ListenAddress: 0.0.0.0").on(&sshd("ListenAddress 0.0.0.0:2222")).passes();
    // A default has every spelling that a value in the file has.
    sshd_must("PermitRootLogin: without-password").on(&sshd("UsePAM yes")).passes();
    let compression = sshd_must("Compression: { not: 'yes' }");
    assert_eq!(compression.on(&sshd("UsePAM yes")).exit(), 1);
}

#[test]
fn a_word_that_the_setting_cannot_take_is_refused_with_those_it_can() {
    let refused = sshd_must("PermitRootLogin: { not: maybe }").is_refused();
    assert!(refused.contains("yes, no, prohibit-password, forced-commands-only"), "{refused}");
}

#[test]
fn a_block_that_is_there_is_set_and_a_path_to_none_has_no_default() {
    let host = nginx("events { } stream { } http { server { location / { autoindex on; } } }");
    assert_eq!(must("stream: { set: false }").on(&host).exit(), 1);
    must("stream: { set: true }").on(&host).passes();
    for path in ["http.other.autoindex", "server.autoindex", "http.location.autoindex"] {
        assert_eq!(must(&format!("{path}: 'off'")).on(&host).exit(), 1, "{path}");
    }
    let location = must("http.server.location[\"/\"].autoindex: 'off'");
    assert_eq!(location.on(&host).exit(), 1);
}

#[test]
fn a_value_that_the_shell_expands_is_not_known() {
    let env = |text: &str| Memory::new().file("/etc/default/a", 0o644, 0, 0, text);
    let ask = rule("config: /etc/default/a\nmust: { A: { not: bad } }");
    ask.on(&env("A=good\n")).passes();
    ask.on(&env("A='$B'\n")).passes();
    for text in ["A=$B\n", "A=\"x $(y)\"\n", "A=`y`\n"] {
        assert_eq!(ask.on(&env(text)).exit(), 2, "{text}");
    }
    // What is expanded elsewhere says nothing here.
    ask.on(&env("A=good\nB=$C\n")).passes();
}
