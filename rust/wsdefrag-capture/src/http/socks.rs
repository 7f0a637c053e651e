//! The messages by which a client asks a SOCKS proxy for a connection, and their answers.
//!
//! ```text
//!            client                                    server
//! SOCKS4     4, 1, port, address, user, 0              0, 90, port, address
//! SOCKS4a    address 0.0.0.x, and after the user a host name and 0
//! SOCKS5     5, n, n methods                           5, method
//!            1, user, password (if method 2)           1, 0
//!            5, 1, 0, address, port                    5, 0, 0, address, port
//! ```
//!
//! Only what leads to a connection is recognised: the command CONNECT, no authentication or user
//! and password, and answers that grant. The two directions are parsed without each other.
//!
//! SOCKS: A protocol for TCP proxy across firewalls (SOCKS4), SOCKS 4A, RFC 1928 sections 3 to 6,
//! RFC 1929 section 2.

use crate::http::preamble_message::{Message, Parsed};

/// The version of SOCKS4 in requests.
pub(super) const V4: u8 = 4;
/// The version of SOCKS5.
pub(super) const V5: u8 = 5;
/// The version of SOCKS4 in answers.
pub(super) const V4_ANSWER: u8 = 0;
/// The version of the negotiation with user and password.
pub(super) const PASSWORD: u8 = 1;
/// The longest user or host name of SOCKS4, in bytes.
const MAX_NAME: usize = 255;

/// Takes the bytes of a message from its start, and notes if there were too few.
struct Cursor<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// The message is not complete.
struct TooShort;

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], TooShort> {
        let taken = self.bytes.get(self.position..self.position + length).ok_or(TooShort)?;
        self.position += length;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, TooShort> {
        self.take(1).map(|byte| byte[0])
    }

    /// Takes bytes whose number stands before them.
    fn counted(&mut self) -> Result<&'a [u8], TooShort> {
        let length = self.byte()?;
        self.take(usize::from(length))
    }

    /// Takes bytes up to a NUL. `None` if there are too many.
    fn terminated(&mut self) -> Result<Option<&'a [u8]>, TooShort> {
        let rest = &self.bytes[self.position..];
        match rest.iter().position(|&byte| byte == 0) {
            Some(length) if length <= MAX_NAME => {
                self.position += length + 1;
                Ok(Some(&rest[..length]))
            }
            None if rest.len() <= MAX_NAME => Err(TooShort),
            _ => Ok(None),
        }
    }
}

/// Parses a message: `parse` gives `false` if the bytes are something else.
fn message(
    bytes: &[u8],
    message: Message,
    parse: impl FnOnce(&mut Cursor<'_>) -> Result<bool, TooShort>,
) -> Parsed {
    let mut cursor = Cursor { bytes, position: 0 };
    match parse(&mut cursor) {
        Ok(true) => Parsed::Message(message, cursor.position),
        Ok(false) => Parsed::Other,
        Err(TooShort) => Parsed::TooShort,
    }
}

/// A client's request of SOCKS4 or 4a.
pub(super) fn v4_request(bytes: &[u8]) -> Parsed {
    message(bytes, Message::Granted, |cursor| {
        if cursor.take(2)? != [V4, 1] {
            return Ok(false);
        }
        cursor.take(2)?;
        let address = cursor.take(4)?;
        let has_host = address[..3] == [0, 0, 0] && address[3] != 0;
        Ok(cursor.terminated()?.is_some() && (!has_host || cursor.terminated()?.is_some()))
    })
}

/// A server's answer of SOCKS4 that grants the request.
pub(super) fn v4_answer(bytes: &[u8]) -> Parsed {
    message(bytes, Message::Granted, |cursor| {
        Ok(cursor.take(2)? == [V4_ANSWER, 90] && cursor.take(6).map(|_| true)?)
    })
}

/// A client's greeting of SOCKS5: the methods of authentication that it offers.
pub(super) fn v5_greeting(bytes: &[u8]) -> Parsed {
    message(bytes, Message::Socks5, |cursor| {
        cursor.byte()?;
        Ok(cursor.counted()?.iter().any(|method| matches!(method, 0 | 2)))
    })
}

/// A server's choice among the methods.
pub(super) fn v5_method(bytes: &[u8]) -> Parsed {
    message(bytes, Message::Socks5, |cursor| {
        cursor.byte()?;
        Ok(matches!(cursor.byte()?, 0 | 2))
    })
}

/// A client's user and password.
pub(super) fn password(bytes: &[u8]) -> Parsed {
    message(bytes, Message::Socks5, |cursor| {
        cursor.byte()?;
        cursor.counted()?;
        cursor.counted()?;
        Ok(true)
    })
}

/// A server's answer to user and password that accepts them.
pub(super) fn password_accepted(bytes: &[u8]) -> Parsed {
    message(bytes, Message::Socks5, |cursor| Ok(cursor.take(2)? == [PASSWORD, 0]))
}

/// A client's request of SOCKS5, or a server's answer that grants it.
pub(super) fn v5_connect(bytes: &[u8], from_client: bool) -> Parsed {
    message(bytes, Message::Granted, |cursor| {
        if cursor.take(3)? != [V5, u8::from(from_client), 0] {
            return Ok(false);
        }
        match cursor.byte()? {
            1 => cursor.take(4)?,
            3 => cursor.counted()?,
            4 => cursor.take(16)?,
            _ => return Ok(false),
        };
        cursor.take(2)?;
        Ok(true)
    })
}
