//! Turns panics into Python exceptions that `except Exception` catches.
//!
//! A panic is an error of this package, and becomes `wsdefrag.InternalError`. It becomes
//! `MemoryError` if the interpreter had refused memory: PyO3 panics where it cannot return that.
//!
//! The hook only notes where the panic was. Rust's own hook would print, and with `RUST_BACKTRACE`
//! collect a backtrace, which allocates and can hang if memory was refused.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a short text for a panic, which ends the object"
)]

use std::any::Any;
use std::cell::RefCell;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::sync::Mutex;
use std::thread;

use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// A text of limited size; what exceeds it is left out.
struct Place {
    bytes: [u8; 96],
    len: usize,
}

impl Write for Place {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = &mut self.bytes[self.len..];
        let size = text.len().min(room.len());
        room[..size].copy_from_slice(&text.as_bytes()[..size]);
        self.len += size;
        Ok(())
    }
}

impl Place {
    const NONE: Self = Self { bytes: [0; 96], len: 0 };
}

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<Place> = const { RefCell::new(Place::NONE) };
}

/// Where the last panic of a thread of a pass was. It goes on in the thread that waits for that one.
static PLACE_IN_PASS: Mutex<Option<Place>> = Mutex::new(None);

/// Replaces Rust's hook for panics of this module.
pub(crate) fn quiet() {
    set_hook(Box::new(|panic| {
        let mut place = Place::NONE;
        if let Some(location) = panic.location() {
            // It never fails.
            let _ = write!(place, "{}:{}", location.file(), location.line());
        }
        if !thread::current().name().is_some_and(|name| name.starts_with("wsdefrag-")) {
            PLACE.replace(place);
        } else if let Ok(mut in_pass) = PLACE_IN_PASS.try_lock() {
            *in_pass = Some(place);
        }
    }));
}

/// Runs `work`; a panic becomes an exception.
#[inline]
pub(crate) fn caught<R>(py: Python<'_>, work: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(exception(py, &*panic)))
}

/// PyO3's text where a function that makes an object failed, which only refused memory causes.
const NO_OBJECT: &str = "PyObject pointer is null";

/// The exception for a panic.
#[cold]
fn exception(py: Python<'_>, panic: &(dyn Any + Send)) -> PyErr {
    if let Some(raised) = PyErr::take(py)
        && raised.is_instance_of::<PyMemoryError>(py)
    {
        return raised;
    }
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("a panic without a text");
    if text == NO_OBJECT {
        return PyMemoryError::new_err("the interpreter had no memory for an object");
    }
    let in_pass = PLACE_IN_PASS.try_lock().ok().and_then(|mut place| place.take());
    let place = in_pass.unwrap_or_else(|| PLACE.replace(Place::NONE));
    let place = String::from_utf8_lossy(&place.bytes[..place.len]);
    internal_error(&format!("{text} ({place})"))
}

/// An `InternalError` with this reason.
#[cold]
pub(crate) fn internal_error(reason: &str) -> PyErr {
    PanicException::new_err(format!("an error in wsdefrag, please report it: {reason}"))
}

/// `wsdefrag.InternalError`: the class of PyO3's exceptions for panics, which becomes a
/// `RuntimeError`. So a panic outside of [`caught`], where PyO3 converts arguments and results, can
/// be caught like any other.
pub(crate) fn internal_error_type(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    const DOC: &str = "An error of this package itself, not of the bytes or of the caller; please \
        report it.\n\nThe object that raised it cannot be used any more: each later call raises it \
        again.\n\nExample:\n    >>> import wsdefrag\n    \
        >>> issubclass(wsdefrag.InternalError, RuntimeError)\n    True\n";
    let class = py.get_type::<PanicException>();
    class.setattr("__bases__", (py.get_type::<PyRuntimeError>(),))?;
    class.setattr("__name__", "InternalError")?;
    class.setattr("__qualname__", "InternalError")?;
    class.setattr("__module__", "wsdefrag")?;
    class.setattr("__doc__", DOC)?;
    Ok(class)
}
