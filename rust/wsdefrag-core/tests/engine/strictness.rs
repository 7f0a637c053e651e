//! Violations of rules that are switched off are accepted and counted; other rules stay enforced.

use crate::common;
use crate::contract::journal::{self, Seen};
use crate::contract::{frames, writer::Wire};
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{Opcode, Settings, Strictness};

/// Nothing was counted.
fn none() -> Tolerated {
    Tolerated::default()
}

/// Without the rule the frame is let through and counted, with all the others in force or not;
/// with it alone it is refused. `seen` is what comes of the frame.
fn check(settings: Settings, off: Strictness, wire: &[u8], seen: &Seen, counted: Tolerated) {
    for strictness in [off, Strictness::NONE] {
        let settings = Settings { strictness, ..settings };
        for size in [wire.len(), 1] {
            let (journal, _) = journal::read(settings, wire.chunks(size));
            assert_eq!(journal.events, [(0, seen.clone())], "{wire:02x?}");
            assert_eq!((journal.error, journal.tolerated), (None, counted), "{wire:02x?}");
            let (frames, _) = frames::read(&settings, wire.chunks(size));
            let of_frames = Tolerated { close_codes: 0, ..counted };
            assert_eq!((frames.list.len(), frames.tolerated), (1, of_frames), "{wire:02x?}");
        }
    }
    let rule_alone = Strictness::from_names(|name| {
        let of_rule = |strictness: Strictness| {
            Tolerated::default().of(strictness).any(|(off, _)| off == name)
        };
        Ok::<_, ()>(of_rule(off) && !of_rule(Strictness::default()))
    });
    let rule_alone = rule_alone.expect("names are known");
    for strictness in [rule_alone, Strictness::default()] {
        let (journal, _) = journal::read(Settings { strictness, ..settings }, [wire]);
        assert_eq!((journal.events.len(), journal.tolerated), (0, none()), "{wire:02x?}");
        assert!(journal.error.is_some(), "{wire:02x?}");
    }
}

fn hello() -> Seen {
    Seen::Message(Opcode::Text, b"hello".to_vec())
}

#[test]
fn masks_against_the_direction_are_counted() {
    let off = Strictness { mask_direction: false, ..Strictness::default() };
    let counted = Tolerated { mask_direction: 1, ..none() };
    for (from_client, key) in [(true, None), (false, Some([1, 2, 3, 4])), (false, Some([0; 4]))] {
        let mut wire = Vec::new();
        Wire { key, ..Wire::new(1) }.write(b"hello", &mut wire);
        check(Settings { from_client, ..common::strict() }, off, &wire, &hello(), counted);
    }
}

#[test]
fn lengths_in_a_longer_form_are_counted_also_of_control_frames_that_are_short() {
    let off = Strictness { minimal_length: false, ..Strictness::default() };
    let counted = Tolerated { minimal_length: 1, ..none() };
    for wire in [&b"\x81\x7e\x00\x05hello"[..], b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05hello"] {
        check(common::strict(), off, wire, &hello(), counted);
    }
    // A control frame has no longer form: the 7 bits announce more than 125 bytes.
    let settings = Settings { strictness: Strictness::NONE, ..common::strict() };
    let (journal, _) = journal::read(settings, [&b"\x89\x7e\x00\x01a"[..]]);
    assert_eq!(journal.error.unwrap().kind.name(), "control_frame_too_long");
}

#[test]
fn reserved_bits_are_counted_and_mean_nothing() {
    let off = Strictness { reserved_bits: false, ..Strictness::default() };
    let counted = Tolerated { reserved_bits: 1, ..none() };
    for first in [0xC1, 0xA1, 0x91, 0xF1] {
        let wire = [&[first, 5][..], b"hello"].concat();
        check(common::strict(), off, &wire, &hello(), counted);
    }
    check(common::strict_deflate(), off, b"\xc9\x01p", &Seen::Ping(b"p".to_vec()), counted);
    let compressed = b"\xf1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    let seen = Seen::Message(Opcode::Text, b"Hello".to_vec());
    check(common::strict_deflate(), off, compressed, &seen, counted);
}

#[test]
fn close_codes_that_may_not_be_sent_are_counted() {
    let off = Strictness { close_codes: false, ..Strictness::default() };
    let counted = Tolerated { close_codes: 1, ..none() };
    for code in [0_u16, 1004, 1005, 1006, 65_535] {
        let wire = [&b"\x88\x05"[..], &code.to_be_bytes(), b"bye"].concat();
        check(common::strict(), off, &wire, &Seen::Close(code, "bye".to_owned()), counted);
    }
}

#[test]
fn what_keeps_the_rules_is_not_counted() {
    let wires: [&[u8]; 4] = [
        b"\x88\x00",
        b"\x88\x02\x03\xe8",
        b"\x81\x05hello",
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00",
    ];
    for wire in wires {
        let settings = Settings { strictness: Strictness::NONE, ..common::strict_deflate() };
        let (journal, _) = journal::read(settings, [wire]);
        assert_eq!((journal.events.len(), journal.tolerated), (1, none()), "{wire:02x?}");
    }
}

#[test]
fn text_that_is_not_utf8_is_kept_and_counted_where_it_may_be() {
    let off = Strictness { utf8: false, ..Strictness::default() };
    let counted = Tolerated { utf8: 1, ..none() };
    for wire in [&b"\x81\x02\xc3\x28"[..], b"\x01\x01\xc3\x80\x01\x28", b"\x81\x02\x28\xc3"] {
        let content = wire[2..].iter().filter(|byte| ![0x80, 0x01].contains(*byte)).copied();
        let seen = Seen::Message(Opcode::Text, content.collect());
        let settings = Settings { strictness: off, ..common::strict() };
        for size in [wire.len(), 1] {
            let (journal, _) = journal::read(settings, wire.chunks(size));
            assert_eq!((&journal.events, journal.error), (&vec![(0, seen.clone())], None));
            assert_eq!(journal.tolerated, counted);
        }
    }
    let close = b"\x88\x03\x03\xe8\xff";
    let (journal, _) =
        journal::read(Settings { strictness: off, ..common::strict() }, [&close[..]]);
    assert_eq!(journal.error.unwrap().kind.name(), "invalid_close_reason");
}

#[test]
fn rules_that_are_off_are_named_with_their_counts() {
    let mut tolerated = none();
    let strictness = Strictness { minimal_length: false, close_codes: false, ..Default::default() };
    let strictness = Strictness { no_context_takeover: true, deflate_tail: true, ..strictness };
    // A rule that is added has to be added here, too.
    let Tolerated {
        mask_direction,
        minimal_length,
        reserved_bits,
        close_codes,
        utf8,
        no_context_takeover,
        empty_compressed_payload,
        deflate_tail,
    } = &mut tolerated;
    let counts = [
        mask_direction,
        minimal_length,
        reserved_bits,
        close_codes,
        utf8,
        no_context_takeover,
        empty_compressed_payload,
        deflate_tail,
    ];
    for (count, number) in counts.into_iter().zip(1..) {
        *count = number;
    }
    let counters: Vec<_> = tolerated.counters().collect();
    assert!(counters.iter().map(|(name, _)| name).eq(Strictness::NAMES));
    assert!(counters.iter().map(|(_, count)| *count).eq(1..=8));
    let named: Vec<_> = tolerated.of(strictness).collect();
    assert_eq!(named, [("minimal_length", 2), ("close_codes", 4), ("empty_compressed_payload", 7)]);
}
