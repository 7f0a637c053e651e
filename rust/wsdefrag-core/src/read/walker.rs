//! The steps from header to payload to the next header, which all decoders share.
//!
//! A walker stands between frames or inside one. [`next`](Walker::next) reads
//! the header of the next frame where one is due, counts the breaches of
//! switched-off rules in it, and hands out as much of its payload as stands in
//! the caller's bytes, as one [`Range`]. A control frame's ranges are put
//! together here; what becomes of a data frame's is up to the decoder.
//!
//! RFC 6455 sections 5.2 to 5.5.
//!
//! - `controlled <= MAX_CONTROL`, as the parser refuses longer control frames
//! - `header` is that of the frame at hand, or of the last one between frames

use crate::error::{Error, Kind};
use crate::frame::close::{self, Close};
use crate::frame::header::{Header, MAX_CONTROL, Order, Rules};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::frame::parser::FrameParser;
use crate::strictness::Tolerated;

/// As much of one frame's payload as stood in the caller's bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range<'a> {
    /// The bytes as they came.
    pub(super) wire: &'a [u8],
    /// What they are unmasked with.
    pub(super) mask: Mask,
    /// Payload bytes of the frame that had not come before this range.
    pub(super) frame_left: u64,
    /// Whether its frame's header was read with it.
    pub(super) starts_frame: bool,
    /// Whether its frame ends with it.
    pub(super) ends_frame: bool,
}

/// The frame steps of one direction.
pub(super) struct Walker {
    pub(super) parser: FrameParser,
    pub(super) header: Header,
    control: [u8; MAX_CONTROL],
    controlled: usize,
    /// Whether no rule about headers is switched off, so that there is nothing to count.
    enforces_headers: bool,
    pub(super) tolerated: Tolerated,
}

impl Walker {
    /// At the start of a direction.
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

    /// The next range, from the front of `data`; `None` when more bytes are needed for a header. A
    /// range may be empty.
    #[inline]
    pub(super) fn next<'a>(
        &mut self,
        data: &mut &'a [u8],
        order: Order,
    ) -> Result<Option<Range<'a>>, Error> {
        let starts_frame = self.parser.remaining() == 0;
        if starts_frame {
            let Some(header) = self.parser.header(data, order)? else { return Ok(None) };
            if !self.enforces_headers {
                self.parser.rules().count_breaches(&header, &mut self.tolerated);
            }
            self.header = header;
        }
        let frame_left = self.parser.remaining();
        let (wire, mask) = self.parser.payload(data);
        let ends_frame = self.parser.remaining() == 0;
        Ok(Some(Range { wire, mask, frame_left, starts_frame, ends_frame }))
    }

    /// Takes a range of a control frame.
    #[inline]
    pub(super) fn take_control(&mut self, range: &Range<'_>) {
        let start = if range.starts_frame { 0 } else { self.controlled };
        let end = start + range.wire.len();
        range.mask.unmask(range.wire, &mut self.control[start..end]);
        self.controlled = end;
    }

    /// What has come of the last control frame's payload.
    #[inline]
    pub(super) fn control(&self) -> &[u8] {
        &self.control[..self.controlled]
    }

    /// The close frame that was just completed.
    pub(super) fn close(&mut self) -> Result<Close<'_>, Kind> {
        let enforced = self.parser.rules().strictness.close_codes;
        let payload = &self.control[..self.controlled];
        let close = Close::parse(payload, !enforced)?;
        let breach = !payload.is_empty() && !close::may_be_sent(close.code);
        self.tolerated.close_codes += u64::from(breach);
        Ok(close)
    }

    /// Drops the payload of a control frame that was completed.
    pub(super) const fn end_control(&mut self) {
        self.controlled = 0;
    }

    /// The opcode of the frame that is not all there, if there is one; a continuation's where too
    /// little has come to say.
    pub(super) fn cut_opcode(&self) -> Option<Opcode> {
        match self.parser.cut_header().first() {
            Some(first) => Some(Opcode::from_bits(first & 0xF).unwrap_or(Opcode::Continuation)),
            None if self.parser.remaining() > 0 => Some(self.header.opcode),
            None => None,
        }
    }

    /// Drops what is held of anything incomplete.
    pub(super) fn forget(&mut self) {
        self.controlled = 0;
        self.parser = FrameParser::new(*self.parser.rules());
    }
}
