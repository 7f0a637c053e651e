//! The place of one direction's inflation: empty, live or parked.
//!
//! ```text
//! empty    before the first compressed message, and after the window was lost
//! live     48 KiB of state, most of it the window
//! parked   between messages: only the bytes that later messages may refer to
//! ```
//!
//! The next compressed message makes an empty or parked inflation live. Its messages are then read
//! as if it had never been parked.

use crate::deflate::inflation::Inflation;
use crate::deflate::parked::Parked;
use crate::error::OutOfMemory;
use crate::fallible::TryBox;
use crate::strictness::Strictness;

/// The place of one direction's inflation.
#[derive(Default)]
pub(crate) enum Slot {
    #[default]
    Empty,
    Live(TryBox<Inflation>),
    Parked(TryBox<Parked>),
}

impl Slot {
    /// The live inflation, made or restored if need be.
    #[inline]
    pub(crate) fn live(
        &mut self,
        no_context_takeover: bool,
        strictness: Strictness,
    ) -> Result<&mut Inflation, OutOfMemory> {
        if !matches!(self, Self::Live(_)) {
            self.wake(no_context_takeover, strictness)?;
        }
        match self {
            Self::Live(inflation) => Ok(inflation),
            Self::Empty | Self::Parked(_) => Err(OutOfMemory),
        }
    }

    #[cold]
    fn wake(
        &mut self,
        no_context_takeover: bool,
        strictness: Strictness,
    ) -> Result<(), OutOfMemory> {
        let mut inflation = TryBox::new(Inflation::new(no_context_takeover, strictness)?)?;
        if let Self::Parked(parked) = self {
            inflation.restore(parked);
        }
        *self = Self::Live(inflation);
        Ok(())
    }

    /// Parks a live inflation, which must be between messages. Without the little memory that
    /// parking takes, it stays live.
    pub(crate) fn park(&mut self) {
        let Self::Live(inflation) = self else { return };
        let Ok(mut parked) = TryBox::new(Parked::default()) else { return };
        if inflation.park(&mut parked).is_ok() {
            *self = if parked.is_needed() { Self::Parked(parked) } else { Self::Empty };
        }
    }

    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::Live(inflation) => size_of::<Inflation>() + inflation.bytes_held(),
            Self::Parked(parked) => size_of::<Parked>() + parked.bytes_held(),
        }
    }
}
