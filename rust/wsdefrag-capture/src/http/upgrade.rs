//! The WebSocket handshake of one connection, from the start of the connection on.
//!
//! Requests and responses are matched in order, so a WebSocket may follow ordinary requests on the
//! same connection, and a client may try again after a refusal.
//!
//! ```text
//! request for a WebSocket   the client's later bytes are buffered: they are frames if the server
//!                           accepts, and requests if it refuses
//! 101 before its request    packets may be captured out of order, so the server's later bytes are
//!                           buffered until the request arrives
//! 101 after its request     Accepted
//! other status              Refused; the handshake continues
//! CONNECT                   the client's later bytes are buffered; a success restarts both directions
//!                           at what is relayed, and after anything else HTTP continues
//! gap in the client's heads the client's later bytes are buffered; the server's heads decide
//! gap in the server's heads, or in the client's bytes after a request for a WebSocket
//!                           the handshake ends with what is known: Accepted or Unknown
//! ```
//!
//! Buffered parts are never interpreted here: the caller takes them and feeds them again, to the
//! frames or to this handshake.
//!
//! RFC 6455 sections 1.3 and 4, RFC 9110 sections 9.3.6 and 15.2.
//!
//! - `buffered_bytes` is the sum of the lengths of the data in `buffered`
//! - `pending.len() <= MAX_PIPELINED`, `early_responses <= MAX_PIPELINED`, `refusals <= MAX_PIPELINED`

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::connection::{Request, Response, field};
use crate::http::body::{Body, request_body, response_body};
use crate::http::head::{HeadReader, HeadResult, MAX_HEAD};
use crate::http::parser::{Head, has_token};
use crate::http::preamble_message::OriginalAddresses;
use crate::packet::Origin;
use crate::stream_part::{Gap, OwnedPart};

/// Pending requests, or refusals, of one connection. No real client sends more.
const MAX_PIPELINED: usize = 64;
/// The method that asks a proxy for a connection (RFC 9110 section 9.3.6).
const CONNECT: &str = "CONNECT";
/// The string that the server appends to the client's key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A part of a stream that is buffered until the handshake is decided.
#[derive(Debug)]
pub(crate) struct BufferedPart {
    pub(crate) from_client: bool,
    pub(crate) part: OwnedPart,
}

/// The state of the handshake after a part of a stream. After the last four, the bytes that were not
/// interpreted are in [`Upgrade::buffered`], those of the last part included.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It is not decided yet.
    NeedMoreData,
    /// The connection is not a WebSocket.
    NotWebSocket,
    /// A proxy answered a CONNECT. HTTP continues: with the proxy, or through it with the server.
    ProxyAnswered,
    /// The server accepted.
    Accepted { request: Option<Box<Request>>, response: Box<Response> },
    /// The server refused. HTTP continues after the response.
    Refused { request: Box<Request>, response: Box<Response> },
    /// The response was not captured.
    Unknown { request: Option<Box<Request>> },
}

/// A request without a response.
#[derive(Debug)]
struct PendingRequest {
    method: String,
    /// The request, if it asks for a WebSocket.
    for_websocket: Option<Box<Request>>,
}

impl PendingRequest {
    fn is_connect(&self) -> bool {
        self.method == CONNECT
    }
}

/// The handshake of one connection.
#[derive(Debug)]
pub(crate) struct Upgrade {
    client: HeadReader,
    server: HeadReader,
    pending: VecDeque<PendingRequest>,
    /// Responses whose requests have not been captured yet.
    early_responses: usize,
    refusals: usize,
    /// Whether there was a gap, or a response came before its request.
    is_uncertain: bool,
    /// A 101 whose request has not been captured yet.
    early_acceptance: Option<Box<Response>>,
    /// Whether the connection was captured from its start, so that the request of a 101 may still
    /// arrive.
    from_the_start: bool,
    pub(crate) buffered: Vec<BufferedPart>,
    buffered_bytes: usize,
    /// Whether the client's stream has no gap after the request for a WebSocket.
    pub(crate) client_is_complete: bool,
}

impl Upgrade {
    pub(crate) const fn new(from_the_start: bool) -> Self {
        Self {
            client: HeadReader::new(true),
            server: HeadReader::new(false),
            pending: VecDeque::new(),
            early_responses: 0,
            refusals: 0,
            is_uncertain: false,
            early_acceptance: None,
            from_the_start,
            buffered: Vec::new(),
            buffered_bytes: 0,
            client_is_complete: true,
        }
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
            let waits = |last: &PendingRequest| last.for_websocket.is_some() || last.is_connect();
            self.pending.back().is_some_and(waits) || self.client.is_lost()
        } else {
            self.early_acceptance.is_some()
        }
    }

    /// Takes bytes of one side.
    pub(crate) fn data(&mut self, from_client: bool, mut data: &[u8], origin: Origin) -> Outcome {
        if from_client && self.client.find_head(data) {
            // So the client's buffered bytes are not frames but requests.
            self.buffered.retain(|buffered| !buffered.from_client);
            self.client_is_complete = true;
        }
        if !from_client && self.early_acceptance.is_none() {
            self.server.find_head(data);
        }
        while !data.is_empty() {
            if self.must_buffer(from_client) {
                self.buffer(from_client, data, origin);
                let too_much = self.buffered_bytes > MAX_HEAD;
                return if too_much { self.decide() } else { Outcome::NeedMoreData };
            }
            let reader = if from_client { &mut self.client } else { &mut self.server };
            let outcome = match reader.data(&mut data, origin.time) {
                HeadResult::NeedMoreData => continue,
                // After a gap a response may be matched to the wrong request, which gives it a wrong
                // length.
                HeadResult::NotHttp if self.is_uncertain => self.decide(),
                HeadResult::NotHttp => return Outcome::NotWebSocket,
                // The server's heads alone may still show a WebSocket.
                HeadResult::Lost if from_client => continue,
                HeadResult::Lost => self.decide(),
                HeadResult::Head(Head::Request { method, request }) => {
                    self.request(method, request)
                }
                HeadResult::Head(Head::Response(response)) => self.response(response),
            };
            match outcome {
                Outcome::NeedMoreData => {}
                Outcome::NotWebSocket => return outcome,
                _ => {
                    self.buffer(from_client, data, origin);
                    return outcome;
                }
            }
        }
        Outcome::NeedMoreData
    }

    fn buffer(&mut self, from_client: bool, data: &[u8], origin: Origin) {
        if !data.is_empty() {
            self.buffered_bytes += data.len();
            let part = OwnedPart::Data(data.to_vec(), origin);
            self.buffered.push(BufferedPart { from_client, part });
        }
    }

    /// Takes a gap of one side.
    pub(crate) fn gap(&mut self, from_client: bool, gap: Gap) -> Outcome {
        self.is_uncertain = true;
        let buffers = self.must_buffer(from_client);
        if !buffers {
            let reader = if from_client { &mut self.client } else { &mut self.server };
            reader.gap(gap.length);
            if !reader.is_lost() {
                return Outcome::NeedMoreData;
            }
        }
        match self.buffered.last_mut() {
            Some(BufferedPart { from_client: other, part: OwnedPart::Gap(before) })
                if *other == from_client =>
            {
                *before = before.join(gap);
            }
            _ => self.buffered.push(BufferedPart { from_client, part: OwnedPart::Gap(gap) }),
        }
        if from_client && self.client.is_lost() && self.early_acceptance.is_none() {
            self.client_is_complete = false;
            return Outcome::NeedMoreData;
        }
        let waits_for_proxy = self.pending.back().is_some_and(PendingRequest::is_connect);
        let waits = buffers && (!from_client || waits_for_proxy);
        if waits { Outcome::NeedMoreData } else { self.decide() }
    }

    fn request(&mut self, method: String, request: Request) -> Outcome {
        if self.pending.len() == MAX_PIPELINED {
            return Outcome::NotWebSocket;
        }
        self.client.expect_body(request_body(&request));
        let for_websocket = method == "GET" && has_token(&request.fields, "upgrade", "websocket");
        let for_websocket = for_websocket.then(|| Box::new(request));
        if let Some(response) = self.early_acceptance.take() {
            return match for_websocket {
                Some(request) => Outcome::Accepted { request: Some(request), response },
                None => Outcome::NotWebSocket,
            };
        }
        if self.early_responses > 0 && for_websocket.is_none() {
            self.early_responses -= 1;
        } else {
            self.pending.push_back(PendingRequest { method, for_websocket });
        }
        Outcome::NeedMoreData
    }

    fn response(&mut self, response: Response) -> Outcome {
        // A 1xx other than 101 precedes the final response (RFC 9110 section 15.2).
        if matches!(response.status, 100 | 102..=199) {
            self.server.expect_body(Body::Length(0));
            return Outcome::NeedMoreData;
        }
        if response.status == 101 {
            return self.switching_protocols(Box::new(response));
        }
        let request = self.pending.pop_front();
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
            return Outcome::ProxyAnswered;
        }
        match request.and_then(|request| request.for_websocket) {
            Some(_) if self.refusals == MAX_PIPELINED => Outcome::NotWebSocket,
            Some(request) => {
                self.refusals += 1;
                Outcome::Refused { request, response: Box::new(response) }
            }
            None => Outcome::NeedMoreData,
        }
    }

    /// Takes a 101. It belongs to the first pending request for a WebSocket, even if responses before
    /// it were not captured.
    fn switching_protocols(&mut self, response: Box<Response>) -> Outcome {
        if !has_token(&response.fields, "upgrade", "websocket") {
            return Outcome::NotWebSocket;
        }
        let request = self.pending.drain(..).find_map(|request| request.for_websocket);
        match request {
            Some(request) => Outcome::Accepted { request: Some(request), response },
            None if self.from_the_start && !self.client.is_lost() => {
                self.early_acceptance = Some(response);
                Outcome::NeedMoreData
            }
            None => self.accepted_without_request(response),
        }
    }

    fn accepted_without_request(&mut self, response: Box<Response>) -> Outcome {
        self.client_is_complete = false;
        Outcome::Accepted { request: None, response }
    }

    /// Removes and returns the buffered parts.
    pub(crate) fn take_buffered(&mut self) -> Vec<BufferedPart> {
        self.buffered_bytes = 0;
        std::mem::take(&mut self.buffered)
    }

    /// Decides the handshake with what is known, because no more can be learned.
    pub(crate) fn decide(&mut self) -> Outcome {
        if let Some(response) = self.early_acceptance.take() {
            return self.accepted_without_request(response);
        }
        let request = self.pending.drain(..).find_map(|request| request.for_websocket);
        self.client_is_complete &= request.is_some();
        Outcome::Unknown { request }
    }
}

/// Whether the server's accept key follows from the client's key (RFC 6455 section 4.2.2). `None` if
/// either was not sent.
pub(crate) fn accept_key_is_right(request: &Request, response: &Response) -> Option<bool> {
    let key = field(&request.fields, "sec-websocket-key")?;
    let accept = field(&response.fields, "sec-websocket-accept")?;
    let mut digest = Sha1::new();
    digest.update(key.trim().as_bytes());
    digest.update(GUID);
    Some(STANDARD.encode(digest.finalize()) == accept.trim())
}
