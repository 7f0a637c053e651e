//! Frames of an unknown agreed extension: their messages are kept without decoding.

use crate::common;
use crate::contract::journal::{self, Seen};
use wsdefrag_core::{DeflateParams, Opcode, Settings};

fn foreign(deflate: Option<DeflateParams>) -> Settings {
    Settings { foreign_extension: true, deflate, ..common::strict() }
}

fn opaque(content: &[u8], rsv: u8) -> Seen {
    Seen::Opaque(Opcode::Text, content.to_vec(), rsv)
}

fn text(content: &[u8]) -> Seen {
    Seen::Message(Opcode::Text, content.to_vec())
}

fn reads(settings: Settings, wire: &[u8], expected: &[Seen]) {
    for size in [wire.len(), 1, 2, 3, 7] {
        let (journal, _) = journal::read(settings, wire.chunks(size));
        assert_eq!(journal.error, None, "{wire:02x?} by {size}");
        let seen: Vec<_> = journal.events.into_iter().map(|(_, seen)| seen).collect();
        assert_eq!(seen, expected, "{wire:02x?} by {size}");
        assert_eq!(journal.tolerated, wsdefrag_core::strictness::Tolerated::default());
    }
}

#[test]
fn payload_is_kept_as_it_was_sent_and_not_checked() {
    let settings = foreign(None);
    reads(settings, b"\xc1\x02\xff\xfe\x81\x02hi", &[opaque(b"\xff\xfe", 4), text(b"hi")]);
    reads(settings, b"\xb1\x02\xff\xfe", &[opaque(b"\xff\xfe", 3)]);
    // The bits of all frames together, also where the first has none.
    reads(settings, b"\x21\x01\xff\x50\x00\x80\x01\xfe", &[opaque(b"\xff\xfe", 7)]);
    reads(settings, b"\x01\x01a\xa0\x01\xfe", &[opaque(b"a\xfe", 2)]);
    // Control frames are what they are.
    reads(settings, b"\xb9\x01p", &[Seen::Ping(b"p".to_vec())]);
    for (wire, kind) in
        [(&b"\x01\x01\xff\xa0\x01\xfe"[..], "invalid_utf8"), (b"\xb3\x00", "reserved_opcode")]
    {
        let (journal, _) = journal::read(settings, [wire]);
        assert_eq!(journal.error.unwrap().kind.name(), kind);
    }
    let (journal, _) = journal::read(common::strict(), [&b"\xa1\x00"[..]]);
    assert_eq!(journal.error.unwrap().kind.name(), "reserved_bits");
}

#[test]
fn rsv1_stays_deflates_where_it_is_alone() {
    let hello = b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    let again = b"\xc1\x05\xf2\x00\x11\x00\x00";
    let takeover = foreign(Some(DeflateParams::default()));
    reads(takeover, &[&hello[..], again].concat(), &[text(b"Hello"), text(b"Hello")]);
    // With another bit the payload is the extension's, and what it does to the window is unknown.
    let both = b"\xe1\x07\xf2\x48\xcd\xc9\xc9\x07\x00";
    let wire = [&hello[..], both, again, b"\x81\x02hi"].concat();
    let lost = [text(b"Hello"), opaque(&both[2..], 6), opaque(&again[2..], 4), text(b"hi")];
    reads(takeover, &wire, &lost);
    let alone = DeflateParams { server_no_context_takeover: true, ..Default::default() };
    let wire = [&hello[..], both, hello].concat();
    let kept = [text(b"Hello"), opaque(&both[2..], 6), text(b"Hello")];
    reads(foreign(Some(alone)), &wire, &kept);
    // RSV1 on a continuation is not deflate's.
    reads(takeover, b"\x01\x01a\xc0\x01b", &[opaque(b"ab", 4)]);
    // What was inflated before the first foreign frame is not what was sent.
    let late = b"\x41\x03\xf2\x48\xcd\xa0\x04\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00";
    reads(takeover, late, &[opaque(b"", 6), opaque(&again[2..], 4)]);
}

#[test]
fn limits_hold_for_what_is_kept() {
    let mut settings = foreign(None);
    settings.limits.max_message_size = Some(3);
    reads(settings, b"\xa1\x03abc", &[opaque(b"abc", 2)]);
    let (journal, _) = journal::read(settings, [&b"\x21\x02ab\x80\x02cd"[..]]);
    assert_eq!(journal.error.unwrap().kind.name(), "max_message_size");
}
