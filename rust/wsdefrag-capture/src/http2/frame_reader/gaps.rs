//! What a gap does to the reader of frames. A gap of known length inside a frame is skipped like its bytes;
//! after any other one the next frame is searched for.
//!
//! RFC 9113 section 4.1.

#![expect(
    clippy::cast_possible_truncation,
    reason = "what is taken of a frame has at most 24 bits"
)]

use crate::http2::frame_event::FrameEvent;
use crate::http2::frame_reader::{FrameReader, State};
use crate::http2::frame_search::FrameSearch;
use crate::packet::Origin;
use crate::stream_part::{Gap, GapKind, StreamPart};

impl FrameReader {
    /// Takes a gap while the place in the current frame is known.
    pub(super) fn gap(&mut self, gap: Gap, out: &mut impl FnMut(FrameEvent<'_>)) {
        if gap.kind != GapKind::Exact {
            return self.lose_in_frame(gap, out);
        }
        let origin = gap.after.or(gap.before).unwrap_or_default();
        match &mut self.state {
            State::Data { header, left, padding } => {
                let (header, before, padding) = (*header, *left, *padding);
                if gap.length > u64::from(before) + u64::from(padding) {
                    return self.lose_in_frame(gap, out);
                }
                let in_data = gap.length.min(u64::from(before));
                let in_padding = (gap.length - in_data) as u32;
                let left = before - in_data as u32;
                out(FrameEvent::Data(
                    header.stream,
                    StreamPart::Gap(Gap { length: in_data, ..gap }),
                ));
                self.data(header, left, padding - in_padding, origin, out);
            }
            State::Skip { left, ends, .. } if gap.length <= u64::from(*left) => {
                *left -= gap.length as u32;
                if let (0, ends) = (*left, *ends) {
                    self.end_of_data(ends, origin, out);
                }
            }
            State::Payload { header, buffer }
                if gap.length <= u64::from(header.length) - buffer.len() as u64 =>
            {
                let (header, buffer) = (*header, std::mem::take(buffer));
                out(FrameEvent::Incomplete(header, &buffer, origin));
                self.skip(header.length, header.length - buffer.len() as u32 - gap.length as u32);
            }
            _ => self.lose_in_frame(gap, out),
        }
    }

    /// Takes a gap after which the start of the next frame is unknown.
    fn lose_in_frame(&mut self, gap: Gap, out: &mut impl FnMut(FrameEvent<'_>)) {
        if let State::Data { header, left, .. } = self.state
            && gap.kind == GapKind::Exact
        {
            // At least the rest of the frame was of its stream.
            let rest = Gap { length: u64::from(left), ..gap };
            out(FrameEvent::Data(header.stream, StreamPart::Gap(rest)));
        }
        if let State::Payload { header, buffer } = &self.state {
            let origin = gap.before.or(self.last).unwrap_or_default();
            out(FrameEvent::Incomplete(*header, buffer, origin));
        }
        self.lose(Gap { length: 0, kind: GapKind::Unknown, ..gap }, out);
    }

    /// A gap of unknown length at this packet.
    pub(super) fn place(&self, after: Origin) -> Gap {
        Gap { length: 0, kind: GapKind::Unknown, before: self.last, after: Some(after) }
    }

    pub(super) fn lose(&mut self, gap: Gap, out: &mut impl FnMut(FrameEvent<'_>)) {
        self.state = State::Lost(FrameSearch::default());
        out(FrameEvent::Lost(gap));
    }
}
