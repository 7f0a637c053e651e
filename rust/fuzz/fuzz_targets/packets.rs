//! Capture files of arbitrary bytes, read in arbitrary chunks (the first two bytes).
//!
//! The outcomes allowed stand in the contract: packets, then nothing or one fault within the file,
//! the same for any chunks, and every packet counted as one thing. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/packets/contract.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::arbitrary_file(input));
