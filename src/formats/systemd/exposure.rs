//! How exposed a service is: the number that `systemd-analyze security` gives it, from 0.0 (nothing
//! is left open) to 10.0.
//!
//! Every row of its table has a weight and a range; a setting that is as bad as it can be counts its
//! whole weight. The number is the sum of what counts, divided by the sum of the weights that apply,
//! rounded up to a tenth. Weights are those of systemd 252.

use super::capability_set;
use super::keys::boolean;
use super::syscalls::Filter;
use crate::facts::capability;
use crate::facts::settings::{Lookup, Settings};

/// How exposed a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// In tenths: 96 is 9.6.
    pub tenths: u64,
    /// Its rows, the heaviest first.
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Name, as the tool shows it: `User=/DynamicUser=`.
    pub name: &'static str,
    /// What it weighs.
    pub weight: u64,
    /// How bad it may be.
    pub range: u64,
    /// How bad it is; `None`: the row does not apply to this service.
    pub badness: Option<u64>,
    /// What it adds to the exposure, in tenths, rounded up.
    pub tenths: u64,
}

/// The exposure of a service with these settings. `live`: as systemd tells it of a unit that it has
/// loaded, for which it takes note that other settings imply a mount namespace.
pub fn exposure(settings: &Settings, live: bool) -> Exposure {
    let unit = Unit { settings };
    let mut rows = Vec::new();
    unit.rows(live, &mut rows);
    let of = |row: &Row| row.badness.map(|badness| (badness * row.weight).div_ceil(row.range));
    let bad: u64 = rows.iter().filter_map(of).sum();
    let weight: u64 =
        rows.iter().filter(|row| row.badness.is_some()).map(|row| row.weight).sum::<u64>().max(1);
    for row in &mut rows {
        let badness = row.badness.unwrap_or(0);
        row.tenths = (badness * row.weight * 100).div_ceil(row.range * weight);
    }
    rows.sort_by_key(|row| std::cmp::Reverse(row.badness.unwrap_or(0) * row.weight / row.range));
    Exposure { tenths: (bad * 100).div_ceil(weight), rows }
}

/// Rows of single settings that are either on or not: name, setting, weight.
const SWITCHES: &[(&str, &str, u64)] = &[
    ("PrivateDevices=", "PrivateDevices", 1000),
    ("PrivateNetwork=", "PrivateNetwork", 2500),
    ("PrivateUsers=", "PrivateUsers", 1000),
    ("ProtectControlGroups=", "ProtectControlGroups", 1000),
    ("ProtectKernelModules=", "ProtectKernelModules", 1000),
    ("ProtectKernelTunables=", "ProtectKernelTunables", 1000),
    ("ProtectKernelLogs=", "ProtectKernelLogs", 1000),
    ("ProtectClock=", "ProtectClock", 1000),
    ("ProtectHostname=", "ProtectHostname", 50),
    ("LockPersonality=", "LockPersonality", 100),
    ("MemoryDenyWriteExecute=", "MemoryDenyWriteExecute", 100),
    ("RestrictRealtime=", "RestrictRealtime", 500),
];
/// Rows of capabilities that the bounding set should not have: name, capabilities, weight.
const CAPABILITIES: &[(&str, &[&str], u64)] = &[
    ("CapabilityBoundingSet=~CAP_SYS_ADMIN", &["sys_admin"], 1500),
    ("CapabilityBoundingSet=~CAP_SET(UID|GID|PCAP)", &["setuid", "setgid", "setpcap"], 1500),
    ("CapabilityBoundingSet=~CAP_SYS_PTRACE", &["sys_ptrace"], 1500),
    ("CapabilityBoundingSet=~CAP_SYS_TIME", &["sys_time"], 1000),
    ("CapabilityBoundingSet=~CAP_NET_ADMIN", &["net_admin"], 1000),
    ("CapabilityBoundingSet=~CAP_SYS_RAWIO", &["sys_rawio"], 1000),
    ("CapabilityBoundingSet=~CAP_SYS_MODULE", &["sys_module"], 1000),
    ("CapabilityBoundingSet=~CAP_AUDIT_*", &["audit_control", "audit_read", "audit_write"], 500),
    ("CapabilityBoundingSet=~CAP_SYSLOG", &["syslog"], 500),
    ("CapabilityBoundingSet=~CAP_SYS_(NICE|RESOURCE)", &["sys_nice", "sys_resource"], 500),
    ("CapabilityBoundingSet=~CAP_MKNOD", &["mknod"], 500),
    ("CapabilityBoundingSet=~CAP_(CHOWN|FSETID|SETFCAP)", &["chown", "fsetid", "setfcap"], 1000),
    (
        "CapabilityBoundingSet=~CAP_(DAC_*|FOWNER|IPC_OWNER)",
        &["dac_override", "dac_read_search", "fowner", "ipc_owner"],
        1000,
    ),
    ("CapabilityBoundingSet=~CAP_KILL", &["kill"], 500),
    (
        "CapabilityBoundingSet=~CAP_NET_(BIND_SERVICE|BROADCAST|RAW)",
        &["net_bind_service", "net_broadcast", "net_raw"],
        500,
    ),
    ("CapabilityBoundingSet=~CAP_SYS_BOOT", &["sys_boot"], 100),
    ("CapabilityBoundingSet=~CAP_MAC_*", &["mac_admin", "mac_override"], 100),
    ("CapabilityBoundingSet=~CAP_LINUX_IMMUTABLE", &["linux_immutable"], 75),
    ("CapabilityBoundingSet=~CAP_IPC_LOCK", &["ipc_lock"], 50),
    ("CapabilityBoundingSet=~CAP_SYS_CHROOT", &["sys_chroot"], 50),
    ("CapabilityBoundingSet=~CAP_BLOCK_SUSPEND", &["block_suspend"], 25),
    ("CapabilityBoundingSet=~CAP_WAKE_ALARM", &["wake_alarm"], 25),
    ("CapabilityBoundingSet=~CAP_LEASE", &["lease"], 25),
    ("CapabilityBoundingSet=~CAP_SYS_TTY_CONFIG", &["sys_tty_config"], 25),
    ("CapabilityBoundingSet=~CAP_SYS_PACCT", &["sys_pacct"], 25),
    ("CapabilityBoundingSet=~CAP_BPF", &["bpf"], 25),
];
/// Rows of namespaces that it should not be able to make: name, word, weight.
const NAMESPACES: &[(&str, &str, u64)] = &[
    ("RestrictNamespaces=~user", "user", 1500),
    ("RestrictNamespaces=~mnt", "mnt", 500),
    ("RestrictNamespaces=~ipc", "ipc", 500),
    ("RestrictNamespaces=~pid", "pid", 500),
    ("RestrictNamespaces=~cgroup", "cgroup", 500),
    ("RestrictNamespaces=~net", "net", 500),
    ("RestrictNamespaces=~uts", "uts", 100),
];
/// Rows of sets of system calls that it should not be let through to: name, set, weight.
const CALLS: &[(&str, &str, u64)] = &[
    ("SystemCallFilter=~@swap", "@swap", 1000),
    ("SystemCallFilter=~@obsolete", "@obsolete", 250),
    ("SystemCallFilter=~@clock", "@clock", 1000),
    ("SystemCallFilter=~@cpu-emulation", "@cpu-emulation", 250),
    ("SystemCallFilter=~@debug", "@debug", 1000),
    ("SystemCallFilter=~@mount", "@mount", 1000),
    ("SystemCallFilter=~@module", "@module", 1000),
    ("SystemCallFilter=~@raw-io", "@raw-io", 1000),
    ("SystemCallFilter=~@reboot", "@reboot", 1000),
    ("SystemCallFilter=~@privileged", "@privileged", 700),
    ("SystemCallFilter=~@resources", "@resources", 700),
];

struct Unit<'a> {
    settings: &'a Settings,
}

impl Unit<'_> {
    fn all(&self, key: &str) -> Vec<&str> {
        self.of("Service", key)
    }

    fn of(&self, section: &str, key: &str) -> Vec<&str> {
        let found = self.settings.lookup(&format!("{section}.{key}")).into_iter();
        found
            .filter_map(|lookup| match lookup {
                Lookup::Set(setting) => Some(setting.value.as_str()),
                Lookup::NotSet(_) => None,
            })
            .collect()
    }

    fn last(&self, key: &str) -> Option<&str> {
        self.all(key).pop()
    }

    fn on(&self, key: &str) -> bool {
        self.last(key).and_then(boolean) == Some(true)
    }

    fn rows(&self, live: bool, rows: &mut Vec<Row>) {
        let mut add = |name, weight, range, badness| {
            rows.push(Row { name, weight, range, badness, tenths: 0 });
        };
        let bad = |is_bad: bool| Some(u64::from(is_bad));
        let dynamic = self.on("DynamicUser");
        let user = self.last("User").unwrap_or_default();
        let root = ["root", "0"].contains(&user) || (user.is_empty() && !dynamic);
        add(
            "User=/DynamicUser=",
            2000,
            10,
            Some(match user {
                "nobody" => 9,
                _ if root => 10,
                _ => 0,
            }),
        );
        let apply = |badness: Option<u64>| badness.filter(|_| !root);
        let groups = self.all("SupplementaryGroups");
        add("SupplementaryGroups=", 200, 1, apply(bad(!groups.is_empty())));
        for (name, key, weight) in SWITCHES {
            add(name, *weight, 1, bad(!self.on(key)));
        }
        let implied = |key| dynamic || self.on(key);
        add("NoNewPrivileges=", 1000, 1, bad(!implied("NoNewPrivileges")));
        add("RestrictSUIDSGID=", 1000, 1, bad(!implied("RestrictSUIDSGID")));
        add("RemoveIPC=", 100, 1, apply(bad(!implied("RemoveIPC"))));

        // What begins before the mounts are there is not asked about them.
        let late = self.of("Unit", "DefaultDependencies").pop().and_then(boolean) != Some(false);
        let late = |badness: Option<u64>| badness.filter(|_| late);
        let tmp = implied("PrivateTmp");
        let home = self.home(dynamic);
        let system = self.system(dynamic);
        add("PrivateTmp=", 1000, 1, late(bad(!tmp)));
        add("ProtectHome=", 1000, 10, late(Some(home)));
        add("ProtectSystem=", 1000, 10, late(Some(system)));
        let own_root = |key| self.last(key).is_some_and(|path| !["", "/"].contains(&path));
        let image = own_root("RootImage");
        add("RootDirectory=/RootImage=", 200, 1, late(bad(!own_root("RootDirectory") && !image)));
        let switched = [
            "PrivateDevices",
            "ProtectControlGroups",
            "ProtectKernelTunables",
            "ProtectKernelModules",
        ];
        let mounts = self.on("PrivateMounts")
            || live
                && (switched.iter().any(|key| self.on(key))
                    || tmp
                    || home < 10
                    || system < 10
                    || image);
        add("PrivateMounts=", 1000, 1, bad(!mounts));

        let held = self.bounding_set();
        for (name, names, weight) in CAPABILITIES {
            let bits = names.iter().filter_map(|name| capability::parse(name));
            add(name, *weight, 1, bad(bits.into_iter().any(|bit| capability::has(held, bit))));
        }
        let ambient = capability_set(self.all("AmbientCapabilities"));
        add("AmbientCapabilities=", 500, 1, bad(ambient != 0));

        add("UMask=", 100, 10, Some(self.umask()));
        add(
            "KeyringMode=",
            1000,
            1,
            bad(!["private", ""].contains(&self.last("KeyringMode").unwrap_or(""))),
        );
        add(
            "ProtectProc=",
            1000,
            3,
            Some(match self.last("ProtectProc") {
                Some("noaccess") => 1,
                Some("invisible" | "ptraceable") => 0,
                _ => 3,
            }),
        );
        add("ProcSubset=", 10, 1, bad(self.last("ProcSubset") != Some("pid")));
        add("NotifyAccess=", 1000, 1, bad(self.last("NotifyAccess") == Some("all")));
        let delegate = self.last("Delegate").is_some_and(|value| boolean(value) != Some(false));
        add("Delegate=", 100, 1, bad(delegate));

        let allowed = self.namespaces();
        for (name, word, weight) in NAMESPACES {
            add(name, *weight, 1, bad(allowed.contains(word)));
        }
        self.families(&mut add);
        let mut architectures = self.all("SystemCallArchitectures");
        architectures.retain(|line| !line.is_empty());
        let words: Vec<&str> =
            architectures.iter().flat_map(|line| line.split_whitespace()).collect();
        add(
            "SystemCallArchitectures=",
            1000,
            10,
            Some(match words.as_slice() {
                [] => 10,
                words if words.iter().all(|word| *word == "native") => 0,
                _ => 8,
            }),
        );
        let filter = Filter::of(self.all("SystemCallFilter"));
        for (name, set, weight) in CALLS {
            let through = filter.is_none() || filter.lets_through(set).is_some();
            let badness = match (through, filter.allows) {
                (false, _) => 0,
                (true, true) => 9,
                (true, false) => 10,
            };
            add(name, *weight, 10, Some(badness));
        }
        add("IPAddressDeny=", 1000, 10, Some(self.addresses()));
        add("DeviceAllow=", 1000, 10, Some(self.devices()));
    }

    fn home(&self, dynamic: bool) -> u64 {
        match self.last("ProtectHome") {
            Some("read-only") => 5,
            Some("tmpfs") => 1,
            Some(value) if boolean(value) == Some(true) => 0,
            _ if dynamic => 5,
            _ => 10,
        }
    }

    fn system(&self, dynamic: bool) -> u64 {
        match self.last("ProtectSystem") {
            _ if dynamic => 0,
            Some("full") => 3,
            Some("strict") => 0,
            Some(value) if boolean(value) == Some(true) => 5,
            _ => 10,
        }
    }

    /// The bounding set, without what other settings take out of it.
    fn bounding_set(&self) -> u64 {
        let lines = self.all("CapabilityBoundingSet");
        let mut held = if lines.is_empty() { capability::ALL } else { capability_set(lines) };
        for (key, names) in [
            ("PrivateDevices", ["mknod", "sys_rawio"].as_slice()),
            ("ProtectKernelModules", &["sys_module"]),
            ("ProtectKernelLogs", &["syslog"]),
            ("ProtectClock", &["sys_time", "wake_alarm"]),
        ] {
            if self.on(key) {
                for bit in names.iter().filter_map(|name| capability::parse(name)) {
                    held &= !capability::mask(bit);
                }
            }
        }
        held
    }

    fn umask(&self) -> u64 {
        let mask = self.last("UMask").and_then(|text| u32::from_str_radix(text, 8).ok());
        let mask = mask.unwrap_or(0o022);
        let open = [(0o002, 10), (0o004, 5), (0o020, 2), (0o040, 1)];
        open.into_iter().find(|(bit, _)| mask & bit == 0).map_or(0, |(_, badness)| badness)
    }

    /// Kinds of namespace that it may make.
    fn namespaces(&self) -> Vec<&'static str> {
        let all: Vec<&'static str> = NAMESPACES.iter().map(|(_, word, _)| *word).collect();
        let Some(value) = self.last("RestrictNamespaces").filter(|value| !value.is_empty()) else {
            return all;
        };
        match boolean(value) {
            Some(true) => return Vec::new(),
            Some(false) => return all,
            None => {}
        }
        let (inverted, words) = match value.strip_prefix('~') {
            Some(words) => (true, words),
            None => (false, value),
        };
        let named: Vec<&str> = words.split_whitespace().collect();
        all.into_iter().filter(|word| named.contains(word) != inverted).collect()
    }

    /// Rows of address families: those that it may use are bad.
    fn families(&self, add: &mut impl FnMut(&'static str, u64, u64, Option<u64>)) {
        let mut allows = false;
        let mut listed: Vec<&str> = Vec::new();
        let mut begun = false;
        for line in self.all("RestrictAddressFamilies") {
            if line.is_empty() {
                (allows, begun) = (false, false);
                listed.clear();
                continue;
            }
            if line == "none" {
                (allows, begun) = (true, true);
                listed.clear();
                continue;
            }
            let (inverted, words) = match line.strip_prefix('~') {
                Some(words) => (true, words),
                None => (false, line),
            };
            if !begun {
                (allows, begun) = (!inverted, true);
            }
            for word in words.split_whitespace() {
                match inverted == allows {
                    true => listed.retain(|known| *known != word),
                    false => listed.push(word),
                }
            }
        }
        let known = ["AF_INET", "AF_INET6", "AF_UNIX", "AF_LOCAL", "AF_NETLINK", "AF_PACKET"];
        let mut row = |name, weight, fits: &dyn Fn(&str) -> bool| {
            let named = listed.iter().any(|word| fits(word));
            add(name, weight, 1, Some(u64::from(named == allows)));
        };
        row("RestrictAddressFamilies=~AF_(INET|INET6)", 1500, &|word| {
            ["AF_INET", "AF_INET6"].contains(&word)
        });
        row("RestrictAddressFamilies=~AF_UNIX", 25, &|word| {
            ["AF_UNIX", "AF_LOCAL"].contains(&word)
        });
        row("RestrictAddressFamilies=~AF_NETLINK", 200, &|word| word == "AF_NETLINK");
        row("RestrictAddressFamilies=~AF_PACKET", 1000, &|word| word == "AF_PACKET");
        row("RestrictAddressFamilies=~…", 1250, &|word| !known.contains(&word));
    }

    fn addresses(&self) -> u64 {
        let filtered = ["IPIngressFilterPath", "IPEgressFilterPath"]
            .iter()
            .any(|key| self.last(key).is_some_and(|path| !path.is_empty()));
        if filtered {
            return 0;
        }
        let words = |key| -> Vec<&str> {
            self.all(key).into_iter().flat_map(str::split_whitespace).collect()
        };
        let denied = words("IPAddressDeny");
        let any = |word: &str| denied.iter().any(|one| *one == "any" || *one == word);
        if !(any("0.0.0.0/0") && any("::/0")) {
            return 10;
        }
        let local = |word: &&str| {
            *word == "localhost" || word.starts_with("127.") || word.starts_with("::1")
        };
        let allowed = words("IPAddressAllow");
        match (allowed.iter().all(local), allowed.is_empty()) {
            (_, true) => 0,
            (true, false) => 2,
            (false, false) => 5,
        }
    }

    fn devices(&self) -> u64 {
        let policy = match self.last("DevicePolicy") {
            Some("strict" | "closed") => true,
            Some("auto") | None => self.on("PrivateDevices"),
            Some(_) => false,
        };
        let special = !self.all("DeviceAllow").is_empty() || self.on("ProtectClock");
        match (policy, special) {
            (false, _) => 10,
            (true, true) => 5,
            (true, false) => 0,
        }
    }
}
