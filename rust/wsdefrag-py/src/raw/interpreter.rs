//! Which interpreter a thread is in, and what each interpreter has for itself.
//!
//! Native types are shared by all interpreters of a process, and are created in the main one, which
//! ends last: an object that the garbage collector tracks is in a list of its interpreter, which is
//! freed with it. Classes that are defined in Python belong to one interpreter. All interpreters
//! that may load the module share one GIL: without the slot `Py_mod_multiple_interpreters`, CPython
//! refuses it to those with a GIL of their own. Where there is no GIL, [`check`] refuses it to all but
//! the main one.

#![expect(clippy::disallowed_methods, reason = "once for each interpreter and class")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Whether an interpreter besides the main one has loaded the module.
static SEVERAL: AtomicBool = AtomicBool::new(false);

/// Whether the thread is in the main interpreter.
#[inline]
pub(crate) fn is_main(_: Python<'_>) -> bool {
    !SEVERAL.load(Ordering::Relaxed) || current() == main()
}

fn current() -> *mut ffi::PyInterpreterState {
    // SAFETY: the callers are attached.
    unsafe { ffi::PyInterpreterState_Get() }
}

fn main() -> *mut ffi::PyInterpreterState {
    // SAFETY: always allowed.
    unsafe { ffi::PyInterpreterState_Main() }
}

/// The number of the interpreter that the thread is in. No other one ever has it.
fn number(_: Python<'_>) -> i64 {
    // SAFETY: attached; the state is that of the running interpreter.
    unsafe { ffi::PyInterpreterState_GetID(current()) }
}

/// Refuses an interpreter that cannot share the native types with the main one.
///
/// Without a GIL, a thread counts the references to a class in an array of its own, at a place that the
/// interpreter which made the class has given it. In another interpreter that place is another
/// object's, which is then freed too early or never: the process ends by SIGSEGV.
pub(crate) fn check(_: Python<'_>) -> PyResult<()> {
    if cfg!(Py_GIL_DISABLED) && current() != main() {
        return Err(PyImportError::new_err(
            "module wsdefrag._native does not support subinterpreters without a GIL",
        ));
    }
    Ok(())
}

/// Runs `work` with the token of a thread that PyO3 has attached, where the token could not be passed.
///
/// `Python::attach` takes the GIL by the functions `PyGILState_*`, which know one interpreter for each
/// thread: in a subinterpreter they would wait for ever, or come back in the main one. It does not call
/// them on a thread that PyO3 knows to be attached: inside a method, a property or the release of an
/// object of a `#[pyclass]`. All uses are inside of these: what the engine asks of a held event or of
/// a `bytes` being written, and their release with the object that owns them. None is inside
/// `Python::detach`, nor in a slot of a hand-made type, which PyO3 does not know of.
#[inline]
pub(crate) fn attached<R>(work: impl FnOnce(Python<'_>) -> R) -> R {
    Python::attach(work)
}

/// Runs `work` in the main interpreter, as CPython does to load modules that only that one can.
pub(crate) fn in_main<R>(py: Python<'_>, work: impl FnOnce(Python<'_>) -> R) -> R {
    /// Goes back to the interpreter of `own`.
    struct Visit {
        own: *mut ffi::PyThreadState,
        there: *mut ffi::PyThreadState,
    }

    impl Drop for Visit {
        fn drop(&mut self) {
            // SAFETY: attached with `there`, which nobody else uses.
            unsafe { ffi::PyThreadState_Clear(self.there) };
            // SAFETY: both interpreters share the GIL, which is held; `own` was attached before.
            unsafe { ffi::PyThreadState_Swap(self.own) };
            // SAFETY: cleared, and no longer attached.
            unsafe { ffi::PyThreadState_Delete(self.there) };
        }
    }

    if current() == main() {
        return work(py);
    }
    SEVERAL.store(true, Ordering::Relaxed);
    // SAFETY: the GIL is held; the main interpreter lives as long as any other.
    let there = unsafe { ffi::PyThreadState_New(main()) };
    assert!(!there.is_null(), "no memory for the state of a thread");
    // SAFETY: as above, and both interpreters share the GIL.
    let own = unsafe { ffi::PyThreadState_Swap(there) };
    let _visit = Visit { own, there };
    work(py)
}

/// A value for each interpreter, made at its first use there. It is never freed, also when its
/// interpreter ends: nothing tells who still uses it.
pub(crate) struct PerInterpreter<T: 'static> {
    main: PyOnceLock<T>,
    others: Mutex<Vec<(i64, &'static T)>>,
}

impl<T: Send + Sync> PerInterpreter<T> {
    pub(crate) const fn new() -> Self {
        Self { main: PyOnceLock::new(), others: Mutex::new(Vec::new()) }
    }

    /// The value of the current interpreter.
    #[inline]
    pub(crate) fn get_or_try_init(
        &self,
        py: Python<'_>,
        make: impl FnOnce() -> PyResult<T>,
    ) -> PyResult<&T> {
        if is_main(py) {
            return self.main.get_or_try_init(py, make);
        }
        self.of_other(py, make)
    }

    #[cold]
    fn of_other(&self, py: Python<'_>, make: impl FnOnce() -> PyResult<T>) -> PyResult<&T> {
        let number = number(py);
        let find = |others: &[(i64, &'static T)]| {
            others.iter().find(|(other, _)| *other == number).map(|(_, value)| *value)
        };
        // The lock is never held while Python code may run.
        let found = find(&self.others.lock().unwrap_or_else(PoisonError::into_inner));
        if let Some(value) = found {
            return Ok(value);
        }
        let new = make()?;
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been faster.
        if let Some(value) = find(&others) {
            return Ok(value);
        }
        let value: &'static T = Box::leak(Box::new(new));
        others.push((number, value));
        Ok(value)
    }
}
