//! The frame decoder agrees with the reassembler: its frames, joined in the simplest way, give the
//! reassembler's results.
//!
//! The frames are checked in order. If the reassembler stopped at a frame (a Close, or a violation
//! that single frames do not show), it must have returned nothing after that frame.

use wsdefrag_core::frame::close::Close;
use wsdefrag_core::{Frame, Incomplete, Kind, Opcode, Settings};

use super::frames::Frames;
use super::journal::{Journal, Seen};

/// A message that is not complete.
struct Open {
    opcode: Opcode,
    offset: u64,
    /// Whether its payload is compressed.
    compressed: bool,
    /// Whether it belongs to an unknown extension.
    foreign: bool,
    rsv: u8,
    payload: Vec<u8>,
}

/// The result of one frame.
enum Step {
    /// A part of a message.
    Nothing,
    /// An event and its offset. `None` for a message that is compressed, or that was compressed until
    /// a frame of an unknown extension came.
    Event(u64, Option<Seen>),
    /// A violation that single frames do not show.
    Broken(Kind),
}

/// Panics unless both readers have the same results.
pub(crate) fn check(settings: &Settings, frames: &Frames, journal: &Journal) {
    let mut events = journal.events.iter();
    let mut open = None;
    for frame in &frames.list {
        let step = step(settings, frame, &mut open);
        if let Some(error) = journal.error.filter(|error| error.offset == frame.offset) {
            // Limits are checked before UTF-8.
            let is_limit = matches!(error.kind, Kind::Limit(_));
            match step {
                Step::Broken(Kind::InvalidUtf8) if is_limit => {}
                Step::Broken(kind) => assert_eq!(error.kind, kind),
                Step::Nothing | Step::Event(..) => {}
            }
            assert_eq!(events.next(), None, "events after a violation");
            return;
        }
        match step {
            Step::Nothing => {}
            Step::Broken(kind) => panic!("{kind:?} at byte {} was let through", frame.offset),
            Step::Event(offset, expected) => {
                let (seen_at, seen) = events.next().expect("an event for each message");
                assert_eq!(*seen_at, offset);
                match &expected {
                    Some(expected) => assert_eq!(seen, expected),
                    None => assert!(matches!(seen, Seen::Message(..) | Seen::Opaque(..))),
                }
            }
        }
        if frame.header.opcode == Opcode::Close {
            assert_eq!(events.next(), None, "events after a close frame");
            assert_eq!(journal.error, None, "a violation after a close frame");
            assert_eq!(journal.discarded, journal.received - super::frames::end(frame));
            check_ending(settings, open.as_ref(), None, journal);
            return;
        }
    }
    assert_eq!(events.next(), None, "an event without a frame");
    if let Some(error) = frames.error {
        let same = journal.error.expect("a header's violation is the message's, too");
        assert_eq!(same.offset, error.offset);
    }
    // An incomplete frame may break a rule.
    assert!(journal.error.is_none_or(|error| error.offset == frames.end()));
    let cut = frames.ending.as_ref().ok().and_then(Option::as_ref);
    check_ending(settings, open.as_ref(), cut, journal);
}

/// Checks what is incomplete at the end: the open message with the received part of its next frame,
/// or else the frame that was cut.
fn check_ending(
    settings: &Settings,
    open: Option<&Open>,
    cut: Option<&Incomplete<Vec<u8>>>,
    journal: &Journal,
) {
    let Ok(ending) = &journal.ending else { return };
    let (opcode, offset, compressed, content) = match (open, cut) {
        (Some(open), cut) => {
            let part = cut.filter(|cut| !cut.opcode.is_control());
            let part = part.map_or(&[][..], |cut| &cut.content);
            let content = [&open.payload[..], part].concat();
            (open.opcode, open.offset, open.compressed, content)
        }
        (None, Some(cut)) => {
            // Whether RSV1 was set is unknown. If it may have been, so is the content.
            let compressed = settings.deflate.is_some() && !cut.opcode.is_control();
            (cut.opcode, cut.offset, compressed, cut.content.clone())
        }
        (None, None) => return assert_eq!(*ending, None),
    };
    let ending = ending.as_ref().expect("something incomplete");
    assert_eq!((ending.opcode, ending.offset), (opcode, offset));
    assert!(compressed || ending.content == content, "{ending:?}, not {content:02x?}");
}

fn step(settings: &Settings, frame: &Frame<Vec<u8>>, open: &mut Option<Open>) -> Step {
    let payload = frame.payload.clone();
    let event = |seen| Step::Event(frame.offset, Some(seen));
    match (frame.header.opcode, &mut *open) {
        (Opcode::Ping, _) => event(Seen::Ping(payload)),
        (Opcode::Pong, _) => event(Seen::Pong(payload)),
        (Opcode::Close, _) => {
            let any_code = !settings.strictness.close_codes;
            match Close::parse(&payload, any_code) {
                Ok(close) => event(Seen::Close(close.code, close.reason.to_owned())),
                Err(kind) => Step::Broken(kind),
            }
        }
        (Opcode::Continuation, None) => Step::Broken(Kind::ContinuationWithoutStart),
        (Opcode::Continuation, Some(message)) => {
            message.payload.extend_from_slice(&payload);
            message.foreign |= settings.rules().is_foreign(&frame.header);
            message.rsv |= frame.header.rsv;
            finish(settings, frame, open)
        }
        (opcode, Some(_)) => Step::Broken(Kind::DataInsideMessage(opcode)),
        (opcode, None) => {
            let compressed = frame.header.rsv1() && settings.deflate.is_some();
            let foreign = settings.rules().is_foreign(&frame.header);
            let (offset, rsv) = (frame.offset, frame.header.rsv);
            *open = Some(Open { opcode, offset, compressed, foreign, rsv, payload });
            finish(settings, frame, open)
        }
    }
}

/// The message, if this was its last frame.
fn finish(settings: &Settings, frame: &Frame<Vec<u8>>, open: &mut Option<Open>) -> Step {
    let Some(message) = open.take_if(|_| frame.header.fin) else { return Step::Nothing };
    if message.compressed {
        return Step::Event(message.offset, None);
    }
    if message.foreign {
        let seen = Seen::Opaque(message.opcode, message.payload, message.rsv);
        return Step::Event(message.offset, Some(seen));
    }
    let is_checked = settings.strictness.utf8 && message.opcode == Opcode::Text;
    if is_checked && std::str::from_utf8(&message.payload).is_err() {
        return Step::Broken(Kind::InvalidUtf8);
    }
    Step::Event(message.offset, Some(Seen::Message(message.opcode, message.payload)))
}
