//! Files that hold secrets: by the names of those that tools keep credentials in, and by shapes that
//! occur nowhere else. Only why one does is told, never what is in it.

use super::{of_variable, regex};
use regex::Regex;
use std::sync::OnceLock;

/// Larger files are data, not credentials.
pub const SIZE_LIMIT: u64 = 128 << 10;
/// Shapes that are secrets wherever they stand. A key needs a body: programs and manuals name the line
/// that it begins with.
const SHAPES: [(&str, &str); 13] = [
    (
        r"-----BEGIN ([A-Z]+ )*PRIVATE KEY( BLOCK)?-----(\s|\\n|\\r)+([A-Za-z-]+: [^\n]*\n)*\s*[A-Za-z0-9+/=]{20}",
        "a private key",
    ),
    (r"PuTTY-User-Key-File-[23]: ", "a private key of PuTTY"),
    (r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "a private key of age"),
    (r"\b(ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9]{36}", "a GitHub token"),
    (r"\bgithub_pat_[A-Za-z0-9_]{22,}", "a GitHub token"),
    (r"\bgl(pat|dt|rt|ptt|ft|oas)-[A-Za-z0-9_-]{20,}", "a GitLab token"),
    (r"\bnpm_[A-Za-z0-9]{36}\b", "an npm token"),
    (r"\bpypi-AgE[A-Za-z0-9_-]{50,}", "a PyPI token"),
    (r"\bxox[abeoprs]-[0-9]{6,}-[A-Za-z0-9-]{10,}", "a Slack token"),
    (
        r"https://hooks\.slack\.com/(services|workflows)/[A-Z0-9]{8,}/[A-Za-z0-9/]{10,}",
        "a Slack webhook",
    ),
    (r"\b(sk|rk)_live_[A-Za-z0-9]{20,}", "a Stripe key"),
    (r"\bAIza[0-9A-Za-z_-]{35}\b", "a Google API key"),
    (r"(?i)aws_?secret_?access_?key\W{1,5}[A-Za-z0-9/+]{40}\b", "an AWS secret key"),
];

/// Files of credentials by the end of their path, what of them is a secret, and what it is.
const NAMED: [(&str, &str, &str); 13] = [
    (
        ".aws/credentials",
        r"(?m)^\s*aws_(secret_access_key|session_token)\s*=\s*\S",
        "AWS credentials",
    ),
    (
        ".docker/config.json",
        r#""(auth|identitytoken|password)"\s*:\s*"[^"]"#,
        "registry credentials",
    ),
    (".dockercfg", r#""(auth|password)"\s*:\s*"[^"]"#, "registry credentials"),
    ("containers/auth.json", r#""auth"\s*:\s*"[^"]"#, "registry credentials"),
    (".git-credentials", r"://[^\s/:@]+:[^\s@]+@", "Git credentials"),
    (".netrc", r"\bpassword\s+\S", "credentials"),
    (".npmrc", r"(?m)_(authToken|auth|password)\s*=\s*[^\s$]", "npm credentials"),
    (".pypirc", r"(?m)^\s*password\s*[:=]\s*[^\s$%]", "PyPI credentials"),
    (".pgpass", r"(?m)^[^#\n:]+:[^\n:]+:[^\n:]+:[^\n:]+:\S", "PostgreSQL credentials"),
    (".kube/config", r"(client-key-data|token|password):\s*\S", "credentials for a cluster"),
    ("kubeconfig", r"(client-key-data|token|password):\s*\S", "credentials for a cluster"),
    (".my.cnf", r"(?m)^\s*password\s*=\s*\S", "MySQL credentials"),
    (".azure/accessTokens.json", r#"Token"\s*:\s*"[^"]"#, "Azure credentials"),
];

/// Whether a file of this path (without a slash at its beginning) may hold a secret: what manuals show is
/// none, nor what the tests of a library bring. A folder of that name elsewhere tells nothing.
pub fn may_hold(path: &str) -> bool {
    const MANUALS: [&str; 3] = ["usr/share/doc/", "usr/share/man/", "usr/include/"];
    const LIBRARIES: [&str; 8] = [
        "/node_modules/",
        "/site-packages/",
        "/dist-packages/",
        "/gems/",
        "/pkg/mod/",
        "/.cargo/registry/",
        "/usr/lib/",
        "/usr/share/",
    ];
    const EXAMPLES: [&str; 6] =
        ["/testdata/", "/tests/", "/test/", "/examples/", "/example/", "/fixtures/"];
    let whole = format!("/{path}");
    let of_library = LIBRARIES.iter().filter_map(|part| whole.split_once(part)).any(|(_, rest)| {
        let rest = format!("/{rest}");
        EXAMPLES.iter().any(|part| rest.contains(part))
    });
    !of_library && !MANUALS.iter().any(|part| path.starts_with(part))
}

/// Why a file holds a secret, if it does.
pub fn of_file(path: &str, content: &[u8]) -> Option<&'static str> {
    // What has NUL bytes is a program or a picture.
    if content.contains(&0) {
        return None;
    }
    let text = String::from_utf8_lossy(content);
    let whole = format!("/{path}");
    if let Some((shape, what)) =
        shapes().iter().find_map(|(shape, what)| Some((shape.find(&text)?, what)))
        && !shape.as_str().contains("EXAMPLE")
    {
        return Some(what);
    }
    let named = named().iter().find(|(end, shape, _)| {
        whole.strip_suffix(end).is_some_and(|rest| rest.ends_with('/') || end.starts_with('k'))
            && shape.is_match(&text)
    });
    if let Some((_, _, what)) = named {
        return Some(what);
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_env = name == ".env" || name.starts_with(".env.") || name.ends_with(".env");
    let template = ["example", "sample", "template", "dist"].iter().any(|end| name.ends_with(end));
    (is_env && !template && assigns(&text)).then_some("environment variables with secrets")
}

/// Whether lines such as `NAME=value` set a variable that is a secret.
fn assigns(text: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim().trim_start_matches("export ");
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            return false;
        };
        of_variable(name.trim(), value.trim().trim_matches(['"', '\''])).is_some()
    })
}

fn shapes() -> &'static [(Regex, &'static str)] {
    static SHAPES_: OnceLock<Vec<(Regex, &'static str)>> = OnceLock::new();
    SHAPES_.get_or_init(|| {
        SHAPES.iter().filter_map(|(text, what)| Some((Regex::new(text).ok()?, *what))).collect()
    })
}

type Named = (&'static str, Regex, &'static str);

fn named() -> &'static [Named] {
    static NAMED_: OnceLock<Vec<Named>> = OnceLock::new();
    NAMED_.get_or_init(|| {
        let read = |(end, text, what): &(&'static str, &'static str, &'static str)| {
            Some((*end, Regex::new(text).ok()?, *what))
        };
        NAMED.iter().filter_map(read).collect()
    })
}

/// Why a line of an image's history holds a secret: in a build argument, a variable, or by its shape.
pub fn of_step(line: &str) -> Option<String> {
    static OPTION: OnceLock<Option<Regex>> = OnceLock::new();
    const PASSWORD: &str = r"(?i)(--password|--token|--secret)[ =][^\s$<]{4,}|authorization:\s*(bearer|basic|token)\s+[^\s$]{8,}";
    if let Some(what) =
        shapes().iter().find(|(shape, _)| shape.is_match(line)).map(|(_, what)| *what)
    {
        return Some(what.to_owned());
    }
    if let Some(what) = super::of_value(line) {
        return Some(what.to_owned());
    }
    let words = line.split([' ', '\t', '\n', ';', '&', '|']);
    for word in words {
        let Some((name, value)) = word.split_once('=') else { continue };
        let name = name.trim_start_matches(['-', '"', '\'']);
        if let Some(why) = of_variable(name, value.trim_matches(['"', '\''])) {
            return Some(format!("{name} ({why})"));
        }
    }
    regex(&OPTION, PASSWORD)?.is_match(line).then(|| "a password on a command line".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n";

    #[test]
    fn every_pattern_is_one() {
        assert_eq!((shapes().len(), named().len()), (SHAPES.len(), NAMED.len()));
    }

    #[test]
    fn a_key_is_one_wherever_it_lies_and_the_line_it_begins_with_is_none() {
        for path in ["app/id_rsa", "etc/ssl/private/server.key", "srv/x"] {
            assert_eq!(of_file(path, KEY.as_bytes()), Some("a private key"), "{path}");
        }
        let json =
            br#"{"private_key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEF\n"}"#;
        assert_eq!(of_file("gcp.json", json), Some("a private key"));
        let source = b"if text.startswith('-----BEGIN PRIVATE KEY-----'):\n    pass\n";
        assert_eq!(of_file("x.py", source), None);
        assert!(!may_hold("usr/share/doc/x/key.pem") && may_hold("app/key.pem"));
    }

    #[test]
    fn files_of_credentials_count_by_what_is_in_them() {
        for (path, secret, plain) in [
            ("root/.npmrc", "//r/:_authToken=abc", "registry=https://r/\n//r/:_authToken=${TOKEN}"),
            ("home/a/.netrc", "machine h login u password p", "machine h login u"),
            (
                "root/.docker/config.json",
                r#"{"auths":{"r":{"auth":"YTpi"}}}"#,
                r#"{"auths":{"r":{}}}"#,
            ),
            ("root/.git-credentials", "https://u:secret@h", "https://h"),
            ("root/.pypirc", "[pypi]\npassword = x", "[pypi]\nusername = x"),
            ("root/.kube/config", "users:\n- user:\n    token: abc", "clusters: []"),
            ("app/.env", "DB_PASSWORD=hunter2", "DB_HOST=db\nDB_PASSWORD="),
            ("app/prod.env", "export API_KEY='abcdefgh'", "# API_KEY=abc"),
        ] {
            assert!(of_file(path, secret.as_bytes()).is_some(), "{path}");
            assert_eq!(of_file(path, plain.as_bytes()), None, "{path}");
        }
        assert_eq!(of_file("app/.env.example", b"DB_PASSWORD=change-me"), None);
    }

    #[test]
    fn steps_of_a_history_tell_secrets_by_name_and_shape() {
        let token = format!("ghp_{}", "a1B2".repeat(9));
        for step in [
            format!("RUN |1 T={token} /bin/sh -c npm ci"),
            "RUN |2 DB_PASSWORD=hunter2 X=1 /bin/sh -c make".to_owned(),
            "/bin/sh -c #(nop)  ENV API_TOKEN=abcdef".to_owned(),
            "RUN curl -H 'Authorization: Bearer abcdefghij' https://x".to_owned(),
            "RUN git clone https://u:hunter2@example.org/x".to_owned(),
        ] {
            assert!(of_step(&step).is_some(), "{step}");
        }
        for step in [
            "RUN --mount=type=secret,id=npm npm ci",
            "ENV PASSWORD_MIN_LENGTH=12",
            "ARG GITHUB_TOKEN",
            "ENV TOKEN_FILE=/run/secrets/token",
            "RUN echo $API_TOKEN",
        ] {
            assert_eq!(of_step(step), None, "{step}");
        }
    }
}
