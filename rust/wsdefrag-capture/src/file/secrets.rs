//! The contents of pcapng's Decryption Secrets Blocks, such as TLS keys. They are stored unread.
//!
//! - `bytes <= MAX_SECRETS`
//! - `taken <= kept.len()`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_SECRETS` bytes")]

use serde::{Deserialize, Serialize};
use std::fmt;

/// Memory that stored secrets may take, in bytes.
pub const MAX_SECRETS: usize = 16 << 20;

/// The type of the secrets of a TLS key log.
pub const TLS_KEY_LOG: u32 = 0x544c_534b;

/// The secrets of all files of a capture.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Secrets {
    kept: Vec<(u32, Vec<u8>)>,
    /// The memory that `kept` takes, in bytes.
    bytes: usize,
    dropped: u64,
    /// How many of `kept` were taken.
    taken: usize,
    /// Whether reading stops after each block, so that its secrets are taken before the packets that
    /// follow.
    pub(crate) stop_reading: bool,
}

impl Secrets {
    /// The type of secrets and the secrets of each stored block.
    #[must_use]
    pub fn kept(&self) -> &[(u32, Vec<u8>)] {
        &self.kept
    }

    /// Blocks that were dropped because of [`MAX_SECRETS`].
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes note of a block that is too long to be stored.
    pub(crate) const fn drop_block(&mut self) {
        self.dropped += 1;
    }

    /// Stores the secrets of a block, if they fit.
    pub(crate) fn keep(&mut self, kind: u32, secrets: &[u8]) {
        let size = secrets.len() + size_of::<(u32, Vec<u8>)>();
        if size > MAX_SECRETS - self.bytes {
            self.dropped += 1;
        } else {
            self.bytes += size;
            self.kept.push((kind, secrets.to_vec()));
        }
    }

    /// Whether the invariants hold; a state may say otherwise.
    pub(crate) const fn is_consistent(&self) -> bool {
        self.taken <= self.kept.len() && self.bytes <= MAX_SECRETS
    }

    /// Whether reading stops until the last block is taken.
    pub(crate) const fn stops_reading(&self) -> bool {
        self.stop_reading && self.taken < self.kept.len()
    }

    /// The blocks that came since the last call.
    pub(crate) fn take_new(&mut self) -> &[(u32, Vec<u8>)] {
        let taken = std::mem::replace(&mut self.taken, self.kept.len());
        &self.kept[taken..]
    }
}

impl fmt::Debug for Secrets {
    /// Shows how many there are, and nothing of them.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocks = self.kept.len();
        formatter.debug_struct("Secrets").field("blocks", &blocks).finish_non_exhaustive()
    }
}
