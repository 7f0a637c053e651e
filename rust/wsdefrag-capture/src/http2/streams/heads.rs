//! The requests and responses of streams: which of them ask for a WebSocket, or agree to one.
//!
//! RFC 8441 section 5.

use crate::http2::event::{StreamEnd, StreamEvent, StreamHeads};
use crate::http2::fields::{Asks, Fields};
use crate::http2::stream::{State, Stream};
use crate::http2::streams::Streams;
use crate::packet::Origin;

impl Streams {
    /// Takes the fields of a block of the client.
    pub(crate) fn request(
        &mut self,
        number: u32,
        fields: Fields,
        origin: Origin,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let is_new = number > self.requests.highest() || self.requests.may_be_lost(number);
        self.requests.note(number);
        let asks = fields.ask_for_websocket();
        let before = self.kept.get_mut(&number);
        match (asks, before) {
            (_, Some(Stream { state: State::Open | State::Requested(_), .. })) => {}
            (Asks::No, Some(stream)) => {
                if matches!(stream.state, State::Unknown) {
                    self.unknown -= 1;
                    out(number, StreamEvent::Ended(StreamEnd::Other, origin));
                }
                self.remove(number);
            }
            (Asks::Yes, Some(stream)) => {
                let State::Answered(heads) = &mut stream.state else { return };
                let unknown = fields.unknown;
                heads.unknown_fields[0] = unknown;
                heads.request = Some(Box::new(fields.into_request(origin.time)));
                self.open(number, out);
            }
            (Asks::Yes, None) if is_new => {
                let unknown_fields = [fields.unknown, 0];
                let request = Some(Box::new(fields.into_request(origin.time)));
                let heads = StreamHeads { request, response: None, unknown_fields, first: origin };
                self.insert(number, State::Requested(heads), origin);
            }
            (Asks::Maybe, None) if is_new => self.begin_unknown(number, origin, out),
            (Asks::Maybe, Some(_)) | (_, None) => {}
        }
    }

    /// Takes the fields of a block of the server.
    pub(crate) fn response(
        &mut self,
        number: u32,
        fields: Fields,
        origin: Origin,
        out: &mut impl FnMut(u32, StreamEvent<'_>),
    ) {
        let Some(status) = fields.status() else { return };
        let is_success = (200..300).contains(&status);
        let unknown = fields.unknown;
        match self.kept.get_mut(&number).map(|stream| &mut stream.state) {
            // An interim response precedes the final one (RFC 9110 section 15.2).
            _ if status < 200 => {}
            Some(State::Requested(heads)) => {
                heads.unknown_fields[1] = unknown;
                heads.response = Some(Box::new(fields.into_response(status, origin.time)));
                if is_success {
                    self.open(number, out);
                } else if let Some(Stream { state: State::Requested(heads), .. }) =
                    self.remove(number)
                {
                    out(number, StreamEvent::Refused(heads));
                }
            }
            Some(_) => {}
            None if !is_success => {}
            None => {
                let is_lost = self.requests.may_be_lost(number);
                if is_lost && !fields.name_websocket() {
                    return self.begin_unknown(number, origin, out);
                }
                let response = Some(Box::new(fields.into_response(status, origin.time)));
                let heads = StreamHeads {
                    request: None,
                    response,
                    unknown_fields: [0, unknown],
                    first: origin,
                };
                self.insert(number, State::Answered(heads), origin);
                if is_lost {
                    self.open(number, out);
                }
            }
        }
    }
}
