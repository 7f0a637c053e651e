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

/// The level of compression: the least one that chooses its codes by the data. The next ones take half
/// as long again for a twentieth less.
const LEVEL: u32 = 2;

/// Bytes of compressed output that are made at a time.
const OUTPUT: usize = 16 << 10;

/// Makes elements.
pub(super) struct Packer {
    compressor: Compress,
    output: Box<[u8; OUTPUT]>,
}

impl Packer {
    #[expect(clippy::disallowed_methods, reason = "one of a size that is known, for a pass")]
    pub(super) fn new() -> Self {
        let compressor = Compress::new(Compression::new(LEVEL), true);
        Self { compressor, output: Box::new([0; OUTPUT]) }
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
        self.compressor.reset();
        let mut text = Encoder::default();
        loop {
            let (taken, made) = (self.compressor.total_in(), self.compressor.total_out());
            let output = &mut self.output[..];
            // It fails only where it is called again after its end.
            let ended = self.compressor.compress(bytes, output, FlushCompress::Finish).ok();
            let taken = usize::try_from(self.compressor.total_in() - taken).unwrap_or(0);
            let made = usize::try_from(self.compressor.total_out() - made).unwrap_or(0);
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
