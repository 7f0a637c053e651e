//! A relay forwards events unchanged, or as its caller decided.
//!
//! ```text
//! byte 0   bits: from the client, deflate agreed on the sender's and the receiver's side,
//!          no_context_takeover on each side, fresh keys, UTF-8 not checked, arbitrary bytes
//! byte 1   window bits of the sender's and the receiver's side (3 bits each), kind of relay
//!          (2 bits): by decision, by frames, by bytes, or by decision with an unknown extension
//!          instead of permessage-deflate
//! byte 2   bits of rules switched off, as in `input`; then the largest fragment in bytes (4 bits)
//! byte 3   max_message_size, as in `input`
//! byte 4   how the wire bytes are split into chunks
//! byte 5   number of decisions, modulo 32; the decisions follow, one byte each
//! then the input: messages, in the form of `deflate`, and a Close if the number is odd; or bytes
//! ```

use std::num::NonZeroUsize;

use wsdefrag_core::relay::{Outbound, Pace};
use wsdefrag_core::write::settings::Settings as Sending;
use wsdefrag_core::{DeflateParams, Fragmenter, Limits, Settings, Strictness};
use zlib_rs::Strategy;

use super::journal::Seen;
use super::script::Script;
use super::writer::{Form, Wire};
use super::{deflate, frames, input, relay_messages, relay_pass_through, window};

/// The settings of a relayed direction, and its incoming bytes.
pub(crate) struct Case {
    /// The settings that it is read with.
    pub(crate) reading: Settings,
    /// The settings that it is sent with.
    pub(crate) sending: Sending,
    /// How messages whose length was changed are split into fragments.
    pub(crate) fragmenter: Fragmenter,
    /// Whether frames get other masking keys.
    pub(crate) fresh_keys: bool,
    /// The seed of the split of the bytes into chunks.
    pub(crate) cuts: u8,
    /// The caller's decisions, which repeat.
    pub(crate) decisions: Vec<u8>,
    /// The incoming bytes.
    pub(crate) wire: Vec<u8>,
    /// Whether its sender keeps to the agreed window.
    pub(crate) keeps_window: bool,
}

/// Panics unless the direction that `input` describes is relayed correctly.
pub(crate) fn check(input: &[u8]) {
    let Some((&head, rest)) = input.split_first_chunk::<6>() else { return };
    let (decisions, rest) = rest.split_at(usize::from(head[5] % 32).min(rest.len()));
    let case = Case::new(head, decisions, rest);
    match head[1] >> 6 {
        1 => relay_pass_through::check(&case, Pace::Frames),
        2 => relay_pass_through::check(&case, Pace::Bytes),
        _ => relay_messages::check(&case),
    }
}

impl Case {
    fn new(
        [flags, windows, lenience, most, cuts, _]: [u8; 6],
        decisions: &[u8],
        rest: &[u8],
    ) -> Self {
        let has = |bits: u8, bit: u8| bits & 1 << bit != 0;
        let from_client = has(flags, 0);
        let foreign_extension = windows >> 6 == 3;
        let agreed = |there: bool, alone: bool, window: u8| {
            let params = || params(from_client, alone, 8 + (window & 7));
            (there && !foreign_extension).then(params)
        };
        let arbitrary = has(flags, 7);
        let reading = Settings {
            from_client,
            deflate: agreed(has(flags, 1), has(flags, 3), windows),
            foreign_extension,
            limits: Limits { max_message_size: input::size(most), ..none() },
            strictness: Strictness {
                mask_direction: !has(lenience, 0),
                minimal_length: arbitrary && !has(lenience, 1),
                reserved_bits: !has(lenience, 2),
                close_codes: !has(lenience, 3),
                utf8: !has(flags, 6),
                ..Strictness::default()
            },
        };
        let sending = Sending {
            from_client,
            deflate: agreed(has(flags, 2), has(flags, 4), windows >> 3),
            compress_from: 0,
            level: 6,
            check_utf8: reading.strictness.utf8,
        };
        let max_size = NonZeroUsize::new(usize::from(lenience >> 4));
        Self {
            reading,
            sending,
            fragmenter: Fragmenter { max_size, cut_characters: false },
            fresh_keys: has(flags, 5),
            cuts,
            decisions: decisions.to_vec(),
            wire: if arbitrary { rest.to_vec() } else { script(&reading, decisions, rest) },
            keeps_window: !arbitrary,
        }
    }

    /// The outgoing side.
    pub(crate) fn outbound(&self) -> Outbound {
        Outbound::new(self.sending, self.reading.deflate, self.fragmenter, self.fresh_keys)
    }

    /// The longest payload, in bytes, of a frame that a relay by frames holds.
    pub(crate) fn longest_held(&self) -> Option<u64> {
        (self.cuts % 4 == 3).then_some(u64::from(self.cuts / 4))
    }

    /// Whether the parameters allow forwarding compressed messages verbatim.
    pub(crate) fn fits(&self) -> bool {
        let from = self.reading.from_client;
        let Some(agreed) = self.reading.deflate else { return true };
        self.sending.deflate.is_some_and(|sent| {
            let takeover = agreed.no_context_takeover(from) || !sent.no_context_takeover(from);
            agreed.max_window_bits(from) <= sent.max_window_bits(from) && takeover
        })
    }

    /// Whether compressed messages may refer to earlier ones.
    pub(crate) fn has_context(&self) -> bool {
        let from = self.reading.from_client;
        self.reading.deflate.is_some_and(|agreed| !agreed.no_context_takeover(from))
    }

    /// Whether RSV1 has a meaning only for the receiver.
    pub(crate) fn rsv1_misleads(&self) -> bool {
        self.reading.deflate.is_none() && self.sending.deflate.is_some()
    }

    /// The settings of a receiver: the same rules, but that it fails a connection whose masks are
    /// wrong (RFC 6455 section 5.1), and no limits.
    pub(crate) fn receiving(&self) -> Settings {
        let strictness = Strictness { mask_direction: true, ..self.reading.strictness };
        Settings { deflate: self.sending.deflate, limits: none(), strictness, ..self.reading }
    }

    /// Panics unless the compressed ones of these messages have the same content if they are inflated
    /// with a window of exactly the agreed size.
    pub(crate) fn check_window<'a>(&self, wire: &[u8], seen: impl Iterator<Item = &'a Seen>) {
        let Some(params) = self.sending.deflate.filter(|_| self.keeps_window) else { return };
        let from = self.reading.from_client;
        let (bits, alone) = (params.max_window_bits(from), params.no_context_takeover(from));
        let (frames, _) = frames::read(&self.receiving(), [wire]);
        let mut messages = seen.filter_map(|seen| match seen {
            Seen::Message(_, content) => Some(content),
            _ => None,
        });
        for content in window::contents(&frames.list, bits, alone) {
            assert!(messages.any(|one| *one == content), "read otherwise with {bits} bits");
        }
    }
}

/// No limits.
fn none() -> Limits {
    Limits {
        max_frame_size: None,
        max_message_size: None,
        max_fragments: None,
        max_inflate_ratio: None,
    }
}

/// Parameters with these values for the sending side, and others for the other side, so that a
/// mix-up shows.
fn params(from_client: bool, alone: bool, bits: u8) -> DeflateParams {
    let mut params = DeflateParams {
        server_no_context_takeover: !alone,
        client_no_context_takeover: !alone,
        ..DeflateParams::default()
    };
    if from_client {
        (params.client_no_context_takeover, params.client_max_window_bits) = (alone, bits);
    } else {
        (params.server_no_context_takeover, params.server_max_window_bits) = (alone, bits);
    }
    params
}

/// The bytes of the messages that `rest` describes, as a sender may write them.
fn script(reading: &Settings, decisions: &[u8], rest: &[u8]) -> Vec<u8> {
    let from_client = reading.from_client;
    let params = reading.deflate.unwrap_or_default();
    let mut messages = deflate::messages(rest);
    if reading.deflate.is_none() {
        for message in &mut messages {
            message.packing = None;
        }
    }
    let script = Script {
        from_client,
        no_context_takeover: params.no_context_takeover(from_client),
        window_bits: params.max_window_bits(from_client),
        level: 6,
        strategy: Strategy::Default,
        messages,
    };
    let mut wire = script.write().wire;
    if decisions.len() % 2 == 1 {
        let key = from_client.then_some([1, 2, 3, 4]);
        Wire { key, form: Form::Shortest, ..Wire::new(8) }.write(b"\x03\xe8bye", &mut wire);
    }
    wire
}
