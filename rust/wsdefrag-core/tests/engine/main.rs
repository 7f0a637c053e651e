//! What the engine does with bytes: properties, and tables of cases. One crate, because each test
//! crate has to be linked by itself.

#[path = "../common/mod.rs"]
mod common;
#[path = "../contract/mod.rs"]
mod contract;

mod budget;
mod deflate_tolerance;
mod encoder;
mod extents;
mod foreign_extension;
mod fragment_stream;
mod frame_agreement;
mod limits;
mod memory;
mod observed;
mod parking;
mod passive;
mod relay;
mod sharing;
mod split_invariance;
mod strictness;
mod writer_roundtrip;
