//! Early data: held until it is known whether the server accepts them, then given out or counted.
//!
//! RFC 8446 section 4.2.10.

use crate::packet::Origin;
use crate::stream_part::{Gap, GapKind};
use crate::tls::contents::Contents;
use crate::tls::early_records::EarlyRecord;
use crate::tls::negotiation::EarlyData;
use crate::tls::tools::Tools;

impl Contents {
    /// Takes early data: they count if the server accepts them.
    pub(super) fn early_data(
        &mut self,
        content: &[u8],
        origin: Origin,
        whole: u64,
        tools: &mut Tools<'_>,
    ) {
        match tools.negotiation.early {
            EarlyData::Accepted => self.give(content, origin, whole, tools),
            EarlyData::Refused => self.account.handshake += whole,
            // What is missing comes after what is held.
            EarlyData::None | EarlyData::Undecided
                if self.gap.is_none() && self.early.try_push(content, origin, whole) => {}
            EarlyData::None | EarlyData::Undecided => {
                self.account.undecryptable += whole;
                let (before, after) = (self.last, Some(origin));
                self.add_gap(Some(Gap { length: 0, kind: GapKind::Unknown, before, after }));
            }
        }
    }

    /// Gives out or drops the early data that were held, when it is known whether they count.
    pub(crate) fn settle_early(&mut self, tools: &mut Tools<'_>) {
        let early = std::mem::take(&mut self.early);
        let is_accepted = tools.negotiation.early == EarlyData::Accepted;
        let gap = self.gap.take().filter(|_| is_accepted);
        for EarlyRecord { content, origin, whole } in early.into_records() {
            if is_accepted {
                self.give(&content, origin, whole, tools);
            } else {
                self.account.handshake += whole;
            }
        }
        self.add_gap(gap);
    }

    /// Whether early data are held.
    pub(crate) fn has_early(&self) -> bool {
        !self.early.is_empty()
    }
}
