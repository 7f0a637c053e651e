//! Reads and writes the fields of an event in its memory.

use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString};
use wsdefrag_core::Opcode;

use crate::raw::event_kind::kind_of;
use crate::raw::event_storage::{EventFields, EventStorage, Object, OpaqueStorage};
use crate::read::event_value::{Detail, EventValues, Kind};

/// The fields of an event.
///
/// # Safety
///
/// The object is an event.
pub(super) unsafe fn fields<'a>(object: &'a Bound<'_, PyAny>) -> &'a EventFields {
    // SAFETY: an event begins with its storage, which nobody changes.
    unsafe { &(*object.as_ptr().cast::<EventStorage>()).fields }
}

/// The values of an event; `None` for any other object.
pub(crate) fn values<'py>(object: &Bound<'py, PyAny>) -> Option<EventValues<'py>> {
    let py = object.py();
    let kind = kind_of(object)?;
    // SAFETY: it is an event.
    let fields = unsafe { fields(object) };
    // SAFETY: by the storage's invariant it is live.
    let value = unsafe { Bound::from_borrowed_ptr(py, fields.value) };
    let detail = if kind == Kind::Close {
        // SAFETY: by the storage's invariant.
        Detail::Close(fields.number, unsafe { value.cast_into_unchecked::<PyString>() })
    } else if kind == Kind::Uncollected {
        // SAFETY: by the storage's invariant.
        Detail::Uncollected(fields.opcode, unsafe { value.cast_into_unchecked::<PyInt>() })
    } else {
        // SAFETY: by the storage's invariant.
        let bytes = unsafe { value.cast_into_unchecked() };
        match kind {
            Kind::Ping => Detail::Ping(bytes),
            Kind::Incomplete => Detail::Incomplete(fields.opcode, bytes),
            Kind::Chunk => Detail::Chunk(fields.opcode, bytes, fields.number != 0),
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
    Some(EventValues { detail, from_client, timestamp, offset })
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
        Detail::Uncollected(opcode, length) => (length.into_ptr(), 0, opcode),
        Detail::Chunk(opcode, content, finished) => (content.into_ptr(), finished.into(), opcode),
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
