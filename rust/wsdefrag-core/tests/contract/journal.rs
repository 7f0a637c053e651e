//! Records all results of reading one direction through a [`Reassembler`].

use wsdefrag_core::frame::close::Close;
use wsdefrag_core::frame::header::{MAX_CONTROL, MAX_HEADER};
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{
    Collection, Error, Event, Incomplete, Opcode, OutOfMemory, Reassembler, Settings, Sink,
};

use super::collection;
use super::ledger::Ledger;

/// An event that owns what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A whole message.
    Message(Opcode, Vec<u8>),
    /// A whole message that is kept as it was sent, with its RSV bits.
    Opaque(Opcode, Vec<u8>, u8),
    /// A whole message that was not collected: the length of its content.
    Uncollected(Opcode, u64),
    /// A ping.
    Ping(Vec<u8>),
    /// A pong.
    Pong(Vec<u8>),
    /// The close frame.
    Close(u16, String),
}

/// The results of a direction; none may depend on the split into chunks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Journal {
    /// Events in order, each with the offset of its first frame.
    pub(crate) events: Vec<(u64, Seen)>,
    /// The violation, if any.
    pub(crate) error: Option<Error>,
    /// Bytes received before the end of stream.
    pub(crate) received: u64,
    /// Bytes dropped before the end of stream.
    pub(crate) discarded: u64,
    /// Breaches of the rules that were switched off.
    pub(crate) tolerated: Tolerated,
    /// The result of the end of the stream.
    pub(crate) ending: Result<Option<Incomplete<Vec<u8>>>, Error>,
}

impl Journal {
    /// Whether the direction ended with a close frame.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.events.last(), Some((_, Seen::Close(..))))
    }
}

/// A sink that keeps the events in a list, and its memory.
pub(crate) struct Recorder {
    /// The memory.
    pub(crate) ledger: Ledger,
    /// Events so far.
    pub(crate) events: Vec<(u64, Seen)>,
}

impl Recorder {
    /// An empty list.
    pub(crate) const fn new(ledger: Ledger) -> Self {
        Self { ledger, events: Vec::new() }
    }
}

impl Sink for Recorder {
    type Memory = Ledger;

    fn memory(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    fn event(&mut self, offset: u64, event: Event<'_, Vec<u8>>) -> Result<(), OutOfMemory> {
        self.ledger.keep_event()?;
        self.events.push((offset, own(event)));
        Ok(())
    }
}

/// A copy of the event that owns what it borrows.
pub(crate) fn own(event: Event<'_, Vec<u8>>) -> Seen {
    match event {
        Event::Message { opcode, content, .. } => Seen::Message(opcode, content),
        Event::Opaque { opcode, content, rsv, .. } => Seen::Opaque(opcode, content, rsv),
        Event::Uncollected { opcode, length, .. } => Seen::Uncollected(opcode, length),
        Event::Damaged { .. } => unreachable!("only a passive direction gives it"),
        Event::Ping(payload) => Seen::Ping(payload.to_vec()),
        Event::Pong(payload) => Seen::Pong(payload.to_vec()),
        Event::Close(Close { code, reason }) => Seen::Close(code, reason.to_owned()),
    }
}

/// Feeds `chunks` and the end of the stream, and checks the counts after each chunk.
pub(crate) fn read<'a>(
    settings: Settings,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Journal, Ledger) {
    read_collecting(settings, Collection::Required, chunks)
}

/// Like [`read`], with a choice of the messages that are collected.
pub(crate) fn read_collecting<'a>(
    settings: Settings,
    collection: Collection,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Journal, Ledger) {
    read_and(settings, collection, chunks, |_| ())
}

/// Like [`read`], with the inflater parked after each chunk.
pub(crate) fn read_parking<'a>(
    settings: Settings,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Journal, Ledger) {
    read_and(settings, Collection::Required, chunks, |reassembler| {
        let before = reassembler.bytes_held();
        let given_back = reassembler.park_inflater();
        assert_eq!(reassembler.bytes_held() + given_back, before);
        assert_eq!(reassembler.park_inflater(), 0, "parked already");
    })
}

fn read_and<'a>(
    settings: Settings,
    collection: Collection,
    chunks: impl IntoIterator<Item = &'a [u8]>,
    mut after_chunk: impl FnMut(&mut Reassembler<Vec<u8>>),
) -> (Journal, Ledger) {
    let mut reassembler = Reassembler::new(settings).with_collection(collection);
    let mut recorder = Recorder::new(collection::memory(&settings, collection));
    let mut received = 0;
    for chunk in chunks {
        reassembler.receive_data(chunk, &mut recorder);
        received += chunk.len() as u64;
        assert_eq!(reassembler.bytes_received(), received);
        check_counts(&reassembler, &recorder);
        after_chunk(&mut reassembler);
    }
    let error = reassembler.error().copied();
    let discarded = reassembler.bytes_discarded();
    let tolerated = *reassembler.tolerated();
    // An incomplete control frame is returned unchanged; no limit applies to it.
    recorder.ledger.allow(MAX_CONTROL);
    let ending = reassembler.receive_eof(&mut recorder.ledger);
    let again = reassembler.receive_eof(&mut recorder.ledger);
    assert_eq!(again, ending.clone().map(|_| None), "the second end of stream says something new");
    assert_eq!(reassembler.bytes_buffered(), 0, "something is held after the end");
    let Recorder { ledger, events } = recorder;
    (Journal { events, error, received, discarded, tolerated, ending }, ledger)
}

/// Panics if the reassembler holds more than it received or, where it inflates, more than the limit
/// allows, or if it drops bytes without a violation or a Close.
fn check_counts(reassembler: &Reassembler<Vec<u8>>, recorder: &Recorder) {
    let (buffered, received) = (reassembler.bytes_buffered() as u64, reassembler.bytes_received());
    let discarded = reassembler.bytes_discarded();
    assert!(discarded <= received, "{discarded} of {received} bytes discarded");
    let settings = reassembler.settings();
    if settings.deflate.is_none() {
        assert!(buffered <= received - discarded, "{buffered} of {received} bytes buffered");
    } else if let Some(limit) = settings.limits.max_message_size {
        let besides = (MAX_CONTROL + MAX_HEADER) as u64;
        assert!(buffered <= limit + besides, "{buffered} bytes buffered, limit {limit}");
    }
    let closed = matches!(recorder.events.last(), Some((_, Seen::Close(..))));
    if let Some(error) = reassembler.error() {
        assert_eq!(discarded, received - error.offset, "{error}");
        assert_eq!(buffered, 0, "something is held that nothing can complete");
    } else if !closed {
        assert_eq!(discarded, 0, "something is dropped for no reason");
    }
}
