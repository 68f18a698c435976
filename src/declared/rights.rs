//! What a program gains by its own file when it is executed: setuid and setgid bits, and file
//! capabilities; `execve(2)`, `capabilities(7)`.
//!
//! Of a script the kernel ignores them. A unit that sets `NoNewPrivileges=` gains nothing, and neither
//! does one whose sandbox implies that; `systemd.exec(5)`.

use super::entrypoint;
use super::program::real;
use super::startable;
use super::units::values;
use crate::facts::Fact;
use crate::facts::file::FileKind;
use crate::facts::host::TargetKind;
use crate::facts::mount::{Mount, covering};
use crate::facts::start::{Identity, Start};
use crate::formats::mounts;
use crate::host::Target;
use crate::text;
use std::path::Path;

/// Settings of a unit with which a process that is not root gets no new privileges.
const IMPLY: [&str; 17] = [
    "DynamicUser",
    "LockPersonality",
    "MemoryDenyWriteExecute",
    "PrivateDevices",
    "ProtectClock",
    "ProtectHostname",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "RestrictAddressFamilies",
    "RestrictFileSystems",
    "RestrictNamespaces",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "SystemCallLog",
];

/// What a program gains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gained {
    /// Its owner, where it is setuid.
    pub uid: Option<u32>,
    /// Its group, where it is setgid.
    pub gid: Option<u32>,
    /// Capabilities, one bit each.
    pub capabilities: u64,
    /// In words.
    pub words: Vec<String>,
}

/// What the program of a declaration gains.
///
/// # Errors
/// Where the program or its unit cannot be looked at.
pub fn gained(start: &Start, target: &dyn Target) -> Fact<Gained> {
    let program = start.program.as_deref().filter(|_| start.script.is_none());
    let gained = program.map_or(Ok(Gained::default()), |program| of_program(program, target))?;
    if gained == Gained::default() || gets_no_new_privileges(start, target)? {
        return Ok(Gained::default());
    }
    Ok(gained)
}

/// What a program gains that is executed without `no_new_privs`. A script gains nothing.
///
/// # Errors
/// Where it cannot be looked at, or what it is mounted on.
pub fn of_program(program: &Path, target: &dyn Target) -> Fact<Gained> {
    let mut gained = Gained::default();
    if !program.is_absolute() {
        return Ok(gained);
    }
    let Some(path) = real(&text::path(program), target)? else { return Ok(gained) };
    let Some(file) = target.file(&path)?.filter(|file| file.kind == FileKind::File) else {
        return Ok(gained);
    };
    if file.mode.0 & 0o111 == 0 {
        return Ok(gained);
    }
    let shown = text::path(&path);
    if file.mode.0 & 0o4000 != 0 {
        gained.uid = Some(file.uid);
        gained.words.push(format!("{shown} is setuid {}", user(file.uid, target)));
    }
    // Without the bit to execute for the group it is a mark for locks, `inode(7)`.
    if file.mode.0 & 0o2010 == 0o2010 {
        gained.gid = Some(file.gid);
        gained.words.push(format!("{shown} is setgid (gid {})", file.gid));
    }
    // Those of version 3 count where that uid is root, and nowhere else.
    let capabilities = target.file_capabilities(&path)?;
    if let Some(found) = capabilities.filter(|found| found.root.unwrap_or(0) == 0) {
        gained.capabilities = found.permitted;
        let names = crate::facts::capability::show(found.permitted);
        gained.words.push(format!("{shown} has the file capabilities {names}"));
    }
    if gained == Gained::default() || is_script(&path, target)? || is_nosuid(&path, target)? {
        return Ok(Gained::default());
    }
    Ok(gained)
}

/// Whether a file begins as scripts do: of those the kernel ignores the bits, `execve(2)`.
fn is_script(path: &Path, target: &dyn Target) -> Fact<bool> {
    Ok(startable::first_line(path, target)?.is_some())
}

/// Whether a file lies on a filesystem that is mounted `nosuid`, where bits and capabilities have no
/// effect, `mount(8)`: as the kernel has it mounted, or of a filesystem at rest as `/etc/fstab` will.
/// How an image is mounted is for its engine to say, and none does so.
fn is_nosuid(path: &Path, target: &dyn Target) -> Fact<bool> {
    if target.image().is_some() {
        return Ok(false);
    }
    if target.host().kind == TargetKind::Host {
        let mounts = mounts::in_force(target)?;
        return Ok(covering(&mounts, path).is_some_and(|mount| mount.has("nosuid")));
    }
    let planned = mounts::of_fstab(target)?;
    let above = planned.iter().filter(|mount| path.starts_with(&mount.point));
    let nearest = above.max_by_key(|mount| mount.point.components().count());
    // What users may mount is nosuid unless it says otherwise, mount(8).
    let by_users = |mount: &Mount| {
        ["user", "users", "owner", "group"].iter().any(|word| mount.options.contains(*word))
            && !mount.options.contains("suid")
    };
    Ok(nearest.is_some_and(|mount| mount.has("nosuid") || by_users(mount)))
}

fn user(uid: u32, target: &dyn Target) -> String {
    match target.user_by_id(uid) {
        Ok(Some(user)) => user.name,
        _ => format!("(uid {uid})"),
    }
}

fn gets_no_new_privileges(start: &Start, target: &dyn Target) -> Fact<bool> {
    let Some(name) = &start.unit else { return Ok(false) };
    let Some(unit) = crate::formats::systemd::units::unit(target, name)? else { return Ok(false) };
    let settings = unit.settings.as_ref().map_err(Clone::clone)?;
    let last = |key: &str| {
        let all = values(settings, &format!("Service.{key}"));
        all.last().map(|(value, _)| value.trim().to_owned()).unwrap_or_default()
    };
    let yes =
        |value: &str| ["1", "yes", "true", "on"].iter().any(|y| value.eq_ignore_ascii_case(y));
    let no = |value: &str| {
        value.is_empty()
            || ["0", "no", "false", "off"].iter().any(|n| value.eq_ignore_ascii_case(n))
    };
    if yes(&last("NoNewPrivileges")) {
        return Ok(true);
    }
    let user = last("User");
    let is_root = matches!(user.as_str(), "" | "root" | "0") && !yes(&last("DynamicUser"));
    Ok(!is_root && IMPLY.iter().any(|key| !no(&last(key))))
}

/// Whom a declaration starts its program as, with what the program's file gives.
pub fn apply(start: &mut Start, target: &dyn Target) {
    let gained = match gained(start, target) {
        Ok(gained) => gained,
        Err(why) => {
            start.identity = start.identity.clone().and(Err(why));
            return;
        }
    };
    if gained.uid.is_none() && gained.gid.is_none() {
        return;
    }
    let before = start.identity.as_ref().ok();
    if before.is_none() && gained.uid.is_none() {
        return;
    }
    let words = before.map(|identity| format!("{}; ", identity.words)).unwrap_or_default();
    start.identity = Ok(Identity {
        uid: gained.uid.or(before.and_then(|identity| identity.uid)),
        gid: gained.gid.or(before.and_then(|identity| identity.gid)),
        name: match gained.uid {
            Some(uid) => target.user_by_id(uid).ok().flatten().map(|user| user.name),
            None => before.and_then(|identity| identity.name.clone()),
        },
        words: format!("{words}{}", gained.words.join(", ")),
    });
}

/// What a program gains, or the interpreter that a script is executed by, whose bits do count.
fn with_interpreter(program: &Path, target: &dyn Target) -> Fact<Gained> {
    let line = match program.is_absolute() && target.file(program)?.is_some() {
        true => startable::first_line(program, target)?,
        false => None,
    };
    match line.as_ref().and_then(|line| line.split_whitespace().next()) {
        Some(interpreter) => of_program(Path::new(interpreter), target),
        None => of_program(program, target),
    }
}

/// That the program of an image is root by its own bits, or one that starts it, in words; `None` where
/// it stays whom the configuration says.
///
/// # Errors
/// Where that cannot be told.
pub fn becomes_root(target: &dyn Target) -> Fact<Option<String>> {
    let Some(start) = entrypoint::start(target) else { return Ok(None) };
    let mut unseen = None;
    let mut programs = entrypoint::chain(target);
    programs.extend(start.program);
    for program in &programs {
        match with_interpreter(program, target) {
            Ok(gained) if gained.uid == Some(0) => return Ok(Some(gained.words.join(", "))),
            Ok(_) => {}
            Err(why) => unseen = unseen.or(Some(why)),
        }
    }
    match unseen.or_else(|| start.identity.err()) {
        Some(why) => Err(why),
        None => Ok(None),
    }
}
