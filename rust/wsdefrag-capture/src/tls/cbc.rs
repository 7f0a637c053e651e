//! AES-CBC with a MAC, as TLS 1.2 uses it.
//!
//! ```text
//! MAC then encrypt   IV (16), encrypted (content, MAC, padding, length of the padding)
//! encrypt then MAC   IV (16), encrypted (content, padding, length of the padding), MAC
//! ```
//!
//! The MAC is over the sequence number, the header with the length of what the MAC is of, and that:
//! the content, or the IV and what is encrypted.
//!
//! RFC 5246 section 6.2.3.2, RFC 7366 section 3.

use std::ops::Range;

use aes::cipher::{Array, BlockModeDecrypt, InnerIvInit, KeyInit};
use aes::{Aes128Dec, Aes256Dec};
use cbc::Decryptor;
use ring::hmac;

use crate::tls::suite::Hash;

/// Bytes of a block and of an IV.
const BLOCK: usize = 16;

/// A key that opens records, and the one of their MACs.
pub(crate) struct Cbc {
    cipher: Aes,
    mac: hmac::Key,
    encrypt_then_mac: bool,
}

enum Aes {
    Aes128(Aes128Dec),
    Aes256(Aes256Dec),
}

impl Cbc {
    /// `key` has 16 or 32 bytes.
    pub(crate) fn new(
        key: &[u8],
        hash: Hash,
        mac_key: &[u8],
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let algorithm = match hash {
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
        };
        let cipher = match key.len() {
            16 => Aes::Aes128(Aes128Dec::new_from_slice(key).ok()?),
            _ => Aes::Aes256(Aes256Dec::new_from_slice(key).ok()?),
        };
        Some(Self { cipher, mac: hmac::Key::new(algorithm, mac_key), encrypt_then_mac })
    }

    /// Opens a record in place and returns where its content is. `start` is what the MAC begins
    /// with: the sequence number, the type and the version. `None` if the padding or the MAC is
    /// wrong; then `record` may be destroyed.
    pub(crate) fn open(&self, start: &[u8; 11], record: &mut [u8]) -> Option<Range<usize>> {
        let mac = self.mac.algorithm().digest_algorithm().output_len();
        if self.encrypt_then_mac {
            let (sealed, expected) = record.split_at_mut(record.len().checked_sub(mac)?);
            self.verify(start, sealed, expected)?;
            let end = self.decrypt(sealed)?;
            return Some(BLOCK..end);
        }
        let end = self.decrypt(record)?.checked_sub(mac).filter(|&end| end >= BLOCK)?;
        self.verify(start, &record[BLOCK..end], &record[end..end + mac])?;
        Some(BLOCK..end)
    }

    /// Decrypts what follows the IV; returns where the padding begins.
    fn decrypt(&self, sealed: &mut [u8]) -> Option<usize> {
        let length = sealed.len();
        let (iv, encrypted) = sealed.split_first_chunk_mut::<BLOCK>()?;
        let (blocks, []) = Array::slice_as_chunks_mut(encrypted) else { return None };
        let iv = Array(*iv);
        match &self.cipher {
            Aes::Aes128(key) => Decryptor::inner_iv_init(key.clone(), &iv).decrypt_blocks(blocks),
            Aes::Aes256(key) => Decryptor::inner_iv_init(key.clone(), &iv).decrypt_blocks(blocks),
        }
        // All bytes of the padding, and its length after it, have the value of that length.
        let (&padding, before) = encrypted.split_last()?;
        let padded = before.len().checked_sub(usize::from(padding))?;
        let is_padding = before[padded..].iter().all(|&byte| byte == padding);
        is_padding.then_some(length - encrypted.len() + padded)
    }

    /// `None` if the MAC of `text` is not `expected`.
    fn verify(&self, start: &[u8; 11], text: &[u8], expected: &[u8]) -> Option<()> {
        let mut context = hmac::Context::with_key(&self.mac);
        context.update(start);
        context.update(&u16::try_from(text.len()).ok()?.to_be_bytes());
        context.update(text);
        (context.sign().as_ref() == expected).then_some(())
    }
}
