//! Files that dpkg does not unpack: `path-exclude` and `path-include` of `dpkg(1)`, which the images of
//! Debian for containers use for documentation.

use crate::facts::package_file::PathFilter;
use crate::host::Files;
use std::path::Path;

const CONF: &str = "/etc/dpkg/dpkg.cfg";
const PARTS: &str = "/etc/dpkg/dpkg.cfg.d";
/// The most filters.
const LIMIT: usize = 10_000;

/// Reads the filters in dpkg's order: the parts by name, then the file itself.
pub(super) fn read(files: &dyn Files) -> Vec<PathFilter> {
    let names = files.list(Path::new(PARTS)).ok().flatten();
    let names = names.iter().flat_map(|names| names.iter()).filter_map(|name| name.to_str());
    // Other names are left out, so that a part that an upgrade has put aside has no effect.
    let plain = |name: &&str| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let mut paths: Vec<String> =
        names.filter(plain).map(|name| format!("{PARTS}/{name}")).collect();
    paths.push(CONF.to_owned());
    let mut filters = Vec::new();
    for path in paths {
        let Ok(Some(content)) = files.read(Path::new(&path)) else { continue };
        let text = String::from_utf8_lossy(&content);
        filters.extend(text.lines().filter_map(filter));
    }
    filters.truncate(LIMIT);
    filters
}

/// `path-exclude=/usr/share/doc/*`, or with a space.
fn filter(line: &str) -> Option<PathFilter> {
    let line = line.trim();
    let (key, value) = line.split_once(|c: char| c == '=' || c.is_whitespace())?;
    let include = match key {
        "path-include" => true,
        "path-exclude" => false,
        _ => return None,
    };
    let value = value.trim_start_matches(|c: char| c == '=' || c.is_whitespace());
    let value = value.trim_matches('"');
    // fnmatch(3) has no alternatives in braces.
    let plain: String = value
        .chars()
        .map(|c| if matches!(c, '{' | '}') { format!("[{c}]") } else { c.to_string() })
        .collect();
    let glob = globset::Glob::new(&plain).ok()?;
    Some(PathFilter { include, pattern: glob.compile_matcher() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::package_file::PackageFiles;
    use crate::targets::memory::Memory;

    #[test]
    fn the_last_filter_that_fits_decides_as_in_dpkg() {
        let text = "# slim\npath-exclude /usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n\
                    path-exclude = /a{b\nforce-unsafe-io\n";
        let host = Memory::new()
            .dir("/etc/dpkg/dpkg.cfg.d", 0o755, 0, 0)
            .file("/etc/dpkg/dpkg.cfg.d/docker", 0o644, 0, 0, text)
            .file("/etc/dpkg/dpkg.cfg.d/docker.dpkg-old", 0o644, 0, 0, "path-exclude /etc/*\n");
        let packages = PackageFiles { left_out: read(&host), ..PackageFiles::default() };
        let out = |path: &str| packages.is_left_out(path.as_bytes());
        assert!(out("/usr/share/doc/tool/changelog.gz") && out("/a{b"));
        assert!(!out("/usr/share/doc/tool/copyright") && !out("/usr/share/docs") && !out("/etc/a"));
    }
}
