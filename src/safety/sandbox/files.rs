//! Which files a thread may open: `landlock(7)`.

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use std::path::{Path, PathBuf};

/// What reading takes beside the target: the own process (descriptors are opened again by
/// `/proc/self/fd`), ids of the user namespace, and time zones for days of waivers.
const ALWAYS: &[&str] =
    &["/proc/self", "/proc/sys/kernel", "/etc/localtime", "/usr/share/zoneinfo", "/dev/null"];

/// Leaves reading below some places, writing below others, and no network.
pub fn restrict(reads: &[PathBuf], writes: &[PathBuf]) -> Result<(), String> {
    match rules(reads, writes) {
        Ok(RulesetStatus::NotEnforced) => Err("this kernel has none".into()),
        // An old kernel knows less of it; what it knows is in force.
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

fn rules(reads: &[PathBuf], writes: &[PathBuf]) -> Result<RulesetStatus, RulesetError> {
    let abi = ABI::V6;
    let read: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::ReadDir;
    let write = AccessFs::from_write(abi) | read;
    let reads = reads.iter().map(PathBuf::as_path).chain(ALWAYS.iter().map(Path::new));
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::BindTcp | AccessNet::ConnectTcp)?
        .scope(Scope::AbstractUnixSocket | Scope::Signal)?
        .create()?
        .add_rules(path_beneath_rules(reads, read))?
        .add_rules(path_beneath_rules(writes, write))?
        .restrict_self()?;
    Ok(status.ruleset)
}
