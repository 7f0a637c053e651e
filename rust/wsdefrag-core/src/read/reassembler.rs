//! One direction: bytes in, messages and control frames out.
//!
//! The machine is *open* until a close frame makes it *closed* or a broken rule
//! makes it *failed*; both are final, and what comes after is counted and
//! dropped. While open it stands between frames or inside one, and separately
//! it has a message open or not:
//!
//! ```text
//! TEXT or BINARY without FIN   opens a message        (only if none is open)
//! CONTINUATION                 goes on with it        (only if one is open)
//! any of them with FIN         completes it
//! CLOSE, PING, PONG            pass between, and touch nothing of it
//! ```
//!
//! A whole message in one frame inside one chunk, by far the most common, takes
//! a short path of its own and never becomes an open message.
//!
//! RFC 6455 sections 5.4 to 5.6, 7 and 8.1; RFC 7692 section 7.2.2.

use crate::deflate::inflater::Inflater;
use crate::error::{Error, Kind, OutOfMemory};
use crate::frame::close::{self, Close};
use crate::frame::header::{Header, MAX_CONTROL, Order};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::frame::parser::FrameParser;
use crate::read::event::{Damage, Event, Extent, Incomplete};
use crate::read::growth::Outlook;
use crate::read::memory::{Content, Memory};
use crate::read::message::{Care, Coding, Fate, OpenMessage};
use crate::read::settings::Settings;
use crate::read::sink::SinkFor;
use crate::strictness::Tolerated;
use crate::text;

/// The longest that the next compressed message is guessed to be, in bytes.
const MOST_EXPECTED: usize = 1 << 16;
/// The guess is rounded up to this, in bytes, so that messages of about one length find room.
const EXPECTED_STEP: usize = 128;

/// What a reassembler knows of being passive.
#[expect(clippy::struct_excessive_bools, reason = "they say independent things")]
pub(super) struct PassiveState {
    pub(super) on: bool,
    pub(super) contents: bool,
    /// Whether the inflater's window is the sender's.
    pub(super) window_known: bool,
    /// Payload bytes of the control frame at hand that did not come.
    pub(super) control_missing: u64,
    /// Payload bytes of that frame before the first of those.
    pub(super) control_whole: usize,
    /// Bytes of frames that belong to no message and were not whole.
    pub(super) skipped: u64,
    pub(super) lost: bool,
}

impl PassiveState {
    pub(super) const OFF: Self = Self {
        on: false,
        contents: true,
        window_known: true,
        control_missing: 0,
        control_whole: 0,
        skipped: 0,
        lost: false,
    };
}

/// The reassembler of one direction.
pub struct Reassembler<C> {
    pub(super) settings: Settings,
    pub(super) parser: FrameParser,
    /// The header of the frame at hand; meaningful while its payload arrives.
    pub(super) header: Header,
    pub(super) message: Option<OpenMessage<C>>,
    pub(super) control: [u8; MAX_CONTROL],
    pub(super) controlled: usize,
    pub(super) inflater: Option<Box<Inflater>>,
    /// A guess at the next compressed message's length, in bytes.
    expected: usize,
    pub(super) received: u64,
    control_bytes: u64,
    /// Everything from this offset on is dropped.
    pub(super) discarded_from: Option<u64>,
    error: Option<Error>,
    tolerated: Tolerated,
    pub(super) passive: PassiveState,
}

impl<C: Content> Reassembler<C> {
    /// A direction from its first byte behind the handshake.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let header = Header {
            opcode: Opcode::Text,
            fin: true,
            rsv: 0,
            masking_key: None,
            length: 0,
            size: 0,
        };
        Self {
            settings,
            parser: FrameParser::new(settings.rules()),
            header,
            message: None,
            control: [0; MAX_CONTROL],
            controlled: 0,
            inflater: None,
            expected: 0,
            received: 0,
            control_bytes: 0,
            discarded_from: None,
            error: None,
            tolerated: Tolerated::default(),
            passive: PassiveState::OFF,
        }
    }

    /// What it was made with.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The violation that ended this direction, if any.
    #[must_use]
    pub const fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Bytes fed so far, dropped ones included.
    #[must_use]
    pub const fn bytes_received(&self) -> u64 {
        self.received
    }

    /// Bytes behind a close frame, or from the violating frame on.
    #[must_use]
    pub fn bytes_discarded(&self) -> u64 {
        self.discarded_from.map_or(0, |offset| self.received - offset)
    }

    /// Bytes of whole control frames, headers included.
    #[must_use]
    pub const fn control_bytes(&self) -> u64 {
        self.control_bytes
    }

    /// Bytes held for what is not complete: a cut header, a control payload, an open message.
    #[must_use]
    pub fn bytes_buffered(&self) -> usize {
        self.parser.cut_header().len()
            + self.controlled
            + self.message.as_ref().map_or(0, OpenMessage::len)
    }

    /// How often switched-off rules were broken.
    #[must_use]
    pub const fn tolerated(&self) -> &Tolerated {
        &self.tolerated
    }

    /// Takes the next bytes of the direction; what they complete goes to `sink`. A violation is
    /// kept in [`error`](Self::error).
    pub fn receive_data<S: SinkFor<C>>(&mut self, data: &[u8], sink: &mut S) {
        self.received += data.len() as u64;
        if self.discarded_from.is_some() {
            return;
        }
        if let Err(error) = self.run(data, sink) {
            self.break_off(&error, sink);
            self.fail(error);
        }
    }

    /// Ends the direction: the violation that ended it before, or what was left incomplete.
    pub fn receive_eof<M: Memory<Content = C>>(
        &mut self,
        memory: &mut M,
    ) -> Result<Option<Incomplete<C>>, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let incomplete = self.incomplete(memory).map_err(|OutOfMemory| {
            let error = self.parser.error(Kind::OutOfMemory);
            self.fail(error);
            error
        });
        self.forget();
        self.discarded_from.get_or_insert(self.received);
        incomplete
    }

    fn incomplete<M: Memory<Content = C>>(
        &mut self,
        memory: &mut M,
    ) -> Result<Option<Incomplete<C>>, OutOfMemory> {
        if let Some(message) = self.message.take() {
            let (opcode, offset) = (message.opcode, message.offset);
            return Ok(Some(Incomplete { opcode, content: message.into_content(memory)?, offset }));
        }
        let opcode = match self.parser.cut_header().first() {
            _ if self.discarded_from.is_some() => return Ok(None),
            Some(first) => Opcode::from_bits(first & 0xF).unwrap_or(Opcode::Continuation),
            None if self.parser.remaining() > 0 => self.header.opcode,
            None => return Ok(None),
        };
        let (content, _) = memory.whole(&self.control[..self.controlled], Mask::NONE)?;
        Ok(Some(Incomplete { opcode, content, offset: self.parser.start() }))
    }

    #[cold]
    fn fail(&mut self, error: Error) {
        self.error = Some(error);
        self.discarded_from = Some(error.offset);
        self.forget();
    }

    /// Drops all that is held of anything incomplete.
    pub(super) fn forget(&mut self) {
        self.message = None;
        self.inflater = None;
        self.controlled = 0;
        self.parser = FrameParser::new(*self.parser.rules());
    }

    fn run<S: SinkFor<C>>(&mut self, mut data: &[u8], sink: &mut S) -> Result<(), Error> {
        loop {
            if self.parser.remaining() == 0 {
                let order = if self.message.is_some() { Order::Continue } else { Order::Start };
                let Some(header) = self.parser.header(&mut data, order)? else { return Ok(()) };
                if !self.settings.strictness.enforces_headers() {
                    self.settings.rules().count_breaches(&header, &mut self.tolerated);
                }
                if self.is_whole_message(&header, data.len()) {
                    self.whole_message(&header, &mut data, sink)?;
                    continue;
                }
                self.begin_frame(header)?;
                sink.frame(&header).map_err(|kind| self.parser.error(kind))?;
            }
            let frame_left = self.parser.remaining();
            let (wire, mask) = self.parser.payload(&mut data);
            self.take_payload(wire, mask, frame_left, sink)
                .map_err(|kind| self.parser.error(kind))?;
            if self.parser.remaining() > 0 {
                return Ok(());
            }
            self.end_frame(sink).map_err(|kind| self.parser.error(kind))?;
            if self.discarded_from.is_some() {
                return Ok(());
            }
        }
    }

    /// Whether RSV1 says "compressed" on this first frame of a message.
    #[inline]
    const fn is_compressed(&self, header: &Header) -> bool {
        header.rsv1() && self.settings.deflate.is_some()
    }

    /// What RSV1 says of the message that this frame is the first of.
    const fn coding(&self, header: &Header) -> Coding {
        match (self.is_compressed(header), self.passive.window_known) {
            (false, _) => Coding::Plain,
            (true, true) => Coding::Deflate,
            (true, false) => Coding::Opaque,
        }
    }

    /// Whether the short path can take it.
    #[inline]
    fn is_whole_message(&self, header: &Header, available: usize) -> bool {
        header.fin
            && matches!(header.opcode, Opcode::Text | Opcode::Binary)
            && header.length <= available as u64
            && !self.is_compressed(header)
            && self.is_within_limits(header)
            && self.passive.contents
    }

    #[inline]
    fn is_within_limits(&self, header: &Header) -> bool {
        let limits = &self.settings.limits;
        let within = |limit: Option<u64>| limit.is_none_or(|limit| header.length <= limit);
        let one_frame = limits.max_fragments.is_none_or(|limit| limit >= 1);
        one_frame && within(limits.max_frame_size) && within(limits.max_message_size)
    }

    /// The short path: a plain message in one frame that is all there.
    #[inline]
    fn whole_message<S: SinkFor<C>>(
        &mut self,
        header: &Header,
        data: &mut &[u8],
        sink: &mut S,
    ) -> Result<(), Error> {
        let (wire, mask) = self.parser.payload(data);
        let failed = |kind| self.parser.error(kind);
        sink.memory().admit(wire.len(), wire.len()).map_err(|excess| failed(excess.into()))?;
        let (content, any) =
            sink.memory().whole(wire, mask).map_err(|error| failed(error.into()))?;
        let check = any >= 0x80 && header.opcode == Opcode::Text;
        let (opcode, offset) = (header.opcode, self.parser.start());
        let extent = Extent {
            frames: 1,
            wire_length: header.size as u64 + header.length,
            payload_length: header.length,
            compressed: false,
        };
        let not_utf8 = check && !text::is_valid(content.as_slice());
        if not_utf8 && self.settings.strictness.utf8 {
            if !self.passive.on {
                return Err(failed(Kind::InvalidUtf8));
            }
            let damage = Damage::Fault(Kind::InvalidUtf8);
            sink.event(offset, Event::Damaged { opcode, content, extent, damage, missing: 0 });
            return Ok(());
        }
        sink.frame(header)
            .and_then(|()| sink.payload(wire, mask, wire.len()))
            .and_then(|()| sink.frame_end())
            .map_err(failed)?;
        self.tolerated.utf8 += u64::from(not_utf8);
        sink.event(offset, Event::Message { opcode, content, extent });
        Ok(())
    }

    fn begin_frame(&mut self, header: Header) -> Result<(), Error> {
        self.header = header;
        self.controlled = 0;
        if header.opcode.is_control() {
            return Ok(());
        }
        let coding = self.coding(&header);
        let message = self.message.get_or_insert_with(|| {
            let care = Care {
                check_utf8: true,
                refuse_not_utf8: self.settings.strictness.utf8,
                lenient: self.passive.on,
                fate: if self.passive.contents { Fate::Kept } else { Fate::PassedOver },
            };
            OpenMessage::new(header.opcode, self.parser.start(), coding, care)
        });
        match message.announce(&header, &self.settings.limits) {
            Ok(()) => Ok(()),
            Err(kind) => self.content_fault(kind).map_err(|kind| self.parser.error(kind)),
        }
    }

    #[inline]
    fn take_payload<S: SinkFor<C>>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        frame_left: u64,
        sink: &mut S,
    ) -> Result<(), Kind> {
        if self.header.opcode.is_control() {
            let end = self.controlled + wire.len();
            mask.unmask(wire, &mut self.control[self.controlled..end]);
            self.controlled = end;
            return sink.payload(wire, mask, 0);
        }
        // An empty range, such as a header at the end of a chunk leaves, makes nothing.
        let wanted =
            |message: &&mut OpenMessage<C>| !wire.is_empty() && message.fate != Fate::PassedOver;
        let Some(message) = self.message.as_mut().filter(wanted) else { return Ok(()) };
        let result = if message.coding == Coding::Deflate {
            let inflater = self.inflater.get_or_insert_with(|| inflater(&self.settings));
            let (expected, limits) = (self.expected, &self.settings.limits);
            message.inflate(wire, mask, inflater, expected, limits, sink.memory())
        } else {
            let most = self.settings.limits.max_message_size;
            let outlook = Outlook { frame_left, last_frame: self.header.fin, most };
            message.append(wire, mask, outlook, sink.memory())
        };
        let decoded = message.len();
        result.or_else(|kind| self.content_fault(kind))?;
        sink.payload(wire, mask, decoded)
    }

    pub(super) fn end_frame<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        if self.header.opcode.is_control() {
            return self.end_control(sink);
        }
        if !self.header.fin {
            return sink.frame_end();
        }
        let Some(message) = &mut self.message else { return Ok(()) };
        let result = if message.coding == Coding::Deflate && message.fate != Fate::PassedOver {
            self.expected = message.len().next_multiple_of(EXPECTED_STEP).min(MOST_EXPECTED);
            self.inflater.get_or_insert_with(|| inflater(&self.settings)).finish()
        } else {
            Ok(())
        };
        result.and_then(|()| message.finish()).or_else(|kind| self.content_fault(kind))?;
        sink.frame_end()?;
        self.hand_over(sink)
    }

    /// Gives the open message to `sink`, in the state it is in.
    pub(super) fn hand_over<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        let Some(message) = self.message.take() else { return Ok(()) };
        let (opcode, offset, extent) = (message.opcode, message.offset, message.extent());
        let (damage, missing) = (message.damage, message.missing);
        let not_utf8 = message.not_utf8;
        // What cannot be inflated is of use as a whole only.
        let useless = message.coding == Coding::Opaque && damage != Some(Damage::Undecodable);
        let content = if useless {
            sink.memory().allocate(0)?
        } else {
            message.into_content(sink.memory())?
        };
        let event = match damage {
            None => {
                self.tolerated.utf8 += u64::from(not_utf8);
                Event::Message { opcode, content, extent }
            }
            Some(damage) => Event::Damaged { opcode, content, extent, damage, missing },
        };
        sink.event(offset, event);
        Ok(())
    }

    fn end_control<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        if self.passive.control_missing > 0 {
            return self.end_damaged_control(sink);
        }
        let payload = &self.control[..self.controlled];
        let event = match self.header.opcode {
            Opcode::Ping => Event::Ping(payload),
            Opcode::Pong => Event::Pong(payload),
            _ => {
                let any_code = !self.settings.strictness.close_codes;
                let close = Close::parse(payload, any_code)?;
                let breach = !payload.is_empty() && !close::may_be_sent(close.code);
                self.tolerated.close_codes += u64::from(breach);
                self.discarded_from = Some(self.parser.position());
                self.inflater = None;
                Event::Close(close)
            }
        };
        sink.frame_end()?;
        self.control_bytes += self.header.size as u64 + self.header.length;
        sink.event(self.parser.start(), event);
        self.controlled = 0;
        Ok(())
    }
}

/// The inflater of a direction read with these settings.
fn inflater(settings: &Settings) -> Box<Inflater> {
    Box::new(Inflater::new(settings.no_context_takeover()))
}
