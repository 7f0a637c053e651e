//! Compressed messages are read exactly, and damaged ones have an allowed outcome.
//!
//! ```text
//! byte 0    bits: from the client, no_context_takeover; then window bits (3 bits), strategy
//! byte 1    level, modulo 10
//! byte 2    how the wire bytes are split into chunks
//! byte 3    damage: 0 for none, otherwise the value XORed into one wire byte
//! byte 4-5  the byte that is damaged, modulo the length of the wire
//! then, for each message:
//! byte 0    bits: text, plain, a final block, an empty block after it, control frames, form
//! byte 1    number of cuts into fragments, modulo 8
//! byte 2    how often its content repeats
//! byte 3    length of the content that repeats, which follows
//! ```

use wsdefrag_core::limits::Excess;
use wsdefrag_core::{Kind, Limits, Opcode, Settings};
use zlib_rs::Strategy;

use super::journal::{self, Seen};
use super::script::{Control, Planned, Script};
use super::writer::{Ending, Form};
use super::{agreement, collection, frames, input, outcomes, split_feeding};

const STRATEGIES: [Strategy; 5] =
    [Strategy::Default, Strategy::Filtered, Strategy::HuffmanOnly, Strategy::Rle, Strategy::Fixed];
/// Most messages of one input, so that none takes long.
const MAX_MESSAGES: usize = 6;
/// How often a message's content repeats at most.
const MAX_REPEATS: u8 = 24;

/// Panics unless the messages that `input` describes are read, or their damage has an allowed
/// outcome.
pub(crate) fn check(input: &[u8]) {
    let Some((&[flags, level, cuts, damage, at_high, at_low], rest)) = input.split_first_chunk()
    else {
        return;
    };
    let script = Script {
        from_client: flags & 1 != 0,
        no_context_takeover: flags & 2 != 0,
        window_bits: 8 + (flags >> 2 & 7),
        level: i32::from(level % 10),
        strategy: STRATEGIES[usize::from(flags >> 5) % STRATEGIES.len()],
        messages: messages(rest),
    };
    let mut wire = script.write().wire;
    if damage == 0 {
        check_intact(&script, cuts);
    } else if !wire.is_empty() {
        let at = usize::from(u16::from_be_bytes([at_high, at_low])) % wire.len();
        wire[at] ^= damage;
        // Damaged data may inflate to any length; a limit keeps it short.
        let limits = Limits { max_message_size: Some(1 << 16), ..Limits::default() };
        let settings = Settings { limits, ..script.settings() };
        let (journal, _) = journal::read(settings, input::cut(&wire, cuts));
        outcomes::check(&settings, &journal);
        let (frames, _) = frames::read(&settings, input::cut(&wire, cuts));
        agreement::check(&settings, &frames, &journal);
        split_feeding::check_wire(settings, cuts, &wire);
        collection::check(settings, cuts, &wire);
    }
}

/// Panics unless a script's messages are read exactly, without limits and with a limit that the
/// largest one just keeps, and unless a limit of one byte less refuses the first message over it.
pub(crate) fn check_intact(script: &Script, cuts: u8) {
    let written = script.write();
    let settings = script.settings();
    let longest = script.messages.iter().map(|message| message.content.len() as u64).max();
    for max_message_size in [None, longest.map(|longest| longest.max(1))] {
        let limits = Limits { max_message_size, ..settings.limits };
        let settings = Settings { limits, ..settings };
        let (journal, _) = journal::read(settings, input::cut(&written.wire, cuts));
        assert_eq!((&journal.events, journal.error), (&written.events, None));
        assert_eq!((&journal.ending, journal.discarded), (&Ok(None), 0));
        assert_eq!(journal.tolerated.minimal_length, written.non_minimal);
        outcomes::check(&settings, &journal);
        collection::check(settings, cuts, &written.wire);
    }
    let Some(limit) = longest.and_then(|longest| longest.checked_sub(1)).filter(|limit| *limit > 0)
    else {
        return;
    };
    let limits = Limits { max_message_size: Some(limit), ..settings.limits };
    let (journal, _) =
        journal::read(Settings { limits, ..settings }, input::cut(&written.wire, cuts));
    let is_over =
        |seen: &Seen| matches!(seen, Seen::Message(_, content) if content.len() as u64 > limit);
    let first = written.events.iter().position(|(_, seen)| is_over(seen)).expect("the longest");
    assert!(written.events[..first].starts_with(&journal.events));
    let requested = limit + 1;
    let excess = Kind::Limit(Excess::MessageSize { limit, requested });
    assert_eq!(journal.error.map(|error| error.kind), Some(excess));
}

/// The messages that an input describes.
pub(crate) fn messages(mut rest: &[u8]) -> Vec<Planned> {
    let mut messages = Vec::new();
    while let Some((&[shape, cuts, repeats, length], more)) = rest.split_first_chunk() {
        let (literal, more) = more.split_at(usize::from(length).min(more.len()));
        rest = more;
        messages.push(message(shape, cuts, literal, repeats % MAX_REPEATS));
        if messages.len() == MAX_MESSAGES {
            break;
        }
    }
    messages
}

fn message(shape: u8, cuts: u8, literal: &[u8], repeats: u8) -> Planned {
    let has = |bit: u8| shape & 1 << bit != 0;
    let content = literal.repeat(usize::from(repeats) + 1);
    let (opcode, content) = if has(0) {
        (Opcode::Text, String::from_utf8_lossy(&content).into_owned().into_bytes())
    } else {
        (Opcode::Binary, content)
    };
    let packing = match (has(1), has(2), has(3)) {
        (true, ..) => None,
        (_, true, false) => Some(Ending::Final),
        (_, true, true) => Some(Ending::FinalAndEmpty),
        (_, false, _) => Some(Ending::Flush),
    };
    let control = |is_ping| Control { is_ping, payload: literal[..literal.len().min(9)].to_vec() };
    Planned {
        opcode,
        content,
        packing,
        // Spread over the payload, a few of them close together.
        cuts: (0..u16::from(cuts % 8)).map(|n| u16::from(cuts) * (n * n + 1) / 4).collect(),
        between: if has(4) { vec![control(true), control(false)] } else { Vec::new() },
        key: [shape, cuts, repeats, 0x5A],
        form: [Form::Shortest, Form::Shortest, Form::Bits16, Form::Bits64][usize::from(shape >> 6)],
    }
}
