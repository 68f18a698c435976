//! Files by which sshd lets somebody in without a password, `sshd(8)`, "AUTHORIZED_KEYS FILE FORMAT".

mod admission;

use crate::facts::account::User;
use crate::facts::settings::{Lookup, Settings};
use crate::facts::{Fact, Unknown};
use crate::formats::sshd;
use crate::host::Target;
use std::path::{Path, PathBuf};

/// sshd's configuration.
pub const CONFIG: &str = "/etc/ssh/sshd_config";
/// What holds where nothing is set.
const DEFAULT: &str = ".ssh/authorized_keys .ssh/authorized_keys2";

/// What sshd is configured to.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What the configuration says; `None` where there is none.
    settings: Option<Settings>,
    /// Programs that are asked for keys or principals.
    pub commands: Vec<String>,
    /// Files with what makes a certificate or its bearer good for a login: `TrustedUserCAKeys` and
    /// its relatives, and files that the configuration includes.
    pub trusted: Vec<PathBuf>,
    /// What could not be read of it.
    pub unread: Vec<Unknown>,
}

/// Reads it. Without the file its defaults hold.
pub fn config(target: &dyn Target) -> Fact<Config> {
    let path = Path::new(CONFIG);
    let settings = match target.read(path)? {
        Some(content) => Some(sshd::parse(target, path, &content)?),
        None => None,
    };
    let all = |name: &str| -> Vec<String> {
        settings.as_ref().map(|settings| values(settings, name)).unwrap_or_default()
    };
    let mut commands = all("AuthorizedKeysCommand");
    commands.extend(all("AuthorizedPrincipalsCommand"));
    // What a login of root is made to run.
    commands.extend(all("ForceCommand"));
    commands
        .retain(|command| command != "none" && !command.is_empty() && command != "internal-sftp");
    let trusted = ["TrustedUserCAKeys", "AuthorizedPrincipalsFile", "RevokedKeys"].map(all);
    let trusted = trusted.into_iter().flatten().filter(|path| !path.contains('%'));
    let mut trusted: Vec<PathBuf> = trusted.map(PathBuf::from).collect();
    // Hosts whose word is taken for who somebody is.
    if all("HostbasedAuthentication").iter().any(|value| value.eq_ignore_ascii_case("yes")) {
        trusted.extend(["/etc/ssh/shosts.equiv", "/etc/hosts.equiv"].map(PathBuf::from));
        trusted.push("/etc/ssh/ssh_known_hosts".into());
        if all("IgnoreRhosts").iter().any(|value| value.eq_ignore_ascii_case("no")) {
            trusted.extend(["/root/.shosts", "/root/.rhosts"].map(PathBuf::from));
        }
    }
    trusted.extend(settings.iter().flat_map(|settings| settings.files.clone()));
    let unread = settings.as_ref().map(|settings| settings.unread.clone()).unwrap_or_default();
    Ok(Config { settings, commands, trusted, unread })
}

/// Values of a setting anywhere, those of `Match` blocks too: each may hold for somebody.
fn values(settings: &Settings, name: &str) -> Vec<String> {
    let own = of_all(settings, name).into_iter();
    let blocks = settings.root.blocks.iter().flat_map(|block| {
        let same = |one: &&crate::facts::settings::Setting| one.name.eq_ignore_ascii_case(name);
        block.settings.iter().filter(same).map(|one| one.value.clone())
    });
    own.chain(blocks).collect()
}

/// Values that hold for everybody.
fn of_all(settings: &Settings, name: &str) -> Vec<String> {
    let found = settings.lookup(name).into_iter().filter_map(|lookup| match lookup {
        Lookup::Set(setting) => Some(setting.value.clone()),
        Lookup::NotSet(_) => None,
    });
    found.collect()
}

/// The files in which sshd looks for keys of a user.
pub fn files(config: &Config, user: &User) -> Vec<PathBuf> {
    let home = Path::new(&user.home);
    let fill = |pattern: &String| {
        let filled = pattern
            .replace("%%", "\u{0}")
            .replace("%h", &user.home)
            .replace("%u", &user.name)
            .replace("%U", &user.uid.to_string())
            .replace('\u{0}', "%");
        home.join(filled)
    };
    let values = config.of_user("AuthorizedKeysFile", user, DEFAULT);
    let patterns = values.iter().flat_map(|value| value.split_whitespace().map(str::to_owned));
    let mut found: Vec<PathBuf> = Vec::new();
    for path in patterns.filter(|pattern| pattern != "none").map(|pattern| fill(&pattern)) {
        if path.is_absolute() && !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// The keys of a file, a line each, by names that a person finds again in the file: the kind, the end
/// of the key, the comment (`AUTHORIZED_KEYS FILE FORMAT` of sshd(8)).
pub fn keys(content: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(content);
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(key_name).collect()
}

fn key_name(line: &str) -> String {
    const END: usize = 16;
    const LONGEST: usize = 100;
    let is_kind = |word: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| word.starts_with(kind));
    // Options may stand before the kind.
    let words: Vec<&str> = line.split_whitespace().collect();
    let kind = words.iter().position(|word| is_kind(word));
    let named =
        kind.and_then(|at| Some((words.get(at)?, words.get(at + 1)?, words.get(at + 2..)?)));
    let name = match named {
        Some((kind, key, comment)) => {
            let skip = key.chars().count().saturating_sub(END);
            let end: String = key.chars().skip(skip).collect();
            format!("{kind} …{end} {}", comment.join(" "))
        }
        None => line.to_owned(),
    };
    name.trim_end().chars().take(LONGEST).collect()
}
