//! Inflating one direction (RFC 7692 section 7.2.2).
//!
//! A compressed message is raw deflate without the last four bytes of its final
//! sync flush. They are fed after its last frame, together with one byte more
//! and the order to stop at a block boundary: if the boundary does not fall
//! exactly behind the four, the message was cut short.
//!
//! The window is always 15 bits, which reads every smaller one. The state is
//! reset after a message where its sender keeps no context, and in place after
//! a final block, behind which further deflate members may follow.
//!
//! - `members <= MAX_MEMBERS` within a message
//! - `fresh` iff the stream has not seen a byte since it was made or reset

use std::mem::MaybeUninit;

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

use crate::error::Kind;

/// What the sender took off the end of a compressed message (section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
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
pub struct Stream(Inflate);

impl Stream {
    fn new() -> Self {
        Self(Inflate::new(false, WINDOW_BITS))
    }

    /// Inflates from the front of `input` into memory that holds something already.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        self.run(|inflate| inflate.decompress(input, output, InflateFlush::SyncFlush))
    }

    /// Inflates from the front of `input` into fresh memory, of which the first
    /// [`Progress::produced`] bytes are written.
    pub fn inflate_uninit(&mut self, input: &[u8], output: &mut [MaybeUninit<u8>]) -> Progress {
        self.run(|inflate| inflate.decompress_uninit(input, output, InflateFlush::SyncFlush))
    }

    #[inline]
    fn run(&mut self, call: impl FnOnce(&mut Inflate) -> Result<Status, InflateError>) -> Progress {
        let (before_in, before_out) = (self.0.total_in(), self.0.total_out());
        let outcome = match call(&mut self.0) {
            Ok(Status::StreamEnd) => Outcome::Final,
            Ok(Status::Ok | Status::BufError) => Outcome::More,
            Err(InflateError::MemError) => Outcome::Failed(Kind::OutOfMemory),
            Err(_) => Outcome::Failed(Kind::InvalidDeflateData),
        };
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the lengths of slices")]
        let within = |after: u64, before: u64| (after - before) as usize;
        Progress {
            consumed: within(self.0.total_in(), before_in),
            produced: within(self.0.total_out(), before_out),
            outcome,
        }
    }
}

/// One direction's inflater, made with its first compressed message.
pub struct Inflater {
    pub(crate) stream: Stream,
    pub(crate) piece: Box<[u8]>,
    pub(crate) no_context_takeover: bool,
    fresh: bool,
    members: u32,
}

impl Inflater {
    /// An inflater with an empty window.
    #[must_use]
    pub fn new(no_context_takeover: bool) -> Self {
        Self {
            stream: Stream::new(),
            piece: vec![0; PIECE].into_boxed_slice(),
            no_context_takeover,
            fresh: true,
            members: 0,
        }
    }

    /// Takes note of a call of [`Stream::inflate`]; goes on behind a final block.
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

    /// Inflates to nowhere, so that the window stays what the sender's is.
    pub(crate) fn drain(&mut self, mut input: &[u8]) -> Result<(), Kind> {
        let mut nowhere = [0; PIECE];
        loop {
            let progress = self.stream.inflate(input, &mut nowhere);
            self.advanced(&progress)?;
            input = &input[progress.consumed..];
            if progress.is_last(input, PIECE) {
                return Ok(());
            }
        }
    }

    /// Ends a message all of whose payload was inflated.
    pub(crate) fn finish(&mut self) -> Result<(), Kind> {
        // A sender that ended with a final block, and nothing behind it, took no tail off.
        if !(self.fresh && self.members > 0) {
            self.feed_tail()?;
        }
        self.members = 0;
        if self.no_context_takeover {
            self.reset();
        }
        Ok(())
    }

    fn feed_tail(&mut self) -> Result<(), Kind> {
        let [a, b, c, d] = TAIL;
        let with_sentinel = [a, b, c, d, 0];
        let mut nothing = [0; 1];
        let progress = self
            .stream
            .run(|inflate| inflate.decompress(&with_sentinel, &mut nothing, InflateFlush::Block));
        self.fresh = false;
        match progress {
            Progress { outcome: Outcome::Failed(kind), .. } => Err(kind),
            Progress { consumed: 4, produced: 0, outcome: Outcome::More } => Ok(()),
            _ => Err(Kind::TruncatedDeflateData),
        }
    }

    fn reset(&mut self) {
        self.stream.0.reset(false);
        self.fresh = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The outcome of a message with this payload, and what it inflated to.
    fn message(inflater: &mut Inflater, payload: &[u8]) -> Result<Vec<u8>, Kind> {
        let mut output = [0; 64];
        let (mut consumed, mut produced) = (0, 0);
        loop {
            let progress = inflater.stream.inflate(&payload[consumed..], &mut output[produced..]);
            consumed += progress.consumed;
            produced += progress.produced;
            inflater.advanced(&progress)?;
            if (progress.consumed, progress.produced) == (0, 0) {
                break;
            }
        }
        inflater.finish()?;
        Ok(output[..produced].to_vec())
    }

    /// The examples of RFC 7692 sections 7.2.3.1 to 7.2.3.5, all of which say "Hello".
    #[test]
    fn examples_of_the_rfc_inflate_to_what_it_says() {
        let mut inflater = Inflater::new(false);
        for payload in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..],
            b"\xf2\x00\x11\x00\x00",
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
        ] {
            assert_eq!(message(&mut inflater, payload).unwrap(), b"Hello", "{payload:02x?}");
        }
    }

    #[test]
    fn message_that_ends_with_a_final_block_needs_no_tail() {
        let mut inflater = Inflater::new(false);
        let last_byte_short = b"\xf3\x48\xcd\xc9\xc9\x07\x00";
        for _ in 0..3 {
            assert_eq!(message(&mut inflater, last_byte_short).unwrap(), b"Hello");
        }
    }

    #[test]
    fn message_cut_anywhere_is_refused() {
        let payload = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
        for end in 0..payload.len() {
            let result = message(&mut Inflater::new(false), &payload[..end]);
            assert!(result.is_err(), "cut at {end}: {result:?}");
        }
    }

    #[test]
    fn members_are_capped() {
        let empty_final_block = [0x03, 0x00];
        let mut inflater = Inflater::new(false);
        let most = empty_final_block.repeat(MAX_MEMBERS as usize);
        assert_eq!(message(&mut inflater, &most).unwrap(), b"");
        let over = empty_final_block.repeat(MAX_MEMBERS as usize + 1);
        assert_eq!(message(&mut inflater, &over), Err(Kind::TooManyDeflateMembers(MAX_MEMBERS)));
    }
}
