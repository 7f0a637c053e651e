//! Decodes the header blocks of one direction.
//!
//! Each block goes through the decoder in order, also those that nobody asks for: they change the
//! dynamic table. After a loss the decoder goes on, with fields that refer to lost entries unknown.
//!
//! RFC 7541 sections 3 and 6.

use crate::http2::hpack::error::HpackError;
use crate::http2::hpack::static_table::STATIC_TABLE;
use crate::http2::hpack::table::{DynamicTable, Field};
use crate::http2::hpack::{huffman, integer};
use serde::{Deserialize, Serialize};

/// The decoder of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Decoder {
    table: DynamicTable,
}

impl Decoder {
    pub(crate) const fn new() -> Self {
        Self { table: DynamicTable::new() }
    }

    /// The memory that the dynamic table takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        self.table.bytes_held()
    }

    /// The size of the dynamic table, in bytes (RFC 7541 section 4.1).
    #[cfg(test)]
    pub(crate) const fn table_size(&self) -> usize {
        self.table.size()
    }

    /// Takes note of the `SETTINGS_HEADER_TABLE_SIZE` that the other side announced, in bytes.
    pub(crate) fn allow_table_size(&mut self, announced: u32) {
        self.table.allow(announced as usize);
    }

    /// Takes note that header blocks may have been lost.
    pub(crate) fn forget(&mut self) {
        self.table.forget();
    }

    /// Decodes a block, and gives its fields to `found` in order. After an error the rest of the block
    /// is unknown, and the caller must [`forget`](Self::forget).
    pub(crate) fn decode(
        &mut self,
        mut block: &[u8],
        found: &mut impl FnMut(Field<'_>),
    ) -> Result<(), HpackError> {
        let block = &mut block;
        let (mut name_buffer, mut value_buffer) = (Vec::new(), Vec::new());
        while let Some(&first) = block.first() {
            match first {
                0x80.. => {
                    let index = integer::take(block, 7)?;
                    found(field(&self.table, index)?);
                }
                0x20..0x40 => {
                    let size = integer::take(block, 5)?;
                    self.table.resize(size);
                }
                // With incremental indexing, or without and never indexed.
                _ => {
                    let is_inserted = first >= 0x40;
                    let index = integer::take(block, if is_inserted { 6 } else { 4 })?;
                    let name = match index {
                        0 => Some(string(block, &mut name_buffer)?),
                        // The insertion may drop the entry with the name.
                        _ => field(&self.table, index)?
                            .name
                            .map(|name| replaced(&mut name_buffer, name)),
                    };
                    let value = string(block, &mut value_buffer)?;
                    found(Field { name, value: Some(value) });
                    if is_inserted {
                        self.table.insert(name, value);
                    }
                }
            }
        }
        Ok(())
    }
}

/// The buffer with these bytes alone.
#[expect(clippy::disallowed_methods, reason = "at most `MAX_TABLE_SIZE` bytes")]
fn replaced<'a>(buffer: &'a mut Vec<u8>, bytes: &[u8]) -> &'a [u8] {
    buffer.clear();
    buffer.extend_from_slice(bytes);
    buffer
}

/// The field with an index of both tables (RFC 7541 section 2.3.3).
fn field(table: &DynamicTable, index: usize) -> Result<Field<'_>, HpackError> {
    let index = index.checked_sub(1).ok_or(HpackError::Index)?;
    if let Some((name, value)) = STATIC_TABLE.get(index) {
        return Ok(Field { name: Some(name.as_bytes()), value: Some(value.as_bytes()) });
    }
    table.field(index - STATIC_TABLE.len()).ok_or(HpackError::Index)
}

/// Takes a string from the front of the block (RFC 7541 section 5.2). `buffer` is for one that is
/// encoded.
fn string<'a, 'block: 'a>(
    block: &mut &'block [u8],
    buffer: &'a mut Vec<u8>,
) -> Result<&'a [u8], HpackError> {
    let is_encoded = block.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer::take(block, 7)?;
    let (string, rest) = block.split_at_checked(length).ok_or(HpackError::Truncated)?;
    *block = rest;
    if !is_encoded {
        return Ok(string);
    }
    buffer.clear();
    huffman::decode(string, buffer).ok_or(HpackError::Huffman)?;
    Ok(buffer)
}
