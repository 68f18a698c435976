//! Variables of the environment that decide which code a program loads or runs.

use super::Items;
use std::path::Path;

/// Variables that hold directories, separated by colons, in which programs or code are looked for.
const DIRECTORIES: &[(&str, &str)] = &[
    ("PATH", "directory of PATH"),
    ("LD_LIBRARY_PATH", "directory of LD_LIBRARY_PATH"),
    ("PYTHONPATH", "directory of PYTHONPATH"),
    ("PERL5LIB", "directory of PERL5LIB"),
    ("PERLLIB", "directory of PERLLIB"),
    ("RUBYLIB", "directory of RUBYLIB"),
    ("NODE_PATH", "directory of NODE_PATH"),
    ("GCONV_PATH", "directory of GCONV_PATH"),
    ("PYTHONHOME", "directory of PYTHONHOME"),
];
/// Variables that name files to be loaded.
const FILES: &[(&str, &str)] = &[
    ("LD_PRELOAD", "library of LD_PRELOAD"),
    ("LD_AUDIT", "library of LD_AUDIT"),
    ("BASH_ENV", "file of BASH_ENV"),
    ("ENV", "file of ENV"),
    ("PYTHONSTARTUP", "file of PYTHONSTARTUP"),
    ("OPENSSL_CONF", "file of OPENSSL_CONF"),
];

/// Adds what one variable names. `whose` says where it is set.
pub fn add(name: &str, value: &str, whose: &str, items: &mut Items) {
    let directories = DIRECTORIES.iter().filter(|(known, _)| *known == name);
    for (_, reason) in directories {
        for directory in value.split(':').filter(|directory| directory.starts_with('/')) {
            items.add(Path::new(directory), format!("{reason} of {whose},"));
        }
    }
    let files = FILES.iter().filter(|(known, _)| *known == name);
    for (_, reason) in files {
        for file in value.split([':', ' ']).filter(|file| file.starts_with('/')) {
            items.add(Path::new(file), format!("{reason} of {whose},"));
        }
    }
}

/// Whether an assignment is to a variable that names something.
pub fn tells(text: &str) -> bool {
    let name = text.split_once('=').map_or("", |(name, _)| name);
    DIRECTORIES.iter().chain(FILES).any(|(known, _)| *known == name)
}

/// Adds what an assignment names.
pub fn add_assignment(text: &str, whose: &str, items: &mut Items) {
    if let Some((name, value)) = text.split_once('=') {
        let value = value.trim().trim_matches(['"', '\'']);
        add(name.trim().trim_start_matches("export ").trim(), value, whose, items);
    }
}
