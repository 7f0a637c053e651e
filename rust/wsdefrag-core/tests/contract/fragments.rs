//! The parts of messages that a [`FragmentStream`] returns, joined, equal what the reassembler
//! reads.

use wsdefrag_core::read::fragment_stream::MOST_CONTENT;
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{
    Error, FragmentEvent, FragmentStream, Opcode, Settings, Strictness, VecMemory,
};

use super::input;
use super::journal::{self, Seen};

/// What the parts of `chunks` make.
struct Read {
    seen: Vec<Seen>,
    error: Option<Error>,
    tolerated: Tolerated,
}

/// Reads `chunks`; the messages have their parts joined.
fn read<'a>(mut decoder: FragmentStream, chunks: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let (mut seen, mut open) = (Vec::new(), Vec::new());
    let mut error = None;
    for mut chunk in chunks {
        loop {
            let (opcode, part, ends) = match decoder.next(&mut chunk, &mut VecMemory) {
                Ok(Some(FragmentEvent::Text(text, ends))) => {
                    (Opcode::Text, text.into_bytes(), ends)
                }
                Ok(Some(FragmentEvent::Binary(content, ends))) => {
                    (decoder.last_message().0, content, ends)
                }
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
                Err(found) => {
                    error = Some(found);
                    break;
                }
            };
            assert!(part.len() <= MOST_CONTENT + 3);
            open.extend(part);
            if ends.message {
                seen.push(Seen::Message(opcode, std::mem::take(&mut open)));
            }
        }
    }
    Read { seen, error, tolerated: *decoder.tolerated() }
}

/// Panics unless both ways of reading have the same result. If the content of a message has two
/// faults, each may report another one.
pub(crate) fn check(settings: Settings, cuts: u8, wire: &[u8]) {
    // The stream is for endpoints, which enforce what was agreed.
    let strictness = Strictness { no_context_takeover: true, ..Strictness::default() };
    let as_wsproto = Settings { strictness, foreign_extension: false, ..settings };
    let stream = || FragmentStream::new(settings.from_client, settings.deflate, settings.limits);
    same(as_wsproto, stream(), cuts, wire);
    let settings = Settings { foreign_extension: false, ..settings };
    let lenient = || stream().with_strictness(settings.strictness).with_bounded_parts();
    same(settings, lenient(), cuts, wire);
    same(settings, lenient().with_cut_characters(true), cuts, wire);
}

fn same(settings: Settings, stream: FragmentStream, cuts: u8, wire: &[u8]) {
    let (whole, _) = journal::read(settings, [wire]);
    let events: Vec<Seen> = whole.events.into_iter().map(|(_, event)| event).collect();
    let Read { seen, error, tolerated } = read(stream, input::cut(wire, cuts));
    assert_eq!(seen, events);
    if error.is_none() {
        assert_eq!(tolerated, whole.tolerated);
    }
    match (error, whole.error) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            assert!(ours.kind.is_of_content() && theirs.kind.is_of_content(), "{ours} {theirs}");
            assert_eq!(ours.offset, theirs.offset);
        }
        (ours, theirs) => assert_eq!(ours, theirs),
    }
}
