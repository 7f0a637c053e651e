//! What is missing between the records of one direction: which numbers the next record may have, and how
//! many of the application's bytes are missing.
//!
//! RFC 8446 section 5.3, RFC 5246 section 6.2.3.

use std::ops::RangeInclusive;

use crate::packet::Origin;
use crate::stream_part::{Gap, GapKind};
use crate::tls::key_search::{Epoch, FoundKeys};
use crate::tls::negotiation::{EarlyData, Negotiation};
use crate::tls::record::{ContentType, Header};
use crate::tls::record_reader::{Loss, RecordReader};
use crate::tls::trial::Budget;

/// The fewest bytes of a record around its content, in any suite that is read.
const MIN_OVERHEAD: u64 = 21;
/// Records in a row that do not open, after which the number counts as uncertain.
const MAX_FAILURES: u32 = 2;

impl RecordReader {
    /// Notes bytes that were not captured, or not opened, before the next record.
    pub(crate) fn lose(&mut self, bytes: u64, before: Option<Origin>, after: Option<Origin>) {
        self.add_loss(bytes, before, after).has_gap = true;
    }

    fn add_loss(&mut self, bytes: u64, before: Option<Origin>, after: Option<Origin>) -> &mut Loss {
        if self.loss.is_none() {
            self.budget = Budget::per_loss();
        }
        let loss = self.loss.get_or_insert(Loss { before, ..Loss::default() });
        loss.bytes = loss.bytes.saturating_add(bytes);
        loss.after = after;
        loss
    }

    /// Notes that a gap follows, after which more work may be done.
    pub(crate) fn note_gap(&mut self) {
        self.budget = Budget::per_loss();
    }

    /// Passes over a record that was not opened. Returns the application's bytes that are missing
    /// because of it, if that is certain.
    pub(crate) fn pass_over(
        &mut self,
        header: &Header,
        [before, after]: [Option<Origin>; 2],
    ) -> Option<Gap> {
        let suite = self.opener.as_ref().map(|opener| opener.suite());
        // A record of the handshake may have had its end, with which the keys change.
        let is_certain = self.is_certain() && self.epoch == Epoch::Application;
        let Some(suite) = suite.filter(|_| is_certain && self.failures <= MAX_FAILURES) else {
            self.add_loss(header.whole() as u64, before, after);
            return None;
        };
        self.skip();
        let has_data = header.content_type == ContentType::ApplicationData;
        let overhead = suite.overhead();
        let length = overhead.map_or(0, |overhead| header.whole().saturating_sub(overhead)) as u64;
        let kind = match overhead {
            Some(_) if suite.is_tls13 => GapKind::Likely,
            Some(_) => GapKind::Exact,
            None => GapKind::Unknown,
        };
        let is_gap = has_data && (length > 0 || kind == GapKind::Unknown);
        is_gap.then_some(Gap { length, kind, before, after })
    }

    /// The gap of what is missing, at the end.
    pub(crate) fn take_loss(&mut self) -> Option<Gap> {
        let Loss { before, after, .. } = self.loss.take()?;
        Some(Gap { length: 0, kind: GapKind::Unknown, before, after })
    }

    /// The numbers that a record may have under the current keys.
    pub(super) fn numbers(&self) -> RangeInclusive<u64> {
        let lost = match &self.loss {
            _ if self.opener.is_none() && !self.has_begun => return 0..=u64::MAX,
            Some(loss) => loss.bytes / MIN_OVERHEAD + 1,
            None => 0,
        };
        self.next..=self.next.saturating_add(lost)
    }

    /// The numbers that a record may have under later keys.
    pub(super) fn first_numbers(&self) -> RangeInclusive<u64> {
        let current = self.numbers();
        0..=(*current.end() - *current.start()).max(self.passed)
    }

    /// The application's bytes that are missing before the record with this number under these keys.
    pub(super) fn missing(
        &self,
        loss: &Loss,
        sequence: u64,
        keys: &FoundKeys,
        negotiation: &Negotiation,
    ) -> Option<Gap> {
        let Loss { bytes, before, after, .. } = *loss;
        let gap = |length, kind| Some(Gap { length, kind, before, after });
        let unknown = gap(0, GapKind::Unknown);
        let may_lose_early =
            loss.has_gap && matches!(negotiation.early, EarlyData::Undecided | EarlyData::Accepted);
        // The version is that of the keys: the hello that says it may be missing.
        let is_tls13 = match (keys, self.opener.as_deref()) {
            (FoundKeys::New { opener, .. }, _) => opener.suite().is_tls13,
            (FoundKeys::Current, opener) => opener?.suite().is_tls13,
        };
        let (epoch, opener, begins_here) = match (keys, self.opener.as_deref()) {
            (FoundKeys::Current, opener) => (self.epoch, opener?, false),
            (FoundKeys::New { epoch, generation: 0, opener }, None) => {
                // The first record of TLS 1.2 is Finished.
                (*epoch, &**opener, sequence <= u64::from(!is_tls13))
            }
            (FoundKeys::New { epoch, generation: 0, opener }, _) if *epoch > self.epoch => {
                (*epoch, &**opener, sequence == 0)
            }
            (FoundKeys::New { .. }, _) => return unknown,
        };
        match (self.epoch, epoch) {
            (Epoch::Plain | Epoch::Early, _) if may_lose_early && epoch > Epoch::Early => {
                return unknown;
            }
            (_, Epoch::Handshake) => return None,
            _ if begins_here => return None,
            (before, after) if before != after => return unknown,
            // Finished may be among the lost.
            _ if self.next == 0 && !is_tls13 => return unknown,
            _ => {}
        }
        let length = opener.suite().overhead().and_then(|overhead| {
            let records = sequence.checked_sub(self.next).filter(|records| *records > 0)?;
            bytes.checked_sub(records.checked_mul(overhead as u64)?)
        });
        length.map_or(unknown, |length| gap(length, GapKind::Likely))
    }
}
