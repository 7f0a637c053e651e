//! What a direction gives to its sink: complete messages and control frames, and damaged ones.
//!
//! If there is no memory for an event, a direction of an endpoint ends with `OutOfMemory` at the
//! frame that completes the event. A passive direction counts the frames as skipped and goes on.
//!
//! It implements RFC 6455 sections 5.4 to 5.6 and 8.1, and RFC 7692 section 7.2.2.

use crate::error::{Error, Kind, OutOfMemory};
use crate::frame::header::Header;
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::account::{Account, Decoding};
use crate::read::content_target::ContentTarget;
use crate::read::event::{Damage, Event, Extent};
use crate::read::memory::{Content, Memory};
use crate::read::message::OpenMessage;
use crate::read::reassembler::{Reassembler, live};
use crate::read::sink::SinkFor;
use crate::read::uncollected::Collection;
use crate::read::walker::Range;
use crate::text;

/// Upper bound of the expected size of the next compressed message, in bytes.
const MOST_EXPECTED: usize = 1 << 16;
/// The expected size is rounded up to a multiple of this, in bytes, so that messages of similar
/// size fit.
const EXPECTED_STEP: usize = 128;

impl<C: Content> Reassembler<C> {
    /// The short path: an uncompressed message in one complete frame.
    #[inline]
    pub(super) fn whole_message<S: SinkFor<C>>(
        &mut self,
        range: &Range<'_>,
        sink: &mut S,
    ) -> Result<(), Error> {
        let Range { wire, mask, .. } = *range;
        let header = &self.walker.header;
        let (opcode, offset) = (header.opcode, self.walker.parser.start());
        let failed = |kind| self.walker.parser.error(kind);
        let (content, any) = match admitted(wire, mask, sink) {
            Ok(content) => content,
            Err(kind) if self.need_not_collect(kind) => {
                return self.uncollected_whole_message(range, false, sink);
            }
            Err(kind) if !self.passive.on => return Err(failed(kind)),
            Err(kind) => return self.damaged_whole_message(kind, None, sink),
        };
        let check = any >= 0x80 && opcode == Opcode::Text;
        let not_utf8 = check && !text::is_valid(content.as_slice());
        if not_utf8 && self.settings.strictness.utf8 {
            if !self.passive.on {
                return Err(failed(Kind::InvalidUtf8));
            }
            return self.damaged_whole_message(Kind::InvalidUtf8, Some(content), sink);
        }
        let mut has_begun = false;
        let passed = sink.frame(header).and_then(|()| {
            has_begun = true;
            sink.payload(wire, mask, wire.len())
        });
        match passed {
            Err(kind) if self.need_not_collect(kind) => {
                drop(content);
                sink.memory().forgo(wire.len());
                return self.uncollected_whole_message(range, has_begun, sink);
            }
            passed => passed.and_then(|()| sink.frame_end()).map_err(failed)?,
        }
        self.walker.tolerated.utf8 += u64::from(not_utf8);
        let extent = extent_of(header);
        let kept = sink.event(offset, Event::Message { opcode, content, extent });
        if kept.is_ok() { Ok(()) } else { self.event_lost(extent.wire_length) }
    }

    /// Whether a message that fails with `kind` while it is collected is read without being collected.
    pub(super) const fn need_not_collect(&self, kind: Kind) -> bool {
        matches!((kind, self.collection), (Kind::Limit(_), Collection::WithinLimits))
    }

    /// The same, of a message for whose content there is no room in the caller's budget; `has_begun`
    /// says whether the sink already has the header.
    #[cold]
    fn uncollected_whole_message<S: SinkFor<C>>(
        &mut self,
        range: &Range<'_>,
        has_begun: bool,
        sink: &mut S,
    ) -> Result<(), Error> {
        let header = self.walker.header;
        self.begin_frame(&header)
            .and_then(|()| Ok(self.message.as_mut().map_or(Ok(0), OpenMessage::stop_collecting)?))
            .and_then(|_| if has_begun { Ok(()) } else { sink.frame(&header) })
            .and_then(|()| self.take_payload(range, sink))
            .and_then(|()| self.end_frame(sink))
            .map_err(|kind| self.walker.parser.error(kind))
    }

    /// The same, in a passive direction, of a message that breaks a rule or exceeds a limit.
    #[cold]
    fn damaged_whole_message<S: SinkFor<C>>(
        &mut self,
        kind: Kind,
        content: Option<C>,
        sink: &mut S,
    ) -> Result<(), Error> {
        let extent = extent_of(&self.walker.header);
        let (opcode, offset) = (self.walker.header.opcode, self.walker.parser.start());
        let content = content.map_or_else(|| sink.memory().allocate(0), Ok);
        let kept = content.and_then(|content| {
            let damage = Damage::Fault(kind);
            sink.event(offset, Event::Damaged { opcode, content, extent, damage, missing: 0 })
        });
        if kept.is_ok() { Ok(()) } else { self.event_lost(extent.wire_length) }
    }

    /// Notes that there was no memory for an event of `wire_length` bytes.
    #[cold]
    fn event_lost(&mut self, wire_length: u64) -> Result<(), Error> {
        if !self.passive.on {
            return Err(self.walker.parser.error(Kind::OutOfMemory));
        }
        self.passive.skipped += wire_length;
        Ok(())
    }

    /// The last checks of the open message.
    pub(super) fn end_message<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        let Some(message) = &mut self.message else { return Ok(()) };
        if message.is_inflated() {
            self.expected = message.len().next_multiple_of(EXPECTED_STEP).min(MOST_EXPECTED);
            let inflation = live(&mut self.inflation, &self.settings)?;
            if inflation.is_holding() {
                let (limits, expected) = (&self.settings.limits, self.expected);
                let mut target =
                    ContentTarget::new(message, sink.memory(), limits, expected, inflation);
                inflation.finish_held(&mut target)?;
            } else {
                inflation.finish(message.account.announced == 0)?;
            }
            message.deflate_breaches = inflation.end_message();
            inflation.remember(message.end_of_content())?;
        }
        message.finish()
    }

    /// Gives the open message to `sink`, complete or damaged.
    pub(super) fn hand_over<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        let Some(message) = self.message.take() else { return Ok(()) };
        let wire_length = message.account.extent().wire_length;
        if message.damage.is_none() {
            message.count_breaches(&mut self.walker.tolerated);
        }
        let kept = give(message, self.passive.on, sink);
        if kept.is_ok() {
            return Ok(());
        }
        self.event_lost(wire_length).map_err(|error| error.kind)
    }

    pub(super) fn end_control<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        if self.passive.control_missing > 0 {
            return self.end_damaged_control(sink);
        }
        let Header { opcode, size, length, .. } = self.walker.header;
        let (start, end) = (self.walker.parser.start(), self.walker.parser.position());
        let event = match opcode {
            Opcode::Ping => Event::Ping(self.walker.control()),
            Opcode::Pong => Event::Pong(self.walker.control()),
            _ => {
                let close = self.walker.close()?;
                self.discarded_from = Some(end);
                self.inflation.clear();
                Event::Close(close)
            }
        };
        sink.frame_end()?;
        let kept = sink.event(start, event);
        if !self.passive.on {
            kept?;
        }
        // In a passive direction these bytes are counted also if there was no memory for the event.
        self.control_bytes += size as u64 + length;
        self.walker.end_control();
        Ok(())
    }

    /// Ends a control frame with missing bytes.
    #[cold]
    fn end_damaged_control<S: SinkFor<C>>(&mut self, sink: &mut S) -> Result<(), Kind> {
        let missing = std::mem::take(&mut self.passive.control_missing);
        let payload = &self.walker.control()[..self.passive.control_whole];
        let extent = extent_of(&self.walker.header);
        let opcode = self.walker.header.opcode;
        if opcode == Opcode::Close {
            self.discarded_from = Some(self.walker.parser.position());
            self.inflation.clear();
        }
        let kept = sink.memory().whole(payload, Mask::NONE).and_then(|(content, _)| {
            let damage = Damage::Missing;
            let event = Event::Damaged { opcode, content, extent, damage, missing };
            sink.event(self.walker.parser.start(), event)
        });
        self.walker.end_control();
        if kept.is_ok() {
            return Ok(());
        }
        self.event_lost(extent.wire_length).map_err(|error| error.kind)
    }
}

/// The content of a whole message, and the OR of its bytes.
#[inline]
fn admitted<C: Content, S: SinkFor<C>>(
    wire: &[u8],
    mask: Mask,
    sink: &mut S,
) -> Result<(C, u8), Kind> {
    sink.memory().admit(wire.len(), wire.len())?;
    Ok(sink.memory().whole(wire, mask)?)
}

/// The extent of one frame.
#[inline]
fn extent_of(header: &Header) -> Extent {
    Extent {
        frames: 1,
        wire_length: header.size as u64 + header.length,
        payload_length: header.length,
        compressed: false,
        refers_back: false,
    }
}

/// Gives a message to `sink`; `passive` says whether it may be incomplete.
fn give<C: Content, S: SinkFor<C>>(
    mut message: OpenMessage<C>,
    passive: bool,
    sink: &mut S,
) -> Result<(), OutOfMemory> {
    let Account { opcode, offset, decoding, foreign, rsv, .. } = message.account;
    let refers_back = message.deflate_breaches.no_context_takeover;
    let extent = Extent { refers_back, ..message.account.extent() };
    if let Some(uncollected) = &message.uncollected {
        let length = uncollected.length;
        return sink.event(offset, Event::Uncollected { opcode, length, extent });
    }
    let (damage, missing) = (message.damage, message.missing);
    // A payload that cannot be inflated is only useful if it is complete.
    let useless = decoding == Decoding::Opaque && damage != Some(Damage::Undecodable);
    let content =
        if useless { sink.memory().allocate(0)? } else { message.take_content(sink.memory())? };
    let event = match damage {
        None => Event::Message { opcode, content, extent },
        Some(Damage::Undecodable) if foreign || !passive => {
            Event::Opaque { opcode, content, rsv, extent }
        }
        Some(damage) => Event::Damaged { opcode, content, extent, damage, missing },
    };
    sink.event(offset, event)
}
