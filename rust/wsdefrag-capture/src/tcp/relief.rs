//! Gives memory back when the live connections hold more than they may.
//!
//! ```text
//! free      the inflaters that no connection has
//! park      the inflaters of the connections used least recently; this loses nothing
//! drop      the largest unfinished things: a message becomes `too_big`, a search begins anew, the
//!           holes before held segments are given up; a connection without a WebSocket is evicted
//! evict     the connections used least recently
//! ```
//!
//! Inflaters are parked, too, where more connections have one than are likely to be at work at a time
//! (see [`inflaters`](crate::tcp::inflaters)).
//!
//! A pass ends as soon as seven eighths of the bound are not exceeded any more, or the sink is full;
//! then the next packet continues.

#![expect(clippy::disallowed_methods, reason = "at most 16 bytes for each followed connection")]

use std::cmp::Reverse;

use crate::connection::Ended;
use crate::sink::Sink;
use crate::tcp::connection_table::{Class, SlotIndex};
use crate::tcp::connections::Connections;
use crate::tcp::entry::Entry;

/// Unfinished things of fewer bytes are not worth dropping one by one.
const MIN_UNFINISHED: usize = 4 << 10;

/// Connections whose inflaters are looked at, after a packet that took one, at most. One is enough, but
/// for those that are in use.
const VISITS: usize = 16;

impl Connections {
    /// Gives memory back until there is enough.
    #[cold]
    pub(super) fn relieve<S: Sink>(&mut self, sink: &mut S) {
        self.has_met_limit = true;
        if self.options.filter.share.is_some() {
            // What one reader of all connections would give back is not known: reading ends.
            return;
        }
        self.inflaters.reduce();
        self.inflaters.pool.free_idle();
        self.park_inflaters();
        if !self.ledger.is_relieved() {
            self.drop_largest(sink);
        }
        while !self.ledger.is_relieved() && !sink.is_full() {
            let Some(index) = self.least_needed() else { break };
            self.end_connection(index, Ended::Evicted, sink);
            self.table.touch(index, Class::Past, self.clock.now());
        }
    }

    /// Keeps to the number of inflaters, after a packet for which its connection took one.
    #[cold]
    pub(super) fn limit_inflaters(&mut self, index: SlotIndex) {
        self.inflaters.taken_by(index, self.clock.now());
        for _ in 0..VISITS {
            let Some((user, since)) = self.inflaters.next_user() else { return };
            let last = self.table.last_time(user).unwrap_or(since);
            let Some(Entry::Live(live)) = self.table.get(user) else { continue };
            let mut is_used = last > since;
            if !is_used {
                is_used = live.conversation.park();
                live.measure(&mut self.ledger);
            }
            if is_used {
                self.inflaters.taken_by(user, last);
            }
        }
    }

    fn park_inflaters(&mut self) {
        for class in [Class::Closing, Class::WebSocket] {
            let mut next = self.table.oldest(class).map(|(index, _)| index);
            while let Some(index) = next
                && !self.ledger.is_relieved()
            {
                next = self.table.newer(index);
                if let Some(Entry::Live(live)) = self.table.get(index) {
                    live.conversation.park();
                    self.inflaters.pool.free_idle();
                    live.measure(&mut self.ledger);
                }
            }
        }
    }

    fn drop_largest<S: Sink>(&mut self, sink: &mut S) {
        let mut unfinished: Vec<(Reverse<usize>, SlotIndex)> = Vec::new();
        for class in [Class::Closing, Class::WebSocket, Class::Pending] {
            let mut next = self.table.oldest(class).map(|(index, _)| index);
            while let Some(index) = next {
                next = self.table.newer(index);
                if let Some(Entry::Live(live)) = self.table.get(index)
                    && let bytes @ MIN_UNFINISHED.. = live.unfinished()
                {
                    unfinished.push((Reverse(bytes), index));
                }
            }
        }
        unfinished.sort_unstable();
        for (_, index) in unfinished {
            if self.ledger.is_relieved() || sink.is_full() {
                return;
            }
            let Some(Entry::Live(live)) = self.table.get(index) else { continue };
            if live.conversation.is_open() || live.holds_segments() {
                self.drop_unfinished(index, sink);
            } else {
                self.end_connection(index, Ended::Evicted, sink);
                self.table.touch(index, Class::Past, self.clock.now());
            }
        }
    }
}
