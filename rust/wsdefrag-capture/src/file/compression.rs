//! Compressed input.
//!
//! The first two bytes tell whether it is gzip. Nothing else is looked at before it is asked for,
//! and a read returns what is there, so that a live capture can come through a pipe.

use std::io::{self, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// What a gzip member starts with (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Compressed bytes read at a time.
const COMPRESSED: usize = 64 << 10;

/// A reader of what `reader` holds: inflated if it is gzip, of any number of members.
///
/// A compressed file that is cut at its end gives all that can be inflated, then an error of the
/// kind `UnexpectedEof`.
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
