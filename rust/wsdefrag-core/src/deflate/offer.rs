//! A client's offer of permessage-deflate, and the answers that fit it.
//!
//! RFC 7692 sections 5, 7 and 7.1.

#![expect(clippy::disallowed_methods, reason = "four known parameters at most, of valid values")]

use std::fmt::Write;

use crate::deflate::extension_header::{extensions, parameters};
use crate::deflate::params::{DeflateParams, EXTENSION, InvalidAnswer, is_deflate};

/// What a client offers about the size of its own window (RFC 7692 section 7.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientWindow {
    /// The server must not limit it.
    Fixed,
    /// The server may limit it.
    Limitable,
    /// The server may limit it, and it will not be larger than that anyway.
    AtMost(u8),
}

/// One offer. `server_*` applies to messages from the server, `client_*` to those from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflateOffer {
    /// The server must reset its window after each message (RFC 7692 section 7.1.1.1).
    pub server_no_context_takeover: bool,
    /// The client will reset its window after each message (RFC 7692 section 7.1.1.2).
    pub client_no_context_takeover: bool,
    /// The server's window must be at most that large (RFC 7692 section 7.1.2.1).
    pub server_max_window_bits: Option<u8>,
    /// The client's window.
    pub client_max_window_bits: ClientWindow,
}

impl Default for DeflateOffer {
    /// The server may limit the client's window.
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: None,
            client_max_window_bits: ClientWindow::Limitable,
        }
    }
}

impl DeflateOffer {
    /// Parses one element of a client's `Sec-WebSocket-Extensions`; `None` if it is not a valid offer
    /// of permessage-deflate.
    #[must_use]
    pub fn parse(element: &str) -> Option<Self> {
        if !is_deflate(element) {
            return None;
        }
        let params = DeflateParams::from_parameters(element, true, &mut Err).ok()?;
        let client = match stated(element, "client_max_window_bits") {
            Stated::Absent => ClientWindow::Fixed,
            Stated::Bare => ClientWindow::Limitable,
            Stated::Valued => ClientWindow::AtMost(params.client_max_window_bits),
        };
        let states_server = stated(element, "server_max_window_bits") != Stated::Absent;
        Some(Self {
            server_no_context_takeover: params.server_no_context_takeover,
            client_no_context_takeover: params.client_no_context_takeover,
            server_max_window_bits: states_server.then_some(params.server_max_window_bits),
            client_max_window_bits: client,
        })
    }

    /// The valid offers of permessage-deflate in a client's `Sec-WebSocket-Extensions`, in its order of
    /// preference. Invalid ones are declined (RFC 7692 section 7).
    pub fn all(offers: &str) -> impl Iterator<Item = Self> {
        extensions(offers).filter_map(Self::parse)
    }

    /// The element of `Sec-WebSocket-Extensions` that makes this offer.
    #[must_use]
    pub fn header(&self) -> String {
        let client = match self.client_max_window_bits {
            ClientWindow::AtMost(bits) => Some(bits),
            ClientWindow::Fixed | ClientWindow::Limitable => None,
        };
        let mut header = written(
            self.server_no_context_takeover,
            self.client_no_context_takeover,
            self.server_max_window_bits,
            client,
        );
        if self.client_max_window_bits == ClientWindow::Limitable {
            header.push_str("; client_max_window_bits");
        }
        header
    }

    /// The answer that agrees on these parameters; `None` if this offer does not allow them.
    #[must_use]
    pub fn answer(&self, params: DeflateParams) -> Option<String> {
        let largest = self.server_max_window_bits.unwrap_or(15);
        let bits = params.client_max_window_bits;
        let client = match self.client_max_window_bits {
            ClientWindow::Fixed if bits < 15 => return None,
            ClientWindow::Fixed => None,
            ClientWindow::Limitable => (bits < 15).then_some(bits),
            ClientWindow::AtMost(_) => Some(bits),
        };
        if (self.server_no_context_takeover && !params.server_no_context_takeover)
            || params.server_max_window_bits > largest
        {
            return None;
        }
        let server = params.server_max_window_bits;
        let states_server = self.server_max_window_bits.is_some() || server < 15;
        Some(written(
            params.server_no_context_takeover,
            params.client_no_context_takeover,
            states_server.then_some(server),
            client,
        ))
    }

    /// What a client and a server have agreed on that answered this offer with `answer`; otherwise why
    /// it does not fit.
    fn agreed(&self, answer: &str, params: DeflateParams) -> Result<DeflateParams, &'static str> {
        let states = |name| stated(answer, name) != Stated::Absent;
        if self.server_no_context_takeover && !params.server_no_context_takeover {
            return Err("server_no_context_takeover was asked for");
        }
        if let Some(largest) = self.server_max_window_bits {
            if !states("server_max_window_bits") {
                return Err("server_max_window_bits was asked for");
            }
            if params.server_max_window_bits > largest {
                return Err("server_max_window_bits exceeds what was asked for");
            }
        }
        if self.client_max_window_bits == ClientWindow::Fixed && states("client_max_window_bits") {
            return Err("client_max_window_bits was not offered");
        }
        let largest = match self.client_max_window_bits {
            ClientWindow::AtMost(bits) => bits,
            ClientWindow::Fixed | ClientWindow::Limitable => 15,
        };
        Ok(DeflateParams {
            client_no_context_takeover: params.client_no_context_takeover
                || self.client_no_context_takeover,
            client_max_window_bits: params.client_max_window_bits.min(largest),
            ..params
        })
    }
}

impl DeflateParams {
    /// The value of `Sec-WebSocket-Extensions` that answers a client's `offers` with these parameters:
    /// it answers the first offer that allows them. `None` if none does.
    #[must_use]
    pub fn answer(self, offers: &str) -> Option<String> {
        DeflateOffer::all(offers).find_map(|offer| offer.answer(self))
    }

    /// Parses the server's `Sec-WebSocket-Extensions`, and checks it against the client's; `None` if
    /// permessage-deflate was not agreed on.
    pub fn check_answer(answer: &str, offers: &str) -> Result<Option<Self>, InvalidAnswer> {
        let Some(params) = Self::from_header(answer)? else { return Ok(None) };
        let element = extensions(answer).find(|element| is_deflate(element)).unwrap_or_default();
        let mut reason = "permessage-deflate was not offered";
        for offer in DeflateOffer::all(offers) {
            match offer.agreed(element, params) {
                Ok(agreed) => return Ok(Some(agreed)),
                Err(why) => reason = why,
            }
        }
        Err(InvalidAnswer(reason.to_owned()))
    }
}

/// How an element states a parameter.
#[derive(PartialEq, Eq)]
enum Stated {
    Absent,
    Bare,
    Valued,
}

fn stated(element: &str, name: &str) -> Stated {
    match parameters(element).find(|(other, _)| other.eq_ignore_ascii_case(name)) {
        Some((_, Some(_))) => Stated::Valued,
        Some(_) => Stated::Bare,
        None => Stated::Absent,
    }
}

fn written(
    server_no_context_takeover: bool,
    client_no_context_takeover: bool,
    server_max_window_bits: Option<u8>,
    client_max_window_bits: Option<u8>,
) -> String {
    let mut header = String::from(EXTENSION);
    if server_no_context_takeover {
        header.push_str("; server_no_context_takeover");
    }
    if client_no_context_takeover {
        header.push_str("; client_no_context_takeover");
    }
    let windows = [("server", server_max_window_bits), ("client", client_max_window_bits)];
    for (side, bits) in windows {
        if let Some(bits) = bits {
            // Writing to a string never fails.
            let _ = write!(header, "; {side}_max_window_bits={bits}");
        }
    }
    header
}
