//! How long a hole is waited for.
//!
//! A hole is confirmed when its bytes are known to have been sent and received: the peer has
//! acknowledged them, or a snap length cut them from a captured packet. They may still be captured,
//! because captures reorder packets. So a confirmed hole becomes a gap only after
//!
//! - [`MAX_LATER_SEGMENTS`] segments of this direction and [`MIN_WAIT`], or
//! - [`MAX_WAIT`] alone.
//!
//! A hole that is not confirmed is waited for without limit: the sender will repeat the bytes.

use serde::{Deserialize, Serialize};

/// Later segments of the direction, captured since, after which a hole is given up.
const MAX_LATER_SEGMENTS: u32 = 64;
/// Nanoseconds of capture time that have to pass besides.
const MIN_WAIT: i64 = 200_000_000;
/// Nanoseconds of capture time after which a hole is given up alone.
pub(super) const MAX_WAIT: i64 = 2_000_000_000;

/// When a hole was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confirmation {
    /// In nanoseconds since the epoch.
    pub(super) time: i64,
    /// How many segments of the direction had come by then; wraps.
    pub(super) segments: u32,
}

impl Confirmation {
    /// Whether the hole is given up at `now` (nanoseconds since the epoch), when `segments` segments of
    /// the direction have come.
    pub(super) const fn is_over(self, now: i64, segments: u32) -> bool {
        let waited = now.saturating_sub(self.time);
        let later = segments.wrapping_sub(self.segments);
        waited >= MAX_WAIT || (waited >= MIN_WAIT && later >= MAX_LATER_SEGMENTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hole_is_given_up_after_segments_and_time_or_after_long_time() {
        let confirmed = Confirmation { time: 5, segments: u32::MAX };
        for (wait, later, expected) in [
            (0, 1_000, false),
            (MIN_WAIT - 1, 64, false),
            (MIN_WAIT, 63, false),
            (MIN_WAIT, 64, true),
            (MAX_WAIT - 1, 63, false),
            (MAX_WAIT, 0, true),
        ] {
            let over = confirmed.is_over(5 + wait, u32::MAX.wrapping_add(later));
            assert_eq!(over, expected, "{wait} {later}");
        }
    }
}
