//! The whole chain: bytes of capture files in, messages and connections out.

use crate::connection::Connection;
use crate::file::error::FileError;
use crate::message::Message;
use crate::options::{Filter, Options};
use crate::packet::counts::Counts;
use crate::packet::reader::PacketReader;
use crate::sink::Sink;
use crate::tcp::connections::Connections;

/// A capture while it is read; files that follow each other are one capture.
pub struct Capture {
    packets: PacketReader,
    connections: Connections,
    filter: Filter,
}

impl Capture {
    /// Before the first byte.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let filter = options.filter.clone();
        Self { packets: PacketReader::new(), connections: Connections::new(options), filter }
    }

    /// Takes the next bytes of the file at hand; what they complete goes to `sink`.
    ///
    /// Behind an error nothing more of this file can be read; what was complete before it has been
    /// given out.
    pub fn receive_data(&mut self, data: &[u8], sink: &mut impl Sink) -> Result<(), FileError> {
        let Self { packets, connections, filter } = self;
        let mut wanted = Wanted { filter, sink };
        packets.receive_data(data, &mut |packet| connections.packet(&packet, &mut wanted))
    }

    /// The file ends; another may follow. A file that stopped inside a record is an error, but
    /// [one that takes nothing back](FileError::is_cut_short).
    pub fn receive_eof(&mut self) -> Result<(), FileError> {
        self.packets.receive_eof()
    }

    /// The capture ends, and with it every connection that has not.
    pub fn finish(&mut self, sink: &mut impl Sink) {
        self.connections.finish(&mut Wanted { filter: &self.filter, sink });
    }

    /// What became of the packets so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        self.packets.counts()
    }

    /// What the files hold for decrypting them: a kind and the secrets.
    #[must_use]
    pub fn secrets(&self) -> &[(u32, Vec<u8>)] {
        self.packets.secrets()
    }
}

/// Lets messages through that are wanted.
struct Wanted<'a, S> {
    filter: &'a Filter,
    sink: &'a mut S,
}

impl<S: Sink> Sink for Wanted<'_, S> {
    fn opened(&mut self, connection: &Connection) {
        self.sink.opened(connection);
    }

    #[inline]
    fn message(&mut self, message: Message) {
        if self.filter.wants_message(&message) {
            self.sink.message(message);
        }
    }

    fn ended(&mut self, connection: Connection) {
        self.sink.ended(connection);
    }
}
