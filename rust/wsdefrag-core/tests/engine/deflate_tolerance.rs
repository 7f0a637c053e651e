//! Deflate faults of senders that do not prevent reading: they are read and counted, and rejected
//! if the rule is enforced.

use crate::common::{self, HELLO, HELLO_AGAIN};
use crate::contract::journal::{self, Seen};
use crate::contract::writer::{Deflater, Ending};
use wsdefrag_core::strictness::Tolerated;
use wsdefrag_core::{DeflateParams, Kind, Limits, Opcode, Settings, Strictness};
use zlib_rs::Strategy;

fn takeover() -> Settings {
    common::strict_deflate()
}

fn no_takeover() -> Settings {
    let deflate = Some(DeflateParams { server_no_context_takeover: true, ..Default::default() });
    Settings { deflate, ..common::strict() }
}

fn text(content: &[u8]) -> Seen {
    Seen::Message(Opcode::Text, content.to_vec())
}

/// The sizes that `wire` is split into: small sizes only if it is short.
fn sizes(wire: &[u8]) -> impl Iterator<Item = usize> {
    let least = if wire.len() < 10_000 { 1 } else { 97 };
    let sizes = [wire.len(), 1, 2, 3, 7, 97, 1000, 4096, 5000];
    sizes.into_iter().filter(move |size| *size >= least)
}

/// Checks that `wire`, in any split, gives these messages and these counts.
fn reads(settings: Settings, wire: &[u8], contents: &[&[u8]], counted: Tolerated) {
    for size in sizes(wire) {
        let (journal, _) = journal::read(settings, wire.chunks(size));
        assert_eq!(journal.error, None, "{wire:02x?} by {size}");
        let seen: Vec<_> = journal.events.into_iter().map(|(_, seen)| seen).collect();
        let expected: Vec<_> = contents.iter().map(|content| text(content)).collect();
        assert!(seen == expected, "{wire:02x?} by {size}: {seen:?}");
        assert_eq!(journal.tolerated, counted, "{wire:02x?} by {size}");
    }
}

/// Checks that `wire`, in any split, is rejected at `offset`.
fn refuses(settings: Settings, wire: &[u8], kind: Kind, offset: u64) {
    for size in sizes(wire) {
        let (journal, _) = journal::read(settings, wire.chunks(size));
        let error = journal.error.unwrap_or_else(|| panic!("{wire:02x?} is let through"));
        assert_eq!((error.kind, error.offset), (kind, offset), "{wire:02x?} by {size}");
    }
}

fn strict(settings: Settings, name: &str) -> Settings {
    let strictness = Strictness::from_names(|rule| {
        let default = Tolerated::default().of(Strictness::default()).all(|(off, _)| off != rule);
        Ok::<_, ()>(default || rule == name)
    });
    Settings { strictness: strictness.unwrap(), ..settings }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap();
    let mut wire = vec![first];
    if length < 126 {
        wire.push(u8::try_from(length).unwrap());
    } else {
        wire.push(126);
        wire.extend(length.to_be_bytes());
    }
    wire.extend_from_slice(payload);
    wire
}

#[test]
fn context_kept_against_the_agreement_is_read() {
    let reported =
        b"\xc1\x19\xaa\x56\x2a\x28\xca\x4c\x4e\x55\xb2\x32\xd4\x51\x2a\xae\xcc\x55\xb2\x52\
                     \x72\x74\x74\x54\xaa\x05\x00\xc1\x08\xaa\x86\x09\x1b\xa1\x08\x03\x00";
    let counted = Tolerated { no_context_takeover: 1, ..Tolerated::default() };
    let contents: [&[u8]; 2] = [br#"{"price":1,"sym":"AAA"}"#, br#"{"price":2,"sym":"AAA"}"#];
    reads(no_takeover(), reported, &contents, counted);
    refuses(strict(no_takeover(), "no_context_takeover"), reported, Kind::InvalidDeflateData, 27);
    reads(no_takeover(), &[HELLO, HELLO_AGAIN].concat(), &[b"Hello", b"Hello"], counted);
    let masked = [HELLO, HELLO_AGAIN, HELLO_AGAIN, b"\x81\x01x", HELLO, HELLO_AGAIN].concat();
    let counted = Tolerated { no_context_takeover: 3, ..Tolerated::default() };
    reads(
        no_takeover(),
        &masked,
        &[b"Hello", b"Hello", b"Hello", b"x", b"Hello", b"Hello"],
        counted,
    );
}

#[test]
fn missing_context_is_still_rejected() {
    refuses(no_takeover(), HELLO_AGAIN, Kind::InvalidDeflateData, 0);
    // An uncompressed message is not in the window.
    let plain = [b"\x81\x05Hello", HELLO_AGAIN].concat();
    refuses(no_takeover(), &plain, Kind::InvalidDeflateData, 7);
    // Invalid data cannot be read with any window.
    let garbage = [HELLO, b"\xc1\x02\x07\x07"].concat();
    refuses(no_takeover(), &garbage, Kind::InvalidDeflateData, 9);
}

/// Messages of all sizes whose sender keeps its window are read unchanged.
#[test]
fn long_messages_are_read_with_the_context_that_was_kept() {
    let mut seed = 1_u32;
    let mut noise = |size: usize| -> Vec<u8> {
        let next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b'a' + u8::try_from(seed >> 28).unwrap()
        };
        std::iter::repeat_with(next).take(size).collect()
    };
    let mut contents = vec![noise(20_000)];
    // Each message begins with a reference far back into the previous one, and ends with new
    // content.
    for size in [100, 30_000, 31_000, 40_000, 70_000, 10] {
        let last: &Vec<u8> = &contents[contents.len() - 1];
        let mut content = last[..last.len().min(3000)].to_vec();
        if last.len() > 32_000 {
            content = last[last.len() - 31_000..].to_vec();
        }
        content.extend(noise(size));
        contents.push(content);
    }
    let mut deflater = Deflater::new(6, 15, Strategy::Default, true);
    let mut wire = Vec::new();
    for (index, content) in contents.iter().enumerate() {
        let payload = deflater.compress(content, Ending::Flush);
        // In fragments, too, and with pings between them.
        let parts: Vec<_> = payload.chunks(if index % 2 == 0 { 50_000 } else { 999 }).collect();
        for (at, part) in parts.iter().enumerate() {
            let (start, end) = (if at == 0 { 0x41 } else { 0 }, at + 1 == parts.len());
            wire.extend(frame(start | if end { 0x80 } else { 0 }, part));
        }
    }
    let expected: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
    let needed = u64::try_from(contents.len() - 1).unwrap();
    let counted = Tolerated { no_context_takeover: needed, ..Tolerated::default() };
    reads(no_takeover(), &wire, &expected, counted);
    reads(takeover(), &wire, &expected, Tolerated::default());
}

#[test]
fn data_of_mainly_empty_blocks_is_kept_up_to_a_bound_in_any_split() {
    // Empty stored blocks, then the reference.
    for (blocks, is_read) in [(1, true), (13_105, true), (13_107, false), (13_200, false)] {
        let empty = b"\x00\x00\x00\xff\xff".repeat(blocks);
        let mut wire = HELLO.to_vec();
        for (at, part) in empty.chunks(60_000).enumerate() {
            wire.extend(frame(if at == 0 { 0x41 } else { 0 }, part));
        }
        wire.extend(frame(0x80, &HELLO_AGAIN[2..]));
        if is_read {
            let counted = Tolerated { no_context_takeover: 1, ..Tolerated::default() };
            reads(no_takeover(), &wire, &[b"Hello", b"Hello"], counted);
        } else {
            let last = u64::try_from(wire.len() - HELLO_AGAIN.len()).unwrap();
            refuses(no_takeover(), &wire, Kind::InvalidDeflateData, last);
        }
    }
}

#[test]
fn limits_hold_when_a_message_is_inflated_again() {
    let limits = Limits { max_message_size: Some(5), ..Limits::default() };
    let settings = Settings { limits, ..no_takeover() };
    let counted = Tolerated { no_context_takeover: 1, ..Tolerated::default() };
    reads(settings, &[HELLO, HELLO_AGAIN].concat(), &[b"Hello", b"Hello"], counted);
    // "HelloH", whose last letter is one too many.
    let (journal, _) =
        journal::read(settings, [&[HELLO, b"\xc1\x06\xf2\x00\x13\x00\x00\x00"].concat()[..]]);
    assert!(journal.error.is_some());
}

#[test]
fn compressed_message_without_payload_is_empty() {
    let counted = Tolerated { empty_compressed_payload: 1, ..Tolerated::default() };
    let reported = [b"\xc1\x00", HELLO].concat();
    for settings in [takeover(), no_takeover()] {
        reads(settings, &reported, &[b"", b"Hello"], counted);
        refuses(
            strict(settings, "empty_compressed_payload"),
            &reported,
            Kind::TruncatedDeflateData,
            0,
        );
        // All of its frames are empty.
        let wire = [&b"\x41\x00\x00\x00\x80\x00"[..], HELLO].concat();
        reads(settings, &wire, &[b"", b"Hello"], counted);
        // One of them is not.
        let wire = b"\x41\x00\x00\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00";
        reads(settings, wire, &[b"Hello"], Tolerated::default());
    }
    // The window is what it was.
    let wire = [HELLO, b"\xc1\x00", HELLO_AGAIN].concat();
    reads(takeover(), &wire, &[b"Hello", b"", b"Hello"], counted);
}

#[test]
fn tail_that_was_not_removed_is_read() {
    let counted = Tolerated { deflate_tail: 1, ..Tolerated::default() };
    let reported = b"\xc1\x0f\xca\x48\xcd\xc9\xc9\x57\xc8\xcf\x4b\x05\x00\x00\x00\xff\xff";
    for settings in [takeover(), no_takeover()] {
        reads(settings, reported, &[b"hello one"], counted);
        refuses(strict(settings, "deflate_tail"), reported, Kind::TruncatedDeflateData, 0);
        // In fragments that cut it in two, or leave nothing for the last one.
        for at in 1..15 {
            let (head, rest) = reported[2..].split_at(at);
            let wire = [frame(0x41, head), frame(0x80, rest), frame(0xC1, &HELLO[2..])].concat();
            reads(settings, &wire, &[b"hello one", b"Hello"], counted);
        }
        let wire = [&frame(0x41, &reported[2..])[..], b"\x00\x00\x80\x00", HELLO].concat();
        reads(settings, &wire, &[b"hello one", b"Hello"], counted);
        // An empty message, after a final block, and in stored blocks.
        for (payload, content) in [
            (&b"\x00\x00\x00\xff\xff"[..], &b""[..]),
            (b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00\x00\xff\xff", b"Hello"),
            (b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00\x00\x00\xff\xff", b"Hello"),
        ] {
            reads(settings, &frame(0xC1, payload), &[content], counted);
        }
    }
    let with_tail = frame(0xC1, b"\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff");
    let again_with_tail = frame(0xC1, b"\xf2\x00\x11\x00\x00\x00\x00\xff\xff");
    let wire = [&with_tail[..], HELLO_AGAIN, &again_with_tail, HELLO_AGAIN].concat();
    let counted = Tolerated { deflate_tail: 2, ..Tolerated::default() };
    reads(takeover(), &wire, &[&b"Hello"[..]; 4], counted);
    let both = Tolerated { deflate_tail: 2, no_context_takeover: 3, ..Tolerated::default() };
    reads(no_takeover(), &wire, &[&b"Hello"[..]; 4], both);
}

/// A message of exactly the length that is allowed leaves no room, and its end is found all the same.
#[test]
fn tail_that_was_not_removed_is_read_at_the_limit() {
    let reported = b"\xc1\x0f\xca\x48\xcd\xc9\xc9\x57\xc8\xcf\x4b\x05\x00\x00\x00\xff\xff";
    for settings in [takeover(), no_takeover()] {
        let limited = |max_message_size| {
            let limits = Limits { max_message_size: Some(max_message_size), ..settings.limits };
            Settings { limits, ..settings }
        };
        let counted = Tolerated { deflate_tail: 1, ..Tolerated::default() };
        reads(limited(9), reported, &[b"hello one"], counted);
        for size in sizes(reported) {
            let (journal, _) = journal::read(limited(8), reported.chunks(size));
            let kind = journal.error.map(|error| error.kind);
            assert!(matches!(kind, Some(Kind::Limit(_))), "{kind:?} by {size}");
        }
        reads(limited(5), HELLO, &[b"Hello"], Tolerated::default());
        let final_block = frame(0xC1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00\x00\xff\xff");
        reads(limited(5), &final_block, &[b"Hello"], counted);
        let stored = b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00\x00\x00\xff\xff";
        reads(limited(5), &frame(0xC1, stored), &[b"Hello"], counted);
    }
}

#[test]
fn bytes_that_only_look_like_a_tail_are_content() {
    // A stored block of the four bytes, with and without the header of the next block.
    let stored = b"\x00\x04\x00\xfb\xff\x00\x00\xff\xff";
    for settings in [takeover(), no_takeover()] {
        let settings =
            Settings { strictness: Strictness { utf8: false, ..settings.strictness }, ..settings };
        let counted = Tolerated { utf8: 1, ..Tolerated::default() };
        let whole = [&stored[..], b"\x00"].concat();
        reads(settings, &frame(0xC1, &whole), &[b"\x00\x00\xff\xff"], counted);
        for at in 0..=whole.len() {
            let (head, rest) = whole.split_at(at);
            let wire = [frame(0x41, head), frame(0x80, rest)].concat();
            reads(settings, &wire, &[b"\x00\x00\xff\xff"], counted);
        }
        // Without it, the message stops where a block ends, which is a byte too soon.
        refuses(settings, &frame(0xC1, stored), Kind::TruncatedDeflateData, 0);
    }
}

#[test]
fn payload_short_by_other_bytes_is_refused() {
    for payload in [
        &b"\xca\x48\xcd\xc9\xc9\x57\xc8\xcf\x4b\x05\x00\x00\x00\xff"[..],
        b"\xca\x48\xcd\xc9\xc9\x57\xc8\xcf\x4b\x05\x00\x00\x00",
        b"\xca\x48\xcd\xc9\xc9\x57\xc8\xcf\x4b\x05\x00\x00",
        b"\xca\x48\xcd\xc9\xc9\x57\xc8\xcf\x4b",
        b"\xca\x48\xcd\xc9\xc9\x57\xc8\xcf\x4b\x05\x00\x00\x00\xff\xff\x00\x00\xff\xff",
        b"\x00\x00\xff\xff",
        b"\xff\xff",
    ] {
        for settings in [takeover(), no_takeover()] {
            let (journal, _) = journal::read(settings, [&frame(0xC1, payload)[..]]);
            assert!(journal.error.is_some(), "{payload:02x?} is let through");
        }
    }
}
