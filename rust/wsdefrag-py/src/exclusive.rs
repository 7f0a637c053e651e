//! The state of an object that one thread may use at a time.
//!
//! A thread keeps it also while it lets go of the GIL for long work. Another one that comes
//! meanwhile gets a `RuntimeError` and does not wait: which of the two came first would be chance.
//!
//! - after a panic inside `with`, the state is never touched again: each call raises

#![expect(clippy::disallowed_macros, reason = "a short text")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, TryLockError};

use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::prelude::*;

use crate::panics;

/// A state, and the name of the class that users know.
pub(crate) struct Exclusive<T> {
    class: &'static str,
    state: Mutex<T>,
    /// Whether the panic was for lack of memory.
    lacked_memory: AtomicBool,
}

impl<T> Exclusive<T> {
    pub(crate) const fn new(class: &'static str, state: T) -> Self {
        Self { class, state: Mutex::new(state), lacked_memory: AtomicBool::new(false) }
    }

    /// Calls `work` with the state. A panic becomes an exception.
    ///
    /// Raises `RuntimeError` if another call has the state, and after a panic what the panic became.
    #[inline]
    pub(crate) fn with<R>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut T) -> PyResult<R>,
    ) -> PyResult<R> {
        let result = panics::caught(py, || match self.state.try_lock() {
            // While a panic passes here, the lock is marked as poisoned.
            Ok(mut state) => Ok(work(&mut state)),
            Err(TryLockError::WouldBlock) => Ok(Err(self.in_use())),
            Err(TryLockError::Poisoned(_)) => Ok(Err(self.failed())),
        });
        result.unwrap_or_else(|panic| {
            self.note(py, &panic);
            Err(panic)
        })
    }

    /// Calls `look` with the state for the garbage collector, unless a call has it, and then refers
    /// to all that it contains.
    pub(crate) fn visit<R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.state.try_lock().ok().map(|state| look(&state))
    }

    #[cold]
    fn in_use(&self) -> PyErr {
        in_use(self.class)
    }

    #[cold]
    fn note(&self, py: Python<'_>, panic: &PyErr) {
        let lacked_memory = panic.is_instance_of::<PyMemoryError>(py);
        self.lacked_memory.store(lacked_memory, Ordering::Relaxed);
    }

    #[cold]
    fn failed(&self) -> PyErr {
        if self.lacked_memory.load(Ordering::Relaxed) {
            return PyMemoryError::new_err(format!("refused memory has ended this {}", self.class));
        }
        panics::internal_error(&format!("an earlier one has ended this {}", self.class))
    }
}

/// The exception for a second thread that uses an object.
pub(crate) fn in_use(class: &str) -> PyErr {
    PyRuntimeError::new_err(format!(
        "this {class} is in use by another call: only one thread may use it at a time"
    ))
}
