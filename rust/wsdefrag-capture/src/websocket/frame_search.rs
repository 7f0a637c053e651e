//! Finds frames in a stream when the start of a frame is unknown.
//!
//! ```text
//! idle        each segment is tried: a frame may begin at its first byte, and nowhere else
//! candidate   segments are stored while their headers can be those of frames in a row
//! found       the candidate is confirmed, and its segments are handed out
//! ```
//!
//! A candidate is confirmed by three valid headers in a row, each at the end of the frame before,
//! when one of the frames also ends at the end of a segment. The first header must start a message
//! or be of a control frame. Senders usually end a frame with a segment. Random bytes contain three
//! such headers in about one segment of 100,000, and almost never fulfil the other conditions.
//!
//! A candidate that fails is dropped, and the next stored segment is tried. A gap drops everything.
//!
//! - `segments` holds at most [`MAX_BYTES`] bytes in [`MAX_SEGMENTS`] segments
//! - `bytes` is the sum of the lengths of `segments`
//! - `segments` is empty without a candidate

#![expect(clippy::disallowed_methods, reason = "at most `MAX_BYTES` bytes and `MAX_SEGMENTS`")]

use std::collections::VecDeque;

use wsdefrag_core::frame::header::{Order, Rules};
use wsdefrag_core::frame::parser::FrameParser;
use wsdefrag_core::{Opcode, Strictness};

use crate::packet::Origin;

/// Valid headers in a row that confirm a candidate.
const MIN_HEADERS: u8 = 3;
/// Bytes of a candidate that is not confirmed.
const MAX_BYTES: usize = 1 << 20;
/// Segments of a candidate that is not confirmed.
const MAX_SEGMENTS: usize = 1024;

/// The bytes of one segment.
type SegmentBytes = (Vec<u8>, Origin);

/// The sender of a direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
    /// The mask bit of the first header decides.
    Unknown,
}

/// Segments that start with a frame.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) from_client: bool,
    pub(crate) segments: VecDeque<SegmentBytes>,
}

/// A possible start of frames.
#[derive(Debug)]
struct Candidate {
    parser: FrameParser,
    /// Valid headers so far.
    headers: u8,
    inside_message: bool,
    /// Whether a frame ended at the end of a segment.
    aligned: bool,
}

/// The search in one direction.
#[derive(Debug)]
pub(crate) struct FrameSearch {
    sender: Sender,
    /// Whether RSV1 may be set.
    deflate: bool,
    /// Whether any RSV bit may be set.
    foreign_extension: bool,
    /// The longest frame that counts as valid, in bytes.
    max_frame: u64,
    candidate: Option<Candidate>,
    /// The segments from the candidate's start on.
    segments: VecDeque<SegmentBytes>,
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
            candidate: None,
            segments,
            bytes: 0,
        }
    }

    /// The memory that the stored segments take, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        self.bytes + self.segments.len() * 16 + self.segments.capacity() * size_of::<SegmentBytes>()
    }

    /// Lets any RSV bit be set, if an extension was agreed that is not known.
    pub(crate) const fn with_foreign_extension(mut self, agreed: bool) -> Self {
        self.foreign_extension = agreed;
        self
    }

    /// Takes the bytes of a segment. Returns the frames if they are confirmed.
    pub(crate) fn data(&mut self, bytes: &[u8], origin: Origin) -> Option<Found> {
        if self.candidate.is_none() {
            // Most segments fail here, before they are copied.
            let mut candidate = Candidate::new(self.rules(bytes));
            if candidate.take(bytes, self.max_frame).is_err() {
                return None;
            }
            self.candidate = Some(candidate);
            self.store(bytes, origin);
        } else {
            self.store(bytes, origin);
            if let Some(candidate) = &mut self.candidate
                && candidate.take(bytes, self.max_frame).is_err()
            {
                self.try_next_segment();
            }
        }
        while self.candidate.is_some()
            && (self.bytes > MAX_BYTES || self.segments.len() > MAX_SEGMENTS)
        {
            self.try_next_segment();
        }
        self.take_found()
    }

    /// Removes and returns the frames, if they are confirmed.
    pub(crate) fn take_found(&mut self) -> Option<Found> {
        self.candidate.as_ref().filter(|candidate| candidate.is_confirmed())?;
        let from_client = self.candidate.take()?.parser.rules().from_client;
        self.bytes = 0;
        Some(Found { from_client, segments: std::mem::take(&mut self.segments) })
    }

    /// Takes a gap: drops the candidate.
    pub(crate) fn gap(&mut self) {
        self.candidate = None;
        self.segments.clear();
        self.bytes = 0;
    }

    /// Sets the sender, and drops a candidate of the other side.
    pub(crate) fn set_sender(&mut self, from_client: bool) {
        self.sender = if from_client { Sender::Client } else { Sender::Server };
        let agrees = |candidate: &Candidate| candidate.parser.rules().from_client == from_client;
        if !self.candidate.as_ref().is_none_or(agrees) {
            self.try_next_segment();
        }
    }

    fn store(&mut self, bytes: &[u8], origin: Origin) {
        self.bytes += bytes.len();
        self.segments.push_back((bytes.to_vec(), origin));
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
        self.candidate = None;
        while let Some((bytes, _)) = self.segments.pop_front() {
            self.bytes -= bytes.len();
            let Some((first, _)) = self.segments.front() else { return };
            let mut candidate = Candidate::new(self.rules(first));
            let mut segments = self.segments.iter();
            if segments.all(|(bytes, _)| candidate.take(bytes, self.max_frame).is_ok()) {
                self.candidate = Some(candidate);
                return;
            }
        }
    }
}

/// The bytes are not frames.
struct NotFrames;

impl Candidate {
    const fn new(rules: Rules) -> Self {
        let parser = FrameParser::new(rules);
        Self { parser, headers: 0, inside_message: false, aligned: false }
    }

    const fn is_confirmed(&self) -> bool {
        self.headers >= MIN_HEADERS && self.aligned
    }

    fn take(&mut self, mut bytes: &[u8], max_frame: u64) -> Result<(), NotFrames> {
        while !self.is_confirmed() {
            self.parser.payload(&mut bytes);
            if self.parser.remaining() > 0 {
                return Ok(());
            }
            if bytes.is_empty() {
                self.aligned |= self.parser.cut_header().is_empty();
                return Ok(());
            }
            let order = if self.inside_message { Order::Continue } else { Order::Start };
            let Ok(header) = self.parser.header(&mut bytes, order) else { return Err(NotFrames) };
            let Some(header) = header else { return Ok(()) };
            // No frame follows a Close, so a Close cannot be confirmed.
            if header.length > max_frame || header.opcode == Opcode::Close {
                return Err(NotFrames);
            }
            if !header.opcode.is_control() {
                self.inside_message = !header.fin;
            }
            self.headers = self.headers.saturating_add(1);
        }
        Ok(())
    }
}
