//! The clock of a pcapng interface: converts its timestamps to nanoseconds since the epoch.
//!
//! A timestamp counts ticks. A tick is a power of ten or of two of a second. An offset in seconds
//! is added. A time that does not fit an `i64` of nanoseconds becomes the nearest one that does.
//!
//! draft-ietf-opsawg-pcapng, options `if_tsresol` and `if_tsoffset`. `pcap-parser` has this too, but
//! it supports no binary resolution and reads offsets as little-endian.

use serde::{Deserialize, Serialize};

/// The resolution and the offset of an interface's timestamps.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Clock {
    tick: Tick,
    /// Added to every time, in nanoseconds.
    offset: i64,
}

/// The length of a tick.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Tick {
    /// This many nanoseconds.
    Nanoseconds(u64),
    /// One nanosecond divided by this.
    PerNanosecond(u64),
    /// One second divided by two to the power of this.
    Binary(u32),
}

impl Clock {
    /// A clock with this `if_tsresol`, and this `if_tsoffset` in seconds.
    pub(crate) fn new(resolution: u8, offset: i64) -> Self {
        let tick = match resolution {
            0..=9 => Tick::Nanoseconds(10_u64.pow(9 - u32::from(resolution))),
            // With a larger power of ten every timestamp is 0 nanoseconds.
            10..=127 => Tick::PerNanosecond(
                10_u64.checked_pow(u32::from(resolution) - 9).unwrap_or(u64::MAX),
            ),
            128..=255 => Tick::Binary(u32::from(resolution & 0x7f)),
        };
        Self { tick, offset: offset.saturating_mul(1_000_000_000) }
    }

    /// Converts ticks to nanoseconds since the epoch.
    #[inline]
    pub(crate) fn time(&self, ticks: u64) -> i64 {
        let nanoseconds = match self.tick {
            Tick::Nanoseconds(length) => ticks.saturating_mul(length),
            Tick::PerNanosecond(number) => ticks / number,
            Tick::Binary(power) => {
                // The product fits 94 bits.
                let scaled = (u128::from(ticks) * 1_000_000_000) >> power;
                u64::try_from(scaled).unwrap_or(u64::MAX)
            }
        };
        i64::try_from(nanoseconds).unwrap_or(i64::MAX).saturating_add(self.offset)
    }
}
