//! Writes packets and capture files.

use std::ops::Range;

/// TCP flags.
pub(crate) const FIN: u8 = 1;
pub(crate) const SYN: u8 = 2;
pub(crate) const RST: u8 = 4;
pub(crate) const ACK: u8 = 16;

/// A TCP segment from port 40000 to port 80 that acknowledges 7, with `options` 4-byte words of
/// options.
pub(crate) fn tcp(sequence: u32, flags: u8, options: u8, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::new();
    segment.extend(40_000_u16.to_be_bytes());
    segment.extend(80_u16.to_be_bytes());
    segment.extend(sequence.to_be_bytes());
    segment.extend(7_u32.to_be_bytes());
    segment.extend([(5 + options) << 4, flags, 1, 0, 0xba, 0xad, 0, 0]);
    segment.extend(vec![1; usize::from(options) * 4]);
    segment.extend(payload);
    segment
}

/// An IPv4 packet from 10.0.0.1 to 10.0.0.2.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_fragment(protocol, 1, 0x4000, payload)
}

/// An IPv4 packet with this identification, and this value of the field of flags and offset.
pub(crate) fn ipv4_fragment(protocol: u8, id: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(u16::try_from(20 + payload.len()).unwrap().to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(flags.to_be_bytes());
    packet.extend([64, protocol, 0xba, 0xad, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(payload);
    packet
}

/// An IPv6 packet from `fd00::1` to `fd00::2`.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    packet.extend([next, 64]);
    for host in 1..3 {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host]);
    }
    packet.extend(payload);
    packet
}

/// An extension header of 8 bytes, and its payload.
pub(crate) fn extension(next: u8, payload: &[u8]) -> Vec<u8> {
    [&[next, 0, 1, 4, 0, 0, 0, 0], payload].concat()
}

/// The IPv4 fragments with these ranges of a datagram's payload.
pub(crate) fn ipv4_fragments(id: u16, payload: &[u8], ranges: &[Range<usize>]) -> Vec<Vec<u8>> {
    let fragment = |range: &Range<usize>| {
        let more = if range.end < payload.len() { 0x2000 } else { 0 };
        let flags = more | u16::try_from(range.start / 8).unwrap();
        ipv4_fragment(6, id, flags, &payload[range.clone()])
    };
    ranges.iter().map(fragment).collect()
}

/// The IPv6 fragments with these ranges of a datagram's payload, which starts with a header of the
/// type `next`.
pub(crate) fn ipv6_fragments(
    id: u32,
    next: u8,
    payload: &[u8],
    ranges: &[Range<usize>],
) -> Vec<Vec<u8>> {
    let fragment = |range: &Range<usize>| {
        let more = u16::from(range.end < payload.len());
        let field = u16::try_from(range.start).unwrap() | more;
        let head = [&[next, 0], &field.to_be_bytes()[..], &id.to_be_bytes()].concat();
        ipv6(44, &[&head, &payload[range.clone()]].concat())
    };
    ranges.iter().map(fragment).collect()
}

/// An Ethernet frame.
pub(crate) fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    [&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2], &ether_type.to_be_bytes()[..], payload].concat()
}

/// An Ethernet frame with a segment in IPv4.
pub(crate) fn segment(sequence: u32, payload: &[u8]) -> Vec<u8> {
    ethernet(0x0800, &ipv4(6, &tcp(sequence, ACK, 3, payload)))
}

/// The byte order of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Little,
    Big,
}

impl Order {
    pub(crate) fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    pub(crate) fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// A pcap file's header.
pub(crate) fn pcap_header(order: Order, magic: u32, link: u32) -> Vec<u8> {
    let mut file = order.u32(magic).to_vec();
    file.extend(order.u16(2));
    file.extend(order.u16(4));
    for value in [0, 0, 262_144, link] {
        file.extend(order.u32(value));
    }
    file
}

/// A pcap record. `time` is a second and its fraction, `bytes` are the captured bytes, and `length`
/// is the packet's length on the wire in bytes.
pub(crate) fn pcap_record(order: Order, time: (u32, u32), bytes: &[u8], length: usize) -> Vec<u8> {
    let captured = u32::try_from(bytes.len()).unwrap();
    let mut record = Vec::new();
    for value in [time.0, time.1, captured, u32::try_from(length).unwrap()] {
        record.extend(order.u32(value));
    }
    record.extend(bytes);
    record
}

/// A pcap file whose packets were captured one second apart.
pub(crate) fn pcap(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = pcap_header(Order::Little, 0xa1b2_c3d4, link);
    for (second, packet) in (0..).zip(packets) {
        file.extend(pcap_record(Order::Little, (second, 0), packet, packet.len()));
    }
    file
}

/// A pcapng block.
pub(crate) fn block(order: Order, kind: u32, body: &[u8]) -> Vec<u8> {
    let body = padded(body);
    let length = order.u32(u32::try_from(12 + body.len()).unwrap());
    [&order.u32(kind)[..], &length, &body, &length].concat()
}

fn padded(bytes: &[u8]) -> Vec<u8> {
    let mut padded = bytes.to_vec();
    padded.resize(bytes.len().next_multiple_of(4), 0);
    padded
}

/// A pcapng option.
pub(crate) fn option(order: Order, code: u16, value: &[u8]) -> Vec<u8> {
    let length = order.u16(u16::try_from(value.len()).unwrap());
    [&order.u16(code)[..], &length, &padded(value)].concat()
}

/// A section header block.
pub(crate) fn section(order: Order) -> Vec<u8> {
    let body = [&order.u32(0x1a2b_3c4d)[..], &order.u16(1), &order.u16(0), &[0xff; 8]].concat();
    block(order, 0x0a0d_0d0a, &body)
}

/// An interface description block, with these options.
pub(crate) fn interface(order: Order, link: u16, snap: u32, options: &[u8]) -> Vec<u8> {
    let head = [order.u16(link), order.u16(0)].concat();
    block(order, 1, &[&head[..], &order.u32(snap), options].concat())
}

/// An enhanced packet block.
pub(crate) fn enhanced(order: Order, interface: u32, ticks: u64, packet: &[u8]) -> Vec<u8> {
    let length = u32::try_from(packet.len()).unwrap();
    let [high, low] = [ticks >> 32, ticks & 0xffff_ffff].map(|half| u32::try_from(half).unwrap());
    let mut body = Vec::new();
    for value in [interface, high, low, length, length] {
        body.extend(order.u32(value));
    }
    body.extend(packet);
    block(order, 6, &body)
}

/// A pcapng file whose packets were captured one microsecond apart.
pub(crate) fn pcapng(order: Order, link: u16, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = section(order);
    file.extend(interface(order, link, 0, &[]));
    for (ticks, packet) in (0..).zip(packets) {
        file.extend(enhanced(order, 0, ticks, packet));
    }
    file
}

/// The bytes of hexadecimal digits; spaces are ignored.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(|byte| *byte != b' ').collect();
    let digit = |byte: u8| u8::try_from(char::from(byte).to_digit(16).unwrap()).unwrap();
    digits.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
