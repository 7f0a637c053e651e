//! IP fragments.

use std::ops::Range;

use crate::contract::{Outcome, Seen, check_chunks, read};
use crate::writer::{
    ACK, Order, extension, ipv4_fragment, ipv4_pieces, ipv6_pieces, pcap, pcap_header, pcap_record,
    tcp,
};

/// A segment of 20 bytes of header and these bytes of payload.
fn segment(payload: &[u8]) -> Vec<u8> {
    tcp(1, ACK, 0, payload)
}

fn text(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

fn places(ends: &[usize]) -> Vec<Range<usize>> {
    std::iter::once(0).chain(ends.iter().copied()).zip(ends).map(|(a, b)| a..*b).collect()
}

/// Reads packets, one a second.
fn packets(packets: &[Vec<u8>]) -> Outcome {
    check_chunks(&pcap(101, packets), &[13])
}

/// Reads packets of these seconds.
fn timed(packets: &[(u32, Vec<u8>)]) -> Outcome {
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 101);
    for (second, packet) in packets {
        file.extend(pcap_record(Order::Little, (*second, 0), packet, packet.len()));
    }
    read(&file)
}

/// The order in which pieces come, and whether all of them do.
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
    let places = places(&[24, 48, 80]);
    for family in [
        ipv4_pieces(5, &datagram, &places),
        ipv6_pieces(5, 6, &datagram, &places),
        // The fragmented part starts with an extension header.
        ipv6_pieces(5, 60, &extension(6, &datagram), &self::places(&[8, 48, 88])),
    ] {
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [1, 0, 2]] {
            let pieces = order.map(|index| family[index].clone());
            let outcome = packets(&pieces);
            assert_whole(&outcome, &payload, 3);
            assert_eq!(outcome.counts.fragments_waiting, 0);
            assert_eq!(outcome.counts.fragments_dropped, 0);
        }
    }
}

#[test]
fn the_first_fragment_says_what_an_ipv6_datagram_starts_with() {
    let payload = text(60);
    let mut pieces = ipv6_pieces(5, 6, &segment(&payload), &places(&[24, 48, 80]));
    // Those behind it may say something else (RFC 8200 section 4.5).
    pieces[2][40] = 60;
    assert_whole(&packets(&[pieces[2].clone(), pieces[0].clone(), pieces[1].clone()]), &payload, 3);
    pieces[2][40] = 17;
    let outcome = packets(&pieces);
    assert_eq!((outcome.counts.other, outcome.counts.fragments_waiting), (1, 2));
}

#[test]
fn bytes_that_come_again_change_nothing() {
    let payload = text(60);
    let datagram = segment(&payload);
    let places = [0..24, 0..24, 8..48, 24..48, 48..80];
    assert_whole(&packets(&ipv4_pieces(5, &datagram, &places)), &payload, 5);
}

#[test]
fn fragments_that_contradict_start_anew() {
    let payload = text(60);
    let datagram = segment(&payload);
    let good = ipv4_pieces(5, &datagram, &places(&[24, 48, 80]));
    let other = segment(&[b'?'; 60]);
    for (contradicting, dropped) in [
        // Other bytes in a place.
        (ipv4_fragment(6, 5, 0x2002, &other[16..48]), 1),
        // An end behind the end.
        (ipv4_fragment(6, 5, 0x200a, &[0; 8]), 2),
        // Another end.
        (ipv4_fragment(6, 5, 8, &[0; 8]), 2),
        // An end in front of what is there.
        (ipv4_fragment(6, 5, 1, &[]), 1),
    ] {
        let first = if dropped == 1 { vec![1] } else { vec![0, 2] };
        let mut all: Vec<_> = first.iter().map(|index| good[*index].clone()).collect();
        all.push(contradicting);
        let outcome = packets(&all);
        assert_eq!(outcome.packets, []);
        assert_eq!(outcome.counts.fragments_dropped, dropped);
        assert_eq!(outcome.counts.fragments_waiting, 1);
        // It is not put together with what comes then, which at worst has to come twice.
        all.extend([&good[..], &good].concat());
        let outcome = packets(&all);
        assert_eq!(outcome.packets.last().map(Seen::bytes), Some(&payload[..]));
    }
}

#[test]
fn datagrams_are_told_apart() {
    let [one, other] = [text(60), vec![b'z'; 60]];
    let pieces = |id, payload: &[u8]| ipv4_pieces(id, &segment(payload), &places(&[40, 80]));
    let (a, b) = (pieces(1, &one), pieces(2, &other));
    // The same numbers between other hosts, and another protocol.
    let mut c = pieces(1, &other);
    for piece in &mut c {
        piece[15] = 9;
    }
    let d = ipv4_fragment(51, 1, 0x2000, &[0; 40]);
    let v6 = ipv6_pieces(1, 6, &segment(&other), &places(&[40, 80]));
    let mixed = [&a[0], &b[0], &c[0], &v6[0], &d, &v6[1], &c[1], &b[1], &a[1]].map(Clone::clone);
    let outcome = packets(&mixed);
    let payloads: Vec<_> = outcome.packets.iter().map(Seen::bytes).collect();
    assert_eq!(payloads, [&other[..], &other, &other, &one]);
    assert_eq!(outcome.counts.fragments_waiting, 1);
}

#[test]
fn other_protocols_do_not_wait() {
    let outcome = packets(&[
        ipv4_fragment(17, 1, 0x2000, &[0; 8]),
        ipv6_pieces(1, 17, &[0; 80], &places(&[40]))[0].clone(),
    ]);
    assert_eq!((outcome.counts.other, outcome.counts.fragments), (2, 0));
}

#[test]
fn unsound_fragments_are_malformed() {
    for fragment in [
        // Not a multiple of 8, and not the last.
        ipv4_fragment(6, 1, 0x2000, &[0; 9]),
        // Behind the end of any datagram.
        ipv4_fragment(6, 1, 0x1fff, &[0; 8]),
    ] {
        assert_eq!(packets(&[fragment]).counts.malformed, 1);
    }
    // One that a snap length cut cannot be put together with others.
    let piece = &ipv4_pieces(1, &segment(&text(60)), &places(&[40, 80]))[0];
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 101);
    file.extend(pcap_record(Order::Little, (0, 0), &piece[..59], piece.len()));
    assert_eq!(read(&file).counts.malformed, 1);
}

#[test]
fn a_whole_of_fragments_can_still_be_malformed_or_something_else() {
    let pieces =
        |next, payload: &[u8]| ipv6_pieces(1, next, payload, &places(&[16, payload.len()]));
    assert_eq!(packets(&pieces(6, &[0; 24])).counts.malformed, 1);
    assert_eq!(packets(&pieces(60, &extension(17, &[0; 24]))).counts.other, 1);
    let again = extension(44, &[6, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(packets(&pieces(60, &again)).counts.malformed, 1);
}

#[test]
fn a_datagram_waits_for_thirty_seconds_of_the_capture() {
    let payload = text(60);
    let pieces = ipv4_pieces(5, &segment(&payload), &places(&[40, 80]));
    let outcome = timed(&[(100, pieces[0].clone()), (130, pieces[1].clone())]);
    assert_eq!(outcome.packets.len(), 1);
    let outcome = timed(&[(100, pieces[0].clone()), (131, pieces[1].clone())]);
    assert_eq!((outcome.packets.len(), outcome.counts.fragments_dropped), (0, 1));
    // A clock that goes back makes nothing old.
    let outcome = timed(&[(1_000, pieces[0].clone()), (10, pieces[1].clone())]);
    assert_eq!(outcome.packets.len(), 1);
}

#[test]
fn the_oldest_datagrams_make_room() {
    let piece = |id| ipv4_fragment(6, id, 0x2000, &[0; 8]);
    let mut all: Vec<_> = (0..1_030).map(|id| (0, piece(id))).collect();
    let outcome = timed(&all);
    let counts = &outcome.counts;
    assert_eq!((counts.fragments_waiting, counts.fragments_dropped), (1_024, 6));
    // The seventh still waits, the sixth does not.
    let last = [tcp(1, ACK, 0, b""), vec![0; 4]].concat();
    all.push((0, ipv4_fragment(6, 6, 1, &last)));
    assert_eq!(timed(&all).counts.malformed, 1);
    all.pop();
    all.push((0, ipv4_fragment(6, 5, 1, &last)));
    assert_eq!(timed(&all).counts.malformed, 0);
}

#[test]
fn waiting_datagrams_take_a_bounded_room() {
    // Each makes room for 64 KiB with 8 bytes.
    let piece = |id| ipv4_fragment(6, id, 0x3ffd, &[0; 8]);
    let all: Vec<_> = (0..1_000).map(|id| (0, piece(id))).collect();
    let counts = timed(&all).counts;
    assert!(counts.fragments_waiting <= 512);
    assert_eq!(counts.fragments_waiting + counts.fragments_dropped, 1_000);
}

#[test]
fn a_datagram_of_too_many_fragments_is_given_up() {
    let all: Vec<_> =
        (0..300).map(|place| (0, ipv4_fragment(6, 1, 0x2000 | (place * 2), &[0; 8]))).collect();
    let counts = timed(&all).counts;
    assert_eq!((counts.fragments_dropped, counts.fragments_waiting), (256, 44));
}
