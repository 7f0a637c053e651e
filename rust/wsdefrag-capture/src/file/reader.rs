//! The records of a capture file: pcap and pcapng.
//!
//! [`Records`] stands at the start of a file, inside one of known format, or behind a fault. A
//! record that lies whole in a chunk is handed out as a range of the chunk. One that the end of a
//! chunk cut in two is collected in `spill`, which grows with the bytes that arrive and never with
//! what a length announces, and is handed out from there. A fault ends the file: it is returned
//! again until [`receive_eof`](Records::receive_eof), behind which the next file starts.
//!
//! pcap is read by `pcap-parser`; the blocks of pcapng are in [`pcapng`](crate::file::pcapng).
//!
//! - `spill.len() < need` between calls, and `need == 0` where `spill` is empty
//! - `need <= MAX_RECORD` and the size of a record header
//! - `position` is the offset of the record at hand, `spill` holds its first bytes

use pcap_parser::nom::{Err, IResult, Needed};
use pcap_parser::{
    LegacyPcapBlock, PcapError, parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified,
    parse_pcap_header,
};

use crate::file::error::{Broken, BrokenKind};
use crate::file::pcapng::{SECTION_HEADER, Section};
use crate::file::secrets::Secrets;

/// The longest record that is read, in bytes. The largest that programs write on purpose are
/// those of D-Bus captures, with 128 MiB.
pub const MAX_RECORD: u32 = 256 << 20;

/// Room that is kept for the next cut record, in bytes.
const SPILL_KEPT: usize = 1 << 20;

/// A captured packet of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was captured, in nanoseconds since the epoch.
    pub time: i64,
    /// What it starts with, as <https://www.tcpdump.org/linktypes.html> numbers them; `None` where
    /// its interface was not described.
    pub link: Option<u32>,
    /// The packet, as far as it was captured.
    pub bytes: &'a [u8],
    /// Its length on the wire, in bytes.
    pub length: u32,
}

/// Takes files and gives their records.
#[derive(Debug, Default)]
pub struct Records {
    format: Format,
    spill: Vec<u8>,
    need: usize,
    position: u64,
    record: u64,
    secrets: Secrets,
}

#[derive(Debug, Default)]
enum Format {
    /// Nothing has come.
    #[default]
    Unknown,
    Pcap(Pcap),
    Pcapng(Section),
    /// Nothing more can be read.
    Broken(Broken),
}

impl Records {
    /// Before the first file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the files hold for decrypting what they hold.
    #[must_use]
    pub const fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// Takes the next bytes of the file; every packet they complete goes to `sink`.
    pub fn receive_data(
        &mut self,
        mut data: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<(), Broken> {
        while !self.spill.is_empty() {
            let taken = data.len().min(self.need - self.spill.len());
            let (fresh, rest) = data.split_at(taken);
            self.spill.extend_from_slice(fresh);
            data = rest;
            if self.spill.len() < self.need {
                return Ok(());
            }
            let mut spill = std::mem::take(&mut self.spill);
            let consumed = self.run(&spill, sink)?;
            spill.drain(..consumed);
            spill.shrink_to(SPILL_KEPT);
            self.spill = spill;
        }
        let consumed = self.run(data, sink)?;
        self.spill.extend_from_slice(&data[consumed..]);
        Ok(())
    }

    /// The file ends; another may follow.
    pub fn receive_eof(&mut self) -> Result<(), Broken> {
        let left = self.spill.len();
        let kind = match self.format {
            Format::Unknown if left < 4 => {
                let mut start = [0; 4];
                start[..left].copy_from_slice(&self.spill);
                Some(BrokenKind::NotACapture { start, length: left })
            }
            // It has been told.
            Format::Broken(_) => None,
            _ => (left != 0).then_some(BrokenKind::CutShort { left }),
        };
        let result = kind.map_or(Ok(()), |kind| Err(self.broken(kind)));
        let secrets = std::mem::take(&mut self.secrets);
        *self = Self { secrets, ..Self::default() };
        result
    }

    /// A fault in the record at hand.
    #[cold]
    const fn broken(&self, kind: BrokenKind) -> Broken {
        Broken { record: self.record + 1, offset: self.position, kind }
    }

    /// Hands out the whole records at the front of `bytes`; returns what they take and leaves in
    /// `need` what the one behind them takes, as far as is known.
    fn run(&mut self, bytes: &[u8], sink: &mut impl FnMut(&Record<'_>)) -> Result<usize, Broken> {
        let result = self.try_run(bytes, sink).map_err(|kind| self.broken(kind));
        if let Err(broken) = result {
            self.format = Format::Broken(broken);
            self.spill = Vec::new();
        }
        result
    }

    fn try_run(
        &mut self,
        mut bytes: &[u8],
        sink: &mut impl FnMut(&Record<'_>),
    ) -> Result<usize, BrokenKind> {
        let before = bytes.len();
        self.need = 0;
        while !bytes.is_empty() {
            let step = match &mut self.format {
                Format::Unknown => {
                    let step = self.start(bytes)?;
                    if let Step::Taken(taken) = step {
                        bytes = &bytes[taken..];
                        self.position += taken as u64;
                        continue;
                    }
                    step
                }
                Format::Pcap(pcap) => pcap.step(bytes, sink)?,
                Format::Pcapng(section) => section.step(bytes, &mut self.secrets, sink)?,
                Format::Broken(broken) => return Err(broken.kind),
            };
            match step {
                Step::Taken(taken) => {
                    bytes = &bytes[taken..];
                    self.position += taken as u64;
                    self.record += 1;
                }
                Step::Needs(need) => {
                    self.need = need;
                    break;
                }
            }
        }
        Ok(before - bytes.len())
    }

    /// Tells the format by the first bytes of a file.
    fn start(&mut self, bytes: &[u8]) -> Result<Step, BrokenKind> {
        let Some(start) = bytes.first_chunk::<4>() else { return Ok(Step::Needs(4)) };
        if *start == SECTION_HEADER {
            self.format = Format::Pcapng(Section::default());
            return Ok(Step::Taken(0));
        }
        match parse_pcap_header(bytes) {
            Ok((rest, header)) => {
                let (major, minor) = (header.version_major, header.version_minor);
                if major != 2 {
                    return Err(BrokenKind::Version { major, minor });
                }
                self.format = Format::Pcap(Pcap::new(&header));
                Ok(Step::Taken(bytes.len() - rest.len()))
            }
            Err(Err::Incomplete(_)) => Ok(Step::Needs(PCAP_HEADER)),
            Err(_) => Err(BrokenKind::NotACapture { start: *start, length: 4 }),
        }
    }
}

/// What came of looking at the front of a range.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A record of this many bytes has been handed out, or passed over.
    Taken(usize),
    /// The record at the front has at least this many bytes.
    Needs(usize),
}

/// The size of a pcap file's header.
const PCAP_HEADER: usize = 24;

/// A pcap file behind its header.
#[derive(Clone, Copy, Debug)]
struct Pcap {
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

    #[inline]
    fn step(&self, bytes: &[u8], sink: &mut impl FnMut(&Record<'_>)) -> Result<Step, BrokenKind> {
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
        if captured > MAX_RECORD { Err(BrokenKind::TooLong(captured)) } else { Ok(step) }
    }
}
