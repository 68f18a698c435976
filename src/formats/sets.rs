//! Settings whose value is a set: what separates its members.
//!
//! A bare list in a rule could be read in four ways for these, so a rule says which it means.
//! Sources: sshd_config(5), the directive indexes of nginx and Apache httpd, php.ini's core
//! directives, MariaDB's server variables, systemd.exec(5), redis.conf, the PostgreSQL manual.

/// What stands between the members of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Between {
    /// White space.
    Space,
    /// A comma.
    Comma,
    /// A colon.
    Colon,
    /// Commas or white space.
    CommaOrSpace,
    /// What the rule names with `split:`.
    Char(char),
}

impl Between {
    /// The members of a value, none of them empty.
    pub fn members(self, value: &str) -> Vec<&str> {
        let at = |c: char| match self {
            Between::Space => c.is_whitespace(),
            Between::Comma => c == ',',
            Between::Colon => c == ':',
            Between::CommaOrSpace => c == ',' || c.is_whitespace(),
            Between::Char(between) => c == between,
        };
        value.split(at).map(str::trim).filter(|member| !member.is_empty()).collect()
    }
}

/// Settings by format; names in lower case.
const SETS: [(&str, Between, &[&str]); 11] = [
    (
        "sshd",
        Between::Comma,
        &[
            "ciphers",
            "macs",
            "kexalgorithms",
            "hostkeyalgorithms",
            "pubkeyacceptedalgorithms",
            "pubkeyacceptedkeytypes",
            "hostbasedacceptedalgorithms",
            "casignaturealgorithms",
        ],
    ),
    (
        "sshd",
        Between::Space,
        &["allowusers", "denyusers", "allowgroups", "denygroups", "acceptenv"],
    ),
    ("nginx", Between::Space, &["ssl_protocols"]),
    ("nginx", Between::Colon, &["ssl_ciphers"]),
    ("apache", Between::Space, &["options", "sslprotocol", "allowoverride"]),
    ("apache", Between::Colon, &["sslciphersuite"]),
    ("php", Between::Comma, &["disable_functions", "disable_classes"]),
    ("mysql", Between::Comma, &["sql_mode"]),
    (
        "systemd",
        Between::Space,
        &[
            "capabilityboundingset",
            "ambientcapabilities",
            "supplementarygroups",
            "restrictaddressfamilies",
            "systemcallfilter",
            "systemcallarchitectures",
            "readwritepaths",
            "readonlypaths",
            "inaccessiblepaths",
            "ntp",
            "fallbackntp",
            "dns",
            "fallbackdns",
            "after",
            "before",
            "wants",
            "requires",
            "wantedby",
        ],
    ),
    ("redis", Between::Space, &["bind"]),
    (
        "postgresql",
        Between::Comma,
        &["listen_addresses", "shared_preload_libraries", "session_preload_libraries"],
    ),
];

/// What separates the members of the setting at a path. `None`: its value is single.
pub fn between(format: &str, path: &str) -> Option<Between> {
    let name = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let known = |of: &&(&str, Between, &[&str])| of.0 == format && of.2.contains(&name.as_str());
    SETS.iter().find(known).map(|(_, between, _)| *between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_path_names_the_set() {
        assert_eq!(between("sshd", "Match.Ciphers"), Some(Between::Comma));
        assert_eq!(between("apache", "Directory.Options"), Some(Between::Space));
        assert_eq!(between("sshd", "Port"), None);
        assert_eq!(between("yaml", "Ciphers"), None);
    }

    #[test]
    fn members_are_what_stands_between() {
        assert_eq!(Between::Comma.members(" exec, system,,"), ["exec", "system"]);
        assert_eq!(Between::CommaOrSpace.members("a b,c"), ["a", "b", "c"]);
        assert_eq!(Between::Char('|').members("a b|c"), ["a b", "c"]);
    }
}
