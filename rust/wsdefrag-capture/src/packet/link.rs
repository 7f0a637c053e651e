//! Link layers: what stands in front of an IP packet.
//!
//! Ethernet with any number of VLAN tags, `PPPoE` sessions and MPLS labels, Linux' cooked captures,
//! BSD's loopback, and IP on its own. Whether it is IPv4 or IPv6 is left to the version in the IP
//! header, which every one of them has to agree with anyway. Check sequences and padding behind a
//! packet are cut off by IP's own length.
//!
//! The numbers are those of <https://www.tcpdump.org/linktypes.html> and IEEE 802.

/// What a captured packet turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'a> {
    /// An IP packet.
    Ip(&'a [u8]),
    /// A record of an exported-PDU capture.
    ExportedPdu(&'a [u8]),
    /// Something else.
    Other,
    /// Too few bytes were captured to tell.
    Short,
    /// A link type that is not read.
    UnknownLink,
}

/// What `frame`, which is of this link type, carries.
#[inline]
#[must_use]
pub fn carried(link: u32, frame: &[u8]) -> Carried<'_> {
    let (kind, at, header) = match link {
        // LINKTYPE_ETHERNET
        1 => (EtherType::Number, 12, 14),
        // LINKTYPE_NULL, LINKTYPE_LOOP
        0 | 108 => (EtherType::Family, 0, 4),
        // LINKTYPE_RAW, its DLT numbers on BSD and OpenBSD, LINKTYPE_IPV4, LINKTYPE_IPV6
        101 | 12 | 14 | 228 | 229 => return Carried::Ip(frame),
        // LINKTYPE_LINUX_SLL
        113 => (EtherType::Number, 14, 16),
        // LINKTYPE_LINUX_SLL2
        276 => (EtherType::Number, 0, 20),
        // LINKTYPE_WIRESHARK_UPPER_PDU
        252 => return Carried::ExportedPdu(frame),
        _ => return Carried::UnknownLink,
    };
    let Some((head, payload)) = frame.split_at_checked(header) else { return Carried::Short };
    match kind {
        EtherType::Number => by_number(u16::from_be_bytes([head[at], head[at + 1]]), payload),
        EtherType::Family => {
            by_family(u32::from_be_bytes([head[0], head[1], head[2], head[3]]), payload)
        }
    }
}

/// How a link layer says what it carries.
#[derive(Clone, Copy)]
enum EtherType {
    /// By an `EtherType`.
    Number,
    /// By an address family of the capturing system.
    Family,
}

/// What stands behind an `EtherType`.
#[inline]
fn by_number(mut number: u16, mut payload: &[u8]) -> Carried<'_> {
    loop {
        match number {
            0x0800 | 0x86dd => return Carried::Ip(payload),
            // VLAN tags: 802.1Q, 802.1ad, and what came before it.
            0x8100 | 0x88a8 | 0x9100 => {
                let Some((tag, rest)) = payload.split_first_chunk::<4>() else {
                    return Carried::Short;
                };
                number = u16::from_be_bytes([tag[2], tag[3]]);
                payload = rest;
            }
            0x8847 | 0x8848 => return behind_labels(payload),
            0x8864 => return behind_pppoe(payload),
            _ => return Carried::Other,
        }
    }
}

/// What stands behind a stack of MPLS labels (RFC 3032); it does not say, so only what looks like
/// IP is taken for it.
fn behind_labels(mut payload: &[u8]) -> Carried<'_> {
    while let Some((label, rest)) = payload.split_first_chunk::<4>() {
        payload = rest;
        let is_last = label[2] & 1 != 0;
        if is_last {
            return match payload.first().map(|byte| byte >> 4) {
                Some(4 | 6) => Carried::Ip(payload),
                Some(_) => Carried::Other,
                None => Carried::Short,
            };
        }
    }
    Carried::Short
}

/// What stands behind the headers of a `PPPoE` session and of PPP (RFC 2516 section 4).
fn behind_pppoe(payload: &[u8]) -> Carried<'_> {
    match payload.split_first_chunk::<8>() {
        Some(([.., 0x00, 0x21 | 0x57], packet)) => Carried::Ip(packet),
        Some(_) => Carried::Other,
        None => Carried::Short,
    }
}

/// What stands behind an address family, in whichever byte order it was written.
fn by_family(family: u32, payload: &[u8]) -> Carried<'_> {
    match if family > 0xffff { family.swap_bytes() } else { family } {
        // AF_INET everywhere; AF_INET6 on NetBSD and OpenBSD, FreeBSD, macOS, Linux and Windows.
        2 | 24 | 28 | 30 | 10 | 23 => Carried::Ip(payload),
        _ => Carried::Other,
    }
}
