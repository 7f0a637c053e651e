//! The handshake messages other than hellos that change what the records after them are read with.
//!
//! RFC 8446 section 4 (types), 4.6.1 (tickets), 4.6.3 (key updates); RFC 5077 section 3.3 (tickets
//! of TLS 1.2).

use crate::tls::cursor::Cursor;

/// What a handshake message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// The server asks for another handshake (TLS 1.2).
    HelloRequest,
    /// The first message of a handshake.
    ClientHello,
    /// The server's answer, or a HelloRetryRequest.
    ServerHello,
    /// What the client may resume the session with.
    NewSessionTicket,
    /// Records with the client's handshake keys follow (TLS 1.3).
    EndOfEarlyData,
    /// The part of the server's answer that TLS 1.3 encrypts.
    EncryptedExtensions,
    /// A chain of certificates.
    Certificate,
    /// The client's turn (TLS 1.2).
    ServerHelloDone,
    /// The client's part of the key exchange (TLS 1.2).
    ClientKeyExchange,
    /// The last message of a side's handshake.
    Finished,
    /// Records with the next generation of keys follow (TLS 1.3).
    KeyUpdate,
    /// One that does not matter here.
    Other(u8),
}

impl MessageType {
    /// The type of this number.
    #[must_use]
    pub const fn of(number: u8) -> Self {
        match number {
            0 => Self::HelloRequest,
            1 => Self::ClientHello,
            2 => Self::ServerHello,
            4 => Self::NewSessionTicket,
            5 => Self::EndOfEarlyData,
            8 => Self::EncryptedExtensions,
            11 => Self::Certificate,
            14 => Self::ServerHelloDone,
            16 => Self::ClientKeyExchange,
            20 => Self::Finished,
            24 => Self::KeyUpdate,
            other => Self::Other(other),
        }
    }

    /// How much of such a message's body is worth storing, in bytes.
    pub(super) const fn kept(self) -> usize {
        match self {
            // The extensions of a hello: at most 65,535 bytes, and some hundred before them. Of
            // those that are sent, the longest have a few thousand, for the keys of several groups.
            Self::ClientHello | Self::ServerHello | Self::EncryptedExtensions => 16 << 10,
            // A ticket that holds the client's certificate.
            Self::NewSessionTicket => 8 << 10,
            Self::KeyUpdate => 1,
            _ => 0,
        }
    }
}

/// The ticket in a NewSessionTicket of TLS 1.2, by which the client may resume the session.
#[must_use]
pub fn tls12_ticket(body: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor(body);
    cursor.take(4)?;
    cursor.vector16()
}

/// Whether the sender of a KeyUpdate asks its peer for one. The sender's own keys change after each.
#[must_use]
pub fn key_update_requested(body: &[u8]) -> bool {
    body == [1]
}
