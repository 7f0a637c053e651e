//! Payloads written straight into `bytes` objects.

use std::mem::{ManuallyDrop, MaybeUninit};
use std::ptr::{self, NonNull};
use std::slice;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::OutOfMemory;

/// A new `bytes` of `length` that `fill` writes. `fill` has to write every slot.
#[inline]
pub(crate) fn whole_bytes<R>(
    py: Python<'_>,
    length: usize,
    fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> R,
) -> Result<(Py<PyBytes>, R), OutOfMemory> {
    let size = ffi::Py_ssize_t::try_from(length).map_err(|_| OutOfMemory)?;
    // SAFETY: attached. With a null pointer the call allocates and leaves the contents open.
    let object = unsafe { ffi::PyBytes_FromStringAndSize(ptr::null(), size) };
    // SAFETY: attached; the pointer is null with an exception set, or an owned reference.
    let bytes = unsafe { Bound::from_owned_ptr_or_err(py, object) }.map_err(|_| OutOfMemory)?;
    // SAFETY: the object was checked to exist and is a `bytes`.
    let data = unsafe { ffi::PyBytes_AS_STRING(object) };
    // SAFETY: `data` points to `length` bytes. For a length above zero the object is new, so
    // nobody else reads or writes them; for zero the slice is empty. `MaybeUninit` may be
    // uninitialised.
    let slots = unsafe { slice::from_raw_parts_mut(data.cast_mut().cast(), length) };
    let result = fill(slots);
    // SAFETY: `PyBytes_FromStringAndSize` gave a `bytes`.
    Ok((unsafe { bytes.cast_into_unchecked::<PyBytes>() }.unbind(), result))
}

/// From this many written bytes on, a growing payload is resized where it stands, which large
/// allocations mostly can without a copy. Below, it is copied into one of its next size: the
/// interpreter's resizing makes room for a quarter more than it is asked for, which takes payloads
/// of a megabyte out of the allocator's reuse and faults in every page of every one.
const RESIZED: usize = 1 << 20;

/// A `bytes` that is being written and may grow, by the interpreter's own writer (PEP 782).
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
        let inner = NonNull::new(writer).ok_or_else(|| no_memory(py))?;
        Ok(Self { inner, len: 0, capacity })
    }

    pub(crate) fn grow(&mut self, py: Python<'_>, capacity: usize) -> Result<(), OutOfMemory> {
        if self.len < RESIZED {
            let mut larger = Self::with_capacity(py, capacity)?;
            let written = self.as_slice();
            larger.append(written.len(), |slots| (slots.write_copy_of_slice(written).len(), ()));
            *self = larger;
            return Ok(());
        }
        let size = ffi::Py_ssize_t::try_from(capacity).map_err(|_| OutOfMemory)?;
        // SAFETY: attached; the writer is live, and a failed resize leaves it so.
        if unsafe { ffi::compat::PyBytesWriter_Resize(self.inner.as_ptr(), size) } < 0 {
            return Err(no_memory(py));
        }
        self.capacity = capacity;
        Ok(())
    }

    pub(crate) const fn capacity(&self) -> usize {
        self.capacity
    }

    #[inline]
    fn data(&self) -> *mut u8 {
        // SAFETY: the writer is live. It gives a pointer to at least `capacity` bytes.
        unsafe { ffi::compat::PyBytesWriter_GetData(self.inner.as_ptr()) }.cast()
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        // SAFETY: the first `len` bytes are written, and change only through `&mut self`.
        unsafe { slice::from_raw_parts(self.data(), self.len) }
    }

    /// Appends at most `room` bytes: `fill` writes slots from the front and says how many.
    #[inline]
    pub(crate) fn append<R>(
        &mut self,
        room: usize,
        fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> (usize, R),
    ) -> R {
        assert!(room <= self.capacity - self.len, "the engine grows a content before it appends");
        // SAFETY: `len` is within the writer's allocation.
        let end = unsafe { self.data().add(self.len) };
        // SAFETY: by the assertion `room` bytes follow, and `&mut self` makes them ours alone.
        let slots = unsafe { slice::from_raw_parts_mut(end.cast(), room) };
        let (written, result) = fill(slots);
        assert!(written <= room, "no more is written than there is room for");
        self.len += written;
        result
    }

    /// The `bytes` of what was written.
    pub(crate) fn finish(self, py: Python<'_>) -> PyResult<Py<PyBytes>> {
        // The length is never more than the capacity, which was an `ssize_t`.
        let size = self.len.cast_signed();
        let writer = ManuallyDrop::new(self).inner.as_ptr();
        // SAFETY: attached; the call consumes the writer, also where it fails, and `ManuallyDrop`
        // keeps us from discarding it again.
        let object = unsafe { ffi::compat::PyBytesWriter_FinishWithSize(writer, size) };
        // SAFETY: attached; null with an exception set, or an owned reference.
        let bytes = unsafe { Bound::from_owned_ptr_or_err(py, object) }?;
        // SAFETY: the writer makes `bytes`.
        Ok(unsafe { bytes.cast_into_unchecked::<PyBytes>() }.unbind())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: attached inside the closure; the writer is live and not used again.
        Python::attach(|_| unsafe { ffi::compat::PyBytesWriter_Discard(self.inner.as_ptr()) });
    }
}

/// Clears the `MemoryError` that the interpreter set: the engine reports it in its own order.
#[cold]
fn no_memory(py: Python<'_>) -> OutOfMemory {
    drop(PyErr::take(py));
    OutOfMemory
}
