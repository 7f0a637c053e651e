//! All stages together: bytes of capture files in, messages and connections out.
//!
//! A file of recorded connections (`recorded`) has no packets: its rows go to the sink at once.

#![expect(clippy::disallowed_methods, reason = "places of damage, which are few in each file")]

use std::io;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::TryBox;

use crate::checkpoint::content;
use crate::checkpoint::error::CheckpointError;
use crate::checkpoint::options::RowOptions;
use crate::conversation::context::Scan;
use crate::file::damage::Damage;
use crate::file::error::FileError;
use crate::file::secrets::TLS_KEY_LOG;
use crate::filtered_sink::FilteredSink;
use crate::options::{Filter, Options};
use crate::output::Prepare;
use crate::packet::Packet;
use crate::packet::counts::Counts;
use crate::packet::reader::{PacketReader, PacketSink};
use crate::recorded::reader::{ArchiveReader, may_be_archive};
use crate::recorded::surroundings::Surroundings;
use crate::selection::selected::Selection;
use crate::sink::Sink;
use crate::tcp::connections::Connections;
use crate::threads::dispatcher::{Dispatch, Dispatcher};
use crate::threads::spread::{Spread, spread};
use crate::tls::keys::KeySource;

/// Reads a capture, which may consist of several files.
pub struct Capture {
    packets: PacketReader,
    connections: Connections,
    filter: Filter,
    /// The reader of the current file, if it is a flow file or an HTTP archive.
    archive: Option<TryBox<ArchiveReader>>,
    /// The damage in such files.
    damages: Vec<(u32, Damage)>,
    /// `None` if all messages that the filter wants are wanted.
    selection: Option<Selection>,
    /// Sends packets to the threads that follow the connections, if several do.
    dispatcher: Option<Box<Dispatcher>>,
    /// Whether a file that is no capture of packets came to the dispatcher, or memory is short.
    needs_one_thread: bool,
    /// Whether the end was begun.
    is_finished: bool,
}

/// The content of a checkpoint.
#[derive(Serialize)]
struct WrittenRef<'a> {
    options: RowOptions,
    names: Vec<&'a (u32, String)>,
    packets: &'a PacketReader,
    connections: &'a Connections,
    selection: Option<&'a Selection>,
}

/// The content of a checkpoint that was read.
#[derive(Deserialize)]
struct Written {
    options: RowOptions,
    names: Vec<(u32, String)>,
    packets: PacketReader,
    connections: Connections,
    selection: Option<Selection>,
}

impl Capture {
    /// A capture before its first file.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let filter = options.filter.clone();
        let selection = Selection::new(&options.conditions);
        let packets = PacketReader::with_tunnels(options.decode_as.clone());
        Self {
            packets: stopping_at_secrets(packets),
            connections: Connections::new(options),
            filter,
            archive: None,
            damages: Vec::new(),
            selection,
            is_finished: false,
            dispatcher: None,
            needs_one_thread: false,
        }
    }

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

    /// The state of the capture between two calls, as bytes. [`resume`](Self::resume) goes on with it, in
    /// this process or in another. Connections that are open stay open; nothing is given out. This
    /// capture can be read on. `names` are the names of files that rows may still mention, with their
    /// indexes; the state keeps those that are needed.
    ///
    /// The state has contents of messages and secrets of TLS.
    ///
    /// # Errors
    ///
    /// If the options are not [`resumable`](Options::resumable), a flow file or an HTTP archive was not
    /// read to its end, [`finish`](Self::finish) was called, or there is no memory.
    pub fn checkpoint(&mut self, names: &[(u32, String)]) -> Result<Vec<u8>, CheckpointError> {
        if !self.connections.options().resumable {
            return Err(CheckpointError::NotResumable("the capture was not made to be resumed"));
        }
        if self.archive.is_some() {
            return Err(CheckpointError::NotResumable(
                "a flow file or an HTTP archive has to be read to its end first",
            ));
        }
        if self.is_finished || self.connections.is_ending() {
            return Err(CheckpointError::NotResumable("the capture has ended"));
        }
        self.connections.park_all();
        let oldest = self.connections.oldest_file().unwrap_or(u32::MAX);
        let open = self.packets.open_files();
        let names = names.iter().filter(|(file, _)| *file >= oldest || open.contains(file));
        content::write(&WrittenRef {
            options: RowOptions::of(self.connections.options()),
            names: names.collect(),
            packets: &self.packets,
            connections: &self.connections,
            selection: self.selection.as_ref(),
        })
    }

    /// Goes on with the state of an earlier capture, and returns the names of files that it has. Files
    /// that were not read to their end have to be given on from where they were; more can be added.
    ///
    /// The sink has to be told of the open connections with [`announce`](Self::announce).
    ///
    /// # Errors
    ///
    /// If the bytes are no state, a damaged one, one of a later version, or one that was made with other
    /// options. `max_connections` and the memory may differ.
    pub fn resume(
        state: &[u8],
        options: Options,
    ) -> Result<(Self, Vec<(u32, String)>), CheckpointError> {
        let written: Written = content::read(state)?;
        written.options.check(&options)?;
        let Written { names, mut packets, mut connections, mut selection, .. } = written;
        let filter = options.filter.clone();
        packets.resume(options.decode_as.clone());
        if let Some(selection) = &mut selection {
            selection.resume(&options.conditions);
        }
        connections.resume(options)?;
        let archive = None;
        let packets = stopping_at_secrets(packets);
        let damages = Vec::new();
        let is_finished = false;
        let this = Self {
            packets,
            connections,
            filter,
            archive,
            damages,
            selection,
            dispatcher: None,
            needs_one_thread: false,
            is_finished,
        };
        Ok((this, names))
    }

    /// Tells a sink of the connections that are open, in the order of their numbers, as if they had just
    /// opened. For a capture that was resumed with a new sink.
    pub fn announce(&mut self, sink: &mut impl Sink) {
        self.connections.announce(sink);
    }

    /// The number of files so far; the next one has this index.
    #[must_use]
    pub const fn files(&self) -> u32 {
        self.packets.files()
    }

    /// Adds a file and returns its index. All files are one capture, merged by the time of packets.
    /// `first` is the time of the file's first packet, if it is known, in nanoseconds since the
    /// epoch; then the file need not be opened before it is [current](Self::current).
    pub fn add_file(&mut self, first: Option<i64>) -> u32 {
        self.packets.add_file(first)
    }

    /// The file whose next bytes are needed; `None` if all have ended.
    pub fn current(&mut self) -> Option<u32> {
        self.packets.current()
    }

    /// Takes the next bytes of the current file, or of a new file if there is none. Messages and
    /// connections that they complete go to `sink`, until it is full.
    ///
    /// Returns how many bytes were taken. The others must be given again when the file is current
    /// again.
    ///
    /// # Errors
    ///
    /// If the file is no capture. It has ended then.
    pub fn receive_data(&mut self, data: &[u8], sink: &mut impl Sink) -> Result<usize, FileError> {
        if self.is_archive(data) {
            return self.read_archive(sink, |reader, around, sink| {
                reader.receive_data(data, around, sink).map(|taken| (taken, false))
            });
        }
        let Self { packets, connections, filter, selection, .. } = self;
        let mut input = Input { connections, sink: FilteredSink { filter, selection, sink } };
        let result = packets.receive_data(data, &mut input);
        self.take_secrets();
        self.update_counts();
        result
    }

    /// Says that the current file has no more bytes.
    ///
    /// Returns whether it has ended. If not, another file comes first or the sink is full, and the
    /// call must be repeated when the file is current again.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record: it is [cut short](FileError::is_cut_short). If it was empty
    /// or no capture. It has ended then.
    pub fn receive_eof(&mut self, sink: &mut impl Sink) -> Result<bool, FileError> {
        if self.archive.is_some() {
            return self.read_archive(sink, |reader, around, sink| {
                reader.receive_eof(around, sink).map(|has_ended| (has_ended, has_ended))
            });
        }
        if let Self { packets, connections, dispatcher: Some(dispatcher), .. } = self {
            let result =
                packets.receive_eof(&mut Dispatch { dispatcher, connections, chunk: None });
            self.take_secrets();
            self.update_counts();
            return result;
        }
        let Self { packets, connections, filter, selection, .. } = self;
        let mut input = Input { connections, sink: FilteredSink { filter, selection, sink } };
        let result = packets.receive_eof(&mut input);
        self.take_secrets();
        self.update_counts();
        result
    }

    /// Whether the current file, which goes on with `data`, is a flow file or an HTTP archive. Its first
    /// byte tells that, as no capture starts with it.
    #[inline]
    fn is_archive(&mut self, data: &[u8]) -> bool {
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
    fn read_archive<S: Sink, T>(
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

    /// Adds the next bytes of a key log. Lines may be cut anywhere; `source` tells its lines from those
    /// of others. Whether the bytes are a key log is not checked.
    pub fn add_keylog(&mut self, bytes: &[u8], source: KeySource) {
        self.connections.keys.add(bytes, source);
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.add_keys(bytes, source);
        }
        self.update_counts();
    }

    /// Says that the key logs are given again from their start, to a capture that was resumed.
    pub fn restart_keylogs(&mut self) {
        self.connections.keys.restart_logs();
    }

    /// Says that keys may still be added while packets are read. Then records whose keys are not there
    /// yet are held for some time, until so many bytes of them came without a single key.
    pub const fn expect_keys(&mut self, patience: u64) {
        self.connections.keys.may_grow = true;
        self.connections.keys.patience = patience;
    }

    /// Whether a secret was looked for in vain since the last [`add_keylog`](Self::add_keylog), so that
    /// a growing log is worth reading again.
    #[must_use]
    pub const fn wants_keys(&self) -> bool {
        self.connections.keys.wanted()
    }

    /// Says that the files can be [scanned](crate::file::secrets_scan) for secrets where there is TLS.
    /// Reading then stops at the first connection with TLS that has no keys until
    /// [`end_scan`](Self::end_scan).
    pub const fn offer_scan(&mut self) {
        self.connections.scan = Scan::Possible;
        self.connections.keys.may_grow = true;
        self.connections.keys.patience = u64::MAX;
    }

    /// Whether the files have to be scanned for secrets before more is read.
    #[must_use]
    pub fn wants_scan(&self) -> bool {
        self.connections.scan == Scan::Wanted
    }

    /// Says that the secrets of all files that can be scanned were added.
    pub fn end_scan(&mut self) {
        self.connections.end_scan();
        if let Some(dispatcher) = &mut self.dispatcher {
            dispatcher.end_scan();
        }
    }

    /// Gives the secrets of new blocks to the connections.
    fn take_secrets(&mut self) {
        for (kind, secrets) in self.packets.secrets_mut().take_new() {
            if *kind == TLS_KEY_LOG {
                self.connections.keys.add(secrets, KeySource::SecretsBlock);
                if let Some(dispatcher) = &mut self.dispatcher {
                    dispatcher.add_keys(secrets, KeySource::SecretsBlock);
                }
                // More may follow, unless all were found by a scan.
                if self.connections.scan == Scan::None {
                    self.connections.keys.may_grow = true;
                }
            }
        }
    }

    /// Copies the counters of the connections to those of the packets.
    fn update_counts(&mut self) {
        let Self { packets, connections, selection, .. } = self;
        let counts = packets.counts_mut();
        counts.rows_left_out = selection.as_ref().map_or(0, |selection| selection.left_out);
        counts.evicted_connections = connections.evicted;
        counts.evicted_packets = connections.evicted_packets;
        counts.protocols.clone_from(&connections.protocols);
        counts.tls.clone_from(&connections.tls);
        counts.keys = connections.keys.counts();
        let http2 = connections.http2;
        counts.http2_unread_blocks = http2.long_blocks + http2.wrong_blocks;
        counts.http2_dropped_streams = http2.dropped_streams;
    }

    /// Ends the current file, which cannot be read any further. Other files are read on.
    pub fn abandon(&mut self) {
        self.archive = None;
        self.packets.abandon();
    }

    /// The damage inside files that was passed over since the last call, with the index of its file.
    pub fn take_damages(&mut self) -> Vec<(u32, Damage)> {
        let mut damages = self.packets.take_damages();
        damages.append(&mut self.damages);
        damages
    }

    /// Bytes that the next call may take by allocations that end the process if they are refused:
    /// [`receive_data`](Self::receive_data) with at most 256 KiB, beside small ones, or
    /// [`finish`](Self::finish) after the last file. A caller that has to go on under refused memory
    /// tries whether they are there.
    pub fn room(&mut self) -> usize {
        // A packet has 40 bytes at least.
        const CONNECTIONS: usize = (256 << 10) / 40;
        if self.current().is_none() {
            return self.connections.bytes_to_finish();
        }
        self.connections.growth(CONNECTIONS)
    }

    /// Ends the capture and every connection that has not ended, until the sink is full.
    ///
    /// Returns whether all have ended; if not, the call must be repeated when the sink has room.
    pub fn finish(&mut self, sink: &mut impl Sink) -> bool {
        self.is_finished = true;
        let Self { connections, filter, selection, .. } = self;
        if connections.has_met_limit && connections.were_spread {
            return false;
        }
        let is_finished = connections.finish(&mut FilteredSink { filter, selection, sink });
        self.update_counts();
        is_finished
    }

    /// What became of the packets so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        self.packets.counts()
    }

    /// The secrets that the files contain for decryption: the type of secrets and their bytes.
    #[must_use]
    pub fn secrets(&self) -> &[(u32, Vec<u8>)] {
        self.packets.secrets()
    }
}

/// Gives packets to the connections.
struct Input<'a, S> {
    connections: &'a mut Connections,
    sink: FilteredSink<'a, S>,
}

impl<S: Sink> PacketSink for Input<'_, S> {
    #[inline]
    fn packet(&mut self, packet: Packet<'_>) {
        self.connections.packet(&packet, &mut self.sink);
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.sink.is_full() || self.connections.scan == Scan::Wanted
    }
}

/// Has the reader stop after each block of secrets, so that they are there for the packets that follow.
const fn stopping_at_secrets(mut packets: PacketReader) -> PacketReader {
    packets.secrets_mut().stop_reading = true;
    packets
}
