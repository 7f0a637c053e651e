//! All stages together: bytes of capture files in, messages and connections out.

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::file::error::FileError;
use crate::message::Message;
use crate::options::{Filter, Options};
use crate::packet::counts::Counts;
use crate::packet::reader::PacketReader;
use crate::sink::Sink;
use crate::tcp::connections::Connections;

/// Reads a capture, which may consist of several files.
pub struct Capture {
    packets: PacketReader,
    connections: Connections,
    filter: Filter,
}

impl Capture {
    /// A capture before its first file.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let filter = options.filter.clone();
        let packets = PacketReader::with_tunnels(options.decode_as.clone());
        Self { packets, connections: Connections::new(options), filter }
    }

    /// Takes the next bytes of the current file. Messages and connections that they complete go to
    /// `sink`.
    ///
    /// # Errors
    ///
    /// If the file is damaged or is no capture. Everything complete before the error has been given
    /// out, and the rest of the file cannot be read.
    pub fn receive_data(&mut self, data: &[u8], sink: &mut impl Sink) -> Result<(), FileError> {
        let Self { packets, connections, filter } = self;
        let mut filtered = FilteredSink { filter, sink };
        packets.receive_data(data, &mut |packet| connections.packet(&packet, &mut filtered))
    }

    /// Ends the current file. Another may follow.
    ///
    /// # Errors
    ///
    /// If the file ended inside a record: it is [cut short](FileError::is_cut_short).
    pub fn receive_eof(&mut self) -> Result<(), FileError> {
        self.packets.receive_eof()
    }

    /// Ends the capture and every connection that has not ended.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        self.connections.finish(&mut FilteredSink { filter: &self.filter, sink });
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

/// Passes on only the messages and events that the filter wants.
struct FilteredSink<'a, S> {
    filter: &'a Filter,
    sink: &'a mut S,
}

impl<S: Sink> Sink for FilteredSink<'_, S> {
    fn opened(&mut self, connection: &Connection) {
        self.sink.opened(connection);
    }

    #[inline]
    fn message(&mut self, message: Message) {
        if self.filter.wants_message(&message) {
            self.sink.message(message);
        }
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        if self.filter.wants_event(gap) {
            self.sink.gap(gap);
        }
    }

    fn event(&mut self, event: CaptureEvent) {
        if self.filter.wants_event(&event) {
            self.sink.event(event);
        }
    }

    fn ended(&mut self, connection: Connection) {
        self.sink.ended(connection);
    }
}
