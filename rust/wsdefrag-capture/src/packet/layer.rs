//! What a header of a packet leads to.
//!
//! A function that removes a header takes the rest of a packet and returns a [`Step`]. `reader` takes
//! one step after the other until there is a TCP segment or nothing to follow. Every step but the
//! first removes bytes, so their number is bounded by the length of the packet.

use etherparse::IpNumber;

use crate::packet::datagram::{Datagram, Rest};
use crate::packet::header::Header;
use crate::packet::ip_fragments::Fragment;
use crate::packet::tags::Tag;
use crate::packet::unread::Unread;

/// What follows from a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Another header.
    Next(Header, Rest<'a>),
    /// Another header, under a tag that belongs to the packet.
    Tagged(Tag, Header, Rest<'a>),
    /// The payload of a tunnel.
    Tunnel(Tag, Header, Rest<'a>),
    /// A TCP segment.
    Tcp(Datagram<'a>),
    /// A datagram of another protocol, which may be a tunnel.
    Datagram(IpNumber, Datagram<'a>),
    /// A fragment of a datagram.
    Fragment(Fragment<'a>),
    /// A record of an exported-PDU capture.
    ExportedPdu(Rest<'a>),
    /// A protocol that carries no TCP.
    Other,
    /// An encapsulation that is not followed.
    Unread(Unread),
    /// The headers are contradictory, or were not captured whole.
    Malformed,
    /// A link type that is not supported.
    UnknownLink(u32),
}

impl<'a> Step<'a> {
    /// Another header, or `Malformed` where the bytes before it were not captured.
    #[inline]
    pub(crate) fn next(header: Header, rest: Option<Rest<'a>>) -> Self {
        rest.map_or(Self::Malformed, |rest| Self::Next(header, rest))
    }

    /// The payload of a tunnel, or `Malformed` where the bytes before it were not captured.
    #[inline]
    pub(crate) fn tunnel(tag: Tag, header: Header, rest: Option<Rest<'a>>) -> Self {
        rest.map_or(Self::Malformed, |rest| Self::Tunnel(tag, header, rest))
    }
}
