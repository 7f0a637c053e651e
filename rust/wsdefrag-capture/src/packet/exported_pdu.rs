//! Exported PDUs: pieces of streams that Wireshark took out of a capture.
//!
//! A record is a list of tags (type, length, value), ended by one of type 0, and the piece behind
//! them. Tags that do not say whose piece it is, or where it stands, are passed over, and so is
//! everything that does not come from TCP.
//!
//! Pieces of a TCP payload ("OSI layer 4") say their sequence numbers. Those of a decrypted stream
//! ("OSI layer 7") do not; they stand in the file in the order of their direction's bytes, but not
//! side by side: where a piece ended inside an HTTP head or a frame, Wireshark waits for the rest,
//! and then exports all of it once more from its first byte. [`Seam`] tells what is new of a
//! piece to those who know where heads and frames end.
//!
//! The tags are those of Wireshark's `epan/exported_pdu.h`.

use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use foldhash::fast::FixedState;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported<'a> {
    /// A piece of a TCP stream.
    Tcp {
        /// Who sent it.
        source: SocketAddr,
        /// Whom it was sent to.
        destination: SocketAddr,
        /// Where its first byte stands in the sequence space, if it is said.
        sequence: Option<u32>,
        /// The piece.
        bytes: &'a [u8],
    },
    /// Something else.
    Other,
    /// Its tags are not whole, or have values of other lengths than theirs.
    Malformed,
}

const END: u16 = 0;
const IPV4_SOURCE: u16 = 20;
const IPV4_DESTINATION: u16 = 21;
const IPV6_SOURCE: u16 = 22;
const IPV6_DESTINATION: u16 = 23;
const PORT_TYPE: u16 = 24;
const SOURCE_PORT: u16 = 25;
const DESTINATION_PORT: u16 = 26;
const TCP_DISSECTOR_DATA: u16 = 34;

/// The port type of TCP.
const TCP: u32 = 2;

/// Reads a record.
#[must_use]
pub fn exported(record: &[u8]) -> Exported<'_> {
    read(record).unwrap_or(Exported::Malformed)
}

fn read(mut record: &[u8]) -> Option<Exported<'_>> {
    let (mut addresses, mut ports) = ((None, None), (None, None));
    let (mut port_type, mut sequence) = (None, None);
    loop {
        let (head, rest) = record.split_first_chunk::<4>()?;
        let tag = u16::from_be_bytes([head[0], head[1]]);
        if tag == END {
            record = rest;
            break;
        }
        // The length counts the padding, if there is any.
        let length = u16::from_be_bytes([head[2], head[3]]);
        let (value, rest) = rest.split_at_checked(length.into())?;
        match tag {
            IPV4_SOURCE => addresses.0 = Some(ipv4(value)?),
            IPV4_DESTINATION => addresses.1 = Some(ipv4(value)?),
            IPV6_SOURCE => addresses.0 = Some(ipv6(value)?),
            IPV6_DESTINATION => addresses.1 = Some(ipv6(value)?),
            PORT_TYPE => port_type = Some(number(value)?),
            SOURCE_PORT => ports.0 = Some(number(value)?),
            DESTINATION_PORT => ports.1 = Some(number(value)?),
            TCP_DISSECTOR_DATA => sequence = tcp_dissector_data(value),
            _ => {}
        }
        record = rest;
    }
    let ((Some(source), Some(destination)), (Some(from), Some(to)), Some(TCP)) =
        (addresses, ports, port_type)
    else {
        return Some(Exported::Other);
    };
    Some(Exported::Tcp {
        source: SocketAddr::new(source, u16::try_from(from).ok()?),
        destination: SocketAddr::new(destination, u16::try_from(to).ok()?),
        sequence,
        bytes: record,
    })
}

fn ipv4(value: &[u8]) -> Option<IpAddr> {
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(value).ok()?).into())
}

fn ipv6(value: &[u8]) -> Option<IpAddr> {
    Some(Ipv6Addr::from(<[u8; 16]>::try_from(value).ok()?).into())
}

fn number(value: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(value.try_into().ok()?))
}

/// The sequence number in version 1 of what Wireshark's TCP hands to those above it.
///
/// It also holds an acknowledgment number, but pieces that waited to be put together come late,
/// and would seem to be lost by it.
fn tcp_dissector_data(value: &[u8]) -> Option<u32> {
    match value.first_chunk::<6>()? {
        [0, 1, sequence @ ..] => Some(u32::from_be_bytes(*sequence)),
        _ => None,
    }
}

/// What is new of the pieces of one direction.
///
/// - `length` is that of the head or frame that the last piece ended inside of, as far as it was
///   in that piece; 0 where it ended at the end of one
#[derive(Clone, Copy, Debug, Default)]
pub struct Seam {
    length: usize,
    hash: u64,
}

impl Seam {
    /// The bytes of `piece` that have not come before.
    #[must_use]
    pub fn fresh<'a>(&self, piece: &'a [u8]) -> &'a [u8] {
        match piece.split_at_checked(self.length) {
            Some((again, fresh)) if hash(again) == self.hash => fresh,
            _ => piece,
        }
    }

    /// Notes that `piece` ended inside of a head or frame, `incomplete` bytes behind its first
    /// byte; 0 where it ended at the end of one.
    pub fn ended(&mut self, piece: &[u8], incomplete: usize) {
        // What does not start in the piece does not come again.
        let start = piece.len().checked_sub(incomplete).unwrap_or(piece.len());
        self.length = piece.len() - start;
        self.hash = hash(&piece[start..]);
    }
}

/// A number to tell ranges apart with.
fn hash(bytes: &[u8]) -> u64 {
    FixedState::default().hash_one(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is new of pieces that come with the length of what they leave incomplete.
    fn fresh<'a>(pieces: &[(&'a str, usize)]) -> Vec<&'a [u8]> {
        let mut seam = Seam::default();
        let mut fresh = Vec::new();
        for (piece, incomplete) in pieces {
            fresh.push(seam.fresh(piece.as_bytes()));
            seam.ended(piece.as_bytes(), *incomplete);
        }
        fresh
    }

    #[test]
    fn what_was_incomplete_is_not_taken_twice() {
        for (pieces, expected) in [
            (&[("GET ", 4), ("GET / HTTP", 10), ("GET / HTTP/1.1", 0)][..], "GET |/ HTTP|/1.1"),
            (&[("frame|fra", 3), ("frame", 0)], "frame|fra|me"),
            (&[("same", 0), ("same", 0)], "same|same"),
            // Not exported again, because it could not be put together.
            (&[("frame|fra", 3), ("me", 0)], "frame|fra|me"),
            (&[("frame|fra", 3), ("mes", 0)], "frame|fra|mes"),
            // What did not start in the piece does not come again in full.
            (&[("fr", 2), ("am", 4), ("am", 0)], "fr|am|am"),
        ] {
            assert_eq!(fresh(pieces).join(&b'|'), expected.as_bytes());
        }
    }
}
