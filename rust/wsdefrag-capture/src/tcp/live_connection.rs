//! A connection that goes on: its two streams, and what its packets say about how it ends.

use crate::connection::Ended;
use crate::packet::exported_pdu::Seam;
use crate::packet::{Origin, Segment};
use crate::sink::Sink;
use crate::stream_part::StreamPart;
use crate::tcp::stream::Stream;
use crate::websocket::conversation::{Context, Conversation};

/// The two streams of a connection, and the conversation they carry.
pub(crate) struct LiveConnection {
    pub(crate) streams: [Stream; 2],
    /// Where the last pieces of exported PDUs ended.
    seams: Box<[Seam; 2]>,
    /// The end and the sequence number of a SYN that may begin another connection.
    challenged: Option<(usize, u32)>,
    /// Whether a RST was seen that nothing has followed.
    reset: bool,
    pub(crate) conversation: Conversation,
}

/// What a segment says of a connection that may be another one's.
pub(crate) enum Challenge {
    None,
    /// It may be; it is of no use to the one that is there.
    Open,
    /// It is, after a SYN of this end and sequence number, if it is none itself.
    Won(Option<(usize, u32)>),
}

impl LiveConnection {
    pub(crate) fn new(conversation: Conversation) -> Self {
        Self {
            streams: Default::default(),
            seams: Box::default(),
            challenged: None,
            reset: false,
            conversation,
        }
    }

    /// Takes a piece that needs no putting in order.
    pub(crate) fn ordered<S: Sink>(
        &mut self,
        end: usize,
        bytes: &[u8],
        origin: Origin,
        context: &mut Context<'_, S>,
    ) {
        let Self { seams, conversation, .. } = self;
        conversation.last = origin.time;
        let fresh = seams[end].fresh(bytes);
        if !fresh.is_empty() {
            conversation.piece(end, StreamPart::Data(fresh, origin), context);
        }
        seams[end].ended(bytes, conversation.unfinished(end));
    }

    /// Whether a segment begins another connection on the ports of this one.
    pub(crate) fn challenge(&mut self, end: usize, segment: &Segment<'_>) -> Challenge {
        if let Some((challenger, sequence)) = self.challenged {
            let behind = sequence.wrapping_add(1);
            let won = if end == challenger {
                !segment.syn && segment.sequence == behind
            } else {
                segment.syn && segment.acknowledgment == Some(behind)
            };
            if won {
                return Challenge::Won(Some((challenger, sequence)));
            }
        }
        if !segment.syn || !self.streams[end].is_other_syn(segment.sequence) {
            return Challenge::None;
        }
        let goes_on =
            self.conversation.is_open() && !self.reset && !self.streams.iter().any(Stream::has_end);
        if goes_on && segment.acknowledgment.is_none() {
            self.challenged = Some((end, segment.sequence));
        }
        if goes_on { Challenge::Open } else { Challenge::Won(None) }
    }

    /// Takes a segment; tells how it ended the connection, if it did.
    pub(crate) fn segment<S: Sink>(
        &mut self,
        end: usize,
        segment: &Segment<'_>,
        origin: Origin,
        now: i64,
        held_in_all: &mut usize,
        context: &mut Context<'_, S>,
    ) -> Option<Ended> {
        let Self { streams, reset, conversation, .. } = self;
        conversation.last = origin.time;
        if segment.rst {
            // One from elsewhere in the window does not end it for the peer; if nothing follows, it
            // was the end all the same.
            *reset = true;
            return streams[end].accepts_reset(segment.sequence).then_some(Ended::Rst);
        }
        *reset &= segment.bytes.is_empty();
        streams[end].segment(segment, origin, held_in_all, &mut |piece| {
            conversation.piece(end, piece, context);
        });
        if let Some(acknowledgment) = segment.acknowledgment {
            streams[1 - end].acknowledge(acknowledgment, now);
        }
        for (end, stream) in streams.iter_mut().enumerate() {
            if stream.is_in_doubt() {
                stream.settle(now, held_in_all, &mut |piece| {
                    conversation.piece(end, piece, context);
                });
            }
        }
        streams.iter().all(Stream::is_finished).then_some(Ended::Fin)
    }

    /// Ends it: both streams give out what they hold, then the conversation ends.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        held_in_all: &mut usize,
        context: &mut Context<'_, S>,
    ) {
        let Self { streams, conversation, .. } = self;
        // What it was waiting for when the capture, or its patience, ended may not have come.
        let ended = match ended {
            Ended::Idle | Ended::EndOfCapture if streams.iter().all(Stream::has_end) => Ended::Fin,
            Ended::Idle | Ended::EndOfCapture if self.reset => Ended::Rst,
            ended => ended,
        };
        for (end, stream) in streams.iter_mut().enumerate() {
            stream.finish(held_in_all, &mut |piece| conversation.piece(end, piece, context));
        }
        conversation.finish(ended, [streams[0].repeats, streams[1].repeats], context);
    }
}
