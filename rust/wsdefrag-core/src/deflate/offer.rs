//! A client's offer of permessage-deflate, the answers that fit it, and what an intermediary does with
//! offers that pass through it.
//!
//! A server derives its answer from the client's offers, which are in order of preference. Offers that
//! are not valid are declined.
//!
//! RFC 7692 sections 5, 7 and 7.1.

#![expect(clippy::disallowed_methods, reason = "at most the header, which its reader has bounded")]

use std::fmt::Write;

use crate::deflate::extension_header::{extensions, name, parameters};
use crate::deflate::params::{
    DeflateParams, EXTENSION, InvalidAnswer, InvalidOffers, check_names, is_deflate,
};

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

    /// What a server agrees on that prefers `preferred`: it does what the client asks for or it prefers
    /// itself, and limits windows to the smaller of the two.
    #[must_use]
    pub fn choose(&self, preferred: DeflateParams) -> DeflateParams {
        let server = self.server_max_window_bits.unwrap_or(15);
        let client = match self.client_max_window_bits {
            // The server cannot limit the window (RFC 7692 section 7.1.2.2).
            ClientWindow::Fixed => 15,
            ClientWindow::Limitable => preferred.client_max_window_bits,
            ClientWindow::AtMost(bits) => preferred.client_max_window_bits.min(bits),
        };
        DeflateParams {
            server_no_context_takeover: self.server_no_context_takeover
                || preferred.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || preferred.client_no_context_takeover,
            server_max_window_bits: preferred.server_max_window_bits.min(server),
            client_max_window_bits: client,
        }
    }

    /// This offer, with what `most` asks for as well; windows are limited to the smaller of the two.
    #[must_use]
    pub fn limited(&self, most: DeflateParams) -> Self {
        let server = self.server_max_window_bits.unwrap_or(15).min(most.server_max_window_bits);
        let client = most.client_max_window_bits;
        Self {
            server_no_context_takeover: self.server_no_context_takeover
                || most.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover
                || most.client_no_context_takeover,
            server_max_window_bits: self
                .server_max_window_bits
                .map_or_else(|| (server < 15).then_some(server), |_| Some(server)),
            client_max_window_bits: match self.client_max_window_bits {
                ClientWindow::AtMost(bits) => ClientWindow::AtMost(bits.min(client)),
                ClientWindow::Limitable if client < 15 => ClientWindow::AtMost(client),
                window => window,
            },
        }
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
            // A window of 15 bits is what a server has anyway, and many leave it out.
            if largest < 15 && !states("server_max_window_bits") {
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
    /// A server's answer to a client's `Sec-WebSocket-Extensions`: the agreed parameters and the value
    /// to answer with; `None` if there is no valid offer of permessage-deflate.
    ///
    /// The first valid offer is accepted (RFC 7692 section 5.1), as [`DeflateOffer::choose`] does.
    pub fn choose(offers: &str, preferred: Self) -> Result<Option<(Self, String)>, InvalidOffers> {
        check_names(offers, &mut Err).map_err(InvalidOffers)?;
        Ok(DeflateOffer::all(offers).find_map(|offer| {
            let params = offer.choose(preferred);
            Some((params, offer.answer(params)?))
        }))
    }

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

/// The elements of a `Sec-WebSocket-Extensions` whose extension has a name that `keep` accepts; `None`
/// if there are none. Case is ignored: `keep` gets the name as it is.
pub fn filter_offers(
    offers: &str,
    keep: impl Fn(&str) -> bool,
) -> Result<Option<String>, InvalidOffers> {
    check_names(offers, &mut Err).map_err(InvalidOffers)?;
    let kept = extensions(offers).filter(|element| !element.is_empty() && keep(name(element)));
    Ok(joined(kept.map(str::to_owned)))
}

/// A client's `Sec-WebSocket-Extensions` whose offers of permessage-deflate ask for `most` as well, as
/// [`DeflateOffer::limited`] does. Invalid ones are left out, and other extensions stay as they are.
pub fn limit_offers(offers: &str, most: DeflateParams) -> Result<Option<String>, InvalidOffers> {
    check_names(offers, &mut Err).map_err(InvalidOffers)?;
    let elements = extensions(offers).filter(|element| !element.is_empty());
    let limited = elements.filter_map(|element| {
        if !is_deflate(element) {
            return Some(element.to_owned());
        }
        DeflateOffer::parse(element).map(|offer| offer.limited(most).header())
    });
    Ok(joined(limited))
}

fn joined(elements: impl Iterator<Item = String>) -> Option<String> {
    elements.reduce(|mut all, element| {
        all.extend([", ", &element]);
        all
    })
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
