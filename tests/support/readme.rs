//! Output that the README shows, kept true.

use std::path::Path;

/// Fails unless the README shows `output` as what `command` prints. With `SPOTCHECK_BLESS=1` in the
/// environment the README is brought up to date instead.
pub fn shows(command: &str, output: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("the README can be read");
    let head = format!("```console\n$ {command}\n");
    let start = readme.find(&head).expect("the README shows the command") + head.len();
    let end = start + readme[start..].find("```").expect("the block ends");
    if std::env::var_os("SPOTCHECK_BLESS").is_some() {
        let readme = format!("{}{output}{}", &readme[..start], &readme[end..]);
        std::fs::write(&path, readme).expect("the README can be written");
        return;
    }
    assert_eq!(
        &readme[start..end],
        output,
        "the README shows another output of `{command}`; SPOTCHECK_BLESS=1 cargo test updates it"
    );
}
