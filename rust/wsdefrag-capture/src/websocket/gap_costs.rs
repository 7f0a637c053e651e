//! What the gaps of one direction cost, until it is certain.
//!
//! A gap stays open for two reasons: it hides where the next frame begins, and what it lost counts
//! until the next such gap or the end of the direction; or it made the deflate window unknown, and the
//! messages that cannot be inflated count until the end of the direction.
//!
//! - at most one open gap counts lost bytes
//! - at most one open gap counts undecodable messages: the first that made the window unknown, as
//!   nothing makes it known again

#![expect(clippy::disallowed_methods, reason = "gaps whose cost is not certain")]

use crate::event::{CaptureEvent, Detail};
use crate::sink::Sink;
use serde::{Deserialize, Serialize};

/// The gaps of one direction whose cost is not certain yet.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct GapCosts {
    open: Vec<OpenGap>,
}

/// A gap whose cost is not certain yet.
#[derive(Serialize, Deserialize)]
struct OpenGap {
    event: CaptureEvent,
    /// While bytes are lost because of it: the lost bytes of the account before the gap.
    lost_before: Option<u64>,
    /// Whether it made the deflate window unknown.
    window: bool,
}

impl GapCosts {
    /// Takes a gap that was given out in its place.
    pub(super) fn open(&mut self, event: CaptureEvent, lost_before: Option<u64>, window: bool) {
        self.open.push(OpenGap { event, lost_before, window });
    }

    /// Gives the connection another number.
    pub(super) fn renumber(&mut self, connection: u64) {
        for gap in &mut self.open {
            gap.event.connection = connection;
        }
    }

    /// Counts a message that cannot be inflated.
    pub(super) fn undecodable(&mut self) {
        for gap in self.open.iter_mut().filter(|gap| gap.window) {
            if let Detail::Gap(cost) = &mut gap.event.detail {
                cost.undecodable += 1;
            }
        }
    }

    /// Ends the counting of lost bytes; `lost` is that of the account. Gaps whose cost is certain
    /// with that go to `sink`.
    pub(super) fn end_loss(&mut self, lost: u64, sink: &mut impl Sink) {
        for gap in &mut self.open {
            if let (Some(before), Detail::Gap(cost)) =
                (gap.lost_before.take(), &mut gap.event.detail)
            {
                cost.lost = lost - before;
            }
        }
        self.give_out(sink, |gap| !gap.window);
    }

    /// Ends the direction: the cost of every gap is certain.
    pub(super) fn finish(&mut self, lost: u64, sink: &mut impl Sink) {
        self.end_loss(lost, sink);
        self.give_out(sink, |_| true);
    }

    fn give_out(&mut self, sink: &mut impl Sink, is_certain: impl Fn(&OpenGap) -> bool) {
        for mut gap in self.open.extract_if(.., |gap| is_certain(gap)) {
            if let Detail::Gap(cost) = &mut gap.event.detail {
                cost.is_final = true;
            }
            sink.event(gap.event);
        }
    }
}
