//! The receiver of what a capture gives out, which the caller implements.
//!
//! A connection is reported when it opens and when it ends; its messages and events come in between,
//! in order.
//!
//! A gap comes twice. [`gap`](Sink::gap) reports it in its place, before the message that it makes
//! incomplete. [`event`](Sink::event) gives its row when its cost is certain: at once, when the next
//! gap of the kind follows, or at the end of the direction.

#![expect(clippy::disallowed_methods, reason = "the list of a caller who wants all rows")]

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use serde::{Deserialize, Serialize};

/// Receives messages, events and connections.
pub trait Sink {
    /// A WebSocket was recognised. It has its handshake, as far as that was captured.
    fn opened(&mut self, connection: &Connection);
    /// A message is complete, or cannot become complete.
    fn message(&mut self, message: Message);
    /// A message whose content, of this length, was replaced by what the receiver had another thread
    /// [prepare](crate::output::Prepare).
    fn prepared(&mut self, message: Message, length: usize) {
        let _ = length;
        self.message(message);
    }
    /// A buffer that the receiver does not need any more, of any length. It is used for the content of a
    /// later message, which saves its allocation.
    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        Vec::new()
    }
    /// A gap, in its place. Its cost may not be certain yet; its row follows.
    fn gap(&mut self, gap: &CaptureEvent) {
        let _ = gap;
    }
    /// A control frame, a violation, or a gap whose cost is certain.
    fn event(&mut self, event: CaptureEvent);
    /// A connection has ended. Its accounts are complete.
    fn ended(&mut self, connection: Connection);
    /// A number that a connection had, whether it was a WebSocket or not, comes in no more rows.
    #[inline]
    fn closed(&mut self, number: u64) {
        let _ = number;
    }
    /// Whether no more is wanted for now. Reading stops after the packet that made the sink full,
    /// so it may get what that packet completes beyond this.
    fn is_full(&self) -> bool {
        false
    }
}

/// What a direction gives out, until it is passed on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Row {
    /// A message.
    Message(Message),
    /// A gap in its place.
    Gap(CaptureEvent),
    /// An event.
    Event(CaptureEvent),
}

/// Keeps rows until they are passed on.
#[derive(Debug, Default)]
pub(crate) struct HeldRows(pub(crate) Vec<Row>);

impl Sink for HeldRows {
    fn opened(&mut self, _: &Connection) {}

    fn message(&mut self, message: Message) {
        self.0.push(Row::Message(message));
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.0.push(Row::Gap(gap.clone()));
    }

    fn event(&mut self, event: CaptureEvent) {
        self.0.push(Row::Event(event));
    }

    fn ended(&mut self, _: Connection) {}
}

impl Row {
    /// Passes the row on.
    pub(crate) fn deliver(self, sink: &mut impl Sink) {
        match self {
            Self::Message(message) => sink.message(message),
            Self::Gap(gap) => sink.gap(&gap),
            Self::Event(event) => sink.event(event),
        }
    }
}
