//! The memory that the live connections hold together, and its bound.
//!
//! Each connection is measured after each of its packets, and the difference is added here. Over the
//! bound, memory is given back in one pass down to seven eighths of it (see
//! [`relief`](crate::tcp::relief)), so that the cost of a pass is spread over the bytes that filled
//! the last eighth.
//!
//! - `used` is the sum of what the live connections were measured at

/// What the live connections hold, in bytes.
#[derive(Debug)]
pub(super) struct Ledger {
    limit: usize,
    used: usize,
}

impl Ledger {
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, used: 0 }
    }

    /// Takes note that a connection held `before` bytes and holds `after`.
    #[inline]
    pub(super) const fn change(&mut self, before: usize, after: usize) {
        self.used = self.used - before + after;
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// Whether memory has to be given back.
    #[inline]
    pub(super) const fn is_over(&self) -> bool {
        self.used > self.limit
    }

    /// Whether enough was given back.
    pub(super) const fn is_relieved(&self) -> bool {
        self.used <= self.limit - self.limit / 8
    }
}
