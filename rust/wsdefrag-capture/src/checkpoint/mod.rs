//! The state of a capture between two packets, as bytes.
//!
//! ```text
//! magic (8), version (u32), flags (u32), length of the content (u64), content, checksum (16)
//! ```
//!
//! Numbers are little-endian. The content is CBOR (RFC 8949), with the names of fields, so that a later
//! version can add fields and read what an earlier one wrote; bit 0 of the flags says that it is
//! compressed with zstd and the dictionary of version 1. The checksum is the start of the SHA-256 of all
//! before it. It finds damage, and is no proof of who wrote the state.
//!
//! What is written are the structs of all stages as they are (`serde`). What follows from the rest is made
//! again when the state is read: indexes, sums of memory, ciphers, inflaters.
//!
//! The state has the contents of unfinished messages and the secrets of TLS connections.

pub(crate) mod content;
pub(crate) mod error;
pub(crate) mod options;
pub(crate) mod side;
pub(crate) mod sorted_map;
