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
    /// White space or a comma.
    List,
    /// A colon.
    Colon,
    /// A comma; a leading `+` or `^` adds to the built-in list, `-` takes from it. `sshd_config(5)`.
    SshdList,
    /// White space; `+X` adds and `-X` takes away, `All` is all of them but MultiViews. Apache's core.
    ApacheOptions,
    /// White space; a leading `~` means all but these. `systemd.exec(5)`.
    SystemdList,
    /// What the rule names with `split:`.
    Char(char),
}

impl Between {
    /// The members of a value, none of them empty.
    pub fn members(self, value: &str) -> Members {
        match self {
            Between::SshdList => match value.split_at_checked(1) {
                Some(("-", rest)) => Members::AllBut(self.split(rest)),
                Some(("+" | "^", rest)) => Members::And(self.split(rest)),
                _ => Members::These(self.split(value)),
            },
            Between::SystemdList => match value.strip_prefix('~') {
                Some(rest) => Members::AllBut(self.split(rest)),
                None => Members::These(self.split(value)),
            },
            Between::ApacheOptions => Members::These(apache_options(&self.split(value))),
            _ => Members::These(self.split(value)),
        }
    }

    fn split(self, value: &str) -> Vec<String> {
        let at = |c: char| match self {
            Between::Space | Between::ApacheOptions | Between::SystemdList => c.is_whitespace(),
            Between::Comma | Between::SshdList => c == ',',
            Between::List => c == ',' || c.is_whitespace(),
            Between::Colon => c == ':',
            Between::Char(between) => c == between,
        };
        let members = value.split(at).map(str::trim).filter(|member| !member.is_empty());
        members.map(str::to_owned).collect()
    }
}

/// What a value has for members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// These.
    These(Vec<String>),
    /// What is built in, and these.
    And(Vec<String>),
    /// Everything that there is, without these.
    AllBut(Vec<String>),
}

/// `Options` of Apache httpd, as its documentation spells them; names are of any case.
const APACHE_OPTIONS: [&str; 7] = [
    "Indexes",
    "FollowSymLinks",
    "ExecCGI",
    "Includes",
    "IncludesNOEXEC",
    "SymLinksIfOwnerMatch",
    "MultiViews",
];

fn apache_options(words: &[String]) -> Vec<String> {
    let mut on: Vec<String> = Vec::new();
    for word in words {
        let (takes, name) = match word.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, word.strip_prefix('+').unwrap_or(word)),
        };
        let spelled = APACHE_OPTIONS.iter().find(|known| known.eq_ignore_ascii_case(name));
        let names: Vec<&str> = match spelled {
            _ if name.eq_ignore_ascii_case("none") => Vec::new(),
            _ if name.eq_ignore_ascii_case("all") => APACHE_OPTIONS
                .into_iter()
                .filter(|one| *one != "MultiViews")
                .chain(["All"])
                .collect(),
            Some(spelled) => vec![spelled],
            None => vec![name],
        };
        on.retain(|one| !names.contains(&one.as_str()));
        if !takes {
            on.extend(names.into_iter().map(str::to_owned));
        }
    }
    on
}

/// Settings by format; names in lower case.
const SETS: [(&str, Between, &[&str]); 13] = [
    (
        "sshd",
        Between::SshdList,
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
    ("apache", Between::ApacheOptions, &["options"]),
    ("apache", Between::Space, &["allowoverride"]),
    ("apache", Between::Colon, &["sslciphersuite"]),
    ("php", Between::Comma, &["disable_functions", "disable_classes"]),
    ("mysql", Between::Comma, &["sql_mode"]),
    (
        "systemd",
        Between::SystemdList,
        &[
            "capabilityboundingset",
            "ambientcapabilities",
            "restrictaddressfamilies",
            "systemcallfilter",
        ],
    ),
    (
        "systemd",
        Between::Space,
        &[
            "supplementarygroups",
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
    let table = super::by_name(format).and_then(|format| format.table);
    if let Some(row) = table.and_then(|table| table.row(path)) {
        return row.between;
    }
    let name = path.rsplit('.').next().unwrap_or(path).to_ascii_lowercase();
    let known = |of: &&(&str, Between, &[&str])| of.0 == format && of.2.contains(&name.as_str());
    SETS.iter().find(known).map(|(_, between, _)| *between)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_of_a_path_names_the_set() {
        assert_eq!(between("sshd", "Match.Ciphers"), Some(Between::SshdList));
        assert_eq!(between("apache", "Directory.Options"), Some(Between::ApacheOptions));
        assert_eq!(between("sshd", "Port"), None);
        assert_eq!(between("yaml", "Ciphers"), None);
    }

    fn these(between: Between, value: &str) -> Vec<String> {
        match between.members(value) {
            Members::These(members) => members,
            Members::And(members) => members.iter().map(|one| format!("&{one}")).collect(),
            Members::AllBut(members) => members.iter().map(|one| format!("!{one}")).collect(),
        }
    }

    #[test]
    fn members_are_what_stands_between() {
        assert_eq!(these(Between::Comma, " exec, system,,"), ["exec", "system"]);
        assert_eq!(these(Between::Char('|'), "a b|c"), ["a b", "c"]);
        assert_eq!(these(Between::SshdList, "+a,b"), ["&a", "&b"]);
        assert_eq!(these(Between::SshdList, "-a,b"), ["!a", "!b"]);
        assert_eq!(these(Between::SystemdList, "~CAP_A CAP_B"), ["!CAP_A", "!CAP_B"]);
        assert_eq!(these(Between::SystemdList, "é"), ["é"]);
    }

    #[test]
    fn options_of_apache_are_added_and_taken_away() {
        let on = |value| these(Between::ApacheOptions, value);
        assert_eq!(on("+indexes FollowSymLinks"), ["Indexes", "FollowSymLinks"]);
        assert_eq!(on("-Indexes"), Vec::<String>::new());
        assert!(on("All").contains(&"Indexes".to_owned()));
        assert!(!on("All -Indexes").contains(&"Indexes".to_owned()));
        assert_eq!(on("None"), Vec::<String>::new());
    }
}
