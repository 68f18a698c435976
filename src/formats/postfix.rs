//! Postfix: `main.cf`, the last value wins, postconf(5) and `readlline(3)`.
//!
//! A line that begins with white space goes on with the one before. Values are kept as `postconf -n`
//! shows them; where they name parameters of the same file, what these say is known as well.

use super::limits::{Budget, malformed};
use super::sets::Between;
use super::table::{Row, Table};
use super::{Format, last};
use crate::facts::Fact;
use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Location, Setting, Settings};
use crate::facts::words::Words;
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::Path;

/// The main configuration of Postfix.
pub const FORMAT: Format = Format {
    name: "postfix",
    doc: "main.cf: the last value wins, indented lines go on; defaults of postconf -d where all \
          versions in use have the same.",
    recognises: |path| {
        path.file_name().is_some_and(|name| name == "main.cf")
            && path.components().any(|part| part.as_os_str() == "postfix")
    },
    parse,
    table: Some(&TABLE),
    ..Format::PLAIN
};

/// `get_mail_conf_bool()`: two words.
static FLAG: Words = Words::of(&[&["yes"], &["no"]]);
const FLAGS: Kind = Kind::Words(&FLAG);

/// `postconf -d` of 3.4 to 3.9.
static TABLE: Table = Table {
    rows: &[
        Row::new("anvil_rate_time_unit", Kind::SECONDS).or("60s"),
        Row::new("biff", FLAGS).or("yes"),
        Row::new("bounce_queue_lifetime", Kind::SECONDS).or("5d"),
        Row::new("default_process_limit", Kind::Number).or("100"),
        Row::new("disable_vrfy_command", FLAGS).or("no"),
        Row::new("home_mailbox", Kind::Text).or(""),
        Row::new("inet_interfaces", Kind::AnyCase).or("all").set(Between::List),
        Row::new("mail_owner", Kind::Text).or("postfix"),
        Row::new("mailbox_size_limit", Kind::Number)
            .or("51200000")
            .without_limit(Special::ZeroIsNoLimit),
        Row::new("maximal_queue_lifetime", Kind::SECONDS).or("5d"),
        Row::new("message_size_limit", Kind::Number)
            .or("10240000")
            .without_limit(Special::ZeroIsNoLimit),
        Row::new("mydestination", Kind::AnyCase).set(Between::List),
        Row::new("mynetworks", Kind::AnyCase).set(Between::List),
        Row::new("relay_domains", Kind::AnyCase).set(Between::List),
        Row::new("relayhost", Kind::Text).or(""),
        Row::new("smtp_tls_security_level", Kind::AnyCase).or(""),
        Row::new("smtpd_banner", Kind::Text).or("$myhostname ESMTP $mail_name"),
        Row::new("smtpd_client_connection_count_limit", Kind::Number)
            .or("50")
            .without_limit(Special::ZeroIsNoLimit),
        Row::new("smtpd_client_connection_rate_limit", Kind::Number)
            .or("0")
            .without_limit(Special::ZeroIsNoLimit),
        Row::new("smtpd_client_restrictions", Kind::Text).or("").set(Between::List),
        Row::new("smtpd_data_restrictions", Kind::Text).or("").set(Between::List),
        Row::new("smtpd_delay_reject", FLAGS).or("yes"),
        Row::new("smtpd_helo_required", FLAGS).or("no"),
        Row::new("smtpd_helo_restrictions", Kind::Text).or("").set(Between::List),
        Row::new("smtpd_recipient_restrictions", Kind::Text).or("").set(Between::List),
        Row::new("smtpd_relay_restrictions", Kind::Text).set(Between::List),
        Row::new("smtpd_sasl_auth_enable", FLAGS).or("no"),
        Row::new("smtpd_sasl_security_options", Kind::AnyCase).or("noanonymous").set(Between::List),
        Row::new("smtpd_sender_restrictions", Kind::Text).or("").set(Between::List),
        Row::new("smtpd_tls_auth_only", FLAGS).or("no"),
        Row::new("smtpd_tls_loglevel", Kind::Number).or("0"),
        Row::new("smtpd_tls_security_level", Kind::AnyCase).or(""),
        Row::new("smtpd_use_tls", FLAGS).or("no"),
        Row::new("strict_rfc821_envelopes", FLAGS).or("no"),
        Row::new("swap_bangpath", FLAGS).or("yes"),
    ],
    others: Kind::Open,
    any_case: false,
};

/// Parses the configuration.
///
/// # Errors
/// Where Postfix would refuse a line, or a bound is met.
pub fn parse(_files: &dyn Files, path: &Path, content: &[u8]) -> Fact<Settings> {
    let mut budget = Budget::default();
    let mut said: Vec<Setting> = Vec::new();
    let text = String::from_utf8_lossy(content);
    for (number, raw) in (1_u32..).zip(text.lines()) {
        let line = raw.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        budget.take(path)?;
        if raw.starts_with([' ', '\t']) {
            if let Some(last) = said.last_mut() {
                last.value.push(' ');
                last.value.push_str(line);
            }
            continue;
        }
        let (name, value) = line
            .split_once('=')
            .ok_or_else(|| malformed(path, number, "Postfix refuses a line without ="))?;
        let at = Location { file: path.to_path_buf(), line: number };
        let (name, value) = (name.trim().to_owned(), value.trim().to_owned());
        said.push(Setting { name, value, also: Vec::new(), at });
    }
    for setting in &mut said {
        setting.value = setting.value.trim().to_owned();
    }
    let mut root = Block::root(path);
    root.settings = last::in_force(said, |setting| Some(setting.name.clone()));
    let known: BTreeMap<String, String> =
        root.settings.iter().map(|s| (s.name.clone(), s.value.clone())).collect();
    for setting in &mut root.settings {
        let full = expanded(&setting.value, &known).filter(|text| *text != setting.value);
        setting.also.extend(full);
    }
    Ok(Settings { root, files: vec![path.to_path_buf()], ..Settings::default() })
}

/// A value with the parameters of this file that it names; `None` where it names others, or one that
/// names further ones.
fn expanded(value: &str, known: &BTreeMap<String, String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        let (name, behind) = match after.chars().next()? {
            '{' => after.get(1..)?.split_once('}')?,
            '(' => after.get(1..)?.split_once(')')?,
            _ => {
                let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                after.split_at_checked(after.find(|c| !is_name(c)).unwrap_or(after.len()))?
            }
        };
        text.push_str(known.get(name).filter(|value| !value.contains('$'))?);
        rest = behind;
    }
    text.push_str(rest);
    Some(text)
}
