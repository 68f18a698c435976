//! The address of a `listen` directive, `ngx_parse_url()` of `src/core/ngx_inet.c`.

use crate::facts::settings::{Block, Setting};

/// The port of an address without one.
const DEFAULT_PORT: &str = "80";

/// An address taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Address<'a> {
    /// All IPv4 addresses: `8080`, `*:8080`, `0.0.0.0:8080`.
    Any4 { port: &'a str },
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    Host { host: &'a str, port: &'a str },
    /// `unix:/path`.
    Unix(&'a str),
}

fn address(text: &str) -> Address<'_> {
    if text.starts_with("unix:") {
        return Address::Unix(text);
    }
    let is_port = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    };
    if is_port(text) {
        return Address::Any4 { port: text };
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) && (!host.contains(':') || host.ends_with(']')) => {
            (host, port)
        }
        _ => (text, DEFAULT_PORT),
    };
    match host {
        "*" | "0.0.0.0" => Address::Any4 { port },
        _ => Address::Host { host, port },
    }
}

/// Spellings of a `listen` whose first word is `text`, flags left out.
pub fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    match address(text) {
        Address::Any4 { port } => {
            all.extend([port.to_owned(), format!("*:{port}"), format!("0.0.0.0:{port}")]);
            if port == DEFAULT_PORT {
                all.extend(["*".to_owned(), "0.0.0.0".to_owned()]);
            }
        }
        Address::Host { host, port } => {
            all.push(format!("{host}:{port}"));
            if port == DEFAULT_PORT {
                all.push(host.to_owned());
            }
        }
        Address::Unix(_) => {}
    }
    all.sort();
    all.dedup();
    all
}

/// The block of a `listen` directive that has its `port` and `address` as settings. A unix domain
/// socket has the port `none`: it is not one of the ports that a rule could allow.
pub fn parts(setting: &Setting) -> Block {
    let text = setting.value.split(' ').next().unwrap_or_default();
    let (host, also, port): (&str, Vec<&str>, &str) = match address(text) {
        Address::Any4 { port } => ("0.0.0.0", vec!["*"], port),
        Address::Host { host, port } => {
            let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
            (host, bare.into_iter().collect(), port)
        }
        Address::Unix(path) => (path, Vec::new(), "none"),
    };
    let part = |name: &str, value: &str, also: Vec<&str>| Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        also: also.into_iter().map(str::to_owned).collect(),
        at: setting.at.clone(),
    };
    Block {
        name: "listen".to_owned(),
        label: setting.value.clone(),
        at: setting.at.clone(),
        settings: vec![part("port", port, Vec::new()), part("address", host, also)],
        blocks: Vec::new(),
        empty_list: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_means_all_ipv4_addresses() {
        assert_eq!(spellings("8080"), ["*:8080", "0.0.0.0:8080", "8080"]);
        assert_eq!(address("*:8080"), address("0.0.0.0:8080"));
    }

    #[test]
    fn an_address_without_port_has_port_80() {
        assert_eq!(spellings("127.0.0.1"), ["127.0.0.1", "127.0.0.1:80"]);
        assert_eq!(address("[::1]"), Address::Host { host: "[::1]", port: "80" });
        assert_eq!(address("*"), Address::Any4 { port: "80" });
    }

    #[test]
    fn brackets_keep_the_colons_of_ipv6_apart() {
        assert_eq!(address("[::]:443"), Address::Host { host: "[::]", port: "443" });
    }

    #[test]
    fn a_range_of_ports_is_kept_as_a_range() {
        assert_eq!(address("8080-8090"), Address::Any4 { port: "8080-8090" });
    }
}
