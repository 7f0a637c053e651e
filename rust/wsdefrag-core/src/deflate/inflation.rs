//! Inflates the messages of one direction, range by range.
//!
//! All inflating is one loop, [`run`](Inflation::run): it asks a [`Target`] for room and inflates
//! into it until the input is used up. A target keeps or drops the bytes. At its ceiling one more
//! byte is inflated, which proves that the message exceeds a limit.
//!
//! A sender may fail to remove the four bytes `00 00 ff ff` at the end of a message. This can only
//! be detected at the end of the message, and before anything is fed after these bytes. So if a
//! frame ends with them, its last byte is held until the next byte arrives or the message ends. At
//! the end of the message the held byte is fed together with the first of the four bytes that are
//! due, with the order to stop between blocks. If the inflater stops before that byte, the sender
//! had not removed the four bytes.
//!
//! It implements RFC 7692 section 7.2.2.
//!
//! - `end` is the last four bytes of the message's payload so far; `0xFF` stands for each byte that
//!   a shorter payload lacks in front
//! - `held` implies that a frame has ended with `end == TAIL`, and that its last byte was not fed

use crate::deflate::context::Context;
use crate::deflate::inflater::{Inflater, InflaterState, STATE_SIZE, TAIL, UNMASK_SIZE};
use crate::deflate::parked::Parked;
use crate::deflate::target::{Room, Target};
use crate::error::{Kind, OutOfMemory};
use crate::fallible;
use crate::frame::mask::Mask;
use crate::strictness::{Strictness, Tolerated};

/// Which deflate rules a message broke, although it could be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct DeflateBreaches {
    pub(crate) no_context_takeover: bool,
    pub(crate) empty_compressed_payload: bool,
    pub(crate) deflate_tail: bool,
}

impl DeflateBreaches {
    /// Adds them to the counts.
    pub(crate) fn count(&self, tolerated: &mut Tolerated) {
        tolerated.no_context_takeover += u64::from(self.no_context_takeover);
        tolerated.empty_compressed_payload += u64::from(self.empty_compressed_payload);
        tolerated.deflate_tail += u64::from(self.deflate_tail);
    }
}

/// The inflating of one direction, created with its first compressed message.
pub(crate) struct Inflation {
    inflater: Inflater,
    /// Masked bytes are unmasked into it before inflating.
    buffer: Vec<u8>,
    strictness: Strictness,
    /// Earlier content, for a sender that may break its agreement.
    context: Option<Context>,
    /// Bytes of content inflated for the open message.
    produced: usize,
    end: u32,
    held: bool,
    breaches: DeflateBreaches,
}

/// The state of an inflation inside a message.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct InflationState {
    inflater: InflaterState,
    context: Option<Context>,
    produced: usize,
    end: u32,
    held: bool,
    breaches: DeflateBreaches,
}

impl InflationState {
    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        self.inflater.bytes_held() + self.context.as_ref().map_or(0, Context::bytes_held)
    }
}

/// [`TAIL`] as a number.
const TAIL_NUMBER: u32 = u32::from_be_bytes(TAIL);

impl Inflation {
    /// Creates it with an empty window.
    pub(crate) fn new(
        no_context_takeover: bool,
        strictness: Strictness,
    ) -> Result<Self, OutOfMemory> {
        let keeps = no_context_takeover && !strictness.no_context_takeover;
        Ok(Self {
            inflater: Inflater::new(no_context_takeover)?,
            buffer: fallible::filled(0, UNMASK_SIZE)?,
            strictness,
            context: keeps.then(Context::default),
            produced: 0,
            end: u32::MAX,
            held: false,
            breaches: DeflateBreaches::default(),
        })
    }

    /// The memory of one without earlier content, this value included, in bytes.
    pub(crate) const SIZE: usize = size_of::<Self>() + STATE_SIZE + UNMASK_SIZE;

    /// Becomes what [`new`](Self::new) would make.
    pub(crate) fn begin_anew(&mut self, no_context_takeover: bool, strictness: Strictness) {
        self.forget();
        let keeps = no_context_takeover && !strictness.no_context_takeover;
        self.inflater.begin_anew(no_context_takeover);
        self.strictness = strictness;
        self.context = keeps.then(Context::default);
        (self.produced, self.end, self.held) = (0, u32::MAX, false);
        self.breaches = DeflateBreaches::default();
    }

    /// Frees the earlier content.
    pub(crate) fn forget(&mut self) {
        self.context = None;
    }

    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        let context = self.context.as_ref().map_or(0, Context::bytes_held);
        STATE_SIZE + self.buffer.capacity() + self.inflater.journal_held() + context
    }

    /// Keeps what is needed to make its state again. To be called before the first byte.
    pub(crate) fn keep_journal(&mut self) {
        self.inflater.keep_journal();
    }

    /// What makes its state again; `None` without a journal.
    #[cfg(feature = "serde")]
    pub(crate) fn state(&self) -> Result<Option<InflationState>, OutOfMemory> {
        let Some(inflater) = self.inflater.state()? else { return Ok(None) };
        Ok(Some(InflationState {
            inflater,
            context: self.context.as_ref().map(Context::copied).transpose()?,
            produced: self.produced,
            end: self.end,
            held: self.held,
            breaches: self.breaches,
        }))
    }

    /// Takes over the state of another inflation.
    pub(crate) fn resume(&mut self, state: &mut InflationState) -> Result<(), Kind> {
        self.inflater.resume(&state.inflater)?;
        self.context = state.context.take();
        (self.produced, self.end, self.held) = (state.produced, state.end, state.held);
        self.breaches = state.breaches;
        Ok(())
    }

    /// Moves what later messages may refer to into `parked`; must not be called inside a message.
    /// If it fails, nothing has changed; otherwise this inflation is of no further use.
    pub(crate) fn park(&mut self, parked: &mut Parked) -> Result<(), OutOfMemory> {
        debug_assert!(self.produced == 0 && !self.held, "parked inside a message");
        let window = self.inflater.window()?;
        parked.begins_with_reset = window.is_none();
        parked.window = window.unwrap_or_default();
        parked.context = self.context.take().filter(Context::is_needed);
        if let Some(context) = &mut parked.context {
            context.trim();
        }
        Ok(())
    }

    /// Takes over what [`park`](Self::park) left of an earlier inflation.
    pub(crate) fn restore(&mut self, parked: &mut Parked) -> Result<(), OutOfMemory> {
        self.inflater.restart(&parked.window)?;
        if parked.begins_with_reset {
            self.inflater.end_stream()?;
        }
        if let Some(context) = parked.context.take() {
            self.context = Some(context);
        }
        Ok(())
    }

    /// Whether the sender starts each message with an empty window.
    pub(crate) const fn no_context_takeover(&self) -> bool {
        self.inflater.no_context_takeover
    }

    /// Inflates a range of the message's payload.
    pub(crate) fn range<T: Target>(
        &mut self,
        mut wire: &[u8],
        mut mask: Mask,
        ends_frame: bool,
        target: &mut T,
    ) -> Result<(), Kind> {
        if mask.is_identity() {
            return self.plain(wire, ends_frame, target);
        }
        while !wire.is_empty() {
            let masked;
            (masked, wire) = wire.split_at(wire.len().min(UNMASK_SIZE));
            // The buffer is moved out during the call, because `self` is borrowed.
            let mut buffer = std::mem::take(&mut self.buffer);
            let plain = &mut buffer[..masked.len()];
            mask.unmask(masked, plain);
            mask = mask.advance(masked.len());
            let result = self.plain(plain, ends_frame && wire.is_empty(), target);
            self.buffer = buffer;
            result?;
        }
        Ok(())
    }

    /// Inflates unmasked bytes; holds the last byte of a frame that ends with the tail.
    #[inline]
    fn plain<T: Target>(
        &mut self,
        mut input: &[u8],
        ends_frame: bool,
        target: &mut T,
    ) -> Result<(), Kind> {
        if self.strictness.deflate_tail || input.is_empty() {
            return self.feed(input, target);
        }
        if std::mem::take(&mut self.held) {
            self.feed(&TAIL[3..], target)?;
        }
        self.end = match input.last_chunk() {
            Some(end) => u32::from_be_bytes(*end),
            None => input.iter().fold(self.end, |end, byte| end << 8 | u32::from(*byte)),
        };
        if ends_frame && self.end == TAIL_NUMBER {
            self.held = true;
            input = &input[..input.len() - 1];
        }
        self.feed(input, target)
    }

    /// Feeds the inflater. If the data refers to earlier messages against the agreement, inflates
    /// the message again with their content.
    #[inline]
    fn feed<T: Target>(&mut self, input: &[u8], target: &mut T) -> Result<(), Kind> {
        let Some(context) = self.context.as_mut().filter(|context| context.is_keeping()) else {
            return self.run(input, target).map(|_| ());
        };
        let rest = context.keep(input)?;
        match self.run(input, target) {
            Err(Kind::InvalidDeflateData) => self.replay(rest, target),
            result => {
                if let Some(context) = self.context.as_mut() {
                    context.inflated(self.produced);
                }
                result.map(|_| ())
            }
        }
    }

    /// Inflates the kept payload again with the window that the sender used. The bytes inflated
    /// earlier are equal and are dropped. `rest` follows the kept payload.
    #[cold]
    fn replay<T: Target>(&mut self, rest: &[u8], target: &mut T) -> Result<(), Kind> {
        const FAILED: Kind = Kind::InvalidDeflateData;
        let before = self.produced;
        let Some(kept) = self.context.as_mut().and_then(|context| context.take_kept(before)) else {
            return Err(FAILED);
        };
        if let Some(context) = &mut self.context {
            self.inflater.restart(context.dictionary())?;
        }
        let (mut input, mut again, mut nowhere) = (&kept[..], before, [0; UNMASK_SIZE]);
        while again > 0 {
            let progress =
                self.inflater.stream.inflate(input, &mut nowhere[..again.min(UNMASK_SIZE)]);
            self.inflater.advanced(&progress, input)?;
            if progress.consumed == 0 && progress.produced == 0 {
                return Err(FAILED);
            }
            again -= progress.produced;
            input = &input[progress.consumed..];
        }
        self.run(input, target)?;
        // The result must depend on the kept payload, not on how the payload was split into chunks.
        if self.produced == before {
            return Err(FAILED);
        }
        self.breaches.no_context_takeover = true;
        self.run(rest, target).map(|_| ())
    }

    /// The loop: inflates all of `input`, or up to the end of a block if the stream stops there.
    /// Returns the rest of `input`.
    #[inline]
    fn run<'i, T: Target>(
        &mut self,
        mut input: &'i [u8],
        target: &mut T,
    ) -> Result<&'i [u8], Kind> {
        loop {
            let stream = &mut self.inflater.stream;
            let (room, progress) = match target.room()? {
                Room::Bytes(room) => {
                    let progress = target.inflate(room, stream, input);
                    target.took(room, progress.produced)?;
                    (room, progress)
                }
                // At the ceiling: one more byte proves that the message exceeds it.
                Room::Full(excess) => {
                    let mut byte = [0];
                    let progress = stream.inflate(input, &mut byte);
                    if progress.produced > 0 {
                        target.exceeded(excess, byte[0])?;
                    }
                    (0, progress)
                }
            };
            self.produced += progress.produced;
            self.inflater.advanced(&progress, input)?;
            input = &input[progress.consumed..];
            let has_more = room == 0 && progress.produced > 0;
            if !has_more && progress.is_last(input, room) {
                return Ok(input);
            }
            // A stream without room for more had room for one byte.
            if self.inflater.stream.stops_at_blocks && progress.produced < room.max(1) {
                return Ok(input);
            }
        }
    }

    /// Whether a byte of the payload is held. Then [`finish_held`](Self::finish_held) checks the end
    /// of the message, and [`finish`](Self::finish) otherwise.
    #[inline]
    pub(crate) const fn is_holding(&self) -> bool {
        self.held
    }

    /// Checks the end of a message whose whole payload was inflated; `is_empty` if it has no payload.
    #[inline]
    pub(crate) fn finish(&mut self, is_empty: bool) -> Result<(), Kind> {
        if is_empty && !self.strictness.empty_compressed_payload {
            self.breaches.empty_compressed_payload = true;
            return Ok(());
        }
        self.inflater.feed_tail(&TAIL)
    }

    /// Checks the end of a message whose payload ends with the bytes of the tail: either the sender
    /// did not remove them, or the data happens to end with them.
    #[cold]
    pub(crate) fn finish_held<T: Target>(&mut self, target: &mut T) -> Result<(), Kind> {
        let before = self.produced;
        self.held = false;
        self.inflater.stream.stops_at_blocks = true;
        let left = self.run(&[TAIL[3], TAIL[0]], target).map(<[u8]>::len);
        self.inflater.stream.stops_at_blocks = false;
        match (left?, self.inflater.is_after_final_block()) {
            (1, true) => Ok(()),
            (1, false) if self.produced == before => {
                self.breaches.deflate_tail = true;
                Ok(())
            }
            (0, false) => self.inflater.feed_tail(&TAIL[1..]),
            _ => Err(Kind::TruncatedDeflateData),
        }
    }

    /// Ends a message after the check of its end; the rules that it was read in spite of.
    #[inline]
    pub(crate) fn end_message(&mut self) -> DeflateBreaches {
        self.inflater.end_message();
        (self.produced, self.end) = (0, u32::MAX);
        std::mem::take(&mut self.breaches)
    }

    /// Keeps a message's content if a later message may refer to it against the agreement.
    #[inline]
    pub(crate) fn remember(&mut self, content: &[u8]) -> Result<(), OutOfMemory> {
        self.context.as_mut().map_or(Ok(()), |earlier| earlier.remember(content))
    }
}
