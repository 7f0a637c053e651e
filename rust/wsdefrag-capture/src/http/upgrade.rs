//! From the start of a TCP connection to the end of the WebSocket handshake (RFC 6455 section 4).
//!
//! Requests and responses are matched in order, so a WebSocket may follow ordinary requests on the
//! same connection, and a refused one may be asked for again. From the request that asks for it on
//! the client's bytes are kept, for they are frames if the answer is 101 and requests if it is not;
//! and so are the server's behind an answer that was captured before its request.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::connection::{Request, Response, field};
use crate::http::head::{
    Body, Head, MAX_HEAD, Messages, Step, has_token, request_body, response_body,
};
use crate::packet::Origin;

/// Requests without an answer yet, or refusals; more are those of a client that does not listen.
const MAX_PIPELINED: usize = 64;
/// What the server appends to the key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What an end said while it was not known yet what to make of it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) from_client: bool,
    pub(crate) what: Said,
}

/// A part of a stream.
#[derive(Debug)]
pub(crate) enum Said {
    /// The bytes of one segment.
    Data(Vec<u8>, Origin),
    /// Bytes that were not captured: so many.
    Gap(u64),
}

/// How the handshake stands. But for the first two, what was said and has not been looked at is
/// among what was [kept](Upgrade::kept), the end of what was offered included.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It goes on.
    More,
    /// There is no WebSocket here.
    NotWebSocket,
    /// The server agreed.
    Agreed { request: Option<Box<Request>>, response: Box<Response> },
    /// The server refused; what follows is HTTP as before.
    Refused { request: Box<Request>, response: Box<Response> },
    /// The answer, or where it would begin, was not captured.
    Unknown { request: Option<Box<Request>> },
}

/// A request that has no answer yet.
#[derive(Debug)]
struct Asked {
    method: String,
    /// Itself, if it asks for a WebSocket.
    for_websocket: Option<Box<Request>>,
}

/// The handshake of one connection.
#[derive(Debug)]
pub(crate) struct Upgrade {
    client: Messages,
    server: Messages,
    asked: VecDeque<Asked>,
    /// Answers to requests that have not been captured yet.
    ahead: usize,
    refused: usize,
    /// Whether anything was lost, or an answer came before its request.
    in_doubt: bool,
    /// An answer to a request that has not been captured yet.
    answer: Option<Box<Response>>,
    /// Whether a request may still come behind its answer: packets are not always captured in order.
    from_the_start: bool,
    pub(crate) kept: Vec<Kept>,
    kept_bytes: usize,
    /// Whether the client's stream is unbroken from the request for a WebSocket on.
    pub(crate) client_is_exact: bool,
}

impl Upgrade {
    pub(crate) const fn new(from_the_start: bool) -> Self {
        Self {
            client: Messages::new(true),
            server: Messages::new(false),
            asked: VecDeque::new(),
            ahead: 0,
            refused: 0,
            in_doubt: false,
            answer: None,
            from_the_start,
            kept: Vec::new(),
            kept_bytes: 0,
            client_is_exact: true,
        }
    }

    /// Bytes that have come of the head at hand.
    pub(crate) const fn unfinished(&self, from_client: bool) -> usize {
        if from_client { self.client.unfinished() } else { self.server.unfinished() }
    }

    /// Whether what this end says has to wait for the other.
    fn waits(&self, from_client: bool) -> bool {
        if from_client {
            let asked = self.asked.back().is_some_and(|asked| asked.for_websocket.is_some());
            asked || self.client.is_lost()
        } else {
            self.answer.is_some()
        }
    }

    /// Takes bytes of one end.
    pub(crate) fn data(&mut self, from_client: bool, mut data: &[u8], origin: Origin) -> Outcome {
        if from_client && self.client.look_for_head(data) {
            // What was kept of it is not frames, then, but requests.
            self.kept.retain(|kept| !kept.from_client);
            self.client_is_exact = true;
        }
        if !from_client && self.answer.is_none() {
            self.server.look_for_head(data);
        }
        while !data.is_empty() {
            if self.waits(from_client) {
                self.keep(from_client, data, origin);
                return if self.kept_bytes > MAX_HEAD { self.give_up() } else { Outcome::More };
            }
            let messages = if from_client { &mut self.client } else { &mut self.server };
            let outcome = match messages.data(&mut data, origin.time) {
                Step::More => continue,
                // Behind a loss answers may be taken for those to other requests, and their ends with
                // them.
                Step::NotHttp if self.in_doubt => self.give_up(),
                Step::NotHttp => return Outcome::NotWebSocket,
                // Where the client's heads are lost, the server's may still tell.
                Step::Lost if from_client => continue,
                Step::Lost => self.give_up(),
                Step::Head(Head::Request { method, request }) => self.asked(method, request),
                Step::Head(Head::Response(response)) => self.answered(response),
            };
            match outcome {
                Outcome::More => {}
                Outcome::NotWebSocket => return outcome,
                _ => {
                    self.keep(from_client, data, origin);
                    return outcome;
                }
            }
        }
        Outcome::More
    }

    fn keep(&mut self, from_client: bool, data: &[u8], origin: Origin) {
        if !data.is_empty() {
            self.kept_bytes += data.len();
            self.kept.push(Kept { from_client, what: Said::Data(data.to_vec(), origin) });
        }
    }

    /// Says that bytes of one end are missing.
    pub(crate) fn gap(&mut self, from_client: bool, length: u64) -> Outcome {
        self.in_doubt = true;
        let waited = self.waits(from_client);
        if !waited {
            let messages = if from_client { &mut self.client } else { &mut self.server };
            messages.gap(length);
            if !messages.is_lost() {
                return Outcome::More;
            }
        }
        match self.kept.last_mut() {
            Some(Kept { from_client: end, what: Said::Gap(before) }) if *end == from_client => {
                *before += length;
            }
            _ => self.kept.push(Kept { from_client, what: Said::Gap(length) }),
        }
        if from_client && self.client.is_lost() && self.answer.is_none() {
            self.client_is_exact = false;
            return Outcome::More;
        }
        if waited && !from_client { Outcome::More } else { self.give_up() }
    }

    /// Takes a request.
    fn asked(&mut self, method: String, request: Request) -> Outcome {
        if self.asked.len() == MAX_PIPELINED {
            return Outcome::NotWebSocket;
        }
        self.client.expect(request_body(&request));
        let for_websocket = method == "GET" && has_token(&request.fields, "upgrade", "websocket");
        let for_websocket = for_websocket.then(|| Box::new(request));
        if let Some(response) = self.answer.take() {
            return match for_websocket {
                Some(request) => Outcome::Agreed { request: Some(request), response },
                None => Outcome::NotWebSocket,
            };
        }
        if self.ahead > 0 && for_websocket.is_none() {
            self.ahead -= 1;
        } else {
            self.asked.push_back(Asked { method, for_websocket });
        }
        Outcome::More
    }

    /// Takes a response.
    fn answered(&mut self, response: Response) -> Outcome {
        // A 1xx is not the answer yet, but for 101 (RFC 9110 section 15.2).
        if matches!(response.status, 100 | 102..=199) {
            self.server.expect(Body::Length(0));
            return Outcome::More;
        }
        if response.status == 101 {
            return self.switched(Box::new(response));
        }
        let asked = self.asked.pop_front();
        if asked.is_none() {
            self.ahead = (self.ahead + 1).min(MAX_PIPELINED);
            self.in_doubt = true;
        }
        let method = asked.as_ref().map(|asked| asked.method.as_str());
        self.server.expect(response_body(&response, method));
        match asked.and_then(|asked| asked.for_websocket) {
            Some(_) if self.refused == MAX_PIPELINED => Outcome::NotWebSocket,
            Some(request) => {
                self.refused += 1;
                Outcome::Refused { request, response: Box::new(response) }
            }
            None => Outcome::More,
        }
    }

    /// Takes a 101. It can only answer a request that asked for what it says, whatever was lost of
    /// those before.
    fn switched(&mut self, response: Box<Response>) -> Outcome {
        if !has_token(&response.fields, "upgrade", "websocket") {
            return Outcome::NotWebSocket;
        }
        let request = self.asked.drain(..).find_map(|asked| asked.for_websocket);
        match request {
            Some(request) => Outcome::Agreed { request: Some(request), response },
            None if self.from_the_start && !self.client.is_lost() => {
                self.answer = Some(response);
                Outcome::More
            }
            None => self.agreed_without_request(response),
        }
    }

    fn agreed_without_request(&mut self, response: Box<Response>) -> Outcome {
        self.client_is_exact = false;
        Outcome::Agreed { request: None, response }
    }

    /// What was kept, which was not for a WebSocket after all.
    pub(crate) fn take_kept(&mut self) -> Vec<Kept> {
        self.kept_bytes = 0;
        std::mem::take(&mut self.kept)
    }

    /// What is left to find out at the end, or where it cannot be found out any more.
    pub(crate) fn give_up(&mut self) -> Outcome {
        if let Some(response) = self.answer.take() {
            return self.agreed_without_request(response);
        }
        let asked = self.asked.drain(..).find_map(|asked| asked.for_websocket);
        self.client_is_exact &= asked.is_some();
        Outcome::Unknown { request: asked }
    }
}

/// Whether the server's accept key is the one that follows from the client's (RFC 6455 section
/// 4.2.2); `None` if one of them is not there.
pub(crate) fn accept_key_is_right(request: &Request, response: &Response) -> Option<bool> {
    let key = field(&request.fields, "sec-websocket-key")?;
    let accept = field(&response.fields, "sec-websocket-accept")?;
    let mut digest = Sha1::new();
    digest.update(key.trim().as_bytes());
    digest.update(GUID);
    Some(STANDARD.encode(digest.finalize()) == accept.trim())
}
