//! Reasons why an encoder refuses a call.
//!
//! A refused call changes nothing: the encoder's state stays the same, and nothing is written.

use std::fmt;

use crate::error::OutOfMemory;
use crate::frame::opcode::Opcode;

/// The text of [`Refusal::OutOfMemory`], for callers that must not allocate it.
pub const NO_MEMORY: &str = "no memory for the frames";

/// Why nothing was encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A Close was already encoded.
    AfterClose,
    /// A message is open, and this call would start another.
    InsideMessage(Opcode),
    /// A continuation frame while no message is open.
    NoMessage,
    /// The open message was started as frames and this is a fragment, or the reverse.
    MixedFramesAndFragments,
    /// A message whose opcode is neither text nor binary.
    NotAMessage(Opcode),
    /// A fragment with the opcode of a control frame.
    NotAFragment(Opcode),
    /// A control frame without FIN.
    FragmentedControl(Opcode),
    /// A control frame with this many payload bytes.
    ControlTooLong(Opcode, usize),
    /// A close code that an endpoint must not send.
    InvalidCloseCode(u16),
    /// A close reason without a close code.
    ReasonWithoutCode,
    /// A text that is not UTF-8.
    NotUtf8,
    /// Compression was requested but not agreed.
    DeflateNotAgreed,
    /// Compression was chosen for a fragment other than the first.
    CompressInsideMessage,
    /// Fragment sizes whose sum is not this length of the content, in bytes.
    FragmentSizes(usize),
    /// An empty list of fragment sizes.
    NoFragments,
    /// A masking key for a frame from the server.
    ServerMasks,
    /// No masking key was available.
    NoMaskingKey,
    /// A message to be compressed between forwarded messages that refer to earlier ones.
    WindowsWouldDiffer,
    /// A message or frame after one that will never be complete.
    AfterUnfinished,
    /// The allocator could not provide memory.
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
            Self::MixedFramesAndFragments => {
                f.write_str("a message is either frames or fragments, not both")
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
                f.write_str("compress can only be chosen for the first fragment (RFC 7692 section 6)")
            }
            Self::FragmentSizes(length) => {
                write!(f, "fragment sizes do not add up to the {length} bytes of the content")
            }
            Self::NoFragments => f.write_str("a message has at least one fragment"),
            Self::ServerMasks => f.write_str("a server does not mask (RFC 6455 section 5.1)"),
            Self::NoMaskingKey => f.write_str("no random bytes for a masking key"),
            Self::WindowsWouldDiffer => f.write_str(
                "a compressed message cannot be injected between compressed messages that are forwarded \
                 with their context (RFC 7692 section 7.1.1)",
            ),
            Self::AfterUnfinished => {
                f.write_str("the message before it will never be finished (RFC 6455 section 5.4)")
            }
            Self::OutOfMemory => f.write_str(NO_MEMORY),
        }
    }
}

impl std::error::Error for Refusal {}
