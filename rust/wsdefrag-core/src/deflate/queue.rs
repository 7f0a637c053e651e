//! A queue of bytes, written as bytes.

use std::collections::VecDeque;

use serde::{Deserializer, Serializer};

#[expect(clippy::disallowed_methods, reason = "at most a window")]
pub(crate) fn serialize<S: Serializer>(
    queue: &VecDeque<u8>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let (first, second) = queue.as_slices();
    serializer.serialize_bytes(&[first, second].concat())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<VecDeque<u8>, D::Error> {
    let bytes: Vec<u8> = serde_bytes::deserialize(deserializer)?;
    Ok(bytes.into())
}
