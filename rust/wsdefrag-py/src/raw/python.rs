//! Calls into Python code that can survive the end of the interpreter.
//!
//! Until CPython 3.13, a daemon thread that waits for the GIL when the interpreter ends is ended by
//! `pthread_exit`, which unwinds its stack. Rust frames cannot be unwound like that: the process
//! would abort. So each call that may run Python code goes through here. While the stack is
//! unwound, [`Hang`] stops the thread for ever, as CPython 3.14 does with all such threads. PyO3
//! does the same where it takes the GIL itself.
//!
//! The C functions are called as `C-unwind`. With the ABI `C` the compiler would leave out the drop
//! of the guard; `black_box` keeps it from noticing that PyO3 declares them so.

use std::ffi::c_int;
use std::hint::black_box;
use std::mem;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

type Object = *mut ffi::PyObject;

/// Stops the thread when it is dropped by anything but a Rust panic.
struct Hang;

impl Drop for Hang {
    #[cold]
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        // The GIL is not held, and must not be waited for.
        loop {
            std::thread::park();
        }
    }
}

/// Calls `work`, which calls a C function that may run Python code.
#[inline]
fn guarded<R>(work: impl FnOnce() -> R) -> R {
    let guard = Hang;
    let result = work();
    mem::forget(guard);
    result
}

type Unary = unsafe extern "C" fn(Object) -> Object;
type EndingUnary = unsafe extern "C-unwind" fn(Object) -> Object;
type Binary = unsafe extern "C" fn(Object, Object) -> Object;
type EndingBinary = unsafe extern "C-unwind" fn(Object, Object) -> Object;
type Setter = unsafe extern "C" fn(Object, Object, Object) -> c_int;
type EndingSetter = unsafe extern "C-unwind" fn(Object, Object, Object) -> c_int;
type Ternary = unsafe extern "C" fn(Object, Object, Object) -> Object;
type EndingTernary = unsafe extern "C-unwind" fn(Object, Object, Object) -> Object;
type Vector = unsafe extern "C" fn(Object, *const Object, usize, Object) -> Object;
type EndingVector = unsafe extern "C-unwind" fn(Object, *const Object, usize, Object) -> Object;

/// Calls a Python object.
pub(crate) fn call<'py>(
    callable: &Bound<'py, PyAny>,
    arguments: &Bound<'py, PyTuple>,
    keywords: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let plain: Ternary = black_box(ffi::PyObject_Call);
    // SAFETY: the two function types differ only in whether the callee may unwind.
    let function = unsafe { mem::transmute::<Ternary, EndingTernary>(plain) };
    let keywords = keywords.map_or(ptr::null_mut(), Bound::as_ptr);
    // SAFETY: attached; callable, tuple and dict are live.
    let result = guarded(|| unsafe { function(callable.as_ptr(), arguments.as_ptr(), keywords) });
    // SAFETY: attached; null with an exception set, or an owned reference.
    unsafe { Bound::from_owned_ptr_or_err(callable.py(), result) }
}

/// Calls a Python object with one argument.
pub(crate) fn call_with<'py>(
    callable: &Bound<'py, PyAny>,
    argument: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let plain: Vector = black_box(ffi::PyObject_VectorcallDict);
    // SAFETY: as in `call`.
    let function = unsafe { mem::transmute::<Vector, EndingVector>(plain) };
    let (object, arguments, none) = (callable.as_ptr(), [argument.as_ptr()], ptr::null_mut());
    // SAFETY: attached; both are live, and so are the arguments, whose number is right.
    let result = guarded(|| unsafe { function(object, arguments.as_ptr(), arguments.len(), none) });
    // SAFETY: attached; null with an exception set, or an owned reference.
    unsafe { Bound::from_owned_ptr_or_err(callable.py(), result) }
}

/// Calls a method of a Python object.
pub(crate) fn call_method<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    arguments: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    call(&attribute(object, name)?, arguments, None)
}

/// An attribute of a Python object.
pub(crate) fn attribute<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    let plain: Binary = black_box(ffi::PyObject_GetAttr);
    // SAFETY: as in `call`.
    let function = unsafe { mem::transmute::<Binary, EndingBinary>(plain) };
    // SAFETY: attached; both are live.
    let result = guarded(|| unsafe { function(object.as_ptr(), name.as_ptr()) });
    // SAFETY: attached; null with an exception set, or an owned reference.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), result) }
}

/// Sets an attribute as `object.__setattr__` does, or deletes it if `value` is null. A property's setter
/// is Python code. Returns 0, or -1 with an exception.
///
/// # Safety
///
/// Attached; the object and the name are live, and the value is live or null.
#[inline]
pub(super) unsafe fn set_attribute(object: Object, name: Object, value: Object) -> c_int {
    let plain: Setter = black_box(ffi::PyObject_GenericSetAttr);
    // SAFETY: as in `call`.
    let function = unsafe { mem::transmute::<Setter, EndingSetter>(plain) };
    // SAFETY: by the contract.
    guarded(|| unsafe { function(object, name, value) })
}

/// Sets an attribute as `object.__setattr__` does.
pub(crate) fn set<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
    value: &Bound<'py, PyAny>,
) -> PyResult<()> {
    // SAFETY: attached; all three are live. The call takes references of its own.
    let failed = unsafe { set_attribute(object.as_ptr(), name.as_ptr(), value.as_ptr()) };
    if failed == 0 { Ok(()) } else { Err(PyErr::fetch(object.py())) }
}

/// A module, imported if it is not yet.
pub(crate) fn module<'py>(name: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyAny>> {
    unary(ffi::PyImport_Import, name)
}

/// A memoryview of an object that offers the buffer protocol.
pub(crate) fn view<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    unary(ffi::PyMemoryView_FromObject, object)
}

/// Calls a function that takes an object and returns a new reference.
fn unary<'py>(plain: Unary, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: as in `call`.
    let function = unsafe { mem::transmute::<Unary, EndingUnary>(black_box(plain)) };
    // SAFETY: attached; the object is live.
    let result = guarded(|| unsafe { function(object.as_ptr()) });
    // SAFETY: attached; null with an exception set, or an owned reference.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), result) }
}
