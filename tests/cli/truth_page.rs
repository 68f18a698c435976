//! `docs/truth.md` names tests: each of them is there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Names of the functions in all files below a folder.
fn functions(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
            found.extend(names.map(str::to_owned));
        }
    }
}

#[test]
fn every_trap_on_the_page_has_the_test_that_it_names() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/truth.md")).unwrap();
    let mut known = BTreeSet::new();
    functions(&root.join("tests"), &mut known);
    let rows = page.lines().filter(|line| line.starts_with("| ") && line.contains("` |"));
    let mut count = 0;
    for row in rows {
        let cell = row.trim_end_matches('|').trim().rsplit('|').next().unwrap_or_default();
        let name = cell.trim().trim_matches('`');
        assert!(known.contains(name), "no test is called `{name}`: {row}");
        count += 1;
    }
    assert!(count > 25, "{count} rows");
}
