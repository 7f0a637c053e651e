//! Sorts the output that the end of a capture causes.
//!
//! Opened connections come first, in the order of their numbers; then messages, in the order of the
//! packets that completed them; then ended connections, in the order of their numbers. So the output
//! does not depend on the order in which the connections are ended.

use crate::connection::Connection;
use crate::message::Message;
use crate::sink::Sink;

/// The output that the end of a capture causes, until it is sorted.
#[derive(Default)]
pub(super) struct FinalOutput {
    opened: Vec<Connection>,
    messages: Vec<Message>,
    ended: Vec<Connection>,
}

impl FinalOutput {
    /// Sorts the output and gives it to `sink`.
    pub(super) fn deliver(self, sink: &mut impl Sink) {
        let Self { mut opened, mut messages, mut ended } = self;
        messages.sort_by_key(|m| (m.last_packet, m.connection, m.from_client, m.seq));
        opened.sort_by_key(|connection| connection.connection);
        ended.sort_by_key(|connection| connection.connection);
        for connection in &opened {
            sink.opened(connection);
        }
        for message in messages {
            sink.message(message);
        }
        for connection in ended {
            sink.ended(connection);
        }
    }
}

impl Sink for FinalOutput {
    fn opened(&mut self, connection: &Connection) {
        self.opened.push(connection.clone());
    }

    fn message(&mut self, message: Message) {
        self.messages.push(message);
    }

    fn ended(&mut self, connection: Connection) {
        self.ended.push(connection);
    }
}
