//! The WebSocket handshake of one connection, from the start of the connection on.
//!
//! Requests and responses are matched in order, so a WebSocket may follow ordinary requests on the
//! same connection, and a client may try again after a refusal.
//!
//! ```text
//! request for a WebSocket   the client's bytes after the request's body are buffered: they are
//!                           frames if the server accepts, and requests if it refuses
//! 101 before the request    packets may be captured out of order, so the server's later bytes are
//! and its body are whole    buffered until the client's have arrived
//! other response before     likewise, until its request has arrived: responses answer requests in
//! its request               their order
//! 101 after that            Accepted
//! other status              Refused; the handshake continues
//! the preface of HTTP/2, or a 101 to `h2c`
//!                           Http2
//! CONNECT                   the client's later bytes are buffered; a success restarts both directions
//!                           at what is relayed, and after anything else HTTP continues
//! TLS instead of a head      the handshake ends; the caller reads TLS, and what is inside
//! gap in the client's heads the client's later bytes are buffered; the server's heads decide
//! gap in the server's heads, or in the client's bytes after a request for a WebSocket
//!                           the handshake ends with what is known: Accepted or Unknown
//! ```
//!
//! Buffered parts are never interpreted here: the caller takes them and feeds them again, to the
//! frames or to this handshake.
//!
//! RFC 6455 section 4, RFC 9110 sections 9.3.6 and 15.2.
//!
//! - `pending.len() <= MAX_PIPELINED`, `early_responses <= MAX_PIPELINED`, `refusals <= MAX_PIPELINED`
//! - `pending` is empty while `early_response` waits

#![expect(
    clippy::disallowed_methods,
    reason = "at most `MAX_PIPELINED`, and boxes of a few hundred bytes"
)]

use std::collections::VecDeque;

use crate::connection::{Request, Response};
use crate::http::body::{Body, request_body, response_body};
use crate::http::buffered::{Buffered, BufferedPart};
use crate::http::head::{HeadReader, HeadResult, MAX_HEAD};
use crate::http::http2_upgrade::{accepts_http2, http2_settings, is_preface};
use crate::http::outcome::{Acceptance, Outcome};
use crate::http::parser::{Head, accepts_websocket, asks_for_websocket, names_websocket};
use crate::http::pending_request::{CONNECT, PendingRequest};
use crate::http::preamble_message::OriginalAddresses;
use crate::http2::beginning::{Beginning, PREFACE_HEAD};
use crate::stream_part::{Gap, GapKind, StreamPart};
use serde::{Deserialize, Serialize};

/// Pending requests, or refusals, of one connection. No real client sends more.
const MAX_PIPELINED: usize = 64;

/// The handshake of one connection.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Upgrade {
    client: HeadReader,
    server: HeadReader,
    pending: VecDeque<PendingRequest>,
    /// Responses whose requests have not been captured yet.
    early_responses: usize,
    refusals: usize,
    /// Whether there was a gap, or a response came before its request.
    is_uncertain: bool,
    /// A 101 whose request, or the body of whose request, has not been captured whole yet.
    early_acceptance: Option<Box<Acceptance>>,
    /// Another response, whose request has not been captured yet but may still arrive.
    early_response: Option<Box<Response>>,
    /// Whether the connection was captured from its start, so that the request of a 101 may still
    /// arrive.
    from_the_start: bool,
    buffered: Buffered,
    /// Whether the client's stream has no gap after the request for a WebSocket.
    pub(crate) client_is_complete: bool,
}

impl Upgrade {
    /// A handshake before its first byte. TLS may begin instead if `finds_tls`.
    pub(crate) const fn new(from_the_start: bool, finds_tls: bool) -> Self {
        Self {
            client: HeadReader::new(true, finds_tls),
            server: HeadReader::new(false, finds_tls),
            pending: VecDeque::new(),
            early_responses: 0,
            refusals: 0,
            is_uncertain: false,
            early_acceptance: None,
            early_response: None,
            from_the_start,
            buffered: Buffered::new(),
            client_is_complete: true,
        }
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        let heads = self.client.bytes_held() + self.server.bytes_held();
        let requests = self.pending.iter().filter_map(|request| request.for_websocket.as_deref());
        let requests: usize = requests.map(Request::bytes_held).sum();
        let accepting = self.early_acceptance.as_ref().map(|acceptance| &acceptance.response);
        let early = accepting.or(self.early_response.as_ref());
        let responses = early.map_or(0, |response| response.bytes_held());
        size_of::<Self>() + heads + requests + responses + self.buffered.bytes_held()
    }

    /// Bytes of the current, incomplete head of one side.
    pub(crate) const fn unfinished(&self, from_client: bool) -> usize {
        if from_client { self.client.unfinished() } else { self.server.unfinished() }
    }

    /// The addresses that a proxy reported for the client and the server.
    pub(crate) const fn original_addresses(&self) -> Option<OriginalAddresses> {
        self.client.original_addresses()
    }

    /// Whether bytes of this side cannot be interpreted before the other side has sent more.
    fn must_buffer(&self, from_client: bool) -> bool {
        if from_client {
            let waits = self.pending.back().is_some_and(PendingRequest::must_be_answered);
            (waits && self.client.is_between_messages()) || self.client.is_lost()
        } else {
            self.early_acceptance.is_some() || self.early_response.is_some()
        }
    }

    /// Takes a part of one side. `acknowledged` is the position in the other side's stream that its
    /// segment acknowledged, if that is known.
    pub(crate) fn part(
        &mut self,
        from_client: bool,
        part: StreamPart<'_>,
        acknowledged: Option<u64>,
    ) -> Outcome {
        let (mut data, origin) = match part {
            StreamPart::Data(data, origin) | StreamPart::Unauthenticated(data, origin) => {
                (data, origin)
            }
            StreamPart::Gap(gap) => return self.gap(from_client, gap),
        };
        if from_client && self.client.find_head(data) {
            // So the client's buffered bytes are not frames but requests.
            self.buffered.drop_client();
            self.client_is_complete = true;
        }
        if !from_client && !self.must_buffer(false) {
            self.server.find_head(data);
        }
        while !data.is_empty() {
            if self.must_buffer(from_client) {
                self.buffered.push(from_client, part.after(part.length() - data.len() as u64));
                let too_much = self.buffered.bytes() > MAX_HEAD;
                return if too_much { self.decide() } else { Outcome::NeedMoreData };
            }
            let reader = if from_client { &mut self.client } else { &mut self.server };
            let outcome = match reader.data(&mut data, origin.time) {
                HeadResult::NeedMoreData => continue,
                HeadResult::BodyEnd => self.body_end(from_client),
                // After a gap a response may be matched to the wrong request, which gives it a wrong
                // length.
                HeadResult::NotHttp if self.is_uncertain => self.decide(),
                HeadResult::NotHttp => return Outcome::NotWebSocket,
                HeadResult::Tls => {
                    let start = reader.take_start();
                    self.buffered.push(from_client, StreamPart::Data(&start, origin));
                    Outcome::Switches
                }
                // The server's heads alone may still show a WebSocket.
                HeadResult::Lost if from_client => continue,
                HeadResult::Lost => self.decide(),
                HeadResult::Head(Head::Request(request)) => self.request(request),
                HeadResult::Head(Head::Response(response)) => self.response(response, acknowledged),
            };
            match outcome {
                Outcome::NeedMoreData => {}
                Outcome::NotWebSocket => return outcome,
                _ => {
                    self.buffered.push(from_client, part.after(part.length() - data.len() as u64));
                    return outcome;
                }
            }
        }
        Outcome::NeedMoreData
    }

    /// Takes a gap of one side.
    fn gap(&mut self, from_client: bool, gap: Gap) -> Outcome {
        self.is_uncertain = true;
        let buffers = self.must_buffer(from_client);
        if !buffers {
            let reader = if from_client { &mut self.client } else { &mut self.server };
            // A length that is a guess, or unknown, leads nowhere.
            let is_exact = gap.kind == GapKind::Exact;
            reader.gap(if is_exact { gap.length } else { u64::MAX });
            if !reader.is_lost() {
                return self.body_end(from_client);
            }
        }
        self.buffered.push(from_client, StreamPart::Gap(gap));
        if from_client && self.client.is_lost() && self.early_acceptance.is_none() {
            self.client_is_complete = false;
            // Its request is in the gap.
            return match self.early_response.take() {
                Some(_) => Outcome::HttpContinues,
                None => Outcome::NeedMoreData,
            };
        }
        let waits_for_proxy = self.pending.back().is_some_and(PendingRequest::is_connect);
        let waits = buffers && (!from_client || waits_for_proxy);
        if waits { Outcome::NeedMoreData } else { self.decide() }
    }

    /// Accepts after the body of the request, if the server accepted before it.
    fn body_end(&mut self, from_client: bool) -> Outcome {
        let is_whole = self.early_acceptance.as_ref().is_some_and(|early| early.request.is_some())
            && self.client.is_between_messages();
        match self.early_acceptance.take_if(|_| from_client && is_whole) {
            Some(acceptance) => Outcome::Accepted(acceptance),
            None => Outcome::NeedMoreData,
        }
    }

    fn request(&mut self, request: Request) -> Outcome {
        if self.pending.len() == MAX_PIPELINED {
            return Outcome::NotWebSocket;
        }
        self.client.expect_body(request_body(&request));
        let method = request.method.clone();
        if is_preface(&request) {
            return self.http2(Beginning::Preface(PREFACE_HEAD));
        }
        let http2_settings = http2_settings(&request);
        let for_websocket = asks_for_websocket(&request).then(|| Box::new(request));
        if let Some(early) = &mut self.early_acceptance {
            if for_websocket.is_none() {
                return Outcome::NotWebSocket;
            }
            early.request = for_websocket;
            return self.body_end(true);
        }
        if self.early_responses > 0 && for_websocket.is_none() {
            self.early_responses -= 1;
            return Outcome::NeedMoreData;
        }
        self.pending.push_back(PendingRequest { method, for_websocket, http2_settings });
        match self.early_response.take().map(|response| self.response(*response, None)) {
            // What the server sent after the response was buffered.
            Some(Outcome::NeedMoreData) => Outcome::HttpContinues,
            answered => answered.unwrap_or(Outcome::NeedMoreData),
        }
    }

    fn response(&mut self, response: Response, acknowledged: Option<u64>) -> Outcome {
        // A 1xx other than 101 precedes the final response (RFC 9110 section 15.2).
        if matches!(response.status, 100 | 102..=199) {
            self.server.expect_body(Body::Length(0));
            return Outcome::NeedMoreData;
        }
        if response.status == 101 {
            return self.switching_protocols(response, acknowledged);
        }
        let request = self.pending.pop_front();
        if request.is_none() && self.from_the_start && !self.is_uncertain {
            self.early_response = Some(Box::new(response));
            return Outcome::NeedMoreData;
        }
        if request.is_none() {
            self.early_responses = (self.early_responses + 1).min(MAX_PIPELINED);
            self.is_uncertain = true;
        }
        let method = request.as_ref().map(|request| request.method.as_str());
        self.server.expect_body(response_body(&response, method));
        if method == Some(CONNECT) {
            if (200..300).contains(&response.status) {
                self.client.restart();
                self.server.restart();
            }
            return Outcome::HttpContinues;
        }
        match request.and_then(|request| request.for_websocket) {
            Some(_) if self.refusals == MAX_PIPELINED => Outcome::NotWebSocket,
            Some(request) if !names_websocket(&request.fields) => Outcome::HttpContinues,
            Some(request) => {
                self.refusals += 1;
                Outcome::Refused { request, response: Box::new(response) }
            }
            None => Outcome::NeedMoreData,
        }
    }

    /// Takes a 101. It belongs to the first pending request for a WebSocket, even if responses before
    /// it were not captured.
    fn switching_protocols(&mut self, response: Response, acknowledged: Option<u64>) -> Outcome {
        if accepts_http2(&response) {
            return self.http2(Beginning::Preface(0));
        }
        let request = self.pending.drain(..).find_map(|request| request.for_websocket);
        if !accepts_websocket(&response, request.is_some()) {
            return Outcome::NotWebSocket;
        }
        let is_whole = match &request {
            Some(_) => self.client.is_between_messages(),
            None => !self.from_the_start,
        };
        let response = Box::new(response);
        let acceptance = Box::new(Acceptance { request, response, acknowledged });
        if is_whole || self.client.is_lost() {
            return self.accepted(acceptance);
        }
        self.early_acceptance = Some(acceptance);
        Outcome::NeedMoreData
    }

    /// Goes on with HTTP/2, where the client's stream begins there.
    fn http2(&mut self, client: Beginning) -> Outcome {
        let settings = self.pending.drain(..).find_map(|request| request.http2_settings);
        let settings = settings.unwrap_or_default();
        Outcome::Http2 { client, server: Beginning::Server, settings }
    }

    /// An acceptance whose request may not have been captured whole.
    fn accepted(&mut self, acceptance: Box<Acceptance>) -> Outcome {
        self.client_is_complete &=
            acceptance.request.is_some() && self.client.is_between_messages();
        Outcome::Accepted(acceptance)
    }

    /// Removes and returns the buffered parts.
    pub(crate) fn take_buffered(&mut self) -> Vec<BufferedPart> {
        self.buffered.take()
    }

    /// Decides the handshake with what is known, because no more can be learned. HTTP continues after
    /// a response whose request was waited for.
    pub(crate) fn decide(&mut self) -> Outcome {
        if let Some(acceptance) = self.early_acceptance.take() {
            return self.accepted(acceptance);
        }
        if self.early_response.take().is_some() {
            self.is_uncertain = true;
            return Outcome::HttpContinues;
        }
        let request = self.pending.drain(..).find_map(|request| request.for_websocket);
        self.client_is_complete &= request.is_some() && self.client.is_between_messages();
        Outcome::Unknown { request }
    }
}
