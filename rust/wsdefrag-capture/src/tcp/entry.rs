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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::Conversation;
    use crate::packet::Origin;

    /// A packet under tags that its direction has had belongs to the connection, whatever its numbers are.
    #[test]
    fn known_tags_fit_whatever_the_numbers_are() {
        let ends = [([192, 0, 2, 1], 1).into(), ([192, 0, 2, 2], 80).into()];
        let conversation = Conversation::new(0, ends, Some(0), Origin::default());
        let mut live = Box::new(LiveConnection::new(conversation));
        live.streams[0].start_with_syn(99);
        live.streams[1].start_with_syn(4_999);
        let far = Segment { sequence: 0x4000_0000, bytes: b"abc", ..Segment::default() };
        let answer = Segment {
            sequence: 0x4000_0000,
            acknowledgment: Some(5),
            syn: true,
            ..Segment::default()
        };
        for hash in [7, 8] {
            live.tags.note(0, hash);
        }
        let entry = Entry::Live(live);
        for (sender, segment, hash, expected) in [
            (0, far, 7, Fit::Known),
            (0, far, 8, Fit::Known),
            (0, far, 9, Fit::Conflicts),
            // Directions have tags of their own, but for the first answer.
            (1, far, 7, Fit::Conflicts),
            (1, answer, 7, Fit::Known),
            (1, answer, 9, Fit::Conflicts),
            (1, Segment { acknowledgment: None, ..answer }, 7, Fit::Conflicts),
            (1, Segment { syn: false, ..answer }, 7, Fit::One),
        ] {
            assert_eq!(entry.fit(sender, &segment, hash), expected, "{sender} {hash} {segment:?}");
        }
        let Entry::Live(mut live) = entry else { unreachable!() };
        live.tags.note(1, 9);
        assert_eq!(Entry::Live(live).fit(1, &answer, 7), Fit::Conflicts, "it is not the first");
    }
}
