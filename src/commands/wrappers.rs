//! Programs that start another one and stay out of the way. From their manual pages; each is in
//! one row: which options have a value, how many operands stand before the command, what changes.

use super::options::Valued;

/// What a wrapper changes for the command that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that matters here.
    Nothing,
    /// The user is the value of one of these options; without them the second, if any.
    User(&'static [&'static str], Option<&'static str>),
    /// The user is the operand before the command.
    UserOperand,
    /// The root directory is the operand before the command.
    Root,
    /// The operand before the command is a directory or file that decides its environment.
    Environment,
    /// A single word that follows is a text for a shell.
    Text,
}

/// One program.
#[derive(Debug)]
pub(super) struct Wrapper {
    /// Its names.
    pub names: &'static [&'static str],
    /// Options with a value.
    pub valued: Valued,
    /// Operands before the command.
    pub before: usize,
    /// What it changes.
    pub effect: Effect,
}

const fn row(
    names: &'static [&'static str],
    letters: &'static str,
    long: &'static [&'static str],
    before: usize,
    effect: Effect,
) -> Wrapper {
    Wrapper { names, valued: Valued { letters, names: long }, before, effect }
}

use Effect::{Environment, Nothing, Root, Text, User, UserOperand};

/// All of them.
pub(super) static WRAPPERS: &[Wrapper] = &[
    // Priorities, limits, times: coreutils, util-linux, numactl, procps.
    row(&["nice"], "n", &["adjustment"], 0, Nothing),
    row(&["ionice"], "cn", &["class", "classdata"], 0, Nothing),
    row(&["chrt"], "TPD", &["sched-runtime", "sched-period", "sched-deadline"], 1, Nothing),
    row(&["taskset"], "", &[], 1, Nothing),
    row(&["uclampset"], "mM", &[], 0, Nothing),
    row(&["choom"], "n", &["adjust"], 0, Nothing),
    row(&["prlimit"], "", &[], 0, Nothing),
    row(&["timeout", "gtimeout"], "ks", &["kill-after", "signal"], 1, Nothing),
    row(
        &["numactl"],
        "NmCipPw",
        &["cpunodebind", "membind", "physcpubind", "interleave", "preferred"],
        0,
        Nothing,
    ),
    row(&["cpulimit"], "lepPc", &["limit", "exe", "path", "pid"], 0, Nothing),
    row(&["softlimit"], "acdflmnoprst", &[], 0, Nothing),
    row(&["time"], "fo", &["format", "output"], 0, Nothing),
    row(&["schedtool"], "napMeDr", &[], 0, Nothing),
    // Sessions, terminals, output.
    row(
        &["nohup", "setsid", "chronic", "cronic", "run-one", "eatmydata", "fakeroot"],
        "",
        &[],
        0,
        Nothing,
    ),
    row(
        &["unbuffer", "ts", "dbus-launch", "linux32", "linux64", "i386", "run-this-one"],
        "",
        &[],
        0,
        Nothing,
    ),
    row(&["stdbuf"], "ioe", &["input", "output", "error"], 0, Nothing),
    row(&["setarch"], "", &[], 1, Nothing),
    row(
        &["systemd-cat"],
        "tpi",
        &["identifier", "priority", "level-prefix", "stderr-priority"],
        0,
        Nothing,
    ),
    row(&["systemd-inhibit"], "", &["what", "who", "why", "mode"], 0, Nothing),
    row(&["dbus-run-session"], "", &["config-file", "dbus-daemon"], 0, Nothing),
    row(&["ssh-agent"], "aEtPO", &[], 0, Nothing),
    row(
        &["xvfb-run"],
        "efnpsw",
        &["error-file", "auth-file", "server-num", "server-args", "wait"],
        0,
        Nothing,
    ),
    row(&["logsave"], "", &[], 1, Nothing),
    row(&["faketime"], "f", &[], 1, Nothing),
    row(&["aa-exec"], "pn", &["profile", "namespace"], 0, Nothing),
    row(&["runcon"], "turl", &["type", "user", "role", "range"], 0, Nothing),
    row(&["authbind", "torsocks", "torify", "proxychains", "proxychains4"], "f", &[], 0, Nothing),
    row(&["strace"], "oepsaubEIOPSX", &[], 0, User(&["u"], None)),
    row(&["ltrace"], "oelsanuwFADx", &[], 0, User(&["u"], None)),
    row(&["valgrind", "catchsegv", "rlwrap"], "", &[], 0, Nothing),
    row(&["cgexec"], "g", &[], 0, Nothing),
    row(&["firejail"], "", &[], 0, Nothing),
    row(&["pgrphack"], "", &[], 0, Nothing),
    row(&["setlock"], "", &[], 1, Nothing),
    row(&["lockrun"], "LS", &["lockfile", "maxtime"], 0, Nothing),
    row(&["solo"], "", &[], 0, Nothing),
    row(&["flock"], "wE", &["timeout", "wait", "conflict-exit-code"], 1, Text),
    row(&["lockf"], "t", &[], 1, Nothing),
    row(&["dotlockfile"], "lrpI", &[], 1, Nothing),
    row(&["lckdo"], "W", &[], 1, Nothing),
    row(&["watch"], "ndq", &["interval"], 0, Text),
    row(&["sem"], "j", &["id", "jobs"], 0, Nothing),
    // Namespaces and roots.
    row(
        &["unshare"],
        "SGRw",
        &["setuid", "setgid", "root", "wd", "map-user", "map-group", "propagation"],
        0,
        User(&["S", "setuid"], None),
    ),
    row(&["nsenter"], "tSG", &["target", "setuid", "setgid"], 0, User(&["S", "setuid"], None)),
    row(&["chroot"], "", &["userspec", "groups"], 1, Root),
    row(&["arch-chroot"], "u", &[], 1, Root),
    // Supervisors and first processes of containers.
    row(&["tini", "tini-static", "docker-init"], "pe", &[], 0, Nothing),
    row(&["dumb-init"], "r", &["rewrite"], 0, Nothing),
    row(&["catatonit", "with-contenv"], "", &[], 0, Nothing),
    row(&["s6-setsid", "s6-nice", "s6-pause", "s6-background"], "n", &[], 0, Nothing),
    row(&["s6-softlimit"], "acdflmnoprst", &[], 0, Nothing),
    row(&["s6-envdir", "envdir"], "", &[], 1, Environment),
    row(&["s6-setuidgid", "setuidgid", "su-exec", "gosu", "envuidgid"], "", &[], 1, UserOperand),
    row(&["s6-applyuidgid"], "ugG", &[], 0, User(&["u"], None)),
    row(&["chpst"], "uUe/nmdopfcrtP", &[], 0, User(&["u"], None)),
    // Other users.
    row(
        &["sudo"],
        "ACDghpRrtTUu",
        &[
            "user",
            "group",
            "chdir",
            "chroot",
            "host",
            "prompt",
            "role",
            "type",
            "close-from",
            "command-timeout",
            "other-user",
        ],
        0,
        User(&["u", "user"], Some("root")),
    ),
    row(&["doas"], "uCa", &[], 0, User(&["u"], Some("root"))),
    row(&["pkexec"], "", &["user"], 0, User(&["user"], Some("root"))),
    row(
        &["run0"],
        "ugD",
        &[
            "user",
            "group",
            "unit",
            "property",
            "description",
            "slice",
            "nice",
            "chdir",
            "setenv",
            "background",
        ],
        0,
        User(&["u", "user"], Some("root")),
    ),
    row(
        &["setpriv"],
        "",
        &[
            "reuid",
            "regid",
            "ruid",
            "euid",
            "rgid",
            "egid",
            "groups",
            "inh-caps",
            "ambient-caps",
            "bounding-set",
            "securebits",
            "pdeathsig",
            "selinux-label",
            "apparmor-profile",
            "landlock-access",
            "landlock-rule",
            "seccomp-filter",
            "ptracer",
        ],
        0,
        User(&["reuid", "euid", "ruid"], None),
    ),
    row(
        &["systemd-run"],
        "uptMHEPGCd",
        &[
            "unit",
            "property",
            "description",
            "slice",
            "service-type",
            "uid",
            "gid",
            "nice",
            "working-directory",
            "setenv",
            "on-active",
            "on-boot",
            "on-startup",
            "on-unit-active",
            "on-unit-inactive",
            "on-calendar",
            "path-property",
            "socket-property",
            "timer-property",
            "host",
            "machine",
            "background",
        ],
        0,
        User(&["uid"], None),
    ),
    row(&["daemonize"], "acueopl", &[], 0, User(&["u"], None)),
    row(
        &["daemon"],
        "nuPFoEDdlOLAaXUeMCp",
        &[
            "name", "user", "pidfile", "chdir", "chroot", "errlog", "output", "stdout", "stderr",
            "env", "pidfiles",
        ],
        0,
        User(&["u", "user"], None),
    ),
];

/// The wrapper of a name.
pub(super) fn find(name: &str) -> Option<&'static Wrapper> {
    WRAPPERS.iter().find(|one| one.names.contains(&name))
}
