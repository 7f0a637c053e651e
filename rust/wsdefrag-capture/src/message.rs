//! A message of a capture, and how complete its content is.

use wsdefrag_core::Opcode;

/// What is to be thought of a message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Whole, and as it was sent.
    Ok,
    /// Bytes are missing; the content is what stood before the first missing one.
    Incomplete,
    /// Whole on the wire, but what it takes to inflate it is not known; the content is the
    /// compressed payload.
    Undecodable,
    /// Over a limit; the content is what the limit allowed, or nothing.
    TooBig,
    /// Whole, but a text that is not UTF-8; the content is its bytes.
    InvalidUtf8,
    /// Broken off by a broken rule; the content is what stood before it.
    ProtocolError,
}

impl Status {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Incomplete,
        Self::Undecodable,
        Self::TooBig,
        Self::InvalidUtf8,
        Self::ProtocolError,
    ];

    /// Its name in columns and JSON.
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

/// One message: a row of the messages table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The number of its connection.
    pub connection: u64,
    /// Its place among the messages of its direction, from 0.
    pub seq: u64,
    /// Who sent it.
    pub from_client: bool,
    /// Text or binary.
    pub opcode: Opcode,
    /// The decoded payload, as far as `status` says.
    pub content: Vec<u8>,
    /// When the packet that completed it was captured, in nanoseconds since the epoch.
    pub timestamp: i64,
    /// When the packet with its first byte was captured, in nanoseconds since the epoch.
    pub first_timestamp: i64,
    /// Its frames.
    pub frames: u32,
    /// Bytes of its frames on the wire, headers included.
    pub wire_length: u64,
    /// Payload bytes of its frames on the wire: compressed, where it was compressed.
    pub payload_length: u64,
    /// Whether it was compressed.
    pub compressed: bool,
    /// What is to be thought of `content`.
    pub status: Status,
    /// Payload bytes that were not captured.
    pub missing_bytes: u64,
    /// Whether it was found by looking for frames, where it was not known that one begins.
    pub resynced: bool,
    /// The packet with its first byte.
    pub first_packet: u64,
    /// The packet that completed it.
    pub last_packet: u64,
}
