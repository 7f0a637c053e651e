//! Masking keys from the operating system (RFC 6455 sections 5.3 and 10.3).
//!
//! A system call costs more than all the rest of a small frame, so bytes are
//! fetched for 256 keys at a time, into a pool of each thread's own.
//!
//! A pool must not live on in two processes, or a server that one of them talks
//! to could foresee the keys of the other. Python calls its fork hooks in every
//! child that goes on running it, in the thread that forked, which is the only
//! one there: a hook throws the pool away there. Asking for the process's number
//! with each key would cost a system call again.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::IntoPyDict;
use wsdefrag_core::Refusal;

const KEY: usize = 4;
const POOL: usize = 256 * KEY;

/// Random bytes, of which those from `next` on were not used yet.
struct Pool {
    bytes: [u8; POOL],
    next: usize,
}

thread_local! {
    static KEYS: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL], next: POOL }) };
}

/// Four bytes that were never handed out before.
#[inline]
pub(crate) fn masking_key() -> Result<[u8; KEY], Refusal> {
    KEYS.with_borrow_mut(|pool| {
        if pool.next == POOL {
            getrandom::fill(&mut pool.bytes).map_err(|_| Refusal::NoMaskingKey)?;
            pool.next = 0;
        }
        let key = pool.bytes[pool.next..].first_chunk().copied();
        pool.next += KEY;
        key.ok_or(Refusal::NoMaskingKey)
    })
}

/// Throw away the masking keys that the parent process may use.
#[pyfunction]
fn forget() {
    KEYS.with_borrow_mut(|pool| pool.next = POOL);
}

/// Has the pool thrown away in every child process.
pub(crate) fn forget_after_forks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let os = module.py().import("os")?;
    // Windows has neither forks nor this.
    if let Some(register) = os.getattr_opt("register_at_fork")? {
        let hook = wrap_pyfunction!(forget, module)?;
        register.call((), Some(&[("after_in_child", hook)].into_py_dict(module.py())?))?;
    }
    Ok(())
}
