//! What a connection carries above TCP: HTTP, then a WebSocket.
//!
//! ```text
//! Handshake   HTTP, until a server accepts a WebSocket
//! Midstream   the handshake was not captured; both directions are searched for frames
//! Open        a WebSocket
//! Encrypted   TLS begins, and takes the parts; what is inside is another application
//! Http2       HTTP/2, whose streams may be WebSockets
//! Unwanted    a WebSocket that the filter drops; everything is ignored
//! Dead        not a WebSocket, or ended; everything is ignored
//! ```
//!
//! Handshake leads to any other stage, Midstream to Open, to Encrypted, to Dead or back to Handshake,
//! Open and Http2 to Dead. Nothing leaves Dead and Encrypted. Where Open could follow, Unwanted may. When
//! a handshake was captured in part, a direction is read at once if the position of its first frame is
//! known, and searched for frames otherwise.
//!
//! RFC 6455 section 4.

#![expect(clippy::disallowed_methods, reason = "boxes of a few hundred bytes")]

use crate::checkpoint::side;
use crate::connection::Connection;
use crate::connection::Ended;
use crate::conversation::context::Context;
use crate::conversation::http2_stage::Http2Stage;
use crate::conversation::transport::Transport;
use crate::http::parser::starts_handshake;
use crate::http::upgrade::Upgrade;
use crate::http2::beginning::Beginning;
use crate::http2::frame_search::are_whole_frames;
use crate::http2::sender::are_of_client;
use crate::packet::tags::Tag;
use crate::sink::Sink;
use crate::stream_part::{OwnedPart, Repeats, StreamPart};
use crate::tls::record::starts_like_record;
use crate::websocket::midstream::Midstream;
use crate::websocket::open_websocket::OpenWebSocket;
use serde::{Deserialize, Serialize};
use wsdefrag_core::InflaterPool;

#[derive(Serialize, Deserialize)]
pub(super) enum Stage {
    Handshake(Box<Upgrade>),
    Midstream(Box<Midstream>),
    Open(Box<OpenWebSocket>),
    Encrypted(#[serde(deserialize_with = "side::with_values")] Vec<(usize, OwnedPart)>),
    Http2(Box<Http2Stage>),
    Unwanted,
    Dead,
}

/// The protocol of the application on one connection.
// Fields in the order of their use: those of every packet share cache lines.
#[derive(Serialize, Deserialize)]
#[repr(C)]
pub(super) struct Application {
    pub(super) stage: Stage,
    /// The position in each sender's stream up to which the stages before Open have taken it.
    pub(super) taken: [u64; 2],
    /// Whether it is inside TLS.
    pub(super) in_tls: bool,
    /// Parts that were whole frames of HTTP/2, while that was not known.
    parts_of_frames: u8,
    /// The sender that is the client, by such parts.
    #[serde(deserialize_with = "side::known")]
    client_of_frames: Option<usize>,
}

/// Parts of whole frames that prove HTTP/2. Random bytes look like one in 10^9 times.
const ENOUGH_PARTS: u8 = 3;

impl Application {
    /// An application before its first byte. `from_the_start` tells whether its connection was
    /// captured from the start, and `in_tls` whether it is inside TLS.
    pub(super) fn new(from_the_start: bool, in_tls: bool) -> Self {
        let stage = Stage::Handshake(Box::new(Upgrade::new(from_the_start, !in_tls)));
        Self { stage, taken: [0; 2], in_tls, parts_of_frames: 0, client_of_frames: None }
    }

    /// The parts that TLS begins with, if it begins.
    #[inline]
    pub(super) fn take_encrypted(&mut self) -> Option<Vec<(usize, OwnedPart)>> {
        match &mut self.stage {
            Stage::Encrypted(parts) => Some(std::mem::take(parts)),
            _ => None,
        }
    }

    /// Ignores everything from now on.
    pub(super) fn ignore_rest(&mut self) {
        self.stage = Stage::Dead;
    }

    /// Gives the WebSockets other numbers.
    pub(super) fn renumber(&mut self, new: &dyn Fn(u64) -> u64) {
        match &mut self.stage {
            Stage::Open(websocket) => websocket.renumber(new),
            Stage::Http2(http2) => http2.renumber(new),
            _ => {}
        }
    }

    /// Takes note of a new tag or tunnel of the packets.
    pub(super) fn note_tag(&mut self, tag: Tag) {
        match &mut self.stage {
            Stage::Open(websocket) => websocket.encapsulation().push(tag.to_string()),
            Stage::Http2(http2) => http2.note_tag(tag),
            _ => {}
        }
    }

    /// Whether everything that follows is ignored.
    pub(super) const fn is_dead(&self) -> bool {
        matches!(self.stage, Stage::Dead)
    }

    /// Whether it is a WebSocket, or has one.
    pub(super) fn is_open(&self) -> bool {
        match &self.stage {
            Stage::Open(_) | Stage::Unwanted => true,
            Stage::Http2(http2) => http2.is_open(),
            Stage::Handshake(_) | Stage::Midstream(_) | Stage::Encrypted(_) | Stage::Dead => false,
        }
    }

    /// Whether it is a WebSocket, so that a part changes only what its direction takes.
    #[inline]
    pub(super) const fn is_steady(&self) -> bool {
        matches!(self.stage, Stage::Open(_) | Stage::Unwanted)
    }

    /// The memory that it takes, without this value itself and the directions of a WebSocket, in bytes.
    pub(super) fn common_bytes(&self) -> usize {
        match &self.stage {
            Stage::Open(websocket) => websocket.own_bytes(),
            Stage::Http2(http2) => http2.bytes_held(),
            Stage::Handshake(upgrade) => upgrade.bytes_held(),
            Stage::Midstream(midstream) => midstream.bytes_held(),
            Stage::Encrypted(_) | Stage::Unwanted | Stage::Dead => 0,
        }
    }

    /// The memory that one direction of a WebSocket takes, in bytes.
    #[inline]
    pub(super) fn direction_bytes(&self, from_client: bool) -> usize {
        match &self.stage {
            Stage::Open(websocket) => websocket.direction_bytes(from_client),
            _ => 0,
        }
    }

    /// Bytes of the largest message or search that is not finished, or of the handshake.
    pub(super) fn largest_unfinished(&self) -> usize {
        match &self.stage {
            Stage::Open(websocket) => websocket.largest_unfinished(),
            Stage::Http2(http2) => http2.largest_unfinished(),
            Stage::Handshake(_) | Stage::Midstream(_) => self.common_bytes(),
            Stage::Encrypted(_) | Stage::Unwanted | Stage::Dead => 0,
        }
    }

    /// Drops the largest message or search that is not finished. `limit` is the bound of the memory
    /// that is the reason, in bytes.
    pub(super) fn drop_unfinished(&mut self, limit: usize) {
        match &mut self.stage {
            Stage::Open(websocket) => websocket.drop_unfinished(limit),
            Stage::Http2(http2) => http2.drop_unfinished(limit),
            _ => {}
        }
    }

    /// Gives back the memory of inflaters that are not in use. They are restored when needed. Returns
    /// whether one remains in use.
    pub(super) fn park(&mut self) -> bool {
        match &mut self.stage {
            Stage::Open(websocket) => websocket.park(),
            Stage::Http2(http2) => http2.park(),
            _ => false,
        }
    }

    /// Takes inflaters from this pool from now on.
    pub(super) fn share_inflaters(&mut self, pool: &InflaterPool) {
        match &mut self.stage {
            Stage::Open(websocket) => websocket.share_inflaters(pool),
            Stage::Http2(http2) => http2.share_inflaters(pool),
            _ => {}
        }
    }

    /// Adds its open WebSockets to `open`.
    pub(super) fn open_connections(&self, open: &mut Vec<Connection>) {
        match &self.stage {
            Stage::Open(websocket) => open.push(websocket.connection().clone()),
            Stage::Http2(http2) => http2.open_connections(open),
            _ => {}
        }
    }

    /// Bytes of the current, incomplete head or frame of one side.
    pub(super) fn unfinished(&self, from_client: bool) -> usize {
        match &self.stage {
            Stage::Handshake(upgrade) => upgrade.unfinished(from_client),
            Stage::Open(websocket) => websocket.unfinished(from_client),
            Stage::Http2(http2) => http2.unfinished(from_client),
            Stage::Midstream(_) | Stage::Encrypted(_) | Stage::Unwanted | Stage::Dead => 0,
        }
    }

    /// Takes the next part of the sender's stream.
    #[inline]
    pub(super) fn part<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        if let (Stage::Open(websocket), Some(client)) = (&mut self.stage, transport.client) {
            websocket.part(sender == client, part, context.sink);
        } else if let (Stage::Http2(http2), Some(client)) = (&mut self.stage, transport.client) {
            http2.part(sender == client, part, transport, context);
        } else {
            self.part_before_open(sender, part, transport, context);
        }
    }

    fn part_before_open<S: Sink>(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        if let Some((bytes, _)) = part.bytes() {
            transport.learn(bytes, self.in_tls);
        }
        if self.switches_midstream(part, transport, context) {
            self.stage = Stage::Encrypted(Vec::new());
        }
        if self.finds_http2(sender, part, transport) {
            return self.part(sender, part, transport, context);
        }
        match &mut self.stage {
            Stage::Encrypted(parts) => parts.push((sender, part.to_owned())),
            Stage::Handshake(_) => self.handshake_part(sender, part, transport, context),
            Stage::Midstream(_) => {
                if let Some(from_client) = starts_new_handshake(part) {
                    // Everything before it was HTTP.
                    transport.client = Some(if from_client { sender } else { 1 - sender });
                    self.stage = Stage::Handshake(Box::new(Upgrade::new(false, false)));
                    self.handshake_part(sender, part, transport, context);
                } else {
                    self.midstream_part(sender, part, transport, context);
                }
            }
            Stage::Open(_) | Stage::Http2(_) | Stage::Unwanted | Stage::Dead => {}
        }
    }

    /// Begins HTTP/2 where its preface may not have been captured: where TLS agreed on it (RFC 7301), or
    /// where records or segments of a connection captured from the middle on hold whole frames.
    fn finds_http2(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        transport: &mut Transport,
    ) -> bool {
        let alpn = transport.tls.as_ref().and_then(|tls| tls.alpn.as_deref());
        let is_agreed = alpn == Some("h2");
        match &self.stage {
            Stage::Handshake(_)
                if is_agreed && transport.client.is_some() && self.taken == [0; 2] =>
            {
                self.begin_http2(Beginning::Preface(0), Beginning::Server, &[], transport);
            }
            Stage::Midstream(_) => {
                let frames = part.bytes().filter(|(bytes, _)| are_whole_frames(bytes));
                if let Some((frames, _)) = frames {
                    self.parts_of_frames = self.parts_of_frames.saturating_add(1);
                    let client =
                        are_of_client(frames).map(|is| if is { sender } else { 1 - sender });
                    self.client_of_frames = self.client_of_frames.or(client);
                }
                let client = transport.client.or(self.client_of_frames);
                if client.is_none() || (!is_agreed && self.parts_of_frames < ENOUGH_PARTS) {
                    return false;
                }
                transport.client = client;
                self.begin_http2(Beginning::Unknown, Beginning::Unknown, &[], transport);
            }
            _ => return false,
        }
        true
    }

    /// Whether TLS begins with a part of a connection whose start was not captured.
    fn switches_midstream<S>(
        &self,
        part: StreamPart<'_>,
        transport: &Transport,
        context: &Context<'_, S>,
    ) -> bool {
        let is_midstream = match &self.stage {
            Stage::Handshake(_) => transport.client.is_none(),
            Stage::Midstream(_) => true,
            _ => false,
        };
        let starts = |(bytes, _): (&[u8], _)| starts_like_record(bytes) == Some(true);
        is_midstream && !self.in_tls && context.reads_tls && part.bytes().is_some_and(starts)
    }

    /// Gives out what is unfinished, before the end. The streams of HTTP/2 end here.
    pub(super) fn settle<S: Sink>(
        &mut self,
        ended: Ended,
        transport: &mut Transport,
        context: &mut Context<'_, S>,
    ) {
        self.finish_handshake(transport, context);
        match &mut self.stage {
            Stage::Open(websocket) => websocket.settle(context.sink),
            Stage::Http2(http2) => http2.finish(ended, transport, context),
            _ => {}
        }
    }

    /// Ends the conversation, which must be settled. `repeats` is indexed by the sender.
    pub(super) fn finish<S: Sink>(
        &mut self,
        ended: Ended,
        repeats: [Repeats; 2],
        transport: &Transport,
        context: &mut Context<'_, S>,
    ) {
        let stage = std::mem::replace(&mut self.stage, Stage::Dead);
        let Stage::Open(mut websocket) = stage else { return };
        let client = transport.client.unwrap_or(0);
        let repeats = [repeats[1 - client], repeats[client]];
        websocket.note_tls(transport.tls.clone());
        websocket.finish(ended, repeats, transport.last, context.sink);
    }
}

/// Whether a part starts with the head of a handshake: `Some(true)` for a request, `Some(false)` for
/// a response.
fn starts_new_handshake(part: StreamPart<'_>) -> Option<bool> {
    let (bytes, _) = part.bytes()?;
    [true, false].into_iter().find(|request| starts_handshake(bytes, *request))
}
