//! A message that is checked but not collected: its bytes are dropped as they arrive.
//!
//! A text is validated range by range, and compressed payloads are inflated into a buffer on the
//! stack, so the memory does not depend on the length of the message. The last 32 KiB of content are
//! kept only where a later message may refer to them against an agreement of no context takeover.

use crate::error::OutOfMemory;
use crate::frame::mask::Mask;
use crate::read::recent::Recent;
use crate::text::{NotUtf8, Utf8Ranges};

/// Which messages a direction collects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Collection {
    /// All. One that exceeds a limit is a violation.
    Required,
    /// Those within the limits. The others are only checked.
    WithinLimits,
    /// None. All are only checked, and no limit applies.
    Nothing,
}

/// Bytes that are unmasked at a time.
const BUFFER: usize = 4096;

/// What is known about a message that is not collected.
#[derive(Debug, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub(crate) struct Uncollected {
    /// Bytes of content so far; of the payload, if it cannot be decoded.
    pub(crate) length: u64,
    text: Utf8Ranges,
    /// The end of the content, if it has to be remembered for later messages.
    pub(crate) recent: Recent,
}

impl Uncollected {
    /// A message of which `content` was collected; the bytes before `checked` are whole characters.
    pub(crate) fn after(
        content: &[u8],
        checked: usize,
        remembers: bool,
    ) -> Result<Self, OutOfMemory> {
        let mut text = Utf8Ranges::default();
        // At most the start of one character, which is valid so far.
        let _ = text.append(&content[checked..]);
        let mut recent = Recent::new(remembers);
        recent.append(content)?;
        Ok(Self { length: content.len() as u64, text, recent })
    }

    /// Takes the next range of the content, masked with `mask`. A text is validated if `is_checked`.
    pub(crate) fn append(
        &mut self,
        mut wire: &[u8],
        mut mask: Mask,
        is_checked: bool,
    ) -> Result<(), NotUtf8> {
        self.length += wire.len() as u64;
        if !is_checked {
            return Ok(());
        }
        if mask.is_identity() {
            return self.text.append(wire);
        }
        let mut buffer = [0; BUFFER];
        while !wire.is_empty() {
            let masked;
            (masked, wire) = wire.split_at(wire.len().min(BUFFER));
            let plain = &mut buffer[..masked.len()];
            let any = mask.unmask(masked, plain);
            mask = mask.advance(masked.len());
            if any >= 0x80 || !self.text.is_between_characters() {
                self.text.append(plain)?;
            }
        }
        Ok(())
    }

    /// Rejects a text that ends inside a character.
    pub(crate) const fn finish(&self) -> Result<(), NotUtf8> {
        self.text.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_across_the_end_of_the_collected_part_is_valid() {
        let text = "na\u{EF}ve".as_bytes();
        let mut message = Uncollected::after(&text[..3], 2, false).unwrap();
        assert_eq!(message.finish(), Err(NotUtf8));
        assert_eq!(message.append(&text[3..], Mask::new([0; 4]), true), Ok(()));
        assert_eq!(message.finish(), Ok(()));
        assert!(message.recent.as_slice().is_empty(), "nothing has to be remembered");
    }

    /// However a text is masked and cut, it is valid or not as a whole.
    #[test]
    fn masked_ranges_are_checked_as_one_text() {
        for (text, is_begun_well, is_valid) in [
            (&b"plain"[..], true, true),
            ("na\u{EF}ve \u{20AC}".as_bytes(), true, true),
            (b"a\xc3(", false, false),
            (b"\xe2\x82a", false, false),
            (b"a\xff", false, false),
            (b"a\xe2\x82", true, false),
        ] {
            for key in [[0; 4], [1, 2, 3, 4]] {
                for cut in 0..=text.len() {
                    let (first, rest) = text.split_at(cut);
                    let mut message = Uncollected::default();
                    let mut checked = Ok(());
                    let mut mask = Mask::new(key);
                    for range in [first, rest] {
                        let mut wire = vec![0; range.len()];
                        mask.unmask(range, &mut wire);
                        checked = checked.and_then(|()| message.append(&wire, mask, true));
                        mask = mask.advance(range.len());
                    }
                    assert_eq!(checked.is_ok(), is_begun_well, "{text:02x?} {key:?} {cut}");
                    let checked = checked.and_then(|()| message.finish());
                    assert_eq!(checked.is_ok(), is_valid, "{text:02x?} {key:?} {cut}");
                }
            }
        }
    }
}
