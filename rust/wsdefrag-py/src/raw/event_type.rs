//! The types of events, defined through the C API: frozen, equal by value, hashable, picklable, and
//! not tracked by the garbage collector.
//!
//! `event_slots.rs` has the functions of the types.

#![expect(clippy::disallowed_methods, clippy::disallowed_macros, reason = "once for each type")]

use std::ffi::{CStr, c_int, c_void};
use std::mem::offset_of;
use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

use crate::raw::event_kind::TYPES;
use crate::raw::event_slots;
use crate::raw::event_storage::{EventStorage, OpaqueStorage};
use crate::raw::flags::change_flags;
use crate::read::event_docs;
use crate::read::event_value::Kind;

/// The types, in the order of [`Kind::ALL`], created once.
pub(crate) fn event_types(py: Python<'_>) -> PyResult<&[Py<PyType>; Kind::ALL.len()]> {
    TYPES.get_or_try_init(py, || {
        Ok([
            make_type(py, Kind::Ping)?,
            make_type(py, Kind::Pong)?,
            make_type(py, Kind::Close)?,
            make_type(py, Kind::Opaque)?,
            make_type(py, Kind::Incomplete)?,
            make_type(py, Kind::Uncollected)?,
            make_type(py, Kind::Chunk)?,
        ])
    })
}

/// The type of one kind of events.
#[inline]
pub(crate) fn event_type(py: Python<'_>, kind: Kind) -> PyResult<&Bound<'_, PyType>> {
    Ok(event_types(py)?[kind as usize].bind(py))
}

/// A type's name and docstring, which begins with the signature of the constructor.
const fn texts(kind: Kind) -> (&'static CStr, &'static CStr) {
    match kind {
        Kind::Ping => (c"wsdefrag.events.Ping", event_docs::PING),
        Kind::Pong => (c"wsdefrag.events.Pong", event_docs::PONG),
        Kind::Close => (c"wsdefrag.events.Close", event_docs::CLOSE),
        Kind::Opaque => (c"wsdefrag.events.OpaqueMessage", event_docs::OPAQUE),
        Kind::Incomplete => (c"wsdefrag.events.Incomplete", event_docs::INCOMPLETE),
        Kind::Uncollected => (c"wsdefrag.events.UncollectedMessage", event_docs::UNCOLLECTED),
        Kind::Chunk => (c"wsdefrag.events.MessageChunk", event_docs::CHUNK),
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
        Kind::Incomplete | Kind::Chunk => members.push(object(c"content")),
        Kind::Uncollected => members.push(object(c"length")),
        Kind::Opaque => {
            members.push(object(c"content"));
            members.push(member(c"rsv", ffi::Py_T_USHORT, number));
            let extension = offset_of!(OpaqueStorage, extension);
            members.push(member(c"extension", ffi::Py_T_OBJECT_EX, extension));
        }
    }
    members.push(ffi::PyMemberDef::default());
    let mut properties = Vec::new();
    let getter = |name: &'static CStr, get: ffi::getter| ffi::PyGetSetDef {
        name: name.as_ptr(),
        get: Some(get),
        ..Default::default()
    };
    if !matches!(kind, Kind::Ping | Kind::Pong | Kind::Close) {
        properties.push(getter(c"type", event_slots::type_of));
    }
    if kind == Kind::Chunk {
        properties.push(getter(c"message_finished", event_slots::message_finished));
    }
    properties.push(ffi::PyGetSetDef::default());
    let methods = [
        ffi::PyMethodDef {
            ml_name: c"__reduce__".as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunction: event_slots::reduce },
            ml_flags: ffi::METH_NOARGS,
            ml_doc: c"Return the class and the constructor's arguments.".as_ptr(),
        },
        ffi::PyMethodDef::zeroed(),
    ];
    let (name, doc) = texts(kind);
    // The type refers to the tables for as long as it lives, which is until the process ends.
    let mut slots = [
        (ffi::Py_tp_new, event_slots::new as *mut c_void),
        (ffi::Py_tp_dealloc, event_slots::dealloc as *mut c_void),
        (ffi::Py_tp_members, members.leak().as_mut_ptr().cast()),
        (ffi::Py_tp_getset, properties.leak().as_mut_ptr().cast()),
        (ffi::Py_tp_methods, Box::leak(Box::new(methods)).as_mut_ptr().cast()),
        (ffi::Py_tp_repr, event_slots::repr as *mut c_void),
        (ffi::Py_tp_hash, event_slots::hash as *mut c_void),
        (ffi::Py_tp_richcompare, event_slots::compare as *mut c_void),
        (ffi::Py_tp_setattro, event_slots::set_attribute as *mut c_void),
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
    // SAFETY: nobody else has the type yet, and its attributes are set.
    unsafe { change_flags(class, |flags| flags | ffi::Py_TPFLAGS_IMMUTABLETYPE) };
    // SAFETY: attached; the type is live.
    unsafe { ffi::PyType_Modified(class.as_type_ptr()) };
}
