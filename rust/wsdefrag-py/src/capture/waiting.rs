//! What a chunk of a capture completed, while it waits to become Python objects.
//!
//! - `bytes` is the sum of the contents in `queue`
//! - if `out_of_memory`, nothing is kept any more

use std::collections::VecDeque;

use wsdefrag_capture::event::Detail;
use wsdefrag_capture::{CaptureEvent, Connection, Message, Sink};
use wsdefrag_core::fallible::{TryBox, TryGrow};

/// What a chunk of the capture completed.
pub(super) enum Item {
    Opened(TryBox<Connection>),
    Message(TryBox<Message>),
    /// A gap in its place, or another event.
    Event(TryBox<CaptureEvent>),
    /// A gap that was given before. Its cost is certain now.
    Certain(TryBox<CaptureEvent>),
    Ended(TryBox<Connection>),
}

/// Contents that may wait to become Python objects, in bytes. What one packet completes may exceed
/// it.
const MOST_WAITING: usize = 32 << 20;

/// Items that may wait to become Python objects. What one packet completes may exceed it.
const MOST_ROWS: usize = 1 << 12;

/// Keeps what a chunk completes until it becomes Python objects.
#[derive(Default)]
pub(super) struct Items {
    pub(super) queue: VecDeque<Item>,
    /// The contents in the queue, in bytes.
    pub(super) bytes: usize,
    /// Whether memory for an item was refused. Nothing is kept after it.
    pub(super) out_of_memory: bool,
}

impl Items {
    fn keep<T>(&mut self, value: T, item: impl FnOnce(TryBox<T>) -> Item) {
        if self.out_of_memory {
            return;
        }
        let kept = TryBox::new(value).and_then(|value| self.queue.try_push(item(value)));
        self.out_of_memory = kept.is_err();
    }
}

impl Sink for Items {
    fn opened(&mut self, connection: &Connection) {
        self.keep(connection.clone(), Item::Opened);
    }

    fn message(&mut self, message: Message) {
        self.bytes += message.content.len();
        self.keep(message, Item::Message);
    }

    fn gap(&mut self, gap: &CaptureEvent) {
        self.keep(gap.clone(), Item::Event);
    }

    fn event(&mut self, event: CaptureEvent) {
        let is_gap = matches!(&event.detail, Detail::Gap(_));
        self.keep(event, if is_gap { Item::Certain } else { Item::Event });
    }

    fn ended(&mut self, connection: Connection) {
        self.keep(connection, Item::Ended);
    }

    fn is_full(&self) -> bool {
        self.out_of_memory || self.bytes >= MOST_WAITING || self.queue.len() >= MOST_ROWS
    }
}
