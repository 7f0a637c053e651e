//! Frames that go on while they are read.
//!
//! A [`Passing`] stands between a reassembler and its sink. What the reassembler
//! has accepted is written at once, and goes out by whole frames or as it comes
//! ([`line`](crate::relay::line)); a control frame always goes as a whole.
//!
//! A fault found in a range of a payload keeps that range back. A fault found at
//! the end of a message keeps its last frame back, if frames go as wholes. After
//! it nothing goes on, and the way out stays where it is.

use crate::error::Kind;
use crate::frame::header::{Header, RSV1};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::read::event::Event;
use crate::read::memory::Memory;
use crate::read::sink::Sink;
use crate::relay::frame_log::{self, FrameLog};
use crate::relay::line::{ByteOutput, Frame, Line};
use crate::relay::outbound::Outbound;
use crate::write::refusal::Refusal;

/// A sink before `sink`, which passes frames on to `output`.
pub struct Passing<'a, S, O> {
    pub(crate) sink: &'a mut S,
    pub(crate) line: &'a mut Line,
    pub(crate) outbound: &'a mut Outbound,
    pub(crate) output: &'a mut O,
}

/// What kept a frame from going on.
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
    fn event(&mut self, offset: u64, event: Event<'_, <S::Memory as Memory>::Content>) {
        self.sink.event(offset, event);
    }

    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        self.sink.memory().admit(header.size, header.size)?;
        let mut header = *header;
        if header.opcode.is_control() {
            self.line.control = Some((header, Vec::new()));
            return Ok(());
        }
        let mut turn = Mask::NONE;
        if self.outbound.masks_anew()
            && let Some(key) = &mut header.masking_key
        {
            let fresh = self.output.masking_key().map_err(kind)?;
            let both = u32::from_ne_bytes(*key) ^ u32::from_ne_bytes(fresh);
            turn = Mask::new(both.to_ne_bytes());
            *key = fresh;
        }
        if self.outbound.clears_rsv1() && header.opcode != Opcode::Continuation {
            header.rsv &= !RSV1;
        }
        let (left, fin, goes) = (header.length, header.fin, !self.outbound.is_closed());
        Ok(self.line.begin(&header, Frame { left, fin, turn, goes }, self.output)?)
    }

    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let _ = decoded;
        self.sink.memory().admit(wire.len(), wire.len())?;
        if let Some((_, payload)) = &mut self.line.control {
            return Ok(frame_log::keep(payload, wire, mask)?);
        }
        Ok(self.line.payload(wire, self.output)?)
    }

    fn frame_end(&mut self) -> Result<(), Kind> {
        let Some((header, payload)) = self.line.control.take() else {
            return Ok(self.line.end_frame(self.output)?);
        };
        if self.outbound.is_closed() {
            return Ok(());
        }
        let mut control = FrameLog::control(header, payload);
        self.outbound.forward(&mut control, &[], self.output).map_err(kind)
    }
}
