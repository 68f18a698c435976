//! Whether the loader and the libraries of a program are there, for the processor that the image is for.
//!
//! As `ld.so(8)` looks for them, and musl's loader: `LD_LIBRARY_PATH` of the image, what the program and
//! its libraries name themselves, `/etc/ld.so.conf`, the default directories. A library of another
//! processor is passed over.

use super::startable::executable;
use crate::access::Credentials;
use crate::facts::file::FileKind;
use crate::facts::image::ImageConfig;
use crate::facts::{Cause, Fact, Unknown};
use crate::formats::linker::{Memo, of_musl, own_directories};
use crate::host::Target;
use crate::text;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The most libraries of one program.
const LIBRARIES: usize = 1000;
/// Architectures as images name them (`GOARCH`), and the `e_machine` of `elf.h` that runs there.
const MACHINES: [(&str, &[u16]); 9] = [
    ("amd64", &[62, 3]),
    ("386", &[3]),
    ("arm64", &[183, 40]),
    ("arm", &[40]),
    ("ppc64le", &[21]),
    ("s390x", &[22]),
    ("riscv64", &[243]),
    ("loong64", &[258]),
    ("mips64le", &[8]),
];

/// What is missing for a program to be loaded, in words. What is no ELF file needs nothing.
///
/// # Errors
/// Where a file on the way cannot be looked at.
pub fn missing(
    program: &Path,
    config: &ImageConfig,
    who: &Credentials,
    target: &dyn Target,
) -> Fact<Option<String>> {
    let memo = target.memo().table::<Memo>();
    let Some(elf) = memo.elf(target, program)? else { return Ok(None) };
    let shown = text::path(program);
    if let Some(other) = other_platform(elf.machine, target) {
        return Ok(Some(format!("{shown} is for another processor ({other})")));
    }
    // Without one it is linked statically, or is a loader itself.
    let Some(loader) = &elf.interpreter else { return Ok(None) };
    let loader = Path::new(loader);
    if let Some(why) = executable(loader, who, target)? {
        return Ok(Some(format!("{shown} needs the loader {}: {why}", text::path(loader))));
    }
    let musl = musl_of(loader, &memo, target)?;
    let mut system = match &musl {
        Some(loader) => of_musl(target, loader)?,
        None => {
            let all = memo.directories(target);
            if let Some(why) = all.1.first() {
                return Err(why.clone());
            }
            of_multiarch(&all.0, target)?
        }
    };
    let musl = musl.is_some();
    let variable = config.env.iter().rev().find(|(name, _)| name == "LD_LIBRARY_PATH");
    let first = variable.iter().flat_map(|(_, value)| value.split([':', ';']));
    let first: Vec<PathBuf> =
        first.filter(|word| word.starts_with('/')).map(PathBuf::from).collect();
    system.splice(0..0, first);
    let mut seen = BTreeSet::from([program.to_owned()]);
    let mut names = BTreeSet::from([base(loader)]);
    let mut inherited = Vec::new();
    let mut pending = vec![program.to_owned()];
    while let Some(file) = pending.pop() {
        let Some(elf) = memo.elf(target, &file)? else { continue };
        if seen.len() > LIBRARIES {
            let limit = Cause::TooLarge(format!("more than {LIBRARIES} libraries"));
            return Err(Unknown::new(shown, limit));
        }
        let own = own_directories(&elf, &file);
        // DT_RPATH counts for what its libraries load, too; with musl DT_RUNPATH does as well.
        if elf.runpath.is_empty() || musl {
            inherited.extend(own.iter().cloned());
        }
        for name in &elf.needed {
            if names.contains(name) || musl && is_of_musl(name) {
                continue;
            }
            let places = own.iter().chain(&inherited).chain(&system);
            let Some(path) = library(name, places, elf.machine, &memo, target)? else {
                let by = text::path(&file);
                return Ok(Some(format!("{by} needs the library {name}, which is not there")));
            };
            names.insert(name.clone());
            if seen.insert(path.clone()) {
                pending.push(path);
            }
        }
    }
    Ok(None)
}

/// The loader of musl, where a loader is that or leads to it as gcompat's does, which has the name of
/// glibc's.
fn musl_of(loader: &Path, memo: &Memo, target: &dyn Target) -> Fact<Option<PathBuf>> {
    if base(loader).starts_with("ld-musl") {
        return Ok(Some(loader.to_owned()));
    }
    let elf = memo.elf(target, loader)?;
    if !elf.is_some_and(|elf| elf.needed.iter().any(|name| name.starts_with("libc.musl"))) {
        return Ok(None);
    }
    let names = target.list(Path::new("/lib"))?.unwrap_or_default();
    let name = names.iter().find(|name| name.as_encoded_bytes().starts_with(b"ld-musl-"));
    Ok(name.map(|name| Path::new("/lib").join(name)))
}

/// The first file of that name which is a library for the processor.
fn library<'a>(
    name: &str,
    places: impl Iterator<Item = &'a PathBuf>,
    machine: u16,
    memo: &Memo,
    target: &dyn Target,
) -> Fact<Option<PathBuf>> {
    let fits = |path: &Path| -> Fact<bool> {
        // The file at the end of links, which may lead nowhere.
        let Some(end) = super::program::real(&text::path(path), target)? else { return Ok(false) };
        if target.file(&end)?.is_none_or(|file| file.kind != FileKind::File) {
            return Ok(false);
        }
        Ok(memo.elf(target, path)?.is_some_and(|elf| elf.machine == machine))
    };
    if name.contains('/') {
        let path = PathBuf::from(name);
        return Ok(fits(&path)?.then_some(path));
    }
    let mut asked = BTreeSet::new();
    for place in places.filter(|place| asked.insert((*place).clone())) {
        let path = place.join(name);
        if fits(&path)? {
            return Ok(Some(path));
        }
        // Builds for newer processors, `ld.so(8)` under "glibc-hwcaps".
        let newer = place.join("glibc-hwcaps");
        for folder in target.list(&newer)?.unwrap_or_default().iter() {
            let path = newer.join(folder).join(name);
            if fits(&path)? {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// The directories of a system, with those for one architecture that Debian's linker has built in.
fn of_multiarch(known: &[PathBuf], target: &dyn Target) -> Fact<Vec<PathBuf>> {
    let mut all = known.to_vec();
    for place in ["/lib", "/usr/lib"].map(Path::new) {
        for name in target.list(place)?.unwrap_or_default().iter() {
            if name.as_encoded_bytes().windows(7).any(|part| part == b"-linux-") {
                all.push(place.join(name));
            }
        }
    }
    Ok(all)
}

/// Names of the C library that musl's loader is itself, `ldso/dynlink.c`.
fn is_of_musl(name: &str) -> bool {
    const PARTS: [&str; 9] = ["c", "pthread", "rt", "m", "dl", "util", "xnet", "crypt", "resolv"];
    let own = name.strip_prefix("lib").and_then(|rest| rest.split('.').next());
    own.is_some_and(|own| PARTS.contains(&own))
}

fn base(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The platform of the image, where a program for that machine does not run on it.
fn other_platform(machine: u16, target: &dyn Target) -> Option<String> {
    let platform = &target.image()?.platform;
    let architecture = platform.split('/').nth(1)?;
    let (_, machines) = MACHINES.iter().find(|(name, _)| *name == architecture)?;
    (machine != 0 && !machines.contains(&machine))
        .then(|| format!("machine {machine} of ELF, and the image is for {platform}"))
}
