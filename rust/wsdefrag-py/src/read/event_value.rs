//! The values of an event: constructor arguments, fields, `repr`.
//!
//! `raw/event_type.rs` has the types, `raw/event_slots.rs` their functions.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "texts of at most 200 characters, and as many values as an event has fields"
)]

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyString, PyTuple};
use wsdefrag_core::Opcode;

use crate::opcodes::{opcode_member, parse_opcode};
use crate::raw::number::integer;
use crate::shown::{shown_call, shown_payload, shown_text};

/// A type of events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Ping,
    Pong,
    Close,
    Opaque,
    Incomplete,
    Uncollected,
    Chunk,
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Ping,
        Self::Pong,
        Self::Close,
        Self::Opaque,
        Self::Incomplete,
        Self::Uncollected,
        Self::Chunk,
    ];

    /// The names of the fields, in the order of the constructor's arguments.
    pub(crate) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Ping | Self::Pong => &["payload", "from_client", "timestamp", "offset"],
            Self::Close => &["close_code", "close_reason", "from_client", "timestamp", "offset"],
            Self::Opaque => {
                &["type", "content", "rsv", "extension", "from_client", "timestamp", "offset"]
            }
            Self::Incomplete => &["type", "content", "from_client", "timestamp", "offset"],
            Self::Uncollected => &["type", "length", "from_client", "timestamp", "offset"],
            Self::Chunk => {
                &["type", "content", "message_finished", "from_client", "timestamp", "offset"]
            }
        }
    }
}

/// What a type of events has besides the fields of all events.
#[derive(Clone)]
pub(crate) enum Detail<'py> {
    Ping(Bound<'py, PyBytes>),
    Pong(Bound<'py, PyBytes>),
    /// A close code and a reason.
    Close(u16, Bound<'py, PyString>),
    Opaque {
        opcode: Opcode,
        content: Bound<'py, PyBytes>,
        rsv: u16,
        extension: Bound<'py, PyString>,
    },
    /// The opcode and the content so far.
    Incomplete(Opcode, Bound<'py, PyBytes>),
    /// The opcode and the length of the content, in bytes.
    Uncollected(Opcode, Bound<'py, PyInt>),
    /// The opcode, a part of the content, and whether it is the last one.
    Chunk(Opcode, Bound<'py, PyBytes>, bool),
}

impl Detail<'_> {
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Ping(_) => Kind::Ping,
            Self::Pong(_) => Kind::Pong,
            Self::Close(..) => Kind::Close,
            Self::Opaque { .. } => Kind::Opaque,
            Self::Incomplete(..) => Kind::Incomplete,
            Self::Uncollected(..) => Kind::Uncollected,
            Self::Chunk(..) => Kind::Chunk,
        }
    }
}

/// The values of an event.
pub(crate) struct EventValues<'py> {
    pub(crate) detail: Detail<'py>,
    pub(crate) from_client: bool,
    /// Seconds since the epoch.
    pub(crate) timestamp: f64,
    /// Bytes from the start of the direction.
    pub(crate) offset: u64,
}

impl<'py> EventValues<'py> {
    /// The values for the constructor's arguments.
    pub(crate) fn parse(
        kind: Kind,
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let py = arguments.py();
        let given = Given::new(kind.names(), arguments, keywords)?;
        let detail = match kind {
            Kind::Ping => Detail::Ping(given.bytes("payload")?),
            Kind::Pong => Detail::Pong(given.bytes("payload")?),
            Kind::Close => {
                Detail::Close(given.value("close_code")?.extract()?, given.text("close_reason")?)
            }
            Kind::Opaque => Detail::Opaque {
                opcode: parse_opcode(given.value("type")?)?,
                content: given.bytes("content")?,
                rsv: given.value("rsv")?.extract()?,
                extension: given.text("extension")?,
            },
            Kind::Incomplete => {
                Detail::Incomplete(parse_opcode(given.value("type")?)?, given.bytes("content")?)
            }
            Kind::Uncollected => {
                let length = integer(py, given.value("length")?.extract()?)?.cast_into()?;
                Detail::Uncollected(parse_opcode(given.value("type")?)?, length)
            }
            Kind::Chunk => Detail::Chunk(
                parse_opcode(given.value("type")?)?,
                given.bytes("content")?,
                given.value("message_finished")?.extract()?,
            ),
        };
        Ok(Self {
            detail,
            from_client: given.value("from_client")?.extract()?,
            timestamp: given.value("timestamp")?.extract()?,
            offset: given.value("offset")?.extract()?,
        })
    }

    /// The values of all fields, in the order of the constructor's arguments.
    pub(crate) fn fields(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let (from_client, timestamp, offset) = (self.from_client, self.timestamp, self.offset);
        match &self.detail {
            Detail::Ping(payload) | Detail::Pong(payload) => {
                (payload, from_client, timestamp, offset).into_pyobject(py)
            }
            Detail::Close(code, reason) => {
                (*code, reason, from_client, timestamp, offset).into_pyobject(py)
            }
            Detail::Opaque { opcode, content, rsv, extension } => {
                let opcode = opcode_member(py, *opcode)?;
                (opcode, content, *rsv, extension, from_client, timestamp, offset).into_pyobject(py)
            }
            Detail::Incomplete(opcode, content) => {
                let opcode = opcode_member(py, *opcode)?;
                (opcode, content, from_client, timestamp, offset).into_pyobject(py)
            }
            Detail::Uncollected(opcode, length) => {
                let opcode = opcode_member(py, *opcode)?;
                (opcode, length, from_client, timestamp, offset).into_pyobject(py)
            }
            Detail::Chunk(opcode, content, finished) => {
                let opcode = opcode_member(py, *opcode)?;
                (opcode, content, *finished, from_client, timestamp, offset).into_pyobject(py)
            }
        }
    }

    /// The event as a call of its class; long values are shortened.
    pub(crate) fn shown(&self, py: Python<'py>, class: &str) -> PyResult<String> {
        let mut pairs = Vec::new();
        for (name, value) in self.detail.kind().names().iter().zip(self.fields(py)?) {
            let value = match (value.cast::<PyBytes>(), value.cast::<PyString>()) {
                (Ok(bytes), _) => shown_payload(bytes)?,
                (_, Ok(text)) => shown_text(text)?,
                _ => value.repr()?.to_string(),
            };
            pairs.push(format!("{name}={value}"));
        }
        Ok(shown_call(class, &pairs))
    }
}

/// The arguments of a call, in the order of the names.
struct Given<'py> {
    names: &'static [&'static str],
    values: Vec<Bound<'py, PyAny>>,
}

impl<'py> Given<'py> {
    fn new(
        names: &'static [&'static str],
        arguments: &Bound<'py, PyTuple>,
        keywords: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Self> {
        let mut values: Vec<_> = arguments.iter().collect();
        if values.len() > names.len() {
            let text = format!("{} arguments at most, not {}", names.len(), values.len());
            return Err(PyTypeError::new_err(text));
        }
        let mut used = 0;
        for name in &names[values.len()..] {
            let value = keywords.map(|keywords| keywords.get_item(name)).transpose()?.flatten();
            values.push(value.ok_or_else(|| {
                PyTypeError::new_err(format!("missing a required argument: '{name}'"))
            })?);
            used += 1;
        }
        if keywords.is_some_and(|keywords| keywords.len() > used) {
            return Err(PyTypeError::new_err("an argument is unknown or was given twice"));
        }
        Ok(Self { names, values })
    }

    fn value(&self, name: &str) -> PyResult<&Bound<'py, PyAny>> {
        let index = self.names.iter().position(|other| *other == name);
        index
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| PyTypeError::new_err(format!("missing a required argument: '{name}'")))
    }

    /// A `bytes`; of an instance of a subclass, only the bytes are kept.
    fn bytes(&self, name: &str) -> PyResult<Bound<'py, PyBytes>> {
        let value = self.value(name)?;
        if let Ok(bytes) = value.cast_exact::<PyBytes>() {
            return Ok(bytes.clone());
        }
        let bytes = value.cast::<PyBytes>().map_err(|_| wrong(name, "bytes"))?;
        PyBytes::new_with(value.py(), bytes.as_bytes().len(), |new| {
            new.copy_from_slice(bytes.as_bytes());
            Ok(())
        })
    }

    /// A `str`; of an instance of a subclass, only the characters are kept.
    fn text(&self, name: &str) -> PyResult<Bound<'py, PyString>> {
        let value = self.value(name)?;
        if let Ok(text) = value.cast_exact::<PyString>() {
            return Ok(text.clone());
        }
        let text = value.cast::<PyString>().map_err(|_| wrong(name, "str"))?;
        PyString::from_bytes(value.py(), text.encode_utf8()?.as_bytes())
    }
}

fn wrong(name: &str, class: &str) -> PyErr {
    PyTypeError::new_err(format!("{name} must be {class}"))
}
