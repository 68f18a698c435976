//! Container images: what the configuration of one says, after the OCI image specification
//! (`config.md`, `manifest.md`) and Docker's formats that it came from.

use super::package_file::Checksum;
use serde::{Deserialize, Serialize};

/// A container image, its files aside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Names it has in the archive: `shop/app:1`; none for `docker export` and untagged images.
    pub references: Vec<String>,
    /// `linux/amd64`, `linux/arm64/v8`; empty where nothing says.
    pub platform: String,
    /// What it says about itself; `None` for the flat archive of `docker export`, which has no
    /// configuration.
    pub config: Option<ImageConfig>,
    /// Layers from the lowest up.
    pub layers: Vec<Layer>,
    /// Files with secrets in any layer; `None` where nobody looked for them.
    #[serde(default)]
    pub secret_files: Option<Vec<SecretFile>>,
}

/// A file with a secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretFile {
    /// Its path.
    pub path: String,
    /// What it is: `a private key`.
    pub what: String,
    /// The layer that has it.
    pub layer: Layer,
    /// A later layer takes it away, which only hides it.
    pub hidden: bool,
    /// Its content in the ways of all package managers, so that what a package has in every copy of it
    /// can be told from what only lies under such a name. Recordings made before have none.
    #[serde(default)]
    pub sums: Vec<Checksum>,
}

/// What runs, and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageConfig {
    /// `User` as written; empty means root.
    pub user: String,
    /// `ExposedPorts`: `8080/tcp`. Documentation only.
    pub exposed_ports: Vec<String>,
    /// `Entrypoint`.
    pub entrypoint: Vec<String>,
    /// `Cmd`: arguments of the entrypoint, or the command where there is none.
    pub cmd: Vec<String>,
    /// `Env` as name and value.
    pub env: Vec<(String, String)>,
    /// `Labels`.
    pub labels: Vec<(String, String)>,
    /// `Volumes`.
    pub volumes: Vec<String>,
    /// `WorkingDir`; empty means `/`.
    pub workdir: String,
    /// `Healthcheck.Test`; empty where there is none. `["NONE"]` switches an inherited one off.
    pub healthcheck: Vec<String>,
    /// `StopSignal`.
    #[serde(default)]
    pub stop_signal: String,
    /// `Shell`.
    #[serde(default)]
    pub shell: Vec<String>,
    /// `OnBuild`: what an image built on this one does.
    #[serde(default)]
    pub on_build: Vec<String>,
    /// The steps that made it, those without a layer too.
    pub history: Vec<Step>,
}

/// One entry of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The line of the Dockerfile as the builder recorded it.
    pub created_by: String,
    /// It changed the configuration only.
    pub empty_layer: bool,
}

/// One layer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Number, 1 being the lowest.
    pub number: usize,
    /// Digest as the image's manifest or configuration names it: `sha256:…`.
    pub digest: String,
    /// Bytes as stored (compressed, where it is).
    pub size: u64,
    /// The line of the history that made it, where the history says.
    pub created_by: Option<String>,
}
