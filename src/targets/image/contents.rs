//! What an archive is, as far as the names in it tell.

use crate::targets::image::layer::split;

/// The names in an archive, as far as they tell what it is.
#[derive(Default)]
pub(super) struct Contents {
    manifest: bool,
    files: bool,
    any: bool,
}

impl Contents {
    /// Takes note of a name.
    pub(super) fn note(&mut self, name: &[u8]) {
        self.any = true;
        let top = name.split(|byte| *byte == b'/').next().unwrap_or_default();
        self.manifest |= matches!(name, b"manifest.json" | b"index.json");
        self.files |= matches!(top, b".dockerenv" | b"etc" | b"usr" | b"bin" | b"dev" | b"proc");
    }

    /// Whether a name of an image's manifest is among them.
    pub(super) fn may_be_image(&self) -> bool {
        self.manifest
    }

    /// Whether the archive was read to its end.
    pub(super) fn complete(&self, end_was_marked: bool) -> Result<(), String> {
        if end_was_marked {
            Ok(())
        } else {
            Err("cut off: the end of the archive is missing".into())
        }
    }

    /// Whether these are a container's files. An image's parts never lie in `etc` or `usr`.
    pub(super) fn flat(&self) -> Result<bool, String> {
        match (self.files, self.manifest) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) if self.any => Err("not an image: a tar archive without manifest.json \
                 or index.json, and without the directories of a root filesystem"
                .to_owned()),
            (false, false) => Err("an empty archive".to_owned()),
        }
    }
}

/// Whether a document or layer could have this name: `blobs/sha256/<hex>`, `<hex>.tar`,
/// `<id>/layer.tar`, `<hex>.json`, `sha256:<hex>`, `<hex>.tar.gz`.
pub(super) fn could_be_part(name: &[u8]) -> bool {
    let (folder, last) = split(name);
    let hex = |text: &[u8]| text.len() >= 32 && text.iter().all(u8::is_ascii_hexdigit);
    let shallow = name.iter().filter(|byte| **byte == b'/').count() <= 1;
    folder.starts_with(b"blobs/")
        || shallow
            && (hex(last)
                || last.starts_with(b"sha256:")
                || [&b".json"[..], b".tar", b".gz", b".tgz", b".zst"]
                    .iter()
                    .any(|end| last.ends_with(end)))
}
