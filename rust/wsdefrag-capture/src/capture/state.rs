//! The state of a capture as bytes, and a capture that goes on with them.

use serde::{Deserialize, Serialize};

use super::{Capture, stopping_at_secrets};
use crate::checkpoint::content;
use crate::checkpoint::error::CheckpointError;
use crate::checkpoint::options::RowOptions;
use crate::options::Options;
use crate::packet::reader::PacketReader;
use crate::selection::selected::Selection;
use crate::sink::Sink;
use crate::tcp::connections::Connections;

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
        if self.is_finished {
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
        if !written.packets.is_consistent() {
            return Err(CheckpointError::Damaged("its files do not fit together".to_owned()));
        }
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
}
