//! Names and values of `postgresql.conf`: what `pg_settings` says of their types and units.

use crate::facts::quantity::{Kind, Special};
use crate::facts::words::Words;
use crate::formats::units;

/// Settings that are on or off, as far as these words could be anything else.
const FLAGS: &[&str] = &[
    "allow_system_table_mods",
    "autovacuum",
    "bonjour",
    "data_sync_retry",
    "fsync",
    "full_page_writes",
    "hot_standby",
    "ignore_checksum_failure",
    "ignore_system_indexes",
    "jit",
    "krb_caseins_users",
    "lo_compat_privileges",
    "log_checkpoints",
    "log_connections",
    "log_disconnections",
    "log_duration",
    "log_executor_stats",
    "log_hostname",
    "log_lock_waits",
    "log_parser_stats",
    "log_planner_stats",
    "log_replication_commands",
    "log_statement_stats",
    "log_truncate_on_rotation",
    "logging_collector",
    "restart_after_crash",
    "row_security",
    "ssl",
    "ssl_passphrase_command_supports_reload",
    "ssl_prefer_server_ciphers",
    "standard_conforming_strings",
    "syslog_sequence_numbers",
    "syslog_split_messages",
    "track_activities",
    "track_commit_timestamp",
    "track_counts",
    "update_process_title",
    "wal_log_hints",
    "zero_damaged_pages",
];

/// Settings that are numbers with a fraction, `ConfigureNamesReal[]` of `guc_tables.c`.
const REALS: &[&str] = &[
    "autovacuum_analyze_scale_factor",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_vacuum_scale_factor",
    "bgwriter_lru_multiplier",
    "checkpoint_completion_target",
    "cpu_index_tuple_cost",
    "cpu_operator_cost",
    "cpu_tuple_cost",
    "cursor_tuple_fraction",
    "geqo_seed",
    "geqo_selection_bias",
    "hash_mem_multiplier",
    "jit_above_cost",
    "jit_inline_above_cost",
    "jit_optimize_above_cost",
    "log_statement_sample_rate",
    "log_transaction_sample_rate",
    "parallel_setup_cost",
    "parallel_tuple_cost",
    "random_page_cost",
    "recursive_worktable_factor",
    "seq_page_cost",
];

/// Settings whose values are words of PostgreSQL, compared without regard to case.
const WORDS: &[&str] = &[
    "archive_mode",
    "backslash_quote",
    "client_min_messages",
    "compute_query_id",
    "default_transaction_isolation",
    "dynamic_shared_memory_type",
    "huge_pages",
    "log_error_verbosity",
    "log_min_error_statement",
    "log_min_messages",
    "log_statement",
    "password_encryption",
    "session_replication_role",
    "shared_memory_type",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "synchronous_commit",
    "syslog_facility",
    "track_functions",
    "wal_compression",
    "wal_level",
    "wal_sync_method",
];

/// Settings that are lists with commas between their members.
const LISTS: &[&str] = &[
    "listen_addresses",
    "local_preload_libraries",
    "log_destination",
    "session_preload_libraries",
    "shared_preload_libraries",
    "unix_socket_directories",
];

/// Settings that are modes of files.
const MODES: &[&str] = &["log_file_mode", "unix_socket_permissions"];

/// Sizes, and what a number without unit counts, in bytes (for pages of the usual 8 kB).
const SIZES: &[(&str, u64)] = &[
    ("autovacuum_work_mem", 1 << 10),
    ("effective_cache_size", 8 << 10),
    ("gin_pending_list_limit", 1 << 10),
    ("log_parameter_max_length", 1),
    ("log_rotation_size", 1 << 10),
    ("log_temp_files", 1 << 10),
    ("logical_decoding_work_mem", 1 << 10),
    ("maintenance_work_mem", 1 << 10),
    ("max_slot_wal_keep_size", 1 << 20),
    ("max_stack_depth", 1 << 10),
    ("max_wal_size", 1 << 20),
    ("min_wal_size", 1 << 20),
    ("shared_buffers", 8 << 10),
    ("temp_buffers", 8 << 10),
    ("temp_file_limit", 1 << 10),
    ("track_activity_query_size", 1),
    ("wal_buffers", 8 << 10),
    ("wal_keep_size", 1 << 20),
    ("work_mem", 1 << 10),
];

/// Times, and what a number without unit counts, in milliseconds.
const TIMES: &[(&str, u64)] = &[
    ("archive_timeout", 1000),
    ("authentication_timeout", 1000),
    ("autovacuum_naptime", 1000),
    ("checkpoint_timeout", 1000),
    ("checkpoint_warning", 1000),
    ("client_connection_check_interval", 1),
    ("deadlock_timeout", 1),
    ("idle_in_transaction_session_timeout", 1),
    ("idle_session_timeout", 1),
    ("lock_timeout", 1),
    ("log_autovacuum_min_duration", 1),
    ("log_min_duration_sample", 1),
    ("log_min_duration_statement", 1),
    ("log_rotation_age", 60_000),
    ("statement_timeout", 1),
    ("tcp_keepalives_idle", 1000),
    ("tcp_keepalives_interval", 1000),
    ("tcp_user_timeout", 1),
    ("wal_receiver_timeout", 1),
    ("wal_sender_timeout", 1),
];

/// What PostgreSQL uses where nothing is said, in all versions since 12, as `postgres -C` prints it
/// (modes in octal).
const DEFAULTS: &[(&str, &str)] = &[
    ("allow_system_table_mods", "off"),
    ("archive_mode", "off"),
    ("authentication_timeout", "60"),
    ("autovacuum", "on"),
    ("backslash_quote", "safe_encoding"),
    ("bonjour", "off"),
    ("fsync", "on"),
    ("full_page_writes", "on"),
    ("idle_in_transaction_session_timeout", "0"),
    ("ignore_checksum_failure", "off"),
    ("ignore_system_indexes", "off"),
    ("krb_caseins_users", "off"),
    ("listen_addresses", "localhost"),
    ("lo_compat_privileges", "off"),
    ("local_preload_libraries", ""),
    ("log_destination", "stderr"),
    ("log_disconnections", "off"),
    ("log_duration", "off"),
    ("log_error_verbosity", "default"),
    ("log_file_mode", "0600"),
    ("log_hostname", "off"),
    ("log_min_duration_statement", "-1"),
    ("log_min_error_statement", "error"),
    ("log_min_messages", "warning"),
    ("log_replication_commands", "off"),
    ("log_statement", "none"),
    ("log_truncate_on_rotation", "off"),
    ("logging_collector", "off"),
    ("max_connections", "100"),
    ("max_prepared_transactions", "0"),
    ("port", "5432"),
    ("restart_after_crash", "on"),
    ("row_security", "on"),
    ("session_preload_libraries", ""),
    ("shared_preload_libraries", ""),
    ("ssl", "off"),
    ("ssl_ca_file", ""),
    ("ssl_cert_file", "server.crt"),
    ("ssl_crl_file", ""),
    ("ssl_key_file", "server.key"),
    ("ssl_prefer_server_ciphers", "on"),
    ("statement_timeout", "0"),
    ("superuser_reserved_connections", "3"),
    ("synchronous_commit", "on"),
    ("syslog_facility", "local0"),
    ("syslog_ident", "postgres"),
    ("track_activities", "on"),
    ("track_counts", "on"),
    ("unix_socket_group", ""),
    ("unix_socket_permissions", "0777"),
    ("wal_level", "replica"),
    ("wal_log_hints", "off"),
    ("zero_damaged_pages", "off"),
];

/// The spellings of a flag that are whole words; `parse_bool()` takes beginnings of them as well,
/// see [`spellings`].
static FLAG: Words = Words::of(&[&["on", "true", "yes", "1"], &["off", "false", "no", "0"]]);

/// Settings with words of their own beside those of a flag, `config_enum_entry` of `guc_tables.c`.
static ENUMS: &[(&str, Words)] = &[
    (
        "archive_mode",
        Words::of(&[&["on", "true", "yes", "1"], &["off", "false", "no", "0"], &["always"]]),
    ),
    (
        "backslash_quote",
        Words::of(&[&["safe_encoding"], &["on", "true", "yes", "1"], &["off", "false", "no", "0"]]),
    ),
    (
        "huge_pages",
        Words::of(&[&["on", "true", "yes", "1"], &["off", "false", "no", "0"], &["try"]]),
    ),
    ("log_error_verbosity", Words::of(&[&["default"], &["terse"], &["verbose"]])),
    ("log_statement", Words::of(&[&["none"], &["ddl"], &["mod"], &["all"]])),
    ("password_encryption", Words::of(&[&["scram-sha-256"], &["md5", "on", "true", "yes", "1"]])),
    ("ssl_max_protocol_version", Words::of(TLS)),
    ("ssl_min_protocol_version", Words::of(TLS)),
    (
        "synchronous_commit",
        Words::of(&[
            &["on", "true", "yes", "1"],
            &["off", "false", "no", "0"],
            &["local"],
            &["remote_write"],
            &["remote_apply"],
        ]),
    ),
    ("track_functions", Words::of(&[&["none"], &["pl"], &["all"]])),
    ("wal_level", Words::of(&[&["minimal"], &["replica", "archive", "hot_standby"], &["logical"]])),
];

const TLS: &[&[&str]] = &[&[""], &["TLSv1"], &["TLSv1.1"], &["TLSv1.2"], &["TLSv1.3"]];

/// Whether the members of this setting's value are values of their own.
pub fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// The value in force for a name that is not set anywhere.
pub fn default(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// All names with a default, and the default.
pub fn defaults() -> impl Iterator<Item = (&'static str, &'static str)> {
    DEFAULTS.iter().copied()
}

/// Other spellings of a value that mean the same to PostgreSQL; `name` in lower case.
pub fn spellings(name: &str, value: &str) -> Vec<String> {
    let unit = |table: &[(&str, u64)]| {
        table.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit)
    };
    let mut also = Vec::new();
    if FLAGS.contains(&name) {
        also.extend(flag(value).map(|on| if on { "on" } else { "off" }.to_owned()));
    } else if WORDS.contains(&name) {
        also.push(value.to_ascii_lowercase());
    } else if MODES.contains(&name) {
        also.extend(integer(value).map(|mode| format!("{mode:04o}")));
    } else if let Some(unit) = unit(SIZES) {
        if let Some(bytes) = in_units(value, unit, size_unit) {
            also.push((bytes / unit).to_string());
            also.extend(units::bytes(bytes).pop());
        }
    } else if let Some(unit) = unit(TIMES) {
        also.extend(in_units(value, unit, time_unit).map(|time| (time / unit).to_string()));
    } else {
        also.extend(integer(value).map(|number| number.to_string()));
    }
    also.retain(|spelling| spelling != value);
    also
}

/// What the values of a setting count.
pub fn kind(path: &str) -> Kind {
    let name = path.to_ascii_lowercase();
    let name = name.as_str();
    let unit = |table: &[(&str, u64)]| {
        table.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit)
    };
    if FLAGS.contains(&name) {
        return Kind::Words(&FLAG);
    }
    if let Some((_, words)) = ENUMS.iter().find(|(known, _)| *known == name) {
        return Kind::Words(words);
    }
    if WORDS.contains(&name) {
        return Kind::AnyCase;
    }
    if LISTS.contains(&name) {
        return Kind::Text;
    }
    if MODES.contains(&name) {
        return Kind::Octal;
    }
    if REALS.contains(&name) {
        return Kind::Number;
    }
    match (unit(SIZES), unit(TIMES)) {
        (Some(bare), _) => Kind::Size { bare },
        (None, Some(milliseconds)) => Kind::Duration { bare: milliseconds * 1000 },
        (None, None) => Kind::Open,
    }
}

/// Settings that 0 or -1 turns off, by the documentation of each.
pub fn special(path: &str) -> Special {
    match path.to_ascii_lowercase().as_str() {
        "archive_timeout"
        | "checkpoint_warning"
        | "client_connection_check_interval"
        | "idle_in_transaction_session_timeout"
        | "idle_replication_slot_timeout"
        | "idle_session_timeout"
        | "lock_timeout"
        | "log_rotation_age"
        | "log_rotation_size"
        | "log_startup_progress_interval"
        | "statement_timeout"
        | "transaction_timeout"
        | "wal_receiver_timeout"
        | "wal_sender_timeout" => Special::ZeroIsNoLimit,
        "log_autovacuum_min_duration"
        | "log_min_duration_sample"
        | "log_min_duration_statement"
        | "log_parameter_max_length"
        | "log_parameter_max_length_on_error"
        | "log_temp_files"
        | "max_slot_wal_keep_size"
        | "max_standby_archive_delay"
        | "max_standby_streaming_delay"
        | "old_snapshot_threshold"
        | "temp_file_limit" => Special::NegativeIsNoLimit,
        "tcp_keepalives_count"
        | "tcp_keepalives_idle"
        | "tcp_keepalives_interval"
        | "tcp_user_timeout" => Special::ZeroIsElsewhere,
        _ => Special::None,
    }
}

/// `parse_bool()` of `bool.c`: prefixes that are not ambiguous.
fn flag(value: &str) -> Option<bool> {
    let value = value.to_ascii_lowercase();
    let begins = |word: &str, least: usize| value.len() >= least && word.starts_with(&value);
    match value.as_str() {
        "1" => Some(true),
        "0" => Some(false),
        _ if begins("true", 1) || begins("yes", 1) || value == "on" => Some(true),
        _ if begins("false", 1) || begins("no", 1) || begins("off", 2) => Some(false),
        _ => None,
    }
}

/// An integer as `strtol(3)` reads it without a given base.
fn integer(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Some(hex) = text.strip_prefix("0x") {
        return u64::from_str_radix(hex, 16).ok();
    }
    match text.strip_prefix('0') {
        Some(octal) if !octal.is_empty() => u64::from_str_radix(octal, 8).ok(),
        _ => text.parse().ok(),
    }
}

/// A number with one of the units that `factor` knows, or without one, where it counts `bare`.
fn in_units(text: &str, bare: u64, factor: fn(&str) -> Option<u64>) -> Option<u64> {
    let text = text.trim();
    let end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (digits, unit) = (text.get(..end)?, text.get(end..)?);
    let factor = if unit.is_empty() { bare } else { factor(unit)? };
    integer(digits)?.checked_mul(factor)
}

fn size_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "B" => 1,
        "kB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        "TB" => 1 << 40,
        _ => return None,
    })
}

fn time_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_may_be_shortened() {
        for (value, on) in [("tru", "on"), ("Y", "on"), ("1", "on"), ("of", "off"), ("0", "off")] {
            assert_eq!(spellings("ssl", value), [on], "{value}");
        }
        assert_eq!(spellings("ssl", "o"), Vec::<String>::new());
    }

    #[test]
    fn sizes_are_known_in_their_unit_and_in_bytes() {
        assert_eq!(spellings("work_mem", "4MB"), ["4096", "4194304B"]);
        assert_eq!(spellings("shared_buffers", "16384"), ["134217728B"]);
    }

    #[test]
    fn times_are_known_in_their_unit() {
        assert_eq!(spellings("authentication_timeout", "2min"), ["120"]);
        assert_eq!(spellings("statement_timeout", "1 s"), ["1000"]);
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(spellings("unix_socket_permissions", "448"), ["0700"]);
        assert_eq!(spellings("unix_socket_permissions", "0700"), Vec::<String>::new());
    }
}
