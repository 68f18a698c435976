//! The configuration of a container image, part by part: what runs, as whom, with which environment.
//!
//! A value that looks like a secret is kept as a digest, which tells that it is another and no more.

use crate::facts::drift::Change;
use crate::facts::image::{ImageConfig, Step};
use crate::facts::object::{Attributes, Class};
use crate::facts::snapshot::Hex;
use crate::host::Target;
use crate::text::secrets::{of_variable, shown};
use std::collections::BTreeMap;

/// Parts by name, with the word of the Dockerfile that sets each.
const WORDS: [(&str, &str); 12] = [
    ("user", "USER"),
    ("entrypoint", "ENTRYPOINT"),
    ("cmd", "CMD"),
    ("workdir", "WORKDIR"),
    ("stop signal", "STOPSIGNAL"),
    ("health check", "HEALTHCHECK"),
    ("shell", "SHELL"),
    ("on build", "ONBUILD"),
    ("env", "ENV"),
    ("port", "EXPOSE"),
    ("volume", "VOLUME"),
    ("label", "LABEL"),
];

/// The parts of the configuration; `None` for what is no image, or has none.
pub fn objects(target: &dyn Target) -> Option<BTreeMap<String, Attributes>> {
    let image = target.image()?;
    let config = image.config.as_ref()?;
    let mut all = BTreeMap::new();
    let mut add = |name: String, value: String| {
        all.insert(name, Attributes::from([("value".to_owned(), value)]));
    };
    add("platform".to_owned(), image.platform.clone());
    let user = if config.user.is_empty() { "(none, which means root)" } else { &config.user };
    add("user".to_owned(), user.to_owned());
    let workdir = if config.workdir.is_empty() { "/" } else { &config.workdir };
    add("workdir".to_owned(), workdir.to_owned());
    for (name, words) in [
        ("entrypoint", &config.entrypoint),
        ("cmd", &config.cmd),
        ("health check", &config.healthcheck),
        ("shell", &config.shell),
        ("on build", &config.on_build),
    ] {
        if !words.is_empty() {
            add(name.to_owned(), words_of(words));
        }
    }
    if !config.stop_signal.is_empty() {
        add("stop signal".to_owned(), config.stop_signal.clone());
    }
    for (name, value) in &config.env {
        add(format!("env {name}"), plain(name, value));
    }
    for (name, value) in &config.labels {
        add(format!("label {name}"), plain(name, value));
    }
    for port in &config.exposed_ports {
        add(format!("port {port}"), "exposed".to_owned());
    }
    for volume in &config.volumes {
        add(format!("volume {volume}"), "declared".to_owned());
    }
    Some(all)
}

/// Words of a command, so that `["a b"]` and `["a", "b"]` are two.
fn words_of(words: &[String]) -> String {
    let text = serde_json::to_string(words).unwrap_or_default();
    match shown(&text) {
        same if same == text => text,
        masked => format!("{masked} {}", digest(&text)),
    }
}

fn plain(name: &str, value: &str) -> String {
    match of_variable(name, value) {
        Some(_) => digest(value),
        None => match shown(value) {
            same if same == value => same,
            masked => format!("{masked} {}", digest(value)),
        },
    }
}

fn digest(value: &str) -> String {
    let digest = blake3::derive_key("spotcheck image configuration", value.as_bytes());
    format!("hidden:{}", Hex(digest.get(..4).unwrap_or_default()))
}

/// Says of changes to the configuration which step of the history made them.
pub fn name_steps(changes: &mut [Change], config: &ImageConfig) {
    for change in changes.iter_mut().filter(|change| change.class == Class::Image) {
        let Some((number, step)) = step_of(&change.name, &config.history) else { continue };
        let words: String = shown(step).chars().take(200).collect();
        for delta in change.deltas.iter_mut().filter(|delta| delta.why.is_empty()) {
            delta.why = format!("history step {number}: {words}");
        }
    }
}

fn step_of<'a>(name: &str, history: &'a [Step]) -> Option<(usize, &'a str)> {
    let (_, word) = WORDS.iter().find(|(part, _)| name.starts_with(part))?;
    let own = name.split_once(' ').map(|(_, own)| own).filter(|_| {
        ["env ", "label ", "port ", "volume "].iter().any(|part| name.starts_with(part))
    });
    let sets = |step: &&(usize, &'a Step)| {
        let text = step.1.created_by.rsplit("#(nop)").next().unwrap_or_default().trim_start();
        text.starts_with(word)
            && own.is_none_or(|own| text.contains(own.split('/').next().unwrap_or(own)))
    };
    let all: Vec<(usize, &Step)> = history.iter().enumerate().collect();
    let (index, step) = all.iter().rev().find(sets)?;
    Some((index + 1, step.created_by.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_kept_as_digests_that_tell_one_from_another() {
        let (one, two) = (plain("DB_PASSWORD", "hunter2"), plain("DB_PASSWORD", "hunter3"));
        assert!(one.starts_with("hidden:") && one != two);
        assert_eq!(plain("APP_ENV", "production"), "production");
        let masked = plain("DSN", "postgres://u:hunter2@db/x");
        assert!(masked.starts_with("hidden:"), "{masked}");
        let words =
            |words: &[&str]| words_of(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        assert_ne!(words(&["a b"]), words(&["a", "b"]));
        assert!(!words(&["app", "--password=hunter2"]).contains("hunter2"));
    }

    #[test]
    fn the_last_step_that_sets_a_part_is_named() {
        let step = |text: &str| Step { created_by: text.to_owned(), empty_layer: true };
        let history = [
            step("/bin/sh -c #(nop)  USER app"),
            step("ENV A=1"),
            step("ENV B=2"),
            step("USER root"),
        ];
        let of = |name: &str| step_of(name, &history).map(|(number, _)| number);
        assert_eq!(
            (of("user"), of("env A"), of("env C"), of("cmd")),
            (Some(4), Some(2), None, None)
        );
    }
}
