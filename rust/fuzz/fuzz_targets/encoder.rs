//! Calls of an encoder with any arguments; some of them are refused memory.
//!
//! The outcomes allowed:
//!
//! - the reassembler reads what was encoded, an open message as far as it was encoded; also through
//!   a window of exactly the agreed size
//! - a refused call has a valid reason, writes nothing and changes nothing: an encoder without that
//!   call writes the same bytes

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::encoder::check(input));
