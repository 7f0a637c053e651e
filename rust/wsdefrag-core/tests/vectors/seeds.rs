//! The inputs that fuzzing starts from: wire cases and messages, in the form of each target.
//!
//! The forms are described in `tests/contract`: that of `arbitrary_bytes` and `split_feeding` in
//! `input.rs`, those of `deflate`, `encoder`, `relay` and `handshake` in the files of
//! those names.
//!
//! Both the replay test and the example `seeds` of the capture crate include this file. A crate
//! that includes it has `input` and `reading` at its root.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::input;
use crate::reading::{self, Case, read_bytes};

/// An input and its name, which is unique within its target.
pub(crate) type Seed = (String, Vec<u8>);

/// Bytes of the longest wire case taken; longer ones differ from others by their length alone.
const LONGEST: usize = 700;
/// Cases of a family, which are those whose names differ by numbers alone.
const FEW: usize = 4;

/// Bits of the shape of a message for `deflate`.
const TEXT: u8 = 1;
const PLAIN: u8 = 2;
const FINAL: u8 = 4;
const EMPTY_BLOCK: u8 = 8;
const CONTROLS: u8 = 16;
const FORM_16: u8 = 0x80;
const FORM_64: u8 = 0xC0;

/// Decisions of `relay`.
const FORWARD: u8 = 0;
const LONGER: u8 = 0x2C;
const DROP: u8 = 5;
const CLOSE: u8 = 0xFF;

/// The inputs of each target of the core.
pub(crate) fn targets() -> [(&'static str, Vec<Seed>); 6] {
    [
        ("arbitrary_bytes", wires()),
        ("split_feeding", wires()),
        ("deflate", scripts()),
        ("encoder", calls()),
        ("relay", relayed()),
        ("handshake", heads()),
    ]
}

/// Each head of the vectors, for a strict endpoint.
fn heads() -> Vec<Seed> {
    let seed = |line: Map<String, Value>| {
        let bytes =
            |field| line.get(field).map_or_else(Vec::new, |text| read_bytes(reading::text(text)));
        let flags = u8::from(line["from"] == "client");
        let input = [&[flags, 0x80][..], &bytes("bytes"), &bytes("after")].concat();
        (reading::text(&line["name"]).to_owned(), input)
    };
    reading::lines("heads.jsonl").into_iter().map(seed).collect()
}

/// A few short wire cases of each family.
fn few_cases() -> Vec<Case> {
    let mut families = BTreeMap::<String, Vec<Case>>::new();
    for case in reading::cases("wire.jsonl") {
        if case.wire.len() <= LONGEST {
            let family = case.name.replace(|letter: char| letter.is_ascii_digit(), "");
            families.entry(family).or_default().push(case);
        }
    }
    let few = |family: Vec<Case>| {
        let step = family.len().div_ceil(FEW);
        family.into_iter().step_by(step)
    };
    families.into_values().flat_map(few).collect()
}

/// A number that differs from one input to the next.
fn varied(index: usize) -> u8 {
    index.to_le_bytes()[0].wrapping_mul(37)
}

fn wires() -> Vec<Seed> {
    let seed = |(index, case): (usize, Case)| {
        let head = input::head(&case.settings, varied(index));
        (case.name, [&head, &case.wire[..]].concat())
    };
    few_cases().into_iter().enumerate().map(seed).collect()
}

/// A message for `deflate`.
fn message(shape: u8, content: &[u8], cuts: u8, repeats: u8) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("contents are short");
    [&[shape, cuts, repeats, length], content].concat()
}

/// Messages for `deflate` and `relay`, by their names.
fn bodies() -> [(&'static str, Vec<u8>); 9] {
    let story = b"the same words again and again";
    let plain = |shape| message(shape, story, 0, 0);
    let every_byte: Vec<u8> = (0..255).collect();
    let scripts = message(TEXT, "aä€😀".as_bytes(), 5, 40);
    [
        ("takeover", plain(TEXT).repeat(3)),
        ("plain-between", [plain(TEXT), plain(TEXT | PLAIN), plain(0)].concat()),
        ("fragments-and-controls", message(CONTROLS, story, 2, 9).repeat(2)),
        ("final-blocks", [plain(FINAL), plain(FINAL | EMPTY_BLOCK), plain(0)].concat()),
        (
            "empty",
            [message(TEXT, b"", 0, 0).repeat(2), message(FINAL, b"", 0, 0), message(0, b"", 0, 0)]
                .concat(),
        ),
        ("long-runs", [message(0, &[0; 255], 0, 99), message(0, &[0], 0, 99)].concat()),
        ("every-byte", message(0, &every_byte, 7, 20).repeat(2)),
        ("long-forms", [plain(FORM_16), message(FORM_64 | CONTROLS, story, 1, 0)].concat()),
        ("scripts-of-text", scripts.repeat(2)),
    ]
}

/// Messages for `deflate`, and the same with a byte damaged.
fn scripts() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for ((name, body), index) in bodies().into_iter().zip(0_u8..) {
        let flags = (index % 4) | ((index % 8) << 2) | ((index % 5) << 5);
        let head = |damage, at| [flags, index, index.wrapping_mul(31), damage, 0, at];
        seeds.push((name.to_owned(), [&head(0, 0), &body[..]].concat()));
        let damaged = head(1 << (index % 8), 7 * index + 9);
        seeds.push((format!("{name}-damaged"), [&damaged, &body[..]].concat()));
    }
    seeds
}

/// A call for `encoder`.
fn call(what: u8, shape: u8, content: &[u8], repeats: u8) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("contents are short");
    [&[what, shape, repeats, length], content].concat()
}

/// Calls for `encoder`: each kind of them, with deflate and without, alone and refused.
fn calls() -> Vec<Seed> {
    let word = b"again and ";
    let once = |what, shape, content: &[u8]| call(what, shape, content, 0);
    let bodies = [
        (
            "messages",
            [call(0x28, 0, word, 9), once(0, 0x60, word), once(0x29, 1, word).repeat(2)].concat(),
        ),
        (
            "texts",
            [call(2, 0, "aä€😀".as_bytes(), 3), once(0, 0, b"\xff"), once(0, 0, b"")].concat(),
        ),
        (
            "fragments",
            [once(3, 0, b"\xe2\x82"), once(0x13, 0, b"\xac"), once(0x13, 1, b"")].concat(),
        ),
        (
            "frames-of-the-callers",
            [once(0x0D, 2, word), once(0x15, 1, word), once(0x28, 1, word).repeat(2)].concat(),
        ),
        ("controls", [once(6, 1, word), call(6, 0, word, 15), call(7, 2, b"bye", 63)].concat()),
        (
            "without-memory",
            [once(0xA8, 0, word), once(0x28, 0, word).repeat(2), once(0xA8, 0, word)].concat(),
        ),
    ];
    let heads = [[0b0010, 7, 3], [0b0111, 0x30, 90], [0b0001, 0x31, 5]];
    let mut seeds = Vec::new();
    for (name, body) in bodies {
        for (index, head) in heads.iter().enumerate() {
            seeds.push((format!("{name}-{index}"), [head, &body[..]].concat()));
        }
    }
    seeds
}

/// Messages for `relay`, decided on in different ways, and wire cases that go through.
fn relayed() -> Vec<Seed> {
    let all_sorts = [3, FORWARD, LONGER, 6, DROP, FORWARD, 0x0E, 7];
    let decisions: [(&str, &[u8]); 3] = [
        ("untouched", &[FORWARD]),
        ("all-sorts", &all_sorts),
        ("closed", &[3, 4, 6, 5, FORWARD, FORWARD, CLOSE]),
    ];
    let count = |decided: &[u8]| u8::try_from(decided.len()).expect("they are few");
    let legs: [u8; 5] = [0b000_0110, 0b000_1110, 0b011_1110, 0b000_0010, 0b000_0101];
    let mut seeds = Vec::new();
    for (index, (name, body)) in bodies().iter().enumerate() {
        for (how, decided) in decisions {
            for (way, kind) in ["messages", "frames", "bytes"].into_iter().enumerate() {
                let windows = WAYS[way] | (0b11_1111 - [0, 1, 2][index % 3]);
                let pieces = if index % 2 == 1 { 0xF0 } else { 0 };
                let flags = legs[(index + way) % legs.len()];
                let head = [flags, windows, pieces, 0, varied(index), count(decided)];
                let seed = [&head, decided, body].concat();
                seeds.push((format!("{name}-{how}-{kind}"), seed));
            }
        }
    }
    for (index, Case { name, settings, wire, .. }) in few_cases().into_iter().enumerate() {
        // The upper half of this byte has another meaning for the relay.
        let [_, rules, _, most, _, _, cuts] = input::head(&settings, varied(index));
        let agreed = if settings.deflate.is_some() { 0b110 } else { 0 };
        let unchecked = u8::from(!settings.strictness.utf8) << 6;
        let flags = 0x80 | u8::from(settings.from_client) | agreed | unchecked;
        let windows = WAYS[index % 3] | 0b11_1111;
        let head = [flags, windows, rules & 0x0F, most, cuts, count(&all_sorts)];
        seeds.push((format!("wire-{name}"), [&head, &all_sorts[..], &wire].concat()));
    }
    seeds
}

/// The bits of a way through: whole messages, frames, bytes.
const WAYS: [u8; 3] = [0, 1 << 6, 2 << 6];
