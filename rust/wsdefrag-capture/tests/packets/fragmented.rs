//! IP fragments: reassembly, contradictions and limits.

use std::ops::Range;

use crate::contract::{Outcome, Seen, check_chunks, read};
use crate::writer::{
    ACK, Order, extension, ipv4_fragment, ipv4_fragments, ipv6_fragments, pcap, pcap_header,
    pcap_record, tcp,
};

/// A segment of 20 bytes of header and these bytes of payload.
fn segment(payload: &[u8]) -> Vec<u8> {
    tcp(1, ACK, 0, payload)
}

fn text(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

fn ranges(ends: &[usize]) -> Vec<Range<usize>> {
    std::iter::once(0).chain(ends.iter().copied()).zip(ends).map(|(a, b)| a..*b).collect()
}

/// Reads packets captured one second apart.
fn packets(packets: &[Vec<u8>]) -> Outcome {
    check_chunks(&pcap(101, packets), &[13])
}

/// Reads packets captured at these seconds.
fn timed(packets: &[(u32, Vec<u8>)]) -> Outcome {
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 101);
    for (second, packet) in packets {
        file.extend(pcap_record(Order::Little, (*second, 0), packet, packet.len()));
    }
    read(&file)
}

/// Checks that the packets gave one segment with this payload, completed by packet `number`.
fn assert_whole(outcome: &Outcome, payload: &[u8], number: u64) {
    assert_eq!(outcome.packets.len(), 1);
    let packet = &outcome.packets[0];
    assert_eq!(packet.bytes(), payload);
    assert_eq!((packet.number, packet.time), (number, (number.cast_signed() - 1) * 1_000_000_000));
    assert_eq!(outcome.counts.fragments, outcome.counts.packets - 1);
}

#[test]
fn fragments_in_any_order_make_a_datagram() {
    let payload = text(60);
    let datagram = segment(&payload);
    let ranges = ranges(&[24, 48, 80]);
    for family in [
        ipv4_fragments(5, &datagram, &ranges),
        ipv6_fragments(5, 6, &datagram, &ranges),
        // The fragmented part starts with an extension header.
        ipv6_fragments(5, 60, &extension(6, &datagram), &self::ranges(&[8, 48, 88])),
    ] {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let fragments = order.map(|index| family[index].clone());
            let outcome = packets(&fragments);
            assert_whole(&outcome, &payload, 3);
            assert_eq!(outcome.counts.fragments_waiting, 0);
            assert_eq!(outcome.counts.fragments_dropped, 0);
        }
    }
}

#[test]
fn first_fragment_gives_the_next_header_of_an_ipv6_datagram() {
    let payload = text(60);
    let mut fragments = ipv6_fragments(5, 6, &segment(&payload), &ranges(&[24, 48, 80]));
    // Later fragments may have another next header (RFC 8200 section 4.5).
    fragments[2][40] = 60;
    assert_whole(
        &packets(&[fragments[2].clone(), fragments[0].clone(), fragments[1].clone()]),
        &payload,
        3,
    );
    fragments[2][40] = 58;
    let outcome = packets(&fragments);
    assert_eq!((outcome.counts.other, outcome.counts.fragments_waiting), (1, 2));
}

#[test]
fn repeated_bytes_change_nothing() {
    let payload = text(60);
    let datagram = segment(&payload);
    let ranges = [0..24, 0..24, 8..48, 24..48, 48..80];
    assert_whole(&packets(&ipv4_fragments(5, &datagram, &ranges)), &payload, 5);
}

#[test]
fn contradicting_fragment_replaces_the_datagram() {
    let payload = text(60);
    let datagram = segment(&payload);
    let good = ipv4_fragments(5, &datagram, &ranges(&[24, 48, 80]));
    let other = segment(&[b'?'; 60]);
    for (contradicting, dropped) in [
        // Other bytes at the same position.
        (ipv4_fragment(6, 5, 0x2002, &other[16..48]), 1),
        // A fragment after the end.
        (ipv4_fragment(6, 5, 0x200a, &[0; 8]), 2),
        // Another end.
        (ipv4_fragment(6, 5, 8, &[0; 8]), 2),
        // An end before bytes that have arrived.
        (ipv4_fragment(6, 5, 1, &[]), 1),
    ] {
        let first = if dropped == 1 { vec![1] } else { vec![0, 2] };
        let mut all: Vec<_> = first.iter().map(|index| good[*index].clone()).collect();
        all.push(contradicting);
        let outcome = packets(&all);
        assert_eq!(outcome.packets, []);
        assert_eq!(outcome.counts.fragments_dropped, dropped);
        assert_eq!(outcome.counts.fragments_waiting, 1);
        // The contradicting fragment is not mixed with those that follow. At worst the datagram is
        // complete only when its fragments arrive a second time.
        all.extend([&good[..], &good].concat());
        let outcome = packets(&all);
        assert_eq!(outcome.packets.last().map(Seen::bytes), Some(&payload[..]));
    }
}

#[test]
fn fragments_of_several_datagrams_do_not_mix() {
    let [one, other] = [text(60), vec![b'z'; 60]];
    let fragments = |id, payload: &[u8]| ipv4_fragments(id, &segment(payload), &ranges(&[40, 80]));
    let (a, b) = (fragments(1, &one), fragments(2, &other));
    // The same identification between other hosts, and with another protocol.
    let mut c = fragments(1, &other);
    for fragment in &mut c {
        fragment[15] = 9;
    }
    let d = ipv4_fragment(51, 1, 0x2000, &[0; 40]);
    let v6 = ipv6_fragments(1, 6, &segment(&other), &ranges(&[40, 80]));
    let mixed = [&a[0], &b[0], &c[0], &v6[0], &d, &v6[1], &c[1], &b[1], &a[1]].map(Clone::clone);
    let outcome = packets(&mixed);
    let payloads: Vec<_> = outcome.packets.iter().map(Seen::bytes).collect();
    assert_eq!(payloads, [&other[..], &other, &other, &one]);
    assert_eq!(outcome.counts.fragments_waiting, 1);
}

#[test]
fn fragments_of_other_protocols_are_not_stored() {
    let outcome = packets(&[
        ipv4_fragment(1, 1, 0x2000, &[0; 8]),
        ipv6_fragments(1, 58, &[0; 80], &ranges(&[40]))[0].clone(),
    ]);
    assert_eq!((outcome.counts.other, outcome.counts.fragments), (2, 0));
}

#[test]
fn unsound_fragments_are_malformed() {
    for fragment in [
        // Not a multiple of 8, and not the last.
        ipv4_fragment(6, 1, 0x2000, &[0; 9]),
        // After the end of the longest datagram.
        ipv4_fragment(6, 1, 0x1fff, &[0; 8]),
    ] {
        assert_eq!(packets(&[fragment]).counts.malformed, 1);
    }
    // A fragment cut by a snap length cannot be reassembled.
    let fragment = &ipv4_fragments(1, &segment(&text(60)), &ranges(&[40, 80]))[0];
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 101);
    file.extend(pcap_record(Order::Little, (0, 0), &fragment[..59], fragment.len()));
    assert_eq!(read(&file).counts.malformed, 1);
}

#[test]
fn reassembled_datagram_can_be_malformed_or_another_protocol() {
    let fragments =
        |next, payload: &[u8]| ipv6_fragments(1, next, payload, &ranges(&[16, payload.len()]));
    assert_eq!(packets(&fragments(6, &[0; 24])).counts.malformed, 1);
    assert_eq!(packets(&fragments(60, &extension(17, &[0; 24]))).counts.other, 1);
    let again = extension(44, &[6, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(packets(&fragments(60, &again)).counts.malformed, 1);
}

#[test]
fn incomplete_datagram_is_dropped_after_thirty_seconds_of_capture_time() {
    let payload = text(60);
    let fragments = ipv4_fragments(5, &segment(&payload), &ranges(&[40, 80]));
    let outcome = timed(&[(100, fragments[0].clone()), (130, fragments[1].clone())]);
    assert_eq!(outcome.packets.len(), 1);
    let outcome = timed(&[(100, fragments[0].clone()), (131, fragments[1].clone())]);
    assert_eq!((outcome.packets.len(), outcome.counts.fragments_dropped), (0, 1));
    // A time before the first fragment's drops nothing.
    let outcome = timed(&[(1_000, fragments[0].clone()), (10, fragments[1].clone())]);
    assert_eq!(outcome.packets.len(), 1);
}

#[test]
fn oldest_datagrams_are_dropped_when_there_are_too_many() {
    let fragment = |id| ipv4_fragment(6, id, 0x2000, &[0; 8]);
    let mut all: Vec<_> = (0..1_030).map(|id| (0, fragment(id))).collect();
    let outcome = timed(&all);
    let counts = &outcome.counts;
    assert_eq!((counts.fragments_waiting, counts.fragments_dropped), (1_024, 6));
    // Datagram 6 is still stored, datagram 5 was dropped.
    let last = [tcp(1, ACK, 0, b""), vec![0; 4]].concat();
    all.push((0, ipv4_fragment(6, 6, 1, &last)));
    assert_eq!(timed(&all).counts.malformed, 1);
    all.pop();
    all.push((0, ipv4_fragment(6, 5, 1, &last)));
    assert_eq!(timed(&all).counts.malformed, 0);
}

#[test]
fn memory_of_incomplete_datagrams_is_bounded() {
    // Each fragment has 8 bytes and makes its datagram allocate 64 KiB.
    let fragment = |id| ipv4_fragment(6, id, 0x3ffd, &[0; 8]);
    let all: Vec<_> = (0..1_000).map(|id| (0, fragment(id))).collect();
    let counts = timed(&all).counts;
    assert!(counts.fragments_waiting <= 512);
    assert_eq!(counts.fragments_waiting + counts.fragments_dropped, 1_000);
}

#[test]
fn datagram_of_too_many_fragments_is_dropped() {
    let all: Vec<_> =
        (0..300).map(|range| (0, ipv4_fragment(6, 1, 0x2000 | (range * 2), &[0; 8]))).collect();
    let counts = timed(&all).counts;
    assert_eq!((counts.fragments_dropped, counts.fragments_waiting), (256, 44));
}
