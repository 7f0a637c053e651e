//! What rows say of their connection, which is known while the connection is open.

#![expect(
    clippy::disallowed_methods,
    reason = "connections that are open, which are charged elsewhere, and the rows of a batch"
)]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::ArrayRef;
use foldhash::fast::FixedState;

/// What rows say of a connection. Connections share equal texts, as most of a capture have the same
/// few hosts and paths.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    /// Its identity.
    uid: [u8; 16],
    /// The request's host.
    pub(super) host: Option<Arc<str>>,
    /// The request's path and query.
    pub(super) path: Option<Arc<str>>,
}

/// The texts of the connections, each once.
#[derive(Debug, Default)]
struct Texts(HashSet<Arc<str>, FixedState>);

impl Texts {
    /// A text that is shared with the others that equal it.
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new = Arc::<str>::from(text);
        self.0.insert(Arc::clone(&new));
        new
    }

    /// Drops a text, and forgets it if it was the last one that was shared.
    fn release(&mut self, text: Option<Arc<str>>) {
        if let Some(text) = text
            && Arc::strong_count(&text) == 2
        {
            self.0.remove(&text);
        }
    }
}

/// What rows say of their connection, for the connections that are open.
#[derive(Debug, Default)]
pub(super) struct OpenConnections {
    open: HashMap<u64, Facts, FixedState>,
    texts: Texts,
    /// Connections that have ended; rows of the current batch may belong to them.
    ended: Vec<u64>,
}

impl OpenConnections {
    /// Takes a connection that has opened.
    pub(super) fn opened(&mut self, connection: &crate::Connection) {
        let host = connection.host().map(|host| self.texts.share(&host));
        let path = connection.path().map(|path| self.texts.share(path));
        self.open.insert(connection.connection, Facts { uid: connection.uid, host, path });
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
            if let Some(Facts { host, path, .. }) = self.open.remove(&connection) {
                self.texts.release(host);
                self.texts.release(path);
            }
        }
    }

    /// The facts of the rows' connections: each once, and for each row an index into them.
    pub(super) fn of_rows<'a>(&self, rows: impl IntoIterator<Item = &'a u64>) -> RowFacts {
        let mut places = HashMap::<u64, u32, FixedState>::default();
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
    facts: Vec<Option<Facts>>,
    /// For each row, the index into `facts`.
    places: Vec<u32>,
}

impl RowFacts {
    /// The column `uid`.
    pub(super) fn uids(&self) -> ArrayRef {
        let uid = |facts: &Option<Facts>| facts.as_ref().map_or([0; 16], |it| it.uid);
        let uids: Vec<_> = self.facts.iter().map(uid).collect();
        super::uids(self.places.iter().map(|place| &uids[*place as usize]))
    }

    /// A column of texts that the connections have.
    pub(super) fn texts(&self, of: impl Fn(&Facts) -> Option<&str>) -> ArrayRef {
        let texts = self.facts.iter().map(|facts| facts.as_ref().and_then(&of));
        let (keys, values) = super::distinct(texts);
        if let [0] = keys[..] {
            return super::one_name(self.places.len(), 0, &values);
        }
        let keys = self.places.iter().map(|place| keys[*place as usize]).collect();
        super::text_names(keys, &values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_text_is_forgotten_with_its_last_holder() {
        let mut texts = Texts::default();
        let [one, other] = ["a", "a"].map(|text| texts.share(text));
        assert!(Arc::ptr_eq(&one, &other));
        texts.release(Some(one));
        assert!(Arc::ptr_eq(&texts.share("a"), &other));
        texts.release(Some(other));
        texts.release(None);
        assert!(texts.0.is_empty());
    }
}
