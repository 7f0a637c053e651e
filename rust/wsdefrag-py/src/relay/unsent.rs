//! What waits to be sent one way, in the `bytes` that the caller will get.
//!
//! The last bytes may be those of a frame that is not whole, which are kept back
//! until it is: whatever else is written goes before them, and they are not given
//! to the caller.
//!
//! - `kept_back` is 0 unless `frames` is `Frames::More`, and at most its length

use std::mem;

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::deflate::deflater::Work;
use wsdefrag_core::read::growth::{self, Outlook};
use wsdefrag_core::relay::ByteOutput;
use wsdefrag_core::{Layout, Mask, OutOfMemory, Output, Refusal};

use crate::content::{deflating, gil_over};
use crate::random;
use crate::raw::bytes::{Gil, Writer};
use crate::write::encoder::PyOutput;

/// The most that room is made for ahead of need, in bytes.
const MOST_AHEAD: usize = 1 << 16;

/// Frames that were written and not taken.
#[derive(Default)]
pub(crate) struct Unsent {
    frames: Frames,
    /// How many of the last bytes are kept back.
    kept_back: usize,
    /// Bytes that are likely to be written before any are taken.
    expected: usize,
}

/// What was written. Frames that were written by one call and taken before the next, as most are,
/// are written into a `bytes` of their size.
#[derive(Default)]
enum Frames {
    #[default]
    Nothing,
    One(Py<PyBytes>),
    More(Writer),
}

impl Unsent {
    /// Bytes that wait, those that are kept back included.
    pub(crate) fn len(&self) -> usize {
        match &self.frames {
            Frames::Nothing => 0,
            Frames::One(bytes) => Python::attach(|py| bytes.as_bytes(py).len()),
            Frames::More(writer) => writer.as_slice().len(),
        }
    }

    /// Says that so many bytes came in, which go out again unless the caller drops them.
    pub(crate) fn expect(&mut self, bytes: usize) {
        self.expected = bytes.min(MOST_AHEAD);
    }

    /// All of it that is not kept back, which waits no longer.
    pub(crate) fn take(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        if self.kept_back > 0 {
            return self.take_front(py);
        }
        match mem::take(&mut self.frames) {
            Frames::Nothing => Ok(PyBytes::new(py, b"").unbind()),
            Frames::One(bytes) => Ok(bytes),
            Frames::More(writer) => writer.finish(py),
        }
    }

    /// What stands before the bytes that are kept back.
    fn take_front(&mut self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        let Frames::More(writer) = &mut self.frames else { unreachable!("{KEPT_BACK}") };
        let front = writer.as_slice().len() - self.kept_back;
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

    /// A writer with room for `size` more bytes, and likely for `ahead`.
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
        let Frames::More(writer) = &mut self.frames else { unreachable!("it was made above") };
        let filled = writer.as_slice().len();
        if writer.capacity() - filled < size {
            let needed = filled + size.max(ahead);
            writer.grow(py, needed.max(2 * writer.capacity()))?;
        }
        Ok(writer)
    }

    /// Appends by `write`, which writes `size` bytes, before those that are kept back.
    fn insert(
        &mut self,
        py: Python<'_>,
        size: usize,
        write: impl FnOnce(&mut Writer),
    ) -> Result<(), OutOfMemory> {
        let kept_back = self.kept_back;
        let writer = self.room(py, size, 0)?;
        if kept_back == 0 {
            write(writer);
            return Ok(());
        }
        // Only where the caller puts something in while a frame is not whole.
        let front = writer.as_slice().len() - kept_back;
        let mut last = Vec::new();
        last.try_reserve_exact(kept_back)?;
        last.extend_from_slice(&writer.as_slice()[front..]);
        writer.truncate(front);
        write(writer);
        writer.unmask(&last, Mask::NONE, Gil::Keep);
        Ok(())
    }
}

const KEPT_BACK: &str = "bytes that are kept back stand in a writer";

/// The output of one call, after what waits.
pub(crate) struct Appending<'a, 'py> {
    pub(crate) py: Python<'py>,
    pub(crate) unsent: &'a mut Unsent,
    /// Whether the call's content stays as it is while the GIL is released.
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

    fn compress(&mut self, work: Work<'_>) -> Result<Vec<usize>, OutOfMemory> {
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
    fn keep_back(&mut self, bytes: &[u8], mask: Mask, left: u64) -> Result<(), OutOfMemory> {
        let size = bytes.len();
        let frame_left = left.saturating_add(size as u64);
        let outlook = Outlook { frame_left, last_frame: true, most: None };
        let kept_back = self.unsent.kept_back;
        let ahead = growth::capacity(kept_back, size, outlook) - kept_back;
        let writer = self.unsent.room(self.py, size, ahead)?;
        writer.unmask(bytes, mask, gil_over(self.py, size, self.immutable));
        self.unsent.kept_back += size;
        Ok(())
    }

    #[inline]
    fn let_out(&mut self) {
        self.unsent.kept_back = 0;
    }

    fn take_back(&mut self) {
        let kept_back = mem::take(&mut self.unsent.kept_back);
        if kept_back == 0 {
            return;
        }
        let Frames::More(writer) = &mut self.unsent.frames else { unreachable!("{KEPT_BACK}") };
        let front = writer.as_slice().len() - kept_back;
        writer.truncate(front);
        if front == 0 {
            self.unsent.frames = Frames::Nothing;
        }
    }
}
