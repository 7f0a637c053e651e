//! Messages described by the input, compressed by zlib-rs's compressor with any window, level and
//! strategy, ended by a flush or a final block, cut into fragments with control frames between.
//!
//! The outcomes allowed:
//!
//! - intact, every message comes back exactly, with its offset; also under a `max_message_size`
//!   of the longest one, while one byte less refuses the first message of that length
//! - with one byte damaged, any outcome that `arbitrary_bytes` allows, and the same for every way
//!   of cutting the bytes

#![no_main]

#[path = "../../wsdefrag-core/tests/contract/mod.rs"]
mod contract;

libfuzzer_sys::fuzz_target!(|input: &[u8]| contract::deflate::check(input));
