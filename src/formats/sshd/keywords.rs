//! What is known of the keywords of `sshd_config(5)`: other names, how often they count, which
//! values are the same, and what holds when they are not given.

use crate::facts::quantity::{Kind, Special};
use crate::facts::words::Words;

/// Names that mean another keyword, `keywords[]` of OpenSSH's `servconf.c`.
const ALIASES: &[(&str, &str)] = &[
    ("challengeresponseauthentication", "kbdinteractiveauthentication"),
    ("skeyauthentication", "kbdinteractiveauthentication"),
    ("dsaauthentication", "pubkeyauthentication"),
    ("hostbasedacceptedkeytypes", "hostbasedacceptedalgorithms"),
    ("hostdsakey", "hostkey"),
    ("keepalive", "tcpkeepalive"),
    ("pubkeyacceptedkeytypes", "pubkeyacceptedalgorithms"),
];

/// Keywords of which every occurrence counts, not just the first.
const ADDITIVE: &[&str] = &[
    "acceptenv",
    "allowgroups",
    "allowusers",
    "denygroups",
    "denyusers",
    "hostcertificate",
    "hostkey",
    "include",
    "listenaddress",
    // Up to some version of 9 the last one held, now the first: a rule has to hold for each.
    "maxstartups",
    "port",
];

/// Keywords whose last value holds: `process_server_config_line()` sets them without asking whether
/// they are set.
const LAST_HOLDS: &[&str] = &["fingerprinthash"];

/// Keywords whose arguments are members of a list, each of which is a value of its own.
const LISTS: &[&str] = &["acceptenv", "allowgroups", "allowusers", "denygroups", "denyusers"];

/// Keywords whose one argument is a list with commas between its members.
const COMMA_LISTS: &[&str] = &[
    "casignaturealgorithms",
    "ciphers",
    "hostbasedacceptedalgorithms",
    "hostkeyalgorithms",
    "kexalgorithms",
    "macs",
    "pubkeyacceptedalgorithms",
    "pubkeyauthoptions",
];

/// Why sshd does not take a line: a keyword of a few words with another one, or with several
/// (`process_server_config_line()`: "unsupported option", "keyword … extra arguments at end of line").
pub fn refused(name: &str, arguments: &[String]) -> Option<String> {
    let Kind::Words(words) = kind(name) else { return None };
    if words.others {
        return None;
    }
    match arguments {
        [] => Some(format!("{name} has no value")),
        [one] => words
            .canonical(one)
            .is_none()
            .then(|| format!("`{one}` is no value of {name}; it can be {}", words.listed())),
        _ => Some(format!("{name} has more than one value")),
    }
}

/// `yes` and `no` in all spellings of `multistate_flag[]`.
const YES: &[&str] = &["yes", "true"];
const NO: &[&str] = &["no", "false"];
static FLAG: Words = Words::of(&[YES, NO]);

/// Keywords that take `yes` or `no` alone.
const FLAGS: &[&str] = &[
    "allowagentforwarding",
    "disableforwarding",
    "exposeauthinfo",
    "gssapiauthentication",
    "gssapicleanupcredentials",
    "gssapistrictacceptorcheck",
    "hostbasedauthentication",
    "hostbasedusesnamefrompacketonly",
    "ignoreuserknownhosts",
    "kbdinteractiveauthentication",
    "kerberosauthentication",
    "kerberosgetafstoken",
    "kerberosorlocalpasswd",
    "kerberosticketcleanup",
    "passwordauthentication",
    "permitemptypasswords",
    "permittty",
    "permituserrc",
    "printlastlog",
    "printmotd",
    "pubkeyauthentication",
    "streamlocalbindunlink",
    "strictmodes",
    "tcpkeepalive",
    "usedns",
    "usepam",
    "x11forwarding",
    "x11uselocalhost",
];

/// Keywords with words of their own: the tables `multistate_*[]` of `servconf.c`, `log_levels[]` and
/// `log_facilities[]` of `log.c`.
static WORDS: &[(&str, Words)] = &[
    ("addressfamily", Words::of(&[&["any"], &["inet"], &["inet6"]])),
    ("allowstreamlocalforwarding", FORWARDING),
    ("allowtcpforwarding", FORWARDING),
    ("compression", Words::of(&[&["yes", "true", "delayed"], NO])),
    ("fingerprinthash", Words::of(&[&["md5"], &["sha256"]])),
    ("gatewayports", Words::of(&[YES, NO, &["clientspecified"]])),
    ("ignorerhosts", Words::of(&[YES, NO, &["shosts-only"]])),
    (
        "loglevel",
        Words::of(&[
            &["QUIET", "SILENT"],
            &["FATAL"],
            &["ERROR"],
            &["INFO"],
            &["VERBOSE"],
            &["DEBUG", "DEBUG1"],
            &["DEBUG2"],
            &["DEBUG3"],
        ]),
    ),
    (
        "permitrootlogin",
        Words::of(&[
            YES,
            NO,
            &["prohibit-password", "without-password"],
            &["forced-commands-only"],
        ]),
    ),
    ("permittunnel", Words::of(&[YES, NO, &["point-to-point"], &["ethernet"]])),
    ("permituserenvironment", Words::among_others(&[YES, NO])),
    (
        "syslogfacility",
        Words::of(&[
            &["DAEMON"],
            &["USER"],
            &["AUTH"],
            &["AUTHPRIV"],
            &["LOCAL0"],
            &["LOCAL1"],
            &["LOCAL2"],
            &["LOCAL3"],
            &["LOCAL4"],
            &["LOCAL5"],
            &["LOCAL6"],
            &["LOCAL7"],
        ]),
    ),
];

const FORWARDING: Words = Words::of(&[&["yes", "true", "all"], NO, &["remote"], &["local"]]);

/// The words of a keyword, where it takes no others.
pub fn words(name: &str) -> Option<&'static Words> {
    if FLAGS.contains(&name) {
        return Some(&FLAG);
    }
    WORDS.iter().find(|(known, _)| *known == name).map(|(_, words)| words)
}

/// Keywords that take a time, `TIME FORMATS` of `sshd_config(5)`.
const TIMES: &[&str] = &["clientaliveinterval", "logingracetime"];

/// Keywords whose values are file names, commands or patterns, so that case matters. For all
/// others sshd compares without regard to case.
const CASE_MATTERS: &[&str] = &[
    "acceptenv",
    "allowgroups",
    "allowusers",
    "authorizedkeyscommand",
    "authorizedkeyscommanduser",
    "authorizedkeysfile",
    "authorizedprincipalscommand",
    "authorizedprincipalscommanduser",
    "authorizedprincipalsfile",
    "banner",
    "chrootdirectory",
    "denygroups",
    "denyusers",
    "forcecommand",
    "hostcertificate",
    "hostkey",
    "hostkeyagent",
    "include",
    "modulifile",
    "pidfile",
    "revokedkeys",
    "securitykeyprovider",
    "setenv",
    "subsystem",
    "trustedusercakeys",
    "versionaddendum",
    "xauthlocation",
];

/// Documented defaults that hold for all supported versions and builds. Algorithm lists are left
/// out: they change with every version.
const DEFAULTS: &[(&str, &str)] = &[
    ("addressfamily", "any"),
    ("allowagentforwarding", "yes"),
    ("allowstreamlocalforwarding", "yes"),
    ("allowtcpforwarding", "yes"),
    ("authenticationmethods", "any"),
    ("authorizedkeyscommand", "none"),
    ("authorizedkeyscommanduser", "none"),
    ("authorizedkeysfile", ".ssh/authorized_keys .ssh/authorized_keys2"),
    ("authorizedprincipalscommand", "none"),
    ("authorizedprincipalscommanduser", "none"),
    ("authorizedprincipalsfile", "none"),
    ("banner", "none"),
    ("chrootdirectory", "none"),
    ("clientalivecountmax", "3"),
    ("clientaliveinterval", "0"),
    ("compression", "delayed"),
    ("disableforwarding", "no"),
    ("exposeauthinfo", "no"),
    ("fingerprinthash", "sha256"),
    ("forcecommand", "none"),
    ("gatewayports", "no"),
    ("gssapiauthentication", "no"),
    ("gssapicleanupcredentials", "yes"),
    ("gssapistrictacceptorcheck", "yes"),
    ("hostbasedauthentication", "no"),
    ("hostbasedusesnamefrompacketonly", "no"),
    ("ignorerhosts", "yes"),
    ("ignoreuserknownhosts", "no"),
    ("kbdinteractiveauthentication", "yes"),
    ("kerberosauthentication", "no"),
    ("kerberosorlocalpasswd", "yes"),
    ("kerberosticketcleanup", "yes"),
    ("logingracetime", "120"),
    ("loglevel", "INFO"),
    ("maxauthtries", "6"),
    ("maxsessions", "10"),
    ("maxstartups", "10:30:100"),
    ("passwordauthentication", "yes"),
    ("permitemptypasswords", "no"),
    ("permitlisten", "any"),
    ("permitopen", "any"),
    ("permitrootlogin", "prohibit-password"),
    ("permittty", "yes"),
    ("permittunnel", "no"),
    ("permituserenvironment", "no"),
    ("permituserrc", "yes"),
    ("port", "22"),
    ("printlastlog", "yes"),
    ("printmotd", "yes"),
    ("pubkeyauthentication", "yes"),
    ("pubkeyauthoptions", "none"),
    ("requiredrsasize", "1024"),
    ("revokedkeys", "none"),
    ("streamlocalbindmask", "0177"),
    ("streamlocalbindunlink", "no"),
    ("strictmodes", "yes"),
    ("syslogfacility", "AUTH"),
    ("tcpkeepalive", "yes"),
    ("trustedusercakeys", "none"),
    ("usedns", "no"),
    ("usepam", "no"),
    ("versionaddendum", "none"),
    ("x11displayoffset", "10"),
    ("x11forwarding", "no"),
    ("x11uselocalhost", "yes"),
];

/// The name in lower case, aliases resolved.
pub fn canonical(keyword: &str) -> String {
    let name = keyword.to_ascii_lowercase();
    match ALIASES.iter().find(|(alias, _)| *alias == name) {
        Some((_, meant)) => (*meant).to_owned(),
        None => name,
    }
}

/// The other names of a keyword.
pub fn aliases(name: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, meant)| *meant == name).map(|(alias, _)| *alias)
}

/// Whether every occurrence counts.
pub fn is_additive(name: &str) -> bool {
    ADDITIVE.contains(&name)
}

/// Whether the last value holds, and not the first.
pub fn last_holds(name: &str) -> bool {
    LAST_HOLDS.contains(&name)
}

/// Whether each argument is a value of its own.
pub fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// The value in force when a keyword is given nowhere, aliases included.
pub fn default(name: &str) -> Option<&'static str> {
    let name = canonical(name);
    DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// All defaults that are known, for comparing them with a real sshd.
pub fn defaults() -> &'static [(&'static str, &'static str)] {
    DEFAULTS
}

/// What the values of a keyword count.
pub fn kind(name: &str) -> Kind {
    let name = canonical(name);
    match name.as_str() {
        name if TIMES.contains(&name) => Kind::SECONDS,
        "clientalivecountmax" | "maxauthtries" | "maxsessions" | "port" => Kind::Number,
        "requiredrsasize" | "x11displayoffset" => Kind::Number,
        "streamlocalbindmask" => Kind::Octal,
        // Of several numbers, and of times beside sizes.
        "maxstartups" => Kind::Parts(&Kind::Number),
        "rekeylimit" | "persourcemaxstartups" => Kind::Open,
        "unusedconnectiontimeout" => Kind::SECONDS,
        name => match words(name) {
            Some(words) => Kind::Words(words),
            None if CASE_MATTERS.contains(&name) => Kind::Text,
            None if default(name).is_some() || is_comma_list(name) => Kind::AnyCase,
            None => Kind::Open,
        },
    }
}

/// Keywords whose 0 turns off what they limit, sshd_config(5).
pub fn special(name: &str) -> Special {
    match canonical(name).as_str() {
        "clientalivecountmax" | "clientaliveinterval" | "logingracetime" => Special::ZeroIsNoLimit,
        _ => Special::None,
    }
}

/// Other spellings of a value that mean the same to sshd.
pub fn spellings(name: &str, value: &str) -> Vec<String> {
    let mut all = Vec::new();
    if !CASE_MATTERS.contains(&name) {
        let lower = value.to_ascii_lowercase();
        let same = match (name, lower.as_str()) {
            ("permitrootlogin", "without-password") => Some("prohibit-password"),
            ("permitrootlogin", "prohibit-password") => Some("without-password"),
            ("allowtcpforwarding" | "allowstreamlocalforwarding", "all") => Some("yes"),
            ("compression", "delayed") => Some("yes"),
            ("compression", "yes") => Some("delayed"),
            (_, "true") => Some("yes"),
            (_, "false") => Some("no"),
            _ => None,
        };
        all.extend(same.map(str::to_owned));
        all.push(lower);
    }
    if name == "listenaddress" {
        all.extend(addresses(value));
    }
    // A word of sshd in the place of a file or command is of any case.
    if value.eq_ignore_ascii_case("none") && CASE_MATTERS.contains(&name) {
        all.push("none".to_owned());
    }
    // A number alone is where it begins and where it ends, and the rate is the built-in one.
    if name == "maxstartups" && !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        all.push(format!("{value}:30:{value}"));
    }
    if TIMES.contains(&name) {
        all.extend(seconds(value).map(|seconds| seconds.to_string()));
    }
    all.retain(|spelling| spelling != value);
    all
}

/// Whether the one argument is a list with commas.
pub fn is_comma_list(name: &str) -> bool {
    COMMA_LISTS.contains(&name)
}

/// The spellings of an address to listen on: without its port, and without brackets.
fn addresses(value: &str) -> Vec<String> {
    let address = value.split(' ').next().unwrap_or_default();
    let bracketed = address.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (host, port) = match bracketed {
        Some((host, port)) => (host, port.strip_prefix(':')),
        None => match address.split_once(':') {
            // Of several colons none is in front of a port.
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (address, None),
        },
    };
    let mut all = vec![host.to_owned(), address.to_owned()];
    if host.contains(':') {
        all.push(format!("[{host}]"));
        all.extend(port.map(|port| format!("[{host}]:{port}")));
    } else {
        all.extend(port.map(|port| format!("{host}:{port}")));
    }
    all
}

/// A time such as `1h30m` in seconds.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0_u64;
    let mut number: Option<u64> = None;
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(digit.into())?);
            continue;
        }
        let unit = match c.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            'w' => 7 * 24 * 60 * 60,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    total.checked_add(number.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_also_known_in_seconds() {
        assert_eq!(spellings("logingracetime", "2m"), ["120"]);
        assert_eq!(seconds("1h30m5"), Some(5405));
        assert_eq!(seconds("m"), None);
    }

    #[test]
    fn flags_are_compared_without_regard_to_case() {
        assert_eq!(spellings("permitrootlogin", "YES"), ["yes"]);
        assert_eq!(spellings("permitrootlogin", "True"), ["yes", "true"]);
        assert_eq!(spellings("banner", "/Etc/Issue"), Vec::<String>::new());
    }

    #[test]
    fn an_alias_has_the_default_of_what_it_means() {
        assert_eq!(default("ChallengeResponseAuthentication"), Some("yes"));
    }
}
