//! The frame around a checkpoint's content: magic, version, compression, checksum.

#![expect(clippy::disallowed_methods, reason = "short texts of errors")]

use cbor4ii::serde::{EncodeError, from_slice, to_vec};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::checkpoint::error::CheckpointError;

const MAGIC: [u8; 8] = *b"wsdefrag";
/// The version of the format that is written; it is the highest that is read.
const VERSION: u32 = 1;
const HEADER: usize = MAGIC.len() + 4 + 4 + 8;
const CHECKSUM: usize = 16;

/// What contents of version 1 mostly consist of: the names of fields, and usual values. It was made of
/// states by a test (`tests/checkpoint/dictionary.rs`), and must not change: states refer to it.
const DICTIONARY: &[u8] = include_bytes!("dictionary-1.bin");

/// The flag of a content that is compressed.
const COMPRESSED: u32 = 1;
/// A content that is compressed is at most so many times as long as what it is compressed to, so that
/// reading a short state takes no more memory than that.
const MAX_RATIO: u64 = 256;
const LEVEL: i32 = 1;

/// The bytes of a checkpoint with this content.
pub(crate) fn write(content: &impl Serialize) -> Result<Vec<u8>, CheckpointError> {
    let plain = to_vec(Vec::new(), content).map_err(|error| match error {
        EncodeError::Custom(_) => {
            CheckpointError::NotResumable("the capture was not made to be resumed")
        }
        EncodeError::Core(_) => CheckpointError::OutOfMemory,
    })?;
    let compressed = compress(&plain)?;
    let length = plain.len() as u64;
    let is_compressed = length <= MAX_RATIO * compressed.len() as u64;
    let body = if is_compressed { &compressed } else { &plain };
    let flags = if is_compressed { COMPRESSED } else { 0 };
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(HEADER + body.len() + CHECKSUM)
        .map_err(|_| CheckpointError::OutOfMemory)?;
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&flags.to_le_bytes());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(body);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum[..CHECKSUM]);
    Ok(bytes)
}

/// Compresses a content; empty if that fails.
fn compress(plain: &[u8]) -> Result<Vec<u8>, CheckpointError> {
    let mut compressed = Vec::new();
    // What zstd adds at most.
    let most = plain.len() + plain.len() / 255 + 512;
    compressed.try_reserve_exact(most).map_err(|_| CheckpointError::OutOfMemory)?;
    let made = zstd::bulk::Compressor::with_dictionary(LEVEL, DICTIONARY)
        .and_then(|mut compressor| compressor.compress_to_buffer(plain, &mut compressed));
    if made.is_err() {
        compressed.clear();
    }
    Ok(compressed)
}

/// The content of a checkpoint.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CheckpointError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(CheckpointError::Foreign)?;
    let damaged = |why: &str| CheckpointError::Damaged(why.to_owned());
    let cut = || damaged("it is cut short");
    let (version, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let (flags, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    match u32::from_le_bytes(*version) {
        0 => return Err(damaged("it has no version")),
        1..=VERSION => {}
        version => return Err(CheckpointError::Newer { version, newest: VERSION }),
    }
    let (body, checksum) = rest.split_last_chunk::<CHECKSUM>().ok_or_else(cut)?;
    let summed = &bytes[..bytes.len() - CHECKSUM];
    if Sha256::digest(summed)[..CHECKSUM] != checksum[..] {
        return Err(damaged("its checksum is wrong"));
    }
    let length = u64::from_le_bytes(*length);
    if u32::from_le_bytes(*flags) & COMPRESSED == 0 {
        return parse(body);
    }
    if length > MAX_RATIO * body.len() as u64 {
        return Err(damaged("its content is too long"));
    }
    let mut plain = Vec::new();
    let room = usize::try_from(length).map_err(|_| CheckpointError::OutOfMemory)?;
    plain.try_reserve_exact(room).map_err(|_| CheckpointError::OutOfMemory)?;
    let written = zstd::bulk::Decompressor::with_dictionary(DICTIONARY)
        .and_then(|mut decompressor| decompressor.decompress_to_buffer(body, &mut plain));
    if written.ok() != Some(room) || plain.len() != room {
        return Err(damaged("its content has another length"));
    }
    parse(&plain)
}

fn parse<T: DeserializeOwned>(plain: &[u8]) -> Result<T, CheckpointError> {
    from_slice(plain).map_err(|error| CheckpointError::Damaged(error.to_string()))
}
