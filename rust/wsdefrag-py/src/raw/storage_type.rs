//! `MessageStorage`, the base class of `WebSocketMessage`, defined through the C API.
//!
//! PyO3 makes the garbage collector track every class. A message refers only to a `bytes`, so it
//! cannot be part of a cycle, and with millions of objects the collector would cost more than
//! everything else. The C API allows an untracked type whose fields are a C struct, filled in place
//! without a constructor; `fields` has its accessors. Python tracks instances of every class it
//! defines; [`untracked`] undoes that for `WebSocketMessage`, which adds no fields.

#![expect(clippy::disallowed_methods, reason = "once for each type")]

use std::ffi::{CStr, c_int, c_void};
use std::mem::offset_of;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::raw::fields;
use crate::raw::flags::change_flags;
use crate::raw::interpreter::PerInterpreter;
use crate::raw::storage::Storage;

/// `MessageStorage`, created once.
pub(crate) fn storage_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static TYPE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    TYPE.get_or_try_init(py, || make_type(py)).map(|class| class.bind(py))
}

fn make_type(py: Python<'_>) -> PyResult<Py<PyType>> {
    let flag = |name: &'static CStr, offset: usize| ffi::PyMemberDef {
        name: name.as_ptr(),
        type_code: ffi::Py_T_BOOL,
        offset: offset.cast_signed(),
        ..Default::default()
    };
    let property = |name: &'static CStr, get, set| ffi::PyGetSetDef {
        name: name.as_ptr(),
        get: Some(get),
        set: Some(set),
        ..Default::default()
    };
    // The type refers to these for as long as it lives, which is until the process ends.
    let members = Box::leak(Box::new([
        flag(c"from_client", offset_of!(Storage, fields.from_client)),
        flag(c"dropped", offset_of!(Storage, fields.dropped)),
        flag(c"injected", offset_of!(Storage, fields.injected)),
        ffi::PyMemberDef::default(),
    ]));
    let properties = Box::leak(Box::new([
        property(c"type", fields::type_of, fields::set_type),
        property(c"content", fields::content_of, fields::set_content),
        property(c"timestamp", fields::timestamp_of, fields::set_timestamp),
        ffi::PyGetSetDef::default(),
    ]));
    let doc = c"The fields of a message; ``WebSocketMessage`` adds all behaviour.";
    let mut slots = [
        (ffi::Py_tp_new, new as *mut c_void),
        (ffi::Py_tp_dealloc, dealloc as *mut c_void),
        (ffi::Py_tp_members, members.as_mut_ptr().cast()),
        (ffi::Py_tp_getset, properties.as_mut_ptr().cast()),
        (ffi::Py_tp_setattro, fields::set_attribute as *mut c_void),
        (ffi::Py_tp_doc, doc.as_ptr().cast_mut().cast()),
        (0, ptr::null_mut()),
    ]
    .map(|(slot, pfunc)| ffi::PyType_Slot { slot, pfunc });
    let flags = ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE | ffi::Py_TPFLAGS_IMMUTABLETYPE;
    let mut spec = ffi::PyType_Spec {
        name: c"wsdefrag._native.MessageStorage".as_ptr(),
        basicsize: c_int::try_from(size_of::<Storage>())?,
        itemsize: 0,
        flags: u32::try_from(flags)?,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: attached. The spec and its slots end with a zero slot and outlive the call; what
    // they point to lives for ever. Each function has the signature that its slot asks for, and
    // each member's offset is that of a field of its type (`bool` is one byte, 0 or 1, and
    // `Py_T_BOOL` writes nothing else).
    let class = unsafe { ffi::PyType_FromSpec(&raw mut spec) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, class) }?;
    Ok(class.cast_into::<PyType>()?.unbind())
}

/// The class that [`untracked`] was called with last; an owned reference, or null. Those of other
/// interpreters are recognised by their base.
static UNTRACKED: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(ptr::null_mut());

/// The class whose instances are not tracked, or null as long as there is none.
#[inline]
pub(super) fn untracked_type() -> *mut ffi::PyTypeObject {
    UNTRACKED.load(Ordering::Acquire)
}

/// Keep the garbage collector from tracking instances of a class.
///
/// Args:
///     cls: A direct subclass of ``MessageStorage`` that adds no fields.
///
/// Returns:
///     The same class.
///
/// Raises:
///     TypeError: If the class adds fields, or is not such a subclass.
#[pyfunction]
#[pyo3(signature = (cls))]
pub(crate) fn untracked(cls: Bound<'_, PyType>) -> PyResult<Bound<'_, PyType>> {
    static DONE: PerInterpreter<AtomicBool> = PerInterpreter::new();
    // Allowed once in each interpreter, and for one class: an instance created earlier would be
    // freed as the wrong kind. The package calls this when it is imported, before any other code
    // can.
    if DONE.get_or_try_init(cls.py(), || Ok(AtomicBool::new(false)))?.swap(true, Ordering::Relaxed)
    {
        return Err(PyRuntimeError::new_err("for WebSocketMessage only"));
    }
    let storage = storage_type(cls.py())?.as_type_ptr();
    // A message refers to a `bytes` and nothing else, so it is never part of a cycle. A subclass
    // may be, and is tracked as usual: `type.__new__` sees to that.
    //
    // SAFETY: the pointer is to a live type object that nobody writes to.
    let ours = unsafe { &*storage };
    // SAFETY: likewise live, and a decorator runs before anybody else has the class to write to.
    let theirs = unsafe { &mut *cls.as_type_ptr() };
    let adds_nothing = theirs.tp_base == storage
        && theirs.tp_basicsize == ours.tp_basicsize
        && theirs.tp_dictoffset == 0
        && theirs.tp_weaklistoffset == 0
        && theirs.tp_finalize.is_none()
        && theirs.tp_del.is_none();
    if !adds_nothing {
        return Err(PyTypeError::new_err("only a subclass of MessageStorage without fields"));
    }
    // These are what `type.__new__` would have left had it made a class that is not tracked:
    // `tp_alloc` and the deallocation of subclasses look at the flag when they are called. Our own
    // `tp_dealloc` releases all that an instance holds, so the generic one has nothing to add.
    theirs.tp_traverse = None;
    theirs.tp_clear = None;
    theirs.tp_free = Some(ffi::PyObject_Free);
    theirs.tp_dealloc = Some(dealloc);
    // SAFETY: as above; with these functions its instances are not tracked.
    unsafe { change_flags(&cls, |flags| flags & !ffi::Py_TPFLAGS_HAVE_GC) };
    // With a reference of its own, so that no other class will ever have this address.
    UNTRACKED.store(cls.clone().into_ptr().cast(), Ordering::Release);
    Ok(cls)
}

/// A new instance, or null with an exception set. Takes over the reference `content`.
///
/// # Safety
///
/// Attached; `class` is `MessageStorage` or inherits it; `content` is an owned reference to a
/// `bytes`.
#[inline]
unsafe fn allocate(
    class: *mut ffi::PyTypeObject,
    content: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the class is live. `PyType_Ready` gives every type a `tp_alloc`.
    let alloc = unsafe { (*class).tp_alloc }.unwrap_or(ffi::PyType_GenericAlloc);
    // SAFETY: attached; instances are of fixed size.
    let object = unsafe { alloc(class, 0) };
    if object.is_null() {
        // SAFETY: attached; the reference is ours.
        unsafe { ffi::Py_DECREF(content) };
        return object;
    }
    let storage = object.cast::<Storage>();
    // SAFETY: the instance begins with a `Storage`, of which `tp_alloc` initialised the head and
    // set the rest to zero. Zero is a valid value of every other field: `Opcode::Continuation`,
    // 0.0, false.
    unsafe { (*storage).fields.content = content };
    object
}

unsafe extern "C" fn new(
    class: *mut ffi::PyTypeObject,
    _args: *mut ffi::PyObject,
    _kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls this attached.
    let empty = unsafe { ffi::PyBytes_FromStringAndSize(ptr::null(), 0) };
    if empty.is_null() {
        return empty;
    }
    // SAFETY: attached; the interpreter calls a type's `tp_new` with it or a subclass of it, and
    // `empty` is ours.
    unsafe { allocate(class, empty) }
}

unsafe extern "C" fn dealloc(object: *mut ffi::PyObject) {
    // SAFETY: the object is live until it is freed below.
    let class = unsafe { ffi::Py_TYPE(object) };
    // SAFETY: it begins with a `Storage`.
    let content = unsafe { (*object.cast::<Storage>()).fields.content };
    // SAFETY: attached; by the invariant the reference is ours.
    unsafe { ffi::Py_DECREF(content) };
    // SAFETY: the class is live, and ready, so it has a `tp_free`.
    let free = unsafe { (*class).tp_free }.unwrap_or(ffi::PyObject_Free);
    // SAFETY: attached; `tp_free` takes what the same class's `tp_alloc` gave.
    unsafe { free(object.cast()) };
    // SAFETY: an instance of a heap type holds a reference to it, which goes with the instance.
    unsafe { ffi::Py_DECREF(class.cast()) };
}
