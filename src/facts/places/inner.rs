//! What blocks further in say of a setting of an enclosing one.

use super::Place;
use crate::facts::settings::{Block, Inner, Setting, Settings};

/// Directives of nginx that are done where they stand: those within say nothing about the enclosing
/// block.
const DONE_IN_PLACE: [&str; 16] = [
    "alias",
    "break",
    "fastcgi_pass",
    "grpc_pass",
    "include",
    "internal",
    "listen",
    "memcached_pass",
    "proxy_pass",
    "return",
    "rewrite",
    "scgi_pass",
    "server_name",
    "set",
    "try_files",
    "uwsgi_pass",
];

/// Blocks of nginx that can say a setting of the enclosing one anew.
const CONTEXTS: [&str; 6] = ["http", "server", "location", "if", "limit_except", "stream"];

/// Sections of apache that can.
const SECTIONS: [&str; 14] = [
    "virtualhost",
    "directory",
    "directorymatch",
    "location",
    "locationmatch",
    "files",
    "filesmatch",
    "if",
    "elseif",
    "else",
    "limit",
    "limitexcept",
    "proxy",
    "proxymatch",
];

/// Directives of apache that name the host or what it has, which each has for itself.
const OF_HOSTS: [&str; 9] = [
    "alias",
    "customlog",
    "documentroot",
    "errorlog",
    "include",
    "includeoptional",
    "servername",
    "serveralias",
    "serveradmin",
];

impl Settings {
    /// Adds what blocks further in say of the setting instead.
    pub(super) fn said_anew<'a>(
        &'a self,
        block: &'a Block,
        name: &str,
        found: &mut Vec<Place<'a>>,
    ) {
        let done = |list: &[&str]| list.iter().any(|known| self.same_name(known, name));
        let contexts: &[&str] = match self.inner {
            Inner::None => return,
            Inner::Nginx if block.name.is_empty() || done(&DONE_IN_PLACE) => return,
            Inner::Nginx => &CONTEXTS,
            Inner::Apache if done(&OF_HOSTS) => return,
            Inner::Apache => &SECTIONS,
        };
        let is_context = |b: &&Block| contexts.iter().any(|known| self.same_name(known, &b.name));
        for inner in block.blocks.iter().filter(is_context) {
            let mut values = self.own(inner, name);
            // What is taken from the outer block says nothing anew.
            let known = |value: &Setting| {
                found.iter().any(|place| place.values.iter().any(|known| known.at == value.at))
            };
            values.retain(|value| !known(value));
            if !values.is_empty() {
                found.push(Place { at: &inner.at, values, blocks: Vec::new(), missing: None });
            }
            self.said_anew(inner, name, found);
        }
    }
}
