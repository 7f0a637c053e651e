//! Arbitrary bytes of one direction, read with arbitrary settings (the first seven bytes).
//!
//! The outcomes allowed, for the reassembler:
//!
//! - events, each with the offset of its first frame, in the order of those offsets for messages
//!   and for control frames; a close frame, if any, is the last
//! - then nothing, or one violation: of a rule that the settings enforce, at the offset of a frame
//!   within the input, never behind a close frame, and never for want of memory
//! - at the end of stream that violation again, or what is incomplete, or nothing
//!
//! A content is at most `max_message_size` long, a text under strict checking is UTF-8, a control
//! payload has at most 125 bytes. No request for memory exceeds a limit, nor what has arrived by
//! more than the factor documented. Every byte is accounted for: held, discarded, or part of what
//! came out.
//!
//! For the frame decoder: frames without a gap between them, then nothing or one violation. Put
//! together, its payloads are the reassembler's messages. A panic is never allowed.

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::arbitrary_bytes::check(input));
