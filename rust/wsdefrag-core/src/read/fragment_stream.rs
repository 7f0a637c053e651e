//! One direction, part by part: what has come of a message is given at once.
//!
//! A part is as much of one frame's payload as stood in the caller's bytes,
//! decoded: unmasked, or inflated as far as that goes. A text's parts end
//! between characters; what has come of the next one waits, so that a part may
//! be empty. [`next`](FragmentStream::next) gives one part or control frame a
//! call and leaves the bytes behind it alone, so that the caller may look at
//! each before the next is read.
//!
//! Rules, limits and close payloads are those of the
//! [`Reassembler`](crate::Reassembler): the parts of a message put together
//! are the message that it gives. In a part of a compressed text that breaks
//! two rules of content, the one about deflate comes first.
//!
//! RFC 6455 sections 5.4 to 5.6, 7 and 8.1; RFC 7692 section 7.2.2.
//!
//! - `given <= filled <= decoded.len()`; `decoded[given..filled]` is what waits
//! - `header` is that of the frame at hand from its last byte to the payload's

use crate::deflate::inflater::{Inflater, PIECE};
use crate::deflate::params::DeflateParams;
use crate::error::{Error, Kind, OutOfMemory};
use crate::frame::close::Close;
use crate::frame::header::{Header, MAX_CONTROL, Order, Rules};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::frame::parser::FrameParser;
use crate::limits::Limits;
use crate::read::memory::{Memory, VecMemory};
use crate::read::message::{Care, Ceiling, Coding, Fate, OpenMessage};
use crate::strictness::Strictness;
use crate::text;

/// The first room for decoded bytes.
const FIRST_ROOM: usize = 1 << 12;
/// The most room that is kept from part to part, in bytes.
const MOST_KEPT: usize = 1 << 18;

/// What one call found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FragmentEvent<'a, T, C> {
    /// A part of a text message: whole characters.
    Text(T, Ends),
    /// A part of a binary message.
    Binary(C, Ends),
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong with its payload.
    Pong(&'a [u8]),
    /// The peer's close frame; nothing follows it.
    Close(Close<'a>),
}

/// The caller's memory, for texts too.
pub trait TextMemory: Memory {
    /// A part of a text.
    type Text;

    /// The text that is `wire`, unmasked, if that is ASCII.
    fn ascii(&mut self, wire: &[u8], mask: Mask) -> Result<Option<Self::Text>, OutOfMemory>;

    /// A text that was put together elsewhere.
    fn text(&mut self, text: &str) -> Result<Self::Text, OutOfMemory>;
}

impl TextMemory for VecMemory {
    type Text = String;

    fn ascii(&mut self, wire: &[u8], mask: Mask) -> Result<Option<String>, OutOfMemory> {
        let (content, any) = self.whole(wire, mask)?;
        Ok(if any < 0x80 { String::from_utf8(content).ok() } else { None })
    }

    fn text(&mut self, text: &str) -> Result<String, OutOfMemory> {
        let mut copy = String::new();
        copy.try_reserve_exact(text.len())?;
        copy.push_str(text);
        Ok(copy)
    }
}

/// What a call gives to a caller with this memory: a part, or nothing yet.
pub type NextEvent<'a, M> =
    Option<FragmentEvent<'a, <M as TextMemory>::Text, <M as Memory>::Content>>;

/// Whether a part is the last of its frame, and of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Whether its frame ends with it.
    pub frame: bool,
    /// Whether its message ends with it.
    pub message: bool,
}

/// A [`FragmentEvent`] that borrows nothing yet.
enum Found<T, C> {
    Nothing,
    Text(T, Ends),
    Binary(C, Ends),
    Control(Opcode),
}

/// The decoder of one direction.
pub struct FragmentStream {
    parser: FrameParser,
    deflate: Option<DeflateParams>,
    limits: Limits,
    header: Option<Header>,
    /// The account of the open message, without its content.
    message: Option<OpenMessage<Vec<u8>>>,
    /// Bytes that the open message has inflated to.
    inflated: usize,
    control: [u8; MAX_CONTROL],
    controlled: usize,
    inflater: Option<Box<Inflater>>,
    decoded: Vec<u8>,
    filled: usize,
    given: usize,
    /// Whether the last text was ASCII, as the next one then most often is.
    ascii: bool,
    closed: bool,
    error: Option<Error>,
}

impl FragmentStream {
    /// A direction from its first byte behind the handshake.
    #[must_use]
    pub fn new(from_client: bool, deflate: Option<DeflateParams>, limits: Limits) -> Self {
        let strictness = Strictness::default();
        Self {
            parser: FrameParser::new(Rules { from_client, deflate: deflate.is_some(), strictness }),
            deflate,
            limits,
            header: None,
            message: None,
            inflated: 0,
            control: [0; MAX_CONTROL],
            controlled: 0,
            inflater: None,
            decoded: Vec::new(),
            filled: 0,
            given: 0,
            ascii: true,
            closed: false,
            error: None,
        }
    }

    /// The violation that ended this direction, if any.
    #[must_use]
    pub const fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Whether a message is open.
    #[must_use]
    pub const fn is_inside_message(&self) -> bool {
        self.message.is_some()
    }

    /// The bytes of a header that is not complete, or broke a rule, and were taken.
    #[must_use]
    pub fn cut_header(&self) -> &[u8] {
        self.parser.cut_header()
    }

    /// The payload of the last control frame.
    #[must_use]
    pub fn control_payload(&self) -> &[u8] {
        &self.control[..self.controlled]
    }

    /// The decoded bytes of a text from the end of the last part on, those included that broke a
    /// rule.
    #[must_use]
    pub fn waiting_text(&self) -> &[u8] {
        &self.decoded[self.given..self.filled]
    }

    /// Whether the frame at hand has come to the end of its message.
    #[must_use]
    pub fn is_at_message_end(&self) -> bool {
        self.parser.remaining() == 0 && self.header.is_some_and(|header| header.fin)
    }

    /// Takes the next part from the front of `data`; `None` when more bytes are needed, and behind
    /// a Close. A violation is kept, and given again by every further call.
    #[inline]
    pub fn next<M: TextMemory>(
        &mut self,
        data: &mut &[u8],
        memory: &mut M,
    ) -> Result<NextEvent<'_, M>, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.closed {
            return Ok(None);
        }
        match self.step(data, memory) {
            Ok(found) => self.event(found),
            Err(error) => self.fail(error),
        }
    }

    #[cold]
    fn fail<T>(&mut self, error: Error) -> Result<T, Error> {
        self.error = Some(error);
        Err(error)
    }

    /// The part that was found.
    #[inline]
    fn event<T, C>(
        &mut self,
        found: Found<T, C>,
    ) -> Result<Option<FragmentEvent<'_, T, C>>, Error> {
        let opcode = match found {
            Found::Nothing => return Ok(None),
            Found::Text(text, ends) => return Ok(Some(FragmentEvent::Text(text, ends))),
            Found::Binary(content, ends) => return Ok(Some(FragmentEvent::Binary(content, ends))),
            Found::Control(opcode) => opcode,
        };
        match opcode {
            Opcode::Ping => return Ok(Some(FragmentEvent::Ping(self.control_payload()))),
            Opcode::Pong => return Ok(Some(FragmentEvent::Pong(self.control_payload()))),
            _ => self.closed = true,
        }
        match Close::parse(&self.control[..self.controlled], false) {
            Ok(close) => Ok(Some(FragmentEvent::Close(close))),
            Err(kind) => {
                let error = self.parser.error(kind);
                self.error = Some(error);
                Err(error)
            }
        }
    }

    #[inline]
    fn step<M: TextMemory>(
        &mut self,
        data: &mut &[u8],
        memory: &mut M,
    ) -> Result<Found<M::Text, M::Content>, Error> {
        let begun = self.header.filter(|_| self.parser.remaining() > 0);
        let header = if let Some(header) = begun {
            header
        } else {
            let order = if self.message.is_some() { Order::Continue } else { Order::Start };
            let Some(header) = self.parser.header(data, order)? else {
                return Ok(Found::Nothing);
            };
            self.begin_frame(&header).map_err(|kind| self.parser.error(kind))?;
            *self.header.insert(header)
        };
        let (wire, mask) = self.parser.payload(data);
        let frame_finished = self.parser.remaining() == 0;
        if header.opcode.is_control() {
            let end = self.controlled + wire.len();
            mask.unmask(wire, &mut self.control[self.controlled..end]);
            self.controlled = end;
            return Ok(if frame_finished { Found::Control(header.opcode) } else { Found::Nothing });
        }
        if wire.is_empty() && !frame_finished {
            return Ok(Found::Nothing);
        }
        let ends = Ends { frame: frame_finished, message: frame_finished && header.fin };
        self.content(wire, mask, ends, memory).map_err(|kind| self.parser.error(kind))
    }

    #[inline]
    fn begin_frame(&mut self, header: &Header) -> Result<(), Kind> {
        if header.opcode.is_control() {
            self.controlled = 0;
            return Ok(());
        }
        let message = self.message.get_or_insert_with(|| {
            let compressed = header.rsv1() && self.deflate.is_some();
            let coding = if compressed { Coding::Deflate } else { Coding::Plain };
            let care = Care {
                check_utf8: false,
                refuse_not_utf8: false,
                lenient: false,
                fate: Fate::Kept,
            };
            OpenMessage::new(header.opcode, self.parser.start(), coding, care)
        });
        message.announce(header, &self.limits)
    }

    /// Decodes a range of the open message.
    #[inline]
    fn content<M: TextMemory>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        ends: Ends,
        memory: &mut M,
    ) -> Result<Found<M::Text, M::Content>, Kind> {
        let Some(message) = &self.message else { return Ok(Found::Nothing) };
        let (is_text, coding) = (message.opcode == Opcode::Text, message.coding);
        let announced = message.extent().payload_length;
        if ends.message {
            self.message = None;
        }
        if coding == Coding::Plain && !is_text {
            return Ok(Found::Binary(memory.whole(wire, mask)?.0, ends));
        }
        if coding == Coding::Plain
            && self.ascii
            && self.given == self.filled
            && let Some(text) = memory.ascii(wire, mask)?
        {
            return Ok(Found::Text(text, ends));
        }
        self.forget_given();
        if coding == Coding::Deflate {
            self.inflate(wire, mask, announced, ends.message)?;
        } else {
            self.make_room(wire.len())?;
            let end = self.filled + wire.len();
            mask.unmask(wire, &mut self.decoded[self.filled..end]);
            self.filled = end;
        }
        if is_text {
            let text = memory.text(self.whole_characters(ends)?)?;
            return Ok(Found::Text(text, ends));
        }
        self.given = self.filled;
        let (content, _) = memory.whole(&self.decoded[..self.filled], Mask::NONE)?;
        Ok(Found::Binary(content, ends))
    }

    /// What waits of a text, but for a character whose rest is to come.
    fn whole_characters(&mut self, ends: Ends) -> Result<&str, Kind> {
        let waiting = &self.decoded[self.given..self.filled];
        let text = text::whole_characters(waiting)?;
        if ends.message && text.len() < waiting.len() {
            return Err(Kind::InvalidUtf8);
        }
        self.given += text.len();
        self.ascii = text.is_ascii();
        Ok(text)
    }

    /// Moves what waits to the front.
    #[inline]
    fn forget_given(&mut self) {
        self.decoded.copy_within(self.given..self.filled, 0);
        self.filled -= self.given;
        self.given = 0;
        if self.decoded.len() > MOST_KEPT && self.filled < MOST_KEPT {
            self.decoded.truncate(MOST_KEPT);
            self.decoded.shrink_to(MOST_KEPT);
        }
    }

    /// Makes room for so many more decoded bytes.
    #[inline]
    fn make_room(&mut self, more: usize) -> Result<(), OutOfMemory> {
        let needed = self.filled.checked_add(more).ok_or(OutOfMemory)?;
        if needed > self.decoded.len() {
            let room = needed.max(FIRST_ROOM);
            self.decoded.try_reserve(room - self.decoded.len())?;
            self.decoded.resize(room, 0);
        }
        Ok(())
    }

    /// Decodes what a range of a compressed frame inflates to.
    fn inflate(
        &mut self,
        wire: &[u8],
        mut mask: Mask,
        announced: u64,
        message_finished: bool,
    ) -> Result<(), Kind> {
        let no_context_takeover = self
            .deflate
            .is_some_and(|params| params.no_context_takeover(self.parser.rules().from_client));
        let mut inflater =
            self.inflater.take().unwrap_or_else(|| Box::new(Inflater::new(no_context_takeover)));
        let ceiling = Ceiling::new(&self.limits, announced);
        let mut piece = std::mem::take(&mut inflater.piece);
        for wire in wire.chunks(PIECE) {
            let plain = &mut piece[..wire.len()];
            mask.unmask(wire, plain);
            mask = mask.advance(wire.len());
            self.inflate_plain(plain, &mut inflater, &ceiling)?;
        }
        inflater.piece = piece;
        if message_finished {
            inflater.finish()?;
            self.inflated = 0;
        }
        self.inflater = Some(inflater);
        Ok(())
    }

    fn inflate_plain(
        &mut self,
        mut input: &[u8],
        inflater: &mut Inflater,
        ceiling: &Ceiling,
    ) -> Result<(), Kind> {
        loop {
            if self.filled == self.decoded.len() {
                self.make_room(self.filled.max(1))?;
            }
            let most = ceiling.bytes.saturating_sub(self.inflated);
            let room = most.min(self.decoded.len() - self.filled);
            let progress = if room > 0 {
                let fresh = &mut self.decoded[self.filled..self.filled + room];
                inflater.stream.inflate(input, fresh)
            } else {
                // At the ceiling: one byte more proves that it goes too far.
                inflater.stream.inflate(input, &mut [0])
            };
            if progress.produced > room {
                return Err(Kind::Limit(ceiling.exceeded));
            }
            self.filled += progress.produced;
            self.inflated += progress.produced;
            inflater.advanced(&progress)?;
            input = &input[progress.consumed..];
            if progress.is_last(input, room) {
                return Ok(());
            }
        }
    }
}
