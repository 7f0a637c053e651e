//! The memory of an event.
//!
//! All types but `OpaqueMessage` have the same fields; what `value` and `number` hold depends on
//! the type. An event refers only to a `bytes`, a `str` or an `int`, so it cannot be part of a cycle,
//! and the garbage collector does not track it.
//!
//! - from the moment an event is reachable until it is freed, `value` is an owned reference: a
//!   close reason is an exact `str`, a length an exact `int`, a payload or content an exact `bytes`;
//!   `extension` is an owned reference to a `str`; nobody changes a field
//! - an event with its slot in a list takes less than 64 bytes; without a GIL objects are 16 bytes larger

use pyo3::ffi;
use wsdefrag_core::Opcode;

pub(super) type Object = *mut ffi::PyObject;

#[repr(C)]
pub(super) struct EventStorage {
    head: ffi::PyObject,
    pub(super) fields: EventFields,
}

/// The fields of an event.
#[repr(C)]
pub(super) struct EventFields {
    /// A payload, a content, a length or a close reason.
    pub(super) value: Object,
    pub(super) timestamp: f64,
    pub(super) offset: u64,
    /// A close code, the reserved bits of an `OpaqueMessage`, or whether a `MessageChunk` is the last
    /// one of its message.
    pub(super) number: u16,
    /// The `type` of a message, or of a part of one.
    pub(super) opcode: Opcode,
    pub(super) from_client: bool,
}

const _: () = assert!(
    size_of::<EventStorage>() - size_of::<ffi::PyObject>() <= 32,
    "with its head of 16 bytes and its slot in a list below 64"
);

/// The memory of an `OpaqueMessage`.
#[repr(C)]
pub(super) struct OpaqueStorage {
    pub(super) event: EventStorage,
    /// The name of the extension.
    pub(super) extension: Object,
}
