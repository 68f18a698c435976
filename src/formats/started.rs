//! What a daemon was started with: its configuration file and the settings of its command line, which
//! win over the file. From the manuals of each; what a daemon shows in the place of its arguments
//! (`setproctitle(3)`) is read where it still tells them.

use super::{Format, by_name, last_word};
use crate::facts::settings::{Block, Location, Setting, Settings};
use std::path::{Path, PathBuf};

/// How a daemon takes settings on its command line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    /// Not at all.
    Nothing,
    /// `-g "daemon off;"`, nginx.
    Directives,
    /// `-o Keyword=value`, sshd: before all that the file says, but for `Match`.
    Keywords,
    /// `-c name=value` and `--name=value`, PostgreSQL.
    Parameters,
    /// `--name=value`: dockerd, etcd, MariaDB.
    Long,
}

/// One daemon.
struct Daemon {
    names: &'static [&'static str],
    format: &'static str,
    /// Options whose value is the file.
    file: &'static [&'static str],
    /// The file that it reads by itself.
    default: Option<&'static str>,
    /// Further options with a value, which is no file.
    valued: &'static [&'static str],
    takes: Takes,
}

static DAEMONS: &[Daemon] = &[
    Daemon {
        names: &["nginx"],
        format: "nginx",
        file: &["-c"],
        default: Some("/etc/nginx/nginx.conf"),
        valued: &["-p", "-e"],
        takes: Takes::Directives,
    },
    Daemon {
        names: &["sshd"],
        format: "sshd",
        file: &["-f"],
        default: Some("/etc/ssh/sshd_config"),
        valued: &["-C", "-c", "-E", "-g", "-h", "-k", "-p", "-u"],
        takes: Takes::Keywords,
    },
    Daemon {
        names: &["postgres", "postmaster"],
        format: "postgresql",
        file: &["--config-file", "--config_file"],
        default: None,
        valued: &["-B", "-D", "-h", "-k", "-N", "-p"],
        takes: Takes::Parameters,
    },
    Daemon {
        names: &["mysqld", "mariadbd"],
        format: "mysql",
        file: &["--defaults-file"],
        default: Some("/etc/mysql/my.cnf"),
        valued: &["-h", "-P", "-u"],
        takes: Takes::Long,
    },
    Daemon {
        names: &["dockerd"],
        format: "docker",
        file: &["--config-file"],
        default: Some("/etc/docker/daemon.json"),
        valued: &["-H", "-G", "-l", "-p", "-s"],
        takes: Takes::Long,
    },
    Daemon {
        names: &["etcd"],
        format: "etcd",
        file: &["--config-file"],
        default: None,
        valued: &[],
        takes: Takes::Nothing,
    },
    Daemon {
        names: &["kubelet"],
        format: "kubelet",
        file: &["--config"],
        default: None,
        valued: &[],
        takes: Takes::Nothing,
    },
    Daemon {
        names: &["haproxy"],
        format: "haproxy",
        file: &["-f"],
        default: None,
        valued: &["-p", "-x", "-S", "-C", "-n", "-N", "-L", "-m", "-sf", "-st"],
        takes: Takes::Nothing,
    },
    Daemon {
        names: &["named"],
        format: "named",
        file: &["-c"],
        default: Some("/etc/bind/named.conf"),
        valued: &[
            "-u", "-t", "-p", "-n", "-d", "-L", "-S", "-T", "-U", "-x", "-X", "-D", "-E", "-m",
            "-M",
        ],
        takes: Takes::Nothing,
    },
    Daemon {
        names: &["chronyd"],
        format: "chrony",
        file: &["-f"],
        default: Some("/etc/chrony/chrony.conf"),
        valued: &["-u", "-P", "-l", "-L", "-F", "-t"],
        takes: Takes::Nothing,
    },
    Daemon {
        names: &["smbd"],
        format: "samba",
        file: &["-s", "--configfile"],
        default: Some("/etc/samba/smb.conf"),
        valued: &["-d", "-l", "-p"],
        takes: Takes::Nothing,
    },
    Daemon {
        names: &["mongod"],
        format: "mongod",
        file: &["-f", "--config"],
        default: None,
        valued: &[],
        takes: Takes::Nothing,
    },
    Daemon {
        names: &["php-fpm"],
        format: "php-fpm",
        file: &["-y", "--fpm-config"],
        default: None,
        valued: &["-c", "-d", "-p", "-g"],
        takes: Takes::Nothing,
    },
];

/// All formats of which it can be told.
pub fn formats() -> impl Iterator<Item = &'static Format> {
    DAEMONS.iter().filter_map(|daemon| by_name(daemon.format))
}

/// What one process was started with.
pub struct Started {
    /// The format of its file.
    pub format: &'static Format,
    /// Its file.
    pub file: PathBuf,
    /// Names and values of the command line.
    said: Vec<(String, String)>,
    takes: Takes,
}

/// What a process was started with, by its program's name and its arguments. `None`: it is none of
/// these daemons, or one that the daemon has started itself, which shows other words.
///
/// # Errors
/// Why it cannot be told.
pub fn started(program: &Path, arguments: &[String]) -> Result<Option<Started>, String> {
    let name = program.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let fits = |daemon: &&Daemon| daemon.names.contains(&name) || daemon.names.contains(&stem);
    let Some(daemon) = DAEMONS.iter().find(fits) else { return Ok(None) };
    let Some(format) = by_name(daemon.format) else { return Ok(None) };
    let Some(arguments) = shown(daemon, arguments)? else { return Ok(None) };
    let mut file: Option<String> = None;
    let mut directory: Option<String> = None;
    let mut said: Vec<(String, String)> = Vec::new();
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        let (option, joined) = match word.split_once('=').filter(|_| word.starts_with("--")) {
            Some((option, value)) => (option, Some(value.to_owned())),
            None if word.starts_with('-') && !word.starts_with("--") && word.len() > 2 => {
                let (option, value) = word.split_at_checked(2).unwrap_or((word, ""));
                // Of letters alone each is an option: `-De`.
                let known = |o: &&str| {
                    daemon.file.contains(o) || daemon.valued.contains(o) || sets(daemon, o)
                };
                match known(&option) {
                    true => (option, Some(value.to_owned())),
                    false => (word.as_str(), None),
                }
            }
            None => (word.as_str(), None),
        };
        let wants = daemon.file.contains(&option)
            || daemon.valued.contains(&option)
            || sets(daemon, option);
        let value = match joined {
            Some(value) => value,
            None if wants => words.next().cloned().unwrap_or_default(),
            None => String::new(),
        };
        if daemon.file.contains(&option) {
            file = Some(value);
        } else if sets(daemon, option) {
            said.extend(directives(daemon.takes, &value));
        } else if daemon.takes == Takes::Parameters && option == "-D" {
            directory = Some(value);
        } else if matches!(daemon.takes, Takes::Parameters | Takes::Long)
            && option.starts_with("--")
        {
            said.push((option.trim_start_matches('-').to_owned(), value));
        }
    }
    let of_parameters =
        |name: &str| said.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    let file = file
        .or_else(|| of_parameters("config_file"))
        .or_else(|| directory.map(|directory| format!("{directory}/postgresql.conf")))
        .or_else(|| daemon.default.map(str::to_owned))
        .ok_or_else(|| format!("{name} names no configuration file"))?;
    if !file.starts_with('/') {
        return Err(format!("`{file}` depends on the directory in which {name} was started"));
    }
    Ok(Some(Started { format, file: PathBuf::from(file), said, takes: daemon.takes }))
}

/// Whether an option's value is settings.
fn sets(daemon: &Daemon, option: &str) -> bool {
    match daemon.takes {
        Takes::Directives => option == "-g",
        Takes::Keywords => option == "-o",
        Takes::Parameters => option == "-c",
        Takes::Long | Takes::Nothing => false,
    }
}

/// The arguments of a daemon that may have put a title in their place. `None`: the title of a process
/// that it has started.
fn shown(daemon: &Daemon, arguments: &[String]) -> Result<Option<Vec<String>>, String> {
    let first = arguments.first().map(String::as_str).unwrap_or_default();
    let split = |text: &str| Some(text.split_whitespace().map(str::to_owned).collect());
    let Some((before, title)) = first.split_once(": ") else { return Ok(Some(arguments.to_vec())) };
    if !daemon.names.iter().any(|name| before.starts_with(name)) {
        return Ok(Some(arguments.to_vec()));
    }
    match (daemon.format, title.strip_prefix("master process ")) {
        // A value with white space in it was an argument of its own.
        ("nginx", Some(rest)) => match rest.split_once(" -g ") {
            Some((before, directives)) => {
                let mut words: Vec<String> = before.split_whitespace().map(str::to_owned).collect();
                words.extend(["-g".to_owned(), directives.to_owned()]);
                Ok(Some(words))
            }
            None => Ok(split(rest)),
        },
        ("php-fpm", Some(rest)) => {
            let file = rest.trim_start_matches('(').trim_end_matches(')').to_owned();
            Ok(Some(vec!["php-fpm".to_owned(), "-y".to_owned(), file]))
        }
        ("sshd", _) => match title.split_once(" [listener]") {
            Some((command, _)) => Ok(split(command)),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Names and values of one option.
fn directives(takes: Takes, text: &str) -> Vec<(String, String)> {
    let pair = |text: &str, between: &[char]| {
        let (name, value) = text.trim().split_once(between)?;
        Some((name.trim().to_owned(), value.trim().to_owned()))
    };
    match takes {
        Takes::Directives => text.split(';').filter_map(|one| pair(one, &[' ', '\t'])).collect(),
        Takes::Keywords => pair(text, &['=', ' ']).into_iter().collect(),
        _ => pair(text, &['=']).into_iter().collect(),
    }
}

impl Started {
    /// Puts what the command line says in the place of what the file says.
    pub fn apply(&self, settings: &mut Settings, at: &Location) {
        for (name, value) in &self.said {
            let name = match self.takes {
                Takes::Keywords => name.to_ascii_lowercase(),
                Takes::Long if self.format.name == "mysql" => name.replace('_', "-"),
                Takes::Parameters => name.replace('-', "_"),
                _ => name.clone(),
            };
            let setting = Setting {
                also: (self.format.also)(last_word(&name), value),
                name: name.clone(),
                value: value.clone(),
                at: at.clone(),
            };
            if self.format.name == "mysql" {
                let server = settings.root.blocks.iter_mut().find(|block| block.name == "mysqld");
                let Some(server) = server else { continue };
                let underlined = name.replace('-', "_");
                server.settings.retain(|known| known.name != name && known.name != underlined);
                server.settings.push(Setting { name: underlined, ..setting.clone() });
                server.settings.push(setting);
                continue;
            }
            // What a block says for some stays.
            let of_blocks = |known: &Setting, blocks: &[Block]| {
                blocks.iter().any(|block| block.settings.iter().any(|s| s.at == known.at))
            };
            let Settings { root, ignore_case, .. } = settings;
            let same =
                |a: &str, b: &str| if *ignore_case { a.eq_ignore_ascii_case(b) } else { a == b };
            let Block { settings: own, blocks, .. } = root;
            own.retain(|known| !same(&known.name, &name) || of_blocks(known, blocks));
            own.insert(0, setting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(program: &str, command: &[&str]) -> String {
        let arguments: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        match started(Path::new(program), &arguments) {
            Ok(Some(started)) => {
                let said: Vec<String> =
                    started.said.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                format!("{}{}", started.file.display(), said.concat())
            }
            Ok(None) => "none".into(),
            Err(why) => why,
        }
    }

    #[test]
    fn a_command_line_names_the_file_and_settings() {
        for (program, command, wanted) in [
            ("/usr/sbin/nginx", &["nginx", "-c", "/x.conf"][..], "/x.conf"),
            (
                "/usr/sbin/nginx",
                &["nginx: master process nginx -g daemon off; user x;"],
                "/etc/nginx/nginx.conf daemon=off user=x",
            ),
            ("/usr/sbin/nginx", &["nginx: worker process"], "none"),
            (
                "/usr/sbin/sshd",
                &[
                    "sshd: /usr/sbin/sshd -D -f /x -o PermitRootLogin=no [listener] 0 of 10-100 startups",
                ],
                "/x PermitRootLogin=no",
            ),
            ("/usr/sbin/sshd", &["sshd: root [priv]"], "none"),
            (
                "/usr/sbin/sshd",
                &["/usr/sbin/sshd", "-oPermitRootLogin=yes", "-D"],
                "/etc/ssh/sshd_config PermitRootLogin=yes",
            ),
            (
                "/usr/lib/postgresql/15/bin/postgres",
                &["postgres", "-D", "/d", "-c", "ssl=off", "--fsync=on"],
                "/d/postgresql.conf ssl=off fsync=on",
            ),
            (
                "/usr/lib/postgresql/15/bin/postgres",
                &["postgres", "-D", "/d", "-c", "config_file=/e/p.conf"],
                "/e/p.conf config_file=/e/p.conf",
            ),
            ("/usr/lib/postgresql/15/bin/postgres", &["postgres: 15/main: checkpointer "], "none"),
            (
                "/usr/sbin/mariadbd",
                &["mariadbd", "--defaults-file=/m.cnf", "--skip-networking", "--port=1"],
                "/m.cnf skip-networking= port=1",
            ),
            (
                "/usr/bin/dockerd",
                &["dockerd", "-H", "fd://", "--icc=false"],
                "/etc/docker/daemon.json icc=false",
            ),
            (
                "/usr/sbin/php-fpm8.2",
                &["php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)"],
                "/etc/php/8.2/fpm/php-fpm.conf",
            ),
            ("/usr/bin/kubelet", &["kubelet"], "kubelet names no configuration file"),
            (
                "/usr/sbin/nginx",
                &["nginx", "-c", "x.conf"],
                "`x.conf` depends on the directory in which nginx was started",
            ),
            ("/usr/bin/cat", &["cat"], "none"),
        ] {
            assert_eq!(told(program, command), wanted, "{command:?}");
        }
    }
}
