//! Key logs of any bytes, in chunks of a size that the first byte gives.
//!
//! The contract lists the outcomes allowed. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/tls/keylog_contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::check(input));
