//! Ports that nobody holds and that answer all the same: rules of the packet filter send what arrives
//! at a port to another address (DNAT of Docker without `userland-proxy`, of Podman's netavark and
//! CNI, of kube-proxy).
//!
//! The rules themselves are not read. Where the host passes packets on (`ip_forward`) and the kernel
//! keeps track of connections, which every translation of addresses needs, there may be one, and that
//! nothing holds a port does not prove that nothing answers on it.

use crate::facts::{Cause, Unknown};
use crate::host::Target;
use std::path::Path;

/// The switches of the kernel for passing packets on.
const FORWARDING: [&str; 2] =
    ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"];
/// There once connections are kept track of, `nf_conntrack` of the kernel's documentation.
const TRACKING: &str = "/proc/sys/net/netfilter/nf_conntrack_max";

/// Why ports that nobody holds may answer, if they may.
pub(in crate::checks) fn may_be(target: &dyn Target) -> Option<Unknown> {
    let mut switched_on = None;
    let mut unseen = None;
    for path in FORWARDING {
        match target.read(Path::new(path)) {
            Ok(content) if content.as_ref().is_some_and(|text| text.trim_ascii() == b"1") => {
                switched_on.get_or_insert(path);
            }
            Ok(_) | Err(Unknown { cause: Cause::NotRecorded(_), .. }) => {}
            Err(why) => {
                unseen.get_or_insert(why);
            }
        }
    }
    if switched_on.is_none() && unseen.is_none() {
        return None;
    }
    match target.file(Path::new(TRACKING)) {
        Ok(None) | Err(Unknown { cause: Cause::NotRecorded(_), .. }) => return None,
        Ok(Some(_)) => {}
        Err(why) => {
            unseen.get_or_insert(why);
        }
    }
    if let Some(why) = unseen {
        return Some(why);
    }
    let why = "this host passes packets on, and rules of the packet filter (DNAT of Docker, Podman, \
               Kubernetes), which are not read, may make a port answer that nobody holds";
    Some(Unknown::new(switched_on?, Cause::Unsupported(why.to_owned())))
}
