//! A possible start of frames: reads on from it, and collects evidence.
//!
//! A candidate fails at the first header that a WebSocket cannot have there. What is possible and
//! unlikely is evidence against it. Of each text, the first [`MAX_EXAMINED`] bytes are looked at.
//!
//! Control frames may stand between the fragments of a message that began earlier. Such a candidate is
//! evidence like others, but its frames can be read only from the end of that message on.
//!
//! RFC 6455 section 5.

#![expect(clippy::disallowed_methods, reason = "at most `MAX_EXAMINED` bytes of a payload")]

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use wsdefrag_core::frame::close::Close;
use wsdefrag_core::frame::header::{Header, Order, Rules};
use wsdefrag_core::frame::parser::FrameParser;
use wsdefrag_core::{Mask, Opcode, text};

use crate::websocket::evidence::{Evidence, Sign, Weight};

/// Bytes of a payload that are looked at.
const MAX_EXAMINED: usize = 256;
/// Pings and pongs that are remembered.
const MAX_ECHOES: usize = 4;
/// Bytes of a segment, on average, with which few of them end where a frame may.
const CLEAR: u64 = 32;
/// The longest payload whose length needs no further bytes.
const MAX_SHORT: u64 = 125;

/// A possible start of frames.
#[expect(clippy::struct_excessive_bools, reason = "each follows the frames by itself")]
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Candidate {
    parser: FrameParser,
    evidence: Evidence,
    /// Valid headers so far.
    headers: u32,
    /// Frames that ended at the end of a segment.
    aligned: u32,
    /// Whether one of them did by more than chance.
    is_clearly_aligned: bool,
    /// The segment in which the current frame began.
    began_in: usize,
    inside_message: bool,
    /// Whether a data frame has been seen.
    has_data: bool,
    /// Segments so far.
    segments: usize,
    /// The first segment that begins with a frame outside a message. Reading can begin there.
    readable_from: Option<usize>,
    /// Whether the current message is an uncompressed text.
    is_text: bool,
    current: Option<Header>,
    /// The length of the last frame that ended with its segment.
    last_length: Option<u64>,
    /// The first byte of the last header, without its length.
    last_kind: Option<(bool, u8, Opcode)>,
    #[serde(with = "serde_bytes")]
    last_key: Option<[u8; 4]>,
    closed: bool,
    /// Whether the last frame had a length of 16 or 64 bits, and did not end with its segment.
    is_long: bool,
    /// The unmasked start of the current text.
    #[serde(with = "serde_bytes")]
    text: Vec<u8>,
    /// The unmasked start of the current control frame's payload.
    #[serde(with = "serde_bytes")]
    control: Vec<u8>,
    /// The payloads of the last pings and pongs.
    pings: VecDeque<Vec<u8>>,
    pongs: VecDeque<Vec<u8>>,
}

/// The bytes are not frames.
pub(super) struct NotFrames;

impl Candidate {
    pub(super) const fn new(rules: Rules) -> Self {
        Self {
            parser: FrameParser::new(rules),
            evidence: Evidence::new(),
            headers: 0,
            aligned: 0,
            is_clearly_aligned: false,
            began_in: 0,
            inside_message: false,
            has_data: false,
            segments: 0,
            readable_from: None,
            is_text: false,
            current: None,
            last_length: None,
            last_kind: None,
            last_key: None,
            closed: false,
            is_long: false,
            text: Vec::new(),
            control: Vec::new(),
            pings: VecDeque::new(),
            pongs: VecDeque::new(),
        }
    }

    /// Begins inside a message, so that a continuation may follow.
    pub(super) const fn inside_message(mut self) -> Self {
        self.inside_message = true;
        self
    }

    /// Whether the frames are those of a client.
    pub(super) const fn is_of_client(&self) -> bool {
        self.parser.rules().from_client
    }

    /// Valid headers so far.
    pub(super) const fn headers(&self) -> u32 {
        self.headers
    }

    /// Frames that ended at the end of a segment.
    pub(super) const fn aligned(&self) -> u32 {
        self.aligned
    }

    /// Whether a frame ended at the end of a segment, and that is hardly chance: it began in the same
    /// segment, or its segments have [`CLEAR`] bytes on average. Of segments of one byte, each ends
    /// where a frame may.
    pub(super) const fn is_clearly_aligned(&self) -> bool {
        self.is_clearly_aligned
    }

    /// Whether there is more than one header, which may be chance.
    pub(super) const fn is_likely(&self) -> bool {
        self.headers > 1 || self.aligned > 0
    }

    /// The weight of the evidence.
    pub(super) fn weight(&self) -> Weight {
        self.evidence.total()
    }

    /// The length of the longest pong of one side that has the payload of a ping of the other side, in
    /// bytes.
    pub(super) fn longest_echo(&self, other: &Self) -> Option<usize> {
        let echoes = |pings: &VecDeque<Vec<u8>>, pongs: &VecDeque<Vec<u8>>| {
            pongs.iter().filter(|pong| pings.contains(pong)).map(Vec::len).max()
        };
        echoes(&self.pings, &other.pongs).max(echoes(&other.pings, &self.pongs))
    }

    /// The number of segments from its start to the first one that begins with a frame outside a
    /// message, if there is one.
    pub(super) const fn readable_from(&self) -> Option<usize> {
        self.readable_from
    }

    /// Takes the bytes of the next segment.
    pub(super) fn take(&mut self, mut bytes: &[u8], max_frame: u64) -> Result<(), NotFrames> {
        let between_frames = self.parser.remaining() == 0 && self.parser.cut_header().is_empty();
        if between_frames && !self.inside_message {
            self.readable_from.get_or_insert(self.segments);
        }
        self.segments += 1;
        loop {
            let (range, mask) = self.parser.payload(&mut bytes);
            self.examine(range, mask);
            if self.parser.remaining() > 0 {
                return Ok(());
            }
            if let Some(header) = self.current.take() {
                self.end_frame(&header, bytes.is_empty());
            }
            if bytes.is_empty() {
                return Ok(());
            }
            if self.parser.cut_header().is_empty() {
                self.began_in = self.segments;
            }
            let order = match self.inside_message {
                true => Order::Continue,
                false if self.headers > 0 && !self.has_data => Order::Any,
                false => Order::Start,
            };
            let Ok(header) = self.parser.header(&mut bytes, order) else { return Err(NotFrames) };
            let Some(header) = header else { return Ok(()) };
            if header.length > max_frame || self.closed || repeats_itself(&header) {
                return Err(NotFrames);
            }
            self.start_frame(&header);
        }
    }

    fn start_frame(&mut self, header: &Header) {
        self.headers = self.headers.saturating_add(1);
        let kind = (header.fin, header.rsv, header.opcode);
        self.evidence.add(match self.last_kind.replace(kind) {
            None => Sign::Start,
            Some(last) if last == kind => Sign::SameKind,
            Some(_) => Sign::OtherKind,
        });
        if std::mem::take(&mut self.is_long) {
            self.evidence.add(Sign::Extended);
        }
        if let Some(key) = header.masking_key {
            self.key(key);
        }
        if header.opcode.is_control() {
            self.closed = header.opcode == Opcode::Close;
        } else {
            if header.opcode == Opcode::Continuation && !self.has_data {
                self.readable_from = None;
            }
            self.has_data = true;
            if !self.inside_message {
                self.is_text = header.opcode == Opcode::Text && header.rsv == 0;
                self.text.clear();
            }
            if !header.fin {
                let empty = header.length == 0;
                self.evidence.add(if empty { Sign::EmptyFragment } else { Sign::Fragment });
            } else if header.length == 0 {
                self.evidence.add(Sign::Empty);
            }
            self.inside_message = !header.fin;
        }
        self.current = Some(*header);
    }

    fn key(&mut self, key: [u8; 4]) {
        let [a, b, c, d] = key.map(|byte| u8::from(byte == 0));
        let zeros = a + b + c + d;
        let printable = key.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if zeros >= 2 || printable {
            self.evidence.add(Sign::KeyPlain);
        }
        let Some(last) = self.last_key.replace(key) else { return };
        let shared = key.iter().zip(last).filter(|(a, b)| **a == *b).count();
        self.evidence.add(match shared {
            0 => Sign::Key,
            4 => Sign::KeyRepeated,
            _ => Sign::KeyShared,
        });
    }

    /// Looks at payload bytes.
    fn examine(&mut self, range: &[u8], mask: Mask) {
        let Some(header) = &self.current else { return };
        let examined = if header.opcode.is_control() { &mut self.control } else { &mut self.text };
        let start = examined.len();
        if !(header.opcode.is_control() || self.is_text) || start == MAX_EXAMINED {
            return;
        }
        let added = range.len().min(MAX_EXAMINED - start);
        examined.resize(start + added, 0);
        mask.unmask(&range[..added], &mut examined[start..]);
    }

    /// Takes the end of a frame. `at_end` tells whether it ended with its segment.
    fn end_frame(&mut self, header: &Header, at_end: bool) {
        if at_end {
            self.aligned = self.aligned.saturating_add(1);
            let others = (self.segments - self.began_in) as u64;
            self.is_clearly_aligned |= others == 0 || header.length >= CLEAR * (others + 1);
            let last = self.last_length.replace(header.length);
            let same = last == Some(header.length);
            self.evidence.add(if same { Sign::SameLength } else { Sign::Length });
        }
        if header.length > MAX_SHORT {
            self.is_long = !at_end;
            if at_end {
                self.evidence.add(Sign::Extended);
            }
        }
        if header.opcode.is_control() {
            let payload = std::mem::take(&mut self.control);
            match header.opcode {
                Opcode::Ping => remember(&mut self.pings, payload),
                Opcode::Pong => remember(&mut self.pongs, payload),
                _ if payload.is_empty() => {}
                _ => {
                    let is_valid = Close::parse(&payload, false).is_ok();
                    self.evidence.add(if is_valid { Sign::Close } else { Sign::InvalidClose });
                }
            }
        } else if self.is_text && header.fin {
            let content = std::mem::take(&mut self.text);
            self.end_text(&content, header.masking_key.is_some());
        }
    }

    /// Takes the start of a text that has ended.
    fn end_text(&mut self, content: &[u8], masked: bool) {
        let is_whole = content.len() < MAX_EXAMINED;
        let whole = text::whole_characters(content).ok();
        let Some(whole) = whole.filter(|whole| !is_whole || whole.len() == content.len()) else {
            return self.evidence.add(Sign::NotUtf8);
        };
        if whole.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            return self.evidence.add(Sign::ControlCharacter);
        }
        // A longer text says no more.
        let characters = whole.chars().count().min(12);
        self.evidence.add_times(if masked { Sign::MaskedText } else { Sign::Text }, characters);
    }
}

fn remember(payloads: &mut VecDeque<Vec<u8>>, payload: Vec<u8>) {
    if payloads.len() == MAX_ECHOES {
        payloads.pop_front();
    }
    payloads.push_back(payload);
}

/// Whether the masking key has the bytes of the header before it. Masked bytes of one value, such as
/// zeros, repeat the key, and so look like frames in a row wherever two bytes of the key can be a header.
fn repeats_itself(header: &Header) -> bool {
    let Some(key) = header.masking_key else { return false };
    let first = u8::from(header.fin) << 7 | header.rsv << 4 | header.opcode as u8;
    match (u8::try_from(header.length), u16::try_from(header.length)) {
        (Ok(length @ 0..=125), _) => key[2..] == [first, 0x80 | length],
        (_, Ok(length)) => {
            let [high, low] = length.to_be_bytes();
            key == [first, 0xfe, high, low]
        }
        _ => false,
    }
}
