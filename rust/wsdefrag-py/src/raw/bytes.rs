//! Writes payloads and frames directly into `bytes` objects.

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::slice;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::deflate::inflater::{Progress, Stream};
use wsdefrag_core::{Layout, Mask, OutOfMemory};

use crate::raw::interpreter::attached;

/// Whether the GIL is kept during work on memory that no Python code can reach.
#[derive(Clone, Copy)]
pub(crate) enum Gil<'py> {
    Keep,
    Release(Python<'py>),
}

impl Gil<'_> {
    #[inline]
    pub(crate) fn during<R: Send>(self, work: impl FnOnce() -> R + Send) -> R {
        match self {
            Self::Keep => work(),
            Self::Release(py) => py.detach(work),
        }
    }
}

/// A new `bytes` with `wire`, unmasked, and the OR of its bytes.
#[inline]
pub(crate) fn unmasked_bytes(
    py: Python<'_>,
    wire: &[u8],
    mask: Mask,
    gil: Gil<'_>,
) -> Result<(Py<PyBytes>, u8), OutOfMemory> {
    // SAFETY: unmasking writes every slot.
    unsafe { filled_bytes(py, wire.len(), gil, |slots| mask.unmask(wire, slots)) }
}

/// A new `bytes` with a copy of these; raises `MemoryError` if there is no memory for it.
#[inline]
pub(crate) fn copied_bytes<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let length = ffi::Py_ssize_t::try_from(bytes.len())?;
    // SAFETY: attached; the pointer is to as many bytes.
    let object = unsafe { ffi::PyBytes_FromStringAndSize(bytes.as_ptr().cast(), length) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    let bytes = unsafe { Bound::from_owned_ptr_or_err(py, object) }?;
    // SAFETY: the call makes a `bytes`.
    Ok(unsafe { bytes.cast_into_unchecked() })
}

/// The bytes of a `bytes`. The GIL is not needed: nobody changes them, and the reference keeps them.
#[inline]
pub(crate) fn bytes_of(bytes: &Py<PyBytes>) -> &[u8] {
    let object = bytes.as_ptr();
    // SAFETY: a live `bytes`, whose bytes stay where they are.
    let data = unsafe { ffi::PyBytes_AS_STRING(object) };
    // SAFETY: a live object of variable size, which no longer changes.
    let size = unsafe { ffi::Py_SIZE(object) };
    // SAFETY: `data` points to as many bytes, which live as long as the reference.
    unsafe { slice::from_raw_parts(data.cast(), size.cast_unsigned()) }
}

/// A new `bytes` with a copy of `first` and `second`.
pub(crate) fn joined_bytes<'py>(
    py: Python<'py>,
    first: &[u8],
    second: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    PyBytes::new_with(py, first.len() + second.len(), |bytes| {
        let (head, tail) = bytes.split_at_mut(first.len());
        head.copy_from_slice(first);
        tail.copy_from_slice(second);
        Ok(())
    })
}

/// A new `bytes` with these frames.
#[inline]
pub(crate) fn framed_bytes(
    py: Python<'_>,
    layout: &Layout<'_>,
    gil: Gil<'_>,
) -> Result<Py<PyBytes>, OutOfMemory> {
    // SAFETY: a layout writes every slot, or panics.
    let filled = unsafe { filled_bytes(py, layout.size(), gil, |slots| layout.write(slots)) };
    filled.map(|(bytes, ())| bytes)
}

/// A new `bytes` of `size` bytes that `fill` writes, and the result of `fill`.
///
/// # Safety
///
/// `fill` writes every slot, or panics.
#[inline]
unsafe fn filled_bytes<R: Send>(
    py: Python<'_>,
    size: usize,
    gil: Gil<'_>,
    fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> R + Send,
) -> Result<(Py<PyBytes>, R), OutOfMemory> {
    let length = ffi::Py_ssize_t::try_from(size).map_err(|_| OutOfMemory)?;
    // SAFETY: attached. With a null pointer the call allocates and leaves the contents open.
    let object = unsafe { ffi::PyBytes_FromStringAndSize(ptr::null(), length) };
    // SAFETY: attached; the pointer is null with an exception set, or an owned reference.
    let bytes = unsafe { Bound::from_owned_ptr_or_err(py, object) }.map_err(|_| OutOfMemory)?;
    // SAFETY: the object was checked to exist and is a `bytes`.
    let data = unsafe { ffi::PyBytes_AS_STRING(object) };
    // SAFETY: `data` points to `size` bytes. For a size above zero the object is new, so nobody
    // else reads or writes them; for zero the slice is empty.
    let slots: &mut [MaybeUninit<u8>] =
        unsafe { slice::from_raw_parts_mut(data.cast_mut().cast(), size) };
    let result = gil.during(|| fill(slots));
    // SAFETY: `PyBytes_FromStringAndSize` gave a `bytes`.
    Ok((unsafe { bytes.cast_into_unchecked::<PyBytes>() }.unbind(), result))
}

/// A growing `bytes`, on the interpreter's `PyBytesWriter` (PEP 782).
///
/// To grow, it allocates a larger writer and copies. The interpreter's own resizing would lose the
/// contents if memory is refused.
///
/// - `len <= capacity`; the first `len` bytes are written
/// - the pointer is owned and touched only while attached
pub(crate) struct Writer {
    inner: NonNull<ffi::compat::PyBytesWriter>,
    len: usize,
    capacity: usize,
}

// SAFETY: the writer is plain memory without thread affinity, reached only through `&mut self` or,
// for reading, `&self`, while attached.
unsafe impl Send for Writer {}
// SAFETY: as above; shared access only reads.
unsafe impl Sync for Writer {}

impl Writer {
    pub(crate) fn with_capacity(py: Python<'_>, capacity: usize) -> Result<Self, OutOfMemory> {
        let size = ffi::Py_ssize_t::try_from(capacity).map_err(|_| OutOfMemory)?;
        // SAFETY: attached; the size is not negative.
        let writer = unsafe { ffi::compat::PyBytesWriter_Create(size) };
        let Some(inner) = NonNull::new(writer) else {
            // The engine reports the error itself.
            drop(PyErr::take(py));
            return Err(OutOfMemory);
        };
        Ok(Self { inner, len: 0, capacity })
    }

    pub(crate) fn grow(&mut self, py: Python<'_>, capacity: usize) -> Result<(), OutOfMemory> {
        let mut larger = Self::with_capacity(py, capacity)?;
        let written = self.as_slice();
        larger.spare(written.len()).write_copy_of_slice(written);
        larger.len = written.len();
        *self = larger;
        Ok(())
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are written, and change only through `&mut self`.
        unsafe { slice::from_raw_parts(self.data(), self.len) }
    }

    /// Appends `wire`, unmasked; returns the OR of the appended bytes.
    #[inline]
    pub(crate) fn unmask(&mut self, wire: &[u8], mask: Mask, gil: Gil<'_>) -> u8 {
        let slots = self.spare(wire.len());
        // Writes every slot.
        let any = gil.during(|| mask.unmask(wire, slots));
        self.len += wire.len();
        any
    }

    /// Appends these frames.
    pub(crate) fn lay(&mut self, layout: &Layout<'_>, gil: Gil<'_>) {
        let slots = self.spare(layout.size());
        // Writes every slot, or panics.
        gil.during(|| layout.write(slots));
        self.len += layout.size();
    }

    /// Inflates the front of `input` with `stream` and appends at most `room` bytes.
    pub(crate) fn inflate(
        &mut self,
        room: usize,
        stream: &mut Stream,
        input: &[u8],
        gil: Gil<'_>,
    ) -> Progress {
        let slots = self.spare(room);
        let progress = gil.during(|| stream.inflate_uninit(input, slots));
        assert!(progress.produced <= room, "no more is written than there is room for");
        self.len += progress.produced;
        progress
    }

    /// Removes all but the first `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The written bytes as a `bytes`.
    pub(crate) fn finish(self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        let size = self.len.cast_signed();
        let writer = ManuallyDrop::new(self).inner.as_ptr();
        // SAFETY: attached; the call consumes the writer, also where it fails, and `ManuallyDrop`
        // keeps us from discarding it again. The size is at most the capacity, an `ssize_t`.
        let object = unsafe { ffi::compat::PyBytesWriter_FinishWithSize(writer, size) };
        // SAFETY: attached; null with an exception set, or an owned reference.
        let bytes = unsafe { Bound::from_owned_ptr_or_err(py, object) }?;
        // SAFETY: the writer makes `bytes`.
        Ok(unsafe { bytes.cast_into_unchecked::<PyBytes>() }.unbind())
    }

    #[inline]
    fn data(&self) -> *mut u8 {
        // SAFETY: the writer is live. It gives a pointer to at least `capacity` bytes.
        unsafe { ffi::compat::PyBytesWriter_GetData(self.inner.as_ptr()) }.cast()
    }

    /// The next `room` bytes.
    #[inline]
    fn spare(&mut self, room: usize) -> &mut [MaybeUninit<u8>] {
        assert!(room <= self.capacity - self.len, "the engine grows a content before it appends");
        // SAFETY: `len` is within the writer's allocation.
        let end = unsafe { self.data().add(self.len) };
        // SAFETY: by the assertion `room` bytes follow, and `&mut self` makes them ours alone.
        unsafe { slice::from_raw_parts_mut(end.cast(), room) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: attached inside the closure; the writer is live and not used again.
        attached(|_| unsafe { ffi::compat::PyBytesWriter_Discard(self.inner.as_ptr()) });
    }
}
