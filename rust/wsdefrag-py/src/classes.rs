//! Looks up the Python classes that the binding instantiates.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::raw::instance::{ExceptionClass, PlainClass, new_exception, new_instance};
use crate::raw::interpreter::PerInterpreter;
use crate::raw::message::MessageClass;
use crate::raw::python;

/// The names and values of attributes.
pub(crate) type Attributes<'a, 'py> = &'a [(&'a Bound<'py, PyString>, Bound<'py, PyAny>)];

fn class<'py>(py: Python<'py>, module: &str, name: &str) -> PyResult<Bound<'py, PyType>> {
    let module = python::module(&PyString::from_bytes(py, module.as_bytes())?)?;
    Ok(python::attribute(&module, &PyString::from_bytes(py, name.as_bytes())?)?.cast_into()?)
}

/// A class of exceptions of the Python package, looked up at first use.
pub(crate) struct ExceptionRef {
    name: &'static str,
    class: PerInterpreter<ExceptionClass>,
}

impl ExceptionRef {
    /// A class of `wsdefrag.errors`.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, class: PerInterpreter::new() }
    }

    /// A new exception of this class with a text and these attributes. Runs no Python code.
    pub(crate) fn make<'py>(
        &self,
        py: Python<'py>,
        text: &str,
        attributes: Attributes<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let find = || ExceptionClass::new(class(py, "wsdefrag.errors", self.name)?);
        new_exception(py, self.class.get_or_try_init(py, find)?, text, attributes)
    }
}

/// A dataclass of the Python package, looked up at first use.
pub(crate) struct DataclassRef {
    module: &'static str,
    name: &'static str,
    class: PerInterpreter<PlainClass>,
}

impl DataclassRef {
    pub(crate) const fn new(module: &'static str, name: &'static str) -> Self {
        Self { module, name, class: PerInterpreter::new() }
    }

    fn get(&self, py: Python<'_>) -> PyResult<&PlainClass> {
        self.class.get_or_try_init(py, || PlainClass::new(class(py, self.module, self.name)?))
    }

    /// A new object with these attributes, which are all that the class has. Runs no Python code.
    pub(crate) fn make<'py>(
        &self,
        py: Python<'py>,
        attributes: Attributes<'_, 'py>,
    ) -> PyResult<Bound<'py, PyAny>> {
        new_instance(py, self.get(py)?, attributes)
    }

    /// Whether an object is of this class or of a subclass.
    pub(crate) fn is_class_of(&self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        object.is_instance(self.get(object.py())?.class(object.py()))
    }
}

/// `wsdefrag.message.WebSocketMessage`.
pub(crate) fn message_class(py: Python<'_>) -> PyResult<&MessageClass> {
    static CLASS: PerInterpreter<MessageClass> = PerInterpreter::new();
    CLASS.get_or_try_init(py, || {
        MessageClass::new(&class(py, "wsdefrag.message", "WebSocketMessage")?)
    })
}
