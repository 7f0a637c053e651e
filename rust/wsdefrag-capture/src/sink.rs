//! Where messages and connections go: a message when it completes, a connection when it opens and
//! when it ends.

use crate::connection::Connection;
use crate::message::Message;

/// Takes what comes out.
pub trait Sink {
    /// A WebSocket was recognised; its handshake is known, as far as it was captured.
    fn opened(&mut self, connection: &Connection);
    /// A message was completed, or is known never to be.
    fn message(&mut self, message: Message);
    /// A connection has ended; its account is complete.
    fn ended(&mut self, connection: Connection);
}
