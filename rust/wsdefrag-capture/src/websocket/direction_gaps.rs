//! What a gap does to a direction of a WebSocket: the test of a length that is a guess, the loss of the
//! place where frames begin, and what that costs.

#![expect(clippy::disallowed_methods, reason = "boxes of a few hundred bytes")]

use wsdefrag_core::frame::header::Rules;

use crate::event::{Detail, GapCost, GapEffect};
use crate::message::Status;
use crate::sink::{HeldRows, Sink};
use crate::stream_part::{Gap, GapKind, OwnedPart, StreamPart};
use crate::websocket::candidate::Candidate;
use crate::websocket::direction::{Direction, State, search_of};
use crate::websocket::direction_output::Origins;
use crate::websocket::frame_search::Certainty;
use crate::websocket::gap_test::{GapTest, Verdict};

impl Direction {
    /// Takes a gap.
    pub(crate) fn gap(&mut self, gap: Gap, sink: &mut impl Sink) {
        let account = &mut self.output.account;
        let position = account.bytes;
        account.bytes += gap.length;
        account.gaps += 1;
        account.missing += gap.length;
        if self.test.as_ref().is_some_and(|test| !test.takes(&gap)) {
            self.end_test(Verdict::Refuted, sink);
        }
        if let Some(test) = &mut self.test {
            let verdict = test.gap(position, gap);
            self.end_test(verdict, sink);
        } else if !self.begins_test(position, gap) {
            self.read_gap(position, gap, sink);
        }
    }

    /// Reads a gap that has been counted.
    fn read_gap(&mut self, position: u64, gap: Gap, sink: &mut impl Sink) {
        match &mut self.state {
            State::Searching(search) => {
                self.output.account.lost += gap.length;
                search.gap();
                self.unread_gap(position, gap, sink);
            }
            State::Reassembling(_) => self.gap_between_frames(position, gap, sink),
        }
    }

    /// Begins to test the length of a gap, if it is a guess and ends inside a frame.
    fn begins_test(&mut self, position: u64, gap: Gap) -> bool {
        let State::Reassembling(reassembler) = &self.state else { return false };
        let remaining = reassembler.remaining();
        if gap.kind != GapKind::Likely || !(1..=remaining).contains(&gap.length) {
            return false;
        }
        let settings = &self.options.settings;
        let candidate = Candidate::new(Rules {
            from_client: settings.from_client,
            deflate: settings.deflate.is_some(),
            foreign_extension: settings.foreign_extension,
            strictness: settings.strictness,
        });
        let candidate =
            if reassembler.ends_message() { candidate } else { candidate.inside_message() };
        let max_frame = settings.limits.max_frame_size.unwrap_or(u64::MAX);
        let mut test = Box::new(GapTest::new(remaining, candidate, max_frame));
        test.gap(position, gap);
        self.test = Some(test);
        true
    }

    /// Tests the length of a gap by the bytes that follow.
    #[cold]
    pub(super) fn test_data(&mut self, part: StreamPart<'_>, sink: &mut impl Sink) {
        let position = self.output.account.bytes - part.length();
        let Some(test) = &mut self.test else { return };
        let verdict = test.data(position, part);
        self.end_test(verdict, sink);
    }

    /// Reads what was stored during a test, if it is over.
    pub(super) fn end_test(&mut self, verdict: Verdict, sink: &mut impl Sink) {
        let kind = match verdict {
            Verdict::Open => return,
            Verdict::Proved => GapKind::Exact,
            Verdict::Refuted => GapKind::Unknown,
        };
        let Some(test) = self.test.take() else { return };
        for (position, part) in test.into_parts() {
            match part {
                OwnedPart::Gap(gap) => self.read_gap(position, Gap { kind, ..gap }, sink),
                _ => self.read_bytes(part.as_part(), sink),
            }
        }
    }

    /// Gives out a gap in a part of the stream that is not read.
    pub(crate) fn unread_gap(&mut self, position: u64, gap: Gap, sink: &mut impl Sink) {
        let event = self.output.gap(position, gap, Detail::Gap(GapCost::NOTHING));
        sink.gap(&event);
        sink.event(event);
    }

    /// Takes a gap while the start of each frame is known.
    #[cold]
    fn gap_between_frames(&mut self, position: u64, gap: Gap, sink: &mut impl Sink) {
        let State::Reassembling(reassembler) = &mut self.state else { return };
        let settings = &self.options.settings;
        let (was_lost, discarded) = (reassembler.is_lost(), reassembler.bytes_discarded());
        let was_incomplete = reassembler.is_message_incomplete();
        let window_was_known = settings.deflate.is_some() && reassembler.is_window_known();
        let lost_before = self.output.account.lost;
        let incomplete_before = self.output.account.counts.of_status(Status::Incomplete);
        // What the gap ends is given out after it.
        let mut ended = HeldRows::default();
        let mut event = self.output.gap(position, gap, Detail::Gap(GapCost::NOTHING));
        let origins = Origins::pending(self.first);
        let events = &mut self.output.events(origins, &mut ended);
        if gap.kind == GapKind::Unknown {
            reassembler.receive_unknown_gap(gap.length, events);
        } else {
            reassembler.receive_gap(gap.length, events);
        }

        let is_lost = reassembler.is_lost() && !was_lost;
        let is_incomplete = reassembler.is_message_incomplete()
            || self.output.account.counts.of_status(Status::Incomplete) > incomplete_before;
        let is_read =
            is_lost || (gap.kind != GapKind::Unknown && reassembler.bytes_discarded() == discarded);
        let search = is_lost && self.options.resync;
        let window_is_known =
            if search { settings.no_context_takeover() } else { reassembler.is_window_known() };
        let window = window_was_known && !window_is_known && (search || is_read);
        let cost = GapCost {
            effect: match (is_lost, is_read) {
                (true, _) if search => GapEffect::Search,
                (true, _) => GapEffect::End,
                (false, false) => GapEffect::Nothing,
                (false, true) if window => GapEffect::Window,
                (false, true) => GapEffect::Frame,
            },
            incomplete: u64::from(is_incomplete && !was_incomplete),
            is_final: !is_lost && !window,
            ..GapCost::NOTHING
        };
        event.detail = Detail::Gap(cost);
        if is_lost {
            self.output.gap_costs.end_loss(lost_before, sink);
        }
        sink.gap(&event);
        if cost.is_final {
            sink.event(event);
        } else {
            self.output.gap_costs.open(event, is_lost.then_some(lost_before), window);
        }
        for row in ended.0 {
            row.deliver(sink);
        }
        if search {
            self.finish_reassembler(sink);
            self.state = State::Searching(Box::new(search_of(&self.options, Certainty::Resync)));
        }
    }
}
