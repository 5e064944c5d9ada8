//! An object's fields, taken one by one, with no other left over.

use std::borrow::Cow;
use std::fmt;

use crate::json::Json;

pub(crate) type Decoded<T> = Result<T, Misshapen>;

/// JSON that is not of the format, and where in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misshapen {
    pub(crate) path: String,
    pub(crate) wrong: Wrong,
}

/// What is wrong with a part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// The key must be there and is not.
    Missing,
    /// The format has no such key here.
    Unknown {
        /// The keys that it has here.
        known: Vec<&'static str>,
    },
    /// The key is there more than once.
    Repeated,
    /// The value is not one that the format allows here.
    Value {
        /// The value, shortened if it is long.
        found: String,
        /// What would be right.
        wanted: String,
    },
}

impl Misshapen {
    pub(crate) fn value(found: &Json, wanted: impl Into<String>) -> Self {
        Self {
            path: String::new(),
            wrong: Wrong::Value {
                found: shortened(found.to_string()),
                wanted: wanted.into(),
            },
        }
    }

    fn at(key: &str, wrong: Wrong) -> Self {
        Self {
            path: key.to_owned(),
            wrong,
        }
    }

    fn under(mut self, parent: &str) -> Self {
        let joint = if self.path.is_empty() || self.path.starts_with('[') {
            ""
        } else {
            "."
        };
        self.path = format!("{parent}{joint}{}", self.path);
        self
    }
}

/// The sentence about what is wrong at `path`, where an empty one is the whole line.
pub(crate) fn write_fault(f: &mut fmt::Formatter<'_>, path: &str, wrong: &Wrong) -> fmt::Result {
    match wrong {
        Wrong::Missing => write!(f, "the key `{path}` is missing"),
        Wrong::Unknown { known } => write!(
            f,
            "the format has no key `{path}`; here it has `{}`",
            known.join("`, `")
        ),
        Wrong::Repeated => write!(f, "the key `{path}` is there twice; it must be there once"),
        Wrong::Value { found, wanted } if path.is_empty() => {
            write!(f, "the line is {found}; it must be {wanted}")
        }
        Wrong::Value { found, wanted } => {
            write!(f, "`{path}` is {found}; it must be {wanted}")
        }
    }
}

/// An object whose keys must all be asked for.
pub(crate) struct Fields<'a> {
    json: &'a Json,
    pairs: &'a [(Cow<'static, str>, Json)],
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(json: &'a Json) -> Decoded<Self> {
        match json {
            Json::Object(pairs) => Ok(Self {
                json,
                pairs,
                known: Vec::new(),
            }),
            _ => Err(Misshapen::value(json, "an object")),
        }
    }

    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        decode: impl FnOnce(&'a Json) -> Decoded<T>,
    ) -> Decoded<T> {
        self.optional(key, decode)?
            .ok_or_else(|| Misshapen::at(key, Wrong::Missing))
    }

    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        decode: impl FnOnce(&'a Json) -> Decoded<T>,
    ) -> Decoded<Option<T>> {
        self.known.push(key);
        let Some(value) = self.value(key) else {
            return Ok(None);
        };
        match decode(value) {
            Ok(value) => Ok(Some(value)),
            Err(misshapen) => Err(misshapen.under(key)),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// The object itself, where it is wrong as a whole.
    pub(crate) fn misshapen(&self, wanted: &str) -> Misshapen {
        Misshapen::value(self.json, wanted)
    }

    /// No key but those asked for, and each but once.
    pub(crate) fn end(self) -> Decoded<()> {
        for (index, (key, _)) in self.pairs.iter().enumerate() {
            if !self.known.contains(&key.as_ref()) {
                return Err(Misshapen::at(
                    &shortened(key.to_string()),
                    Wrong::Unknown { known: self.known },
                ));
            }
            if self.pairs[..index]
                .iter()
                .any(|(earlier, _)| earlier == key)
            {
                return Err(Misshapen::at(key, Wrong::Repeated));
            }
        }
        Ok(())
    }

    fn value(&self, wanted: &str) -> Option<&'a Json> {
        self.pairs
            .iter()
            .find(|(key, _)| key == wanted)
            .map(|(_, value)| value)
    }
}

/// Each item of an array.
pub(crate) fn items<'a, T>(
    json: &'a Json,
    decode: impl Fn(&'a Json) -> Decoded<T>,
) -> Decoded<Vec<T>> {
    let Json::Array(items) = json else {
        return Err(Misshapen::value(json, "a list"));
    };
    items
        .iter()
        .enumerate()
        .map(|(index, item)| decode(item).map_err(|wrong| wrong.under(&format!("[{index}]"))))
        .collect()
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(LONGEST_SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    text
}

const LONGEST_SHOWN: usize = 80;
