//! A live TCP connection: two streams, and the conversation that they carry.
//!
//! A segment goes to its sender's stream, and its acknowledgment goes to the other stream. The
//! parts that the streams give out go to the conversation. The connection ends when both streams
//! are finished or a RST is accepted. Two things are remembered because only a later packet tells
//! what they meant: a RST outside the expected position, and a SYN on the ports in use.
//!
//! RFC 9293 section 3.10.7.4 (a SYN on ports that are in use), RFC 5961 section 3.2 (which RST
//! counts).

use crate::connection::Ended;
use crate::packet::exported_pdu::RepeatedPrefix;
use crate::packet::{Origin, Segment};
use crate::sink::Sink;
use crate::stream_part::StreamPart;
use crate::tcp::stream::Stream;
use crate::websocket::conversation::{Context, Conversation};

/// A connection that has not ended. Arrays have one entry per endpoint, in the order of the
/// connection's key; `sender` is an index into them.
pub(crate) struct LiveConnection {
    pub(crate) streams: [Stream; 2],
    /// For exported PDUs: the prefix that the next PDU may repeat.
    repeated: Box<[RepeatedPrefix; 2]>,
    /// The sender and the sequence number of a SYN that may have opened another connection.
    reuse_syn: Option<(usize, u32)>,
    /// Whether a RST was captured, and no payload after it.
    reset: bool,
    pub(crate) conversation: Conversation,
}

/// Whether a segment opens a new connection on the ports of this one.
pub(crate) enum PortReuse {
    No,
    /// A later packet has to confirm it. The segment does not belong to this connection.
    Possible,
    /// It does. Contains the sender and the sequence number of the SYN if that was an earlier
    /// segment, and `None` if this segment is the SYN.
    Confirmed(Option<(usize, u32)>),
}

impl LiveConnection {
    pub(crate) fn new(conversation: Conversation) -> Self {
        Self {
            streams: Default::default(),
            repeated: Box::default(),
            reuse_syn: None,
            reset: false,
            conversation,
        }
    }

    /// Takes the next bytes of a direction, which are in order already: those of an exported PDU.
    pub(crate) fn ordered<S: Sink>(
        &mut self,
        sender: usize,
        bytes: &[u8],
        origin: Origin,
        context: &mut Context<'_, S>,
    ) {
        let Self { repeated, conversation, .. } = self;
        conversation.last = origin.time;
        let new = repeated[sender].strip(bytes);
        if !new.is_empty() {
            conversation.part(sender, StreamPart::Data(new, origin), context);
        }
        repeated[sender].remember(bytes, conversation.unfinished(sender));
    }

    /// Whether a segment opens a new connection on the ports of this one.
    pub(crate) fn port_reuse(&mut self, sender: usize, segment: &Segment<'_>) -> PortReuse {
        if let Some((opener, sequence)) = self.reuse_syn {
            let next = sequence.wrapping_add(1);
            let confirms = if sender == opener {
                !segment.syn && segment.sequence == next
            } else {
                segment.syn && segment.acknowledgment == Some(next)
            };
            if confirms {
                return PortReuse::Confirmed(Some((opener, sequence)));
            }
        }
        if !segment.syn || !self.streams[sender].is_other_syn(segment.sequence) {
            return PortReuse::No;
        }
        let is_active =
            self.conversation.is_open() && !self.reset && !self.streams.iter().any(Stream::has_fin);
        if is_active && segment.acknowledgment.is_none() {
            self.reuse_syn = Some((sender, segment.sequence));
        }
        if is_active { PortReuse::Possible } else { PortReuse::Confirmed(None) }
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
        context: &mut Context<'_, S>,
    ) -> Option<Ended> {
        let Self { streams, reset, conversation, .. } = self;
        conversation.last = origin.time;
        if segment.rst {
            // A RST elsewhere in the window does not end the connection for the peer. If no payload
            // follows, the connection did end with it.
            *reset = true;
            return streams[sender].accepts_reset(segment.sequence).then_some(Ended::Rst);
        }
        *reset &= segment.bytes.is_empty();
        if !conversation.is_open() {
            let position = segment.acknowledgment.and_then(|ack| streams[1 - sender].position(ack));
            conversation.acknowledged = position.map(|position| (origin.packet, position));
        }
        streams[sender].segment(segment, origin, now, total_held, &mut |part| {
            conversation.part(sender, part, context);
        });
        if let Some(acknowledgment) = segment.acknowledgment {
            streams[1 - sender].acknowledge(acknowledgment, now);
        }
        for (sender, stream) in streams.iter_mut().enumerate() {
            if stream.has_hole() {
                stream.settle(now, total_held, &mut |part| {
                    conversation.part(sender, part, context);
                });
            }
        }
        streams.iter().all(Stream::is_finished).then_some(Ended::Fin)
    }

    /// Ends the connection: both streams give out the segments they hold, then the conversation ends.
    pub(crate) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        total_held: &mut usize,
        context: &mut Context<'_, S>,
    ) {
        let Self { streams, conversation, .. } = self;
        // The connection may have waited for a hole before its FIN, or for a packet after its RST.
        let ended = match ended {
            Ended::Idle | Ended::EndOfCapture if streams.iter().all(Stream::has_fin) => Ended::Fin,
            Ended::Idle | Ended::EndOfCapture if self.reset => Ended::Rst,
            ended => ended,
        };
        for (sender, stream) in streams.iter_mut().enumerate() {
            stream.finish(total_held, &mut |part| conversation.part(sender, part, context));
        }
        conversation.finish(ended, [streams[0].repeats, streams[1].repeats], context);
    }
}
