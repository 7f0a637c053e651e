//! The sizes of fragments, for Python.

use std::num::NonZeroUsize;

use pyo3::prelude::*;
use pyo3::types::PyList;
use wsdefrag_core::Fragmenter;

use crate::errors::raise_refusal;
use crate::opcodes::parse_opcode;
use crate::panics;
use crate::raw::buffer::with_bytes;
use crate::raw::list::list_of_sizes;
use crate::write::arguments::parse_sizes;

/// Choose the sizes of a message's fragments, in bytes of content (RFC 6455 section 5.4).
///
/// Returns:
///     ``kept`` if its sum is the length of the content; otherwise sizes of at most ``max_size``
///     bytes, or one size. Unless ``cut_characters`` is set, a boundary inside a character of a
///     text moves to the start of the character.
///
/// Raises:
///     TypeError: If an argument has the wrong type.
///     ValueError: If ``type`` is not an opcode, or a size is negative.
#[pyfunction]
#[pyo3(signature = (r#type, content, kept, *, max_size, cut_characters))]
pub(crate) fn fragment_sizes<'py>(
    r#type: &Bound<'_, PyAny>,
    content: &Bound<'py, PyAny>,
    kept: &Bound<'_, PyAny>,
    max_size: Option<NonZeroUsize>,
    cut_characters: bool,
) -> PyResult<Bound<'py, PyList>> {
    let opcode = parse_opcode(r#type)?;
    let kept = parse_sizes(kept)?;
    let fragmenter = Fragmenter { max_size, cut_characters };
    panics::caught(content.py(), || {
        let sizes = with_bytes(content, |input| fragmenter.sizes(opcode, input.bytes, &kept))?
            .map_err(|refused| raise_refusal(refused.into()))?;
        list_of_sizes(content.py(), &sizes)
    })
}
