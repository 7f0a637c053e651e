//! The Python object of an event or an injected message that a relay holds.

use pyo3::prelude::*;
use pyo3::types::PyBytes;
use wsdefrag_core::relay::Held;

use crate::raw::bytes::bytes_of;
use crate::raw::interpreter::attached;
use crate::raw::message::{is_dropped, mark_dropped, mark_released};

/// An event's object and, for a message, the content as it was received.
pub(crate) struct PyHeld {
    pub(crate) event: Py<PyAny>,
    pub(crate) content: Option<Py<PyBytes>>,
}

impl Held for PyHeld {
    #[inline]
    fn content(&self) -> &[u8] {
        let Some(content) = &self.content else { return &[] };
        bytes_of(content)
    }

    #[inline]
    fn is_dropped(&self) -> bool {
        self.content.is_some() && attached(|py| is_dropped(self.event.bind(py)))
    }

    fn set_dropped(&mut self) {
        attached(|py| mark_dropped(self.event.bind(py)));
    }

    fn set_released(&mut self) {
        attached(|py| mark_released(self.event.bind(py)));
    }
}
