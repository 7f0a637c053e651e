//! Reads the records of capture files, pcap or pcapng, from chunks of any size.
//!
//! ```text
//! Unknown   at the start of a file; its first 4 bytes give the format
//! Pcap      inside a pcap file
//! Pcapng    inside a pcapng file
//! Failed    after an error; every call returns it again until the file ends
//! ```
//!
//! A record that is complete in a chunk is handed out as a slice of the chunk. A record that spans
//! chunks is collected in `partial` first. `partial` grows only with the bytes that arrive, so an
//! announced length alone takes no memory.
//!
//! - `partial.len() < needed` between calls, or both are 0
//! - `needed <= MAX_RECORD` plus the size of a record header
//! - `position` is the offset in the file of the first byte of `partial`

#![expect(
    clippy::disallowed_methods,
    reason = "a record of at most `MAX_RECORD` bytes, and a chunk"
)]

use crate::file::error::{FileError, FileErrorKind};
use crate::file::pcap::{PCAP_HEADER, Pcap};
use crate::file::pcapng::{SECTION_HEADER, Section};
use crate::file::record::{Progress, Record};
use crate::file::secrets::Secrets;

/// Capacity of `partial` that is kept between records, in bytes.
const PARTIAL_CAPACITY: usize = 1 << 20;

/// Reads the records of capture files.
#[derive(Debug, Default)]
pub struct RecordReader {
    format: Format,
    /// The first bytes of the current record.
    partial: Vec<u8>,
    /// Bytes of the current record that are needed to continue.
    needed: usize,
    /// The offset of the current record in the file, in bytes.
    position: u64,
    /// The number of records before the current one.
    record: u64,
    secrets: Secrets,
}

#[derive(Debug, Default)]
enum Format {
    /// The first 4 bytes have not arrived.
    #[default]
    Unknown,
    Pcap(Pcap),
    Pcapng(Section),
    /// The file cannot be read any further.
    Failed(FileError),
}

impl RecordReader {
    /// A reader before its first file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The secrets of all files so far.
    #[must_use]
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Takes the next bytes of the file. Every packet that they complete goes to `sink`.
    ///
    /// # Errors
    ///
    /// If the file is damaged or is no capture. Every further call for this file returns the same
    /// error.
    pub fn receive_data(
        &mut self,
        mut data: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<(), FileError> {
        while !self.partial.is_empty() {
            let consumed = data.len().min(self.needed - self.partial.len());
            let (start, rest) = data.split_at(consumed);
            self.partial.extend_from_slice(start);
            data = rest;
            if self.partial.len() < self.needed {
                return Ok(());
            }
            let mut partial = std::mem::take(&mut self.partial);
            let consumed = self.read_records(&partial, sink)?;
            partial.drain(..consumed);
            partial.shrink_to(PARTIAL_CAPACITY);
            self.partial = partial;
        }
        let consumed = self.read_records(data, sink)?;
        self.partial.extend_from_slice(&data[consumed..]);
        Ok(())
    }

    /// Ends the file. Another may follow.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record or was empty. An error that
    /// [`receive_data`](Self::receive_data) returned is not returned again.
    pub fn receive_eof(&mut self) -> Result<(), FileError> {
        let left = self.partial.len();
        let kind = match self.format {
            Format::Unknown if left < 4 => {
                let mut start = [0; 4];
                start[..left].copy_from_slice(&self.partial);
                Some(FileErrorKind::NotACapture { start, length: left })
            }
            // `receive_data` has returned the error.
            Format::Failed(_) => None,
            _ => (left != 0).then_some(FileErrorKind::CutShort { left }),
        };
        let result = kind.map_or(Ok(()), |kind| Err(self.error(kind)));
        let secrets = std::mem::take(&mut self.secrets);
        *self = Self { secrets, ..Self::default() };
        result
    }

    /// An error in the current record.
    #[cold]
    const fn error(&self, kind: FileErrorKind) -> FileError {
        FileError { record: self.record + 1, offset: self.position, kind }
    }

    /// Hands out the complete records at the start of `bytes` and returns their length in bytes. Sets
    /// `needed` for the incomplete record after them.
    fn read_records(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<usize, FileError> {
        let result = self.try_read_records(bytes, sink).map_err(|kind| self.error(kind));
        if let Err(error) = result {
            self.format = Format::Failed(error);
            self.partial = Vec::new();
        }
        result
    }

    fn try_read_records(
        &mut self,
        mut bytes: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<usize, FileErrorKind> {
        let before = bytes.len();
        self.needed = 0;
        while !bytes.is_empty() {
            let progress = match &mut self.format {
                Format::Unknown => {
                    let progress = self.detect_format(bytes)?;
                    if let Progress::Consumed(consumed) = progress {
                        bytes = &bytes[consumed..];
                        self.position += consumed as u64;
                        continue;
                    }
                    progress
                }
                Format::Pcap(pcap) => pcap.next_record(bytes, sink)?,
                Format::Pcapng(section) => section.next_block(bytes, &mut self.secrets, sink)?,
                Format::Failed(error) => return Err(error.kind),
            };
            match progress {
                Progress::Consumed(consumed) => {
                    bytes = &bytes[consumed..];
                    self.position += consumed as u64;
                    self.record += 1;
                }
                Progress::Needs(needed) => {
                    self.needed = needed;
                    break;
                }
            }
        }
        Ok(before - bytes.len())
    }

    /// Detects the format by the first bytes of the file.
    fn detect_format(&mut self, bytes: &[u8]) -> Result<Progress, FileErrorKind> {
        let Some(start) = bytes.first_chunk::<4>() else { return Ok(Progress::Needs(4)) };
        if *start == SECTION_HEADER {
            self.format = Format::Pcapng(Section::default());
            return Ok(Progress::Consumed(0));
        }
        let Some((pcap, size)) = Pcap::start(start, bytes)? else {
            return Ok(Progress::Needs(PCAP_HEADER));
        };
        self.format = Format::Pcap(pcap);
        Ok(Progress::Consumed(size))
    }
}
