//! The events of one direction.

use crate::error::Kind;
use crate::frame::close::Close;
use crate::frame::opcode::Opcode;

/// The size of a message on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Number of its frames.
    pub frames: u64,
    /// Size of its frames, headers included, in bytes.
    pub wire_length: u64,
    /// Size of its payloads before inflating, in bytes.
    pub payload_length: u64,
    /// Whether it was compressed.
    pub compressed: bool,
    /// Whether it refers to earlier messages although no context takeover was agreed. A receiver
    /// that relies on the agreement cannot inflate its frames.
    pub refers_back: bool,
}

/// Why a message of a [passive](crate::read::passive::Passive) direction is incomplete or invalid.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Damage {
    /// Payload bytes were not captured.
    Missing,
    /// Bytes that are needed to inflate it were not captured.
    Undecodable,
    /// It breaks a rule or exceeds a limit.
    Fault(Kind),
}

/// An event of one direction.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<'a, C> {
    /// A complete message; the offset is that of its first frame.
    Message {
        /// Text or binary.
        opcode: Opcode,
        /// The decoded payload.
        content: C,
        /// Its size on the wire.
        extent: Extent,
    },
    /// An incomplete or invalid message or control frame; only passive directions produce it. The
    /// offset is that of its first frame.
    Damaged {
        /// The opcode of its first frame.
        opcode: Opcode,
        /// The decoded payload before the first missing or rejected byte; all of a text that is not
        /// UTF-8; the compressed payload if it cannot be inflated.
        content: C,
        /// Its size on the wire. Bytes that were not captured count if their frame is known.
        extent: Extent,
        /// Why it is incomplete or invalid.
        damage: Damage,
        /// Payload bytes that were not captured.
        missing: u64,
    },
    /// A complete message of an agreed extension that this crate does not know, or a compressed
    /// message after such an extension has made the window unknown.
    Opaque {
        /// The opcode of its first frame: text or binary.
        opcode: Opcode,
        /// The payload, not decoded. Empty if the extension's bits came after a part of the message
        /// was inflated.
        content: C,
        /// The OR of its frames' RSV bits; RSV1 counts 4.
        rsv: u8,
        /// Its size on the wire.
        extent: Extent,
    },
    /// A complete message whose content was not collected, see
    /// [`Collection`](crate::Collection); the offset is that of its first frame.
    Uncollected {
        /// Text or binary.
        opcode: Opcode,
        /// Bytes of its content; of its payload, if that could not be decoded.
        length: u64,
        /// Its size on the wire.
        extent: Extent,
    },
    /// A ping with its payload.
    Ping(&'a [u8]),
    /// A pong with its payload.
    Pong(&'a [u8]),
    /// The peer's Close; no event follows it.
    Close(Close<'a>),
}

/// The incomplete message or frame at the end of a direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incomplete<C> {
    /// The opcode of the open message or of the incomplete frame.
    pub opcode: Opcode,
    /// The decoded payload so far.
    pub content: C,
    /// Position of the first byte of the message's first frame, or of the incomplete frame.
    pub offset: u64,
}
