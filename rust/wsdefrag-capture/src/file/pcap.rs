//! pcap files: the header and the records.
//!
//! The header gives the byte order, the layout of records, the link type and the unit of times.
//! The records follow immediately. `pcap-parser` parses both.
//!
//! draft-ietf-opsawg-pcap.
//!
//! - every record that is handed out has `bytes.len() <= MAX_RECORD`

use pcap_parser::nom::{Err, IResult, Needed};
use pcap_parser::{
    LegacyPcapBlock, PcapError, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use crate::file::error::FileErrorKind;
use crate::file::record::{MAX_RECORD, Progress, Record};

/// The size of a pcap file's header, in bytes.
pub(crate) const PCAP_HEADER: usize = 24;

/// A pcap file whose header has been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pcap {
    layout: Layout,
    link: u32,
    /// The unit of the fraction of a second in a record's time, in nanoseconds.
    unit: i64,
}

/// The layout of a record's header.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Little,
    Big,
    /// The format of Kuznetzov's libpcap: little-endian, and 8 bytes longer.
    Modified,
}

impl Pcap {
    /// Reads the header of a file. Returns its size in bytes too, or `None` if `bytes` ends inside
    /// the header. `start` is the first 4 bytes of `bytes`.
    pub(crate) fn start(
        start: &[u8; 4],
        bytes: &[u8],
    ) -> Result<Option<(Self, usize)>, FileErrorKind> {
        match parse_pcap_header(bytes) {
            Ok((rest, header)) => {
                let (major, minor) = (header.version_major, header.version_minor);
                if major != 2 {
                    return Err(FileErrorKind::Version { major, minor });
                }
                Ok(Some((Self::new(&header), bytes.len() - rest.len())))
            }
            Err(Err::Incomplete(_)) => Ok(None),
            Err(_) => Err(FileErrorKind::NotACapture { start: *start, length: 4 }),
        }
    }

    fn new(header: &pcap_parser::PcapHeader) -> Self {
        let layout = match (header.is_modified_format(), header.is_bigendian()) {
            (true, _) => Layout::Modified,
            (false, true) => Layout::Big,
            (false, false) => Layout::Little,
        };
        Self {
            layout,
            // The upper bits give the length of the check sequence after a frame.
            link: header.network.0.cast_unsigned() & 0x03ff_ffff,
            unit: if header.is_nanosecond_precision() { 1 } else { 1_000 },
        }
    }

    /// Reads the record at the start of `bytes`, if it is complete, and gives it to `sink`.
    #[inline]
    pub(crate) fn next_record(
        &self,
        bytes: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<Progress, FileErrorKind> {
        let (parsed, header): (IResult<_, LegacyPcapBlock<'_>, PcapError<_>>, usize) =
            match self.layout {
                Layout::Little => (parse_pcap_frame(bytes), 16),
                Layout::Big => (parse_pcap_frame_be(bytes), 16),
                Layout::Modified => (parse_pcap_frame_modified(bytes), 24),
            };
        let (progress, captured) = match parsed {
            Ok((rest, frame)) => {
                if frame.caplen <= MAX_RECORD {
                    sink(&Record {
                        // The largest values, 2^32 - 1 seconds and microseconds, fit an `i64`.
                        time: i64::from(frame.ts_sec) * 1_000_000_000
                            + i64::from(frame.ts_usec) * self.unit,
                        link: Some(self.link),
                        bytes: frame.data,
                        length: frame.origlen,
                    });
                }
                (Progress::Consumed(bytes.len() - rest.len()), frame.caplen)
            }
            Err(Err::Incomplete(Needed::Size(missing))) => {
                let need = bytes.len().saturating_add(missing.get());
                let captured = u32::try_from(need - header).unwrap_or(u32::MAX);
                (Progress::Needs(need), captured)
            }
            // The parser has no other error here.
            Err(_) => (Progress::Needs(header), 0),
        };
        if captured > MAX_RECORD { Err(FileErrorKind::TooLong(captured)) } else { Ok(progress) }
    }
}
