//! Counts the rows that a pass gives out, and leaves out those that were given out before it began anew.

use wsdefrag_capture::{CaptureEvent, Connection, Message, Sink};

/// Counts the rows, and leaves the first ones out.
pub(super) struct Given<'a, S> {
    pub(super) rows: &'a mut u64,
    pub(super) left_out: u64,
    pub(super) sink: &'a mut S,
}

impl<S: Sink> Given<'_, S> {
    /// Whether the next row is wanted.
    #[inline]
    const fn wants_next(&mut self) -> bool {
        *self.rows += 1;
        *self.rows > self.left_out
    }
}

impl<S: Sink> Sink for Given<'_, S> {
    fn opened(&mut self, connection: &Connection) {
        if self.wants_next() {
            self.sink.opened(connection);
        }
    }

    #[inline]
    fn message(&mut self, message: Message) {
        if self.wants_next() {
            self.sink.message(message);
        }
    }

    #[inline]
    fn prepared(&mut self, message: Message, length: usize) {
        if self.wants_next() {
            self.sink.prepared(message, length);
        }
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        self.sink.spare()
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        if self.wants_next() {
            self.sink.gap(gap);
        }
    }

    fn event(&mut self, event: CaptureEvent) {
        if self.wants_next() {
            self.sink.event(event);
        }
    }

    fn ended(&mut self, connection: Connection) {
        if self.wants_next() {
            self.sink.ended(connection);
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.sink.is_full()
    }
}
