//! The dynamic table of HPACK, also after a loss.
//!
//! An index counts from the newest entry. So after header blocks that were not captured the entries
//! inserted since are known, and all older ones are not, whatever the encoder inserted meanwhile.
//!
//! RFC 7541 sections 2.3.2 and 4.
//!
//! - `size` is the sum of the entries' sizes, `<= max_size <= limit <= MAX_TABLE_SIZE`

#![expect(clippy::disallowed_methods, reason = "entries have `MAX_TABLE_SIZE` bytes together")]

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The size of the table before any SETTINGS (RFC 9113 section 6.5.2), in bytes.
pub(crate) const DEFAULT_TABLE_SIZE: usize = 4096;
/// The largest table that is kept, in bytes: what browsers announce. Older entries of a larger one are
/// unknown.
pub(crate) const MAX_TABLE_SIZE: usize = 64 << 10;
/// What an entry counts besides its name and value, in bytes (RFC 7541 section 4.1).
const OVERHEAD: usize = 32;

/// A name or a value, or both; what is `None` was not captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
}

/// A field in the table. Its value is always known, because only fields with a literal value are
/// inserted.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    /// The name, then the value.
    #[serde(with = "serde_bytes")]
    bytes: Vec<u8>,
    /// The length of the name; `None` if it is unknown.
    name: Option<usize>,
}

impl Entry {
    /// What the entry counts: at least, if its name is unknown.
    const fn size(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

/// The dynamic table of one direction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DynamicTable {
    /// The newest entry first.
    entries: VecDeque<Entry>,
    size: usize,
    max_size: usize,
    /// The largest `max_size` that is allowed.
    limit: usize,
    /// Whether the encoder's table may have older entries than these.
    is_partial: bool,
}

impl DynamicTable {
    pub(super) const fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            max_size: DEFAULT_TABLE_SIZE,
            limit: DEFAULT_TABLE_SIZE,
            is_partial: false,
        }
    }

    /// The memory that the entries take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.size + self.entries.capacity() * size_of::<Entry>()
    }

    /// The sum of the entries' sizes, in bytes (RFC 7541 section 4.1).
    #[cfg(test)]
    pub(super) const fn size(&self) -> usize {
        self.size
    }

    /// Takes note of the `SETTINGS_HEADER_TABLE_SIZE` of the decoder. An earlier, larger one stays
    /// allowed: the encoder may not have received the new one yet.
    pub(super) fn allow(&mut self, announced: usize) {
        self.limit = announced.min(MAX_TABLE_SIZE).max(self.limit);
    }

    /// Takes note that header blocks may have been lost: all entries so far are unknown.
    pub(super) fn forget(&mut self) {
        self.entries = VecDeque::new();
        self.size = 0;
        self.is_partial = true;
        // The size may have been changed, too.
        self.limit = MAX_TABLE_SIZE;
        self.max_size = MAX_TABLE_SIZE;
    }

    /// Changes the size (RFC 7541 section 4.3). Entries that only a larger table than the allowed one
    /// has are unknown.
    pub(super) fn resize(&mut self, size: usize) {
        self.is_partial |= size > self.limit;
        self.max_size = size.min(self.limit);
        self.evict(0);
    }

    /// Drops the oldest entries until `more` bytes fit.
    fn evict(&mut self, more: usize) {
        while self.size + more > self.max_size
            && let Some(entry) = self.entries.pop_back()
        {
            self.size -= entry.size();
        }
    }

    /// Inserts a field with a known value. One that is too large empties the table (RFC 7541 section
    /// 4.4).
    pub(super) fn insert(&mut self, name: Option<&[u8]>, value: &[u8]) {
        let length = name.map_or(0, <[u8]>::len) + value.len();
        self.evict(length + OVERHEAD);
        if length + OVERHEAD <= self.max_size {
            let mut bytes = Vec::with_capacity(length);
            bytes.extend_from_slice(name.unwrap_or_default());
            bytes.extend_from_slice(value);
            let entry = Entry { bytes, name: name.map(<[u8]>::len) };
            self.size += entry.size();
            self.entries.push_front(entry);
        }
    }

    /// The field with this index, from 0. `None` if there is none; a field whose parts are unknown if
    /// it may be one of those that were not captured.
    pub(super) fn field(&self, index: usize) -> Option<Field<'_>> {
        let Some(entry) = self.entries.get(index) else {
            return self.is_partial.then_some(Field { name: None, value: None });
        };
        let (name, value) = entry.bytes.split_at(entry.name.unwrap_or(0));
        Some(Field { name: entry.name.map(|_| name), value: Some(value) })
    }
}
