//! The functions that the interpreter calls for events: construction, destruction, `repr`, `hash`,
//! comparison, pickling, and the refusal of changes. They serve all types of events.
//!
//! `read/event_value.rs` has what does not need the memory: the constructor's arguments, the fields,
//! the text of `repr`.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "short texts")]

use std::ffi::{c_int, c_void};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{Borrowed, IntoPyObjectExt, intern};

use crate::opcodes::opcode_member;
use crate::raw::entry;
use crate::raw::event_fields::{fields, fill, values};
use crate::raw::event_kind::{is_exact, is_opaque, kind_of_class};
use crate::raw::event_storage::{EventStorage, Object, OpaqueStorage};
use crate::raw::python;
use crate::read::event_value::EventValues;

/// `__new__`.
pub(super) unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    arguments: Object,
    keywords: Object,
) -> Object {
    let body = |py: Python<'_>| {
        // SAFETY: the interpreter gives a live class, a tuple, and a dict or null.
        let class_object = unsafe { Borrowed::from_ptr(py, class.cast::<ffi::PyObject>()) };
        let class_object = class_object.cast::<PyType>()?;
        // SAFETY: as above.
        let arguments = unsafe { Borrowed::from_ptr(py, arguments) };
        // SAFETY: as above.
        let keywords = unsafe { Bound::from_borrowed_ptr_or_opt(py, keywords) };
        let keywords = keywords.as_ref().map(|keywords| keywords.cast::<PyDict>()).transpose()?;
        let kind = kind_of_class(&class_object)?;
        let values = EventValues::parse(kind, &*arguments.cast::<PyTuple>()?, keywords)?;
        // SAFETY: the class is live. `PyType_Ready` gives every type a `tp_alloc`.
        let alloc = unsafe { (*class).tp_alloc }.unwrap_or(ffi::PyType_GenericAlloc);
        // SAFETY: attached; instances are of fixed size.
        let object = unsafe { alloc(class, 0) };
        if object.is_null() {
            return Err(PyErr::fetch(py));
        }
        // SAFETY: the instance is new; `parse` gives what the kind asks for.
        unsafe { fill(object, values) };
        Ok(object)
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

/// Frees an event.
pub(super) unsafe extern "C" fn dealloc(object: Object) {
    // SAFETY: the object is live until it is freed below.
    let class = unsafe { ffi::Py_TYPE(object) };
    // SAFETY: it begins with an `EventStorage`.
    let value = unsafe { (*object.cast::<EventStorage>()).fields.value };
    // SAFETY: attached; by the invariant the reference is ours.
    unsafe { ffi::Py_DECREF(value) };
    // SAFETY: the interpreter calls this attached, and the object is live.
    if unsafe { is_opaque(object) } {
        // SAFETY: an `OpaqueMessage` has an `OpaqueStorage`.
        let extension = unsafe { (*object.cast::<OpaqueStorage>()).extension };
        // SAFETY: attached; the reference is ours, or null.
        unsafe { ffi::Py_XDECREF(extension) };
    }
    // SAFETY: the class is live, and ready, so it has a `tp_free`.
    let free = unsafe { (*class).tp_free }.unwrap_or(ffi::PyObject_Free);
    // SAFETY: attached; `tp_free` takes what the same class's `tp_alloc` gave.
    unsafe { free(object.cast()) };
    // SAFETY: an instance of a heap type holds a reference to it, which goes with the instance.
    unsafe { ffi::Py_DECREF(class.cast()) };
}

/// The event that a slot was called with, and its values.
///
/// # Safety
///
/// The object is live.
unsafe fn receiver(py: Python<'_>, object: Object) -> (Bound<'_, PyAny>, EventValues<'_>) {
    // SAFETY: by the contract.
    let event = unsafe { Bound::from_borrowed_ptr(py, object) };
    match values(&event) {
        Some(values) => (event, values),
        None => unreachable!("a slot is called with an instance of its type"),
    }
}

/// The getter of `type`.
pub(super) unsafe extern "C" fn type_of(object: Object, _: *mut c_void) -> Object {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let event = unsafe { Bound::from_borrowed_ptr(py, object) };
        // SAFETY: the getter belongs to types of events.
        let opcode = unsafe { fields(&event) }.opcode;
        Ok(opcode_member(py, opcode)?.clone().into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

/// The getter of `message_finished`.
pub(super) unsafe extern "C" fn message_finished(object: Object, _: *mut c_void) -> Object {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let event = unsafe { Bound::from_borrowed_ptr(py, object) };
        // SAFETY: the getter belongs to a type of events.
        let finished = unsafe { fields(&event) }.number != 0;
        Ok(finished.into_py_any(py)?.into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

/// `__repr__`.
pub(super) unsafe extern "C" fn repr(object: Object) -> Object {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (event, values) = unsafe { receiver(py, object) };
        let shown = values.shown(py, &event.get_type().name()?.to_cow()?)?;
        Ok(PyString::from_bytes(py, shown.as_bytes())?.into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

/// `__hash__`: that of the fields.
pub(super) unsafe extern "C" fn hash(object: Object) -> ffi::Py_hash_t {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (_, values) = unsafe { receiver(py, object) };
        values.fields(py)?.hash()
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::hash(body) }
}

/// `==` and `!=`: of events of the same type, by the fields.
pub(super) unsafe extern "C" fn compare(object: Object, other: Object, operator: c_int) -> Object {
    let body = |py: Python<'_>| {
        // SAFETY: the interpreter gives a live instance.
        let (event, ours) = unsafe { receiver(py, object) };
        // SAFETY: the interpreter gives a live object.
        let other = unsafe { Bound::from_borrowed_ptr(py, other) };
        let comparable = matches!(operator, ffi::Py_EQ | ffi::Py_NE);
        if !comparable || !event.get_type().is(other.get_type()) {
            return Ok(py.NotImplemented().into_ptr());
        }
        // SAFETY: it is of the same type.
        let (_, theirs) = unsafe { receiver(py, other.as_ptr()) };
        let equal = ours.fields(py)?.eq(theirs.fields(py)?)?;
        Ok((equal == (operator == ffi::Py_EQ)).into_py_any(py)?.into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

/// `__reduce__`: the class and the fields.
pub(super) unsafe extern "C" fn reduce(object: Object, _: Object) -> Object {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (event, values) = unsafe { receiver(py, object) };
        Ok((event.get_type(), values.fields(py)?).into_pyobject(py)?.into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

/// Refuses to change a field, as a frozen dataclass does.
pub(super) unsafe extern "C" fn set_attribute(
    object: Object,
    name: Object,
    value: Object,
) -> c_int {
    let check = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (event, values) = unsafe { receiver(py, object) };
        // SAFETY: the interpreter gives a live name.
        let name = unsafe { Borrowed::from_ptr(py, name) };
        let name = name.cast::<PyString>()?.to_string_lossy().into_owned();
        let is_field = values.detail.kind().names().contains(&name.as_str());
        let exact = is_exact(&event.get_type(), values.detail.kind());
        if is_field || exact { Err(frozen(py, &name, value.is_null())?) } else { Ok(()) }
    };
    // SAFETY: the interpreter calls this attached.
    if unsafe { entry::status(check) } != 0 {
        return -1;
    }
    // SAFETY: attached, with a live object and name, and a live value or null, as the interpreter
    // gave them.
    unsafe { python::set_attribute(object, name, value) }
}

/// The `FrozenInstanceError` for a field.
fn frozen(py: Python<'_>, name: &str, deleting: bool) -> PyResult<PyErr> {
    let module = python::module(intern!(py, "dataclasses"))?;
    let class = python::attribute(&module, intern!(py, "FrozenInstanceError"))?;
    let action = if deleting { "delete" } else { "assign to" };
    let text = format!("cannot {action} field '{name}'");
    Ok(PyErr::from_value(python::call(&class, &(text,).into_pyobject(py)?, None)?))
}
