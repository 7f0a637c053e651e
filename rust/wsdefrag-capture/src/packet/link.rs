//! Link layers: removes the headers before an IP packet.
//!
//! Supported are Ethernet with any number of VLAN tags, `PPPoE` sessions and MPLS labels, Linux
//! cooked captures, BSD loopback, and IP without a link layer. The version in the IP header decides
//! between IPv4 and IPv6. Padding and check sequences after a packet are left in place: the length in
//! the IP header excludes them.
//!
//! The numbers are those of <https://www.tcpdump.org/linktypes.html> and IEEE 802.

/// What a link layer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPayload<'a> {
    /// An IP packet.
    Ip(&'a [u8]),
    /// A record of an exported-PDU capture.
    ExportedPdu(&'a [u8]),
    /// Something else.
    Other,
    /// Too few bytes were captured to know.
    Short,
    /// A link type that is not supported.
    UnknownLink,
}

/// Removes the headers of a frame of this link type.
#[inline]
#[must_use]
pub fn payload(link: u32, frame: &[u8]) -> LinkPayload<'_> {
    let (kind, at, header) = match link {
        // LINKTYPE_ETHERNET
        1 => (EtherType::Number, 12, 14),
        // LINKTYPE_NULL, LINKTYPE_LOOP
        0 | 108 => (EtherType::Family, 0, 4),
        // LINKTYPE_RAW, its DLT numbers on BSD and OpenBSD, LINKTYPE_IPV4, LINKTYPE_IPV6
        101 | 12 | 14 | 228 | 229 => return LinkPayload::Ip(frame),
        // LINKTYPE_LINUX_SLL
        113 => (EtherType::Number, 14, 16),
        // LINKTYPE_LINUX_SLL2
        276 => (EtherType::Number, 0, 20),
        // LINKTYPE_WIRESHARK_UPPER_PDU
        252 => return LinkPayload::ExportedPdu(frame),
        _ => return LinkPayload::UnknownLink,
    };
    let Some((head, payload)) = frame.split_at_checked(header) else { return LinkPayload::Short };
    match kind {
        EtherType::Number => by_number(u16::from_be_bytes([head[at], head[at + 1]]), payload),
        EtherType::Family => {
            by_family(u32::from_be_bytes([head[0], head[1], head[2], head[3]]), payload)
        }
    }
}

/// How a link layer identifies what it carries.
#[derive(Clone, Copy)]
enum EtherType {
    /// By an `EtherType` of IEEE 802.
    Number,
    /// By an address family of the capturing system.
    Family,
}

/// The payload that follows an `EtherType`.
#[inline]
fn by_number(mut number: u16, mut payload: &[u8]) -> LinkPayload<'_> {
    loop {
        match number {
            0x0800 | 0x86dd => return LinkPayload::Ip(payload),
            // VLAN tags: 802.1Q, 802.1ad, and the number used before 802.1ad.
            0x8100 | 0x88a8 | 0x9100 => {
                let Some((tag, rest)) = payload.split_first_chunk::<4>() else {
                    return LinkPayload::Short;
                };
                number = u16::from_be_bytes([tag[2], tag[3]]);
                payload = rest;
            }
            0x8847 | 0x8848 => return after_labels(payload),
            0x8864 => return after_pppoe(payload),
            _ => return LinkPayload::Other,
        }
    }
}

/// The payload that follows a stack of MPLS labels (RFC 3032). Labels do not identify it, so it is
/// taken for IP if it starts with a known IP version.
fn after_labels(mut payload: &[u8]) -> LinkPayload<'_> {
    while let Some((label, rest)) = payload.split_first_chunk::<4>() {
        payload = rest;
        let is_last = label[2] & 1 != 0;
        if is_last {
            return match payload.first().map(|byte| byte >> 4) {
                Some(4 | 6) => LinkPayload::Ip(payload),
                Some(_) => LinkPayload::Other,
                None => LinkPayload::Short,
            };
        }
    }
    LinkPayload::Short
}

/// The payload that follows the headers of a `PPPoE` session and of PPP (RFC 2516 section 4).
fn after_pppoe(payload: &[u8]) -> LinkPayload<'_> {
    match payload.split_first_chunk::<8>() {
        Some(([.., 0x00, 0x21 | 0x57], packet)) => LinkPayload::Ip(packet),
        Some(_) => LinkPayload::Other,
        None => LinkPayload::Short,
    }
}

/// The payload that follows an address family, which may be of either byte order.
fn by_family(family: u32, payload: &[u8]) -> LinkPayload<'_> {
    match if family > 0xffff { family.swap_bytes() } else { family } {
        // AF_INET everywhere; AF_INET6 on NetBSD and OpenBSD, FreeBSD, macOS, Linux and Windows.
        2 | 24 | 28 | 30 | 10 | 23 => LinkPayload::Ip(payload),
        _ => LinkPayload::Other,
    }
}
