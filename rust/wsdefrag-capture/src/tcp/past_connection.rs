//! What is remembered of a connection that is not read, or not any more.
//!
//! Its packets go on coming: late ones, copies, and all those of connections that are not
//! WebSockets. None of them may open the connection again. But the ports may be used again, and
//! after a RST that the endpoints did not see the connection goes on.
//!
//! RFC 9293 section 3.10.7.4 (a SYN on ports that are in use).

#![expect(clippy::cast_possible_truncation, reason = "a length is added to a number modulo 2^32")]

use crate::packet::Segment;
use crate::protocol::Carried;
use crate::tcp::connection_table::ConnectionTable;
use crate::tcp::stream::Stream;
use crate::tcp::tenants::{Fit, Positions, TagsSeen};
use serde::{Deserialize, Serialize};

/// Bytes from the last position at which a segment still belongs to the connection.
const MAX_DISTANCE: u32 = 16 << 20;

/// Bytes of memory that a connection takes in the table, live or past.
pub(super) const IN_TABLE: usize = ConnectionTable::<(usize, Box<PastConnection>)>::ENTRY;

/// Bytes that the allocator adds to an allocation.
const ALLOCATION: usize = 16;

/// Why a connection is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Reason {
    /// It is not a WebSocket.
    NotWebSocket,
    /// Both sides ended it, or it was idle too long.
    Ended,
    /// One side reset it.
    Reset,
    /// There was no room for it.
    Evicted,
}

/// What a segment means after the end of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Afterwards {
    /// It is late, or a copy, or of a connection that is not a WebSocket.
    Nothing,
    /// It has bytes that would have been read if there had been room for the connection.
    Unread,
    /// It opens a connection.
    Opens,
}

/// A connection that is not read. Arrays have one entry per endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PastConnection {
    reason: Reason,
    /// What it carried; `None` if its packets are not counted.
    pub(super) carried: Option<Carried>,
    /// The tags under which its packets came.
    pub(super) tags: TagsSeen,
    /// The sequence numbers of its SYNs.
    initial: [Option<u32>; 2],
    /// The sequence number after the last byte of each direction.
    next: [Option<u32>; 2],
}

impl PastConnection {
    pub(super) fn new(reason: Reason, streams: &[Stream; 2], tags: TagsSeen) -> Self {
        let Positions { initial, next } = Positions::of(streams);
        Self { reason, carried: None, tags, initial, next }
    }

    /// The memory that it takes, in bytes.
    #[inline]
    pub(super) const fn bytes_held(&self) -> usize {
        IN_TABLE + size_of::<Self>() + ALLOCATION + self.tags.bytes_held()
    }

    /// How well a segment under other tags fits.
    pub(super) fn fit(&self, sender: usize, segment: &Segment<'_>) -> Fit {
        let fit = Positions { initial: self.initial, next: self.next }.fit(sender, segment);
        // After its end another SYN only uses the ports again.
        let goes_on = self.reason == Reason::NotWebSocket || self.reason == Reason::Evicted;
        if segment.syn && !goes_on { fit.min(Fit::Unknown) } else { fit }
    }

    /// Takes a segment that was captured after the end, under tags with this hash.
    pub(super) fn segment(
        &mut self,
        sender: usize,
        segment: &Segment<'_>,
        tags: u64,
    ) -> Afterwards {
        self.tags.note(sender, tags);
        let initial = self.initial[sender];
        if segment.syn && initial != Some(segment.sequence) {
            // The answering SYN of a direction that was not captured may be a late one.
            let opens = initial.is_some() || segment.acknowledgment.is_none();
            return if opens { Afterwards::Opens } else { Afterwards::Nothing };
        }
        let length = segment.bytes.len() as u32 + segment.cut;
        if length == 0 || segment.rst || segment.syn {
            return Afterwards::Nothing;
        }
        let start = segment.sequence;
        let end = start.wrapping_add(length);
        let Some(next) = self.next[sender].replace(end) else { return Afterwards::Nothing };
        if start.wrapping_sub(next).cast_signed().unsigned_abs() > MAX_DISTANCE {
            return Afterwards::Opens;
        }
        if end.wrapping_sub(next).cast_signed() <= 0 {
            self.next[sender] = Some(next);
            return Afterwards::Nothing;
        }
        match self.reason {
            Reason::NotWebSocket | Reason::Ended => Afterwards::Nothing,
            Reason::Reset => Afterwards::Opens,
            Reason::Evicted => Afterwards::Unread,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEGMENT: Segment<'_> = Segment {
        sequence: 0,
        acknowledgment: Some(0),
        syn: false,
        fin: false,
        rst: false,
        bytes: b"",
        cut: 0,
    };

    /// A connection whose first direction has SYN 99 and bytes up to 1,000, and whose second has none.
    fn past(reason: Reason) -> PastConnection {
        let tags = TagsSeen::default();
        PastConnection {
            reason,
            carried: None,
            tags,
            initial: [Some(99), None],
            next: [Some(1_000), None],
        }
    }

    #[test]
    fn only_what_belongs_to_another_connection_opens_one() {
        let data = |sequence| Segment { sequence, bytes: b"abc", ..SEGMENT };
        let syn = |sequence| Segment { sequence, syn: true, acknowledgment: None, ..SEGMENT };
        for (sender, segment, expected) in [
            (0, syn(99), Afterwards::Nothing),
            (0, syn(5), Afterwards::Opens),
            (1, syn(5), Afterwards::Opens),
            (1, Segment { acknowledgment: Some(100), ..syn(5) }, Afterwards::Nothing),
            (0, Segment { sequence: 1_000, ..SEGMENT }, Afterwards::Nothing),
            (0, Segment { rst: true, ..data(5) }, Afterwards::Nothing),
            (0, data(500), Afterwards::Nothing),
            (0, data(997), Afterwards::Nothing),
            (0, data(1_000), Afterwards::Unread),
            (0, data(5_000), Afterwards::Unread),
            (0, data(0x4000_0000), Afterwards::Opens),
            (1, data(5), Afterwards::Nothing),
        ] {
            let found = past(Reason::Evicted).segment(sender, &segment, 0);
            assert_eq!(found, expected, "{sender} {segment:?}");
        }
    }

    #[test]
    fn what_follows_in_sequence_counts_by_the_reason() {
        for (reason, expected) in [
            (Reason::NotWebSocket, Afterwards::Nothing),
            (Reason::Ended, Afterwards::Nothing),
            (Reason::Reset, Afterwards::Opens),
            (Reason::Evicted, Afterwards::Unread),
        ] {
            let segment = Segment { sequence: 1_000, bytes: b"abc", ..SEGMENT };
            let mut past = past(reason);
            assert_eq!(past.segment(0, &segment, 0), expected);
            assert_eq!(past.segment(0, &segment, 0), Afterwards::Nothing, "again");
        }
    }

    #[test]
    fn tags_take_memory_too() {
        let mut noted = past(Reason::Ended);
        let plain = noted.bytes_held();
        assert!(plain > IN_TABLE + size_of::<PastConnection>());
        for hash in 0..5 {
            noted.tags.note(0, hash);
        }
        assert!(noted.tags.bytes_held() >= 4 * size_of::<(usize, u64)>());
        assert_eq!(noted.bytes_held(), plain + noted.tags.bytes_held());
    }

    /// Bytes beyond a snap length count as the captured ones do, and what ends a connection counts not.
    #[test]
    fn segment_reaches_as_far_as_its_last_byte_on_the_wire() {
        let far = 1_000 + MAX_DISTANCE;
        let data = |sequence, bytes, cut| Segment { sequence, bytes, cut, ..SEGMENT };
        for (segment, expected) in [
            (data(998, &b"ab"[..], 0), Afterwards::Nothing),
            (data(998, b"ab", 1), Afterwards::Unread),
            (data(999, b"", 1), Afterwards::Nothing),
            (data(999, b"", 2), Afterwards::Unread),
            (Segment { rst: true, ..data(1_000, b"abc", 0) }, Afterwards::Nothing),
            (Segment { rst: true, ..data(0x4000_0000, b"abc", 0) }, Afterwards::Nothing),
            (Segment { syn: true, ..data(99, b"abc", 0) }, Afterwards::Nothing),
            (data(far, b"abc", 0), Afterwards::Unread),
            (data(far + 1, b"abc", 0), Afterwards::Opens),
            (data(1_000_u32.wrapping_sub(MAX_DISTANCE), b"abc", 0), Afterwards::Nothing),
            (data(999_u32.wrapping_sub(MAX_DISTANCE), b"abc", 0), Afterwards::Opens),
        ] {
            assert_eq!(past(Reason::Evicted).segment(0, &segment, 0), expected, "{segment:?}");
        }
        // The same SYN again, with data far away, is no other connection.
        let mut wrapped =
            PastConnection { initial: [Some(0x4000_0000), None], ..past(Reason::Evicted) };
        let again = Segment { syn: true, ..data(0x4000_0000, b"abc", 0) };
        assert_eq!(wrapped.segment(0, &again, 0), Afterwards::Nothing);
    }

    /// After an end that both sides saw another SYN uses the ports again; else it is another tenant's.
    #[test]
    fn other_syn_conflicts_with_a_connection_that_goes_on() {
        let syn = Segment { sequence: 0x4000_0000, syn: true, acknowledgment: None, ..SEGMENT };
        for (reason, expected) in [
            (Reason::NotWebSocket, Fit::Conflicts),
            (Reason::Evicted, Fit::Conflicts),
            (Reason::Ended, Fit::Unknown),
            (Reason::Reset, Fit::Unknown),
        ] {
            assert_eq!(past(reason).fit(0, &syn), expected);
            let data = Segment { syn: false, bytes: b"abc", ..syn };
            assert_eq!(past(reason).fit(0, &data), Fit::Conflicts, "without a SYN");
            assert_eq!(past(reason).fit(0, &Segment { sequence: 99, ..syn }), Fit::One, "the same");
        }
    }
}
