//! Captures of one connection whose segments come, stay away, overlap and say what they like.
//!
//! The outcomes allowed stand in the contract: messages of connections that are open, accounts that
//! are balanced, the same for the file in other pieces. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/connections/contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::check(input));
