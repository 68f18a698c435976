//! An Ansible playbook of the corrective steps.
//!
//! Each rule is a block: it is asked whether it is violated, then its steps are taken, and only then.
//! So a second run changes nothing, and `--check` shows what would be done. Simple commands become
//! the modules that Ansible has for them. Every text is tagged `!unsafe`, so that braces in a file
//! name are no template.

use super::Export;
use super::steps::{Step, Work, work};
use crate::text::time;
use std::fmt::Write as _;

/// The playbook. Writing to a String cannot fail.
pub fn render(export: &Export) -> String {
    let all = work(export.items, export.now, None);
    let mut hosts: Vec<&str> = all.iter().flat_map(|work| work.hosts.iter().copied()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    // Only what an inventory could call a host: a pattern has its own signs.
    let plain = |host: &&str| {
        host.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !host.is_empty()
    };
    let hosts: Vec<&str> = hosts.into_iter().filter(plain).collect();
    let mut out = format!(
        "---\n# Corrective steps, made by spotcheck {}. Review it, then:\n#\n\
         #     ansible-playbook -i INVENTORY THIS            where they were seen to be needed\n\
         #     ansible-playbook -i INVENTORY THIS -e target=GROUP\n#\n\
         # A step is taken where its rule is violated when the playbook runs; spotcheck and the\n\
         # policies have to be there.\n",
        time::utc(export.now)
    );
    let _ = writeln!(out, "- name: Corrective steps");
    let _ = writeln!(out, "  hosts: \"{{{{ target | default('{}') }}}}\"", hosts.join(","));
    out.push_str("  become: true\n  gather_facts: false\n");
    if all.is_empty() {
        out.push_str("  tasks: []\n");
        return out;
    }
    out.push_str("  tasks:\n");
    for work in &all {
        block(&mut out, work);
    }
    out.push_str(VERIFY);
    for work in &all {
        let _ = writeln!(out, "        - {}", unsafe_text(&verify(work)));
    }
    out
}

/// At the end everything is asked again: what is still violated, or could not be decided, fails.
const VERIFY: &str = "    - name: Verify that every rule holds now
      ansible.builtin.shell:
        cmd: \"{{ item }}\"
      changed_when: false
      when: not ansible_check_mode
      loop:
";

fn verify(work: &Work) -> String {
    format!("{} --no-track --quiet", work.verify)
}

fn block(out: &mut String, work: &Work) {
    let _ = writeln!(out, "    - name: {}", name(&work.name()));
    out.push_str("      block:\n");
    task(out, "Ask whether the rule is violated");
    let _ = write!(
        out,
        "          ansible.builtin.shell:\n            cmd: {}\n          register: look\n          \
         changed_when: false\n          check_mode: false\n          \
         failed_when: look.rc not in [0, 1, 2]\n",
        unsafe_text(&verify(work))
    );
    for step in &work.steps {
        match step {
            Step::Command(command) => {
                let code = &command.text;
                task(out, code);
                out.push_str("          when: look.rc == 1\n");
                out.push_str(&module(code));
            }
            Step::ByHand(words, why) => {
                task(out, &format!("By hand ({why})"));
                let _ = write!(
                    out,
                    "          when: look.rc == 1\n          ansible.builtin.debug:\n            \
                     msg: {}\n",
                    unsafe_text(words)
                );
            }
        }
    }
}

fn task(out: &mut String, words: &str) {
    let _ = writeln!(out, "        - name: {}", name(words));
}

/// What does the step: a module of Ansible's own where it is that simple, else a shell.
fn module(code: &str) -> String {
    let plain =
        |word: &&str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@+=,".contains(c));
    let command = code.split(" #").next().unwrap_or_default();
    let words: Vec<&str> = command.split_whitespace().collect();
    let all_plain = words.iter().all(plain);
    match words.as_slice() {
        ["chown", owner, path] | ["chown", "-h", owner, path]
            if all_plain && path.starts_with('/') =>
        {
            let (owner, group) = match owner.split_once(':') {
                Some((owner, group)) => (owner, Some(group)),
                None => (*owner, None),
            };
            let mut keys = vec![("path", *path)];
            keys.extend(Some(("owner", owner)).filter(|_| !owner.is_empty()));
            keys.extend(group.filter(|group| !group.is_empty()).map(|group| ("group", group)));
            keys.push(FOLLOW);
            with("file", &keys)
        }
        ["chmod", mode, path] if all_plain && path.starts_with('/') => {
            with("file", &[("path", path), ("mode", mode), FOLLOW])
        }
        ["systemctl", "start", unit] if all_plain => state(unit, "started"),
        ["systemctl", "stop", unit] if all_plain => state(unit, "stopped"),
        ["systemctl", "restart", unit] if all_plain => state(unit, "restarted"),
        ["systemctl", "reload", unit] if all_plain => state(unit, "reloaded"),
        _ => with("shell", &[("cmd", code)]),
    }
}

/// Whoever can put a link in the place of the file shall not decide whose rights are changed.
const FOLLOW: (&str, &str) = ("follow", "false");

fn state(unit: &str, state: &str) -> String {
    with("systemd", &[("name", unit), ("state", state)])
}

fn with(module: &str, keys: &[(&str, &str)]) -> String {
    let mut out = format!("          ansible.builtin.{module}:\n");
    for (key, value) in keys {
        let value = if *key == FOLLOW.0 { (*value).to_owned() } else { unsafe_text(value) };
        let _ = writeln!(out, "            {key}: {value}");
    }
    out
}

/// A name, which Ansible would template: without the signs of a template.
fn name(words: &str) -> String {
    let words = words.replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #");
    quoted(&words)
}

/// A value that is never a template.
fn unsafe_text(words: &str) -> String {
    format!("!unsafe {}", quoted(words))
}

/// A double-quoted scalar of YAML 1.1, in which everything beyond ASCII is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            ' '..='~' => write!(out, "{c}"),
            c if (c as u32) <= 0xffff => write!(out, "\\u{:04x}", c as u32),
            c => write!(out, "\\U{:08x}", c as u32),
        };
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_a_template_or_ends_it() {
        assert_eq!(unsafe_text("a \"{{ x }}\"\n\u{85}"), r#"!unsafe "a \"{{ x }}\"\u000a\u0085""#);
        assert_eq!(name("{{ x }} {% y %}"), r#""{ { x }} { % y %}""#);
    }

    #[test]
    fn simple_commands_become_modules_and_others_a_shell() {
        assert!(module("chown nginx:nginx /etc/x").contains("builtin.file"));
        assert!(module("chmod u+rw /etc/x").contains("mode: !unsafe \"u+rw\""));
        assert!(module("systemctl start x.service # later").contains("state: !unsafe \"started\""));
        for other in ["chown a /x && reboot", "chmod 0600 '/a b'", "systemctl mask x.service"] {
            assert!(module(other).contains("builtin.shell"), "{other}");
        }
    }
}
