//! One direction of a relay, whose sender writes messages or arbitrary bytes, and whose caller
//! decides on them at random.
//!
//! The outcomes allowed:
//!
//! - messages that are decided on: a receiver reads those that were forwarded, edited and put in,
//!   in that order, and no violation; what nobody touched is the same bytes for as long as the
//!   windows of both legs can be the same
//! - frames that go on by themselves: the front of what came in, with the caller's own between its
//!   frames and messages; a receiver reads no violation that was not in it
//! - nothing behind a Close, and at the end nothing held

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::relay::check(input));
