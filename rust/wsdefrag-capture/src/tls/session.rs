//! A TLS connection: both TCP streams in, both streams of the application out.
//!
//! ```text
//! part of a TCP stream -> direction -> record -> application data, or a handshake message
//! ```
//!
//! What the hellos of both sides say stands in the negotiation. While keys may still come, whatever
//! needs them is held, up to [`MAX_HELD`] bytes of each direction, and read when they are there.
//! Afterwards it is counted as undecryptable; keys that come later still open what follows.
//!
//! Per direction, in bytes of the TCP stream:
//! bytes = application + overhead + handshake + undecryptable + missing.
//!
//! RFC 8446, RFC 5246.
//!
//! - `held` has parts of a direction only while it waits

use std::collections::VecDeque;
use std::fmt;

use serde::{Deserialize, Serialize};
use wsdefrag_core::fallible::TryGrow;

use crate::checkpoint::side;
use crate::stream_part::{OwnedPart, StreamPart};
use crate::tls::direction::Direction;
use crate::tls::keys::Keys;
use crate::tls::negotiation::{EarlyData, Negotiation};
use crate::tls::tools::{MayWait, Tools, Waiting};
use crate::tls_facts::{TlsAccount, TlsFacts, TlsStatus};

/// Bytes of one direction that are held while its keys may come.
const MAX_HELD: usize = 64 << 10;
/// Bytes that a part counts for beside its data.
const PART: usize = size_of::<(usize, OwnedPart)>();

/// Takes parts of the application's streams: the sender, and its next part.
pub(crate) type Output<'a> = dyn FnMut(usize, StreamPart<'_>) + 'a;

/// A TLS connection. A `sender` is one of two indexes.
#[derive(Serialize, Deserialize)]
pub(crate) struct Session {
    negotiation: Negotiation,
    directions: [Direction; 2],
    waiting: [Option<Waiting>; 2],
    /// Parts that wait, in their order.
    #[serde(deserialize_with = "side::with_values")]
    held: VecDeque<(usize, OwnedPart)>,
    /// Their bytes of memory, by direction.
    held_bytes: [usize; 2],
    /// The generation of the keys when they were last looked for.
    generation: u64,
    /// How many hellos of both sides there were when a direction began to wait for one.
    hellos: (u32, u32),
    /// Whether the keys did not come in time.
    is_given_up: bool,
    /// Whether a hello did not come in time.
    has_no_hello: bool,
    /// Whether they came afterwards.
    is_late: bool,
}

impl Session {
    /// A connection before its first byte. `client` is the sender that opened it, if that is known.
    pub(crate) fn new(client: Option<usize>) -> Self {
        Self {
            negotiation: Negotiation::new(client),
            directions: [Direction::new(0), Direction::new(1)],
            waiting: [None; 2],
            held: VecDeque::new(),
            held_bytes: [0; 2],
            generation: 0,
            hellos: (0, 0),
            is_given_up: false,
            has_no_hello: false,
            is_late: false,
        }
    }

    /// Takes the next part of a sender's TCP stream. Parts of the application's streams go to `out`,
    /// those of each stream in order.
    pub(crate) fn part(
        &mut self,
        sender: usize,
        part: StreamPart<'_>,
        keys: &mut Keys,
        out: &mut Output<'_>,
    ) {
        self.directions[sender].announce(part.length());
        if self.waits_for_keys() && self.generation != keys.generation() {
            self.retry(keys, out);
        }
        self.feed(sender, part, keys, out);
        self.settle(keys, out);
        if self.is_given_up && self.facts().status == TlsStatus::Ok && !self.is_late {
            self.is_late = true;
            self.negotiation.facts.before_keys = self.undecryptable();
        }
        self.check(sender);
    }

    /// Reads what is held, if keys have come for it.
    pub(crate) fn retry(&mut self, keys: &mut Keys, out: &mut Output<'_>) {
        self.generation = keys.generation();
        self.wake(Waiting::Keys);
        self.feed_held(keys, out);
    }

    /// Ends both streams: whatever is held is given out or counted.
    pub(crate) fn finish(&mut self, keys: &mut Keys, out: &mut Output<'_>) {
        self.retry(keys, out);
        self.give_up(keys, out);
        if self.negotiation.early == EarlyData::Undecided {
            self.negotiation.decide_early(false);
        }
        self.waiting = [None; 2];
        self.feed_held(keys, out);
        self.settle_early(keys, out);
        let gives = self.directions.iter().any(Direction::has_given);
        let Self { negotiation, directions, .. } = self;
        with_tools(negotiation, keys, MayWait::default(), out, |tools| {
            for direction in directions {
                direction.contents().settle_early(tools);
                direction.finish(gives, tools);
                debug_assert_eq!(direction.announced_rest(), 0, "{:?}", direction.account());
            }
        });
        self.negotiation.report_searches();
        if self.directions.iter().all(|direction| direction.account().undecryptable == 0) {
            self.negotiation.facts.status = TlsStatus::Ok;
        }
        self.note_missed(keys);
    }

    /// Counts what was not read for want of keys, if these have come since, or notes it for them.
    fn note_missed(&mut self, keys: &mut Keys) {
        if self.facts().status != TlsStatus::NoKeys {
            return;
        }
        if self.has_secrets(keys) {
            self.negotiation.facts.before_keys = self.undecryptable();
        } else if let Some(random) = self.negotiation.client_random {
            keys.missed.note(random, self.undecryptable());
        }
    }

    fn undecryptable(&self) -> u64 {
        self.directions.iter().map(|direction| direction.account().undecryptable).sum()
    }

    /// The memory that it takes, in bytes.
    pub(crate) fn bytes_held(&self) -> usize {
        size_of::<Self>()
            + self.negotiation.bytes_held()
            + self.directions.iter().map(Direction::bytes_held).sum::<usize>()
            + self.held_bytes.iter().sum::<usize>()
            + self.held.capacity() * PART
    }

    /// Drops what waits for keys; it counts as undecryptable.
    pub(crate) fn drop_held(&mut self) {
        let mut keys = Keys::default();
        self.is_given_up = true;
        self.has_no_hello = true;
        self.waiting = [None; 2];
        let held = std::mem::take(&mut self.held);
        self.held_bytes = [0; 2];
        let Self { negotiation, directions, .. } = self;
        with_tools(negotiation, &mut keys, MayWait::default(), &mut |_, _| {}, |tools| {
            for (sender, part) in held {
                match part.as_part() {
                    StreamPart::Gap(gap) => directions[sender].gap(gap, tools),
                    data => directions[sender].drop_bytes(data.length(), tools),
                }
            }
        });
    }

    /// Whether the keys have all secrets of the connection, as far as its hellos tell.
    pub(crate) fn has_secrets(&self, keys: &mut Keys) -> bool {
        self.negotiation.has_all_secrets(keys)
    }

    /// The sender that is the client, once that is known.
    pub(crate) const fn client(&self) -> Option<usize> {
        self.negotiation.client
    }

    /// What is known of the connection.
    pub(crate) const fn facts(&self) -> &TlsFacts {
        &self.negotiation.facts
    }

    /// The account of a sender's TCP stream.
    pub(crate) const fn account(&self, sender: usize) -> &TlsAccount {
        self.directions[sender].account()
    }

    /// Whether a direction waits for keys. Then the other one waits, too, since what comes after a
    /// request must not be read before it.
    fn waits_for_keys(&self) -> bool {
        self.waiting.contains(&Some(Waiting::Keys))
    }

    /// Lets the directions go on that wait for this.
    fn wake(&mut self, reason: Waiting) {
        for waiting in &mut self.waiting {
            waiting.take_if(|why| *why == reason);
        }
    }

    /// Feeds a part to its direction. What the direction cannot take yet is held.
    fn feed(&mut self, sender: usize, part: StreamPart<'_>, keys: &mut Keys, out: &mut Output<'_>) {
        let mut rest = part;
        if self.waiting[sender].is_none() && !self.waits_for_keys() {
            let may_wait = MayWait {
                for_keys: keys.may_grow && !self.is_given_up,
                for_hello: !self.has_no_hello && self.directions[1 - sender].may_say_hello(),
            };
            let direction = &mut self.directions[sender];
            let mut waiting = None;
            let negotiation = &mut self.negotiation;
            with_tools(negotiation, keys, may_wait, out, |tools| match part {
                StreamPart::Data(bytes, origin) | StreamPart::Unauthenticated(bytes, origin) => {
                    let taken;
                    (taken, waiting) = direction.data(bytes, origin, tools);
                    rest = StreamPart::Data(&bytes[taken..], origin);
                }
                StreamPart::Gap(gap) => direction.gap(gap, tools),
            });
            let Some(why) = waiting else { return };
            self.waiting[sender] = Some(why);
            self.generation = keys.generation();
            self.hellos = (self.negotiation.asked, self.negotiation.round);
        }
        let owned = rest.copied();
        let length = owned.as_ref().map_or(0, |part| PART + part.data_length());
        if owned.is_ok_and(|owned| self.held.try_push((sender, owned)).is_ok()) {
            self.held_bytes[sender] += length;
            if self.waits_for_keys() {
                keys.note_held(length as u64);
            }
        } else {
            // There is no memory.
            self.drop_held();
            let bytes = rest.length();
            let Self { negotiation, directions, .. } = self;
            with_tools(negotiation, keys, MayWait::default(), out, |tools| {
                directions[sender].drop_bytes(bytes, tools);
            });
        }
    }

    /// Feeds again what is held, as far as its direction does not wait.
    fn feed_held(&mut self, keys: &mut Keys, out: &mut Output<'_>) {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = [0; 2];
        for (sender, part) in held {
            self.feed(sender, part.as_part(), keys, out);
            self.settle_early(keys, out);
        }
    }

    /// Does what has become possible or necessary after a part.
    fn settle(&mut self, keys: &mut Keys, out: &mut Output<'_>) {
        self.settle_early(keys, out);
        self.settle_hello(keys, out);
        if self.held_bytes.iter().any(|bytes| *bytes > MAX_HELD) {
            self.give_up(keys, out);
        }
    }

    /// Gives out or drops early data once it is known whether they count, and lets the server's
    /// records go on that waited for that.
    fn settle_early(&mut self, keys: &mut Keys, out: &mut Output<'_>) {
        if self.negotiation.early == EarlyData::Undecided {
            return;
        }
        if self.directions.iter_mut().any(|direction| direction.contents().has_early()) {
            let Self { negotiation, directions, .. } = self;
            with_tools(negotiation, keys, MayWait::default(), out, |tools| {
                for direction in directions {
                    direction.contents().settle_early(tools);
                }
            });
        }
        let is_for_client = |waiting: &Option<Waiting>| *waiting == Some(Waiting::Client);
        if self.waiting.iter().any(is_for_client) {
            self.wake(Waiting::Client);
            self.feed_held(keys, out);
        }
    }

    /// Lets a direction go on that waited for a hello, if one came, or the place where it should be is
    /// missing.
    fn settle_hello(&mut self, keys: &mut Keys, out: &mut Output<'_>) {
        let hellos = (self.negotiation.asked, self.negotiation.round);
        let waits = |sender: &usize| self.waiting[*sender] == Some(Waiting::Hello);
        let goes_on =
            |sender: usize| hellos != self.hellos || !self.directions[1 - sender].may_say_hello();
        if [0, 1].into_iter().filter(waits).any(goes_on) {
            self.wake(Waiting::Hello);
            self.feed_held(keys, out);
        }
    }

    /// Waits no longer.
    fn give_up(&mut self, keys: &mut Keys, out: &mut Output<'_>) {
        if self.waiting.iter().all(Option::is_none) {
            return;
        }
        let is_for_hello = |waiting: &Option<Waiting>| *waiting == Some(Waiting::Hello);
        self.has_no_hello |= self.waiting.iter().any(is_for_hello);
        self.is_given_up |=
            self.waiting.iter().any(|waiting| waiting.is_some() && !is_for_hello(waiting));
        if self.waiting.contains(&Some(Waiting::Client))
            && self.negotiation.early == EarlyData::Undecided
        {
            self.negotiation.decide_early(false);
        }
        self.waiting = [None; 2];
        self.feed_held(keys, out);
        self.settle_early(keys, out);
    }

    /// Checks the account of a sender's stream.
    fn check(&self, sender: usize) {
        if !cfg!(debug_assertions) {
            return;
        }
        let held = self.held.iter().filter(|(of, _)| *of == sender);
        let held: u64 = held.map(|(_, part)| part.as_part().length()).sum();
        debug_assert_eq!(
            self.directions[sender].announced_rest(),
            held,
            "{:?}",
            self.account(sender)
        );
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("facts", self.facts()).finish_non_exhaustive()
    }
}

/// Calls `run` with what a direction needs; the buffers are those of the keys.
fn with_tools(
    negotiation: &mut Negotiation,
    keys: &mut Keys,
    may_wait: MayWait,
    out: &mut Output<'_>,
    run: impl FnOnce(&mut Tools<'_>),
) {
    let mut scratch = std::mem::take(&mut keys.buffers.scratch);
    let mut spare = std::mem::take(&mut keys.buffers.spare);
    let (scratch_buffer, spare_buffer) = (&mut scratch, &mut spare);
    run(&mut Tools {
        negotiation,
        keys,
        scratch: scratch_buffer,
        spare: spare_buffer,
        may_wait,
        out,
    });
    keys.buffers.scratch = scratch;
    keys.buffers.spare = spare;
}
