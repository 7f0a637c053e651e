//! The frames in which a message or control frame was received.
//!
//! A log holds the frame headers, and the unmasked payload if this differs from the content. The
//! headers and the payload together give the received frames again.
//!
//! - `content_ends` has one entry for each header in `rest` if the message is compressed, otherwise
//!   none
//! - `payload` is empty if it was too long to be kept

use crate::error::OutOfMemory;
use crate::fallible::{TryGrow, lengthen};
use crate::frame::header::{self, Header, Order, RSV1, Rules};
use crate::frame::mask::Mask;
use crate::frame::opcode::Opcode;
use crate::strictness::Strictness;
use crate::write::fragmenter::Fragmenter;
use crate::write::layout::Layout;

/// No rules: the headers in a log were accepted when they were received.
const ANY: Rules = Rules {
    from_client: false,
    deflate: false,
    foreign_extension: false,
    strictness: Strictness::NONE,
};

/// The received frames of a message or a control frame.
#[derive(Clone, Debug)]
pub struct FrameLog {
    first: Header,
    /// The headers of the other frames, as wire bytes. A peer may send many empty frames; their
    /// headers take no more memory here than on the wire.
    rest: Vec<u8>,
    compressed: bool,
    /// Whether it belongs to an unknown extension, so that it cannot be encoded again.
    opaque: bool,
    /// Whether the payload was too long to be kept.
    overlong: bool,
    /// Whether the frames are masked; `None` if some are and others are not.
    masked: Option<bool>,
    /// For each frame but the first: the content bytes decoded before it.
    content_ends: Vec<usize>,
    /// The payload, unmasked; empty if it equals the content.
    payload: Vec<u8>,
}

impl FrameLog {
    pub(super) const fn new(first: Header, compressed: bool) -> Self {
        Self {
            first,
            rest: Vec::new(),
            compressed,
            opaque: false,
            overlong: false,
            masked: Some(first.masking_key.is_some()),
            content_ends: Vec::new(),
            payload: Vec::new(),
        }
    }

    pub(crate) fn control(header: Header, payload: Vec<u8>) -> Self {
        let mut log = Self::new(header, false);
        log.payload = payload;
        log
    }

    /// Whether this is a compressed message.
    #[must_use]
    pub const fn is_compressed(&self) -> bool {
        self.compressed
    }

    /// Whether the payload was kept, so that the frames can be written again.
    pub(crate) const fn has_payload(&self) -> bool {
        !self.overlong
    }

    /// Whether it can only be forwarded verbatim or dropped.
    pub(crate) const fn is_opaque(&self) -> bool {
        self.opaque
    }

    /// Drops the payload, so that the content has to be encoded again.
    pub(super) fn drop_payload(&mut self) {
        self.overlong = true;
        self.payload = Vec::new();
    }

    /// The first frame's opcode.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        self.first.opcode
    }

    /// Bytes held in the log: headers, and the payload unless it equals the content.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.first.size + self.rest.len() + self.payload.len()
    }

    /// Appends a range of the payload; drops the whole payload if it exceeds `max_payload` bytes.
    pub(super) fn append(
        &mut self,
        wire: &[u8],
        mask: Mask,
        max_payload: usize,
    ) -> Result<(), OutOfMemory> {
        if self.overlong || wire.len() > max_payload - self.payload.len() {
            self.drop_payload();
            return Ok(());
        }
        append_unmasked(&mut self.payload, wire, mask)
    }

    /// Adds the header of the next frame, before which `decoded` bytes of content were decoded.
    pub(super) fn add_header(
        &mut self,
        header: &Header,
        decoded: usize,
    ) -> Result<(), OutOfMemory> {
        if self.compressed {
            self.content_ends.try_push(decoded)?;
        }
        if self.masked != Some(header.masking_key.is_some()) {
            self.masked = None;
        }
        self.rest.try_append(&header.to_bytes()[..header.size])
    }

    /// Notes that the message belongs to an unknown extension; `content_is_payload` says whether its
    /// content is the payload.
    pub(super) fn becomes_opaque(&mut self, content_is_payload: bool) {
        self.opaque = true;
        if content_is_payload {
            (self.compressed, self.payload) = (false, Vec::new());
        }
    }

    /// The received frames, to be written again; `content` is the decoded content.
    pub(crate) fn layout<'a>(&'a self, content: &'a [u8]) -> Result<Layout<'a>, OutOfMemory> {
        let is_own = self.compressed || self.first.opcode.is_control();
        let payload = if is_own { &self.payload } else { content };
        let mut rest = Vec::new();
        for header in self.continuations() {
            rest.try_push(header)?;
        }
        Ok(Layout::new(self.first, rest, payload))
    }

    /// The headers of all frames but the first.
    fn continuations(&self) -> impl Iterator<Item = Header> {
        let mut rest = &self.rest[..];
        std::iter::from_fn(move || {
            let header = header::parse(rest, &ANY, Order::Any).ok().flatten()?;
            rest = &rest[header.size..];
            Some(header)
        })
    }

    /// Clears RSV1 on a message, because the receiver would take the message as compressed.
    pub(crate) const fn clear_rsv1(&mut self) {
        if !self.first.opcode.is_control() && !self.opaque {
            self.first.rsv &= !RSV1;
        }
    }

    /// Whether every frame is masked, or none, as `masked` says.
    pub(crate) fn is_masked_as(&self, masked: bool) -> bool {
        self.masked == Some(masked)
    }

    /// Gives each frame a new masking key, or none if `masked` is false.
    pub(crate) fn remask<E: From<OutOfMemory>>(
        &mut self,
        masked: bool,
        mut key: impl FnMut() -> Result<[u8; 4], E>,
    ) -> Result<(), E> {
        let mut next = || masked.then(&mut key).transpose();
        let mut rest = Vec::new();
        for header in self.continuations() {
            let header = header.masked_with(next()?);
            rest.try_append(&header.to_bytes()[..header.size])?;
        }
        self.rest = rest;
        self.first = self.first.masked_with(next()?);
        self.masked = Some(masked);
        Ok(())
    }

    /// The content bytes of each frame; `length` is the length of the received content.
    pub(crate) fn sizes(&self, length: usize) -> Result<Vec<usize>, OutOfMemory> {
        let mut sizes = Vec::new();
        if !self.compressed {
            for header in std::iter::once(self.first).chain(self.continuations()) {
                #[expect(clippy::cast_possible_truncation, reason = "payloads that were held")]
                sizes.try_push(header.length as usize)?;
            }
            return Ok(sizes);
        }
        let mut start = 0;
        for end in self.content_ends.iter().copied().chain([length]) {
            sizes.try_push(end - std::mem::replace(&mut start, end))?;
        }
        Ok(sizes)
    }

    /// The fragment sizes for `content`; `length` is the length of the received content.
    pub(crate) fn fragments(
        &self,
        opcode: Opcode,
        content: &[u8],
        length: usize,
        fragmenter: &Fragmenter,
    ) -> Result<Vec<usize>, OutOfMemory> {
        fragmenter.sizes(opcode, content, &self.sizes(length)?)
    }
}

/// Appends `wire`, unmasked, to `payload`.
pub(crate) fn append_unmasked(
    payload: &mut Vec<u8>,
    wire: &[u8],
    mask: Mask,
) -> Result<(), OutOfMemory> {
    let start = payload.len();
    lengthen(payload, wire.len(), 0)?;
    mask.unmask(wire, &mut payload[start..]);
    Ok(())
}
