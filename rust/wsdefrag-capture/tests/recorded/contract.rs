//! What holds for flow files and HTTP archives of any bytes, whatever the size of the chunks.

use std::collections::BTreeMap;

use wsdefrag_capture::event::CaptureEvent;
use wsdefrag_capture::{Capture, Connection, Message, Options, Sink};

/// Rows in the order in which they came, as texts, and the state of each connection.
#[derive(Default)]
struct Rows {
    texts: Vec<String>,
    /// For each open connection, the messages of the client and of the server.
    open: BTreeMap<u64, [u64; 2]>,
    room: Option<usize>,
}

impl Sink for Rows {
    fn opened(&mut self, connection: &Connection) {
        assert!(self.open.insert(connection.connection, [0; 2]).is_none());
        self.texts.push(format!("{connection:?}"));
    }

    fn message(&mut self, message: Message) {
        let counts = self.open.get_mut(&message.connection).unwrap();
        let count = &mut counts[usize::from(!message.from_client)];
        assert_eq!(message.seq, *count);
        *count += 1;
        self.texts.push(format!("{message:?}"));
    }

    fn event(&mut self, event: CaptureEvent) {
        assert!(self.open.contains_key(&event.connection));
        self.texts.push(format!("{event:?}"));
    }

    fn ended(&mut self, connection: Connection) {
        let [client, server] = self.open.remove(&connection.connection).unwrap();
        assert_eq!(
            (connection.from_client.messages, connection.from_server.messages),
            (client, server)
        );
        assert!(connection.from_client.is_balanced() && connection.from_server.is_balanced());
        assert!(connection.ended.is_some());
        self.texts.push(format!("{connection:?}"));
    }

    fn is_full(&self) -> bool {
        self.room.is_some_and(|room| self.texts.len() >= room)
    }
}

/// Reads a file in chunks of this size, with a sink that takes at most `most` rows at a time.
fn read(file: &[u8], chunk: usize, most: Option<usize>) -> (Vec<String>, Vec<String>) {
    let mut capture = Capture::new(Options { memory: 1 << 20, ..Options::default() });
    let mut rows = Rows::default();
    let mut texts = Vec::new();
    let mut notes = Vec::new();
    let mut rest = file;
    capture.add_file(None);
    while capture.current().is_some() {
        rows.room = most;
        let part = &rest[..rest.len().min(chunk)];
        let result = if part.is_empty() {
            capture.receive_eof(&mut rows).map(|_| 0)
        } else {
            capture.receive_data(part, &mut rows)
        };
        for (_, damage) in capture.take_damages() {
            notes.push(damage.to_string());
        }
        match result {
            Ok(taken) => rest = &rest[taken..],
            Err(error) => {
                notes.push(error.to_string());
                if capture.current().is_some() {
                    capture.abandon();
                }
            }
        }
        texts.append(&mut rows.texts);
    }
    rows.room = None;
    assert!(capture.finish(&mut rows));
    assert!(rows.open.is_empty());
    texts.append(&mut rows.texts);
    (texts, notes)
}

/// The first byte gives the size of the chunks; the others are the file.
pub(crate) fn check(input: &[u8]) {
    let Some((size, file)) = input.split_first() else { return };
    if !matches!(file.first(), Some(b'0'..=b'9' | b'{')) {
        return;
    }
    let expected = read(file, usize::MAX, None);
    assert_eq!(read(file, usize::from(*size) + 1, None), expected);
    assert_eq!(read(file, usize::MAX, Some(usize::from(*size % 7) + 1)), expected);
}
