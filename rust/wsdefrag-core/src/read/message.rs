//! A message while its frames arrive.
//!
//! Its content is one buffer that grows in place; frames are appended to it,
//! unmasked or inflated, and a text is checked as it grows. Nothing else is
//! kept: no list of fragments, no wire bytes.
//!
//! - `content.len() <= max_message_size`, always
//! - for a text under strict checking, `content` never holds a byte that UTF-8
//!   does not allow at its place

use crate::deflate::inflater::{Inflater, PIECE};
use crate::error::{Kind, OutOfMemory};
use crate::frame::header::Header;
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::limits::{Excess, Limits};
use crate::read::event::{Damage, Extent};
use crate::read::growth::{self, Outlook};
use crate::read::memory::{Content, Memory};
use crate::text::{NotUtf8, Utf8Progress};

/// The least room made for inflated output, in bytes.
const LEAST_INFLATED: usize = 256;

/// How a message's payload is turned into its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// It is the content.
    Plain,
    /// It is inflated.
    Deflate,
    /// It would have to be inflated, but the window for it is not known; it is kept as it is.
    Opaque,
}

/// What is done with the payload that comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    /// Inflated to nowhere, for the sake of the window.
    Drained,
    PassedOver,
}

/// How a message is to be read, beyond what its header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Care {
    /// Whether a text is checked to be UTF-8 as it grows.
    pub(crate) check_utf8: bool,
    /// Whether one that is not is refused, and not only noted.
    pub(crate) refuse_not_utf8: bool,
    /// Whether what is wrong with the content is noted and does not end the direction.
    pub(crate) lenient: bool,
    pub(crate) fate: Fate,
}

/// A message of which at least the first header has come.
#[derive(Debug)]
pub(crate) struct OpenMessage<C> {
    pub(crate) opcode: Opcode,
    /// The first byte of its first frame, from the start of the direction.
    pub(crate) offset: u64,
    pub(crate) coding: Coding,
    pub(crate) fate: Fate,
    pub(crate) damage: Option<Damage>,
    /// Payload bytes that did not come.
    pub(crate) missing: u64,
    /// Whether it was found not to be UTF-8, where that is no fault.
    pub(crate) not_utf8: bool,
    refuse_not_utf8: bool,
    lenient: bool,
    content: Option<C>,
    /// `None` where bytes are not checked.
    utf8: Option<Utf8Progress>,
    fragments: u64,
    /// Payload bytes that its headers have announced.
    announced: u64,
    /// Bytes of those headers.
    headers: u64,
}

/// Refuses a data frame by what its header announces.
pub(crate) fn check_frame_size(header: &Header, limits: &Limits) -> Result<(), Kind> {
    match limits.max_frame_size {
        Some(limit) if header.length > limit => {
            Err(Kind::Limit(Excess::FrameSize { limit, requested: header.length }))
        }
        _ => Ok(()),
    }
}

impl<C: Content> OpenMessage<C> {
    pub(crate) fn new(opcode: Opcode, offset: u64, coding: Coding, care: Care) -> Self {
        let checked = care.check_utf8 && opcode == Opcode::Text && coding != Coding::Opaque;
        Self {
            opcode,
            offset,
            coding,
            fate: care.fate,
            damage: (coding == Coding::Opaque).then_some(Damage::Undecodable),
            missing: 0,
            not_utf8: false,
            refuse_not_utf8: care.refuse_not_utf8,
            lenient: care.lenient,
            content: None,
            utf8: checked.then(Utf8Progress::default),
            fragments: 0,
            announced: 0,
            headers: 0,
        }
    }

    /// What it is made of so far, counting the whole of each frame whose header has come.
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            frames: self.fragments,
            wire_length: self.headers.saturating_add(self.announced),
            payload_length: self.announced,
            compressed: self.coding != Coding::Plain,
        }
    }

    /// Takes back the last bytes that its headers announced: they were never sent.
    pub(crate) fn cut_off(&mut self, unsent: u64) {
        self.announced -= unsent;
        self.missing += unsent;
    }

    /// Notes what is wrong with it. What was wrong first stays, unless that still claimed to be
    /// whole.
    pub(crate) fn damaged(&mut self, damage: Damage) {
        let whole = matches!(
            self.damage,
            None | Some(Damage::Undecodable | Damage::Fault(Kind::InvalidUtf8))
        );
        if whole {
            self.damage = Some(damage);
        }
    }

    /// Bytes of content held.
    pub(crate) fn len(&self) -> usize {
        self.content.as_ref().map_or(0, |content| content.as_slice().len())
    }

    /// Takes the header of its next frame, before any of that frame's payload.
    pub(crate) fn announce(&mut self, header: &Header, limits: &Limits) -> Result<(), Kind> {
        self.announced = self.announced.saturating_add(header.length);
        self.headers += header.size as u64;
        self.fragments += 1;
        check_frame_size(header, limits)?;
        match limits.max_message_size {
            Some(limit) if self.coding != Coding::Deflate && self.announced > limit => {
                return Err(Kind::Limit(Excess::MessageSize { limit, requested: self.announced }));
            }
            _ => {}
        }
        match limits.max_fragments {
            Some(limit) if self.fragments > limit => {
                Err(Kind::Limit(Excess::Fragments { limit, requested: self.fragments }))
            }
            _ => Ok(()),
        }
    }

    /// Appends a range of a plain frame.
    #[inline]
    pub(crate) fn append<M: Memory<Content = C>>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        outlook: Outlook,
        memory: &mut M,
    ) -> Result<(), Kind> {
        let start = self.len();
        memory.admit(wire.len(), wire.len())?;
        let any = growth::append(&mut self.content, wire, mask, outlook, memory)?;
        self.check_from(start, any)
    }

    /// Checks the text behind `start`; `any` is the OR of its bytes, or 0xFF if not known.
    #[inline]
    fn check_from(&mut self, start: usize, any: u8) -> Result<(), Kind> {
        let (Some(utf8), Some(content)) = (&mut self.utf8, &self.content) else { return Ok(()) };
        match utf8.appended(content.as_slice(), start, any) {
            Ok(()) => Ok(()),
            Err(NotUtf8) => self.not_utf8(),
        }
    }

    #[cold]
    fn not_utf8(&mut self) -> Result<(), Kind> {
        if self.refuse_not_utf8 && !self.lenient {
            return Err(Kind::InvalidUtf8);
        }
        self.utf8 = None;
        if self.refuse_not_utf8 {
            self.damaged(Damage::Fault(Kind::InvalidUtf8));
        } else {
            self.not_utf8 = true;
        }
        Ok(())
    }

    /// Appends what a range of a compressed frame inflates to. `expected` is a guess at the whole
    /// message's length in bytes.
    pub(crate) fn inflate<M: Memory<Content = C>>(
        &mut self,
        wire: &[u8],
        mut mask: Mask,
        inflater: &mut Inflater,
        expected: usize,
        limits: &Limits,
        memory: &mut M,
    ) -> Result<(), Kind> {
        if mask.is_identity() {
            return match self.fate {
                Fate::Kept => self.inflate_plain(wire, inflater, expected, limits, memory),
                _ => inflater.drain(wire),
            };
        }
        for wire in wire.chunks(PIECE) {
            // The piece is taken out while the inflater works on it, and put back unharmed.
            let mut piece = std::mem::take(&mut inflater.piece);
            let plain = &mut piece[..wire.len()];
            mask.unmask(wire, plain);
            mask = mask.advance(wire.len());
            let result = match self.fate {
                Fate::Kept => self.inflate_plain(plain, inflater, expected, limits, memory),
                _ => inflater.drain(plain),
            };
            inflater.piece = piece;
            result?;
        }
        Ok(())
    }

    fn inflate_plain<M: Memory<Content = C>>(
        &mut self,
        mut input: &[u8],
        inflater: &mut Inflater,
        expected: usize,
        limits: &Limits,
        memory: &mut M,
    ) -> Result<(), Kind> {
        let ceiling = Ceiling::new(limits, self.announced);
        loop {
            let start = self.len();
            let wanted = self.room(expected, &ceiling, memory)?;
            let (room, exceeded) = match memory.admit(wanted, wanted.min(1)) {
                Ok(room) => (room, ceiling.exceeded),
                Err(excess) => (0, excess),
            };
            let progress = match &mut self.content {
                Some(content) if room > 0 => {
                    memory.inflate(content, room, &mut inflater.stream, input)
                }
                // At the ceiling: one byte more proves that it goes too far.
                _ => inflater.stream.inflate(input, &mut [0]),
            };
            memory.forgo(room.saturating_sub(progress.produced));
            if progress.produced > room {
                let exceeded = Kind::Limit(exceeded);
                if !self.lenient || inflater.no_context_takeover {
                    return Err(exceeded);
                }
                self.damaged(Damage::Fault(exceeded));
                self.fate = Fate::Drained;
                inflater.advanced(&progress)?;
                return inflater.drain(&input[progress.consumed..]);
            }
            if progress.produced > 0 {
                self.check_from(start, 0xFF)?;
            }
            inflater.advanced(&progress)?;
            input = &input[progress.consumed..];
            if progress.is_last(input, room) {
                return Ok(());
            }
        }
    }

    /// Bytes that may be inflated now, with memory behind them; 0 at the ceiling.
    fn room<M: Memory<Content = C>>(
        &mut self,
        expected: usize,
        ceiling: &Ceiling,
        memory: &mut M,
    ) -> Result<usize, OutOfMemory> {
        let held = self.len();
        let most = ceiling.bytes.saturating_sub(held);
        if most == 0 {
            return Ok(0);
        }
        let within = |wanted: usize| wanted.min(ceiling.bytes);
        match &mut self.content {
            Some(content) if content.capacity() == held => {
                memory.grow(content, within(held.saturating_mul(2)))?;
            }
            Some(_) => {}
            None => {
                self.content = Some(memory.allocate(within(expected.max(LEAST_INFLATED)))?);
            }
        }
        Ok(self.content.as_ref().map_or(0, |content| most.min(content.capacity() - held)))
    }

    /// The last check of a text whose last frame is complete.
    pub(crate) fn finish(&mut self) -> Result<(), Kind> {
        match &self.utf8 {
            Some(utf8) if self.fate == Fate::Kept => match utf8.finish(self.len()) {
                Ok(()) => Ok(()),
                Err(NotUtf8) => self.not_utf8(),
            },
            _ => Ok(()),
        }
    }

    /// What there is of the content.
    pub(crate) fn into_content<M: Memory<Content = C>>(
        self,
        memory: &mut M,
    ) -> Result<C, OutOfMemory> {
        match self.content {
            Some(content) => Ok(content),
            None => memory.allocate(0),
        }
    }
}

/// How far a compressed message may inflate. It depends on what headers have announced, not on
/// what has arrived, so that it does not depend on the chunking.
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
