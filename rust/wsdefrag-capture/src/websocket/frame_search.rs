//! Looking for frames where it is not known where one begins.
//!
//! A frame is looked for at the start of each segment, nowhere else, and is believed when three
//! headers in a row are ones that a sender on this side may write, each where the one before says
//! it has to be, the first of them the beginning of a message or a control frame, and when one of
//! these frames ends where a segment ends, as writers have it and chance does not. Random bytes
//! have three such headers in one segment out of some 100,000, and the rest of it hardly ever. What
//! was walked over on the way is kept and handed back then; until then it is lost.
//!
//! - `pieces` hold at most [`MAX_BYTES`] in [`MAX_PIECES`]

use std::collections::VecDeque;

use wsdefrag_core::frame::header::{Order, Rules};
use wsdefrag_core::frame::parser::FrameParser;
use wsdefrag_core::{Opcode, Strictness};

use crate::packet::Origin;

/// Headers in a row that are not there by chance.
const CONVINCING: u8 = 3;
/// Bytes that are walked over before a start is given up.
const MAX_BYTES: usize = 1 << 20;
/// Segments that are walked over before a start is given up.
const MAX_PIECES: usize = 1024;

/// The bytes of one segment.
type Segment = (Vec<u8>, Origin);

/// Who sends, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Client,
    Server,
    /// The mask bit of the first header will say.
    Unknown,
}

/// Frames that were found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) from_client: bool,
    pub(crate) pieces: VecDeque<Segment>,
}

/// One start that is being followed.
#[derive(Debug)]
struct Walk {
    parser: FrameParser,
    legal: u8,
    inside_message: bool,
    /// Whether a frame ended with a segment.
    aligned: bool,
}

/// The search on one direction.
#[derive(Debug)]
pub(crate) struct FrameSearch {
    sender: Sender,
    /// Whether RSV1 may mean something.
    deflate: bool,
    /// The longest frame that is believed, in bytes.
    max_frame: u64,
    walk: Option<Walk>,
    pieces: VecDeque<Segment>,
    bytes: usize,
}

impl FrameSearch {
    pub(crate) const fn new(sender: Sender, deflate: bool, max_frame: u64) -> Self {
        let pieces = VecDeque::new();
        Self { sender, deflate, max_frame, walk: None, pieces, bytes: 0 }
    }

    /// Takes the bytes of a segment; hands back the frames if they are believed now.
    pub(crate) fn data(&mut self, bytes: &[u8], origin: Origin) -> Option<Found> {
        if self.walk.is_none() {
            // Most segments do not even begin like a frame, and nothing is copied for those.
            let mut walk = Walk::new(self.rules(bytes));
            if walk.take(bytes, self.max_frame).is_err() {
                return None;
            }
            self.walk = Some(walk);
            self.keep(bytes, origin);
        } else {
            self.keep(bytes, origin);
            if let Some(walk) = &mut self.walk
                && walk.take(bytes, self.max_frame).is_err()
            {
                self.restart();
            }
        }
        while self.walk.is_some() && (self.bytes > MAX_BYTES || self.pieces.len() > MAX_PIECES) {
            self.restart();
        }
        self.convinced()
    }

    /// Hands back the frames, if they are believed.
    pub(crate) fn convinced(&mut self) -> Option<Found> {
        self.walk.as_ref().filter(|walk| walk.is_convincing())?;
        let from_client = self.walk.take()?.parser.rules().from_client;
        self.bytes = 0;
        Some(Found { from_client, pieces: std::mem::take(&mut self.pieces) })
    }

    /// Says that bytes are missing here.
    pub(crate) fn gap(&mut self) {
        self.walk = None;
        self.pieces.clear();
        self.bytes = 0;
    }

    /// Says who sends; a start that spoke against it is given up.
    pub(crate) fn learn(&mut self, from_client: bool) {
        self.sender = if from_client { Sender::Client } else { Sender::Server };
        let agrees = |walk: &Walk| walk.parser.rules().from_client == from_client;
        if !self.walk.as_ref().is_none_or(agrees) {
            self.restart();
        }
    }

    fn keep(&mut self, bytes: &[u8], origin: Origin) {
        self.bytes += bytes.len();
        self.pieces.push_back((bytes.to_vec(), origin));
    }

    /// The rules of a direction that starts with these bytes.
    fn rules(&self, bytes: &[u8]) -> Rules {
        let from_client = match self.sender {
            Sender::Client => true,
            Sender::Server => false,
            Sender::Unknown => bytes.get(1).is_some_and(|byte| byte & 0x80 != 0),
        };
        Rules { from_client, deflate: self.deflate, strictness: Strictness::default() }
    }

    /// Gives up the start at hand and tries the segments behind it.
    fn restart(&mut self) {
        self.walk = None;
        while let Some((bytes, _)) = self.pieces.pop_front() {
            self.bytes -= bytes.len();
            let Some((first, _)) = self.pieces.front() else { return };
            let mut walk = Walk::new(self.rules(first));
            let mut rest = self.pieces.iter();
            if rest.all(|(bytes, _)| walk.take(bytes, self.max_frame).is_ok()) {
                self.walk = Some(walk);
                return;
            }
        }
    }
}

/// This is not how frames look.
struct Unlikely;

impl Walk {
    const fn new(rules: Rules) -> Self {
        let parser = FrameParser::new(rules);
        Self { parser, legal: 0, inside_message: false, aligned: false }
    }

    const fn is_convincing(&self) -> bool {
        self.legal >= CONVINCING && self.aligned
    }

    fn take(&mut self, mut bytes: &[u8], max_frame: u64) -> Result<(), Unlikely> {
        // Once it is believed there is nothing more to find out.
        while !self.is_convincing() {
            self.parser.payload(&mut bytes);
            if self.parser.remaining() > 0 {
                return Ok(());
            }
            if bytes.is_empty() {
                self.aligned |= self.parser.cut_header().is_empty();
                return Ok(());
            }
            let order = if self.inside_message { Order::Continue } else { Order::Start };
            let Ok(header) = self.parser.header(&mut bytes, order) else { return Err(Unlikely) };
            let Some(header) = header else { return Ok(()) };
            // Nothing follows a Close.
            if header.length > max_frame || header.opcode == Opcode::Close {
                return Err(Unlikely);
            }
            if !header.opcode.is_control() {
                self.inside_message = !header.fin;
            }
            self.legal = self.legal.saturating_add(1);
        }
        Ok(())
    }
}
