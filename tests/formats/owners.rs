//! Formats of further daemons, each with what its owner makes of the file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Answers, Need, Rule, needs, rule};
use spotcheck::formats::for_path;
use spotcheck::targets::memory::Memory;

fn must(path: &str, setting: &str) -> Rule {
    rule(&format!("config: {path}\nmust:\n  {setting}"))
}

/// A rule about one file that is this text.
fn asked(path: &str, text: &str, setting: &str) -> Answers {
    let host = Memory::new().file(path, 0o644, 0, 0, text);
    must(path, setting).on(&host)
}

/// Each of a file's settings and whether the rule holds: 0, is violated: 1, or is undecided: 2.
fn each(path: &str, text: &str, settings: &[(&str, u8)]) {
    for (setting, exit) in settings {
        let answers = asked(path, text, setting);
        assert_eq!(answers.exit(), *exit, "{path}: {setting}\n{:?}", answers.lines());
    }
}

#[test]
fn each_is_known_by_its_path() {
    for (path, name) in [
        ("/etc/php/8.2/fpm/pool.d/www.conf", "php-fpm"),
        ("/etc/php-fpm.d/www.conf", "php-fpm"),
        ("/etc/php/8.2/fpm/php.ini", "php"),
        ("/etc/samba/smb.conf", "samba"),
        ("/root/.gitconfig", "git"),
        ("/srv/app/.git/config", "git"),
        ("/etc/ssh/ssh_config", "ssh_config"),
        ("/etc/ssh/sshd_config", "sshd"),
        ("/root/.ssh/config", "ssh_config"),
        ("/etc/postfix/main.cf", "postfix"),
        ("/etc/vsftpd.conf", "vsftpd"),
        ("/etc/chrony/chrony.conf", "chrony"),
        ("/etc/haproxy/haproxy.cfg", "haproxy"),
        ("/etc/bind/named.conf.options", "named"),
        ("/etc/postgresql/15/main/pg_hba.conf", "pg_hba"),
        ("/etc/docker/daemon.json", "docker"),
        ("/etc/containerd/config.toml", "containerd"),
        ("/var/lib/kubelet/config.yaml", "kubelet"),
        ("/etc/etcd/etcd.conf.yml", "etcd"),
        ("/etc/mongod.conf", "mongod"),
        ("/etc/elasticsearch/elasticsearch.yml", "elasticsearch"),
        ("/etc/grafana/grafana.ini", "grafana"),
        ("/etc/app/log4j.properties", "properties"),
        ("/etc/tomcat/server.xml", "xml"),
        ("/etc/app.ini", "ini"),
    ] {
        let found = for_path(std::path::Path::new(path)).map(|format| format.name);
        assert_eq!(found, Some(name), "{path}");
    }
}

#[test]
fn of_a_pool_the_last_value_holds() {
    let path = "/etc/php/8.2/fpm/pool.d/www.conf";
    let text = "[www]\nuser = root\nlisten.mode = 0660\nuser = www-data\n\
                php_admin_value[memory_limit] = 32M\nphp_admin_flag[log_errors] = on\n\
                clear_env = no\n";
    each(
        path,
        text,
        &[
            ("www.user: www-data", 0),
            ("pool.user: { not: root }", 0),
            ("www.listen.mode: { at_most: \"0660\" }", 0),
            ("www.listen.mode: 0600", 1),
            ("www.php_admin_value.memory_limit: 32M", 0),
            ("www.php_admin_flag.log_errors: on", 0),
            ("www.clear_env: { not: false }", 1),
            ("www.process.dumpable: no", 0),
            ("www.pm.max_requests: { at_most: 500 }", 1),
            ("www.security.limit_extensions: { only: [.php, .phar] }", 0),
        ],
    );
    // The format's other name does not change who reads the file.
    let host = Memory::new().file(path, 0o644, 0, 0, text);
    rule(&format!("config: {path}\nformat: ini\nmust: {{ www.user: www-data }}"))
        .on(&host)
        .passes();
}

#[test]
fn a_pool_is_found_through_the_main_file() {
    let main = "/etc/php/8.2/fpm/php-fpm.conf";
    let host = Memory::new()
        .file(main, 0o644, 0, 0, "[global]\ndaemonize=no\ninclude=/etc/php/8.2/fpm/pool.d/*.conf\n")
        .file("/etc/php/8.2/fpm/pool.d/a.conf", 0o644, 0, 0, "[a]\nuser=root\n")
        .file("/etc/php/8.2/fpm/pool.d/b.conf", 0o644, 0, 0, "[b]\nuser=b\n");
    must(main, "pool.user: { none: root }").on(&host).fails_about("user");
    must(main, "b.user: b").on(&host).passes();
    must(main, "global.daemonize: no").on(&host).passes();
}

#[test]
fn a_parameter_of_samba_has_several_names() {
    let text = "[global]\n  Map To Guest = Bad User\n  create mode = 0777\n\
                [share]\n  path = /srv\n  public = yes\n  writeable = yes\n\
                [other]\n path=/o\n readonly = no\n guest ok = yes\n public = no\n";
    each(
        "/etc/samba/smb.conf",
        text,
        &[
            ("share.guest ok: { not: yes }", 1),
            ("share.public: yes", 0),
            ("share.read only: { not: no }", 1),
            ("share.writable: true", 0),
            ("other.read only: no", 0),
            ("other.guest ok: no", 0),
            ("global.map to guest: bad user", 0),
            ("share.create mask: { at_most: \"0755\" }", 1),
            ("other.browseable: yes", 0),
        ],
    );
}

#[test]
fn a_flag_of_git_has_several_spellings() {
    let text = "[http] sslVerify = no\n[core]\n\tbare\n\teditor = \"vi -n\" # x\n\
                [safe]\n directory = /a\n directory = *\n[remote \"origin\"]\n url = a\\\n b\n url = c\n";
    let path = "/root/.gitconfig";
    each(
        path,
        text,
        &[
            ("http.sslVerify: { not: false }", 1),
            ("http.sslverify: false", 0),
            ("http.sslVerify: { set: false }", 1),
            ("core.bare: true", 0),
            ("core.editor: vi -n", 0),
            ("safe.directory: { none: \"*\" }", 1),
            ("remote[\"origin\"].url: { some: c }", 0),
            ("remote.origin.url: { some: c }", 0),
            ("core.symlinks: yes", 0),
        ],
    );
    assert!(must(path, "http.sslVerify: maybe").is_refused().contains("it can be true, false"));
}

/// `git config --type=bool`, and the value as text.
#[test]
fn git_reads_the_same() {
    if !needs(&[Need::Command("git")]) {
        return;
    }
    let values = [
        "yes", "On", "TRUE", "1", "10k", "0k", "no", "off", "FALSE", "0", "\"\"", "", "a b  # c",
        "a;b", "\"a;b\"", "a\\\"b", "a\\tb", "x \\\n y", "\"x \" y", "  x  ", "'x'", "a\\\\b",
    ];
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("config");
    for value in values {
        let text = format!("[core]\n\teditor = {value}\n\tbare = {value}\n");
        std::fs::write(&file, &text).unwrap();
        let git = |name: &str, kind: &[&str]| {
            let mut command = std::process::Command::new("git");
            command.args(["config", "--file"]).arg(&file).args(kind).args(["--get", name]);
            let output = command.output().unwrap();
            let text = String::from_utf8(output.stdout).unwrap();
            output.status.success().then(|| text.strip_suffix('\n').unwrap().to_owned())
        };
        let theirs = git("core.editor", &[]).unwrap();
        let host = Memory::new().file("/r/.gitconfig", 0o644, 0, 0, text.clone());
        let quoted = theirs.replace('\'', "''");
        let is = must("/r/.gitconfig", &format!("core.editor: '{quoted}'")).on(&host);
        assert_eq!(is.exit(), 0, "{value:?} is {theirs:?}: {:?}", is.lines());
        let flag = git("core.bare", &["--type=bool"]);
        for word in ["true", "false"] {
            let holds = must("/r/.gitconfig", &format!("core.bare: {word}")).on(&host).exit() == 0;
            assert_eq!(holds, flag.as_deref() == Some(word), "{value:?} as {word}");
        }
    }
}

#[test]
fn owners_of_documents_have_defaults() {
    each(
        "/etc/docker/daemon.json",
        "{\"icc\": false}\n",
        &[
            ("icc: false", 0),
            ("live-restore: true", 1),
            ("userland-proxy: true", 0),
            ("log-level: info", 0),
        ],
    );
    each(
        "/var/lib/kubelet/config.yaml",
        "authentication:\n  anonymous:\n    enabled: yes\n",
        &[
            ("authentication.anonymous.enabled: false", 1),
            ("readOnlyPort: 0", 0),
            ("authorization.mode: Webhook", 0),
            ("podPidsLimit: { at_most: 1000 }", 1),
        ],
    );
    each(
        "/etc/etcd/etcd.conf.yml",
        "client-transport-security:\n  client-cert-auth: true\n",
        &[
            ("client-transport-security.client-cert-auth: true", 0),
            ("peer-transport-security.client-cert-auth: true", 1),
        ],
    );
    each(
        "/etc/mongod.conf",
        "net:\n  port: 27017\n  bindIp: 127.0.0.1,10.0.0.1\n",
        &[("security.authorization: enabled", 1), ("net.bindIp: { none: 0.0.0.0 }", 0)],
    );
    each(
        "/etc/elasticsearch/elasticsearch.yml",
        "network.host: 0.0.0.0\nhttp:\n  cors.enabled: true\n",
        &[
            ("network.host: _local_", 1),
            ("http.cors.enabled: false", 1),
            ("http.port: 9200-9300", 0),
        ],
    );
    each(
        "/etc/grafana/grafana.ini",
        "[auth.anonymous]\n;enabled = false\nenabled = TRUE\n",
        &[
            ("auth.anonymous.enabled: false", 1),
            ("security.cookie_secure: true", 1),
            ("server.protocol: http", 0),
        ],
    );
    each(
        "/etc/containerd/config.toml",
        "version = 2\n[grpc]\nuid = 1000\n",
        &[("grpc.uid: 0", 1), ("grpc.gid: 0", 0)],
    );
}

#[test]
fn lines_of_daemons_are_read_as_they_do() {
    each(
        "/etc/vsftpd.conf",
        "anonymous_enable=no\nlocal_umask=022\nssl_enable=YES\nssl_enable=NO\n",
        &[
            ("anonymous_enable: { not: YES }", 0),
            ("ssl_enable: yes", 1),
            ("write_enable: NO", 0),
            ("local_umask: 022", 0),
        ],
    );
    assert_eq!(
        asked("/etc/vsftpd.conf", "anonymous_enable = NO\n", "anonymous_enable: NO").exit(),
        2
    );
    each(
        "/etc/postfix/main.cf",
        "inet_interfaces = all\nmyhostname = a.example\ninet_interfaces =\n  loopback-only,\n  10.0.0.1\n\
         mydestination = $myhostname, localhost\n# x\n",
        &[
            ("inet_interfaces: { none: all }", 0),
            ("inet_interfaces: { exactly: [loopback-only, 10.0.0.1] }", 0),
            ("disable_vrfy_command: yes", 1),
            ("myhostname: a.example", 0),
            ("message_size_limit: { at_most: 20000000 }", 0),
        ],
    );
    each(
        "/etc/chrony/chrony.conf",
        "Server a iburst\nserver b\nport 0\nport 123\n# x\nallow\n",
        &[
            ("server: { some: a }", 0),
            ("server: { none: c }", 0),
            ("port: 0", 1),
            ("cmdport: 0", 1),
            ("allow: { set: false }", 1),
        ],
    );
    each(
        "/etc/haproxy/haproxy.cfg",
        "global\n  user haproxy\ndefaults\n  mode http\n  timeout client 30s\n  option httplog\n\
         frontend www\n  bind :80\n  bind :443 ssl crt /x\n  no option httplog\n\
         frontend raw\n  mode tcp\n  timeout client 60000\n",
        &[
            ("global.user: haproxy", 0),
            ("frontend.timeout client: { at_most: 30s }", 1),
            ("frontend[\"www\"].timeout client: { at_most: 30s }", 0),
            ("frontend[\"raw\"].timeout client: 1m", 0),
            ("frontend[\"www\"].option httplog: on", 1),
            ("frontend[\"raw\"].mode: tcp", 0),
            ("frontend[\"www\"].bind: { some: \":443\" }", 0),
        ],
    );
    each(
        "/etc/app/app.properties",
        "a.b = x\na.b: y\\\n   z\n! c\nk\\:l v\\u0041\n",
        &[("a.b: yz", 0), ("\"k:l\": vA", 0), ("c: { set: false }", 0)],
    );
    each(
        "/etc/tomcat/server.xml",
        "<?xml version='1.0'?>\n<Server port=\"8005\">\n <!-- <Connector port='1'/> -->\n\
         <Connector port=\"8080\" secure=\"false\"/><name>x</name></Server>\n",
        &[
            ("Server.port: 8005", 0),
            ("Server.Connector.port: 8080", 0),
            ("Server.Connector.secure: { not: false }", 1),
            ("Server.name: x", 0),
        ],
    );
    let entity = "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    assert_eq!(asked("/etc/x.xml", entity, "a: c").exit(), 2);
}

#[test]
fn who_may_connect_is_asked_line_by_line() {
    let path = "/etc/postgresql/15/main/pg_hba.conf";
    let text = "# x\nlocal all postgres peer\nhost all all 127.0.0.1/32 scram-sha-256\n\
                host a,\"b c\" +x 10.0.0.0 255.0.0.0 md5 clientcert=verify-full\n\
                host all all 0.0.0.0/0 reject\nhost all all 192.168.0.0/16 trust\n";
    each(
        path,
        text,
        &[
            ("\"*.method\": { none: trust }", 0),
            ("\"*.method\": { none: md5 }", 1),
            ("host.address: { some: 10.0.0.0/8 }", 0),
            ("host.database: { some: \"b c\" }", 0),
            ("local.method: peer", 0),
        ],
    );
    let open = "host all all 192.168.0.0/16 trust\nhost all all 0.0.0.0/0 reject\n";
    assert_eq!(asked(path, open, "\"*.method\": { none: trust }").exit(), 1);
    let replication = "host all all all reject\nhost replication all 10.0.0.0/8 trust\n";
    assert_eq!(asked(path, replication, "\"*.method\": { none: trust }").exit(), 1);
    assert!(must(path, "host.method: trusted").is_refused().contains("it can be trust"));
    assert_eq!(asked(path, "nohost all all all md5\n", "host.method: md5").exit(), 2);
}

#[test]
fn statements_of_bind_are_blocks_and_lists() {
    let text = "options { directory \"/var/cache/bind\"; recursion no; // x\n\
                allow-transfer { none; }; listen-on port 53 { 127.0.0.1; 10.0.0.1; }; };\n\
                zone \"a.example\" { type master; allow-transfer { any; }; };\n\
                zone \"b.example\" IN { type master; file \"/x\"; }; /* y */\n";
    each(
        "/etc/bind/named.conf",
        text,
        &[
            ("options.recursion: no", 0),
            ("options.allow-transfer: none", 0),
            ("zone[\"a.example\"].allow-transfer: { none: any }", 1),
            ("zone[\"b.example\"].allow-transfer: none", 0),
            ("options.listen-on: { none: any }", 0),
            ("options.querylog: yes", 1),
        ],
    );
    assert_eq!(
        asked("/etc/bind/named.conf", "options { recursion no };\n", "options.recursion: no")
            .exit(),
        2
    );
}

const CLIENT: &str = "/etc/ssh/ssh_config";

#[test]
fn blocks_of_a_client_count_beside_the_rest() {
    let text = "Host bad\n  ForwardAgent yes\n  StrictHostKeyChecking=no\nHost *\n  HashKnownHosts yes\n\
                  ForwardX11 no\n  ForwardX11 yes\nPort 22\nHost late\n HashKnownHosts no\n";
    each(
        CLIENT,
        text,
        &[
            ("ForwardAgent: no", 1),
            ("Host[\"bad\"].ForwardAgent: yes", 0),
            ("StrictHostKeyChecking: { none: no }", 1),
            ("StrictHostKeyChecking: { some: ask }", 0),
            // What stands behind the block for all hosts is never in force.
            ("HashKnownHosts: yes", 0),
            ("ForwardX11: no", 0),
            ("PermitLocalCommand: no", 0),
        ],
    );
}

/// `ssh -G HOST -F FILE` shows what is in force for a host.
#[test]
fn the_client_reads_the_same() {
    if !needs(&[Need::Command("ssh")]) {
        return;
    }
    let texts = [
        "ForwardAgent yes\nForwardAgent no\n",
        "Host *\n  Compression yes\n  Port 2222\nHost *\n  Port 1\n",
        "Match all\n  BatchMode yes\nBatchMode no\n",
        "numberofpasswordprompts = 7\nTCPKeepAlive no # x\n",
        "KeepAlive no\nExitOnForwardFailure \"yes\"\n",
    ];
    let keys = [
        "forwardagent",
        "compression",
        "port",
        "batchmode",
        "numberofpasswordprompts",
        "tcpkeepalive",
        "exitonforwardfailure",
        "hashknownhosts",
        "connectionattempts",
        "serveralivecountmax",
        "permitlocalcommand",
        "clearallforwardings",
        "gatewayports",
        "visualhostkey",
        "passwordauthentication",
        "hostbasedauthentication",
        "enablesshkeysign",
        "streamlocalbindunlink",
        "nohostauthenticationforlocalhost",
        "proxyusefdpass",
    ];
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("config");
    let mut asked = 0;
    for text in texts {
        std::fs::write(&file, text).unwrap();
        let output =
            std::process::Command::new("ssh").arg("-G").arg("-F").arg(&file).arg("h").output();
        let theirs = String::from_utf8(output.unwrap().stdout).unwrap();
        let host = Memory::new().file(CLIENT, 0o644, 0, 0, text);
        for (key, value) in theirs.lines().filter_map(|line| line.split_once(' ')) {
            if !keys.contains(&key) {
                continue;
            }
            asked += 1;
            let is = must(CLIENT, &format!("{key}: \"{value}\"")).on(&host);
            assert_eq!(is.exit(), 0, "{text:?} {key} {value}: {:?}", is.lines());
            let not = must(CLIENT, &format!("{key}: {{ not: \"{value}\" }}")).on(&host);
            assert_eq!(not.exit(), 1, "{text:?} {key} {value}: {:?}", not.lines());
        }
    }
    assert!(asked > 80, "{asked}");
}

#[test]
fn what_systemd_passes_over_is_said_and_not_in_force() {
    let path = "/etc/systemd/system/app.service";
    let unit = |lines: &str| format!("[Service]\nExecStart=/bin/true\n{lines}");
    for (lines, setting, exit) in [
        ("PrivateTmp=yes ; note\n", "Service.PrivateTmp: { not: no }", 1),
        ("PrivateTmp=yes\nPrivateTmp=yes # note\n", "Service.PrivateTmp: yes", 0),
        ("PrivateTmp=disconnected\n", "Service.PrivateTmp: { not: no }", 0),
        ("ProtectControlGroups=maybe\n", "Service.ProtectControlGroups: yes", 1),
        ("SendSIGKILL=nope\nSendSIGKILL=off\n", "Service.SendSIGKILL: no", 0),
        ("OOMPolicy=Kill\n", "Service.OOMPolicy: { set: false }", 0),
        // What the instance is called decides.
        ("User=%i\n", "Service.User: { not: root }", 2),
    ] {
        let answers = asked(path, &unit(lines), setting);
        assert_eq!(answers.exit(), exit, "{lines}: {:?}", answers.lines());
    }
    let words = asked(path, &unit("PrivateTmp=yes ; note\n"), "Service.PrivateTmp: yes").lines();
    assert!(
        words[0]
            .contains("PrivateTmp yes ; note (/etc/systemd/system/app.service:3) is passed over"),
        "{words:?}"
    );
    let instance = "/etc/systemd/system/app@root.service";
    assert_eq!(asked(instance, &unit("User=%i\n"), "Service.User: { not: root }").exit(), 1);
    assert_eq!(asked(instance, &unit("User=a-%i\n"), "Service.User: a-root").exit(), 0);
    assert_eq!(asked(instance, &unit("CPUQuota=200%\n"), "Service.CPUQuota: 200%").exit(), 0);
    let template = "/etc/systemd/system/app@.service";
    assert_eq!(asked(template, &unit("User=%i\n"), "Service.User: { not: root }").exit(), 2);
    for (word, known) in [("Restart: on-fail", "on-failure"), ("ProtectSystem: ful", "full")] {
        assert!(must(path, &format!("Service.{word}")).is_refused().contains(known));
    }
    let coredump = asked(
        "/etc/systemd/coredump.conf",
        "[Coredump]\nStorage=external\n",
        "Coredump.Storage: external",
    );
    coredump.passes();
}

#[test]
fn what_sshd_refuses_is_not_in_force() {
    let path = "/etc/ssh/sshd_config";
    for text in ["PermitRootLogin maybe\n", "UsePAM yes no\n", "PasswordAuthentication\n"] {
        let answers = asked(path, &format!("X11Forwarding no\n{text}"), "X11Forwarding: no");
        assert_eq!(answers.exit(), 2, "{text}: {:?}", answers.lines());
    }
}

/// What `sshd -T` of 9.2 says of each.
#[test]
fn words_of_sshd_are_what_it_makes_of_them() {
    for (text, setting) in [
        ("FingerprintHash sha256\nFingerprintHash md5\n", "FingerprintHash: MD5"),
        ("MaxStartups 10\n", "MaxStartups: 10:30:10"),
        ("LogLevel quiet\n", "LogLevel: SILENT"),
        ("Banner NONE\n", "Banner: none"),
        ("ChrootDirectory None\n", "ChrootDirectory: none"),
    ] {
        asked("/etc/ssh/sshd_config", text, setting).passes();
        let (name, value) = setting.split_once(": ").unwrap();
        let not = asked("/etc/ssh/sshd_config", text, &format!("{name}: {{ not: {value} }}"));
        assert_eq!(not.exit(), 1, "{text}");
    }
    let both = "MaxStartups 10\nMaxStartups 5:50:10\n";
    assert_eq!(asked("/etc/ssh/sshd_config", both, "MaxStartups: { not: 5:50:10 }").exit(), 1);
}

#[test]
fn numbers_with_a_fraction_are_compared_as_numbers() {
    each(
        "/etc/postgresql/15/main/postgresql.conf",
        "random_page_cost = 4.0\ndata_directory = '/d'\n",
        &[
            ("random_page_cost: 4", 0),
            ("random_page_cost: { not: 4 }", 1),
            ("random_page_cost: { at_most: 3.9 }", 1),
        ],
    );
}

#[test]
fn a_misspelled_block_of_nginx_is_a_slip() {
    let path = "/etc/nginx/nginx.conf";
    let slip = must(path, "http.sever.listen: 80").is_refused();
    assert!(slip.contains("nginx has no block `sever`") && slip.contains("`server`"), "{slip}");
    must(path, "http.server[\"a\"].location[\"/x.y\"].autoindex: \"off\"").policy();
    let host = Memory::new().file(path, 0o644, 0, 0, "rtmp { server { listen 1935; } }\n");
    must(path, "rtmp.server.listen: 1935").on(&host).passes();
}
