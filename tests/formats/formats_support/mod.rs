//! What the tests of formats share: a configuration that lies on the disk, for the daemon, and in
//! memory, for the parser.
#![allow(dead_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use spotcheck::facts::Fact;
use spotcheck::facts::settings::{Lookup, Settings};
use spotcheck::formats::by_name;
use spotcheck::host::Files;
use spotcheck::targets::memory::Memory;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Files of a configuration in a directory of their own; the first is the main one. `{dir}` in
/// their content is that directory.
pub struct Config {
    place: TempDir,
    main: String,
    pub memory: Memory,
}

impl Config {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        let mut memory = Memory::new();
        for (name, content) in files {
            let path = place.path().join(name);
            let content = content.replace("{dir}", place.path().to_str().unwrap());
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &content).unwrap();
            memory = memory.file(&path, 0o644, 0, 0, content);
        }
        Self { place, main: files[0].0.to_owned(), memory }
    }

    pub fn dir(&self) -> &Path {
        self.place.path()
    }

    pub fn main(&self) -> PathBuf {
        self.place.path().join(&self.main)
    }

    /// What the parser makes of the main file.
    pub fn parse(&self, format: &str) -> Fact<Settings> {
        parse(format, &self.memory, self.main())
    }
}

/// What the parser makes of a file in memory.
pub fn parse(format: &str, files: &Memory, path: impl AsRef<Path>) -> Fact<Settings> {
    let content = files.read(path.as_ref()).unwrap().unwrap();
    (by_name(format).unwrap().parse)(files, path.as_ref(), &content)
}

/// All values that a path leads to.
pub fn values(settings: &Settings, path: &str) -> Vec<String> {
    let show = |lookup: Lookup| match lookup {
        Lookup::Set(setting) => setting.value.clone(),
        Lookup::NotSet(at) => format!("not set at line {}", at.line),
    };
    settings.lookup(path).into_iter().map(show).collect()
}

/// All spellings of all values that a path leads to.
pub fn spellings(settings: &Settings, path: &str) -> Vec<String> {
    let spelled = |lookup: Lookup| match lookup {
        Lookup::Set(setting) => [vec![setting.value.clone()], setting.also.clone()].concat(),
        Lookup::NotSet(_) => Vec::new(),
    };
    settings.lookup(path).into_iter().flat_map(spelled).collect()
}

/// The file `/c/main` with this content alone.
pub fn alone(content: impl AsRef<[u8]>) -> Memory {
    Memory::new().file("/c/main", 0o644, 0, 0, content)
}

/// The values of a path in a configuration that is this text.
pub fn asked(format: &str, content: &str, path: &str) -> Vec<String> {
    values(&parse(format, &alone(content), "/c/main").unwrap(), path)
}

/// The error for a configuration that is this text.
pub fn refused(format: &str, content: impl AsRef<[u8]>) -> String {
    parse(format, &alone(content), "/c/main").unwrap_err().to_string()
}
