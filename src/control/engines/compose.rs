//! Compose: files that decide how containers are run (`docker compose`, `docker-compose`,
//! `podman-compose`, `docker stack deploy`), <https://docs.docker.com/reference/compose-file/>.

use super::commands::{operands, placed, values};
use super::workload::Workload;
use crate::control::Items;
use crate::facts::settings::Block;
use crate::formats::yaml;
use crate::host::Target;
use crate::text;
use std::path::{Path, PathBuf};

/// Names that are looked for where none is given, in this order.
const NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
/// What is added to them.
const OVERRIDES: [&str; 4] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
];
/// How deep files may include others.
const DEPTH: usize = 8;

/// Adds what a command of compose obeys; the words are those behind `compose`.
pub(super) fn add_command(
    target: &dyn Target,
    words: &[&str],
    from: Option<&Path>,
    why: &str,
    items: &mut Items,
) {
    let (count, _) = operands(
        words,
        "f file p project-name profile env-file project-directory parallel progress ansi context \
         c compose-file H host tlscacert tlscert tlskey podman-path podman-args",
    );
    // `stack deploy -c FILE` has its options behind the verb.
    let options = if words.first() == Some(&"deploy") {
        words
    } else {
        words.get(..count).unwrap_or_default()
    };
    let directory = values(options, "project-directory").last().and_then(|d| placed(d, from));
    let mut files: Vec<PathBuf> = ["f", "file", "c", "compose-file"]
        .into_iter()
        .flat_map(|option| values(options, option))
        .filter_map(|file| placed(file, from))
        .collect();
    let project = directory
        .or_else(|| files.first().and_then(|file| file.parent()).map(Path::to_owned))
        .or_else(|| from.map(Path::to_owned));
    if files.is_empty() {
        // compose looks in parents, too; root's own directories are no route by themselves.
        let Some(project) = project.as_deref().filter(|project| *project != Path::new("/")) else {
            return;
        };
        let there = |name: &str| matches!(target.file(&project.join(name)), Ok(Some(_)));
        let found = NAMES.iter().find(|name| there(name));
        // Whoever may make the first of these names is obeyed.
        let end = found.and_then(|found| NAMES.iter().position(|name| name == found));
        files.extend(
            NAMES
                .iter()
                .take(end.map_or(1, |end| end.saturating_add(1)))
                .map(|name| project.join(name)),
        );
        files.extend(OVERRIDES.iter().filter(|name| there(name)).map(|name| project.join(name)));
    }
    for file in files {
        add_file(target, &file, project.as_deref(), why, items, 0);
    }
    for file in values(options, "env-file").filter_map(|file| placed(file, from)) {
        items.add(file, format!("variables of the compose file of {why},"));
    }
    if let Some(project) = project {
        let file = project.join(".env");
        if matches!(target.file(&file), Ok(Some(_))) {
            items.add(file, format!("variables of the compose file of {why},"));
        }
    }
}

/// Adds a compose file with all that it names.
fn add_file(
    target: &dyn Target,
    file: &Path,
    project: Option<&Path>,
    why: &str,
    items: &mut Items,
    depth: usize,
) {
    let new = items.add(file, format!("compose file of {why},"));
    if depth > DEPTH || !new {
        return;
    }
    let content = match target.read_marked(file) {
        Ok(Some(content)) if !content.trim_ascii().is_empty() => content,
        Ok(_) => return,
        Err(unknown) => return items.unread.push(unknown),
    };
    // compose itself does not start what it cannot read.
    let Ok(settings) = yaml::parse(target, file, &content) else { return };
    let here = file.parent();
    let folder = project.or(here);
    let mut others = Vec::new();
    for setting in settings.root.settings.iter().filter(|setting| setting.name == "include") {
        others.push(setting.value.clone());
    }
    for include in settings.root.blocks.iter().filter(|block| block.name == "include") {
        others.extend(all(include, "path"));
    }
    for service in services(&settings.root) {
        for extends in service.blocks.iter().filter(|block| block.name == "extends") {
            others.extend(all(extends, "file"));
        }
        let why = format!("{} ({why})", text::path(file));
        workload(service, folder).add(&why, items);
    }
    for other in others {
        if let Some(other) = placed(&other, here) {
            add_file(target, &other, project, why, items, depth.saturating_add(1));
        }
    }
}

fn services(root: &Block) -> impl Iterator<Item = &Block> {
    let all = root.blocks.iter().filter(|block| block.name == "services");
    all.flat_map(|services| services.blocks.iter())
}

fn all(block: &Block, name: &str) -> Vec<String> {
    let named = block.settings.iter().filter(|setting| setting.name == name);
    named.map(|setting| setting.value.clone()).collect()
}

fn workload(service: &Block, folder: Option<&Path>) -> Workload {
    let mut workload = Workload::default();
    let last = |name: &str| all(service, name).pop();
    for volume in all(service, "volumes") {
        workload.volume(&volume, folder);
    }
    for volume in service.blocks.iter().filter(|block| block.name == "volumes") {
        let value = |name: &str| all(volume, name).pop();
        if value("type").is_none_or(|kind| kind == "bind")
            && let (Some(source), Some(target)) = (value("source"), value("target"))
        {
            let writable = value("read_only").is_none_or(|value| value != "true");
            workload.mount(&source, &target, writable, folder);
        }
    }
    for name in all(service, "cap_add") {
        workload.capability(&name);
    }
    workload.privileged |= last("privileged").is_some_and(|value| value == "true")
        || last("pid").is_some_and(|value| value == "host")
        || !all(service, "devices").is_empty();
    workload.user = last("user");
    workload.directory = last("working_dir");
    for name in ["entrypoint", "command"] {
        workload.command.extend(all(service, name));
    }
    workload
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::targets::memory::Memory;

    const FILE: &str = "services:\n  web:\n    image: x\n    volumes: ['./bin:/app', data:/data]\n    \
        command: [/app/run]\n  db:\n    extends: { file: ../base.yml, service: db }\n";

    fn items(words: &[&str]) -> Vec<String> {
        let host = Memory::new().file("/srv/app/docker-compose.yml", 0o644, 0, 0, FILE).file(
            "/srv/base.yml",
            0o644,
            0,
            0,
            "services: {}",
        );
        let mut items = Items::default();
        add_command(&host, words, Some(Path::new("/srv/app")), "x", &mut items);
        items.iter().map(|(path, _)| path.display().to_string()).collect()
    }

    #[test]
    fn a_compose_file_is_obeyed_with_all_that_it_names() {
        let found = items(&["-f", "docker-compose.yml", "up", "-d"]);
        assert!(found.contains(&"/srv/app/docker-compose.yml".to_owned()), "{found:?}");
        assert!(found.contains(&"/srv/app/bin/run".to_owned()), "{found:?}");
        assert!(found.contains(&"/srv/app/../base.yml".to_owned()), "{found:?}");
    }

    #[test]
    fn without_a_name_the_file_of_the_directory_is_obeyed_and_those_that_would_come_before() {
        let found = items(&["up"]);
        assert!(found.contains(&"/srv/app/docker-compose.yml".to_owned()), "{found:?}");
        assert!(found.contains(&"/srv/app/compose.yaml".to_owned()), "{found:?}");
        assert_eq!(items(&["deploy", "-c", "/opt/stack.yml", "web"]), ["/opt/stack.yml"]);
    }
}
