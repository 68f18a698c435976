//! Routes to a user through container engines: what their daemons obey, what their commands are
//! given, whose sockets start anything, and whose ids a user may take.
//!
//! An engine of root does what it is told as root: a configuration file names a runtime that is run,
//! a compose file or a quadlet mounts `/`, a static pod is privileged. And whoever decides what root
//! runs within a container that has a directory of the host for writing leaves a setuid program of
//! root there. Nothing is asked of an engine; files decide.

mod commands;
mod compose;
mod ids;
mod places;
mod quadlet;
mod sockets;
mod workload;

pub use commands::add_run;

use super::Items;
use super::person::Route;
use crate::access::root_equivalent::Object;
use crate::facts::account::User;
use crate::facts::{Fact, Unknown};
use crate::host::Target;

/// Adds what engines of root obey.
pub fn add(target: &dyn Target, items: &mut Items) {
    places::add(target, items);
    quadlet::add(target, items);
}

/// Sockets of engines of root, as their units and command lines place them.
pub fn objects(target: &dyn Target, unread: &mut Vec<Unknown>) -> Vec<Object> {
    sockets::objects(target, unread)
}

/// Routes to a user that are no files which somebody could change.
///
/// # Errors
/// Where accounts or ranges cannot be read.
pub fn direct(target: &dyn Target, user: &User, unread: &mut Vec<Unknown>) -> Fact<Vec<Route>> {
    let mut found = ids::routes(target, user)?;
    if user.uid == 0 {
        found.extend(sockets::routes(target, unread)?);
    } else {
        found.extend(sockets::rootless(target, user, unread)?);
    }
    Ok(found)
}
