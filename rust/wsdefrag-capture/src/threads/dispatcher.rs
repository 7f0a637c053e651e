//! Sends each packet to the worker that follows its connection.

#![expect(
    clippy::disallowed_methods,
    reason = "batches, which are few, and what was kept of secrets"
)]

use std::collections::VecDeque;
use std::sync::Arc;

use crate::conversation::context::Scan;
use crate::packet::Packet;
use crate::packet::reader::PacketSink;
use crate::tcp::connections::Connections;
use crate::tcp::key::Key;
use crate::threads::batch::{Batch, Chunk};
use crate::threads::crew::Crew;
use crate::threads::worker::Work;
use crate::tls::keys::KeySource;

/// Batches that are kept to be filled again.
const MOST_SPARE: usize = 16;

/// The sender of the packets.
pub(crate) struct Dispatcher {
    batch: Arc<Batch>,
    /// Batches that were sent, the oldest first.
    sent: VecDeque<Arc<Batch>>,
    /// The place of the next packet.
    next: u64,
    /// The worker of the last packet.
    last: usize,
    crew: Arc<Crew>,
    /// The packet after which the files are scanned for secrets.
    scan_after: Option<u64>,
}

impl Dispatcher {
    pub(crate) fn new(crew: Arc<Crew>, scan_after: Option<u64>) -> Self {
        let batch = Arc::new(Batch::new(0, crew.shards()));
        Self { batch, sent: VecDeque::new(), next: 0, last: 0, crew, scan_after }
    }

    /// Whether nothing is wanted any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.crew.is_stopped()
    }

    /// Sends more of a key log, or a secrets block, to all workers, after the packets so far.
    pub(crate) fn add_keys(&mut self, bytes: &[u8], source: KeySource) {
        self.flush();
        self.crew.deal(&Work::Keys(Arc::new(bytes.to_vec()), source));
    }

    /// Tells all workers that the secrets of all files are there.
    pub(crate) fn end_scan(&mut self) {
        self.flush();
        self.crew.deal(&Work::ScanIsOver);
    }

    /// Sends the packets so far.
    pub(crate) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let is_free = self.sent.front_mut().is_some_and(|batch| Arc::get_mut(batch).is_some());
        let oldest = if is_free { self.sent.pop_front() } else { None };
        let new = || Arc::new(Batch::new(self.next, self.crew.shards()));
        let mut next = oldest.unwrap_or_else(new);
        if let Some(batch) = Arc::get_mut(&mut next) {
            batch.reset(self.next);
        }
        let batch = std::mem::replace(&mut self.batch, next);
        self.crew.deal(&Work::Batch(Arc::clone(&batch)));
        if self.sent.len() < MOST_SPARE {
            self.sent.push_back(batch);
        }
    }

    fn push(&mut self, packet: &Packet<'_>, connections: &mut Connections, chunk: Option<&Chunk>) {
        let confirmed = connections.clock.advance(packet.time);
        let tenant = connections.tenant_of(packet);
        let worker = usize::from(Key::new(packet.source, packet.destination).0.bucket())
            % self.crew.shards();
        // The workers have dropped a batch that is filled.
        let Some(batch) = Arc::get_mut(&mut self.batch) else { return };
        if let Some(time) = confirmed {
            match batch.packets.last_mut() {
                Some(last) => last.active = time,
                None => batch.confirmed = Some((self.last, time)),
            }
        }
        let clock = (connections.clock.now(), connections.clock.is_doubtful());
        batch.push(packet, clock, (worker, tenant), chunk);
        (self.last, self.next) = (worker, self.next + 1);
        if self.scan_after == Some(self.next - 1) && connections.scan == Scan::Possible {
            connections.scan = Scan::Wanted;
        }
        if batch.is_full() {
            self.flush();
        }
    }
}

impl Drop for Dispatcher {
    fn drop(&mut self) {
        self.crew.close();
    }
}

/// Gives the packets of a chunk to the dispatcher.
pub(crate) struct Dispatch<'a> {
    pub(crate) dispatcher: &'a mut Dispatcher,
    /// The clock, and what all workers have to know.
    pub(crate) connections: &'a mut Connections,
    pub(crate) chunk: Option<&'a Chunk>,
}

impl PacketSink for Dispatch<'_> {
    #[inline]
    fn packet(&mut self, packet: Packet<'_>) {
        self.dispatcher.push(&packet, self.connections, self.chunk);
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.connections.scan == Scan::Wanted || self.dispatcher.is_stopped()
    }
}
