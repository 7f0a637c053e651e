//! The JSON objects of an HTTP archive, as far as they count.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// An entry. Messages and events are not parsed.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) started: Option<String>,
    pub(super) time: Option<&'a RawValue>,
    pub(super) request: Value,
    pub(super) response: Value,
    pub(super) timings: Value,
    pub(super) server: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) resource_type: Option<String>,
    pub(super) messages: Option<Vec<&'a RawValue>>,
    pub(super) close: Option<&'a RawValue>,
    pub(super) events: Option<Vec<&'a RawValue>>,
    pub(super) comment: Option<String>,
}

/// A message.
#[expect(clippy::struct_excessive_bools, reason = "values of a message")]
#[derive(Debug, Default)]
pub(super) struct Message<'a> {
    pub(super) kind: Option<Cow<'a, str>>,
    pub(super) time: Option<&'a RawValue>,
    pub(super) opcode: Option<i64>,
    pub(super) data: Option<Cow<'a, str>>,
    pub(super) base64: Option<Cow<'a, str>>,
    pub(super) status: Option<String>,
    pub(super) event: Option<String>,
    pub(super) from_client: Option<bool>,
    pub(super) missing: Option<u64>,
    pub(super) dropped: bool,
    pub(super) injected: bool,
    pub(super) resynced: bool,
    pub(super) unauthenticated: bool,
}

/// Reads an object whose keys are passed on one by one.
macro_rules! object {
    ($name:ident, $map:ident, $this:ident, { $($key:literal => $field:ident),* $(,)? }) => {
        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Object;

                impl<'de> Visitor<'de> for Object {
                    type Value = $name<'de>;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: MapAccess<'de>>(self, mut $map: A) -> Result<Self::Value, A::Error> {
                        let mut $this = $name::default();
                        while let Some(key) = $map.next_key::<Cow<'de, str>>()? {
                            match &*key {
                                $($key => $this.$field = $map.next_value()?,)*
                                _ => { $map.next_value::<IgnoredAny>()?; }
                            }
                        }
                        Ok($this)
                    }
                }

                deserializer.deserialize_map(Object)
            }
        }
    };
}

object!(Entry, map, entry, {
    "startedDateTime" => started,
    "time" => time,
    "request" => request,
    "response" => response,
    "timings" => timings,
    "serverIPAddress" => server,
    "connection" => connection,
    "_resourceType" => resource_type,
    "_webSocketMessages" => messages,
    "_webSocketClose" => close,
    "_webSocketEvents" => events,
    "comment" => comment,
});

object!(Message, map, message, {
    "type" => kind,
    "time" => time,
    "opcode" => opcode,
    "data" => data,
    "_base64" => base64,
    "_status" => status,
    "_kind" => event,
    "_fromClient" => from_client,
    "_missingBytes" => missing,
    "_dropped" => dropped,
    "_injected" => injected,
    "_resynced" => resynced,
    "_unauthenticated" => unauthenticated,
});
