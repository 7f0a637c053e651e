//! The storage of a message. What a message does is written in Python.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use wsdefrag_core::Opcode;

use crate::classes::{MessageClass, opcode_member};
use crate::raw;

/// The fields of a message; ``WebSocketMessage`` adds all behaviour.
// Nothing in it can refer back to it, so the garbage collector need not know of it, which is most
// of the difference between this and an object of a Python class.
#[pyclass(subclass, module = "wsdefrag._native")]
pub(crate) struct MessageStorage {
    content: Option<Py<PyBytes>>,
    #[pyo3(get, set)]
    timestamp: f64,
    opcode: Opcode,
    #[pyo3(get, set)]
    from_client: bool,
    #[pyo3(get, set)]
    dropped: bool,
    #[pyo3(get, set)]
    injected: bool,
}

#[pymethods]
impl MessageStorage {
    #[new]
    #[pyo3(signature = (*_args, **_kwargs))]
    fn new(_args: &Bound<'_, PyTuple>, _kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            content: None,
            timestamp: 0.0,
            opcode: Opcode::Continuation,
            from_client: false,
            dropped: false,
            injected: false,
        }
    }

    #[getter]
    fn r#type<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        opcode_member(py, self.opcode as u8)
    }

    #[setter]
    fn set_type(&mut self, value: i64) -> PyResult<()> {
        let opcode = u8::try_from(value).ok().and_then(Opcode::from_bits);
        self.opcode = opcode
            .ok_or_else(|| PyValueError::new_err(format!("{value} is not a valid Opcode")))?;
        Ok(())
    }

    #[getter]
    fn content<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        match &self.content {
            Some(content) => content.bind(py).clone(),
            None => PyBytes::new(py, b""),
        }
    }

    #[setter]
    fn set_content(&mut self, content: Py<PyBytes>) {
        self.content = Some(content);
    }
}

/// A new `WebSocketMessage`.
#[inline]
pub(crate) fn new_message<'py>(
    py: Python<'py>,
    class: &MessageClass,
    opcode: Opcode,
    from_client: bool,
    content: Py<PyBytes>,
    timestamp: f64,
) -> PyResult<Bound<'py, MessageStorage>> {
    let message = raw::bare_message(class.class.bind(py), class.no_arguments.bind(py))?;
    {
        let mut fields = message.borrow_mut();
        fields.content = Some(content);
        fields.timestamp = timestamp;
        fields.opcode = opcode;
        fields.from_client = from_client;
    }
    Ok(message)
}
