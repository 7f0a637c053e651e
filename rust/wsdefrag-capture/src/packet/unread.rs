//! Encapsulations that are not followed, by name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// An encapsulation that may carry TCP and is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Unread {
    /// Encapsulating Security Payload (RFC 4303), encrypted.
    Esp,
    /// IP payload compression (RFC 3173).
    IpComp,
    /// L2TP version 3 (RFC 3931).
    L2tpV3,
    /// Minimal encapsulation within IP (RFC 2004).
    MinimalIp,
    /// `MACsec` (IEEE 802.1AE), encrypted.
    Macsec,
    /// TRILL (RFC 6325).
    Trill,
    /// Network service header (RFC 8300).
    Nsh,
    /// B.A.T.M.A.N. advanced.
    Batman,
    /// An MPLS pseudowire that is not Ethernet (RFC 3985).
    Pseudowire,
    /// PPP with compression (RFC 1962, RFC 1144).
    CompressedPpp,
    /// PPP with encryption (RFC 1968).
    EncryptedPpp,
    /// PPP multilink (RFC 1990).
    MultilinkPpp,
    /// Frame Relay fragments (FRF.12).
    FrameRelayFragment,
    /// 802.11 with encryption.
    EncryptedWifi,
    /// Several 802.11 MSDUs in a frame.
    AggregatedWifi,
    /// Fragments of 802.11 frames.
    FragmentedWifi,
    /// GRE with routing (RFC 1701).
    RoutedGre,
    /// GRE that carries a protocol that is not read.
    OtherGre,
    /// ERSPAN that carries neither Ethernet nor IP.
    OtherErspan,
    /// VXLAN-GPE that carries a protocol that is not read.
    OtherVxlan,
    /// GENEVE that carries a protocol that is not read.
    OtherGeneve,
    /// GTP-U that does not carry IP.
    OtherGtp,
    /// TZSP that carries a protocol that is not read.
    OtherTzsp,
    /// QUIC (RFC 9000).
    Quic,
    /// DTLS (RFC 9147).
    Dtls,
    /// `WireGuard`.
    WireGuard,
    /// `OpenVPN`.
    OpenVpn,
    /// Teredo (RFC 4380).
    Teredo,
    /// AYIYA.
    Ayiya,
    /// Generic UDP encapsulation.
    Gue,
    /// Exported PDUs without addresses and ports.
    UnaddressedPdu,
    /// More than [`MAX_TUNNELS`](crate::packet::tags::MAX_TUNNELS) tunnels in each other.
    TooDeep,
    /// What looks like VXLAN, on this UDP port.
    VxlanOnPort(u16),
    /// What looks like IP, on this UDP port.
    IpOnPort(u16),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Esp => "ESP",
            Self::IpComp => "IPComp",
            Self::L2tpV3 => "L2TPv3",
            Self::MinimalIp => "minimal IP encapsulation",
            Self::Macsec => "encrypted MACsec",
            Self::Trill => "TRILL",
            Self::Nsh => "NSH",
            Self::Batman => "batman-adv",
            Self::Pseudowire => "MPLS pseudowires",
            Self::CompressedPpp => "compressed PPP",
            Self::EncryptedPpp => "encrypted PPP",
            Self::MultilinkPpp => "PPP multilink",
            Self::FrameRelayFragment => "Frame Relay fragments",
            Self::EncryptedWifi => "encrypted 802.11",
            Self::AggregatedWifi => "802.11 A-MSDU",
            Self::FragmentedWifi => "802.11 fragments",
            Self::RoutedGre => "GRE with routing",
            Self::OtherGre => "GRE of another protocol",
            Self::OtherErspan => "ERSPAN of another protocol",
            Self::OtherVxlan => "VXLAN-GPE of another protocol",
            Self::OtherGeneve => "GENEVE of another protocol",
            Self::OtherGtp => "GTP-U of another protocol",
            Self::OtherTzsp => "TZSP of another protocol",
            Self::Quic => "QUIC",
            Self::Dtls => "DTLS",
            Self::WireGuard => "WireGuard",
            Self::OpenVpn => "OpenVPN",
            Self::Teredo => "Teredo",
            Self::Ayiya => "AYIYA",
            Self::Gue => "GUE",
            Self::UnaddressedPdu => "exported PDUs without addresses",
            Self::TooDeep => "tunnels nested too deep",
            Self::VxlanOnPort(port) => return write!(f, "VXLAN on UDP port {port}"),
            Self::IpOnPort(port) => return write!(f, "IP on UDP port {port}"),
        })
    }
}
