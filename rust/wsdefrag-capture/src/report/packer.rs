//! Packs bytes into elements of a page: compressed (RFC 1950), then as text.
//!
//! ```html
//! <script type="application/octet-stream" class="rows" data-first="0">...</script>
//! ```
//!
//! A browser does not run a script of a type that it does not know, and keeps its text.

use std::io::Write as _;

use flate2::{Compress, Compression, FlushCompress, Status};
use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow as _;

use crate::report::base85::Encoder;

/// The level of compression. The next one takes half as long again for a quarter less.
const LEVEL: u32 = 1;

/// Bytes that are looked at to find out whether a block can be compressed. A shorter one is not looked
/// at.
const SAMPLE: usize = 4 << 10;

/// Bytes of compressed output that are made at a time.
const OUTPUT: usize = 16 << 10;

/// Makes elements.
pub(super) struct Packer {
    compressor: Compress,
    /// Wraps bytes without compressing them.
    copier: Compress,
    output: Box<[u8; OUTPUT]>,
}

impl Packer {
    #[expect(clippy::disallowed_methods, reason = "one of a size that is known, for a pass")]
    pub(super) fn new() -> Self {
        let [compressor, copier] =
            [LEVEL, 0].map(|level| Compress::new(Compression::new(level), true));
        Self { compressor, copier, output: Box::new([0; OUTPUT]) }
    }

    /// Appends an element of this class with numbers as `data-` attributes, and `bytes` in it.
    pub(super) fn element(
        &mut self,
        class: &'static str,
        numbers: &[(&'static str, u64)],
        mut bytes: &[u8],
        page: &mut Vec<u8>,
    ) -> Result<(), OutOfMemory> {
        page.try_append(b"<script type=\"application/octet-stream\" class=\"")?;
        page.try_append(class.as_bytes())?;
        page.try_append(b"\"")?;
        for (name, number) in numbers {
            // The longest name, quotes, and a number of twenty digits.
            page.try_reserve(64)?;
            let _ = write!(page, " data-{name}=\"{number}\"");
        }
        page.try_append(b">")?;
        let compressor = if looks_random(bytes) { &mut self.copier } else { &mut self.compressor };
        compressor.reset();
        let mut text = Encoder::default();
        loop {
            let (taken, made) = (compressor.total_in(), compressor.total_out());
            let output = &mut self.output[..];
            // It fails only where it is called again after its end.
            let ended = compressor.compress(bytes, output, FlushCompress::Finish).ok();
            let taken = usize::try_from(compressor.total_in() - taken).unwrap_or(0);
            let made = usize::try_from(compressor.total_out() - made).unwrap_or(0);
            bytes = &bytes[taken..];
            text.push(&self.output[..made], page)?;
            if !matches!(ended, Some(Status::Ok)) {
                break;
            }
        }
        text.finish(page)?;
        page.try_append(b"</script>\n")
    }
}

/// Whether all values of a byte are about equally frequent, as in compressed or encrypted contents.
/// Compressing them takes five times as long as copying, and saves nothing.
fn looks_random(bytes: &[u8]) -> bool {
    if bytes.len() < SAMPLE {
        return false;
    }
    let mut counts = [0_u64; 256];
    for byte in bytes.iter().step_by(bytes.len() / SAMPLE) {
        counts[usize::from(*byte)] += 1;
    }
    let seen: u64 = counts.iter().sum();
    let squares: u64 = counts.iter().map(|count| count * count).sum();
    // For random bytes it is `seen * seen / 256 + seen`, give or take a hundredth.
    squares < seen * seen / 205 + seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bytes_without_pattern_look_random() {
        let mut state = 1_u32;
        let random: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(100_000)
        .collect();
        assert!(looks_random(&random));
        assert!(!looks_random(&random[..SAMPLE - 1]));
        assert!(!looks_random(&[0; 10_000]));
        let text: Vec<u8> = random.iter().map(|byte| b'a' + byte % 26).collect();
        assert!(!looks_random(&text));
        // A third of text in it is worth compressing.
        let mixed = [&random[..60_000], &text[..30_000]].concat();
        assert!(!looks_random(&mixed));
    }
}
