//! Everything that is declared to start.

use super::{entrypoint, program, supervisord, units};
use crate::facts::start::{Start, Starts};
use crate::facts::{Cause, Unknown};
use crate::host::{Files, Target};
use std::path::Path;
use std::sync::Arc;

/// Everything that is declared to start, and what could not be read.
///
/// In a container only what its command is runs: systemd's units and supervisord's programs count
/// when the command is systemd or supervisord. A root filesystem has no command, and all count.
pub fn starts(target: &dyn Target) -> Arc<Starts> {
    target.memo().get_or_init(|| Arc::new(read(target)))
}

fn read(target: &dyn Target) -> Starts {
    let mut unread = Vec::new();
    let command = entrypoint::start(target);
    let image = target.image().is_some_and(|image| image.config.is_some());
    let mut all = Vec::new();
    if is_systemd(command.as_ref(), !image, target, &mut unread) {
        all.extend(units::all(target, &mut unread));
    }
    all.splice(0..0, command);
    let hosts: Vec<Start> =
        all.iter().filter(|one| program::runs_named(one, "supervisord", target)).cloned().collect();
    for host in &hosts {
        all.extend(supervisord::programs(target, Some(host), &mut unread));
    }
    if hosts.is_empty() && !image {
        all.extend(supervisord::programs(target, None, &mut unread));
    }
    Starts { all, unread }
}

/// Whether the command is systemd; another init starts what is not known here.
fn is_systemd(
    command: Option<&Start>,
    otherwise: bool,
    files: &dyn Files,
    unread: &mut Vec<Unknown>,
) -> bool {
    let Some(command) = command else { return otherwise };
    let Some(path) = command.program.as_deref().and_then(Path::to_str) else { return false };
    let real = program::real(path, files).unwrap_or_else(|why| {
        unread.push(why);
        None
    });
    let last = |path: &Path| path.file_name().is_some_and(|name| name == "systemd");
    if last(Path::new(path)) || real.as_deref().is_some_and(last) {
        return true;
    }
    if program::base(path) == "init" {
        let why = "an init other than systemd: what it starts is not known".to_owned();
        unread.push(Unknown::new(path, Cause::Unsupported(why)));
    }
    false
}
