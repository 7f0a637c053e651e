//! The format of the capture that is read now, in a file that may have several after each other.
//!
//! ```text
//! Unknown   at the start of a capture; its first bytes give the format
//! Records   inside a pcap or snoop file
//! Pcapng    inside a pcapng file
//! ```

use crate::file::error::FileErrorKind;
use crate::file::fixed_header::Records;
use crate::file::fixed_record;
use crate::file::looks;
use crate::file::pcap::{self, PCAP_HEADER};
use crate::file::pcapng::Section;
use crate::file::record::{Parsed, Plausible};
use crate::file::secrets::Secrets;
use crate::file::snoop::{self, SNOOP_HEADER};
use crate::file::start::{self, FileFormat};
use crate::file::verdict;
use serde::{Deserialize, Serialize};

/// The format of the current capture.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) enum Format {
    /// The first bytes of a capture have not arrived.
    #[default]
    Unknown,
    Records(Records),
    Pcapng(Section),
}

impl Format {
    /// The record or block at the start of `bytes`, or the header of a capture. `before` is the time of
    /// the packet before, and `end` says that the file ends with `bytes`.
    ///
    /// # Errors
    ///
    /// If no capture starts here, where one must.
    #[inline]
    pub(super) fn parse<'a>(
        &mut self,
        bytes: &'a [u8],
        before: Option<i64>,
        end: bool,
        secrets: &mut Secrets,
    ) -> Result<Parsed<'a>, FileErrorKind> {
        match self {
            Self::Records(records) => Ok(fixed_record::parse(records, bytes, before, end)),
            Self::Pcapng(section) => Ok(section.parse(bytes, before, end, secrets)),
            Self::Unknown => self.detect(bytes, end),
        }
    }

    /// Whether `bytes`, found after damage, start with a record.
    #[inline]
    pub(super) fn plausible(&self, bytes: &[u8], before: Option<i64>, end: bool) -> Plausible {
        match self {
            Self::Records(records) => verdict::plausible(records, bytes, before, end),
            Self::Pcapng(section) => section.plausible(bytes, end),
            Self::Unknown => start::starts_capture(bytes),
        }
    }

    /// Whether a file that ends here is cut short, even if no byte is left.
    pub(super) const fn expects_more(&self) -> bool {
        match self {
            Self::Unknown => true,
            Self::Records(_) => false,
            Self::Pcapng(section) => section.is_inside_block(),
        }
    }

    /// Detects it by the first bytes of the file, and takes the header of a pcap or snoop
    /// file.
    fn detect(&mut self, bytes: &[u8], end: bool) -> Result<Parsed<'static>, FileErrorKind> {
        let format = bytes.first_chunk::<4>().map(|start| start::format(*start));
        match format {
            None if !end => return Ok(Parsed::Needs(4)),
            Some(None) if !end && bytes.len() < looks::START => {
                return Ok(Parsed::Needs(looks::START));
            }
            None | Some(None) => return Err(FileErrorKind::not_a_capture(bytes)),
            Some(Some(FileFormat::Pcapng)) => {
                *self = Self::Pcapng(Section::default());
                return Ok(Parsed::Other(0));
            }
            Some(Some(FileFormat::Pcap)) => {
                if let Some(header) = bytes.first_chunk::<PCAP_HEADER>() {
                    *self = Self::Records(pcap::start(header)?);
                    return Ok(Parsed::Other(PCAP_HEADER));
                }
            }
            Some(Some(FileFormat::Snoop)) => {
                if let Some(header) = bytes.first_chunk::<SNOOP_HEADER>() {
                    *self = Self::Records(snoop::start(header)?);
                    return Ok(Parsed::Other(SNOOP_HEADER));
                }
            }
        }
        if end {
            return Err(FileErrorKind::CutShort { left: bytes.len() });
        }
        Ok(Parsed::Needs(PCAP_HEADER))
    }
}
