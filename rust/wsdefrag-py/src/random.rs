//! Masking keys from the operating system (RFC 6455 sections 5.3 and 10.3).
//!
//! A system call costs more than the rest of encoding a small frame. Each thread therefore has a
//! pool, filled with the random bytes of 256 keys at a time.
//!
//! Two processes must not use the same pool: a server that one of them connects to could predict
//! the masking keys of the other. A Python fork hook empties the pool in the child process, in the
//! forking thread, the only one the child has. Comparing process ids for each key would cost a
//! system call again.
//!
//! - bytes of the pool from `next` on have not been used

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::IntoPyDict;
use wsdefrag_core::Refusal;

const KEY: usize = 4;
const POOL: usize = 256 * KEY;

/// Random bytes; those from `next` on are unused.
struct Pool {
    bytes: [u8; POOL],
    next: usize,
}

thread_local! {
    static KEYS: RefCell<Pool> = const { RefCell::new(Pool { bytes: [0; POOL], next: POOL }) };
}

/// Four unused random bytes.
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

/// Discard the masking keys that the parent process may use.
#[pyfunction]
fn forget() {
    KEYS.with_borrow_mut(|pool| pool.next = POOL);
}

/// Registers a hook that discards the pool in every child process.
pub(crate) fn forget_after_forks(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let os = module.py().import("os")?;
    // Windows has no fork and no such function.
    if let Some(register) = os.getattr_opt("register_at_fork")? {
        let hook = wrap_pyfunction!(forget, module)?;
        register.call((), Some(&[("after_in_child", hook)].into_py_dict(module.py())?))?;
    }
    Ok(())
}
