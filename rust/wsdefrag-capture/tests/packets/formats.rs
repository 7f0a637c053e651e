//! pcap and pcapng: byte orders, clocks, interfaces, and errors.

use wsdefrag_capture::Packet;
use wsdefrag_capture::file::error::FileErrorKind;
use wsdefrag_capture::packet::reader::PacketReader;

use crate::contract::{Outcome, Seen, check_chunks, read, read_in};
use crate::writer::{
    Order, block, enhanced, interface, option, pcap, pcap_header, pcap_record, pcapng, section,
    segment,
};

const ORDERS: [Order; 2] = [Order::Little, Order::Big];

fn times(outcome: &Outcome) -> Vec<i64> {
    assert_eq!((outcome.error, &outcome.damages[..]), (None, &[][..]));
    outcome.packets.iter().map(|packet| packet.time).collect()
}

#[test]
fn pcap_of_any_byte_order_and_resolution_is_read() {
    for order in ORDERS {
        for (magic, unit) in [(0xa1b2_c3d4, 1_000), (0xa1b2_3c4d, 1)] {
            let mut file = pcap_header(order, magic, 1);
            for second in [0, 1_700_000_000, u32::MAX] {
                let packet = segment(second, b"abc");
                file.extend(pcap_record(order, (second, 999_999), &packet, packet.len()));
            }
            let expected = [0, 1_700_000_000, 4_294_967_295_i64]
                .map(|second| second * 1_000_000_000 + 999_999 * unit);
            let outcome = check_chunks(&file, &[1]);
            assert_eq!(times(&outcome), expected);
            assert!(outcome.packets.iter().all(|packet| packet.bytes() == b"abc"));
        }
    }
}

#[test]
fn pcap_of_the_modified_format_is_read() {
    let mut file = pcap_header(Order::Little, 0xa1b2_cd34, 1);
    let packet = segment(1, b"abc");
    let record = pcap_record(Order::Little, (5, 6), &packet, packet.len());
    file.extend([&record[..16], &[0xee; 8], &record[16..]].concat());
    file.extend([&record[..16], &[0xee; 8], &record[16..]].concat());
    assert_eq!(times(&check_chunks(&file, &[7])), [5_000_006_000; 2]);
}

#[test]
fn pcap_link_type_has_a_check_sequence_in_its_upper_bits() {
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 0x2400_0001);
    let packet = [segment(1, b"abc"), vec![1, 2, 3, 4]].concat();
    file.extend(pcap_record(Order::Little, (5, 6), &packet, packet.len()));
    assert_eq!(read(&file).packets[0].bytes(), b"abc");
}

#[test]
fn pcapng_clock_is_that_of_its_interface() {
    for order in ORDERS {
        let clock = |resolution: Option<u8>, offset: i64| {
            let mut options = option(order, 2, b"eth0");
            if let Some(resolution) = resolution {
                options.extend(option(order, 9, &[resolution]));
            }
            let seconds = match order {
                Order::Little => offset.to_le_bytes(),
                Order::Big => offset.to_be_bytes(),
            };
            options.extend(option(order, 14, &seconds));
            options.extend(option(order, 0, b""));
            // After the end of the options: ignored.
            options.extend(option(order, 9, &[0]));
            options
        };
        for (resolution, offset, ticks, expected) in [
            (None, 0, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
            (None, 0, u64::MAX, i64::MAX),
            (Some(6), 3, 5, 3_000_005_000),
            (Some(6), -1, 5, -999_995_000),
            (Some(9), 0, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
            (Some(0), 1, 1_700_000_000, 1_700_000_001_000_000_000),
            (Some(12), 0, 1_700_000_000_123, 1_700_000_000),
            (Some(28), 0, u64::MAX, 1),
            (Some(29), 0, u64::MAX - 1, 0),
            (Some(127), 0, u64::MAX - 1, 0),
            (Some(0x80), 0, 7, 7_000_000_000),
            (Some(0x8a), 0, 1_536, 1_500_000_000),
            (Some(0xa0), 0, 0x8000_0000, 500_000_000),
            (Some(0xff), 0, u64::MAX, 0),
            (Some(0x80), 0, u64::MAX, i64::MAX),
            (Some(9), i64::MAX, u64::MAX, i64::MAX),
            (Some(9), i64::MIN, 0, i64::MIN),
        ] {
            let file = [
                section(order),
                interface(order, 1, 0, &clock(resolution, offset)),
                enhanced(order, 0, ticks, &segment(1, b"abc")),
            ]
            .concat();
            assert_eq!(times(&read(&file)), [expected], "{resolution:?} {offset} {ticks}");
        }
    }
}

#[test]
fn pcapng_sections_and_interfaces_are_kept_apart() {
    let [little, big] = ORDERS;
    let file = [
        section(little),
        interface(little, 1, 0, &[]),
        interface(little, 101, 0, &option(little, 9, &[0])),
        enhanced(little, 1, 3, &segment(1, b"second")[14..]),
        enhanced(little, 0, 4, &segment(1, b"first")),
        // An interface that is not described.
        enhanced(little, 2, 5, &segment(1, b"third")),
        section(big),
        interface(big, 101, 0, &[]),
        enhanced(big, 0, 6, &segment(1, b"fourth")[14..]),
        enhanced(big, 1, 7, &segment(1, b"fifth")),
    ]
    .concat();
    let outcome = check_chunks(&file, &[3, 50]);
    assert_eq!(times(&outcome), [3_000_000_000, 4_000, 6_000]);
    let payloads: Vec<_> = outcome.packets.iter().map(Seen::bytes).collect();
    assert_eq!(payloads, [&b"second"[..], b"first", b"fourth"]);
    let numbers: Vec<_> = outcome.packets.iter().map(|packet| packet.number).collect();
    assert_eq!(numbers, [1, 2, 4]);
    assert_eq!((outcome.counts.packets, outcome.counts.malformed), (5, 2));
}

#[test]
fn pcapng_blocks_of_all_kinds_are_read_or_ignored() {
    for order in ORDERS {
        let packet = segment(1, b"abc");
        let length = u32::try_from(packet.len()).unwrap();
        // The obsolete Packet Block: 16 bits for the interface and 16 for a count of drops.
        let mut obsolete = [order.u16(0), order.u16(9)].concat();
        for value in [0, 7, length, length] {
            obsolete.extend(order.u32(value));
        }
        obsolete.extend(&packet);
        // A Simple Packet Block has only a length. It gets the time of the last packet.
        let simple = [&order.u32(length)[..], &packet].concat();
        let cut = [&order.u32(5_000)[..], &packet[..66]].concat();
        let options = option(order, 2, &[0, 0, 0, 1]);
        let mut with_options = enhanced(order, 0, 9, &packet);
        with_options.splice(with_options.len() - 4.., options);
        let size = u32::try_from(with_options.len() + 4).unwrap();
        with_options.splice(4..8, order.u32(size));
        with_options.extend(order.u32(size));
        let file = [
            section(order),
            interface(order, 1, 66, &[]),
            block(order, 5, &[0; 12]),
            block(order, 0x8000_1234, b"not known"),
            block(order, 4, b""),
            block(order, 2, &obsolete),
            block(order, 0x0bad, b"\x00\x00\x00\x01custom"),
            block(order, 3, &cut),
            with_options,
        ]
        .concat();
        let outcome = check_chunks(&file, &[1]);
        assert_eq!(times(&outcome), [7_000, 7_000, 9_000]);
        assert_eq!(outcome.packets[1].bytes(), b"");
        let file = [section(order), interface(order, 1, 0, &[]), block(order, 3, &simple)].concat();
        assert_eq!(read(&file).packets[0].bytes(), b"abc");
    }
}

#[test]
fn pcapng_secrets_are_kept() {
    let order = Order::Big;
    let secrets = |kind, secrets: &[u8]| {
        let length = u32::try_from(secrets.len()).unwrap();
        block(order, 10, &[&order.u32(kind)[..], &order.u32(length), secrets].concat())
    };
    let file = [section(order), secrets(0x544c_534b, b"CLIENT_RANDOM"), secrets(7, b"")].concat();
    let expected = vec![(0x544c_534b, b"CLIENT_RANDOM".to_vec()), (7, Vec::new())];
    assert_eq!(check_chunks(&file, &[5]).secrets, expected);
}

#[test]
fn stored_secrets_and_interfaces_are_bounded() {
    let order = Order::Little;
    let secrets = block(order, 10, &[&[7, 0, 0, 0, 0, 0, 16, 0], &vec![1; 1 << 20][..]].concat());
    let mut reader = PacketReader::new();
    let mut file = section(order);
    for _ in 0..17 {
        file.extend(&secrets);
    }
    reader.receive_data(&file, &mut |_: Packet<'_>| {}).unwrap();
    assert_eq!((reader.secrets().len(), reader.secrets_dropped()), (15, 2));
    let mut file = section(order);
    for _ in 0..=65_536 {
        file.extend(interface(order, 1, 0, &[]));
    }
    file.extend(enhanced(order, 65_535, 0, &segment(1, b"abc")));
    file.extend(enhanced(order, 65_536, 0, &segment(1, b"abc")));
    let counts = read(&file).counts;
    assert_eq!((counts.tcp, counts.malformed), (1, 1));
}

#[test]
fn errors_name_their_record_and_byte() {
    let order = Order::Little;
    let packets = vec![segment(1, b"abc"), segment(2, b"def")];
    let pcap = pcap(1, &packets);
    let pcapng = pcapng(order, 1, &packets);
    let long = |length| {
        pcap_record(order, (0, 0), &[], 0)[..8]
            .iter()
            .copied()
            .chain(order.u32(length))
            .chain([0; 4])
            .collect::<Vec<_>>()
    };
    let with = |kind: u32, body: &[u8]| [&pcapng[..], &block(order, kind, body)].concat();
    let followed_by = |bytes: &[u8]| [&pcapng[..], bytes].concat();
    let not = FileErrorKind::not_a_capture;
    let mut version = pcap.clone();
    version[4] = 3;
    let mut section_version = section(order);
    section_version[12] = 2;
    let mut no_order = section(order);
    no_order[8] = 0;
    for (file, record, offset, kind) in [
        (vec![], 1, 0, not(b"")),
        (b"a\n".to_vec(), 1, 0, not(b"a\n")),
        (b"HTTP/1.1 200 OK\r\n".to_vec(), 1, 0, not(b"HTTP/1.1 200 OK\r\n")),
        (version, 1, 0, FileErrorKind::Version { major: 3, minor: 4 }),
        (pcap[..10].to_vec(), 1, 0, FileErrorKind::CutShort { left: 10 }),
        ([&pcap[..], &[0; 15]].concat(), 3, pcap.len(), FileErrorKind::CutShort { left: 15 }),
        (
            [&pcap[..], &long(268_435_457)].concat(),
            3,
            pcap.len(),
            FileErrorKind::TooLong(268_435_457),
        ),
        ([&pcap[..], &long(u32::MAX)].concat(), 3, pcap.len(), FileErrorKind::TooLong(u32::MAX)),
        (section_version, 1, 0, FileErrorKind::Version { major: 2, minor: 0 }),
        (no_order, 1, 0, FileErrorKind::ByteOrder(0x1a2b_3c00)),
        (pcapng[..11].to_vec(), 1, 0, FileErrorKind::CutShort { left: 11 }),
        (
            followed_by(&[6, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]),
            5,
            pcapng.len(),
            FileErrorKind::TooShort(3),
        ),
        (
            followed_by(&[6, 0, 0, 0, 1, 0, 0, 0x10, 0, 0, 0, 0]),
            5,
            pcapng.len(),
            FileErrorKind::TooLong(0x1000_0001),
        ),
        (
            followed_by(&[6, 0, 0, 0, 12, 0, 0, 0, 16, 0, 0, 0]),
            5,
            pcapng.len(),
            FileErrorKind::LengthsDiffer { first: 12, last: 16 },
        ),
        (with(6, &[0; 16]), 5, pcapng.len(), FileErrorKind::TooShort(28)),
        (
            with(6, &[[0; 12], [0xff; 12]].concat()),
            5,
            pcapng.len(),
            FileErrorKind::Overrun { holds: u32::MAX, length: 36 },
        ),
        (
            with(3, &[9, 0, 0, 0, 1, 2, 3, 4]),
            5,
            pcapng.len(),
            FileErrorKind::Overrun { holds: 9, length: 20 },
        ),
        (
            with(10, &[0, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3, 4]),
            5,
            pcapng.len(),
            FileErrorKind::Overrun { holds: 9, length: 24 },
        ),
        (with(1, &[0; 4]), 5, pcapng.len(), FileErrorKind::TooShort(16)),
    ] {
        let outcome = check_chunks(&file, &[5]);
        // Only a file whose start is wrong is refused. Other damage is passed over.
        let damage = outcome.damages.first().map(|damage| damage.error);
        let error = outcome.error.or(damage).unwrap();
        let refused = offset == 0 || error.is_cut_short();
        assert_eq!((outcome.error.is_some(), damage.is_some()), (refused, !refused));
        assert_eq!((error.record, error.offset, error.kind), (record, offset as u64, kind));
        let expected = if offset == 0 { 0 } else { 2 };
        assert_eq!(outcome.packets.len(), expected, "packets before an error are kept: {kind:?}");
    }
}

#[test]
fn file_that_ends_anywhere_is_complete_or_cut_short() {
    for file in [
        pcap(1, &[segment(1, b"abc"), segment(2, b"d")]),
        pcapng(Order::Big, 1, &[segment(1, b"abc"), segment(2, b"d")]),
    ] {
        let whole = read(&file).packets;
        for end in 4..file.len() {
            let outcome = read(&file[..end]);
            assert_eq!(outcome.packets, whole[..outcome.packets.len()]);
            assert!(outcome.error.is_none_or(|error| error.is_cut_short()));
            let kind = outcome.error.map(|error| error.kind);
            let offset = outcome.error.map_or(Ok(end), |error| usize::try_from(error.offset));
            let left = end - offset.unwrap();
            assert_eq!(kind, (left != 0).then_some(FileErrorKind::CutShort { left }));
        }
    }
}

#[test]
fn record_that_spans_chunks_is_read_whole() {
    let packets: Vec<_> = (0..4_u8).map(|byte| segment(byte.into(), &vec![byte; 60_000])).collect();
    let file = pcapng(Order::Little, 1, &packets);
    for length in [1, 100, 59_999, 60_123, 61_000, 200_000] {
        assert_eq!(read_in(&file, &[length]), read(&file));
    }
}

/// A pcapng file with long blocks before its packet: comments, a custom block and secrets.
fn with_long_blocks(order: Order) -> Vec<u8> {
    let comment = option(order, 1, &vec![b'x'; 65_532]);
    let mut resolution = option(order, 9, &[9]);
    resolution.extend(comment.repeat(20));
    let secrets = [&order.u32(7)[..], &order.u32(20 << 20), &vec![b's'; 20 << 20]].concat();
    let mut file = section(order);
    file.extend(block(order, 0x0bad, &vec![0; 3 << 20]));
    file.extend(interface(order, 1, 0, &resolution));
    file.extend(block(order, 10, &secrets));
    file.extend(enhanced(order, 0, 5, &segment(1, b"abc")));
    file
}

#[test]
fn long_blocks_without_a_packet_are_passed_over() {
    for order in ORDERS {
        let file = with_long_blocks(order);
        for lengths in [&[usize::MAX][..], &[1 << 16], &[(1 << 20) + 1]] {
            let outcome = read_in(&file, lengths);
            assert_eq!(times(&outcome), [5], "the clock of the interface is read");
            assert_eq!(outcome.packets[0].bytes(), b"abc");
            assert!(outcome.secrets.is_empty(), "they are too long to be kept");
        }
        let cut = read_in(&file[..2 << 20], &[1 << 16]).error.map(|error| error.is_cut_short());
        assert_eq!(cut, Some(true));
    }
}

#[test]
fn second_length_of_a_long_block_is_compared() {
    let order = Order::Little;
    let mut file = section(order);
    file.extend(interface(order, 1, 0, &[]));
    let length = 12 + (3 << 20);
    file.extend(block(order, 0x0bad, &vec![0; 3 << 20]));
    let last = file.len() - 4;
    file[last..].copy_from_slice(&order.u32(8));
    file.extend(enhanced(order, 0, 5, &segment(1, b"abc")));
    let outcome = read(&file);
    assert_eq!((outcome.packets.len(), outcome.error), (1, None));
    let kind = FileErrorKind::LengthsDiffer { first: length, last: 8 };
    let found = outcome.damages.iter().map(|damage| (damage.error.offset, damage.error.kind));
    assert_eq!(found.collect::<Vec<_>>(), [(last as u64, kind)]);
}

#[test]
fn packet_of_hundreds_of_megabytes_is_damage_and_the_rest_is_read() {
    let order = Order::Little;
    let mut file = section(order);
    file.extend(interface(order, 1, 0, &[]));
    let start = file.len() as u64;
    // An enhanced packet block that claims 200 MiB.
    let length = 200 << 20;
    for value in [6, length, 0, 0, 5, length - 32, length - 32] {
        file.extend(order.u32(value));
    }
    for ticks in 0..3 {
        file.extend(enhanced(order, 0, ticks, &segment(1, b"abc")));
    }
    let outcome = read(&file);
    assert_eq!((outcome.packets.len(), outcome.error), (3, None));
    let found = outcome.damages.iter().map(|damage| (damage.error.offset, damage.error.kind));
    assert_eq!(found.collect::<Vec<_>>(), [(start, FileErrorKind::TooLong(length))]);
}
