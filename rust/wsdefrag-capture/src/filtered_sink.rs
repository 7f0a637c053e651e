//! A sink in front of another one, for what a caller wants of a capture.

use crate::connection::Connection;
use crate::event::CaptureEvent;
use crate::message::Message;
use crate::options::Filter;
use crate::selection::selected::Selection;
use crate::sink::Sink;

/// Passes on only the messages and events that the filter and the conditions want.
pub(crate) struct FilteredSink<'a, S> {
    pub(crate) filter: &'a Filter,
    pub(crate) selection: &'a mut Option<Selection>,
    pub(crate) sink: &'a mut S,
}

impl<S: Sink> Sink for FilteredSink<'_, S> {
    fn opened(&mut self, connection: &Connection) {
        self.sink.opened(connection);
    }

    #[inline]
    fn message(&mut self, message: Message) {
        if self.filter.wants_message(&message) {
            match self.selection {
                None => self.sink.message(message),
                Some(selection) => selection.message(message, self.sink),
            }
        }
    }

    #[inline]
    fn prepared(&mut self, message: Message, length: usize) {
        if self.filter.wants_message(&message) {
            self.sink.prepared(message, length);
        }
    }

    #[inline]
    fn spare(&mut self) -> Vec<u8> {
        self.sink.spare()
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        if self.filter.wants_event(gap) {
            match self.selection {
                None => self.sink.gap(gap),
                Some(selection) => selection.gap(gap, self.sink),
            }
        }
    }

    fn event(&mut self, event: CaptureEvent) {
        if self.filter.wants_event(&event) {
            match self.selection {
                None => self.sink.event(event),
                Some(selection) => selection.event(event, self.sink),
            }
        }
    }

    fn ended(&mut self, connection: Connection) {
        if let Some(selection) = self.selection {
            selection.ended(connection.connection);
        }
        self.sink.ended(connection);
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.sink.is_full()
    }
}
