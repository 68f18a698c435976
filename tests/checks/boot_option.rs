//! `boot_option:`: every condition with each of its outcomes, on plain data.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use crate::support::{Rule, rule};
use spotcheck::targets::memory::Memory;

const GRUB: &str = "/boot/grub/grub.cfg";

fn must(conditions: &str) -> Rule {
    rule(&format!("boot_option: mitigations\nmust: {{ {conditions} }}"))
}

fn started_with(line: &str) -> Memory {
    Memory::new().kernel("6.1.0").file("/proc/cmdline", 0o444, 0, 0, line)
}

/// A menu as grub-mkconfig writes it, with its default and these command lines.
fn menu(default: &str, first: &str, second: &str) -> String {
    format!(
        "if [ \"${{next_entry}}\" ] ; then\n   set default=\"${{next_entry}}\"\nelse\n   set default=\"{default}\"\nfi\n\
         menuentry 'Debian GNU/Linux' --class debian {{\n\tlinux\t/vmlinuz root=/dev/vda1 ro {first}\n}}\n\
         submenu 'Advanced options' {{\n\tmenuentry 'with Linux 6.1' {{\n\t\tlinux\t/vmlinuz root=/dev/vda1 ro {second}\n\t}}\n\
         \tmenuentry 'with Linux 6.1 (recovery mode)' {{\n\t\tlinux\t/vmlinuz root=/dev/vda1 ro single\n\t}}\n}}\n"
    )
}

fn next_boot(text: &str) -> Memory {
    started_with("quiet").file(GRUB, 0o600, 0, 0, text)
}

#[test]
fn the_running_kernel_was_started_with_it() {
    let host =
        started_with("BOOT_IMAGE=/vmlinuz ro mitigations=off quiet mitigations=auto,nosmt\n");
    must("booted: true").on(&host).passes();
    must("value: 'auto,nosmt'").on(&host).passes();
    must("value: 'off'").on(&host).fails_with("value: mitigations=auto,nosmt; expected off");
    must("booted: false")
        .on(&host)
        .fails_with("booted: mitigations=auto,nosmt; expected not given");
}

#[test]
fn an_option_that_is_not_given_has_no_value() {
    let host = started_with("quiet -- mitigations=off\n");
    must("booted: false").on(&host).passes();
    must("value: { not: 'off' }").on(&host).passes();
    must("value: 'off'").on(&host).fails_with("value: not given; expected off");
}

#[test]
fn without_a_running_kernel_only_the_next_boot_is_asked() {
    assert_eq!(must("booted: true").on(&started_with("").unreadable("/proc/cmdline")).exit(), 2);
    let host = next_boot(&menu("0", "mitigations=off", ""));
    must("configured: true").on(&host).passes();
}

#[test]
fn the_next_boot_starts_the_default_entry_of_grub() {
    let host = next_boot(&menu("0", "mitigations=off", ""));
    must("configured_value: 'off'").on(&host).passes();
    must("configured: false")
        .on(&host)
        .fails_with("configured: mitigations=off (/boot/grub/grub.cfg:7); expected not given");
    must("consistent: true").on(&host).fails_with(
        "consistent: mitigations=off (/boot/grub/grub.cfg:7); expected as the kernel was started: not given",
    );
}

#[test]
fn where_the_default_is_not_known_every_entry_has_to_hold() {
    let host = next_boot(&menu("saved", "mitigations=off", "quiet"));
    must("configured: true")
        .on(&host)
        .fails_with("configured: not given (/boot/grub/grub.cfg:11); expected given");
    // The entry for repairs does not count.
    must("configured: true")
        .on(&next_boot(&menu("saved", "mitigations=off", "mitigations")))
        .passes();
    // Chosen for once.
    let once = next_boot(&menu("0", "mitigations=off", "quiet")).file(
        "/boot/grub/grubenv",
        0o644,
        0,
        0,
        "# GRUB Environment Block\nnext_entry=1\n####",
    );
    assert_eq!(must("configured: true").on(&once).exit(), 1);
}

#[test]
fn entries_of_the_boot_loader_specification_are_read_with_the_environment_of_grub() {
    let entry = "title Fedora\nlinux /vmlinuz\noptions root=/dev/vda1 $kernelopts $tuned_params\n";
    let host =
        started_with("mitigations=off").file("/boot/loader/entries/a-6.1.conf", 0o644, 0, 0, entry);
    assert_eq!(must("configured: true").on(&host).exit(), 2, "the variable is not known");
    let host = host.file("/boot/grub2/grubenv", 0o600, 0, 0, "kernelopts=ro mitigations=off\n");
    must("configured_value: 'off', consistent: true").on(&host).passes();
}

#[test]
fn an_image_that_is_still_to_be_installed_has_what_update_grub_will_write() {
    let host = started_with("quiet")
        .file("/etc/default/grub", 0o644, 0, 0, "GRUB_CMDLINE_LINUX=\"audit=1\"\n")
        .file(
            "/etc/default/grub.d/50-cloud.cfg",
            0o644,
            0,
            0,
            "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX mitigations=off\"\n",
        );
    must("configured_value: 'off'").on(&host).passes();
    rule("boot_option: audit\nmust: { configured_value: 1 }").on(&host).passes();
    let script = started_with("").file(
        "/etc/default/grub",
        0o644,
        0,
        0,
        "GRUB_CMDLINE_LINUX=\"$(cat /x)\"\n",
    );
    assert_eq!(must("configured: false").on(&script).exit(), 2);
}

#[test]
fn what_cannot_be_read_is_undecided() {
    assert_eq!(must("configured: false").on(&started_with("")).exit(), 2, "nothing says it");
    let hidden = next_boot(&menu("0", "", "")).unreadable(GRUB);
    assert_eq!(must("configured: false").on(&hidden).exit(), 2);
    let script = next_boot("menuentry 'x' {\n linux /vmlinuz ${options}\n}\n");
    assert_eq!(must("configured: false").on(&script).exit(), 2);
}

#[test]
fn a_name_with_a_value_is_a_mistake() {
    let refused = rule("boot_option: mitigations=off\nmust: { booted: true }").is_refused();
    assert!(refused.contains("its value stands under `must`"), "{refused}");
}
