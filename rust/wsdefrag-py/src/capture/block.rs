//! The bytes of an output that are ready to be returned.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::raw::bytes::copied_bytes;

/// Most bytes of a block whose buffer is used again.
const MOST_SPARE: usize = 1 << 20;

/// The bytes of a block, which is empty afterwards.
pub(crate) fn given_block<'py>(
    py: Python<'py>,
    block: &mut Vec<u8>,
) -> PyResult<Bound<'py, PyBytes>> {
    let given = copied_bytes(py, block)?;
    // An exception here loses nothing; after the return it would lose the block.
    py.check_signals()?;
    if block.capacity() > MOST_SPARE {
        *block = Vec::new();
    }
    block.clear();
    Ok(given)
}
