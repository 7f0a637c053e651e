//! What an inflater has read since its window was last known, so that its state can be made again.
//!
//! zlib's state cannot be read in the middle of a block. But the window at some byte and the compressed
//! bytes since then say the same. So an inflater whose state may be wanted at any time keeps both. At the
//! end of a message with many such bytes the window is read instead, and the bytes are dropped.
//!
//! - inflating `bytes` with `window` as the window gives the inflater's state
//! - between messages `bytes.len() <= MOST_BETWEEN`, unless memory was refused

use crate::error::OutOfMemory;
#[cfg(feature = "serde")]
use crate::fallible;
use crate::fallible::TryGrow;

/// Bytes that are kept between messages at most; reading a window costs as much as inflating 32 KiB.
pub(crate) const MOST_BETWEEN: usize = 64 << 10;

/// A window, and the compressed bytes that were read after it.
#[derive(Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Journal {
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub(crate) window: Vec<u8>,
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub(crate) bytes: Vec<u8>,
}

impl Journal {
    /// Takes note of bytes that were read.
    #[inline]
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        self.bytes.try_append(bytes)
    }

    /// Begins anew with this window.
    pub(crate) fn restart(&mut self, window: &[u8]) -> Result<(), OutOfMemory> {
        self.bytes.clear();
        self.window.clear();
        self.window.try_append(window)
    }

    /// Begins anew with an empty window.
    pub(crate) fn clear(&mut self) {
        self.window.clear();
        self.bytes.clear();
    }

    /// A copy.
    #[cfg(feature = "serde")]
    pub(crate) fn copied(&self) -> Result<Self, OutOfMemory> {
        Ok(Self { window: fallible::copied(&self.window)?, bytes: fallible::copied(&self.bytes)? })
    }

    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        self.window.capacity() + self.bytes.capacity()
    }
}
