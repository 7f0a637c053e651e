//! Reassembles one direction: bytes in, messages and control frames out.
//!
//! The machine is *open* until a Close makes it *closed* or a violation makes it *failed*. Both are
//! final: later bytes are counted and dropped. While it is open, it is between frames or inside
//! one, and independently has an open message or not:
//!
//! ```text
//! TEXT or BINARY without FIN   opens a message        (only if none is open)
//! CONTINUATION                 continues it           (only if one is open)
//! any of them with FIN         completes it
//! CLOSE, PING, PONG            may come between, and do not change it
//! ```
//!
//! What the header of a message's frame begins is in `opening.rs`. What happens when a message or a
//! control frame is complete is in `completion.rs`. An uncompressed message in one frame inside one
//! chunk, the most common case, takes a short path there and never becomes an open message.
//!
//! It implements RFC 6455 sections 5.4 to 5.6, 7 and 8.1, and RFC 7692 section 7.2.2.

use crate::deflate::inflation::Inflation;
use crate::deflate::slot::Slot;
use crate::error::{Error, Kind, OutOfMemory};
use crate::frame::header::Order;
use crate::frame::mask::Mask;
use crate::read::account::{Account, Decoding};
use crate::read::content_target::ContentTarget;
use crate::read::event::Incomplete;
use crate::read::growth::Outlook;
use crate::read::memory::{Content, Memory};
use crate::read::message::{OpenMessage, PayloadUse};
use crate::read::passive_state::PassiveState;
use crate::read::settings::Settings;
use crate::read::sink::SinkFor;
use crate::read::uncollected::Collection;
use crate::read::walker::{Range, Walker};
use crate::strictness::Tolerated;

/// The reassembler of one direction.
// Fields in the order of their use: those of every read share cache lines.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(bound(
        serialize = "C: serde_bytes::Serialize",
        deserialize = "C: serde_bytes::Deserialize<'de>"
    ))
)]
#[repr(C)]
pub struct Reassembler<C> {
    pub(super) received: u64,
    /// Bytes from this position on are dropped.
    pub(super) discarded_from: Option<u64>,
    error: Option<Error>,
    pub(super) message: Option<OpenMessage<C>>,
    pub(super) walker: Walker,
    pub(super) inflation: Slot,
    /// What has arrived of a compressed frame that is inflated as a whole, unmasked.
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub(super) waiting: Vec<u8>,
    pub(super) passive: PassiveState,
    pub(super) collection: Collection,
    /// The length, in bytes, from which on an uncompressed frame is never a message on the short
    /// path.
    pub(super) too_long: u64,
    pub(super) settings: Settings,
    /// The expected size of the next compressed message, in bytes.
    pub(super) expected: usize,
    pub(super) control_bytes: u64,
}

impl<C: Content> Reassembler<C> {
    /// Creates a reassembler for a direction, from its first byte after the handshake.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            walker: Walker::new(settings.rules()),
            message: None,
            inflation: Slot::default(),
            waiting: Vec::new(),
            expected: 0,
            received: 0,
            control_bytes: 0,
            discarded_from: None,
            error: None,
            passive: PassiveState::OFF,
            collection: Collection::Required,
            too_long: settings.limits.too_long(),
        }
    }

    /// Chooses which messages are collected. To be called before the first byte.
    #[must_use]
    pub const fn with_collection(mut self, collection: Collection) -> Self {
        self.collection = collection;
        if matches!(collection, Collection::Nothing) {
            self.too_long = 0;
        }
        self
    }

    /// The settings of the direction.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The violation that ended this direction, if any.
    #[must_use]
    pub const fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Number of bytes received, including dropped ones.
    #[must_use]
    pub const fn bytes_received(&self) -> u64 {
        self.received
    }

    /// Bytes after a Close, or from the first byte of the offending frame on.
    #[must_use]
    pub fn bytes_discarded(&self) -> u64 {
        self.discarded_from.map_or(0, |offset| self.received - offset)
    }

    /// Size of all complete control frames, headers included, in bytes.
    #[must_use]
    pub const fn control_bytes(&self) -> u64 {
        self.control_bytes
    }

    /// Bytes held of an incomplete header, control frame or message.
    #[must_use]
    pub fn bytes_buffered(&self) -> usize {
        self.walker.parser.cut_header().len()
            + self.walker.control().len()
            + self.message.as_ref().map_or(0, OpenMessage::len)
            + self.waiting.len()
    }

    /// How often switched-off rules were broken.
    #[must_use]
    pub const fn tolerated(&self) -> &Tolerated {
        &self.walker.tolerated
    }

    /// Receives the next bytes of the direction; gives the events that they complete to `sink`. A
    /// violation is kept in [`error`](Self::error).
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

    /// Ends the direction; returns the violation that ended it, or the incomplete message or frame. If
    /// memory for that is refused, the direction has not ended, and the call can be repeated.
    pub fn receive_eof<M: Memory<Content = C>>(
        &mut self,
        memory: &mut M,
    ) -> Result<Option<Incomplete<C>>, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let Ok(incomplete) = self.incomplete(memory) else {
            return Err(self.walker.parser.error(Kind::OutOfMemory));
        };
        self.forget();
        self.discarded_from.get_or_insert(self.received);
        Ok(incomplete)
    }

    fn incomplete<M: Memory<Content = C>>(
        &mut self,
        memory: &mut M,
    ) -> Result<Option<Incomplete<C>>, OutOfMemory> {
        if let Some(message) = &mut self.message {
            let content = message.take_content(memory)?;
            let Account { opcode, offset, .. } = message.account;
            return Ok(Some(Incomplete { opcode, content, offset }));
        }
        let cut = self.walker.cut_opcode().filter(|_| self.discarded_from.is_none());
        let Some(opcode) = cut else { return Ok(None) };
        let (content, _) = memory.whole(self.walker.control(), Mask::NONE)?;
        Ok(Some(Incomplete { opcode, content, offset: self.walker.parser.start() }))
    }

    #[cold]
    fn fail(&mut self, error: Error) {
        self.error = Some(error);
        self.discarded_from = Some(error.offset);
        self.forget();
    }

    /// Drops all bytes held of an incomplete frame or message.
    pub(super) fn forget(&mut self) {
        self.message = None;
        self.waiting = Vec::new();
        self.inflation.clear();
        self.walker.forget();
    }

    fn run<S: SinkFor<C>>(&mut self, mut data: &[u8], sink: &mut S) -> Result<(), Error> {
        let arrived = data.len();
        loop {
            let order = if self.message.is_some() { Order::Continue } else { Order::Start };
            let Some(range) = self.walker.next(&mut data, order)? else {
                // The bytes of an incomplete header are held too.
                let cut = self.walker.parser.cut_header().len().min(arrived);
                let admitted = sink.memory().admit(cut, cut);
                return admitted
                    .map_or_else(|e| Err(self.walker.parser.error(e.into())), |_| Ok(()));
            };
            if range.starts_frame {
                if range.ends_frame && self.is_whole_message(&self.walker.header) {
                    self.whole_message(&range, sink)?;
                    continue;
                }
                let header = self.walker.header;
                self.begin_frame(&header)
                    .and_then(|()| self.pass(sink, |sink| sink.frame(&header)))
                    .map_err(|kind| self.walker.parser.error(kind))?;
            }
            self.take_payload(&range, sink).map_err(|kind| self.walker.parser.error(kind))?;
            if !range.ends_frame {
                return Ok(());
            }
            self.end_frame(sink).map_err(|kind| self.walker.parser.error(kind))?;
            if self.discarded_from.is_some() {
                return Ok(());
            }
        }
    }

    #[expect(clippy::inline_always, reason = "a call costs fragments 8 % more instructions")]
    #[inline(always)]
    pub(super) fn take_payload<S: SinkFor<C>>(
        &mut self,
        range: &Range<'_>,
        sink: &mut S,
    ) -> Result<(), Kind> {
        let Range { wire, mask, frame_left, ends_frame, .. } = *range;
        if self.walker.header.opcode.is_control() {
            self.walker.take_control(range);
            return sink.payload(wire, mask, 0);
        }
        // An empty range, such as after a header at the end of a chunk, allocates nothing.
        let Some(message) = self.message.as_mut().filter(|_| !wire.is_empty()) else {
            return Ok(());
        };
        if message.payload_use == PayloadUse::PassedOver {
            return sink.payload(wire, mask, message.len());
        }
        let is_checked = message.payload_use == PayloadUse::Checked;
        let result = if is_checked && message.account.decoding != Decoding::Deflate {
            message.check(wire, mask)
        } else if message.account.decoding == Decoding::Deflate {
            if self.waits_for_frame() && !range.is_frame() {
                self.wait_for_frame(range, sink)
            } else {
                self.inflate(wire, mask, ends_frame, sink)
            }
        } else {
            let most = self.settings.limits.max_message_size;
            let outlook = Outlook { frame_left, last_frame: self.walker.header.fin, most };
            match message.append(wire, mask, outlook, sink.memory()) {
                Err(Kind::Limit(_)) if message.content_rules.optional => {
                    sink.memory().forgo(message.stop_collecting()?);
                    message.check(wire, mask)
                }
                appended => appended,
            }
        };
        let decoded = self.message.as_ref().map_or(0, OpenMessage::len);
        result.or_else(|kind| self.content_fault(kind))?;
        self.pass(sink, |sink| sink.payload(wire, mask, decoded))
    }

    /// Gives a part of a frame to the sink. If the sink has no room left in its budget and the content
    /// need not be collected, it gets the content's room.
    #[inline]
    pub(super) fn pass<S: SinkFor<C>>(
        &mut self,
        sink: &mut S,
        mut give: impl FnMut(&mut S) -> Result<(), Kind>,
    ) -> Result<(), Kind> {
        match give(sink) {
            Err(kind) if self.need_not_collect(kind) => {}
            given => return given,
        }
        if let Some(message) = &mut self.message {
            sink.memory().forgo(message.stop_collecting()?);
        }
        give(sink)
    }

    /// Inflates a range of the open message's payload.
    #[inline]
    pub(super) fn inflate<S: SinkFor<C>>(
        &mut self,
        wire: &[u8],
        mask: Mask,
        ends_frame: bool,
        sink: &mut S,
    ) -> Result<(), Kind> {
        let Some(message) = &mut self.message else { return Ok(()) };
        let inflation = live(&mut self.inflation, &self.settings)?;
        let (limits, expected) = (&self.settings.limits, self.expected);
        let mut target = ContentTarget::new(message, sink.memory(), limits, expected, inflation);
        inflation.range(wire, mask, ends_frame, &mut target)
    }

    #[expect(clippy::inline_always, reason = "a call costs fragments 3 % more instructions")]
    #[inline(always)]
    pub(super) fn end_frame<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        if self.walker.header.opcode.is_control() {
            return self.end_control(sink);
        }
        if !self.walker.header.fin {
            return sink.frame_end();
        }
        self.end_message(sink).or_else(|kind| self.content_fault(kind))?;
        sink.frame_end()?;
        self.hand_over(sink)
    }
}

/// The inflation of a direction with these settings.
#[inline]
pub(super) fn live<'a>(
    inflation: &'a mut Slot,
    settings: &Settings,
) -> Result<&'a mut Inflation, Kind> {
    Ok(inflation.live(settings.no_context_takeover(), settings.strictness)?)
}
