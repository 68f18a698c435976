//! The pages of the reference, and what stands in them.

use spotcheck::checks::SUBJECTS;
use std::fs;
use std::path::{Path, PathBuf};

fn of_page(page: &str) -> Vec<String> {
    let blocks = page.split("```yaml\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Every example of `docs/reference.md`.
pub fn written_examples() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    of_page(&fs::read_to_string(path).expect("the reference can be read"))
}

/// Every example of every page, with the subject whose page it is.
pub fn examples() -> Vec<(&'static str, String)> {
    let mut examples = Vec::new();
    for kind in SUBJECTS {
        let all = of_page(kind.page);
        examples.extend(all.into_iter().map(|example| (kind.key, example)));
    }
    examples
}

/// The policies that are shipped.
pub fn shipped() -> Vec<PathBuf> {
    fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                walk(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                files.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"), &mut files);
    files.sort();
    assert!(!files.is_empty());
    files
}

/// What rules about a subject are about here.
fn named(key: &str) -> Option<&'static str> {
    Some(match key {
        "service" | "process" => "nginx",
        "port" => "8080/tcp",
        "container" | "listeners" | "accounts" | "files" | "sudo" | "ssh_keys"
        | "root_executes" => "all",
        "setuid" | "tree" => "/etc",
        "image" => "config",
        "drift" => "/etc",
        "file" => "/etc/passwd",
        "config" => "/etc/nginx/nginx.conf",
        "user" | "group" | "cron" => "root",
        "unit" => "nginx.service",
        "package" => "nginx",
        "sysctl" => "net.ipv4.ip_forward",
        "mount" => "/home",
        "kernel_module" => "usb-storage",
        _ => return None,
    })
}

/// What the rule in the example of a subject's page is about.
fn value_in_page(key: &str) -> String {
    let head = format!("    {key}: ");
    let examples = examples().into_iter().filter(|(kind, _)| *kind == key);
    let lines: Vec<String> = examples
        .flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let value = lines.iter().find_map(|line| line.strip_prefix(&head));
    value.unwrap_or_else(|| panic!("the page of {key} has no example of it")).to_owned()
}

/// For each subject and condition a policy whose one rule demands what the condition's own example
/// says.
pub fn condition_examples() -> Vec<(String, String)> {
    let subject = |key: &str| match key {
        "setuid" | "tree" => "/etc".to_owned(),
        key => named(key).map_or_else(|| value_in_page(key), str::to_owned),
    };
    let mut all = Vec::new();
    for kind in SUBJECTS {
        for info in (kind.conditions)() {
            let policy = format!(
                "policy: example\nservices: {{ nginx: {{ exe: /usr/sbin/nginx }} }}\nrules:\n  \
                 - id: r\n    {}: {}\n    must:\n      {}: {}\n",
                kind.key,
                subject(kind.key),
                info.name,
                info.example
            );
            all.push((format!("{} {}", kind.key, info.name), policy));
        }
    }
    all
}
