//! A record of which bytes are missing, whose keys and number are certain all the same: what was
//! captured of it is decrypted, without a tag that confirms it.
//!
//! Positions count from the end of the record's header. The type of a record of TLS 1.3 stands after
//! its content, and may be missing. The records between application data are those of tickets, key
//! updates and alerts: a record that is as short as an alert, or whose content begins like a handshake
//! message, is not read. So at least the first four bytes of the content have to be there.
//!
//! RFC 8446 sections 4 and 5.2.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::TryGrow;

use crate::stream_part::GapKind;
use crate::tls::opener::{Opener, explicit_nonce};
use crate::tls::record::{ContentType, Header};

/// The type of a record of application data.
const APPLICATION_DATA: u8 = 23;
/// Bytes of a tag.
const TAG: usize = 16;
/// Bytes of an alert, or of a handshake message's header.
const SHORTEST: usize = 4;

/// Zeros after the type of a record that count as its padding, where its end is missing. What ends with
/// the type and fewer zeros may be content.
const LEAST_PADDING: usize = 8;

/// A record of application data that is read in parts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct PartialRecord {
    sequence: u64,
    nonce: Option<u64>,
    is_tls13: bool,
    /// Where the content starts and ends, as far as there is no padding.
    start: usize,
    end: usize,
    /// Whether padding seems to have begun. Nothing after that is content.
    is_padding: bool,
    /// How many of the last bytes of the last part are held: the type of application data and fewer
    /// than [`LEAST_PADDING`] zeros. The bytes that follow tell whether they are content.
    pub(super) held: usize,
}

impl PartialRecord {
    /// A record with this header and number, of whose body `captured` is the start. `None` if it may
    /// hold something else than application data. `scratch` is changed.
    pub(super) fn new(
        opener: &Opener,
        sequence: u64,
        header: &Header,
        captured: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Option<Self> {
        let is_tls13 = opener.suite().is_tls13;
        opener.suite().overhead()?;
        let nonce = if opener.has_explicit_nonce() { explicit_nonce(captured) } else { None };
        let start = if opener.has_explicit_nonce() { 8 } else { 0 };
        let end = header.length.checked_sub(TAG + usize::from(is_tls13))?;
        let this = Self { sequence, nonce, is_tls13, start, end, is_padding: false, held: 0 };
        if header.content_type != ContentType::ApplicationData || end < start {
            return None;
        }
        if is_tls13 {
            let beginning = captured.get(..SHORTEST).filter(|_| end > SHORTEST)?;
            let content = this.decrypt(opener, header, 0, beginning, scratch)?;
            let [kind, high, middle, low] = *scratch[content].first_chunk()?;
            let length = u32::from_be_bytes([0, high, middle, low]) as usize;
            // Those that are sent after the handshake, and those that may begin another.
            let is_handshake = matches!(kind, 4 | 11 | 13 | 15 | 20 | 24);
            if is_handshake && length + SHORTEST <= end {
                return None;
            }
        }
        Some(this)
    }

    /// Decrypts a part of the body into `scratch`; returns where in it the content is, with the bytes
    /// that were held before it.
    pub(super) fn open(
        &mut self,
        opener: &Opener,
        header: &Header,
        position: usize,
        part: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        let plain = self.decrypt(opener, header, position, part, scratch)?;
        if self.is_padding {
            return Some(plain.start..plain.start);
        }
        let limit = self.end.saturating_sub(position);
        let mut content = plain.start..limit.clamp(plain.start, plain.end);
        let kind = scratch.get(limit).copied().filter(|_| self.is_tls13 && limit < plain.end);
        let held = std::mem::take(&mut self.held);
        if held > 0 {
            scratch.try_reserve(held).ok()?;
            let zeros = std::iter::repeat_n(0, held - 1);
            let bytes = std::iter::once(APPLICATION_DATA).chain(zeros);
            scratch.splice(content.start..content.start, bytes);
            content.end += held;
        }
        let Some(kind) = kind else {
            return Some(self.without_padding(&scratch[content.clone()], content));
        };
        match kind {
            0 => {
                // The type stands before the padding, which may begin in an earlier part.
                let kind = scratch[content.clone()].iter().rposition(|byte| *byte != 0);
                Some(content.start..content.start + kind.unwrap_or(0))
            }
            APPLICATION_DATA => Some(content),
            _ => Some(content.start..content.start),
        }
    }

    /// Decrypts a part of the body into `scratch`; returns where in it the plaintext is.
    fn decrypt(
        &self,
        opener: &Opener,
        header: &Header,
        position: usize,
        part: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Option<Range<usize>> {
        scratch.clear();
        scratch.try_append(part).ok()?;
        opener.open_part(self.sequence, header, self.nonce, position, scratch)
    }

    /// The content without what looks like the type of a record of application data and padding.
    fn without_padding(&mut self, bytes: &[u8], content: Range<usize>) -> Range<usize> {
        let before = bytes.iter().rposition(|byte| *byte != 0).filter(|_| self.is_tls13);
        match before {
            Some(last) if bytes[last] == APPLICATION_DATA => {
                let length = bytes.len() - last;
                self.is_padding = length > LEAST_PADDING;
                self.held = if self.is_padding { 0 } else { length };
                content.start..content.start + last
            }
            _ => content,
        }
    }

    /// Bytes of the content in a range of the body that is missing, and what is known of their number.
    /// The bytes that were held before it are missing, too, because nothing tells what they are.
    pub(super) fn missing(&mut self, range: Range<usize>) -> (u64, GapKind) {
        let held = std::mem::take(&mut self.held);
        let length = held + range.end.min(self.end).saturating_sub(range.start.max(self.start));
        let reaches_end = range.end >= self.end && self.is_tls13;
        (length as u64, if reaches_end || held > 0 { GapKind::Likely } else { GapKind::Exact })
    }
}
