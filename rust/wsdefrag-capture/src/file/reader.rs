//! The records of a capture file: pcap and pcapng.
//!
//! [`RecordReader`] stands at the start of a file, inside one of known format, or behind a fault. A
//! record that lies whole in a chunk is handed out as a range of the chunk. One that the end of a
//! chunk cut in two is collected in `spill`, which grows with the bytes that arrive and never with
//! what a length announces, and is handed out from there. A fault ends the file: it is returned
//! again until [`receive_eof`](RecordReader::receive_eof), behind which the next file starts.
//!
//! The records of pcap are in `pcap`, the blocks of pcapng in [`pcapng`](crate::file::pcapng).
//!
//! - `spill.len() < need` between calls, and `need == 0` where `spill` is empty
//! - `need <= MAX_RECORD` and the size of a record header
//! - `position` is the offset of the record at hand, `spill` holds its first bytes

use crate::file::error::{FileError, FileErrorKind};
use crate::file::pcap::{PCAP_HEADER, Pcap};
use crate::file::pcapng::{SECTION_HEADER, Section};
use crate::file::record::{Record, Step};
use crate::file::secrets::Secrets;

/// Room that is kept for the next cut record, in bytes.
const SPILL_KEPT: usize = 1 << 20;

/// Takes files and gives their records.
#[derive(Debug, Default)]
pub struct RecordReader {
    format: Format,
    spill: Vec<u8>,
    need: usize,
    position: u64,
    record: u64,
    secrets: Secrets,
}

#[derive(Debug, Default)]
enum Format {
    /// Nothing has come.
    #[default]
    Unknown,
    Pcap(Pcap),
    Pcapng(Section),
    /// Nothing more can be read.
    Failed(FileError),
}

impl RecordReader {
    /// Before the first file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the files hold for decrypting what they hold.
    #[must_use]
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Takes the next bytes of the file; every packet they complete goes to `sink`.
    pub fn receive_data(
        &mut self,
        mut data: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<(), FileError> {
        while !self.spill.is_empty() {
            let taken = data.len().min(self.need - self.spill.len());
            let (fresh, rest) = data.split_at(taken);
            self.spill.extend_from_slice(fresh);
            data = rest;
            if self.spill.len() < self.need {
                return Ok(());
            }
            let mut spill = std::mem::take(&mut self.spill);
            let consumed = self.run(&spill, sink)?;
            spill.drain(..consumed);
            spill.shrink_to(SPILL_KEPT);
            self.spill = spill;
        }
        let consumed = self.run(data, sink)?;
        self.spill.extend_from_slice(&data[consumed..]);
        Ok(())
    }

    /// The file ends; another may follow.
    pub fn receive_eof(&mut self) -> Result<(), FileError> {
        let left = self.spill.len();
        let kind = match self.format {
            Format::Unknown if left < 4 => {
                let mut start = [0; 4];
                start[..left].copy_from_slice(&self.spill);
                Some(FileErrorKind::NotACapture { start, length: left })
            }
            // It has been told.
            Format::Failed(_) => None,
            _ => (left != 0).then_some(FileErrorKind::CutShort { left }),
        };
        let result = kind.map_or(Ok(()), |kind| Err(self.error(kind)));
        let secrets = std::mem::take(&mut self.secrets);
        *self = Self { secrets, ..Self::default() };
        result
    }

    /// A fault in the record at hand.
    #[cold]
    const fn error(&self, kind: FileErrorKind) -> FileError {
        FileError { record: self.record + 1, offset: self.position, kind }
    }

    /// Hands out the whole records at the front of `bytes`; returns what they take and leaves in
    /// `need` what the one behind them takes, as far as is known.
    fn run(
        &mut self,
        bytes: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<usize, FileError> {
        let result = self.try_run(bytes, sink).map_err(|kind| self.error(kind));
        if let Err(error) = result {
            self.format = Format::Failed(error);
            self.spill = Vec::new();
        }
        result
    }

    fn try_run(
        &mut self,
        mut bytes: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<usize, FileErrorKind> {
        let before = bytes.len();
        self.need = 0;
        while !bytes.is_empty() {
            let step = match &mut self.format {
                Format::Unknown => {
                    let step = self.start(bytes)?;
                    if let Step::Taken(taken) = step {
                        bytes = &bytes[taken..];
                        self.position += taken as u64;
                        continue;
                    }
                    step
                }
                Format::Pcap(pcap) => pcap.step(bytes, sink)?,
                Format::Pcapng(section) => section.step(bytes, &mut self.secrets, sink)?,
                Format::Failed(error) => return Err(error.kind),
            };
            match step {
                Step::Taken(taken) => {
                    bytes = &bytes[taken..];
                    self.position += taken as u64;
                    self.record += 1;
                }
                Step::Needs(need) => {
                    self.need = need;
                    break;
                }
            }
        }
        Ok(before - bytes.len())
    }

    /// Tells the format by the first bytes of a file.
    fn start(&mut self, bytes: &[u8]) -> Result<Step, FileErrorKind> {
        let Some(start) = bytes.first_chunk::<4>() else { return Ok(Step::Needs(4)) };
        if *start == SECTION_HEADER {
            self.format = Format::Pcapng(Section::default());
            return Ok(Step::Taken(0));
        }
        let Some((pcap, size)) = Pcap::start(start, bytes)? else {
            return Ok(Step::Needs(PCAP_HEADER));
        };
        self.format = Format::Pcap(pcap);
        Ok(Step::Taken(size))
    }
}
