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

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn time_far_ahead_counts_when_the_next_packet_agrees() {
        // Seconds of packets; then the clock, whether the last time is doubtful, and when the packet
        // before was captured, if that is known only now.
        for (packets, now, is_doubtful, confirmed) in [
            (&[-5][..], -5, false, None),
            (&[1_000_000], 1_000_000, false, None),
            (&[10, 5], 10, false, None),
            (&[0, 60], 60, false, None),
            (&[0, 61], 0, true, None),
            (&[0, 1_000, 1_005], 1_005, false, Some(1_000)),
            (&[0, 1_000, 940], 940, false, Some(940)),
            (&[0, 1_000, 939], 0, true, None),
            (&[0, 1_000, 5_000], 5_000, false, Some(1_000)),
            (&[0, 1_000, 939, 1_000], 1_000, false, Some(939)),
            (&[0, 1_000, 5], 5, false, None),
            (&[0, 100, 50], 50, false, Some(50)),
            (&[0, 1_000, 1_005, 1_006], 1_006, false, None),
        ] {
            let mut clock = Clock::default();
            let mut last = None;
            for time in packets {
                last = clock.advance(time * SECOND);
            }
            let seconds = |time: i64| time / SECOND;
            assert_eq!(
                (seconds(clock.now()), clock.is_doubtful()),
                (now, is_doubtful),
                "{packets:?}"
            );
            assert_eq!(last.map(seconds), confirmed, "{packets:?}");
        }
    }

    #[test]
    fn clock_that_was_set_goes_on_as_the_other_one() {
        for is_doubtful in [false, true] {
            let mut clock = Clock::default();
            clock.set(7, is_doubtful);
            assert_eq!((clock.now(), clock.is_doubtful()), (7, is_doubtful));
            assert_eq!(clock.advance(8), is_doubtful.then_some(7));
            assert_eq!((clock.now(), clock.is_doubtful()), (8, false));
        }
    }
}
