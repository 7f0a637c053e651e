//! Counters of packets by how they were handled: handed out, of another protocol, malformed and so
//! on.

#![expect(
    clippy::disallowed_methods,
    reason = "at most `MAX_UNKNOWN_LINKS` and `MAX_UNREAD_KINDS`"
)]

use crate::packet::unread::Unread;
use crate::protocol::ProtocolCounts;
use crate::tls::keys::KeyCounts;
use crate::tls_counts::TlsCounts;
use serde::{Deserialize, Serialize};

/// Link types that [`Counts::unknown_links`] counts separately.
pub const MAX_UNKNOWN_LINKS: usize = 16;

/// Kinds of encapsulations that [`Counts::unread_kinds`] counts separately.
pub const MAX_UNREAD_KINDS: usize = 64;

/// What became of the packets of a capture. Every packet is counted once.
///
/// `packets == tcp + exported + other + malformed + unknown_link + unread + fragments`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All packets.
    pub packets: u64,
    /// TCP segments handed out.
    pub tcp: u64,
    /// TCP segments handed out whose payload a snap length cut.
    pub cut: u64,
    /// Exported PDUs of TCP streams handed out.
    pub exported: u64,
    /// Packets of other protocols.
    pub other: u64,
    /// Packets with contradictory headers, with headers that were not captured whole, or of an
    /// interface that the file does not describe.
    pub malformed: u64,
    /// Packets of link types that are not supported.
    pub unknown_link: u64,
    /// Each unsupported link type and its number of packets, for the first [`MAX_UNKNOWN_LINKS`].
    pub unknown_links: Vec<(u32, u64)>,
    /// Packets of encapsulations that may carry TCP and are not followed, such as encrypted ones.
    pub unread: u64,
    /// Each of these encapsulations and its number of packets, for the first [`MAX_UNREAD_KINDS`].
    pub unread_kinds: Vec<(Unread, u64)>,
    /// IP fragments that did not complete a datagram.
    pub fragments: u64,
    /// Those fragments whose datagram was dropped.
    pub fragments_dropped: u64,
    /// Those fragments whose datagram can still be completed.
    pub fragments_waiting: u64,
    /// Connections that were ended because there was no room for them.
    pub evicted_connections: u64,
    /// TCP segments with new payload of those connections that were captured after that, and not read.
    pub evicted_packets: u64,
    /// Rows around wanted messages that were left out, because too many waited.
    pub rows_left_out: u64,
    /// What the TCP connections carried that have ended, as far as the filter for ports and addresses
    /// wants them.
    pub protocols: ProtocolCounts,
    /// The TLS connections among them, and whether they were read.
    pub tls: TlsCounts,
    /// Header blocks of HTTP/2 that were not read whole: longer than 64 KiB, or wrong.
    pub http2_unread_blocks: u64,
    /// Streams of HTTP/2 that were not read for want of room.
    pub http2_dropped_streams: u64,
    /// What key logs and secrets blocks had.
    pub keys: KeyCounts,
    /// When the first packet was captured, in nanoseconds since the epoch.
    pub first_time: Option<i64>,
    /// When the last packet was captured, in nanoseconds since the epoch.
    pub last_time: Option<i64>,
}

impl Counts {
    /// Counts a packet of an unsupported link type.
    #[cold]
    pub(crate) fn unknown_link(&mut self, link: u32) {
        self.unknown_link += 1;
        if let Some((_, count)) = self.unknown_links.iter_mut().find(|(other, _)| *other == link) {
            *count += 1;
        } else if self.unknown_links.len() < MAX_UNKNOWN_LINKS {
            self.unknown_links.push((link, 1));
        }
    }

    /// Counts a packet of an encapsulation that is not followed.
    #[cold]
    pub(crate) fn unread(&mut self, kind: Unread) {
        self.unread += 1;
        if let Some((_, count)) = self.unread_kinds.iter_mut().find(|(other, _)| *other == kind) {
            *count += 1;
        } else if self.unread_kinds.len() < MAX_UNREAD_KINDS {
            self.unread_kinds.push((kind, 1));
        }
    }
}
