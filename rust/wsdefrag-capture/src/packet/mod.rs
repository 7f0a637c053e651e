//! Packets: records of a capture file in, TCP segments and exported PDUs out.
//!
//! This file has the types that the `tcp` folder takes.

pub mod counts;
pub mod datagram;
pub mod ethernet;
pub mod exported_pdu;
pub mod frame_relay;
pub mod header;
pub mod ip;
pub mod ip_fragments;
pub mod layer;
pub mod link;
pub mod llc;
pub mod mpls;
pub mod ppp;
pub mod reader;
pub mod tags;
pub mod tunnel;
pub mod unread;
pub mod wifi;

mod layers;

use std::net::SocketAddr;

use crate::packet::tags::Tags;
use serde::{Deserialize, Serialize};

/// A captured packet of a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The number of the packet in the capture. The first packet of any protocol is number 1.
    pub number: u64,
    /// The file that it is in: its index among the files of the capture.
    pub file: u32,
    /// When it was captured, in nanoseconds since the epoch.
    pub time: i64,
    /// The sender.
    pub source: SocketAddr,
    /// The receiver.
    pub destination: SocketAddr,
    /// The tags and tunnels that the packet went through.
    pub tags: Tags<'a>,
    /// The payload.
    pub payload: Payload<'a>,
}

/// The payload of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// A TCP segment.
    Segment(Segment<'a>),
    /// An exported PDU: the next bytes of this direction. It may begin with bytes that the last one
    /// had, too (see [`RepeatedPrefix`](crate::packet::exported_pdu::RepeatedPrefix)).
    Ordered(&'a [u8]),
}

/// The fields of a TCP segment that reassembly needs (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment<'a> {
    /// The sequence number: that of the SYN if the segment has one, else of the first payload byte.
    pub sequence: u32,
    /// The acknowledgment number, if the ACK flag is set.
    pub acknowledgment: Option<u32>,
    /// The SYN flag.
    pub syn: bool,
    /// The FIN flag.
    pub fin: bool,
    /// The RST flag.
    pub rst: bool,
    /// The captured payload.
    #[serde(skip)]
    pub bytes: &'a [u8],
    /// Payload bytes that follow `bytes` on the wire and were not captured, because of a snap length.
    pub cut: u32,
}

impl Segment<'_> {
    /// Whether it has payload, captured or not.
    #[inline]
    pub(crate) const fn has_payload(&self) -> bool {
        !self.bytes.is_empty() || self.cut > 0
    }

    /// Bytes of its payload, captured or not.
    #[inline]
    pub(crate) fn length(&self) -> i64 {
        self.bytes.len().cast_signed() as i64 + i64::from(self.cut)
    }
}

/// When and where bytes were captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The number of the packet in the capture.
    pub packet: u64,
    /// The file that the packet is in: its index among the files of the capture.
    pub file: u32,
    /// When the packet was captured, in nanoseconds since the epoch.
    pub time: i64,
}
