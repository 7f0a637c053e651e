//! The account of an open message: opcode, position, fragments and lengths, without the content.
//!
//! It is updated with each header, before the payload of that frame is read. The limits on frame
//! size, number of fragments and uncompressed size are checked here.
//!
//! - `announced` is the sum of the lengths in the message's headers, whether or not the bytes have
//!   arrived

use crate::error::Kind;
use crate::frame::header::Header;
use crate::frame::opcode::Opcode;
use crate::limits::{Excess, Limits};
use crate::read::event::Extent;

/// How a message's payload is decoded to its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) enum Decoding {
    /// The payload is the content.
    Plain,
    /// The payload is inflated.
    Deflate,
    /// The payload is kept unchanged: it is compressed and the window is unknown, or it belongs to
    /// an unknown extension.
    Opaque,
}

/// The account of a message whose first header has arrived.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Account {
    pub(crate) opcode: Opcode,
    /// Position of the first byte of its first frame, in bytes from the start of the direction.
    pub(crate) offset: u64,
    pub(crate) decoding: Decoding,
    compressed: bool,
    /// Whether one of its frames belongs to an unknown extension.
    pub(crate) foreign: bool,
    /// The OR of its frames' RSV bits.
    pub(crate) rsv: u8,
    fragments: u64,
    /// Sum of the lengths in its headers, in bytes.
    pub(crate) announced: u64,
    /// Sum of its headers' sizes, in bytes.
    headers: u64,
}

impl Account {
    pub(crate) const fn new(opcode: Opcode, offset: u64, decoding: Decoding) -> Self {
        Self {
            opcode,
            offset,
            decoding,
            compressed: matches!(decoding, Decoding::Deflate | Decoding::Opaque),
            foreign: false,
            rsv: 0,
            fragments: 0,
            announced: 0,
            headers: 0,
        }
    }

    /// Adds the header of the message's next frame, before its payload is read.
    pub(crate) fn announce(&mut self, header: &Header, limits: &Limits) -> Result<(), Kind> {
        self.announced = self.announced.saturating_add(header.length);
        self.headers += header.size as u64;
        self.fragments += 1;
        self.rsv |= header.rsv;
        limits.check_frame(header.length)?;
        match limits.max_message_size {
            Some(limit) if self.decoding != Decoding::Deflate && self.announced > limit => {
                return Err(Kind::Limit(Excess::MessageSize { limit, requested: self.announced }));
            }
            _ => {}
        }
        match limits.max_fragments {
            Some(limit) if self.fragments > limit => {
                Err(Kind::Limit(Excess::Fragments { limit, requested: self.fragments }))
            }
            _ => Ok(()),
        }
    }

    /// Whether only the first header was added.
    pub(crate) const fn is_first_frame(&self) -> bool {
        self.fragments == 1
    }

    /// Whether a header was added.
    pub(crate) const fn is_begun(&self) -> bool {
        self.fragments > 0
    }

    /// Subtracts announced bytes that were never sent.
    pub(crate) const fn cut_off(&mut self, unsent: u64) {
        self.announced -= unsent;
    }

    /// The extent so far; each frame whose header has arrived counts completely.
    pub(crate) fn extent(&self) -> Extent {
        Extent {
            frames: self.fragments,
            wire_length: self.headers.saturating_add(self.announced),
            payload_length: self.announced,
            compressed: self.compressed,
            refers_back: false,
        }
    }
}
