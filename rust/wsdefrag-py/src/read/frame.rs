//! A frame, for Python.

#![expect(clippy::disallowed_macros, reason = "a text has at most 200 characters")]

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use wsdefrag_core::Opcode;
use wsdefrag_core::read::frame_decoder;

use crate::opcodes::{opcode_member, parse_opcode};
use crate::shown::{LONGEST_REPR, shown_bool, shown_bytes};

/// One frame (RFC 6455 section 5.2); frozen, equal by value, picklable.
///
/// Attributes:
///     opcode: The opcode.
///     fin: Whether the frame is the last of its message.
///     rsv1: The first reserved bit; with permessage-deflate, the message is compressed.
///     rsv2: The second reserved bit.
///     rsv3: The third reserved bit.
///     masking_key: Four bytes, or None if the frame is not masked.
///     payload: The payload, unmasked but not inflated.
///     offset: Position of the first byte, in bytes from the start of the direction.
///     wire_length: Size of header and payload, in bytes.
///
/// Example:
///     >>> from wsdefrag import Frame, Opcode
///     >>> frame = Frame(Opcode.PING, True, False, False, False, None, b"hi", 0, 4)
///     >>> frame.masked, frame.opcode
///     (False, <Opcode.PING: 9>)
#[pyclass(frozen, module = "wsdefrag")]
#[expect(clippy::struct_excessive_bools, reason = "they are bits of a header")]
pub(crate) struct Frame {
    opcode: Opcode,
    #[pyo3(get)]
    fin: bool,
    #[pyo3(get)]
    rsv1: bool,
    #[pyo3(get)]
    rsv2: bool,
    #[pyo3(get)]
    rsv3: bool,
    masking_key: Option<[u8; 4]>,
    payload: Py<PyBytes>,
    #[pyo3(get)]
    offset: u64,
    #[pyo3(get)]
    wire_length: u64,
}

impl Frame {
    pub(crate) fn new(py: Python<'_>, frame: &frame_decoder::Frame<Py<PyBytes>>) -> Self {
        let frame_decoder::Frame { header, payload, offset } = frame;
        Self {
            opcode: header.opcode,
            fin: header.fin,
            rsv1: header.rsv & 4 != 0,
            rsv2: header.rsv & 2 != 0,
            rsv3: header.rsv & 1 != 0,
            masking_key: header.masking_key,
            payload: payload.clone_ref(py),
            offset: *offset,
            wire_length: header.size as u64 + header.length,
        }
    }

    /// The constructor's arguments.
    fn fields<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        (
            opcode_member(py, self.opcode)?,
            self.fin,
            self.rsv1,
            self.rsv2,
            self.rsv3,
            self.masking_key(py),
            self.payload.bind(py),
            self.offset,
            self.wire_length,
        )
            .into_pyobject(py)
    }
}

#[pymethods]
impl Frame {
    #[new]
    #[expect(clippy::too_many_arguments, clippy::fn_params_excessive_bools, reason = "its fields")]
    fn py_new(
        opcode: &Bound<'_, PyAny>,
        fin: bool,
        rsv1: bool,
        rsv2: bool,
        rsv3: bool,
        masking_key: Option<&[u8]>,
        payload: Py<PyBytes>,
        offset: u64,
        wire_length: u64,
    ) -> PyResult<Self> {
        let opcode = parse_opcode(opcode)?;
        let masking_key = masking_key
            .map(<[u8; 4]>::try_from)
            .transpose()
            .map_err(|_| PyValueError::new_err("masking_key must be four bytes or None"))?;
        Ok(Self { opcode, fin, rsv1, rsv2, rsv3, masking_key, payload, offset, wire_length })
    }

    #[getter]
    fn opcode<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        opcode_member(py, self.opcode)
    }

    #[getter]
    fn masking_key<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.masking_key.map(|key| PyBytes::new(py, &key))
    }

    #[getter]
    fn payload<'py>(&self, py: Python<'py>) -> &Bound<'py, PyBytes> {
        self.payload.bind(py)
    }

    /// Whether the frame is masked.
    #[getter]
    const fn masked(&self) -> bool {
        self.masking_key.is_some()
    }

    fn __eq__(&self, py: Python<'_>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        match other.cast::<Self>() {
            Ok(other) => {
                let equal = self.fields(py)?.eq(other.get().fields(py)?)?;
                Ok(equal.into_pyobject(py)?.to_owned().into_any().unbind())
            }
            Err(_) => Ok(py.NotImplemented()),
        }
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.fields(py)?.hash()
    }

    /// Show the fields that differ from a plain frame, and the start of the payload.
    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let opcode = opcode_member(py, self.opcode)?.repr()?;
        let mut head = format!("opcode={opcode}, fin={}", shown_bool(self.fin));
        for (name, set) in [("rsv1", self.rsv1), ("rsv2", self.rsv2), ("rsv3", self.rsv3)] {
            if set {
                head = format!("{head}, {name}=True");
            }
        }
        if let Some(key) = self.masking_key(py) {
            head = format!("{head}, masking_key={}", key.repr()?);
        }
        let tail = format!("offset={}, wire_length={}", self.offset, self.wire_length);
        let room =
            LONGEST_REPR.saturating_sub("Frame(, payload=, )".len() + head.len() + tail.len());
        let payload = shown_bytes(py, self.payload.as_bytes(py), room)?;
        Ok(format!("Frame({head}, payload={payload}, {tail})"))
    }

    fn __reduce__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        Ok((py.get_type::<Self>().into_any(), self.fields(py)?))
    }
}
