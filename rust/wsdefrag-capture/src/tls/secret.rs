//! A secret of TLS: a master secret or a traffic secret.
//!
//! - `length` is 32 or 48

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest secret, in bytes.
pub const MAX_SECRET: usize = 48;

/// 32 or 48 bytes that keys are made from. They are never shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret {
    bytes: [u8; MAX_SECRET],
    length: u8,
}

impl Secret {
    /// A secret of 32 or 48 bytes; `None` for other lengths.
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        let length @ (32 | 48) = u8::try_from(secret.len()).ok()? else { return None };
        let mut bytes = [0; MAX_SECRET];
        bytes[..secret.len()].copy_from_slice(secret);
        Some(Self { bytes, length })
    }

    /// The bytes of the secret.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.bytes())
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes: Vec<u8> = serde_bytes::deserialize(deserializer)?;
        Self::new(&bytes).ok_or_else(|| D::Error::custom("a secret has 32 or 48 bytes"))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}
