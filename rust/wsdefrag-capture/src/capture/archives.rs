//! Files of a capture that have no packets: flow files and HTTP archives. Their rows go to the sink at once.

use wsdefrag_core::fallible::TryBox;

use super::Capture;
use crate::file::error::FileError;
use crate::filtered_sink::FilteredSink;
use crate::recorded::reader::{ArchiveReader, may_be_archive};
use crate::recorded::surroundings::Surroundings;
use crate::sink::Sink;

impl Capture {
    /// Whether the current file, which goes on with `data`, is a flow file or an HTTP archive. Its first
    /// byte tells that, as no capture starts with it.
    #[inline]
    pub(super) fn is_archive(&mut self, data: &[u8]) -> bool {
        self.archive.is_some() || self.starts_archive(data)
    }

    fn starts_archive(&mut self, data: &[u8]) -> bool {
        if !data.first().is_some_and(|first| may_be_archive(*first)) {
            return false;
        }
        if self.packets.current().is_none() {
            self.packets.add_file(None);
            self.packets.current();
        }
        if self.packets.is_at_start() {
            self.archive = TryBox::new(ArchiveReader::default()).ok();
        }
        self.archive.is_some()
    }

    /// Reads the current file, which is no capture of packets. `read` also returns whether it has ended.
    pub(super) fn read_archive<S: Sink, T>(
        &mut self,
        sink: &mut S,
        read: impl FnOnce(
            &mut ArchiveReader,
            &mut Surroundings<'_>,
            &mut FilteredSink<'_, S>,
        ) -> Result<(T, bool), FileError>,
    ) -> Result<T, FileError>
    where
        T: Default,
    {
        let file = self.packets.current().unwrap_or_default();
        let Some(reader) = &mut self.archive else { return Ok(T::default()) };
        let mut around = self.connections.surroundings(file);
        let Self { filter, selection, .. } = self;
        let mut sink = FilteredSink { filter, selection, sink };
        let result = read(reader, &mut around, &mut sink);
        self.damages.extend(reader.take_damages().into_iter().map(|damage| (file, damage)));
        self.update_counts();
        if !matches!(result, Ok((_, false))) {
            self.archive = None;
            self.packets.abandon();
        }
        result.map(|(value, _)| value)
    }
}
