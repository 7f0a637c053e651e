//! Which streams the client has opened, and which it may have opened in a gap.
//!
//! RFC 9113 section 5.1.1: the client numbers its streams upwards.
//!
//! - `lost.len() <= MAX_RANGES`

#![expect(clippy::disallowed_methods, reason = "at most `MAX_RANGES`")]

use serde::{Deserialize, Serialize};

/// Gaps in which requests may have been. More of them are taken for one.
const MAX_RANGES: usize = 64;

/// The numbers of the streams that the client opened.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct RequestNumbers {
    /// The highest number of a request.
    highest: u32,
    /// The highest number before the last gap, if no request has come since.
    lost_above: Option<u32>,
    /// Ranges of numbers, without their ends, whose requests may have been in gaps.
    lost: Vec<(u32, u32)>,
}

impl RequestNumbers {
    /// The highest number of a request.
    pub(super) const fn highest(&self) -> u32 {
        self.highest
    }

    /// Whether the request of a stream may have been in a gap.
    pub(super) fn may_be_lost(&self, stream: u32) -> bool {
        self.lost_above.is_some_and(|above| stream > above)
            || self.lost.iter().any(|(above, below)| stream > *above && stream < *below)
    }

    /// Takes note that requests may have been lost.
    pub(super) fn lose(&mut self) {
        self.lost_above.get_or_insert(self.highest);
    }

    /// Takes note of a stream that the client opened.
    pub(super) fn note(&mut self, stream: u32) {
        if stream <= self.highest {
            return;
        }
        self.highest = stream;
        let Some(above) = self.lost_above.take() else { return };
        if self.lost.len() < MAX_RANGES {
            self.lost.push((above, stream));
        } else if let Some((_, below)) = self.lost.last_mut() {
            *below = stream;
        }
    }
}
