//! The environment of GRUB: `NAME=VALUE` lines in a block of 1024 bytes that `grub-editenv` writes.

use crate::facts::Fact;
use crate::host::Files;
use std::collections::BTreeMap;
use std::path::Path;

const PLACES: [&str; 2] = ["/boot/grub/grubenv", "/boot/grub2/grubenv"];

/// The variables that GRUB's environment sets; none where there is no such file.
pub(super) fn variables(files: &dyn Files) -> Fact<BTreeMap<String, String>> {
    for place in PLACES {
        if let Some(content) = files.read(Path::new(place))? {
            let text = String::from_utf8_lossy(&content);
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            let pairs = lines.filter_map(|line| line.split_once('='));
            return Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
        }
    }
    Ok(BTreeMap::new())
}
