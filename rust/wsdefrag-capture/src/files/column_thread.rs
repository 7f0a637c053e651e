//! A thread that encodes some columns of each batch while another one encodes the rest.
//!
//! A column's encoder goes to the thread with its values and comes back, so its bytes are the same.
//!
//! - the thread ends with this value

#![expect(clippy::disallowed_methods, reason = "one thread; a few columns of a batch")]

use std::mem;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowLeafColumn};
use parquet::errors::ParquetError;

use super::EncodeError;

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
    /// `None` at the end.
    values: Option<SyncSender<Vec<ColumnValues>>>,
    encoded: Receiver<Result<Columns, ParquetError>>,
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread.
    process: u32,
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
        let thread = Builder::new().name("wsdefrag-contents".to_owned()).spawn(work).ok()?;
        let (values, thread) = (Some(values), Some(thread));
        Some(Self { values, encoded, thread, process: std::process::id() })
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
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(panic)) => resume_unwind(panic),
            _ => Err(EncodeError::OutOfMemory),
        }
    }
}

impl Drop for ColumnThread {
    fn drop(&mut self) {
        self.values = None;
        match self.thread.take() {
            // Whether it has panicked matters to nobody any more.
            Some(thread) if self.process == std::process::id() => drop(thread.join()),
            // A forked process has no thread to wait for.
            thread => mem::forget(thread),
        }
    }
}

fn encode(values: Vec<ColumnValues>) -> Result<Columns, ParquetError> {
    let encoded = values.into_iter().map(|ColumnValues { index, mut column, values }| {
        column.write(&values)?;
        Ok((index, column))
    });
    encoded.collect()
}
