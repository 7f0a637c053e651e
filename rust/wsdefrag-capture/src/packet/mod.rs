//! What the packet stage hands to the connection stage: TCP segments, and pieces of streams that
//! something else has put in order already.

pub mod counts;
pub mod datagram;
pub mod exported_pdu;
pub mod ip;
pub mod ip_fragments;
pub mod link;
pub mod reader;

use std::net::SocketAddr;

/// A captured packet of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Counted from 1 over all packets of the capture, other protocols' included.
    pub number: u64,
    /// When it was captured, in nanoseconds since the epoch.
    pub time: i64,
    /// Who sent it.
    pub source: SocketAddr,
    /// Whom it was sent to.
    pub destination: SocketAddr,
    /// What it carried.
    pub payload: Payload<'a>,
}

/// What a packet carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// The next bytes of this direction, in order: a record of an exported-PDU capture. It may begin
    /// with bytes that have come before ([`Seam`](crate::packet::exported_pdu::Seam)).
    Ordered(&'a [u8]),
}

/// A TCP segment (RFC 9293 section 3.1), as far as reassembly needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The sequence number: that of the SYN if it is set, else of the first byte.
    pub sequence: u32,
    /// The acknowledgment number, if the ACK flag is set.
    pub acknowledgment: Option<u32>,
    /// The SYN flag.
    pub syn: bool,
    /// The FIN flag.
    pub fin: bool,
    /// The RST flag.
    pub rst: bool,
    /// The payload, as far as it was captured.
    pub bytes: &'a [u8],
    /// Payload bytes behind `bytes` that were on the wire and not captured (a snap length).
    pub cut: u32,
}

/// When and where bytes were captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The packet's number.
    pub(crate) packet: u64,
    /// Its time, in nanoseconds since the epoch.
    pub(crate) time: i64,
}
