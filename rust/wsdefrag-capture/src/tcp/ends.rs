//! How connections end: one by one, and all of them at the end of the capture.

#![expect(clippy::disallowed_methods, reason = "one for each followed connection")]

use crate::connection::Ended;
use crate::conversation::transport::Transport;
use crate::protocol::Carried;
use crate::sink::Sink;
use crate::tcp::connection_table::{Class, ConnectionTable, SlotIndex};
use crate::tcp::connections::{Connections, capture_state};
use crate::tcp::entry::Entry;
use crate::tcp::final_output::{Ending, FinalEnd, Settling};
use crate::tcp::live_connection::LiveConnection;
use crate::tcp::past_connection::{PastConnection, Reason};

/// Nanoseconds of capture time without a packet after which a closing connection ends.
pub(super) const CLOSING_WAIT: i64 = 300_000_000_000;

/// The part of the memory that the last rows may take in any case is one of so many.
const ROWS_PART: usize = 16;

impl Connections {
    /// Ends closing connections of which nothing has followed, and others that have been idle for too
    /// long if there is a limit.
    #[inline]
    pub(super) fn expire<S: Sink>(&mut self, sink: &mut S) {
        if self.table.len(Class::Closing) > 0 {
            self.expire_class(Class::Closing, CLOSING_WAIT, sink);
        }
        if let Some(timeout) = self.options.idle_timeout {
            for class in [Class::WebSocket, Class::Pending, Class::Closing] {
                self.expire_class(class, timeout, sink);
            }
        }
    }

    #[inline]
    fn expire_class<S: Sink>(&mut self, class: Class, timeout: i64, sink: &mut S) {
        let now = self.clock.now();
        while let Some((index, last)) = self.table.oldest(class)
            && last < now.saturating_sub(timeout)
        {
            self.end_connection(index, Ended::Idle, sink);
            self.table.touch(index, Class::Past, now);
        }
    }

    /// Ends a connection. Its slot stays in use, so that late packets are recognised.
    pub(super) fn end_connection<S: Sink>(&mut self, index: SlotIndex, ended: Ended, sink: &mut S) {
        let Some(entry) = self.table.get(index) else { return };
        let Entry::Live(live) = &*entry else { return };
        let reason = match ended {
            _ if live.conversation.is_dead() => Reason::NotWebSocket,
            Ended::Evicted if !live.is_closing() => Reason::Evicted,
            _ if live.is_reset() => Reason::Reset,
            _ => Reason::Ended,
        };
        self.evicted += u64::from(reason == Reason::Evicted);
        let past = Box::new(PastConnection::new(reason, &live.streams, live.tags.clone()));
        let bytes_after = past.bytes_held();
        if let Entry::Live(live) = std::mem::replace(entry, Entry::Past(past)) {
            self.ledger.change(live.measured(), bytes_after);
            let carried = self.report(live, ended, sink);
            if let Some(Entry::Past(past)) = self.table.get(index) {
                past.carried = carried;
            }
        }
    }

    /// Ends a connection at the end of the capture, when no late packets can follow.
    fn end_last<S: Sink>(&mut self, index: SlotIndex, sink: &mut S) {
        match self.table.remove(index) {
            Some(Entry::Live(live)) => {
                self.ledger.change(live.measured(), 0);
                self.report(live, Ended::EndOfCapture, sink);
            }
            Some(Entry::Past(past)) => self.ledger.change(past.bytes_held(), 0),
            None => {}
        }
    }

    /// Ends the layers of a connection, and counts it. Returns what it carried, if the filter wants its
    /// addresses and ports.
    fn report<S: Sink>(
        &mut self,
        mut live: Box<LiveConnection>,
        ended: Ended,
        sink: &mut S,
    ) -> Option<Carried> {
        let mut state = capture_state(
            (&self.options, &self.inflaters.pool),
            &mut self.next_number,
            (&mut self.keys, &mut self.scan),
            sink,
        );
        live.finish(ended, &mut self.total_held, &mut state);
        let carried = live.conversation.transport.carried();
        let Transport { number, endpoints, packets, tls, http2, .. } = live.conversation.transport;
        state.context.sink.closed(number);
        if !self.options.filter.wants_endpoints(endpoints) {
            return None;
        }
        self.protocols.connection(carried.protocol, packets);
        self.http2.add(http2);
        if let Some(status) = carried.tls {
            self.tls.connection(status, packets, tls.as_deref());
        }
        Some(carried)
    }

    /// Drops the largest unfinished thing of a connection.
    pub(super) fn drop_unfinished<S: Sink>(&mut self, index: SlotIndex, sink: &mut S) {
        let limit = self.ledger.limit();
        if let Some(Entry::Live(live)) = self.table.get(index) {
            let mut state = capture_state(
                (&self.options, &self.inflaters.pool),
                &mut self.next_number,
                (&mut self.keys, &mut self.scan),
                sink,
            );
            live.drop_unfinished(limit, &mut self.total_held, &mut state);
            live.measure(&mut self.ledger);
        }
    }

    /// Ends all connections, and reports them in the order of [`Ending`], until the sink is full.
    /// Returns whether all are reported; if not, the call must be repeated.
    pub(crate) fn finish<S: Sink>(&mut self, sink: &mut S) -> bool {
        let mut ending = self.ending.take().unwrap_or_else(|| {
            let unsettled = self.live_in_order().map(|(_, index)| index);
            let unsettled = unsettled.collect::<Vec<_>>().into_iter();
            Box::new(Ending { unsettled, ..Ending::default() })
        });
        while !sink.is_full() {
            if !self.finish_next(&mut ending, sink) {
                self.table = ConnectionTable::new();
                return true;
            }
        }
        self.ending = Some(ending);
        false
    }

    /// Does the next step of the end. Returns `false` if there is none.
    fn finish_next<S: Sink>(&mut self, ending: &mut Ending, sink: &mut S) -> bool {
        if let Some(row) = ending.rows.next() {
            row.deliver(sink);
            return true;
        }
        if let Some(index) = ending.unsettled.next() {
            let Some(Entry::Live(live)) = self.table.get(index) else { return true };
            ending.rows.begin_connection();
            let sink = &mut Settling { rows: &mut ending.rows, sink };
            let mut state = capture_state(
                (&self.options, &self.inflaters.pool),
                &mut self.next_number,
                (&mut self.keys, &mut self.scan),
                sink,
            );
            live.settle(Ended::EndOfCapture, &mut self.total_held, &mut state);
            // Contents have moved to the rows, and nothing is kept for what may follow.
            live.measure(&mut self.ledger);
            let is_last = ending.unsettled.len() == 0;
            let limit = self.ledger.limit();
            let room = limit.saturating_sub(self.ledger.used()).max(limit / ROWS_PART);
            // One thread might hold less, as it parks other inflaters.
            let sure = room.saturating_sub(self.inflaters.most_bytes());
            if self.were_spread && !is_last && !ending.rows.fit(sure) {
                self.has_met_limit = true;
                return false;
            }
            ending.rows.sort(if is_last { 0 } else { room });
            return true;
        }
        let unreported = ending.unreported.get_or_insert_with(|| {
            let live = self.live_in_order().map(|(number, index)| (number, FinalEnd::Live(index)));
            let ended = ending.rows.ended.drain(..);
            let ended = ended.map(|it| (it.connection, FinalEnd::Ended(Box::new(it))));
            let mut all: Vec<_> = live.chain(ended).collect();
            all.sort_by_key(|(number, _)| *number);
            all.into_iter().map(|(_, end)| end).collect::<Vec<_>>().into_iter()
        });
        match unreported.next() {
            Some(FinalEnd::Live(index)) => {
                self.end_last(index, sink);
            }
            Some(FinalEnd::Ended(connection)) => sink.ended(*connection),
            None => return false,
        }
        true
    }

    /// The live connections with their numbers, in the order of the numbers.
    fn live_in_order(&mut self) -> impl Iterator<Item = (u64, SlotIndex)> + use<> {
        let mut live = Vec::new();
        for index in self.table.indexes() {
            if let Some(Entry::Live(connection)) = self.table.get(index) {
                live.push((connection.conversation.transport.number, index));
            }
        }
        live.sort_unstable();
        live.into_iter()
    }
}
