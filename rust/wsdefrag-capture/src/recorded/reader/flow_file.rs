//! The flows of a flow file: each is collected by its announced length, and read when it is whole.

use crate::file::error::{FileError, FileErrorKind};
use crate::recorded::flow::flow;
use crate::recorded::giving::Rows;
use crate::recorded::netstring::{Length, length, value};
use crate::recorded::reader::{ArchiveReader, Format};
use crate::recorded::surroundings::Surroundings;
use crate::sink::Sink;

impl ArchiveReader {
    /// Takes bytes of a flow, and reads it when it is complete. Returns how many were taken.
    pub(super) fn take_flow(
        &mut self,
        data: &[u8],
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> Result<usize, FileError> {
        let most = around.options.memory;
        if let Format::Flows { passed_over } = &mut self.format
            && *passed_over > 0
        {
            let count = usize::try_from(*passed_over).unwrap_or(usize::MAX).min(data.len());
            *passed_over -= count as u64;
            self.skipped += count as u64;
            if *passed_over == 0 {
                let size = std::mem::take(&mut self.skipped);
                self.damaged(FileErrorKind::Entry("it is longer than `memory`"), size, count);
                self.entries += 1;
            }
            return Ok(count);
        }
        // The length comes first; then all that is missing.
        let whole = match length(&self.buffer) {
            Length::Known(length, start) => length.saturating_add(start as u64 + 1),
            Length::Needs => {
                return match data.iter().position(|byte| *byte == b':') {
                    Some(at) if at < 20 => self.collect(&data[..=at]),
                    None if data.len() < 20 => self.collect(data),
                    _ => self.lost(),
                };
            }
            Length::Wrong => return self.lost(),
        };
        if whole > most as u64 {
            let begun = self.buffer.len() as u64;
            self.skipped = begun;
            self.buffer = Vec::new();
            self.format = Format::Flows { passed_over: whole - begun };
            return Ok(0);
        }
        let missing = usize::try_from(whole).unwrap_or(usize::MAX) - self.buffer.len();
        let count = missing.min(data.len());
        self.collect(&data[..count])?;
        if count == missing {
            self.read_flow(count, around, sink);
        }
        Ok(count)
    }

    /// What follows the flows is no flow.
    fn lost(&mut self) -> Result<usize, FileError> {
        if self.entries == 0 {
            self.format = Format::Other;
            return Ok(0);
        }
        Err(self.error(FileErrorKind::Entry("no flow starts here"), self.buffer.len() as u64))
    }

    /// Reads the flow in the buffer. Its last `count` bytes are not counted yet.
    fn read_flow(&mut self, count: usize, around: &mut Surroundings<'_>, sink: &mut impl Sink) {
        let read = match value(&self.buffer) {
            Some((value, _)) => flow(
                &self.buffer,
                value,
                *around.next_number,
                u32::try_from(self.entries).unwrap_or(u32::MAX),
                around.file,
                &around.options.capture_point,
            ),
            None => Err("it is no dict"),
        };
        let read = read.map(|flow| flow.map(|flow| (flow.connection, Rows::Flow(flow.rows))));
        self.begin(read, count, around, sink);
    }
}
