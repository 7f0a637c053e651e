//! Finds frames in a stream when the start of a frame is unknown.
//!
//! ```text
//! idle        each segment is tried: a frame may begin at its first byte, and nowhere else
//! candidate   segments are stored while their headers can be those of frames in a row
//! found       the candidate is confirmed, and its segments are handed out
//! ```
//!
//! The first header must start a message or be of a control frame. Senders usually end a frame with a
//! segment.
//!
//! In a connection of which nothing else is known, the caller decides by the [`weight`] of the
//! evidence in both directions. In a WebSocket, a candidate is confirmed when one of its frames ends at
//! the end of a segment, and one of these is true:
//!
//! - it has three headers in a row. Random bytes contain three in about one segment of 100,000
//! - no frame has been found yet, it begins with the first segment after a gap or at the start, which
//!   often begins a frame, and that a frame ends with a segment is hardly chance
//! - no frame has been found yet, and its evidence is strong
//!
//! A candidate that fails is dropped, and the next stored segment is tried. A gap drops everything.
//!
//! - `segments` holds at most [`MAX_BYTES`] bytes in [`MAX_SEGMENTS`] segments
//! - `bytes` is the sum of the lengths of `segments`
//! - `segments` is empty without a candidate
//!
//! [`weight`]: FrameSearch::weight

#![expect(clippy::disallowed_methods, reason = "at most `MAX_BYTES` bytes and `MAX_SEGMENTS`")]

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use wsdefrag_core::Strictness;
use wsdefrag_core::frame::header::Rules;

use crate::stream_part::{OwnedPart, StreamPart};
use crate::websocket::candidate::Candidate;
use crate::websocket::evidence::Weight;

/// Valid headers in a row that confirm a candidate in a known WebSocket.
const MIN_HEADERS: u32 = 3;
/// The weight that confirms a candidate in a known WebSocket.
const STRONG: Weight = 120;
/// Bytes of a candidate that is not confirmed.
const MAX_BYTES: usize = 1 << 20;
/// Segments of a candidate that is not confirmed.
const MAX_SEGMENTS: usize = 1024;
/// Stored segments that are tried when a candidate is dropped because it has too many.
const MAX_TRIED: usize = 16;
/// The weight of each segment that cannot begin a frame, and the limit: it may be inside one.
const NO_START: (Weight, Weight) = (-5, -40);
/// The weight of each candidate that failed after several headers, and the limit.
const FAILED: (Weight, Weight) = (-40, -200);

/// The sender of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Sender {
    Client,
    Server,
    /// The mask bit of the first header decides.
    Unknown,
}

/// What is known of the connection in which frames are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Certainty {
    /// It may be no WebSocket. The caller decides.
    Unproved,
    /// It is a WebSocket, and this is the search for the first frame of a direction.
    Beginning,
    /// It is a WebSocket, and frames before a gap have been read.
    Resync,
}

/// Segments that start with a frame.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) from_client: bool,
    pub(crate) segments: VecDeque<OwnedPart>,
}

/// The search in one direction.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct FrameSearch {
    sender: Sender,
    /// Whether RSV1 may be set.
    deflate: bool,
    /// Whether any RSV bit may be set.
    foreign_extension: bool,
    /// The longest frame that counts as valid, in bytes.
    max_frame: u64,
    certainty: Certainty,
    /// Whether the candidate begins with the first segment since the start or a gap.
    is_first: bool,
    /// Segments that could not begin a frame, and candidates that failed after several headers.
    no_starts: u32,
    failures: u32,
    candidate: Option<Candidate>,
    /// The segments from the candidate's start on.
    segments: VecDeque<OwnedPart>,
    bytes: usize,
}

impl FrameSearch {
    pub(crate) const fn new(sender: Sender, deflate: bool, max_frame: u64) -> Self {
        let segments = VecDeque::new();
        Self {
            sender,
            deflate,
            foreign_extension: false,
            max_frame,
            certainty: Certainty::Unproved,
            is_first: true,
            no_starts: 0,
            failures: 0,
            candidate: None,
            segments,
            bytes: 0,
        }
    }

    /// The memory that the stored segments take, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        self.bytes + self.segments.len() * 16 + self.segments.capacity() * size_of::<OwnedPart>()
    }

    /// Lets any RSV bit be set, if an extension was agreed that is not known.
    pub(crate) const fn with_foreign_extension(mut self, agreed: bool) -> Self {
        self.foreign_extension = agreed;
        self
    }

    /// Searches with what is known of the connection.
    pub(crate) const fn with_certainty(mut self, certainty: Certainty) -> Self {
        self.certainty = certainty;
        self
    }

    /// Takes a segment or a gap, which drops the candidate. Returns the frames if they are confirmed.
    pub(crate) fn part(&mut self, part: StreamPart<'_>) -> Option<Found> {
        let Some((bytes, _)) = part.bytes() else {
            self.gap();
            return None;
        };
        if self.candidate.is_none() {
            // Most segments fail here, before they are copied.
            let mut candidate = Candidate::new(self.rules(bytes));
            if candidate.take(bytes, self.max_frame).is_err() {
                self.failed(&candidate);
                return None;
            }
            self.candidate = Some(candidate);
            self.store(part);
        } else {
            self.store(part);
            if let Some(candidate) = &mut self.candidate
                && candidate.take(bytes, self.max_frame).is_err()
            {
                self.try_next_segment();
            }
        }
        self.limit_stored();
        self.take_found()
    }

    /// Notes that a candidate failed.
    fn failed(&mut self, candidate: &Candidate) {
        self.is_first = false;
        let count = if candidate.headers() < 2 { &mut self.no_starts } else { &mut self.failures };
        *count = count.saturating_add(1);
    }

    /// Drops candidates until their segments are few enough.
    fn limit_stored(&mut self) {
        for _ in 0..MAX_TRIED {
            if self.bytes <= MAX_BYTES && self.segments.len() <= MAX_SEGMENTS {
                return;
            }
            // One that has many headers does not fail, and neither will the next one.
            let headers = self.candidate.as_ref().map_or(0, Candidate::headers);
            if usize::try_from(headers).is_ok_and(|headers| headers > MAX_TRIED) {
                break;
            }
            self.try_next_segment();
        }
        if self.bytes > MAX_BYTES || self.segments.len() > MAX_SEGMENTS {
            self.drop_candidate();
        }
    }

    /// Removes and returns the frames, if they are confirmed.
    pub(crate) fn take_found(&mut self) -> Option<Found> {
        let candidate = self.candidate.as_ref()?;
        let is_confirmed = match self.certainty {
            _ if candidate.aligned() == 0 || candidate.readable_from().is_none() => false,
            Certainty::Unproved => false,
            Certainty::Beginning if self.is_first && candidate.is_clearly_aligned() => true,
            Certainty::Beginning if candidate.weight() >= STRONG => true,
            Certainty::Beginning | Certainty::Resync => candidate.headers() >= MIN_HEADERS,
        };
        if is_confirmed { self.confirm() } else { None }
    }

    /// Removes and returns the frames of the candidate.
    fn confirm(&mut self) -> Option<Found> {
        let readable_from = self.candidate.as_ref()?.readable_from()?;
        let from_client = self.candidate.take()?.is_of_client();
        self.bytes = 0;
        self.segments.drain(..readable_from.min(self.segments.len()));
        Some(Found { from_client, segments: std::mem::take(&mut self.segments) })
    }

    /// Sets the sender, because the connection has been proved to be a WebSocket. Returns the frames
    /// that were part of the proof.
    pub(crate) fn prove(&mut self, from_client: bool) -> Option<Found> {
        self.sender = if from_client { Sender::Client } else { Sender::Server };
        self.certainty = Certainty::Beginning;
        let candidate = self.candidate.as_ref()?;
        if candidate.is_of_client() != from_client {
            self.try_next_segment();
            return self.take_found();
        }
        if candidate.is_likely() { self.confirm() } else { self.take_found() }
    }

    /// The candidate, if there is one.
    pub(super) const fn candidate(&self) -> Option<&Candidate> {
        self.candidate.as_ref()
    }

    /// The weight of the evidence in this direction.
    pub(crate) fn weight(&self) -> Weight {
        let counted = |count: u32, (weight, limit): (Weight, Weight)| {
            weight.saturating_mul(Weight::try_from(count).unwrap_or(Weight::MAX)).max(limit)
        };
        self.candidate.as_ref().map_or(0, Candidate::weight)
            + counted(self.no_starts, NO_START)
            + counted(self.failures, FAILED)
    }

    /// Takes a gap: drops the candidate.
    pub(crate) fn gap(&mut self) {
        self.drop_candidate();
        self.is_first = true;
    }

    fn drop_candidate(&mut self) {
        self.candidate = None;
        self.is_first = false;
        self.segments.clear();
        self.bytes = 0;
    }

    /// Stores a segment. Without memory for it, the candidate is dropped.
    fn store(&mut self, part: StreamPart<'_>) {
        let Ok(part) = part.copied() else { return self.drop_candidate() };
        self.bytes += part.data_length();
        self.segments.push_back(part);
    }

    /// The rules for frames of a direction that starts with these bytes.
    fn rules(&self, bytes: &[u8]) -> Rules {
        let from_client = match self.sender {
            Sender::Client => true,
            Sender::Server => false,
            Sender::Unknown => bytes.get(1).is_some_and(|byte| byte & 0x80 != 0),
        };
        Rules {
            from_client,
            deflate: self.deflate,
            foreign_extension: self.foreign_extension,
            strictness: Strictness::default(),
        }
    }

    /// Drops the candidate, and makes the first stored segment after it that can be one the new
    /// candidate.
    fn try_next_segment(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            self.failed(&candidate);
        }
        while let Some(dropped) = self.segments.pop_front() {
            self.bytes -= dropped.data_length();
            let Some((first, _)) = self.segments.front().and_then(OwnedPart::bytes) else { return };
            let mut candidate = Candidate::new(self.rules(first));
            let mut segments = self.segments.iter().filter_map(OwnedPart::bytes);
            if segments.all(|(bytes, _)| candidate.take(bytes, self.max_frame).is_ok()) {
                self.candidate = Some(candidate);
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::Origin;

    /// After how many of the segments frames are found at the start of a server's direction.
    fn found_after(segments: &[&[u8]]) -> Option<usize> {
        let mut search =
            FrameSearch::new(Sender::Server, false, 1 << 20).with_certainty(Certainty::Beginning);
        let mut parts = segments.iter().map(|bytes| StreamPart::Data(bytes, Origin::default()));
        parts.position(|part| search.part(part).is_some())
    }

    #[test]
    fn first_frame_has_to_end_with_a_segment_by_more_than_chance() {
        let long = [&[0x82, 0x7e, 0, 200][..], &[b'x'; 200]].concat();
        for (segments, expected) in [
            (vec![&b"\x82\x03abc"[..]], Some(0)),
            (vec![b"\x82\x00"], Some(0)),
            (vec![&long[..150], &long[150..]], Some(1)),
            // Bytes of which each is a segment end a frame wherever one ends.
            (vec![b"\x82", b"\x00", b"\x10"], None),
            (vec![b"\x02", b"\x00", b"\x99"], None),
            (vec![b"\x82", b"\x03", b"a", b"b", b"c"], None),
            // More frames say more.
            (vec![b"\x82", b"\x00", b"\x82", b"\x00", b"\x82", b"\x00"], Some(5)),
        ] {
            assert_eq!(found_after(&segments), expected, "{segments:x?}");
        }
    }
}
