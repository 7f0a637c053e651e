//! The same bytes fed whole, byte by byte, in two halves and in chunks, with arbitrary settings.
//!
//! One outcome is allowed: the same one. Events with their offsets, the violation with its kind
//! and offset, the bytes discarded, the breaches tolerated and what is incomplete at the end do
//! not depend on the cuts, neither for the reassembler nor for the frame decoder.

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::split_feeding::check(input));
