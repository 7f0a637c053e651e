//! What is known of the TLS of a connection: what was negotiated, whether it was read, and what became
//! of its bytes.
//!
//! Nothing here holds a key.

#![expect(clippy::disallowed_macros, reason = "numbers")]

use std::borrow::Cow;

use crate::packet::Origin;
use crate::tls::suite::Suite;
use serde::{Deserialize, Deserializer, Serialize};

/// Whether the TLS of a connection was read, or why it was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsStatus {
    /// Application data were decrypted, or there were none.
    Ok,
    /// No key log and no secrets block has its secrets.
    #[default]
    NoKeys,
    /// Its cipher suite or its version is not supported.
    UnknownCipher,
    /// Neither `ClientHello` nor `ServerHello` was captured, and no secret fits.
    NoHandshake,
    /// The `ServerHello` was not captured, and without it the keys cannot be derived (TLS 1.2).
    NoServerHello,
    /// There are keys, but no record of application data opens with them.
    Undecryptable,
}

impl TlsStatus {
    /// All values, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::NoKeys,
        Self::UnknownCipher,
        Self::NoHandshake,
        Self::NoServerHello,
        Self::Undecryptable,
    ];

    /// The name in columns and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NoKeys => "no_keys",
            Self::UnknownCipher => "unknown_cipher",
            Self::NoHandshake => "no_handshake",
            Self::NoServerHello => "no_server_hello",
            Self::Undecryptable => "undecryptable",
        }
    }
}

/// What became of the bytes of one direction of TLS.
///
/// - the sum of all counters is the number of bytes of the TCP stream from where TLS begins, gaps
///   included
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsAccount {
    /// Bytes of application data that were given out, decrypted.
    pub application: u64,
    /// Bytes of records beside the application data: headers, tags, padding.
    pub overhead: u64,
    /// Bytes of records with other contents: handshake messages, alerts, `ChangeCipherSpec`.
    pub handshake: u64,
    /// Bytes of records that could not be opened.
    pub undecryptable: u64,
    /// Bytes that were not captured.
    pub missing: u64,
}

impl TlsAccount {
    /// The counters with their names, in order.
    #[must_use]
    pub const fn counters(&self) -> [(&'static str, u64); 5] {
        [
            ("application", self.application),
            ("overhead", self.overhead),
            ("handshake", self.handshake),
            ("undecryptable", self.undecryptable),
            ("missing", self.missing),
        ]
    }

    /// Bytes of the TCP stream.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.counters().iter().map(|(_, value)| value).sum()
    }
}

/// A name that is fixed.
type Name = &'static str;

/// Where secrets come from.
const KEY_SOURCES: [&str; 2] = ["key_log", "secrets_block"];

/// What is known of the TLS of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFacts {
    /// Whether it was read, or why not.
    pub status: TlsStatus,
    /// The negotiated version, as in hellos: 0x0304 for TLS 1.3.
    pub version: Option<u16>,
    /// The number of the cipher suite.
    pub cipher: Option<u16>,
    /// The server's name in the `ClientHello` (RFC 6066 section 3).
    pub server_name: Option<String>,
    /// The protocol that was agreed upon (RFC 7301).
    pub alpn: Option<String>,
    /// Whether a session was resumed; `None` if the hellos that say so were not captured.
    pub resumed: Option<bool>,
    /// Whether early data were accepted (RFC 8446 section 2.3).
    pub early_data: bool,
    /// `KeyUpdate` messages of both sides (RFC 8446 section 4.6.3), and renegotiations (RFC 5246).
    pub key_updates: u64,
    /// Where the secrets came from: `key_log` or `secrets_block`.
    #[serde(deserialize_with = "read_key_source")]
    pub key_source: Option<Name>,
    /// Records whose tag or MAC was wrong with the right key.
    pub bad_tags: u64,
    /// The packet with the end of the first of these records.
    pub first_bad_tag: Option<Origin>,
    /// Records whose number or key was found by trial after a loss.
    pub found_by_trial: u64,
    /// Bytes of records that were given up before their keys came.
    pub before_keys: u64,
    /// What else went wrong, in sentences.
    pub problems: Vec<String>,
    /// What became of the bytes of the client and of the server.
    pub accounts: [TlsAccount; 2],
}

impl TlsFacts {
    /// The name of the negotiated version.
    #[must_use]
    pub fn version_name(&self) -> Option<Cow<'static, str>> {
        self.version.map(|version| match version {
            0x0300 => "SSL 3.0".into(),
            0x0301 => "TLS 1.0".into(),
            0x0302 => "TLS 1.1".into(),
            0x0303 => "TLS 1.2".into(),
            0x0304 => "TLS 1.3".into(),
            _ => format!("{version:#06x}").into(),
        })
    }

    /// The name of the cipher suite, or its number in hexadecimal digits if it is not read.
    #[must_use]
    pub fn cipher_name(&self) -> Option<Cow<'static, str>> {
        self.cipher.map(|cipher| match Suite::of(cipher) {
            Some(suite) => suite.name.into(),
            None => format!("{cipher:#06x}").into(),
        })
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        let names = [&self.server_name, &self.alpn].into_iter().flatten().map(String::len);
        let problems = self.problems.iter().map(|problem| size_of::<String>() + problem.len());
        size_of::<Self>() + names.sum::<usize>() + problems.sum::<usize>()
    }

    /// The account of one direction.
    #[must_use]
    pub const fn account(&self, from_client: bool) -> &TlsAccount {
        &self.accounts[if from_client { 0 } else { 1 }]
    }
}

/// Reads where keys came from.
fn read_key_source<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'static str>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    Ok(KEY_SOURCES.into_iter().find(|known| name.as_deref() == Some(known)))
}
