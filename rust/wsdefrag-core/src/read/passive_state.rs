//! What a reassembler knows of an observed direction besides its frames.

/// The state of a passive direction.
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[expect(clippy::struct_excessive_bools, reason = "they are independent")]
pub(super) struct PassiveState {
    pub(super) on: bool,
    pub(super) contents: bool,
    /// Whether the inflater's window equals the sender's.
    pub(super) window_known: bool,
    /// Payload bytes of the current control frame that were not captured.
    pub(super) control_missing: u64,
    /// Payload bytes of that frame before the first missing one.
    pub(super) control_whole: usize,
    /// Bytes of incomplete frames that belong to no message.
    pub(super) skipped: u64,
    pub(super) lost: bool,
}

impl PassiveState {
    pub(super) const OFF: Self = Self {
        on: false,
        contents: true,
        window_known: true,
        control_missing: 0,
        control_whole: 0,
        skipped: 0,
        lost: false,
    };
}
