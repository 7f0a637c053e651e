//! Several capture files of any bytes, merged by time. The first bytes of the input give the sizes of
//! the chunks and say which files' first times are looked up.
//!
//! The contract: each file gives what it gives alone, and all records are in the order of time as far
//! as each file is; the same for any chunk size. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/packets/merge_contract.rs"]
#[allow(dead_code, reason = "the seeds and the tests use the rest")]
mod merge_contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| merge_contract::check(input));
