//! The address of a `Listen` directive, `apr_parse_addr_port()`.

use crate::facts::settings::{Block, Setting};

/// The block of a `Listen` directive that has its `port` and `address` as settings. Without an
/// address it means all of them, of both families where there is IPv6: `*`.
pub fn parts(setting: &Setting) -> Block {
    let text = setting.value.split(' ').next().unwrap_or_default();
    let (address, port) = match text.rsplit_once(':') {
        Some((address, port)) => (address, port),
        None => ("*", text),
    };
    let bare = address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']'));
    let part = |name: &str, value: &str, also: Option<&str>| Setting {
        name: name.to_owned(),
        value: value.to_owned(),
        also: also.map(str::to_owned).into_iter().collect(),
        at: setting.at.clone(),
    };
    let mut block = Block::new("Listen", setting.value.clone(), setting.at.clone());
    block.settings = vec![part("port", port, None), part("address", address, bare)];
    block
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::settings::Location;

    fn listen(value: &str) -> Vec<String> {
        let at = Location { file: "/f".into(), line: 1 };
        let setting = Setting { name: "Listen".into(), value: value.into(), also: vec![], at };
        parts(&setting).settings.into_iter().map(|setting| setting.value).collect()
    }

    #[test]
    fn an_address_may_stand_before_the_port_and_a_protocol_behind() {
        assert_eq!(listen("80"), ["80", "*"]);
        assert_eq!(listen("443 https"), ["443", "*"]);
        assert_eq!(listen("127.0.0.1:8080"), ["8080", "127.0.0.1"]);
        assert_eq!(listen("[::1]:80"), ["80", "[::1]"]);
    }
}
