//! vsftpd: `name=value`, the last value wins, vsftpd.conf(5) and `parseconf.c`.
//!
//! White space around `=` is part of the name or the value, so that vsftpd refuses it.

use super::limits::{Budget, malformed};
use super::sets::Between;
use super::table::{Row, Table};
use super::{Format, last};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::host::Files;
use std::path::Path;

/// The configuration of vsftpd.
pub const FORMAT: Format = Format {
    name: "vsftpd",
    doc: "vsftpd.conf(5): `name=value` without white space, the last value wins.",
    recognises: |path| path.file_name().is_some_and(|name| name == "vsftpd.conf"),
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

static FLAG: Words = Words::of(&[&["YES", "TRUE", "1"], &["NO", "FALSE", "0"]]);
static OTHERS: Words = Words::among_others(&[&["YES", "TRUE", "1"], &["NO", "FALSE", "0"]]);
const FLAGS: Kind = Kind::Words(&FLAG);
const SECONDS: Kind = Kind::SECONDS;

/// vsftpd.conf(5) of 3.0.
static TABLE: Table = Table {
    rows: &[
        Row::new("allow_anon_ssl", FLAGS).or("NO"),
        Row::new("allow_writeable_chroot", FLAGS).or("NO"),
        Row::new("anon_max_rate", Kind::Number).or("0").without_limit(Special::ZeroIsNoLimit),
        Row::new("anon_mkdir_write_enable", FLAGS).or("NO"),
        Row::new("anon_other_write_enable", FLAGS).or("NO"),
        Row::new("anon_umask", Kind::Octal).or("077"),
        Row::new("anon_upload_enable", FLAGS).or("NO"),
        Row::new("anon_world_readable_only", FLAGS).or("YES"),
        Row::new("anonymous_enable", FLAGS).or("YES"),
        Row::new("chroot_list_enable", FLAGS).or("NO"),
        Row::new("chroot_local_user", FLAGS).or("NO"),
        Row::new("cmds_allowed", Kind::Text).set(Between::Comma),
        Row::new("cmds_denied", Kind::Text).set(Between::Comma),
        Row::new("connect_from_port_20", FLAGS).or("NO"),
        Row::new("data_connection_timeout", SECONDS).or("300"),
        Row::new("file_open_mode", Kind::Octal).or("0666"),
        Row::new("force_local_data_ssl", FLAGS).or("YES"),
        Row::new("force_local_logins_ssl", FLAGS).or("YES"),
        Row::new("ftp_username", Kind::Text).or("ftp"),
        Row::new("ftpd_banner", Kind::Text),
        Row::new("guest_enable", FLAGS).or("NO"),
        Row::new("hide_ids", FLAGS).or("NO"),
        Row::new("idle_session_timeout", SECONDS).or("300"),
        Row::new("listen_port", Kind::Number).or("21"),
        Row::new("local_enable", FLAGS).or("NO"),
        Row::new("local_umask", Kind::Octal).or("077"),
        Row::new("ls_recurse_enable", FLAGS).or("NO"),
        Row::new("max_login_fails", Kind::Number).or("3"),
        Row::new("no_anon_password", FLAGS).or("NO"),
        Row::new("nopriv_user", Kind::Text).or("nobody"),
        Row::new("pasv_promiscuous", FLAGS).or("NO"),
        Row::new("port_promiscuous", FLAGS).or("NO"),
        Row::new("require_ssl_reuse", FLAGS).or("YES"),
        Row::new("ssl_enable", FLAGS).or("NO"),
        Row::new("ssl_sslv2", FLAGS).or("NO"),
        Row::new("ssl_sslv3", FLAGS).or("NO"),
        Row::new("userlist_deny", FLAGS).or("YES"),
        Row::new("userlist_enable", FLAGS).or("NO"),
        Row::new("write_enable", FLAGS).or("NO"),
        Row::new("xferlog_enable", FLAGS).or("NO"),
    ],
    others: Kind::Words(&OTHERS),
    any_case: false,
};

/// Parses the configuration.
///
/// # Errors
/// Where vsftpd would not start, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut budget = Budget::default();
    let mut said = Vec::new();
    let text = String::from_utf8_lossy(content);
    for (number, raw) in (1_u32..).zip(text.lines()) {
        // Spaces at the end are cut, and a line may begin with `@` or `#`.
        let line = raw.trim_end_matches([' ', '\r']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        budget.take(path)?;
        let refused = |why: &str| malformed(path, number, format!("vsftpd would not start: {why}"));
        let (name, value) = line.split_once('=').ok_or_else(|| refused("no = in the line"))?;
        if name.contains(char::is_whitespace) || value.starts_with(char::is_whitespace) {
            return Err(refused("white space beside ="));
        }
        if matches!(TABLE.kind(name), Kind::Words(words) if !words.others)
            && FLAG.canonical(value).is_none()
        {
            return Err(refused("neither YES nor NO"));
        }
        let (name, value) = (name.to_owned(), value.to_owned());
        let at = Location { file: path.to_path_buf(), line: number };
        said.push(Setting { name, value, also: Vec::new(), at });
    }
    let mut root = Block::root(path);
    root.settings = last::in_force(said, |setting| Some(setting.name.clone()));
    Ok(Settings { root, files: vec![path.to_path_buf()], ..Settings::default() })
}
