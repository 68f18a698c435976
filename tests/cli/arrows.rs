//! Which room of `src/` uses which: no arrow that `docs/architecture.md` does not list.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything may be used by this room, and by the root of the crate.
const ALL: &str = "all";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The table of the page: for each room those that it may use.
fn table() -> BTreeMap<String, Vec<String>> {
    let page = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim_end_matches('|').split('|').collect();
        let room = cells[0].trim().trim_matches('`').to_owned();
        let uses = cells[2].split_whitespace().filter(|word| *word != "-");
        (room, uses.map(str::to_owned).collect())
    })
    .collect()
}

/// The rooms that there are: folders, and files that are a room of one file.
fn rooms() -> Vec<String> {
    let entries = fs::read_dir(root().join("src")).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| !["lib", "main"].contains(&name.as_str()))
        .collect();
    names.sort();
    names.dedup();
    names
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a line of code names.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
        &rest[..end.unwrap_or(rest.len())]
    })
}

/// Every arrow that the table does not list, with the line that draws it.
fn broken(table: &BTreeMap<String, Vec<String>>, rooms: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    sources(&root().join("src"), &mut found);
    let mut wrong = Vec::new();
    for path in found {
        let below = path.strip_prefix(root().join("src")).unwrap();
        let first = below.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        let uses = table.get(room).cloned().unwrap_or_default();
        // Tests may use the host that lies in memory.
        let is_test = below.components().any(|part| {
            ["tests", "tests.rs"].contains(&part.as_os_str().to_str().unwrap_or_default())
        });
        if is_test || ["lib", "main"].contains(&room) || uses.iter().any(|word| word == ALL) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for other in named(line) {
                let is_room = rooms.iter().any(|name| name == other);
                if is_room && other != room && !uses.iter().any(|word| word == other) {
                    let at = format!("src/{}:{}", below.display(), number + 1);
                    wrong.push(format!("{room} may not use {other}: {at}: {}", line.trim()));
                }
            }
        }
    }
    wrong
}

#[test]
fn every_room_is_in_the_table() {
    let table = table();
    let listed: Vec<&String> = table.keys().collect();
    assert_eq!(listed, rooms().iter().collect::<Vec<_>>());
}

#[test]
fn no_room_uses_one_that_its_row_does_not_list() {
    let wrong = broken(&table(), &rooms());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_row_that_lists_too_little_is_noticed_with_the_line() {
    let mut table = table();
    table.insert("formats".into(), vec!["facts".into()]);
    let wrong = broken(&table, &rooms());
    assert!(
        wrong.iter().any(|line| line.contains("formats may not use host: src/formats/")),
        "{wrong:?}"
    );
}

#[test]
fn no_two_rooms_use_each_other() {
    let table = table();
    let reaches = |from: &str, to: &str| {
        let (mut next, mut seen) = (vec![from.to_owned()], Vec::new());
        while let Some(room) = next.pop() {
            for other in table.get(&room).into_iter().flatten() {
                if other == to {
                    return true;
                }
                if !seen.contains(other) {
                    seen.push(other.clone());
                    next.push(other.clone());
                }
            }
        }
        false
    };
    let circles: Vec<&String> = table.keys().filter(|room| reaches(room, room)).collect();
    assert!(circles.is_empty(), "{circles:?} are part of a circle");
}
