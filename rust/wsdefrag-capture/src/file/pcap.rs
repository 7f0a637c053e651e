//! The header and the records of a pcap file, which `pcap-parser` reads.

use pcap_parser::nom::{Err, IResult, Needed};
use pcap_parser::{
    LegacyPcapBlock, PcapError, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use crate::file::error::FileErrorKind;
use crate::file::record::{MAX_RECORD, Record, Step};

/// The size of a pcap file's header.
pub(crate) const PCAP_HEADER: usize = 24;

/// A pcap file behind its header.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pcap {
    layout: Layout,
    link: u32,
    /// The length of a unit of the second's fraction, in nanoseconds.
    unit: i64,
}

/// How a record's header is laid out.
#[derive(Clone, Copy, Debug)]
enum Layout {
    Little,
    Big,
    /// The format of Kuznetzov's libpcap: little-endian, with 8 bytes more.
    Modified,
}

impl Pcap {
    /// Reads the header in front of a file, and tells its size; `start` is the first bytes of
    /// `bytes`. Returns `None` where the header is not whole yet.
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
            // The upper bits say what check sequence stands behind a frame.
            link: header.network.0.cast_unsigned() & 0x03ff_ffff,
            unit: if header.is_nanosecond_precision() { 1 } else { 1_000 },
        }
    }

    /// Looks at the record in front; a packet in it goes to `sink`.
    #[inline]
    pub(crate) fn step(
        &self,
        bytes: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<Step, FileErrorKind> {
        let (parsed, header): (IResult<_, LegacyPcapBlock<'_>, PcapError<_>>, usize) =
            match self.layout {
                Layout::Little => (parse_pcap_frame(bytes), 16),
                Layout::Big => (parse_pcap_frame_be(bytes), 16),
                Layout::Modified => (parse_pcap_frame_modified(bytes), 24),
            };
        let (step, captured) = match parsed {
            Ok((rest, frame)) => {
                if frame.caplen <= MAX_RECORD {
                    sink(&Record {
                        // 4,294,967,295 s and as many microseconds fit.
                        time: i64::from(frame.ts_sec) * 1_000_000_000
                            + i64::from(frame.ts_usec) * self.unit,
                        link: Some(self.link),
                        bytes: frame.data,
                        length: frame.origlen,
                    });
                }
                (Step::Taken(bytes.len() - rest.len()), frame.caplen)
            }
            Err(Err::Incomplete(Needed::Size(missing))) => {
                let need = bytes.len().saturating_add(missing.get());
                let captured = u32::try_from(need - header).unwrap_or(u32::MAX);
                (Step::Needs(need), captured)
            }
            // The streaming functions have no other error.
            Err(_) => (Step::Needs(header), 0),
        };
        if captured > MAX_RECORD { Err(FileErrorKind::TooLong(captured)) } else { Ok(step) }
    }
}
