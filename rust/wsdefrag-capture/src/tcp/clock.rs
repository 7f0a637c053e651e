//! The clock of a capture: the time of its packets.
//!
//! Interfaces may have different clocks, and records may be damaged. So a time far after the clock
//! counts only when the next packet agrees. The clock never goes back.

use serde::{Deserialize, Serialize};

/// Nanoseconds by which one packet may advance the clock.
const MAX_CLOCK_JUMP: i64 = 60_000_000_000;

/// The time of the packets so far, in nanoseconds since the epoch.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Clock {
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
    pub(crate) const fn now(&self) -> i64 {
        self.now
    }

    /// Whether the time of the last packet is not believed yet.
    #[inline]
    pub(crate) const fn is_doubtful(&self) -> bool {
        self.unconfirmed.is_some()
    }

    /// Sets the clock as another one that was advanced by the packets.
    #[inline]
    pub(super) const fn set(&mut self, now: i64, is_doubtful: bool) {
        self.now = now;
        self.unconfirmed = if is_doubtful { Some(now) } else { None };
    }

    /// Advances the clock to the time of a packet. If that confirms the time of the packet before, which
    /// was doubtful, returns when that was captured: this time, as far as the clock has advanced.
    #[inline]
    pub(crate) fn advance(&mut self, time: i64) -> Option<i64> {
        let far = self.now != i64::MIN && time.saturating_sub(self.now) > MAX_CLOCK_JUMP;
        let confirmed = self
            .unconfirmed
            .filter(|unconfirmed| time >= unconfirmed.saturating_sub(MAX_CLOCK_JUMP));
        let agrees = confirmed.is_some();
        self.unconfirmed = (far && !agrees).then_some(time);
        if !far || agrees {
            self.now = self.now.max(time);
        }
        confirmed.map(|time| time.min(self.now))
    }
}
