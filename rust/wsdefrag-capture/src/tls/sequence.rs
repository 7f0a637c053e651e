//! The sequence number of an AES-GCM record of TLS 1.3, read from the record.
//!
//! The tag is GHASH(header, ciphertext) xor the encrypted first counter block. That block is the
//! nonce, which is the IV xor the sequence number, followed by the number 1. So
//!
//! ```text
//! first counter block = decrypt(tag xor GHASH(header, ciphertext))
//! ```
//!
//! and 64 of its bits are known: four bytes of the IV, and the number 1. Other bytes than a record
//! under this key have them by chance once in 2^64 times. The number is a finding, not a proof: the
//! record still has to be opened with it.
//!
//! NIST SP 800-38D sections 6.4 and 7.1 (GHASH and GCM), RFC 8446 section 5.3 (the nonce).

use aes::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

use crate::tls::aead::TAG;
use crate::tls::record::{HEADER, Header};

/// The sequence number of a record under a key of 16 or 32 bytes, for the ciphertext and tag that
/// follow `header`. `None` if it is no record under this key.
pub(crate) fn read(key: &[u8], iv: &[u8; 12], header: &Header, record: &[u8]) -> Option<u64> {
    let block = match key.len() {
        16 => first_block(&Aes128::new_from_slice(key).ok()?, &header.bytes, record)?,
        _ => first_block(&Aes256::new_from_slice(key).ok()?, &header.bytes, record)?,
    };
    if block[..4] != iv[..4] || block[12..] != [0, 0, 0, 1] {
        return None;
    }
    let masked = u64::from_be_bytes(*block[4..].first_chunk()?);
    Some(masked ^ u64::from_be_bytes(*iv[4..].first_chunk()?))
}

/// The first counter block that the tag was made with.
fn first_block<A>(aes: &A, header: &[u8; HEADER], record: &[u8]) -> Option<[u8; 16]>
where
    A: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16> + BlockCipherDecrypt,
{
    let (ciphertext, tag) = record.split_last_chunk::<TAG>()?;
    let mut hash_key = Array([0; 16]);
    aes.encrypt_block(&mut hash_key);
    let mut ghash = GHash::new(&hash_key);
    ghash.update_padded(header);
    ghash.update_padded(ciphertext);
    let mut lengths = [0; 16];
    lengths[..8].copy_from_slice(&(8 * HEADER as u64).to_be_bytes());
    lengths[8..].copy_from_slice(&(8 * ciphertext.len() as u64).to_be_bytes());
    ghash.update(&[Array(lengths)]);
    let mut block = ghash.finalize();
    for (byte, tag) in block.iter_mut().zip(tag) {
        *byte ^= tag;
    }
    aes.decrypt_block(&mut block);
    Some(block.0)
}
