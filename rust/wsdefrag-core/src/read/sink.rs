//! The caller's side of the engine: receives the events and supplies the memory.

use crate::error::{Kind, OutOfMemory};
use crate::frame::header::Header;
use crate::frame::mask::Mask;
use crate::read::event::Event;
use crate::read::memory::{Memory, VecMemory};

/// The caller's side of the engine: receives the events and supplies the memory.
pub trait Sink {
    /// The memory for contents.
    type Memory: Memory;

    /// The memory for the next content.
    fn memory(&mut self) -> &mut Self::Memory;

    /// Receives an event. `offset` is the position of the first byte of its first frame, in bytes
    /// from the start of the direction. Fails if there is no memory to keep the event, which ends
    /// the direction of an endpoint; a passive one goes on without that event.
    fn event(
        &mut self,
        offset: u64,
        event: Event<'_, <Self::Memory as Memory>::Content>,
    ) -> Result<(), OutOfMemory>;

    /// Called with each accepted header, before the frame's payload.
    #[inline]
    fn frame(&mut self, header: &Header) -> Result<(), Kind> {
        let _ = header;
        Ok(())
    }

    /// Called with each accepted range of the frame's payload; `decoded` is the number of content
    /// bytes of the message so far.
    #[inline]
    fn payload(&mut self, wire: &[u8], mask: Mask, decoded: usize) -> Result<(), Kind> {
        let _ = (wire, mask, decoded);
        Ok(())
    }

    /// Called when a frame is complete and valid, before the event that it completes.
    #[inline]
    fn frame_end(&mut self) -> Result<(), Kind> {
        Ok(())
    }
}

/// A sink whose contents are `C`.
pub trait SinkFor<C>: Sink<Memory: Memory<Content = C>> {}

impl<C, S: Sink<Memory: Memory<Content = C>>> SinkFor<C> for S {}

/// A [`Sink`] that calls a closure with each offset and event.
pub struct Events<F>(VecMemory, F);

impl<F: FnMut(u64, Event<'_, Vec<u8>>)> Events<F> {
    /// Creates a sink that calls `f` with each offset and event.
    pub const fn to(f: F) -> Self {
        Self(VecMemory, f)
    }
}

impl<F: FnMut(u64, Event<'_, Vec<u8>>)> Sink for Events<F> {
    type Memory = VecMemory;

    fn memory(&mut self) -> &mut VecMemory {
        &mut self.0
    }

    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) -> Result<(), OutOfMemory> {
        (self.1)(offset, event);
        Ok(())
    }
}
