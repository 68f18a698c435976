use super::*;
use proptest::prelude::*;

fn masked(text: &str) -> String {
    match mask(text, "MARK") {
        Masked::Unchanged => text.to_owned(),
        Masked::Text(text) => text,
        Masked::Whole(why) => format!("whole: {why}"),
    }
}

#[test]
fn secrets_are_taken_out_of_every_kind_of_configuration() {
    for (line, without) in [
        // ini, shell, systemd
        ("password = hunter two", "password = MARK"),
        ("DB_PASSWORD=hunter2", "DB_PASSWORD=MARK"),
        ("export API_KEY='a b'", "export API_KEY='MARK'"),
        ("Environment=\"DB_PASSWORD=my pass\" A=b", "Environment=\"DB_PASSWORD=MARK\" A=b"),
        ("Environment=DB_PASSWORD=x A=b", "Environment=DB_PASSWORD=MARK A=b"),
        ("  clientSecret: abc", "  clientSecret: MARK"),
        // JSON, YAML, TOML
        ("{\"password\": \"a\\\"b\", \"port\": 1}", "{\"password\": \"MARK\", \"port\": 1}"),
        (
            "{\"db.password\":\"x\",\"token\":\"y\"}",
            "{\"db.password\":\"MARK\",\"token\":\"MARK\"}",
        ),
        ("\"password\": 12345,", "\"password\": \"MARK\","),
        // Directives
        ("requirepass foobared", "requirepass MARK"),
        ("  masterauth \"x y\"", "  masterauth MARK"),
        ("AuthLDAPBindPassword exec", "AuthLDAPBindPassword MARK"),
        ("user default on >hunter2 ~* +@all", "user default on >MARK ~* +@all"),
        // Elsewhere in a line; within quotes a password may have spaces
        ("info = 'host=a password=b user=c'", "info = 'host=a password=MARK'"),
        (
            "//srv/x /mnt cifs username=u,password=p,ro 0 0",
            "//srv/x /mnt cifs username=u,password=MARK,ro 0 0",
        ),
        ("* * * * * root tool --password=x run", "* * * * * root tool --password=MARK run"),
        ("* * * * * root tool --token x run", "* * * * * root tool --token MARK run"),
        (
            "proxy_set_header Authorization \"Bearer abcdef123\";",
            "proxy_set_header Authorization \"Bearer MARK\";",
        ),
        ("<password>x</password>", "<password>MARK</password>"),
        ("url = postgres://app:hunter2@db/app", "url = postgres://app:MARK@db/app"),
        // Shapes
        ("root:$y$j9T$abcdefghijk$xyz:1:", "root:MARK:1:"),
        ("key AKIAABCDEFGHIJKLMNOP", "key AKIAXXXXXXXXXXXXXXXX-MARK"),
    ] {
        assert_eq!(masked(line), without);
    }
}

#[test]
fn what_is_no_secret_stays() {
    for line in [
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "PermitEmptyPasswords no",
        "password_encryption = scram-sha-256",
        "password requisite pam_pwquality.so retry=3",
        "password [success=1] pam_unix.so obscure",
        "Defaults passwd_tries=3, secure_path=\"/usr/sbin\"",
        "host all all 127.0.0.1/32 password",
        "auth_basic_user_file /etc/nginx/htpasswd;",
        "ssl_certificate_key /etc/ssl/private/x.key;",
        "server_tokens off;",
        "DB_PASSWORD=",
        "DB_PASSWORD=${DB_PASSWORD}",
        "DB_PASSWORD_FILE=/run/secrets/x",
        "protected-mode yes",
        "Description=Basic System",
        "# the basic rules of udev",
        "LoadCredential=passwd.hashed-password.root",
        "  <auth>EXTERNAL</auth>",
        "# requirepass is not set",
        "nginx:x:101:101:nginx user:/nonexistent:/usr/sbin/nologin",
        "root:!:19000::::::",
        "PASS_MAX_DAYS 99999",
    ] {
        assert_eq!(mask(line, "MARK"), Masked::Unchanged, "{line}");
    }
}

#[test]
fn a_secret_that_goes_on_in_the_next_line_takes_the_whole_text_with_it() {
    for text in [
        "password: |\n  abc\n",
        "password: \"abc\n  def\"\n",
        "password = abc\\\n  def\n",
        "secret:\n  - abc\n",
        "token: [\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n",
    ] {
        assert!(matches!(mask(text, "MARK"), Masked::Whole(_)), "{text}");
    }
}

#[test]
fn lines_keep_their_numbers_and_their_ends() {
    assert_eq!(masked("a\r\npassword=x\r\n\nb"), "a\r\npassword=MARK\r\n\nb");
}

proptest! {
    #[test]
    fn no_value_survives(
        name in prop::sample::select(vec!["password", "DB_PASSWORD", "requirepass", "api-key"]),
        between in prop::sample::select(vec!["=", " = ", ": ", ":", "=\"", ": '"]),
        value in "[a-zA-Z0-9/+]{6,20}",
    ) {
        let close = between.chars().last().filter(|c| "\"'".contains(*c)).map(String::from);
        let line = format!("{name}{between}{value}{}", close.unwrap_or_default());
        prop_assert!(!masked(&line).contains(&value), "{}", masked(&line));
    }

    #[test]
    fn whatever_stands_there_lines_stay_and_nothing_panics(
        text in "([a-zä:='\" \\\\|\\[-]|password|token|\n|\r){0,60}",
    ) {
        if let Masked::Text(out) = mask(&text, "MARK") {
            prop_assert_eq!(out.matches('\n').count(), text.matches('\n').count());
        }
    }
}
