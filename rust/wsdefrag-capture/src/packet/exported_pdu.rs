//! Exported PDUs: parts of streams that Wireshark has extracted from a capture.
//!
//! A record is a list of tags (type, length, value), ended by a tag of type 0, and then the bytes
//! of the PDU. Only the tags for addresses, ports and the sequence number are used. PDUs that do not
//! come from TCP are ignored.
//!
//! A PDU of a TCP payload ("OSI layer 4") has a sequence number. A PDU of a decrypted stream ("OSI
//! layer 7") has none; its bytes follow those of the last PDU of the same direction. But when a PDU
//! ends inside an HTTP head or a WebSocket frame, Wireshark exports that head or frame again from
//! its first byte once it is complete. [`RepeatedPrefix`] removes the bytes that were exported twice.
//!
//! The tags are those of Wireshark's `epan/exported_pdu.h`.

use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use foldhash::fast::FixedState;

/// The contents of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exported<'a> {
    /// Bytes of a TCP stream.
    Tcp {
        /// The sender.
        source: SocketAddr,
        /// The receiver.
        destination: SocketAddr,
        /// The sequence number of the first byte, if the record has it.
        sequence: Option<u32>,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Something that may be of a TCP stream, without its addresses or ports.
    Unaddressed,
    /// Something else.
    Other,
    /// A tag is cut off, or its value has the wrong length.
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
        // The length includes any padding.
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
        let may_be_tcp = matches!(port_type, None | Some(TCP));
        return Some(if may_be_tcp { Exported::Unaddressed } else { Exported::Other });
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

/// The sequence number in the data that Wireshark's TCP dissector attaches, version 1.
///
/// The data also has an acknowledgment number. It is not used: Wireshark may export a PDU late, and
/// by the acknowledgment number its bytes would seem to be lost.
fn tcp_dissector_data(value: &[u8]) -> Option<u32> {
    match value.first_chunk::<6>()? {
        [0, 1, sequence @ ..] => Some(u32::from_be_bytes(*sequence)),
        _ => None,
    }
}

/// The bytes that the next PDU of one direction may repeat: the incomplete head or frame at the end
/// of the last PDU.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct RepeatedPrefix {
    /// Their number; 0 if the last PDU ended at the end of a head or frame.
    length: usize,
    hash: u64,
}

impl RepeatedPrefix {
    /// Removes the repeated bytes from the start of `pdu`.
    #[must_use]
    pub fn strip<'a>(&self, pdu: &'a [u8]) -> &'a [u8] {
        match pdu.split_at_checked(self.length) {
            Some((prefix, new)) if hash(prefix) == self.hash => new,
            _ => pdu,
        }
    }

    /// Remembers the end of `pdu`. The last `incomplete` bytes of the direction belong to a head or
    /// frame that is not complete.
    pub fn remember(&mut self, pdu: &[u8], incomplete: usize) {
        // A head or frame that began in an earlier PDU is not exported again.
        let start = pdu.len().checked_sub(incomplete).unwrap_or(pdu.len());
        self.length = pdu.len() - start;
        self.hash = hash(&pdu[start..]);
    }
}

/// A hash, to compare bytes with bytes that are no longer there.
fn hash(bytes: &[u8]) -> u64 {
    FixedState::default().hash_one(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The new bytes of each PDU. A PDU comes with the number of incomplete bytes at its end.
    fn new_bytes<'a>(pdus: &[(&'a str, usize)]) -> Vec<&'a [u8]> {
        let mut prefix = RepeatedPrefix::default();
        let mut new = Vec::new();
        for (pdu, incomplete) in pdus {
            new.push(prefix.strip(pdu.as_bytes()));
            prefix.remember(pdu.as_bytes(), *incomplete);
        }
        new
    }

    #[test]
    fn incomplete_bytes_are_not_taken_twice() {
        for (pdus, expected) in [
            (&[("GET ", 4), ("GET / HTTP", 10), ("GET / HTTP/1.1", 0)][..], "GET |/ HTTP|/1.1"),
            (&[("frame|fra", 3), ("frame", 0)], "frame|fra|me"),
            (&[("same", 0), ("same", 0)], "same|same"),
            // Not exported again, because Wireshark could not complete it.
            (&[("frame|fra", 3), ("me", 0)], "frame|fra|me"),
            (&[("frame|fra", 3), ("mes", 0)], "frame|fra|mes"),
            // A frame that did not begin in the last PDU is not exported again.
            (&[("fr", 2), ("am", 4), ("am", 0)], "fr|am|am"),
        ] {
            assert_eq!(new_bytes(pdus).join(&b'|'), expected.as_bytes());
        }
    }
}
