//! An event in words, for people: one line without a line end.

use wsdefrag_core::OutOfMemory;
use wsdefrag_core::fallible::TryGrow;

use super::event_row::EventRow;
use super::json::integer;

/// What a gap did, by the name of its effect.
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

/// Appends the size of an event, and what it cost as far as that is certain. The time, the connection,
/// the sender, the kind and the payload are left to the caller.
///
/// # Errors
///
/// If memory is refused. Then the text is cut.
pub fn event_text(text: &mut Vec<u8>, event: &EventRow<'_>) -> Result<(), OutOfMemory> {
    match event.kind {
        "gap" => {
            counted(text, event.length, "byte", "bytes")?;
            text.try_append(b" missing, ")?;
            let effect = event.effect.unwrap_or("nothing");
            let known = EFFECTS.iter().find(|(name, _)| *name == effect);
            text.try_append(known.map_or(effect, |(_, words)| words).as_bytes())?;
            let (undecodable, lost) = event.cost.unwrap_or_default();
            for (number, one, more) in [
                (event.incomplete.unwrap_or(0), "message incomplete", "messages incomplete"),
                (undecodable, "message undecodable", "messages undecodable"),
                (lost, "byte lost", "bytes lost"),
            ] {
                if number > 0 {
                    text.try_append(b"; ")?;
                    counted(text, number, one, more)?;
                }
            }
            Ok(())
        }
        "violation" => text.try_append(event.error.as_deref().unwrap_or("").as_bytes()),
        "close" if event.close_code.is_some() => {
            match event.close_code {
                Some(NO_CODE) | None => text.try_append(b"without a code")?,
                Some(code) => integer(text, code)?,
            }
            let reason = event.close_reason.unwrap_or("");
            if !reason.is_empty() {
                text.try_push(b' ')?;
                text.try_append(reason.as_bytes())?;
            }
            Ok(())
        }
        _ => {
            counted(text, event.length, "byte", "bytes")?;
            if event.missing_bytes > 0 {
                text.try_append(b", ")?;
                grouped(text, event.missing_bytes)?;
                text.try_append(b" missing")?;
            }
            Ok(())
        }
    }
}

/// Appends a number with the word for what it counts.
fn counted(text: &mut Vec<u8>, number: u64, one: &str, more: &str) -> Result<(), OutOfMemory> {
    grouped(text, number)?;
    text.try_push(b' ')?;
    text.try_append(if number == 1 { one } else { more }.as_bytes())
}

/// Appends a number with a comma before each group of three digits.
fn grouped(text: &mut Vec<u8>, number: u64) -> Result<(), OutOfMemory> {
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(number).as_bytes();
    for (index, digit) in digits.iter().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.try_push(b',')?;
        }
        text.try_push(*digit)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_commas() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (65_536, "65,536"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            let mut text = Vec::new();
            grouped(&mut text, number).unwrap();
            assert_eq!(text, expected.as_bytes());
        }
    }
}
