//! Calls of an encoder with any arguments, some of them without memory.
//!
//! The outcomes allowed:
//!
//! - what is accepted is read by the reassembler as it was given, a message that was begun as far as
//!   it was given, and through a window of the size agreed on as well
//! - what is refused is refused for a reason that it gives, writes nothing and changes nothing: an
//!   encoder that was not asked for it writes the same bytes

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::encoder::check(input));
