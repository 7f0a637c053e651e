//! The clocks of pcapng interfaces.
//!
//! A clock counts ticks, of a length that is a power of ten or of two, from a number of seconds
//! behind the epoch. Times that 64 bits of nanoseconds do not hold become the nearest that they do,
//! so that no file can stop the clock.
//!
//! It follows draft-ietf-opsawg-pcapng, on `if_tsresol` and `if_tsoffset`. `pcap-parser` has this
//! too, but takes no binary resolution and reads offsets as little-endian.

/// How an interface counts time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    tick: Tick,
    /// Added to every time, in nanoseconds.
    offset: i64,
}

/// The length of a tick.
#[derive(Clone, Copy, Debug)]
enum Tick {
    /// This many nanoseconds.
    Nanoseconds(u64),
    /// A nanosecond holds this many.
    PerNanosecond(u64),
    /// A second holds two to the power of this.
    Binary(u32),
}

impl Clock {
    /// From `if_tsresol`, and from `if_tsoffset` in seconds.
    pub(crate) fn new(resolution: u8, offset: i64) -> Self {
        let tick = match resolution {
            0..=9 => Tick::Nanoseconds(10_u64.pow(9 - u32::from(resolution))),
            // What does not fit is longer than all of time.
            10..=127 => Tick::PerNanosecond(
                10_u64.checked_pow(u32::from(resolution) - 9).unwrap_or(u64::MAX),
            ),
            128..=255 => Tick::Binary(u32::from(resolution & 0x7f)),
        };
        Self { tick, offset: offset.saturating_mul(1_000_000_000) }
    }

    /// Nanoseconds since the epoch; what does not fit becomes the nearest that does.
    #[inline]
    pub(crate) fn time(&self, ticks: u64) -> i64 {
        let nanoseconds = match self.tick {
            Tick::Nanoseconds(length) => ticks.saturating_mul(length),
            Tick::PerNanosecond(number) => ticks / number,
            Tick::Binary(power) => {
                // Both fit 94 bits.
                let scaled = (u128::from(ticks) * 1_000_000_000) >> power;
                u64::try_from(scaled).unwrap_or(u64::MAX)
            }
        };
        i64::try_from(nanoseconds).unwrap_or(i64::MAX).saturating_add(self.offset)
    }
}
