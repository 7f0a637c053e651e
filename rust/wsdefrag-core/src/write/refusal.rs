//! What an encoder does not write, and why.
//!
//! A refused call changes nothing: neither the encoder nor what its peer will
//! be able to read.

use std::fmt;

use crate::error::OutOfMemory;
use crate::frame::opcode::Opcode;

/// Why nothing was encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A Close was encoded before.
    AfterClose,
    /// A message is open, and this would begin another one.
    InsideMessage(Opcode),
    /// A continuation while no message is open.
    NoMessage,
    /// The open message was begun as raw frames, and this is content, or the other way round.
    BegunOtherwise,
    /// A message, or its first fragment, of an opcode that is neither text nor binary.
    NotAMessage(Opcode),
    /// A fragment of an opcode that control frames have.
    NotAFragment(Opcode),
    /// A control frame without FIN.
    FragmentedControl(Opcode),
    /// A control frame with this many payload bytes.
    ControlTooLong(Opcode, usize),
    /// A close code that may not be sent.
    InvalidCloseCode(u16),
    /// A close reason without a code.
    ReasonWithoutCode,
    /// A text that is not UTF-8.
    NotUtf8,
    /// Compression was asked for and not agreed on.
    DeflateNotAgreed,
    /// Compression was chosen for a fragment that is not the first.
    CompressInsideMessage,
    /// Fragment sizes that do not add up to the content's bytes.
    FragmentSizes(usize),
    /// No fragments at all.
    NoFragments,
    /// A masking key for a frame of the server's.
    ServerMasks,
    /// There was no source of masking keys.
    NoMaskingKey,
    /// A message to be compressed between messages that go on as they came, and refer to earlier ones.
    WindowsWouldDiffer,
    /// A message behind one that will never be whole.
    BehindUnfinished,
    /// The allocator said no.
    OutOfMemory,
}

impl From<OutOfMemory> for Refusal {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AfterClose => f.write_str("nothing follows a Close (RFC 6455 section 5.5.1)"),
            Self::InsideMessage(opcode) => {
                write!(f, "{opcode} inside a fragmented message (RFC 6455 section 5.4)")
            }
            Self::NoMessage => f.write_str("CONTINUATION without a message (RFC 6455 section 5.4)"),
            Self::BegunOtherwise => {
                f.write_str("a message is either frames or fragments, from its start to its end")
            }
            Self::NotAMessage(opcode) => write!(f, "a message is TEXT or BINARY, not {opcode}"),
            Self::NotAFragment(opcode) => {
                write!(f, "a fragment is TEXT, BINARY or CONTINUATION, not {opcode}")
            }
            Self::FragmentedControl(opcode) => {
                write!(f, "fragmented {opcode} (RFC 6455 section 5.5)")
            }
            Self::ControlTooLong(opcode, length) => {
                write!(f, "{opcode} of {length} bytes, at most 125 (RFC 6455 section 5.5)")
            }
            Self::InvalidCloseCode(code) => {
                write!(f, "close code {code} may not be sent (RFC 6455 section 7.4)")
            }
            Self::ReasonWithoutCode => {
                f.write_str("close reason without a code (RFC 6455 section 5.5.1)")
            }
            Self::NotUtf8 => f.write_str("text is not UTF-8 (RFC 6455 section 8.1)"),
            Self::DeflateNotAgreed => {
                f.write_str("permessage-deflate was not agreed on (RFC 7692 section 6)")
            }
            Self::CompressInsideMessage => {
                f.write_str("compress is chosen with the first fragment (RFC 7692 section 6)")
            }
            Self::FragmentSizes(length) => {
                write!(f, "fragments must add up to the {length} bytes of the content")
            }
            Self::NoFragments => f.write_str("a message has at least one fragment"),
            Self::ServerMasks => f.write_str("a server does not mask (RFC 6455 section 5.1)"),
            Self::NoMaskingKey => f.write_str("no random bytes for a masking key"),
            Self::WindowsWouldDiffer => f.write_str(
                "a compressed message cannot be put between compressed messages that are passed on \
                 with their context (RFC 7692 section 7.1.1)",
            ),
            Self::BehindUnfinished => {
                f.write_str("the message before it will never be finished (RFC 6455 section 5.4)")
            }
            Self::OutOfMemory => f.write_str("no memory for the frames"),
        }
    }
}

impl std::error::Error for Refusal {}
