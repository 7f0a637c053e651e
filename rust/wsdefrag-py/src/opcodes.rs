//! Converts opcodes from and to Python.

#![expect(clippy::disallowed_macros, reason = "a short text")]

use pyo3::exceptions::{PyLookupError, PyOverflowError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use wsdefrag_core::Opcode;

use crate::raw::interpreter::PerInterpreter;
use crate::raw::python;

/// The member of `wsdefrag.opcode.Opcode` for this opcode.
pub(crate) fn opcode_member(py: Python<'_>, opcode: Opcode) -> PyResult<&Bound<'_, PyAny>> {
    static MEMBERS: PerInterpreter<[Option<Py<PyAny>>; 16]> = PerInterpreter::new();
    let members = MEMBERS.get_or_try_init(py, || {
        let module = python::module(intern!(py, "wsdefrag.opcode"))?;
        let class = python::attribute(&module, intern!(py, "Opcode"))?;
        let mut members = [const { None }; 16];
        for bits in (0..16).filter(|bits| Opcode::from_bits(*bits).is_some()) {
            let member = python::call(&class, &(bits,).into_pyobject(py)?, None)?;
            members[usize::from(bits)] = Some(member.unbind());
        }
        PyResult::Ok(members)
    })?;
    let member = members[usize::from(opcode as u8)].as_ref();
    // Only reachable if a program has replaced the class.
    let member = member.ok_or_else(|| PyLookupError::new_err(format!("no Opcode {opcode}")))?;
    Ok(member.bind(py))
}

/// The opcode for an integer or a member of `Opcode`.
pub(crate) fn parse_opcode(value: &Bound<'_, PyAny>) -> PyResult<Opcode> {
    let bits = match value.extract::<u8>() {
        Err(error) if !error.is_instance_of::<PyOverflowError>(value.py()) => return Err(error),
        bits => bits.ok(),
    };
    bits.and_then(Opcode::from_bits)
        .ok_or_else(|| PyValueError::new_err(format!("{value} is not a valid Opcode")))
}
