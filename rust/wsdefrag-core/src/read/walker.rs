//! The steps from one frame to the next that all decoders share.
//!
//! A walker is between frames or inside one. [`next`](Walker::next) reads a header if one is due,
//! counts violations of switched-off rules in it, and returns the frame's payload in the caller's
//! chunk as one [`Range`]. The walker collects the payload of a control frame; the decoder handles
//! the ranges of a data frame.
//!
//! It implements RFC 6455 sections 5.2 to 5.5.
//!
//! - `controlled <= MAX_CONTROL`, because the parser rejects longer control frames
//! - `header` is that of the current frame, or between frames that of the last one

use crate::error::{Error, Kind};
use crate::frame::close::{self, Close};
use crate::frame::header::{Header, MAX_CONTROL, Order, Rules};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::frame::parser::FrameParser;
use crate::strictness::Tolerated;

/// The part of one frame's payload that is in the caller's chunk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<'a> {
    /// The bytes, still masked.
    pub(super) wire: &'a [u8],
    /// The mask for the first of these bytes.
    pub(super) mask: Mask,
    /// Payload bytes of the frame that are not before this range.
    pub(super) frame_left: u64,
    /// Whether the frame's header was read in the same step.
    pub(super) starts_frame: bool,
    /// Whether the frame ends with this range.
    pub(super) ends_frame: bool,
}

impl Range<'_> {
    /// Whether it is the payload of a whole frame.
    #[inline]
    pub(super) const fn is_frame(&self) -> bool {
        self.starts_frame && self.ends_frame
    }
}

/// The frame steps of one direction.
// Fields in the order of their use: those of every read share cache lines.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(C)]
pub(super) struct Walker {
    pub(super) parser: FrameParser,
    pub(super) header: Header,
    /// Whether all rules about headers are enforced, so that there is nothing to count.
    enforces_headers: bool,
    #[cfg_attr(
        feature = "serde",
        serde(deserialize_with = "crate::bounded::at_most::<_, MAX_CONTROL>")
    )]
    controlled: usize,
    pub(super) tolerated: Tolerated,
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    control: [u8; MAX_CONTROL],
}

impl Walker {
    /// Creates a walker at the start of a direction.
    pub(super) const fn new(rules: Rules) -> Self {
        Self {
            parser: FrameParser::new(rules),
            header: Header {
                opcode: Opcode::Text,
                fin: false,
                rsv: 0,
                masking_key: None,
                length: 0,
                size: 0,
            },
            control: [0; MAX_CONTROL],
            controlled: 0,
            enforces_headers: rules.strictness.enforces_headers(),
            tolerated: Tolerated::NONE,
        }
    }

    /// Reads the next range from the front of `data`; `None` if more bytes are needed for a header.
    /// A range may be empty.
    #[inline]
    pub(super) fn next<'a>(
        &mut self,
        data: &mut &'a [u8],
        order: Order,
    ) -> Result<Option<Range<'a>>, Error> {
        let Some(starts_frame) = self.begin(data, order)? else { return Ok(None) };
        Ok(Some(self.take(data, starts_frame)))
    }

    /// Reads a header from the front of `data` if one is due; whether it did so. `None` if more bytes
    /// are needed.
    #[inline]
    pub(super) fn begin(&mut self, data: &mut &[u8], order: Order) -> Result<Option<bool>, Error> {
        let starts_frame = self.parser.remaining() == 0;
        if starts_frame {
            let Some(header) = self.parser.header(data, order)? else { return Ok(None) };
            if !self.enforces_headers {
                self.parser.rules().count_breaches(&header, &mut self.tolerated);
            }
            self.header = header;
        }
        Ok(Some(starts_frame))
    }

    /// Takes the next range of the current frame's payload from the front of `data`.
    #[inline]
    pub(super) fn take<'a>(&mut self, data: &mut &'a [u8], starts_frame: bool) -> Range<'a> {
        let frame_left = self.parser.remaining();
        let (wire, mask) = self.parser.payload(data);
        let ends_frame = self.parser.remaining() == 0;
        Range { wire, mask, frame_left, starts_frame, ends_frame }
    }

    /// Appends a range of a control frame's payload.
    #[inline]
    pub(super) fn take_control(&mut self, range: &Range<'_>) {
        let start = if range.starts_frame { 0 } else { self.controlled };
        let end = start + range.wire.len();
        range.mask.unmask(range.wire, &mut self.control[start..end]);
        self.controlled = end;
    }

    /// The payload of the last control frame so far.
    #[inline]
    pub(super) fn control(&self) -> &[u8] {
        &self.control[..self.controlled]
    }

    /// Parses the Close that was just completed.
    pub(super) fn close(&mut self) -> Result<Close<'_>, Kind> {
        let enforced = self.parser.rules().strictness.close_codes;
        let payload = &self.control[..self.controlled];
        let close = Close::parse(payload, !enforced)?;
        let breach = !payload.is_empty() && !close::may_be_sent(close.code);
        self.tolerated.close_codes += u64::from(breach);
        Ok(close)
    }

    /// Drops the payload of a completed control frame.
    pub(super) const fn end_control(&mut self) {
        self.controlled = 0;
    }

    /// The opcode of the incomplete frame, if any; `Continuation` if its first byte has not arrived
    /// or is unknown.
    pub(super) fn cut_opcode(&self) -> Option<Opcode> {
        match self.parser.cut_header().first() {
            Some(first) => Some(Opcode::from_bits(first & 0xF).unwrap_or(Opcode::Continuation)),
            None if self.parser.remaining() > 0 => Some(self.header.opcode),
            None => None,
        }
    }

    /// Drops the bytes of an incomplete header or control frame.
    pub(super) fn forget(&mut self) {
        self.controlled = 0;
        self.parser = FrameParser::new(*self.parser.rules());
    }
}
