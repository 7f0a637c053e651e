//! Captures of one HTTP/2 connection: frames of any kind, header blocks, and gaps.
//!
//! The contract is that of `connections`. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-capture/tests/connections/contract.rs"]
#[allow(dead_code, reason = "its own scripts are not used")]
mod contract;
#[path = "../../wsdefrag-capture/tests/connections/http2.rs"]
#[allow(dead_code, reason = "only one kind of script is used")]
mod http2;

libfuzzer_sys::fuzz_target!(|input: &[u8]| http2::check(input));
