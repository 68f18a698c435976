//! What is known of the keys of units: which are lists, which are booleans, what holds by default
//! and what one of them implies. From `systemd.exec(5)`, `systemd.service(5)`, `systemd.unit(5)`
//! and systemd's `load-fragment-gperf.gperf`.

use crate::facts::quantity::{Kind, Special};
use crate::facts::settings::{Block, Setting};
use crate::facts::words::Words;
use std::path::Path;

/// Keys to which every line adds.
const LISTS: &[&str] = &[
    "DNS",
    "Domains",
    "FallbackDNS",
    "FallbackNTP",
    "NTP",
    "After",
    "Alias",
    "Also",
    "AmbientCapabilities",
    "AssertPathExists",
    "Before",
    "BindPaths",
    "BindReadOnlyPaths",
    "BindsTo",
    "CacheDirectory",
    "CapabilityBoundingSet",
    "ConditionPathExists",
    "ConfigurationDirectory",
    "Conflicts",
    "DeviceAllow",
    "Documentation",
    "Environment",
    "EnvironmentFile",
    "ExecCondition",
    "ExecPaths",
    "ExecReload",
    "ExecStart",
    "ExecStartPost",
    "ExecStartPre",
    "ExecStop",
    "ExecStopPost",
    "ExtensionDirectories",
    "ExtensionImages",
    "IPAddressAllow",
    "IPAddressDeny",
    "ImportCredential",
    "InaccessiblePaths",
    "ListenDatagram",
    "ListenFIFO",
    "ListenMessageQueue",
    "ListenNetlink",
    "ListenSequentialPacket",
    "ListenSpecial",
    "ListenStream",
    "ListenUSBFunction",
    "LoadCredential",
    "LoadCredentialEncrypted",
    "LogExtraFields",
    "LogFilterPatterns",
    "LogsDirectory",
    "MountImages",
    "NoExecPaths",
    "OnActiveSec",
    "OnBootSec",
    "OnCalendar",
    "OnFailure",
    "OnStartupSec",
    "OnSuccess",
    "OnUnitActiveSec",
    "OnUnitInactiveSec",
    "PartOf",
    "PassEnvironment",
    "PathChanged",
    "PathExists",
    "PathExistsGlob",
    "PathModified",
    "PropagatesReloadTo",
    "PropagatesStopTo",
    "ReadOnlyDirectories",
    "ReadOnlyPaths",
    "ReadWriteDirectories",
    "ReadWritePaths",
    "ReloadPropagatedFrom",
    "RequiredBy",
    "Requires",
    "RequiresMountsFor",
    "Requisite",
    "RestrictAddressFamilies",
    "RestrictFileSystems",
    "RestrictNetworkInterfaces",
    "RuntimeDirectory",
    "SetCredential",
    "SetCredentialEncrypted",
    "SocketBindAllow",
    "SocketBindDeny",
    "StateDirectory",
    "StopPropagatedFrom",
    "SupplementaryGroups",
    "Symlinks",
    "SystemCallArchitectures",
    "SystemCallFilter",
    "SystemCallLog",
    "TemporaryFileSystem",
    "UnsetEnvironment",
    "Upholds",
    "WantedBy",
    "Wants",
];

/// Keys that are a yes or no and nothing else.
const BOOLEANS: &[&str] = &[
    "Accept",
    "AllowIsolate",
    "BlockIOAccounting",
    "Broadcast",
    "CPUAccounting",
    "CPUSchedulingResetOnFork",
    "DefaultDependencies",
    "DynamicUser",
    "FixedRandomDelay",
    "FlushPending",
    "ForceUnmount",
    "FreeBind",
    "GuessMainPID",
    "IOAccounting",
    "IPAccounting",
    "IgnoreOnIsolate",
    "IgnoreSIGPIPE",
    "KeepAlive",
    "LazyUnmount",
    "LockPersonality",
    "MakeDirectory",
    "MemoryAccounting",
    "MemoryDenyWriteExecute",
    "MountAPIVFS",
    "NoDelay",
    "NoNewPrivileges",
    "NonBlocking",
    "OnClockChange",
    "OnFailureIsolate",
    "OnTimezoneChange",
    "PassCredentials",
    "PassPacketInfo",
    "PassSecurity",
    "PermissionsStartOnly",
    "Persistent",
    "PrivateDevices",
    "PrivateIPC",
    "PrivateMounts",
    "PrivateNetwork",
    "ProtectClock",
    "ProtectKernelLogs",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ReadWriteOnly",
    "RefuseManualStart",
    "RefuseManualStop",
    "RemainAfterElapse",
    "RemainAfterExit",
    "RemoveIPC",
    "RemoveOnStop",
    "RestrictRealtime",
    "RestrictSUIDSGID",
    "ReusePort",
    "RootDirectoryStartOnly",
    "SELinuxContextFromNet",
    "SendSIGHUP",
    "SendSIGKILL",
    "SloppyOptions",
    "StopWhenUnneeded",
    "SyslogLevelPrefix",
    "TTYReset",
    "TTYVHangup",
    "TTYVTDisallocate",
    "TasksAccounting",
    "Transparent",
    "WakeSystem",
    "Writable",
];

/// Keys that are a yes or no, or one of several words.
const BOOLEANS_AND_MORE: &[&str] = &[
    "Delegate",
    "PrivateTmp",
    "PrivateUsers",
    "ProtectControlGroups",
    "ProtectHome",
    "ProtectHostname",
    "ProtectSystem",
    "RestrictNamespaces",
];

/// Documented defaults of system services.
const DEFAULTS: &[(&str, &str)] = &[
    ("DynamicUser", "no"),
    ("KillMode", "control-group"),
    ("LockPersonality", "no"),
    ("MemoryDenyWriteExecute", "no"),
    ("NoNewPrivileges", "no"),
    ("PermissionsStartOnly", "no"),
    ("PrivateDevices", "no"),
    ("PrivateNetwork", "no"),
    ("PrivateTmp", "no"),
    ("PrivateUsers", "no"),
    ("ProtectClock", "no"),
    ("ProtectControlGroups", "no"),
    ("ProtectHome", "no"),
    ("ProtectHostname", "no"),
    ("ProtectKernelLogs", "no"),
    ("ProtectKernelModules", "no"),
    ("ProtectKernelTunables", "no"),
    ("ProtectSystem", "no"),
    ("RemainAfterExit", "no"),
    ("RemoveIPC", "no"),
    ("Restart", "no"),
    ("RestrictNamespaces", "no"),
    ("RestrictRealtime", "no"),
    ("RestrictSUIDSGID", "no"),
    ("UMask", "0022"),
    ("User", "root"),
];

/// What `DynamicUser=yes` sets where the unit itself says nothing, `systemd.exec(5)`.
const DYNAMIC: &[(&str, &str)] = &[
    ("NoNewPrivileges", "yes"),
    ("PrivateTmp", "yes"),
    ("ProtectHome", "read-only"),
    ("ProtectSystem", "strict"),
    ("RemoveIPC", "yes"),
    ("RestrictSUIDSGID", "yes"),
];

/// `parse_boolean()`.
const YES: &[&str] = &["yes", "true", "on", "1", "y", "t"];
const NO: &[&str] = &["no", "false", "off", "0", "n", "f"];
static FLAG: Words = Words::of(&[YES, NO]);
/// Where a key takes other words beside, and where it is not known here what it takes.
static FLAG_OR_MORE: Words = Words::among_others(&[YES, NO]);

/// A key with words of its own.
struct Enumeration {
    key: &'static str,
    /// Its words, in their case.
    words: &'static [&'static str],
    /// Whether it is a flag as well, in any case.
    flag: bool,
    /// The same as rules are read.
    all: Words,
}

const fn words(key: &'static str, words: &'static [&'static str], all: Words) -> Enumeration {
    Enumeration { key, words, flag: false, all }
}

const fn flag_or(key: &'static str, words: &'static [&'static str], all: Words) -> Enumeration {
    Enumeration { key, words, flag: true, all }
}

/// `DEFINE_STRING_TABLE_LOOKUP` of systemd up to 257. A value that is none of these is passed over.
static ENUMERATIONS: &[Enumeration] = &[
    words(
        "CollectMode",
        &["inactive", "inactive-or-failed"],
        Words::of(&[&["inactive"], &["inactive-or-failed"]]),
    ),
    words(
        "DevicePolicy",
        &["auto", "closed", "strict"],
        Words::of(&[&["auto"], &["closed"], &["strict"]]),
    ),
    words("ExitType", &["main", "cgroup"], Words::of(&[&["main"], &["cgroup"]])),
    words(
        "KeyringMode",
        &["inherit", "private", "shared"],
        Words::of(&[&["inherit"], &["private"], &["shared"]]),
    ),
    words(
        "KillMode",
        &["control-group", "process", "mixed", "none"],
        Words::of(&[&["control-group"], &["process"], &["mixed"], &["none"]]),
    ),
    words(
        "ManagedOOMPreference",
        &["none", "avoid", "omit"],
        Words::of(&[&["none"], &["avoid"], &["omit"]]),
    ),
    words(
        "NotifyAccess",
        &["none", "main", "exec", "all"],
        Words::of(&[&["none"], &["main"], &["exec"], &["all"]]),
    ),
    words(
        "OOMPolicy",
        &["continue", "stop", "kill"],
        Words::of(&[&["continue"], &["stop"], &["kill"]]),
    ),
    flag_or("PrivateTmp", &["disconnected"], Words::of(&[YES, NO, &["disconnected"]])),
    flag_or(
        "PrivateUsers",
        &["self", "identity", "full", "managed"],
        Words::of(&[YES, NO, &["self"], &["identity"], &["full"], &["managed"]]),
    ),
    words("ProcSubset", &["all", "pid"], Words::of(&[&["all"], &["pid"]])),
    flag_or(
        "ProtectControlGroups",
        &["private", "strict"],
        Words::of(&[YES, NO, &["private"], &["strict"]]),
    ),
    flag_or(
        "ProtectHome",
        &["read-only", "tmpfs"],
        Words::of(&[YES, NO, &["read-only"], &["tmpfs"]]),
    ),
    words(
        "ProtectProc",
        &["default", "noaccess", "invisible", "ptraceable"],
        Words::of(&[&["default"], &["noaccess"], &["invisible"], &["ptraceable"]]),
    ),
    flag_or("ProtectSystem", &["full", "strict"], Words::of(&[YES, NO, &["full"], &["strict"]])),
    words(
        "Restart",
        &["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"],
        Words::of(&[
            &["no"],
            &["on-success"],
            &["on-failure"],
            &["on-abnormal"],
            &["on-watchdog"],
            &["on-abort"],
            &["always"],
        ]),
    ),
    words(
        "RuntimeDirectoryPreserve",
        &["yes", "no", "restart", "1", "0", "true", "false", "on", "off", "y", "n", "t", "f"],
        Words::of(&[YES, NO, &["restart"]]),
    ),
    words(
        "Storage",
        &["volatile", "persistent", "auto", "none"],
        // coredump.conf has others.
        Words::among_others(&[&["volatile"], &["persistent"], &["auto"], &["none"]]),
    ),
    words(
        "Type",
        &["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"],
        // Mounts and network files have types of their own.
        Words::among_others(&[
            &["simple"],
            &["exec"],
            &["forking"],
            &["oneshot"],
            &["dbus"],
            &["notify"],
            &["notify-reload"],
            &["idle"],
        ]),
    ),
];

fn enumeration(key: &str) -> Option<&'static Enumeration> {
    ENUMERATIONS.iter().find(|known| known.key == key)
}

/// Whether systemd passes over a value that this key of a section cannot take, so that what was said
/// before holds.
pub fn is_refused(section: &str, key: &str, value: &str) -> bool {
    if is_boolean(key) {
        return boolean(value).is_none();
    }
    // `Type=` of a mount is a file system, and coredump.conf has a `Storage=` of its own.
    if key == "Type" && section != "Service" || key == "Storage" && section != "Journal" {
        return false;
    }
    match enumeration(key) {
        // Nothing takes back what was said.
        Some(known) => {
            let taken = known.words.contains(&value) || known.flag && boolean(value).is_some();
            !value.is_empty() && !taken
        }
        None => false,
    }
}

/// Whether every line of a key adds to it.
pub fn is_list(key: &str) -> bool {
    LISTS.contains(&key) || key.starts_with("Condition") || key.starts_with("Assert")
}

/// Whether a key takes a boolean only.
pub fn is_boolean(key: &str) -> bool {
    BOOLEANS.contains(&key)
}

/// Whether a key set to nothing says something: an empty bounding set is no capability at all, an
/// unset one is every capability.
pub fn empty_is_a_value(key: &str) -> bool {
    key == "CapabilityBoundingSet"
}

/// `parse_boolean()` of systemd.
pub fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

/// Other spellings of a value that mean the same to systemd.
pub fn spellings(key: &str, value: &str) -> Vec<String> {
    if !is_boolean(key) && !BOOLEANS_AND_MORE.contains(&key) {
        return Vec::new();
    }
    let all = match boolean(value) {
        Some(true) => ["yes", "true", "on", "1"],
        Some(false) => ["no", "false", "off", "0"],
        None => return Vec::new(),
    };
    all.into_iter().filter(|spelling| *spelling != value).map(str::to_owned).collect()
}

/// The value in force for a path such as `Service.User` that is not set anywhere.
pub fn default(path: &str) -> Option<&'static str> {
    let (section, key) = path.split_once('.')?;
    if !matches!(section, "Service" | "Socket" | "Mount" | "Swap") {
        return None;
    }
    DEFAULTS.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
}

/// What the values of a key count: systemd names them by it.
pub fn kind(path: &str) -> Kind {
    let key = path.rsplit('.').next().unwrap_or_default();
    if let Some(known) = enumeration(key) {
        return Kind::Words(&known.all);
    }
    match key {
        _ if is_boolean(key) => Kind::Words(&FLAG),
        _ if BOOLEANS_AND_MORE.contains(&key) => Kind::Words(&FLAG_OR_MORE),
        "CPUQuota" => Kind::Percent,
        "DefaultLimitNOFILE" | "DefaultLimitNPROC" => Kind::Parts(&Kind::Number),
        "UMask" => Kind::Octal,
        "SocketMode" => Kind::Octal,
        _ if key.ends_with("DirectoryMode") => Kind::Octal,
        "LimitCPU" => Kind::Parts(&Kind::SECONDS),
        "LimitNOFILE" | "LimitNPROC" | "LimitNICE" | "LimitLOCKS" => Kind::Parts(&Kind::Number),
        "StartLimitBurst" | "TasksMax" => Kind::Number,
        "FinalKillSignal" | "KillSignal" | "RestartKillSignal" | "WatchdogSignal" => Kind::Text,
        "MemoryHigh" | "MemoryLow" | "MemoryMax" | "MemoryMin" | "MemorySwapMax" => Kind::BYTES,
        "SystemMaxUse" | "SystemKeepFree" | "RuntimeMaxUse" | "RuntimeKeepFree" => Kind::BYTES,
        _ if key.starts_with("Limit") => Kind::Parts(&Kind::BYTES),
        _ if key.ends_with("Sec") => Kind::SECONDS,
        "Group" | "User" => Kind::Text,
        _ => Kind::Words(&FLAG_OR_MORE),
    }
}

/// Keys whose 0 turns off what they limit: `systemd.unit(5)`, `systemd.service(5)`,
/// `systemd.socket(5)`, `journald.conf(5)`.
pub fn special(path: &str) -> Special {
    match path.rsplit('.').next().unwrap_or_default() {
        "JobRunningTimeoutSec"
        | "JobTimeoutSec"
        | "MaxFileSec"
        | "MaxRetentionSec"
        | "RateLimitBurst"
        | "RateLimitIntervalSec"
        | "StartLimitIntervalSec"
        | "TimeoutSec"
        | "TimeoutStartSec"
        | "TimeoutStopSec"
        | "TriggerLimitBurst"
        | "TriggerLimitIntervalSec"
        | "WatchdogSec" => Special::ZeroOrInfinity,
        key if key.starts_with("Memory")
            || key.starts_with("Limit")
            || key.starts_with("DefaultLimit")
            || key.ends_with("Sec")
            || key.starts_with("Tasks") =>
        {
            Special::Infinity
        }
        _ => Special::None,
    }
}

/// Adds what `DynamicUser=yes` implies, at the line where it stands.
pub fn imply(path: &Path, root: &mut Block) {
    for block in root.blocks.iter_mut().filter(|block| block.name == "Service") {
        let dynamic = block.settings.iter().find(|setting| setting.name == "DynamicUser");
        let Some(dynamic) = dynamic.filter(|setting| boolean(&setting.value) == Some(true)) else {
            continue;
        };
        let at = dynamic.at.clone();
        // Without User= the user is named like the unit.
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let user = stem.as_deref().map(|stem| ("User", stem));
        for (name, value) in DYNAMIC.iter().copied().chain(user) {
            if block.settings.iter().any(|setting| setting.name == name) {
                continue;
            }
            let also = spellings(name, value);
            let (name, value) = (name.to_owned(), value.to_owned());
            block.settings.push(Setting { name, value, also, at: at.clone() });
        }
    }
}
