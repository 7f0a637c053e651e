//! What rows say of their connection, which is known while the connection is open.

#![expect(
    clippy::disallowed_methods,
    reason = "connections that are open, which are charged elsewhere, and the rows of a batch"
)]

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::ArrayRef;

use crate::connection_facts::ConnectionFacts;

/// What rows say of their connection, for the connections that are open.
#[derive(Debug, Default)]
pub(super) struct OpenConnections {
    open: HashMap<u64, Arc<ConnectionFacts>, foldhash::fast::FixedState>,
    /// Connections that have ended; rows of the current batch may belong to them.
    ended: Vec<u64>,
}

impl OpenConnections {
    /// Takes a connection that has opened.
    pub(super) fn opened(&mut self, connection: &crate::Connection) {
        let facts = ConnectionFacts::of(connection);
        self.open.insert(connection.connection, Arc::new(facts));
    }

    /// Takes the number of a connection that has ended.
    pub(super) fn ended(&mut self, connection: u64) {
        self.ended.push(connection);
    }

    /// Whether no connection is open.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Whether so many have ended that they should be forgotten.
    pub(super) const fn is_full(&self) -> bool {
        self.ended.len() >= 1 << 12
    }

    /// Forgets the connections that have ended, after a batch.
    pub(super) fn forget_ended(&mut self) {
        for connection in self.ended.drain(..) {
            self.open.remove(&connection);
        }
    }

    /// The facts of the rows' connections: each once, and for each row an index into them.
    pub(super) fn of_rows<'a>(&self, rows: impl IntoIterator<Item = &'a u64>) -> RowFacts {
        let mut places = HashMap::<u64, u32, foldhash::fast::FixedState>::default();
        let mut found = RowFacts::default();
        let mut last = None;
        for connection in rows {
            let place = match last {
                Some((before, place)) if before == connection => place,
                _ => *places.entry(*connection).or_insert_with(|| {
                    let place = u32::try_from(found.facts.len()).expect("a batch has few rows");
                    found.facts.push(self.open.get(connection).cloned());
                    place
                }),
            };
            last = Some((connection, place));
            found.places.push(place);
        }
        found
    }
}

/// The facts of the connections of a batch.
#[derive(Debug, Default)]
pub(super) struct RowFacts {
    /// Each connection once; `None` if it was not given with [`OpenConnections::opened`].
    facts: Vec<Option<Arc<ConnectionFacts>>>,
    /// For each row, the index into `facts`.
    places: Vec<u32>,
}

impl RowFacts {
    /// The column `uid`.
    pub(super) fn uids(&self) -> ArrayRef {
        let uid =
            |facts: &Option<Arc<ConnectionFacts>>| facts.as_ref().map_or([0; 16], |it| it.uid);
        let uids: Vec<_> = self.facts.iter().map(uid).collect();
        super::uids(self.places.iter().map(|place| &uids[*place as usize]))
    }

    /// A column of texts that the connections have.
    pub(super) fn texts(&self, of: impl Fn(&ConnectionFacts) -> Option<&str>) -> ArrayRef {
        let texts = self.facts.iter().map(|facts| facts.as_deref().and_then(&of));
        let (keys, values) = super::distinct(texts);
        if let [0] = keys[..] {
            return super::one_name(self.places.len(), 0, &values);
        }
        let keys = self.places.iter().map(|place| keys[*place as usize]).collect();
        super::text_names(keys, &values)
    }
}
