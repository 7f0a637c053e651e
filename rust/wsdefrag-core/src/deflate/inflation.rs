//! Inflating the messages of one direction, range by range.
//!
//! There is one loop, [`run`](Inflation::run): it asks a [`Target`] for room,
//! inflates into it, and goes on until the input is used up. A target keeps the
//! bytes, or drops them; at its ceiling one byte more is inflated, which proves
//! that the message goes too far.
//!
//! A sender may leave on the four bytes that it should take off the end of a
//! message. Whether it did shows only at the end, and only before anything is
//! fed after them: so where a frame ends with those four, its last byte is held
//! until it is known what follows. If nothing does, it is fed together with the
//! first byte of the four that are due, and the order to stop between blocks.
//! A stop before that byte says that the four were there already.
//!
//! RFC 7692 section 7.2.2.
//!
//! - `end` is the last four bytes of the message's payload so far, ones before the first of them
//! - `held` is only true between frames and where `end == TAIL`; the last byte was not fed then

use crate::deflate::context::Context;
use crate::deflate::inflater::{Inflater, PIECE, Progress, Stream, TAIL};
use crate::error::{Kind, OutOfMemory};
use crate::frame::mask::Mask;
use crate::limits::{Excess, Limits};
use crate::strictness::Strictness;

/// Where inflated bytes go.
pub(crate) trait Target {
    /// Makes room for what is inflated next.
    fn room(&mut self) -> Result<Room, OutOfMemory>;

    /// Lets `stream` inflate from the front of `input` into the room that was made.
    fn inflate(&mut self, room: usize, stream: &mut Stream, input: &[u8]) -> Progress;

    /// Takes note of how much of the room was filled.
    fn took(&mut self, room: usize, produced: usize) -> Result<(), Kind>;

    /// Is told that the message goes on where there was no room. What follows is dropped if this
    /// does not fail.
    fn exceeded(&mut self, excess: Excess) -> Result<(), Kind>;
}

/// Room for inflated bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Room {
    /// So many bytes, one at least.
    Bytes(usize),
    /// None; what is wrong with one byte more.
    Full(Excess),
}

/// How far a compressed message may inflate. It depends on what headers have announced, not on
/// what has arrived, so that it does not depend on the chunking.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    pub(crate) bytes: usize,
    /// What is wrong with one byte more.
    pub(crate) exceeded: Excess,
}

impl Ceiling {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a float that is too large saturates, which is what a ceiling wants"
    )]
    pub(crate) fn new(limits: &Limits, announced: u64) -> Self {
        let size = limits.max_message_size.unwrap_or(u64::MAX);
        let ratio = limits.max_inflate_ratio.unwrap_or(f64::INFINITY);
        let by_ratio = if ratio.is_finite() { (ratio * announced as f64) as u64 } else { u64::MAX };
        let bytes = size.min(by_ratio);
        let requested = bytes.saturating_add(1);
        let exceeded = if by_ratio < size {
            Excess::InflateRatio { limit: ratio, requested }
        } else {
            Excess::MessageSize { limit: size, requested }
        };
        Self { bytes: usize::try_from(bytes).unwrap_or(usize::MAX), exceeded }
    }
}

/// The rules about deflate that a message was read in spite of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeflateBreaches {
    pub(crate) no_context_takeover: bool,
    pub(crate) empty_compressed_payload: bool,
    pub(crate) deflate_tail: bool,
}

/// One direction's inflating, made with its first compressed message.
pub(crate) struct Inflation {
    inflater: Inflater,
    /// Where masked bytes are unmasked on their way to the inflater.
    piece: Box<[u8]>,
    strictness: Strictness,
    /// What is kept for a sender that may break its agreement.
    context: Option<Box<Context>>,
    /// Bytes that the message has inflated to.
    produced: usize,
    end: u32,
    held: bool,
    breaches: DeflateBreaches,
}

/// [`TAIL`] as a number.
const TAIL_NUMBER: u32 = u32::from_be_bytes(TAIL);

impl Inflation {
    /// With an empty window.
    pub(crate) fn new(no_context_takeover: bool, strictness: Strictness) -> Self {
        let keeps = no_context_takeover && !strictness.no_context_takeover;
        Self {
            inflater: Inflater::new(no_context_takeover),
            piece: vec![0; PIECE].into_boxed_slice(),
            strictness,
            context: keeps.then(Box::default),
            produced: 0,
            end: u32::MAX,
            held: false,
            breaches: DeflateBreaches::default(),
        }
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
            (masked, wire) = wire.split_at(wire.len().min(PIECE));
            // The piece is taken out while the inflater works on it, and put back unharmed.
            let mut piece = std::mem::take(&mut self.piece);
            let plain = &mut piece[..masked.len()];
            mask.unmask(masked, plain);
            mask = mask.advance(masked.len());
            let result = self.plain(plain, ends_frame && wire.is_empty(), target);
            self.piece = piece;
            result?;
        }
        Ok(())
    }

    /// Inflates unmasked bytes; holds the last one of a frame where a tail may have been left on.
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

    /// Feeds the inflater; where the data refers to earlier messages against the agreement, again
    /// and with what those said.
    #[inline]
    fn feed<T: Target>(&mut self, input: &[u8], target: &mut T) -> Result<(), Kind> {
        let Some(context) = self.context.as_mut().filter(|context| context.is_keeping()) else {
            return self.run(input, target).map(|_| ());
        };
        let rest = context.keep(input);
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

    /// Inflates what was kept of the message once more, with the window that its sender kept. What
    /// was inflated before is the same again, and dropped. `rest` is what comes after what was kept.
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
        let (mut input, mut again, mut nowhere) = (&kept[..], before, [0; PIECE]);
        while again > 0 {
            let progress = self.inflater.stream.inflate(input, &mut nowhere[..again.min(PIECE)]);
            self.inflater.advanced(&progress)?;
            if progress.consumed == 0 && progress.produced == 0 {
                return Err(FAILED);
            }
            again -= progress.produced;
            input = &input[progress.consumed..];
        }
        self.run(input, target)?;
        // Whether it went on must not depend on what of it had come, but on what was kept.
        if self.produced == before {
            return Err(FAILED);
        }
        self.breaches.no_context_takeover = true;
        self.run(rest, target).map(|_| ())
    }

    /// The loop: inflates all of `input`, or up to where a block ended if the stream is to stop
    /// there; what is left of it.
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
                // At the ceiling: one byte more proves that it goes too far.
                Room::Full(excess) => {
                    let progress = stream.inflate(input, &mut [0]);
                    if progress.produced > 0 {
                        target.exceeded(excess)?;
                    }
                    (0, progress)
                }
            };
            self.produced += progress.produced;
            self.inflater.advanced(&progress)?;
            input = &input[progress.consumed..];
            let has_more = room == 0 && progress.produced > 0;
            if !has_more && progress.is_last(input, room) {
                return Ok(input);
            }
            if self.inflater.stream.stops_at_blocks && progress.produced < room {
                return Ok(input);
            }
        }
    }

    /// Ends a message all of whose payload was inflated; `is_empty` if there was none at all.
    pub(crate) fn finish<T: Target>(
        &mut self,
        is_empty: bool,
        target: &mut T,
    ) -> Result<DeflateBreaches, Kind> {
        if is_empty && !self.strictness.empty_compressed_payload {
            self.breaches.empty_compressed_payload = true;
        } else if std::mem::take(&mut self.held) {
            self.finish_held(target)?;
        } else {
            self.inflater.feed_tail(&TAIL)?;
        }
        self.inflater.end_message();
        (self.produced, self.end) = (0, u32::MAX);
        Ok(std::mem::take(&mut self.breaches))
    }

    /// The end of a message whose payload ends with what should have been taken off, or with bytes
    /// that happen to be the same.
    fn finish_held<T: Target>(&mut self, target: &mut T) -> Result<(), Kind> {
        let before = self.produced;
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

    /// Keeps what a message inflated to, where a later one may refer to it against the agreement.
    #[inline]
    pub(crate) fn remember(&mut self, content: &[u8]) {
        if let Some(context) = &mut self.context {
            context.remember(content);
        }
    }
}
