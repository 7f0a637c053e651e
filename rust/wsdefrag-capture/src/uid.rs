//! The identity of a connection: 128 bits that are the same in every pass over the same packets.
//!
//! It is the start of a SHA-256 digest of the client's and the server's address and port, the time of
//! the first packet, and the name of the capture point. There is no key, so programs on other machines
//! compute the same.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};

/// The identity of a connection between a client and a server, in that order.
pub(crate) fn uid(endpoints: [SocketAddr; 2], opened: i64, capture_point: &str) -> [u8; 16] {
    let mut digest = Sha256::new();
    for endpoint in endpoints {
        // As an IPv4-mapped address (RFC 4291 section 2.5.5.2), so that all take as many bytes.
        let address = match endpoint.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        digest.update(address.octets());
        digest.update(endpoint.port().to_be_bytes());
    }
    digest.update(opened.to_be_bytes());
    digest.update(capture_point);
    let mut uid = [0; 16];
    uid.copy_from_slice(&digest.finalize()[..16]);
    uid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_counts() {
        let ends = |client: &str, server: &str| [client.parse().unwrap(), server.parse().unwrap()];
        let usual = ends("192.0.2.1:50000", "192.0.2.2:80");
        let first = uid(usual, 7, "");
        assert_eq!(uid(usual, 7, ""), first);
        for other in [
            uid(ends("192.0.2.1:50001", "192.0.2.2:80"), 7, ""),
            uid(ends("192.0.2.2:80", "192.0.2.1:50000"), 7, ""),
            uid(usual, 8, ""),
            uid(usual, 7, "tap 1"),
        ] {
            assert_ne!(other, first);
        }
    }
}
