//! A part of a capture's connections, which one of several threads follows (see
//! [`threads`](crate::threads)).

#![expect(
    clippy::disallowed_methods,
    reason = "three values at most; one for each live connection"
)]

use crate::connection::Ended;
use crate::conversation::context::Scan;
use crate::options::Options;
use crate::tcp::connection_table::{Class, SlotIndex};
use crate::tcp::connections::Connections;
use crate::tcp::ends::CLOSING_WAIT;
use crate::tcp::entry::Entry;
use crate::tcp::inflaters::Inflaters;
use crate::tcp::shard_numbers::{Numbers, first_number};
use crate::tcp::stream::MAX_TOTAL_HELD;
use crate::threads::report::{Place, Report};
use crate::tls::keys::Keys;

/// Bytes of memory that the held segments of all connections may take after each packet without that a
/// direction has to give some up: a packet may hold some that it lets go at once.
pub(crate) const MAX_HELD: usize = MAX_TOTAL_HELD - (16 << 20);

/// A connection that ends if nothing of it follows.
#[derive(Clone, Copy)]
pub(crate) struct Silence {
    index: SlotIndex,
    /// When its last packet was captured, and how long it may be silent after that, in nanoseconds.
    last: i64,
    most: i64,
    /// Its place among those that end with the same packet.
    pub(crate) order: u64,
}

impl Silence {
    /// Whether it has been silent for too long at this time.
    pub(crate) const fn is_over(&self, now: i64) -> bool {
        self.last < now.saturating_sub(self.most)
    }
}

impl Connections {
    /// The connections of a worker, which has the number `worker` of so many. Those of all must not have
    /// begun.
    pub(crate) fn shard(options: &Options, (worker, workers): (usize, usize)) -> Self {
        let mut shard = Self::new(options.clone());
        shard.inflaters =
            Inflaters::new(&Options { memory: options.memory / workers, ..options.clone() });
        shard.next_number = first_number(worker);
        shard
    }

    /// Gives the connections of a worker what those of all know of secrets.
    pub(crate) fn set_keys(&mut self, keys: Keys, scan: Scan) {
        (self.keys, self.scan) = (keys, scan);
        self.keys.resumption.begin_log();
    }

    /// Says that the secrets of all files that can be scanned were added.
    pub(crate) const fn end_scan(&mut self) {
        self.scan = Scan::Over;
        self.keys.may_grow = false;
    }

    /// Sets the clock to that of all connections.
    #[inline]
    pub(crate) const fn set_clock(&mut self, now: i64, is_doubtful: bool) {
        self.clock.set(now, is_doubtful);
    }

    /// Whether a connection has been silent for too long at this time.
    #[inline]
    pub(crate) fn is_silent(&self, now: i64) -> bool {
        let is_over = |class, most: i64| {
            let oldest = self.table.oldest(class);
            oldest.is_some_and(|(_, last)| last < now.saturating_sub(most))
        };
        if self.table.len(Class::Closing) > 0 && is_over(Class::Closing, CLOSING_WAIT) {
            return true;
        }
        let classes = [Class::WebSocket, Class::Pending, Class::Closing];
        let timeout = self.options.idle_timeout;
        timeout.is_some_and(|most| classes.into_iter().any(|class| is_over(class, most)))
    }

    /// The connections that end first by silence, one for each list.
    pub(crate) fn silent_ones(&mut self) -> Vec<Silence> {
        let classes = [Class::WebSocket, Class::Pending, Class::Closing];
        let timeout = self.options.idle_timeout;
        let idle = timeout.into_iter().flat_map(|most| classes.map(|class| (class, most)));
        let lists = std::iter::once((Class::Closing, CLOSING_WAIT)).chain(idle);
        let mut found = Vec::new();
        for ((class, most), list) in lists.zip(0_u64..) {
            let Some((index, last)) = self.table.oldest(class) else { continue };
            let Some(Entry::Live(live)) = self.table.get(index) else { continue };
            // A list has the order of the connections' last packets.
            let order = list << 61 | live.conversation.transport.last.packet;
            found.push(Silence { index, last, most, order });
        }
        found
    }

    /// Ends a connection that has been silent for too long.
    pub(crate) fn end_silent(&mut self, silence: &Silence, report: &mut Report) {
        self.end_connection(silence.index, Ended::Idle, report);
        self.table.touch(silence.index, Class::Past, self.clock.now());
    }

    /// Begins to note the most that there is of what has a limit.
    pub(crate) fn begin_peaks(&mut self, report: &mut Report) {
        report.peaks.live = self.live_connections();
        report.peaks.memory = self.ledger.used() + self.inflaters.pool.idle_bytes();
        report.peaks.held = self.total_held;
        self.has_met_limit = false;
    }

    /// Notes what there is after a packet. `opened` tells whether it may have opened a connection.
    #[inline]
    pub(crate) fn note_peaks(&mut self, place: Place, opened: bool, report: &mut Report) {
        let peaks = &mut report.peaks;
        let memory = self.ledger.used() + self.inflaters.pool.idle_bytes();
        peaks.memory = peaks.memory.max(memory);
        peaks.held = peaks.held.max(self.total_held);
        if opened {
            report.peaks.live = report.peaks.live.max(self.live_connections());
        }
        if self.tls.servers.len() != self.server_places.len() {
            self.server_places.resize(self.tls.servers.len(), place);
        }
        if self.scan == Scan::Wanted && report.scan_after.is_none() {
            report.scan_after = Some(place.packet);
        }
    }

    /// Ends it.
    pub(crate) fn end_peaks(&mut self, report: &mut Report) {
        report.has_met_limit = self.has_met_limit || self.evicted > 0;
        report.sessions = self.keys.resumption.take_log();
    }

    /// The bytes that [`join`](Self::join) takes for these connections.
    pub(crate) const fn bytes_to_join(&self) -> usize {
        self.table.bytes_to_move()
    }

    /// Takes back the connections that several threads have followed. `numbers` are those among all.
    pub(crate) fn join(&mut self, shards: Vec<Self>, numbers: &Numbers) {
        self.were_spread = true;
        self.next_number = numbers.next;
        let mut servers = Vec::new();
        let mut entries = Vec::new();
        for mut shard in shards {
            self.evicted_packets += shard.evicted_packets;
            self.total_held += shard.total_held;
            self.ledger.change(0, shard.ledger.used());
            self.protocols.add(&shard.protocols);
            servers
                .extend(shard.server_places.drain(..).zip(std::mem::take(&mut shard.tls.servers)));
            self.tls.add(&shard.tls);
            self.http2.add(shard.http2);
            self.keys.join(std::mem::take(&mut shard.keys));
            self.tenants.join(std::mem::take(&mut shard.tenants));
            for index in shard.table.indexes() {
                entries.extend(shard.table.take(index));
            }
        }
        servers.sort_by_key(|(place, _)| *place);
        for (_, name) in servers {
            self.tls.add_server(&name);
        }
        // The lists are in the order of the last packets again.
        entries.sort_by_key(|(_, _, last_time, entry)| (*last_time, entry.last_packet()));
        for (key, class, last_time, mut entry) in entries {
            if let Entry::Live(live) = &mut entry {
                live.conversation.renumber(&|number| numbers.of(number));
            }
            self.table.insert(key, class, last_time, entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_over_after_the_time_that_it_may_take() {
        let silence = Silence { index: 0, last: 100, most: 50, order: 0 };
        let over = [i64::MIN, 100, 150, 151, i64::MAX].map(|now| silence.is_over(now));
        assert_eq!(over, [false, false, false, true, true]);
    }
}
