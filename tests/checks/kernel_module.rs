//! `kernel_module:`: every condition with each of its outcomes, on plain data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Need, Rule, needs, rule};
use spotcheck::targets::memory::Memory;

const CONF: &str = "/etc/modprobe.d/x.conf";

fn must(conditions: &str) -> Rule {
    rule(&format!("kernel_module: usb-storage\nmust: {{ {conditions} }}"))
}

fn kernel(modules: &str) -> Memory {
    Memory::new().kernel("6.1.0").file("/proc/modules", 0o444, 0, 0, modules).file(
        "/lib/modules/6.1.0/modules.builtin",
        0o644,
        0,
        0,
        "kernel/fs/ext4/ext4.ko\n",
    )
}

fn configured(text: &str) -> Memory {
    kernel("").file(CONF, 0o644, 0, 0, text)
}

#[test]
fn a_module_is_loaded_when_the_kernel_lists_it() {
    let loaded = kernel("usb_storage 81920 0 - Live 0x0\n");
    must("loaded: true").on(&loaded).passes();
    must("loaded: false")
        .on(&loaded)
        .fails_with("loaded: loaded; expected not loaded")
        .repaired_by("modprobe -r usb_storage");
    must("loaded: false").on(&kernel("usb_storage_other 1 0 - Live 0x0\n")).passes();
    must("loaded: true").on(&kernel("")).fails_with("loaded: not loaded; expected loaded");
}

#[test]
fn what_is_built_in_is_loaded() {
    let words = "loaded: built into the kernel; expected not loaded";
    rule("kernel_module: ext4\nmust: { loaded: false }").on(&kernel("")).fails_with(words);
    must("loaded: false")
        .on(&kernel("").dir("/sys/module/usb_storage", 0o755, 0, 0))
        .fails_with(words);
}

#[test]
fn without_the_list_of_what_is_built_in_nothing_is_known_of_it() {
    let host = Memory::new().kernel("6.1.0").file("/proc/modules", 0o444, 0, 0, "");
    assert_eq!(must("loaded: false").on(&host).exit(), 2);
    assert_eq!(must("loaded: false").on(&kernel("").unreadable("/proc/modules")).exit(), 2);
}

#[test]
fn a_blacklist_keeps_aliases_off_and_an_install_line_modprobe() {
    let host = configured("blacklist usb_storage\n");
    must("blacklisted: true, disabled: false").on(&host).passes();
    must("disabled: true")
        .on(&host)
        .fails_with("disabled: no line says so; expected disabled")
        .repaired_by(
            "printf '%s\\n' 'install usb_storage /bin/false' >> /etc/modprobe.d/usb_storage.conf",
        );
    let host = configured("# x\ninstall usb-storage \\\n /bin/false\n");
    must("disabled: true").on(&host).passes_with(&format!("disabled: {CONF}:2; expected disabled"));
    must("blacklisted: true")
        .on(&host)
        .fails_with("blacklisted: no line says so; expected blacklisted");
    must("disabled: true")
        .on(&configured("install usb-storage /sbin/modprobe --ignore-install usb-storage"))
        .fails_with(&format!(
            "disabled: /sbin/modprobe --ignore-install usb-storage ({CONF}:1); expected disabled"
        ));
}

#[test]
fn the_first_install_line_counts() {
    let host = configured("install usb-storage /usr/bin/load-it\ninstall usb-storage /bin/false\n");
    assert_eq!(must("disabled: true").on(&host).exit(), 2);
    let host = configured(
        "install usb-storage /bin/false\ninstall usb-storage /usr/sbin/insmod /x/usb-storage.ko\n",
    );
    must("disabled: true").on(&host).passes();
}

#[test]
fn what_another_program_does_in_its_place_is_not_known() {
    for command in ["/usr/bin/refused", "/sbin/modprobe other", "/bin/sh -c exit"] {
        let host = configured(&format!("install usb-storage {command}\n"));
        assert_eq!(must("disabled: true").on(&host).exit(), 2, "{command}");
        assert_eq!(must("disabled: false").on(&host).exit(), 2, "{command}");
    }
    for command in ["/sbin/insmod /x/usb-storage.ko", "logger x; modprobe -i usb_storage"] {
        let host = configured(&format!("install usb-storage {command}\n"));
        assert_eq!(must("disabled: true").on(&host).exit(), 1, "{command}");
    }
}

#[test]
fn an_install_line_is_a_pattern_and_its_command_is_a_shells() {
    must("disabled: true").on(&configured("install usb-* /bin/false\n")).passes();
    must("blacklisted: false").on(&configured("blacklist usb*\n")).passes();
    let host = configured("install usb-storage /bin/true `x`\n");
    assert_eq!(must("disabled: true").on(&host).exit(), 2);
    for before in ["/bin/false ||", "/bin/true;", "/bin/true &"] {
        let command = format!("{before} insmod /x/usb-storage.ko");
        let host = configured(&format!("install usb-storage {command}\n"));
        must("disabled: true")
            .on(&host)
            .fails_with(&format!("disabled: {command} ({CONF}:1); expected disabled"));
    }
    must("disabled: true")
        .on(&configured("install usb-storage /bin/true $CMDLINE_OPTS\n"))
        .passes();
}

#[test]
fn an_unread_file_may_hold_an_earlier_install_line() {
    let host = configured("install usb-storage /bin/false\n")
        .file(
            "/etc/modprobe.d/a.conf",
            0o600,
            0,
            0,
            "install usb-storage /sbin/insmod /x/usb-storage.ko\n",
        )
        .unreadable("/etc/modprobe.d/a.conf");
    assert_eq!(must("disabled: true").on(&host).exit(), 2);
}

/// What `modprobe --dry-run` says it would do with a made-up module.
#[test]
fn modprobe_is_disabled_by_the_same_lines() {
    if !needs(&[Need::Command("modprobe")]) {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let modules = root.path().join("lib/modules/1.0");
    std::fs::create_dir_all(modules.join("kernel")).unwrap();
    std::fs::write(modules.join("kernel/usb-storage.ko"), "").unwrap();
    let depmod =
        std::process::Command::new("depmod").arg("-b").arg(root.path()).arg("1.0").output();
    depmod.unwrap();
    for text in [
        "",
        "install usb-storage /bin/false\n",
        "install usb_storage /bin/true\n",
        "install usb* /bin/true\ninstall usb-storage /sbin/insmod /x/usb-storage.ko\n",
        "install usb-storage /sbin/insmod /x/usb-storage.ko\ninstall usb* /bin/false\n",
        "install usb-storage \\\n/bin/false\n",
        "# comment \\\ninstall usb-storage /bin/false\n",
        "\tinstall\tusb-storage\t/bin/false\n",
        "blacklist usb-storage\n",
        "install USB-storage /bin/false\n",
    ] {
        let folder = root.path().join("modprobe.d");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("x.conf"), text).unwrap();
        let theirs = std::process::Command::new("modprobe")
            .args(["--dry-run", "--verbose", "--set-version", "1.0", "--dirname"])
            .arg(root.path())
            .arg("--config")
            .arg(&folder)
            .arg("usb-storage")
            .output()
            .unwrap();
        let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
        assert!(theirs.contains("install ") || theirs.contains("insmod "), "{text}: {theirs}");
        let disabled = ["install /bin/true", "install /bin/false"].contains(&theirs.trim());
        let must = must(&format!("disabled: {disabled}"));
        must.on(&configured(text)).passes();
    }
}

#[test]
fn the_kernels_command_line_counts() {
    let host =
        kernel("").file("/proc/cmdline", 0o444, 0, 0, "quiet module_blacklist=a,usb-storage\n");
    must("blacklisted: true, disabled: true").on(&host).passes();
    let host = kernel("").file("/proc/cmdline", 0o444, 0, 0, "modprobe.blacklist=usb_storage\n");
    must("blacklisted: true, disabled: false").on(&host).passes();
}

#[test]
fn a_file_that_cannot_be_read_may_say_it() {
    let closed = configured("blacklist usb-storage").unreadable(CONF);
    assert_eq!(must("blacklisted: false").on(&closed).exit(), 2);
    assert_eq!(must("disabled: true").on(&closed).exit(), 2);
}

#[test]
fn in_an_image_no_module_is_loaded_and_files_still_count() {
    let image = configured("blacklist usb-storage").image();
    must("loaded: false").on(&image).skipped_with("loaded: needs a running host");
    must("blacklisted: true").on(&image).passes();
}
