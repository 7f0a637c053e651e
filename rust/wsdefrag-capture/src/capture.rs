//! All stages together: bytes of capture files in, messages and connections out.
//!
//! Its other parts: `archives` (files without packets), `keys` (of TLS), `state` (checkpoints), `threads`
//! (several of them follow the connections).

#![expect(clippy::disallowed_methods, reason = "places of damage, which are few in each file")]

mod archives;
mod keys;
mod state;
mod threads;

use wsdefrag_core::fallible::TryBox;

use crate::conversation::context::Scan;
use crate::file::damage::Damage;
use crate::file::error::FileError;
use crate::filtered_sink::FilteredSink;
use crate::options::{Filter, Options};
use crate::packet::Packet;
use crate::packet::counts::Counts;
use crate::packet::reader::{PacketReader, PacketSink};
use crate::recorded::reader::ArchiveReader;
use crate::selection::selected::Selection;
use crate::sink::Sink;
use crate::tcp::connections::Connections;
use crate::threads::dispatcher::{Dispatch, Dispatcher};

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

    /// The bytes of memory that the reader of a [`Share`](crate::share::Share) may hold, if it has held
    /// more. Then its rows from now on may not be those of one reader of all connections, and reading has to
    /// end.
    #[must_use]
    pub const fn outgrown(&self) -> Option<usize> {
        self.connections.outgrown()
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
