//! What proxies and their clients send before the first byte of the connection that is relayed.
//!
//! ```text
//! Start    a PROXY header or the first message of SOCKS may follow
//! Socks5   the next message of SOCKS5 follows
//! ```
//!
//! A PROXY header and the last message of SOCKS lead back to Start, so that several proxies may
//! stand one after the other. Bytes that are no such message end the preamble: the stream of the
//! relayed connection begins with them. The CONNECT of HTTP is not handled here but with the other
//! requests.
//!
//! A direction is parsed without the other one, and from any pieces: a message is complete or too
//! short, and the caller keeps the bytes of one that is too short.
//!
//! - the bytes that are too short for a message are fewer than [`MAX_MESSAGE`]
//! - at most [`MAX_MESSAGES`] messages are skipped

use crate::http::preamble_message::{Message, OriginalAddresses, Parsed};
use crate::http::{proxy_header, socks};
use serde::{Deserialize, Serialize};

/// The length of the longest message, in bytes: a PROXY header of version 2.
pub(super) const MAX_MESSAGE: usize = 16 + u16::MAX as usize;
/// Messages of one direction. Three are those of one SOCKS5 proxy with user and password.
const MAX_MESSAGES: u8 = 16;

/// The state of one direction before the relayed connection.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Preamble {
    /// Whether the next message is of SOCKS5.
    in_socks5: bool,
    messages: u8,
    /// The addresses in the last PROXY header that had them.
    pub(super) original_addresses: Option<OriginalAddresses>,
}

impl Preamble {
    pub(crate) const fn new() -> Self {
        Self { in_socks5: false, messages: 0, original_addresses: None }
    }

    /// Parses what `bytes` start with, and goes on after a message. `from_client` tells the direction.
    pub(crate) fn next(&mut self, bytes: &[u8], from_client: bool) -> Parsed {
        let parsed = match bytes.first() {
            None => Parsed::TooShort,
            Some(_) if self.messages == MAX_MESSAGES => Parsed::Other,
            Some(&first) if self.in_socks5 => in_socks5(first, bytes, from_client),
            Some(&first) if from_client => at_start_of_client(first, bytes),
            Some(&socks::V4_ANSWER) => socks::v4_answer(bytes),
            Some(&socks::V5) => socks::v5_method(bytes),
            Some(_) => Parsed::Other,
        };
        if let Parsed::Message(message, _) = parsed {
            self.messages += 1;
            self.in_socks5 = message == Message::Socks5;
            if let Message::ProxyHeader(Some(addresses)) = message {
                self.original_addresses = Some(addresses);
            }
        }
        parsed
    }
}

fn in_socks5(first: u8, bytes: &[u8], from_client: bool) -> Parsed {
    match first {
        socks::PASSWORD if from_client => socks::password(bytes),
        socks::PASSWORD => socks::password_accepted(bytes),
        socks::V5 => socks::v5_connect(bytes, from_client),
        _ => Parsed::Other,
    }
}

fn at_start_of_client(first: u8, bytes: &[u8]) -> Parsed {
    match first {
        socks::V4 => return socks::v4_request(bytes),
        socks::V5 => return socks::v5_greeting(bytes),
        _ => {}
    }
    for (signature, parse) in [
        (proxy_header::V1, proxy_header::parse_v1 as fn(&[u8]) -> Parsed),
        (proxy_header::V2, proxy_header::parse_v2),
    ] {
        if bytes.starts_with(signature) {
            return parse(bytes);
        }
        if signature.starts_with(bytes) {
            return Parsed::TooShort;
        }
    }
    Parsed::Other
}

/// Whether the first captured bytes of a sender are a preamble of a client, if it is not known who
/// the client is.
pub(crate) fn is_of_client(bytes: &[u8]) -> bool {
    bytes.starts_with(proxy_header::V1)
        || bytes.starts_with(proxy_header::V2)
        || matches!(
            at_start_of_client(bytes.first().copied().unwrap_or(0), bytes),
            Parsed::Message(..)
        )
}
