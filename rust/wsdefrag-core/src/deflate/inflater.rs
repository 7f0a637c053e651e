//! The inflater's state, and where a compressed message ends in it.
//!
//! A compressed message is raw deflate without the last four bytes of its final
//! sync flush. They are fed after its last frame, together with one byte more
//! and the order to stop where a block ends: if that is not exactly after the
//! four, the message was cut short.
//!
//! The window is always 15 bits, which reads every smaller one. The state is
//! reset after a message whose sender keeps no context, and after a final block,
//! which further deflate members may follow.
//!
//! RFC 7692 section 7.2.2.
//!
//! - `members <= MAX_MEMBERS` within a message
//! - `fresh` iff the stream has not seen a byte since it was made or reset

use std::mem::MaybeUninit;

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

use crate::error::Kind;

/// What the sender took off the end of a compressed message (section 7.2.1).
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// Final blocks that one message may hold. Senders that cannot sync-flush write one a message;
/// each costs a reset, so a message of nothing else would be cheap to send and dear to read.
const MAX_MEMBERS: u32 = 1024;
/// Wire bytes unmasked at a time on their way to the inflater: a part of the first-level cache.
pub(crate) const PIECE: usize = 4096;
const WINDOW_BITS: u8 = 15;

/// Where one call of the inflater got to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Input bytes taken.
    pub consumed: usize,
    /// Output bytes written, from the front of the output.
    pub produced: usize,
    /// How it stopped.
    pub outcome: Outcome,
}

impl Progress {
    /// Whether a call with room for `room` bytes was the last, where `left` is what it left of its
    /// input.
    #[inline]
    pub(crate) fn is_last(&self, left: &[u8], room: usize) -> bool {
        let stuck = self.consumed == 0 && self.produced == 0;
        let done = left.is_empty() && (room == 0 || self.produced < room);
        self.outcome == Outcome::More && (stuck || done)
    }
}

/// How one call of the inflater stopped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// The input or the room was used up, or a block ended where it was told to stop.
    More,
    /// A final block ended.
    Final,
    /// The input is not deflate data, or there was no memory for the window.
    Failed(Kind),
}

/// The inflater's state between calls.
pub struct Stream {
    inflate: Inflate,
    /// Whether a call stops where a block ends.
    pub(crate) stops_at_blocks: bool,
}

impl Stream {
    fn new() -> Self {
        Self { inflate: Inflate::new(false, WINDOW_BITS), stops_at_blocks: false }
    }

    #[inline]
    const fn flush(&self) -> InflateFlush {
        if self.stops_at_blocks { InflateFlush::Block } else { InflateFlush::SyncFlush }
    }

    /// Inflates from the front of `input` into memory that holds something already.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let flush = self.flush();
        self.run(|inflate| inflate.decompress(input, output, flush))
    }

    /// Inflates from the front of `input` into fresh memory, of which the first
    /// [`Progress::produced`] bytes are written.
    pub fn inflate_uninit(&mut self, input: &[u8], output: &mut [MaybeUninit<u8>]) -> Progress {
        let flush = self.flush();
        self.run(|inflate| inflate.decompress_uninit(input, output, flush))
    }

    #[inline]
    fn run(&mut self, call: impl FnOnce(&mut Inflate) -> Result<Status, InflateError>) -> Progress {
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let outcome = match call(&mut self.inflate) {
            Ok(Status::StreamEnd) => Outcome::Final,
            Ok(Status::Ok | Status::BufError) => Outcome::More,
            Err(InflateError::MemError) => Outcome::Failed(Kind::OutOfMemory),
            Err(_) => Outcome::Failed(Kind::InvalidDeflateData),
        };
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the lengths of slices")]
        let within = |after: u64, before: u64| (after - before) as usize;
        Progress {
            consumed: within(self.inflate.total_in(), before_in),
            produced: within(self.inflate.total_out(), before_out),
            outcome,
        }
    }
}

/// One direction's inflater, made with its first compressed message.
pub struct Inflater {
    pub(crate) stream: Stream,
    pub(crate) no_context_takeover: bool,
    fresh: bool,
    members: u32,
}

impl Inflater {
    /// An inflater with an empty window.
    #[must_use]
    pub fn new(no_context_takeover: bool) -> Self {
        Self { stream: Stream::new(), no_context_takeover, fresh: true, members: 0 }
    }

    /// Takes note of a call of [`Stream::inflate`]; goes on after a final block.
    #[inline]
    pub(crate) fn advanced(&mut self, progress: &Progress) -> Result<(), Kind> {
        self.fresh &= progress.consumed == 0;
        match progress.outcome {
            Outcome::More => Ok(()),
            Outcome::Failed(kind) => Err(kind),
            Outcome::Final if self.members == MAX_MEMBERS => {
                Err(Kind::TooManyDeflateMembers(MAX_MEMBERS))
            }
            Outcome::Final => {
                self.members += 1;
                self.reset();
                Ok(())
            }
        }
    }

    /// Whether nothing came after a final block.
    pub(crate) const fn is_after_final_block(&self) -> bool {
        self.fresh && self.members > 0
    }

    /// Starts the message once more, with what came before it in the window.
    pub(crate) fn restart(&mut self, window: &[u8]) -> Result<(), Kind> {
        self.reset();
        self.members = 0;
        let set = self.stream.inflate.set_dictionary(window);
        set.map(|_| ()).map_err(|_| Kind::InvalidDeflateData)
    }

    /// Gets ready for the next message.
    pub(crate) fn end_message(&mut self) {
        self.members = 0;
        if self.no_context_takeover {
            self.reset();
        }
    }

    /// Feeds what is left of the four bytes that the sender took off.
    pub(crate) fn feed_tail(&mut self, tail: &[u8]) -> Result<(), Kind> {
        // A sender that ended with a final block, and nothing after it, took none off.
        if self.is_after_final_block() {
            return Ok(());
        }
        // One byte more, which is not to be taken.
        let mut sentinel = [0; TAIL.len() + 1];
        sentinel[..tail.len()].copy_from_slice(tail);
        let input = &sentinel[..=tail.len()];
        let mut nothing = [0; 1];
        let progress =
            self.stream.run(|inflate| inflate.decompress(input, &mut nothing, InflateFlush::Block));
        self.fresh = false;
        match progress.outcome {
            Outcome::Failed(kind) => Err(kind),
            Outcome::More if (progress.consumed, progress.produced) == (tail.len(), 0) => Ok(()),
            _ => Err(Kind::TruncatedDeflateData),
        }
    }

    fn reset(&mut self) {
        self.stream.inflate.reset(false);
        self.fresh = true;
    }
}
