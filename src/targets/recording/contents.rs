//! Contents and names as recordings keep them: exactly, and without a copy.

use crate::facts::raw_bytes::{self, RawBytes};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;

/// Content of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content(pub Arc<Vec<u8>>);

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw_bytes::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Arc::new(RawBytes::deserialize(deserializer)?.0)))
    }
}

/// Names in a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(pub Arc<Vec<OsString>>);

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|name| RawBytes(name.as_bytes().to_vec())))
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names: Vec<RawBytes> = Vec::deserialize(deserializer)?;
        Ok(Self(Arc::new(names.into_iter().map(|name| OsString::from_vec(name.0)).collect())))
    }
}
