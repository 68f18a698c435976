//! Which modules `<IfModule>` finds: those that `LoadModule` named, and those built in.

use std::collections::BTreeSet;

/// Modules that are part of the program in Debian's and Red Hat's packages or loaded by their
/// configuration anyway; `apache2 -l`.
const BUILT_IN: [&str; 16] = [
    "core.c",
    "core_module",
    "http_core.c",
    "http_module",
    "mod_log_config.c",
    "log_config_module",
    "mod_logio.c",
    "logio_module",
    "mod_so.c",
    "so_module",
    "mod_unixd.c",
    "unixd_module",
    "mod_version.c",
    "version_module",
    "mod_watchdog.c",
    "watchdog_module",
];

/// Modules by their identifiers and by the names of their sources.
#[derive(Debug)]
pub struct Modules(BTreeSet<String>);

impl Default for Modules {
    fn default() -> Self {
        Self(BUILT_IN.into_iter().map(str::to_owned).collect())
    }
}

impl Modules {
    /// `LoadModule identifier file`
    pub fn load(&mut self, identifier: &str, file: &str) {
        self.0.insert(identifier.to_owned());
        let name = file.rsplit('/').next().unwrap_or(file);
        let stem = name.strip_suffix(".so").unwrap_or(name);
        // The sources of these are not named like their files.
        let source = match stem {
            "mod_mpm_event" => "event.c".to_owned(),
            "mod_mpm_worker" => "worker.c".to_owned(),
            "mod_mpm_prefork" => "prefork.c".to_owned(),
            _ if stem.starts_with("libphp7") => "mod_php7.c".to_owned(),
            _ if stem.starts_with("libphp") => "mod_php.c".to_owned(),
            _ => format!("{stem}.c"),
        };
        self.0.insert(source);
    }

    /// Whether `<IfModule name>` holds.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_known_by_identifier_and_source() {
        let mut modules = Modules::default();
        modules.load("ssl_module", "/usr/lib/apache2/modules/mod_ssl.so");
        modules.load("mpm_event_module", "mod_mpm_event.so");
        for name in ["ssl_module", "mod_ssl.c", "event.c", "mpm_event_module", "mod_so.c"] {
            assert!(modules.has(name), "{name}");
        }
        assert!(!modules.has("mod_php.c"));
    }
}
