//! The inflater of one direction, and the check for the end of a message.
//!
//! A compressed message is raw deflate data without the last four bytes of its final sync flush. At
//! the end of the message these four bytes are fed, and one more, with the order to stop at the end
//! of a block. If the inflater does not stop exactly after the four bytes, the message was
//! truncated.
//!
//! The window is always 15 bits, which can read every smaller one. The state is reset after each
//! message if the sender uses no context takeover, and after a final block, which further deflate
//! members may follow.
//!
//! It implements RFC 7692 section 7.2.2.
//!
//! - `members <= MAX_MEMBERS` within a message
//! - `fresh` if and only if the stream has read nothing since it was created or reset
//! - the window holds the last `given + total_out` bytes, at most `WINDOW`

use std::mem::MaybeUninit;
use std::panic;

use zlib_rs::{Inflate, InflateError, InflateFlush, Status};

use crate::deflate::journal::{Journal, MOST_BETWEEN};
use crate::deflate::window::{WINDOW, copying_block};
use crate::error::{Kind, OutOfMemory};
use crate::fallible;

/// The bytes that the sender removed from the end of a compressed message (section 7.2.1).
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// Most final blocks in one message. A sender without sync flush writes one per message. Each costs
/// a reset, so a message of many final blocks would be cheap to send but expensive to read.
const MAX_MEMBERS: u32 = 1024;
/// Bytes that are unmasked at a time before inflating; they fit in a part of the first-level cache.
pub(crate) const UNMASK_SIZE: usize = 4096;
const WINDOW_BITS: u8 = 15;
/// Size of the state that zlib-rs allocates, its window included, in bytes; the tests measure it.
pub(crate) const STATE_SIZE: usize = 48 << 10;

/// The progress of one call of the inflater.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Input bytes read.
    pub consumed: usize,
    /// Output bytes written, from the front of the output.
    pub produced: usize,
    /// How it stopped.
    pub outcome: Outcome,
}

impl Progress {
    /// Whether no further call is needed after a call with room for `room` bytes that left `left`
    /// of its input.
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
    /// The input or the room was used up, or a block ended and the stream stops at blocks.
    More,
    /// A final block ended.
    Final,
    /// The input is not valid deflate data, or there was no memory for the window.
    Failed(Kind),
}

/// The inflater's state between calls.
pub struct Stream {
    inflate: Inflate,
    /// Whether a call stops at the end of a block.
    pub(crate) stops_at_blocks: bool,
}

impl Stream {
    fn new() -> Result<Self, OutOfMemory> {
        // zlib-rs panics if its one allocation is refused. So the same size is tried first, which
        // leaves the panic to a race with other threads.
        Vec::<u8>::new().try_reserve_exact(STATE_SIZE)?;
        let inflate = panic::catch_unwind(|| Inflate::new(false, WINDOW_BITS));
        Ok(Self { inflate: inflate.map_err(|_| OutOfMemory)?, stops_at_blocks: false })
    }

    #[inline]
    const fn flush(&self) -> InflateFlush {
        if self.stops_at_blocks { InflateFlush::Block } else { InflateFlush::SyncFlush }
    }

    /// Inflates the front of `input` into initialized memory.
    pub fn inflate(&mut self, input: &[u8], output: &mut [u8]) -> Progress {
        let flush = self.flush();
        self.run(|inflate| inflate.decompress(input, output, flush))
    }

    /// Inflates the front of `input` into uninitialized memory; writes the first
    /// [`Progress::produced`] bytes.
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

impl InflaterState {
    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        self.journal.bytes_held()
    }
}

/// One direction's inflater, created with its first compressed message.
pub struct Inflater {
    pub(crate) stream: Stream,
    pub(crate) no_context_takeover: bool,
    fresh: bool,
    members: u32,
    /// Size of the window that it was given since it was created or reset, in bytes.
    given: usize,
    /// What was read, if its state may have to be made again.
    journal: Option<Journal>,
}

/// The state of an inflater inside a message.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct InflaterState {
    no_context_takeover: bool,
    fresh: bool,
    members: u32,
    journal: Journal,
}

impl Inflater {
    /// Creates an inflater with an empty window.
    pub fn new(no_context_takeover: bool) -> Result<Self, OutOfMemory> {
        Ok(Self {
            stream: Stream::new()?,
            no_context_takeover,
            fresh: true,
            members: 0,
            given: 0,
            journal: None,
        })
    }

    /// Becomes what [`new`](Self::new) would make.
    pub(crate) fn begin_anew(&mut self, no_context_takeover: bool) {
        self.reset();
        self.members = 0;
        self.no_context_takeover = no_context_takeover;
        self.stream.stops_at_blocks = false;
    }

    /// Keeps what is needed to make its state again, from here on. To be called before the first byte.
    pub(crate) fn keep_journal(&mut self) {
        self.journal.get_or_insert_default();
    }

    /// What makes its state again; `None` without a journal. Not to be called while it stops at blocks.
    #[cfg(feature = "serde")]
    pub(crate) fn state(&self) -> Result<Option<InflaterState>, OutOfMemory> {
        let Some(journal) = &self.journal else { return Ok(None) };
        Ok(Some(InflaterState {
            no_context_takeover: self.no_context_takeover,
            fresh: self.fresh,
            members: self.members,
            journal: journal.copied()?,
        }))
    }

    /// Takes over the state of another inflater.
    pub(crate) fn resume(&mut self, state: &InflaterState) -> Result<(), Kind> {
        self.no_context_takeover = state.no_context_takeover;
        self.restart(&state.journal.window)?;
        let mut input = &state.journal.bytes[..];
        let mut nowhere = [0; UNMASK_SIZE];
        loop {
            let progress = self
                .stream
                .run(|inflate| inflate.decompress(input, &mut nowhere, InflateFlush::Block));
            match progress.outcome {
                Outcome::More => {}
                Outcome::Final => return Err(Kind::InvalidDeflateData),
                Outcome::Failed(kind) => return Err(kind),
            }
            if let Some(journal) = &mut self.journal {
                journal.read(&input[..progress.consumed])?;
            }
            input = &input[progress.consumed..];
            if progress.consumed == 0 && progress.produced == 0 {
                break;
            }
        }
        self.fresh = state.fresh;
        self.members = state.members.min(MAX_MEMBERS);
        if input.is_empty() { Ok(()) } else { Err(Kind::InvalidDeflateData) }
    }

    /// Number of bytes allocated for the journal.
    pub(crate) fn journal_held(&self) -> usize {
        self.journal.as_ref().map_or(0, Journal::bytes_held)
    }

    /// Takes note of bytes that were read.
    fn read(&mut self, bytes: &[u8]) -> Result<(), OutOfMemory> {
        self.journal.as_mut().map_or(Ok(()), |journal| journal.read(bytes))
    }

    /// Processes the result of a call of [`Stream::inflate`] with `input`; resets the stream after a
    /// final block.
    #[inline]
    pub(crate) fn advanced(&mut self, progress: &Progress, input: &[u8]) -> Result<(), Kind> {
        self.fresh &= progress.consumed == 0;
        if let Some(journal) = &mut self.journal {
            journal.read(&input[..progress.consumed])?;
        }
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

    /// Whether the last byte read ended a final block.
    pub(crate) const fn is_after_final_block(&self) -> bool {
        self.fresh && self.members > 0
    }

    /// Restarts at the beginning of a message, with these bytes as its window.
    pub(crate) fn restart(&mut self, window: &[u8]) -> Result<(), OutOfMemory> {
        self.reset();
        if let Some(journal) = &mut self.journal {
            journal.restart(window)?;
        }
        self.members = 0;
        self.given = window.len();
        let set = self.stream.inflate.set_dictionary(window);
        debug_assert!(set.is_ok(), "a raw stream takes a window at any time");
        Ok(())
    }

    /// The bytes of its window, which must not be asked for inside a message. `None` if the removed
    /// tail of the last message ended a final block, so that the next message begins with a reset.
    /// This inflater is of no further use then, but after an error nothing has changed.
    pub(crate) fn window(&mut self) -> Result<Option<Vec<u8>>, OutOfMemory> {
        let given = self.given as u64;
        let length = given.saturating_add(self.stream.inflate.total_out()).min(WINDOW as u64);
        #[expect(clippy::cast_possible_truncation, reason = "at most `WINDOW`")]
        let mut window = fallible::filled(0, length as usize)?;
        if self.stream.inflate(&[], &mut [0]).outcome == Outcome::Final {
            return Ok(None);
        }
        if !window.is_empty() {
            let progress = self.stream.inflate(copying_block(window.len()).bytes(), &mut window);
            assert_eq!(progress.produced, window.len(), "matches of this distance fill the room");
        }
        Ok(Some(window))
    }

    /// Does what the removed tail does if it ends a final block: the next message begins with a
    /// reset.
    pub(crate) fn end_stream(&mut self) -> Result<(), OutOfMemory> {
        // An empty final block (RFC 1951 section 3.2.6).
        let ended =
            self.stream.run(|inflate| inflate.decompress(&[3, 0], &mut [0], InflateFlush::Block));
        debug_assert_eq!((ended.consumed, ended.outcome), (2, Outcome::More));
        self.fresh = false;
        self.read(&[3, 0])
    }

    /// Prepares for the next message.
    pub(crate) fn end_message(&mut self) {
        self.members = 0;
        if self.no_context_takeover {
            self.reset();
        } else if self.journal.as_ref().is_some_and(|journal| journal.bytes.len() > MOST_BETWEEN) {
            // Without memory for it, the journal becomes longer.
            let _ = self.shorten_journal();
        }
    }

    /// Reads the window between messages, so that the bytes before it are not needed any more.
    #[cold]
    fn shorten_journal(&mut self) -> Result<(), OutOfMemory> {
        if let Some(window) = self.window()? {
            self.restart(&window)
        } else {
            self.restart(&[])?;
            self.end_stream()
        }
    }

    /// Feeds the rest of the four bytes that the sender removed.
    pub(crate) fn feed_tail(&mut self, tail: &[u8]) -> Result<(), Kind> {
        // A message that ends with a final block had nothing removed.
        if self.is_after_final_block() {
            return Ok(());
        }
        // One more byte, which must not be read.
        let mut sentinel = [0; TAIL.len() + 1];
        sentinel[..tail.len()].copy_from_slice(tail);
        let input = &sentinel[..=tail.len()];
        let mut nothing = [0; 1];
        let progress =
            self.stream.run(|inflate| inflate.decompress(input, &mut nothing, InflateFlush::Block));
        self.fresh = false;
        self.read(&input[..progress.consumed])?;
        match progress.outcome {
            Outcome::Failed(kind) => Err(kind),
            Outcome::More if (progress.consumed, progress.produced) == (tail.len(), 0) => Ok(()),
            _ => Err(Kind::TruncatedDeflateData),
        }
    }

    fn reset(&mut self) {
        self.stream.inflate.reset(false);
        self.fresh = true;
        self.given = 0;
        if let Some(journal) = &mut self.journal {
            journal.clear();
        }
    }
}
