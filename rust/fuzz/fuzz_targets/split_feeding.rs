//! The same bytes fed whole, byte by byte, in two halves and in chunks, with arbitrary settings.
//!
//! Only one outcome is allowed: the result does not depend on the chunks. This covers events and
//! their offsets, the kind and offset of a violation, discarded bytes, tolerated violations, and
//! the incomplete message or frame at the end, for the reassembler and for the frame decoder.

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::split_feeding::check(input));
