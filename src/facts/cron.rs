//! Jobs of cron: what is run, when, and as whom.

use super::Unknown;
use super::settings::Location;
use serde::{Deserialize, Serialize};

/// One job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronJob {
    /// Whose rights it has.
    pub user: String,
    /// When: the five fields, `@daily`, or the folder's name.
    pub schedule: String,
    /// What a shell is given to run, or the path of a script.
    pub command: String,
    /// `PATH` as its table sets it; `None`: as cron itself has it.
    #[serde(default)]
    pub path: Option<String>,
    /// Variables that its table sets before it, `PATH` among them.
    #[serde(default)]
    pub variables: Vec<(String, String)>,
    /// Where it stands; line 0 for a script as a whole.
    pub at: Location,
}

/// All jobs of all of cron's places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CronJobs {
    /// In the order of the places.
    pub jobs: Vec<CronJob>,
    /// Places and lines that could not be read: there may be further jobs.
    pub unread: Vec<Unknown>,
}
