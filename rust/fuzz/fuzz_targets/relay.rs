//! One direction of a relay. Its sender writes messages or arbitrary bytes, and its caller decides
//! on them at random.
//!
//! The outcomes allowed:
//!
//! - by decision: a receiver reads the forwarded, edited and injected messages in order, and no
//!   violation; unchanged messages are forwarded verbatim as long as the windows of both
//!   connections can be equal
//! - pass-through: the output is a prefix of the input, with the caller's messages and frames
//!   between its messages and frames; a receiver reads no violation that the input does not contain
//! - nothing after a Close, and nothing held at the end

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::relay::check(input));
