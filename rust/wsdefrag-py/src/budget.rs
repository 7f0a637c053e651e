//! A memory budget that many connections share.
//!
//! - `held` is the sum of `charged` over all charges on the budget

#![expect(clippy::disallowed_methods, reason = "one small object for each budget")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;
use wsdefrag_core::limits::Excess;

/// The state that all charges on a budget share.
struct Shared {
    limit: usize,
    held: AtomicUsize,
}

/// The engine of ``wsdefrag.Budget``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct Budget(Arc<Shared>);

impl Budget {
    /// A charge of 0 bytes.
    pub(crate) fn charge(&self) -> Charge {
        Charge { shared: Arc::clone(&self.0), charged: 0 }
    }
}

#[pymethods]
impl Budget {
    #[new]
    fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Shared { limit: max_bytes, held: AtomicUsize::new(0) }))
    }

    /// Most bytes that all connections may hold together.
    #[getter]
    fn max_bytes(&self) -> usize {
        self.0.limit
    }

    /// Bytes that all connections hold now.
    #[getter]
    fn bytes_held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }
}

/// The bytes that one direction has charged to a budget; released on drop.
pub(crate) struct Charge {
    shared: Arc<Shared>,
    charged: usize,
}

impl Charge {
    /// Charges between `least` and `wanted` bytes; returns how many were charged.
    pub(crate) fn admit(&mut self, wanted: usize, least: usize) -> Result<usize, Excess> {
        let limit = self.shared.limit;
        let mut granted = 0;
        let charge = |held: usize| {
            granted = wanted.min(limit.saturating_sub(held));
            (granted >= least).then_some(held + granted)
        };
        match self.shared.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, charge) {
            Ok(_) => {
                self.charged += granted;
                Ok(granted)
            }
            Err(held) => {
                let requested = held.saturating_add(least) as u64;
                Err(Excess::Budget { limit: limit as u64, requested })
            }
        }
    }

    /// Releases charged bytes.
    pub(crate) fn forgo(&mut self, bytes: usize) {
        self.charged -= bytes;
        self.shared.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Sets the charge to `held` bytes. This cannot fail, because the caller's own data is never
    /// refused.
    pub(crate) fn settle(&mut self, held: usize) {
        if held > self.charged {
            self.shared.held.fetch_add(held - self.charged, Ordering::Relaxed);
        } else {
            self.shared.held.fetch_sub(self.charged - held, Ordering::Relaxed);
        }
        self.charged = held;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.settle(0);
    }
}
