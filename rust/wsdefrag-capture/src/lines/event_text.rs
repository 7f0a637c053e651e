//! An event in words, for people: one line without a line end.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a sentence with numbers; a close reason has at most 123 bytes"
)]

use std::fmt::Display;

use super::event_row::EventRow;

/// What a gap did to the reading of its direction, by the name of the effect.
const EFFECTS: [(&str, &str); 5] = [
    ("nothing", "in a part that is not read"),
    ("frame", "inside a frame"),
    ("window", "inside a compressed frame; later compressed messages cannot be inflated"),
    ("search", "over the start of a frame; frames are searched for"),
    (
        "end",
        "over the start of a frame; the rest is not read (--resync searches for the next frame)",
    ),
];

/// The close code of a frame without one (RFC 6455 section 7.1.5).
const NO_CODE: u16 = 1005;

/// The size of an event, and what it cost as far as that is certain. The time, the connection, the
/// sender, the kind and the payload are left to the caller.
#[must_use]
pub fn event_text(row: &EventRow<'_>) -> String {
    match (row.kind, row.close_code) {
        ("gap", _) => gap_text(row),
        ("violation", _) => row.error.as_deref().unwrap_or_default().to_owned(),
        ("close", Some(code)) => {
            let code: &dyn Display = if code == NO_CODE { &"without a code" } else { &code };
            match row.close_reason {
                Some(reason) if !reason.is_empty() => format!("{code} {reason}"),
                _ => code.to_string(),
            }
        }
        _ => {
            let size = counted(row.length, "byte", "bytes");
            match row.missing_bytes {
                0 => size,
                missing => format!("{size}, {missing} missing"),
            }
        }
    }
}

fn gap_text(row: &EventRow<'_>) -> String {
    let effect = EFFECTS.iter().find(|(name, _)| Some(*name) == row.effect);
    let mut text = counted(row.length, "byte", "bytes");
    text += " missing, ";
    text += effect.unwrap_or(&EFFECTS[0]).1;
    let (undecodable, lost) = row.cost.unwrap_or_default();
    for (number, one, more) in [
        (row.incomplete.unwrap_or(0), "message incomplete", "messages incomplete"),
        (undecodable, "message undecodable", "messages undecodable"),
        (lost, "byte lost", "bytes lost"),
    ] {
        if number > 0 {
            text += "; ";
            text += &counted(number, one, more);
        }
    }
    text
}

/// A number in groups of three digits, and what it counts.
fn counted(number: u64, one: &str, more: &str) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push(' ');
    text + if number == 1 { one } else { more }
}
