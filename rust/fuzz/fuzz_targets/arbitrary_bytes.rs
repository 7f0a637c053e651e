//! Arbitrary bytes of one direction, read with arbitrary settings (the first seven bytes).
//!
//! The outcomes allowed, for the reassembler:
//!
//! - events, each with the offset of its first frame; the offsets of messages rise, and so do those
//!   of control frames; a Close, if any, is the last event
//! - then nothing, or one violation of an enforced rule, at the offset of a frame within the input;
//!   never after a Close, and never for lack of memory
//! - at the end of stream the same violation, or an incomplete message or frame, or nothing
//!
//! A content has at most `max_message_size` bytes, an enforced text is UTF-8, and a control payload
//! has at most 125 bytes. No request for memory exceeds a limit, or the received bytes by more than
//! the documented factor. Every byte is accounted for: held, discarded, or part of an event.
//!
//! The frame decoder returns adjacent frames, then nothing or one violation. Its payloads, joined,
//! are the reassembler's messages. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::arbitrary_bytes::check(input));
