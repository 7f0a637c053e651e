//! Frames and contents for the kernels' inputs, the same in every run.

use std::fmt::Write as _;

use flate2::{Compress, Compression, FlushCompress};

/// A sequence of numbers that looks random.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next one (xorshift64*).
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[7]).collect()
    }
}

/// Appends a frame; `key` masks it.
pub(crate) fn frame(out: &mut Vec<u8>, first: u8, key: Option<[u8; 4]>, payload: &[u8]) {
    let masked = if key.is_some() { 0x80 } else { 0 };
    out.push(first);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short @ ..=125), _) => out.push(masked | short),
        (_, Ok(long)) => {
            out.push(masked + 126);
            out.extend(long.to_be_bytes());
        }
        _ => {
            out.push(masked + 127);
            out.extend((payload.len() as u64).to_be_bytes());
        }
    }
    out.extend(key.iter().flatten());
    let key = key.unwrap_or_default();
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// A masking key.
pub(crate) fn key(numbers: &mut Numbers) -> Option<[u8; 4]> {
    numbers.bytes(4).try_into().ok()
}

/// A text like those that programs send each other, about 400 bytes of JSON.
pub(crate) fn json(numbers: &mut Numbers) -> Vec<u8> {
    let mut text = String::from("{\"event\":\"update\",\"items\":[");
    for place in 0..6 {
        let (price, size) = (numbers.next() % 100_000, numbers.next() % 500);
        let comma = if place == 0 { "" } else { "," };
        let _ = write!(
            text,
            "{comma}{{\"symbol\":\"SYM{place}\",\"price\":{price},\"size\":{size},\"side\":\"buy\"}}"
        );
    }
    text += "]}";
    text.into_bytes()
}

/// Compresses messages one after the other with a window that goes on (RFC 7692 section 7.2.1).
pub(crate) struct Compressor(Compress);

impl Compressor {
    pub(crate) fn new() -> Self {
        Self(Compress::new(Compression::new(6), false))
    }

    pub(crate) fn message(&mut self, content: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(content.len() + 64);
        self.0.compress_vec(content, &mut out, FlushCompress::Sync).expect("zlib takes any input");
        out.truncate(out.len() - 4);
        out
    }
}
