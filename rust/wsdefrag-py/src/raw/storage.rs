//! The memory of an instance of `MessageStorage`.
//!
//! - from the moment an instance is reachable until it is freed, `content` is an owned reference to
//!   an exact `bytes` (a subclass could refer to anything)
//! - `opcode` is a defined opcode

use pyo3::prelude::*;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::{Borrowed, ffi};
use wsdefrag_core::Opcode;

#[repr(C)]
pub(super) struct Storage {
    head: ffi::PyObject,
    pub(super) fields: Fields,
}

/// The fields of a message.
#[repr(C)]
pub(super) struct Fields {
    pub(super) content: *mut ffi::PyObject,
    pub(super) timestamp: f64,
    pub(super) opcode: Opcode,
    pub(super) from_client: bool,
    pub(super) dropped: bool,
    pub(super) injected: bool,
    /// Whether the message was forwarded before its owner got it; Python may not change it then.
    pub(super) sent: bool,
    /// Whether a relay released the message because it was dropped, and the owner has not called
    /// the relay for it since.
    pub(super) released: bool,
}

/// An object that begins with a [`Storage`].
pub(super) struct Message<'a, 'py>(pub(super) Borrowed<'a, 'py, PyAny>);

impl Message<'_, '_> {
    /// Calls `work` with the fields; `work` must run no Python code. Without a GIL, other threads
    /// wait meanwhile.
    pub(super) fn fields<R>(&self, work: impl FnOnce(&mut Fields) -> R) -> R {
        with_critical_section(&self.0, || {
            // SAFETY: the object is live and begins with a `Storage`. The GIL or the critical
            // section keeps others out, and `work` cannot come back here.
            work(unsafe { &mut (*self.0.as_ptr().cast::<Storage>()).fields })
        })
    }
}
