//! What rows of other tables say of their connection.

use crate::connection::Connection;

/// What rows of other tables say of their connection. `Connection::facts_memory` is what it takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionFacts {
    /// Its identity.
    pub uid: [u8; 16],
    /// The request's host.
    pub host: Option<Box<str>>,
    /// The request's path and query.
    pub path: Option<Box<str>>,
}

impl ConnectionFacts {
    /// What is known of a connection that has opened.
    #[must_use]
    pub fn of(connection: &Connection) -> Self {
        Self {
            uid: connection.uid,
            host: connection.host().map(Into::into),
            path: connection.path().map(Into::into),
        }
    }
}
