//! Opcodes (RFC 6455 section 5.2).

use std::fmt;

/// The type of a frame: the low four bits of its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Opcode {
    /// A further fragment of the open message.
    Continuation = 0x0,
    /// A text message, or the first fragment of one.
    Text = 0x1,
    /// A binary message, or the first fragment of one.
    Binary = 0x2,
    /// A Close frame, which starts or answers the closing handshake.
    Close = 0x8,
    /// A Ping frame, which the peer answers with a Pong.
    Ping = 0x9,
    /// A Pong frame, which answers a Ping.
    Pong = 0xA,
}

impl Opcode {
    /// The opcode with this value; `None` for a reserved value.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// Whether it is Close, Ping or Pong. Control frames are not fragmented and have at most 125
    /// payload bytes (section 5.5).
    #[inline]
    #[must_use]
    pub const fn is_control(self) -> bool {
        self as u8 & 0x8 != 0
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Continuation => "CONTINUATION",
            Self::Text => "TEXT",
            Self::Binary => "BINARY",
            Self::Close => "CLOSE",
            Self::Ping => "PING",
            Self::Pong => "PONG",
        })
    }
}
