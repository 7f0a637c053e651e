//! The kinds of headers that the rest of a packet may start with.

use serde::{Deserialize, Serialize};

/// What the rest of a packet starts with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Header {
    /// An IP header; its version tells which.
    Ip,
    /// An Ethernet header.
    Ethernet,
    /// What an `EtherType` stands for.
    EtherType(u16),
    /// A header of IEEE 802.2.
    Llc,
    /// A stack of MPLS labels.
    Labels,
    /// PPP, with or without the address and control fields of HDLC.
    Ppp,
    /// A `PPPoE` header.
    Pppoe,
    /// An 802.11 header. `padded` tells that it is padded to a multiple of 4 bytes.
    Wifi {
        /// Whether the header is followed by padding.
        padded: bool,
    },
    /// An 802.11 header whose first two bytes may be swapped.
    SwappedWifi,
    /// What a packet of this link type starts with.
    Link(u32),
    /// A GRE header.
    Gre,
}
