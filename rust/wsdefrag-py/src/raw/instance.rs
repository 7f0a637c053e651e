//! Creates instances of dataclasses without their constructors, and so without running Python code.
//!
//! The constructor of a frozen dataclass calls `object.__setattr__` from Python for each field. A
//! whole 32-byte message of wsproto takes 940 ns with it and 160 ns without.

#![expect(clippy::disallowed_macros, reason = "a short text")]

use std::ptr;

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::raw::flags::flags;

/// A Python class whose instances are created by `object.__new__`.
pub(crate) struct PlainClass(Py<PyType>);

impl PlainClass {
    pub(crate) fn new(class: Bound<'_, PyType>) -> PyResult<Self> {
        // SAFETY: the pointer is to a live type object that nobody writes to.
        let definition = unsafe { &*class.as_type_ptr() };
        let object = class.py().get_type::<PyAny>();
        // SAFETY: likewise.
        let object = unsafe { &*object.as_type_ptr() };
        let made_like_object = match (definition.tp_new, object.tp_new) {
            (Some(new), Some(objects)) => ptr::fn_addr_eq(new, objects),
            _ => false,
        };
        let flags = flags(&class);
        let needs = ffi::Py_TPFLAGS_HEAPTYPE;
        let lacks = ffi::Py_TPFLAGS_IS_ABSTRACT;
        if made_like_object
            && flags & needs != 0
            && flags & lacks == 0
            && definition.tp_itemsize == 0
        {
            return Ok(Self(class.unbind()));
        }
        Err(PyTypeError::new_err(format!("{class} is not a plain class")))
    }

    pub(crate) fn class<'py>(&self, py: Python<'py>) -> &Bound<'py, PyType> {
        self.0.bind(py)
    }
}

/// A new instance of `class` with these attributes. Runs no Python code: neither `__init__` nor
/// `__setattr__` is called.
#[inline]
pub(crate) fn new_instance<'py>(
    py: Python<'py>,
    class: &PlainClass,
    attributes: &[(&Bound<'py, PyString>, Bound<'py, PyAny>)],
) -> PyResult<Bound<'py, PyAny>> {
    let class = class.0.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: the class is live. `PyType_Ready` gives every type a `tp_alloc`.
    let alloc = unsafe { (*class).tp_alloc }.unwrap_or(ffi::PyType_GenericAlloc);
    // SAFETY: attached. The class is one that `object.__new__` makes instances of, by this very
    // call, after checks that `PlainClass` has made.
    let object = unsafe { alloc(class, 0) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    let instance = unsafe { Bound::from_owned_ptr_or_err(py, object) }?;
    for (name, value) in attributes {
        set(&instance, name, value)?;
    }
    Ok(instance)
}

/// A class of exceptions whose instances are created by CPython's own code.
pub(crate) struct ExceptionClass(Py<PyType>);

impl ExceptionClass {
    pub(crate) fn new(class: Bound<'_, PyType>) -> PyResult<Self> {
        // SAFETY: the pointer is to a live type object that nobody writes to.
        let definition = unsafe { &*class.as_type_ptr() };
        let exception = class.py().get_type::<PyException>();
        // SAFETY: likewise.
        let exception = unsafe { &*exception.as_type_ptr() };
        match (definition.tp_new, exception.tp_new) {
            (Some(new), Some(exceptions)) if ptr::fn_addr_eq(new, exceptions) => {
                Ok(Self(class.unbind()))
            }
            _ => Err(PyTypeError::new_err(format!("{class} is not a plain class of exceptions"))),
        }
    }
}

/// A new exception with a text and these attributes. Runs no Python code: `__init__`, which would
/// only set the attributes, is not called.
pub(crate) fn new_exception<'py>(
    py: Python<'py>,
    class: &ExceptionClass,
    text: &str,
    attributes: &[(&Bound<'py, PyString>, Bound<'py, PyAny>)],
) -> PyResult<Bound<'py, PyAny>> {
    let text = PyString::from_bytes(py, text.as_bytes())?;
    // SAFETY: attached; one object is given, and it is live.
    let arguments = unsafe { ffi::PyTuple_Pack(1, text.as_ptr()) };
    // SAFETY: attached; null with an exception set, where PyO3 would panic, or an owned reference.
    let arguments = unsafe { Bound::from_owned_ptr_or_err(py, arguments) }?;
    let class = class.0.as_ptr().cast::<ffi::PyTypeObject>();
    // SAFETY: the class is live.
    let Some(new) = (unsafe { (*class).tp_new }) else { unreachable!("it was compared in `new`") };
    // SAFETY: attached; a class, a tuple, and no keywords.
    let object = unsafe { new(class, arguments.as_ptr(), ptr::null_mut()) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    let exception = unsafe { Bound::from_owned_ptr_or_err(py, object) }?;
    for (name, value) in attributes {
        set(&exception, name, value)?;
    }
    Ok(exception)
}

/// Sets an attribute by what `object.__setattr__` calls.
#[inline]
fn set<'py>(
    instance: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    // SAFETY: attached; all three are live. The call takes references of its own.
    let failed =
        unsafe { ffi::PyObject_GenericSetAttr(instance.as_ptr(), name.as_ptr(), value.as_ptr()) };
    if failed == 0 { Ok(()) } else { Err(PyErr::fetch(instance.py())) }
}
