//! How much many connections may hold together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::prelude::*;
use wsdefrag_core::limits::Excess;

/// What all accounts share.
struct Shared {
    limit: usize,
    held: AtomicUsize,
}

/// The engine behind ``wsdefrag.Budget``.
#[pyclass(subclass, frozen, module = "wsdefrag._native")]
pub(crate) struct Budget(Arc<Shared>);

impl Budget {
    /// An account without anything on it.
    pub(crate) fn account(&self) -> Account {
        Account { shared: Arc::clone(&self.0), charged: 0 }
    }
}

#[pymethods]
impl Budget {
    #[new]
    fn new(max_bytes: usize) -> Self {
        Self(Arc::new(Shared { limit: max_bytes, held: AtomicUsize::new(0) }))
    }

    /// Bytes that peers may make all connections hold together.
    #[getter]
    fn max_bytes(&self) -> usize {
        self.0.limit
    }

    /// Bytes that are held now.
    #[getter]
    fn bytes_held(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }
}

/// One direction's part of a budget, given back when it is dropped.
pub(crate) struct Account {
    shared: Arc<Shared>,
    charged: usize,
}

impl Account {
    /// Charges `wanted` bytes, or as many of them as there are, if that is `least`.
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

    /// Gives back bytes that were charged.
    pub(crate) fn forgo(&mut self, bytes: usize) {
        self.charged -= bytes;
        self.shared.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Charges exactly what is held. What the caller itself put in is not refused.
    pub(crate) fn settle(&mut self, held: usize) {
        if held > self.charged {
            self.shared.held.fetch_add(held - self.charged, Ordering::Relaxed);
        } else {
            self.shared.held.fetch_sub(self.charged - held, Ordering::Relaxed);
        }
        self.charged = held;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.settle(0);
    }
}
