//! Link types and tags: a table of the bytes before an IP packet.

use crate::contract::{Outcome, check_chunks, read};
use crate::writer::{ACK, Order, ethernet, hex, ipv4, ipv6, pcap, pcap_header, pcap_record, tcp};

const MACS: &str = "020000000001 020000000002 ";

/// The link type, the bytes before an IPv4 packet with `=` for Ethernet addresses, and the tags.
const V4: [(u32, &str, &[&str]); 43] = [
    // LINKTYPE_ETHERNET: 802.3 with a length, 802.2 and SNAP; the service access point of IP.
    (1, "= 0033 aaaa03 000000 0800", &[]),
    (1, "= 0033 aaaa03 0000f8 0800", &[]),
    (1, "= 002e 060603", &[]),
    // IEEE 802.1Q: priority and id, or only a priority.
    (1, "= 8100 600c 0800", &["vlan 12"]),
    (1, "= 8100 e000 0800", &[]),
    (1, "= 8100 0005 0033 aaaa03 000000 0800", &["vlan 5"]),
    (1, "= 88a8 0007 8100 0008 0800", &["vlan 7", "vlan 8"]),
    (1, "= 9200 0007 9300 0008 9100 0009 0800", &["vlan 7", "vlan 8", "vlan 9"]),
    // IEEE 802.1ah: flags, service id, the customer's frame.
    (1, "= 88e7 00012345 = 0800", &["isid 74565"]),
    (1, "= 88a8 0003 88e7 00000009 = 8100 0004 0800", &["vlan 3", "isid 9", "vlan 4"]),
    // IEEE 802.1BR: priority and ingress port, group and port, two extensions.
    (1, "= 893f 6001 0005 0002 0800", &["etag 32773"]),
    // VN-tag: direction and destination, looped and source.
    (1, "= 8926 8005 0009 0800", &["vntag 9"]),
    // Cisco metadata: version 1, length 1, option, group.
    (1, "= 8909 01 01 0001 0011 0800", &["sgt 17"]),
    (1, "= 8100 0004 8909 01 01 0001 0011 0800", &["vlan 4", "sgt 17"]),
    // Cisco FabricPath.
    (1, "= 8903 0001 = 8100 0004 0800", &["vlan 4"]),
    // IEEE 802.1AE without encryption, without and with the channel's id.
    (1, "= 88e5 00 00 00000001 0800", &[]),
    (1, "= 88e5 20 00 00000001 0200000000010001 0800", &[]),
    // RFC 3032; RFC 4448 with a control word.
    (1, "= 8847 00010140", &["mpls 16"]),
    (1, "= 8847 00010040 00011140", &["mpls 16", "mpls 17"]),
    (1, "= 8848 00000140", &[]),
    (1, "= 8847 00014140 00000000 = 0800", &["mpls 20"]),
    (1, "= 8847 00014140 = 8100 0003 0800", &["mpls 20", "vlan 3"]),
    // RFC 2516, without and with a compressed protocol field.
    (1, "= 8864 1100 0007 002d 0021", &["pppoe 7"]),
    (1, "= 8864 1100 0007 002c 21", &["pppoe 7"]),
    // LINKTYPE_PPP, without and with the fields of HDLC; RFC 3032 section 4.
    (9, "0021", &[]),
    (9, "21", &[]),
    (9, "ff03 0021", &[]),
    (9, "ff03 0281 00012140", &["mpls 18"]),
    // LINKTYPE_PPP_HDLC: PPP, or Cisco's addresses.
    (50, "ff03 0021", &[]),
    (50, "0f00 0800", &[]),
    (50, "8f00 0800", &[]),
    (51, "1100 0007 002d 0021", &["pppoe 7"]),
    (104, "0f00 0800", &[]),
    // LINKTYPE_FDDI: an asynchronous frame.
    (10, "50 = aaaa03 000000 0800", &[]),
    // LINKTYPE_ATM_RFC1483.
    (100, "aaaa03 000000 0800", &[]),
    // LINKTYPE_FRELAY: RFC 2427, SNAP, PPP (RFC 1973), an address of 4 bytes, Cisco's form.
    (107, "1841 03 cc", &[]),
    (107, "1841 03 00 80 000000 0800", &[]),
    (107, "1841 03 80 0080c2 0007 = 0800", &[]),
    (107, "1841 03 cf 0021", &[]),
    (107, "18404041 03 cc", &[]),
    (107, "1841 0800", &[]),
    (204, "01 ff03 0021", &[]),
    // LINKTYPE_IPOIB: a global routing header, RFC 4391 section 6.
    (
        242,
        "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 \
         00000000 0800 0000",
        &[],
    ),
];

/// Those with headers of several parts, before an IPv4 packet.
const V4_CAPTURING: [(u32, &str); 14] = [
    // LINKTYPE_LINUX_SLL and LINKTYPE_LINUX_SLL2 with 802.2.
    (113, "0000 0001 0006 020000000001 0000 0004 aaaa03 000000 0800"),
    (276, "0004 0000 00000001 0001 00 06 020000000001 0000 aaaa03 000000 0800"),
    // LINKTYPE_IEEE802_11: data, QoS data, four addresses, high throughput control.
    (105, "0801 0000 = 020000000003 1000 aaaa03 000000 0800"),
    (105, "8802 0000 = 020000000003 1000 0000 aaaa03 000000 0800"),
    (105, "0803 0000 = 020000000003 1000 020000000004 aaaa03 000000 0800"),
    (105, "8883 0000 = 020000000003 1000 020000000004 0000 00000000 aaaa03 000000 0800"),
    // Radiotap: nothing; flags that say padding; a timer before them; two words.
    (127, "0000 0800 00000000 0801 0000 = 020000000003 1000 aaaa03 000000 0800"),
    (127, "0000 0900 02000000 20 8801 0000 = 020000000003 1000 0000 0000 aaaa03 000000 0800"),
    (
        127,
        "0000 1900 03000080 00000000 00000000 \
         0000000000000000 20 8801 0000 = 020000000003 1000 0000 0000 aaaa03 000000 0800",
    ),
    // PPI: a field of 4 bytes, then 802.11 or Ethernet.
    (192, "0000 1000 69000000 0200 0400 00000000 0801 0000 = 020000000003 1000 aaaa03 000000 0800"),
    (192, "0000 0800 01000000 = 0800"),
    // NFLOG: a mark, a prefix of 5 bytes, the payload; of either byte order.
    (239, "02 00 0000 0800 0300 00000001 0900 0a00 6162636400 000000 4000 0900"),
    (239, "02 00 0000 0008 0003 00000001 0009 000a 6162636400 000000 0040 0009"),
    // PKTAP: a header of 16 bytes before Ethernet.
    (258, "10000000 01000000 01000000 00000000 = 0800"),
];

fn bytes(digits: &str) -> Vec<u8> {
    hex(&digits.replace('=', MACS))
}

fn one(link: u32, packet: Vec<u8>) -> Outcome {
    check_chunks(&pcap(link, &[packet]), &[9])
}

/// The texts of the tags of a packet that has to give one segment with `abc`.
fn tags(link: u32, header: &[u8], packet: &[u8]) -> Vec<String> {
    let outcome = one(link, [header, packet].concat());
    assert_eq!(outcome.counts.tcp, 1, "{link} {header:02x?} {:?}", outcome.counts);
    let seen = &outcome.packets[0];
    assert_eq!(seen.bytes(), b"abc", "{link} {header:02x?}");
    // Cut anywhere before the segment's data, it gives no byte and is counted.
    for end in 0..header.len() + packet.len() - 3 {
        let outcome = one(link, [header, packet].concat()[..end].to_vec());
        assert_eq!(outcome.counts.packets, 1);
        assert!(outcome.packets.iter().all(|seen| seen.bytes().is_empty()));
        if end < header.len() {
            assert_eq!(outcome.counts.tcp, 0, "{link} {header:02x?} {end}");
        }
    }
    seen.tags().iter().map(ToString::to_string).collect()
}

#[test]
fn headers_before_ip_are_removed_and_tags_named() {
    let v4 = ipv4(6, &tcp(1, ACK, 0, b"abc"));
    assert_eq!(v4.len(), 0x2b);
    for (link, header, expected) in V4 {
        assert_eq!(tags(link, &bytes(header), &v4), expected, "{link} {header}");
    }
    for (link, header) in V4_CAPTURING {
        assert!(tags(link, &bytes(header), &v4).is_empty());
    }
}

#[test]
fn ipv6_is_found_by_its_own_numbers() {
    let v6 = ipv6(6, &tcp(1, ACK, 0, b"abc"));
    for (link, header) in [
        (1, "= 0057 aaaa03 000000 86dd"),
        (1, "= 8847 00010140"),
        (1, "= 8864 1100 0007 0055 0057"),
        (9, "0057"),
        (104, "0f00 86dd"),
        (107, "1841 03 8e"),
        (239, "0a 00 0000 5400 0900"),
        (
            242,
            "00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000 \
             00000000 86dd 0000",
        ),
        (105, "0801 0000 = 020000000003 1000 aaaa03 000000 86dd"),
        (258, "10000000 01000000 0c000000 00000000"),
    ] {
        tags(link, &bytes(header), &v6);
    }
}

#[test]
fn frames_without_packets_are_other() {
    let v4 = ipv4(6, &tcp(1, ACK, 0, b"abc"));
    for (link, header) in [
        // Spanning tree; Cisco discovery; raw IPX.
        (1, "= 0026 424203 0000"),
        (1, "= 0026 aaaa03 00000c 2000"),
        (1, "= 0026 ffff 0022"),
        // PPPoE discovery; control protocols of PPP; Cisco's keep-alive.
        (1, "= 8864 1109 0000 0004 0101"),
        (9, "ff03 c021 0101"),
        (9, "8021 0101"),
        (104, "8f00 8035 0000"),
        // 802.11: a beacon, an acknowledgment, data without data. FDDI: a token.
        (105, "8000 0000 = 020000000003 1000"),
        (105, "d400 0000 020000000003"),
        (105, "4801 0000 = 020000000003 1000"),
        (10, "80 ="),
        // NFLOG without a packet, and of another family.
        (239, "02 00 0000 0800 0300 00000001"),
        (239, "07 00 0000 0800 0900 00000001"),
        (107, "1841 03 81 00"),
        (258, "10000000 02000000 01000000 00000000"),
        (113, "0000 0001 0006 020000000001 0000 0001 ffff"),
        // MPLS: the channel for operation and maintenance.
        (1, "= 8847 0000d140 10000000"),
    ] {
        let outcome = one(link, [&bytes(header)[..], if link == 239 { &[] } else { &v4 }].concat());
        assert_eq!(outcome.counts.other, 1, "{link} {header} {:?}", outcome.counts);
    }
}

#[test]
fn encapsulations_that_are_not_followed_are_counted_by_name() {
    for (link, header, name) in [
        (1, "= 88e5 0c 00 00000001", "encrypted MACsec"),
        (1, "= 22f3 0000", "TRILL"),
        (1, "= 894f 0000", "NSH"),
        (1, "= 4305 0000", "batman-adv"),
        (1, "= 8847 00014140 00000000 0102", "MPLS pseudowires"),
        (1, "= 8864 1100 0007 0041 003d", "PPP multilink"),
        (9, "00fd", "compressed PPP"),
        (9, "002d", "compressed PPP"),
        (9, "0053", "encrypted PPP"),
        (107, "1841 03 b1 00", "Frame Relay fragments"),
        (105, "0841 0000 = 020000000003 1000 00000000", "encrypted 802.11"),
        (105, "8801 0000 = 020000000003 1000 8000", "802.11 A-MSDU"),
        (105, "0805 0000 = 020000000003 1000", "802.11 fragments"),
        (105, "0801 0000 = 020000000003 1100", "802.11 fragments"),
    ] {
        let outcome = one(link, bytes(header));
        assert_eq!(outcome.counts.unread, 1, "{header} {:?}", outcome.counts);
        assert_eq!(outcome.counts.unread_kinds[0].0.to_string(), name);
    }
}

#[test]
fn contradictory_headers_are_malformed() {
    for (link, header) in [
        // Frame Relay: an address without an end. NFLOG: an attribute shorter than its header.
        (107, "18404040 40404040"),
        (239, "02 00 0000 0300 0300 00000001"),
        (239, "02 00 0000 0800 0300 00000001 00"),
        // Lengths of capture headers that do not hold the fixed part.
        (127, "0000 0700 00000000 0801"),
        (192, "0000 0700 69000000 0801"),
        (258, "0b000000 01000000 01000000 00000000"),
        // A frame whose check sequence is wrong.
        (127, "0000 0900 02000000 40 0801 0000 = 020000000003 1000 aaaa03 000000 0800"),
    ] {
        assert_eq!(one(link, bytes(header)).counts.malformed, 1, "{link} {header}");
    }
}

#[test]
fn unknown_link_type_inside_a_capture_header_is_counted_by_its_number() {
    let outcome = one(192, bytes("0000 0800 93000000 0801"));
    assert_eq!(outcome.counts.unknown_links, [(147, 1)]);
}

#[test]
fn payload_cut_under_tags_keeps_its_length() {
    let packet = ethernet(
        0x8100,
        &[&hex("000c 0800")[..], &ipv4(6, &tcp(1, ACK, 0, b"0123456789"))].concat(),
    );
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, 1);
    file.extend(pcap_record(Order::Little, (0, 0), &packet[..packet.len() - 4], packet.len()));
    let outcome = read(&file);
    assert_eq!(outcome.counts.cut, 1);
    assert_eq!(outcome.packets[0].bytes(), b"012345");
}
