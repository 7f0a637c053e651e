//! Plans messages, writes them, and lists the events to expect.

use wsdefrag_core::{DeflateParams, Limits, Opcode, Settings, Strictness};
use zlib_rs::Strategy;

use super::journal::Seen;
use super::writer::{Deflater, Ending, Form, Wire};

/// A control frame to be put between fragments.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    /// Whether it is a ping; otherwise it is a pong.
    pub(crate) is_ping: bool,
    /// At most 125 bytes.
    pub(crate) payload: Vec<u8>,
}

/// A message to be written.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    /// Text or binary.
    pub(crate) opcode: Opcode,
    /// The content that the receiver should read; UTF-8 for a text.
    pub(crate) content: Vec<u8>,
    /// How its compressed payload ends; `None` for a plain message.
    pub(crate) packing: Option<Ending>,
    /// Where its payload is cut into fragments, modulo its length.
    pub(crate) cuts: Vec<u16>,
    /// The control frames after the first fragments, one after each; the rest follow the message.
    pub(crate) between: Vec<Control>,
    /// The key that its frames are masked with, if the sender masks.
    pub(crate) key: [u8; 4],
    /// The form of its frames' lengths.
    pub(crate) form: Form,
}

/// A direction to be written: its parameters and its messages.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    /// Whether the client sends, which masks its frames.
    pub(crate) from_client: bool,
    /// Whether the sender empties its window after each message.
    pub(crate) no_context_takeover: bool,
    /// The agreed window bits, 8 to 15.
    pub(crate) window_bits: u8,
    /// The compressor's level, 0 to 9.
    pub(crate) level: i32,
    /// The compressor's way of finding matches.
    pub(crate) strategy: Strategy,
    /// The messages.
    pub(crate) messages: Vec<Planned>,
}

/// The bytes of a script, the events that a reader must give, and the number of lengths that are not
/// in their shortest form.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// The direction.
    pub(crate) wire: Vec<u8>,
    /// Events with the offsets of their first frames.
    pub(crate) events: Vec<(u64, Seen)>,
    /// Frames whose length is not in its shortest form.
    pub(crate) non_minimal: u64,
}

impl Script {
    /// The settings for reading the messages: deflate agreed, no limits, any form of length.
    pub(crate) fn settings(&self) -> Settings {
        // The other side's parameter is set to the opposite, so that a mix-up shows.
        let (ours, theirs) = (self.no_context_takeover, !self.no_context_takeover);
        let (client, server) = if self.from_client { (ours, theirs) } else { (theirs, ours) };
        Settings {
            from_client: self.from_client,
            deflate: Some(DeflateParams {
                client_no_context_takeover: client,
                server_no_context_takeover: server,
                ..DeflateParams::default()
            }),
            foreign_extension: false,
            limits: Limits {
                max_frame_size: None,
                max_message_size: None,
                max_fragments: None,
                max_inflate_ratio: None,
            },
            strictness: Strictness { minimal_length: false, ..Strictness::default() },
        }
    }

    /// Writes the messages.
    pub(crate) fn write(&self) -> Written {
        let takeover = !self.no_context_takeover;
        let mut deflater = Deflater::new(self.level, self.window_bits, self.strategy, takeover);
        let mut written = Written::default();
        for message in &self.messages {
            self.write_message(message, &mut deflater, &mut written);
        }
        written
    }

    fn write_message(&self, message: &Planned, deflater: &mut Deflater, written: &mut Written) {
        let payload = match message.packing {
            Some(ending) => deflater.compress(&message.content, ending),
            None => message.content.clone(),
        };
        let offset = written.wire.len() as u64;
        let size = payload.len();
        let mut ends: Vec<usize> =
            message.cuts.iter().map(|cut| usize::from(*cut) % (size + 1)).collect();
        ends.sort_unstable();
        ends.push(size);
        let mut controls = message.between.iter();
        let mut start = 0;
        for (index, end) in ends.iter().enumerate() {
            let is_first = index == 0;
            let fin = index + 1 == ends.len();
            let wire = Wire {
                opcode: if is_first { message.opcode as u8 } else { 0 },
                fin,
                rsv: if is_first && message.packing.is_some() { 4 } else { 0 },
                key: self.from_client.then_some(message.key),
                form: message.form,
            };
            written.frame(&wire, &payload[start..*end]);
            start = *end;
            if fin {
                let seen = Seen::Message(message.opcode, message.content.clone());
                written.events.push((offset, seen));
            } else if let Some(control) = controls.next() {
                self.write_control(control, message, written);
            }
        }
        for control in controls {
            self.write_control(control, message, written);
        }
    }

    fn write_control(&self, control: &Control, message: &Planned, written: &mut Written) {
        let payload = control.payload.clone();
        let (opcode, seen) = if control.is_ping {
            (Opcode::Ping, Seen::Ping(payload))
        } else {
            (Opcode::Pong, Seen::Pong(payload))
        };
        written.events.push((written.wire.len() as u64, seen));
        let key = self.from_client.then_some(message.key);
        written.frame(&Wire { key, ..Wire::new(opcode as u8) }, &control.payload);
    }
}

impl Written {
    fn frame(&mut self, wire: &Wire, payload: &[u8]) {
        let shortest = Wire { form: Form::Shortest, ..*wire };
        let size = payload.len();
        self.non_minimal += u64::from(shortest.form_of(size) != wire.form_of(size));
        wire.write(payload, &mut self.wire);
    }
}
