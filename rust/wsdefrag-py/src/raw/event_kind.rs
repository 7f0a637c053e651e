//! Which kind of event an object or a class is.
//!
//! It compares with the types that were made. Before that no object is an event.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::raw::event_storage::Object;
use crate::read::event_value::Kind;

/// The types of events in the order of [`Kind::ALL`]; `event_type.rs` makes them, once.
pub(super) static TYPES: PyOnceLock<[Py<PyType>; Kind::ALL.len()]> = PyOnceLock::new();

/// The kind of an event, a subclass's as well; `None` for any other object.
pub(crate) fn kind_of(object: &Bound<'_, PyAny>) -> Option<Kind> {
    let types = TYPES.get(object.py())?;
    let ours = |kind: &Kind| {
        let class = types[*kind as usize].as_ptr().cast();
        // SAFETY: attached; both are live.
        unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), class) != 0 }
    };
    Kind::ALL.into_iter().find(ours)
}

/// The kind of events whose type a class is or inherits.
pub(super) fn kind_of_class(class: &Bound<'_, PyType>) -> PyResult<Kind> {
    for (kind, event_type) in Kind::ALL.into_iter().zip(TYPES.get(class.py()).into_iter().flatten())
    {
        if class.is_subclass(event_type.bind(class.py()))? {
            return Ok(kind);
        }
    }
    unreachable!("a type's `tp_new` is called with it or a subclass of it")
}

/// Whether an event is an `OpaqueMessage`.
///
/// # Safety
///
/// Attached; the object is live.
pub(super) unsafe fn is_opaque(object: Object) -> bool {
    // SAFETY: by the contract.
    let py = unsafe { Python::assume_attached() };
    let Some(types) = TYPES.get(py) else { return false };
    let class = types[Kind::Opaque as usize].as_ptr().cast();
    // SAFETY: by the contract; the class is live.
    unsafe { ffi::PyObject_TypeCheck(object, class) != 0 }
}

/// Whether a class is the type of this kind, and no subclass.
pub(super) fn is_exact(class: &Bound<'_, PyType>, kind: Kind) -> bool {
    TYPES.get(class.py()).is_some_and(|types| class.is(types[kind as usize].bind(class.py())))
}
