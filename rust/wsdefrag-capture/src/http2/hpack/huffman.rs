//! The Huffman code of HPACK.
//!
//! The code is canonical: codes of one length are consecutive numbers in the order of their symbols,
//! and shorter codes come first. So the lengths alone define it. A code is found by its length: the
//! shortest one for which the next bits, as a number of 32 bits, are below the first code that is
//! longer.
//!
//! RFC 7541 section 5.2 and appendix B.

#![expect(
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a string of a header block, which is bounded, grows by at most 8/5; 257 symbols"
)]

/// The symbol that ends a string; it may only be part of the padding.
const END: u16 = 256;
/// The shortest and the longest code, in bits.
const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// The length of each symbol's code, in bits.
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

/// The codes, by length.
struct Codes {
    /// For each length, the first code that is longer, as the upper bits of 32. Nothing is longer than
    /// the longest.
    limits: [u64; LONGEST + 1],
    /// For each length, the first code, as a number of that many bits.
    first: [u32; LONGEST + 1],
    /// For each length, the index in `symbols` of the first code.
    start: [u16; LONGEST + 1],
    /// The symbols in the order of their codes.
    symbols: [u16; 257],
}

const CODES: Codes = codes();

const fn codes() -> Codes {
    let mut codes = Codes {
        limits: [0; LONGEST + 1],
        first: [0; LONGEST + 1],
        start: [0; LONGEST + 1],
        symbols: [0; 257],
    };
    let (mut length, mut code, mut index) = (1, 0, 0);
    while length <= LONGEST {
        codes.first[length] = code;
        codes.start[length] = index as u16;
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                codes.symbols[index] = symbol as u16;
                index += 1;
                code += 1;
            }
            symbol += 1;
        }
        codes.limits[length] = (code as u64) << (32 - length);
        code <<= 1;
        length += 1;
    }
    codes
}

/// Appends the decoded string to `decoded`. `None` if it has the symbol of the end, or padding that is
/// longer than 7 bits or not the start of that symbol's code.
pub(super) fn decode(encoded: &[u8], decoded: &mut Vec<u8>) -> Option<()> {
    decoded.reserve(encoded.len() * 8 / SHORTEST);
    // The bits that are not decoded yet are the upper ones; those below are ones, as in the padding.
    let (mut bits, mut count) = (u64::MAX, 0);
    let mut bytes = encoded.iter();
    loop {
        while count <= 56 {
            let Some(byte) = bytes.next() else { break };
            let shift = 56 - count;
            bits = bits & !(0xFF << shift) | u64::from(*byte) << shift;
            count += 8;
        }
        let next = bits >> 32;
        let found = (SHORTEST..=LONGEST).find(|length| next < CODES.limits[*length]);
        let length = found.unwrap_or(LONGEST);
        if length > count {
            // Less than a code is left: the padding.
            let is_padding = count < 8 && bits == u64::MAX;
            return is_padding.then_some(());
        }
        let code = (next >> (32 - length)) as u32;
        let index = usize::from(CODES.start[length]) + (code - CODES.first[length]) as usize;
        let symbol = CODES.symbols[index];
        if symbol == END {
            return None;
        }
        decoded.push(symbol as u8);
        bits = bits << length | ((1 << length) - 1);
        count -= length;
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn decoded(encoded: &[u8]) -> Option<Vec<u8>> {
        let mut decoded = Vec::new();
        decode(encoded, &mut decoded)?;
        Some(decoded)
    }

    /// The code of one byte, by the canonical rule, which the appendix follows.
    fn encode(text: &[u8]) -> Vec<u8> {
        let mut bits = String::new();
        for &byte in text {
            let length = usize::from(LENGTHS[usize::from(byte)]);
            let index = CODES.symbols.iter().position(|symbol| *symbol == u16::from(byte)).unwrap();
            let code = CODES.first[length] as usize + index - usize::from(CODES.start[length]);
            write!(bits, "{code:0length$b}").unwrap();
        }
        bits += &"1".repeat((8 - bits.len() % 8) % 8);
        bits.as_bytes()
            .chunks(8)
            .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
            .collect()
    }

    #[test]
    fn codes_are_those_of_the_appendix() {
        // RFC 7541 appendix B: the first and the last of some lengths.
        for (symbol, code, length) in [
            (b'0', 0x0, 5),
            (b't', 0x9, 5),
            (b' ', 0x14, 6),
            (b'u', 0x2d, 6),
            (b'X', 0xfc, 8),
            (0, 0x1ff8, 13),
            (0xfe, 0x07ff_fff0, 27),
            (0xf9, 0x0fff_fffe, 28),
            (0x16, 0x3fff_fffe, 30),
        ] {
            let (length, symbol): (usize, u8) = (length, symbol);
            assert_eq!(usize::from(LENGTHS[usize::from(symbol)]), length);
            let index = CODES.symbols.iter().position(|it| *it == u16::from(symbol)).unwrap();
            let found = CODES.first[length] as usize + index - usize::from(CODES.start[length]);
            assert_eq!(found, code, "{symbol:#x}");
        }
    }

    #[test]
    fn every_byte_is_decoded_alone_and_among_others() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decoded(&encode(&all)), Some(all.clone()));
        for byte in all {
            for text in [vec![byte], vec![byte; 9], vec![b'a', byte, b'~']] {
                assert_eq!(decoded(&encode(&text)), Some(text));
            }
        }
        assert_eq!(decoded(b""), Some(Vec::new()));
    }

    #[test]
    fn padding_is_short_and_of_ones() {
        // "0" is 00000: then three bits of padding.
        assert_eq!(decoded(&[0b0000_0111]), Some(b"0".to_vec()));
        for wrong in [
            &[0b0000_0110][..],
            &[0b0000_0111, 0xFF],
            &[0xFF],
            // The symbol of the end, 30 ones.
            &[0xFF, 0xFF, 0xFF, 0xFF],
            &[0xFF, 0xFF, 0xFF, 0xFC],
        ] {
            assert_eq!(decoded(wrong), None, "{wrong:x?}");
        }
    }
}
