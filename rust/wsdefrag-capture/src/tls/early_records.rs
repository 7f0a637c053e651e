//! Records of early data that were opened, until it is known whether the server accepts them.
//!
//! RFC 8446 section 4.2.10.
//!
//! - the contents have at most [`MAX_BYTES`] bytes

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::{TryGrow, copied};

use crate::packet::Origin;

/// Bytes of contents that are held. Servers take 16 KiB at most, as a rule.
const MAX_BYTES: usize = 64 << 10;

/// A record of early data.
#[derive(Serialize, Deserialize)]
pub(super) struct EarlyRecord {
    #[serde(with = "serde_bytes")]
    pub(super) content: Vec<u8>,
    pub(super) origin: Origin,
    /// Bytes of the record with its header.
    pub(super) whole: u64,
}

/// The records that are held, in order.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct EarlyRecords {
    records: Vec<EarlyRecord>,
    content_bytes: usize,
    bytes: u64,
}

impl EarlyRecords {
    /// Bytes of the records with their headers.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The memory that they take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.content_bytes + self.records.capacity() * size_of::<EarlyRecord>()
    }

    /// Holds a record, if there is room for it.
    pub(super) fn try_push(&mut self, content: &[u8], origin: Origin, whole: u64) -> bool {
        if self.content_bytes + content.len() > MAX_BYTES {
            return false;
        }
        let Ok(copy) = copied(content) else { return false };
        let record = EarlyRecord { content: copy, origin, whole };
        let is_held = self.records.try_push(record).is_ok();
        if is_held {
            self.content_bytes += content.len();
            self.bytes += whole;
        }
        is_held
    }

    pub(super) fn into_records(self) -> Vec<EarlyRecord> {
        self.records
    }
}
