//! How messages and control frames stood on the wire.
//!
//! A [`Recording`] stands between a reassembler and its sink. For each event it
//! notes the frames' headers and, where the content does not say it, the
//! payload, unmasked: written again with those headers it is what came.
//!
//! Limits bound contents, and a payload of any length can inflate to nothing. So
//! one that grows longer than compressing makes any content that may be is not
//! kept, and its message cannot go on as it came.
//!
//! - a [`FrameLog`] for each event that the inner sink takes, in the same order
//! - `ends` has an entry for each header in `rest` of a compressed message, otherwise none
//! - `packed.len() <= most`

use std::collections::VecDeque;

use crate::error::{Kind, OutOfMemory};
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

/// What headers that were accepted before are read with: no rule.
const ANY: Rules = Rules {
    from_client: false,
    deflate: false,
    foreign_extension: false,
    strictness: Strictness::NONE,
};

/// How a message, or a control frame, stood on the wire.
#[derive(Clone, Debug)]
pub struct FrameLog {
    first: Header,
    /// The headers of its other frames, as bytes: a frame may have no more than its header, and a
    /// peer that sends such is not to be given more memory than it sent.
    rest: Vec<u8>,
    compressed: bool,
    /// Whether it is of an extension that is not known, so that nothing can be written in its place.
    opaque: bool,
    /// Whether its payload grew too long to be kept.
    overlong: bool,
    /// Bytes of content behind which each frame but the first began.
    ends: Vec<usize>,
    /// The payload, unless it is the content.
    packed: Vec<u8>,
}

impl FrameLog {
    const fn new(first: Header, compressed: bool) -> Self {
        Self {
            first,
            rest: Vec::new(),
            compressed,
            opaque: false,
            overlong: false,
            ends: Vec::new(),
            packed: Vec::new(),
        }
    }

    pub(crate) fn control(header: Header, payload: Vec<u8>) -> Self {
        let mut log = Self::new(header, false);
        log.packed = payload;
        log
    }

    /// Whether it is a compressed message.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Whether its payload is there to be written again.
    pub(crate) const fn is_kept(&self) -> bool {
        !self.overlong
    }

    /// Whether it goes on as it came or not at all.
    pub(crate) const fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Gives the payload up that it came with: what it says has to be written anew.
    fn give_up_payload(&mut self) {
        self.overlong = true;
        self.packed = Vec::new();
    }

    /// What its first frame is.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        self.first.opcode
    }

    /// Bytes that are held for it: its headers, and the payload where that is not the content.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.first.size + self.rest.len() + self.packed.len()
    }

    /// Appends a range of the payload; gives all of it up where it exceeds `most` bytes.
    fn keep(&mut self, wire: &[u8], mask: Mask, most: usize) -> Result<(), OutOfMemory> {
        if self.overlong || wire.len() > most - self.packed.len() {
            self.give_up_payload();
            return Ok(());
        }
        keep(&mut self.packed, wire, mask)
    }

    /// The frames it came in, to be written again; `content` is what it said.
    pub(crate) fn layout<'a>(&'a self, content: &'a [u8]) -> Layout<'a> {
        let packed = self.compressed || self.first.opcode.is_control();
        let payload = if packed { &self.packed } else { content };
        Layout::new(self.first, self.continuations().collect(), payload)
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

    /// Takes RSV1 off a message where it would come to mean that it is compressed.
    pub(crate) const fn clear_rsv1(&mut self) {
        if !self.first.opcode.is_control() && !self.opaque {
            self.first.rsv &= !RSV1;
        }
    }

    /// Gives each of its frames another masking key.
    pub(crate) fn mask_anew<E>(
        &mut self,
        mut key: impl FnMut() -> Result<[u8; 4], E>,
    ) -> Result<(), E> {
        let mut rest = Vec::with_capacity(self.rest.len());
        for mut header in self.continuations() {
            header.masking_key = header.masking_key.map(|_| key()).transpose()?;
            rest.extend_from_slice(&header.to_bytes()[..header.size]);
        }
        self.rest = rest;
        self.first.masking_key = self.first.masking_key.map(|_| key()).transpose()?;
        Ok(())
    }

    /// The sizes of its frames, in bytes of its content, which was of `length` bytes.
    pub(crate) fn sizes(&self, length: usize) -> Vec<usize> {
        if !self.compressed {
            #[expect(clippy::cast_possible_truncation, reason = "payloads that were held")]
            let size = |header: Header| header.length as usize;
            return std::iter::once(self.first).chain(self.continuations()).map(size).collect();
        }
        let mut start = 0;
        let ends = self.ends.iter().copied().chain([length]);
        ends.map(|end| end - std::mem::replace(&mut start, end)).collect()
    }

    /// The sizes of fragments for `content`, which was of `length` bytes when it came.
    pub(crate) fn fragments(
        &self,
        opcode: Opcode,
        content: &[u8],
        length: usize,
        fragmenter: &Fragmenter,
    ) -> Vec<usize> {
        fragmenter.sizes(opcode, content, &self.sizes(length))
    }
}

/// What is noted of what is not complete.
#[derive(Debug)]
pub struct Recorder {
    deflate: bool,
    /// Bytes of a compressed payload that are kept at most.
    most: usize,
    message: Option<FrameLog>,
    control: Option<FrameLog>,
    decoded: usize,
}

impl Recorder {
    /// At the start of a direction that is read with these settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let most = settings.limits.max_message_size.map_or(Ok(usize::MAX), usize::try_from);
        // Compressing makes what does not compress a little longer.
        let most = most.unwrap_or(usize::MAX);
        let most = most.saturating_add(most / 64).saturating_add(64);
        let deflate = settings.deflate.is_some();
        Self { deflate, most, message: None, control: None, decoded: 0 }
    }

    /// Bytes that are held of what is not complete, contents aside.
    #[must_use]
    pub fn held(&self) -> usize {
        self.message.iter().chain(&self.control).map(FrameLog::held).sum()
    }

    /// Drops what is not complete, and never will be.
    pub fn forget(&mut self) {
        (self.message, self.control) = (None, None);
    }

    fn frame(&mut self, header: &Header) {
        if header.opcode.is_control() {
            self.control = Some(FrameLog::new(*header, false));
            return;
        }
        let Some(log) = &mut self.message else {
            self.decoded = 0;
            self.message = Some(FrameLog::new(*header, self.deflate && header.rsv1()));
            return;
        };
        if log.compressed {
            log.ends.push(self.decoded);
        }
        log.rest.extend_from_slice(&header.to_bytes()[..header.size]);
    }
}

/// Appends `wire`, unmasked.
pub(crate) fn keep(packed: &mut Vec<u8>, wire: &[u8], mask: Mask) -> Result<(), OutOfMemory> {
    packed.try_reserve(wire.len())?;
    let start = packed.len();
    packed.resize(start + wire.len(), 0);
    mask.unmask(wire, &mut packed[start..]);
    Ok(())
}

/// A sink before `sink`, which notes how its events stood on the wire.
pub struct Recording<'a, S> {
    /// Takes the events.
    pub sink: &'a mut S,
    /// What is not complete.
    pub recorder: &'a mut Recorder,
    /// Takes a log for each event.
    pub logs: &'a mut VecDeque<FrameLog>,
}

impl<S: Sink> Sink for Recording<'_, S> {
    type Memory = S::Memory;

    #[inline]
    fn memory(&mut self) -> &mut S::Memory {
        self.sink.memory()
    }

    #[inline]
    fn event(&mut self, offset: u64, event: Event<'_, <S::Memory as Memory>::Content>) {
        let log = match &event {
            Event::Message { extent, .. } => {
                let mut log = self.recorder.message.take();
                if let Some(log) = log.as_mut().filter(|_| extent.refers_back) {
                    log.give_up_payload();
                }
                log
            }
            Event::Opaque { content, .. } => {
                let mut log = self.recorder.message.take();
                if let Some(log) = &mut log {
                    log.opaque = true;
                    if !content.as_slice().is_empty() {
                        // It is the payload.
                        (log.compressed, log.packed) = (false, Vec::new());
                    }
                }
                log
            }
            Event::Damaged { .. } => self.recorder.message.take(),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => self.recorder.control.take(),
        };
        self.logs.extend(log);
        self.sink.event(offset, event);
    }

    #[inline]
    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        self.sink.memory().admit(header.size, header.size)?;
        self.recorder.frame(header);
        Ok(())
    }

    #[inline]
    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let Recorder { message, control, decoded: so_far, most, .. } = &mut *self.recorder;
        if let Some(control) = control {
            self.sink.memory().admit(wire.len(), wire.len())?;
            return Ok(control.keep(wire, mask, MAX_CONTROL)?);
        }
        // A control frame between two fragments does not get here, and says nothing of the content.
        *so_far = decoded;
        if let Some(message) = message.as_mut().filter(|message| message.compressed) {
            if !message.overlong {
                self.sink.memory().admit(wire.len(), wire.len())?;
            }
            message.keep(wire, mask, *most)?;
        }
        Ok(())
    }
}
