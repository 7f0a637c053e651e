//! Captures of one connection whose segments may be missing, repeated, overlapping or
//! contradictory.
//!
//! The contract lists the outcomes allowed: messages of open connections, balanced accounts, and
//! the same output for any chunk size. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/connections/contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::check(input));
