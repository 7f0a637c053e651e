//! Compressed input: gzip, zstd, lz4, xz and bzip2, inflated while it is read.
//!
//! ```text
//! Between   at the start, or after a member; its first bytes show how the next one is compressed
//! Plain     not compressed: bytes pass unchanged
//! Gzip, Zstd, Lz4, Xz, Bzip2
//! Over
//! ```
//!
//! The content decides, not the name. A file may have several members, also of several formats; zeros
//! between and after them are padding. Memory is bounded by the formats' windows, at most 128 MiB,
//! however much comes out. A read returns the bytes that are available and does not wait for more, so
//! a live capture can come through a pipe.
//!
//! RFC 1952 section 2.3.1, RFC 8878 section 3.1, the lz4 frame format, the xz file format section 2.1,
//! and bzip2's `BZh`.

use std::io::{self, BufRead, Read};

use bzip2::bufread::BzDecoder;
use flate2::bufread::GzDecoder;
use lz4_flex::frame::FrameDecoder as Lz4Decoder;
use lzma_rust2::XzReader;
use zstd::stream::read::Decoder as ZstdDecoder;

use crate::file::source::Source;
use crate::file::start;

/// The largest dictionary of an xz file, in KiB. Its highest preset needs 64 MiB.
const XZ_MEMORY: u32 = 128 << 10;

/// The largest window of a zstd frame: two to the power of this.
const ZSTD_WINDOW: u32 = 27;

/// Reads a file that may be compressed.
pub struct Decompressor<R: Read> {
    state: State<R>,
}

enum State<R: Read> {
    Between {
        source: Source<R>,
        /// Whether a member came before.
        later: bool,
    },
    Plain(Source<R>),
    Gzip(Box<GzDecoder<Source<R>>>),
    Zstd(ZstdDecoder<'static, Source<R>>),
    Lz4(Box<Lz4Decoder<Source<R>>>),
    Xz(Box<XzReader<Source<R>>>),
    Bzip2(BzDecoder<Source<R>>),
    /// After the end, or an error.
    Over,
}

/// How a member is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    Gzip,
    Zstd,
    Lz4,
    Xz,
    Bzip2,
    /// A frame of zstd or lz4 that holds no data.
    Skippable,
    /// Zeros after a member.
    Padding,
    Plain,
    /// Nothing follows.
    End,
}

impl<R: Read> Decompressor<R> {
    /// Reads `reader` from where it stands.
    pub fn new(reader: R) -> Self {
        Self { state: State::Between { source: Source::new(reader), later: false } }
    }

    /// The next member, by its first bytes.
    fn start_member(&mut self) -> io::Result<()> {
        let State::Between { source, later } = &mut self.state else { return Ok(()) };
        let member = detect(source, *later)?;
        let State::Between { mut source, .. } = std::mem::replace(&mut self.state, State::Over)
        else {
            return Ok(());
        };
        // The other decoders cannot go on after a read that had no bytes yet.
        source.must_block(!matches!(member, Member::Gzip | Member::Plain));
        self.state = match member {
            Member::Plain => State::Plain(source),
            Member::Gzip => State::Gzip(Box::new(GzDecoder::new(source))),
            Member::Zstd => {
                let mut decoder = ZstdDecoder::with_buffer(source)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW)?;
                State::Zstd(decoder)
            }
            Member::Lz4 => State::Lz4(Box::new(Lz4Decoder::new(source))),
            Member::Xz => State::Xz(Box::new(XzReader::new_mem_limit(source, false, XZ_MEMORY))),
            Member::Bzip2 => State::Bzip2(BzDecoder::new(source)),
            Member::Skippable => {
                source.consume(4);
                let mut size = [0; 4];
                source.read_exact(&mut size)?;
                let size = u64::from(u32::from_le_bytes(size));
                if io::copy(&mut source.by_ref().take(size), &mut io::sink())? < size {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                State::Between { source, later: true }
            }
            Member::Padding => {
                while let Some(zeros) = zeros(&mut source)? {
                    source.consume(zeros);
                }
                State::Between { source, later: true }
            }
            Member::End => State::Over,
        };
        Ok(())
    }

    /// Ends a member whose bytes are all read.
    fn end_member(&mut self) {
        let source = match std::mem::replace(&mut self.state, State::Over) {
            State::Gzip(decoder) => decoder.into_inner(),
            State::Zstd(decoder) => decoder.finish(),
            State::Lz4(decoder) => decoder.into_inner(),
            State::Xz(decoder) => decoder.into_inner(),
            State::Bzip2(decoder) => decoder.into_inner(),
            State::Between { .. } | State::Plain(_) | State::Over => return,
        };
        self.state = State::Between { source, later: true };
    }

    /// The stored bytes of the member.
    fn source(&self) -> Option<&Source<R>> {
        Some(match &self.state {
            State::Gzip(decoder) => decoder.get_ref(),
            State::Zstd(decoder) => decoder.get_ref(),
            State::Lz4(decoder) => decoder.get_ref(),
            State::Xz(decoder) => decoder.inner(),
            State::Bzip2(decoder) => decoder.get_ref(),
            State::Between { source, .. } | State::Plain(source) => source,
            State::Over => return None,
        })
    }
}

impl<R: Read> Read for Decompressor<R> {
    /// Reads decompressed bytes.
    ///
    /// # Errors
    ///
    /// What the reader returns. `UnexpectedEof` if the compressed bytes end too early, and
    /// `InvalidData` if they are damaged: all bytes before were returned.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let result = match &mut self.state {
                State::Between { .. } => {
                    self.start_member()?;
                    continue;
                }
                State::Plain(source) => return source.read(buffer),
                State::Gzip(decoder) => decoder.read(buffer),
                State::Zstd(decoder) => decoder.read(buffer),
                State::Lz4(decoder) => decoder.read(buffer),
                State::Xz(decoder) => decoder.read(buffer),
                State::Bzip2(decoder) => decoder.read(buffer),
                State::Over => return Ok(0),
            };
            match result {
                Ok(0) => self.end_member(),
                Ok(count) => return Ok(count),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    let (failed, exhausted) = self.source().map_or((true, false), |source| {
                        (source.has_failed(), source.is_exhausted())
                    });
                    self.state = State::Over;
                    return Err(match () {
                        () if failed => error,
                        () if exhausted => io::ErrorKind::UnexpectedEof.into(),
                        () => io::Error::new(io::ErrorKind::InvalidData, error),
                    });
                }
            }
        }
    }
}

/// How the next bytes are compressed. `later` says that a member came before; then only another one,
/// a capture or padding may follow.
fn detect<R: Read>(source: &mut Source<R>, later: bool) -> io::Result<Member> {
    const MOST: usize = 6;
    // No more bytes are waited for than are needed to tell.
    for length in 1..=MOST {
        let start = source.peek(length)?;
        let whole = start.len() < length;
        let member = match start {
            [] => Some(Member::End),
            [0, ..] if later => Some(Member::Padding),
            [0x1f, 0x8b, ..] => Some(Member::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Member::Zstd),
            [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Member::Lz4),
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Member::Skippable),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Member::Xz),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Member::Bzip2),
            [0x1f]
            | [0x28]
            | [0x28, 0xb5]
            | [0x28, 0xb5, 0x2f]
            | [0x04]
            | [0x04, 0x22]
            | [0x04, 0x22, 0x4d]
            | [0x02]
            | [0x02, 0x21]
            | [0x02, 0x21, 0x4c]
            | [0x50..=0x5f]
            | [0x50..=0x5f, 0x2a]
            | [0x50..=0x5f, 0x2a, 0x4d]
            | [0xfd]
            | [0xfd, b'7']
            | [0xfd, b'7', b'z']
            | [0xfd, b'7', b'z', b'X']
            | [0xfd, b'7', b'z', b'X', b'Z']
            | [b'B']
            | [b'B', b'Z']
            | [b'B', b'Z', b'h']
                if !whole =>
            {
                None
            }
            _ if !later => Some(Member::Plain),
            // A capture that was appended to a compressed one.
            _ => match source.peek(4)?.first_chunk() {
                Some(start) if start::format(*start).is_some() => Some(Member::Plain),
                _ => {
                    let text = "what follows the compressed data is not compressed";
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
            },
        };
        if let Some(member) = member {
            return Ok(member);
        }
    }
    Ok(Member::Plain)
}

/// The number of zeros that come next; `None` if another byte comes or nothing.
fn zeros<R: Read>(source: &mut Source<R>) -> io::Result<Option<usize>> {
    let buffer = source.fill_buf()?;
    let count = buffer.iter().position(|byte| *byte != 0).unwrap_or(buffer.len());
    Ok((count > 0).then_some(count))
}
