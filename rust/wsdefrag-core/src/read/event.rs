//! What comes out of one direction.

use crate::error::Kind;
use crate::frame::close::Close;
use crate::frame::opcode::Opcode;

/// What a message was made of on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Its frames.
    pub frames: u64,
    /// Bytes of its frames, headers included.
    pub wire_length: u64,
    /// Bytes of its frames' payloads: compressed, where it was compressed.
    pub payload_length: u64,
    /// Whether it was compressed.
    pub compressed: bool,
    /// Whether it refers to earlier messages although its sender agreed that none would. Its frames
    /// are of no use to a receiver that holds the sender to that.
    pub refers_back: bool,
}

/// Why a message of a [passive](crate::read::passive::Passive) direction is not as it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Damage {
    /// Payload bytes did not come.
    Missing,
    /// What it takes to inflate it did not come.
    Undecodable,
    /// A rule was broken, or a limit would have been exceeded.
    Fault(Kind),
}

/// What one direction holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a, C> {
    /// A whole message; the offset is that of its first frame.
    Message {
        /// Text or binary.
        opcode: Opcode,
        /// The decoded payload.
        content: C,
        /// What it was made of.
        extent: Extent,
    },
    /// What there is of a message, or of a control frame, that is not as it was sent; only passive
    /// directions give it. The offset is that of its first frame.
    Damaged {
        /// The opcode of its first frame.
        opcode: Opcode,
        /// The decoded payload before the first byte that is missing or was refused; all of a text
        /// that is not UTF-8; the payload as it was sent of what cannot be inflated.
        content: C,
        /// What it was made of. Bytes that did not come count where their frame is known.
        extent: Extent,
        /// What is wrong with it.
        damage: Damage,
        /// Payload bytes that did not come.
        missing: u64,
    },
    /// A whole message of an agreed extension that this crate does not know, or of
    /// permessage-deflate where such an extension made its window unknown.
    Opaque {
        /// Text or binary, as its first frame says.
        opcode: Opcode,
        /// The payload as it was sent. Empty where the extension's bits came only after some of a
        /// compressed message was inflated.
        content: C,
        /// The RSV bits of all of its frames together; RSV1 counts 4.
        rsv: u8,
        /// What it was made of.
        extent: Extent,
    },
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong with its payload.
    Pong(&'a [u8]),
    /// The peer's close frame; nothing follows it.
    Close(Close<'a>),
}

/// What had arrived of a message, or else of a frame, when its direction ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete<C> {
    /// The open message's opcode, or that of the frame that was cut.
    pub opcode: Opcode,
    /// The decoded payload so far.
    pub content: C,
    /// The first byte of the message's first frame, or of the frame that was cut.
    pub offset: u64,
}
