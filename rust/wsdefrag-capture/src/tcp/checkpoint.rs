//! The connections in a checkpoint: what is made ready before they are written, and what is made again
//! after they were read.

#![expect(clippy::disallowed_methods, reason = "one for each followed connection")]

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wsdefrag_core::OutOfMemory;

use crate::options::Options;
use crate::sink::Sink;
use crate::tcp::connection_table::{Class, ConnectionTable};
use crate::tcp::connections::Connections;
use crate::tcp::entry::Entry;
use crate::tcp::inflaters::Inflaters;
use crate::tcp::key::Key;
use crate::tcp::ledger::Ledger;

impl Connections {
    /// Parks the inflaters that are between messages, since only their windows are written.
    pub(crate) fn park_all(&mut self) {
        for index in self.table.indexes() {
            if let Some(Entry::Live(live)) = self.table.get(index) {
                live.conversation.park();
                live.measure(&mut self.ledger);
            }
        }
        self.inflaters.pool.free_idle();
    }

    /// The options of the capture.
    pub(crate) const fn options(&self) -> &Options {
        &self.options
    }

    /// The lowest index of a file that a later row may name.
    pub(crate) fn oldest_file(&mut self) -> Option<u32> {
        let indexes = self.table.indexes();
        let files = indexes.filter_map(|index| match self.table.get(index) {
            Some(Entry::Live(live)) => Some(live.conversation.transport.first_file()),
            _ => None,
        });
        files.min()
    }

    /// Goes on with connections that were read, under these options.
    pub(crate) fn resume(&mut self, options: Options) -> Result<(), OutOfMemory> {
        self.inflaters = Inflaters::new(&options);
        self.ledger = Ledger::new(&options, &self.inflaters);
        self.options = options;
        self.keys.index()?;
        for index in self.table.indexes() {
            match self.table.get(index) {
                Some(Entry::Live(live)) => {
                    live.conversation.share_inflaters(&self.inflaters.pool);
                    live.measure(&mut self.ledger);
                    self.total_held += live.segments_memory();
                }
                Some(Entry::Past(past)) => self.ledger.change(0, past.bytes_held()),
                None => {}
            }
        }
        Ok(())
    }

    /// Tells a sink of the WebSockets that are open, in the order of their numbers.
    pub(crate) fn announce(&mut self, sink: &mut impl Sink) {
        let mut open = Vec::new();
        for index in self.table.indexes() {
            if let Some(Entry::Live(live)) = self.table.get(index) {
                live.conversation.open_connections(&mut open);
            }
        }
        open.sort_unstable_by_key(|connection| connection.connection);
        for connection in open {
            sink.opened(&connection);
        }
    }
}

/// A connection in the table.
#[derive(Serialize, Deserialize)]
struct Written<T> {
    key: Key,
    class: Class,
    /// Its place in the list of its class.
    place: u32,
    last_time: i64,
    value: T,
}

impl<T: Serialize> Serialize for ConnectionTable<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let places = self.places();
        serializer.collect_seq(self.used().map(|(index, slot)| Written {
            key: slot.key,
            class: slot.class(),
            place: places[index as usize],
            last_time: slot.last_time,
            value: &slot.value,
        }))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ConnectionTable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Vec::<Written<T>>::deserialize(deserializer)?;
        let mut table = Self::new();
        let mut places = Vec::new();
        for Written { key, class, place, last_time, value } in written {
            if table.find(&key).is_some() {
                return Err(D::Error::custom("two connections with the same key"));
            }
            let index = table.insert(key, class, last_time, value);
            places.push((place, index, class, last_time));
        }
        places.sort_unstable_by_key(|(place, index, ..)| (*place, *index));
        for (_, index, class, last_time) in places {
            table.touch(index, class, last_time);
        }
        Ok(table)
    }
}
