//! Captures of one connection whose segments may be missing, repeated, overlapping or contradictory.
//!
//! The allowed outcomes are in the contract: messages of open connections, balanced accounts, and the
//! same output for any size of chunks. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/connections/contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::check(input));
