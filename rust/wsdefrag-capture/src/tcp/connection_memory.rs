//! The memory that a live connection takes, and what can be dropped of it.

use crate::conversation::context::CaptureState;
use crate::packet::Segment;
use crate::sink::Sink;
use crate::tcp::ledger::Ledger;
use crate::tcp::live_connection::LiveConnection;
use crate::tcp::past_connection::IN_TABLE;
use crate::tcp::stream::Stream;

/// Bytes of memory that the allocator adds to the allocations of a connection.
const ALLOCATIONS: usize = 128;

/// What a segment may have changed of the memory that its connection takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    Nothing,
    /// What one sender's direction takes.
    Side(usize),
    All,
}

impl LiveConnection {
    /// Measures the memory that the connection takes, and tells the ledger.
    pub(super) fn measure(&mut self, ledger: &mut Ledger) {
        let before = self.measured();
        let own = size_of::<Self>() + ALLOCATIONS + IN_TABLE;
        let waiting = self.waiting_memory();
        self.common = own + waiting + self.tags.bytes_held() + self.conversation.common_bytes();
        self.sides = [0, 1].map(|sender| self.side_bytes(sender));
        ledger.change(before, self.measured());
    }

    /// Does the same after a segment, which may have changed one side only.
    #[inline]
    pub(super) fn measure_after(&mut self, change: Change, ledger: &mut Ledger) {
        match change {
            Change::Nothing => {}
            Change::Side(sender) => {
                let bytes = self.side_bytes(sender);
                ledger.change(self.sides[sender], bytes);
                self.sides[sender] = bytes;
            }
            Change::All => self.measure(ledger),
        }
    }

    /// The memory that one direction takes: what the stream holds, and the WebSocket's direction.
    #[inline]
    fn side_bytes(&self, sender: usize) -> usize {
        self.streams[sender].bytes_held() + self.conversation.direction_bytes(sender)
    }

    /// The bytes of memory at the last [`measure`](Self::measure).
    pub(super) const fn measured(&self) -> usize {
        self.common + self.sides[0] + self.sides[1]
    }

    /// What a segment of this sender may change, as long as it is not taken yet.
    #[inline]
    pub(super) fn change_of(&self, sender: usize, segment: &Segment<'_>) -> Change {
        let is_steady = self.conversation.is_steady() && self.beginning.is_none();
        let begins = segment.has_payload() && !self.streams[sender].has_begun();
        if !is_steady || begins || segment.syn || self.streams.iter().any(Stream::has_hole) {
            Change::All
        } else if segment.has_payload() {
            Change::Side(sender)
        } else {
            Change::Nothing
        }
    }

    /// The memory of the segments that wait, in bytes.
    fn waiting_memory(&self) -> usize {
        self.beginning.as_ref().map_or(0, |beginning| beginning.memory())
    }

    /// The memory of the segments that are held, for a hole or for a beginning, in bytes.
    pub(super) fn segments_memory(&self) -> usize {
        self.waiting_memory() + self.streams.iter().map(Stream::segments_memory).sum::<usize>()
    }

    /// Whether segments are held, for a hole or for a beginning.
    pub(super) fn holds_segments(&self) -> bool {
        self.beginning.is_some() || self.streams.iter().any(|stream| stream.segments_memory() > 0)
    }

    /// Bytes of the largest thing that [`drop_unfinished`](Self::drop_unfinished) drops.
    pub(super) fn unfinished(&self) -> usize {
        let segments = self.streams.iter().map(Stream::segments_memory);
        let others = [self.waiting_memory(), self.conversation.largest_unfinished()];
        segments.chain(others).max().unwrap_or(0)
    }

    /// Drops the largest unfinished thing: a message, a search, the holes before held segments, or the
    /// wait for a beginning. `limit` is the bound of the memory that is the reason, in bytes.
    pub(super) fn drop_unfinished<S: Sink>(
        &mut self,
        limit: usize,
        total_held: &mut usize,
        state: &mut CaptureState<'_, S>,
    ) {
        if self.beginning.is_some() {
            return self.begin(total_held, state);
        }
        let Self { streams, conversation, .. } = self;
        let largest = conversation.largest_unfinished();
        let mut has_dropped = false;
        for (sender, stream) in streams.iter_mut().enumerate() {
            if stream.segments_memory() > 0 && stream.segments_memory() >= largest {
                has_dropped = true;
                stream.give_up_holes(total_held, &mut |part| {
                    conversation.part(sender, part, state);
                });
            }
        }
        if !has_dropped {
            conversation.drop_unfinished(limit);
        }
    }
}
