//! A memory that records requests, and panics on one that is too large.
//!
//! - a request never exceeds `ceiling`, the limit that the direction is read with
//! - a buffer of plain payload never exceeds [`EAGERNESS`] times what is in it or about to be, or
//!   [`FIRST_STEP`]
//! - a buffer of inflated payload never exceeds [`FIRST_GUESS`] or twice what is in it, and if it
//!   is large, five quarters of that
//! - nothing is written to memory that was not requested

use wsdefrag_core::deflate::inflater::{Progress, Stream};
use wsdefrag_core::read::growth;
use wsdefrag_core::{Mask, Memory, OutOfMemory, VecMemory};

/// Bytes that may be requested for each byte that has arrived.
pub(crate) const EAGERNESS: usize = growth::EAGERNESS * growth::LEAP;
/// Bytes that may always be requested, however little has arrived.
pub(crate) const FIRST_STEP: usize = growth::FIRST_STEP * growth::LEAP;
/// Bytes that may be requested before anything is inflated.
pub(crate) const FIRST_GUESS: usize = 1 << 16;

/// The size from which inflated content grows by a quarter.
const STEP: usize = growth::INFLATED_STEP;

/// Memory whose contents are vectors.
#[derive(Debug)]
pub(crate) struct Ledger {
    ceiling: usize,
    refused: Option<u64>,
    vectors: VecMemory,
    /// Requests so far, the refused one included.
    pub(crate) requests: u64,
    /// The largest request so far, in bytes.
    pub(crate) largest: usize,
}

impl Ledger {
    /// A memory that panics on a request of more than `ceiling` bytes.
    pub(crate) fn new(ceiling: Option<u64>) -> Self {
        let ceiling = ceiling.map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap());
        let vectors = VecMemory;
        Self { ceiling, refused: None, vectors, requests: 0, largest: 0 }
    }

    /// A memory that refuses its `n`-th request, counted from 1.
    pub(crate) fn refusing(n: u64) -> Self {
        Self { refused: Some(n), ..Self::new(None) }
    }

    /// Whether a request was refused.
    pub(crate) fn has_refused(&self) -> bool {
        self.refused.is_some_and(|n| self.requests >= n)
    }

    /// Raises the ceiling, for contents that no limit applies to.
    pub(crate) fn allow(&mut self, bytes: usize) {
        self.ceiling = self.ceiling.max(bytes);
    }

    /// Room for one more event in the caller's list, which may be refused like any request.
    pub(crate) fn keep_event(&mut self) -> Result<(), OutOfMemory> {
        self.grant(0)
    }

    fn grant(&mut self, capacity: usize) -> Result<(), OutOfMemory> {
        assert!(capacity <= self.ceiling, "{capacity} bytes asked for, limit {}", self.ceiling);
        self.requests += 1;
        if self.refused == Some(self.requests) {
            return Err(OutOfMemory);
        }
        self.largest = self.largest.max(capacity);
        Ok(())
    }
}

impl Memory for Ledger {
    type Content = Vec<u8>;

    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(Vec<u8>, u8), OutOfMemory> {
        self.grant(wire.len())?;
        VecMemory.whole(wire, mask)
    }

    fn allocate(&mut self, capacity: usize) -> Result<Vec<u8>, OutOfMemory> {
        self.grant(capacity)?;
        VecMemory.allocate(capacity)
    }

    fn grow(&mut self, content: &mut Vec<u8>, capacity: usize) -> Result<(), OutOfMemory> {
        assert!(capacity > content.len(), "grown to {capacity} bytes from {}", content.len());
        self.grant(capacity)?;
        VecMemory.grow(content, capacity)
    }

    fn unmask(&mut self, content: &mut Vec<u8>, wire: &[u8], mask: Mask) -> u8 {
        let filled = content.len() + wire.len();
        assert!(filled <= content.capacity(), "no room for {} bytes", wire.len());
        let affordable = filled.saturating_mul(EAGERNESS).max(FIRST_STEP);
        assert!(content.capacity() <= affordable, "{} for {filled}", content.capacity());
        VecMemory.unmask(content, wire, mask)
    }

    fn inflate(
        &mut self,
        content: &mut Vec<u8>,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        let held = content.len();
        assert!(room > 0 && held + room <= content.capacity(), "no room for {room} bytes");
        let affordable = (2 * held).min(held + STEP.max(held / 4)).max(FIRST_GUESS);
        assert!(content.capacity() <= affordable, "{} for {held}", content.capacity());
        self.vectors.inflate(content, room, stream, input)
    }
}
