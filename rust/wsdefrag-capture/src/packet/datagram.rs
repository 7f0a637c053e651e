//! A packet whose outer headers have been removed, with its length on the wire.

use std::net::IpAddr;

/// The payload of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The source and the destination address.
    pub addresses: (IpAddr, IpAddr),
    /// The bytes after the IP header and its extension headers.
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

impl<'a> Rest<'a> {
    /// Removes the first `size` bytes, which must have been captured.
    #[inline]
    pub(crate) fn after(self, size: usize) -> Self {
        Self { bytes: &self.bytes[size..], length: self.length - size }
    }

    /// Removes the first `size` bytes; `None` if they were not captured.
    #[inline]
    pub(crate) fn skip(self, size: usize) -> Option<Self> {
        (size <= self.bytes.len()).then(|| self.after(size))
    }

    /// The first `N` bytes and what follows; `None` if they were not captured.
    #[inline]
    pub(crate) fn split<const N: usize>(self) -> Option<(&'a [u8; N], Self)> {
        Some((self.bytes.first_chunk()?, self.after(N)))
    }

    /// Removes what follows the first `length` bytes, such as padding.
    #[inline]
    pub(crate) fn limit(self, length: usize) -> Self {
        Self { bytes: &self.bytes[..length.min(self.bytes.len())], length: length.min(self.length) }
    }

    /// The version that the packet has if it is an IP packet: 4 or 6.
    #[inline]
    pub(crate) fn ip_version(self) -> Option<u8> {
        self.bytes.first().map(|byte| byte >> 4).filter(|version| matches!(version, 4 | 6))
    }
}

/// A big-endian number in a header.
#[inline]
pub(crate) fn u16_at(header: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([header[at], header[at + 1]])
}

/// A big-endian number of three bytes in a header.
#[inline]
pub(crate) fn u24_at(header: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([0, header[at], header[at + 1], header[at + 2]])
}

/// A big-endian number of four bytes in a header.
#[inline]
pub(crate) fn u32_at(header: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}
