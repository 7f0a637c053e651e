//! The cipher suites that are read, as a table.
//!
//! RFC 8446 section B.4, RFC 5246 section A.5, RFC 5288, RFC 5289, RFC 7905. Suites that are not
//! here are unknown ciphers: their records are counted and not opened.

use Cipher::{Aes128Cbc, Aes128Gcm, Aes256Cbc, Aes256Gcm, ChaCha20Poly1305};
use Hash::{Sha1, Sha256, Sha384};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What encrypts a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cipher {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    Aes128Cbc,
    Aes256Cbc,
}

impl Cipher {
    /// Bytes of a key.
    pub(crate) const fn key_length(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Cbc => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 | Self::Aes256Cbc => 32,
        }
    }

    /// Whether it is a mode of operation that needs a MAC beside it.
    pub(crate) const fn is_cbc(self) -> bool {
        matches!(self, Self::Aes128Cbc | Self::Aes256Cbc)
    }
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
}

impl Hash {
    /// Bytes of its output.
    pub(crate) const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// A cipher suite.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Suite {
    /// The number in hellos.
    pub(crate) number: u16,
    /// The name that IANA registered.
    pub(crate) name: &'static str,
    /// Whether it is one of TLS 1.3.
    pub(crate) is_tls13: bool,
    pub(crate) cipher: Cipher,
    /// What keys are derived with.
    pub(crate) hash: Hash,
    /// What a MAC beside the cipher is made with; CBC only.
    pub(crate) mac: Option<Hash>,
}

impl Suite {
    /// The suite of this number, if it is read.
    pub(crate) fn of(number: u16) -> Option<&'static Self> {
        SUITES.iter().find(|suite| suite.number == number)
    }

    /// The suites of TLS 1.3 that have secrets of `length` bytes.
    pub(crate) fn tls13_of_secret(length: usize) -> impl Iterator<Item = &'static Self> {
        SUITES.iter().filter(move |suite| suite.is_tls13 && suite.hash.length() == length)
    }

    /// Whether the sequence number of a record can be read from its tag.
    pub(crate) const fn reads_sequence(&self) -> bool {
        self.is_tls13 && matches!(self.cipher, Aes128Gcm | Aes256Gcm)
    }

    /// Bytes that a record of TLS 1.3, GCM or ChaCha20 has beside its content, with the header. `None`
    /// for CBC, where padding varies. Padding of TLS 1.3 comes on top.
    pub(crate) const fn overhead(&self) -> Option<usize> {
        match self.cipher {
            _ if self.is_tls13 => Some(5 + 1 + 16),
            Aes128Gcm | Aes256Gcm => Some(5 + 8 + 16),
            ChaCha20Poly1305 => Some(5 + 16),
            Aes128Cbc | Aes256Cbc => None,
        }
    }
}

impl Serialize for Suite {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.number.serialize(serializer)
    }
}

/// Reads a suite by its number.
pub(crate) fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static Suite, D::Error> {
    let number = u16::deserialize(deserializer)?;
    Suite::of(number).ok_or_else(|| D::Error::custom("a cipher suite that is not read"))
}

/// Reads the suite of a connection, if it has one.
pub(crate) fn read_optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'static Suite>, D::Error> {
    Ok(Option::<u16>::deserialize(deserializer)?.and_then(Suite::of))
}

const fn tls13(number: u16, name: &'static str, cipher: Cipher, hash: Hash) -> Suite {
    Suite { number, name, is_tls13: true, cipher, hash, mac: None }
}

const fn aead(number: u16, name: &'static str, cipher: Cipher, hash: Hash) -> Suite {
    Suite { number, name, is_tls13: false, cipher, hash, mac: None }
}

/// The hash that keys are derived with is that of the MAC, but never SHA-1 (RFC 5246 section 5).
const fn cbc(number: u16, name: &'static str, cipher: Cipher, mac: Hash) -> Suite {
    let hash = if matches!(mac, Sha1) { Sha256 } else { mac };
    Suite { number, name, is_tls13: false, cipher, hash, mac: Some(mac) }
}

/// All suites that are read.
pub(crate) static SUITES: [Suite; 23] = [
    tls13(0x1301, "TLS_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    tls13(0x1302, "TLS_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    tls13(0x1303, "TLS_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    aead(0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    aead(0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    aead(0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    aead(0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    aead(0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    aead(0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    cbc(0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    cbc(0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    cbc(0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    cbc(0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    cbc(0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    cbc(0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    cbc(0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    cbc(0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    aead(0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    aead(0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    cbc(0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    cbc(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    cbc(0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    cbc(0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256", Aes256Cbc, Sha256),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_say_what_their_names_say() {
        for suite in &SUITES {
            let (head, hash) = suite.name.rsplit_once('_').unwrap();
            let cipher = match suite.cipher {
                Aes128Gcm => "AES_128_GCM",
                Aes256Gcm => "AES_256_GCM",
                ChaCha20Poly1305 => "CHACHA20_POLY1305",
                Aes128Cbc => "AES_128_CBC",
                Aes256Cbc => "AES_256_CBC",
            };
            assert!(head.ends_with(cipher), "{}", suite.name);
            let (derivation, mac) = match (hash, suite.cipher.is_cbc()) {
                ("SHA", true) => (Sha256, Some(Sha1)),
                ("SHA256", true) => (Sha256, Some(Sha256)),
                ("SHA384", true) => (Sha384, Some(Sha384)),
                ("SHA256", false) => (Sha256, None),
                ("SHA384", false) => (Sha384, None),
                _ => panic!("{}", suite.name),
            };
            assert_eq!((suite.hash, suite.mac), (derivation, mac), "{}", suite.name);
            assert_eq!(suite.is_tls13, !suite.name.contains("_WITH_"), "{}", suite.name);
            assert_eq!(Suite::of(suite.number), Some(suite));
        }
        assert_eq!(Suite::of(0x1304), None);
    }
}
