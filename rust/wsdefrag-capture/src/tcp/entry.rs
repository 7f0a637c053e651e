//! What the table of connections has for a key: a connection that is read, or one that is not.

use crate::packet::Segment;
use crate::tcp::live_connection::LiveConnection;
use crate::tcp::past_connection::PastConnection;
use crate::tcp::tenants::Fit;
use serde::{Deserialize, Serialize};

/// A connection in the table.
#[derive(Serialize, Deserialize)]
pub(super) enum Entry {
    Live(Box<LiveConnection>),
    Past(Box<PastConnection>),
}

impl Entry {
    /// Whether the last packet of this sender had these tags.
    #[inline]
    pub(super) fn last_tags_were(&self, sender: usize, hash: u64) -> bool {
        match self {
            Self::Live(live) => live.tags.last_was(sender, hash),
            Self::Past(past) => past.tags.last_was(sender, hash),
        }
    }

    /// The number of the last packet of a live connection; 0 for a past one.
    pub(super) fn last_packet(&self) -> u64 {
        match self {
            Self::Live(live) => live.conversation.transport.last.packet,
            Self::Past(_) => 0,
        }
    }

    /// How well a segment with these tags fits to the connection.
    pub(super) fn fit(&self, sender: usize, segment: &Segment<'_>, hash: u64) -> Fit {
        let (tags, fit) = match self {
            Self::Live(live) => (&live.tags, live.fit(sender, segment)),
            Self::Past(past) => (&past.tags, past.fit(sender, segment)),
        };
        // The first packet of a direction that answers a SYN comes under the tags of that SYN.
        let answers = segment.syn
            && segment.acknowledgment.is_some()
            && tags.is_first(sender)
            && tags.has(1 - sender, hash);
        if answers || tags.has(sender, hash) { Fit::Known } else { fit }
    }
}
