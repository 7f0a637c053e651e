//! The live connections, found by their addresses and ports, and by how long they have been idle.
//!
//! Each is in one of the lists of [`Class`], the least recently used first. A list has a bound on
//! its length and one on how long a connection may be idle; what passes one of them is taken out.
//!
//! - `slots[index[key]].key == key`, and every slot that is in use is in exactly one list

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};

use foldhash::fast::RandomState;

/// Both ends of a connection, the lesser one first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    addresses: [u128; 2],
    /// Ports, and whether the addresses are of IPv6.
    ports: [u32; 2],
}

impl Key {
    /// The key of a packet, and whether its source is the second end.
    pub(crate) fn new(source: SocketAddr, destination: SocketAddr) -> (Self, bool) {
        let (a, b) = (number(source), number(destination));
        let swapped = a > b;
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        (Self { addresses: [a.0, b.0], ports: [a.1, b.1] }, swapped)
    }
}

fn number(end: SocketAddr) -> (u128, u32) {
    let port = u32::from(end.port());
    match end.ip() {
        IpAddr::V4(address) => (u128::from(address.to_bits()), port),
        IpAddr::V6(address) => (address.to_bits(), port | 1 << 16),
    }
}

/// The lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Not known to be a WebSocket yet.
    Young,
    /// A WebSocket.
    Open,
    /// Of no interest, or over; kept to know late packets by.
    Ignored,
}

const CLASSES: usize = 3;
const NONE: u32 = u32::MAX;

/// A connection's place in the table.
pub(crate) type Place = u32;

struct Slot<T> {
    key: Key,
    class: Class,
    before: Place,
    behind: Place,
    /// When its last packet was captured, in nanoseconds since the epoch.
    last: i64,
    value: T,
}

#[derive(Clone, Copy)]
struct List {
    oldest: Place,
    newest: Place,
    length: usize,
}

/// The table.
pub(crate) struct ConnectionTable<T> {
    index: HashMap<Key, Place, RandomState>,
    slots: Vec<Option<Slot<T>>>,
    free: Vec<Place>,
    lists: [List; CLASSES],
}

impl<T> ConnectionTable<T> {
    pub(crate) fn new() -> Self {
        let empty = List { oldest: NONE, newest: NONE, length: 0 };
        Self {
            index: HashMap::with_hasher(RandomState::default()),
            slots: Vec::new(),
            free: Vec::new(),
            lists: [empty; CLASSES],
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<Place> {
        self.index.get(key).copied()
    }

    pub(crate) fn len(&self, class: Class) -> usize {
        self.lists[class as usize].length
    }

    /// What is at a place that is in use.
    pub(crate) fn get(&mut self, place: Place) -> Option<&mut T> {
        Some(&mut self.slot(place)?.value)
    }

    /// The places in use.
    pub(crate) fn places(&self) -> Vec<Place> {
        self.index.values().copied().collect()
    }

    fn slot(&mut self, place: Place) -> Option<&mut Slot<T>> {
        self.slots.get_mut(place as usize)?.as_mut()
    }

    /// Adds a connection as the most recently used of its class.
    pub(crate) fn insert(&mut self, key: Key, class: Class, now: i64, value: T) -> Place {
        let slot = Slot { key, class, before: NONE, behind: NONE, last: now, value };
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            Place::try_from(self.slots.len() - 1).unwrap_or(NONE)
        });
        self.slots[place as usize] = Some(slot);
        self.index.insert(key, place);
        self.link(place, class);
        place
    }

    /// Takes a connection out.
    pub(crate) fn remove(&mut self, place: Place) -> Option<T> {
        self.unlink(place);
        let slot = self.slots.get_mut(place as usize)?.take()?;
        self.index.remove(&slot.key);
        self.free.push(place);
        Some(slot.value)
    }

    /// Makes a connection the most recently used of a class.
    #[inline]
    pub(crate) fn touch(&mut self, place: Place, class: Class, now: i64) {
        let Some(slot) = self.slot(place) else { return };
        slot.last = now;
        let same = slot.class == class;
        if same && self.lists[class as usize].newest == place {
            return;
        }
        self.unlink(place);
        self.link(place, class);
    }

    /// The least recently used of a class, and when that was.
    #[inline]
    pub(crate) fn oldest(&self, class: Class) -> Option<(Place, i64)> {
        let oldest = self.lists[class as usize].oldest;
        let slot = self.slots.get(oldest as usize)?.as_ref()?;
        Some((oldest, slot.last))
    }

    fn unlink(&mut self, place: Place) {
        let Some(slot) = self.slot(place) else { return };
        let (before, behind, class) = (slot.before, slot.behind, slot.class);
        match self.slot(before) {
            Some(slot) => slot.behind = behind,
            None => self.lists[class as usize].oldest = behind,
        }
        match self.slot(behind) {
            Some(slot) => slot.before = before,
            None => self.lists[class as usize].newest = before,
        }
        self.lists[class as usize].length -= 1;
    }

    fn link(&mut self, place: Place, class: Class) {
        let newest = self.lists[class as usize].newest;
        if let Some(slot) = self.slot(place) {
            (slot.class, slot.before, slot.behind) = (class, newest, NONE);
        }
        match self.slot(newest) {
            Some(slot) => slot.behind = place,
            None => self.lists[class as usize].oldest = place,
        }
        let list = &mut self.lists[class as usize];
        list.newest = place;
        list.length += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(port: u16) -> Key {
        Key::new(([10, 0, 0, 1], port).into(), ([10, 0, 0, 2], 80).into()).0
    }

    #[test]
    fn both_directions_have_one_key() {
        let (a, b) = (([10, 0, 0, 1], 9).into(), ([10, 0, 0, 2], 80).into());
        assert_eq!(Key::new(a, b), (Key::new(b, a).0, false));
        assert!(Key::new(b, a).1);
    }

    #[test]
    fn least_recently_used_is_found_first() {
        let mut table = ConnectionTable::new();
        let places: Vec<_> =
            (0..3).map(|n| table.insert(key(n), Class::Young, i64::from(n), n)).collect();
        table.touch(places[0], Class::Young, 10);
        assert_eq!(table.oldest(Class::Young), Some((places[1], 1)));
        table.touch(places[1], Class::Open, 11);
        assert_eq!(table.oldest(Class::Young), Some((places[2], 2)));
        assert_eq!(table.remove(places[2]), Some(2));
        assert_eq!(table.find(&key(2)), None);
        assert_eq!((table.len(Class::Young), table.len(Class::Open)), (1, 1));
        assert_eq!(table.oldest(Class::Young), Some((places[0], 10)));
        assert_eq!(table.insert(key(7), Class::Young, 12, 7), places[2]);
    }
}
