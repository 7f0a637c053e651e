//! What a relay asks of the caller's object for a message or control frame, and tells it.
//!
//! A relay holds such an object while the event waits for a decision, or while an injected message
//! waits for its place between the forwarded frames.

/// A message or control frame that a relay holds until it is forwarded or dropped.
pub trait Held {
    /// The message's content as it was received; empty for a control frame. It does not change
    /// while the event is held.
    fn content(&self) -> &[u8];

    /// Whether the caller has marked the event as dropped.
    fn is_dropped(&self) -> bool {
        false
    }

    /// Called when the relay drops the event.
    fn set_dropped(&mut self) {}

    /// Called when the relay releases the event because the caller marked it as dropped without
    /// calling `forward` or `discard`.
    fn set_released(&mut self) {}
}

impl Held for Vec<u8> {
    fn content(&self) -> &[u8] {
        self
    }
}
