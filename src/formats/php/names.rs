//! Names and values of `php.ini` (<https://www.php.net/manual/en/ini.list.php>).

use crate::facts::quantity::{Kind, Special};
use crate::facts::words::Words;

/// Settings that are on or off.
const FLAGS: &[&str] = &[
    "allow_url_fopen",
    "allow_url_include",
    "auto_detect_line_endings",
    "auto_globals_jit",
    "cgi.fix_pathinfo",
    "cgi.force_redirect",
    "display_errors",
    "display_startup_errors",
    "enable_dl",
    "expose_php",
    "file_uploads",
    "html_errors",
    "ignore_repeated_errors",
    "ignore_repeated_source",
    "ignore_user_abort",
    "log_errors",
    "mail.add_x_header",
    "opcache.enable",
    "opcache.enable_cli",
    "opcache.validate_permission",
    "opcache.validate_root",
    "opcache.validate_timestamps",
    "phar.readonly",
    "phar.require_hash",
    "report_memleaks",
    "session.auto_start",
    "session.cookie_httponly",
    "session.cookie_secure",
    "session.use_cookies",
    "session.use_only_cookies",
    "session.use_strict_mode",
    "session.use_trans_sid",
    "short_open_tag",
    "zend.enable_gc",
    "zend.exception_ignore_args",
];

/// Sizes, with factors of 1024 for K, M and G.
const SIZES: &[&str] = &[
    "memory_limit",
    "post_max_size",
    "realpath_cache_size",
    "upload_max_filesize",
    "zend.assertions_limit",
];

/// Times in seconds.
const SECONDS: &[&str] = &[
    "default_socket_timeout",
    "max_execution_time",
    "max_input_time",
    "realpath_cache_ttl",
    "session.cookie_lifetime",
    "session.gc_maxlifetime",
    "user_ini.cache_ttl",
];

/// Plain numbers.
const NUMBERS: &[&str] = &[
    "max_file_uploads",
    "max_input_nesting_level",
    "max_input_vars",
    "session.gc_divisor",
    "session.gc_probability",
    "session.sid_bits_per_character",
    "session.sid_length",
    "zend.exception_string_param_max_len",
];

/// Settings that are lists with commas between their members.
const LISTS: &[&str] = &["disable_classes", "disable_functions"];

/// What PHP uses where nothing is said, in all versions since 7.4, as `php -n` tells it. Not here:
/// what the command line's PHP sets for itself (`max_execution_time`, `html_errors`).
const DEFAULTS: &[(&str, &str)] = &[
    ("allow_url_fopen", "1"),
    ("allow_url_include", "0"),
    ("auto_append_file", ""),
    ("auto_prepend_file", ""),
    ("cgi.fix_pathinfo", "1"),
    ("cgi.force_redirect", "1"),
    ("default_charset", "UTF-8"),
    ("default_socket_timeout", "60"),
    ("disable_classes", ""),
    ("disable_functions", ""),
    ("display_errors", "1"),
    ("doc_root", ""),
    ("enable_dl", "1"),
    ("expose_php", "1"),
    ("file_uploads", "1"),
    ("html_errors", "1"),
    ("max_execution_time", "30"),
    ("max_file_uploads", "20"),
    ("max_input_time", "-1"),
    ("max_input_vars", "1000"),
    ("memory_limit", "128M"),
    ("open_basedir", ""),
    ("post_max_size", "8M"),
    ("session.cookie_httponly", "0"),
    ("session.cookie_lifetime", "0"),
    ("session.cookie_samesite", ""),
    ("session.cookie_secure", "0"),
    ("session.gc_maxlifetime", "1440"),
    ("session.name", "PHPSESSID"),
    ("session.save_handler", "files"),
    ("session.use_cookies", "1"),
    ("session.use_only_cookies", "1"),
    ("session.use_strict_mode", "0"),
    ("session.use_trans_sid", "0"),
    ("short_open_tag", "1"),
    ("upload_max_filesize", "2M"),
    ("zend.exception_ignore_args", "0"),
];

/// Whether the members of this setting's value are values of their own.
pub fn is_list(name: &str) -> bool {
    LISTS.contains(&name)
}

/// Whether every occurrence counts.
pub fn adds_up(name: &str) -> bool {
    matches!(name, "extension" | "zend_extension")
}

/// The value in force for a name that is not set anywhere.
pub fn default(name: &str) -> Option<&'static str> {
    let name = name.trim_matches('"');
    DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// All names with a default, and the default.
pub fn defaults() -> impl Iterator<Item = (&'static str, &'static str)> {
    DEFAULTS.iter().copied()
}

/// `zend_ini_parse_bool()` takes everything else as off, see [`spellings`].
static FLAG: Words =
    Words::of(&[&["On", "1", "true", "yes"], &["Off", "0", "false", "no", "none", ""]]);
/// Settings of extensions may be flags as well.
static FLAG_OR_MORE: Words =
    Words::among_others(&[&["On", "1", "true", "yes"], &["Off", "0", "false", "no", "none", ""]]);
static DISPLAY: Words = Words::of(&[
    &["On", "1", "true", "yes", "stdout"],
    &["Off", "0", "false", "no", "none", ""],
    &["stderr"],
]);

/// A size in bytes as PHP counts it: digits at the beginning, and the last character alone as the
/// factor (`zend_atol()` until 8.1, and of 8.2 with a warning).
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    let factor = match text.chars().last()?.to_ascii_lowercase() {
        'k' => 1 << 10,
        'm' => 1 << 20,
        'g' => 1_u64 << 30,
        _ => 1,
    };
    digits.parse::<u64>().ok()?.checked_mul(factor)
}

/// What the values of a setting count.
pub fn kind(path: &str) -> Kind {
    let path = path.trim_matches('"');
    let named = |table: &[&str]| {
        table.iter().any(|name| {
            path == *name || path.strip_suffix(name).is_some_and(|rest| rest.ends_with(['.', '"']))
        })
    };
    match () {
        () if named(SIZES) => Kind::BYTES,
        () if named(SECONDS) => Kind::SECONDS,
        () if named(NUMBERS) => Kind::Number,
        () if named(&["display_errors"]) => Kind::Words(&DISPLAY),
        () if named(FLAGS) => Kind::Words(&FLAG),
        () if named(LISTS) => Kind::Text,
        () => Kind::Words(&FLAG_OR_MORE),
    }
}

/// Settings whose 0, or -1, means no limit, by the manual's description of each.
pub fn special(path: &str) -> Special {
    let path = path.trim_matches('"');
    let is = |name: &&str| {
        path == *name || path.strip_suffix(*name).is_some_and(|rest| rest.ends_with(['.', '"']))
    };
    const ZERO: [&str; 5] = [
        "log_errors_max_len",
        "max_execution_time",
        "max_input_time",
        "post_max_size",
        "upload_max_filesize",
    ];
    const NEGATIVE: [&str; 4] =
        ["default_socket_timeout", "memory_limit", "mysqli.max_links", "pgsql.max_links"];
    match () {
        () if ZERO.iter().any(is) => Special::ZeroIsNoLimit,
        () if NEGATIVE.iter().any(is) => Special::NegativeIsNoLimit,
        () => Special::None,
    }
}

/// A value as written and as PHP has it, or its members.
pub fn members<'a>(name: &str, written: &'a str, php: &'a str) -> Vec<(&'a str, &'a str)> {
    if !is_list(name) {
        return vec![(written, php)];
    }
    let split = |c: char| c == ',' || c == ' ';
    let members: Vec<_> = php.split(split).filter(|m| !m.is_empty()).map(|m| (m, m)).collect();
    if members.is_empty() { vec![("", "")] } else { members }
}

/// Other spellings of a value that mean the same to PHP; the last is what PHP has made of it.
pub fn spellings(name: &str, written: &str, php: &str) -> Vec<String> {
    let mut also: Vec<String> = Vec::new();
    if FLAGS.contains(&name) {
        // zend_ini_parse_bool(): these words, or a number that is not 0. `stderr` is a place of
        // its own for display_errors.
        let word = php.to_ascii_lowercase();
        let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
        let number = digits.parse::<u64>().unwrap_or(0);
        let on = matches!(word.as_str(), "true" | "yes" | "on") || number != 0;
        let place = name == "display_errors" && matches!(word.as_str(), "stderr" | "stdout");
        if !place {
            let words = match on {
                true => ["On", "on", "true", "yes", "1"],
                false => ["Off", "off", "false", "no", "0"],
            };
            also.extend(words.map(str::to_owned));
        }
    }
    if SIZES.contains(&name) {
        also.extend(bytes(php).map(|bytes| format!("{bytes}B")));
    }
    // As a number E_ALL is another one since PHP 8.4, which has lost E_STRICT.
    if name == "error_reporting" && written.contains("E_ALL") {
        let without = php.parse::<i64>().map(|bits| (bits & !2048).to_string());
        also.extend(without.ok().filter(|number| number != php));
    }
    also.retain(|spelling| spelling != written && spelling != php);
    also.push(php.to_owned());
    also
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_known_in_all_words_that_php_takes() {
        for value in ["1", "on", "Yes", "TRUE", "2"] {
            assert!(spellings("expose_php", value, value).contains(&"On".to_owned()), "{value}");
        }
        for value in ["", "0", "off", "nonsense"] {
            assert!(spellings("expose_php", value, value).contains(&"Off".to_owned()), "{value}");
        }
        assert!(!spellings("display_errors", "stderr", "stderr").contains(&"Off".to_owned()));
    }

    #[test]
    fn members_of_a_list_are_values() {
        assert_eq!(members("disable_functions", "", ""), [("", "")]);
        let members = members("disable_functions", "exec, system", "exec, system");
        assert_eq!(members, [("exec", "exec"), ("system", "system")]);
    }
}
