//! The caller's side of the engine: what takes the events, and owns the memory.

use crate::error::Kind;
use crate::frame::header::Header;
use crate::frame::mask::Mask;
use crate::read::event::Event;
use crate::read::memory::{Memory, VecMemory};

/// The caller's side of the engine: its memory, and what it does with events.
pub trait Sink {
    /// Where contents live.
    type Memory: Memory;

    /// The memory to use now.
    fn memory(&mut self) -> &mut Self::Memory;

    /// Takes what was completed; `offset` is the first byte of its first frame, in bytes from the
    /// start of the direction.
    fn event(&mut self, offset: u64, event: Event<'_, <Self::Memory as Memory>::Content>);

    /// Is told of a frame whose header has come and may be, before anything of its payload.
    #[inline]
    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        let _ = header;
        Ok(())
    }

    /// Is told of a range of the frame's payload that was taken, and with it `decoded` bytes of its
    /// message so far. Nothing was wrong with it.
    #[inline]
    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let _ = (wire, mask, decoded);
        Ok(())
    }

    /// Is told that the frame is whole and nothing is wrong with it, before the event that it
    /// completes.
    #[inline]
    fn frame_end(&mut self) -> Result<(), Kind> {
        Ok(())
    }
}

/// A sink whose contents are `C`.
pub trait SinkFor<C>: Sink<Memory: Memory<Content = C>> {}

impl<C, S: Sink<Memory: Memory<Content = C>>> SinkFor<C> for S {}

/// A [`Sink`] that hands events to a closure, with each event's offset.
pub struct Events<F>(VecMemory, F);

impl<F: FnMut(u64, Event<'_, Vec<u8>>)> Events<F> {
    /// Calls `f` with each event.
    pub const fn to(f: F) -> Self {
        Self(VecMemory, f)
    }
}

impl<F: FnMut(u64, Event<'_, Vec<u8>>)> Sink for Events<F> {
    type Memory = VecMemory;

    fn memory(&mut self) -> &mut VecMemory {
        &mut self.0
    }

    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) {
        (self.1)(offset, event);
    }
}
