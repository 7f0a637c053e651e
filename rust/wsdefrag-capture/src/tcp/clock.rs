//! The clock of a capture: the time of its packets.
//!
//! Interfaces may have different clocks, and records may be damaged. So a time far after the clock
//! counts only when the next packet agrees. The clock never goes back.

use serde::{Deserialize, Serialize};

/// Nanoseconds by which one packet may advance the clock.
const MAX_CLOCK_JUMP: i64 = 60_000_000_000;

/// The time of the packets so far, in nanoseconds since the epoch.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Clock {
    now: i64,
    /// The time of the last packet, if it was too far after `now` to be believed alone.
    unconfirmed: Option<i64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { now: i64::MIN, unconfirmed: None }
    }
}

impl Clock {
    pub(super) const fn now(&self) -> i64 {
        self.now
    }

    /// Advances the clock to the time of a packet.
    #[inline]
    pub(super) fn advance(&mut self, time: i64) {
        let far = self.now != i64::MIN && time.saturating_sub(self.now) > MAX_CLOCK_JUMP;
        let agrees = self
            .unconfirmed
            .is_some_and(|unconfirmed| time >= unconfirmed.saturating_sub(MAX_CLOCK_JUMP));
        self.unconfirmed = (far && !agrees).then_some(time);
        if !far || agrees {
            self.now = self.now.max(time);
        }
    }
}
