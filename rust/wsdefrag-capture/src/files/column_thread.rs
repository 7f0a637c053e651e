//! A thread that encodes some columns of each batch while another one encodes the rest.
//!
//! A column's encoder goes to the thread with its values and comes back, so its bytes are the same.
//!
//! - the thread ends with this value

#![expect(clippy::disallowed_methods, reason = "one thread; a few columns of a batch")]

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowLeafColumn};
use parquet::errors::ParquetError;

use super::EncodeError;
use crate::owned_thread::OwnedThread;

/// A column, and the values of a batch that it is to take.
pub(super) struct ColumnValues {
    /// Its index among the columns of the file.
    pub(super) index: usize,
    pub(super) column: ArrowColumnWriter,
    pub(super) values: ArrowLeafColumn,
}

/// Columns with their indexes.
pub(super) type Columns = Vec<(usize, ArrowColumnWriter)>;

/// A thread that encodes columns.
pub(super) struct ColumnThread {
    /// `None` at the end. It is dropped before the thread, which ends by that.
    values: Option<SyncSender<Vec<ColumnValues>>>,
    encoded: Receiver<Result<Columns, ParquetError>>,
    thread: OwnedThread<()>,
}

impl ColumnThread {
    /// Starts the thread, unless the system has no more.
    pub(super) fn new() -> Option<Self> {
        let (values, receiver) = sync_channel::<Vec<ColumnValues>>(1);
        let (sender, encoded) = sync_channel(1);
        let work = move || {
            while let Ok(values) = receiver.recv() {
                if sender.send(encode(values)).is_err() {
                    return;
                }
            }
        };
        let thread = OwnedThread::new("wsdefrag-contents", work).ok()?;
        Some(Self { values: Some(values), encoded, thread })
    }

    /// Has columns take the values of a batch. [`wait`](Self::wait) follows.
    pub(super) fn begin(&mut self, values: Vec<ColumnValues>) -> Result<(), EncodeError> {
        match self.values.as_ref().map(|sender| sender.send(values)) {
            Some(Ok(())) => Ok(()),
            _ => self.end(),
        }
    }

    /// Waits for the columns, and returns them.
    pub(super) fn wait(&mut self) -> Result<Columns, EncodeError> {
        match self.encoded.recv() {
            Ok(columns) => Ok(columns?),
            Err(_) => self.end(),
        }
    }

    /// The thread ends early only if it has panicked.
    fn end<T>(&mut self) -> Result<T, EncodeError> {
        self.values = None;
        self.thread.join();
        Err(EncodeError::OutOfMemory)
    }
}

fn encode(values: Vec<ColumnValues>) -> Result<Columns, ParquetError> {
    let encoded = values.into_iter().map(|ColumnValues { index, mut column, values }| {
        column.write(&values)?;
        Ok((index, column))
    });
    encoded.collect()
}
