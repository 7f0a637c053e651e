//! The parts of messages that a [`FragmentStream`] returns, joined, equal what the reassembler
//! reads.

use wsdefrag_core::{
    Error, FragmentEvent, FragmentStream, Opcode, Settings, Strictness, VecMemory,
};

use super::input;
use super::journal::{self, Seen};

/// The messages that the parts of `chunks` make, and the violation.
pub(crate) fn read<'a>(
    settings: Settings,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> (Vec<Seen>, Option<Error>) {
    let mut decoder = FragmentStream::new(settings.from_client, settings.deflate, settings.limits);
    let (mut seen, mut open) = (Vec::new(), Vec::new());
    for mut chunk in chunks {
        loop {
            let (opcode, part, ends) = match decoder.next(&mut chunk, &mut VecMemory) {
                Ok(Some(FragmentEvent::Text(text, ends))) => {
                    (Opcode::Text, text.into_bytes(), ends)
                }
                Ok(Some(FragmentEvent::Binary(content, ends))) => (Opcode::Binary, content, ends),
                Ok(Some(FragmentEvent::Ping(payload))) => {
                    seen.push(Seen::Ping(payload.to_vec()));
                    continue;
                }
                Ok(Some(FragmentEvent::Pong(payload))) => {
                    seen.push(Seen::Pong(payload.to_vec()));
                    continue;
                }
                Ok(Some(FragmentEvent::Close(close))) => {
                    seen.push(Seen::Close(close.code, close.reason.to_owned()));
                    continue;
                }
                Ok(None) => break,
                Err(error) => return (seen, Some(error)),
            };
            open.extend(part);
            if ends.message {
                seen.push(Seen::Message(opcode, std::mem::take(&mut open)));
            }
        }
    }
    (seen, None)
}

/// Panics unless both ways of reading have the same result. If the content of a message has two
/// faults, each may report another one.
pub(crate) fn check(settings: Settings, cuts: u8, wire: &[u8]) {
    // The stream is for endpoints, which enforce what was agreed.
    let strictness = Strictness { no_context_takeover: true, ..Strictness::default() };
    let settings = Settings { strictness, foreign_extension: false, ..settings };
    let (whole, _) = journal::read(settings, [wire]);
    let events: Vec<Seen> = whole.events.into_iter().map(|(_, event)| event).collect();
    let (seen, error) = read(settings, input::cut(wire, cuts));
    assert_eq!(seen, events);
    match (error, whole.error) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            assert!(ours.kind.is_of_content() && theirs.kind.is_of_content(), "{ours} {theirs}");
            assert_eq!(ours.offset, theirs.offset);
        }
        (ours, theirs) => assert_eq!(ours, theirs),
    }
}
