//! The flags of classes. Without a GIL they are atomic.

use std::ffi::c_ulong;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// The flags of a class.
#[inline]
pub(super) fn flags(class: &Bound<'_, PyType>) -> c_ulong {
    // SAFETY: attached; the class is live.
    unsafe { ffi::PyType_GetFlags(class.as_type_ptr()) }
}

/// Changes the flags of a class.
///
/// # Safety
///
/// Nobody else has the class yet, and it is what its new flags say.
pub(super) unsafe fn change_flags(
    class: &Bound<'_, PyType>,
    change: impl FnOnce(c_ulong) -> c_ulong,
) {
    let class = class.as_type_ptr();
    #[cfg(not(Py_GIL_DISABLED))]
    {
        // SAFETY: the class is live, and nobody else has it.
        let flags = unsafe { &mut (*class).tp_flags };
        *flags = change(*flags);
    }
    #[cfg(Py_GIL_DISABLED)]
    {
        use std::sync::atomic::Ordering;
        // SAFETY: the class is live.
        let flags = unsafe { &(*class).tp_flags };
        flags.store(change(flags.load(Ordering::Relaxed)), Ordering::Relaxed);
    }
}
