//! Reads one direction range by range: returns each part of a message at once.
//!
//! A part is the range of one frame's payload in the caller's chunk, unmasked and inflated. The
//! parts of a text end between characters: an incomplete character waits for its other bytes, so a
//! part may be empty. [`next`](FragmentStream::next) returns one part or control frame per call and
//! does not read the bytes after it.
//!
//! Rules, limits and Close payloads are those of the [`Reassembler`](crate::Reassembler), and the
//! parts of a message add up to its content. If a part of a compressed text breaks two rules of
//! content, the error is the one about deflate.
//!
//! It implements RFC 6455 sections 5.4 to 5.6, 7 and 8.1, and RFC 7692 section 7.2.2.

use crate::deflate::params::DeflateParams;
use crate::deflate::slot::Slot;
use crate::deflate::target::Ceiling;
use crate::error::{Error, Kind};
use crate::frame::header::{Header, Order, Rules};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::limits::Limits;
use crate::read::account::{Account, Decoding};
use crate::read::decoded::{Decoded, DecodedTarget};
use crate::read::fragment_event::{Ends, FragmentEvent, NextEvent, TextMemory};
use crate::read::walker::Walker;
use crate::strictness::Strictness;

/// A [`FragmentEvent`] without borrowed data.
enum Found<T, C> {
    Nothing,
    Text(T, Ends),
    Binary(C, Ends),
    Control(Opcode),
}

/// The decoder of one direction.
pub struct FragmentStream {
    walker: Walker,
    deflate: Option<DeflateParams>,
    limits: Limits,
    message: Option<Account>,
    /// Bytes of content inflated for the open message.
    inflated: usize,
    inflation: Slot,
    decoded: Decoded,
    /// Whether the last text was ASCII; then the next one usually is.
    ascii: bool,
    closed: bool,
    error: Option<Error>,
}

/// The rules that wsproto enforces: no context takeover as agreed; but an empty compressed payload
/// and a tail that was not removed are accepted.
const STRICTNESS: Strictness = Strictness { no_context_takeover: true, ..Strictness::DEFAULT };

impl FragmentStream {
    /// Creates a decoder for a direction, from its first byte after the handshake.
    #[must_use]
    pub fn new(from_client: bool, deflate: Option<DeflateParams>, limits: Limits) -> Self {
        let rules = Rules {
            from_client,
            deflate: deflate.is_some(),
            foreign_extension: false,
            strictness: STRICTNESS,
        };
        Self {
            walker: Walker::new(rules),
            deflate,
            limits,
            message: None,
            inflated: 0,
            inflation: Slot::default(),
            decoded: Decoded::default(),
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

    /// The bytes read of a header that is incomplete or broke a rule.
    #[must_use]
    pub fn cut_header(&self) -> &[u8] {
        self.walker.parser.cut_header()
    }

    /// Position of the first byte of the current frame, in bytes from the start of the direction.
    #[must_use]
    pub const fn frame_start(&self) -> u64 {
        self.walker.parser.start()
    }

    /// The payload of the last control frame.
    #[must_use]
    pub fn control_payload(&self) -> &[u8] {
        self.walker.control()
    }

    /// The decoded bytes of a text after the last part, including those that broke a rule.
    #[must_use]
    pub fn waiting_text(&self) -> &[u8] {
        self.decoded.waiting()
    }

    /// Whether the current frame has reached the end of its message.
    #[must_use]
    pub fn is_at_message_end(&self) -> bool {
        self.walker.parser.remaining() == 0 && self.walker.header.fin
    }

    /// Reads the next part from the front of `data`; `None` if more bytes are needed, or after a
    /// Close. After a violation, every further call returns it again.
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

    /// The event for a found part.
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
        let offset = self.walker.parser.start();
        match self.walker.close() {
            Ok(close) => Ok(Some(FragmentEvent::Close(close))),
            Err(kind) => {
                let error = Error { kind, offset };
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
        let order = if self.message.is_some() { Order::Continue } else { Order::Start };
        let Some(range) = self.walker.next(data, order)? else { return Ok(Found::Nothing) };
        let header = self.walker.header;
        if header.opcode.is_control() {
            self.walker.take_control(&range);
            let found =
                if range.ends_frame { Found::Control(header.opcode) } else { Found::Nothing };
            return Ok(found);
        }
        if range.starts_frame {
            self.begin_frame(&header).map_err(|kind| self.walker.parser.error(kind))?;
        }
        if range.wire.is_empty() && !range.ends_frame {
            return Ok(Found::Nothing);
        }
        let ends = Ends { frame: range.ends_frame, message: range.ends_frame && header.fin };
        self.content(range.wire, range.mask, ends, memory)
            .map_err(|kind| self.walker.parser.error(kind))
    }

    #[inline]
    fn begin_frame(&mut self, header: &Header) -> Result<(), Kind> {
        let message = self.message.get_or_insert_with(|| {
            let compressed = header.rsv1() && self.deflate.is_some();
            let decoding = if compressed { Decoding::Deflate } else { Decoding::Plain };
            Account::new(header.opcode, self.walker.parser.start(), decoding)
        });
        message.announce(header, &self.limits)
    }

    /// Decodes a range of the open message's payload.
    #[inline]
    fn content<M: TextMemory>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        ends: Ends,
        memory: &mut M,
    ) -> Result<Found<M::Text, M::Content>, Kind> {
        let Some(message) = self.message else { return Ok(Found::Nothing) };
        let (is_text, decoding) = (message.opcode == Opcode::Text, message.decoding);
        if ends.message {
            self.message = None;
        }
        if decoding == Decoding::Plain && !is_text {
            return Ok(Found::Binary(memory.whole(wire, mask)?.0, ends));
        }
        if decoding == Decoding::Plain
            && self.ascii
            && self.decoded.waiting().is_empty()
            && let Some(text) = memory.ascii(wire, mask)?
        {
            return Ok(Found::Text(text, ends));
        }
        self.decoded.forget_given();
        if decoding == Decoding::Deflate {
            self.inflate(wire, mask, message.announced, ends)?;
        } else {
            self.decoded.append(wire, mask)?;
        }
        if is_text {
            let text = self.decoded.whole_characters(ends)?;
            self.ascii = text.is_ascii();
            return Ok(Found::Text(memory.text(text)?, ends));
        }
        let (content, _) = memory.whole(self.decoded.give(), Mask::NONE)?;
        Ok(Found::Binary(content, ends))
    }

    /// Inflates a range of a compressed frame.
    fn inflate(&mut self, wire: &[u8], mask: Mask, announced: u64, ends: Ends) -> Result<(), Kind> {
        let from_client = self.walker.parser.rules().from_client;
        let alone = self.deflate.is_some_and(|params| params.no_context_takeover(from_client));
        let inflation = self.inflation.live(alone, STRICTNESS)?;
        let ceiling = Ceiling::new(&self.limits, announced);
        let (decoded, inflated) = (&mut self.decoded, &mut self.inflated);
        let mut target = DecodedTarget { decoded, inflated, ceiling };
        inflation.range(wire, mask, ends.frame, &mut target)?;
        if ends.message {
            if inflation.is_holding() {
                inflation.finish_held(&mut target)?;
            } else {
                inflation.finish(announced == 0)?;
            }
            inflation.end_message();
            self.inflated = 0;
        }
        Ok(())
    }
}
