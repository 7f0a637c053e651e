//! What a capture gives out, kept for comparison.

use wsdefrag_capture::{CaptureEvent, Connection, Message, Sink};

/// What a capture gave out.
#[derive(Debug, PartialEq)]
pub(crate) enum Row {
    Opened(u64),
    Message(Message),
    Gap(CaptureEvent),
    Event(CaptureEvent),
    Ended(Box<Connection>),
}

/// Keeps rows.
#[derive(Default)]
pub(crate) struct Rows(pub(crate) Vec<Row>);

impl Sink for Rows {
    fn opened(&mut self, connection: &Connection) {
        self.0.push(Row::Opened(connection.connection));
    }

    fn message(&mut self, message: Message) {
        self.0.push(Row::Message(message));
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.0.push(Row::Gap(gap.clone()));
    }

    fn event(&mut self, event: CaptureEvent) {
        self.0.push(Row::Event(event));
    }

    fn ended(&mut self, connection: Connection) {
        self.0.push(Row::Ended(Box::new(connection)));
    }
}

/// The connections that are open after these rows.
pub(crate) fn open(rows: &Rows) -> Vec<u64> {
    let mut open = Vec::new();
    for row in &rows.0 {
        match row {
            Row::Opened(number) => open.push(*number),
            Row::Ended(connection) => open.retain(|number| *number != connection.connection),
            _ => {}
        }
    }
    open.sort_unstable();
    open
}
