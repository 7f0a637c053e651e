//! The place of one direction's inflation: empty, live or parked.
//!
//! ```text
//! empty    before the first compressed message, and after the window was lost
//! live     48 KiB of state, most of it the window
//! parked   between messages: only the bytes that later messages may refer to
//! resumed  what makes the state inside a message again, as it was written earlier
//! ```
//!
//! The next compressed bytes make an inflation live. Its messages are then read
//! as if it had never been parked.

use crate::deflate::inflation::{Inflation, InflationState};
use crate::deflate::parked::Parked;
use crate::deflate::pool::InflaterPool;
use crate::error::OutOfMemory;
use crate::fallible::TryBox;
use crate::strictness::Strictness;

/// The place of one direction's inflation.
#[derive(Default)]
pub(crate) struct Slot {
    state: State,
    /// Where inflations come from and go to, if other directions share them.
    pool: Option<InflaterPool>,
}

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Live(TryBox<Inflation>),
    Parked(TryBox<Parked>),
    #[cfg_attr(not(feature = "serde"), expect(dead_code, reason = "a state has to be read for it"))]
    Resumed(TryBox<InflationState>),
}

impl Slot {
    /// An empty place for inflations of this pool.
    pub(crate) const fn of(pool: InflaterPool) -> Self {
        Self { state: State::Empty, pool: Some(pool) }
    }

    /// The live inflation, made or restored if need be.
    #[inline]
    pub(crate) fn live(
        &mut self,
        no_context_takeover: bool,
        strictness: Strictness,
    ) -> Result<&mut Inflation, OutOfMemory> {
        if !matches!(self.state, State::Live(_)) {
            self.wake(no_context_takeover, strictness)?;
        }
        match &mut self.state {
            State::Live(inflation) => Ok(inflation),
            State::Empty | State::Parked(_) | State::Resumed(_) => Err(OutOfMemory),
        }
    }

    #[cold]
    fn wake(
        &mut self,
        no_context_takeover: bool,
        strictness: Strictness,
    ) -> Result<(), OutOfMemory> {
        let mut inflation = match &self.pool {
            Some(pool) => pool.take(no_context_takeover, strictness)?,
            None => TryBox::new(Inflation::new(no_context_takeover, strictness)?)?,
        };
        let restored = match &mut self.state {
            State::Parked(parked) => inflation.restore(parked),
            // Only a state that was not written here does not fit.
            State::Resumed(state) => inflation.resume(state).map_err(|_| OutOfMemory),
            State::Empty | State::Live(_) => Ok(()),
        };
        self.state = State::Live(inflation);
        if restored.is_err() {
            self.clear();
        }
        restored
    }

    /// Takes inflations from this pool from now on.
    pub(crate) fn share(&mut self, pool: InflaterPool) {
        self.pool = Some(pool);
    }

    /// Whether its inflations come from a pool.
    #[inline]
    pub(crate) const fn is_shared(&self) -> bool {
        self.pool.is_some()
    }

    pub(crate) const fn is_live(&self) -> bool {
        matches!(self.state, State::Live(_))
    }

    /// Parks a live inflation, which must be between messages. Without the little memory that
    /// parking takes, it stays live.
    pub(crate) fn park(&mut self) {
        let State::Live(inflation) = &mut self.state else { return };
        let Ok(mut parked) = TryBox::new(Parked::default()) else { return };
        if inflation.park(&mut parked).is_ok() {
            self.replace(if parked.is_needed() { State::Parked(parked) } else { State::Empty });
        }
    }

    /// Drops the inflation, live or parked.
    pub(crate) fn clear(&mut self) {
        self.replace(State::Empty);
    }

    /// Puts another state here. A live inflation goes back to its pool.
    fn replace(&mut self, state: State) {
        let former = std::mem::replace(&mut self.state, state);
        if let (State::Live(inflation), Some(pool)) = (former, &self.pool) {
            pool.give_back(inflation);
        }
    }

    /// Number of bytes allocated.
    pub(crate) fn bytes_held(&self) -> usize {
        match &self.state {
            State::Empty => 0,
            State::Live(inflation) => size_of::<Inflation>() + inflation.bytes_held(),
            State::Parked(parked) => size_of::<Parked>() + parked.bytes_held(),
            State::Resumed(state) => size_of::<InflationState>() + state.bytes_held(),
        }
    }
}

/// As it is written.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
enum Written<P, I> {
    Empty,
    Parked(P),
    Inside(I),
}

#[cfg(feature = "serde")]
impl serde::Serialize for Slot {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::Error;
        let inside;
        let written = match &self.state {
            State::Empty => Written::Empty,
            State::Parked(parked) => Written::Parked(&**parked),
            State::Resumed(state) => Written::Inside(&**state),
            State::Live(inflation) => {
                let state = inflation.state().map_err(|_| S::Error::custom("no memory"))?;
                inside = state.ok_or_else(|| S::Error::custom("the inflater has no journal"))?;
                Written::Inside(&inside)
            }
        };
        written.serialize(serializer)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Slot {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        use serde::de::Error;
        let no_memory = |_| D::Error::custom("no memory");
        let state = match Written::deserialize(deserializer)? {
            Written::Empty => State::Empty,
            Written::Parked(parked) => State::Parked(TryBox::new(parked).map_err(no_memory)?),
            Written::Inside(state) => State::Resumed(TryBox::new(state).map_err(no_memory)?),
        };
        Ok(Self { state, pool: None })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.clear();
    }
}
