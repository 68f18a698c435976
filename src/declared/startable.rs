//! Whether the program of an image is there, and its user may execute it.

use super::entrypoint::find;
use super::user::Resolved;
use crate::access::{Credentials, Permission, decide};
use crate::facts::Fact;
use crate::facts::file::FileKind;
use crate::facts::image::ImageConfig;
use crate::host::Target;
use crate::text;
use std::path::Path;

/// What keeps the container's first program from being started, if anything does.
///
/// # Errors
/// Where it cannot be looked at.
pub fn obstacle(
    config: &ImageConfig,
    user: &Resolved,
    target: &dyn Target,
) -> Fact<Option<String>> {
    let Some(first) = config.entrypoint.iter().chain(&config.cmd).next() else { return Ok(None) };
    let Some(path) = find(first, config, target)? else {
        return Ok(Some(format!("`{first}` is in no directory of PATH")));
    };
    let gids = target
        .user_by_id(user.uid)?
        .map(|user| target.groups_of(&user))
        .transpose()?
        .unwrap_or_default();
    // The root of a container may execute what has the bit for anybody, as CAP_DAC_OVERRIDE has it.
    let who = Credentials::of(user.uid, gids.into_iter().chain([user.gid]));
    if let Some(why) = executable(&path, &who, target)? {
        return Ok(Some(why));
    }
    let known = super::changers::known_script(&path, target)?;
    let Some(line) = known.as_ref().and_then(|text| text.strip_prefix("#!")?.lines().next()) else {
        return Ok(None);
    };
    let Some(interpreter) = line.split_whitespace().next() else { return Ok(None) };
    let why = executable(Path::new(interpreter), &who, target)?;
    Ok(why.map(|why| format!("{} needs {interpreter}: {why}", text::path(&path))))
}

fn executable(path: &Path, who: &Credentials, target: &dyn Target) -> Fact<Option<String>> {
    let shown = text::path(path);
    let Some(ruling) = decide(target, path, who, Permission::Execute)? else {
        return Ok(Some(format!("there is no {shown}")));
    };
    if !ruling.allowed {
        return Ok(Some(format!("uid {} may not execute {shown} ({})", who.uid, ruling.because)));
    }
    let kind = target.file(&ruling.component)?.map(|file| file.kind);
    Ok(match kind {
        Some(FileKind::Directory) => Some(format!("{shown} is a directory")),
        _ => None,
    })
}
