//! Records the frames in which messages and control frames were received.
//!
//! A [`Recording`] is a sink between a reassembler and the caller's sink. For
//! each
//! event it records the frame headers, and the unmasked payload if this differs
//! from the content. The headers and the payload together give the received
//! frames
//! again.
//!
//! Limits apply to contents, but a compressed payload of any length can inflate
//! to
//! nothing. A payload that is longer than the largest allowed content could
//! compress to is therefore not kept, and its message has to be encoded again.
//!
//! - there is one [`FrameLog`] for each event, in the same order
//! - `content_ends` has one entry for each header in `rest` if the message is
//!   compressed, otherwise none
//! - `payload.len() <= max_payload`

use std::collections::VecDeque;

use crate::error::{Kind, OutOfMemory};
use crate::fallible::{TryGrow, TryRoom};
use crate::frame::header::{self, Header, MAX_CONTROL, Order, RSV1, Rules};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::event::Event;
use crate::read::memory::{Content, Memory};
use crate::read::settings::Settings;
use crate::read::sink::Sink;
use crate::strictness::Strictness;
use crate::write::fragmenter::Fragmenter;
use crate::write::layout::Layout;

/// No rules: the headers in a log were accepted when they were received.
const ANY: Rules = Rules {
    from_client: false,
    deflate: false,
    foreign_extension: false,
    strictness: Strictness::NONE,
};

/// The received frames of a message or a control frame.
#[derive(Clone, Debug)]
pub struct FrameLog {
    first: Header,
    /// The headers of the other frames, as wire bytes. A peer may send many empty frames; their
    /// headers take no more memory here than on the wire.
    rest: Vec<u8>,
    compressed: bool,
    /// Whether it belongs to an unknown extension, so that it cannot be encoded again.
    opaque: bool,
    /// Whether the payload was too long to be kept.
    overlong: bool,
    /// For each frame but the first: the content bytes decoded before it.
    content_ends: Vec<usize>,
    /// The payload, unmasked; empty if it equals the content.
    payload: Vec<u8>,
}

impl FrameLog {
    const fn new(first: Header, compressed: bool) -> Self {
        Self {
            first,
            rest: Vec::new(),
            compressed,
            opaque: false,
            overlong: false,
            content_ends: Vec::new(),
            payload: Vec::new(),
        }
    }

    pub(crate) fn control(header: Header, payload: Vec<u8>) -> Self {
        let mut log = Self::new(header, false);
        log.payload = payload;
        log
    }

    /// Whether this is a compressed message.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Whether the payload was kept, so that the frames can be written again.
    pub(crate) const fn has_payload(&self) -> bool {
        !self.overlong
    }

    /// Whether it can only be forwarded verbatim or dropped.
    pub(crate) const fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Drops the payload, so that the content has to be encoded again.
    fn drop_payload(&mut self) {
        self.overlong = true;
        self.payload = Vec::new();
    }

    /// The first frame's opcode.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        self.first.opcode
    }

    /// Bytes held in the log: headers, and the payload unless it equals the content.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.first.size + self.rest.len() + self.payload.len()
    }

    /// Appends a range of the payload; drops the whole payload if it exceeds `max_payload` bytes.
    fn append(&mut self, wire: &[u8], mask: Mask, max_payload: usize) -> Result<(), OutOfMemory> {
        if self.overlong || wire.len() > max_payload - self.payload.len() {
            self.drop_payload();
            return Ok(());
        }
        append_unmasked(&mut self.payload, wire, mask)
    }

    /// The received frames, to be written again; `content` is the decoded content.
    pub(crate) fn layout<'a>(&'a self, content: &'a [u8]) -> Result<Layout<'a>, OutOfMemory> {
        let is_own = self.compressed || self.first.opcode.is_control();
        let payload = if is_own { &self.payload } else { content };
        let mut rest = Vec::new();
        for header in self.continuations() {
            rest.try_push(header)?;
        }
        Ok(Layout::new(self.first, rest, payload))
    }

    /// The headers of all frames but the first.
    fn continuations(&self) -> impl Iterator<Item = Header> {
        let mut rest = &self.rest[..];
        std::iter::from_fn(move || {
            let header = header::parse(rest, &ANY, Order::Any).ok().flatten()?;
            rest = &rest[header.size..];
            Some(header)
        })
    }

    /// Clears RSV1 on a message, because the receiver would take the message as compressed.
    pub(crate) const fn clear_rsv1(&mut self) {
        if !self.first.opcode.is_control() && !self.opaque {
            self.first.rsv &= !RSV1;
        }
    }

    /// Replaces the masking key of each masked frame.
    pub(crate) fn remask<E: From<OutOfMemory>>(
        &mut self,
        mut key: impl FnMut() -> Result<[u8; 4], E>,
    ) -> Result<(), E> {
        let mut rest = Vec::new();
        for mut header in self.continuations() {
            header.masking_key = header.masking_key.map(|_| key()).transpose()?;
            rest.try_append(&header.to_bytes()[..header.size])?;
        }
        self.rest = rest;
        self.first.masking_key = self.first.masking_key.map(|_| key()).transpose()?;
        Ok(())
    }

    /// The content bytes of each frame; `length` is the length of the received content.
    pub(crate) fn sizes(&self, length: usize) -> Result<Vec<usize>, OutOfMemory> {
        let mut sizes = Vec::new();
        if !self.compressed {
            for header in std::iter::once(self.first).chain(self.continuations()) {
                #[expect(clippy::cast_possible_truncation, reason = "payloads that were held")]
                sizes.try_push(header.length as usize)?;
            }
            return Ok(sizes);
        }
        let mut start = 0;
        for end in self.content_ends.iter().copied().chain([length]) {
            sizes.try_push(end - std::mem::replace(&mut start, end))?;
        }
        Ok(sizes)
    }

    /// The fragment sizes for `content`; `length` is the length of the received content.
    pub(crate) fn fragments(
        &self,
        opcode: Opcode,
        content: &[u8],
        length: usize,
        fragmenter: &Fragmenter,
    ) -> Result<Vec<usize>, OutOfMemory> {
        fragmenter.sizes(opcode, content, &self.sizes(length)?)
    }
}

/// The logs of the incomplete message and the incomplete control frame.
#[derive(Debug)]
pub struct Recorder {
    deflate: bool,
    /// Largest compressed payload that is kept, in bytes.
    max_payload: usize,
    message: Option<FrameLog>,
    control: Option<FrameLog>,
    decoded: usize,
}

impl Recorder {
    /// Creates a recorder at the start of a direction that is read with these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let max_payload = settings.limits.max_message_size.map_or(Ok(usize::MAX), usize::try_from);
        // Incompressible content grows a little when it is compressed.
        let max_payload = max_payload.unwrap_or(usize::MAX);
        let max_payload = max_payload.saturating_add(max_payload / 64).saturating_add(64);
        let deflate = settings.deflate.is_some();
        Self { deflate, max_payload, message: None, control: None, decoded: 0 }
    }

    /// Bytes held for the incomplete message and control frame, without contents.
    #[must_use]
    pub fn held(&self) -> usize {
        self.message.iter().chain(&self.control).map(FrameLog::held).sum()
    }

    /// Drops the logs of an incomplete message and control frame.
    pub fn discard_incomplete(&mut self) {
        (self.message, self.control) = (None, None);
    }

    fn frame(&mut self, header: &Header) -> Result<(), OutOfMemory> {
        if header.opcode.is_control() {
            self.control = Some(FrameLog::new(*header, false));
            return Ok(());
        }
        let Some(log) = &mut self.message else {
            self.decoded = 0;
            self.message = Some(FrameLog::new(*header, self.deflate && header.rsv1()));
            return Ok(());
        };
        if log.compressed {
            log.content_ends.try_push(self.decoded)?;
        }
        log.rest.try_append(&header.to_bytes()[..header.size])
    }
}

/// Appends `wire`, unmasked, to `payload`.
pub(crate) fn append_unmasked(
    payload: &mut Vec<u8>,
    wire: &[u8],
    mask: Mask,
) -> Result<(), OutOfMemory> {
    let start = payload.len();
    payload.try_lengthen(wire.len(), 0)?;
    mask.unmask(wire, &mut payload[start..]);
    Ok(())
}

/// A sink that records the frames of each event and passes the event to `sink`.
pub struct Recording<'a, S> {
    /// Receives the events.
    pub sink: &'a mut S,
    /// The logs of incomplete events.
    pub recorder: &'a mut Recorder,
    /// Receives one log for each event.
    pub logs: &'a mut VecDeque<FrameLog>,
    /// Gets room for each of these events, so that queuing them needs no memory.
    pub queue: &'a mut dyn TryRoom,
}

impl<S: Sink> Sink for Recording<'_, S> {
    type Memory = S::Memory;

    #[inline]
    fn memory(&mut self) -> &mut S::Memory {
        self.sink.memory()
    }

    #[inline]
    fn event(
        &mut self,
        offset: u64,
        event: Event<'_, <S::Memory as Memory>::Content>,
    ) -> Result<(), OutOfMemory> {
        let log = match &event {
            Event::Message { extent, .. } => {
                let mut log = self.recorder.message.take();
                if let Some(log) = log.as_mut().filter(|_| extent.refers_back) {
                    log.drop_payload();
                }
                log
            }
            Event::Opaque { content, .. } => {
                let mut log = self.recorder.message.take();
                if let Some(log) = &mut log {
                    log.opaque = true;
                    if !content.as_slice().is_empty() {
                        // It is the payload.
                        (log.compressed, log.payload) = (false, Vec::new());
                    }
                }
                log
            }
            Event::Damaged { .. } => self.recorder.message.take(),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => self.recorder.control.take(),
        };
        let Some(log) = log else { return self.sink.event(offset, event) };
        self.queue.try_room(self.logs.len() + 1)?;
        self.logs.try_room(1)?;
        self.sink.event(offset, event)?;
        self.logs.try_push(log)
    }

    #[inline]
    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        self.sink.memory().admit(header.size, header.size)?;
        Ok(self.recorder.frame(header)?)
    }

    #[inline]
    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let Recorder { message, control, decoded: so_far, max_payload, .. } = &mut *self.recorder;
        if let Some(control) = control {
            self.sink.memory().admit(wire.len(), wire.len())?;
            return Ok(control.append(wire, mask, MAX_CONTROL)?);
        }
        // Payload of a control frame does not reach this line, so `decoded` belongs to the message.
        *so_far = decoded;
        if let Some(message) = message.as_mut().filter(|message| message.compressed) {
            if !message.overlong {
                self.sink.memory().admit(wire.len(), wire.len())?;
            }
            message.append(wire, mask, *max_payload)?;
        }
        Ok(())
    }
}
