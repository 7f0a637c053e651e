//! Random files, and damaged files.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::contract::{check_chunks, read};
use crate::writer::{
    ACK, Order, ethernet, extension, ipv4, ipv4_fragments, ipv6, ipv6_fragments, pcap, pcap_header,
    pcapng, section, segment, tcp,
};

/// Packets of all kinds that share a link type, and that link type.
fn packet() -> impl Strategy<Value = (u16, Vec<Vec<u8>>)> {
    (any::<u32>(), vec(any::<u8>(), 0..100), 0..10_u8, any::<bool>()).prop_map(
        |(sequence, payload, form, six)| {
            let tcp = tcp(sequence, ACK, 3, &payload);
            let next = if six { 60 } else { 6 };
            let inner = if six { extension(6, &tcp) } else { tcp.clone() };
            let half = inner.len() / 16 * 8;
            let ranges = [0..half, half..inner.len()];
            match form {
                0 => (1, vec![ethernet(0x86dd, &ipv6(next, &inner))]),
                1 => (1, vec![ethernet(0x0800, &ipv4(1, &payload))]),
                2 => (101, ipv6_fragments(sequence, next, &inner, &ranges)),
                3 => (101, ipv4_fragments(9, &tcp, &[0..16, 8..tcp.len()])),
                4 => (1, vec![ethernet(0x8100, &ethernet(0x0800, &ipv4(6, &tcp))[10..])]),
                5 => (276, vec![[&[8, 0], &[0; 18][..], &ipv4(6, &tcp)].concat()]),
                6 => (252, vec![[&[0; 4], &payload[..]].concat()]),
                _ => (1, vec![segment(sequence, &payload)]),
            }
        },
    )
}

/// Files of such packets, of any format.
fn file() -> impl Strategy<Value = Vec<u8>> {
    (vec(packet(), 0..12), 0..3_u8).prop_map(|(groups, format)| {
        let order = if format == 0 { Order::Little } else { Order::Big };
        let link = groups.first().map_or(1, |(link, _)| *link);
        let alike = |groups: &[(u16, Vec<Vec<u8>>)]| {
            let of = groups.iter().filter(|(other, _)| *other == link);
            of.flat_map(|(_, packets)| packets.clone()).collect::<Vec<_>>()
        };
        if format == 2 {
            return pcap(link.into(), &alike(&groups));
        }
        // One section per group.
        groups.iter().flat_map(|(link, packets)| pcapng(order, *link, packets)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn arbitrary_bytes_are_read_or_refused(
        bytes in vec(any::<u8>(), 0..300), lengths in vec(1..40_usize, 1..5), start in 0..5_u8,
    ) {
        let head = match start {
            0 => vec![],
            1 => pcap_header(Order::Little, 0xa1b2_c3d4, 1),
            2 => pcap_header(Order::Big, 0xa1b2_3c4d, 101),
            3 => section(Order::Little),
            _ => section(Order::Big),
        };
        check_chunks(&[head, bytes].concat(), &lengths);
    }

    #[test]
    fn arbitrary_packets_are_read_or_counted(
        packets in vec(vec(any::<u8>(), 0..120), 1..8),
        link in prop::sample::select(vec![
            0_u16, 1, 5, 9, 10, 12, 50, 51, 100, 101, 104, 105, 107, 108, 113, 127, 192, 204, 228,
            229, 239, 242, 252, 258, 276,
        ]),
        lengths in vec(1..200_usize, 1..5),
    ) {
        let outcome = check_chunks(&pcap(link.into(), &packets), &lengths);
        prop_assert_eq!((outcome.error, outcome.damages), (None, vec![]));
        prop_assert_eq!(outcome.counts.packets, packets.len() as u64);
    }

    #[test]
    fn chunk_size_does_not_change_the_outcome(
        file in file(), lengths in vec(1..3_000_usize, 1..6),
    ) {
        let outcome = check_chunks(&file, &lengths);
        prop_assert!(outcome.error.is_none() || file.is_empty());
        prop_assert_eq!(outcome.damages, vec![]);
        prop_assert_eq!(outcome.counts.malformed, 0);
    }

    #[test]
    fn damaged_files_are_read_or_refused(
        file in file(),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        end in any::<prop::sample::Index>(),
        lengths in vec(1..3_000_usize, 1..6),
    ) {
        let mut file = file;
        prop_assume!(!file.is_empty());
        for (at, byte) in damage {
            let at = at.index(file.len());
            file[at] = byte;
        }
        check_chunks(&file, &lengths);
        read(&file[..end.index(file.len())]);
    }
}
