//! The PROXY header, which a proxy writes before the bytes of the connection that it relays.
//!
//! ```text
//! version 1   PROXY TCP4 192.0.2.1 192.0.2.2 50000 80\r\n      one line, at most 107 bytes
//! version 2   12 bytes signature, version and command, family, length (2), then that many bytes:
//!             addresses, ports, and extensions that are skipped
//! ```
//!
//! `HAProxy`'s PROXY protocol specification, sections 2.1 and 2.2.

#![expect(clippy::disallowed_methods, reason = "the words of a line of at most `MAX_V1` bytes")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::http::preamble_message::{Message, OriginalAddresses, Parsed};

/// The start of version 1.
pub(super) const V1: &[u8] = b"PROXY ";
/// The start of version 2.
pub(super) const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, in bytes, its line end included.
const MAX_V1: usize = 107;

/// Parses a header of version 1 at the start of `bytes`, which begin with [`V1`].
pub(super) fn parse_v1(bytes: &[u8]) -> Parsed {
    let start = &bytes[..bytes.len().min(MAX_V1)];
    let Some(end) = start.iter().position(|&byte| byte == b'\n') else {
        return if start.len() < MAX_V1 { Parsed::TooShort } else { Parsed::Other };
    };
    let line = std::str::from_utf8(&start[..end]).ok().and_then(|line| line.strip_suffix('\r'));
    let Some(line) = line else { return Parsed::Other };
    let mut words = line.split(' ').skip(1);
    let addresses = match words.next() {
        // What follows UNKNOWN is ignored.
        Some("UNKNOWN") => None,
        Some("TCP4" | "TCP6") => {
            let words: Vec<_> = words.collect();
            let [client, server, client_port, server_port] = words[..] else {
                return Parsed::Other;
            };
            let endpoint = |address: &str, port: &str| {
                let address: IpAddr = address.parse().ok()?;
                Some(SocketAddr::new(address, port.parse().ok()?))
            };
            let ends = endpoint(client, client_port).zip(endpoint(server, server_port));
            let Some((client, server)) = ends else { return Parsed::Other };
            Some([client, server])
        }
        _ => return Parsed::Other,
    };
    Parsed::Message(Message::ProxyHeader(addresses), end + 1)
}

/// Parses a header of version 2 at the start of `bytes`, which begin with [`V2`].
pub(super) fn parse_v2(bytes: &[u8]) -> Parsed {
    let Some((header, rest)) = bytes.split_at_checked(16) else { return Parsed::TooShort };
    let length = usize::from(u16::from_be_bytes([header[14], header[15]]));
    // LOCAL is a connection of the proxy's own.
    let is_local = match header[12] {
        0x20 => true,
        0x21 => false,
        _ => return Parsed::Other,
    };
    let Some(block) = rest.get(..length) else { return Parsed::TooShort };
    let addresses = if is_local { None } else { addresses(header[13] >> 4, block) };
    Parsed::Message(Message::ProxyHeader(addresses), 16 + length)
}

/// The addresses in the address block of version 2. `None` if the family has no IP addresses.
fn addresses(family: u8, block: &[u8]) -> Option<OriginalAddresses> {
    fn ip<const SIZE: usize>(block: &[u8]) -> Option<([[u8; SIZE]; 2], &[u8])> {
        let (client, rest) = block.split_first_chunk()?;
        let (server, rest) = rest.split_first_chunk()?;
        Some(([*client, *server], rest))
    }
    let (ips, rest): ([IpAddr; 2], _) = match family {
        1 => ip::<4>(block).map(|(ips, rest)| (ips.map(|ip| Ipv4Addr::from(ip).into()), rest))?,
        2 => ip::<16>(block).map(|(ips, rest)| (ips.map(|ip| Ipv6Addr::from(ip).into()), rest))?,
        _ => return None,
    };
    let ports = rest.first_chunk::<4>()?;
    let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
    Some([SocketAddr::new(ips[0], port(0)), SocketAddr::new(ips[1], port(2))])
}
