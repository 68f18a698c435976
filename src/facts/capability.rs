//! Capabilities, as `capabilities(7)` and the kernel's `include/uapi/linux/capability.h` name them.
//!
//! A set is a plain `u64` with one bit per capability, as `/proc/PID/status` shows it. Bits that no
//! name is known for are kept and shown by number: a newer kernel may have more.

/// Bypass read, write and execute checks of files.
pub const DAC_OVERRIDE: u8 = 1;
/// Bypass read checks of files, and read and search checks of directories.
pub const DAC_READ_SEARCH: u8 = 2;

/// Act as the owner of any file.
pub const FOWNER: u8 = 3;

/// The names, each at the index of its bit, in lower case and without `cap_`.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// Every capability that has a name here (bits 0 to 40).
pub const ALL: u64 = (1 << NAMES.len()) - 1;

/// The name of a capability as the kernel's tools write it, such as `cap_net_bind_service`; a bit
/// without a known name is `cap_41`, as `capsh(1)` shows it without the prefix.
pub fn name(bit: u8) -> String {
    match NAMES.get(usize::from(bit)) {
        Some(name) => format!("cap_{name}"),
        None => format!("cap_{bit}"),
    }
}

/// The bit of a capability written as `CAP_NET_BIND_SERVICE`, `cap_net_bind_service`,
/// `net_bind_service`, or `cap_41` for one without a name. `None`: there is no such capability.
pub fn parse(text: &str) -> Option<u8> {
    let lower = text.to_ascii_lowercase();
    let (bare, prefixed) = match lower.strip_prefix("cap_") {
        Some(bare) => (bare, true),
        None => (lower.as_str(), false),
    };
    if let Some(bit) = NAMES.iter().position(|name| *name == bare) {
        return u8::try_from(bit).ok();
    }
    // A number stands for a bit only where no name does, and only in the one spelling of `name`.
    let bit = bare.parse::<u8>().ok().filter(|bit| prefixed && *bit < 64)?;
    (name(bit) == lower).then_some(bit)
}

/// The set that holds just this capability.
pub const fn mask(bit: u8) -> u64 {
    if bit < 64 { 1 << bit } else { 0 }
}

/// Whether a set holds a capability.
pub const fn has(set: u64, bit: u8) -> bool {
    set & mask(bit) != 0
}

/// The names of a set in alphabetical order.
pub fn names(set: u64) -> Vec<String> {
    let mut names: Vec<String> = (0..64).filter(|bit| has(set, *bit)).map(name).collect();
    names.sort();
    names
}

/// A set in words: its names in alphabetical order, `none`, or `all` for every capability known here.
pub fn show(set: u64) -> String {
    match set {
        0 => "none".to_owned(),
        ALL => "all".to_owned(),
        _ => names(set).join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn every_spelling_of_a_capability_means_its_bit() {
        for text in ["CAP_NET_BIND_SERVICE", "cap_net_bind_service", "net_bind_service"] {
            assert_eq!(parse(text), Some(10), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_capability_is_refused() {
        for text in ["", "cap_", "net_bind", "41", "cap_64", "cap_041", "cap_+41", "cap_1", "all"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn names_and_bits_lead_back_to_each_other() {
        for bit in 0..64 {
            assert_eq!(parse(&name(bit)), Some(bit));
        }
    }

    #[test]
    fn a_set_is_shown_as_sorted_names() {
        assert_eq!(show(0), "none");
        assert_eq!(show(ALL), "all");
        assert_eq!(show(1 << 10 | 1), "cap_chown, cap_net_bind_service");
        assert_eq!(show(1 << 41 | 1 << 39), "cap_41, cap_bpf");
    }

    #[test]
    fn no_bit_beyond_the_set_is_ever_held() {
        assert!(!has(u64::MAX, 64));
        assert_eq!(mask(200), 0);
    }

    /// Differential: `capsh --decode` of libcap knows the same names for the same bits.
    #[test]
    fn capsh_decodes_every_bit_to_the_same_name() {
        for bit in 0..=63 {
            let decode = format!("--decode={:x}", 1_u64 << bit);
            let Ok(output) = Command::new("capsh").arg(decode).output() else {
                eprintln!("SKIPPED (needs capsh of libcap2-bin): capability names");
                return;
            };
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            let theirs = text.split_once('=').expect("hex=name").1;
            let ours = name(bit);
            let known = usize::from(bit) < NAMES.len();
            assert_eq!(theirs, if known { ours.as_str() } else { &ours[4..] });
        }
    }
}
