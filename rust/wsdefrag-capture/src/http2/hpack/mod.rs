//! HPACK, the compression of header fields in HTTP/2, read by a bystander who may miss some of it.
//!
//! ```text
//! integer, huffman   the two codes
//! static_table       61 fields that both sides know
//! table              the fields that the encoder inserted; unknown ones after a loss
//! decoder            header blocks in, fields out
//! ```
//!
//! RFC 7541.

pub(crate) mod decoder;
pub(crate) mod error;
mod huffman;
mod integer;
mod static_table;
pub(crate) mod table;
#[cfg(test)]
mod tests;
