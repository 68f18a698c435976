//! `/etc/ld.so.conf`: directories in which the dynamic linker looks for libraries, `ldconfig(8)`.

use super::glob3;
use crate::facts::Unknown;
use crate::host::Files;
use std::path::{Path, PathBuf};

/// The file.
pub const CONF: &str = "/etc/ld.so.conf";
/// How deep includes may lead.
const DEPTH: usize = 8;
/// The most directories.
const LIMIT: usize = 10_000;

/// What it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conf {
    /// The file and all that it includes.
    pub files: Vec<PathBuf>,
    /// Directories in their order.
    pub directories: Vec<PathBuf>,
    /// What could not be read.
    pub unread: Vec<Unknown>,
}

/// Reads it with its includes. Without the file there is none.
pub fn read(files: &dyn Files) -> Conf {
    let mut conf = Conf::default();
    conf.read(files, Path::new(CONF), 0);
    conf
}

impl Conf {
    fn read(&mut self, files: &dyn Files, path: &Path, depth: usize) {
        if depth > DEPTH || self.files.iter().any(|known| known == path) {
            return;
        }
        let content = match files.read(path) {
            Ok(Some(content)) => content,
            Ok(None) => return,
            Err(why) => {
                self.unread.push(why);
                return;
            }
        };
        self.files.push(path.to_owned());
        let text = String::from_utf8_lossy(&content);
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default().trim();
            match line.split_once(char::is_whitespace) {
                Some(("include", patterns)) => {
                    for pattern in patterns.split_whitespace() {
                        let pattern = match pattern.starts_with('/') {
                            true => pattern.to_owned(),
                            false => format!("/etc/{pattern}"),
                        };
                        for file in glob3::expand(files, &pattern, &mut self.unread) {
                            self.read(files, &file, depth + 1);
                        }
                    }
                }
                // An old kind of line: hwcap 0 nosegneg.
                Some(("hwcap", _)) => {}
                _ => self.directory(line),
            }
        }
    }

    fn directory(&mut self, line: &str) {
        // Old libraries were marked by =libc5 behind the directory.
        let place = line.split('=').next().unwrap_or_default().trim();
        if place.starts_with('/') && self.directories.len() < LIMIT {
            self.directories.push(PathBuf::from(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    #[test]
    fn includes_and_remarks_are_understood() {
        let host = Memory::new()
            .file(CONF, 0o644, 0, 0, "include ld.so.conf.d/*.conf\n/opt/lib # ours\n")
            .file("/etc/ld.so.conf.d/a.conf", 0o644, 0, 0, "# x\n/usr/local/lib\n")
            .file("/etc/ld.so.conf.d/b.conf", 0o644, 0, 0, "include /etc/ld.so.conf\n");
        let conf = read(&host);
        assert_eq!(conf.directories, [Path::new("/usr/local/lib"), Path::new("/opt/lib")]);
        assert_eq!(conf.files.len(), 3);
        assert_eq!(conf.unread, []);
    }
}
