//! Tests with an allocator of their own: what the engine allocates, and what it does when the
//! allocator refuses.

mod allocator;
#[path = "../common/mod.rs"]
mod common;
#[path = "../contract/mod.rs"]
mod contract;

mod allocations;
mod refused_memory;
