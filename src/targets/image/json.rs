//! JSON documents of images, read as the engines read them.
//!
//! Go takes keys without regard to case and the last of several, so `{"User":"1000","user":"0"}` is
//! an image that runs as root; of objects it takes the fields of all. A key that is there twice, in
//! whatever spelling, is refused here rather than guessed about.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// An object of a document.
pub struct Object<'a>(&'a Map<String, Value>);

/// Parses a document.
///
/// # Errors
/// In words, also where an object has a key twice; nesting is bounded by the parser.
pub fn parse(bytes: &[u8]) -> Result<Value, String> {
    let once: Once = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    Ok(once.0)
}

/// A value in whose objects every key is there once.
struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnceVisitor).map(Self)
    }
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = fields.next_key::<String>()? {
            let Once(value) = fields.next_value()?;
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} is there twice")));
            }
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

/// Whether Go takes the one key for the other: by Unicode's simple folding, in which the long s and
/// the sign of the kelvin are letters of ASCII.
fn same_key(name: &str, key: &str) -> bool {
    let fold = |letter: char| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(key.chars().map(fold))
}

impl<'a> Object<'a> {
    /// The value as an object.
    ///
    /// # Errors
    /// In words, when it is something else.
    pub fn of(value: &'a Value) -> Result<Self, String> {
        value.as_object().map(Self).ok_or_else(|| "not a JSON object".to_owned())
    }

    /// A field; `null` is as good as absent.
    ///
    /// # Errors
    /// When the key is there in two spellings.
    pub fn get(&self, key: &str) -> Result<Option<&'a Value>, String> {
        let mut found = self.0.iter().filter(|(name, _)| same_key(name, key));
        let first = found.next();
        if found.next().is_some() {
            return Err(format!("`{key}` is given in two spellings"));
        }
        Ok(first.map(|(_, value)| value).filter(|value| !value.is_null()))
    }

    /// A text.
    ///
    /// # Errors
    /// As for [`Object::get`], and when it is no text.
    pub fn text(&self, key: &str) -> Result<Option<String>, String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.get(key)?.map(|value| text(value).ok_or(format!("`{key}` is no text"))).transpose()
    }

    /// A list; empty where there is none.
    ///
    /// # Errors
    /// As for [`Object::get`], and when it is no list.
    pub fn list(&self, key: &str) -> Result<&'a [Value], String> {
        match self.get(key)? {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(format!("`{key}` is no list")),
        }
    }

    /// A list of texts; empty where there is none.
    ///
    /// # Errors
    /// As for [`Object::list`], and when one is no text.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let all: Option<Vec<String>> = self.list(key)?.iter().map(text).collect();
        all.ok_or(format!("`{key}` is no list of texts"))
    }

    /// An object within.
    ///
    /// # Errors
    /// As for [`Object::get`], and when it is no object.
    pub fn object(&self, key: &str) -> Result<Option<Object<'a>>, String> {
        self.get(key)?.map(Object::of).transpose().map_err(|why| format!("`{key}`: {why}"))
    }

    /// The fields, in the order of the document.
    pub fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.iter()
    }
}
