//! Flow files and HTTP archives of any bytes, in chunks of a size that the first byte gives.
//!
//! The contract lists the outcomes allowed: the same rows and the same errors for any chunk size, and every
//! connection that opened has ended. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/recorded/contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::check(input));
