//! What `${NAME}` stands for: `Define`, then the environment that `envvars` makes.
//!
//! `apache2ctl` and the unit of Debian read `envvars` beside the configuration, those of Red Hat
//! `/etc/sysconfig/httpd`.

use crate::facts::Unknown;
use crate::facts::settings::Settings;
use crate::formats::env;
use crate::host::Files;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The most bytes that one line may grow to.
const LENGTH_LIMIT: usize = 1 << 16;

/// Variables of a configuration.
#[derive(Debug, Default)]
pub struct Variables {
    environment: BTreeMap<String, String>,
    defined: BTreeMap<String, Option<String>>,
    /// Names that were asked for and are not known.
    pub unknown: BTreeSet<String>,
}

impl Variables {
    /// The environment of the configuration in `directory`, and what of it could not be read.
    pub fn of(files: &dyn Files, directory: &Path, unread: &mut Vec<Unknown>) -> Self {
        let mut variables = Self::default();
        let own = directory.join("envvars");
        for path in [own.as_path(), Path::new("/etc/sysconfig/httpd")] {
            let content = match files.read(path) {
                Ok(Some(content)) => content,
                Ok(None) => continue,
                Err(why) => {
                    unread.push(why);
                    break;
                }
            };
            match env::parse(files, path, &content) {
                Ok(mut settings) => {
                    unread.append(&mut settings.unread);
                    variables.read(directory, settings);
                }
                Err(why) => unread.push(why),
            }
            break;
        }
        for arguments in ["APACHE_ARGUMENTS", "OPTIONS"] {
            let text = variables.environment.get(arguments).cloned().unwrap_or_default();
            let mut words = text.split_whitespace();
            while let Some(word) = words.next() {
                match word.strip_prefix("-D") {
                    Some("") => variables.define(words.next().unwrap_or_default(), None),
                    Some(name) => variables.define(name, None),
                    None => {}
                }
            }
        }
        variables
    }

    fn read(&mut self, directory: &Path, settings: Settings) {
        // Debian's envvars decides by the directory what comes behind `/run/apache2` and the like.
        let directory = directory.to_string_lossy();
        let suffix = directory.strip_prefix("/etc/apache2-").map(|name| format!("-{name}"));
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for setting in settings.root.settings {
            values.entry(setting.name).or_default().push(setting.value);
        }
        values.insert("SUFFIX".into(), vec![suffix.unwrap_or_default()]);
        // A variable may stand on others; each round resolves those whose parts are known.
        for _ in 0..4 {
            for (name, said) in &values {
                let known: BTreeSet<Option<String>> =
                    said.iter().map(|value| self.shell(value)).collect();
                if let (1, Some(Some(value))) = (known.len(), known.first()) {
                    self.environment.insert(name.clone(), value.clone());
                }
            }
        }
    }

    /// A value of the shell with its variables resolved; `None` when it takes more than that.
    fn shell(&self, value: &str) -> Option<String> {
        let mut resolved = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('$') {
            resolved.push_str(before);
            let (name, behind) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}')?,
                None => {
                    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    let end = after.find(|c| !is_name(c)).unwrap_or(after.len());
                    after.split_at_checked(end)?
                }
            };
            resolved.push_str(self.environment.get(name)?);
            rest = behind;
            if resolved.len() > LENGTH_LIMIT {
                return None;
            }
        }
        resolved.push_str(rest);
        (!resolved.contains('`')).then_some(resolved)
    }

    /// `Define NAME` or `Define NAME VALUE`.
    pub fn define(&mut self, name: &str, value: Option<String>) {
        self.defined.insert(name.to_owned(), value);
    }

    /// `UnDefine NAME`
    pub fn undefine(&mut self, name: &str) {
        self.defined.remove(name);
    }

    /// Whether `<IfDefine NAME>` holds.
    pub fn is_defined(&self, name: &str) -> bool {
        self.defined.contains_key(name)
    }

    /// A text with its variables resolved, as `ap_resolve_env()` does: once, and what is not known
    /// stays as it is written.
    ///
    /// # Errors
    /// When it grows too long.
    pub fn resolve(&mut self, text: &str) -> Result<String, &'static str> {
        let mut resolved = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            resolved.push_str(before);
            let Some((name, behind)) = after.split_once('}') else {
                resolved.push_str("${");
                rest = after;
                break;
            };
            let value = match self.defined.get(name) {
                Some(Some(value)) => Some(value),
                _ => self.environment.get(name),
            };
            match value {
                Some(value) => resolved.push_str(value),
                None => {
                    resolved.push_str("${");
                    resolved.push_str(name);
                    resolved.push('}');
                    // What cannot be a variable is one of mod_rewrite's maps.
                    if name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                        self.unknown.insert(name.to_owned());
                    }
                }
            }
            if resolved.len() > LENGTH_LIMIT {
                return Err("a line that its variables make too long");
            }
            rest = behind;
        }
        resolved.push_str(rest);
        Ok(resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    const DEBIAN: &str = "unset HOME\n\
        if [ \"${APACHE_CONFDIR##/etc/apache2-}\" != \"${APACHE_CONFDIR}\" ] ; then\n\
        \tSUFFIX=\"-${APACHE_CONFDIR##/etc/apache2-}\"\nelse\n\tSUFFIX=\nfi\n\
        export APACHE_RUN_USER=www-data\nexport APACHE_LOG_DIR=/var/log/apache2$SUFFIX\n\
        export X=`id`\n#export APACHE_ARGUMENTS='-D A'\nexport APACHE_ARGUMENTS='-k x -D A -DB'\n";

    fn resolve(directory: &str, text: &str) -> (String, usize) {
        let path = Path::new(directory).join("envvars");
        let files = Memory::new().file(path, 0o644, 0, 0, DEBIAN);
        let mut variables = Variables::of(&files, Path::new(directory), &mut Vec::new());
        assert!(variables.is_defined("A") && variables.is_defined("B"));
        (variables.resolve(text).unwrap(), variables.unknown.len())
    }

    #[test]
    fn envvars_of_debian_is_understood() {
        let text = "${APACHE_RUN_USER} ${APACHE_LOG_DIR}/x";
        assert_eq!(resolve("/etc/apache2", text), ("www-data /var/log/apache2/x".into(), 0));
        assert_eq!(resolve("/etc/apache2-b", text), ("www-data /var/log/apache2-b/x".into(), 0));
    }

    #[test]
    fn what_is_not_known_stays_and_is_said() {
        assert_eq!(resolve("/etc/apache2", "${X}${NONE}${"), ("${X}${NONE}${".into(), 2));
    }

    #[test]
    fn a_definition_comes_before_the_environment() {
        let mut variables = Variables::default();
        variables.environment.insert("A".into(), "env".into());
        variables.define("A", Some("${A}".into()));
        assert_eq!(variables.resolve("a${A}").unwrap(), "a${A}");
        variables.undefine("A");
        assert_eq!(variables.resolve("a${A}").unwrap(), "aenv");
    }
}
