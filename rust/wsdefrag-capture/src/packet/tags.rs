//! Tags and tunnel ids: what a packet went through before its TCP segment.
//!
//! Two packets with equal addresses and ports may belong to two tenants, and then their tags
//! differ. They may also be copies of one packet, made at two places, and then their tags may differ
//! as well. So tags are no part of a connection's key; `tcp` decides with their hashes where
//! sequence numbers show two connections.
//!
//! Some ids differ between the directions of one connection: each end of a tunnel chooses the id
//! that it wants to receive (MPLS labels, GTP, L2TP). [`Tags::shared`] leaves them out.

#![expect(clippy::disallowed_methods, reason = "at most `MAX_TAGS`")]

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// Tunnels that may be nested in each other. What is nested deeper is not read.
pub const MAX_TUNNELS: u32 = 8;

/// Tags that are kept by name. Further ones only change the hash.
const MAX_TAGS: usize = 32;

/// The kind of a tag or a tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TagKind {
    /// 802.1Q or 802.1ad: the VLAN id.
    Vlan,
    /// 802.1ah: the backbone service instance id.
    Isid,
    /// 802.1BR: the extended port id.
    Etag,
    /// Cisco VN-tag: the source virtual interface.
    Vntag,
    /// Cisco metadata: the security group.
    Sgt,
    /// MPLS: a label.
    Mpls,
    /// `PPPoE`: the session.
    Pppoe,
    /// VXLAN, also with the generic protocol extension: the network id.
    Vxlan,
    /// GENEVE: the network id.
    Geneve,
    /// GRE: the key, if there is one.
    Gre,
    /// NVGRE: the virtual subnet id.
    Nvgre,
    /// PPTP, which is GRE with PPP: the call id.
    Pptp,
    /// ERSPAN: the session, if the type has one.
    Erspan,
    /// IP in IP.
    Ipip,
    /// IPv6 in IPv4.
    SixInFour,
    /// IPv6 in IPv6, or IPv4 in IPv6.
    InSix,
    /// GTP-U: the tunnel endpoint id.
    Gtp,
    /// L2TP: the tunnel id in the upper half and the session id in the lower.
    L2tp,
    /// TZSP.
    Tzsp,
    /// MPLS in UDP or in IP; the labels are tags of their own.
    MplsInIp,
    /// CAPWAP.
    Capwap,
    /// Ethernet in IP.
    EtherIp,
    /// IP or Ethernet directly in UDP, because the caller says so.
    Udp,
}

impl TagKind {
    /// The name in texts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vlan => "vlan",
            Self::Isid => "isid",
            Self::Etag => "etag",
            Self::Vntag => "vntag",
            Self::Sgt => "sgt",
            Self::Mpls => "mpls",
            Self::Pppoe => "pppoe",
            Self::Vxlan => "vxlan",
            Self::Geneve => "geneve",
            Self::Gre => "gre",
            Self::Nvgre => "nvgre",
            Self::Pptp => "pptp",
            Self::Erspan => "erspan",
            Self::Ipip => "ipip",
            Self::SixInFour => "6in4",
            Self::InSix => "ipv6-tunnel",
            Self::Gtp => "gtp",
            Self::L2tp => "l2tp",
            Self::Tzsp => "tzsp",
            Self::MplsInIp => "mpls-in-ip",
            Self::Capwap => "capwap",
            Self::EtherIp => "etherip",
            Self::Udp => "udp",
        }
    }

    /// Whether both directions of a connection have the same id.
    const fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Vlan
                | Self::Isid
                | Self::Pppoe
                | Self::Vxlan
                | Self::Geneve
                | Self::Gre
                | Self::Nvgre
                | Self::Erspan
        )
    }
}

/// A tag, or a tunnel that a packet went through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tag {
    /// Its kind.
    pub kind: TagKind,
    /// Its id, if it has one.
    pub id: Option<u32>,
}

impl Tag {
    pub(crate) const fn new(kind: TagKind, id: u32) -> Self {
        Self { kind, id: Some(id) }
    }

    pub(crate) const fn without_id(kind: TagKind) -> Self {
        Self { kind, id: None }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, self.id) {
            (kind, None) => f.write_str(kind.name()),
            (TagKind::L2tp, Some(id)) => write!(f, "l2tp {}/{}", id >> 16, id & 0xffff),
            (kind, Some(id)) => write!(f, "{} {id}", kind.name()),
        }
    }
}

/// The tags of a packet, outermost first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tags<'a> {
    /// A hash of all tags and of the addresses of all tunnels; 0 if there are none.
    pub hash: u64,
    /// A hash of those that both directions of a connection have; 0 if there are none.
    pub shared: u64,
    /// The tags; at most 32.
    pub list: &'a [Tag],
}

/// The tags of the packet whose headers are being removed.
#[derive(Debug, Default)]
pub(crate) struct Path {
    hash: u64,
    shared: u64,
    list: Vec<Tag>,
    tunnels: u32,
    /// The addresses of the last IP header.
    addresses: Option<(IpAddr, IpAddr)>,
}

impl Path {
    /// Begins a packet.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        (self.hash, self.shared, self.tunnels, self.addresses) = (0, 0, 0, None);
    }

    pub(crate) fn tags(&self) -> Tags<'_> {
        Tags { hash: self.hash, shared: self.shared, list: &self.list }
    }

    /// Notes the addresses of an IP header, which may be those of a tunnel.
    pub(crate) fn pass_ip(&mut self, addresses: (IpAddr, IpAddr)) {
        self.addresses = Some(addresses);
    }

    pub(crate) fn add(&mut self, tag: Tag) {
        if self.list.len() < MAX_TAGS {
            self.list.push(tag);
        }
        let value = (tag.kind as u64) << 33 | tag.id.map_or(0, |id| u64::from(id) << 1 | 1);
        self.hash = mixed(self.hash, value);
        if tag.id.is_some() && tag.kind.is_shared() {
            self.shared = mixed(self.shared, value);
        }
    }

    /// Enters a tunnel. Returns `false` if too many are nested.
    pub(crate) fn enter(&mut self, tag: Tag) -> bool {
        self.tunnels += 1;
        self.add(tag);
        if let Some((source, destination)) = self.addresses {
            let (low, high) = (source.min(destination), source.max(destination));
            for half in halves(low).into_iter().chain(halves(high)) {
                self.hash = mixed(self.hash, half);
                // The addresses tell tunnels apart that have no id, or one for each direction.
                if tag.id.is_none() || !tag.kind.is_shared() {
                    self.shared = mixed(self.shared, half);
                }
            }
        }
        self.tunnels <= MAX_TUNNELS
    }
}

fn halves(address: IpAddr) -> [u64; 2] {
    let bytes = match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    };
    let (high, low) = bytes.split_at(8);
    [high, low].map(|half| half.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

/// The hash of a sequence of numbers with one number more. It is the same in every run, and never 0.
fn mixed(hash: u64, value: u64) -> u64 {
    // The finalizer of SplitMix64.
    let mut mixed = (hash.rotate_left(23) ^ value).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ mixed >> 31).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(source: u8, destination: u8) -> (IpAddr, IpAddr) {
        ([10, 0, 0, source].into(), [10, 0, 0, destination].into())
    }

    fn path(addresses: (IpAddr, IpAddr), tag: Tag) -> (u64, u64) {
        let mut path = Path::default();
        path.pass_ip(addresses);
        assert!(path.enter(tag));
        (path.tags().hash, path.tags().shared)
    }

    #[test]
    fn directions_of_a_tunnel_share_what_does_not_depend_on_the_direction() {
        let vxlan = Tag::new(TagKind::Vxlan, 7);
        assert_eq!(path(ends(1, 2), vxlan), path(ends(2, 1), vxlan));
        let teids = [1, 2].map(|id| Tag::new(TagKind::Gtp, id));
        let (there, back) = (path(ends(1, 2), teids[0]), path(ends(2, 1), teids[1]));
        assert_ne!(there.0, back.0);
        assert_eq!(there.1, back.1);
        assert_ne!(there.1, path(ends(1, 3), teids[0]).1);
    }

    #[test]
    fn tags_are_told_apart_by_kind_id_and_order() {
        let hash = |tags: &[Tag]| {
            let mut path = Path::default();
            for tag in tags {
                path.add(*tag);
            }
            path.tags().hash
        };
        let (a, b) = (Tag::new(TagKind::Vlan, 1), Tag::new(TagKind::Vlan, 2));
        let other = Tag::new(TagKind::Mpls, 1);
        let hashes = [
            hash(&[]),
            hash(&[a]),
            hash(&[b]),
            hash(&[other]),
            hash(&[a, b]),
            hash(&[b, a]),
            hash(&[Tag::without_id(TagKind::Vlan)]),
        ];
        for (index, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..index].contains(hash));
        }
        assert_eq!(hashes[0], 0);
    }

    #[test]
    fn tags_have_texts() {
        assert_eq!(Tag::new(TagKind::Vxlan, 5001).to_string(), "vxlan 5001");
        assert_eq!(Tag::new(TagKind::L2tp, 3 << 16 | 9).to_string(), "l2tp 3/9");
        assert_eq!(Tag::without_id(TagKind::Gre).to_string(), "gre");
    }
}
