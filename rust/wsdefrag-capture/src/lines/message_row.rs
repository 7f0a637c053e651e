//! The values of a message's line, from the capture or from an object that a caller holds.

use crate::connection_facts::ConnectionFacts;
use crate::message::Message;

/// The values of a message's line.
#[derive(Clone, Copy, Debug)]
pub struct MessageRow<'a> {
    /// The message's numbers. Its content is not used.
    pub message: &'a Message,
    /// Its content.
    pub content: &'a [u8],
    /// What is known of its connection.
    pub connection: &'a ConnectionFacts,
    /// The name of the file with its last packet.
    pub file: Option<&'a str>,
}
