//! The parts of an image archive by name: documents and layers, in a directory, in a tar file that
//! can be read anywhere, or in a stream that goes by once.

use crate::formats::tar::{Kind, Member, Seeked, Streamed, Tar};
use crate::targets::image::contents::{Contents, could_be_part};
use crate::targets::image::layer::{Change, change, in_words, normal, shown, split};
use crate::targets::image::limits::{DOCUMENT_LIMIT, DOCUMENTS_LIMIT, Limits, PART_LIMIT};
use crate::targets::image::manifest;
use crate::targets::image::section::Section;
use crate::targets::image::stream::{Digests, Hashes, Looks, Stream};
use crate::targets::image::wants::Wanted;
use crate::targets::rootfs::Rootfs;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;

/// How many links one name of an archive may lead through (`<id>/layer.tar` of podman is one).
const LINKS: usize = 8;

/// A layer that has been read.
#[derive(Clone, Debug)]
pub struct Scanned {
    /// Its digests.
    pub digests: Digests,
    /// What it changes.
    pub changes: Vec<Change>,
}

/// Where the parts of an archive are.
pub enum Parts {
    /// Files of a directory: an OCI layout, `docker-dir`.
    Directory(Rootfs),
    /// Members of a tar file that is not compressed.
    Archive {
        /// The file.
        file: Section,
        /// Members by name.
        members: BTreeMap<Vec<u8>, Place>,
    },
    /// What was kept of a stream.
    Stream {
        /// The last member of each name, as it is for whoever unpacks the archive.
        members: BTreeMap<Vec<u8>, Passed>,
    },
}

/// What was kept of a member of a stream.
#[derive(Clone, Debug)]
pub enum Passed {
    /// A JSON document.
    Document(Vec<u8>),
    /// A layer.
    Layer(Arc<Scanned>),
    /// Another member.
    Link(Vec<u8>),
    /// Neither, and why.
    Refused(String),
}

/// A member of a tar file.
#[derive(Clone, Debug)]
pub enum Place {
    /// Bytes.
    Bytes {
        /// Where they begin.
        offset: u64,
        /// How many.
        size: u64,
    },
    /// Another member.
    Link(Vec<u8>),
    /// Stored with holes left out, which is not read.
    Sparse,
}

/// Why a member with holes is refused.
const SPARSE: &str = "stored with holes in the archive, which is not read";

/// What an archive turned out to be.
pub enum Found {
    /// Documents and layers.
    Parts(Parts),
    /// The files of a container as they are (`docker export`), and the file that they can be read
    /// from again.
    Flat(Vec<Change>, Option<Section>),
}

/// Reads what the parts of a tar file are called, and the files of a flat one.
///
/// # Errors
/// In words, for what is neither.
pub fn archive(file: File, wanted: &Wanted, limits: &Limits) -> Result<Found, String> {
    let section = Section::whole(file.try_clone().map_err(in_words)?).map_err(in_words)?;
    let mut tar = Tar::new(Seeked::new(file).map_err(in_words)?);
    let mut members = BTreeMap::new();
    let mut contents = Contents::default();
    while let Some(member) = tar.next_member().map_err(in_words)? {
        let name = normal(&member.path)?;
        limits.take_entry(name.len())?;
        contents.note(&name);
        let place = match member.kind {
            Kind::File if member.sparse => Place::Sparse,
            Kind::File => Place::Bytes { offset: member.offset, size: member.size },
            Kind::Symlink | Kind::HardLink => Place::Link(link(&name, &member)),
            _ => {
                members.remove(&name);
                continue;
            }
        };
        members.insert(name, place);
        if members.len() > PART_LIMIT {
            return Err(format!("more than {PART_LIMIT} parts"));
        }
    }
    contents.complete(tar.end_was_marked())?;
    let flat = contents.flat()?;
    let parts = Parts::Archive { file: section.clone(), members };
    if !flat {
        return Ok(Found::Parts(parts));
    }
    not_both(&contents, &parts)?;
    let mut tar = Tar::new(Streamed(io::BufReader::with_capacity(128 << 10, section.clone())));
    let changes = crate::targets::image::layer::read(&mut tar, false, wanted, limits)?;
    Ok(Found::Flat(changes, Some(section)))
}

/// A container may have a file `/manifest.json`. But what also is an image to an engine that loads it
/// would be judged by other files than those that then run.
fn not_both(contents: &Contents, parts: &Parts) -> Result<(), String> {
    if contents.may_be_image() && manifest::are_there(&|name| parts.document(name)) {
        return Err(
            "both an image and the files of a container: its manifest names an image, and \
             there are directories of a root filesystem beside it"
                .to_owned(),
        );
    }
    Ok(())
}

/// Reads a stream that may be compressed as a whole.
///
/// # Errors
/// As for [`archive`].
pub fn stream(input: impl Read, wanted: &Wanted, limits: &Limits) -> Result<Found, String> {
    let outer = Stream::new(input, Hashes::default(), limits.bounds).map_err(in_words)?;
    if matches!(outer.looks(), Looks::Json | Looks::Other) {
        return Err("not an image: neither a tar archive nor a compressed one".to_owned());
    }
    let mut tar = Tar::new(Streamed(io::BufReader::with_capacity(64 << 10, outer)));
    let mut contents = Contents::default();
    let mut flat = Vec::new();
    let mut members = BTreeMap::new();
    let mut room = DOCUMENTS_LIMIT;
    while let Some(member) = tar.next_member().map_err(in_words)? {
        let name = normal(&member.path)?;
        contents.note(&name);
        // Only the last one of a name counts.
        members.remove(&name);
        if matches!(member.kind, Kind::Symlink | Kind::HardLink) {
            members.insert(name.clone(), Passed::Link(link(&name, &member)));
        }
        if member.kind != Kind::File || !could_be_part(&name) {
            flat.extend(change(&mut tar, member, false, wanted, limits)?);
            continue;
        }
        let passed = match member.sparse {
            true => Passed::Refused(SPARSE.to_owned()),
            // Whether a failure matters is known when a manifest names it.
            false => part(&mut tar, wanted, limits).unwrap_or_else(Passed::Refused),
        };
        if let Passed::Document(bytes) = &passed {
            room = room.checked_sub(bytes.len() as u64).ok_or("too many documents")?;
        }
        members.insert(name, passed);
        // Should this turn out to be a flat archive, it is a file like others.
        let nothing = Tar::new(Streamed(io::empty()));
        flat.extend(passed_over(nothing, member, wanted, limits)?);
    }
    contents.complete(tar.end_was_marked())?;
    tar.into_input().0.into_inner().finish().map_err(in_words)?;
    let parts = Parts::Stream { members };
    if contents.flat()? {
        not_both(&contents, &parts)?;
        return Ok(Found::Flat(flat, None));
    }
    Ok(Found::Parts(parts))
}

/// The change of a member whose bytes have gone by.
fn passed_over(
    mut nothing: Tar<Streamed<io::Empty>>,
    mut member: Member,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Option<Change>, String> {
    member.sparse = true;
    let made = change(&mut nothing, member, false, wanted, limits)?;
    Ok(made.map(|made| match made {
        Change::Put(mut entry) => {
            entry.content = crate::targets::image::layer::Content::Stored(0);
            Change::Put(entry)
        }
        other => other,
    }))
}

fn part(input: &mut impl Read, wanted: &Wanted, limits: &Limits) -> Result<Passed, String> {
    // Which of the two digests will be asked for, the manifest says, which may come last.
    let hashes = Hashes { stored: true, plain: true };
    let mut stream = Stream::new(input, hashes, limits.bounds).map_err(in_words)?;
    match stream.looks() {
        Looks::Json => {
            let mut bytes = Vec::new();
            let limit = DOCUMENT_LIMIT + 1;
            Read::take(&mut stream, limit).read_to_end(&mut bytes).map_err(in_words)?;
            let fits = bytes.len() as u64 <= DOCUMENT_LIMIT;
            Ok(if fits { Passed::Document(bytes) } else { Passed::Refused(too_large()) })
        }
        Looks::Other | Looks::Unsupported(_) => {
            Ok(Passed::Refused("neither a JSON document nor a layer".to_owned()))
        }
        Looks::Tar | Looks::Gzip | Looks::Zstd => {
            scan(stream, wanted, limits).map(|scanned| Passed::Layer(Arc::new(scanned)))
        }
    }
}

fn too_large() -> String {
    format!("more than {DOCUMENT_LIMIT} bytes")
}

/// Reads a layer to its very end.
///
/// # Errors
/// As for [`crate::targets::image::layer::read`].
pub fn scan<R: Read>(
    stream: Stream<R>,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Scanned, String> {
    if matches!(stream.looks(), Looks::Json | Looks::Other) {
        return Err("not a tar archive".to_owned());
    }
    let buffered = io::BufReader::with_capacity(64 << 10, stream);
    let mut tar = Tar::new(Streamed(buffered));
    let changes = crate::targets::image::layer::read(&mut tar, true, wanted, limits)?;
    let digests = tar.into_input().0.into_inner().finish().map_err(in_words)?;
    Ok(Scanned { digests, changes })
}

/// Where a link within an archive leads, from the archive's root.
fn link(name: &[u8], member: &Member) -> Vec<u8> {
    let folder = split(name).0;
    let target = match member.kind {
        Kind::Symlink => [folder, b"/", &member.link].concat(),
        _ => member.link.clone(),
    };
    normal(&target).unwrap_or_default()
}

impl Parts {
    /// The files of a directory.
    ///
    /// # Errors
    /// In words, where it cannot be opened.
    pub fn directory(path: &Path) -> Result<Self, String> {
        Rootfs::open(path).map(Self::Directory)
    }

    /// Bytes of a part that can be read any number of times.
    ///
    /// # Errors
    /// In words, where it is there and cannot be opened.
    pub fn section(&self, name: &[u8]) -> Result<Option<Section>, String> {
        match self {
            Parts::Directory(rootfs) => {
                let path = Path::new("/").join(Path::new(std::ffi::OsStr::new(
                    std::str::from_utf8(name).map_err(|_| "a name that is not UTF-8")?,
                )));
                let file = rootfs.open_file(&path).map_err(|why| why.to_string())?;
                file.map(Section::whole).transpose().map_err(in_words)
            }
            Parts::Archive { file, members } => {
                let mut name = name;
                for _ in 0..LINKS {
                    match members.get(name) {
                        Some(Place::Bytes { offset, size }) => {
                            return Ok(Some(file.part(*offset, *size)));
                        }
                        Some(Place::Link(to)) => name = to,
                        Some(Place::Sparse) => return Err(format!("{}: {SPARSE}", shown(name))),
                        None => return Ok(None),
                    }
                }
                Err(format!("{}: too many links", shown(name)))
            }
            Parts::Stream { .. } => Ok(None),
        }
    }

    /// A JSON document.
    ///
    /// # Errors
    /// In words, where it is there and cannot be read, or is too large.
    pub fn document(&self, name: &[u8]) -> Result<Option<Vec<u8>>, String> {
        if let Parts::Stream { members } = self {
            return match passed(members, name) {
                None => Ok(None),
                Some(Passed::Document(bytes)) => Ok(Some(bytes.clone())),
                Some(Passed::Refused(why)) => Err(format!("{}: {why}", shown(name))),
                Some(_) => Err(format!("{}: not a JSON document", shown(name))),
            };
        }
        let Some(section) = self.section(name)? else { return Ok(None) };
        if section.bytes_left() > DOCUMENT_LIMIT {
            return Err(format!("{}: {}", shown(name), too_large()));
        }
        let mut bytes = Vec::new();
        section.take(DOCUMENT_LIMIT).read_to_end(&mut bytes).map_err(in_words)?;
        Ok(Some(bytes))
    }

    /// A layer.
    ///
    /// # Errors
    /// In words, where there is none of that name or it cannot be read.
    pub fn layer(
        &self,
        name: &[u8],
        hashes: Hashes,
        wanted: &Wanted,
        limits: &Limits,
    ) -> Result<Arc<Scanned>, String> {
        let missing = || "not in the archive".to_owned();
        if let Parts::Stream { members } = self {
            return match passed(members, name).ok_or_else(missing)? {
                Passed::Layer(scanned) => Ok(Arc::clone(scanned)),
                Passed::Refused(why) => Err(why.clone()),
                _ => Err("not a tar archive".to_owned()),
            };
        }
        let section = self.section(name)?.ok_or_else(missing)?;
        let bytes = section.bytes_left();
        let stream = Stream::ahead(section, bytes, hashes, limits.bounds).map_err(in_words)?;
        scan(stream, wanted, limits).map(Arc::new)
    }
}

/// What went by under a name, links followed.
fn passed<'a>(members: &'a BTreeMap<Vec<u8>, Passed>, name: &[u8]) -> Option<&'a Passed> {
    let mut found = members.get(name)?;
    for _ in 0..LINKS {
        match found {
            Passed::Link(to) => found = members.get(to)?,
            _ => break,
        }
    }
    Some(found)
}
