//! The receiver of messages and connections, which the caller implements.
//!
//! A connection is reported when it opens and when it ends; its messages come in between, in order.

use crate::connection::Connection;
use crate::message::Message;

/// Receives messages and connections.
pub trait Sink {
    /// A WebSocket was recognised. It has its handshake, as far as that was captured.
    fn opened(&mut self, connection: &Connection);
    /// A message is complete, or cannot become complete.
    fn message(&mut self, message: Message);
    /// A connection has ended. Its accounts are complete.
    fn ended(&mut self, connection: Connection);
    /// Whether no more is wanted for now. Reading stops after the packet that made the sink full,
    /// so it may get what that packet completes beyond this.
    fn is_full(&self) -> bool {
        false
    }
}
