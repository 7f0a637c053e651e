//! The connections of some buckets, which one thread at a time follows.

use std::hint::black_box;
use std::sync::Arc;

use crate::output::Prepare;
use crate::tcp::connections::Connections;
use crate::tcp::shard::Silence;
use crate::threads::batch::Batch;
use crate::threads::report::{Place, Report};
use crate::tls::keys::KeySource;

/// Work on a shard.
#[derive(Clone)]
pub(crate) enum Work {
    Batch(Arc<Batch>),
    /// More of a key log, or a secrets block.
    Keys(Arc<Vec<u8>>, KeySource),
    /// The secrets of all files are there.
    ScanIsOver,
}

/// Bytes that there must be before a batch is read, for allocations that end the process if they are
/// refused.
const ROOM: usize = 8 << 20;

/// The connections of a shard. Whichever thread has it works on them.
pub(crate) struct Worker {
    /// Its index among all.
    pub(crate) index: usize,
    pub(crate) connections: Connections,
    /// Bytes of contents, besides the largest, at which it gives a batch up.
    pub(crate) most_content: usize,
}

impl Worker {
    /// Does a piece of work. Returns whether the report was filled: only batches have one.
    pub(crate) fn take(
        &mut self,
        work: Work,
        prepare: Option<Prepare>,
        report: &mut Report,
    ) -> bool {
        match work {
            Work::Batch(batch) => {
                report.reset();
                report.prepare = prepare;
                self.read(&batch, report);
                return true;
            }
            Work::Keys(bytes, source) => self.connections.keys.add(&bytes, source),
            Work::ScanIsOver => self.connections.end_scan(),
        }
        false
    }

    /// Reads the packets of a batch that are this worker's.
    fn read(&mut self, batch: &Batch, report: &mut Report) {
        let Self { connections, index: own, most_content, .. } = self;
        let mine = &batch.of_workers[*own];
        if !has_room(ROOM + connections.growth(mine.len())) {
            report.out_of_memory = true;
            return;
        }
        if let Some((worker, time)) = batch.confirmed
            && worker == *own
        {
            connections.confirm(time);
        }
        connections.begin_peaks(report);
        let mut position = 0;
        for &index in mine {
            let index = index as usize;
            let it = &batch.packets[index];
            if connections.is_silent(it.now) {
                end_silent(connections, batch, position..index + 1, report);
            }
            position = index + 1;
            let (start, numbers) = (report.rows.len(), connections.next_number);
            connections.set_clock(it.now, it.is_doubtful);
            connections.take(&batch.packet(index), it.tenant, report);
            if it.active != it.now {
                connections.confirm(it.active);
            }
            let place = Place { packet: batch.first + index as u64, order: u64::MAX };
            report.end_unit(place, start, connections.next_number - numbers);
            connections.note_peaks(place, connections.next_number != numbers, report);
            if report.content - report.largest > *most_content {
                // Nobody takes the rows.
                connections.has_met_limit = true;
                break;
            }
        }
        if let Some(last) = batch.packets.last()
            && connections.is_silent(last.now)
        {
            end_silent(connections, batch, position..batch.packets.len(), report);
        }
        connections.end_peaks(report);
    }
}

/// Ends the connections whose silence was too long for these packets.
#[cold]
fn end_silent(
    connections: &mut Connections,
    batch: &Batch,
    packets: std::ops::Range<usize>,
    report: &mut Report,
) {
    let mut from = packets.start;
    loop {
        let rest = &batch.packets[from..packets.end];
        let mut next: Option<(usize, Silence)> = None;
        for silence in connections.silent_ones() {
            let at = rest.partition_point(|packet| !silence.is_over(packet.now));
            if at < rest.len() && next.as_ref().is_none_or(|(before, _)| at < *before) {
                next = Some((at, silence));
            }
        }
        let Some((at, silence)) = next else { return };
        from += at;
        let (start, numbers) = (report.rows.len(), connections.next_number);
        connections.set_clock(batch.packets[from].now, false);
        let place = Place { packet: batch.first + from as u64, order: silence.order };
        connections.end_silent(&silence, report);
        report.end_unit(place, start, connections.next_number - numbers);
        connections.note_peaks(place, true, report);
    }
}

/// Whether so many bytes of memory are there.
fn has_room(bytes: usize) -> bool {
    let mut reserve = Vec::<u8>::new();
    let result = reserve.try_reserve_exact(bytes);
    black_box(reserve);
    result.is_ok()
}
