//! The files of an image as a target's.

use crate::facts::file::{Acl, FileCapabilities, FileFact, FileKind, Match, Protection};
use crate::facts::image::Layer;
use crate::facts::package_file::Checksum;
use crate::facts::snapshot::Hex;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::filecap;
use crate::host::{DIGESTED_LIMIT, Files, READ_LIMIT, match_in};
use crate::targets::image::layer::Content;
use crate::targets::image::parts_of_programs;
use crate::targets::image::section::{Section, each_stored, stored};
use crate::targets::image::tree::{Id, Tree};
use crate::targets::offline::Layered;
use crate::text;
use regex::Regex;
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// How often a compressed layer is read again for a content that was not kept.
const READ_AGAIN_LIMIT: usize = 64;
/// From so many on, all files of a layer are searched in one pass over it.
const ONE_BY_ONE: usize = 3;
/// The most expressions that are remembered for all files.
const EXPRESSIONS: usize = 64;

/// The merged files of an image.
pub struct ImageFiles {
    tree: Tree,
    layers: Vec<Layer>,
    /// Where each layer can be read again; `None` for one that went by on standard input.
    sections: Vec<Option<Section>>,
    again: Cell<usize>,
    /// Whether a layer is stored as it is, so that any part of it can be read at once.
    plain: RefCell<HashMap<usize, bool>>,
    /// Where expressions match the files of layers that were searched as a whole.
    searched: RefCell<HashMap<(usize, String), HashMap<Id, Match>>>,
    contents: RefCell<HashMap<Id, Arc<Vec<u8>>>>,
    digests: RefCell<HashMap<Id, String>>,
}

impl ImageFiles {
    /// Files of these layers.
    pub fn new(tree: Tree, layers: Vec<Layer>, sections: Vec<Option<Section>>) -> Self {
        Self {
            tree,
            layers,
            sections,
            again: Cell::new(0),
            plain: RefCell::default(),
            searched: RefCell::default(),
            contents: RefCell::default(),
            digests: RefCell::default(),
        }
    }

    /// The regular file that a path leads to.
    fn regular(&self, path: &Path) -> Fact<Option<(Id, &crate::targets::image::tree::Inode)>> {
        let found = self.tree.resolve(path, true)?;
        let Some((id, inode)) = found.and_then(|id| Some((id, self.tree.inode(id)?))) else {
            return Ok(None);
        };
        if inode.kind != FileKind::File {
            let kind = inode.kind.name().replace('_', " ");
            let cause = Cause::Unsupported(format!("a {kind}, not a regular file"));
            return Err(Unknown::new(text::path(path), cause));
        }
        Ok(Some((id, inode)))
    }

    /// The content of a file from its layer.
    fn again(
        &self,
        path: &Path,
        inode: &crate::targets::image::tree::Inode,
    ) -> Fact<impl Read + '_> {
        let unknown = |cause| Err(Unknown::new(text::path(path), cause));
        let Content::Stored(offset) = inode.content else {
            let why = "stored with holes in its archive, which is not read";
            return unknown(Cause::Unsupported(why.to_owned()));
        };
        let Some(Some(section)) = self.sections.get(inode.layer) else {
            let why = "its content went by and was not kept; give the image as a file that is not \
                       compressed as a whole";
            return unknown(Cause::Unsupported(why.to_owned()));
        };
        if !self.is_plain(inode.layer) {
            self.again.set(self.again.get() + 1);
        }
        if self.again.get() > READ_AGAIN_LIMIT {
            let why = format!("more than {READ_AGAIN_LIMIT} files whose content was not kept");
            return unknown(Cause::TooLarge(why));
        }
        // The bounds held when the layer was read as a whole.
        stored(section.clone(), offset, inode.size).or_else(|why| unknown(Cause::Io(why)))
    }
}

impl ImageFiles {
    fn is_plain(&self, layer: usize) -> bool {
        let section = self.sections.get(layer).cloned().flatten();
        let look = || section.is_some_and(|section| section.is_plain());
        *self.plain.borrow_mut().entry(layer).or_insert_with(look)
    }

    /// Where an expression matches a file of a compressed layer: all its files are searched at once, so
    /// that the layer is unpacked once however many are asked about.
    fn searched(&self, id: Id, layer: usize, regex: &Regex) -> Fact<Option<Match>> {
        let key = (layer, regex.as_str().to_owned());
        if let Some(known) = self.searched.borrow().get(&key) {
            return Ok(known.get(&id).copied());
        }
        let Some(Some(section)) = self.sections.get(layer) else { return Ok(None) };
        if self.searched.borrow().len() >= EXPRESSIONS {
            return Ok(None);
        }
        let wanted = self.tree.stored(layer, READ_LIMIT);
        let mut found = HashMap::new();
        let number = layer + 1;
        each_stored(section.clone(), &wanted, &mut |id, bytes| {
            found.insert(id, match_in(bytes, regex));
        })
        .map_err(|why| Unknown::new(format!("layer {number}"), Cause::Io(why)))?;
        let first = found.get(&id).copied();
        self.searched.borrow_mut().insert(key, found);
        Ok(first)
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> Unknown {
    move |error| Unknown::new(text::path(path), Cause::Io(error.to_string()))
}

fn changed(path: &Path) -> Unknown {
    Unknown::new(text::path(path), Cause::Vanished)
}

impl Files for ImageFiles {
    fn file(&self, path: &Path) -> Fact<Option<Arc<FileFact>>> {
        let id = self.tree.resolve(path, false)?;
        Ok(id.and_then(|id| self.tree.fact(id)).map(Arc::new))
    }

    fn acl(&self, path: &Path) -> Fact<Option<Acl>> {
        let id = self.tree.resolve(path, false)?;
        match id.and_then(|id| self.tree.inode(id)).and_then(|inode| inode.acl.clone()) {
            None => Ok(None),
            Some(Ok(acl)) => Ok(Some(acl)),
            Some(Err(why)) => {
                let what = format!("ACL of {}", text::path(path));
                Err(Unknown::new(what, Cause::Malformed(why)))
            }
        }
    }

    fn file_capabilities(&self, path: &Path) -> Fact<Option<FileCapabilities>> {
        let id = self.tree.resolve(path, false)?;
        let bytes = id.and_then(|id| self.tree.inode(id)).and_then(|i| i.capability.as_ref());
        bytes.map(|bytes| filecap::parse(bytes)).transpose().map_err(|why| {
            Unknown::new(format!("capabilities of {}", text::path(path)), Cause::Malformed(why))
        })
    }

    fn read(&self, path: &Path) -> Fact<Option<Arc<Vec<u8>>>> {
        self.read_up_to(path, READ_LIMIT)
    }

    fn first_match(&self, path: &Path, regex: &Regex) -> Fact<Option<Match>> {
        let Some((id, inode)) = self.regular(path)? else { return Ok(None) };
        let stored = matches!(inode.content, Content::Stored(_)) && inode.size <= READ_LIMIT;
        let known = self.contents.borrow().contains_key(&id);
        if stored
            && !known
            && self.again.get() >= ONE_BY_ONE
            && !self.is_plain(inode.layer)
            && let Some(found) = self.searched(id, inode.layer, regex)?
        {
            return Ok(Some(found));
        }
        if stored && !known && self.is_plain(inode.layer) {
            // It can be read again at any time, and need not be kept.
            let mut bytes = Vec::new();
            self.again(path, inode)?.read_to_end(&mut bytes).map_err(io(path))?;
            return Ok(Some(match_in(&bytes, regex)));
        }
        Ok(self.read(path)?.map(|content| match_in(&content, regex)))
    }

    fn read_up_to(&self, path: &Path, limit: u64) -> Fact<Option<Arc<Vec<u8>>>> {
        let Some((id, inode)) = self.regular(path)? else { return Ok(None) };
        if let Content::Kept(bytes) = &inode.content {
            return Ok(Some(Arc::clone(bytes)));
        }
        if let Some(bytes) = self.contents.borrow().get(&id) {
            return Ok(Some(Arc::clone(bytes)));
        }
        if inode.size > limit {
            let cause = Cause::TooLarge(format!("more than {limit} bytes"));
            return Err(Unknown::new(text::path(path), cause));
        }
        let mut bytes = Vec::new();
        self.again(path, inode)?.read_to_end(&mut bytes).map_err(io(path))?;
        if bytes.len() as u64 != inode.size {
            return Err(changed(path));
        }
        let bytes = Arc::new(bytes);
        if inode.size <= READ_LIMIT {
            self.contents.borrow_mut().insert(id, Arc::clone(&bytes));
        }
        Ok(Some(bytes))
    }

    fn part(&self, path: &Path, offset: u64, length: usize) -> Fact<Option<Vec<u8>>> {
        const WHOLE: u64 = 64 << 20;
        let Some((_, inode)) = self.regular(path)? else { return Ok(None) };
        if let Some(part) = parts_of_programs::part(&inode.parts, inode.size, offset, length) {
            return Ok(Some(part));
        }
        if let Content::Stored(at) = inode.content
            && self.is_plain(inode.layer)
            && let Some(Some(section)) = self.sections.get(inode.layer)
        {
            let offset = offset.min(inode.size);
            let length = (length as u64).min(inode.size - offset);
            let mut bytes = Vec::new();
            stored(section.clone(), at + offset, length)
                .map_err(|why| Unknown::new(text::path(path), Cause::Io(why)))?
                .read_to_end(&mut bytes)
                .map_err(io(path))?;
            return Ok(Some(bytes));
        }
        let content = self.read_up_to(path, WHOLE)?;
        Ok(content.map(|bytes| {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(length).min(bytes.len());
            bytes.get(start..end).unwrap_or_default().to_vec()
        }))
    }

    fn list(&self, path: &Path) -> Fact<Option<Arc<Vec<OsString>>>> {
        let Some(id) = self.tree.resolve(path, true)? else { return Ok(None) };
        let kind = self.tree.inode(id).map(|inode| inode.kind);
        Ok((kind == Some(FileKind::Directory)).then(|| Arc::new(self.tree.names(id))))
    }

    fn sha256(&self, path: &Path) -> Fact<Option<String>> {
        let Some((id, inode)) = self.regular(path)? else { return Ok(None) };
        if let Some(sums) = &inode.sums {
            return Ok(Some(Hex(&sums.sha256).to_string()));
        }
        if let Some(digest) = self.digests.borrow().get(&id) {
            return Ok(Some(digest.clone()));
        }
        let mut hash = Sha256::new();
        match &inode.content {
            Content::Kept(bytes) => hash.update(bytes.as_slice()),
            _ => {
                let mut reader = self.again(path, inode)?;
                let mut chunk = vec![0; 64 << 10];
                let mut total = 0;
                loop {
                    let count = reader.read(&mut chunk).map_err(io(path))?;
                    if count == 0 {
                        break;
                    }
                    total += count as u64;
                    hash.update(chunk.get(..count).unwrap_or_default());
                }
                if total != inode.size {
                    return Err(changed(path));
                }
            }
        }
        let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.digests.borrow_mut().insert(id, digest.clone());
        Ok(Some(digest))
    }

    fn checksum(&self, path: &Path, like: &Checksum) -> Fact<Option<Checksum>> {
        let Some((_, inode)) = self.regular(path)? else { return Ok(None) };
        let known = inode.sums.as_ref().and_then(|sums| match like {
            Checksum::Sha256(_) => Some(Checksum::Sha256(sums.sha256)),
            Checksum::Md5(_) => sums.others.map(|(md5, _)| Checksum::Md5(md5)),
            Checksum::Sha1(_) => sums.others.map(|(_, sha1)| Checksum::Sha1(sha1)),
        });
        match known {
            Some(known) => Ok(Some(known)),
            None => {
                let content = self.read_up_to(path, DIGESTED_LIMIT)?;
                Ok(content.map(|content| like.of_the_same_kind(&content)))
            }
        }
    }

    /// Archives do not tell such flags, and what unpacks them sets none.
    fn protection(&self, _: &Path) -> Fact<Protection> {
        Ok(Protection::default())
    }

    /// An image is unpacked before it runs; whether that is read-only then is not known here.
    fn read_only(&self, _: &Path) -> Fact<bool> {
        Ok(false)
    }
}

impl Layered for ImageFiles {
    fn layer(&self, path: &Path) -> Option<Layer> {
        let id = self.tree.resolve(path, false).ok()??;
        self.layers.get(self.tree.inode(id)?.layer).cloned()
    }
}
