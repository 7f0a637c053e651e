//! How much a peer may make us hold.
//!
//! Every limit is inclusive: a message of exactly the limit passes. `None`
//! switches a limit off. Lengths are compared before memory is taken for them,
//! and inflated output while it is made.

const MIB: u64 = 1 << 20;

/// Bounds on what one direction may announce or inflate to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Payload bytes of one data frame, as announced (control frames hold 125 at most anyway).
    pub max_frame_size: Option<u64>,
    /// Decoded bytes of one message.
    pub max_message_size: Option<u64>,
    /// Frames of one message; empty ones count.
    pub max_fragments: Option<u64>,
    /// Decoded bytes of a compressed message over its announced payload bytes so far.
    pub max_inflate_ratio: Option<f64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_frame_size: Some(64 * MIB),
            max_message_size: Some(64 * MIB),
            max_fragments: Some(16_384),
            max_inflate_ratio: None,
        }
    }
}

impl Limits {
    /// Refuses a data frame that announces `length` bytes of payload.
    #[inline]
    pub(crate) const fn check_frame(&self, length: u64) -> Result<(), Excess> {
        match self.max_frame_size {
            Some(limit) if length > limit => Err(Excess::FrameSize { limit, requested: length }),
            _ => Ok(()),
        }
    }
}

/// Which limit was exceeded, its value and what was asked of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Excess {
    /// `max_frame_size`, in bytes.
    FrameSize {
        /// The limit in force, in bytes.
        limit: u64,
        /// The announced length, in bytes.
        requested: u64,
    },
    /// `max_message_size`, in bytes.
    MessageSize {
        /// The limit in force, in bytes.
        limit: u64,
        /// What the message came to, in bytes; for an inflated one, at least that much.
        requested: u64,
    },
    /// `max_fragments`, in frames.
    Fragments {
        /// The limit in force, in frames.
        limit: u64,
        /// The number of the frame that went too far.
        requested: u64,
    },
    /// `max_inflate_ratio`.
    InflateRatio {
        /// The limit in force, decoded bytes over compressed bytes.
        limit: f64,
        /// What the message came to at least, in decoded bytes.
        requested: u64,
    },
    /// What the caller's memory may hold for all its directions together, in bytes.
    Budget {
        /// The limit in force, in bytes.
        limit: u64,
        /// What would be held at least, in bytes.
        requested: u64,
    },
}

impl Excess {
    /// The name of the limit's field in [`Limits`], or `budget`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FrameSize { .. } => "max_frame_size",
            Self::MessageSize { .. } => "max_message_size",
            Self::Fragments { .. } => "max_fragments",
            Self::InflateRatio { .. } => "max_inflate_ratio",
            Self::Budget { .. } => "budget",
        }
    }

    /// What was asked: bytes, or frames for `max_fragments`.
    #[must_use]
    pub const fn requested(&self) -> u64 {
        match *self {
            Self::FrameSize { requested, .. }
            | Self::MessageSize { requested, .. }
            | Self::Fragments { requested, .. }
            | Self::InflateRatio { requested, .. }
            | Self::Budget { requested, .. } => requested,
        }
    }
}
