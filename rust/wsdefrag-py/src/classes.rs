//! Looks up the Python classes that the binding instantiates.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::raw::message::MessageClass;

/// A class of the Python package, imported at first use.
pub(crate) struct PyClassRef {
    module: &'static str,
    name: &'static str,
    class: PyOnceLock<Py<PyType>>,
}

impl PyClassRef {
    pub(crate) const fn new(module: &'static str, name: &'static str) -> Self {
        Self { module, name, class: PyOnceLock::new() }
    }

    pub(crate) fn get<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyType>> {
        self.class.import(py, self.module, self.name)
    }
}

/// `wsdefrag.message.WebSocketMessage`.
pub(crate) fn message_class(py: Python<'_>) -> PyResult<&MessageClass> {
    static CLASS: PyOnceLock<MessageClass> = PyOnceLock::new();
    CLASS.get_or_try_init(py, || {
        let class = py.import("wsdefrag.message")?.getattr("WebSocketMessage")?;
        MessageClass::new(&class.cast_into()?)
    })
}
