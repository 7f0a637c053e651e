//! AES-GCM and ChaCha20-Poly1305, by ring. Whatever opens whole records is in this file.
//!
//! RFC 5116 (AES-GCM), RFC 8439 (ChaCha20-Poly1305).

use ring::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};

use crate::tls::suite::Cipher;

/// Bytes of a tag.
pub(crate) const TAG: usize = 16;

/// A key that opens records.
pub(crate) struct Aead(LessSafeKey);

impl Aead {
    /// `None` for CBC.
    pub(crate) fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        let algorithm = match cipher {
            Cipher::Aes128Gcm => &AES_128_GCM,
            Cipher::Aes256Gcm => &AES_256_GCM,
            Cipher::ChaCha20Poly1305 => &CHACHA20_POLY1305,
            Cipher::Aes128Cbc | Cipher::Aes256Cbc => return None,
        };
        UnboundKey::new(algorithm, key).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Decrypts `sealed`, a ciphertext and its tag, in place; returns the length of the plaintext.
    /// `None` if the tag is wrong; then `sealed` is destroyed.
    pub(crate) fn open(&self, nonce: [u8; 12], data: &[u8], sealed: &mut [u8]) -> Option<usize> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.0.open_in_place(nonce, Aad::from(data), sealed).ok().map(|plaintext| plaintext.len())
    }
}
