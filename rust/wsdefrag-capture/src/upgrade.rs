//! From the start of a TCP connection to the end of the WebSocket handshake (RFC 6455 section 4).
//!
//! Requests and responses are matched in order, so a WebSocket may follow ordinary requests on the
//! same connection, and a refused one may be asked for again. From the request that asks for it on
//! the client's bytes are kept, for they are frames if the answer is 101 and requests if it is not.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use crate::event::{Request, Response, field};
use crate::http::{Body, Head, MAX_HEAD, Messages, Step, has_token, request_body, response_body};
use crate::tcp::Origin;

/// Requests without an answer yet; more are those of a client that does not wait for any.
const MAX_PIPELINED: usize = 64;
/// What the server appends to the key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a client said while it was not known yet what to make of it.
#[derive(Debug)]
pub(crate) enum Kept {
    /// The bytes of one segment.
    Data(Vec<u8>, Origin),
    /// Bytes that were not captured: so many.
    Gap(u64),
}

/// How the handshake stands.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It goes on.
    More,
    /// The server agreed; its head ends `server_rest` bytes before the end of what was offered.
    Agreed { request: Option<Box<Request>>, response: Box<Response>, server_rest: usize },
    /// The server refused; what follows is HTTP as before.
    Refused { request: Box<Request>, response: Box<Response>, server_rest: usize },
    /// There is no WebSocket here.
    NotWebSocket,
    /// The answer, or where it would begin, was not captured.
    Unknown { request: Option<Box<Request>> },
}

/// A request that has no answer yet.
#[derive(Debug)]
enum Asked {
    Other(String),
    WebSocket(Box<Request>),
}

/// The handshake of one connection.
#[derive(Debug)]
pub(crate) struct Upgrade {
    client: Messages,
    server: Messages,
    asked: VecDeque<Asked>,
    /// What the client sent behind the request for a WebSocket.
    pub(crate) kept: Vec<Kept>,
    kept_bytes: usize,
    /// Whether the client's stream is unbroken from that request on.
    pub(crate) client_is_exact: bool,
}

impl Upgrade {
    pub(crate) const fn new() -> Self {
        Self {
            client: Messages::new(true),
            server: Messages::new(false),
            asked: VecDeque::new(),
            kept: Vec::new(),
            kept_bytes: 0,
            client_is_exact: true,
        }
    }

    /// Bytes that have come of the head at hand.
    pub(crate) const fn unfinished(&self, from_client: bool) -> usize {
        if from_client { self.client.unfinished() } else { self.server.unfinished() }
    }

    fn is_asked(&self) -> bool {
        matches!(self.asked.back(), Some(Asked::WebSocket(_)))
    }

    /// Takes bytes of the client.
    pub(crate) fn client_data(&mut self, mut data: &[u8], origin: Origin) -> Outcome {
        while !data.is_empty() {
            if self.is_asked() || self.client.is_lost() {
                return self.keep(data, origin);
            }
            match self.client.data(&mut data, origin.time) {
                Step::More | Step::Lost => {}
                Step::Head(Head::Request { method, request }) => {
                    if self.asked.len() == MAX_PIPELINED {
                        return Outcome::NotWebSocket;
                    }
                    self.client.expect(request_body(&request));
                    self.asked.push_back(if asks_for_websocket(&request) {
                        Asked::WebSocket(Box::new(request))
                    } else {
                        Asked::Other(method)
                    });
                }
                Step::NotHttp | Step::Head(Head::Response(_)) => return Outcome::NotWebSocket,
            }
        }
        Outcome::More
    }

    fn keep(&mut self, data: &[u8], origin: Origin) -> Outcome {
        self.kept_bytes += data.len();
        self.kept.push(Kept::Data(data.to_vec(), origin));
        if self.kept_bytes > MAX_HEAD { self.give_up() } else { Outcome::More }
    }

    /// Takes bytes of the server.
    pub(crate) fn server_data(&mut self, mut data: &[u8], origin: Origin) -> Outcome {
        while !data.is_empty() {
            match self.server.data(&mut data, origin.time) {
                Step::More => {}
                Step::Lost => return self.give_up(),
                Step::Head(Head::Response(response)) => match self.answered(response, data.len()) {
                    Outcome::More => {}
                    outcome => return outcome,
                },
                Step::NotHttp | Step::Head(Head::Request { .. }) => return Outcome::NotWebSocket,
            }
        }
        Outcome::More
    }

    /// Takes a response; `rest` bytes behind it were offered and have not been looked at.
    fn answered(&mut self, response: Response, rest: usize) -> Outcome {
        // A 1xx is not the answer yet, but for 101 (RFC 9110 section 15.2).
        if matches!(response.status, 100 | 102..=199) {
            self.server.expect(Body::Length(0));
            return Outcome::More;
        }
        let asked = self.asked.pop_front();
        if response.status == 101 {
            let request = match asked {
                Some(Asked::WebSocket(request)) => Some(request),
                Some(Asked::Other(_)) => return Outcome::NotWebSocket,
                None => None,
            };
            if !has_token(&response.fields, "upgrade", "websocket") {
                return Outcome::NotWebSocket;
            }
            self.client_is_exact &= request.is_some();
            let response = Box::new(response);
            return Outcome::Agreed { request, response, server_rest: rest };
        }
        let method = match &asked {
            Some(Asked::Other(method)) => Some(method.as_str()),
            _ => None,
        };
        self.server.expect(response_body(&response, method));
        match asked {
            Some(Asked::WebSocket(request)) => {
                Outcome::Refused { request, response: Box::new(response), server_rest: rest }
            }
            _ => Outcome::More,
        }
    }

    /// Takes what the client sent behind a request that was refused.
    pub(crate) fn kept_after_refusal(&mut self) -> Vec<Kept> {
        self.kept_bytes = 0;
        std::mem::take(&mut self.kept)
    }

    /// Says that bytes of one side are missing.
    pub(crate) fn gap(&mut self, from_client: bool, length: u64) -> Outcome {
        if !from_client {
            self.server.gap(length);
            return if self.server.is_lost() { self.give_up() } else { Outcome::More };
        }
        if self.is_asked() {
            return self.give_up();
        }
        if self.client.is_lost() {
            match self.kept.last_mut() {
                Some(Kept::Gap(before)) => *before += length,
                _ => self.kept.push(Kept::Gap(length)),
            }
            return Outcome::More;
        }
        self.client.gap(length);
        if self.client.is_lost() {
            self.client_is_exact = false;
        }
        Outcome::More
    }

    /// What is left to find out at the end, or where it cannot be found out any more.
    pub(crate) fn give_up(&mut self) -> Outcome {
        let asked = self.asked.drain(..).find_map(|asked| match asked {
            Asked::WebSocket(request) => Some(request),
            Asked::Other(_) => None,
        });
        self.client_is_exact &= asked.is_some();
        Outcome::Unknown { request: asked }
    }
}

fn asks_for_websocket(request: &Request) -> bool {
    has_token(&request.fields, "upgrade", "websocket")
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
