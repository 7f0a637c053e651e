//! Where a direction of HTTP/2 begins, and what the first bytes of a server look like.
//!
//! RFC 9113 section 3.4.

use crate::http2::frame::{ACK, FrameHeader, FrameType};

/// What the client's stream begins with (RFC 9113 section 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of the preface before those that look like a head of HTTP/1.1 with its empty line.
pub(crate) const PREFACE_HEAD: usize = 18;

/// Where a direction begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    /// At the preface of a client, of which this many bytes were read.
    Preface(usize),
    /// At the first frame of a server, or before its answer to an upgrade.
    Server,
    /// Somewhere.
    Unknown,
}

/// Whether the first bytes of a server are its connection preface: SETTINGS (RFC 9113 section 3.4).
pub(crate) fn starts_like_server(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk() else { return false };
    let header = FrameHeader::of(*header);
    header.kind == FrameType::Settings && !header.has(ACK) && header.is_plausible(0)
}
