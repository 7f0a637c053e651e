//! The tunnels in UDP, and the ports that mean them.

#![expect(clippy::disallowed_methods, reason = "the caller's ports")]

use std::fmt;
use std::str::FromStr;

/// What a UDP port carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UdpTunnel {
    /// VXLAN.
    Vxlan,
    /// VXLAN with the generic protocol extension.
    VxlanGpe,
    /// GENEVE.
    Geneve,
    /// GTP-U.
    Gtp,
    /// L2TP version 2.
    L2tp,
    /// TZSP.
    Tzsp,
    /// MPLS in UDP.
    Mpls,
    /// CAPWAP, the data channel.
    Capwap,
    /// GRE in UDP.
    Gre,
    /// IP in UDP.
    Ip,
    /// Ethernet in UDP.
    Ethernet,
    /// No tunnel.
    Data,
}

impl UdpTunnel {
    /// All of them with the names that Wireshark has for them.
    pub const NAMES: [(&str, Self); 12] = [
        ("vxlan", Self::Vxlan),
        ("vxlan_gpe", Self::VxlanGpe),
        ("geneve", Self::Geneve),
        ("gtp", Self::Gtp),
        ("l2tp", Self::L2tp),
        ("tzsp", Self::Tzsp),
        ("mpls", Self::Mpls),
        ("capwap.data", Self::Capwap),
        ("gre", Self::Gre),
        ("ip", Self::Ip),
        ("eth", Self::Ethernet),
        ("data", Self::Data),
    ];

    /// The tunnel whose registered port this is, and whether packets of both directions have it as
    /// one of their ports.
    ///
    /// <https://www.iana.org/assignments/service-names-port-numbers>; Linux used 8472 for VXLAN
    /// before 4789 was registered, and still does by default.
    pub(crate) const fn of_port(port: u16) -> Option<(Self, bool)> {
        Some(match port {
            4789 | 8472 => (Self::Vxlan, false),
            4790 => (Self::VxlanGpe, false),
            6081 => (Self::Geneve, false),
            2152 => (Self::Gtp, true),
            1701 => (Self::L2tp, true),
            37008 => (Self::Tzsp, false),
            6635 => (Self::Mpls, false),
            5247 => (Self::Capwap, true),
            4754 => (Self::Gre, false),
            _ => return None,
        })
    }
}

/// A UDP port of the caller's choice, and what it carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeAs {
    /// The port, of the source or the destination.
    pub port: u16,
    /// What the port carries.
    pub tunnel: UdpTunnel,
}

/// Why a text is no [`DecodeAs`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidDecodeAs(String);

impl fmt::Display for InvalidDecodeAs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not of the form udp.port==NUMBER,NAME, with a NAME of: ", self.0)?;
        f.write_str(&UdpTunnel::NAMES.map(|(name, _)| name).join(", "))
    }
}

impl std::error::Error for InvalidDecodeAs {}

impl FromStr for DecodeAs {
    type Err = InvalidDecodeAs;

    /// Reads a text like `udp.port==5555,vxlan`, as tshark's `-d` has it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = text.trim().strip_prefix("udp.port==").and_then(|rest| {
            let (port, name) = rest.split_once(',')?;
            let name = name.trim();
            let (_, tunnel) = UdpTunnel::NAMES.iter().find(|(known, _)| *known == name)?;
            Some(Self { port: port.trim().parse().ok()?, tunnel: *tunnel })
        });
        parsed.ok_or_else(|| InvalidDecodeAs(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_name_a_port_and_a_tunnel() {
        let parsed = |text: &str| text.parse::<DecodeAs>().ok();
        for (name, tunnel) in UdpTunnel::NAMES {
            let text = format!("udp.port==5555,{name}");
            assert_eq!(parsed(&text), Some(DecodeAs { port: 5555, tunnel }));
        }
        for text in [
            "",
            "vxlan",
            "udp.port==5555",
            "udp.port==70000,vxlan",
            "tcp.port==80,vxlan",
            "udp.port==5,x",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
        assert!("x".parse::<DecodeAs>().unwrap_err().to_string().starts_with("\"x\" is not of"));
    }
}
