//! Reads one direction range by range: returns each part of a message at once.
//!
//! A part is the range of one frame's payload in the caller's chunk, unmasked and inflated. The
//! parts of a text end between characters: an incomplete character waits for its other bytes, so a
//! part may be empty. If the caller wants characters to be cut, or does not want texts to be checked,
//! the parts of a text are bytes like those of a binary message. [`next`](FragmentStream::next) returns
//! one part or control frame per call and does not read the bytes after it.
//!
//! Rules, limits and Close payloads are those of the [`Reassembler`](crate::Reassembler), and the
//! parts of a message add up to its content. If a part of a compressed text breaks two rules of
//! content, the error is the one about deflate.
//!
//! It implements RFC 6455 sections 5.4 to 5.6, 7 and 8.1, and RFC 7692 section 7.2.2.

mod content;

use crate::deflate::params::DeflateParams;
use crate::deflate::slot::Slot;
use crate::error::{Error, Kind};
use crate::frame::header::{Header, Order, Rules};
use crate::frame::opcode::Opcode;
use crate::limits::Limits;
use crate::read::account::{Account, Decoding};
use crate::read::decoded::Decoded;
use crate::read::fragment_event::{Ends, FragmentEvent, NextEvent, TextMemory};
use crate::read::recent::Recent;
use crate::read::walker::Walker;
use crate::strictness::{Strictness, Tolerated};
use crate::text::Utf8Ranges;

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
    strictness: Strictness,
    /// Whether the parts of a text may end inside a character.
    cuts_characters: bool,
    /// Most bytes of a payload, and of a compressed one, that one part is made of.
    most: [usize; 2],
    message: Option<Account>,
    /// The account of the message that the last part belongs to.
    last: Account,
    /// Validates a text whose parts may end inside a character; `None` if that failed and only counts.
    text: Option<Utf8Ranges>,
    /// The end of a compressed message's content, for a sender that may break its agreement.
    recent: Recent,
    /// Bytes of content inflated for the open message.
    inflated: usize,
    inflation: Slot,
    decoded: Decoded,
    /// Whether the last text was ASCII; then the next one usually is.
    ascii: bool,
    closed: bool,
    error: Option<Error>,
}

/// Most bytes of content in a bounded part, but for a character that began in the part before.
pub const MOST_CONTENT: usize = 1 << 20;

/// No payload byte inflates to more bytes than this (a match of 258 bytes takes at least two bits).
const LARGEST_RATIO: usize = 1032;

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
            strictness: STRICTNESS,
            cuts_characters: false,
            most: [usize::MAX; 2],
            message: None,
            last: Account::new(Opcode::Text, 0, Decoding::Plain),
            text: Some(Utf8Ranges::default()),
            recent: Recent::new(false),
            inflated: 0,
            inflation: Slot::default(),
            decoded: Decoded::default(),
            ascii: true,
            closed: false,
            error: None,
        }
    }

    /// The same with other rules. To be called before the first byte.
    #[must_use]
    pub fn with_strictness(mut self, strictness: Strictness) -> Self {
        self.walker = Walker::new(Rules { strictness, ..*self.walker.parser.rules() });
        self.strictness = strictness;
        self.recent = Recent::new(self.is_alone() && !strictness.no_context_takeover);
        self
    }

    /// The same with parts of a text that may end inside a character, if `cut`.
    #[must_use]
    pub const fn with_cut_characters(mut self, cut: bool) -> Self {
        self.cuts_characters = cut;
        self
    }

    /// The same with parts of at most [`MOST_CONTENT`] bytes of content. A part may then end before the
    /// bytes of its frame that have arrived.
    #[must_use]
    pub const fn with_bounded_parts(mut self) -> Self {
        self.most = [MOST_CONTENT, MOST_CONTENT / LARGEST_RATIO];
        self
    }

    /// Whether the sender starts each message with an empty window.
    fn is_alone(&self) -> bool {
        let from_client = self.walker.parser.rules().from_client;
        self.deflate.is_some_and(|params| params.no_context_takeover(from_client))
    }

    /// How often switched-off rules were broken.
    #[must_use]
    pub const fn tolerated(&self) -> &Tolerated {
        &self.walker.tolerated
    }

    /// The rules of the direction.
    #[must_use]
    pub const fn strictness(&self) -> Strictness {
        self.strictness
    }

    /// The opcode of the message that the last part belongs to, and the position of its first byte, in
    /// bytes from the start of the direction.
    #[must_use]
    pub const fn last_message(&self) -> (Opcode, u64) {
        (self.last.opcode, self.last.offset)
    }

    /// The opcode of the open message or of the incomplete frame, and its position; `None` between
    /// messages, and after a Close or a violation.
    #[must_use]
    pub fn incomplete(&self) -> Option<(Opcode, u64)> {
        if self.closed || self.error.is_some() {
            return None;
        }
        match &self.message {
            Some(message) => Some((message.opcode, message.offset)),
            None => Some((self.walker.cut_opcode()?, self.walker.parser.start())),
        }
    }

    /// Bytes that were read and belong to no part yet: of a header, a control frame or a character.
    #[must_use]
    pub fn bytes_held(&self) -> usize {
        let in_control =
            self.walker.parser.remaining() > 0 && self.walker.header.opcode.is_control();
        let control = if in_control { self.walker.control().len() } else { 0 };
        self.cut_header().len() + control + self.waiting_text().len()
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

    /// Ends the direction because its caller has no memory for the last part.
    pub fn refuse_memory(&mut self) {
        self.error = Some(self.walker.parser.error(Kind::OutOfMemory));
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
        let Some(starts_frame) = self.walker.begin(data, order)? else { return Ok(Found::Nothing) };
        let header = self.walker.header;
        if header.opcode.is_control() {
            let range = self.walker.take(data, starts_frame);
            self.walker.take_control(&range);
            let found =
                if range.ends_frame { Found::Control(header.opcode) } else { Found::Nothing };
            return Ok(found);
        }
        if starts_frame {
            self.begin_frame(&header).map_err(|kind| self.walker.parser.error(kind))?;
        }
        let is_inflated = self.message.is_some_and(|open| open.decoding == Decoding::Deflate);
        let (mut front, _) = data.split_at(data.len().min(self.most[usize::from(is_inflated)]));
        let range = self.walker.take(&mut front, starts_frame);
        *data = &data[range.wire.len()..];
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
}
