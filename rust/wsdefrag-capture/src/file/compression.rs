//! Compressed input: inflates a gzip file while it is read.
//!
//! The first two bytes show whether the input is gzip; any other input is passed on unchanged. A read
//! returns the bytes that are available and does not wait for more, so a live capture can come
//! through a pipe.
//!
//! RFC 1952 section 2.3.1.

#![expect(clippy::disallowed_methods, reason = "one for each file")]

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// The first bytes of a gzip member (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Compressed bytes that are read at a time.
const COMPRESSED: usize = 64 << 10;

/// Wraps `reader` so that gzip, of any number of members, is inflated.
///
/// # Errors
///
/// If the first two bytes cannot be read. A gzip file that ends too early gives all bytes that can be
/// inflated, then an error of the kind `UnexpectedEof`.
pub fn decompressed<'a, R: Read + Send + 'a>(
    mut reader: R,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut start = [0; GZIP.len()];
    let mut filled = 0;
    while filled < start.len() {
        match reader.read(&mut start[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let whole = Cursor::new(start).take(filled as u64).chain(reader);
    if start[..filled] == GZIP {
        let compressed = BufReader::with_capacity(COMPRESSED, whole);
        Ok(Box::new(MultiGzDecoder::new(compressed)))
    } else {
        Ok(Box::new(whole))
    }
}
