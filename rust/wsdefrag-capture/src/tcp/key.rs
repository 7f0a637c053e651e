//! What tells connections apart: the addresses and ports of their endpoints, and their tenants.

use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};

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

#[cfg(test)]
impl Key {
    /// The key of a connection between a port of one client and a server.
    pub(super) fn of_port(port: u16) -> Self {
        Self::new(([10, 0, 0, 1], port).into(), ([10, 0, 0, 2], 80).into()).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::hash::BuildHasher;

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
            counts[usize::from(Key::of_port(port).bucket())] += 1;
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
}
