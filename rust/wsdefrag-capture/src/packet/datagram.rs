//! What is left of a packet while its headers are taken off.
//!
//! - `bytes.len() <= length` in every [`Part`]

use std::net::IpAddr;

/// A TCP segment on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Where it comes from, and where it goes to.
    pub addresses: (IpAddr, IpAddr),
    /// The TCP header and what is behind it.
    pub part: Part<'a>,
}

/// The rest of a packet, from some header on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// As far as it was captured.
    pub bytes: &'a [u8],
    /// Its length on the wire, in bytes.
    pub length: usize,
}

impl Part<'_> {
    /// What is behind the first `size` bytes, which were captured.
    #[inline]
    pub(crate) fn behind(self, size: usize) -> Self {
        Self { bytes: &self.bytes[size..], length: self.length - size }
    }
}
