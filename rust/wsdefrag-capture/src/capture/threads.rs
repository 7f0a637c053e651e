//! A capture whose connections several threads follow: packets go to them, and rows come back.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use super::Capture;
use crate::file::error::FileError;
use crate::output::Prepare;
use crate::selection::selected::Selection;
use crate::sink::Sink;
use crate::tcp::connections::Connections;
use crate::threads::dispatcher::Dispatch;
use crate::threads::spread::{Spread, spread};

impl Capture {
    /// Has several threads follow the connections. It must be called before the first byte, and with
    /// files that can be read again.
    ///
    /// From now on rows come from the returned [`Spread`], while this reads, as a rule on another thread:
    /// what it is given is taken by [`receive_chunk`](Self::receive_chunk). After the last file
    /// [`end_dispatch`](Self::end_dispatch) is called here, and when the rows have ended, too,
    /// [`gather`](Self::gather).
    ///
    /// `scan_after` is the place that [`Again::ScanAfter`](crate::threads::spread::Again) named, if one
    /// did, and `prepare` what threads do of an output's work.
    ///
    /// # Errors
    ///
    /// If the system has no more threads. The capture can be read by one.
    pub fn spread(
        &mut self,
        workers: usize,
        scan_after: Option<u64>,
        prepare: Option<Prepare>,
    ) -> io::Result<Spread> {
        let Self { connections, filter, selection, .. } = self;
        // Conditions want contents.
        let prepare = prepare.filter(|_| selection.is_none());
        let rows = (filter.clone(), selection.take());
        let keys =
            |shard: &mut Connections| shard.set_keys(connections.keys.clone(), connections.scan);
        let started = spread(&connections.options, workers, scan_after, prepare, rows, keys);
        match started {
            Ok((dispatcher, spread)) => {
                self.dispatcher = Some(Box::new(dispatcher));
                Ok(spread)
            }
            Err(error) => {
                self.selection = Selection::new(&self.connections.options.conditions);
                Err(error)
            }
        }
    }

    /// Whether the files that were given have to be read again by one thread: one of them is no capture of
    /// packets, or there is no memory for threads.
    #[must_use]
    pub const fn needs_one_thread(&self) -> bool {
        self.needs_one_thread
    }

    /// Says that there is no memory for threads: the capture has to be read again by one.
    pub const fn give_threads_up(&mut self) {
        self.needs_one_thread = true;
    }

    /// Whether nobody wants the rows of the threads any more.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.needs_one_thread
            || self.dispatcher.as_ref().is_some_and(|dispatcher| dispatcher.is_stopped())
    }

    /// Takes the next bytes of the current file as [`receive_data`](Self::receive_data) does: a range of
    /// `chunk`, which threads may share. If several threads follow the connections, `sink` gets nothing.
    ///
    /// # Errors
    ///
    /// As `receive_data`.
    #[inline]
    pub fn receive_chunk(
        &mut self,
        chunk: &Arc<Vec<u8>>,
        range: Range<usize>,
        sink: &mut impl Sink,
    ) -> Result<usize, FileError> {
        let data = &chunk[range];
        if self.dispatcher.is_none() {
            return self.receive_data(data, sink);
        }
        if self.is_archive(data) {
            self.needs_one_thread = true;
            return Ok(0);
        }
        let Self { packets, connections, dispatcher: Some(dispatcher), .. } = self else {
            return Ok(0);
        };
        let mut input = Dispatch { dispatcher, connections, chunk: Some(chunk) };
        let result = packets.receive_data(data, &mut input);
        self.take_secrets();
        self.update_counts();
        result
    }

    /// Says that the threads that follow the connections get no more packets.
    pub fn end_dispatch(&mut self) {
        if let Some(mut dispatcher) = self.dispatcher.take() {
            dispatcher.flush();
        }
    }

    /// Takes the connections back from the threads, whose rows have [ended](crate::threads::spread::Step).
    pub fn gather(&mut self, mut spread: Spread) {
        self.end_dispatch();
        let (shards, numbers) = (std::mem::take(&mut spread.shards), spread.take_numbers());
        self.connections.join(shards, &numbers);
        self.selection = spread.selection.take();
        self.update_counts();
    }

    /// Whether the rows that [`finish`](Self::finish) gives out from now on may depend on all connections
    /// together. Then the capture has to be read again by one thread, without the rows so far.
    #[must_use]
    pub const fn is_uncertain(&self) -> bool {
        self.connections.were_spread && self.connections.has_met_limit
    }
}
