//! The engine reads exactly what an independent writer wrote, in whatever form it was written.

use crate::common;
use crate::contract::deflate::check_intact;
use crate::contract::input;
use crate::contract::journal::{self, Seen};
use crate::contract::script::{Control, Planned, Script};
use crate::contract::writer::{Ending, Form, Wire};
use proptest::prelude::*;
use wsdefrag_core::{Events, Opcode, Reassembler, Settings, VecMemory};
use zlib_rs::Strategy as Matching;

proptest! {
    #![proptest_config(common::times(150))]

    #[test]
    fn messages_come_back_with_their_offsets(script in common::script(1 << 17), cuts in any::<u8>()) {
        check_intact(&script, cuts);
    }
}

proptest! {
    #![proptest_config(common::times(60))]

    /// The memory that the crate itself brings does what the watched one does.
    #[test]
    fn events_in_vectors_are_the_same(script in common::script(4100), cuts in any::<u8>()) {
        let written = script.write();
        let mut seen = Vec::new();
        let mut events = Events::to(|offset, event| seen.push((offset, journal::own(event))));
        let mut reassembler = Reassembler::new(script.settings());
        for chunk in input::cut(&written.wire, cuts) {
            reassembler.receive_data(chunk, &mut events);
        }
        prop_assert_eq!(reassembler.receive_eof(&mut VecMemory), Ok(None));
        prop_assert_eq!(seen, written.events);
    }
}

/// A context of its own for each message, or one for all: both sides have to agree, and do.
#[test]
fn every_window_is_read_with_and_without_takeover() {
    let content: Vec<u8> = (0_u32..3000).map(|n| (n * n % 251) as u8).collect();
    let message = Planned {
        opcode: Opcode::Binary,
        content: content.repeat(2),
        packing: Some(Ending::Flush),
        cuts: vec![700, 10],
        between: vec![Control { is_ping: true, payload: b"hi".to_vec() }],
        key: *b"\x37\xfa\x21\x3d",
        form: Form::Shortest,
    };
    for window_bits in 8..=15 {
        for no_context_takeover in [false, true] {
            let script = Script {
                from_client: window_bits % 2 == 0,
                no_context_takeover,
                window_bits,
                level: 6,
                strategy: Matching::Default,
                messages: vec![message.clone(); 3],
            };
            check_intact(&script, 3);
        }
    }
}

#[test]
fn plain_payloads_of_every_length_at_every_start_are_unmasked() {
    let content: Vec<u8> = (0..=255).cycle().take(300).collect();
    for start in 0..64 {
        let mut wire = Vec::new();
        let key = Some([0x11, 0xF2, 0x83, u8::try_from(start).unwrap()]);
        let ping = Wire { key, ..Wire::new(9) };
        ping.write(&content[..start], &mut wire);
        for length in 0..content.len() {
            Wire { key, ..Wire::new(2) }.write(&content[..length], &mut wire);
        }
        let before = wire.clone();
        let settings = Settings { from_client: true, ..common::strict() };
        let (journal, _) = journal::read(settings, [&wire[..]]);
        assert_eq!(wire, before, "the input was written to");
        assert_eq!(journal.error, None);
        for (length, (_, seen)) in journal.events[1..].iter().enumerate() {
            assert_eq!(*seen, Seen::Message(Opcode::Binary, content[..length].to_vec()));
        }
    }
}

#[test]
fn length_forms_are_counted_where_they_are_tolerated_and_refused_where_not() {
    let settings = common::strict();
    for (form, length, is_minimal) in [
        (Form::Bits16, 125, false),
        (Form::Bits16, 126, true),
        (Form::Bits16, 0x8000, true),
        (Form::Bits16, 0xFFFF, true),
        (Form::Bits64, 0xFFFF, false),
        (Form::Bits64, 0x1_0000, true),
        (Form::Bits64, 0, false),
    ] {
        let mut wire = Vec::new();
        Wire { form, ..Wire::new(2) }.write(&vec![7; length], &mut wire);
        let (journal, _) = journal::read(settings, [&wire[..]]);
        assert_eq!(journal.error.is_none(), is_minimal, "{length} bytes as {form:?}");
        let mut strictness = settings.strictness;
        strictness.minimal_length = false;
        let (journal, _) = journal::read(Settings { strictness, ..settings }, [&wire[..]]);
        assert_eq!(journal.events, [(0, Seen::Message(Opcode::Binary, vec![7; length]))]);
        assert_eq!(journal.tolerated.minimal_length, u64::from(!is_minimal));
    }
}
