//! The local time of day of packets.

/// Tells by how much local time is ahead of UTC.
pub trait TimeZone {
    /// Seconds that local time is ahead of UTC at this time, in seconds since the epoch.
    fn offset(&mut self, seconds: i64) -> i64;
}

/// Nanoseconds of a second.
const SECOND: i64 = 1_000_000_000;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Seconds for which an offset is asked once. Clocks are set forward and back at multiples of it.
const ASKED_ONCE: i64 = 900;

/// The number of bytes of a time of day.
pub(super) const LENGTH: usize = 12;

/// A time of day, as `12:34:56.789`.
pub(super) type TimeOfDay = [u8; LENGTH];

/// Tells the local time of day.
///
/// - `offset` holds for the times that `slot` begins
pub struct Clock {
    zone: Box<dyn TimeZone + Send>,
    slot: i64,
    offset: i64,
    /// The last time that was asked for, in nanoseconds, and its time of day.
    last: (i64, TimeOfDay),
}

impl Clock {
    /// A clock of this zone.
    #[must_use]
    pub fn new(zone: Box<dyn TimeZone + Send>) -> Self {
        Self { zone, slot: i64::MIN, offset: 0, last: (i64::MIN, [b' '; LENGTH]) }
    }

    /// The time of day of a time in nanoseconds since the epoch, with milliseconds.
    #[inline]
    pub(super) fn time_of_day(&mut self, nanoseconds: i64) -> TimeOfDay {
        // Messages of a packet share their time.
        if self.last.0 != nanoseconds {
            self.last = (nanoseconds, self.written(nanoseconds));
        }
        self.last.1
    }

    fn written(&mut self, nanoseconds: i64) -> TimeOfDay {
        let seconds = nanoseconds.div_euclid(SECOND);
        let slot = seconds.div_euclid(ASKED_ONCE);
        if slot != self.slot {
            self.offset = self.zone.offset(seconds);
            self.slot = slot;
        }
        let second = (seconds + self.offset).rem_euclid(DAY);
        let millis = nanoseconds.rem_euclid(SECOND) / 1_000_000;
        let mut text = *b"00:00:00.000";
        for (at, digits, mut value) in
            [(0, 2, second / 3600), (3, 2, second / 60 % 60), (6, 2, second % 60), (9, 3, millis)]
        {
            for digit in text[at..at + digits].iter_mut().rev() {
                *digit += u8::try_from(value % 10).unwrap_or(0);
                value /= 10;
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clocks are set forward by an hour at 1,000,800 seconds.
    struct Zone;

    impl TimeZone for Zone {
        fn offset(&mut self, seconds: i64) -> i64 {
            if seconds < 1_000_800 { -3_600 } else { 0 }
        }
    }

    #[test]
    fn time_of_day_is_local() {
        let mut clock = Clock::new(Box::new(Zone));
        for (nanoseconds, expected) in [
            (0, "23:00:00.000"),
            (3_600_000_000_000, "00:00:00.000"),
            (1_000_799_999_999_999, "12:59:59.999"),
            (1_000_800_000_000_000, "14:00:00.000"),
            (1_000_799_000_999_999, "12:59:59.000"),
            (-1, "22:59:59.999"),
            (i64::MIN, "23:12:43.145"),
            (i64::MAX, "23:47:16.854"),
        ] {
            let found = clock.time_of_day(nanoseconds);
            assert_eq!(std::str::from_utf8(&found), Ok(expected), "{nanoseconds}");
        }
    }
}
