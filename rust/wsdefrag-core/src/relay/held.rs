//! The caller's side of an event, or of a message put in, that a relay holds.

/// An event that a relay holds until it is sent on or dropped.
pub trait Held {
    /// The content of a message as it came, which does not change while it is held; empty for a
    /// control frame.
    fn content(&self) -> &[u8];

    /// Whether the caller has marked it as one that is not to be sent on.
    fn is_dropped(&self) -> bool {
        false
    }

    /// Is told that it will not be sent on.
    fn set_dropped(&mut self) {}

    /// Is told that it was let go because the caller had marked it, before the caller decided on
    /// it by a call.
    fn set_released(&mut self) {}
}

impl Held for Vec<u8> {
    fn content(&self) -> &[u8] {
        self
    }
}
