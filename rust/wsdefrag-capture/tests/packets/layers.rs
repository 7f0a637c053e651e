//! Headers of link layers, IP and TCP.

use std::net::SocketAddr;

use crate::contract::{Outcome, Seen, SeenPayload, check_chunks, read};
use crate::writer::{
    ACK, FIN, Order, RST, SYN, ethernet, extension, ipv4, ipv6, pcap, pcap_header, pcap_record,
    segment, tcp,
};

/// Reads a packet of this link type that was captured whole.
fn one(link: u32, packet: Vec<u8>) -> Outcome {
    check_chunks(&pcap(link, &[packet]), &[9])
}

/// Reads an Ethernet frame of which `captured` bytes were captured.
fn cut(frame: &[u8], captured: usize) -> Outcome {
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 1);
    file.extend(pcap_record(Order::Little, (0, 0), &frame[..captured], frame.len()));
    read(&file)
}

fn payload(packet: &Seen) -> (&[u8], u32) {
    match &packet.payload {
        SeenPayload::Segment { bytes, cut, .. } => (bytes, *cut),
        SeenPayload::Ordered(_) => panic!("not a segment"),
    }
}

fn ends(packet: &Seen) -> [SocketAddr; 2] {
    [packet.source, packet.destination]
}

fn addresses(source: &str, destination: &str) -> [SocketAddr; 2] {
    [source, destination].map(|address| address.parse().unwrap())
}

#[test]
fn every_link_type_leads_to_ip() {
    let v4 = ipv4(6, &tcp(1, ACK, 0, b"abc"));
    let v6 = ipv6(6, &tcp(1, ACK, 0, b"abc"));
    let label = |number: u8, last: u8| vec![0, number, last, 64];
    for (packet, number, families) in
        [(&v4, 0x0800_u16, &[2_u32][..]), (&v6, 0x86dd, &[24, 28, 30, 10, 23])]
    {
        let number = number.to_be_bytes();
        let tagged = [&[0, 5], &number[..], packet].concat();
        let ppp: u16 = if families == [2] { 0x21 } else { 0x57 };
        let session = [&[0x11, 0, 0, 1, 0, 9], &ppp.to_be_bytes()[..], packet].concat();
        let mut forms = vec![
            (1, [&[0; 12], &number[..], packet].concat()),
            (1, ethernet(0x8100, &tagged)),
            (1, ethernet(0x9100, &tagged)),
            (1, ethernet(0x88a8, &[&[0, 6, 0x81, 0], &tagged[..]].concat())),
            (1, ethernet(0x8864, &session)),
            (1, ethernet(0x8847, &[label(1, 0), label(2, 1), packet.clone()].concat())),
            (1, ethernet(0x8100, &[&[0, 5, 0x88, 0x47], &label(2, 1)[..], packet].concat())),
            (113, [&[0; 14], &number[..], packet].concat()),
            (276, [&number[..], &[0; 18], packet].concat()),
        ];
        for link in [12, 14, 101, 228, 229] {
            forms.push((link, packet.clone()));
        }
        for family in families {
            for family in [family.to_be_bytes(), family.to_le_bytes()] {
                forms.push((0, [&family[..], packet].concat()));
                forms.push((108, [&family[..], packet].concat()));
            }
        }
        for (link, bytes) in forms {
            let outcome = one(link, bytes.clone());
            assert_eq!(outcome.counts.tcp, 1, "{link} {bytes:02x?}");
            assert_eq!(payload(&outcome.packets[0]), (&b"abc"[..], 0));
            // Cut before the IP header, the packet is malformed.
            for end in 0..bytes.len() - packet.len() {
                let outcome = one(link, bytes[..end].to_vec());
                assert_eq!(outcome.counts.malformed, 1, "{link} {bytes:02x?} {end}");
            }
        }
    }
}

#[test]
fn other_protocols_and_links_are_counted() {
    for (link, packet) in [
        (1, ethernet(0x0806, &[0; 28])),
        (1, ethernet(0x8847, &[0, 0, 1, 64, 0, 0, 0, 0])),
        (1, ethernet(0x8864, &[0x11, 0, 0, 1, 0, 9, 0xc0, 0x21])),
        (1, ethernet(0x0800, &ipv4(17, &[0; 8]))),
        (1, ethernet(0x86dd, &ipv6(58, &[0; 8]))),
        (1, ethernet(0x86dd, &ipv6(59, &[]))),
        (0, vec![7, 0, 0, 0, 0]),
        (108, vec![0xff, 0xff, 0xff, 0xff, 0]),
    ] {
        assert_eq!(one(link, packet.clone()).counts.other, 1, "{link} {packet:02x?}");
    }
    let outcome = one(147, segment(1, b"abc"));
    assert_eq!(outcome.counts.unknown_links, [(147, 1)]);
    for (link, packet) in [
        (101, vec![]),
        (101, vec![0x50; 40]),
        (101, vec![0x44; 40]),
        // IPv4: header longer than the packet; total length shorter than the header.
        (101, [&[0x4f], &ipv4(6, &[])[1..]].concat()),
        (101, [&[0x45, 0, 0, 19], &ipv4(6, &[0; 20])[4..]].concat()),
        (101, ipv6(6, &[])[..39].to_vec()),
    ] {
        assert_eq!(one(link, packet.clone()).counts.malformed, 1, "{link} {packet:02x?}");
    }
}

#[test]
fn addresses_ports_and_flags_are_those_of_the_headers() {
    let outcome = one(101, ipv4(6, &tcp(0xffff_fff0, SYN, 10, b"")));
    assert_eq!(ends(&outcome.packets[0]), addresses("10.0.0.1:40000", "10.0.0.2:80"));
    let outcome = one(101, ipv6(6, &tcp(9, SYN | ACK, 0, b"")));
    assert_eq!(ends(&outcome.packets[0]), addresses("[fd00::1]:40000", "[fd00::2]:80"));
    for (flags, syn, fin, rst, acknowledgment) in [
        (0, false, false, false, None),
        (SYN, true, false, false, None),
        (SYN | ACK, true, false, false, Some(7)),
        (FIN | ACK, false, true, false, Some(7)),
        (RST, false, false, true, None),
        (0xff, true, true, true, Some(7)),
    ] {
        let outcome = one(101, ipv4(6, &tcp(0xffff_fff0, flags, 10, b"abc")));
        let expected = SeenPayload::Segment {
            sequence: 0xffff_fff0,
            acknowledgment,
            flags: [syn, fin, rst],
            bytes: b"abc".to_vec(),
            cut: 0,
        };
        assert_eq!(outcome.packets[0].payload, expected);
    }
}

#[test]
fn padding_is_not_payload() {
    let frame = [ethernet(0x0800, &ipv4(6, &tcp(1, ACK, 0, b""))), vec![0xee; 6]].concat();
    assert_eq!(payload(&one(1, frame).packets[0]), (&b""[..], 0));
    let frame = [ethernet(0x86dd, &ipv6(6, &tcp(1, ACK, 0, b"a"))), vec![0xee; 4]].concat();
    assert_eq!(payload(&one(1, frame).packets[0]), (&b"a"[..], 0));
}

#[test]
fn bytes_cut_by_a_snap_length_are_counted() {
    for frame in [
        segment(1, b"0123456789"),
        ethernet(0x86dd, &ipv6(6, &tcp(1, ACK, 3, b"0123456789"))),
        [segment(1, b"0123456789"), vec![0; 4]].concat(),
    ] {
        let headers = frame.windows(10).position(|bytes| bytes == b"0123456789").unwrap();
        for captured in 0..frame.len() {
            let outcome = cut(&frame, captured);
            // The options of TCP, 12 bytes here, are not needed.
            if captured < headers - 12 {
                assert_eq!(outcome.counts.malformed, 1);
                continue;
            }
            let left = captured.saturating_sub(headers).min(10);
            let missing = u32::try_from(10 - left).unwrap();
            assert_eq!(payload(&outcome.packets[0]), (&b"0123456789"[..left], missing));
            assert_eq!(outcome.counts.cut, u64::from(missing != 0));
        }
    }
}

#[test]
fn packet_with_a_length_of_zero_has_the_length_of_its_frame() {
    let payload_bytes = vec![7; 70_000];
    let tcp = tcp(1, ACK, 3, &payload_bytes);
    let v4 = [ipv4(6, &[]), tcp.clone()].concat();
    let v4 = [&v4[..2], &[0, 0], &v4[4..]].concat();
    let v6 = [ipv6(6, &[]), tcp.clone()].concat();
    // A jumbogram (RFC 2675).
    let mut jumbo = [ipv6(0, &[]), extension(6, &tcp)].concat();
    jumbo[42..48].copy_from_slice(&[0xc2, 4, 0, 1, 0x11, 0x9c]);
    for frame in [ethernet(0x0800, &v4), ethernet(0x86dd, &v6), ethernet(0x86dd, &jumbo)] {
        assert_eq!(payload(&one(1, frame.clone()).packets[0]), (&payload_bytes[..], 0));
        let outcome = cut(&frame, frame.len() - 69_000);
        assert_eq!(payload(&outcome.packets[0]), (&payload_bytes[..1_000], 69_000));
    }
}

#[test]
fn extension_headers_are_removed() {
    let tcp = tcp(1, ACK, 3, b"abc");
    // An authentication header of 16 bytes: its length field counts 4-byte words minus 2.
    let authenticated = [&[6, 2, 0, 0], &[0; 12][..], &tcp].concat();
    for packet in [
        ipv6(0, &extension(43, &extension(60, &extension(6, &tcp)))),
        ipv6(60, &extension(0, &extension(6, &tcp))),
        // A fragment header of a packet that was not fragmented (RFC 6946).
        ipv6(44, &[&[6, 0, 0, 0, 1, 2, 3, 4], &tcp[..]].concat()),
        ipv6(51, &authenticated),
        ipv4(51, &authenticated),
    ] {
        let outcome = one(101, packet.clone());
        assert_eq!(payload(&outcome.packets[0]), (&b"abc"[..], 0));
        // All headers are needed, except the options of TCP.
        for end in 0..packet.len() - 15 {
            let outcome = one(101, packet[..end].to_vec());
            assert_eq!(outcome.counts.malformed, 1, "{packet:02x?} {end}");
        }
    }
    assert_eq!(one(101, ipv6(0, &extension(17, &[0; 8]))).counts.other, 1);
    assert_eq!(one(101, ipv6(0, &[6, 255, 0, 0, 0, 0, 0, 0])).counts.malformed, 1);
}

#[test]
fn tcp_header_longer_than_its_packet_is_malformed() {
    for mut segment in [tcp(1, ACK, 0, b""), tcp(1, ACK, 0, b"0123")] {
        for words in [0, 4, 7, 15] {
            segment[12] = words << 4;
            assert_eq!(one(101, ipv4(6, &segment)).counts.malformed, 1);
        }
    }
}
