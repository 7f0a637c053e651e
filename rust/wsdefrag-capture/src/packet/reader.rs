//! The packet stage: bytes of capture files in, packets out.
//!
//! ```text
//! chunk -> record -> layers: link -> tags -> ip -> (ip_fragments) -> TCP segment
//!                              ^----- tunnel <--/
//!                    exported_pdu -> next bytes of a stream
//! ```
//!
//! Packets are handed out in the order of the file. Their payload is a slice of the chunk, unless it
//! spans two chunks or several fragments. A datagram reassembled from fragments has the number and
//! the time of the fragment that completed it. Numbers continue from file to file.
//!
//! The only clock is the time of the packets, so the same input always gives the same output.

use crate::file::error::FileError;
use crate::file::reader::RecordReader;
use crate::packet::Packet;
use crate::packet::counts::Counts;
use crate::packet::layers::Layers;
use crate::packet::tunnel::udp_tunnel::DecodeAs;

/// Reads the packets of capture files.
#[derive(Debug, Default)]
pub struct PacketReader {
    records: RecordReader,
    layers: Layers,
}

impl PacketReader {
    /// A reader before its first file, without ports of the caller's choice.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader before its first file, which takes UDP ports for these tunnels.
    #[must_use]
    pub fn with_tunnels(decode_as: Vec<DecodeAs>) -> Self {
        Self { records: RecordReader::default(), layers: Layers::new(decode_as) }
    }

    /// Takes the next bytes of the current file. Every TCP segment and every exported PDU that they
    /// complete goes to `sink`.
    ///
    /// # Errors
    ///
    /// If the file is damaged or is no capture. Every further call for this file returns the same
    /// error.
    pub fn receive_data(
        &mut self,
        data: &[u8],
        sink: &mut impl FnMut(Packet<'_>),
    ) -> Result<(), FileError> {
        let Self { records, layers } = self;
        records.receive_data(data, &mut |record| layers.receive(record, sink))
    }

    /// Ends the current file. Another may follow, with a header of its own.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record: it is [cut short](FileError::is_cut_short). An error that
    /// [`receive_data`](Self::receive_data) returned is not returned again.
    pub fn receive_eof(&mut self) -> Result<(), FileError> {
        self.records.receive_eof()
    }

    /// The number of packets so far, of any protocol, in all files.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.layers.counts().packets
    }

    /// What became of the packets so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        self.layers.counts()
    }

    /// The secrets of the files' Decryption Secrets Blocks (pcapng): the type of secrets and their
    /// bytes.
    #[must_use]
    pub fn secrets(&self) -> &[(u32, Vec<u8>)] {
        self.records.secrets().kept()
    }

    /// Decryption Secrets Blocks that were too large to keep.
    #[must_use]
    pub const fn secrets_dropped(&self) -> u64 {
        self.records.secrets().dropped()
    }
}
