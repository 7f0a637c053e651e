//! What an event has beside the columns of all rows, as a JSON object.
//!
//! The keys are those of the events table; what a kind of event does not have is left out.

use std::fmt::Write as _;

use wsdefrag_core::OutOfMemory;

use crate::event::{CaptureEvent, Detail};
use crate::lines::json::{Line, base64, integer, raw, string};

/// Bytes that are enough for a broken rule as a sentence.
const LONGEST_RULE: usize = 512;

/// Appends the object.
pub(super) fn event_text(text: &mut Line, event: &CaptureEvent) -> Result<(), OutOfMemory> {
    raw(text, b"{\"offset\": ")?;
    integer(text, event.offset)?;
    match &event.detail {
        Detail::Ping(_) | Detail::Pong(_) => {}
        Detail::Close { code, reason, .. } => {
            if let Some(code) = code {
                raw(text, b", \"close_code\": ")?;
                integer(text, *code)?;
            }
            raw(text, b", \"close_reason\": ")?;
            string(text, reason.as_bytes())?;
        }
        Detail::Gap(cost) => {
            raw(text, b", \"effect\": \"")?;
            raw(text, cost.effect.name().as_bytes())?;
            raw(text, b"\", \"incomplete\": ")?;
            integer(text, cost.incomplete)?;
            if cost.is_final {
                raw(text, b", \"undecodable\": ")?;
                integer(text, cost.undecodable)?;
                raw(text, b", \"lost\": ")?;
                integer(text, cost.lost)?;
            }
        }
        Detail::Violation(error) => {
            raw(text, b", \"rule\": ")?;
            string(text, error.kind.name().as_bytes())?;
            raw(text, b", \"error\": ")?;
            let mut sentence = String::new();
            sentence.try_reserve(LONGEST_RULE)?;
            // It fails only where a value cannot be formatted.
            let _ = write!(sentence, "{error}");
            string(text, sentence.as_bytes())?;
        }
    }
    if let Some(payload) = event.detail.payload() {
        raw(text, b", \"payload\": ")?;
        base64(text, payload)?;
    }
    raw(text, b"}")
}
