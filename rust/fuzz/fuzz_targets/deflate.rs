//! Messages that the input describes, compressed by zlib-rs with any window, level and strategy,
//! ended by a flush or a final block, and split into fragments with control frames between them.
//!
//! The outcomes allowed:
//!
//! - unchanged input: every message is read exactly, with its offset; also with a
//!   `max_message_size` of the longest message, while one byte less rejects the first message of
//!   that length
//! - with one damaged byte: any outcome that `arbitrary_bytes` allows, and the same one for every
//!   split into chunks

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::deflate::check(input));
