//! Getters and setters of a message's attributes in Python.
//!
//! The interpreter calls each accessor attached, with a live instance of `MessageStorage` or of a
//! subclass. A setter also gets a live value, or null for a deletion.

#![expect(clippy::unnecessary_wraps, reason = "getters have one signature")]

use std::ffi::{c_int, c_void};
use std::mem;

use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyFloat};
use pyo3::{Borrowed, ffi};

use crate::opcodes::{opcode_member, parse_opcode};
use crate::raw::bytes::copied_bytes;
use crate::raw::entry;
use crate::raw::python;
use crate::raw::storage::Message;

type Object = *mut ffi::PyObject;

pub(super) unsafe extern "C" fn content_of(object: Object, _: *mut c_void) -> Object {
    fn content<'py>(message: &Message<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let py = message.0.py();
        // SAFETY: by the storage's invariant it is a live `bytes`.
        Ok(message.fields(|fields| unsafe { Bound::from_borrowed_ptr(py, fields.content) }))
    }
    // SAFETY: as the module says.
    unsafe { get(object, content) }
}

pub(super) unsafe extern "C" fn set_content(
    object: Object,
    value: Object,
    _: *mut c_void,
) -> c_int {
    let store = |message: &Message<'_, '_>, value: &Bound<'_, PyAny>| {
        let py = value.py();
        let content = match (value.cast_exact::<PyBytes>(), value.cast::<PyBytes>()) {
            (Ok(content), _) => content.clone(),
            // For an instance of a subclass, only the bytes are kept.
            (_, Ok(content)) => copied_bytes(py, content.as_bytes())?,
            _ => return Err(PyTypeError::new_err("content must be bytes")),
        };
        let mut content = content.into_ptr();
        message.fields(|fields| mem::swap(&mut fields.content, &mut content));
        // SAFETY: the reference was the message's, and is ours now.
        drop(unsafe { Bound::from_owned_ptr(py, content) });
        Ok(())
    };
    // SAFETY: as the module says.
    unsafe { set(object, value, store) }
}

pub(super) unsafe extern "C" fn timestamp_of(object: Object, _: *mut c_void) -> Object {
    fn timestamp<'py>(message: &Message<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let seconds = message.fields(|fields| fields.timestamp);
        Ok(PyFloat::new(message.0.py(), seconds).into_any())
    }
    // SAFETY: as the module says.
    unsafe { get(object, timestamp) }
}

pub(super) unsafe extern "C" fn set_timestamp(
    object: Object,
    value: Object,
    _: *mut c_void,
) -> c_int {
    let store = |message: &Message<'_, '_>, value: &Bound<'_, PyAny>| {
        let seconds = value.extract()?;
        message.fields(|fields| fields.timestamp = seconds);
        Ok(())
    };
    // SAFETY: as the module says.
    unsafe { set(object, value, store) }
}

pub(super) unsafe extern "C" fn type_of(object: Object, _: *mut c_void) -> Object {
    fn member<'py>(message: &Message<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let opcode = message.fields(|fields| fields.opcode);
        opcode_member(message.0.py(), opcode).cloned()
    }
    // SAFETY: as the module says.
    unsafe { get(object, member) }
}

pub(super) unsafe extern "C" fn set_type(object: Object, value: Object, _: *mut c_void) -> c_int {
    let store = |message: &Message<'_, '_>, value: &Bound<'_, PyAny>| {
        let opcode = parse_opcode(value)?;
        message.fields(|fields| fields.opcode = opcode);
        Ok(())
    };
    // SAFETY: as the module says.
    unsafe { set(object, value, store) }
}

/// The exception for changing a message that was already forwarded.
pub(crate) fn already_sent() -> PyErr {
    PyAttributeError::new_err(
        "this message has already been sent on; copy() gives one that can be changed",
    )
}

/// `tp_setattro`: sets or deletes an attribute, unless the message was already forwarded.
pub(super) unsafe extern "C" fn set_attribute(
    object: Object,
    name: Object,
    value: Object,
) -> c_int {
    let check = |py| {
        // SAFETY: as the module says.
        let message = Message(unsafe { Borrowed::from_ptr(py, object) });
        if message.fields(|fields| fields.sent) { Err(already_sent()) } else { Ok(()) }
    };
    // SAFETY: as the module says.
    if unsafe { entry::status(check) } != 0 {
        return -1;
    }
    // SAFETY: attached, with a live object and name, and a live value or null, as the interpreter
    // gave them.
    unsafe { python::set_attribute(object, name, value) }
}

/// Calls a getter's body.
///
/// # Safety
///
/// Attached; `object` is a live instance of `MessageStorage` or of a subclass.
unsafe fn get<F>(object: Object, body: F) -> Object
where
    F: for<'py> FnOnce(&Message<'_, 'py>) -> PyResult<Bound<'py, PyAny>>,
{
    let body = |py| {
        // SAFETY: by the contract.
        let message = Message(unsafe { Borrowed::from_ptr(py, object) });
        body(&message).map(Bound::into_ptr)
    };
    // SAFETY: by the contract.
    unsafe { entry::object(body) }
}

/// Calls a setter's body.
///
/// # Safety
///
/// As for [`get`]; `value` is null or a live object.
unsafe fn set<F>(object: Object, value: Object, body: F) -> c_int
where
    F: for<'py> FnOnce(&Message<'_, 'py>, &Bound<'py, PyAny>) -> PyResult<()>,
{
    let body = |py| {
        // SAFETY: by the contract.
        let message = Message(unsafe { Borrowed::from_ptr(py, object) });
        // SAFETY: by the contract.
        match unsafe { Bound::from_borrowed_ptr_or_opt(py, value) } {
            Some(value) => body(&message, &value),
            None => Err(PyTypeError::new_err("a message's fields cannot be deleted")),
        }
    };
    // SAFETY: by the contract.
    unsafe { entry::status(body) }
}
