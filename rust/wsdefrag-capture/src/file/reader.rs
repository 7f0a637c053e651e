//! Reads the records of one capture file from chunks of any size.
//!
//! A record that is complete in a chunk is handed out as a slice of the chunk. A record that spans
//! chunks is collected in `partial` first. `partial` grows only with the bytes that arrive, so an
//! announced length alone takes no memory. Of long blocks without a packet only the start is collected.
//!
//! After damage the reader searches for the next plausible record byte by byte. In a file of fixed
//! headers a wrong length shows only at the next header, and then other records may lie inside the
//! one before. So that one is kept, and the search begins inside it. Bytes are read twice like this
//! no more often than they are read once, so the time is linear in the size of the file.
//!
//! - outside of a search, `partial` starts with `delivered` bytes that were handed out
//! - `position` is the offset in the file of the first byte that was not handed out
//! - `again <= position`

use crate::file::damage::{Damage, Damages};
use crate::file::error::{FileError, FileErrorKind};
use crate::file::format::Format;
use crate::file::partial::Partial;
use crate::file::record::{Parsed, Plausible, Record, Taken};
use crate::file::secrets::Secrets;
use serde::{Deserialize, Serialize};

/// Bytes that a search in `partial` gets at a time.
const SEARCHED: usize = 64 << 10;

/// Longer records are not kept for a search inside them, in bytes.
const MAX_KEPT: usize = 1 << 20;

/// Reads the records of a capture file.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct RecordReader {
    format: Format,
    /// The bytes of the last record that was handed out, if it is kept, and of the current one.
    partial: Partial,
    /// The length of the record that was handed out at the start of `partial`, in bytes.
    delivered: usize,
    /// The length that `partial` must have to continue, in bytes.
    needed: usize,
    /// The offset of the current record in the file, in bytes.
    position: u64,
    /// The number of records before the current one.
    record: u64,
    /// The time of the last packet, in nanoseconds since the epoch.
    time: Option<i64>,
    /// The damage after which the next record is searched for.
    search: Option<FileError>,
    /// Bytes that were read twice because a search began inside a record.
    again: u64,
    damages: Damages,
}

/// Why reading records of some bytes ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// More bytes are needed, or the file has ended.
    Needs,
    /// The receiver wants no more, or has to take secrets first.
    Full,
    /// A search must begin in the record before, which is in `partial`.
    Back(FileError),
}

impl RecordReader {
    /// A reader at the start of a file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the file. Every packet that they complete goes to `sink`, until it
    /// wants no more.
    ///
    /// Returns how many bytes were taken. The others must be given again.
    ///
    /// # Errors
    ///
    /// If the file is no capture. The reader must not be used any further.
    pub fn receive_data(
        &mut self,
        data: &[u8],
        secrets: &mut Secrets,
        sink: &mut impl FnMut(&Record<'_>) -> Taken,
    ) -> Result<usize, FileError> {
        let mut taken = 0;
        loop {
            if self.partial.len() == self.delivered {
                let rest = &data[taken..];
                let run = self.read_records(rest, 0, false, secrets, sink)?;
                if let Stop::Back(error) = run.stop {
                    self.go_back(error);
                    continue;
                }
                if run.kept > 0 || run.at > 0 || matches!(self.format, Format::Unknown) {
                    self.partial.clear();
                    self.delivered = run.at - run.kept;
                }
                if run.stop == Stop::Full {
                    self.partial.extend(&rest[run.kept..run.at]);
                    return Ok(taken + run.at);
                }
                self.partial.extend(&rest[run.kept..]);
                self.needed += self.delivered;
                return Ok(data.len());
            }
            let missing = self.needed.saturating_sub(self.partial.len());
            // A search that starts in `partial` goes on in it, so it gets more than the next byte.
            let wanted = if self.search.is_some() { missing.max(SEARCHED) } else { missing };
            let more = wanted.min(data.len() - taken);
            self.partial.extend(&data[taken..taken + more]);
            taken += more;
            if more < missing {
                return Ok(taken);
            }
            if self.read_partial(false, secrets, sink)? == Stop::Full {
                return Ok(taken);
            }
        }
    }

    /// Ends the file. The last packets may still be in the buffer; they go to `sink`.
    ///
    /// Returns whether the file has ended. If not, the sink wanted no more, and the call must be repeated.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record or was empty.
    pub fn receive_eof(
        &mut self,
        secrets: &mut Secrets,
        sink: &mut impl FnMut(&Record<'_>) -> Taken,
    ) -> Result<bool, FileError> {
        if self.read_partial(true, secrets, sink)? == Stop::Full {
            return Ok(false);
        }
        if let Some(error) = self.search.take() {
            if error.is_cut_short() {
                return Err(error);
            }
            self.damages.add(error, self.position.saturating_sub(error.offset));
        }
        self.damages.end();
        Ok(true)
    }

    /// The damage that was passed over since the last call.
    pub fn take_damages(&mut self) -> Vec<Damage> {
        self.damages.take()
    }

    /// Reads the records in `partial`.
    fn read_partial(
        &mut self,
        end: bool,
        secrets: &mut Secrets,
        sink: &mut impl FnMut(&Record<'_>) -> Taken,
    ) -> Result<Stop, FileError> {
        let partial = std::mem::take(&mut self.partial);
        let run = self.read_records(partial.as_slice(), self.delivered, end, secrets, sink);
        self.partial = partial;
        let run = run?;
        self.partial.consume(run.kept);
        self.delivered = run.at - run.kept;
        self.needed += self.delivered;
        Ok(run.stop)
    }

    /// Begins a search inside the record at the start of `partial`.
    #[cold]
    fn go_back(&mut self, error: FileError) {
        self.again += self.delivered as u64;
        self.position = self.position + 1 - self.delivered as u64;
        self.partial.consume(1);
        self.delivered = 0;
        self.needed = self.partial.len() + 1;
        self.search = Some(error);
    }

    /// Whether the search may begin in the record before, of `length` bytes.
    const fn may_go_back(&self, length: usize) -> bool {
        length > 1 && self.again + length as u64 <= self.position
    }

    /// An error in the current record.
    #[cold]
    const fn error(&self, kind: FileErrorKind) -> FileError {
        FileError { record: self.record + 1, offset: self.position, kind }
    }

    /// Hands out the complete records in `bytes` from `at` on; those before are one record that was
    /// handed out. Sets `needed`, counted from the current record.
    fn read_records(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        end: bool,
        secrets: &mut Secrets,
        sink: &mut impl FnMut(&Record<'_>) -> Taken,
    ) -> Result<Run, FileError> {
        // The record before starts here, if it is kept; else this is `at`.
        let mut kept = 0;
        loop {
            let rest = &bytes[at..];
            if self.search.is_some() {
                let count = self.search(rest, end);
                at += count;
                kept = at;
                if self.search.is_some() {
                    return Ok(Run { at, kept, stop: Stop::Needs });
                }
                continue;
            }
            if rest.is_empty() && !(end && self.format.expects_more()) {
                self.needed = 1;
                return Ok(Run { at, kept, stop: Stop::Needs });
            }
            let parsed = match self.format.parse(rest, self.time, end, secrets) {
                Ok(parsed) => parsed,
                Err(kind) => return Err(self.error(kind)),
            };
            let kind = match parsed {
                Parsed::Packet(record, size) | Parsed::Retimed(record, size) => {
                    let taken = sink(&record);
                    if taken == Taken::No {
                        self.needed = 0;
                        return Ok(Run { at, kept, stop: Stop::Full });
                    }
                    if matches!(parsed, Parsed::Retimed(..)) {
                        self.damages.add(self.error(FileErrorKind::Time), 0);
                    }
                    self.time = Some(record.time);
                    self.record += 1;
                    self.position += size as u64;
                    let keeps = size <= MAX_KEPT && matches!(self.format, Format::Records(_));
                    at += size;
                    kept = if keeps { at - size } else { at };
                    if taken == Taken::Last {
                        self.needed = 0;
                        return Ok(Run { at, kept, stop: Stop::Full });
                    }
                    continue;
                }
                Parsed::Other(size) => {
                    self.record += u64::from(size > 0 && matches!(self.format, Format::Pcapng(_)));
                    self.position += size as u64;
                    at += size;
                    kept = at;
                    if secrets.stops_reading() {
                        self.needed = 0;
                        return Ok(Run { at, kept, stop: Stop::Full });
                    }
                    continue;
                }
                Parsed::Part(size) => {
                    self.position += size as u64;
                    at += size;
                    kept = at;
                    continue;
                }
                Parsed::NewFile => {
                    self.format = Format::Unknown;
                    kept = at;
                    // The record before is of another capture, so no search begins in it.
                    if at == 0 {
                        self.partial.clear();
                        self.delivered = 0;
                    }
                    continue;
                }
                Parsed::Needs(needed) if !end => {
                    self.needed = needed;
                    return Ok(Run { at, kept, stop: Stop::Needs });
                }
                Parsed::Needs(_) => FileErrorKind::CutShort { left: rest.len() },
                Parsed::Damaged(kind) => kind,
            };
            let error = self.error(kind);
            if !self.has_started() {
                return Err(error);
            }
            let inside = at - kept;
            if at == 0 && self.delivered > 0 && self.may_go_back(self.delivered) {
                return Ok(Run { at, kept, stop: Stop::Back(error) });
            }
            self.search = Some(error);
            if self.may_go_back(inside) {
                self.again += inside as u64;
                self.position = self.position + 1 - inside as u64;
                at = kept + 1;
            } else if !rest.is_empty() {
                self.position += 1;
                at += 1;
            }
            kept = at;
        }
    }

    /// Searches for the next record. Returns how many bytes were passed over, and ends the search if
    /// a record follows them; else sets `needed`.
    #[cold]
    fn search(&mut self, bytes: &[u8], end: bool) -> usize {
        let mut at = 0;
        let found = loop {
            let rest = &bytes[at..];
            if rest.is_empty() {
                self.needed = 1;
                break false;
            }
            match self.format.plausible(rest, self.time, end) {
                Plausible::Yes => break true,
                Plausible::No => at += 1 + long_zeros(rest),
                Plausible::Needs(needed) => {
                    self.needed = needed;
                    break false;
                }
            }
        };
        self.position += at as u64;
        if found && let Some(mut error) = self.search.take() {
            // Where a record follows, the file did not end inside this one.
            if error.is_cut_short() {
                error.kind = FileErrorKind::Implausible;
            }
            self.damages.add(error, self.position.saturating_sub(error.offset));
        }
        at
    }

    /// Whether the header of the first capture of the file was read.
    const fn has_started(&self) -> bool {
        match self.format {
            Format::Unknown => false,
            Format::Records(_) => true,
            Format::Pcapng(_) => self.record > 0,
        }
    }
}

/// How many of many zeros can be passed over: no header of a record or a block starts with this many.
fn long_zeros(bytes: &[u8]) -> usize {
    const HEADER: usize = 32;
    if bytes.first_chunk() != Some(&[0; HEADER]) {
        return 0;
    }
    let zeros = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    zeros - HEADER
}

/// How far the reading of some bytes went.
struct Run {
    /// Where the current record starts.
    at: usize,
    /// Where the record before starts, if it is kept; else as `at`.
    kept: usize,
    stop: Stop,
}
