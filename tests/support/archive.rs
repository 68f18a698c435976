//! Tar archives and container images made byte by byte, the hostile ones too.

use sha2::{Digest, Sha256};
use std::io::Write as _;

/// A tar archive being written.
#[derive(Clone, Default)]
pub struct Tar(Vec<u8>);

/// Octal digits of a header's field.
fn octal(field: &mut [u8], number: u64) {
    let digits = format!("{number:0width$o}\0", width = field.len() - 1);
    field.copy_from_slice(digits.as_bytes());
}

impl Tar {
    pub fn new() -> Self {
        Self::default()
    }

    /// Any member, its type as the header says it.
    pub fn member(
        mut self,
        kind: u8,
        name: impl AsRef<[u8]>,
        link: impl AsRef<[u8]>,
        mode: u64,
        owner: (u64, u64),
        content: impl AsRef<[u8]>,
    ) -> Self {
        let (name, link, content) = (name.as_ref(), link.as_ref(), content.as_ref());
        let mut header = [0_u8; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &name[..name.len().min(100)]);
        put(157, &link[..link.len().min(100)]);
        put(257, b"ustar\x0000");
        header[156] = kind;
        octal(&mut header[100..108], mode);
        octal(&mut header[108..116], owner.0);
        octal(&mut header[116..124], owner.1);
        octal(&mut header[124..136], content.len() as u64);
        octal(&mut header[136..148], 1_700_000_000);
        header[148..156].fill(b' ');
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        octal(&mut header[148..155], sum);
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn file(self, name: impl AsRef<[u8]>, content: impl AsRef<[u8]>) -> Self {
        self.member(b'0', name, "", 0o644, (0, 0), content)
    }

    pub fn owned(self, name: &str, mode: u64, owner: (u64, u64), content: &str) -> Self {
        self.member(b'0', name, "", mode, owner, content)
    }

    pub fn dir(self, name: &str) -> Self {
        self.member(b'5', name, "", 0o755, (0, 0), "")
    }

    pub fn symlink(self, name: &str, to: &str) -> Self {
        self.member(b'2', name, to, 0o777, (0, 0), "")
    }

    pub fn hard_link(self, name: &str, to: &str) -> Self {
        self.member(b'1', name, to, 0o644, (0, 0), "")
    }

    /// An extended header for the member that follows.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Self {
        let mut content = Vec::new();
        for (key, value) in records {
            let rest = key.len() + value.len() + 3;
            let mut length = rest + 1;
            while length != rest + length.to_string().len() {
                length = rest + length.to_string().len();
            }
            content.extend_from_slice(format!("{length} {key}=").as_bytes());
            content.extend_from_slice(value);
            content.push(b'\n');
        }
        self.member(b'x', "PaxHeaders/x", "", 0o644, (0, 0), content)
    }

    /// Further bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The archive without the mark of its end.
    pub fn cut(self) -> Vec<u8> {
        self.0
    }

    pub fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0
    }
}

pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// An image: its configuration's `config` object as JSON, and layers (tar archives).
#[derive(Clone)]
pub struct Image {
    pub config: String,
    pub history: String,
    pub arch: &'static str,
    pub layers: Vec<Vec<u8>>,
}

impl Image {
    pub fn new(config: &str, layers: impl IntoIterator<Item = Tar>) -> Self {
        let layers = layers.into_iter().map(Tar::finish).collect();
        Self { config: config.to_owned(), history: String::new(), arch: "amd64", layers }
    }

    pub fn for_arch(mut self, arch: &'static str) -> Self {
        self.arch = arch;
        self
    }

    /// With these lines of a Dockerfile, one for each layer; one in parentheses has no layer.
    pub fn made_by(mut self, lines: &[&str]) -> Self {
        let steps: Vec<String> = lines
            .iter()
            .map(|line| {
                format!(r#"{{"created_by":"{line}","empty_layer":{}}}"#, line.starts_with('('))
            })
            .collect();
        self.history = format!(r#","history":[{}]"#, steps.join(","));
        self
    }

    /// The configuration document.
    pub fn document(&self) -> Vec<u8> {
        let ids: Vec<String> =
            self.layers.iter().map(|layer| format!(r#""sha256:{}""#, hex(layer))).collect();
        let (arch, config, ids) = (self.arch, &self.config, ids.join(","));
        let history = &self.history;
        format!(
            r#"{{"os":"linux","architecture":"{arch}","config":{config},
               "rootfs":{{"type":"layers","diff_ids":[{ids}]}}{history}}}"#
        )
        .into_bytes()
    }

    /// `docker save` up to 24: the manifest comes last.
    pub fn docker_old(&self, tag: &str) -> Vec<u8> {
        let mut tar = Tar::new();
        let document = self.document();
        let mut names = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            let id = hex(format!("{number}").as_bytes());
            tar = tar.dir(&format!("{id}/"));
            tar = tar.file(format!("{id}/VERSION"), "1.0").file(format!("{id}/json"), "{}");
            tar = tar.file(format!("{id}/layer.tar"), layer);
            names.push(format!(r#""{id}/layer.tar""#));
        }
        let config = format!("{}.json", hex(&document));
        tar = tar.file(&config, &document);
        tar.file("manifest.json", docker_manifest(&config, tag, &names)).finish()
    }

    /// podman and skopeo: layers by their digest, and links to them.
    pub fn podman(&self, tag: &str) -> Vec<u8> {
        let mut tar = Tar::new();
        let document = self.document();
        let mut names = Vec::new();
        for (number, layer) in self.layers.iter().enumerate() {
            let id = hex(format!("{number}").as_bytes());
            tar = tar.file(format!("{}.tar", hex(layer)), layer);
            tar = tar.symlink(&format!("{id}/layer.tar"), &format!("../{}.tar", hex(layer)));
            names.push(format!(r#""{id}/layer.tar""#));
        }
        let config = format!("{}.json", hex(&document));
        tar = tar.file(&config, &document);
        tar.file("manifest.json", docker_manifest(&config, tag, &names)).finish()
    }

    /// crane and kaniko: gzip layers, a configuration called `sha256:<hex>`.
    pub fn crane(&self, tag: &str) -> Vec<u8> {
        let document = self.document();
        let config = format!("sha256:{}", hex(&document));
        let mut tar = Tar::new().file(&config, &document);
        let mut names = Vec::new();
        for layer in &self.layers {
            let packed = gzip(layer);
            let name = format!("{}.tar.gz", hex(&packed));
            tar = tar.file(&name, packed);
            names.push(format!(r#""{name}""#));
        }
        tar.file("manifest.json", docker_manifest(&config, tag, &names)).finish()
    }

    /// Blobs of an OCI layout and the descriptor of the manifest.
    pub fn blobs(&self, pack: fn(&[u8]) -> Vec<u8>) -> (Vec<Vec<u8>>, String) {
        let document = self.document();
        let packed: Vec<Vec<u8>> = self.layers.iter().map(|layer| pack(layer)).collect();
        let describe = |bytes: &Vec<u8>| {
            // The type says gzip whatever it is: types lie.
            let kind = "application/vnd.oci.image.layer.v1.tar+gzip";
            let (digest, size) = (hex(bytes), bytes.len());
            format!(r#"{{"mediaType":"{kind}","digest":"sha256:{digest}","size":{size}}}"#)
        };
        let layers: Vec<String> = packed.iter().map(describe).collect();
        let manifest = format!(
            r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#,
            describe(&document),
            layers.join(",")
        );
        let digest = hex(manifest.as_bytes());
        let mut blobs = packed;
        blobs.push(document);
        blobs.push(manifest.into_bytes());
        (blobs, digest)
    }

    /// An oci-archive that holds this image under a name.
    pub fn oci(&self, name: &str, pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
        oci_archive(&[(name, self)], pack)
    }
}

fn docker_manifest(config: &str, tag: &str, layers: &[String]) -> String {
    let tags = if tag.is_empty() { String::new() } else { format!(r#""{tag}""#) };
    format!(r#"[{{"Config":"{config}","RepoTags":[{tags}],"Layers":[{}]}}]"#, layers.join(","))
}

/// An archive of several images, each with its platform, and an attestation.
pub fn oci_archive(images: &[(&str, &Image)], pack: fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let mut blobs = std::collections::BTreeMap::new();
    let mut manifests = Vec::new();
    for (name, image) in images {
        let (parts, digest) = image.blobs(pack);
        blobs.extend(parts.into_iter().map(|part| (hex(&part), part)));
        manifests.push(format!(
            r#"{{"digest":"sha256:{digest}","size":1,
               "platform":{{"os":"linux","architecture":"{}"}},
               "annotations":{{"org.opencontainers.image.ref.name":"{name}"}}}}"#,
            image.arch
        ));
    }
    manifests.push(format!(
        r#"{{"digest":"sha256:{}","platform":{{"os":"unknown","architecture":"unknown"}}}}"#,
        hex(b"attestation")
    ));
    let mut tar = Tar::new().file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    for (digest, blob) in blobs {
        tar = tar.file(format!("blobs/sha256/{digest}"), blob);
    }
    let index = format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, manifests.join(","));
    tar.file("index.json", index).finish()
}
