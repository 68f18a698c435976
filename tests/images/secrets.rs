//! Secrets of images: wherever they leak they are found, place by place, and never shown.

use crate::support::archive::{Image, Tar};
use std::fs;
use std::process::Command;

const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\n\
    b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\n-----END OPENSSH PRIVATE KEY-----\n";

fn base() -> Tar {
    Tar::new().file("etc/passwd", "root:x:0:0::/root:/bin/sh\napp:x:1000:1000::/:/bin/sh\n").owned(
        "usr/bin/app",
        0o755,
        (0, 0),
        "\x7fELF",
    )
}

fn md5_of(content: &str) -> String {
    use md5::Digest;
    md5::Md5::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn token() -> String {
    format!("ghp_{}", "a1B2".repeat(9))
}

/// Exit code and report of one condition; with further lines of the policy before its rules.
fn judged(image: &Image, must: &str, head: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    fs::write(&archive, image.docker_old("shop/app:1")).unwrap();
    let policy = folder.path().join("p.yaml");
    let rule = format!("- {{ id: a, image: config, must: {{ {must} }} }}\n");
    fs::write(&policy, format!("policy: p\n{head}rules:\n{rule}")).unwrap();
    let mut all = String::new();
    let mut code = None;
    for format in ["human", "json", "junit", "sarif", "markdown"] {
        let output = Command::new(env!("CARGO_BIN_EXE_spotcheck"))
            .args(["check", "--verbose", "--format", format, "--image"])
            .args([&archive, &policy])
            .output()
            .unwrap();
        code = output.status.code();
        all.push_str(&String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
    (code, all)
}

fn files(layers: impl IntoIterator<Item = Tar>) -> (Option<i32>, String) {
    judged(&Image::new(r#"{"User":"1000"}"#, layers), "secrets_in_files: false", "")
}

#[test]
fn a_key_that_a_later_layer_takes_away_is_still_there_for_everybody() {
    let key = base().dir("root/").owned("root/id_rsa", 0o600, (0, 0), KEY);
    for later in [
        Tar::new().file("root/.wh.id_rsa", ""),
        Tar::new().file("root/.wh..wh..opq", ""),
        Tar::new().file("root/id_rsa", "gone"),
        Tar::new().file(".wh.root", ""),
    ] {
        let (code, report) = files([key.clone(), later]);
        assert_eq!(code, Some(1), "{report}");
        assert!(
            report.contains("file /root/id_rsa") && report.contains("only hides it"),
            "{report}"
        );
        assert!(!report.contains("b3BlbnNzaC1r"), "{report}");
    }
    let (code, report) = files([base(), Tar::new().file("root/.wh.id_rsa", "")]);
    assert_eq!(code, Some(0), "{report}");
}

#[test]
fn credentials_are_found_in_every_directory_and_by_what_is_in_them() {
    for (name, content) in [
        ("app/certs/server.key", KEY),
        ("srv/.npmrc", "//registry.example.org/:_authToken=abcdef"),
        ("build/.git-credentials", "https://u:hunter2@example.org"),
        ("opt/x/.docker/config.json", r#"{"auths":{"r":{"auth":"dTpwdw=="}}}"#),
        ("app/.env", "DB_PASSWORD=hunter2hunter2"),
        ("app/notes.txt", &format!("token {}", token())),
    ] {
        let (code, report) = files([base().file(name, content)]);
        assert_eq!(code, Some(1), "{name}: {report}");
        assert!(report.contains(&format!("file /{name}")), "{report}");
        for secret in ["hunter2", "a1B2a1B2", "abcdef\"", "dTpwdw"] {
            assert!(!report.contains(secret), "{report}");
        }
    }
    for (name, content) in [
        ("usr/share/doc/openssl/key.pem", KEY),
        ("srv/.npmrc", "//registry.example.org/:_authToken=${NPM_TOKEN}"),
        ("app/.env", "DB_HOST=db\nDB_PASSWORD=\nPASSWORD_MIN_LENGTH=12"),
        ("app/x.py", "BEGIN = '-----BEGIN PRIVATE KEY-----'\n"),
        ("app/server.pub", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"),
    ] {
        let (code, report) = files([base().file(name, content)]);
        assert_eq!(code, Some(0), "{name}: {report}");
    }
}

/// A package `snakeoil` that claims a path, with this list of digests.
fn claims(path: &str, sums: &str) -> Tar {
    let status = "Package: snakeoil\nStatus: install ok installed\nArchitecture: all\nVersion: 1\n";
    base()
        .file("var/lib/dpkg/status", status)
        .file("var/lib/dpkg/info/snakeoil.list", format!("{path}\n"))
        .file("var/lib/dpkg/info/snakeoil.md5sums", sums)
}

#[test]
fn a_key_that_a_package_has_in_every_copy_is_nobodys_secret() {
    let sums = format!("{}  usr/lib/x/test.key\n", md5_of(KEY));
    let of_a_package = claims("/usr/lib/x/test.key", &sums).file("usr/lib/x/test.key", KEY);
    let (code, report) = files([of_a_package.clone()]);
    assert_eq!(code, Some(0), "{report}");
    assert_eq!(files([of_a_package.file("usr/lib/x/own.key", KEY)]).0, Some(1));
}

#[test]
fn a_key_under_the_name_of_a_packages_file_is_still_a_secret() {
    let other = format!("{}  usr/lib/x/test.key\n", md5_of("another"));
    let (code, report) =
        files([claims("/usr/lib/x/test.key", &other).file("usr/lib/x/test.key", KEY)]);
    assert!(code == Some(1) && report.contains("file /usr/lib/x/test.key"), "{report}");
    // A lower layer's file that the package has replaced since.
    let package = claims("/usr/lib/x/test.key", &format!("{}  usr/lib/x/test.key\n", md5_of("ok")));
    let layers = [base().file("usr/lib/x/test.key", KEY), package.file("usr/lib/x/test.key", "ok")];
    let (code, report) = files(layers);
    assert!(code == Some(1) && report.contains("only hides it"), "{report}");
    // Where the package keeps no digest of it, nobody can tell.
    let (code, report) = files([claims("/usr/lib/x/test.key", "").file("usr/lib/x/test.key", KEY)]);
    assert!(code == Some(2) && report.contains("no digest"), "{report}");
}

#[test]
fn names_that_are_allowed_are_none_and_the_next_is() {
    let config = format!(
        r#"{{"Env":["PUBLIC_API_KEY=hunter2hunter2","DB_PASSWORD=hunter2hunter2"],
            "Labels":{{"app.secret":"{}"}}}}"#,
        token()
    );
    let image = Image::new(&config, [base().file("srv/test.key", KEY).file("srv/own.key", KEY)])
        .made_by(&["RUN |2 BUILD_TOKEN=hunter2hunter2 DB_PASSWORD=hunter2hunter2 make"]);
    for (must, code) in [
        ("secrets_in_env: { allow: ['PUBLIC_*', DB_PASSWORD] }", Some(0)),
        ("secrets_in_env: { allow: 'PUBLIC_*' }", Some(1)),
        ("secrets_in_labels: { allow: [app.secret] }", Some(0)),
        ("secrets_in_labels: { allow: [app.other] }", Some(1)),
        ("secrets_in_history: { allow: ['*_TOKEN', DB_PASSWORD] }", Some(0)),
        ("secrets_in_history: { allow: [BUILD_TOKEN] }", Some(1)),
        ("secrets_in_files: { allow: [/srv/test.key, /srv/own.key] }", Some(0)),
        ("secrets_in_files: { allow: ['/srv/t*'] }", Some(1)),
        ("secrets_in_files: { allow: [] }", Some(3)),
        ("secrets_in_files: true", Some(3)),
        ("secrets_in_env: { allow: [A], deny: [B] }", Some(3)),
    ] {
        let (found, report) = judged(&image, must, "");
        assert_eq!(found, code, "{must}: {report}");
    }
}

#[test]
fn a_folder_of_tests_excuses_what_libraries_bring_and_nothing_of_ones_own() {
    for path in ["app/tests/server.key", "srv/testdata/id_rsa", "home/app/examples/my.key"] {
        assert_eq!(files([base().file(path, KEY)]).0, Some(1), "{path}");
    }
    for path in [
        "usr/lib/python3/dist-packages/urllib3/tests/server.key",
        "app/node_modules/http-proxy/test/fixtures/agent.key",
        "go/pkg/mod/example.org/x@v1/testdata/key.pem",
    ] {
        assert_eq!(files([base().file(path, KEY)]).0, Some(0), "{path}");
    }
}

#[test]
fn build_arguments_and_commands_of_the_history_are_found_and_masked() {
    let must = "secrets_in_history: false";
    let token = token();
    for step in [
        format!("RUN |1 GITHUB_TOKEN={token} /bin/sh -c npm ci # buildkit"),
        format!("/bin/sh -c git clone https://u:{token}@example.org/x"),
        "RUN |1 DB_PASSWORD=hunter2hunter2 /bin/sh -c make".to_owned(),
        "ENV API_KEY=hunter2hunter2".to_owned(),
    ] {
        let image = Image::new("{}", [base()]).made_by(&[&step]);
        let (code, report) = judged(&image, must, "");
        assert_eq!(code, Some(1), "{step}: {report}");
        assert!(report.contains("history step 1"), "{report}");
        assert!(!report.contains("a1B2a1B2") && !report.contains("hunter2"), "{report}");
        // Other rules show the step as evidence, too.
        let (_, report) = judged(&image, "never_root: true, size: { at_most: 1 }", "");
        assert!(!report.contains("a1B2a1B2") && !report.contains("hunter2"), "{report}");
    }
    for step in ["RUN --mount=type=secret,id=t npm ci", "ARG TOKEN", "ENV PASSWORD_MIN_LENGTH=12"] {
        let image = Image::new("{}", [base()]).made_by(&[step]);
        assert_eq!(judged(&image, must, "").0, Some(0), "{step}");
    }
}

#[test]
fn values_of_labels_and_commands_are_masked_in_every_format() {
    let token = token();
    let config = format!(
        r#"{{"Labels":{{"build.token":"{token}"}},"Cmd":["app","--password=hunter2hunter2"],
            "Env":["X={token}"]}}"#
    );
    let image = Image::new(&config, [base()]);
    let must = "cmd: x, entrypoint: x, labels: { build.token: x }, env: { X: y }, \
                secrets_in_labels: false, secrets_in_env: false";
    let (code, report) = judged(&image, must, "");
    assert_eq!(code, Some(1), "{report}");
    assert!(!report.contains("a1B2a1B2") && !report.contains("hunter2"), "{report}");
    assert!(report.contains("label build.token") && report.contains("env X"), "{report}");
}

#[test]
fn a_waiver_accepts_one_variable_and_not_the_next() {
    let waiver = |subject: &str| {
        format!(
            "waivers:\n  - {{ rule: a, subject: {subject}, reason: known, expires: 2099-01-01, \
             approved_by: me }}\n"
        )
    };
    let one = r#"{"Env":["DB_PASSWORD=hunter2hunter2"]}"#;
    let two = r#"{"Env":["DB_PASSWORD=hunter2hunter2","API_KEY=hunter2hunter2"]}"#;
    let code = |config: &str, subject: &str| {
        let image = Image::new(config, [base()]);
        judged(&image, "secrets_in_env: false", &waiver(subject)).0
    };
    assert_eq!(code(one, "env DB_PASSWORD"), Some(0));
    assert_eq!(code(two, "env DB_PASSWORD"), Some(1));
    assert_eq!(code(two, "config"), Some(1));
}
