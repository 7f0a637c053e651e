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
//! - `announced == account.bytes() + held()` once what was announced has been taken
//! - `buffer` is shorter than the longest record

use wsdefrag_core::fallible::{TryGrow, copied};

use crate::packet::Origin;
use crate::stream_part::{Gap, GapKind, StreamPart};
use crate::tls::handshake::{MessageType, tls12_ticket};
use crate::tls::hello::TLS12;
use crate::tls::keylog::Label;
use crate::tls::keys::Keys;
use crate::tls::messages::Messages;
use crate::tls::negotiation::{EarlyData, Negotiation};
use crate::tls::record::{
    ContentType, HEADER, Header, MAX_LENGTH, MAX_LENGTH_TLS13, find_candidate,
};
use crate::tls::record_reader::{Epoch, Opening, Outcome, Read, RecordReader};
use crate::tls_facts::TlsAccount;

/// Bytes of early data that are held until the server has answered.
const MAX_EARLY: usize = 64 << 10;

/// What a direction needs to read records.
pub(super) struct Tools<'a> {
    pub(super) negotiation: &'a mut Negotiation,
    pub(super) keys: &'a mut Keys,
    /// Takes opened records.
    pub(super) scratch: &'a mut Vec<u8>,
    /// A buffer that is not in use.
    pub(super) spare: &'a mut Vec<u8>,
    /// Whether to wait for keys that are not there.
    pub(super) may_wait: bool,
    /// Takes the application's streams.
    pub(super) out: &'a mut dyn FnMut(usize, StreamPart<'_>),
}

/// Why a direction cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waiting {
    /// The keys of the next record may still come.
    ForKeys,
    /// The server's answer cannot be read, so the client's next records have to tell whether early
    /// data were accepted.
    ForClient,
}

/// What became of a record.
enum Verdict {
    Taken,
    /// A candidate that is no record.
    Rejected,
    Waits(Waiting),
}

#[derive(Clone, Copy, Debug)]
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
pub(super) struct Direction {
    sender: usize,
    framing: Framing,
    /// The start of a record.
    buffer: Vec<u8>,
    reader: RecordReader,
    messages: Messages,
    /// Bytes of the stream, captured or not.
    announced: u64,
    account: TlsAccount,
    /// The application's bytes that are missing before those that are given out next.
    gap: Option<Gap>,
    /// Whether anything was given out.
    pub(super) has_given: bool,
    /// The packet with the last byte taken.
    last: Option<Origin>,
    /// Early data, each with the bytes of its record, until the server has answered.
    early: Vec<(Vec<u8>, Origin, u64)>,
    early_bytes: usize,
    /// The bytes of their records.
    early_records: u64,
}

impl Direction {
    pub(super) fn new(sender: usize) -> Self {
        Self {
            sender,
            framing: Framing::AtRecord,
            buffer: Vec::new(),
            reader: RecordReader::new(),
            messages: Messages::default(),
            announced: 0,
            account: TlsAccount::default(),
            gap: None,
            has_given: false,
            last: None,
            early: Vec::new(),
            early_bytes: 0,
            early_records: 0,
        }
    }

    /// The account of the bytes so far.
    pub(super) const fn account(&self) -> &TlsAccount {
        &self.account
    }

    /// Counts bytes of the stream that will be taken.
    pub(super) fn announce(&mut self, bytes: u64) {
        self.announced += bytes;
    }

    /// Bytes that were announced and not counted or held.
    pub(super) fn announced_rest(&self) -> u64 {
        self.announced - self.account.bytes() - self.held()
    }

    /// Bytes that are held and not counted.
    fn held(&self) -> u64 {
        self.buffer.len() as u64 + self.early_records
    }

    /// The memory that it takes besides this value, in bytes.
    pub(super) fn bytes_held(&self) -> usize {
        self.buffer.capacity()
            + self.messages.bytes_held()
            + self.reader.bytes_held()
            + self.early_bytes
            + self.early.capacity() * size_of::<(Vec<u8>, Origin, u64)>()
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
                    self.count_damaged(&header, taken, tools);
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
            self.last = Some(origin);
        }
        (bytes.len() - rest.len(), waiting)
    }

    /// Takes bytes up to the end of the record that begins here.
    fn next_record(&mut self, rest: &mut &[u8], origin: Origin, tools: &mut Tools<'_>) -> Verdict {
        if self.buffer.is_empty()
            && let Some(header) = Header::parse(rest)
            && let Some((record, after)) = rest.split_at_checked(header.whole())
        {
            let verdict = self.record(&header, &record[HEADER..], origin, true, tools);
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
        let verdict = self.record(header, body, origin, is_certain, tools);
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
        let verdict = self.record(&header, &record[HEADER..], origin, false, tools);
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
            self.account.undecryptable += taken.len() as u64;
            self.drop_buffer(tools);
            self.lose(taken.len() as u64, self.last, tools);
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
            self.account.undecryptable += length as u64;
            self.reader.lose(length as u64, self.last, Some(origin));
        }
    }

    /// Passes over all bytes that are held.
    fn drop_buffer(&mut self, tools: &mut Tools<'_>) {
        let length = self.buffer.len();
        self.account.undecryptable += length as u64;
        self.reader.lose(length as u64, self.last, self.last);
        self.remove_start(length, tools);
    }

    /// Searches for the next record, `bytes` after what was lost before.
    fn lose(&mut self, bytes: u64, after: Option<Origin>, tools: &mut Tools<'_>) {
        self.framing = Framing::Searching;
        self.reader.lose(bytes, self.last, after);
        self.end_messages(tools);
    }

    /// Takes what was captured of a handshake message whose end was not.
    fn end_messages(&mut self, tools: &mut Tools<'_>) {
        let mut messages = std::mem::take(&mut self.messages);
        if self.reader.epoch == Epoch::Plain
            && let Some(message) = messages.unfinished()
            && matches!(message.message_type, MessageType::ClientHello | MessageType::ServerHello)
        {
            self.message(message.message_type, message.body, tools);
        }
        messages.reset();
        self.messages = messages;
    }

    /// Takes a gap.
    #[cold]
    pub(super) fn gap(&mut self, gap: Gap, tools: &mut Tools<'_>) {
        self.account.missing += gap.length;
        self.reader.note_gap();
        let (header, left) = match self.framing {
            Framing::Damaged { header, left } => (Some(header), left),
            Framing::AtRecord | Framing::Searching => {
                let header = Header::parse(&self.buffer);
                (header, header.map_or(0, |header| header.whole() - self.buffer.len()))
            }
        };
        let Some((header, left)) = header.and_then(|header| {
            let left = left as u64;
            Some((header, usize::try_from(left.checked_sub(gap.length)?).ok()?))
        }) else {
            let is_damaged = header.filter(|_| matches!(self.framing, Framing::Damaged { .. }));
            // Of a damaged record the start was counted and is not held.
            let passed = is_damaged.map_or(0, |header| header.whole() as u64 - left as u64);
            self.drop_buffer(tools);
            self.lose(passed + gap.length, gap.after, tools);
            return;
        };
        if !matches!(self.framing, Framing::Damaged { .. }) {
            self.begin_damaged(&header, tools);
        }
        self.continue_damaged(&header, left, gap.after, tools);
    }

    /// Begins to pass over the record whose start is held.
    fn begin_damaged(&mut self, header: &Header, tools: &mut Tools<'_>) {
        let buffer = std::mem::take(&mut self.buffer);
        self.count_damaged(header, buffer.len(), tools);
        if !self.is_encrypted(header, tools.negotiation) {
            self.reader.has_begun = true;
            if header.content_type == ContentType::Handshake {
                self.handshake_content(&buffer[HEADER..], tools);
            }
        }
        self.end_messages(tools);
        self.buffer = buffer;
        self.remove_start(self.buffer.len(), tools);
    }

    /// Counts captured bytes of a record of which others are missing.
    fn count_damaged(&mut self, header: &Header, bytes: usize, tools: &Tools<'_>) {
        let is_plain = !self.is_encrypted(header, tools.negotiation);
        let account = &mut self.account;
        let counter = if is_plain { &mut account.handshake } else { &mut account.undecryptable };
        *counter += bytes as u64;
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
            return;
        }
        self.framing = Framing::AtRecord;
        if self.is_encrypted(header, tools.negotiation) {
            let gap = self.reader.pass_over(header, [self.last, after]);
            self.add_gap(gap);
        }
    }

    /// Whether a record is encrypted.
    fn is_encrypted(&self, header: &Header, negotiation: &Negotiation) -> bool {
        header.content_type == ContentType::ApplicationData
            || (self.reader.epoch > Epoch::Early && !negotiation.is_tls13())
    }

    /// Takes a whole record; `body` is what follows its header. A record that is not certain has to
    /// prove that it is one.
    fn record(
        &mut self,
        header: &Header,
        body: &[u8],
        origin: Origin,
        is_certain: bool,
        tools: &mut Tools<'_>,
    ) -> Verdict {
        let is_encrypted = self.is_encrypted(header, tools.negotiation);
        // The ChangeCipherSpec of TLS 1.2 may be missing.
        let may_be_encrypted = tools.negotiation.is_tls12() && self.reader.has_loss();
        if !is_encrypted && !may_be_encrypted {
            return self.plain_record(header, body, is_certain, tools);
        }
        if self.must_wait_for_client(tools) {
            return Verdict::Waits(Waiting::ForClient);
        }
        let mut opening = Opening {
            sender: self.sender,
            negotiation: tools.negotiation,
            keys: tools.keys,
            scratch: tools.scratch,
        };
        match self.reader.open(header, body, &mut opening) {
            Outcome::Opened(read) => {
                self.opened(header, read, origin, tools);
                Verdict::Taken
            }
            _ if !is_encrypted => self.plain_record(header, body, is_certain, tools),
            Outcome::NoKeys if tools.may_wait => Verdict::Waits(Waiting::ForKeys),
            _ if !is_certain => Verdict::Rejected,
            Outcome::NoKeys | Outcome::Failed => {
                self.unopened(header, origin, tools);
                Verdict::Taken
            }
        }
    }

    /// Whether the server's answer to early data cannot be read.
    fn must_wait_for_client(&self, tools: &mut Tools<'_>) -> bool {
        let Tools { negotiation, keys, .. } = tools;
        let random = negotiation.client_random;
        negotiation.early == EarlyData::Undecided
            && negotiation.is_client(self.sender) == Some(false)
            && random.is_some_and(|random| keys.find(&random, Label::ServerHandshake).is_none())
    }

    /// Takes a record without encryption.
    fn plain_record(
        &mut self,
        header: &Header,
        body: &[u8],
        is_certain: bool,
        tools: &mut Tools<'_>,
    ) -> Verdict {
        if !is_certain && !is_plausible(header, body) {
            return Verdict::Rejected;
        }
        self.reader.has_begun = true;
        let whole = header.whole() as u64;
        match header.content_type {
            ContentType::Handshake => {
                self.account.handshake += whole;
                self.handshake_content(body, tools);
            }
            ContentType::ChangeCipherSpec => {
                self.account.handshake += whole;
                self.change_cipher(tools);
            }
            _ => self.account.handshake += whole,
        }
        Verdict::Taken
    }

    /// Passes over a record that does not open.
    fn unopened(&mut self, header: &Header, origin: Origin, tools: &mut Tools<'_>) {
        self.account.undecryptable += header.whole() as u64;
        if self.reader.is_certain() {
            let facts = &mut tools.negotiation.facts;
            facts.bad_tags += 1;
            facts.first_bad_tag.get_or_insert(origin);
        }
        self.reader.note_failure();
        let gap = self.reader.pass_over(header, [self.last, Some(origin)]);
        self.add_gap(gap);
    }

    /// Takes the content of a record.
    fn opened(&mut self, header: &Header, read: Read, origin: Origin, tools: &mut Tools<'_>) {
        let Read { content_type, content, epoch, gap } = read;
        self.add_gap(gap);
        let whole = header.whole() as u64;
        let scratch = std::mem::take(tools.scratch);
        let content = &scratch[content];
        match content_type {
            ContentType::ApplicationData if epoch == Epoch::Early => {
                self.early_data(content, origin, whole, tools);
            }
            ContentType::ApplicationData => self.give(content, origin, whole, tools),
            ContentType::Handshake => {
                self.account.handshake += whole;
                self.handshake_content(content, tools);
            }
            ContentType::ChangeCipherSpec => {
                self.account.handshake += whole;
                self.change_cipher(tools);
            }
            ContentType::Alert | ContentType::Other(_) => self.account.handshake += whole,
        }
        *tools.scratch = scratch;
    }

    /// Gives out bytes of the application, of a record of `whole` bytes.
    fn give(&mut self, content: &[u8], origin: Origin, whole: u64, tools: &mut Tools<'_>) {
        self.account.application += content.len() as u64;
        self.account.overhead += whole - content.len() as u64;
        if content.is_empty() {
            return;
        }
        self.has_given = true;
        if let Some(gap) = self.gap.take() {
            (tools.out)(self.sender, StreamPart::Gap(gap));
        }
        (tools.out)(self.sender, StreamPart::Data(content, origin));
    }

    fn add_gap(&mut self, gap: Option<Gap>) {
        if let Some(gap) = gap {
            self.gap = Some(self.gap.map_or(gap, |before| before.join(gap)));
        }
    }

    /// Takes early data: they count if the server accepts them.
    fn early_data(&mut self, content: &[u8], origin: Origin, whole: u64, tools: &mut Tools<'_>) {
        match tools.negotiation.early {
            EarlyData::Accepted => self.give(content, origin, whole, tools),
            EarlyData::Refused => self.account.handshake += whole,
            EarlyData::None | EarlyData::Undecided => {
                let has_room = self.early_bytes + content.len() <= MAX_EARLY;
                let copy = copied(content).ok().filter(|_| has_room);
                let held = copy.and_then(|copy| self.early.try_push((copy, origin, whole)).ok());
                if held.is_some() {
                    self.early_bytes += content.len();
                    self.early_records += whole;
                } else {
                    self.account.undecryptable += whole;
                    let (before, after) = (self.last, Some(origin));
                    let kind = GapKind::Unknown;
                    self.add_gap(Some(Gap { length: 0, kind, before, after }));
                }
            }
        }
    }

    /// Gives out or drops the early data that were held, when it is known whether they count.
    pub(super) fn settle_early(&mut self, tools: &mut Tools<'_>) {
        let early = std::mem::take(&mut self.early);
        (self.early_bytes, self.early_records) = (0, 0);
        let is_accepted = tools.negotiation.early == EarlyData::Accepted;
        // What there was no room for came after them.
        let gap = self.gap.take().filter(|_| is_accepted);
        for (content, origin, whole) in early {
            if is_accepted {
                self.give(&content, origin, whole, tools);
            } else {
                self.account.handshake += whole;
            }
        }
        self.add_gap(gap);
    }

    /// Whether early data are held.
    pub(super) fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Changes to the agreed keys (TLS 1.2). In TLS 1.3 a ChangeCipherSpec means nothing.
    fn change_cipher(&mut self, tools: &mut Tools<'_>) {
        if tools.negotiation.is_tls12() {
            tools.negotiation.note_change();
            self.reader.begin(Epoch::Application);
        }
    }

    /// Takes the content of a record with handshake messages.
    fn handshake_content(&mut self, mut content: &[u8], tools: &mut Tools<'_>) {
        let mut messages = std::mem::take(&mut self.messages);
        while let Some(message) = messages.next(&mut content) {
            self.message(message.message_type, message.body, tools);
        }
        self.messages = messages;
    }

    /// Takes a handshake message.
    fn message(
        &mut self,
        message_type: MessageType,
        body: &[u8],
        Tools { negotiation, .. }: &mut Tools<'_>,
    ) {
        let is_tls13 = negotiation.is_tls13();
        match message_type {
            MessageType::ClientHello => {
                negotiation.client_hello(self.sender, body);
                if self.reader.epoch == Epoch::Early {
                    self.reader.begin(Epoch::Plain);
                }
            }
            MessageType::ServerHello => {
                let round = negotiation.round;
                negotiation.server_hello(self.sender, body);
                if negotiation.is_tls13() && negotiation.round > round {
                    self.reader.begin(Epoch::Handshake);
                }
            }
            MessageType::EncryptedExtensions if is_tls13 => negotiation.encrypted_extensions(body),
            MessageType::EndOfEarlyData if self.reader.epoch == Epoch::Early => {
                if negotiation.early != EarlyData::Refused {
                    negotiation.decide_early(true);
                }
                self.reader.begin(Epoch::Handshake);
            }
            MessageType::Finished if is_tls13 && self.reader.epoch == Epoch::Handshake => {
                // Only early data that were accepted have an end.
                let is_client = negotiation.is_client(self.sender) == Some(true);
                if is_client && negotiation.early == EarlyData::Undecided {
                    negotiation.decide_early(false);
                }
                self.reader.begin(Epoch::Application);
            }
            MessageType::KeyUpdate if is_tls13 => {
                negotiation.facts.key_updates += 1;
                self.reader.update_keys();
            }
            MessageType::NewSessionTicket if !is_tls13 => {
                negotiation.ticket(tls12_ticket(body).unwrap_or_default());
            }
            MessageType::Certificate
            | MessageType::ServerHelloDone
            | MessageType::ClientKeyExchange => negotiation.note_full_handshake(),
            _ => {}
        }
    }

    /// Passes over captured bytes that were held and are dropped.
    pub(super) fn drop_bytes(&mut self, bytes: u64, tools: &mut Tools<'_>) {
        self.drop_buffer(tools);
        self.account.undecryptable += bytes;
        self.lose(bytes, self.last, tools);
    }

    /// Ends the stream. `gives` tells whether the application gets to know what is missing at the
    /// end.
    pub(super) fn finish(&mut self, gives: bool, tools: &mut Tools<'_>) {
        if let Framing::Damaged { header, .. } = self.framing {
            self.continue_damaged(&header, 0, None, tools);
        }
        self.account.undecryptable += self.buffer.len() as u64;
        self.remove_start(self.buffer.len(), tools);
        let gap = self.reader.take_loss();
        self.add_gap(gap);
        if let Some(gap) = self.gap.take().filter(|_| gives) {
            (tools.out)(self.sender, StreamPart::Gap(Gap { after: None, ..gap }));
        }
    }
}

/// Whether a candidate may be a record without encryption: a hello, or a ChangeCipherSpec.
fn is_plausible(header: &Header, body: &[u8]) -> bool {
    matches!(
        (header.content_type, body),
        (ContentType::ChangeCipherSpec, [1])
            | (ContentType::Handshake, [1 | 2, 0, _, _, 3, 0..=3, ..])
    )
}
