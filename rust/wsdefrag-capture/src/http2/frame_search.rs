//! The search for the start of a frame, after a loss.
//!
//! Programs write whole frames, and the parts of a stream are what they wrote: TLS records, or else
//! segments. So only the starts of parts are tried. A start is proved by a chain of plausible headers,
//! each at the end of the frame before, that is long enough or ends where a part ends.
//!
//! RFC 9113 section 4.1.
//!
//! - the first part of `parts` starts with the candidate; together they have at most `MAX_BYTES`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_BYTES` in `MAX_PARTS` parts")]

use std::collections::VecDeque;

use crate::http2::frame::{FrameHeader, HEADER_LENGTH};
use crate::stream_part::{OwnedPart, StreamPart};
use serde::{Deserialize, Serialize};

/// Plausible headers in a row that prove the first one.
const ENOUGH: u32 = 3;
/// Bytes of parts that are kept for a candidate: more than three frames of the usual length.
const MAX_BYTES: usize = 128 << 10;
const MAX_PARTS: usize = 1024;
/// How much higher than the known ones the streams of found frames may be.
const NEW_STREAMS: u32 = 1 << 16;

/// Whether a part of a stream consists of whole frames with plausible headers.
pub(crate) fn are_whole_frames(bytes: &[u8]) -> bool {
    let mut chain = Chain::default();
    chain.take(bytes, NEW_STREAMS) && chain.headers > 0 && chain.is_at_end()
}

/// The search in one direction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct FrameSearch {
    chain: Chain,
    parts: VecDeque<OwnedPart>,
    bytes: usize,
}

impl FrameSearch {
    /// The memory that the kept parts take, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.bytes + self.parts.capacity() * size_of::<OwnedPart>()
    }

    /// Takes the next part. Returns the parts from the start of a frame on, if it is proved.
    /// `highest_stream` is the highest one that is known.
    pub(super) fn part(
        &mut self,
        part: StreamPart<'_>,
        highest_stream: u32,
    ) -> Option<VecDeque<OwnedPart>> {
        let highest_stream = highest_stream.saturating_add(NEW_STREAMS);
        let Some((bytes, _)) = part.bytes() else {
            *self = Self::default();
            return None;
        };
        let is_start = self.parts.is_empty();
        let is_possible = self.chain.take(bytes, highest_stream);
        if is_start && !is_possible {
            // Most parts fail here, before they are copied.
            self.chain = Chain::default();
            return None;
        }
        let part = part.to_owned();
        self.bytes += part.data_length();
        self.parts.push_back(part);
        if !is_possible {
            self.try_next(highest_stream);
        }
        while self.bytes > MAX_BYTES || self.parts.len() > MAX_PARTS {
            self.try_next(highest_stream);
        }
        if self.chain.is_proof() {
            let found = std::mem::take(self);
            return Some(found.parts);
        }
        None
    }

    /// Drops the candidate, and makes the first kept part after it that can be one the new candidate.
    fn try_next(&mut self, highest_stream: u32) {
        while let Some(part) = self.parts.pop_front() {
            self.bytes -= part.data_length();
            let mut chain = Chain::default();
            let mut parts = self.parts.iter().filter_map(OwnedPart::bytes);
            let is_possible = parts.all(|(bytes, _)| chain.take(bytes, highest_stream));
            self.chain = chain;
            if is_possible {
                return;
            }
        }
        self.chain = Chain::default();
    }
}

/// Frames one after the other.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Chain {
    /// Headers so far.
    headers: u32,
    /// Bytes of the next header.
    #[serde(with = "serde_bytes")]
    header: [u8; HEADER_LENGTH],
    taken: usize,
    /// Bytes of the payload that have yet to come.
    left: usize,
}

impl Chain {
    /// Takes the next bytes. Returns `false` if a header is not plausible.
    fn take(&mut self, mut bytes: &[u8], highest_stream: u32) -> bool {
        loop {
            let skipped = self.left.min(bytes.len());
            self.left -= skipped;
            bytes = &bytes[skipped..];
            if bytes.is_empty() {
                return true;
            }
            let more = bytes.len().min(HEADER_LENGTH - self.taken);
            self.header[self.taken..self.taken + more].copy_from_slice(&bytes[..more]);
            self.taken += more;
            bytes = &bytes[more..];
            if self.taken == HEADER_LENGTH {
                let header = FrameHeader::of(self.header);
                if !header.is_plausible(highest_stream) {
                    return false;
                }
                (self.headers, self.taken) = (self.headers + 1, 0);
                self.left = header.length as usize;
            }
        }
    }

    /// Whether the start of the chain is one of a frame.
    const fn is_proof(&self) -> bool {
        self.headers >= ENOUGH || (self.headers > 0 && self.is_at_end())
    }

    /// Whether it ends with the end of a frame.
    const fn is_at_end(&self) -> bool {
        self.left == 0 && self.taken == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Origin;

    /// A DATA frame on a stream.
    fn frame(stream: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, 0, 0, 0, 0, 0, stream];
        frame.resize(HEADER_LENGTH + usize::from(length), b'x');
        frame
    }

    /// The index of the first part that is found, and after which part it is.
    fn found(parts: &[&[u8]]) -> Option<(usize, usize)> {
        let mut search = FrameSearch::default();
        parts.iter().enumerate().find_map(|(index, part)| {
            let found = search.part(StreamPart::Data(part, Origin::default()), 1)?;
            assert_eq!(search.bytes_held(), 0);
            Some((index + 1 - found.len(), index))
        })
    }

    #[test]
    fn frame_is_proved_by_the_end_of_a_part_or_by_others() {
        let (short, long) = (frame(1, 10), frame(3, 200));
        let three = [short.clone(), long.clone(), short.clone(), vec![0, 0]].concat();
        let noise = [0xAA; 50];
        for (parts, expected) in [
            (vec![&short[..]], Some((0, 0))),
            (vec![&noise, &short], Some((1, 1))),
            // It ends with the third part.
            (vec![&noise, &long[..100], &long[100..]], Some((1, 2))),
            (vec![&long[..100], &long[100..150]], None),
            (vec![&three], Some((0, 0))),
            (vec![&three[..100], &three[100..]], Some((0, 1))),
            // The start of a part looks like a header, and what follows does not.
            (vec![&long[..20], &noise, &noise, &noise, &noise, &short], Some((5, 5))),
            (vec![&long[..20], &short[..15], &noise, &noise, &noise, &noise, &short], Some((6, 6))),
            (vec![], None),
        ] {
            assert_eq!(found(&parts), expected, "{parts:x?}");
        }
    }

    #[test]
    fn whole_frames_are_recognised() {
        let (short, long) = (frame(1, 10), frame(3, 200));
        let both = [short.clone(), long.clone()].concat();
        for (bytes, expected) in [
            (&short[..], true),
            (&both, true),
            (&both[..100], false),
            (&[&short[..], b"\0"].concat(), false),
            (b"HTTP/1.1 200 OK\r\n\r\n", false),
            (b"", false),
        ] {
            assert_eq!(are_whole_frames(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn gap_ends_a_candidate() {
        let long = frame(3, 200);
        let mut search = FrameSearch::default();
        let data = |bytes| StreamPart::Data(bytes, Origin::default());
        assert!(search.part(data(&long[..100]), 1).is_none());
        assert!(search.part(StreamPart::Gap(crate::stream_part::Gap::default()), 1).is_none());
        assert_eq!(search.bytes_held(), 0);
        assert!(search.part(data(&long[100..]), 1).is_none());
        assert_eq!(search.part(data(&long), 1).unwrap().len(), 1);
    }

    #[test]
    fn kept_parts_have_a_bound() {
        let mut search = FrameSearch::default();
        let mut header = vec![0, 0x40, 0, 0, 0, 0, 0, 0, 1];
        for _ in 0..200 {
            assert!(search.part(StreamPart::Data(&header, Origin::default()), 1).is_none());
            header.resize(1000, 0xEE);
        }
        for _ in 0..5000 {
            search.part(StreamPart::Data(&[0], Origin::default()), 1);
            assert!(search.bytes <= MAX_BYTES && search.parts.len() <= MAX_PARTS);
        }
    }
}
