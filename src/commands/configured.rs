//! Daemons and tools whose arguments name a configuration: it decides what they run.

use super::context::Context;
use super::options::{self, Valued};
use super::reader::Reader;
use super::scripts;
use crate::formats::glob3;
use std::path::Path;

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

/// Configuration that a program reads without being told: files and directories, as patterns.
const DEFAULTS: &[(&[&str], &[&str])] = &[
    (
        &["nginx"],
        &[
            "/etc/nginx/nginx.conf",
            "/etc/nginx/conf.d/*",
            "/etc/nginx/sites-enabled/*",
            "/etc/nginx/modules-enabled/*",
            "/etc/nginx/snippets/*",
        ],
    ),
    (
        &["apache2", "apache2ctl", "apachectl"],
        &[
            "/etc/apache2/*.conf",
            "/etc/apache2/envvars",
            "/etc/apache2/conf-enabled/*",
            "/etc/apache2/mods-enabled/*",
            "/etc/apache2/sites-enabled/*",
        ],
    ),
    (&["httpd"], &["/etc/httpd/conf/*", "/etc/httpd/conf.d/*", "/etc/httpd/conf.modules.d/*"]),
    (
        &["supervisord"],
        &[
            "/etc/supervisor/supervisord.conf",
            "/etc/supervisor/conf.d/*",
            "/etc/supervisord.conf",
            "/etc/supervisord.d/*",
        ],
    ),
    (
        &["monit"],
        &["/etc/monit/monitrc", "/etc/monitrc", "/etc/monit/conf.d/*", "/etc/monit/conf-enabled/*"],
    ),
    (
        &["fail2ban-server"],
        &[
            "/etc/fail2ban/*",
            "/etc/fail2ban/action.d/*",
            "/etc/fail2ban/filter.d/*",
            "/etc/fail2ban/jail.d/*",
            "/etc/fail2ban/fail2ban.d/*",
        ],
    ),
    (
        &["php-fpm"],
        &[
            "/etc/php/*/fpm/php-fpm.conf",
            "/etc/php/*/fpm/php.ini",
            "/etc/php/*/fpm/pool.d/*",
            "/etc/php/*/fpm/conf.d/*",
            "/etc/php-fpm.conf",
            "/etc/php-fpm.d/*",
        ],
    ),
    (
        &["NetworkManager"],
        &[
            "/etc/NetworkManager/*.conf",
            "/etc/NetworkManager/conf.d/*",
            "/etc/NetworkManager/system-connections/*",
        ],
    ),
    (&["openvpn"], &["/etc/openvpn/*.conf", "/etc/openvpn/server/*", "/etc/openvpn/client/*"]),
    (&["wg-quick"], &["/etc/wireguard/*"]),
    (&["postfix", "master"], &["/etc/postfix/main.cf", "/etc/postfix/master.cf"]),
    (&["exim4", "exim"], &["/etc/exim4/*", "/etc/exim4/conf.d/*/*", "/etc/exim/*"]),
    (&["smbd"], &["/etc/samba/smb.conf"]),
    (&["snmpd"], &["/etc/snmp/snmpd.conf", "/etc/snmp/snmpd.conf.d/*"]),
    (&["rsyslogd"], &["/etc/rsyslog.conf", "/etc/rsyslog.d/*"]),
    (&["syslog-ng"], &["/etc/syslog-ng/*.conf", "/etc/syslog-ng/conf.d/*"]),
    (&["keepalived"], &["/etc/keepalived/*"]),
    (&["haproxy"], &["/etc/haproxy/*.cfg"]),
    (&["dnsmasq"], &["/etc/dnsmasq.conf", "/etc/dnsmasq.d/*"]),
    (&["dockerd"], &["/etc/docker/daemon.json"]),
    (&["containerd"], &["/etc/containerd/config.toml"]),
    (
        &["kubelet"],
        &[
            "/etc/kubernetes/manifests/*",
            "/etc/kubernetes/*.conf",
            "/var/lib/kubelet/config.yaml",
            "/etc/cni/net.d/*",
            "/opt/cni/bin/*",
        ],
    ),
    (&["smartd"], &["/etc/smartd.conf", "/etc/smartmontools/run.d/*"]),
    (&["mdadm"], &["/etc/mdadm/mdadm.conf", "/etc/mdadm.conf"]),
    (&["automount"], &["/etc/auto.*", "/etc/auto.master.d/*"]),
    (&["rpc.mountd", "exportfs"], &["/etc/exports", "/etc/exports.d/*"]),
    (
        &["certbot"],
        &[
            "/etc/letsencrypt/renewal-hooks/*/*",
            "/etc/letsencrypt/renewal/*",
            "/etc/letsencrypt/cli.ini",
        ],
    ),
    (&["needrestart"], &["/etc/needrestart/needrestart.conf", "/etc/needrestart/conf.d/*"]),
    (&["incrond"], &["/etc/incron.d/*", "/etc/incron.conf"]),
    (&["acpid"], &["/etc/acpi/events/*"]),
    (&["dhclient"], &["/etc/dhcp/dhclient.conf"]),
    (&["dhcpcd"], &["/etc/dhcpcd.conf", "/etc/dhcpcd.enter-hook", "/etc/dhcpcd.exit-hook"]),
    (&["wpa_supplicant"], &["/etc/wpa_supplicant/*"]),
    (&["puppet"], &["/etc/puppet/*", "/etc/puppetlabs/puppet/*"]),
    (&["salt-minion"], &["/etc/salt/*", "/etc/salt/minion.d/*"]),
    (&["named"], &["/etc/bind/*"]),
    (&["cupsd"], &["/etc/cups/*.conf"]),
    (&["vsftpd"], &["/etc/vsftpd.conf"]),
    (&["sssd"], &["/etc/sssd/sssd.conf", "/etc/sssd/conf.d/*"]),
    (&["zabbix_agentd"], &["/etc/zabbix/*.conf", "/etc/zabbix/zabbix_agentd.d/*"]),
    (
        &["update-initramfs", "mkinitramfs"],
        &["/etc/initramfs-tools/*", "/etc/initramfs-tools/conf.d/*"],
    ),
    (&["dracut"], &["/etc/dracut.conf", "/etc/dracut.conf.d/*"]),
];
/// Words of a configuration whose value is run or loaded, by program.
const HOOKS: &[(&[&str], &[&str])] = &[
    (&["nginx"], &["load_module"]),
    (&["apache2", "httpd"], &["LoadModule", "CustomLog", "Include"]),
    (&["supervisord"], &["command"]),
    (
        &["openvpn"],
        &[
            "up",
            "down",
            "route-up",
            "route-pre-down",
            "ipchange",
            "tls-verify",
            "client-connect",
            "client-disconnect",
            "learn-address",
            "auth-user-pass-verify",
            "plugin",
            "config",
        ],
    ),
    (&["wg-quick"], &["PreUp", "PostUp", "PreDown", "PostDown"]),
    (&["keepalived"], &["notify", "notify_master", "notify_backup", "notify_fault", "script"]),
    (&["dnsmasq"], &["dhcp-script", "conf-file", "conf-dir"]),
    (&["smbd"], &["root preexec", "root postexec"]),
    (&["snmpd"], &["extend", "exec", "pass", "pass_persist", "dlmod"]),
    (&["mdadm"], &["PROGRAM"]),
    (&["smartd"], &["-M exec"]),
    (&["haproxy"], &["external-check command", "lua-load"]),
    (&["php-fpm"], &["extension", "zend_extension"]),
    (&["zabbix_agentd"], &["LoadModule"]),
];

/// What a program reads by itself.
pub(super) fn defaults(reader: &mut Reader<'_>, name: &str, context: &Context) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let fits = |names: &&[&str]| names.contains(&name) || names.contains(&stem);
    let Some((_, patterns)) = DEFAULTS.iter().find(|(names, _)| fits(names)) else { return };
    let why = format!("configuration of {name}, {}", context.why);
    for pattern in *patterns {
        let folder = pattern.rsplit_once('/').map_or("/", |(folder, _)| folder);
        let is_pattern = glob3::is_pattern(pattern);
        let folder = context.outside(Path::new(folder));
        // Whoever may add a file there is obeyed, while there is none yet too.
        if is_pattern && matches!(reader.target.file(&folder), Ok(Some(_))) {
            reader.reads(folder, format!("directory of {why}"), context);
        }
        let pattern = context.outside(Path::new(pattern));
        let mut unread = Vec::new();
        let files = glob3::expand(reader.target, &pattern.to_string_lossy(), &mut unread);
        unread.into_iter().for_each(|why| reader.unseen(why, context));
        for file in files {
            if matches!(reader.target.file(&file), Ok(Some(_))) {
                reader.reads(file.clone(), why.clone(), context);
                hooks(reader, stem, &file, context);
            }
        }
    }
}

/// What a configuration says that is run or loaded.
fn hooks(reader: &mut Reader<'_>, name: &str, file: &Path, context: &Context) {
    let Some((_, keys)) = HOOKS.iter().find(|(names, _)| names.contains(&name)) else { return };
    let text = match scripts::text(reader.target, file) {
        Ok(Some(text)) => text,
        Ok(None) => return,
        Err(why) => return reader.unseen(why, context),
    };
    let mut inner = context.clone();
    inner.main = false;
    inner.script = Some(file.to_owned());
    inner.why = crate::text::path(file);
    let mut lines = text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        if line.starts_with('[') {
            // A section of its own, which may say as whom.
            inner.who = context.who.clone();
            let own = lines.clone().take_while(|line| !line.starts_with('['));
            let user =
                own.filter_map(|line| line.split_once('=')).find(|(key, _)| key.trim() == "user");
            if let Some((_, user)) = user {
                inner.who = super::reader::who(user.trim());
            }
            continue;
        }
        for key in *keys {
            let Some(rest) = line.strip_prefix(key) else { continue };
            if !rest.starts_with([' ', '\t', '=']) {
                continue;
            }
            let value = rest.trim_start_matches([' ', '\t', '=']).trim_end_matches(';').trim();
            // A module or file by its name alone lies where its package put it.
            if let Some(path) = value
                .split_whitespace()
                .map(|word| word.trim_matches('"'))
                .find(|word| word.starts_with('/'))
            {
                let is_command = !path.ends_with(".so");
                match is_command && value.starts_with(['/', '"', '\'']) {
                    true => reader.inline(value.trim_matches('"'), &inner),
                    false => reader.reads(
                        context.outside(Path::new(path)),
                        format!("named in {},", inner.why),
                        &inner,
                    ),
                }
            }
        }
    }
}

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
            reader.reads(path.clone(), why.clone(), context);
            hooks(reader, stem, &path, context);
        }
    }
    // Its name says that it runs none of its other words.
    true
}
