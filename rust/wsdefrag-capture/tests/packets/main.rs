//! The packet stage from outside: files in, packets out.

mod contract;
mod exported;
mod files;
mod formats;
mod fragmented;
mod layers;
mod properties;
mod reading;
mod writer;
