//! Which images an archive holds, and which of them is meant.
//!
//! There is `index.json` of an OCI layout or Docker's own `manifest.json`, which in `docker-dir` is a
//! single manifest. Docker 25 and later write both, and which of them counts depends on who loads the
//! archive: an image that one of them has and the other has not is an image of its own here. What a
//! document is its keys tell, not its media type: umoci writes none.

use crate::targets::image::config;
use crate::targets::image::digest::sha256_text;
use crate::targets::image::json::{Object, parse};
use crate::targets::image::limits::{INDEX_DEPTH, LAYER_LIMIT, MANIFEST_LIMIT};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Annotations that name an image, the most exact first.
const REFERENCES: [&str; 2] = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];

/// A part that an image is made of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blob {
    /// What the archive calls it.
    pub name: Vec<u8>,
    /// Digest of its bytes as stored, where the archive's documents say one.
    pub digest: Option<String>,
}

impl Blob {
    /// Whether both are the same bytes: Docker's manifest and an index name them alike.
    fn is(&self, other: &Self) -> bool {
        let digest = |blob: &Self| {
            let name = std::str::from_utf8(&blob.name).unwrap_or_default();
            let named = name.strip_prefix("blobs/sha256/").map(|hex| format!("sha256:{hex}"));
            blob.digest.clone().or(named)
        };
        self.name == other.name && digest(self) == digest(other)
    }
}

/// One image of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Names it has there.
    pub references: Vec<String>,
    /// `linux/amd64`; empty where nothing says.
    pub platform: String,
    /// Its configuration.
    pub config: Blob,
    /// Its layers, the lowest first.
    pub layers: Vec<Blob>,
}

impl Candidate {
    fn is_made_of_the_same_as(&self, other: &Self) -> bool {
        let (one, two) = (&self.layers, &other.layers);
        self.config.is(&other.config)
            && one.len() == two.len()
            && one.iter().zip(two).all(|(one, two)| one.is(two))
    }

    /// Further names.
    fn take_names(&mut self, names: Vec<String>) {
        for name in names {
            if !self.is_called(&name) {
                self.references.push(name);
            }
        }
    }
}

/// How documents are looked up.
pub type Look<'a> = &'a dyn Fn(&[u8]) -> Result<Option<Vec<u8>>, String>;

/// All images of an archive, attestations left out.
///
/// # Errors
/// In words: damaged documents, digests that do not fit, more images than bounds allow, none.
pub fn candidates(look: Look<'_>) -> Result<Vec<Candidate>, String> {
    let mut search =
        Search { look, found: Vec::new(), absent: Vec::new(), beside: Vec::new(), documents: 0 };
    let (index, manifest) = (look(b"index.json")?, look(b"manifest.json")?);
    if index.is_none() && manifest.is_none() {
        return Err("not an image: neither index.json nor manifest.json".to_owned());
    }
    if let Some(index) = index {
        search.any(&index, "blobs/", &[], String::new(), 0).map_err(at("index.json"))?;
    }
    if let Some(manifest) = manifest {
        match parse(&manifest).map_err(at("manifest.json"))? {
            Value::Array(items) => search.docker(&items).map_err(at("manifest.json"))?,
            _ => search.any(&manifest, "", &[], String::new(), 0).map_err(at("manifest.json"))?,
        }
    }
    match (search.found.is_empty(), search.absent.first()) {
        (true, Some(digest)) => Err(format!("{digest}: named, but not in the archive")),
        (true, None) if !search.beside.is_empty() => {
            Err(format!("the archive holds no image, but {}", search.beside.join(", ")))
        }
        (true, None) => Err("the archive holds no image".to_owned()),
        (false, _) => Ok(search.found),
    }
}

/// Whether some engine could take a document of the archive for one that names images, however damaged
/// it is for this reader.
pub fn are_there(look: Look<'_>) -> bool {
    let names_images = |value: &Value| {
        let Ok(object) = Object::of(value) else { return false };
        ["layers", "config", "manifests"].iter().any(|key| !matches!(object.get(key), Ok(None)))
    };
    [&b"index.json"[..], b"manifest.json"].iter().any(|name| {
        let bytes = match look(name) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return false,
            Err(_) => return true,
        };
        // Docker reads one value and nothing behind it.
        let first = serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>().next();
        match first {
            Some(Ok(Value::Array(items))) => items.iter().any(names_images),
            Some(Ok(value)) => names_images(&value),
            _ => false,
        }
    })
}

fn at(place: &str) -> impl Fn(String) -> String {
    move |why| format!("{place}: {why}")
}

struct Search<'a> {
    look: Look<'a>,
    found: Vec<Candidate>,
    /// Manifests that an index names and the archive lacks: other platforms, usually.
    absent: Vec<String>,
    /// What is no image: signatures, attestations, lists of what is in one.
    beside: Vec<String>,
    documents: usize,
}

impl Search<'_> {
    /// An index or a manifest.
    fn any(
        &mut self,
        bytes: &[u8],
        folder: &str,
        references: &[String],
        platform: String,
        depth: usize,
    ) -> Result<(), String> {
        self.documents += 1;
        if depth > INDEX_DEPTH || self.documents > MANIFEST_LIMIT {
            return Err("an index of too many indexes or manifests".to_owned());
        }
        let value = parse(bytes)?;
        let object = Object::of(&value)?;
        if object.get("layers")?.is_some() && object.get("config")?.is_some() {
            if let Some(what) = artifact(&object)? {
                let name = references.first().map(|name| format!(" {name}")).unwrap_or_default();
                self.beside.push(format!("{what}{name}"));
                return Ok(());
            }
            return self.manifest(&object, folder, references, platform);
        }
        if object.get("manifests")?.is_none() {
            return Err("neither an index nor a manifest".to_owned());
        }
        for item in object.list("manifests")? {
            let item = Object::of(item)?;
            if is_attestation(&item)? {
                continue;
            }
            let mut references = references.to_vec();
            references.extend(reference(&item)?);
            let platform = match item.object("platform")? {
                Some(platform) => config::platform(&platform)?,
                None => platform.clone(),
            };
            let blob = blob(&item, folder)?;
            match self.verified(&blob)? {
                Some(bytes) => self
                    .any(&bytes, folder, &references, platform, depth + 1)
                    .map_err(|why| format!("{}: {why}", crate::text::bytes(&blob.name)))?,
                None => self.absent.extend(blob.digest),
            }
        }
        Ok(())
    }

    fn manifest(
        &mut self,
        manifest: &Object<'_>,
        folder: &str,
        references: &[String],
        platform: String,
    ) -> Result<(), String> {
        let config = manifest.object("config")?.ok_or("a manifest without `config`")?;
        let config = blob(&config, folder)?;
        let items = manifest.list("layers")?;
        let layers: Vec<Blob> = items
            .iter()
            .take(LAYER_LIMIT + 1)
            .map(|item| blob(&Object::of(item)?, folder))
            .collect::<Result<_, _>>()?;
        self.add(references.to_vec(), platform, config, layers)
    }

    /// Docker's `manifest.json`: what the index has not is added.
    fn docker(&mut self, items: &[Value]) -> Result<(), String> {
        for item in items.iter().take(MANIFEST_LIMIT + 1) {
            let item = Object::of(item)?;
            let name = item.text("Config")?.ok_or("an image without `Config`")?;
            let config = Blob { digest: digest_of_name(&name), name: part(&name)? };
            let layers: Vec<Blob> = item
                .texts("Layers")?
                .iter()
                .take(LAYER_LIMIT + 1)
                .map(|name| Ok(Blob { name: part(name)?, digest: None }))
                .collect::<Result<_, String>>()?;
            let (references, platform) = (item.texts("RepoTags")?, String::new());
            let candidate = Candidate { references, platform, config, layers };
            // What it is for has been said by the index, if that has it too.
            match self.found.iter_mut().find(|known| known.is_made_of_the_same_as(&candidate)) {
                Some(known) => known.take_names(candidate.references),
                None => {
                    let Candidate { references, platform, config, layers } = candidate;
                    self.add(references, platform, config, layers)?;
                }
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        references: Vec<String>,
        mut platform: String,
        config: Blob,
        layers: Vec<Blob>,
    ) -> Result<(), String> {
        if layers.len() > LAYER_LIMIT {
            return Err(format!("an image of more than {LAYER_LIMIT} layers"));
        }
        if self.found.len() >= MANIFEST_LIMIT {
            return Err(format!("more than {MANIFEST_LIMIT} images"));
        }
        if platform.is_empty()
            && let Some(bytes) = self.verified(&config)?
            && let Ok(document) = config::read(&bytes)
        {
            platform = document.platform;
        }
        let candidate = Candidate { references, platform, config, layers };
        match self.found.iter_mut().find(|known| {
            known.platform == candidate.platform && known.is_made_of_the_same_as(&candidate)
        }) {
            Some(known) => known.take_names(candidate.references),
            None => self.found.push(candidate),
        }
        Ok(())
    }

    fn verified(&self, blob: &Blob) -> Result<Option<Vec<u8>>, String> {
        let Some(bytes) = (self.look)(&blob.name)? else { return Ok(None) };
        verify(&bytes, blob.digest.as_deref())
            .map_err(|why| format!("{}: {why}", crate::text::bytes(&blob.name)))?;
        Ok(Some(bytes))
    }
}

/// Compares a document with its digest.
///
/// # Errors
/// In words, where they differ.
pub fn verify(bytes: &[u8], digest: Option<&str>) -> Result<(), String> {
    let Some(wanted) = digest else { return Ok(()) };
    compare(&sha256_text(&Sha256::digest(bytes)), wanted)
}

/// Compares two digests.
///
/// # Errors
/// In words, where they differ.
pub fn compare(found: &str, wanted: &str) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("damaged or replaced: its digest is {found}, not {wanted}"))
}

/// What a manifest is, if it is that of no image: every layer says by its media type that it is none of
/// files. No engine unpacks such a one, whatever its configuration says it is. One layer of files, or
/// one that does not say what it is, makes an image.
fn artifact(manifest: &Object<'_>) -> Result<Option<&'static str>, String> {
    const OF_FILES: [&str; 2] =
        ["application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs."];
    const KINDS: [(&str, &str); 4] = [
        ("cosign", "a signature"),
        ("in-toto", "an attestation"),
        ("spdx", "a list of packages (SBOM)"),
        ("cyclonedx", "a list of packages (SBOM)"),
    ];
    let mut first = None;
    for layer in manifest.list("layers")? {
        let Some(kind) = Object::of(layer)?.text("mediaType")? else { return Ok(None) };
        if kind.is_empty() || OF_FILES.iter().any(|files| kind.starts_with(files)) {
            return Ok(None);
        }
        first.get_or_insert(kind);
    }
    let Some(first) = first else { return Ok(None) };
    let known = KINDS.iter().find(|(part, _)| first.contains(part));
    Ok(Some(known.map_or("an artifact", |(_, what)| *what)))
}

/// Whether no engine takes it for an image to run. Its platform says so: engines choose by that, so
/// one that merely has the annotation of attestations would still be run.
fn is_attestation(item: &Object<'_>) -> Result<bool, String> {
    let platform = item.object("platform")?.map(|platform| config::platform(&platform));
    Ok(platform.transpose()?.is_some_and(|platform| platform == "unknown/unknown"))
}

fn reference(item: &Object<'_>) -> Result<Option<String>, String> {
    let Some(annotations) = item.object("annotations")? else { return Ok(None) };
    for key in REFERENCES {
        if let Some(reference) = annotations.text(key)? {
            return Ok(Some(reference));
        }
    }
    Ok(None)
}

fn blob(descriptor: &Object<'_>, folder: &str) -> Result<Blob, String> {
    let digest = descriptor.text("digest")?.ok_or("a descriptor without `digest`")?;
    let hex = digest.strip_prefix("sha256:").unwrap_or_default();
    if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(format!("{digest}: not a SHA-256 digest; no other can be verified"));
    }
    let name = match folder {
        "" => hex.to_owned(),
        folder => format!("{folder}sha256/{hex}"),
    };
    Ok(Blob { name: name.into_bytes(), digest: Some(digest) })
}

/// A part's name in Docker's manifest, which must not lead out of the archive.
fn part(name: &str) -> Result<Vec<u8>, String> {
    crate::targets::image::layer::normal(name.as_bytes())
}

/// The digest that a configuration's name tells: `<hex>.json`, `sha256:<hex>`,
/// `blobs/sha256/<hex>`.
fn digest_of_name(name: &str) -> Option<String> {
    let last = name.rsplit('/').next().unwrap_or(name);
    let last = last.strip_suffix(".json").unwrap_or(last);
    let hex = last.strip_prefix("sha256:").unwrap_or(last);
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then(|| format!("sha256:{}", hex.to_ascii_lowercase()))
}
