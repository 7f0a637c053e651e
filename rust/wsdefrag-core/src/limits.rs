//! Limits on the memory that a peer can make a reader use.
//!
//! Every limit is inclusive: a message of exactly the limit is accepted. `None` switches a limit
//! off. Announced lengths are compared before memory is reserved for them; inflated bytes are
//! compared while they are produced.

const MIB: u64 = 1 << 20;

/// Limits for one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Limits {
    /// Announced payload bytes of one data frame. (A control frame never exceeds 125.)
    pub max_frame_size: Option<u64>,
    /// Decoded bytes of one message.
    pub max_message_size: Option<u64>,
    /// Frames of one message, empty frames included.
    pub max_fragments: Option<u64>,
    /// Ratio of a compressed message's decoded bytes to its payload bytes announced so far.
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
    /// The length in bytes from which on an uncompressed message in one frame exceeds a limit.
    pub(crate) fn too_long(&self) -> u64 {
        if self.max_fragments == Some(0) {
            return 0;
        }
        let most = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        most(self.max_frame_size).min(most(self.max_message_size)).saturating_add(1)
    }

    /// Checks a data frame's announced `length`, in bytes.
    #[inline]
    pub(crate) const fn check_frame(&self, length: u64) -> Result<(), Excess> {
        match self.max_frame_size {
            Some(limit) if length > limit => Err(Excess::FrameSize { limit, requested: length }),
            _ => Ok(()),
        }
    }
}

/// Which limit was exceeded, its value, and the amount requested.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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
        /// The size of the message in bytes; a lower bound for a compressed message.
        requested: u64,
    },
    /// `max_fragments`, in frames.
    Fragments {
        /// The limit in force, in frames.
        limit: u64,
        /// The number of frames, counting the one that exceeded the limit.
        requested: u64,
    },
    /// `max_inflate_ratio`.
    InflateRatio {
        /// The limit in force: decoded bytes per compressed byte.
        limit: f64,
        /// A lower bound for the decoded size of the message, in bytes.
        requested: u64,
    },
    /// The caller's memory budget for all its directions together, in bytes.
    Budget {
        /// The limit in force, in bytes.
        limit: u64,
        /// A lower bound for the bytes that would be held.
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

    /// The amount requested: frames for `max_fragments`, otherwise bytes.
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
