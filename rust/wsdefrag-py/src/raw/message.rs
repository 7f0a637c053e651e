//! Creates, reads and marks messages without running Python code.

use std::mem;

use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};
use wsdefrag_core::Opcode;

use crate::raw::flags::flags;
use crate::raw::storage::{Fields, Message, Storage};
use crate::raw::storage_type::{storage_type, untracked_type};

/// A class whose instances are only a [`Storage`] and are not tracked by the garbage collector.
pub(crate) struct MessageClass(Py<PyType>);

impl MessageClass {
    pub(crate) fn new(class: &Bound<'_, PyType>) -> PyResult<Self> {
        let inherits = class.is_subclass(storage_type(class.py())?)?;
        // SAFETY: the pointer is to a live type object that nobody writes to.
        let definition = unsafe { &*class.as_type_ptr() };
        let is_plain = definition.tp_basicsize.cast_unsigned() == size_of::<Storage>()
            && flags(class) & ffi::Py_TPFLAGS_HAVE_GC == 0;
        if inherits && is_plain {
            return Ok(Self(class.clone().unbind()));
        }
        Err(PyTypeError::new_err("a message class is MessageStorage without further fields"))
    }
}

/// A new instance of `class`. Runs no Python code. A message that was already `sent` cannot be
/// changed from Python.
#[inline]
pub(crate) fn new_message<'py>(
    py: Python<'py>,
    class: &MessageClass,
    opcode: Opcode,
    from_client: bool,
    content: Py<PyBytes>,
    timestamp: f64,
    sent: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let fields = Fields {
        content: content.into_ptr(),
        timestamp,
        opcode,
        from_client,
        dropped: false,
        injected: false,
        sent,
        released: false,
    };
    // SAFETY: attached; a `MessageClass` is a live class of untracked instances of fixed size.
    let object = unsafe { ffi::PyObject_New::<Storage>(class.0.as_ptr().cast()) };
    if object.is_null() {
        // SAFETY: attached; the reference is ours.
        unsafe { ffi::Py_DECREF(fields.content) };
        return Err(PyErr::fetch(py));
    }
    // SAFETY: the object is of our making: a head, and fields that are still to be written.
    let unwritten = unsafe { &raw mut (*object).fields };
    // SAFETY: nobody else knows the object.
    unsafe { unwritten.write(fields) };
    // SAFETY: attached; the reference is ours.
    Ok(unsafe { Bound::from_owned_ptr(py, object.cast()) })
}

/// The current fields of a message.
pub(crate) struct MessageState<'py> {
    pub(crate) opcode: Opcode,
    pub(crate) content: Bound<'py, PyBytes>,
    pub(crate) from_client: bool,
    pub(crate) sent: bool,
}

/// The fields of a message; `None` if the object is not a message.
#[inline]
pub(crate) fn message_state<'py>(
    object: &Bound<'py, PyAny>,
) -> PyResult<Option<MessageState<'py>>> {
    let Some(message) = as_message(object)? else { return Ok(None) };
    let py = object.py();
    Ok(Some(message.fields(|fields| {
        // SAFETY: by the storage's invariant it is a live `bytes`.
        let content = unsafe { Bound::from_borrowed_ptr(py, fields.content) };
        MessageState {
            opcode: fields.opcode,
            // SAFETY: likewise.
            content: unsafe { content.cast_into_unchecked() },
            from_client: fields.from_client,
            sent: fields.sent,
        }
    })))
}

#[inline]
fn as_message<'a, 'py>(object: &'a Bound<'py, PyAny>) -> PyResult<Option<Message<'a, 'py>>> {
    // Most are `WebSocketMessage` itself, and need no walk through the bases of their class.
    let is_one = object.get_type_ptr() == untracked_type() || {
        let class = storage_type(object.py())?.as_type_ptr();
        // SAFETY: attached; both are live.
        unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), class) != 0 }
    };
    Ok(is_one.then(|| Message(object.as_borrowed())))
}

/// Marks a message as dropped. Runs no Python code.
pub(crate) fn mark_dropped(object: &Bound<'_, PyAny>) {
    with_fields(object, |fields| fields.dropped = true);
}

/// Marks a message as injected. Runs no Python code.
pub(crate) fn mark_injected(object: &Bound<'_, PyAny>) {
    with_fields(object, |fields| fields.injected = true);
}

/// Marks a message as released by a relay because it was dropped.
pub(crate) fn mark_released(object: &Bound<'_, PyAny>) {
    with_fields(object, |fields| fields.released = true);
}

/// Whether a message was marked as released; clears the mark.
pub(crate) fn take_released(object: &Bound<'_, PyAny>) -> bool {
    with_fields(object, |fields| mem::take(&mut fields.released)) == Some(true)
}

/// Whether a message is dropped.
#[inline]
pub(crate) fn is_dropped(object: &Bound<'_, PyAny>) -> bool {
    with_fields(object, |fields| fields.dropped) == Some(true)
}

/// Calls `work` with the fields of a message; `None` if the object is not a message.
#[inline]
fn with_fields<R>(object: &Bound<'_, PyAny>, work: impl FnOnce(&mut Fields) -> R) -> Option<R> {
    as_message(object).ok().flatten().map(|message| message.fields(work))
}
