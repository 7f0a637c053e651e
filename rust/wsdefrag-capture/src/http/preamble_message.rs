//! The messages that may come before the first byte of a relayed connection.

use std::net::SocketAddr;

/// The addresses of the relayed connection: of its client and of its server.
pub(crate) type OriginalAddresses = [SocketAddr; 2];

/// A message before the relayed connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// A PROXY header, with the addresses of the relayed connection if it has them.
    ProxyHeader(Option<OriginalAddresses>),
    /// A message of SOCKS5 after which another one comes.
    Socks5,
    /// The last message of SOCKS in this direction.
    Granted,
}

/// What the start of some bytes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// A message of this many bytes.
    Message(Message, usize),
    /// The start of a message.
    TooShort,
    /// Something else.
    Other,
}
