//! Parts of a record of AES-GCM or ChaCha20-Poly1305, decrypted without its tag.
//!
//! Both are stream ciphers, so a part can be decrypted by its position alone. Nothing proves that
//! the bytes are what was sent: the caller knows the sequence number from the records around.
//!
//! NIST SP 800-38D section 6.5 (counter mode in GCM), RFC 8439 section 2.8 (ChaCha20 in the AEAD).

use aes::{Aes128, Aes256};
use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher, StreamCipherSeek};
use ctr::Ctr32BE;

use crate::tls::suite::Cipher;

/// Decrypts `part` of a ciphertext in place; it starts `position` bytes after the ciphertext's
/// start. `None` for CBC.
pub(crate) fn decrypt(
    cipher: Cipher,
    key: &[u8],
    nonce: &[u8; 12],
    position: usize,
    part: &mut [u8],
) -> Option<()> {
    // The first block of the key stream is used for the tag.
    let mut block = [0; 16];
    block[..12].copy_from_slice(nonce);
    block[15] = 1;
    match cipher {
        Cipher::Aes128Gcm => {
            apply(Ctr32BE::<Aes128>::new_from_slices(key, &block).ok()?, 16 + position, part)
        }
        Cipher::Aes256Gcm => {
            apply(Ctr32BE::<Aes256>::new_from_slices(key, &block).ok()?, 16 + position, part)
        }
        Cipher::ChaCha20Poly1305 => {
            apply(ChaCha20::new_from_slices(key, nonce).ok()?, 64 + position, part)
        }
        Cipher::Aes128Cbc | Cipher::Aes256Cbc => None,
    }
}

/// Applies the key stream from a position on.
fn apply<C: StreamCipher + StreamCipherSeek>(
    mut cipher: C,
    position: usize,
    part: &mut [u8],
) -> Option<()> {
    cipher.try_seek(position).ok()?;
    cipher.try_apply_keystream(part).ok()
}
