//! What the configuration of an image starts.

use super::changers;
use super::user::{self, Resolved};
use crate::commands::{self, Context, Who};
use crate::facts::file::FileKind;
use crate::facts::image::ImageConfig;
use crate::facts::settings::Location;
use crate::facts::start::{Identity, Start};
use crate::facts::{Cause, Fact, Unknown};
use crate::host::{Files, Target};
use std::path::{Path, PathBuf};

/// What the configuration is called in evidence.
pub const PLACE: &str = "image configuration";
/// The search path where `Env` has none, as moby sets it.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The start that an image declares; `None` for what is no image, or declares no command.
pub fn start(target: &dyn Target) -> Option<Start> {
    let config = target.image()?.config.as_ref()?;
    let command: Vec<String> = config.entrypoint.iter().chain(&config.cmd).cloned().collect();
    let mut command = commands::bare(&command).to_vec();
    let mut who = Who::Same;
    let mut unseen = None;
    if command
        .first()
        .is_some_and(|word| commands::is_wrapper(word.rsplit('/').next().unwrap_or(word)))
    {
        match unwrapped(&command, config, target) {
            Ok((inner, user)) => (command, who) = (inner, user),
            Err(why) => unseen = Some(why),
        }
    }
    let first = command.first()?;
    let program = find(first, config, target).unwrap_or_else(|why| {
        unseen.get_or_insert(why);
        None
    });
    let identity = match &who {
        Who::Same => identity(&config.user, target),
        Who::User(user) => identity(user, target),
        Who::Unclear(why) => Err(Unknown::new(command.join(" "), Cause::Unsupported(why.clone()))),
    };
    let mut start = Start {
        by: "the image's configuration".to_owned(),
        at: Location { file: PathBuf::from(PLACE), line: 0 },
        text: format!("User: {}", shown(&config.user)),
        unit: None,
        program: program.or_else(|| Some(PathBuf::from(first))),
        command,
        script: None,
        identity,
        enabled: Ok(true),
    };
    changers::settle(&mut start, target);
    // Another program than the one that is seen may be a script, and go on as somebody else.
    if let Some(why) = unseen {
        start.identity = start.identity.and(Err(why));
    }
    Some(start)
}

/// A user as the configuration writes it.
pub fn shown(user: &str) -> &str {
    if user.is_empty() { "(none, which means root)" } else { user }
}

/// The identity in words.
pub fn words(resolved: &Resolved) -> String {
    match &resolved.name {
        Some(name) => format!("{name} (uid {}, gid {})", resolved.uid, resolved.gid),
        None => format!("uid {}, gid {}", resolved.uid, resolved.gid),
    }
}

/// The command that wrappers start in the end, and as whom: `env A=1 nice app`, `gosu app app`.
///
/// # Errors
/// Where that cannot be told.
fn unwrapped(
    command: &[String],
    config: &ImageConfig,
    target: &dyn Target,
) -> Fact<(Vec<String>, Who)> {
    let reading = commands::argv(target, command, context(config));
    // The first that is no wrapper: what a script goes on to is told by its text.
    if let Some(run) = reading.runs.iter().filter(|run| run.main).find(|run| !run.is_wrapper()) {
        let program = run.program.to_string_lossy().into_owned();
        let words = [program].into_iter().chain(run.arguments.iter().cloned());
        return Ok((words.collect(), run.who.clone()));
    }
    Err(reading.gaps.into_iter().next().map(|gap| gap.unknown).unwrap_or_else(|| {
        let why = "what this wrapper starts cannot be told".to_owned();
        Unknown::new(command.join(" "), Cause::Unsupported(why))
    }))
}

/// How the engine starts a command: with the environment and in the directory of the configuration.
fn context(config: &ImageConfig) -> Context {
    let path = config.env.iter().rev().find(|(name, _)| name == "PATH");
    let directory = if config.workdir.is_empty() { "/" } else { config.workdir.as_str() };
    let mut context = Context::new("the image's command")
        .path(path.map_or(PATH, |(_, value)| value.as_str()))
        .directory(Some(PathBuf::from(directory)));
    for (name, value) in config.env.iter().filter(|(name, _)| name != "PATH") {
        context = context.variable(name, value);
    }
    context
}

/// The wrappers that are executed one after the other, and the program that they start: what a script goes
/// on to is none of them.
pub fn chain(target: &dyn Target) -> Vec<PathBuf> {
    let Some(config) = target.image().and_then(|image| image.config.as_ref()) else {
        return Vec::new();
    };
    let command: Vec<String> = config.entrypoint.iter().chain(&config.cmd).cloned().collect();
    let reading = commands::argv(target, &command, context(config));
    let mut chain = Vec::new();
    for run in reading.runs.into_iter().filter(|run| run.main) {
        let stays = !run.is_wrapper();
        chain.push(run.program);
        if stays {
            break;
        }
    }
    chain
}

fn identity(user: &str, target: &dyn Target) -> Fact<Identity> {
    let resolved = user::resolve(user, target)?
        .map_err(|why| Unknown::new("the container does not start", Cause::Malformed(why)))?;
    let words = words(&resolved);
    let (uid, gid) = (Some(resolved.uid), Some(resolved.gid));
    Ok(Identity { uid, gid, name: resolved.name, words })
}

/// Where a command's first word leads, by the image's own `PATH`.
pub(super) fn find(word: &str, config: &ImageConfig, files: &dyn Files) -> Fact<Option<PathBuf>> {
    if word.starts_with('/') {
        return Ok(Some(PathBuf::from(word)));
    }
    if word.contains('/') {
        return Ok(Some(Path::new("/").join(&config.workdir).join(word)));
    }
    let path = config.env.iter().rev().find(|(name, _)| name == "PATH");
    let path = path.map_or(PATH, |(_, value)| value.as_str());
    for folder in path.split(':').filter(|folder| folder.starts_with('/')) {
        let path = Path::new(folder).join(word);
        // `exec.LookPath` of Go, which engines use, passes over directories.
        if files.file(&path)?.is_some_and(|file| file.kind != FileKind::Directory) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
