//! The lines of `vectors/*.jsonl`, read by the engine, and the inputs of the fuzz targets, which are
//! made of them.
//!
//! The Python tests read the same lines through the package.

#[path = "../common/mod.rs"]
mod common;
#[path = "../contract/mod.rs"]
mod contract;

mod deflate;
mod errors;
mod heads;
mod reading;
mod replay;
mod seeds;
mod wire;

use contract::input;
