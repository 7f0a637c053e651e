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
use std::hash::{BuildHasher, Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// The addresses and ports of both endpoints of a connection, the lesser endpoint first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    /// Each as its high and its low half: as whole numbers they would take 16 bytes more.
    addresses: [[u64; 2]; 2],
    /// Bits 0 to 15 are the port; bit 16 is set for an IPv6 address. The other bits are the tenant.
    ports: [u32; 2],
}

impl Key {
    /// The key of a packet, and whether its source is the second endpoint.
    #[inline]
    pub(crate) fn new(source: SocketAddr, destination: SocketAddr) -> (Self, bool) {
        if let (SocketAddr::V4(a), SocketAddr::V4(b)) = (source, destination) {
            // An address and its port fit one number.
            let [a, b] =
                [a, b].map(|end| u64::from(end.ip().to_bits()) << 16 | u64::from(end.port()));
            let swapped = a > b;
            let ends = if swapped { [b, a] } else { [a, b] };
            let ports = ends.map(|end| (end & 0xffff) as u32);
            return (Self { addresses: ends.map(|end| [0, end >> 16]), ports }, swapped);
        }
        let (a, b) = (number(source), number(destination));
        let swapped = a > b;
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        (Self { addresses: [a.0, b.0].map(halves), ports: [a.1, b.1] }, swapped)
    }

    /// The same addresses and ports of another tenant. The first has number 0; numbers count modulo
    /// 2^30.
    pub(crate) fn of_tenant(&self, number: u32) -> Self {
        let [low, high] = self.ports.map(|port| port & PORT);
        let ports = [low | number << PORT_BITS, high | number >> 15 << PORT_BITS];
        Self { addresses: self.addresses, ports }
    }

    /// The bucket of the connection: a number below [`BUCKETS`] that depends on its addresses and ports,
    /// and is that of all tenants.
    #[inline]
    pub(crate) fn bucket(&self) -> u8 {
        let [low, high] = self.ports.map(|port| u64::from(port & PORT));
        let numbers = self.addresses.as_flattened().iter().copied().chain([low << 32 | high]);
        let mixed = numbers.fold(0_u64, |sum, number| {
            (sum.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95)
        });
        // The highest bits depend on all others.
        let [.., highest] = (mixed >> 2).to_le_bytes();
        highest
    }
}

/// Parts of all connections: as many as six bits count.
pub(crate) const BUCKETS: usize = 64;

impl Hash for Key {
    /// Hashes whole numbers, which takes a quarter of the time of hashing their bytes.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = self.ports;
        for half in self.addresses.as_flattened() {
            state.write_u64(*half);
        }
        state.write_u64(u64::from(high) << 32 | u64::from(low));
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half")]
const fn halves(address: u128) -> [u64; 2] {
    [(address >> 64) as u64, address as u64]
}

/// Bits of a port in a key.
const PORT_BITS: u32 = 17;
const PORT: u32 = (1 << PORT_BITS) - 1;

fn number(endpoint: SocketAddr) -> (u128, u32) {
    let port = u32::from(endpoint.port());
    match endpoint.ip() {
        IpAddr::V4(address) => (u128::from(address.to_bits()), port),
        IpAddr::V6(address) => (address.to_bits(), port | 1 << 16),
    }
}

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

    fn key(port: u16) -> Key {
        Key::new(([10, 0, 0, 1], port).into(), ([10, 0, 0, 2], 80).into()).0
    }

    #[test]
    fn both_directions_have_one_key() {
        let (a, b) = (([10, 0, 0, 1], 9).into(), ([10, 0, 0, 2], 80).into());
        assert_eq!(Key::new(a, b), (Key::new(b, a).0, false));
        assert!(Key::new(b, a).1);
    }

    fn any_end() -> impl Strategy<Value = SocketAddr> {
        let port = prop_oneof![Just(0), Just(1), Just(u16::MAX), any::<u16>()];
        let address = prop_oneof![
            any::<[u8; 4]>().prop_map(IpAddr::from),
            any::<[u8; 16]>().prop_map(IpAddr::from),
            // These have the numbers of addresses of the other family.
            any::<[u8; 4]>().prop_map(|[a, b, c, d]| {
                IpAddr::from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d])
            }),
        ];
        (address, port).prop_map(SocketAddr::from)
    }

    proptest! {
        /// Two pairs of endpoints have one key only if they are the same, in any order.
        #[test]
        fn keys_are_as_different_as_endpoints(a in any_end(), b in any_end(), c in any_end()) {
            let (key, swapped) = Key::new(a, b);
            let (same, other_way) = Key::new(b, a);
            prop_assert_eq!(key, same);
            prop_assert_eq!(key.bucket(), same.bucket());
            prop_assert!(a == b || swapped != other_way);
            prop_assert!(a == b || Key::new(a, c).0 != key || c == b);
            prop_assert!(usize::from(key.bucket()) < BUCKETS);
        }

        /// Tenants of the same addresses and ports have keys of their own, and the same bucket.
        #[test]
        fn tenants_have_keys_of_their_own(
            a in any_end(), b in any_end(), bits in 0..30_u32, bytes in any::<u32>()
        ) {
            let (key, _) = Key::new(a, b);
            prop_assert_eq!(key.of_tenant(0), key);
            let number = bytes & ((1 << 30) - 1);
            let tenant = key.of_tenant(number);
            prop_assert_eq!(tenant.bucket(), key.bucket());
            prop_assert_eq!(tenant.addresses, key.addresses);
            prop_assert_eq!(tenant.of_tenant(0), key);
            prop_assert_eq!(key.of_tenant(1 << bits).of_tenant(number), tenant);
            // Each bit of the number tells two of them apart.
            prop_assert_ne!(key.of_tenant(number ^ 1 << bits), tenant);
        }
    }

    /// What random endpoints hardly ever show: those that differ in one part only.
    #[test]
    fn each_part_of_an_endpoint_counts() {
        let server = SocketAddr::from(([10, 0, 0, 2], 80));
        let version_6 = |first: u16, last: u16, port: u16| {
            SocketAddr::from(([first, 0, 0, 0, 0, 0, 0, last], port))
        };
        let ends = [
            ([10, 0, 0, 1], 9).into(),
            ([10, 0, 0, 1], 10).into(),
            ([10, 0, 0, 3], 9).into(),
            ([11, 0, 0, 1], 9).into(),
            // The numbers of this address are those of 10.0.0.1.
            SocketAddr::from(([0, 0, 0, 0, 0, 0, 0x0a00, 1], 9)),
            version_6(0xfe80, 1, 9),
            version_6(0xfe80, 1, 10),
            version_6(0xfe81, 1, 9),
            version_6(0xfe80, 2, 9),
            version_6(0, 2, 9),
        ];
        let mut keys = Vec::new();
        for end in ends {
            for other in [server, version_6(0xfe80, 7, 80), version_6(0xfe80, 7, 81)] {
                let (key, _) = Key::new(end, other);
                keys.extend([key, key.of_tenant(1), key.of_tenant(1 << 29)]);
            }
        }
        let state = foldhash::fast::FixedState::default();
        let mut hashes: Vec<u64> = keys.iter().map(|key| state.hash_one(key)).collect();
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!((keys.len(), hashes.len()), (count, count));
    }

    /// Connections of one network are spread over all buckets.
    #[test]
    fn buckets_have_about_as_many_connections_each() {
        let mut counts = [0; BUCKETS];
        for port in 0..6_400 {
            counts[usize::from(key(port).bucket())] += 1;
        }
        assert!(counts.iter().all(|count| (50..=200).contains(count)), "{counts:?}");
        let mut counts = [0; BUCKETS];
        for address in 0..6_400_u32 {
            let ends = [(address << 3).to_be_bytes(), [10, 0, 0, 2]];
            let [a, b] = ends.map(|address| SocketAddr::from((address, 80)));
            counts[usize::from(Key::new(a, b).0.bucket())] += 1;
        }
        assert!(counts.iter().all(|count| (50..=200).contains(count)), "{counts:?}");
    }

    #[test]
    fn least_recently_used_is_found_first() {
        let mut table = ConnectionTable::new();
        let indexes: Vec<_> =
            (0..3).map(|n| table.insert(key(n), Class::Pending, i64::from(n), n)).collect();
        table.touch(indexes[0], Class::Pending, 10);
        assert_eq!(table.oldest(Class::Pending), Some((indexes[1], 1)));
        table.touch(indexes[1], Class::WebSocket, 11);
        assert_eq!(table.oldest(Class::Pending), Some((indexes[2], 2)));
        assert_eq!(table.remove(indexes[2]), Some(2));
        assert_eq!(table.find(&key(2)), None);
        assert_eq!((table.len(Class::Pending), table.len(Class::WebSocket)), (1, 1));
        assert_eq!(table.oldest(Class::Pending), Some((indexes[0], 10)));
        assert_eq!(table.insert(key(7), Class::Pending, 12, 7), indexes[2]);
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
                *other == class && (class != Class::Past || key(*number).bucket() == bucket)
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
                let index = table.find(&key(number));
                match (call, index) {
                    (Call::Insert(_, class), None) => {
                        table.insert(key(number), class, now, number);
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
                            expected.map(|(number, class, time)| (key(number), class, time, number));
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
                        let bucket = key(number).bucket();
                        prop_assert_eq!(list(&table, class, bucket), model.list(class, bucket));
                    }
                }
                for number in 0..KEYS {
                    let is_there = model.0.iter().any(|(other, ..)| *other == number);
                    for _ in 0..2 {
                        let found = table.find_next(&key(number));
                        prop_assert_eq!(found, table.find(&key(number)));
                        let value = found.and_then(|index| table.get(index)).copied();
                        prop_assert_eq!(value, is_there.then_some(number));
                    }
                }
                let used: Vec<_> = table.used().map(|(index, slot)| (index, slot.value)).collect();
                prop_assert_eq!(used.len(), model.0.len());
                prop_assert!(used.is_sorted());
                let indexes: Vec<_> = used.iter().map(|(index, _)| *index).collect();
                prop_assert_eq!(table.indexes().collect::<Vec<_>>(), indexes);
                prop_assert!(used.iter().all(|(index, value)| table.find(&key(*value)) == Some(*index)));
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
            table.insert(key(number), Class::Pending, 0, number);
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
