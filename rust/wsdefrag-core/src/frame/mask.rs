//! Masking (RFC 6455 section 5.3): byte `i` of a payload is XORed with byte `i mod 4` of the
//! masking key.
//!
//! A payload may arrive in any number of ranges, so a [`Mask`] is the key rotated until its first
//! byte applies to the next payload byte. Unmasking reads and writes each byte once, and also ORs
//! all bytes: a result below 0x80 proves that they are ASCII, and therefore UTF-8, without a second
//! pass.

use std::mem::MaybeUninit;

/// Bytes per XOR in the source; the compiler widens it to vector registers.
const WORD: usize = size_of::<u64>();

/// One byte of a destination: initialized (`u8`) or uninitialized (`MaybeUninit<u8>`).
pub trait Slot: Copy {
    /// A slot that contains `byte`.
    fn of(byte: u8) -> Self;
}

impl Slot for u8 {
    #[inline]
    fn of(byte: u8) -> Self {
        byte
    }
}

impl Slot for MaybeUninit<u8> {
    #[inline]
    fn of(byte: u8) -> Self {
        Self::new(byte)
    }
}

/// A masking key, rotated to the byte that applies next. Zero leaves bytes unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Mask(u32);

impl Mask {
    /// The mask of an unmasked frame.
    pub const NONE: Self = Self(0);

    /// The mask at the start of a payload.
    #[inline]
    #[must_use]
    pub const fn new(key: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(key))
    }

    /// The mask that applies after `bytes` more payload bytes.
    #[inline]
    #[must_use]
    pub const fn advance(self, bytes: usize) -> Self {
        Self(self.0.rotate_right(match bytes % 4 {
            0 => 0,
            1 => 8,
            2 => 16,
            _ => 24,
        }))
    }

    /// Whether the mask leaves bytes unchanged.
    #[inline]
    #[must_use]
    pub const fn is_identity(self) -> bool {
        self.0 == 0
    }

    /// The key twice, for XOR with eight payload bytes.
    #[inline]
    const fn word(self) -> u64 {
        let [a, b, c, d] = self.0.to_le_bytes();
        u64::from_ne_bytes([a, b, c, d, a, b, c, d])
    }

    /// Unmasks `wire` into `out`; returns the OR of all bytes written. Writes every slot of `out`.
    ///
    /// # Panics
    ///
    /// If the two lengths differ.
    #[inline]
    pub fn unmask<S: Slot>(self, wire: &[u8], out: &mut [S]) -> u8 {
        assert_eq!(wire.len(), out.len(), "a range fills its destination");
        let word = self.word();

        let (wire_words, wire_tail) = wire.as_chunks::<WORD>();
        let (out_words, _) = out.as_chunks_mut::<WORD>();
        let mut any = 0;
        for (from, to) in wire_words.iter().zip(out_words) {
            any |= unmask_word(from, to, word);
        }
        if wire_tail.is_empty() {
            return fold(any);
        }
        // One word that ends at the end of the range rewrites up to seven bytes with the same
        // values. This is faster than a loop over the remaining bytes.
        if let (Some(from), Some(to)) = (wire.last_chunk(), out.last_chunk_mut()) {
            let start = wire.len() - WORD;
            return fold(any | unmask_word(from, to, self.advance(start).word()));
        }
        for ((from, to), key) in wire.iter().zip(out).zip(word.to_ne_bytes()) {
            *to = S::of(from ^ key);
            any |= u64::from(from ^ key);
        }
        fold(any)
    }
}

/// The OR of a word's bytes.
#[inline]
fn fold(any: u64) -> u8 {
    any.to_ne_bytes().into_iter().fold(0, |any, byte| any | byte)
}

/// XORs eight bytes; returns the result for the caller's OR.
#[inline]
fn unmask_word<S: Slot>(from: &[u8; WORD], to: &mut [S; WORD], word: u64) -> u64 {
    let plain = u64::from_ne_bytes(*from) ^ word;
    *to = plain.to_ne_bytes().map(S::of);
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_split_unmasks_as_the_rfc_says(
            key in any::<[u8; 4]>(),
            wire in prop::collection::vec(any::<u8>(), 0..300),
            cut in 0_usize..300,
        ) {
            let expected: Vec<u8> =
                wire.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            let cut = cut.min(wire.len());
            let mut out = vec![0xAA_u8; wire.len()];
            let head = Mask::new(key).unmask(&wire[..cut], &mut out[..cut]);
            let tail = Mask::new(key).advance(cut).unmask(&wire[cut..], &mut out[cut..]);
            prop_assert_eq!(&out, &expected);
            prop_assert_eq!(head | tail, expected.iter().fold(0, |any, byte| any | byte));
        }
    }

    #[test]
    fn advancing_by_any_count_is_advancing_byte_by_byte() {
        let mut mask = Mask::new([1, 2, 3, 4]);
        for bytes in 0..20 {
            assert_eq!(Mask::new([1, 2, 3, 4]).advance(bytes), mask);
            mask = mask.advance(1);
        }
    }
}
