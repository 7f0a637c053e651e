//! What lines say of the connections that are open.

#![expect(
    clippy::disallowed_methods,
    reason = "connections that are open, which are charged elsewhere"
)]

use std::collections::HashMap;

use crate::connection::Connection;
use crate::connection_facts::ConnectionFacts;

/// What lines say of the connections that are open.
#[derive(Debug, Default)]
pub(super) struct OpenConnections {
    open: HashMap<u64, ConnectionFacts, foldhash::fast::FixedState>,
    unknown: ConnectionFacts,
}

impl OpenConnections {
    pub(super) fn opened(&mut self, connection: &Connection) {
        self.open.insert(connection.connection, ConnectionFacts::of(connection));
    }

    pub(super) fn ended(&mut self, connection: u64) {
        self.open.remove(&connection);
    }

    /// The facts of an open connection.
    #[inline]
    pub(super) fn find(&self, connection: u64) -> &ConnectionFacts {
        self.open.get(&connection).unwrap_or(&self.unknown)
    }
}
