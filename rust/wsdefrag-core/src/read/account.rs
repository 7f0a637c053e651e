//! What is known of an open message without its content.
//!
//! It grows with each header, before anything of that frame's payload is looked
//! at, and so is where limits on frames, fragments and plain sizes are checked.
//!
//! - `announced` is the sum of the lengths in its headers, whether that came or not

use crate::error::Kind;
use crate::frame::header::Header;
use crate::frame::opcode::Opcode;
use crate::limits::{Excess, Limits};
use crate::read::event::Extent;

/// How a message's payload is turned into its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// It is the content.
    Plain,
    /// It is inflated.
    Deflate,
    /// It is kept as it is: it would have to be inflated, but the window for it is not known, or it
    /// belongs to an extension that is not known.
    Opaque,
}

/// The account of a message of which at least the first header has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Account {
    pub(crate) opcode: Opcode,
    /// The first byte of its first frame, from the start of the direction.
    pub(crate) offset: u64,
    pub(crate) coding: Coding,
    compressed: bool,
    /// Whether a frame of it belongs to an extension that is not known.
    pub(crate) foreign: bool,
    /// The RSV bits of its frames together.
    pub(crate) rsv: u8,
    fragments: u64,
    /// Payload bytes that its headers have announced.
    pub(crate) announced: u64,
    /// Bytes of those headers.
    headers: u64,
}

impl Account {
    pub(crate) const fn new(opcode: Opcode, offset: u64, coding: Coding) -> Self {
        Self {
            opcode,
            offset,
            coding,
            compressed: matches!(coding, Coding::Deflate | Coding::Opaque),
            foreign: false,
            rsv: 0,
            fragments: 0,
            announced: 0,
            headers: 0,
        }
    }

    /// Takes the header of the message's next frame, before any of that frame's payload.
    pub(crate) fn announce(&mut self, header: &Header, limits: &Limits) -> Result<(), Kind> {
        self.announced = self.announced.saturating_add(header.length);
        self.headers += header.size as u64;
        self.fragments += 1;
        self.rsv |= header.rsv;
        limits.check_frame(header.length)?;
        match limits.max_message_size {
            Some(limit) if self.coding != Coding::Deflate && self.announced > limit => {
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

    /// Whether the header of a frame was taken.
    pub(crate) const fn is_begun(&self) -> bool {
        self.fragments > 0
    }

    /// Takes back the last bytes that its headers announced: they were never sent.
    pub(crate) const fn cut_off(&mut self, unsent: u64) {
        self.announced -= unsent;
    }

    /// What it is made of so far, counting the whole of each frame whose header has come.
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
