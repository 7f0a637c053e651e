//! A table that finds a connection by its addresses and ports, and the one idle for longest.
//!
//! Each connection has a slot, and is in a list: one for each [`Class`], but one for each
//! [bucket](Key::bucket) of the past ones. A list is ordered
//! by the time of the last packet, oldest first. A packet moves its connection to the end of a
//! list. The table never removes a connection by itself: the caller removes the oldest of a list
//! when that list is too long or the connection has been idle for too long.
//!
//! Buckets are parts of all connections that depend on their addresses and ports alone. Threads that
//! share a capture have some of the buckets each, so what is remembered of a bucket must not depend on
//! the other ones.
//!
//! - `by_key` has the index of each slot in use, by the hash of its key
//! - every slot in use is in exactly one list

#![expect(clippy::disallowed_methods, reason = "at most as many as connections are followed")]

use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use crate::tcp::key::{BUCKETS, Key};

/// The list that a connection is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Class {
    /// Not yet known to be a WebSocket.
    Pending,
    /// A WebSocket.
    WebSocket,
    /// Not ended, but a RST or both FINs were captured.
    Closing,
    /// Ended, or not a WebSocket. Remembered so that a late packet does not open it again.
    Past,
}

/// The lists: one for each class, but for the past one, and one for each bucket of that.
const LISTS: usize = Class::Past as usize + BUCKETS;
/// The index that stands for "no slot" in the links of a list.
const NONE: u32 = u32::MAX;

/// The index of the list of a class and, if it is the past one, a bucket.
#[inline]
const fn list_of(class: Class, bucket: u8) -> u8 {
    match class {
        Class::Past => Class::Past as u8 + bucket,
        class => class as u8,
    }
}

/// The index of a connection's slot.
pub(crate) type SlotIndex = u32;

pub(super) struct Slot<T> {
    pub(super) key: Key,
    /// The index of its list.
    list: u8,
    bucket: u8,
    previous: SlotIndex,
    next: SlotIndex,
    /// When its last packet was captured, in nanoseconds since the epoch.
    pub(super) last_time: i64,
    pub(super) value: T,
}

#[derive(Clone, Copy)]
struct List {
    oldest: SlotIndex,
    newest: SlotIndex,
    length: usize,
}

impl<T> Slot<T> {
    /// The class of its list.
    pub(super) const fn class(&self) -> Class {
        match self.list {
            0 => Class::Pending,
            1 => Class::WebSocket,
            2 => Class::Closing,
            _ => Class::Past,
        }
    }
}

/// The connections, by key and by time of their last packet.
pub(crate) struct ConnectionTable<T> {
    /// Only indexes, so that it stays in the cache; the slot that is found has to be read anyway.
    by_key: HashTable<SlotIndex>,
    hasher: RandomState,
    slots: Vec<Option<Slot<T>>>,
    free: Vec<SlotIndex>,
    lists: [List; LISTS],
    /// The slot that was found last: most packets follow one of their connection.
    last: SlotIndex,
}

impl<T> ConnectionTable<T> {
    /// Bytes of memory that a connection takes here: its slot, its entry in the map, and the room that
    /// the map has to spare after it has doubled.
    pub(crate) const ENTRY: usize = size_of::<Option<Slot<T>>>() + 3 * (size_of::<SlotIndex>() + 1);

    pub(crate) fn new() -> Self {
        let empty = List { oldest: NONE, newest: NONE, length: 0 };
        Self {
            by_key: HashTable::new(),
            hasher: RandomState::default(),
            slots: Vec::new(),
            free: Vec::new(),
            lists: [empty; LISTS],
            last: NONE,
        }
    }

    pub(crate) fn find(&self, key: &Key) -> Option<SlotIndex> {
        let is_key = |index: &SlotIndex| matches!(self.slots.get(*index as usize), Some(Some(slot)) if slot.key == *key);
        self.by_key.find(self.hasher.hash_one(key), is_key).copied()
    }

    /// As [`find`](Self::find), for the connection of a packet.
    #[inline]
    pub(crate) fn find_next(&mut self, key: &Key) -> Option<SlotIndex> {
        if let Some(Some(slot)) = self.slots.get(self.last as usize)
            && slot.key == *key
        {
            return Some(self.last);
        }
        let found = self.find(key)?;
        self.last = found;
        Some(found)
    }

    /// The number of connections of a class that is not [`Class::Past`].
    pub(crate) const fn len(&self, class: Class) -> usize {
        self.lists[class as usize].length
    }

    /// The number of past connections of a bucket.
    pub(crate) const fn past(&self, bucket: u8) -> usize {
        self.lists[Class::Past as usize + bucket as usize].length
    }

    /// The bytes that the table takes when it has to grow for `more` connections, else 0.
    pub(crate) const fn growth(&self, more: usize) -> usize {
        if self.slots.len() + more <= self.slots.capacity() {
            return 0;
        }
        // Both double; an entry of the map takes a byte more than its value.
        let slot = size_of::<Option<Slot<T>>>() + 2 * (size_of::<SlotIndex>() + 1);
        2 * (self.slots.len() + more) * slot
    }

    /// The bytes that it takes to move all connections to another table.
    pub(crate) const fn bytes_to_move(&self) -> usize {
        let slot = size_of::<Option<Slot<T>>>() + 2 * (size_of::<SlotIndex>() + 1);
        // Lists and tables double.
        2 * self.slots.len() * (size_of::<(Key, Class, i64, T)>() + slot)
    }

    /// The connection in this slot, if the slot is in use.
    pub(crate) fn get(&mut self, index: SlotIndex) -> Option<&mut T> {
        Some(&mut self.slot(index)?.value)
    }

    /// The time of the last packet of a connection, in nanoseconds since the epoch.
    pub(crate) fn last_time(&self, index: SlotIndex) -> Option<i64> {
        Some(self.slots.get(index as usize)?.as_ref()?.last_time)
    }

    /// The indexes of all slots in use, in their order, which is nearly that of opening: a slot is used
    /// again only after its connection was removed.
    pub(crate) fn indexes(&self) -> impl Iterator<Item = SlotIndex> + use<T> {
        let slots = self.slots.iter().zip(0..);
        let used = slots.filter_map(|(slot, index)| slot.is_some().then_some(index));
        used.collect::<Vec<_>>().into_iter()
    }

    /// The slots in use, in their order.
    pub(super) fn used(&self) -> impl Iterator<Item = (SlotIndex, &Slot<T>)> {
        (0..).zip(&self.slots).filter_map(|(index, slot)| Some((index, slot.as_ref()?)))
    }

    /// For each slot in use its place in its list, the oldest first.
    pub(super) fn places(&self) -> Vec<u32> {
        let mut places: Vec<u32> = self.slots.iter().map(|_| 0).collect();
        for list in &self.lists {
            let mut next = Some(list.oldest).filter(|index| *index != NONE);
            let mut place = 0;
            while let Some(index) = next {
                places[index as usize] = place;
                place += 1;
                next = self.newer(index);
            }
        }
        places
    }

    fn slot(&mut self, index: SlotIndex) -> Option<&mut Slot<T>> {
        self.slots.get_mut(index as usize)?.as_mut()
    }

    /// Adds a connection at the end of a list. `now` is in nanoseconds since the epoch.
    pub(crate) fn insert(&mut self, key: Key, class: Class, now: i64, value: T) -> SlotIndex {
        let bucket = key.bucket();
        let list = list_of(class, bucket);
        let slot = Slot { key, list, bucket, previous: NONE, next: NONE, last_time: now, value };
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            SlotIndex::try_from(self.slots.len() - 1).unwrap_or(NONE)
        });
        self.slots[index as usize] = Some(slot);
        let Self { by_key, hasher, slots, .. } = self;
        by_key.insert_unique(hasher.hash_one(key), index, |index| {
            slots[*index as usize].as_ref().map_or(0, |slot| hasher.hash_one(slot.key))
        });
        self.link(index, list);
        index
    }

    /// Takes a connection out, with its key, its class, and the time of its last packet in nanoseconds since
    /// the epoch.
    pub(crate) fn take(&mut self, index: SlotIndex) -> Option<(Key, Class, i64, T)> {
        let slot = self.slot(index)?;
        let (key, class, last_time) = (slot.key, slot.class(), slot.last_time);
        Some((key, class, last_time, self.remove(index)?))
    }

    /// Removes a connection and frees its slot.
    pub(crate) fn remove(&mut self, index: SlotIndex) -> Option<T> {
        self.unlink(index);
        let slot = self.slots.get_mut(index as usize)?.take()?;
        let hash = self.hasher.hash_one(slot.key);
        if let Ok(entry) = self.by_key.find_entry(hash, |other| *other == index) {
            entry.remove();
        }
        self.free.push(index);
        Some(slot.value)
    }

    /// Moves a connection to the end of a list. `now` is in nanoseconds since the epoch.
    #[inline]
    pub(crate) fn touch(&mut self, index: SlotIndex, class: Class, now: i64) {
        let Some(slot) = self.slot(index) else { return };
        slot.last_time = now;
        let list = list_of(class, slot.bucket);
        let same = slot.list == list;
        if same && self.lists[usize::from(list)].newest == index {
            return;
        }
        self.unlink(index);
        self.link(index, list);
    }

    /// Corrects the time of the last packet of a connection, which no other packet has followed.
    pub(crate) fn correct_time(&mut self, index: SlotIndex, last_time: i64) {
        if let Some(slot) = self.slot(index) {
            slot.last_time = last_time;
        }
    }

    /// The connection of this class, which is not [`Class::Past`], that has been idle for longest, and the
    /// time of its last packet in nanoseconds since the epoch.
    #[inline]
    pub(crate) fn oldest(&self, class: Class) -> Option<(SlotIndex, i64)> {
        self.oldest_of(class as usize)
    }

    /// The past connection of a bucket whose last packet came first.
    pub(crate) fn oldest_past(&self, bucket: u8) -> Option<SlotIndex> {
        let oldest = self.oldest_of(Class::Past as usize + usize::from(bucket));
        oldest.map(|(index, _)| index)
    }

    #[inline]
    fn oldest_of(&self, list: usize) -> Option<(SlotIndex, i64)> {
        let oldest = self.lists[list].oldest;
        let slot = self.slots.get(oldest as usize)?.as_ref()?;
        Some((oldest, slot.last_time))
    }

    /// The connection in the same list whose last packet came next.
    pub(crate) fn newer(&self, index: SlotIndex) -> Option<SlotIndex> {
        let next = self.slots.get(index as usize)?.as_ref()?.next;
        (next != NONE).then_some(next)
    }

    fn unlink(&mut self, index: SlotIndex) {
        let Some(slot) = self.slot(index) else { return };
        let (previous, next, list) = (slot.previous, slot.next, usize::from(slot.list));
        match self.slot(previous) {
            Some(slot) => slot.next = next,
            None => self.lists[list].oldest = next,
        }
        match self.slot(next) {
            Some(slot) => slot.previous = previous,
            None => self.lists[list].newest = previous,
        }
        self.lists[list].length -= 1;
    }

    fn link(&mut self, index: SlotIndex, list: u8) {
        let newest = self.lists[usize::from(list)].newest;
        if let Some(slot) = self.slot(index) {
            (slot.list, slot.previous, slot.next) = (list, newest, NONE);
        }
        match self.slot(newest) {
            Some(slot) => slot.next = index,
            None => self.lists[usize::from(list)].oldest = index,
        }
        let list = &mut self.lists[usize::from(list)];
        list.newest = index;
        list.length += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Keys of the calls of a test.
    const KEYS: u16 = 6;
    const CLASSES: [Class; 4] = [Class::Pending, Class::WebSocket, Class::Closing, Class::Past];

    #[test]
    fn least_recently_used_is_found_first() {
        let mut table = ConnectionTable::new();
        let indexes: Vec<_> = (0..3)
            .map(|n| table.insert(Key::of_port(n), Class::Pending, i64::from(n), n))
            .collect();
        table.touch(indexes[0], Class::Pending, 10);
        assert_eq!(table.oldest(Class::Pending), Some((indexes[1], 1)));
        table.touch(indexes[1], Class::WebSocket, 11);
        assert_eq!(table.oldest(Class::Pending), Some((indexes[2], 2)));
        assert_eq!(table.remove(indexes[2]), Some(2));
        assert_eq!(table.find(&Key::of_port(2)), None);
        assert_eq!((table.len(Class::Pending), table.len(Class::WebSocket)), (1, 1));
        assert_eq!(table.oldest(Class::Pending), Some((indexes[0], 10)));
        assert_eq!(table.insert(Key::of_port(7), Class::Pending, 12, 7), indexes[2]);
    }

    /// A call of the table, with a key's number and a class.
    #[derive(Clone, Copy, Debug)]
    enum Call {
        Insert(u16, Class),
        Remove(u16),
        Take(u16),
        Touch(u16, Class),
        Correct(u16),
    }

    fn any_call() -> impl Strategy<Value = Call> {
        let class = prop::sample::select(&CLASSES[..]);
        (0..5, 0..KEYS, class).prop_map(|(call, number, class)| match call {
            0 => Call::Remove(number),
            1 => Call::Take(number),
            2 => Call::Correct(number),
            3 => Call::Touch(number, class),
            _ => Call::Insert(number, class),
        })
    }

    /// What a table is: its connections, those touched last at the end.
    #[derive(Default)]
    struct Model(Vec<(u16, Class, i64)>);

    impl Model {
        fn remove(&mut self, number: u16) -> Option<(u16, Class, i64)> {
            let place = self.0.iter().position(|(other, ..)| *other == number)?;
            Some(self.0.remove(place))
        }

        fn list(&self, class: Class, bucket: u8) -> Vec<(u16, i64)> {
            let all = self.0.iter().filter(|(number, other, _)| {
                *other == class
                    && (class != Class::Past || Key::of_port(*number).bucket() == bucket)
            });
            all.map(|(number, _, time)| (*number, *time)).collect()
        }
    }

    /// What the table says of a list.
    fn list(table: &ConnectionTable<u16>, class: Class, bucket: u8) -> Vec<(u16, i64)> {
        let mut found = Vec::new();
        let (mut next, length) = if class == Class::Past {
            (table.oldest_past(bucket), table.past(bucket))
        } else {
            let oldest = table.oldest(class);
            let time = oldest.and_then(|(index, _)| table.last_time(index));
            assert_eq!(oldest.map(|(_, time)| time), time);
            (oldest.map(|(index, _)| index), table.len(class))
        };
        while let Some(index) = next {
            let slot = table.slots[index as usize].as_ref().expect("a slot in use");
            assert_eq!(slot.class(), class);
            assert_eq!(table.places()[index as usize] as usize, found.len());
            found.push((slot.value, slot.last_time));
            assert!(found.len() <= length, "longer than it says");
            next = table.newer(index);
        }
        assert_eq!(found.len(), length);
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is called, the table has what a list of its connections would have.
        #[test]
        fn any_calls_leave_what_was_put_in(calls in prop::collection::vec(any_call(), 1..60)) {
            let mut table = ConnectionTable::new();
            let mut model = Model::default();
            let mut most = 0;
            for (now, call) in (100..).zip(calls) {
                let (Call::Insert(number, _) | Call::Remove(number) | Call::Take(number)
                    | Call::Touch(number, _) | Call::Correct(number)) = call;
                let index = table.find(&Key::of_port(number));
                match (call, index) {
                    (Call::Insert(_, class), None) => {
                        table.insert(Key::of_port(number), class, now, number);
                        model.0.push((number, class, now));
                    }
                    (Call::Remove(_), Some(index)) => {
                        let removed = table.remove(index);
                        prop_assert_eq!(removed, model.remove(number).map(|(number, ..)| number));
                    }
                    (Call::Take(_), Some(index)) => {
                        let taken = table.take(index);
                        let expected = model.remove(number);
                        let expected =
                            expected.map(|(number, class, time)| (Key::of_port(number), class, time, number));
                        prop_assert_eq!(taken, expected);
                        prop_assert_eq!((table.take(index), table.get(index)), (None, None));
                        prop_assert_eq!((table.remove(index), table.last_time(index)), (None, None));
                    }
                    (Call::Touch(_, class), Some(index)) => {
                        table.touch(index, class, now);
                        model.remove(number);
                        model.0.push((number, class, now));
                    }
                    (Call::Correct(_), Some(index)) => {
                        table.correct_time(index, now - 50);
                        for connection in model.0.iter_mut().filter(|(other, ..)| *other == number) {
                            connection.2 = now - 50;
                        }
                    }
                    _ => {}
                }
                most = most.max(model.0.len());
                prop_assert_eq!(table.slots.len(), most, "slots are used again");
                for class in CLASSES {
                    for number in 0..KEYS {
                        let bucket = Key::of_port(number).bucket();
                        prop_assert_eq!(list(&table, class, bucket), model.list(class, bucket));
                    }
                }
                for number in 0..KEYS {
                    let is_there = model.0.iter().any(|(other, ..)| *other == number);
                    for _ in 0..2 {
                        let found = table.find_next(&Key::of_port(number));
                        prop_assert_eq!(found, table.find(&Key::of_port(number)));
                        let value = found.and_then(|index| table.get(index)).copied();
                        prop_assert_eq!(value, is_there.then_some(number));
                    }
                }
                let used: Vec<_> = table.used().map(|(index, slot)| (index, slot.value)).collect();
                prop_assert_eq!(used.len(), model.0.len());
                prop_assert!(used.is_sorted());
                let indexes: Vec<_> = used.iter().map(|(index, _)| *index).collect();
                prop_assert_eq!(table.indexes().collect::<Vec<_>>(), indexes);
                prop_assert!(used.iter().all(|(index, value)| table.find(&Key::of_port(*value)) == Some(*index)));
            }
        }
    }

    /// What the table says that it would take is what it takes: an allocation is twice as large as
    /// before, and the map has a byte more for each entry.
    #[test]
    fn growth_is_announced() {
        let slot = size_of::<Option<Slot<u16>>>();
        let entry = slot + 10;
        assert_eq!(ConnectionTable::<u16>::ENTRY, slot + 15);
        let mut table = ConnectionTable::<u16>::new();
        assert_eq!((table.growth(1), table.bytes_to_move()), (2 * entry, 0));
        for number in 0..1_000 {
            let before = table.slots.capacity();
            let announced = table.growth(1);
            table.insert(Key::of_port(number), Class::Pending, 0, number);
            let has_grown = table.slots.capacity() != before;
            assert_eq!(announced, if has_grown { 2 * table.slots.len() * entry } else { 0 });
            let room = table.slots.capacity() - table.slots.len();
            assert_eq!(table.growth(room), 0);
            assert_eq!(table.growth(room + 1), 2 * (table.slots.capacity() + 1) * entry);
            let moved = size_of::<(Key, Class, i64, u16)>();
            assert_eq!(table.bytes_to_move(), 2 * table.slots.len() * (moved + entry));
        }
    }
}
