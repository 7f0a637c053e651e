//! The packet stage: bytes of capture files in, packets out.
//!
//! ```text
//! chunk -> record -> layers: link -> tags -> ip -> (ip_fragments) -> TCP segment
//!                              ^----- tunnel <--/
//!                    exported_pdu -> next bytes of a stream
//! ```
//!
//! Packets are handed out in the order of the file, those of several files by time. Their payload is
//! a slice of the chunk, unless it spans two chunks or several fragments. A datagram reassembled from
//! fragments has the number and the time of the fragment that completed it. Numbers count the packets
//! of all files.
//!
//! The only clock is the time of the packets, so the same input always gives the same output.

use serde::{Deserialize, Serialize};

use crate::file::damage::Damage;
use crate::file::error::FileError;
use crate::file::merge::Merge;
use crate::file::secrets::Secrets;
use crate::packet::Packet;
use crate::packet::counts::Counts;
use crate::packet::layers::Layers;
use crate::packet::tunnel::udp_tunnel::DecodeAs;

/// Receives packets. A closure that takes packets is one.
pub trait PacketSink {
    /// The next packet.
    fn packet(&mut self, packet: Packet<'_>);
    /// Whether no more is wanted for now.
    fn is_full(&self) -> bool {
        false
    }
}

impl<F: FnMut(Packet<'_>)> PacketSink for F {
    #[inline]
    fn packet(&mut self, packet: Packet<'_>) {
        self(packet);
    }
}

/// Reads the packets of capture files, which are merged by time ([`Merge`]).
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct PacketReader {
    files: Merge,
    layers: Layers,
}

impl PacketReader {
    /// A reader without files, and without ports of the caller's choice.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A reader without files, which takes UDP ports for these tunnels.
    #[must_use]
    pub fn with_tunnels(decode_as: Vec<DecodeAs>) -> Self {
        Self { files: Merge::new(), layers: Layers::new(decode_as) }
    }

    /// Goes on with these tunnels, after the state was read.
    pub(crate) fn resume(&mut self, decode_as: Vec<DecodeAs>) {
        self.layers.resume(decode_as);
    }

    /// Whether the files of a state are those that it says it has.
    pub(crate) fn is_consistent(&self) -> bool {
        self.files.is_consistent()
    }

    /// The files that have not ended.
    pub(crate) fn open_files(&self) -> Vec<u32> {
        self.files.open_files()
    }

    /// The number of files so far.
    pub(crate) const fn files(&self) -> u32 {
        self.files.files()
    }

    /// Adds a file ([`Merge::add_file`]).
    pub fn add_file(&mut self, first: Option<i64>) -> u32 {
        self.files.add_file(first)
    }

    /// The file whose next bytes are needed; `None` if all have ended.
    pub fn current(&mut self) -> Option<u32> {
        self.files.current()
    }

    /// Takes the next bytes of the current file, or of a new file if there is none. Every TCP segment
    /// and every exported PDU that they complete goes to `sink`, until it is full.
    ///
    /// Returns how many bytes were taken. The others must be given again when the file is current
    /// again.
    ///
    /// # Errors
    ///
    /// If the file is no capture. It has ended then.
    pub fn receive_data(
        &mut self,
        data: &[u8],
        sink: &mut impl PacketSink,
    ) -> Result<usize, FileError> {
        let Self { files, layers } = self;
        files.receive_data(data, &mut |file, record| {
            layers.receive(file, record, &mut |packet| sink.packet(packet));
            sink.is_full()
        })
    }

    /// Says that the current file has no more bytes.
    ///
    /// Returns whether it has ended. If not, another file comes first or the sink is full, and the
    /// call must be repeated when the file is current again.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record: it is [cut short](FileError::is_cut_short). If it was empty
    /// or no capture. It has ended then.
    pub fn receive_eof(&mut self, sink: &mut impl PacketSink) -> Result<bool, FileError> {
        let Self { files, layers } = self;
        files.receive_eof(&mut |file, record| {
            layers.receive(file, record, &mut |packet| sink.packet(packet));
            sink.is_full()
        })
    }

    /// Whether no byte of the current file was taken.
    pub(crate) fn is_at_start(&self) -> bool {
        self.files.is_at_start()
    }

    /// Ends the current file, which cannot be read any further.
    pub fn abandon(&mut self) {
        self.files.abandon();
    }

    /// The damage that was passed over since the last call, with the index of its file.
    pub fn take_damages(&mut self) -> Vec<(u32, Damage)> {
        self.files.take_damages()
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

    /// The counters, for those that later stages keep.
    pub(crate) const fn counts_mut(&mut self) -> &mut Counts {
        self.layers.counts_mut()
    }

    /// The secrets of the files' Decryption Secrets Blocks (pcapng): the type of secrets and their
    /// bytes.
    #[must_use]
    pub fn secrets(&self) -> &[(u32, Vec<u8>)] {
        self.files.secrets().kept()
    }

    /// The secrets, to be taken.
    pub(crate) const fn secrets_mut(&mut self) -> &mut Secrets {
        self.files.secrets_mut()
    }

    /// Decryption Secrets Blocks that were too large to keep.
    #[must_use]
    pub const fn secrets_dropped(&self) -> u64 {
        self.files.secrets().dropped()
    }
}
