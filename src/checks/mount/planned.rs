//! How a mount differs from the line of `/etc/fstab` that asks for it.
//!
//! The kernel shows the options of a mount in its own words, and not all of them: `size=1G` as
//! `size=1048576k`, `mode=1777` of a tmpfs not at all. Options that are shown differently are
//! differences; of those that are not shown nothing can be told, which is an answer of its own.

use crate::declared::program::real;
use crate::facts::mount::Mount;
use crate::facts::quantity::size;
use crate::facts::{Cause, Unknown};
use crate::host::Target;
use std::path::{Path, PathBuf};

/// What differs, in words, and what cannot be told.
pub(crate) fn differences(
    planned: &Mount,
    live: &Mount,
    target: &dyn Target,
) -> (Vec<String>, Option<Unknown>) {
    let mut found = Vec::new();
    let mut unknown = None;
    // `auto` and `none` leave the type to mount(8).
    let open = ["auto", "none"].contains(&planned.filesystem.as_str());
    if !open && planned.filesystem != live.filesystem {
        found.push(format!("is {}, not {}", live.filesystem, planned.filesystem));
    }
    if !planned.options.contains("ro") && live.has("ro") {
        found.push("is read-only".to_owned());
    }
    let written = planned.options.iter().map(String::as_str);
    for option in implied(planned).into_iter().chain(written) {
        match compare(option, live) {
            Answer::Same => {}
            Answer::Differs(how) => found.push(how),
            Answer::NotShown => {
                let why = "the kernel does not show this option of the mount".to_owned();
                unknown = Some(Unknown::new(option, Cause::Unsupported(why)));
            }
        }
    }
    match source(planned, live, target) {
        Ok(Some(how)) => found.push(how),
        Ok(None) => {}
        Err(why) => unknown = unknown.or(Some(why)),
    }
    (found, unknown)
}

enum Answer {
    Same,
    Differs(String),
    NotShown,
}

/// Options that only mount(8), systemd and udev read, or that say how to mount; the kernel never
/// shows them.
pub(crate) fn is_for_programs(option: &str) -> bool {
    const WORDS: [&str; 16] = [
        "auto", "noauto", "user", "nouser", "users", "nousers", "owner", "group", "nofail",
        "_netdev", "defaults", "loop", "sw", "bind", "rbind", "remount",
    ];
    const NAMED: [&str; 4] = ["x-", "X-", "comment=", "pri="];
    WORDS.contains(&option) || NAMED.iter().any(|prefix| option.starts_with(prefix))
}

/// What `user` and the like bring along, mount(8), unless the line says otherwise.
fn implied(planned: &Mount) -> Vec<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| planned.options.contains(*word));
    let (all, some) = (has(&["user", "users"]), has(&["owner", "group"]));
    let implied = [("noexec", "exec", all), ("nosuid", "suid", all || some)];
    let implied = implied.into_iter().chain([("nodev", "dev", all || some)]);
    let kept = implied.filter(|(_, opposite, wanted)| *wanted && !has(&[*opposite]));
    kept.map(|(option, _, _)| option).collect()
}

fn compare(option: &str, live: &Mount) -> Answer {
    /// What every filesystem shows when it is so.
    const FLAGS: [&str; 15] = [
        "ro",
        "rw",
        "nosuid",
        "suid",
        "nodev",
        "dev",
        "noexec",
        "exec",
        "sync",
        "async",
        "dirsync",
        "noatime",
        "nodiratime",
        "relatime",
        "lazytime",
    ];
    if is_for_programs(option) || live.has(option) {
        return Answer::Same;
    }
    if FLAGS.contains(&option) {
        return Answer::Differs(format!("lacks {option}"));
    }
    if matches!(option, "strictatime" | "atime") {
        let other = ["noatime", "relatime"].into_iter().find(|other| live.has(other));
        return match other.filter(|other| option == "strictatime" || *other == "noatime") {
            Some(other) => Answer::Differs(format!("has {other}, not {option}")),
            None => Answer::Same,
        };
    }
    let Some((name, value)) = option.split_once('=') else { return Answer::NotShown };
    let shown = |name: &str| {
        live.options.iter().find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    };
    match name {
        // vfat(5): both are what umask says.
        "umask" => [shown("fmask"), shown("dmask")]
            .into_iter()
            .map(|mask| of_value(name, value, mask))
            .find(|answer| !matches!(answer, Answer::Same))
            .unwrap_or(Answer::Same),
        // What a tmpfs has when nobody says more.
        "mode" if live.filesystem == "tmpfs" => of_value(name, value, shown(name).or(Some("1777"))),
        "uid" | "gid" => of_value(name, value, shown(name).or(Some("0"))),
        "subvol" => of_value(
            name,
            value.trim_start_matches('/'),
            shown(name).map(|s| s.trim_start_matches('/')),
        ),
        _ => of_value(name, value, shown(name)),
    }
}

/// Whether an option that somebody writes is one that the kernel shows, in whatever words: `size=1m` is
/// what it shows as `size=1024k`.
pub(super) fn is_same(option: &str, shown: &str) -> Result<bool, Unknown> {
    if option == shown {
        return Ok(true);
    }
    let (Some((name, value)), Some((other, has))) = (option.split_once('='), shown.split_once('='))
    else {
        return Ok(false);
    };
    if name != other {
        return Ok(false);
    }
    match of_value(name, value, Some(has)) {
        Answer::Same => Ok(true),
        Answer::Differs(_) => Ok(false),
        Answer::NotShown => {
            let why = format!("the kernel shows {shown}, which may be the same");
            Err(Unknown::new(option, Cause::Unsupported(why)))
        }
    }
}

fn of_value(name: &str, planned: &str, shown: Option<&str>) -> Answer {
    let Some(shown) = shown else { return Answer::NotShown };
    let octal = |text: &str| u32::from_str_radix(text, 8).ok();
    let same = match name {
        "mode" | "umask" | "fmask" | "dmask" => octal(planned) == octal(shown),
        // Names of users, and parts of the memory, are numbers by now.
        "uid" | "gid" if planned.parse::<u32>().is_err() => return Answer::NotShown,
        _ if planned.ends_with('%') => return Answer::NotShown,
        _ => planned == shown || size(planned).is_some() && size(planned) == size(shown),
    };
    match same {
        true => Answer::Same,
        false => Answer::Differs(format!("has {name}={shown}, not {name}={planned}")),
    }
}

/// Whether the device is another one than the line names.
fn source(planned: &Mount, live: &Mount, target: &dyn Target) -> Result<Option<String>, Unknown> {
    const TAGS: [(&str, &str); 4] = [
        ("UUID=", "by-uuid"),
        ("LABEL=", "by-label"),
        ("PARTUUID=", "by-partuuid"),
        ("PARTLABEL=", "by-partlabel"),
    ];
    let wanted = planned.source.as_str();
    let differs = || Ok(Some(format!("is of {}, not of {wanted}", live.source)));
    if wanted == live.source
        || ["bind", "rbind", "loop"].iter().any(|o| planned.options.contains(*o))
    {
        return Ok(None);
    }
    if wanted.contains(":/") {
        let same = wanted.trim_end_matches('/') == live.source.trim_end_matches('/');
        return if same { Ok(None) } else { differs() };
    }
    let tag = TAGS.iter().find_map(|(tag, folder)| {
        let value = wanted.strip_prefix(tag)?.trim_matches('"');
        Some(Path::new("/dev/disk").join(folder).join(value))
    });
    let Some(device) = tag.or_else(|| wanted.starts_with("/dev/").then(|| PathBuf::from(wanted)))
    else {
        // tmpfs and the like, a file, what an older util-linux names otherwise.
        return Ok(None);
    };
    // A filesystem of several devices is mounted by any of them.
    if ["btrfs", "bcachefs", "zfs"].contains(&live.filesystem.as_str()) {
        return Ok(None);
    }
    let at_the_end = |path: &str| {
        let why = || "there is no such device, so which one is mounted cannot be told".to_owned();
        real(path, target)?.ok_or_else(|| Unknown::new(path, Cause::Unsupported(why())))
    };
    match at_the_end(&device.to_string_lossy())? == at_the_end(&live.source)? {
        true => Ok(None),
        false => differs(),
    }
}
