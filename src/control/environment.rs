//! Variables of the environment that decide which code a program loads or runs: from the manual
//! pages of ld.so, bash, git, less and of the interpreters.

use super::Items;
use std::path::Path;

/// Variables that hold directories, separated by colons, in which programs or code are looked for.
const DIRECTORIES: &[&str] = &[
    "PATH",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "PERL5LIB",
    "PERLLIB",
    "RUBYLIB",
    "NODE_PATH",
    "GCONV_PATH",
    "PYTHONHOME",
    "PYTHONUSERBASE",
    "GEM_PATH",
    "GEM_HOME",
    "CLASSPATH",
    "LUA_PATH",
    "LUA_CPATH",
    "PHP_INI_SCAN_DIR",
    "TCLLIBPATH",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "GIT_EXEC_PATH",
    "GIT_TEMPLATE_DIR",
    "AWKPATH",
    "LOCPATH",
    "QT_PLUGIN_PATH",
    "GIO_MODULE_DIR",
    "SASL_PATH",
    "PKCS11_MODULE_PATH",
    "R_LIBS",
    "GOPATH",
    "CARGO_HOME",
    "XDG_CONFIG_HOME",
    "ZDOTDIR",
];
/// Variables that name files to be loaded or run.
const FILES: &[&str] = &[
    "LD_PRELOAD",
    "LD_AUDIT",
    "LD_PROFILE_OUTPUT",
    "BASH_ENV",
    "ENV",
    "PYTHONSTARTUP",
    "OPENSSL_CONF",
    "PHPRC",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "SUDO_ASKPASS",
    "GIT_EXTERNAL_DIFF",
    "GIT_PROXY_COMMAND",
    "GIT_EDITOR",
    "GIT_PAGER",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_SYSTEM",
    "GIT_CONFIG",
    "LESSOPEN",
    "LESSCLOSE",
    "PAGER",
    "MANPAGER",
    "EDITOR",
    "VISUAL",
    "SUDO_EDITOR",
    "SYSTEMD_EDITOR",
    "BROWSER",
    "SHELL",
    "PROMPT_COMMAND",
    "CURL_HOME",
    "WGETRC",
    "KRB5_CONFIG",
    "RSYNC_RSH",
    "TAR_OPTIONS",
    "MAKEFILES",
    "PERL5DB",
    "LDAPCONF",
    "MYSQL_HOME",
    "PGSYSCONFDIR",
    "PSQLRC",
    "INPUTRC",
    "VIMINIT",
    "GTK_MODULES",
    "GTK2_RC_FILES",
];
/// Variables whose value is options, of which these name code.
const OPTIONS: &[(&str, &[&str])] = &[
    (
        "NODE_OPTIONS",
        &[
            "--require=",
            "--require",
            "-r",
            "--import=",
            "--import",
            "--loader=",
            "--loader",
            "--experimental-loader=",
        ],
    ),
    ("JAVA_TOOL_OPTIONS", JAVA),
    ("_JAVA_OPTIONS", JAVA),
    ("JDK_JAVA_OPTIONS", JAVA),
    ("JAVA_OPTS", JAVA),
    ("CATALINA_OPTS", JAVA),
    ("MAVEN_OPTS", JAVA),
    ("PERL5OPT", &["-I", "-M", "-m"]),
    ("RUBYOPT", &["-I", "-r"]),
];
const JAVA: &[&str] =
    &["-javaagent:", "-agentpath:", "-Xbootclasspath/a:", "-Djava.ext.dirs=", "-cp", "-XX:Flags="];

/// Adds what one variable names. `whose` says where it is set.
pub fn add(name: &str, value: &str, whose: &str, items: &mut Items) {
    if DIRECTORIES.contains(&name) {
        // Lua's paths are patterns.
        for directory in
            value.split([':', ';']).map(|one| one.split('?').next().unwrap_or_default())
        {
            if directory.starts_with('/') {
                items.add(Path::new(directory), format!("directory of {name} of {whose},"));
            }
        }
    }
    let files = FILES.contains(&name);
    let kind = if name.starts_with("LD_") { "library" } else { "file" };
    for word in value.split([':', ' ', '|']).filter(|word| files && word.starts_with('/')) {
        items.add(Path::new(word), format!("{kind} of {name} of {whose},"));
    }
    let options = OPTIONS.iter().find(|(known, _)| *known == name);
    for word in value.split_whitespace().filter(|_| options.is_some()) {
        let starts = options.map_or(&[][..], |(_, starts)| starts);
        let found = starts.iter().find_map(|start| word.strip_prefix(start)).unwrap_or(word);
        for path in found.split([':', ',', '=']).filter(|path| path.starts_with('/')) {
            items.add(Path::new(path), format!("file of {name} of {whose},"));
        }
    }
}

/// Whether an assignment is to a variable that names something.
pub fn tells(text: &str) -> bool {
    let name = text.split_once('=').map_or("", |(name, _)| name);
    DIRECTORIES.contains(&name)
        || FILES.contains(&name)
        || OPTIONS.iter().any(|(known, _)| *known == name)
}

/// Adds what an assignment names.
pub fn add_assignment(text: &str, whose: &str, items: &mut Items) {
    if let Some((name, value)) = text.split_once('=') {
        let value = value.trim().trim_matches(['"', '\'']);
        add(name.trim().trim_start_matches("export ").trim(), value, whose, items);
    }
}
