//! Forwards frames while they are read.
//!
//! A [`Passing`] is a sink between a reassembler and the caller's sink. It writes what the
//! reassembler has accepted: data frames as complete frames or as bytes arrive
//! ([`schedule`](crate::relay::schedule)), control frames always complete.
//!
//! A range of a payload in which an error is found is not forwarded. If the last frame of a message
//! is held, an error at the end of the message stops that frame. After an error nothing more is
//! forwarded.

use crate::error::{Kind, OutOfMemory};
use crate::frame::header::{Header, RSV1};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::event::Event;
use crate::read::memory::Memory;
use crate::read::sink::Sink;
use crate::relay::frame_log::{self, FrameLog};
use crate::relay::outbound::Outbound;
use crate::relay::schedule::{ByteOutput, Frame, Schedule};
use crate::write::refusal::Refusal;

/// A sink that forwards frames to `output` and passes events to `sink`.
pub struct Passing<'a, S, O> {
    pub(crate) sink: &'a mut S,
    pub(crate) schedule: &'a mut Schedule,
    pub(crate) outbound: &'a mut Outbound,
    pub(crate) output: &'a mut O,
}

/// The error kind for a frame that could not be forwarded.
fn kind(refusal: Refusal) -> Kind {
    debug_assert!(matches!(refusal, Refusal::OutOfMemory | Refusal::NoMaskingKey), "{refusal}");
    Kind::OutOfMemory
}

impl<S: Sink, O: ByteOutput> Sink for Passing<'_, S, O> {
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
        self.sink.event(offset, event)
    }

    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        self.sink.memory().admit(header.size, header.size)?;
        let mut header = *header;
        if header.opcode.is_control() {
            self.schedule.control = Some((header, Vec::new()));
            return Ok(());
        }
        let mut remask = Mask::NONE;
        if self.outbound.remasks(&header) {
            let masks = self.outbound.masks();
            let fresh = masks.then(|| self.output.masking_key().map_err(kind)).transpose()?;
            let bits = |key: Option<[u8; 4]>| u32::from_ne_bytes(key.unwrap_or_default());
            remask = Mask::new((bits(header.masking_key) ^ bits(fresh)).to_ne_bytes());
            header = header.masked_with(fresh);
        }
        if self.outbound.clears_rsv1() && header.opcode != Opcode::Continuation {
            header.rsv &= !RSV1;
        }
        let (left, fin, forwarded) = (header.length, header.fin, !self.outbound.is_closed());
        let held = self.schedule.holds(left);
        let frame = Frame { left, fin, remask, forwarded, held };
        Ok(self.schedule.begin(&header, frame, self.output)?)
    }

    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let _ = decoded;
        self.sink.memory().admit(wire.len(), wire.len())?;
        if let Some((_, payload)) = &mut self.schedule.control {
            return Ok(frame_log::append_unmasked(payload, wire, mask)?);
        }
        Ok(self.schedule.payload(wire, self.output)?)
    }

    fn frame_end(&mut self) -> Result<(), Kind> {
        let Some((header, payload)) = self.schedule.control.take() else {
            return Ok(self.schedule.end_frame(self.output)?);
        };
        if self.outbound.is_closed() {
            return Ok(());
        }
        let mut control = FrameLog::control(header, payload);
        self.outbound.forward(&mut control, &[], self.output).map_err(kind)
    }
}
