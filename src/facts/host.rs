//! The target as a whole: what it is, and how much of it can be seen.

use serde::{Deserialize, Serialize};

/// What kind of thing is being checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetKind {
    /// A running host.
    Host,
    /// A filesystem tree or container image that is not running.
    Image,
}

/// Identity of a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// Host name.
    pub name: String,
    /// Kind of target.
    pub kind: TargetKind,
    /// Kernel release (`uname -r`), if it runs.
    pub kernel: Option<String>,
    /// Key and value pairs of `os-release(5)`.
    pub os_release: Vec<(String, String)>,
    /// How much the reader may see.
    pub privilege: Privilege,
    /// When the facts were recorded, seconds since 1970-01-01 UTC; `None` where they are looked up
    /// now.
    #[serde(default)]
    pub recorded: Option<i64>,
    /// The engine of the container whose processes and files these are, where spotcheck runs in one that
    /// hides its host; `None` for everything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inside: Option<String>,
}

impl Host {
    /// The time at which it is looked at, seconds since 1970-01-01 UTC: of a recording, when it was made.
    pub fn now(&self) -> i64 {
        self.recorded.unwrap_or_else(|| {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
        })
    }
}

impl Host {
    /// A value of `os-release(5)`, such as `ID` or `PRETTY_NAME`.
    pub fn os(&self, key: &str) -> Option<&str> {
        self.os_release.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// With which rights facts are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Privilege {
    /// Effective user id of the reader.
    pub uid: u32,
    /// The reader may read every file (`CAP_DAC_READ_SEARCH` or `CAP_DAC_OVERRIDE`) and every
    /// process (`CAP_SYS_PTRACE`) of the initial user namespace.
    pub full: bool,
}
