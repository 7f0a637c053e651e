//! A live TCP connection: two streams, and the conversation that they carry.
//!
//! A segment goes to its sender's stream, and its acknowledgment goes to the other stream. The
//! parts that the streams give out go to the conversation. The connection ends when both streams
//! are finished.
//!
//! No packet alone ends it. A RST is remembered: the connection is closing until its sender sends
//! something else, and ends only if nothing follows. A SYN is remembered until a later packet
//! confirms it (see [`port_reuse`](crate::tcp::port_reuse)).
//!
//! RFC 9293 sections 3.5.3 and 3.10.7 (RST), RFC 5961 section 3 (forged ones).

use crate::connection::Ended;
use crate::conversation::Conversation;
use crate::conversation::context::CaptureState;
use crate::packet::exported_pdu::RepeatedPrefix;
use crate::packet::tags::Tags;
use crate::packet::{Origin, Segment};
use crate::sink::Sink;
use crate::stream_part::StreamPart;
use crate::tcp::beginning::Beginning;
use crate::tcp::connection_table::Class;
use crate::tcp::ledger::Ledger;
use crate::tcp::port_reuse::{OtherSyn, PortReuse};
use crate::tcp::reset::Reset;
use crate::tcp::stream::{MAX_TOTAL_HELD, Stream};
use crate::tcp::tenants::{Fit, Positions, TagsSeen};
use serde::{Deserialize, Serialize};

/// A connection that has not ended. Arrays have one entry per endpoint, in the order of the
/// connection's key; `sender` is an index into them.
// Fields in the order of their use: those of every packet share cache lines.
#[derive(Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct LiveConnection {
    /// The tags under which its packets came.
    pub(super) tags: TagsSeen,
    /// Segments that wait, because it is not known where a direction begins.
    pub(super) beginning: Option<Box<Beginning>>,
    reset: Option<Reset>,
    /// A SYN that may have opened another connection.
    other_syn: Option<OtherSyn>,
    /// The bytes of memory at the last [`measure`](Self::measure): those of the directions, by sender,
    /// and the others.
    #[serde(skip)]
    pub(super) sides: [usize; 2],
    #[serde(skip)]
    pub(super) common: usize,
    /// Whether a SYN was captured that acknowledges nothing: that of the client.
    has_opener: bool,
    /// Whether [`settle`](Self::settle) was called.
    is_settled: bool,
    pub(crate) streams: [Stream; 2],
    pub(crate) conversation: Conversation,
    /// For exported PDUs: the prefix that the next PDU may repeat.
    repeated: Option<Box<[RepeatedPrefix; 2]>>,
}

impl LiveConnection {
    pub(crate) fn new(conversation: Conversation) -> Self {
        Self {
            streams: Default::default(),
            beginning: None,
            repeated: None,
            other_syn: None,
            reset: None,
            tags: TagsSeen::default(),
            has_opener: false,
            conversation,
            is_settled: false,
            sides: [0; 2],
            common: 0,
        }
    }

    /// Takes note of the tags of a packet.
    #[cold]
    pub(super) fn note_tags(&mut self, sender: usize, tags: Tags<'_>, ledger: &mut Ledger) {
        let before = self.tags.bytes_held();
        let are_new = self.tags.note(sender, tags.hash);
        if are_new {
            self.conversation.note_tags(tags.list);
        }
        if are_new || self.tags.bytes_held() != before {
            self.measure(ledger);
        }
    }

    /// How well a segment under other tags fits.
    pub(super) fn fit(&self, sender: usize, segment: &Segment<'_>) -> Fit {
        let fit = Positions::of(&self.streams).fit(sender, segment);
        // Another SYN after the end only uses the ports again.
        if segment.syn && self.is_closing() { fit.min(Fit::Unknown) } else { fit }
    }

    /// Takes the next bytes of a direction, which are in order already: those of an exported PDU.
    pub(crate) fn ordered<S: Sink>(
        &mut self,
        sender: usize,
        bytes: &[u8],
        origin: Origin,
        state: &mut CaptureState<'_, S>,
    ) {
        let Self { repeated, conversation, .. } = self;
        let repeated = repeated.get_or_insert_default();
        conversation.transport.last = origin;
        conversation.transport.packets += 1;
        let new = repeated[sender].strip(bytes);
        if !new.is_empty() {
            conversation.part(sender, StreamPart::Data(new, origin), state);
        }
        repeated[sender].remember(bytes, conversation.unfinished(sender));
    }

    /// Whether a segment opens a new connection on the ports of this one.
    pub(super) fn port_reuse(&mut self, sender: usize, segment: &Segment<'_>) -> PortReuse {
        if let Some(syn) = self.other_syn
            && syn.is_confirmed_by(sender, segment, &self.streams)
        {
            if syn.is_answer(&self.streams) && self.streams[syn.sender].is_empty() {
                // The SYN that the direction began with was a stray one.
                self.streams[syn.sender] = Stream::default();
                self.streams[syn.sender].start_with_syn(syn.sequence);
                self.other_syn = None;
                return PortReuse::No;
            }
            return PortReuse::Confirmed(Some(syn));
        }
        if !segment.syn || !self.streams[sender].is_other_syn(segment.sequence) {
            return PortReuse::No;
        }
        if self.streams.iter().all(Stream::has_fin) {
            return PortReuse::Confirmed(None);
        }
        self.other_syn = Some(OtherSyn::of(sender, segment));
        PortReuse::Possible
    }

    /// Whether a segment under tags with this hash is one of this connection and opens no other: there
    /// is nothing to doubt or to confirm.
    #[inline]
    pub(super) const fn goes_on_with(
        &self,
        sender: usize,
        segment: &Segment<'_>,
        tags: u64,
    ) -> bool {
        !segment.syn && self.other_syn.is_none() && self.tags.last_was(sender, tags)
    }

    /// The list that the connection belongs in after a segment that may have ended it; if it has ended,
    /// how.
    #[inline]
    pub(super) fn class(&self, ended: Option<Ended>) -> Result<Class, Ended> {
        if self.conversation.is_dead() {
            // The segments it still holds are not needed.
            return Err(Ended::Fin);
        }
        match ended {
            Some(ended) => Err(ended),
            None if self.is_closing() => Ok(Class::Closing),
            None if self.conversation.is_open() => Ok(Class::WebSocket),
            None => Ok(Class::Pending),
        }
    }

    /// Whether the connection ends unless something follows: a RST or both FINs were captured.
    pub(crate) fn is_closing(&self) -> bool {
        self.reset.is_some() || self.streams.iter().all(Stream::has_fin)
    }

    /// Whether a RST was captured, and nothing of its sender since.
    pub(crate) const fn is_reset(&self) -> bool {
        self.reset.is_some()
    }

    /// Takes a segment. Returns how it ended the connection, if it did. `now` is in nanoseconds since
    /// the epoch; `total_held` is the memory that held segments of all connections take, in bytes.
    pub(crate) fn segment<S: Sink>(
        &mut self,
        sender: usize,
        segment: &Segment<'_>,
        origin: Origin,
        now: i64,
        total_held: &mut usize,
        state: &mut CaptureState<'_, S>,
    ) -> Option<Ended> {
        self.conversation.transport.last = origin;
        self.conversation.transport.packets += 1;
        if segment.rst {
            self.begin(total_held, state);
            let next = [self.streams[0].next_sequence(), self.streams[1].next_sequence()];
            self.reset = Some(Reset { sender, next });
            return None;
        }
        if self.reset.is_some_and(|reset| reset.is_refuted_by(sender, segment)) {
            self.reset = None;
        }
        let without_acknowledgment;
        let mut segment = segment;
        if segment.syn {
            // The SYN that opens a connection acknowledges nothing, so another one that does is a stray.
            let is_stray = self.has_opener && self.conversation.transport.is_client(sender);
            if is_stray {
                without_acknowledgment = Segment { acknowledgment: None, ..*segment };
                segment = &without_acknowledgment;
            }
            self.syn(sender, segment, is_stray);
        }
        let begins = !self.streams[sender].has_begun() && segment.has_payload();
        if self.beginning.is_some() || begins {
            self.wait(sender, segment, origin, now, total_held, state);
        } else {
            self.read(sender, segment, origin, now, total_held, state);
        }
        let Self { streams, conversation, .. } = self;
        for (sender, stream) in streams.iter_mut().enumerate() {
            if stream.has_hole() {
                stream.settle(now, total_held, &mut |part| {
                    conversation.part(sender, part, state);
                });
            }
        }
        streams.iter().all(Stream::is_finished).then_some(Ended::Fin)
    }

    /// Takes a SYN that the connection began with, or may have begun with.
    fn syn(&mut self, sender: usize, segment: &Segment<'_>, is_stray: bool) {
        let Self { streams, has_opener, conversation, .. } = self;
        let acknowledgment = segment.acknowledgment;
        let opens = acknowledgment.is_none() && !is_stray && !*has_opener;
        *has_opener |= opens && streams.iter().all(|stream| !stream.has_given());
        if opens && streams.iter().all(Stream::is_empty) {
            // An answering SYN of its sender before it, if there was one, was a stray one, and so was
            // what it acknowledged.
            streams[sender] = Stream::default();
            streams[sender].start_with_syn(segment.sequence);
            if conversation.transport.opened_by(sender) {
                streams[1 - sender] = Stream::default();
            }
        } else if self.beginning.is_some() && streams.iter().all(|stream| !stream.has_given()) {
            // Its data were captured first.
            streams[sender].start_with_syn(segment.sequence);
            conversation.begin(if acknowledgment.is_some() { 1 - sender } else { sender });
        }
        if let Some(acknowledgment) = acknowledgment {
            streams[1 - sender].start_with_syn(acknowledgment.wrapping_sub(1));
        }
        conversation.transport.syn(sender, segment.sequence, acknowledgment);
    }

    /// Lets a segment wait for the beginning of its direction, or of the other one.
    #[cold]
    fn wait<S: Sink>(
        &mut self,
        sender: usize,
        segment: &Segment<'_>,
        origin: Origin,
        now: i64,
        total_held: &mut usize,
        state: &mut CaptureState<'_, S>,
    ) {
        self.streams[sender].await_beginning(segment);
        if let Some(acknowledgment) = segment.acknowledgment {
            self.streams[1 - sender].start_at(acknowledgment);
        }
        let beginning = self.beginning.get_or_insert_with(Beginning::boxed);
        let before = beginning.memory();
        beginning.push(sender, segment, origin, now);
        *total_held += beginning.memory() - before;
        if beginning.is_over(now, &self.streams) || *total_held > MAX_TOTAL_HELD {
            self.begin(total_held, state);
        }
    }

    /// Reads the segments that have waited for a beginning, in their order.
    pub(super) fn begin<S: Sink>(
        &mut self,
        total_held: &mut usize,
        state: &mut CaptureState<'_, S>,
    ) {
        let Some(beginning) = self.beginning.take() else { return };
        *total_held -= beginning.memory();
        for waiting in beginning.end(&mut self.streams) {
            let (sender, origin, now) = (waiting.sender, waiting.origin, waiting.now);
            self.read(sender, &waiting.segment(), origin, now, total_held, state);
        }
    }

    /// Gives a segment to its stream, and its acknowledgment to the other one.
    #[inline]
    fn read<S: Sink>(
        &mut self,
        sender: usize,
        segment: &Segment<'_>,
        origin: Origin,
        now: i64,
        total_held: &mut usize,
        state: &mut CaptureState<'_, S>,
    ) {
        let Self { streams, conversation, .. } = self;
        if conversation.wants_acknowledgments() {
            let position = segment.acknowledgment.and_then(|ack| streams[1 - sender].position(ack));
            conversation.transport.acknowledged =
                position.map(|position| (origin.packet, position));
        }
        streams[sender].segment(segment, origin, now, total_held, &mut |part| {
            conversation.part(sender, part, state);
        });
        if let Some(acknowledgment) = segment.acknowledgment {
            streams[1 - sender].acknowledge(acknowledgment, now);
        }
    }

    /// Ends the connection: both streams give out the segments they hold, then the conversation ends.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        total_held: &mut usize,
        state: &mut CaptureState<'_, S>,
    ) {
        let ended = self.settle(ended, total_held, state);
        let Self { streams, conversation, .. } = self;
        conversation.finish(ended, [streams[0].repeats, streams[1].repeats], state);
    }

    /// How the connection ended, if it ends for this reason.
    fn ended(&self, reason: Ended) -> Ended {
        let streams = &self.streams;
        // The connection may have waited for a hole before its FIN, or for a packet after its RST.
        match reason {
            Ended::Idle | Ended::Evicted | Ended::EndOfCapture
                if streams.iter().all(Stream::has_fin) =>
            {
                Ended::Fin
            }
            Ended::Idle | Ended::Evicted | Ended::EndOfCapture | Ended::Replaced
                if self.reset.is_some() =>
            {
                Ended::Rst
            }
            reason => reason,
        }
    }

    /// Gives out everything that is held, before the end: the segments, then what is unfinished. Nothing
    /// follows, and a second call gives out nothing. Returns how the connection ended.
    pub(super) fn settle<S: Sink>(
        &mut self,
        ended: Ended,
        total_held: &mut usize,
        state: &mut CaptureState<'_, S>,
    ) -> Ended {
        let ended = self.ended(ended);
        if std::mem::replace(&mut self.is_settled, true) {
            return ended;
        }
        self.begin(total_held, state);
        let Self { streams, conversation, .. } = self;
        for (sender, stream) in streams.iter_mut().enumerate() {
            stream.finish(total_held, &mut |part| conversation.part(sender, part, state));
        }
        conversation.settle(ended, state);
        ended
    }
}
