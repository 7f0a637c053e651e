//! Memory that a piece of work with a bound is sure of.
//!
//! Allocations whose size comes from the wire report a refusal. The many small ones beside them end
//! the process where memory is refused, so work that has some begins only if there is room for all.
//! Another thread may still take it in between.

use std::hint::black_box;

use wsdefrag_core::OutOfMemory;

/// Bytes that there must be before a step of a capture is read, and again for what ends a pass.
///
/// A step reads at most 256 KiB, and stops after the packet that completes `MOST_ROWS` rows of
/// objects or a batch of a table (8,192 rows of 200 bytes, and the arrays made of them).
pub(crate) const STEP: usize = 8 << 20;

/// Address space that is given up for work that must not fail.
pub(crate) struct Reserve(Vec<u8>);

impl Reserve {
    /// Reserves [`STEP`] bytes. They take no physical memory, as nothing is written.
    pub(crate) fn new() -> Result<Self, OutOfMemory> {
        Self::of(STEP)
    }

    fn of(size: usize) -> Result<Self, OutOfMemory> {
        let mut reserve = Vec::new();
        reserve.try_reserve_exact(size)?;
        Ok(Self(black_box(reserve)))
    }

    pub(crate) const fn is_held(&self) -> bool {
        self.0.capacity() > 0
    }

    /// Gives the reserve up.
    pub(crate) fn release(&mut self) {
        self.0 = Vec::new();
    }
}

/// Makes sure that there is room for a step that takes `more` bytes beside [`STEP`].
pub(crate) fn ensure(more: usize) -> Result<(), OutOfMemory> {
    Reserve::of(STEP.saturating_add(more)).map(drop)
}
