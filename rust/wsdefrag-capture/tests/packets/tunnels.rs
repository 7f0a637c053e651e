//! Tunnels: a table of the bytes of each, around the same packets.

use std::ops::Range;

use wsdefrag_capture::packet::reader::PacketReader;
use wsdefrag_capture::packet::tunnel::udp_tunnel::{DecodeAs, UdpTunnel};

use crate::contract::{Outcome, Seen, check_chunks, read};
use crate::writer::{
    ACK, Order, ethernet, hex, ipv4, ipv4_fragments, ipv6, ipv6_fragments, pcap, pcap_header,
    pcap_record, tcp,
};

/// A UDP datagram from port 50000.
fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).unwrap();
    let ports = [50_000_u16.to_be_bytes(), port.to_be_bytes()].concat();
    [&ports[..], &length.to_be_bytes(), &[0, 0], payload].concat()
}

const ETHERNET_4: &str = "020000000001 020000000002 0800";
const UDP: u8 = 17;

/// What the outermost IP header says, the port if it is UDP, the bytes before an IPv4 packet with
/// `E` for Ethernet headers, and the tags.
const TUNNELS: [(u8, u16, &str, &[&str]); 40] = [
    // RFC 7348: flags, network id. Policies; the port of Linux.
    (UDP, 4789, "08000000 00138900 E", &["vxlan 5001"]),
    (UDP, 4789, "88000abc 00138900 E", &["vxlan 5001"]),
    (UDP, 8472, "08000000 00000100 E", &["vxlan 1"]),
    // VXLAN-GPE: the next protocol.
    (UDP, 4790, "0c000001 00138900", &["vxlan 5001"]),
    (UDP, 4790, "0c000003 00138900 E", &["vxlan 5001"]),
    (UDP, 4790, "0c000005 00138900 00010140", &["vxlan 5001", "mpls 16"]),
    (UDP, 4790, "08000000 00138900 E", &["vxlan 5001"]),
    // RFC 8926: without options, with 8 bytes of them, and IP without Ethernet.
    (UDP, 6081, "0000 6558 00138900 E", &["geneve 5001"]),
    (UDP, 6081, "0240 6558 00138900 0102800100000000 E", &["geneve 5001"]),
    (UDP, 6081, "0000 0800 00138900", &["geneve 5001"]),
    // RFC 2784, RFC 2890: nothing; a checksum; a key; all; a sequence number.
    (47, 0, "0000 0800", &["gre"]),
    (47, 0, "8000 0800 abcd0000", &["gre"]),
    (47, 0, "2000 0800 00000007", &["gre 7"]),
    (47, 0, "b000 0800 abcd0000 00000007 00000001", &["gre 7"]),
    (47, 0, "1000 0800 00000001", &["gre"]),
    (47, 0, "0000 6558 E", &["gre"]),
    (47, 0, "2000 6558 00000007 E", &["gre 7"]),
    (47, 0, "0000 8847 00010140", &["gre", "mpls 16"]),
    (47, 0, "0000 880b ff03 0021", &["gre"]),
    (47, 0, "0000 883e", &["gre"]),
    (47, 0, "0000 883e 01020304", &["gre"]),
    (UDP, 4754, "2000 0800 00000007", &["gre 7"]),
    // RFC 7637: a subnet id and a flow id.
    (47, 0, "2000 6558 00138942 E", &["nvgre 5001"]),
    // RFC 2637: payload length and call id, sequence number, acknowledgment number.
    (47, 0, "3001 880b 002d0009 00000001 0021", &["pptp 9"]),
    (47, 0, "3081 880b 002f0009 00000001 00000002 ff03 0021", &["pptp 9"]),
    // ERSPAN I; II with VLAN and session; III with Ethernet, with a platform's header, and with IP.
    (47, 0, "0000 88be E", &["erspan"]),
    (47, 0, "1000 88be 00000001 10640007 00000000 E", &["erspan 7"]),
    (47, 0, "1000 22eb 00000001 20640007 00000000 00000000 E", &["erspan 7"]),
    (47, 0, "1000 22eb 00000001 20640007 00000000 00000001 0000000000000000 E", &["erspan 7"]),
    (47, 0, "1000 22eb 00000001 20640007 00000000 00000800", &["erspan 7"]),
    // RFC 2003.
    (4, 0, "", &["ipip"]),
    // 3GPP TS 29.281: plain; a sequence number; an extension header of 4 bytes.
    (UDP, 2152, "30ff 002b 00000005", &["gtp 5"]),
    (UDP, 2152, "32ff 002f 00000005 00010000", &["gtp 5"]),
    (UDP, 2152, "34ff 0033 00000005 00000085 01100900", &["gtp 5"]),
    // RFC 2661: without a length, with all fields and 2 bytes of offset.
    (UDP, 1701, "0002 0003 0004 ff03 0021", &["l2tp 3/4"]),
    (UDP, 1701, "4a02 003f 0003 0004 00010001 0002 0000 ff03 0021", &["l2tp 3/4"]),
    // TZSP: padding, a field of 1 byte, the end; 802.11.
    (UDP, 37008, "01000001 00 0a01c4 01 E", &["tzsp"]),
    (
        UDP,
        37008,
        "01000012 01 0801 0000 020000000001020000000002020000000003 1000 aaaa03 000000 0800",
        &["tzsp"],
    ),
    // RFC 7510, RFC 4023.
    (UDP, 6635, "00010140", &["mpls-in-ip", "mpls 16"]),
    (137, 0, "00010140", &["mpls-in-ip", "mpls 16"]),
];

/// As above, with headers that have no ids.
const MORE: [(u8, u16, &str, &[&str]); 7] = [
    // Aruba's access points.
    (
        47,
        0,
        "0000 8200 8801 0000 020000000001020000000002020000000003 1000 0000 aaaa03 000000 0800",
        &["gre"],
    ),
    // RFC 5415: 802.3; RFC 5416: 802.11, and with a swapped frame control field.
    (UDP, 5247, "00 10 0000 0000 0000 E", &["capwap"]),
    (
        UDP,
        5247,
        "00 10 0300 0000 0000 0801 0000 020000000001020000000002020000000003 1000 aaaa03 000000 \
         0800",
        &["capwap"],
    ),
    (
        UDP,
        5247,
        "00 10 0300 0000 0000 1108 0000 020000000001020000000002020000000003 7630 aaaa03 000000 \
         0800",
        &["capwap"],
    ),
    // RFC 3378: a version; RFC 8986; IP in IPv6 needs an IPv6 packet around it.
    (97, 0, "3000 E", &["etherip"]),
    (143, 0, "E", &["etherip"]),
    (UDP, 2152, "30ff 002b ffffffff", &["gtp 4294967295"]),
];

fn inside(protocol: u8, port: u16, header: &[u8], packet: &[u8]) -> Vec<u8> {
    let payload = [header, packet].concat();
    if protocol == UDP { udp(port, &payload) } else { payload }
}

fn bytes(digits: &str) -> Vec<u8> {
    hex(&digits.replace('E', ETHERNET_4))
}

fn one(packet: &[u8]) -> Outcome {
    check_chunks(&pcap(101, &[packet.to_vec()]), &[11])
}

fn tunnels() -> impl Iterator<Item = (u8, u16, Vec<u8>, &'static [&'static str])> {
    let all = TUNNELS.into_iter().chain(MORE);
    all.map(|(protocol, port, header, tags)| (protocol, port, bytes(header), tags))
}

#[test]
fn tunnel_headers_are_removed_and_named() {
    let packet = ipv4(6, &tcp(1, ACK, 0, b"abc"));
    for (protocol, port, header, tags) in tunnels() {
        let payload = inside(protocol, port, &header, &packet);
        for (outer, is_v4) in [(ipv4(protocol, &payload), true), (ipv6(protocol, &payload), false)]
        {
            let outcome = one(&outer);
            assert_eq!(outcome.counts.tcp, 1, "{port} {header:02x?} {:?}", outcome.counts);
            let seen = &outcome.packets[0];
            assert_eq!(seen.bytes(), b"abc");
            let expected = if protocol == 4 && !is_v4 { &["ipv6-tunnel"][..] } else { tags };
            assert_eq!(seen.tags(), expected);
            // Cut anywhere, it is counted, and no byte is made up.
            for end in 0..outer.len() {
                let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 101);
                file.extend(pcap_record(Order::Little, (0, 0), &outer[..end], outer.len()));
                let outcome = read(&file);
                let left = (outer.len() - end).min(3);
                match &outcome.packets[..] {
                    [seen] => {
                        assert_eq!(seen.bytes(), &b"abc"[..3 - left]);
                        assert_eq!(outcome.counts.cut, 1);
                    }
                    _ => assert!(left == 3 && outcome.counts.malformed == 1, "{port} {end}"),
                }
            }
        }
    }
}

#[test]
fn ipv6_is_found_in_tunnels() {
    let packet = ipv6(6, &tcp(1, ACK, 0, b"abc"));
    let outer = one(&ipv4(41, &packet));
    assert_eq!((outer.packets[0].bytes(), outer.packets[0].tags()), (&b"abc"[..], vec!["6in4"]));
    for (protocol, port, header) in [
        (UDP, 4789, "08000000 00138900 020000000001 020000000002 86dd"),
        (UDP, 4790, "0c000002 00138900"),
        (UDP, 6081, "0000 86dd 00138900"),
        (47, 0, "0000 86dd"),
        (UDP, 2152, "30ff 003f 00000005"),
        (UDP, 1701, "0002 0003 0004 0057"),
        (UDP, 6635, "00010140"),
        (41, 0, ""),
    ] {
        let outer = ipv6(protocol, &inside(protocol, port, &hex(header), &packet));
        assert_eq!(one(&outer).counts.tcp, 1, "{port} {header}");
    }
}

#[test]
fn outer_and_inner_fragments_are_reassembled() {
    let text: Vec<u8> = (b'a'..=b'z').cycle().take(200).collect();
    let segment = tcp(1, ACK, 0, &text);
    let ranges = |length: usize| -> Vec<Range<usize>> { vec![0..96, 96..136, 136..length] };
    for (protocol, port, header, tags) in tunnels() {
        if protocol == 4 || header.starts_with(&[0x30, 1]) || header.starts_with(&[0x30, 0x81]) {
            continue;
        }
        // Lengths in headers were those of another packet.
        let header = match port {
            2152 => [&header[..2], &[1, 0], &header[4..]].concat(),
            1701 if header[0] == 0x4a => [&header[..2], &[1, 0x20], &header[4..]].concat(),
            _ => header,
        };
        let whole = inside(protocol, port, &header, &ipv4(6, &segment));
        let mut outer = ipv6_fragments(9, protocol, &whole, &ranges(whole.len()));
        let inner: Vec<_> = ipv4_fragments(9, &segment, &ranges(segment.len()))
            .iter()
            .map(|fragment| {
                let header = match port {
                    2152 => {
                        let optional = if header[0] == 0x30 { 0 } else { 4 };
                        let more = if header[0] & 4 == 0 { 0 } else { 4 };
                        let length = u8::try_from(fragment.len() + optional + more).unwrap();
                        [&header[..2], &[0, length], &header[4..]].concat()
                    }
                    _ => header.clone(),
                };
                ipv4(protocol, &inside(protocol, port, &header, fragment))
            })
            .collect();
        outer.rotate_left(1);
        for packets in [&outer, &inner] {
            let outcome = check_chunks(&pcap(101, packets), &[13]);
            assert_eq!(outcome.packets.len(), 1, "{port} {header:02x?} {:?}", outcome.counts);
            assert_eq!(outcome.packets[0].bytes(), text);
            assert_eq!(outcome.packets[0].number, 3);
            assert_eq!(outcome.packets[0].tags(), tags);
            assert_eq!(outcome.counts.fragments, 2);
        }
    }
}

#[test]
fn fragments_of_two_tunnels_do_not_mix() {
    let text = [[b'a'; 60], [b'b'; 60]];
    let fragments = text.map(|text| ipv4_fragments(9, &tcp(1, ACK, 0, &text), &[0..40, 40..80]));
    let vxlan = |id: u8, packet: &[u8]| {
        let header = [&hex("08000000 0000")[..], &[id, 0], &bytes("E")].concat();
        ipv4(UDP, &inside(UDP, 4789, &header, packet))
    };
    let packets = [
        vxlan(1, &fragments[0][0]),
        vxlan(2, &fragments[1][0]),
        fragments[1][0].clone(),
        vxlan(2, &fragments[1][1]),
        vxlan(1, &fragments[0][1]),
        fragments[1][1].clone(),
    ];
    let outcome = check_chunks(&pcap(101, &packets), &[13]);
    let found: Vec<_> = outcome.packets.iter().map(Seen::bytes).collect();
    assert_eq!(found, [&text[1][..], &text[0], &text[1]]);
}

#[test]
fn fragments_of_capwap_are_reassembled() {
    let frame = ethernet(0x0800, &ipv4(6, &tcp(1, ACK, 0, b"abcdefghij")));
    let fragment = |range: Range<usize>| {
        let last = if range.end == frame.len() { 0x40 } else { 0 };
        let at = u16::try_from(range.start).unwrap();
        let header =
            [&[0, 0x10, 0, 0x80 | last, 0, 9][..], &at.to_be_bytes(), &frame[range]].concat();
        ipv4(UDP, &udp(5247, &header))
    };
    let outcome = one(&fragment(0..24));
    assert_eq!((outcome.counts.fragments, outcome.counts.fragments_waiting), (1, 1));
    let packets = [fragment(40..frame.len()), fragment(0..24), fragment(24..40)];
    let outcome = check_chunks(&pcap(101, &packets), &[13]);
    assert_eq!(outcome.packets[0].bytes(), b"abcdefghij");
    assert_eq!(outcome.packets[0].tags(), ["capwap"]);
}

#[test]
fn eight_tunnels_are_followed_and_a_ninth_is_counted() {
    let mut packet = ipv4(6, &tcp(1, ACK, 0, b"abc"));
    for depth in 1..=9 {
        packet = ipv4(4, &packet);
        let outcome = one(&packet);
        if depth <= 8 {
            assert_eq!(outcome.packets[0].tags(), vec!["ipip"; depth]);
        } else {
            assert_eq!(outcome.counts.unread, 1);
            assert_eq!(outcome.counts.unread_kinds[0].0.to_string(), "tunnels nested too deep");
        }
    }
    // A packet of nothing but headers takes no stack.
    let deep = (0..3_000).fold(Vec::new(), |inner, _| ipv4(4, &inner));
    assert_eq!(one(&deep).counts.unread, 1);
    let labels: Vec<u8> = std::iter::repeat_n([0, 1, 0, 64], 15_000).flatten().collect();
    assert_eq!(one(&ipv4(137, &labels)).counts.malformed, 1);
}

#[test]
fn other_packets_of_tunnels_are_other() {
    for (protocol, port, payload) in [
        // VXLAN without an id; GENEVE control; GTP-U echo; L2TP control; GRE keep-alive.
        (UDP, 4789, "00000000 00138900"),
        (UDP, 4790, "0d000001 00138900"),
        (UDP, 6081, "0080 6558 00138900"),
        (UDP, 2152, "3201 0004 00000000 00010000"),
        (UDP, 2152, "30ff 0000 00000005"),
        (UDP, 1701, "c802 000c 0000 0000 00000000"),
        (47, 0, "0000 0000"),
        (47, 0, "0002 0800"),
        // PPTP without payload; TZSP keep-alive; CAPWAP keep-alive.
        (47, 0, "2081 880b 00000009 00000002"),
        (UDP, 37008, "01040000"),
        (UDP, 5247, "00 10 0008 0000 0000"),
        // DNS; keys of IPsec, and its keep-alive.
        (UDP, 53, "1234 0100 0001 0000 0000 0000"),
        (UDP, 4500, "00000000 0102030405060708"),
        (UDP, 4500, "ff"),
    ] {
        let outcome = one(&ipv4(protocol, &inside(protocol, port, &hex(payload), &[])));
        assert_eq!(outcome.counts.other, 1, "{port} {payload} {:?}", outcome.counts);
    }
}

#[test]
fn what_is_not_followed_is_counted_by_name() {
    let packet = ipv4(6, &tcp(1, ACK, 0, b"abc"));
    for (protocol, port, header, name) in [
        (50, 0, "00000001 00000001", "ESP"),
        (UDP, 4500, "00000001 00000001", "ESP"),
        (55, 0, "0600 0000", "minimal IP encapsulation"),
        (108, 0, "0600 0001", "IPComp"),
        (115, 0, "00000001", "L2TPv3"),
        (UDP, 1701, "0003 0000", "L2TPv3"),
        (UDP, 443, "40 01020304", "QUIC"),
        (UDP, 5000, "c0 00000001 08 0102030405060708", "QUIC"),
        (UDP, 5000, "17fefd 0001 000000000001 0010 00", "DTLS"),
        (UDP, 5247, "01000000 17fefd 0001 000000000001 0010", "DTLS"),
        (UDP, 51820, "04000000", "WireGuard"),
        (UDP, 1194, "38", "OpenVPN"),
        (UDP, 3544, "", "Teredo"),
        (UDP, 5072, "44525229", "AYIYA"),
        (UDP, 6080, "00040000", "GUE"),
        (UDP, 4790, "0c000004 00138900", "NSH"),
        (UDP, 4790, "0c000007 00138900", "VXLAN-GPE of another protocol"),
        (UDP, 6081, "0000 88b5 00138900", "GENEVE of another protocol"),
        (UDP, 2152, "30ff 002f 00000005 00000000", "GTP-U of another protocol"),
        (UDP, 37008, "01000099 01", "TZSP of another protocol"),
        (47, 0, "4000 0800 00000000", "GRE with routing"),
        (47, 0, "0000 88b5", "GRE of another protocol"),
        (47, 0, "1000 22eb 00000001 20640007 00000000 00000c00", "ERSPAN of another protocol"),
        (UDP, 5555, "08000000 00138900 E", "VXLAN on UDP port 5555"),
        (UDP, 5556, "", "IP on UDP port 5556"),
    ] {
        let outer = ipv4(protocol, &inside(protocol, port, &bytes(header), &packet));
        let outcome = one(&outer);
        assert_eq!(outcome.counts.unread, 1, "{name} {:?}", outcome.counts);
        assert_eq!(outcome.counts.unread_kinds[0].0.to_string(), name);
    }
    let outcome = one(&ipv4(UDP, &udp(5557, &ipv6(6, &tcp(1, ACK, 0, b"abc")))));
    assert_eq!(outcome.counts.unread_kinds[0].0.to_string(), "IP on UDP port 5557");
}

#[test]
fn contradictory_tunnel_headers_are_malformed() {
    for (protocol, port, header) in [
        // An extension header of length 0, and one that is too long.
        (UDP, 2152, "34ff 000c 00000005 00000085 00100900"),
        (UDP, 2152, "34ff 000c 00000005 00000085 02100900"),
        // Options, an offset and a field longer than the packet.
        (UDP, 6081, "3f00 6558 00138900"),
        (UDP, 1701, "0202 0003 0004 0009"),
        (UDP, 37008, "01000001 0aff"),
        (UDP, 37008, "01000001 0000"),
        (UDP, 5247, "00 f8 0000 0000 0000"),
        (47, 0, "8000 0800"),
    ] {
        let outer = ipv4(protocol, &inside(protocol, port, &hex(header), &[]));
        assert_eq!(one(&outer).counts.malformed, 1, "{port} {header}");
    }
    // A length of UDP that does not hold its header.
    let mut short = udp(4789, &[0; 8]);
    short[5] = 7;
    assert_eq!(one(&ipv4(UDP, &short)).counts.malformed, 1);
}

#[test]
fn chosen_ports_are_taken_for_the_tunnels_that_were_named() {
    let packet = ipv4(6, &tcp(1, ACK, 0, b"abc"));
    let vxlan = [bytes("08000000 00138900 E"), packet.clone()].concat();
    let read = |choice: &[(u16, UdpTunnel)], packet: Vec<u8>| {
        let choice = choice.iter().map(|(port, tunnel)| DecodeAs { port: *port, tunnel: *tunnel });
        let mut reader = PacketReader::with_tunnels(choice.collect());
        let mut tags = Vec::new();
        let mut sink = |packet: wsdefrag_capture::Packet<'_>| {
            tags.extend(packet.tags.list.iter().map(ToString::to_string));
        };
        reader.receive_data(&pcap(101, &[packet]), &mut sink).unwrap();
        (tags, reader.counts().clone())
    };
    let on_5555 = ipv4(UDP, &udp(5555, &vxlan));
    assert_eq!(read(&[(5555, UdpTunnel::Vxlan)], on_5555.clone()).0, ["vxlan 5001"]);
    // The port of the source counts as well.
    assert_eq!(read(&[(50_000, UdpTunnel::Vxlan)], on_5555).0, ["vxlan 5001"]);
    let on_4789 = ipv4(UDP, &udp(4789, &vxlan));
    assert_eq!(read(&[(4789, UdpTunnel::Data)], on_4789).1.other, 1);
    let directly = ipv4(UDP, &udp(7, &packet));
    assert_eq!(read(&[(7, UdpTunnel::Ip)], directly).0, ["udp"]);
    let frame = ipv4(UDP, &udp(7, &ethernet(0x0800, &packet)));
    assert_eq!(read(&[(7, UdpTunnel::Ethernet)], frame).0, ["udp"]);
}
