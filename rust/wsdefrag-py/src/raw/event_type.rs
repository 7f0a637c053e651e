//! The types of events, defined through the C API: frozen, equal by value, hashable, picklable, and
//! not tracked by the garbage collector.
//!
//! The slots below serve all types. `read/event_value.rs` has what does not need the memory: the
//! constructor's arguments, the fields, `repr`.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "once for each type, and short texts"
)]

use std::ffi::{CStr, c_int, c_void};
use std::mem::offset_of;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{Borrowed, IntoPyObjectExt, intern};
use wsdefrag_core::Opcode;

use crate::opcodes::opcode_member;
use crate::raw::entry;
use crate::raw::event_storage::{EventFields, EventStorage, Object, OpaqueStorage};
use crate::raw::python;
use crate::read::event_docs;
use crate::read::event_value::{Detail, EventValues, Kind};

/// The types, in the order of [`Kind::ALL`], created once.
pub(crate) fn event_types(py: Python<'_>) -> PyResult<&[Py<PyType>; 5]> {
    static TYPES: PyOnceLock<[Py<PyType>; 5]> = PyOnceLock::new();
    TYPES.get_or_try_init(py, || {
        Ok([
            make_type(py, Kind::Ping)?,
            make_type(py, Kind::Pong)?,
            make_type(py, Kind::Close)?,
            make_type(py, Kind::Opaque)?,
            make_type(py, Kind::Incomplete)?,
        ])
    })
}

/// The type of one kind of events.
#[inline]
pub(crate) fn event_type(py: Python<'_>, kind: Kind) -> PyResult<&Bound<'_, PyType>> {
    Ok(event_types(py)?[kind as usize].bind(py))
}

/// The kind of an event, a subclass's as well; `None` for any other object.
pub(crate) fn kind_of(object: &Bound<'_, PyAny>) -> PyResult<Option<Kind>> {
    let types = event_types(object.py())?;
    let ours = |kind: &Kind| {
        let class = types[*kind as usize].as_ptr().cast();
        // SAFETY: attached; both are live.
        unsafe { ffi::PyObject_TypeCheck(object.as_ptr(), class) != 0 }
    };
    Ok(Kind::ALL.into_iter().find(ours))
}

/// A type's name and docstring, which begins with the signature of the constructor.
const fn texts(kind: Kind) -> (&'static CStr, &'static CStr) {
    match kind {
        Kind::Ping => (c"wsdefrag.events.Ping", event_docs::PING),
        Kind::Pong => (c"wsdefrag.events.Pong", event_docs::PONG),
        Kind::Close => (c"wsdefrag.events.Close", event_docs::CLOSE),
        Kind::Opaque => (c"wsdefrag.events.OpaqueMessage", event_docs::OPAQUE),
        Kind::Incomplete => (c"wsdefrag.events.Incomplete", event_docs::INCOMPLETE),
    }
}

fn make_type(py: Python<'_>, kind: Kind) -> PyResult<Py<PyType>> {
    let member = |name: &'static CStr, type_code: c_int, offset: usize| ffi::PyMemberDef {
        name: name.as_ptr(),
        type_code,
        offset: offset.cast_signed(),
        flags: ffi::Py_READONLY,
        ..Default::default()
    };
    let value = offset_of!(EventStorage, fields.value);
    let number = offset_of!(EventStorage, fields.number);
    let object = |name| member(name, ffi::Py_T_OBJECT_EX, value);
    let mut members = vec![
        member(c"from_client", ffi::Py_T_BOOL, offset_of!(EventStorage, fields.from_client)),
        member(c"timestamp", ffi::Py_T_DOUBLE, offset_of!(EventStorage, fields.timestamp)),
        member(c"offset", ffi::Py_T_ULONGLONG, offset_of!(EventStorage, fields.offset)),
    ];
    match kind {
        Kind::Ping | Kind::Pong => members.push(object(c"payload")),
        Kind::Close => {
            members.push(member(c"close_code", ffi::Py_T_USHORT, number));
            members.push(object(c"close_reason"));
        }
        Kind::Incomplete => members.push(object(c"content")),
        Kind::Opaque => {
            members.push(object(c"content"));
            members.push(member(c"rsv", ffi::Py_T_USHORT, number));
            let extension = offset_of!(OpaqueStorage, extension);
            members.push(member(c"extension", ffi::Py_T_OBJECT_EX, extension));
        }
    }
    members.push(ffi::PyMemberDef::default());
    let mut properties = Vec::new();
    if matches!(kind, Kind::Opaque | Kind::Incomplete) {
        let get = Some(type_of as ffi::getter);
        properties.push(ffi::PyGetSetDef { name: c"type".as_ptr(), get, ..Default::default() });
    }
    properties.push(ffi::PyGetSetDef::default());
    let methods = [
        ffi::PyMethodDef {
            ml_name: c"__reduce__".as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunction: reduce },
            ml_flags: ffi::METH_NOARGS,
            ml_doc: c"Return the class and the constructor's arguments.".as_ptr(),
        },
        ffi::PyMethodDef::zeroed(),
    ];
    let (name, doc) = texts(kind);
    // The type refers to the tables for as long as it lives, which is until the process ends.
    let mut slots = [
        (ffi::Py_tp_new, new as *mut c_void),
        (ffi::Py_tp_dealloc, dealloc as *mut c_void),
        (ffi::Py_tp_members, members.leak().as_mut_ptr().cast()),
        (ffi::Py_tp_getset, properties.leak().as_mut_ptr().cast()),
        (ffi::Py_tp_methods, Box::leak(Box::new(methods)).as_mut_ptr().cast()),
        (ffi::Py_tp_repr, repr as *mut c_void),
        (ffi::Py_tp_hash, hash as *mut c_void),
        (ffi::Py_tp_richcompare, compare as *mut c_void),
        (ffi::Py_tp_setattro, set_attribute as *mut c_void),
        (ffi::Py_tp_doc, doc.as_ptr().cast_mut().cast()),
        (0, ptr::null_mut()),
    ]
    .map(|(slot, pfunc)| ffi::PyType_Slot { slot, pfunc });
    let size = match kind {
        Kind::Opaque => size_of::<OpaqueStorage>(),
        _ => size_of::<EventStorage>(),
    };
    let mut spec = ffi::PyType_Spec {
        name: name.as_ptr(),
        basicsize: c_int::try_from(size)?,
        itemsize: 0,
        flags: u32::try_from(ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE)?,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: attached. The spec and its slots end with a zero slot and outlive the call; what
    // they point to lives for ever. Each function has the signature that its slot asks for, and
    // each member's offset is that of a field of its type, none of which is ever written to.
    let class = unsafe { ffi::PyType_FromSpec(&raw mut spec) };
    // SAFETY: attached; null with an exception set, or an owned reference.
    let class = unsafe { Bound::from_owned_ptr_or_err(py, class) }?;
    let class = class.cast_into::<PyType>()?;
    class.setattr("__match_args__", PyTuple::new(py, kind.names())?)?;
    freeze(&class);
    Ok(class.unbind())
}

/// Makes a new type immutable, as `Py_TPFLAGS_IMMUTABLETYPE` in a spec does.
fn freeze(class: &Bound<'_, PyType>) {
    // SAFETY: attached, and nobody else has the type yet.
    unsafe {
        (*class.as_type_ptr()).tp_flags |= ffi::Py_TPFLAGS_IMMUTABLETYPE;
    }
    // SAFETY: attached; the type is live.
    unsafe { ffi::PyType_Modified(class.as_type_ptr()) };
}

/// The fields of an event.
///
/// # Safety
///
/// The object is an event.
unsafe fn storage<'a>(object: &'a Bound<'_, PyAny>) -> &'a EventFields {
    // SAFETY: an event begins with its storage, which nobody changes.
    unsafe { &(*object.as_ptr().cast::<EventStorage>()).fields }
}

/// The values of an event; `None` for any other object.
pub(crate) fn values<'py>(object: &Bound<'py, PyAny>) -> PyResult<Option<EventValues<'py>>> {
    let py = object.py();
    let Some(kind) = kind_of(object)? else { return Ok(None) };
    // SAFETY: it is an event.
    let fields = unsafe { storage(object) };
    // SAFETY: by the storage's invariant it is live.
    let value = unsafe { Bound::from_borrowed_ptr(py, fields.value) };
    let detail = if kind == Kind::Close {
        // SAFETY: by the storage's invariant.
        Detail::Close(fields.number, unsafe { value.cast_into_unchecked::<PyString>() })
    } else {
        // SAFETY: by the storage's invariant.
        let bytes = unsafe { value.cast_into_unchecked() };
        match kind {
            Kind::Ping => Detail::Ping(bytes),
            Kind::Incomplete => Detail::Incomplete(fields.opcode, bytes),
            Kind::Opaque => {
                // SAFETY: an `OpaqueMessage` has an `OpaqueStorage`.
                let extension = unsafe { (*object.as_ptr().cast::<OpaqueStorage>()).extension };
                // SAFETY: by the storage's invariant it is live.
                let extension = unsafe { Bound::from_borrowed_ptr(py, extension) };
                // SAFETY: likewise a `str`.
                let extension = unsafe { extension.cast_into_unchecked() };
                let (opcode, rsv) = (fields.opcode, fields.number);
                Detail::Opaque { opcode, content: bytes, rsv, extension }
            }
            _ => Detail::Pong(bytes),
        }
    };
    let EventFields { from_client, timestamp, offset, .. } = *fields;
    Ok(Some(EventValues { detail, from_client, timestamp, offset }))
}

/// Writes the values into a new instance.
///
/// # Safety
///
/// The object is a new instance of the type for these values or of a subclass, with its head
/// initialised, and nobody else has it.
#[inline]
pub(super) unsafe fn fill(object: Object, values: EventValues<'_>) {
    let EventValues { detail, from_client, timestamp, offset } = values;
    let (value, number, opcode) = match detail {
        Detail::Ping(payload) => (payload.into_ptr(), 0, Opcode::Ping),
        Detail::Pong(payload) => (payload.into_ptr(), 0, Opcode::Pong),
        Detail::Close(code, reason) => (reason.into_ptr(), code, Opcode::Close),
        Detail::Incomplete(opcode, content) => (content.into_ptr(), 0, opcode),
        Detail::Opaque { opcode, content, rsv, extension } => {
            // SAFETY: an `OpaqueMessage` has an `OpaqueStorage`.
            unsafe { (*object.cast::<OpaqueStorage>()).extension = extension.into_ptr() };
            (content.into_ptr(), rsv, opcode)
        }
    };
    // SAFETY: by the contract.
    let fields = unsafe { &raw mut (*object.cast::<EventStorage>()).fields };
    // SAFETY: by the contract.
    unsafe { fields.write(EventFields { value, timestamp, offset, number, opcode, from_client }) };
}

unsafe extern "C" fn new(
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

/// The kind of events whose type a class is or inherits.
fn kind_of_class(class: &Bound<'_, PyType>) -> PyResult<Kind> {
    let types = event_types(class.py())?;
    for kind in Kind::ALL {
        if class.is_subclass(types[kind as usize].bind(class.py()))? {
            return Ok(kind);
        }
    }
    unreachable!("a type's `tp_new` is called with it or a subclass of it")
}

unsafe extern "C" fn dealloc(object: Object) {
    // SAFETY: the object is live until it is freed below.
    let class = unsafe { ffi::Py_TYPE(object) };
    // SAFETY: it begins with an `EventStorage`.
    let value = unsafe { (*object.cast::<EventStorage>()).fields.value };
    // SAFETY: attached; by the invariant the reference is ours.
    unsafe { ffi::Py_DECREF(value) };
    if is_opaque(object) {
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

/// Whether an event that is being freed is an `OpaqueMessage`.
fn is_opaque(object: Object) -> bool {
    // SAFETY: the interpreter calls `tp_dealloc` attached.
    let py = unsafe { Python::assume_attached() };
    let Ok(types) = event_types(py) else { return false };
    let class = types[Kind::Opaque as usize].as_ptr().cast();
    // SAFETY: attached; both are live.
    unsafe { ffi::PyObject_TypeCheck(object, class) != 0 }
}

/// The event that a slot was called with, and its values.
///
/// # Safety
///
/// The object is live.
unsafe fn receiver(
    py: Python<'_>,
    object: Object,
) -> PyResult<(Bound<'_, PyAny>, EventValues<'_>)> {
    // SAFETY: by the contract.
    let event = unsafe { Bound::from_borrowed_ptr(py, object) };
    match values(&event)? {
        Some(values) => Ok((event, values)),
        None => unreachable!("a slot is called with an instance of its type"),
    }
}

unsafe extern "C" fn type_of(object: Object, _: *mut c_void) -> Object {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let event = unsafe { Bound::from_borrowed_ptr(py, object) };
        // SAFETY: the getter belongs to types of events.
        let opcode = unsafe { storage(&event) }.opcode;
        Ok(opcode_member(py, opcode)?.clone().into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

unsafe extern "C" fn repr(object: Object) -> Object {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (event, values) = unsafe { receiver(py, object) }?;
        let shown = values.shown(py, &event.get_type().name()?.to_cow()?)?;
        Ok(PyString::from_bytes(py, shown.as_bytes())?.into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

unsafe extern "C" fn hash(object: Object) -> ffi::Py_hash_t {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (_, values) = unsafe { receiver(py, object) }?;
        values.fields(py)?.hash()
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::hash(body) }
}

unsafe extern "C" fn compare(object: Object, other: Object, operator: c_int) -> Object {
    let body = |py: Python<'_>| {
        // SAFETY: the interpreter gives a live instance.
        let (event, ours) = unsafe { receiver(py, object) }?;
        // SAFETY: the interpreter gives a live object.
        let other = unsafe { Bound::from_borrowed_ptr(py, other) };
        let comparable = matches!(operator, ffi::Py_EQ | ffi::Py_NE);
        if !comparable || !event.get_type().is(other.get_type()) {
            return Ok(py.NotImplemented().into_ptr());
        }
        // SAFETY: it is of the same type.
        let (_, theirs) = unsafe { receiver(py, other.as_ptr()) }?;
        let equal = ours.fields(py)?.eq(theirs.fields(py)?)?;
        Ok((equal == (operator == ffi::Py_EQ)).into_py_any(py)?.into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

unsafe extern "C" fn reduce(object: Object, _: Object) -> Object {
    let body = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (event, values) = unsafe { receiver(py, object) }?;
        Ok((event.get_type(), values.fields(py)?).into_pyobject(py)?.into_ptr())
    };
    // SAFETY: the interpreter calls this attached.
    unsafe { entry::object(body) }
}

/// Refuses to change a field, as a frozen dataclass does.
unsafe extern "C" fn set_attribute(object: Object, name: Object, value: Object) -> c_int {
    let check = |py| {
        // SAFETY: the interpreter gives a live instance.
        let (event, values) = unsafe { receiver(py, object) }?;
        // SAFETY: the interpreter gives a live name.
        let name = unsafe { Borrowed::from_ptr(py, name) };
        let name = name.cast::<PyString>()?.to_string_lossy().into_owned();
        let is_field = values.detail.kind().names().contains(&name.as_str());
        let exact = event.get_type().is(event_type(py, values.detail.kind())?);
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
