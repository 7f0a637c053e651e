//! Statistics of a capture: rates, sizes, compression, round trips, latencies, silences, reconnects.
//!
//! ```text
//! rows -> Stats (an output) -> one JSON document: the totals, and the same figures for each group
//! ```
//!
//! Nothing is kept for each message: sizes and durations go into histograms (`histogram`), and what waits
//! for its answer has a bound (`waiting`).

mod figures;
mod histogram;
mod output;
mod waiting;

pub use output::{Grouping, Stats};
