//! What nginx uses for a directive that is not given, where the documentation
//! (<https://nginx.org/en/docs/dirindex.html>) gives one constant for all versions and builds.
//!
//! `user` is not here: the value is compiled in (`--user=`), and distributions differ. Neither are
//! `ssl_protocols` and whatever else changed between versions.

use crate::facts::quantity::{Kind, Special};
use crate::facts::words::Words;

/// Directives of the main context.
const MAIN: &[(&str, &str)] =
    &[("daemon", "on"), ("master_process", "on"), ("worker_processes", "1")];

/// Directives of `http` and of what it contains.
const HTTP: &[(&str, &str)] = &[
    ("absolute_redirect", "on"),
    ("auth_basic", "off"),
    ("autoindex", "off"),
    ("client_body_timeout", "60s"),
    ("client_header_timeout", "60s"),
    ("client_max_body_size", "1m"),
    ("disable_symlinks", "off"),
    ("ignore_invalid_headers", "on"),
    ("limit_conn_status", "503"),
    ("limit_req_status", "503"),
    ("merge_slashes", "on"),
    ("proxy_ssl_verify", "off"),
    ("satisfy", "all"),
    ("send_timeout", "60s"),
    ("server_name_in_redirect", "off"),
    ("server_tokens", "on"),
    ("ssl_early_data", "off"),
    ("ssl_prefer_server_ciphers", "off"),
    ("ssl_session_cache", "none"),
    ("ssl_session_tickets", "on"),
    ("ssl_stapling", "off"),
    ("ssl_verify_client", "off"),
    ("ssl_verify_depth", "1"),
    ("underscores_in_headers", "off"),
];

/// Directives of an HTTP server. nginx started by root listens on port 80 (else on 8000).
const SERVER: &[(&str, &str)] =
    &[("listen", "80"), ("listen.port", "80"), ("listen.address", "0.0.0.0")];

/// The value in force for a setting path that is not set anywhere.
pub fn of(path: &str) -> Option<&'static str> {
    let find = |table: &[(&str, &'static str)], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    };
    let Some((context, name)) = path.split_once('.') else { return find(MAIN, path) };
    // A file that is included within `http` begins with `server` or `location` itself.
    if !matches!(context, "http" | "server" | "location") {
        return None;
    }
    if let Some(own) = path.strip_prefix("http.server.").or(path.strip_prefix("server."))
        && let Some(value) = find(SERVER, own)
    {
        return Some(value);
    }
    find(HTTP, name.rsplit('.').next().unwrap_or(name))
}

/// `ngx_conf_set_flag_slot()`, and directives that take other words beside.
static FLAG: Words = Words::of(&[&["on"], &["off"]]);
static FLAG_OR_MORE: Words = Words::among_others(&[&["on"], &["off"]]);

/// Directives that are on or off alone.
const FLAGS: &[&str] = &[
    "absolute_redirect",
    "auth_delay",
    "autoindex",
    "chunked_transfer_encoding",
    "daemon",
    "etag",
    "gzip_vary",
    "ignore_invalid_headers",
    "internal_redirect",
    "log_subrequest",
    "merge_slashes",
    "multi_accept",
    "port_in_redirect",
    "proxy_intercept_errors",
    "proxy_ssl_server_name",
    "proxy_ssl_verify",
    "recursive_error_pages",
    "server_name_in_redirect",
    "ssl_early_data",
    "ssl_prefer_server_ciphers",
    "ssl_session_tickets",
    "ssl_stapling",
    "ssl_stapling_verify",
    "tcp_nodelay",
    "tcp_nopush",
    "underscores_in_headers",
];

/// Whether the values of a directive are times.
pub fn is_time(name: &str) -> bool {
    matches!(kind(name), Kind::Duration { .. })
}

/// A time in seconds, as `ngx_parse_time()` reads it; `None` for one that is not in whole seconds.
pub fn seconds(text: &str) -> Option<u64> {
    let (mut total, mut rest) = (0_u64, text.trim());
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count: u64 = rest.get(..digits)?.parse().ok()?;
        let behind = rest.get(digits..)?;
        let (unit, after) = match behind.chars().next() {
            None => (1, ""),
            Some(' ') => (1, behind),
            Some('m') if behind.starts_with("ms") => return None,
            Some(unit) => {
                let unit = match unit {
                    's' => 1,
                    'm' => 60,
                    'h' => 3600,
                    'd' => 86_400,
                    'w' => 604_800,
                    'M' => 2_592_000,
                    'y' => 31_536_000,
                    _ => return None,
                };
                (unit, behind.get(1..)?)
            }
        };
        total = total.checked_add(count.checked_mul(unit)?)?;
        rest = after.trim_start();
    }
    Some(total)
}

/// What the values of a directive count, by the documentation of its name.
pub fn kind(path: &str) -> Kind {
    let name = path.rsplit('.').next().unwrap_or_default();
    match name {
        "lingering_time" | "resolver_timeout" | "proxy_next_upstream_timeout" => Kind::SECONDS,
        "limit_rate" | "limit_rate_after" | "sendfile_max_chunk" | "output_buffers" => Kind::BYTES,
        "worker_connections" | "worker_rlimit_nofile" | "keepalive_requests" => Kind::Number,
        "ssl_verify_depth" | "limit_req_status" | "limit_conn_status" | "port" => Kind::Number,
        "user" | "server_name" | "root" | "listen" => Kind::Text,
        name if FLAGS.contains(&name) => Kind::Words(&FLAG),
        _ if name.ends_with("_timeout") => Kind::SECONDS,
        _ if name.ends_with("_hash_max_size") || name.ends_with("_hash_bucket_size") => {
            Kind::Number
        }
        _ if name.ends_with("_size") => Kind::BYTES,
        _ => Kind::Words(&FLAG_OR_MORE),
    }
}

/// Directives whose 0 turns off a check or a limit, by the documentation of each.
pub fn special(path: &str) -> Special {
    const ZERO: [&str; 4] =
        ["client_max_body_size", "limit_rate", "proxy_download_rate", "proxy_upload_rate"];
    // Of proxy, fastcgi, uwsgi, scgi, grpc and memcached.
    const ENDS: [&str; 3] = ["_next_upstream_timeout", "_next_upstream_tries", "_limit_rate"];
    let name = path.rsplit('.').next().unwrap_or_default();
    match ZERO.contains(&name) || ENDS.iter().any(|end| name.ends_with(end)) {
        true => Special::ZeroIsNoLimit,
        false => Special::None,
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn a_default_belongs_to_its_context() {
        assert_eq!(of("http.server.listen"), Some("80"));
        assert_eq!(of("server.listen.port"), Some("80"));
        assert_eq!(of("http.server_tokens"), Some("on"));
        assert_eq!(of("http.server.location.autoindex"), Some("off"));
        assert_eq!(of("stream.server.listen"), None);
        assert_eq!(of("server_tokens"), None);
        assert_eq!(of("daemon"), Some("on"));
    }

    #[test]
    fn what_is_compiled_in_has_no_default() {
        assert_eq!(of("user"), None);
        assert_eq!(of("http.ssl_protocols"), None);
    }
}
