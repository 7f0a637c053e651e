//! The memory of the chunks of messages.

use wsdefrag_core::deflate::inflater::{Progress, Stream};
use wsdefrag_core::{Mask, Memory, OutOfMemory, TextMemory};

use crate::content::{PyContent, PyMemory};

/// Python memory in which texts are `bytes` too.
pub(super) struct ChunkMemory<'py>(pub(super) PyMemory<'py>);

impl Memory for ChunkMemory<'_> {
    type Content = PyContent;

    #[inline]
    fn whole(&mut self, wire: &[u8], mask: Mask) -> Result<(PyContent, u8), OutOfMemory> {
        self.0.whole(wire, mask)
    }

    fn allocate(&mut self, capacity: usize) -> Result<PyContent, OutOfMemory> {
        self.0.allocate(capacity)
    }

    fn grow(&mut self, content: &mut PyContent, capacity: usize) -> Result<(), OutOfMemory> {
        self.0.grow(content, capacity)
    }

    fn unmask(&mut self, content: &mut PyContent, wire: &[u8], mask: Mask) -> u8 {
        self.0.unmask(content, wire, mask)
    }

    fn inflate(
        &mut self,
        content: &mut PyContent,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
    ) -> Progress {
        self.0.inflate(content, room, stream, input)
    }
}

impl TextMemory for ChunkMemory<'_> {
    type Text = PyContent;

    #[inline]
    fn ascii(&mut self, wire: &[u8], mask: Mask) -> Result<Option<PyContent>, OutOfMemory> {
        let (content, any) = self.0.whole(wire, mask)?;
        Ok((any < 0x80).then_some(content))
    }

    fn text(&mut self, text: &str) -> Result<PyContent, OutOfMemory> {
        Ok(self.0.whole(text.as_bytes(), Mask::NONE)?.0)
    }
}
