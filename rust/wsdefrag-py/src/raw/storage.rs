//! What an instance of `MessageStorage` is in memory.
//!
//! Invariant: `content` is an owned reference to a `bytes` proper (a subclass could
//! hold anything), from the moment an
//! instance is reachable until it is freed; `opcode` is a defined one.

use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::{Borrowed, ffi};
use wsdefrag_core::Opcode;

#[repr(C)]
pub(super) struct Storage {
    head: ffi::PyObject,
    pub(super) fields: Fields,
}

/// What a message holds.
#[repr(C)]
pub(super) struct Fields {
    pub(super) content: *mut ffi::PyObject,
    pub(super) timestamp: f64,
    pub(super) opcode: Opcode,
    pub(super) from_client: bool,
    pub(super) dropped: bool,
    pub(super) injected: bool,
    /// Whether it was sent on before its owner saw it, so that Python may not change it.
    pub(super) sent: bool,
    /// Whether a relay let it go because its owner had dropped it, and its owner has not decided on
    /// it by a call since.
    pub(super) released: bool,
}

/// An object that begins with a [`Storage`].
pub(super) struct Message<'a, 'py>(pub(super) Borrowed<'a, 'py, PyAny>);

impl Message<'_, '_> {
    /// Lends its fields to `work`, which runs no Python code. Without a GIL another thread may be
    /// at them too, and waits.
    pub(super) fn fields<R>(&self, work: impl FnOnce(&mut Fields) -> R) -> R {
        with_critical_section(&self.0, || {
            // SAFETY: the object is live and begins with a `Storage`. The GIL or the critical
            // section keeps others out, and `work` cannot come back here.
            work(unsafe { &mut (*self.0.as_ptr().cast::<Storage>()).fields })
        })
    }
}
