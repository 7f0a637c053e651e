//! Records the frames in which messages and control frames are received.
//!
//! A [`Recording`] is a sink between a reassembler and the caller's sink. It makes a [`FrameLog`]
//! for each event.
//!
//! Limits apply to contents, but a compressed payload of any length can inflate to nothing. A
//! payload that is longer than the largest allowed content could compress to is therefore not kept,
//! and its message has to be encoded again.
//!
//! - there is one [`FrameLog`] for each event, in the same order
//! - a log's payload has at most `max_payload` bytes

use std::collections::VecDeque;

use crate::error::{Kind, OutOfMemory};
use crate::fallible::TryRoom;
use crate::frame::header::{Header, MAX_CONTROL};
use crate::frame::mask::Mask;
use crate::read::event::Event;
use crate::read::memory::{Content, Memory};
use crate::read::settings::Settings;
use crate::read::sink::Sink;
use crate::relay::frame_log::FrameLog;

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
        log.add_header(header, self.decoded)
    }
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
    /// For how many events there is room in the queue.
    pub room: usize,
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
                    log.becomes_opaque(!content.as_slice().is_empty());
                }
                log
            }
            Event::Damaged { .. } | Event::Uncollected { .. } => self.recorder.message.take(),
            Event::Ping(_) | Event::Pong(_) | Event::Close(_) => self.recorder.control.take(),
        };
        let Some(log) = log else { return self.sink.event(offset, event) };
        if self.logs.len() >= self.room {
            self.room = self.queue.try_room(self.logs.len() + 1)?;
        }
        self.logs.try_reserve(1)?;
        self.sink.event(offset, event)?;
        #[expect(clippy::disallowed_methods, reason = "there is room")]
        self.logs.push_back(log);
        Ok(())
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
        if let Some(message) = message.as_mut().filter(|message| message.is_compressed()) {
            if message.has_payload() {
                self.sink.memory().admit(wire.len(), wire.len())?;
            }
            message.append(wire, mask, *max_payload)?;
        }
        Ok(())
    }
}
