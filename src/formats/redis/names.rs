//! Names and values of `redis.conf`: `static_configs` of redis' `config.c`.

use crate::facts::quantity::{Kind, Special};
use crate::facts::words::Words;
use crate::formats::units;

/// Old names and the ones that took their place.
const ALIASES: &[(&str, &str)] = &[
    ("cluster-slave-no-failover", "cluster-replica-no-failover"),
    ("cluster-slave-validity-factor", "cluster-replica-validity-factor"),
    ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
    ("hash-max-ziplist-value", "hash-max-listpack-value"),
    ("list-max-ziplist-size", "list-max-listpack-size"),
    ("lua-time-limit", "busy-reply-threshold"),
    ("min-slaves-max-lag", "min-replicas-max-lag"),
    ("min-slaves-to-write", "min-replicas-to-write"),
    ("repl-ping-slave-period", "repl-ping-replica-period"),
    ("slave-announce-ip", "replica-announce-ip"),
    ("slave-announce-port", "replica-announce-port"),
    ("slave-ignore-maxmemory", "replica-ignore-maxmemory"),
    ("slave-lazy-flush", "replica-lazy-flush"),
    ("slave-priority", "replica-priority"),
    ("slave-read-only", "replica-read-only"),
    ("slave-serve-stale-data", "replica-serve-stale-data"),
    ("slaveof", "replicaof"),
    ("zset-max-ziplist-entries", "zset-max-listpack-entries"),
    ("zset-max-ziplist-value", "zset-max-listpack-value"),
];

/// What redis uses where nothing is said, for all versions since 5. Not here: `bind`, which was
/// nothing before version 7, and what later versions added (`enable-debug-command`), whose absence
/// meant something else before.
const DEFAULTS: &[(&str, &str)] = &[
    ("aclfile", ""),
    ("activedefrag", "no"),
    ("appendfilename", "appendonly.aof"),
    ("appendfsync", "everysec"),
    ("appendonly", "no"),
    ("cluster-enabled", "no"),
    ("daemonize", "no"),
    ("databases", "16"),
    ("dbfilename", "dump.rdb"),
    ("hz", "10"),
    ("logfile", ""),
    ("loglevel", "notice"),
    ("masterauth", ""),
    ("maxclients", "10000"),
    ("maxmemory", "0"),
    ("maxmemory-policy", "noeviction"),
    ("no-appendfsync-on-rewrite", "no"),
    ("notify-keyspace-events", ""),
    ("port", "6379"),
    ("protected-mode", "yes"),
    ("rdbchecksum", "yes"),
    ("rdbcompression", "yes"),
    ("replica-priority", "100"),
    ("replica-read-only", "yes"),
    ("replica-serve-stale-data", "yes"),
    ("replicaof", ""),
    ("requirepass", ""),
    ("slowlog-log-slower-than", "10000"),
    ("slowlog-max-len", "128"),
    ("stop-writes-on-bgsave-error", "yes"),
    ("supervised", "no"),
    ("syslog-enabled", "no"),
    ("syslog-facility", "local0"),
    ("syslog-ident", "redis"),
    ("tcp-backlog", "511"),
    ("tcp-keepalive", "300"),
    ("repl-timeout", "60"),
    ("timeout", "0"),
    ("tls-port", "0"),
    ("unixsocket", ""),
    ("unixsocketperm", "0"),
];

/// `yesnotoi()` of redis.
static FLAG: Words = Words::of(&[&["yes"], &["no"]]);

/// Settings for which nothing is as good as not being set: `EMPTY_STRING_IS_NULL` of `config.c`.
const EMPTY_IS_NONE: &[&str] = &[
    "aclfile",
    "masterauth",
    "masteruser",
    "pidfile",
    "replicaof",
    "requirepass",
    "tls-ca-cert-dir",
    "tls-ca-cert-file",
    "tls-cert-file",
    "tls-key-file",
    "unixsocket",
];

/// Whether a value takes a setting back.
pub fn is_none(name: &str, value: &str) -> bool {
    value.is_empty() && EMPTY_IS_NONE.contains(&name)
}

/// Settings whose value is a size.
const SIZES: &[&str] = &[
    "active-defrag-ignore-bytes",
    "auto-aof-rewrite-min-size",
    "client-query-buffer-limit",
    "cluster-link-sendbuf-limit",
    "hash-max-listpack-value",
    "hll-sparse-max-bytes",
    "maxmemory",
    "maxmemory-clients",
    "proto-max-bulk-len",
    "repl-backlog-size",
    "stream-node-max-bytes",
    "zset-max-listpack-value",
];

/// Settings whose values are words of redis, compared without regard to case, beside yes and no.
const WORDS: &[&str] = &[
    "acl-pubsub-default",
    "appendfsync",
    "enable-debug-command",
    "enable-module-command",
    "enable-protected-configs",
    "loglevel",
    "maxmemory-policy",
    "oom-score-adj",
    "repl-diskless-load",
    "sanitize-dump-payload",
    "supervised",
    "syslog-facility",
    "tls-auth-clients",
];

/// The name in lower case, an old one in its newer form.
pub fn canonical(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let newer = ALIASES.iter().find(|(old, _)| *old == name).map(|(_, newer)| (*newer).to_owned());
    newer.unwrap_or(name)
}

/// The older names of a canonical one.
pub fn aliases(name: &str) -> impl Iterator<Item = &'static str> {
    ALIASES.iter().filter(move |(_, newer)| *newer == name).map(|(old, _)| *old)
}

/// The value in force for a name that is not set anywhere.
pub fn default(name: &str) -> Option<&'static str> {
    let name = canonical(name);
    DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// All names with a default, and the default.
pub fn defaults() -> impl Iterator<Item = (&'static str, &'static str)> {
    DEFAULTS.iter().copied()
}

/// Other spellings of a value that mean the same to redis.
pub fn spellings(name: &str, value: &str) -> Vec<String> {
    let lower = value.to_ascii_lowercase();
    let mut also = Vec::new();
    if WORDS.contains(&name) || matches!(lower.as_str(), "yes" | "no") {
        also.push(lower);
    } else if SIZES.contains(&name) {
        also = size(&lower).map(units::bytes).unwrap_or_default();
    } else if name == "bind" {
        // An address with a dash may be missing when redis starts.
        let bare = value.strip_prefix('-').unwrap_or(value);
        also.push(bare.to_owned());
        also.extend(match bare {
            "*" => Some("0.0.0.0".to_owned()),
            "0.0.0.0" => Some("*".to_owned()),
            "::*" => Some("::".to_owned()),
            "::" => Some("::*".to_owned()),
            _ => None,
        });
    }
    also.retain(|spelling| spelling != value);
    also
}

/// What the values of a setting count; redis writes times without unit.
pub fn kind(path: &str) -> Kind {
    let name = canonical(path);
    match name.as_str() {
        "repl-timeout" | "tcp-keepalive" | "timeout" => Kind::SECONDS,
        "slowlog-log-slower-than" => Kind::Duration { bare: 1 },
        "cluster-node-timeout" => Kind::Duration { bare: 1000 },
        "unixsocketperm" => Kind::Octal,
        "databases" | "hz" | "maxclients" | "port" | "slowlog-max-len" | "tls-port" => Kind::Number,
        name if SIZES.contains(&name) => Kind::BYTES,
        name if WORDS.contains(&name) => Kind::AnyCase,
        name if default(name).is_some_and(|default| matches!(default, "yes" | "no")) => {
            Kind::Words(&FLAG)
        }
        _ => Kind::Open,
    }
}

/// Settings whose 0, or -1, means no limit or never, as redis.conf explains them.
pub fn special(path: &str) -> Special {
    match canonical(path).as_str() {
        "busy-reply-threshold"
        | "latency-monitor-threshold"
        | "lua-time-limit"
        | "maxmemory"
        | "maxmemory-clients"
        | "repl-backlog-ttl"
        | "stream-node-max-bytes"
        | "stream-node-max-entries"
        | "tcp-keepalive"
        | "timeout"
        | "tracking-table-max-keys" => Special::ZeroIsNoLimit,
        "slowlog-log-slower-than" => Special::NegativeIsNoLimit,
        _ => Special::None,
    }
}

/// `memtoull()` of `util.c`: `k` is 1000 and `kb` 1024.
fn size(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor: u64 = match text.get(digits.len()..)? {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_also_known_in_bytes() {
        assert_eq!(spellings("maxmemory", "10m"), ["10000000", "10000000B"]);
        assert_eq!(spellings("maxmemory", "1KB"), ["1024", "1024B"]);
        assert_eq!(spellings("maxmemory-clients", "5%"), Vec::<String>::new());
        assert_eq!(spellings("appendfilename", "10m"), Vec::<String>::new());
    }

    #[test]
    fn an_old_name_has_the_default_of_the_new_one() {
        assert_eq!(default("slave-read-only"), Some("yes"));
        assert_eq!(aliases("replicaof").collect::<Vec<_>>(), ["slaveof"]);
    }
}
