//! The attributes that a pickled object is made of again, by name.

#![expect(clippy::disallowed_macros, reason = "a text with a name in it")]

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// Attributes by name.
pub(super) struct Attributes<'a, 'py>(pub(super) &'a Bound<'py, PyDict>);

impl<'py> Attributes<'_, 'py> {
    /// Raises `TypeError` if there is an attribute that `owner` does not have.
    pub(super) fn require_known(&self, names: &[&str], owner: &str) -> PyResult<()> {
        for name in self.0.keys() {
            let name: String = name.extract()?;
            if !names.contains(&name.as_str()) {
                let text = format!("{owner} has no attribute {name:?}");
                return Err(PyTypeError::new_err(text));
            }
        }
        Ok(())
    }

    /// An attribute that may be missing or None.
    pub(super) fn optional<T: for<'a> FromPyObject<'a, 'py>>(
        &self,
        name: &str,
    ) -> PyResult<Option<T>> {
        let Some(value) = self.0.get_item(name)? else { return Ok(None) };
        if value.is_none() {
            return Ok(None);
        }
        let wrong = |_| PyTypeError::new_err(format!("{name} has the wrong type"));
        value.extract().map(Some).map_err(wrong)
    }

    /// An attribute that must be there.
    pub(super) fn required<T: for<'a> FromPyObject<'a, 'py>>(&self, name: &str) -> PyResult<T> {
        let missing = || PyTypeError::new_err(format!("{name} is missing"));
        self.optional(name)?.ok_or_else(missing)
    }
}
