//! The entries of an HTTP archive: each is collected from its first brace to its last one, and then read.

use crate::file::error::{FileError, FileErrorKind};
use crate::recorded::giving::Rows;
use crate::recorded::har::entry;
use crate::recorded::har_scanner::Found;
use crate::recorded::reader::{ArchiveReader, Format};
use crate::recorded::surroundings::Surroundings;
use crate::sink::Sink;

impl ArchiveReader {
    /// Takes bytes of an archive up to the start or the end of an entry. Returns how many were taken.
    pub(super) fn take_entry(
        &mut self,
        data: &[u8],
        around: &mut Surroundings<'_>,
        sink: &mut impl Sink,
    ) -> Result<usize, FileError> {
        let most = around.options.memory;
        let Format::Har { scanner, is_too_long } = &mut self.format else { return Ok(0) };
        let inside = scanner.in_entry();
        let (count, found) = scanner.scan(data);
        if inside && !*is_too_long && self.buffer.len() + count > most {
            *is_too_long = true;
            self.skipped = self.buffer.len() as u64;
            self.buffer = Vec::new();
        }
        let is_too_long = *is_too_long;
        if inside && is_too_long {
            self.skipped += count as u64;
        } else if inside {
            self.collect(&data[..count])?;
        }
        match found {
            Found::Needs | Found::Start => {}
            Found::Other => self.format = Format::Other,
            Found::End if is_too_long => {
                if let Format::Har { is_too_long, .. } = &mut self.format {
                    *is_too_long = false;
                }
                let size = std::mem::take(&mut self.skipped);
                self.damaged(FileErrorKind::Entry("it is longer than `memory`"), size, count);
                self.entries += 1;
            }
            Found::End => {
                let read = entry(
                    &self.buffer,
                    *around.next_number,
                    u32::try_from(self.entries).unwrap_or(u32::MAX),
                    around.file,
                    &around.options.capture_point,
                );
                let read =
                    read.map(|read| read.map(|read| (read.connection, Rows::Har(read.rows))));
                self.begin(read, count, around, sink);
            }
        }
        Ok(count)
    }
}
