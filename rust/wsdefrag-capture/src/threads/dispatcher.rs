//! Sends each packet to the worker that follows its connection.

#![expect(
    clippy::disallowed_methods,
    reason = "batches, which are few, and what was kept of secrets"
)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;

use crate::conversation::context::Scan;
use crate::packet::Packet;
use crate::packet::reader::PacketSink;
use crate::tcp::connection_table::Key;
use crate::tcp::connections::Connections;
use crate::threads::batch::{Batch, Chunk};
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
    workers: Vec<SyncSender<Work>>,
    /// Whether nobody wants the rows any more.
    is_stopped: Arc<AtomicBool>,
    /// The packet after which the files are scanned for secrets.
    scan_after: Option<u64>,
}

impl Dispatcher {
    pub(crate) fn new(
        workers: Vec<SyncSender<Work>>,
        is_stopped: Arc<AtomicBool>,
        scan_after: Option<u64>,
    ) -> Self {
        let batch = Arc::new(Batch::new(0, workers.len()));
        let sent = VecDeque::new();
        Self { batch, sent, next: 0, last: 0, workers, is_stopped, scan_after }
    }

    /// Whether nothing is wanted any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// Sends more of a key log, or a secrets block, to all workers, after the packets so far.
    pub(crate) fn add_keys(&mut self, bytes: &[u8], source: KeySource) {
        self.flush();
        let bytes = Arc::new(bytes.to_vec());
        for worker in 0..self.workers.len() {
            self.send(worker, Work::Keys(Arc::clone(&bytes), source));
        }
    }

    /// Tells all workers that the secrets of all files are there.
    pub(crate) fn end_scan(&mut self) {
        self.flush();
        for worker in 0..self.workers.len() {
            self.send(worker, Work::ScanIsOver);
        }
    }

    fn send(&self, worker: usize, work: Work) {
        // A worker that has ended has said why.
        if self.workers[worker].send(work).is_err() {
            self.is_stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Sends the packets so far.
    pub(crate) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let is_free = self.sent.front_mut().is_some_and(|batch| Arc::get_mut(batch).is_some());
        let oldest = if is_free { self.sent.pop_front() } else { None };
        let new = || Arc::new(Batch::new(self.next, self.workers.len()));
        let mut next = oldest.unwrap_or_else(new);
        if let Some(batch) = Arc::get_mut(&mut next) {
            batch.reset(self.next);
        }
        let batch = std::mem::replace(&mut self.batch, next);
        for worker in 0..self.workers.len() {
            self.send(worker, Work::Batch(Arc::clone(&batch)));
        }
        if self.sent.len() < MOST_SPARE {
            self.sent.push_back(batch);
        }
    }

    fn push(&mut self, packet: &Packet<'_>, connections: &mut Connections, chunk: Option<&Chunk>) {
        let confirmed = connections.clock.advance(packet.time);
        let tenant = connections.tenant_of(packet);
        let worker = usize::from(Key::new(packet.source, packet.destination).0.bucket())
            % self.workers.len();
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
