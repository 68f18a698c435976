//! Other people's file formats: bytes in, plain facts out.
//!
//! Everything here reads hostile input: bounded, never panicking, fuzzed. A further configuration
//! format is one file here and one line in [`FORMATS`].

pub mod acl;
pub mod apache;
pub mod boot;
pub mod chrony;
pub mod conf_files;
pub mod containers;
pub mod cron;
pub mod elf;
pub mod env;
pub mod filecap;
pub mod git;
pub mod glob3;
pub mod haproxy;
pub mod include;
pub mod ini;
pub mod json;
pub mod last;
pub mod ld_so_conf;
pub mod limits;
pub mod linker;
pub mod login_defs;
pub mod modprobe;
pub mod mounts;
pub mod mysql;
pub mod name_services;
pub mod named;
pub mod nginx;
pub mod owners;
pub mod packages;
pub mod passwd;
pub mod pg_hba;
pub mod php;
pub mod php_fpm;
pub mod postfix;
pub mod postgresql;
pub mod properties;
pub mod redis;
pub mod samba;
pub mod sections;
pub mod sets;
pub mod ssh_config;
pub mod sshd;
pub mod started;
pub mod sudoers;
pub mod supervisord;
pub mod sysctl;
pub mod sysctl_d;
pub mod systemd;
pub mod table;
pub mod tar;
pub mod toml;
pub mod tree;
pub mod units;
pub mod versions;
pub mod vsftpd;
pub mod xml;
pub mod yaml;

use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::Settings;
use crate::host::Files;
use std::path::Path;

/// A configuration file format that `config:` rules can ask about.
pub struct Format {
    /// Name as `format:` takes it.
    pub name: &'static str,
    /// One line for the reference: what it covers and which precedence rule it follows.
    pub doc: &'static str,
    /// Whether a file at this path is probably of this format.
    pub recognises: fn(&Path) -> bool,
    /// Parses the content of the file at the path, reading further files for includes.
    pub parse: fn(&dyn Files, &Path, &[u8]) -> Fact<Settings>,
    /// The value that the daemon uses for a setting path which is not set, where that is a documented constant.
    pub default: fn(&str) -> Option<&'static str>,
    /// Other spellings that mean the same to the daemon as a text given for the setting at a path: by
    /// the words of a rule and by a default, as [`Setting::also`](crate::facts::settings::Setting)
    /// has them of the value in the file.
    pub also: fn(&str, &str) -> Vec<String>,
    /// What the values of the setting at a path count.
    pub kind: fn(&str) -> Kind,
    /// Which values of the setting at a path mean "no limit" and so are below none.
    pub special: fn(&str) -> Special,
    /// What is known of its settings, a row for each, where it is kept so.
    pub table: Option<&'static table::Table>,
    /// Blocks that the owner knows, where a path of others is most likely a slip.
    pub blocks: &'static [&'static str],
}

impl Format {
    /// A format of whose settings nothing is known.
    pub const PLAIN: Format = Format {
        name: "",
        doc: "",
        recognises: |_| false,
        parse: ini::parse,
        also: |_, _| Vec::new(),
        default: |_| None,
        kind: |_| Kind::Open,
        special: |_| Special::None,
        table: None,
        blocks: &[],
    };

    /// What the values of the setting at a path count.
    pub fn kind_of(&self, path: &str) -> Kind {
        self.table.map_or_else(|| (self.kind)(path), |table| table.kind(path))
    }

    /// What the daemon uses for a setting that is not set.
    pub fn default_of(&self, path: &str) -> Option<&'static str> {
        self.table.map_or_else(|| (self.default)(path), |table| table.default(path))
    }

    /// Which values of a setting mean "no limit".
    pub fn special_of(&self, path: &str) -> Special {
        self.table.map_or_else(|| (self.special)(path), |table| table.special(path))
    }
}

/// All formats, in the order in which they are tried on a path.
pub static FORMATS: &[Format] = &[
    pg_hba::FORMAT,
    php_fpm::FORMAT,
    samba::FORMAT,
    git::FORMAT,
    ssh_config::FORMAT,
    postfix::FORMAT,
    vsftpd::FORMAT,
    chrony::FORMAT,
    haproxy::FORMAT,
    named::FORMAT,
    owners::DOCKER,
    owners::CONTAINERD,
    owners::KUBELET,
    owners::ETCD,
    owners::MONGOD,
    owners::ELASTICSEARCH,
    owners::GRAFANA,
    nginx::FORMAT,
    sshd::FORMAT,
    apache::FORMAT,
    redis::FORMAT,
    postgresql::FORMAT,
    mysql::FORMAT,
    supervisord::FORMAT,
    php::FORMAT,
    login_defs::FORMAT,
    systemd::FORMAT,
    sysctl::FORMAT,
    env::FORMAT,
    json::FORMAT,
    yaml::FORMAT,
    toml::FORMAT,
    ini::FORMAT,
    properties::FORMAT,
    xml::FORMAT,
];

/// The format of that name.
pub fn by_name(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

/// The format that a path suggests.
pub fn for_path(path: &Path) -> Option<&'static Format> {
    FORMATS.iter().find(|format| (format.recognises)(path))
}

/// The name of the setting that a path leads to.
pub fn last_word(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default().trim_matches('"')
}
