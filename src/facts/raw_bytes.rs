//! Bytes written down exactly: paths, names and contents are text nearly always, and nothing keeps
//! them from being something else.
//!
//! In JSON they are a string where they are UTF-8, else `{"hex": "2fff"}`. Meant for
//! `#[serde(with = "raw_bytes::path")]` on every [`PathBuf`] whose bytes somebody else has chosen: serde's
//! own form refuses what is not UTF-8, and a whole recording with it.

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

const HEX: &str = "hex";

/// Any bytes, such as a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawBytes(pub Vec<u8>);

impl RawBytes {
    /// The bytes of a path.
    pub fn of(path: &Path) -> Self {
        Self(path.as_os_str().as_bytes().to_vec())
    }

    /// The path of these bytes.
    pub fn into_path(self) -> PathBuf {
        PathBuf::from(OsString::from_vec(self.0))
    }
}

/// Writes bytes.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(bytes) {
        Ok(text) => serializer.serialize_str(text),
        Err(_) => {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let mut map = serializer.serialize_map(Some(1))?;
            map.serialize_entry(HEX, &hex)?;
            map.end()
        }
    }
}

impl Serialize for RawBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for RawBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Bytes)
    }
}

struct Bytes;

impl<'de> Visitor<'de> for Bytes {
    type Value = RawBytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or {\"hex\": …}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<RawBytes, E> {
        Ok(RawBytes(text.as_bytes().to_vec()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<RawBytes, E> {
        Ok(RawBytes(text.into_bytes()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawBytes, A::Error> {
        match map.next_entry::<String, String>()? {
            Some((key, hex)) if key == HEX && map.next_key::<String>()?.is_none() => {
                bytes(&hex).map(RawBytes).ok_or_else(|| de::Error::custom("not hexadecimal"))
            }
            _ => Err(de::Error::custom("expected {\"hex\": …}")),
        }
    }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    pairs.map(byte).collect()
}

/// A path, exactly.
pub mod path {
    use super::*;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        super::serialize(path.as_os_str().as_bytes(), serializer)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        RawBytes::deserialize(deserializer).map(RawBytes::into_path)
    }
}

/// A path that there may be, exactly.
pub mod maybe_path {
    use super::*;

    /// Writes it.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(RawBytes::of).serialize(to)
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is none.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<RawBytes>::deserialize(from)?.map(RawBytes::into_path))
    }
}

/// Several paths, exactly.
pub mod paths {
    use super::*;

    /// Writes them.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<'a, S: Serializer, P>(paths: P, serializer: S) -> Result<S::Ok, S::Error>
    where
        P: IntoIterator<Item = &'a PathBuf>,
    {
        serializer.collect_seq(paths.into_iter().map(|path| RawBytes::of(path)))
    }

    /// Reads them.
    ///
    /// # Errors
    /// When one is none.
    pub fn deserialize<'de, D: Deserializer<'de>, P>(deserializer: D) -> Result<P, D::Error>
    where
        P: FromIterator<PathBuf>,
    {
        let paths: Vec<RawBytes> = Vec::deserialize(deserializer)?;
        Ok(paths.into_iter().map(RawBytes::into_path).collect())
    }
}

/// Something for each of several paths, exactly: a list of pairs.
pub mod by_path {
    use super::*;

    /// Writes them.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer, T: Serialize>(
        map: &BTreeMap<PathBuf, T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map.iter().map(|(path, value)| (RawBytes::of(path), value)))
    }

    /// Reads them.
    ///
    /// # Errors
    /// When one is none.
    pub fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<PathBuf, T>, D::Error> {
        let pairs: Vec<(RawBytes, T)> = Vec::deserialize(deserializer)?;
        Ok(pairs.into_iter().map(|(path, value)| (path.into_path(), value)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_text_and_other_bytes_are_hexadecimal() {
        let json = |bytes: &[u8]| serde_json::to_string(&RawBytes(bytes.to_vec())).unwrap();
        assert_eq!(json(b"/etc/passwd"), "\"/etc/passwd\"");
        assert_eq!(json(b"/\xff"), "{\"hex\":\"2fff\"}");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for wrong in ["1", "{}", "{\"hex\":\"f\"}", "{\"hex\":\"xx\"}", "{\"hex\":\"00\",\"b\":1}"]
        {
            serde_json::from_str::<RawBytes>(wrong).unwrap_err();
        }
    }

    proptest! {
        #[test]
        fn all_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let json = serde_json::to_string(&RawBytes(bytes.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<RawBytes>(&json).unwrap().0, bytes);
        }
    }
}
