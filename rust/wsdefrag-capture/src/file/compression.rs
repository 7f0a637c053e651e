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

#![expect(clippy::disallowed_methods, reason = "a few for each file")]

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

/// The first bytes of members. Frames of zstd and lz4 that hold no data differ in one digit.
const MEMBERS: [(&[u8], Member); 6] = [
    (&[0x1f, 0x8b], Member::Gzip),
    (&[0x28, 0xb5, 0x2f, 0xfd], Member::Zstd),
    (&[0x04, 0x22, 0x4d, 0x18], Member::Lz4),
    // The legacy format of lz4.
    (&[0x02, 0x21, 0x4c, 0x18], Member::Lz4),
    (&[0xfd, b'7', b'z', b'X', b'Z', 0], Member::Xz),
    (b"BZh", Member::Bzip2),
];

/// The last three bytes of the start of a frame that holds no data.
const SKIPPABLE: [u8; 3] = [0x2a, 0x4d, 0x18];

/// How the next bytes are compressed. `later` says that a member came before; then only another one,
/// a capture or padding may follow.
fn detect<R: Read>(source: &mut Source<R>, later: bool) -> io::Result<Member> {
    // No more bytes are waited for than are needed to tell.
    let mut length = 1;
    loop {
        let start = source.peek(length)?;
        match start {
            [] => return Ok(Member::End),
            [0, ..] if later => return Ok(Member::Padding),
            [0x50..=0x5f, rest @ ..] if rest == SKIPPABLE => return Ok(Member::Skippable),
            _ => {}
        }
        if let Some((_, member)) = MEMBERS.iter().find(|(whole, _)| start == *whole) {
            return Ok(*member);
        }
        let is_more = matches!(start, [0x50..=0x5f, rest @ ..] if SKIPPABLE.starts_with(rest))
            || MEMBERS.iter().any(|(whole, _)| whole.starts_with(start));
        if start.len() < length || !is_more {
            break;
        }
        length += 1;
    }
    // After a member, only a capture may follow that is not compressed.
    let is_capture =
        |start: &[u8]| start.first_chunk().is_some_and(|start| start::format(*start).is_some());
    if !later || is_capture(source.peek(4)?) {
        return Ok(Member::Plain);
    }
    let text = "what follows the compressed data is not compressed";
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}

/// The number of zeros that come next; `None` if another byte comes or nothing.
fn zeros<R: Read>(source: &mut Source<R>) -> io::Result<Option<usize>> {
    let buffer = source.fill_buf()?;
    let count = buffer.iter().position(|byte| *byte != 0).unwrap_or(buffer.len());
    Ok((count > 0).then_some(count))
}
