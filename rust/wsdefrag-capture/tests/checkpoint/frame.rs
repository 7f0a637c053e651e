//! The frame around the content of a state, made and taken off by hand.

use sha2::{Digest, Sha256};

/// The content of a state, decompressed.
pub(crate) fn content_of(state: &[u8]) -> Vec<u8> {
    let length = usize::try_from(u64::from_le_bytes(state[16..24].try_into().unwrap())).unwrap();
    let body = &state[24..state.len() - 16];
    if state[12] & 1 == 0 {
        return body.to_vec();
    }
    let dictionary = include_bytes!("../../src/checkpoint/dictionary-1.bin");
    let mut decompressor = zstd::bulk::Decompressor::with_dictionary(dictionary).unwrap();
    decompressor.decompress(body, length).unwrap()
}

/// Puts content into the frame of a state, so that its checksum is right.
pub(crate) fn framed(content: &[u8]) -> Vec<u8> {
    let length = u64::try_from(content.len()).unwrap();
    let mut bytes = b"wsdefrag".to_vec();
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend(length.to_le_bytes());
    bytes.extend(content);
    let checksum = Sha256::digest(&bytes);
    bytes.extend(&checksum[..16]);
    bytes
}
