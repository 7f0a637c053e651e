//! JSON values that are read where they stand.

#![expect(clippy::disallowed_methods, reason = "a string with escapes, no longer than its message")]

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Levels of nesting that `..` goes down, as deep as common parsers of JSON go.
const MAX_DEPTH: usize = 128;

/// A JSON value. Arrays and objects are their text.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(Cow<'a, str>),
    Array(&'a str),
    Object(&'a str),
}

impl<'a> Value<'a> {
    /// A content that is one JSON value; `None` if it is none.
    pub(super) fn document(content: &'a [u8]) -> Option<Self> {
        serde_json::from_slice::<&RawValue>(content).ok().map(Self::of)
    }

    fn of(raw: &'a RawValue) -> Self {
        let text = raw.get();
        match text.as_bytes().first() {
            Some(b'{') => Self::Object(text),
            Some(b'[') => Self::Array(text),
            Some(b'"') => match serde_json::from_str::<&str>(text) {
                Ok(plain) => Self::Text(Cow::Borrowed(plain)),
                Err(_) => serde_json::from_str(text)
                    .map_or(Self::Null, |text| Self::Text(Cow::Owned(text))),
            },
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') | None => Self::Null,
            Some(_) => Self::number(text),
        }
    }

    /// The number that a text is.
    pub(super) fn number(text: &str) -> Self {
        match text.parse() {
            Ok(integer) => Self::Integer(integer),
            Err(_) => text.parse().map_or(Self::Null, Self::Float),
        }
    }

    /// Whether a condition takes it for true: neither null nor false.
    pub(super) const fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    /// The name of its type, as jq says it.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Integer(_) | Self::Float(_) => "number",
            Self::Text(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Characters of a string, elements of an array, members of an object; 0 for null and the magnitude
    /// of a number, as in jq.
    pub(super) fn length(&self) -> Self {
        match self {
            Self::Null | Self::Bool(_) => Self::Integer(0),
            Self::Integer(number) => Self::Integer(number.saturating_abs()),
            Self::Float(number) => Self::Float(number.abs()),
            Self::Text(text) => Self::count(text.chars().count()),
            Self::Array(_) | Self::Object(_) => {
                let mut count = 0;
                self.each(&mut |_| {
                    count += 1;
                    false
                });
                Self::count(count)
            }
        }
    }

    fn count(count: usize) -> Self {
        Self::Integer(i128::try_from(count).unwrap_or(i128::MAX))
    }

    /// The last member with this name; null if there is none.
    pub(super) fn member(&self, name: &str) -> Self {
        self.find_member(name).unwrap_or(Self::Null)
    }

    /// The last member with this name.
    pub(super) fn find_member(&self, name: &str) -> Option<Self> {
        let Self::Object(text) = self else { return None };
        let mut found = None;
        walk(text, &mut |key, value| {
            if key.is_some_and(|key| key == name) {
                found = Some(value);
            }
            false
        });
        found.map(Self::of)
    }

    /// The element with this index; negative ones count from the end. Null if there is none.
    pub(super) fn element(&self, index: i64) -> Self {
        let Self::Array(_) = self else { return Self::Null };
        let index = if index < 0 {
            let Self::Integer(length) = self.length() else { return Self::Null };
            length + i128::from(index)
        } else {
            i128::from(index)
        };
        let (mut at, mut found) = (0, Self::Null);
        self.each(&mut |value| {
            let is_it = at == index;
            if is_it {
                found = value;
            }
            at += 1;
            is_it
        });
        found
    }

    /// Gives each element or member to `take` until it returns true. Returns whether it did.
    pub(super) fn each(&self, take: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
        match self {
            Self::Array(text) | Self::Object(text) => {
                walk(text, &mut |_, value| take(Self::of(value)))
            }
            _ => false,
        }
    }

    /// Gives the value and each one inside it to `take` until it returns true. Returns whether it did.
    pub(super) fn descend(&self, take: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
        self.descend_from(0, take)
    }

    fn descend_from(&self, depth: usize, take: &mut dyn FnMut(Value<'a>) -> bool) -> bool {
        take(self.clone())
            || (depth < MAX_DEPTH && self.each(&mut |inner| inner.descend_from(depth + 1, take)))
    }

    /// How it compares. Values of different types are in jq's order: null, booleans, numbers, strings.
    /// `None` for arrays, objects and what is no number.
    pub(super) fn compare(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Array(_) | Self::Object(_), _) | (_, Value::Array(_) | Value::Object(_)) => None,
            (Self::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
            (Self::Integer(one), Value::Integer(other)) => Some(one.cmp(other)),
            (Self::Text(one), Value::Text(other)) => Some(one.cmp(other)),
            (Self::Integer(_) | Self::Float(_), Value::Integer(_) | Value::Float(_)) => {
                self.as_float().partial_cmp(&other.as_float())
            }
            _ => Some(self.rank().cmp(&other.rank())),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "as every comparison with a float")]
    const fn as_float(&self) -> f64 {
        match self {
            Self::Integer(number) => *number as f64,
            Self::Float(number) => *number,
            _ => f64::NAN,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Integer(_) | Self::Float(_) => 2,
            _ => 3,
        }
    }
}

/// What takes a member or an element: its name, if it has one, and its text.
type Take<'a, 'f> = &'f mut dyn FnMut(Option<Cow<'a, str>>, &'a RawValue) -> bool;

/// Gives each member of an object or element of an array to `take` until it returns true. Returns whether
/// it did.
fn walk<'a>(text: &'a str, take: Take<'a, '_>) -> bool {
    let mut walker = Walker { take, has_stopped: false };
    // Whether the rest is JSON was checked with the document.
    let _ = serde_json::Deserializer::from_str(text).deserialize_any(&mut walker);
    walker.has_stopped
}

struct Walker<'a, 'f> {
    take: Take<'a, 'f>,
    has_stopped: bool,
}

impl<'a> Visitor<'a> for &mut Walker<'a, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key_seed(Name)? {
            let value = members.next_value()?;
            if (self.take)(Some(key), value) {
                self.has_stopped = true;
                break;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(value) = elements.next_element()? {
            if (self.take)(None, value) {
                self.has_stopped = true;
                break;
            }
        }
        Ok(())
    }
}

/// Reads the name of a member, without a copy if it has no escapes.
struct Name;

impl<'a> DeserializeSeed<'a> for Name {
    type Value = Cow<'a, str>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Name {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, name: &'a str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
