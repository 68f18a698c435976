//! Container images in archives: without a daemon, without root, and nothing is extracted.
//!
//! An archive is read in one pass over what it holds of the chosen image: the documents say which
//! layers, each layer's members are listed ([`layer`]), and the lists are merged ([`merge`]). Which
//! file contents are worth keeping is decided before ([`wants`]). Whatever is damaged, unknown or
//! beyond a bound is an error of the run, never an image with less in it.

mod choice;
pub mod config;
mod contents;
mod digest;
mod files;
pub mod json;
pub mod layer;
pub mod limits;
pub mod manifest;
pub mod merge;
pub mod parts;
pub mod parts_of_programs;
pub mod section;
mod source;
pub mod stream;
pub mod tree;
pub mod wants;

pub use crate::targets::image::choice::Choice;
pub use crate::targets::image::files::ImageFiles;

use crate::facts::image::{Image, Layer, SecretFile};
use crate::host::Wants;
use crate::targets::image::layer::{Change, Secret};
use crate::targets::image::limits::Limits;
use crate::targets::image::manifest::Candidate;
use crate::targets::image::parts::{Found, Parts, Scanned};
use crate::targets::image::section::Section;
use crate::targets::image::stream::{Hashes, Looks, looks};
use crate::targets::image::wants::Wanted;
use crate::targets::offline::Still;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many files with secrets are told of.
const SECRETS: usize = 10_000;
/// The name of standard input.
const STDIN: &str = "-";

/// Opens an archive, an image's directory, or `-` for standard input, and reads the chosen image,
/// or with [`Choice::all`] the image of every platform.
///
/// # Errors
/// In words, when it is no image, is damaged, goes beyond a bound, or the choice is not clear.
pub fn open(path: &Path, choice: &Choice, wants: &Wants) -> Result<Vec<Still<ImageFiles>>, String> {
    let place =
        if path == Path::new(STDIN) { "standard input".into() } else { crate::text::path(path) };
    read(path, choice, &Wanted::of(wants)).map_err(|why| format!("{place}: {why}"))
}

fn read(path: &Path, choice: &Choice, wanted: &Wanted) -> Result<Vec<Still<ImageFiles>>, String> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let limits = Limits::default();
    let parts = match find(path, wanted, &limits)? {
        Found::Parts(parts) => parts,
        Found::Flat(changes, section) => return flat(name, choice, changes, section),
    };
    let candidates = manifest::candidates(&|name| parts.document(name))?;
    let several = candidates.len() > 1;
    let mut images = Vec::new();
    for candidate in choice.of(candidates)? {
        let shown = candidate.show();
        let name = match candidate.references.first() {
            Some(reference) => reference.clone(),
            None => name.clone(),
        };
        let name = match candidate.platform.as_str() {
            platform if several && !platform.is_empty() => format!("{name} ({platform})"),
            _ => name,
        };
        let image = load(&name, &parts, candidate, wanted, &Limits::default());
        images.push(image.map_err(|why| format!("{shown}: {why}"))?);
    }
    Ok(images)
}

fn find(path: &Path, wanted: &Wanted, limits: &Limits) -> Result<Found, String> {
    if path == Path::new(STDIN) {
        return parts::stream(io::stdin().lock(), wanted, limits);
    }
    let kind = fs::metadata(path).map_err(|error| error.to_string())?;
    if kind.is_dir() {
        return Parts::directory(path).map(Found::Parts);
    }
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    // A FIFO or a device goes by once, as standard input does.
    if !kind.is_file() {
        return parts::stream(file, wanted, limits);
    }
    let mut first = Vec::new();
    io::Read::by_ref(&mut file).take(512).read_to_end(&mut first).map_err(layer::in_words)?;
    io::Seek::rewind(&mut file).map_err(layer::in_words)?;
    match looks(&first) {
        Looks::Tar => parts::archive(file, wanted, limits),
        _ => parts::stream(file, wanted, limits),
    }
}

/// The archive of `docker export`: files without layers or configuration.
fn flat(
    name: String,
    choice: &Choice,
    changes: Vec<Change>,
    section: Option<Section>,
) -> Result<Vec<Still<ImageFiles>>, String> {
    if choice.platform.is_some() || choice.reference.is_some() {
        return Err("a flat archive of files has no platforms or names to choose from".to_owned());
    }
    let tree = merge::merge([changes])?;
    let files = ImageFiles::new(tree, Vec::new(), vec![section]);
    Ok(vec![Still::new(name, files, Some(Image::default()))])
}

fn load(
    name: &str,
    parts: &Parts,
    candidate: Candidate,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Still<ImageFiles>, String> {
    let blob = &candidate.config;
    let bytes = parts.document(&blob.name)?.ok_or("its configuration is not in the archive")?;
    manifest::verify(&bytes, blob.digest.as_deref())
        .map_err(|why| format!("configuration: {why}"))?;
    let document = config::read(&bytes).map_err(|why| format!("configuration: {why}"))?;
    let (named, described) = (candidate.layers.len(), document.diff_ids.len());
    if named != described {
        return Err(format!("{named} layers are named and {described} are described"));
    }
    let scanned = scan_all(parts, &candidate, &document.diff_ids, wanted, limits)?;
    let lines = config::created_by(&document.config.history, named);
    let mut layers = Vec::new();
    for (index, (scanned, created_by)) in scanned.iter().zip(lines).enumerate() {
        let blob = candidate.layers.get(index);
        let digest = blob.and_then(|blob| blob.digest.clone());
        layers.push(Layer {
            number: index + 1,
            digest: digest.or(document.diff_ids.get(index).cloned()).unwrap_or_default(),
            size: scanned.digests.size,
            created_by,
        });
    }
    let mut sections = Vec::new();
    for blob in &candidate.layers {
        sections.push(parts.section(&blob.name)?);
    }
    let secrets: Vec<(Vec<u8>, Box<Secret>, usize)> = scanned
        .iter()
        .enumerate()
        .flat_map(|(number, scanned)| {
            scanned.changes.iter().filter_map(move |change| match change {
                Change::Put(entry) => Some((entry.path.clone(), entry.secret.clone()?, number)),
                _ => None,
            })
        })
        .take(SECRETS)
        .collect();
    let changes = scanned.into_iter().map(|scanned| match Arc::try_unwrap(scanned) {
        Ok(scanned) => scanned.changes,
        Err(shared) => shared.changes.clone(),
    });
    let tree = merge::merge(changes)?;
    let platform =
        if candidate.platform.is_empty() { document.platform } else { candidate.platform };
    let secret_files = wanted.secrets.then(|| {
        let found = |(path, secret, number): (Vec<u8>, Box<Secret>, usize)| {
            let whole = Path::new("/").join(OsStr::from_bytes(&path));
            let now = tree.resolve(&whole, false).ok().flatten().and_then(|id| tree.inode(id));
            let layer = layers.get(number).cloned().unwrap_or_default();
            let hidden = now.is_none_or(|inode| inode.layer != number);
            let Secret { what, sums } = *secret;
            let path = crate::text::path(&whole);
            SecretFile { path, what: what.to_owned(), layer, hidden, sums }
        };
        secrets.into_iter().map(found).collect()
    });
    let image = Image {
        references: candidate.references,
        platform,
        config: Some(document.config),
        layers: layers.clone(),
        secret_files,
    };
    Ok(Still::new(name, ImageFiles::new(tree, layers, sections), Some(image)))
}

/// Reads all layers, on as many cores as there are: until they are merged they have nothing to do
/// with each other.
fn scan_all(
    parts: &Parts,
    candidate: &Candidate,
    diff_ids: &[String],
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Vec<Arc<Scanned>>, String> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(blob) = candidate.layers.get(index) else { return done };
            let scanned = scan(parts, blob, diff_ids.get(index), wanted, limits);
            done.push((index, scanned.map_err(|why| format!("layer {}: {why}", index + 1))));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let workers = cores.min(candidate.layers.len()).min(4);
    // What went by on a stream has been read already, and is not made to be shared.
    let mut done = match parts {
        Parts::Stream { .. } => work(),
        _ if workers < 2 => work(),
        _ => std::thread::scope(|scope| {
            let threads: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
            let mut done = work();
            for thread in threads {
                done.extend(thread.join().unwrap_or_default());
            }
            done
        }),
    };
    done.sort_by_key(|(index, _)| *index);
    if done.len() != candidate.layers.len() {
        return Err("a layer was not read".to_owned());
    }
    done.into_iter().map(|(_, scanned)| scanned).collect()
}

/// Reads one layer and compares its digests: that of the manifest, where it names one, and that of the
/// configuration, which engines compare when they unpack the layer.
fn scan(
    parts: &Parts,
    blob: &manifest::Blob,
    diff_id: Option<&String>,
    wanted: &Wanted,
    limits: &Limits,
) -> Result<Arc<Scanned>, String> {
    let diff_id = diff_id.filter(|id| !id.is_empty());
    let stored = blob.digest.as_ref();
    // A layer that is not compressed has one digest, and is hashed once.
    let hashes = Hashes { stored: stored.is_some(), plain: diff_id.is_some() && diff_id != stored };
    let scanned = parts.layer(&blob.name, hashes, wanted, limits)?;
    let pairs = [
        (&scanned.digests.stored, stored.filter(|_| hashes.stored)),
        (&scanned.digests.plain, diff_id.filter(|_| hashes.plain)),
    ];
    let mut compared = false;
    for (found, expected) in pairs {
        match (found, expected) {
            (Some(found), Some(expected)) => {
                manifest::compare(found, expected)?;
                compared = true;
            }
            (None, Some(_)) => return Err("its digest could not be computed".to_owned()),
            (_, None) => {}
        }
    }
    match compared {
        true => Ok(scanned),
        false => Err("nothing says which digest it must have".to_owned()),
    }
}
