//! Detached signatures of baselines, in the format of minisign(1): whoever holds the secret key, on
//! another machine, signs; this one can only verify.

use super::{Failure, beside, read};
use crate::safety::trust;
use crate::text;
use minisign_verify::{PublicKey, Signature};
use std::path::Path;

/// What the name of the file ends with.
pub const END: &str = ".minisig";

/// A public key.
pub struct Key {
    key: PublicKey,
    shown: String,
}

impl Key {
    /// A key as minisign prints it (`RW…`), or the file with it.
    ///
    /// # Errors
    /// In words, when it is neither.
    pub fn parse(text: &str) -> Result<Self, String> {
        let plain = text.trim();
        let from = |line: &str| {
            let key = PublicKey::from_base64(line).ok()?;
            Some(Self { key, shown: line.get(..12).unwrap_or(line).to_owned() })
        };
        if let Some(key) = from(plain) {
            return Ok(key);
        }
        let path = Path::new(plain);
        let content = read(path, 4096).map_err(|why| match why {
            Failure::Missing(_) => format!("{plain}: neither a public key nor a file with one"),
            other => other.to_string(),
        })?;
        trust::require(path)?;
        let content = String::from_utf8_lossy(&content).into_owned();
        let line = content.lines().map(str::trim).rfind(|line| !line.is_empty());
        line.and_then(from)
            .ok_or_else(|| format!("{}: no public key of minisign", text::path(path)))
    }
}

/// Verifies the signature beside a baseline; in words by which key.
///
/// # Errors
/// In words, when there is none or it is of something else.
pub fn verify(path: &Path, bytes: &[u8], key: &Key) -> Result<String, String> {
    let file = beside(path, END);
    let name = text::path(&file);
    let content = read(&file, 16 << 10).map_err(|why| match why {
        Failure::Missing(_) => format!(
            "{name}: there is no signature, and a public key is configured: the baseline is not \
             trusted. Sign it where the secret key is: minisign -S -m {}",
            text::shell::quote_path(path)
        ),
        other => other.to_string(),
    })?;
    let content = String::from_utf8_lossy(&content).into_owned();
    let signature =
        Signature::decode(&content).map_err(|_| format!("{name}: not a signature of minisign"))?;
    match key.key.verify(bytes, &signature, false) {
        Ok(()) => Ok(format!("verified by the key {}…", key.shown)),
        Err(_) => Err(format!(
            "{name}: not a signature of {} by the configured key: the baseline is not trusted",
            text::path(path)
        )),
    }
}
