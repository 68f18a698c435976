//! What decides what a service does: its processes as they are, and the units that they belong to.

use super::{Items, process, root, unit};
use crate::facts::process::Process;
use crate::host::Target;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Everything about these processes, these units and the units of the processes, and these
/// configuration files.
pub fn items(
    target: &dyn Target,
    processes: &[Arc<Process>],
    units: impl IntoIterator<Item = String>,
    configuration: &[PathBuf],
) -> Items {
    let mut items = Items::default();
    let mut units: BTreeSet<String> = units.into_iter().collect();
    for one in processes {
        process::add(target, one, &mut items);
        match &one.cgroup {
            Ok(cgroup) => {
                units.extend(cgroup.unit.clone().filter(|unit| unit.ends_with(".service")));
            }
            Err(why) => items.unread.push(why.clone()),
        }
    }
    for name in units {
        match crate::formats::systemd::units::unit(target, &name) {
            Ok(Some(found)) => unit::add(target, &found, &mut items),
            Ok(None) => {}
            Err(why) => items.unread.push(why),
        }
    }
    // What every program loads, this one does.
    if !items.is_empty() {
        root::linker(target, &mut items);
    }
    for file in configuration {
        process::add_configuration(target, file, None, &mut items);
    }
    items
}
