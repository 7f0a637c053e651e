//! Which fragments a message is sent in (RFC 6455 section 5.4).
//!
//! The sizes it came in are kept where its length is the same; otherwise it
//! goes in one frame, or in pieces. Receivers that decode a text fragment by
//! fragment damage characters that stand on a border, so a border inside a
//! character moves to the start of that character, unless it is told to stay.
//!
//! - sizes add up to the content's length, and there is at least one
//! - as many sizes come out as were kept
//! - a piece is at most `piece` bytes, or one character

use std::num::NonZeroUsize;

use crate::frame::opcode::Opcode;

/// Bytes of a character at most (RFC 3629).
const CHARACTER: usize = 4;

/// How messages are cut into fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fragmenter {
    /// Bytes of a piece; `None` for one frame.
    pub piece: Option<NonZeroUsize>,
    /// Whether a border may stand inside a character of a text.
    pub cut_characters: bool,
}

impl Fragmenter {
    /// The sizes of the fragments of `content`, in bytes; `kept` are those that it came in.
    #[must_use]
    pub fn sizes(&self, opcode: Opcode, content: &[u8], kept: &[usize]) -> Vec<usize> {
        let whole = opcode != Opcode::Text || self.cut_characters;
        let border = |at| if whole { at } else { start_of_character(content, at) };
        let kept_length = kept.iter().try_fold(0_usize, |sum, size| sum.checked_add(*size));
        let mut sizes = Vec::new();
        let mut start = 0;
        if !kept.is_empty() && kept_length == Some(content.len()) {
            let mut kept_end = 0;
            for size in kept {
                kept_end += size;
                let end = border(kept_end);
                sizes.push(end - start);
                start = end;
            }
            return sizes;
        }
        let piece = self.piece.map_or(content.len(), NonZeroUsize::get);
        while content.len() - start > piece {
            let mut end = border(start + piece);
            if end == start {
                // A piece too small for the character that stands there.
                let last = content.len().min(start + CHARACTER);
                end = (start + piece + 1..last).find(|at| border(*at) == *at).unwrap_or(last);
            }
            sizes.push(end - start);
            start = end;
        }
        if start < content.len() || sizes.is_empty() {
            sizes.push(content.len() - start);
        }
        sizes
    }
}

/// `at`, or the start of the character that it stands in. Bytes that are not UTF-8 leave it.
fn start_of_character(content: &[u8], at: usize) -> usize {
    let continues = |at: &usize| content.get(*at).is_some_and(|byte| byte & 0xC0 == 0x80);
    let earliest = (at + 1).saturating_sub(CHARACTER);
    (earliest..=at).rev().find(|at| !continues(at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn pieces(piece: usize) -> Fragmenter {
        Fragmenter { piece: NonZeroUsize::new(piece), cut_characters: false }
    }

    #[test]
    fn sizes_are_kept_only_where_they_add_up() {
        let one = Fragmenter::default();
        assert_eq!(one.sizes(Opcode::Binary, b"hello", &[2, 0, 3]), [2, 0, 3]);
        assert_eq!(one.sizes(Opcode::Binary, b"hello", &[2, 2]), [5]);
        assert_eq!(one.sizes(Opcode::Binary, b"hello", &[usize::MAX, 6]), [5]);
        assert_eq!(one.sizes(Opcode::Binary, b"", &[]), [0]);
        assert_eq!(pieces(2).sizes(Opcode::Binary, b"hello", &[2, 2]), [2, 2, 1]);
        assert_eq!(pieces(2).sizes(Opcode::Binary, b"hell", &[]), [2, 2]);
        assert_eq!(pieces(2).sizes(Opcode::Binary, b"", &[1]), [0]);
    }

    #[test]
    fn borders_inside_a_character_move_to_its_start() {
        let text = "a€b\u{1F600}".as_bytes();
        for (at, size) in [(1, 1), (2, 1), (3, 1), (4, 4), (5, 5), (6, 5), (7, 5), (8, 5), (9, 9)] {
            let kept = [at, text.len() - at];
            let sizes = Fragmenter::default().sizes(Opcode::Text, text, &kept);
            assert_eq!(sizes, [size, text.len() - size], "cut at {at}");
            let told = Fragmenter { cut_characters: true, ..Fragmenter::default() };
            assert_eq!(told.sizes(Opcode::Text, text, &kept), kept);
            assert_eq!(Fragmenter::default().sizes(Opcode::Binary, text, &kept), kept);
        }
        assert_eq!(pieces(1).sizes(Opcode::Text, text, &[]), [1, 3, 1, 4]);
        assert_eq!(pieces(3).sizes(Opcode::Text, text, &[]), [1, 3, 1, 4]);
        assert_eq!(pieces(4).sizes(Opcode::Text, text, &[]), [4, 1, 4]);
    }

    proptest! {
        #[test]
        fn fragments_of_a_text_are_texts(
            text in "[a é€\u{1F600}]{0,40}",
            piece in 1_usize..9,
            cuts in prop::collection::vec(0_usize..100, 0..5),
        ) {
            let mut ends: Vec<_> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
            ends.sort_unstable();
            ends.push(text.len());
            let mut start = 0;
            let kept: Vec<_> = ends.iter().map(|end| end - std::mem::replace(&mut start, *end)).collect();
            for kept in [&kept[..], &[]] {
                let sizes = pieces(piece).sizes(Opcode::Text, text.as_bytes(), kept);
                let mut rest = &text[..];
                for size in &sizes {
                    prop_assert!(rest.is_char_boundary(*size));
                    prop_assert!(!kept.is_empty() || *size <= piece.max(CHARACTER));
                    rest = &rest[*size..];
                }
                prop_assert!(rest.is_empty());
                prop_assert!(kept.is_empty() || sizes.len() == kept.len());
                prop_assert!(!sizes.is_empty());
            }
        }

        #[test]
        fn any_bytes_are_cut_into_pieces_that_end(
            content in prop::collection::vec(prop_oneof![Just(b'a'), 0x80_u8..], 0..60),
            piece in 1_usize..9,
        ) {
            let sizes = pieces(piece).sizes(Opcode::Text, &content, &[]);
            prop_assert_eq!(sizes.iter().sum::<usize>(), content.len());
            prop_assert!(sizes.iter().all(|size| *size > 0) || content.is_empty());
        }
    }
}
