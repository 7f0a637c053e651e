//! Chooses the fragment sizes of a message (RFC 6455 section 5.4).
//!
//! If the content is as long as the message that was received, its fragments keep their sizes.
//! Otherwise the message is one frame, or fragments of at most `max_size` bytes. Some receivers
//! decode each text fragment separately and damage a character that two fragments share. A boundary
//! inside a character therefore moves to the start of the character, unless `cut_characters` is
//! set.
//!
//! - the sum of the sizes is the length of the content, and there is at least one size
//! - if sizes are kept, their number is kept too
//! - otherwise each size is at most `max_size`, or the size of one character

use std::num::NonZeroUsize;

use crate::error::OutOfMemory;
use crate::fallible::TryGrow;
use crate::frame::opcode::Opcode;

/// The longest UTF-8 character, in bytes (RFC 3629).
const CHARACTER: usize = 4;

/// How messages are split into fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragmenter {
    /// Largest fragment, in bytes; `None` for one frame.
    pub max_size: Option<NonZeroUsize>,
    /// Whether a fragment boundary may be inside a character of a text.
    pub cut_characters: bool,
}

impl Fragmenter {
    /// The fragment sizes for `content`, in bytes; `kept` are the sizes it was received in.
    pub fn sizes(
        &self,
        opcode: Opcode,
        content: &[u8],
        kept: &[usize],
    ) -> Result<Vec<usize>, OutOfMemory> {
        let whole = opcode != Opcode::Text || self.cut_characters;
        let boundary = |at| if whole { at } else { start_of_character(content, at) };
        let kept_length = kept.iter().try_fold(0_usize, |sum, size| sum.checked_add(*size));
        let mut sizes = Vec::new();
        let mut start = 0;
        if !kept.is_empty() && kept_length == Some(content.len()) {
            let mut kept_end = 0;
            for size in kept {
                kept_end += size;
                let end = boundary(kept_end);
                sizes.try_push(end - start)?;
                start = end;
            }
            return Ok(sizes);
        }
        let max_size = self.max_size.map_or(content.len(), NonZeroUsize::get);
        while content.len() - start > max_size {
            let mut end = boundary(start + max_size);
            if end == start {
                // `max_size` is smaller than the next character.
                let last = content.len().min(start + CHARACTER);
                end = (start + max_size + 1..last).find(|at| boundary(*at) == *at).unwrap_or(last);
            }
            sizes.try_push(end - start)?;
            start = end;
        }
        if start < content.len() || sizes.is_empty() {
            sizes.try_push(content.len() - start)?;
        }
        Ok(sizes)
    }
}

/// The start of the character that contains `at`; `at` itself if the bytes are not UTF-8.
fn start_of_character(content: &[u8], at: usize) -> usize {
    let continues = |at: &usize| content.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let earliest = (at + 1).saturating_sub(CHARACTER);
    (earliest..=at).rev().find(|at| !continues(at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at_most(max_size: usize) -> Fragmenter {
        Fragmenter { max_size: NonZeroUsize::new(max_size), cut_characters: false }
    }

    #[test]
    fn sizes_are_kept_only_if_they_add_up() {
        let one = Fragmenter::default();
        assert_eq!(one.sizes(Opcode::Binary, b"hello", &[2, 0, 3]).unwrap(), [2, 0, 3]);
        assert_eq!(one.sizes(Opcode::Binary, b"hello", &[2, 2]).unwrap(), [5]);
        assert_eq!(one.sizes(Opcode::Binary, b"hello", &[usize::MAX, 6]).unwrap(), [5]);
        assert_eq!(one.sizes(Opcode::Binary, b"", &[]).unwrap(), [0]);
        assert_eq!(at_most(2).sizes(Opcode::Binary, b"hello", &[2, 2]).unwrap(), [2, 2, 1]);
        assert_eq!(at_most(2).sizes(Opcode::Binary, b"hell", &[]).unwrap(), [2, 2]);
        assert_eq!(at_most(2).sizes(Opcode::Binary, b"", &[1]).unwrap(), [0]);
    }

    #[test]
    fn boundaries_inside_a_character_move_to_its_start() {
        let text = "a€b\u{1F600}".as_bytes();
        for (at, size) in [(1, 1), (2, 1), (3, 1), (4, 4), (5, 5), (6, 5), (7, 5), (8, 5), (9, 9)] {
            let kept = [at, text.len() - at];
            let sizes = Fragmenter::default().sizes(Opcode::Text, text, &kept).unwrap();
            assert_eq!(sizes, [size, text.len() - size], "cut at {at}");
            let told = Fragmenter { cut_characters: true, ..Fragmenter::default() };
            assert_eq!(told.sizes(Opcode::Text, text, &kept).unwrap(), kept);
            assert_eq!(Fragmenter::default().sizes(Opcode::Binary, text, &kept).unwrap(), kept);
        }
        assert_eq!(at_most(1).sizes(Opcode::Text, text, &[]).unwrap(), [1, 3, 1, 4]);
        assert_eq!(at_most(3).sizes(Opcode::Text, text, &[]).unwrap(), [1, 3, 1, 4]);
        assert_eq!(at_most(4).sizes(Opcode::Text, text, &[]).unwrap(), [4, 1, 4]);
    }

    proptest! {
        #[test]
        fn fragments_of_a_text_are_texts(
            text in "[a é€\u{1F600}]{0,40}",
            max_size in 1_usize..9,
            cuts in prop::collection::vec(0_usize..100, 0..5),
        ) {
            let mut ends: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
            ends.sort_unstable();
            ends.push(text.len());
            let mut start = 0;
            let kept: Vec<_> = ends.iter().map(|end| end - std::mem::replace(&mut start, *end)).collect();
            for kept in [&kept[..], &[]] {
                let sizes = at_most(max_size).sizes(Opcode::Text, text.as_bytes(), kept).unwrap();
                let mut rest = &text[..];
                for size in &sizes {
                    prop_assert!(rest.is_char_boundary(*size));
                    prop_assert!(!kept.is_empty() || *size <= max_size.max(CHARACTER));
                    rest = &rest[*size..];
                }
                prop_assert!(rest.is_empty());
                prop_assert!(kept.is_empty() || sizes.len() == kept.len());
                prop_assert!(!sizes.is_empty());
            }
        }

        #[test]
        fn any_bytes_are_split_into_nonempty_fragments(
            content in prop::collection::vec(prop_oneof![Just(b'a'), 0x80_u8..], 0..60),
            max_size in 1_usize..9,
        ) {
            let sizes = at_most(max_size).sizes(Opcode::Text, &content, &[]).unwrap();
            prop_assert_eq!(sizes.iter().sum::<usize>(), content.len());
            prop_assert!(sizes.iter().all(|size| *size > 0) || content.is_empty());
        }
    }
}
