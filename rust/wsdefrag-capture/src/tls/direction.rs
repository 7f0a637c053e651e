//! One direction of a TLS connection: the parts of a TCP stream in, application data and gaps out.
//!
//! ```text
//! AtRecord    the next byte, or the first one that is held, starts a record
//! Damaged     inside a record of which bytes are missing; its end is known
//! Searching   the start of the next record is unknown; whatever looks like one is tried
//! ```
//!
//! A gap that ends inside a record whose header was captured leads to Damaged, and from there to
//! `AtRecord`. Any other gap leads to Searching, and so does a header that is none. A candidate is
//! believed if it opens. If it is cut by another gap, it is believed to be a record, since a header
//! is rare in random bytes; what is given out of it has to open all the same.
//!
//! RFC 8446 section 5, RFC 5246 section 6.2.
//!
//! - `announced == account.bytes() + bytes held` once what was announced has been taken
//! - `buffer` is shorter than the longest record

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::TryGrow;

use crate::packet::Origin;
use crate::stream_part::Gap;
use crate::tls::contents::{Contents, Verdict};
use crate::tls::hello::TLS12;
use crate::tls::record::{HEADER, Header, MAX_LENGTH, MAX_LENGTH_TLS13, find_candidate};
use crate::tls::tools::{Tools, Waiting};
use crate::tls_facts::TlsAccount;

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Framing {
    AtRecord,
    /// Inside a record with this header; `left` bytes are to come.
    Damaged {
        header: Header,
        left: usize,
    },
    Searching,
}

/// One direction of a TLS connection.
#[derive(Serialize, Deserialize)]
pub(super) struct Direction {
    framing: Framing,
    /// The start of a record.
    #[serde(with = "serde_bytes")]
    buffer: Vec<u8>,
    /// Bytes of the stream, captured or not.
    announced: u64,
    contents: Contents,
}

impl Direction {
    pub(super) fn new(sender: usize) -> Self {
        let contents = Contents::new(sender);
        Self { framing: Framing::AtRecord, buffer: Vec::new(), announced: 0, contents }
    }

    /// What its records hold.
    pub(super) const fn contents(&mut self) -> &mut Contents {
        &mut self.contents
    }

    /// The account of the bytes so far.
    pub(super) const fn account(&self) -> &TlsAccount {
        &self.contents.account
    }

    /// Whether anything was given out.
    pub(super) const fn has_given(&self) -> bool {
        self.contents.has_given
    }

    /// Whether the next hello of this side may still come: nothing is missing after what was read.
    pub(super) const fn may_say_hello(&self) -> bool {
        matches!(self.framing, Framing::AtRecord) && !self.contents.reader.has_loss()
    }

    /// Counts bytes of the stream that will be taken.
    pub(super) const fn announce(&mut self, bytes: u64) {
        self.announced += bytes;
    }

    /// Bytes that were announced and not counted or held.
    pub(super) fn announced_rest(&self) -> u64 {
        self.announced - self.account().bytes() - self.buffer.len() as u64 - self.contents.held()
    }

    /// The memory that it takes besides this value, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.buffer.capacity() + self.contents.bytes_held()
    }

    /// Takes the next bytes of the stream. Returns how many were taken, and why not all.
    pub(super) fn data(
        &mut self,
        bytes: &[u8],
        origin: Origin,
        tools: &mut Tools<'_>,
    ) -> (usize, Option<Waiting>) {
        let mut rest = bytes;
        let mut waiting = None;
        // What waited goes on even without further bytes.
        while !rest.is_empty() || !self.buffer.is_empty() {
            let before = (rest.len(), self.buffer.len());
            let was_searching = matches!(self.framing, Framing::Searching);
            let verdict = match self.framing {
                Framing::Damaged { header, left } => {
                    let taken = left.min(rest.len());
                    let position = header.length - left.min(header.length);
                    self.contents.damaged(&header, position, &rest[..taken], origin, tools);
                    rest = &rest[taken..];
                    self.continue_damaged(&header, left - taken, Some(origin), tools);
                    Verdict::Taken
                }
                Framing::AtRecord => self.next_record(&mut rest, origin, tools),
                Framing::Searching => self.search(&mut rest, origin, tools),
            };
            if let Verdict::Waits(why) = verdict {
                waiting = Some(why);
                break;
            }
            let is_searching = matches!(self.framing, Framing::Searching);
            if before == (rest.len(), self.buffer.len()) && was_searching == is_searching {
                break;
            }
        }
        if rest.len() < bytes.len() {
            self.contents.last = Some(origin);
        }
        (bytes.len() - rest.len(), waiting)
    }

    /// Takes bytes up to the end of the record that begins here.
    fn next_record(&mut self, rest: &mut &[u8], origin: Origin, tools: &mut Tools<'_>) -> Verdict {
        if self.buffer.is_empty()
            && let Some(header) = Header::parse(rest)
            && self.contents.is_closed(&header, tools)
        {
            self.contents.begin_damaged(&header, &[], tools);
            *rest = &rest[HEADER..];
            self.continue_damaged(&header, header.length, Some(origin), tools);
            return Verdict::Taken;
        }
        if self.buffer.is_empty()
            && let Some(header) = Header::parse(rest)
            && let Some((record, after)) = rest.split_at_checked(header.whole())
        {
            let verdict = self.contents.record(&header, &record[HEADER..], origin, true, tools);
            if matches!(verdict, Verdict::Taken) {
                *rest = after;
            }
            return verdict;
        }
        self.fill(HEADER, rest, tools);
        if self.buffer.len() < HEADER {
            return Verdict::Taken;
        }
        let Some(header) = Header::parse(&self.buffer) else {
            self.lose(0, Some(origin), tools);
            return Verdict::Taken;
        };
        self.fill(header.whole(), rest, tools);
        self.buffered_record(&header, origin, true, tools)
    }

    /// Takes the record at the start of the buffer, if it is whole.
    fn buffered_record(
        &mut self,
        header: &Header,
        origin: Origin,
        is_certain: bool,
        tools: &mut Tools<'_>,
    ) -> Verdict {
        if self.buffer.len() < header.whole() {
            return Verdict::Taken;
        }
        let buffer = std::mem::take(&mut self.buffer);
        let body = &buffer[HEADER..header.whole()];
        let verdict = self.contents.record(header, body, origin, is_certain, tools);
        self.buffer = buffer;
        match verdict {
            Verdict::Taken => {
                self.framing = Framing::AtRecord;
                self.remove_start(header.whole(), tools);
            }
            Verdict::Rejected => self.drop_start(1, origin, tools),
            Verdict::Waits(_) => {}
        }
        verdict
    }

    /// Looks for a record in what is held and what follows.
    fn search(&mut self, rest: &mut &[u8], origin: Origin, tools: &mut Tools<'_>) -> Verdict {
        let is_tls13 = tools.negotiation.facts.version.is_none_or(|version| version > TLS12);
        let max_length = if is_tls13 { MAX_LENGTH_TLS13 } else { MAX_LENGTH };
        if !self.buffer.is_empty() {
            let wanted = Header::parse(&self.buffer).map_or(HEADER, |header| header.whole());
            self.fill(wanted, rest, tools);
            return match find_candidate(&self.buffer, 0, max_length) {
                Some((0, header)) => self.buffered_record(&header, origin, false, tools),
                Some((position, _)) => {
                    self.drop_start(position, origin, tools);
                    Verdict::Taken
                }
                None => {
                    let passed = self.buffer.len().saturating_sub(HEADER - 1);
                    self.drop_start(passed, origin, tools);
                    Verdict::Taken
                }
            };
        }
        let candidate = find_candidate(rest, 0, max_length);
        let passed = match candidate {
            Some((position, _)) => position,
            None => rest.len().saturating_sub(HEADER - 1),
        };
        self.pass_over(passed, origin);
        *rest = &rest[passed..];
        let Some((_, header)) = candidate else {
            self.fill(HEADER - 1, rest, tools);
            return Verdict::Taken;
        };
        let Some((record, after)) = rest.split_at_checked(header.whole()) else {
            self.fill(header.whole(), rest, tools);
            return Verdict::Taken;
        };
        let verdict = self.contents.record(&header, &record[HEADER..], origin, false, tools);
        match verdict {
            Verdict::Taken => {
                *rest = after;
                self.framing = Framing::AtRecord;
            }
            Verdict::Rejected => {
                self.pass_over(1, origin);
                *rest = &rest[1..];
            }
            Verdict::Waits(_) => {}
        }
        verdict
    }

    /// Moves bytes into the buffer until it has `wanted`. Without memory they are lost.
    fn fill(&mut self, wanted: usize, rest: &mut &[u8], tools: &mut Tools<'_>) {
        let missing = wanted.saturating_sub(self.buffer.len()).min(rest.len());
        if missing == 0 {
            return;
        }
        if self.buffer.capacity() == 0 {
            self.buffer = std::mem::take(tools.spare);
            self.buffer.clear();
        }
        let (taken, after) = rest.split_at(missing);
        *rest = after;
        if self.buffer.try_append(taken).is_err() {
            self.contents.account.undecryptable += taken.len() as u64;
            self.drop_buffer(tools);
            self.lose(taken.len() as u64, self.contents.last, tools);
        }
    }

    /// Removes bytes from the start of the buffer, and puts it aside when it is empty.
    fn remove_start(&mut self, length: usize, tools: &mut Tools<'_>) {
        if length < self.buffer.len() {
            self.buffer.drain(..length);
        } else {
            self.buffer.clear();
            *tools.spare = std::mem::take(&mut self.buffer);
        }
    }

    /// Passes over bytes at the start of the buffer in which no record starts.
    fn drop_start(&mut self, length: usize, origin: Origin, tools: &mut Tools<'_>) {
        self.pass_over(length, origin);
        self.remove_start(length, tools);
    }

    /// Passes over bytes in which no record starts.
    fn pass_over(&mut self, length: usize, origin: Origin) {
        if length > 0 {
            self.contents.account.undecryptable += length as u64;
            self.contents.reader.lose(length as u64, self.contents.last, Some(origin));
        }
    }

    /// Passes over all bytes that are held.
    fn drop_buffer(&mut self, tools: &mut Tools<'_>) {
        let length = self.buffer.len();
        self.contents.account.undecryptable += length as u64;
        self.contents.reader.lose(length as u64, self.contents.last, self.contents.last);
        self.remove_start(length, tools);
    }

    /// Searches for the next record, `bytes` after what was lost before.
    fn lose(&mut self, bytes: u64, after: Option<Origin>, tools: &mut Tools<'_>) {
        self.framing = Framing::Searching;
        self.contents.reader.lose(bytes, self.contents.last, after);
        self.contents.end_messages(tools);
    }

    /// Takes a gap.
    #[cold]
    pub(super) fn gap(&mut self, gap: Gap, tools: &mut Tools<'_>) {
        self.contents.account.missing += gap.length;
        self.contents.reader.note_gap();
        let damaged = match self.framing {
            Framing::Damaged { header, left } => Some((header, left)),
            Framing::AtRecord | Framing::Searching => self.begin_damaged(tools),
        };
        let Some((header, left)) = damaged else {
            self.drop_buffer(tools);
            self.lose(gap.length, gap.after, tools);
            return;
        };
        let position = header.length - left.min(header.length);
        let inside = usize::try_from(gap.length).unwrap_or(usize::MAX).min(left);
        self.contents.missing_part(position, inside, gap);
        if gap.length <= left as u64 {
            self.continue_damaged(&header, left - inside, gap.after, tools);
        } else {
            let lost = self.contents.leave_damaged(&header, tools);
            self.lose(lost + gap.length - inside as u64, gap.after, tools);
        }
    }

    /// Begins to take the record of which only the start is there, if its header is. Returns the
    /// header, and how many bytes are to come.
    fn begin_damaged(&mut self, tools: &mut Tools<'_>) -> Option<(Header, usize)> {
        let header = Header::parse(&self.buffer)?;
        let left = header.whole().checked_sub(self.buffer.len())?;
        let buffer = std::mem::take(&mut self.buffer);
        self.contents.begin_damaged(&header, &buffer[HEADER..], tools);
        self.buffer = buffer;
        self.remove_start(self.buffer.len(), tools);
        Some((header, left))
    }

    /// Goes on inside a record of which bytes are missing.
    fn continue_damaged(
        &mut self,
        header: &Header,
        left: usize,
        after: Option<Origin>,
        tools: &mut Tools<'_>,
    ) {
        if left > 0 {
            self.framing = Framing::Damaged { header: *header, left };
        } else {
            self.framing = Framing::AtRecord;
            self.contents.end_damaged(header, after, tools);
        }
    }

    /// Passes over captured bytes that were held and are dropped.
    pub(super) fn drop_bytes(&mut self, bytes: u64, tools: &mut Tools<'_>) {
        self.drop_buffer(tools);
        self.contents.account.undecryptable += bytes;
        self.lose(bytes, self.contents.last, tools);
    }

    /// Ends the stream. `gives` tells whether the application gets to know what is missing at the
    /// end.
    pub(super) fn finish(&mut self, gives: bool, tools: &mut Tools<'_>) {
        if let Framing::Damaged { header, .. } = self.framing {
            self.continue_damaged(&header, 0, None, tools);
        }
        self.contents.account.undecryptable += self.buffer.len() as u64;
        self.remove_start(self.buffer.len(), tools);
        self.contents.finish(gives, tools);
    }
}
