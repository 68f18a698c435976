//! What programs let whoever runs them do beyond what they are for, by name: give a shell, run any
//! other program, load any library, write or read any file. Whoever may run one of them as root is
//! root: a reader of any file has root's keys and everybody's password hashes.
//!
//! The names are those that the catalogue GTFOBins lists with one of the functions shell, command,
//! library load, file write and file read (read in 2026), and what the manual pages of util-linux,
//! shadow, systemd, kmod and container engines say of theirs.

/// Programs that do so even where all of their arguments are fixed: they read commands from whoever
/// uses them, or from a pager.
const ALWAYS: &[&str] = &[
    "agetty", "alpine", "ash", "aspell", "bash", "bconsole", "byebug", "crash", "csh", "dash",
    "debugfs", "dialog", "dmsetup", "ed", "elvish", "emacs", "ex", "expect", "fish", "ftp", "gdb",
    "ghci", "gimp", "ginsh", "gnuplot", "iftop", "irb", "ispell", "joe", "jshell", "ksh", "less",
    "lftp", "login", "lua", "man", "minicom", "more", "msfconsole", "mutt", "mysql", "mariadb",
    "nano", "ncdu", "ncftp", "newgrp", "node", "nvim", "octave", "perl", "pg", "php", "pico", "pry",
    "psftp", "psql", "python", "ranger", "rc", "red", "rlogin", "rtorrent", "ruby", "runuser",
    "rview", "rvim", "sash", "scanmem", "screen", "sftp", "sh", "slsh", "smbclient", "sqlite3",
    "su", "sudo", "sudoedit", "doas", "run0", "tasksh", "tclsh", "tcsh", "tmate", "tmux", "top",
    "vi", "view", "vigr", "vim", "vimdiff", "vipw", "visudo", "w3m", "links", "wish", "yash",
    "yelp", "zless", "zsh", "sulogin", "cfdisk", "mc", "mcedit", "most", "irssi", "telnet", "tftp",
    "posh", "ksu", "jrunscript", "jjs", "pwsh", "bpython", "ipython",
];
/// Programs that do so where whoever runs them chooses the arguments.
const BY_ARGUMENTS: &[&str] = &[
    "aa-exec", "ab", "ansible-playbook", "ansible-test", "aoss", "apache2", "apache2ctl", "apt",
    "apt-get", "aptitude", "ar", "aria2c", "arj", "arp", "as", "ascii-xfr", "ascii85", "asterisk",
    "at", "atobm", "awk", "aws", "base32", "base58", "base64", "basenc", "basez", "batch", "bat",
    "batcat", "bc", "borg", "bpftrace", "bridge", "bundle", "bundler", "busctl", "busybox",
    "toybox", "bzip2", "c89", "c99", "cabal", "cancel", "capsh", "cargo", "cat", "cc", "cdist",
    "certbot", "chage", "check_by_ssh", "check_cups", "check_log", "check_memory", "check_raid",
    "check_ssl_cert", "check_statusfile", "chmod", "choom", "chown", "chpasswd", "chpst", "chroot",
    "chrt", "clamscan", "clang", "cmp", "cobc", "code", "column", "comm", "composer", "cowsay",
    "cowthink", "cp", "cpan", "cpio", "cpulimit", "crictl", "crontab", "csplit", "csvtool", "ctr",
    "cupsfilter", "curl", "cut", "date", "dc", "dd", "deno", "diff", "dig", "distcc", "dmesg",
    "dmidecode", "dnf", "docker", "dos2unix", "dosbox", "dotnet", "dpkg", "dpkg-reconfigure",
    "dstat", "dvips", "easy_install", "easyrsa", "eb", "efax", "egrep", "enscript", "env", "eqn",
    "espeak", "exiftool", "expand", "facter", "fgrep", "file", "find", "finger", "firejail",
    "flatpak", "flock", "fmt", "fold", "fping", "gawk", "gcc", "gcloud", "gcore", "gem", "genie",
    "genisoimage", "getent", "ghc", "git", "go", "gosu", "gpasswd", "grc", "grep", "groff",
    "groupadd", "groupmod", "gtester", "gzip", "hd", "head", "hexdump", "hg", "highlight",
    "hping3", "iconv", "incus", "insmod", "install", "ionice", "ip", "java", "join", "journalctl",
    "jq", "jtag", "julia", "kexec", "knife", "kmod", "ksshell", "kubectl", "last", "lastb",
    "latex", "latexmk", "ld.so", "ldconfig", "ln", "loginctl", "logrotate", "logsave", "look",
    "losetup", "ltrace", "lualatex", "luatex", "luajit", "lwp-download", "lwp-request", "lxc",
    "lxd", "machinectl", "mail", "make", "mawk", "mknod", "modprobe", "mosquitto", "mount",
    "msgattrib", "msgcat", "msgconv", "msgfilter", "msgmerge", "msguniq", "mtr", "multitime", "mv",
    "mypy", "nasm", "nawk", "nc", "neofetch", "neovim", "nerdctl", "newusers", "nft", "nginx",
    "nice", "nl", "nm", "nmap", "nohup", "npm", "nroff", "nsenter", "ntpdate", "numactl", "od",
    "openssl", "openvpn", "openvt", "opkg", "pandoc", "parallel", "passwd", "paste", "pax", "pdb",
    "pdflatex", "pdftex", "perf", "perlbug", "pexec", "pic", "pidstat", "pip", "pipx", "pkexec",
    "pkg", "plymouth", "podman", "poetry", "pr", "prlimit", "procmail", "psad", "ptx", "puppet",
    "qpdf", "rake", "readelf", "redcarpet", "redis-cli", "restic", "rev", "rlwrap", "rpm", "rpmdb",
    "rpmquery", "rpmverify", "rsync", "rsyslogd", "run-mailcap", "run-parts", "runcon",
    "runscript", "scp", "script", "scrot", "sed", "service", "setarch", "setcap", "setfacl",
    "setlock", "setpriv", "setsid", "sg", "shuf", "snap", "socat", "socket", "soelim",
    "softlimit", "sort", "split", "sqlmap", "ss", "ssh", "ssh-agent", "ssh-copy-id", "ssh-keygen",
    "ssh-keyscan", "sshfs", "sshpass", "start-stop-daemon", "stdbuf", "strace", "strings",
    "su-exec", "sysctl", "systemctl", "systemd-nspawn", "systemd-resolve", "systemd-run", "tac",
    "tail", "tailscale", "tar", "task", "taskset", "tbl", "tcpdump", "tdbtool", "tee", "terraform",
    "tex", "tic", "time", "timedatectl", "timeout", "torify", "torsocks", "troff", "tsc", "tshark",
    "ul", "unexpand", "uniq", "unshare", "unsquashfs", "unzip", "update-alternatives", "urlget",
    "useradd", "usermod", "adduser", "uuencode", "uv", "vagrant", "valgrind", "varnishncsa",
    "virsh", "virt-install", "volatility", "watch", "wc", "wg-quick", "wget", "whiptail", "whois",
    "wireshark", "xargs", "xdg-user-dir", "xdotool", "xelatex", "xetex", "xmodmap", "xmore",
    "xpad", "xxd", "xz", "yarn", "yt-dlp", "yum", "zathura", "zcat", "zgrep", "zic", "zip",
    "zsoelim", "zypper", "microdnf", "apk", "pacman", "emerge", "unbuffer", "eatmydata",
    "fakeroot", "uclampset", "cgexec", "strace-log-merge", "mkfs", "umount", "swapon", "debconf",
    "dpkg-divert", "dpkg-statoverride", "systemd-tmpfiles", "systemd-sysusers", "systemd-sysext",
    "vlock", "chsh", "chfn", "pivot_root", "switch_root", "nspawn", "bwrap", "dbus-send", "gdbus",
    "rpm2cpio", "dnsmasq", "tinyproxy", "nbd-client", "exim4", "exim", "sendmail", "xvfb-run",
    "unlink", "cpulimit", "runscript", "s6-setuidgid", "setuidgid", "tini", "dumb-init",
];
/// Programs that packages of distributions install setuid, setgid or with capabilities: they decide
/// by themselves for whom they do what. From the packages of Debian 12 and 13, Ubuntu 24.04, Fedora
/// 40 and Alpine 3.20.
const SHIPPED: &[&str] = &[
    "at", "bsd-write", "chage", "chfn", "chsh", "crontab", "dbus-daemon-launch-helper", "doas",
    "dotlock.mailutils", "dotlockfile", "dumpcap", "exim4", "expiry", "fping", "fusermount",
    "fusermount3", "gpasswd", "gst-ptp-helper", "kismet_capture_linux_wifi", "ksu", "locate",
    "lockspool", "login", "mail-dotlock", "mail-lock", "mail-touchlock", "mail-unlock", "mlocate",
    "mount", "mount.cifs", "mount.davfs", "mount.ecryptfs_private", "mount.nfs", "mtr-packet",
    "newgidmap", "newgrp", "newuidmap", "ntfs-3g", "pam_timestamp_check", "passwd", "ping", "ping4",
    "ping6", "pkexec", "plocate", "polkit-agent-helper-1", "postdrop", "postqueue", "pppd",
    "procmail", "pt_chown", "screen", "sg", "snap-confine", "spice-client-glib-usb-acl-helper",
    "ssh-agent", "ssh-keysign", "su", "sudo", "sudo-rs", "su-rs", "suexec", "sudoedit", "traceroute6.iputils",
    "umount", "umount.nfs", "umount.nfs4", "unix_chkpwd", "usbip", "usernetctl", "utempter", "vmware-user-suid-wrapper",
    "wall", "write", "write.ul", "xorg.wrap", "Xorg.wrap", "auth_pam_tool", "bwrap", "chrome-sandbox",
    "firejail", "grub2-set-bootflag", "mount.nfs4", "qemu-bridge-helper", "sssd_pam", "ldap_child",
    "krb5_child", "proxy_child", "selinux_child", "p11_child", "userhelper", "vlock", "staprun",
    "cockpit-session", "abrt-action-install-debuginfo-to-abrt-cache", "bbsuid", "arping", "clockdiff",
    "rcp", "rlogin", "rsh", "ssh", "lppasswd", "opiepasswd", "opiesu", "X", "sendmail", "maildrop",
    "deliver", "smbmnt", "gnome-pty-helper", "libgtop_server2", "camel-lock-helper-1.2", "gnuchess",
    "kcheckpass", "kdesud", "start_kdeinit", "kppp", "netreport", "lxc-user-nic", "virtfs-proxy-helper",
    "pmount", "pumount", "physlock", "slock", "i3lock", "swaylock", "hunspell", "games", "nethack",
    "systemd-detect-virt", "systemd-resolve-wrapper", "rebootuser", "iputils-arping", "trace6",
    "ubuntu-core-launcher", "brltty", "sperl", "tcptraceroute", "lft", "wireshark-dumpcap",
];

/// What a program gives away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Whatever its arguments.
    Always,
    /// Where the arguments are the caller's.
    ByArguments,
}

/// What a program of this name gives whoever runs it, with or without a version behind the name.
pub fn of(name: &str) -> Option<Gives> {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.' || c == '-');
    // `vim.tiny`, `mawk-1`, `nc.openbsd`, `python3.11-dbg`.
    let first = name.split(['.', '-']).next().unwrap_or(name);
    let first = first.trim_end_matches(|c: char| c.is_ascii_digit());
    let variant = name.contains('.') || name.ends_with("-dbg");
    let has = |list: &[&str]| {
        list.contains(&name) || list.contains(&stem) || variant && list.contains(&first)
    };
    match () {
        () if has(ALWAYS) => Some(Gives::Always),
        () if has(BY_ARGUMENTS) => Some(Gives::ByArguments),
        () => None,
    }
}

/// Whether some distribution's package installs a program of this name with rights of its own.
pub fn is_shipped(name: &str) -> bool {
    SHIPPED.contains(&name)
}
