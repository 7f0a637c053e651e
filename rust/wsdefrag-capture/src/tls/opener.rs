//! Opens the records of one direction, as long as its keys do not change.
//!
//! ```text
//! TLS 1.3              nonce = iv xor sequence    authenticated: the header
//! TLS 1.2, ChaCha20    nonce = iv xor sequence    authenticated: sequence, type, version, length
//! TLS 1.2, GCM         nonce = 4 bytes of the iv, then the first 8 bytes of the record
//! TLS 1.2, CBC         see cbc
//! ```
//!
//! The caller counts the records: the first under these keys has the sequence number 0.
//!
//! RFC 8446 sections 5.2 to 5.4, RFC 5246 section 6.2.3.3, RFC 5288 section 3, RFC 7905 section 2.

use std::fmt;
use std::ops::Range;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tls::aead::{Aead, TAG};
use crate::tls::cbc::Cbc;
use crate::tls::hello::Random;
use crate::tls::partial;
use crate::tls::record::{ContentType, Header};
use crate::tls::schedule::{self, DirectionKeys};
use crate::tls::secret::Secret;
use crate::tls::sequence;
use crate::tls::suite::{Cipher, Suite};

/// Bytes of the nonce that a record of GCM in TLS 1.2 starts with.
const EXPLICIT_NONCE: usize = 8;

/// What opens the records of one direction under one generation of keys.
pub(crate) struct Opener {
    suite: &'static Suite,
    iv: [u8; 12],
    key: [u8; 32],
    protection: Protection,
    /// What the next generation's keys are derived from; TLS 1.3 only.
    secret: Option<Secret>,
    /// The key of the MAC; CBC only.
    mac: [u8; 48],
    encrypt_then_mac: bool,
}

/// The keys of an opener, as they are written.
#[derive(Serialize, Deserialize)]
struct Written {
    suite: u16,
    #[serde(with = "serde_bytes")]
    iv: [u8; 12],
    #[serde(with = "serde_bytes")]
    key: [u8; 32],
    secret: Option<Secret>,
    #[serde(with = "serde_bytes")]
    mac: [u8; 48],
    encrypt_then_mac: bool,
}

impl Serialize for Opener {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { suite, iv, key, protection: _, secret, mac, encrypt_then_mac } = *self;
        let suite = suite.number;
        Written { suite, iv, key, secret, mac, encrypt_then_mac }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Opener {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { suite, iv, key, secret, mac, encrypt_then_mac } =
            Written::deserialize(deserializer)?;
        let keys = DirectionKeys { mac, key, iv };
        Suite::of(suite)
            .and_then(|suite| Self::new(suite, &keys, secret, encrypt_then_mac))
            .ok_or_else(|| D::Error::custom("keys that do not fit their cipher suite"))
    }
}

/// What opens whole records.
enum Protection {
    Aead(Aead),
    Cbc(Cbc),
}

/// A record that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    /// The type of the content, in TLS 1.3 the encrypted one.
    pub(crate) content_type: ContentType,
    /// Where the content stands in what follows the record's header.
    pub(crate) content: Range<usize>,
}

impl Opener {
    /// For one direction of TLS 1.3. `None` if the suite is not one of TLS 1.3, or its secrets have
    /// another length.
    pub(crate) fn tls13(suite: &'static Suite, secret: &Secret) -> Option<Self> {
        if !suite.is_tls13 {
            return None;
        }
        let keys = schedule::tls13_keys(suite, secret)?;
        Self::new(suite, &keys, Some(*secret), false)
    }

    /// For the records of TLS 1.2 that the client or the server sends. `encrypt_then_mac` is what
    /// the ServerHello says. `None` if the suite is not one of TLS 1.2.
    pub(crate) fn tls12(
        suite: &'static Suite,
        master: &Secret,
        client_random: &Random,
        server_random: &Random,
        from_client: bool,
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        if suite.is_tls13 {
            return None;
        }
        let keys = schedule::tls12_keys(suite, master, client_random, server_random, from_client);
        Self::new(suite, &keys, None, encrypt_then_mac)
    }

    fn new(
        suite: &'static Suite,
        keys: &DirectionKeys,
        secret: Option<Secret>,
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let key = &keys.key[..suite.cipher.key_length()];
        let protection = match suite.mac {
            Some(hash) => {
                let mac_key = &keys.mac[..hash.length()];
                Protection::Cbc(Cbc::new(key, hash, mac_key, encrypt_then_mac)?)
            }
            None => Protection::Aead(Aead::new(suite.cipher, key)?),
        };
        let DirectionKeys { mac, key, iv } = *keys;
        Some(Self { suite, iv, key, protection, secret, mac, encrypt_then_mac })
    }

    /// The keys after a KeyUpdate. `None` for TLS 1.2.
    pub(crate) fn next_generation(&self) -> Option<Self> {
        Self::tls13(self.suite, &schedule::tls13_update(self.suite, self.secret.as_ref()?)?)
    }

    /// The cipher suite.
    pub(crate) const fn suite(&self) -> &'static Suite {
        self.suite
    }

    /// Opens a record in place: `record` is what follows `header`. `None` if it is not the record
    /// with this sequence number under these keys; then `record` is destroyed.
    pub(crate) fn open(&self, sequence: u64, header: &Header, record: &mut [u8]) -> Option<Opened> {
        let aead = match &self.protection {
            Protection::Aead(aead) if self.suite.is_tls13 => {
                let nonce = self.numbered_nonce(sequence);
                let length = aead.open(nonce, &header.bytes, record)?;
                // Padding is zeros after the type. Without a type the record is invalid.
                let end = record[..length].iter().rposition(|&byte| byte != 0)?;
                let content_type = ContentType::of(record[end]);
                return Some(Opened { content_type, content: 0..end });
            }
            Protection::Aead(aead) => aead,
            Protection::Cbc(cbc) => {
                let content = cbc.open(&authenticated(sequence, header), record)?;
                return Some(Opened { content_type: header.content_type, content });
            }
        };
        let start = self.ciphertext_start();
        let length = record.len().checked_sub(start + TAG)?;
        let nonce = self.nonce(sequence, explicit_nonce(record))?;
        let mut data = [0; 13];
        data[..11].copy_from_slice(&authenticated(sequence, header));
        data[11..].copy_from_slice(&u16::try_from(length).ok()?.to_be_bytes());
        aead.open(nonce, &data, &mut record[start..])?;
        Some(Opened { content_type: header.content_type, content: start..start + length })
    }

    /// Whether each record begins with its nonce: with AES-GCM in TLS 1.2.
    pub(crate) const fn has_explicit_nonce(&self) -> bool {
        self.ciphertext_start() > 0
    }

    /// Whether the sequence number of a record can be read: with AES-GCM in TLS 1.3.
    pub(crate) const fn reads_sequence(&self) -> bool {
        self.suite.reads_sequence()
    }

    /// Reads the sequence number of a record of AES-GCM in TLS 1.3. `None` for other suites, and if
    /// it is no record under these keys. It still has to be opened.
    pub(crate) fn read_sequence(&self, header: &Header, record: &[u8]) -> Option<u64> {
        if !self.reads_sequence() {
            return None;
        }
        sequence::read(&self.key[..self.suite.cipher.key_length()], &self.iv, header, record)
    }

    /// Decrypts a captured part of a record in place without authentication. `part` starts `offset`
    /// bytes after `header`; `nonce` is the [`explicit_nonce`] of the record, which GCM in TLS 1.2
    /// needs unless `part` starts with it.
    ///
    /// Returns where the plaintext is in `part`; it may be empty, as where `part` is of the tag. The
    /// plaintext of TLS 1.3 ends with the type of the content and padding. `None` for CBC, or
    /// without a nonce.
    pub(crate) fn open_part(
        &self,
        sequence: u64,
        header: &Header,
        nonce: Option<u64>,
        offset: usize,
        part: &mut [u8],
    ) -> Option<Range<usize>> {
        let first = if offset == 0 { explicit_nonce(part) } else { None };
        let nonce = self.nonce(sequence, nonce.or(first))?;
        let tag = header.length.checked_sub(TAG)?;
        let end = tag.saturating_sub(offset).min(part.len());
        let start = self.ciphertext_start().saturating_sub(offset).min(end);
        let position = (offset + start).saturating_sub(self.ciphertext_start());
        let key = &self.key[..self.suite.cipher.key_length()];
        partial::decrypt(self.suite.cipher, key, &nonce, position, &mut part[start..end])?;
        Some(start..end)
    }

    /// Bytes of a record before its ciphertext.
    const fn ciphertext_start(&self) -> usize {
        match self.suite.cipher {
            Cipher::Aes128Gcm | Cipher::Aes256Gcm if !self.suite.is_tls13 => EXPLICIT_NONCE,
            _ => 0,
        }
    }

    /// The nonce of a record; `None` if it is in the record and not known.
    fn nonce(&self, sequence: u64, explicit: Option<u64>) -> Option<[u8; 12]> {
        if self.ciphertext_start() == 0 {
            return Some(self.numbered_nonce(sequence));
        }
        let mut nonce = self.iv;
        nonce[4..].copy_from_slice(&explicit?.to_be_bytes());
        Some(nonce)
    }

    /// The nonce of TLS 1.3 and of ChaCha20.
    fn numbered_nonce(&self, sequence: u64) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, number) in nonce[4..].iter_mut().zip(sequence.to_be_bytes()) {
            *byte ^= number;
        }
        nonce
    }
}

/// What TLS 1.2 authenticates before a length: the sequence number, the type and the version.
fn authenticated(sequence: u64, header: &Header) -> [u8; 11] {
    let mut data = [0; 11];
    data[..8].copy_from_slice(&sequence.to_be_bytes());
    data[8..].copy_from_slice(&header.bytes[..3]);
    data
}

/// The nonce that a record of GCM in TLS 1.2 starts with. Senders increment it or use the sequence
/// number, so its difference to that of an earlier record tells how many records were between.
pub(crate) fn explicit_nonce(record: &[u8]) -> Option<u64> {
    record.first_chunk().map(|nonce| u64::from_be_bytes(*nonce))
}

impl fmt::Debug for Opener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Opener").field("suite", &self.suite.name).finish_non_exhaustive()
    }
}
