//! What nginx uses for a directive that is not given, where the documentation
//! (<https://nginx.org/en/docs/dirindex.html>) gives one constant for all versions and builds.
//!
//! `user` is not here: the value is compiled in (`--user=`), and distributions differ. Neither are
//! `ssl_protocols` and whatever else changed between versions.

use crate::facts::quantity::{Kind, Special};

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

/// What the values of a directive count, by the documentation of its name.
pub fn kind(path: &str) -> Kind {
    let name = path.rsplit('.').next().unwrap_or_default();
    match name {
        "lingering_time" | "resolver_timeout" | "proxy_next_upstream_timeout" => Kind::SECONDS,
        "limit_rate" | "limit_rate_after" | "sendfile_max_chunk" | "output_buffers" => Kind::BYTES,
        "worker_connections" | "worker_rlimit_nofile" | "keepalive_requests" => Kind::Number,
        "ssl_verify_depth" | "limit_req_status" | "limit_conn_status" | "port" => Kind::Number,
        "user" | "server_tokens" | "autoindex" | "server_name" | "root" | "listen" => Kind::Text,
        _ if name.ends_with("_timeout") => Kind::SECONDS,
        _ if name.ends_with("_hash_max_size") || name.ends_with("_hash_bucket_size") => {
            Kind::Number
        }
        _ if name.ends_with("_size") => Kind::BYTES,
        _ => Kind::Open,
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
        false => Special::Nothing,
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
