//! Which system calls a thread may make: `seccomp(2)`.
//!
//! What is refused is listed, not what is allowed: name services load modules of their own, whose
//! calls nobody knows beforehand. A refused call gives `EPERM`; nothing of what is refused is made by
//! spotcheck itself, but for the time of access that is left alone where that can be.

use super::Need;
use nix::libc as c;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter,
};
use std::collections::BTreeMap;

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Calls that nobody needs who reads: programs, other processes, the kernel itself, mounts.
const NEVER: &[c::c_long] = &[
    c::SYS_execve,
    c::SYS_execveat,
    c::SYS_ptrace,
    c::SYS_process_vm_readv,
    c::SYS_process_vm_writev,
    c::SYS_pidfd_getfd,
    c::SYS_pidfd_send_signal,
    c::SYS_kill,
    c::SYS_tkill,
    c::SYS_rt_sigqueueinfo,
    c::SYS_mount,
    c::SYS_umount2,
    c::SYS_move_mount,
    c::SYS_open_tree,
    c::SYS_fsopen,
    c::SYS_fsmount,
    c::SYS_fsconfig,
    c::SYS_fspick,
    c::SYS_mount_setattr,
    c::SYS_pivot_root,
    c::SYS_chroot,
    c::SYS_bpf,
    c::SYS_perf_event_open,
    c::SYS_userfaultfd,
    c::SYS_io_uring_setup,
    c::SYS_init_module,
    c::SYS_finit_module,
    c::SYS_delete_module,
    c::SYS_kexec_load,
    c::SYS_reboot,
    c::SYS_swapon,
    c::SYS_swapoff,
    c::SYS_acct,
    c::SYS_quotactl,
    c::SYS_keyctl,
    c::SYS_add_key,
    c::SYS_request_key,
    c::SYS_settimeofday,
    c::SYS_clock_settime,
    c::SYS_clock_adjtime,
    c::SYS_adjtimex,
    c::SYS_sethostname,
    c::SYS_setdomainname,
    c::SYS_open_by_handle_at,
    c::SYS_vhangup,
    c::SYS_syslog,
    c::SYS_listen,
];

/// Calls that change files.
const CHANGES: &[c::c_long] = &[
    c::SYS_renameat,
    c::SYS_renameat2,
    c::SYS_unlinkat,
    c::SYS_linkat,
    c::SYS_symlinkat,
    c::SYS_mkdirat,
    c::SYS_mknodat,
    c::SYS_truncate,
    c::SYS_ftruncate,
    c::SYS_fallocate,
    c::SYS_fchmod,
    c::SYS_fchmodat,
    c::SYS_fchown,
    c::SYS_fchownat,
    c::SYS_utimensat,
    c::SYS_setxattr,
    c::SYS_lsetxattr,
    c::SYS_fsetxattr,
    c::SYS_removexattr,
    c::SYS_lremovexattr,
    c::SYS_fremovexattr,
];

/// The older names of the same, which only this architecture has.
#[cfg(target_arch = "x86_64")]
const OLD: &[c::c_long] = &[
    c::SYS_creat,
    c::SYS_rename,
    c::SYS_unlink,
    c::SYS_rmdir,
    c::SYS_link,
    c::SYS_symlink,
    c::SYS_mkdir,
    c::SYS_mknod,
    c::SYS_chmod,
    c::SYS_chown,
    c::SYS_lchown,
    c::SYS_utime,
    c::SYS_utimes,
    c::SYS_futimesat,
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: &[c::c_long] = &[];

/// Namespaces of `clone(2)` and `unshare(2)`.
const NAMESPACES: [c::c_int; 7] = [
    c::CLONE_NEWNS,
    c::CLONE_NEWUTS,
    c::CLONE_NEWIPC,
    c::CLONE_NEWUSER,
    c::CLONE_NEWPID,
    c::CLONE_NEWNET,
    c::CLONE_NEWCGROUP,
];

/// Refuses this thread, and those that it starts, what its work does not take.
pub fn restrict(need: &Need) -> Result<(), String> {
    let error = |error: seccompiler::Error| error.to_string();
    let rules = rules(need).map_err(|error| error.to_string())?;
    // glibc starts a thread by the older call where the newer one is not there; what that one is to do
    // lies in memory, where no filter can look.
    let newer = Rules::from([(c::SYS_clone3, Vec::new())]);
    apply(rules, c::EPERM).map_err(error)?;
    apply(newer, c::ENOSYS).map_err(error)
}

fn apply(rules: Rules, errno: c::c_int) -> Result<(), seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let refuse = SeccompAction::Errno(errno.unsigned_abs());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch)?;
    let program: BpfProgram = filter.try_into()?;
    apply_filter(&program)
}

fn rules(need: &Need) -> Result<Rules, seccompiler::BackendError> {
    let mut rules = Rules::new();
    let mut refuse = |calls: &[c::c_long]| {
        rules.extend(calls.iter().map(|call| (*call, Vec::new())));
    };
    refuse(NEVER);
    if !need.enters_namespaces {
        refuse(&[c::SYS_setns]);
    }
    let changes = need.writes.is_empty();
    if changes {
        refuse(CHANGES);
        refuse(OLD);
    }
    if need.reads.is_some() {
        refuse(&[c::SYS_socket, c::SYS_socketpair, c::SYS_connect, c::SYS_bind]);
    } else {
        // Local services, the kernel, and name services that ask a server.
        let others = [c::AF_UNIX, c::AF_INET, c::AF_INET6, c::AF_NETLINK]
            .map(|family| condition(0, SeccompCmpOp::Ne, family.unsigned_abs().into()));
        let others = others.into_iter().collect::<Result<Vec<_>, _>>()?;
        rules.insert(c::SYS_socket, vec![SeccompRule::new(others)?]);
    }
    if changes {
        let mut writing = |call: c::c_long, flags: u8| -> Result<(), seccompiler::BackendError> {
            let bits = |mask: c::c_int, value: c::c_int| {
                let mask = SeccompCmpOp::MaskedEq(mask.unsigned_abs().into());
                SeccompRule::new(vec![condition(flags, mask, value.unsigned_abs().into())?])
            };
            let each = vec![
                bits(c::O_ACCMODE, c::O_WRONLY)?,
                bits(c::O_ACCMODE, c::O_RDWR)?,
                bits(c::O_CREAT, c::O_CREAT)?,
                bits(c::O_TRUNC, c::O_TRUNC)?,
            ];
            rules.insert(call, each);
            Ok(())
        };
        writing(c::SYS_openat, 2)?;
        #[cfg(target_arch = "x86_64")]
        writing(c::SYS_open, 1)?;
    }
    let flag = |flag: c::c_int, set: bool| {
        let bit = u64::from(flag.unsigned_abs());
        let wanted = if set { bit } else { 0 };
        SeccompRule::new(vec![condition(0, SeccompCmpOp::MaskedEq(bit), wanted)?])
    };
    let namespaces = || NAMESPACES.iter().map(|namespace| flag(*namespace, true));
    rules.insert(c::SYS_unshare, namespaces().collect::<Result<_, _>>()?);
    // A thread, and no process.
    rules.insert(c::SYS_clone, vec![flag(c::CLONE_THREAD, false)?]);
    #[cfg(target_arch = "x86_64")]
    rules.extend([(c::SYS_fork, Vec::new()), (c::SYS_vfork, Vec::new())]);
    Ok(rules)
}

fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}
