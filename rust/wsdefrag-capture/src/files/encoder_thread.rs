//! A file that another thread encodes, so that batches are made meanwhile. Its bytes are the same.
//!
//! - the thread ends with this value
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use arrow_array::RecordBatch;

use super::EncodeError;
use super::blocks::Blocks;
use super::encoder::Encoder;
use crate::owned_thread::OwnedThread;

/// Batches that wait at most.
const WAITING: usize = 2;

/// Where the thread is.
#[derive(Debug, Default)]
struct Progress {
    /// Blocks that it has sent and that were not taken yet.
    blocks: AtomicUsize,
    rows: AtomicU64,
    held: AtomicUsize,
}

/// A file that another thread encodes.
#[derive(Debug)]
pub(super) struct EncoderThread {
    /// `None` after the last batch. It is dropped before the thread, which ends by that.
    batches: Option<SyncSender<RecordBatch>>,
    sent: Receiver<Vec<u8>>,
    thread: OwnedThread<Result<(), EncodeError>>,
    progress: Arc<Progress>,
    blocks: Blocks,
    /// Whether there was no memory to take a block.
    failed: bool,
}

impl EncoderThread {
    /// Has another thread encode the file. Returns the file if the system has no more threads.
    pub(super) fn new(file: Encoder) -> Result<Self, Encoder> {
        let (batches, receiver) = sync_channel(WAITING);
        let (sender, sent) = channel();
        let progress = Arc::<Progress>::default();
        let shared = Arc::clone(&progress);
        // The file is handed over only once the thread is there.
        let (hand_over, file_comes) = channel::<Encoder>();
        let work = move || match file_comes.recv() {
            Ok(mut file) => {
                file.share();
                encode(file, &receiver, &sender, &shared)
            }
            Err(_) => Ok(()),
        };
        let Ok(thread) = OwnedThread::new("wsdefrag-encoder", work) else {
            return Err(file);
        };
        hand_over.send(file).map_err(|error| error.0)?;
        let (batches, blocks) = (Some(batches), Blocks::default());
        Ok(Self { batches, sent, thread, progress, blocks, failed: false })
    }

    /// Has a batch encoded.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        if self.failed {
            return Err(EncodeError::OutOfMemory);
        }
        let batches = self.batches.as_ref();
        match batches.map(|batches| batches.send(batch.clone())) {
            Some(Ok(())) => Ok(()),
            // The thread ends early only with an error.
            _ => self.end(),
        }
    }

    /// Has the end of the file encoded.
    pub(super) fn finish(&mut self) -> Result<(), EncodeError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), EncodeError> {
        self.batches = None;
        self.thread.join().unwrap_or(Err(EncodeError::OutOfMemory))
    }

    pub(super) fn blocks(&mut self) -> &mut Blocks {
        while let Ok(block) = self.sent.try_recv() {
            self.progress.blocks.fetch_sub(1, Ordering::Relaxed);
            self.failed |= self.blocks.push(block).is_err();
        }
        &mut self.blocks
    }

    pub(super) fn is_full(&self) -> bool {
        self.blocks.is_full() || self.progress.blocks.load(Ordering::Relaxed) > 0
    }

    pub(super) fn held(&self) -> usize {
        self.progress.held.load(Ordering::Relaxed)
    }

    pub(super) fn rows(&self) -> u64 {
        self.progress.rows.load(Ordering::Relaxed)
    }
}

/// What the thread does.
fn encode(
    mut file: Encoder,
    batches: &Receiver<RecordBatch>,
    sent: &Sender<Vec<u8>>,
    progress: &Progress,
) -> Result<(), EncodeError> {
    let give_out = |file: &mut Encoder, to_the_end: bool| -> Result<(), EncodeError> {
        while file.is_full() || (to_the_end && !file.blocks().is_empty()) {
            let mut block = Vec::new();
            file.blocks().take(&mut block)?;
            progress.blocks.fetch_add(1, Ordering::Relaxed);
            let _ = sent.send(block);
        }
        progress.rows.store(file.rows(), Ordering::Relaxed);
        progress.held.store(file.held(), Ordering::Relaxed);
        Ok(())
    };
    while let Ok(batch) = batches.recv() {
        let written = file.write(&batch);
        drop(batch);
        give_out(&mut file, written.is_err())?;
        written?;
    }
    file.finish()?;
    give_out(&mut file, true)
}
