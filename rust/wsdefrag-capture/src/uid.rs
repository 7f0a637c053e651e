//! The identity of a connection: 128 bits that are the same in every pass over the same packets.
//!
//! They are the start of a SHA-256 digest. There is no key, so programs on other machines compute the
//! same. Where both SYNs were captured, their sequence numbers tell the connection from others on the
//! same addresses and ports, and captures of one connection in two places give the same. Elsewhere the
//! time of the first packet does. Tags and tunnels count only where they tell connections apart.
//!
//! RFC 9293 section 3.4.1 (initial sequence numbers).

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};

/// What the identity is computed of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    /// The client and the server, as are the other arrays.
    pub(crate) endpoints: [SocketAddr; 2],
    /// The sequence numbers of the SYNs, as far as they were captured.
    pub(crate) initial_sequences: [Option<u32>; 2],
    /// When the first packet was captured, in nanoseconds since the epoch.
    pub(crate) opened: i64,
    /// How many WebSockets the server refused on the same TCP connection before.
    pub(crate) refusals: u32,
    /// The stream, if it is one of HTTP/2.
    pub(crate) stream: Option<u32>,
    /// The hash of the tags and tunnels of the first packet, where they tell the connection from
    /// another one; 0 where addresses and ports do.
    pub(crate) tenant: u64,
}

impl Identity {
    /// The 128 bits. `capture_point` is the caller's name for the place of the capture.
    pub(crate) fn uid(&self, capture_point: &str) -> [u8; 16] {
        let mut digest = Sha256::new();
        for endpoint in self.endpoints {
            // As an IPv4-mapped address (RFC 4291 section 2.5.5.2), so that all take as many bytes.
            let address = match endpoint.ip() {
                IpAddr::V4(address) => address.to_ipv6_mapped(),
                IpAddr::V6(address) => address,
            };
            digest.update(address.octets());
            digest.update(endpoint.port().to_be_bytes());
        }
        if let [Some(client), Some(server)] = self.initial_sequences {
            digest.update(b"S");
            digest.update(client.to_be_bytes());
            digest.update(server.to_be_bytes());
        } else {
            digest.update(b"T");
            digest.update(self.opened.to_be_bytes());
        }
        digest.update(self.refusals.to_be_bytes());
        digest.update(self.tenant.to_be_bytes());
        if let Some(stream) = self.stream {
            digest.update(b"H");
            digest.update(stream.to_be_bytes());
        }
        digest.update(capture_point);
        let mut uid = [0; 16];
        uid.copy_from_slice(&digest.finalize()[..16]);
        uid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usual() -> Identity {
        Identity {
            endpoints: ends("192.0.2.1:50000", "192.0.2.2:80"),
            initial_sequences: [Some(1), Some(2)],
            opened: 7,
            refusals: 0,
            stream: None,
            tenant: 0,
        }
    }

    fn ends(client: &str, server: &str) -> [SocketAddr; 2] {
        [client.parse().unwrap(), server.parse().unwrap()]
    }

    #[test]
    fn every_part_counts() {
        let midstream = Identity { initial_sequences: [Some(1), None], ..usual() };
        let mut found = vec![usual().uid(""), usual().uid("tap 1"), midstream.uid("")];
        for other in [
            Identity { endpoints: ends("192.0.2.1:50001", "192.0.2.2:80"), ..usual() },
            Identity { endpoints: ends("192.0.2.2:80", "192.0.2.1:50000"), ..usual() },
            Identity { initial_sequences: [Some(1), Some(3)], ..usual() },
            Identity { initial_sequences: [Some(3), Some(2)], ..usual() },
            Identity { refusals: 1, ..usual() },
            Identity { stream: Some(1), ..usual() },
            Identity { stream: Some(3), ..usual() },
            Identity { tenant: 1, ..usual() },
            Identity { opened: 8, ..midstream },
        ] {
            found.push(other.uid(""));
        }
        let count = found.len();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), count);
    }

    #[test]
    fn time_does_not_count_where_both_syns_were_captured() {
        assert_eq!(Identity { opened: 8, ..usual() }.uid(""), usual().uid(""));
    }
}
