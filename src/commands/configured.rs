//! Daemons and tools whose arguments name a configuration: it decides what they run.

use super::context::Context;
use super::options::{self, Valued};
use super::reader::Reader;

/// One program.
struct Configured {
    names: &'static [&'static str],
    /// Options whose value is a configuration.
    configuration: &'static [&'static str],
    valued: Valued,
    /// Whether operands are configurations too.
    operands: bool,
}

const fn row(
    names: &'static [&'static str],
    configuration: &'static [&'static str],
    letters: &'static str,
    long: &'static [&'static str],
    operands: bool,
) -> Configured {
    Configured { names, configuration, valued: Valued { letters, names: long }, operands }
}

static CONFIGURED: &[Configured] = &[
    row(&["nginx", "openresty"], &["c", "p"], "cpgesq", &[], false),
    row(&["apache2", "httpd"], &["f", "d"], "fdDCckE", &[], false),
    row(
        &["supervisord"],
        &["c", "configuration"],
        "cudmlyzej",
        &["configuration", "user", "directory", "logfile", "pidfile"],
        false,
    ),
    row(&["sshd"], &["f"], "fCcEghkopu", &[], false),
    row(
        &["openvpn"],
        &["config"],
        "",
        &["config", "cd", "daemon", "up", "down", "status", "writepid"],
        true,
    ),
    row(&["named"], &["c"], "cdDEfLmMnNpStuvXx", &[], false),
    row(&["haproxy"], &["f"], "fCdDLmnNpSsx", &[], false),
    row(
        &["dnsmasq"],
        &["C", "conf-file", "conf-dir", "7"],
        "C7ruix",
        &["conf-file", "conf-dir", "user", "pid-file"],
        false,
    ),
    row(&["unbound"], &["c"], "c", &[], false),
    row(&["redis-server", "valkey-server"], &[], "", &["port", "dir"], true),
    row(
        &["mysqld", "mariadbd", "mysqld_safe"],
        &["defaults-file", "defaults-extra-file"],
        "hu",
        &["defaults-file", "defaults-extra-file"],
        false,
    ),
    row(&["postgres"], &["D"], "DBcCdFfhiklNOPpSsTtW", &[], false),
    row(&["rsyslogd"], &["f"], "fiNuwx", &[], false),
    row(&["syslog-ng"], &["f", "cfgfile"], "fpRu", &["cfgfile", "pidfile"], false),
    row(
        &["php-fpm"],
        &["y", "c", "fpm-config", "php-ini"],
        "ycdpg",
        &["fpm-config", "php-ini", "prefix", "pid"],
        false,
    ),
    row(
        &["uwsgi"],
        &["ini", "yaml", "xml", "json"],
        "",
        &["ini", "yaml", "xml", "json", "socket"],
        true,
    ),
    row(
        &["gunicorn"],
        &["c", "config", "chdir"],
        "cbwkgutp",
        &["config", "chdir", "bind", "workers", "pid", "user", "group"],
        false,
    ),
    row(&["fail2ban-server", "fail2ban-client"], &["c"], "csplx", &[], false),
    row(&["monit"], &["c"], "cdglps", &[], false),
    row(&["snmpd"], &["c"], "cCLpugIxr", &[], false),
    row(&["keepalived"], &["f", "use-file"], "fpcr", &["use-file", "pid"], false),
    row(&["collectd"], &["C"], "CP", &[], false),
    row(&["telegraf"], &["config", "config-directory"], "", &["config", "config-directory"], false),
    row(&["caddy"], &["config", "c"], "c", &["config", "adapter"], false),
    row(&["slapd"], &["f", "F"], "fFhugdnrl", &[], false),
    row(&["squid"], &["f"], "fdlnku", &[], false),
    row(&["lighttpd"], &["f", "m"], "fm", &[], false),
    row(
        &["stunnel", "stunnel4", "vsftpd", "inetd", "logrotate"],
        &[],
        "slmd",
        &["state", "log", "mail"],
        true,
    ),
    row(&["xinetd"], &["f"], "f", &["filelog", "pidfile"], false),
    row(&["exim", "exim4"], &["C", "D"], "CDoqd", &[], false),
    row(&["postfix", "postmap", "postconf"], &["c"], "c", &[], false),
    row(&["chronyd", "acpid"], &["f", "c"], "fcusp", &[], false),
    row(&["smbd", "nmbd", "winbindd"], &["s", "configfile"], "sdlp", &["configfile"], false),
    row(
        &["docker-compose", "podman-compose"],
        &["f", "file", "env-file"],
        "fp",
        &["file", "env-file", "project-name"],
        false,
    ),
    row(&["nft"], &["f", "file"], "fID", &["file"], false),
    row(
        &["psql"],
        &["f", "file"],
        "fcdhpUvLoPRTF",
        &["file", "command", "dbname", "host", "port", "username"],
        false,
    ),
    row(&["sysctl"], &["p", "load"], "", &[], false),
    row(&["anacron"], &["t"], "tS", &[], false),
    row(&["gdb"], &["x", "command"], "xpcedst", &["command", "args"], false),
    row(&["ldconfig"], &["f"], "fCr", &[], false),
];

/// Reads the arguments of such a program; `false`: the name is none's.
pub(super) fn read(
    reader: &mut Reader<'_>,
    name: &str,
    words: &[String],
    context: &Context,
) -> bool {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let fits = |one: &&Configured| one.names.contains(&name) || one.names.contains(&stem);
    let Some(one) = CONFIGURED.iter().find(fits) else { return false };
    let (given, operands) = options::permuted(words, one.valued);
    let named = given.iter().filter(|(name, _)| one.configuration.contains(&name.as_str()));
    let mut files: Vec<String> = named.filter_map(|(_, value)| value.clone()).collect();
    if one.operands {
        files.extend(operands);
    }
    let why = format!("configuration named by {},", context.why.trim_end_matches(','));
    for file in files.iter().filter(|file| file.contains('/')) {
        for path in context.resolve(file).into_iter().flatten() {
            reader.reads(path, why.clone(), context);
        }
    }
    // Its name says that it runs none of its other words.
    true
}
