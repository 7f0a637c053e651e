//! The bytes of an inflater's window.
//!
//! zlib-rs offers a way to set the window, but none to read it. The inflater can however be asked
//! to copy it: a deflate block that consists of matches whose distance is the length of the window
//! inflates to the window, from its oldest byte on.
//!
//! It follows RFC 1951 sections 3.2.5 and 3.2.6.

/// The longest distance in deflate data, and so the largest window, in bytes.
pub(crate) const WINDOW: usize = 1 << 15;
/// The longest match, in bytes.
const LONGEST_MATCH: usize = 258;
/// Bits of the longest encoded match: length, distance and the distance's extra bits.
const MATCH_BITS: usize = 8 + 5 + 13;
/// Size of the block for a full window, with its header of three bits, in bytes.
const BLOCK_SIZE: usize = (3 + WINDOW.div_ceil(LONGEST_MATCH) * MATCH_BITS).div_ceil(8);

/// A block with fixed Huffman codes that repeats the last `distance` bytes at least once, without
/// its end. With room for `distance` bytes it inflates to exactly those, and stops inside a match.
pub(super) fn copying_block(distance: usize) -> Bits {
    let mut block = Bits { bytes: [0; BLOCK_SIZE], length: 0 };
    // BFINAL is 0, BTYPE is 1; the lowest bit comes first.
    block.write(0b010, 3);
    let (code, extra, extra_bits) = distance_code(distance);
    for _ in 0..distance.div_ceil(LONGEST_MATCH) {
        // Length 258 is symbol 285, whose code is 1100_0101; codes start with their highest bit.
        block.write(u32::from(0b1100_0101_u8.reverse_bits()), 8);
        block.write(u32::from((code << 3).reverse_bits()), 5);
        block.write(extra, extra_bits);
    }
    block
}

/// The code for a distance, its extra bits and their number.
fn distance_code(distance: usize) -> (u8, u32, u32) {
    #[expect(clippy::cast_possible_truncation, reason = "at most 32,768")]
    let below = (distance - 1) as u32;
    #[expect(clippy::cast_possible_truncation, reason = "at most 29")]
    match below.checked_ilog2() {
        None | Some(0) => (below as u8, 0, 0),
        Some(log) => {
            let extra_bits = log - 1;
            let code = 2 * log + (below >> extra_bits & 1);
            (code as u8, below & ((1 << extra_bits) - 1), extra_bits)
        }
    }
}

/// A bit stream whose lowest bits come first.
pub(super) struct Bits {
    bytes: [u8; BLOCK_SIZE],
    length: usize,
}

impl Bits {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length.div_ceil(8)]
    }

    fn write(&mut self, value: u32, bits: u32) {
        for bit in 0..bits {
            self.bytes[self.length / 8] |= u8::from(value >> bit & 1 != 0) << (self.length % 8);
            self.length += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deflate::inflater::{Inflater, Outcome};

    /// A stored block (RFC 1951 section 3.2.4).
    fn stored(content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap();
        [&[0], &length.to_le_bytes()[..], &(!length).to_le_bytes(), content].concat()
    }

    /// An inflater that has inflated `content`.
    fn inflater(content: &[u8]) -> Inflater {
        let mut inflater = Inflater::new(false).unwrap();
        for part in content.chunks(60_000) {
            let progress = inflater.stream.inflate(&stored(part), &mut vec![0; part.len() + 1]);
            assert_eq!((progress.produced, progress.outcome), (part.len(), Outcome::More));
        }
        inflater
    }

    /// What the match with the longest length and this distance inflates to.
    fn matched(inflater: &mut Inflater, distance: usize) -> Result<Vec<u8>, ()> {
        let mut room = [0; LONGEST_MATCH];
        match inflater.stream.inflate(copying_block(distance).bytes(), &mut room).outcome {
            Outcome::More => Ok(room.to_vec()),
            _ => Err(()),
        }
    }

    #[test]
    fn window_is_read_and_set_at_every_fill() {
        let all: Vec<u8> = (0..200_000_u32).map(|n| n.wrapping_mul(n).to_be_bytes()[2]).collect();
        for length in [0, 1, 2, 257, 258, 259, 516, 9999, 32_767, 32_768, 32_769, 65_536, 200_000] {
            let content = &all[..length];
            let filled = length.min(WINDOW);
            let window = inflater(content).window().unwrap().unwrap();
            assert_eq!(window, content[length - filled..], "{length}");
            for distance in [1, 2, 258, 259, 9999, 32_506, 32_767, 32_768, filled, filled + 1] {
                if !(1..=WINDOW).contains(&distance) {
                    continue;
                }
                let mut restored = Inflater::new(false).unwrap();
                restored.restart(&window).unwrap();
                assert_eq!(restored.window().unwrap().unwrap(), window, "{length}");
                let mut restored = Inflater::new(false).unwrap();
                restored.restart(&window).unwrap();
                let expected = matched(&mut inflater(content), distance);
                assert_eq!(expected.is_ok(), distance <= filled, "{distance} of {filled}");
                assert_eq!(matched(&mut restored, distance), expected, "{distance} of {filled}");
            }
        }
    }

    /// The table of RFC 1951 section 3.2.5: the first distance of each code, and its extra bits.
    #[test]
    fn distance_codes_are_those_of_the_table() {
        let first = [
            1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025,
            1537, 2049, 3073, 4097, 6145, 8193, 12_289, 16_385, 24_577,
        ];
        let bits = [
            0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12,
            12, 13, 13,
        ];
        for (code, (first, bits)) in first.into_iter().zip(bits).enumerate() {
            let code = u8::try_from(code).unwrap();
            for extra in [0, (1_u32 << bits) - 1] {
                let distance = first + extra as usize;
                assert_eq!(distance_code(distance), (code, extra, bits), "{distance}");
            }
        }
    }
}
