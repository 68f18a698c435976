//! The configuration of an image: `config.md` of the OCI image specification, and what Docker adds.

use crate::facts::image::{ImageConfig, Step};
use crate::targets::image::json::{Object, parse};
use crate::text::secrets::shown;
use serde_json::Value;

/// A configuration and what belongs to the layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// What the image says of itself.
    pub config: ImageConfig,
    /// `os/architecture`, with `/variant` where there is one.
    pub platform: String,
    /// Digests of the decompressed layers, the lowest first.
    pub diff_ids: Vec<String>,
}

/// Reads a configuration document.
///
/// # Errors
/// In words: no JSON, values of another type than their names say, no layers' digests.
pub fn read(bytes: &[u8]) -> Result<Document, String> {
    let value = parse(bytes)?;
    let root = Object::of(&value)?;
    let rootfs = root.object("rootfs")?.ok_or("no `rootfs`: not the configuration of an image")?;
    let mut config = match root.object("config")? {
        Some(config) => settings(&config)?,
        None => ImageConfig::default(),
    };
    for step in root.list("history")? {
        let step = Object::of(step)?;
        let empty = step.get("empty_layer")?.and_then(Value::as_bool).unwrap_or(false);
        let created_by = step.text("created_by")?.unwrap_or_default();
        config.history.push(Step { created_by, empty_layer: empty });
    }
    Ok(Document { config, platform: platform(&root)?, diff_ids: rootfs.texts("diff_ids")? })
}

/// `os/architecture[/variant]` of a configuration or a descriptor's platform.
///
/// # Errors
/// Where one of them is no text.
pub fn platform(object: &Object<'_>) -> Result<String, String> {
    let parts = ["os", "architecture", "variant"].map(|key| object.text(key));
    let mut words = Vec::new();
    for part in parts {
        words.extend(part?.filter(|word| !word.is_empty()));
    }
    Ok(words.join("/"))
}

fn settings(config: &Object<'_>) -> Result<ImageConfig, String> {
    let keys = |key: &str| -> Result<Vec<String>, String> {
        let entries = config.object(key)?;
        let mut names: Vec<String> =
            entries.iter().flat_map(Object::entries).map(|(name, _)| name.clone()).collect();
        names.sort();
        Ok(names)
    };
    let env = config.texts("Env")?.into_iter().map(|pair| match pair.split_once('=') {
        Some((name, value)) => (name.to_owned(), value.to_owned()),
        None => (pair, String::new()),
    });
    let mut labels = Vec::new();
    if let Some(entries) = config.object("Labels")? {
        for (name, value) in entries.entries() {
            let value = value.as_str().ok_or_else(|| format!("label `{name}` is no text"))?;
            labels.push((name.clone(), value.to_owned()));
        }
    }
    let healthcheck = match config.object("Healthcheck")? {
        Some(check) => check.texts("Test")?,
        None => Vec::new(),
    };
    Ok(ImageConfig {
        user: config.text("User")?.unwrap_or_default(),
        exposed_ports: keys("ExposedPorts")?,
        entrypoint: config.texts("Entrypoint")?,
        cmd: config.texts("Cmd")?,
        env: env.collect(),
        labels,
        volumes: keys("Volumes")?,
        workdir: config.text("WorkingDir")?.unwrap_or_default(),
        healthcheck,
        stop_signal: config.text("StopSignal")?.unwrap_or_default(),
        shell: config.texts("Shell")?,
        on_build: config.texts("OnBuild")?,
        history: Vec::new(),
    })
}

/// For each of `layers` layers the line of the history that made it. Where the history does not
/// fit the layers (some builders leave it out), no line is claimed.
pub fn created_by(history: &[Step], layers: usize) -> Vec<Option<String>> {
    let steps: Vec<&Step> = history.iter().filter(|step| !step.empty_layer).collect();
    if steps.len() != layers {
        return vec![None; layers];
    }
    // The line is evidence, and goes into reports: a secret in it is none of theirs.
    let line = |step: &&Step| Some(shown(&step.created_by)).filter(|line| !line.is_empty());
    steps.iter().map(line).collect()
}
