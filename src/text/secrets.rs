//! What looks like a secret: names that say so, and values of well-known shapes.
//!
//! Nothing here gives a value back; only the reason why it looks like one. [`mask`] takes secrets out
//! of a text.

pub mod files;
mod mask;

pub use mask::{Masked, mask};

use regex::Regex;
use std::sync::OnceLock;

/// Names of variables that hold secrets.
const NAMES: &str = r"(?i)(^|_)(passw(or)?d|passwd|pwd|secret|token|credentials?|auth|api_?key|access_?key|private_?key|secret_?key|client_?secret|passphrase)(_|$|\d)";
/// Names that only say where a secret is, or are no secret.
const HARMLESS: &str = r"(?i)(_file|_path|_dir|_url|_uri|_name|_id|_ttl|_timeout|_expiry|_type|_method|_mode|_sock)$|^(pwd|oldpwd)$|_(enabled|disabled|required)$|_(min|max)(imum)?_?(_(length|len|size|age|count))?$|_(length|len|size|age|count|policy|rounds|iterations|algorithm|hasher|encoder|prompt|header|prefix|suffix|provider|issuer|backend|audience|endpoint|host|port|realm|scope|region|driver|class|format|version|user|username|store|service|plugin|module|location|field|generator|validators?|strategy|manager|helper|source|expires?|lifetime|minutes|seconds|days|hours)$";
/// Shapes of values, each with what it is, and something harmless of the same shape.
const VALUES: [(&str, &str, &str); 13] = [
    (r"-----BEGIN [A-Z ]*PRIVATE KEY", "a private key", "-----BEGIN PRIVATE KEY"),
    (r"\b(AKIA|ASIA)[0-9A-Z]{16}\b", "an AWS access key", "AKIAXXXXXXXXXXXXXXXX"),
    (
        r"\b(ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36,}",
        "a GitHub token",
        "ghp_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    ),
    (r"\bgithub_pat_[A-Za-z0-9_]{22,}", "a GitHub token", "github_pat_XXXXXXXXXXXXXXXXXXXXXX"),
    (r"\bglpat-[A-Za-z0-9_-]{20,}", "a GitLab token", "glpat-XXXXXXXXXXXXXXXXXXXX"),
    (r"\bxox[abprs]-[A-Za-z0-9-]{10,}", "a Slack token", "xoxb-XXXXXXXXXX"),
    (
        r"https://hooks\.slack\.com/(services|workflows)/[A-Za-z0-9/]{10,}",
        "a Slack webhook",
        "https://hooks.slack.com/services/XXXXXXXXXX",
    ),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "an npm token", "npm_XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX"),
    (r"\bpypi-AgE[A-Za-z0-9_-]{20,}", "a PyPI token", "pypi-AgEXXXXXXXXXXXXXXXXXXXX"),
    (r"\b(sk|rk)_live_[A-Za-z0-9]{20,}", "a Stripe key", "sk_live_XXXXXXXXXXXXXXXXXXXX"),
    (
        r"[?&]sig=[A-Za-z0-9%/+]{40,}",
        "an Azure signature",
        "?sig=XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX",
    ),
    (
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_.-]*",
        "a JSON web token",
        "eyJXXXXXXXXXX.eyJXXXXXXXXXX.",
    ),
    (
        r"[a-z][a-z0-9+.-]*://[^\s/:@]+:[^\s/@]{3,}@",
        "a URL with a password",
        "scheme://user:password@",
    ),
];

/// Names of settings whose values are secrets: the last word counts, so that `password_encryption`
/// and `PasswordAuthentication` are none. In lower case, words separated by `_`.
const SETTINGS: &str = r"(^|_)(pass|pw|pwd|passwd|passphrase|password|secret|token|credentials?|psk|(api|access|auth|encryption|preshared|private|secret|shared|signing)_?key)$|(password|passwd|passphrase|apikey|bindpw|rootpw|secret)$|^(requirepass|masterauth|auth|conninfo|primary_conninfo|ssl_passphrase_command|sslpassphrasedialog)$";
/// Settings of that form that are none: where nginx passes requests to.
const NO_SETTINGS: &str = r"^(proxy|fastcgi|uwsgi|scgi|grpc|memcached)_pass$";
/// Words within a value behind which a secret stands: `password=x`, `Authorization: Basic x`.
const WITHIN: &str = r#"(?i)(^|[^a-z])(pass(word|wd|phrase)?|pwd|secret|token|api_?key|auth(orization)?)["']?\s*[=:]\s*["']?[^\s"'=]|\bauthorization["']?\s+["']?(basic|bearer|token)\s"#;

/// What is said in the place of a secret.
pub const HIDDEN: &str = "[hidden]";

/// Whether the name of a setting, the last word of its path, says that its value is a secret.
pub fn is_secret_setting(path: &str) -> bool {
    static NAME: OnceLock<Option<Regex>> = OnceLock::new();
    static PLAIN: OnceLock<Option<Regex>> = OnceLock::new();
    let says = |cell, text, name: &str| regex(cell, text).is_some_and(|regex| regex.is_match(name));
    let last = path.trim_matches('"').rsplit(['.', '"']).next().unwrap_or_default();
    let name = snake(last);
    says(&NAME, SETTINGS, &name) && !says(&PLAIN, NO_SETTINGS, &name)
}

/// Whether a value of a setting must not be shown, since its name or it itself looks like a secret.
pub fn is_secret_value(path: &str, value: &str) -> bool {
    static PAIR: OnceLock<Option<Regex>> = OnceLock::new();
    let switch = ["", "yes", "no", "on", "off", "true", "false", "0", "1"];
    if switch.contains(&value.to_ascii_lowercase().as_str()) {
        return false;
    }
    // `SetEnv DB_PASSWORD x`, `fastcgi_param DB_PASSWORD x`, `Environment=A_TOKEN=x B=y`
    let first_two = value.split_once([' ', '=']);
    let variable = |(name, rest): (&str, &str)| of_variable(name.trim_matches('"'), rest).is_some();
    let assigned = || value.split([' ', ',']).filter_map(|word| word.split_once('=')).any(variable);
    is_secret_setting(path)
        || first_two.is_some_and(variable)
        || assigned()
        || of_value(value).is_some()
        || regex(&PAIR, WITHIN).is_some_and(|regex| regex.is_match(value))
        // A user of redis: `on >password ~* +@all`, or its SHA-256.
        || path.ends_with("user") && value.split(' ').any(|word| word.starts_with(['>', '<', '#', '!']))
}

/// `clientSecret`, `auth-pass` and `default.pw` as words separated by `_`.
fn snake(name: &str) -> String {
    let mut words = String::new();
    let mut lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && lower {
            words.push('_');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        words.push(if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' });
    }
    words
}

fn regex(cell: &'static OnceLock<Option<Regex>>, text: &str) -> Option<&'static Regex> {
    cell.get_or_init(|| Regex::new(text).ok()).as_ref()
}

/// Why a variable looks like a secret, if it does.
pub fn of_variable(name: &str, value: &str) -> Option<&'static str> {
    static NAME: OnceLock<Option<Regex>> = OnceLock::new();
    static PLAIN: OnceLock<Option<Regex>> = OnceLock::new();
    // An empty value is a slot to be filled at start, `true` and numbers are switches.
    let switch = value.is_empty()
        || value.starts_with('$')
        || is_reference(value)
        || matches!(value, "true" | "false" | "yes" | "no" | "on" | "off" | "0" | "1");
    let says = |cell, text| regex(cell, text).is_some_and(|regex| regex.is_match(name));
    if !switch && says(&NAME, NAMES) && !says(&PLAIN, HARMLESS) {
        return Some("its name says so");
    }
    of_value(value)
}

/// Whether a value only says where something is: a file, a secret that somebody else keeps.
fn is_reference(value: &str) -> bool {
    const PLACES: [&str; 9] =
        ["/", "./", "../", "~/", "file:", "vault:", "arn:aws:", "secretsmanager:", "env:"];
    PLACES.iter().any(|place| value.starts_with(place)) && !value.contains(char::is_whitespace)
}

/// A text as it may be shown: its secrets are taken out.
pub fn shown(text: &str) -> String {
    // Build arguments and variables, whatever else is known of the line.
    let masked = match mask(text, HIDDEN) {
        Masked::Unchanged => text.to_owned(),
        Masked::Text(masked) => masked,
        Masked::Whole(_) => return HIDDEN.to_owned(),
    };
    let word = |word: &str| match word.split_once('=') {
        Some((name, value)) if !value.contains(HIDDEN) => {
            let plain = name.trim_start_matches(['-', '"', '\'']);
            match of_variable(plain, value.trim_matches(['"', '\''])) {
                Some(_) => format!("{name}={HIDDEN}"),
                None => word.to_owned(),
            }
        }
        _ => word.to_owned(),
    };
    masked.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// Why a text looks like a secret, if it does.
pub fn of_value(value: &str) -> Option<&'static str> {
    shapes().iter().find(|shape| shape.regex.is_match(value)).map(|shape| shape.what)
}

/// Something of the same shape as a value that looks like a secret, with the mark in it; of any
/// other value the mark alone.
pub fn harmless(value: &str, mark: &str) -> String {
    let shape = shapes().iter().find(|shape| shape.regex.is_match(value));
    shape.map_or_else(|| mark.to_owned(), |shape| format!("{}-{mark}", shape.harmless))
}

/// How secrets of one kind look.
struct Shape {
    regex: Regex,
    /// What it is.
    what: &'static str,
    /// Something harmless of the same shape.
    harmless: &'static str,
}

fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let compiled = VALUES.iter().map(|(text, what, harmless)| {
            Some(Shape { regex: Regex::new(text).ok()?, what, harmless })
        });
        compiled.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles() {
        for (text, _, harmless) in VALUES {
            assert!(Regex::new(text).unwrap().is_match(harmless), "{text}");
        }
        for text in [NAMES, HARMLESS, SETTINGS, NO_SETTINGS, WITHIN] {
            Regex::new(text).unwrap();
        }
    }

    #[test]
    fn names_that_say_secret_are_seen() {
        for name in [
            "DB_PASSWORD",
            "MYSQL_ROOT_PASSWORD",
            "API_KEY",
            "GITHUB_TOKEN",
            "aws_secret_access_key",
            "Secret",
            "PASSWD",
            "CLIENT_SECRET",
            "AUTH_TOKEN",
            "APIKEY",
        ] {
            assert!(of_variable(name, "hunter2hunter2").is_some(), "{name}");
        }
    }

    #[test]
    fn names_that_only_sound_like_it_are_left_alone() {
        for name in [
            "PATH",
            "PWD",
            "AUTHOR",
            "KEYBOARD",
            "TOKENIZER",
            "POSTGRES_PASSWORD_FILE",
            "GPG_KEY",
            "SECRET_NAME",
            "COMPASS",
            "MONKEY",
            "SSH_AUTH_SOCK",
        ] {
            assert_eq!(of_variable(name, "value"), None, "{name}");
        }
        assert_eq!(of_variable("DB_PASSWORD", ""), None);
        for (name, value) in [
            ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/gcp.json"),
            ("DB_PASSWORD", "/run/secrets/db"),
            ("PASSWORD_MIN_LENGTH", "12"),
            ("PASSWORD_MAX_AGE", "90"),
            ("AUTH_PROVIDER", "google"),
            ("TOKEN_ISSUER", "https://example.org"),
            ("API_KEY", "vault:secret/data/api#key"),
        ] {
            assert_eq!(of_variable(name, value), None, "{name}");
        }
        assert_eq!(of_variable("TOKEN_REQUIRED", "abc"), None);
    }

    #[test]
    fn what_is_shown_has_no_secret_in_it() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        for text in [
            format!("RUN |1 GITHUB_TOKEN={token} /bin/sh -c npm ci"),
            format!("RUN |1 X={token} /bin/sh -c npm ci # buildkit"),
            format!("ENV MY_SECRET_1={token}"),
            format!("RUN curl -H 'Authorization: token {token}' https://example.org"),
        ] {
            let shown = shown(&text);
            assert!(!shown.contains("a1B2a1B2") && shown.contains(HIDDEN), "{shown}");
        }
        let plain = "RUN /bin/sh -c apt-get install nginx";
        assert_eq!(shown(plain), plain);
    }

    #[test]
    fn settings_that_hold_secrets_are_told_from_those_about_them() {
        for path in [
            "requirepass",
            "masterauth",
            "auth-pass",
            "mysqld.password",
            "client.password",
            "VirtualHost.AuthLDAPBindPassword",
            "db.clientSecret",
            "mysqli.default_pw",
            "unix_http_server.password",
            "apiKey",
            "primary_conninfo",
            "DB_PASSWORD",
        ] {
            assert!(is_secret_value(path, "hunter2"), "{path}");
            assert!(!is_secret_value(path, ""), "{path}");
        }
        for (path, value) in [
            ("password_encryption", "scram-sha-256"),
            ("PasswordAuthentication", "yes"),
            ("PermitEmptyPasswords", "no"),
            ("PASS_MAX_DAYS", "90"),
            ("http.server.location.proxy_pass", "http://127.0.0.1:8080"),
            ("http.server_tokens", "off"),
            ("default_authentication_plugin", "caching_sha2_password"),
            ("http.server.ssl_certificate_key", "/etc/ssl/key.pem"),
            ("user", "www-data"),
            ("ServerTokens", "Prod"),
            ("AuthType", "Basic"),
            ("compass", "x"),
        ] {
            assert!(!is_secret_value(path, value), "{path}");
        }
    }

    #[test]
    fn secrets_within_values_are_seen() {
        for (path, value) in [
            ("Service.Environment", "A=b DB_PASSWORD=hunter2"),
            ("SetEnv", "DB_PASSWORD hunter2"),
            ("http.server.location.fastcgi_param", "DB_PASSWORD hunter2"),
            ("http.server.proxy_set_header", "Authorization Basic aHVudGVyMg=="),
            ("user", "alice on >hunter2 ~* +@all"),
            ("session.save_path", "tcp://127.0.0.1:6379?auth=hunter2"),
            ("recovery", "host=db password=hunter2"),
            ("program.environment", "A=\"b\",API_TOKEN=\"hunter2\""),
        ] {
            assert!(is_secret_value(path, value), "{path} {value}");
        }
    }

    #[test]
    fn values_of_known_shapes_are_seen_under_any_name() {
        let made_up = format!("AKIA{}", "ABCDEFGHIJKLMNOP");
        assert_eq!(of_variable("X", &made_up), Some("an AWS access key"));
        assert_eq!(
            of_variable("X", "postgres://app:hunter2@db/app"),
            Some("a URL with a password")
        );
        assert_eq!(of_variable("X", "https://example.org/a:b@c"), None);
    }
}
