//! What TCP connections carry, and how much there was of each.
//!
//! A connection that is not read must not go unmentioned: TLS without keys. It and HTTP are recognised
//! where a part of a stream starts like them, which is where applications write their records and
//! heads.
//!
//! RFC 8446 section 5.1 (TLS records), RFC 9113 section 3.4 (the preface of HTTP/2), RFC 9112
//! sections 3 and 4 (the first lines of HTTP/1).

use crate::tls_facts::TlsStatus;
use serde::{Deserialize, Serialize};

/// What a TCP connection carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// Something else, or nothing that was captured tells.
    #[default]
    Other,
    /// HTTP/1 without a WebSocket.
    Http,
    /// A WebSocket, also one that a filter dropped or the server refused.
    WebSocket,
    /// TLS that was not decrypted.
    Tls,
    /// HTTP/2 without a WebSocket.
    Http2,
}

/// What a connection carried, and whether its TLS was read; `None` in clear text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Carried {
    pub(crate) protocol: Protocol,
    pub(crate) tls: Option<TlsStatus>,
}

/// The start of the preface of HTTP/2; no method of HTTP/1 looks like it.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n";
/// How versions of HTTP/1 start.
const VERSION: &[u8] = b"HTTP/1.";
/// Bytes of a first line that are looked at.
const MAX_LINE: usize = 2048;
/// Bytes that the length in the header of a TLS record counts at most: 2^14, and what encryption
/// adds (RFC 5246 section 6.2.3).
const MAX_RECORD: usize = (1 << 14) + 2048;

impl Protocol {
    /// All protocols, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::Other, Self::Http, Self::WebSocket, Self::Tls, Self::Http2];

    /// The name in tables of counts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Http => "http",
            Self::WebSocket => "websocket",
            Self::Tls => "tls",
            Self::Http2 => "http2",
        }
    }

    /// Corrects what is known of a connection by the next part of a stream. HTTP/1 may lead to TLS,
    /// through a proxy.
    pub(crate) fn learn(&mut self, bytes: &[u8]) {
        if matches!(self, Self::Other | Self::Http)
            && let Some(protocol) = Self::at_start_of(bytes)
        {
            *self = protocol;
        }
    }

    /// What a part of a stream starts like.
    fn at_start_of(bytes: &[u8]) -> Option<Self> {
        match *bytes {
            [0x14..=0x17, 3, 0..=4, high, low, ..] => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                (1..=MAX_RECORD).contains(&length).then_some(Self::Tls)
            }
            [b'A'..=b'Z', ..] if bytes.starts_with(PREFACE) => Some(Self::Http2),
            [b'A'..=b'Z', ..] if is_first_line(bytes) => Some(Self::Http),
            _ => None,
        }
    }
}

/// Whether bytes start with the first line of a request or of a response of HTTP/1.
fn is_first_line(bytes: &[u8]) -> bool {
    let line = &bytes[..bytes.len().min(MAX_LINE)];
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or(line);
    line.windows(VERSION.len()).any(|part| part == VERSION)
}

/// How many connections carried each protocol, and how many packets they had. A live connection is
/// counted when it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtocolCounts {
    /// Connections by the number of their protocol.
    connections: [u64; Protocol::ALL.len()],
    /// Packets by the number of their protocol.
    packets: [u64; Protocol::ALL.len()],
}

impl ProtocolCounts {
    /// Number of connections with this protocol.
    #[must_use]
    pub const fn connections(&self, protocol: Protocol) -> u64 {
        self.connections[protocol as usize]
    }

    /// Number of packets in connections with this protocol.
    #[must_use]
    pub const fn packets(&self, protocol: Protocol) -> u64 {
        self.packets[protocol as usize]
    }

    /// Counts a connection that has ended, with its packets.
    pub(crate) const fn connection(&mut self, protocol: Protocol, packets: u64) {
        self.connections[protocol as usize] += 1;
        self.packets[protocol as usize] += packets;
    }

    /// Adds the counts of other connections.
    pub(crate) fn add(&mut self, other: &Self) {
        for protocol in 0..self.connections.len() {
            self.connections[protocol] += other.connections[protocol];
            self.packets[protocol] += other.packets[protocol];
        }
    }

    /// Counts a packet of a connection that has been counted.
    pub(crate) const fn later_packet(&mut self, protocol: Protocol) {
        self.packets[protocol as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_of_a_protocol_is_recognised() {
        for (bytes, expected) in [
            // A ClientHello, application data of TLS 1.3, and an alert of SSL 3.0.
            (&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..], Some(Protocol::Tls)),
            (b"\x17\x03\x03\x40\x11\x00", Some(Protocol::Tls)),
            (b"\x15\x03\x00\x00\x02", Some(Protocol::Tls)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Some(Protocol::Http2)),
            // Too short, a record of 0 bytes, of more than a record may have, and of TLS 4.
            (b"\x16\x03\x01\x02", None),
            (b"\x16\x03\x01\x00\x00", None),
            (b"\x17\x03\x03\x48\x01", None),
            (b"\x16\x04\x01\x02\x00", None),
            (b"GET / HTTP/1.1\r\n", Some(Protocol::Http)),
            (b"HTTP/1.0 200 OK\r\n", Some(Protocol::Http)),
            (b"USER anonymous\r\nHTTP/1.1", None),
            (b"\x81\x02hi", None),
            (b"", None),
        ] {
            assert_eq!(Protocol::at_start_of(bytes), expected, "{bytes:x?}");
        }
    }

    #[test]
    fn what_is_known_changes_only_for_what_may_follow() {
        let learnt = |parts: &[&[u8]]| {
            let mut protocol = Protocol::default();
            for part in parts {
                protocol.learn(part);
            }
            protocol
        };
        let (tls, http) = (&b"\x16\x03\x01\x02\x00\x01"[..], &b"CONNECT a:1 HTTP/1.1\r\n"[..]);
        assert_eq!(learnt(&[b"\0\0", b"abc"]), Protocol::Other);
        assert_eq!(learnt(&[b"\0\0", tls, http]), Protocol::Tls);
        assert_eq!(learnt(&[http, b"\0\0", tls]), Protocol::Tls);
    }

    #[test]
    fn counts_are_those_of_the_protocol() {
        let mut counts = ProtocolCounts::default();
        counts.connection(Protocol::Tls, 5);
        counts.connection(Protocol::Tls, 1);
        counts.later_packet(Protocol::Tls);
        counts.connection(Protocol::Http, 3);
        assert_eq!((counts.connections(Protocol::Tls), counts.packets(Protocol::Tls)), (2, 7));
        assert_eq!((counts.connections(Protocol::Http), counts.packets(Protocol::Http)), (1, 3));
        for (number, protocol) in Protocol::ALL.into_iter().enumerate() {
            assert_eq!(protocol as usize, number);
        }
    }
}
