//! A packet whose outer headers have been removed, with its length on the wire.

use std::net::IpAddr;

/// An IP datagram that carries TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The source and the destination address.
    pub addresses: (IpAddr, IpAddr),
    /// The TCP header and everything after it.
    pub rest: Rest<'a>,
}

/// The bytes of a packet from some header on.
///
/// - `bytes.len() <= length`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest<'a> {
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// The length on the wire, in bytes.
    pub length: usize,
}

impl Rest<'_> {
    /// Removes the first `size` bytes, which must have been captured.
    #[inline]
    pub(crate) fn after(self, size: usize) -> Self {
        Self { bytes: &self.bytes[size..], length: self.length - size }
    }
}
