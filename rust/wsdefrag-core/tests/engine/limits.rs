//! Every limit is inclusive: exactly the limit is accepted, one more is rejected.

use crate::common;
use crate::contract::journal::{self, Journal, Seen};
use crate::contract::writer::{Deflater, Ending, Wire};
use wsdefrag_core::limits::Excess;
use wsdefrag_core::{Kind, Limits, Opcode, Settings};
use zlib_rs::Strategy;

const UNLIMITED: Limits = Limits {
    max_frame_size: None,
    max_message_size: None,
    max_fragments: None,
    max_inflate_ratio: None,
};

/// A limit, and input that reaches or exceeds it.
struct Case<'a> {
    wire: &'a [u8],
    /// Passes.
    exact: Limits,
    /// Is refused, with this.
    short: (Limits, Excess),
    /// The frame that is refused.
    offset: u64,
}

impl Case<'_> {
    fn check(&self) {
        let passed = read(self.exact, self.wire);
        assert_eq!((passed.error, passed.ending), (None, Ok(None)));
        let (limits, excess) = self.short;
        let refused = read(limits, self.wire).error.expect("one more than the limit");
        assert_eq!((refused.kind, refused.offset), (Kind::Limit(excess), self.offset));
    }
}

/// Reads the direction whole and in chunks; both results have to be equal.
fn read(limits: Limits, wire: &[u8]) -> Journal {
    let settings = Settings { limits, ..common::strict_deflate() };
    let (journal, _) = journal::read(settings, [wire]);
    for size in [1, 100] {
        assert_eq!(journal::read(settings, wire.chunks(size)).0, journal);
    }
    journal
}

/// A ping and a binary message in these fragments.
fn fragments(rsv: u8, payloads: &[&[u8]]) -> Vec<u8> {
    let mut wire = b"\x89\x00".to_vec();
    for (index, payload) in payloads.iter().enumerate() {
        let fin = index + 1 == payloads.len();
        let (opcode, rsv) = if index == 0 { (2, rsv) } else { (0, 0) };
        Wire { fin, rsv, ..Wire::new(opcode) }.write(payload, &mut wire);
    }
    wire
}

#[test]
fn frame_of_exactly_the_limit_passes_and_of_one_more_does_not() {
    let limits = |limit| Limits { max_frame_size: Some(limit), ..UNLIMITED };
    for length in [2_usize, 125, 126, 500, 65_536] {
        let payload = vec![b'x'; length];
        let requested = length as u64;
        let limit = requested - 1;
        for (payloads, offset) in [(vec![&payload[..]], 2), (vec![b"", &payload[..], b""], 4)] {
            Case {
                wire: &fragments(0, &payloads),
                exact: limits(requested),
                short: (limits(limit), Excess::FrameSize { limit, requested }),
                offset,
            }
            .check();
        }
    }
}

#[test]
fn control_frames_have_no_frame_size_limit_but_their_own() {
    let limits = Limits {
        max_frame_size: Some(1),
        max_message_size: Some(1),
        max_fragments: Some(1),
        max_inflate_ratio: None,
    };
    let mut wire = Vec::new();
    Wire::new(9).write(&[7; 125], &mut wire);
    assert_eq!(read(limits, &wire).events, [(0, Seen::Ping(vec![7; 125]))]);
}

#[test]
fn message_of_exactly_the_limit_passes_and_of_one_more_does_not() {
    let limits = |limit| Limits { max_message_size: Some(limit), ..UNLIMITED };
    for (payloads, offset) in [
        (vec![&[1_u8; 300][..]], 2),
        (vec![&[1; 100][..], &[2; 199], &[3; 1]], 2 + 102 + 203),
        (vec![&[1; 299][..], &[2; 1], b""], 2 + 303),
    ] {
        Case {
            wire: &fragments(0, &payloads),
            exact: limits(300),
            short: (limits(299), Excess::MessageSize { limit: 299, requested: 300 }),
            offset,
        }
        .check();
    }
}

#[test]
fn sum_of_fragments_that_overflows_is_over_the_limit() {
    let wire = b"\x02\x01a\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff";
    let limits = Limits { max_message_size: Some(1 << 20), ..UNLIMITED };
    let error = read(limits, wire).error.unwrap();
    let excess = Excess::MessageSize { limit: 1 << 20, requested: 1 << 63 };
    assert_eq!((error.kind, error.offset), (Kind::Limit(excess), 3));
}

#[test]
fn inflated_message_of_exactly_the_limit_passes_and_of_one_more_does_not() {
    let limits = |limit| Limits { max_message_size: Some(limit), ..UNLIMITED };
    for length in [2, 255, 256, 257, 4096, 70_000] {
        let mut deflater = Deflater::new(6, 15, Strategy::Default, true);
        let payload = deflater.compress(&vec![0; length], Ending::Flush);
        let requested = length as u64;
        let limit = requested - 1;
        Case {
            wire: &fragments(4, &[&payload]),
            exact: limits(requested),
            short: (limits(limit), Excess::MessageSize { limit, requested }),
            offset: 2,
        }
        .check();
    }
}

#[test]
fn compressed_bytes_do_not_count_towards_the_message() {
    let content: Vec<u8> = (0..200).collect();
    let mut stored = Deflater::new(0, 15, Strategy::Default, true);
    let payload = stored.compress(&content, Ending::Flush);
    assert!(payload.len() > content.len());
    let limits = Limits { max_message_size: Some(200), ..UNLIMITED };
    let journal = read(limits, &fragments(4, &[&payload]));
    assert_eq!(journal.events[1], (2, Seen::Message(Opcode::Binary, content)));
}

#[test]
fn inflated_message_over_several_fragments_is_refused_in_the_one_that_exceeds_the_limit() {
    let mut deflater = Deflater::new(6, 15, Strategy::Default, true);
    // Each part is flushed, so that it inflates to its 1000 bytes on its own.
    let parts: Vec<Vec<u8>> = (0..3)
        .map(|_| {
            let mut part = deflater.compress(&[0; 1000], Ending::Flush);
            part.extend([0x00, 0x00, 0xFF, 0xFF]);
            part
        })
        .collect();
    let wire = fragments(4, &[&parts[0], &parts[1], &parts[2], b"\x00"]);
    let second = 2 + 2 + parts[0].len() as u64;
    let limits = |limit| Limits { max_message_size: Some(limit), ..UNLIMITED };
    Case {
        wire: &wire,
        exact: limits(3000),
        short: (limits(1999), Excess::MessageSize { limit: 1999, requested: 2000 }),
        offset: second,
    }
    .check();
}

#[test]
fn fragments_of_exactly_the_limit_pass_and_one_more_does_not() {
    let limits = |limit| Limits { max_fragments: Some(limit), ..UNLIMITED };
    for payload in [&b""[..], b"a"] {
        let wire = fragments(0, &[payload; 20]);
        Case {
            wire: &wire,
            exact: limits(20),
            short: (limits(19), Excess::Fragments { limit: 19, requested: 20 }),
            offset: (wire.len() - 2 - payload.len()) as u64,
        }
        .check();
    }
}

#[test]
fn fragments_are_counted_for_each_message_anew() {
    let limits = Limits { max_fragments: Some(3), ..UNLIMITED };
    let wire = fragments(0, &[b"a", b"b", b"c"]).repeat(10);
    assert_eq!(read(limits, &wire).error, None);
}

#[test]
fn final_blocks_are_counted_for_each_message_anew() {
    let wire = fragments(4, &[&b"\x03\x00".repeat(1024)]);
    let journal = read(UNLIMITED, &wire.repeat(3));
    assert_eq!((journal.events.len(), journal.error), (6, None));
}

#[test]
fn ratio_of_exactly_the_limit_passes_and_of_one_byte_more_does_not() {
    let mut deflater = Deflater::new(9, 15, Strategy::Default, true);
    let payload = deflater.compress(&[0; 5000], Ending::Flush);
    let announced = u32::try_from(payload.len()).unwrap();
    let limits = |decoded: f64| Limits {
        // Slightly more, so that the product does not round down below `decoded`.
        max_inflate_ratio: Some((decoded + 0.5) / f64::from(announced)),
        ..UNLIMITED
    };
    let short = limits(4999.0);
    let limit = short.max_inflate_ratio.unwrap();
    Case {
        wire: &fragments(4, &[&payload]),
        exact: limits(5000.0),
        short: (short, Excess::InflateRatio { limit, requested: 5000 }),
        offset: 2,
    }
    .check();
}

#[test]
fn ratio_does_not_apply_to_uncompressed_messages() {
    let limits = Limits { max_inflate_ratio: Some(0.001), ..UNLIMITED };
    assert_eq!(read(limits, &fragments(0, &[b"plain", b"again"])).error, None);
}

#[test]
fn bomb_is_refused_and_takes_no_more_memory_than_the_limit() {
    let mut deflater = Deflater::new(9, 15, Strategy::Default, true);
    let payload = deflater.compress(&vec![0; 8 << 20], Ending::Flush);
    let limit = 1 << 20;
    let limits = Limits { max_message_size: Some(limit), ..UNLIMITED };
    let settings = Settings { limits, ..common::strict_deflate() };
    let wire = fragments(4, &[&payload]);
    for size in [wire.len(), 1000] {
        let (journal, ledger) = journal::read(settings, wire.chunks(size));
        let excess = Excess::MessageSize { limit, requested: limit + 1 };
        assert_eq!(journal.error.unwrap().kind, Kind::Limit(excess));
        assert!(ledger.largest as u64 <= limit);
    }
}

/// The number that an expression of the Python class stands for.
fn number(expression: &str) -> Option<u64> {
    let factor = |factor: &str| match factor.trim() {
        "_MIB" => 1 << 20,
        digits => digits.replace('_', "").parse().unwrap(),
    };
    (expression != "None").then(|| expression.split('*').map(factor).product())
}

/// The Python class has the defaults in its fields, and in its documentation.
#[test]
fn defaults_are_those_of_the_python_class_and_its_documentation() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../python/wsdefrag/limits.py");
    let python = std::fs::read_to_string(path).unwrap();
    let Limits { max_frame_size, max_message_size, max_fragments, max_inflate_ratio } =
        Limits::default();
    assert_eq!(max_inflate_ratio, None);
    for (name, default, documented) in [
        ("max_frame_size", max_frame_size, "64 MiB"),
        ("max_message_size", max_message_size, "64 MiB"),
        ("max_fragments", max_fragments, "16,384"),
        ("max_inflate_ratio", None, "None"),
    ] {
        let of_field = |line: &&str| line.trim_start().starts_with(&format!("{name}: "));
        let field = python.lines().filter(of_field).find(|line| line.contains(" | None = "));
        let (_, expression) = field.unwrap().split_once(" = ").unwrap();
        assert_eq!(number(expression), default, "{name}");
        let (_, documentation) = python.split_once(&format!("        {name}: ")).unwrap();
        let (_, said) = documentation.split_once("Default: ").unwrap();
        assert!(said.starts_with(&format!("{documented}.")), "{name}");
        let in_units = match documented.split_once(' ') {
            Some((mebibytes, _)) => number(&format!("{mebibytes}*_MIB")),
            None => number(&documented.replace(',', "")),
        };
        assert_eq!(in_units, default, "{name}");
    }
}
