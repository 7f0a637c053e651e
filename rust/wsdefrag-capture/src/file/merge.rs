//! Several files as one sequence of records, merged by the time of the next record, as mergecap
//! does.
//!
//! ```text
//! current   its bytes are read now
//! new       the time of its first packet is not known; it becomes current before all others
//! waiting   the time of its next packet is known
//! ended
//! ```
//!
//! The current file goes on until its next packet is later than that of a waiting file, so where one
//! file ends before the next begins, whole chunks pass with one comparison a record. A packet with
//! the time of a waiting file's is handed out first; among waiting files of one time, the one with
//! the lower index is first. Packets of one file stay in its order, also where their times do not.
//!
//! The caller reads the files. It may give a first time that it has looked up, and then needs not to
//! open the file before it is current.
//!
//! - at most one file is current, and it is neither new nor waiting

#![expect(
    clippy::disallowed_methods,
    reason = "one for each file, and at most `MAX_REPORTED` places of damage in each"
)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::file::damage::Damage;
use crate::file::error::FileError;
use crate::file::reader::RecordReader;
use crate::file::record::{Record, Taken};
use crate::file::secrets::Secrets;

/// Merges the records of files.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Merge {
    /// The readers of all files by index; `None` before a file's first byte and after its end.
    #[serde(with = "readers")]
    readers: Vec<Option<Box<RecordReader>>>,
    current: Option<u32>,
    new: VecDeque<u32>,
    /// The time of each waiting file's next packet, and its index.
    waiting: BinaryHeap<Reverse<(i64, u32)>>,
    secrets: Secrets,
    /// Damage that was passed over, with the file's index.
    #[serde(skip)]
    damages: Vec<(u32, Damage)>,
}

/// How readers are written: how many files there are, and the readers of those that have not ended.
mod readers {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::file::reader::RecordReader;

    /// Files that a capture has at most, in a state that is read.
    const MAX_FILES: u32 = 1 << 24;

    pub(super) fn serialize<S: Serializer>(
        readers: &[Option<Box<RecordReader>>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let open = (0_u32..).zip(readers).filter_map(|(file, it)| Some((file, it.as_ref()?)));
        (readers.len(), open.collect::<Vec<_>>()).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Option<Box<RecordReader>>>, D::Error> {
        let (files, open) = <(u32, Vec<(u32, Box<RecordReader>)>)>::deserialize(deserializer)?;
        let mut readers = Vec::new();
        if files > MAX_FILES || readers.try_reserve_exact(files as usize).is_err() {
            return Err(D::Error::custom("too many files"));
        }
        readers.resize_with(files as usize, || None);
        for (file, reader) in open {
            let place = readers.get_mut(file as usize);
            *place.ok_or_else(|| D::Error::custom("a file that there is not"))? = Some(reader);
        }
        Ok(readers)
    }
}

impl Merge {
    /// A merge without files.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file and returns its index. `first` is the time of its first packet, if it is known, in
    /// nanoseconds since the epoch.
    pub fn add_file(&mut self, first: Option<i64>) -> u32 {
        // More files than a `u32` counts have no room in memory.
        let index = u32::try_from(self.readers.len()).unwrap_or(u32::MAX);
        self.readers.push(None);
        match first {
            Some(time) => self.waiting.push(Reverse((time, index))),
            None => self.new.push_back(index),
        }
        index
    }

    /// Whether every file that has not ended is there, and is so once, and the secrets are; a state may say
    /// otherwise.
    pub(crate) fn is_consistent(&self) -> bool {
        let mut open = self.open_files();
        open.sort_unstable();
        self.secrets.is_consistent()
            && open.windows(2).all(|pair| pair[0] != pair[1])
            && open.last().is_none_or(|file| (*file as usize) < self.readers.len())
    }

    /// The files that have not ended.
    pub(crate) fn open_files(&self) -> Vec<u32> {
        let waiting = self.waiting.iter().map(|Reverse((_, file))| *file);
        self.current.into_iter().chain(self.new.iter().copied()).chain(waiting).collect()
    }

    /// The number of files so far.
    #[expect(clippy::cast_possible_truncation, reason = "more have no room in memory")]
    pub(crate) const fn files(&self) -> u32 {
        self.readers.len() as u32
    }

    /// The file whose next bytes are needed; `None` if all have ended.
    pub fn current(&mut self) -> Option<u32> {
        if self.current.is_none() {
            let next = || self.waiting.pop().map(|Reverse((_, index))| index);
            self.current = self.new.pop_front().or_else(next);
        }
        self.current
    }

    /// Takes the next bytes of the current file, or of a new file if there is none. Each record goes
    /// to `sink` with its file's index; it returns whether it wants no more for now.
    ///
    /// Returns how many bytes were taken. The others must be given again when the file is current again.
    ///
    /// # Errors
    ///
    /// If the file is no capture. It has ended then.
    pub fn receive_data(
        &mut self,
        data: &[u8],
        sink: &mut impl FnMut(u32, &Record<'_>) -> bool,
    ) -> Result<usize, FileError> {
        let (file, limit) = (self.current_or_new(), self.limit());
        let mut refused = None;
        let reader = self.readers[file as usize].get_or_insert_default();
        let taken = reader.receive_data(data, &mut self.secrets, &mut |record| {
            take(file, record, limit, &mut refused, sink)
        });
        self.after(file, refused, taken.is_err());
        taken
    }

    /// Says that the current file has no more bytes.
    ///
    /// Returns whether the file has ended. If not, another file comes first or the sink wants no more, and
    /// the call must be repeated when the file is current again.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record: it is [cut short](FileError::is_cut_short). If it was empty
    /// or no capture. It has ended then.
    pub fn receive_eof(
        &mut self,
        sink: &mut impl FnMut(u32, &Record<'_>) -> bool,
    ) -> Result<bool, FileError> {
        let (file, limit) = (self.current_or_new(), self.limit());
        let mut refused = None;
        let reader = self.readers[file as usize].get_or_insert_default();
        let ended = reader.receive_eof(&mut self.secrets, &mut |record| {
            take(file, record, limit, &mut refused, sink)
        });
        self.after(file, refused, ended != Ok(false));
        ended
    }

    /// Whether no byte of the current file was taken.
    pub(crate) fn is_at_start(&self) -> bool {
        self.current.is_some_and(|file| self.readers[file as usize].is_none())
    }

    /// Ends the current file, which cannot be read any further. What it had is kept.
    pub fn abandon(&mut self) {
        if let Some(file) = self.current() {
            self.end_file(file);
        }
    }

    /// The secrets of all files so far.
    #[must_use]
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The secrets, to be taken.
    pub(crate) const fn secrets_mut(&mut self) -> &mut Secrets {
        &mut self.secrets
    }

    /// The damage that was passed over since the last call, with the index of its file.
    pub fn take_damages(&mut self) -> Vec<(u32, Damage)> {
        std::mem::take(&mut self.damages)
    }

    fn current_or_new(&mut self) -> u32 {
        if self.current().is_none() {
            self.add_file(None);
        }
        self.current().unwrap_or_default()
    }

    fn end_file(&mut self, file: u32) {
        self.readers[file as usize] = None;
        self.current = None;
    }

    /// The time up to which the current file goes on. While other files are new, it only shows the
    /// time of its first packet.
    fn limit(&self) -> i64 {
        match self.waiting.peek() {
            _ if !self.new.is_empty() => i64::MIN,
            Some(Reverse((time, _))) => *time,
            None => i64::MAX,
        }
    }

    /// Has the file wait if a record was refused, or ends it.
    fn after(&mut self, file: u32, refused: Option<i64>, ended: bool) {
        if let Some(reader) = &mut self.readers[file as usize] {
            let damages = reader.take_damages();
            self.damages.extend(damages.into_iter().map(|damage| (file, damage)));
        }
        if ended {
            self.end_file(file);
        } else if let Some(time) = refused {
            self.current = None;
            self.waiting.push(Reverse((time, file)));
        }
    }
}

/// Gives a record to `sink`, or notes its time if another file's comes first.
#[inline]
fn take(
    file: u32,
    record: &Record<'_>,
    limit: i64,
    refused: &mut Option<i64>,
    sink: &mut impl FnMut(u32, &Record<'_>) -> bool,
) -> Taken {
    if record.time > limit {
        *refused = Some(record.time);
        Taken::No
    } else if sink(file, record) {
        Taken::Last
    } else {
        Taken::Yes
    }
}
