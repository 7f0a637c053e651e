//! A captured message, and how complete its content is.

use serde::{Deserialize, Serialize};
use wsdefrag_core::Opcode;

/// How complete a message's content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Complete.
    Ok,
    /// Some bytes were not captured. The content ends before the first of them.
    Incomplete,
    /// Captured whole, but it cannot be inflated: the parameters or earlier messages are unknown. The
    /// content is the compressed payload.
    Undecodable,
    /// Over a limit. The content is the part within the limit, or empty.
    TooBig,
    /// Complete, but a text that is not UTF-8. The content has the bytes unchanged.
    InvalidUtf8,
    /// A rule was broken inside the message. The content ends before that.
    ProtocolError,
}

impl Status {
    /// All values, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Incomplete,
        Self::Undecodable,
        Self::TooBig,
        Self::InvalidUtf8,
        Self::ProtocolError,
    ];

    /// The name in columns and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Incomplete => "incomplete",
            Self::Undecodable => "undecodable",
            Self::TooBig => "too_big",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::ProtocolError => "protocol_error",
        }
    }
}

/// The name of a message's type in columns and JSON. It is a continuation if the first frame, which
/// has the type, was not captured.
#[must_use]
pub const fn type_name(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Text => "text",
        Opcode::Binary => "binary",
        _ => "continuation",
    }
}

/// A message: a row of the messages table.
#[expect(clippy::struct_excessive_bools, reason = "columns of a row")]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The number of the connection, from 0.
    pub connection: u64,
    /// The number of the message in its direction, from 0.
    pub seq: u64,
    /// Whether the client sent it.
    pub from_client: bool,
    /// Text or binary; a continuation if the first frame was not captured.
    pub opcode: Opcode,
    /// The decoded payload. `status` tells how complete it is.
    #[serde(with = "serde_bytes")]
    pub content: Vec<u8>,
    /// When the packet that completed the message was captured, in nanoseconds since the epoch.
    pub timestamp: i64,
    /// When the packet with the message's first byte was captured, in nanoseconds since the epoch.
    pub first_timestamp: i64,
    /// Whether a relay dropped it. Only recorded connections say so; a capture of packets cannot.
    pub dropped: bool,
    /// Whether a relay injected it, likewise.
    pub injected: bool,
    /// The number of frames.
    pub frames: u32,
    /// Bytes of the frames on the wire, headers included.
    pub wire_length: u64,
    /// Payload bytes of the frames on the wire, before inflation.
    pub payload_length: u64,
    /// Whether the message was compressed.
    pub compressed: bool,
    /// How complete `content` is.
    pub status: Status,
    /// Payload bytes that were not captured.
    pub missing_bytes: u64,
    /// Whether the frames were found by a search.
    pub resynced: bool,
    /// Whether it may have bytes of TLS records that were captured in part. Such bytes are decrypted,
    /// and no tag confirms them.
    pub unauthenticated: bool,
    /// The number of the packet with the message's first byte, from 1.
    pub first_packet: u64,
    /// The number of the packet that completed the message, from 1.
    pub last_packet: u64,
    /// The file that the last packet is in: its index among the files of the capture.
    pub file: u32,
}
