//! The error type for wire data: the rule that was broken, and its position.
//!
//! An [`Error`] holds a [`Kind`] and an offset. The kind determines the close code and the RFC
//! section.
//!
//! - `offset` is the position of the first byte of the offending frame, counted from the start of
//!   the direction; it does not depend on how the input was split into chunks

use std::collections::TryReserveError;
use std::fmt;

use crate::frame::opcode::Opcode;
use crate::limits::Excess;

/// The rule that was broken.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Kind {
    /// RSV bits that no agreed extension defines, as a number (RSV1 = 4, RSV2 = 2, RSV3 = 1).
    ReservedBits(u8),
    /// An opcode that RFC 6455 reserves.
    ReservedOpcode(u8),
    /// A control frame without FIN.
    FragmentedControl(Opcode),
    /// A control frame with an announced length of more than 125 bytes.
    ControlTooLong(Opcode),
    /// A masked frame from the server.
    MaskedFromServer,
    /// An unmasked frame from the client.
    UnmaskedFromClient,
    /// A payload length that is not encoded in its shortest form.
    NonMinimalLength(u64),
    /// A 64-bit length with its top bit set.
    LengthTopBit,
    /// A continuation frame while no message is open.
    ContinuationWithoutStart,
    /// A text or binary frame while a message is open.
    DataInsideMessage(Opcode),
    /// A close payload of one byte; a close code takes two.
    ClosePayloadOneByte,
    /// A close code that an endpoint must not send.
    InvalidCloseCode(u16),
    /// A close reason that is not UTF-8.
    InvalidCloseReason,
    /// A text message that is not UTF-8.
    InvalidUtf8,
    /// A compressed payload that is not valid deflate data.
    InvalidDeflateData,
    /// A compressed message that ends inside a deflate block.
    TruncatedDeflateData,
    /// A compressed message with more final blocks than this many.
    TooManyDeflateMembers(u32),
    /// A limit would have been exceeded.
    Limit(Excess),
    /// The allocator could not provide memory.
    OutOfMemory,
}

impl Kind {
    /// The kind's name, stable across releases. For a limit it is the name of the field in
    /// `Limits`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ReservedBits(_) => "reserved_bits",
            Self::ReservedOpcode(_) => "reserved_opcode",
            Self::FragmentedControl(_) => "fragmented_control_frame",
            Self::ControlTooLong(_) => "control_frame_too_long",
            Self::MaskedFromServer => "masked_frame_from_server",
            Self::UnmaskedFromClient => "unmasked_frame_from_client",
            Self::NonMinimalLength(_) => "non_minimal_length",
            Self::LengthTopBit => "length_top_bit",
            Self::ContinuationWithoutStart => "continuation_without_start",
            Self::DataInsideMessage(_) => "data_frame_inside_message",
            Self::ClosePayloadOneByte => "close_payload_one_byte",
            Self::InvalidCloseCode(_) => "invalid_close_code",
            Self::InvalidCloseReason => "invalid_close_reason",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidDeflateData => "invalid_deflate_data",
            Self::TruncatedDeflateData => "truncated_deflate_data",
            Self::TooManyDeflateMembers(_) => "too_many_deflate_members",
            Self::Limit(excess) => excess.name(),
            Self::OutOfMemory => "out_of_memory",
        }
    }

    /// Whether the error concerns the content of a message, so that the frame boundaries stay
    /// known.
    #[must_use]
    pub const fn is_of_content(&self) -> bool {
        matches!(
            self,
            Self::InvalidUtf8
                | Self::InvalidDeflateData
                | Self::TruncatedDeflateData
                | Self::TooManyDeflateMembers(_)
                | Self::Limit(_)
                | Self::OutOfMemory
        )
    }

    /// The close code to answer with (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(&self) -> u16 {
        match self {
            Self::InvalidCloseReason
            | Self::InvalidUtf8
            | Self::InvalidDeflateData
            | Self::TruncatedDeflateData
            | Self::TooManyDeflateMembers(_) => 1007,
            Self::Limit(Excess::Budget { .. }) => 1013,
            Self::Limit(_) => 1009,
            Self::OutOfMemory => 1011,
            _ => 1002,
        }
    }

    /// The RFC section that states the rule.
    #[must_use]
    pub const fn rfc_section(&self) -> &'static str {
        match self {
            Self::ReservedBits(_)
            | Self::ReservedOpcode(_)
            | Self::NonMinimalLength(_)
            | Self::LengthTopBit => "RFC 6455 section 5.2",
            Self::FragmentedControl(_) | Self::ControlTooLong(_) => "RFC 6455 section 5.5",
            Self::MaskedFromServer | Self::UnmaskedFromClient => "RFC 6455 section 5.1",
            Self::ContinuationWithoutStart | Self::DataInsideMessage(_) => "RFC 6455 section 5.4",
            Self::ClosePayloadOneByte | Self::InvalidCloseReason => "RFC 6455 section 5.5.1",
            Self::InvalidCloseCode(_) => "RFC 6455 section 7.4",
            Self::InvalidUtf8 => "RFC 6455 section 8.1",
            Self::InvalidDeflateData
            | Self::TruncatedDeflateData
            | Self::TooManyDeflateMembers(_) => "RFC 7692 section 7.2.2",
            Self::Limit(_) | Self::OutOfMemory => "RFC 6455 section 10.4",
        }
    }
}

impl From<OutOfMemory> for Kind {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<Excess> for Kind {
    fn from(excess: Excess) -> Self {
        Self::Limit(excess)
    }
}

/// A broken rule and the position of the frame that broke it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Error {
    /// The rule that was broken.
    pub kind: Kind,
    /// Position of the first byte of the offending frame, in bytes from the start of the direction.
    pub offset: u64,
}

impl fmt::Display for Error {
    /// Writes the broken rule, the value, the offset and the RFC section.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::ReservedBits(bits) => {
                f.write_str("reserved bits set:")?;
                for (bit, name) in [(4, " RSV1"), (2, " RSV2"), (1, " RSV3")] {
                    if bits & bit != 0 {
                        f.write_str(name)?;
                    }
                }
            }
            Kind::ReservedOpcode(bits) => write!(f, "reserved opcode {bits:#x}")?,
            Kind::FragmentedControl(opcode) => write!(f, "fragmented {opcode}")?,
            Kind::ControlTooLong(opcode) => write!(f, "{opcode} announced over 125 bytes")?,
            Kind::MaskedFromServer => f.write_str("masked frame from the server")?,
            Kind::UnmaskedFromClient => f.write_str("unmasked frame from the client")?,
            Kind::NonMinimalLength(length) => {
                write!(f, "length {length} not in its shortest form")?;
            }
            Kind::LengthTopBit => f.write_str("64-bit length with its top bit set")?,
            Kind::ContinuationWithoutStart => f.write_str("CONTINUATION without a message")?,
            Kind::DataInsideMessage(opcode) => write!(f, "{opcode} inside a fragmented message")?,
            Kind::ClosePayloadOneByte => f.write_str("CLOSE payload of 1 byte")?,
            Kind::InvalidCloseCode(code) => write!(f, "close code {code} may not be sent")?,
            Kind::InvalidCloseReason => f.write_str("close reason is not UTF-8")?,
            Kind::InvalidUtf8 => f.write_str("text is not UTF-8")?,
            Kind::InvalidDeflateData => f.write_str("compressed payload is not deflate data")?,
            Kind::TruncatedDeflateData => {
                f.write_str("compressed message stops inside a deflate block")?;
            }
            Kind::TooManyDeflateMembers(cap) => {
                write!(f, "compressed message of over {cap} final deflate blocks")?;
            }
            Kind::Limit(excess) => {
                let requested = excess.requested();
                match excess {
                    Excess::FrameSize { limit, .. } => {
                        write!(f, "frame of {requested} bytes, max_frame_size is {limit}")?;
                    }
                    Excess::MessageSize { limit, .. } => write!(
                        f,
                        "message of at least {requested} bytes, max_message_size is {limit}"
                    )?,
                    Excess::Fragments { limit, .. } => {
                        write!(f, "message of {requested} frames, max_fragments is {limit}")?;
                    }
                    Excess::InflateRatio { limit, .. } => write!(
                        f,
                        "message inflates to at least {requested} bytes, max_inflate_ratio is {limit:?}"
                    )?,
                    Excess::Budget { limit, .. } => write!(
                        f,
                        "at least {requested} bytes to be held at once, the budget is {limit}"
                    )?,
                }
            }
            Kind::OutOfMemory => f.write_str("no memory for the payload")?,
        }
        write!(f, " at byte {} ({})", self.offset, self.kind.rfc_section())
    }
}

impl std::error::Error for Error {}

/// The allocator could not provide memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl From<TryReserveError> for OutOfMemory {
    fn from(_: TryReserveError) -> Self {
        Self
    }
}
