//! Exported PDUs: their tags, and the packets made from them.

use wsdefrag_capture::packet::unread::Unread;

use crate::contract::{SeenPayload, check_chunks};
use crate::writer::{Order, pcap, pcap_header, pcap_record};

fn tag(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap();
    [&kind.to_be_bytes()[..], &length.to_be_bytes(), value].concat()
}

fn number(value: u32) -> [u8; 4] {
    value.to_be_bytes()
}

/// The tags of a PDU from 10.0.0.1 to 10.0.0.2.
fn tags() -> Vec<Vec<u8>> {
    vec![
        tag(13, b"http_tls\0\0\0\0"),
        tag(20, &[10, 0, 0, 1]),
        tag(21, &[10, 0, 0, 2]),
        tag(24, &number(2)),
        tag(25, &number(40_000)),
        tag(26, &number(443)),
        tag(30, &number(17)),
    ]
}

fn record(tags: &[Vec<u8>], bytes: &[u8]) -> Vec<u8> {
    [&tags.concat(), &tag(0, b"")[..], bytes].concat()
}

#[test]
fn pdu_without_a_sequence_number_is_ordered_bytes() {
    let mut v6 = tags();
    v6[1] = tag(22, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    v6[2] = tag(23, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    // Lengths that are not a multiple of four are not padded.
    v6.push(tag(33, b"odd"));
    let file = pcap(252, &[record(&tags(), b"GET /"), record(&v6, b"")]);
    let outcome = check_chunks(&file, &[11]);
    let ends: Vec<_> = outcome
        .packets
        .iter()
        .map(|packet| (packet.number, packet.source.to_string(), packet.destination.to_string()))
        .collect();
    assert_eq!(
        ends,
        [
            (1, "10.0.0.1:40000".to_owned(), "10.0.0.2:443".to_owned()),
            (2, "[::1]:40000".to_owned(), "[::2]:443".to_owned()),
        ]
    );
    assert_eq!(outcome.packets[0].payload, SeenPayload::Ordered(b"GET /".to_vec()));
    assert_eq!(outcome.packets[1].payload, SeenPayload::Ordered(Vec::new()));
    assert_eq!(outcome.counts.exported, 2);
}

#[test]
fn pdu_with_a_sequence_number_is_a_segment() {
    let mut tags = tags();
    let mut data = vec![0, 1];
    for value in [0xffff_fff0, 0xffff_fff5, 9] {
        data.extend(number(value));
    }
    data.extend([0, 0, 0x18, 0, 0]);
    tags.push(tag(34, &data));
    let outcome = check_chunks(&pcap(252, &[record(&tags, b"GET /")]), &[11]);
    let expected = SeenPayload::Segment {
        sequence: 0xffff_fff0,
        acknowledgment: None,
        flags: [false; 3],
        bytes: b"GET /".to_vec(),
        cut: 0,
    };
    assert_eq!(outcome.packets[0].payload, expected);
    // Version 2 of the data is not defined.
    data[1] = 2;
    tags.pop();
    tags.push(tag(34, &data));
    let outcome = check_chunks(&pcap(252, &[record(&tags, b"GET /")]), &[11]);
    assert_eq!(outcome.packets[0].payload, SeenPayload::Ordered(b"GET /".to_vec()));
}

#[test]
fn pdus_of_other_protocols_and_without_addresses_are_counted() {
    let mut udp = tags();
    udp[3] = tag(24, &number(3));
    let mut all = vec![record(&udp, b"x"), record(&[], b"x")];
    for missing in 1..6 {
        let mut tags = tags();
        tags.remove(missing);
        all.push(record(&tags, b"x"));
    }
    let outcome = check_chunks(&pcap(252, &all), &[11]);
    assert_eq!(outcome.counts.other, 1);
    assert_eq!(outcome.counts.unread_kinds, [(Unread::UnaddressedPdu, 6)]);
}

#[test]
fn incomplete_tags_are_malformed() {
    let whole = record(&tags(), b"");
    let mut all: Vec<_> = (0..whole.len()).map(|end| whole[..end].to_vec()).collect();
    for (index, value) in [(1, 3), (2, 16), (3, 2), (4, 3), (5, 8)] {
        let mut tags = tags();
        let kind = u16::from_be_bytes([tags[index][0], tags[index][1]]);
        tags[index] = tag(kind, &vec![0; value]);
        all.push(record(&tags, b"x"));
    }
    let mut tags = tags();
    tags[4] = tag(25, &number(65_536));
    all.push(record(&tags, b"x"));
    let outcome = check_chunks(&pcap(252, &all), &[11]);
    assert_eq!(outcome.counts.malformed, all.len() as u64);
}

#[test]
fn pdu_cut_by_a_snap_length_is_malformed() {
    let whole = record(&tags(), b"abc");
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 252);
    file.extend(pcap_record(Order::Little, (0, 0), &whole[..whole.len() - 1], whole.len()));
    assert_eq!(check_chunks(&file, &[11]).counts.malformed, 1);
}
