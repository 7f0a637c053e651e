//! Arbitrary bytes as a request or as responses, read by an endpoint and by a bystander.
//!
//! The outcomes allowed:
//!
//! - a head, and all bytes after it; or an error with an offset inside the bytes, the same one for
//!   every split into chunks
//! - what a strict endpoint accepts has lines that can be read in one way only, and a bystander reads
//!   the same; its answer is one that a bystander understands

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::handshake::check(input));
