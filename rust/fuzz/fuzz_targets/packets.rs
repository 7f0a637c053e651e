//! Capture files of any bytes. The first two bytes of the input give the sizes of the chunks.
//!
//! The contract lists the outcomes allowed: packets, then at most one error within the file; the
//! same for any chunk size; every packet is counted once. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/packets/contract.rs"]
#[allow(dead_code, reason = "the tests that have this module use the rest")]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::arbitrary_file(input));
