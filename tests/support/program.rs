//! Programs that tests put somewhere, to be executed there.

use std::path::Path;
use std::process::Command;

/// Copies a program. A process of its own does it: if this one wrote the file, a child that another
/// test forks meanwhile would hold it open for writing until it executes its own program, and so long
/// nobody could execute the copy (`ETXTBSY`).
pub fn copy_program(program: &Path, path: &Path) {
    let status = Command::new("cp").arg("--").args([program, path]).status().unwrap();
    assert!(status.success(), "{} cannot be copied", program.display());
}
