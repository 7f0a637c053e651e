//! The bytes that one direction has written and the caller has not taken.
//!
//! The last bytes may belong to an incomplete frame. They are held back: other frames are inserted
//! before them, and the caller gets them when the frame is complete.
//!
//! - `held_back` is at most the length of the writer in `Frames::More`, and 0 in the other cases

use std::mem;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::deflate::deflater::Compression;
use wsdefrag_core::fallible::copied;
use wsdefrag_core::read::growth::{self, Outlook};
use wsdefrag_core::relay::ByteOutput;
use wsdefrag_core::{Layout, Mask, OutOfMemory, Output, Refusal};

use crate::content::{deflating, gil_over};
use crate::random;
use crate::raw::bytes::{Gil, Writer, bytes_of};
use crate::write::output::PyOutput;

/// Most bytes that are reserved in advance.
const MOST_AHEAD: usize = 1 << 20;

/// Frames that were written and not yet taken.
#[derive(Default)]
pub(crate) struct Unsent {
    frames: Frames,
    /// Number of last bytes that are held back.
    held_back: usize,
    /// Bytes that are likely to be written before the next take.
    expected: usize,
}

/// The written bytes. Frames of one call that are taken before the next call, which is usual, are
/// written into a `bytes` of exactly their size.
#[derive(Default)]
enum Frames {
    #[default]
    Nothing,
    One(Py<PyBytes>),
    More(Writer),
}

impl Unsent {
    /// Bytes not yet taken, including those held back.
    pub(crate) fn len(&self) -> usize {
        match &self.frames {
            Frames::Nothing => 0,
            Frames::One(bytes) => bytes_of(bytes).len(),
            Frames::More(writer) => writer.as_slice().len(),
        }
    }

    /// Bytes that can be taken.
    pub(crate) fn ready(&self) -> usize {
        self.len() - self.held_back
    }

    /// Notes how many bytes were received, most of which are likely to be forwarded.
    pub(crate) fn expect(&mut self, bytes: usize) {
        self.expected = bytes.min(MOST_AHEAD);
    }

    /// Takes all bytes that are not held back.
    pub(crate) fn take(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        if self.held_back > 0 {
            return self.take_front(py);
        }
        match mem::take(&mut self.frames) {
            Frames::Nothing => Ok(PyBytes::new(py, b"").unbind()),
            Frames::One(bytes) => Ok(bytes),
            Frames::More(writer) => writer.finish(py),
        }
    }

    /// Takes the bytes before those that are held back.
    fn take_front(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        let Frames::More(writer) = &mut self.frames else { unreachable!("{HELD_BACK}") };
        let front = writer.as_slice().len() - self.held_back;
        if front == 0 {
            return Ok(PyBytes::new(py, b"").unbind());
        }
        let mut rest = Writer::with_capacity(py, writer.capacity() - front)
            .map_err(|error| crate::errors::raise_refusal(error.into()))?;
        rest.unmask(&writer.as_slice()[front..], Mask::NONE, Gil::Keep);
        let mut taken = mem::replace(writer, rest);
        taken.truncate(front);
        taken.finish(py)
    }

    /// A writer with room for `size` more bytes, and for `ahead` if it has to be enlarged.
    fn room(
        &mut self,
        py: Python<'_>,
        size: usize,
        ahead: usize,
    ) -> Result<&mut Writer, OutOfMemory> {
        if !matches!(self.frames, Frames::More(_)) {
            let written = match &self.frames {
                Frames::One(bytes) => bytes.as_bytes(py),
                _ => &[],
            };
            let needed = written.len() + size.max(ahead);
            let mut writer = Writer::with_capacity(py, needed.max(self.expected))?;
            writer.unmask(written, Mask::NONE, Gil::Keep);
            self.frames = Frames::More(writer);
        }
        let Frames::More(writer) = &mut self.frames else { unreachable!("it was created above") };
        let filled = writer.as_slice().len();
        if writer.capacity() - filled < size {
            let needed = filled + size.max(ahead);
            writer.grow(py, needed.max(2 * writer.capacity()))?;
        }
        Ok(writer)
    }

    /// Calls `write` to write `size` bytes before those that are held back.
    fn insert(
        &mut self,
        py: Python<'_>,
        size: usize,
        write: impl FnOnce(&mut Writer),
    ) -> Result<(), OutOfMemory> {
        let held_back = self.held_back;
        let writer = self.room(py, size, 0)?;
        if held_back == 0 {
            write(writer);
            return Ok(());
        }
        // Only reached if the caller injects a frame while another is incomplete.
        let front = writer.as_slice().len() - held_back;
        let last = copied(&writer.as_slice()[front..])?;
        writer.truncate(front);
        write(writer);
        writer.unmask(&last, Mask::NONE, Gil::Keep);
        Ok(())
    }
}

const HELD_BACK: &str = "bytes are held back only in a writer";

/// The output of one call, appended to the bytes not yet taken.
pub(crate) struct Appending<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) unsent: &'a mut Unsent,
    /// Whether the call's content cannot change while the GIL is released.
    pub(crate) immutable: bool,
}

impl Output for Appending<'_, '_> {
    type Bytes = ();

    #[inline]
    fn masking_key(&mut self) -> Result<[u8; 4], Refusal> {
        random::masking_key()
    }

    #[inline]
    fn write(&mut self, layout: &Layout<'_>) -> Result<(), OutOfMemory> {
        if matches!(self.unsent.frames, Frames::Nothing) {
            let mut alone = PyOutput { py: self.py, immutable: self.immutable };
            self.unsent.frames = Frames::One(alone.write(layout)?);
            return Ok(());
        }
        let gil = gil_over(self.py, layout.size(), self.immutable);
        self.unsent.insert(self.py, layout.size(), |writer| writer.lay(layout, gil))
    }

    fn compress(&mut self, work: Compression<'_>) -> Result<Vec<usize>, OutOfMemory> {
        deflating(self.py, work, self.immutable)
    }
}

impl ByteOutput for Appending<'_, '_> {
    #[inline]
    fn append(&mut self, bytes: &[u8], mask: Mask) -> Result<(), OutOfMemory> {
        if bytes.is_empty() {
            return Ok(());
        }
        let gil = gil_over(self.py, bytes.len(), self.immutable);
        self.unsent.insert(self.py, bytes.len(), |writer| {
            writer.unmask(bytes, mask, gil);
        })
    }

    #[inline]
    fn hold_back(&mut self, bytes: &[u8], mask: Mask, left: u64) -> Result<(), OutOfMemory> {
        let size = bytes.len();
        let frame_left = left.saturating_add(size as u64);
        let outlook = Outlook { frame_left, last_frame: true, most: None };
        let held_back = self.unsent.held_back;
        let ahead = growth::capacity(held_back, size, outlook) - held_back;
        let writer = self.unsent.room(self.py, size, ahead)?;
        writer.unmask(bytes, mask, gil_over(self.py, size, self.immutable));
        self.unsent.held_back += size;
        Ok(())
    }

    #[inline]
    fn release_held_back(&mut self) {
        self.unsent.held_back = 0;
    }

    fn discard_held_back(&mut self) {
        let held_back = mem::take(&mut self.unsent.held_back);
        if held_back == 0 {
            return;
        }
        let Frames::More(writer) = &mut self.unsent.frames else { unreachable!("{HELD_BACK}") };
        let front = writer.as_slice().len() - held_back;
        writer.truncate(front);
        if front == 0 {
            self.unsent.frames = Frames::Nothing;
        }
    }
}
