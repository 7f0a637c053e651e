//! Frame headers (RFC 6455 section 5.2).
//!
//! ```text
//! byte 0        FIN RSV1 RSV2 RSV3 opcode(4)
//! byte 1        MASK length(7)
//! 0, 2 or 8     the length, if the 7 bits are 126 or 127
//! 0 or 4        the masking key, if MASK
//! ```
//!
//! [`parse`] tests each rule at the first byte that can break it, in byte order. An incomplete
//! header therefore gives the same error as the complete one, or `None` if more bytes are needed.
//! [`Header::to_bytes`] is the inverse.
//!
//! - `2 <= size <= MAX_HEADER`
//! - `length <= MAX_CONTROL` for a control frame

use crate::error::Kind;
use crate::frame::opcode::Opcode;
use crate::strictness::{Strictness, Tolerated};

/// The longest header: 2 bytes, a 64-bit length and a masking key.
pub const MAX_HEADER: usize = 14;
/// The longest payload of a control frame, in bytes (section 5.5).
pub const MAX_CONTROL: usize = 125;

/// The first reserved bit in [`Header::rsv`].
pub const RSV1: u8 = 4;
const LENGTH_16: u8 = 126;
const LENGTH_64: u8 = 127;

/// A parsed frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Header {
    /// The frame's opcode.
    pub opcode: Opcode,
    /// FIN: whether the frame is the last of its message.
    pub fin: bool,
    /// The three reserved bits as a number; RSV1 counts 4.
    pub rsv: u8,
    /// The masking key, if the frame is masked.
    #[cfg_attr(feature = "serde", serde(with = "serde_bytes"))]
    pub masking_key: Option<[u8; 4]>,
    /// Payload bytes.
    pub length: u64,
    /// The size of the header itself, in bytes.
    pub size: usize,
}

impl Header {
    /// A header for a payload of `length` bytes, with the length in its shortest form.
    #[inline]
    #[must_use]
    pub const fn new(
        opcode: Opcode,
        fin: bool,
        rsv: u8,
        masking_key: Option<[u8; 4]>,
        length: u64,
    ) -> Self {
        let extended = match length {
            0..126 => 0,
            126..=0xFFFF => 2,
            _ => 8,
        };
        let size = 2 + extended + if masking_key.is_some() { 4 } else { 0 };
        Self { opcode, fin, rsv, masking_key, length, size }
    }

    /// The header's wire bytes in the first `size` bytes of the array; the others are zero.
    #[inline]
    #[must_use]
    pub fn to_bytes(&self) -> [u8; MAX_HEADER] {
        let mut bytes = [0; MAX_HEADER];
        let masked = u8::from(self.masking_key.is_some()) << 7;
        let length = self.length.to_be_bytes();
        bytes[0] = u8::from(self.fin) << 7 | self.rsv << 4 | self.opcode as u8;
        match self.extended() {
            0 => bytes[1] = masked | length[7],
            2 => {
                bytes[1] = masked | LENGTH_16;
                bytes[2..4].copy_from_slice(&length[6..]);
            }
            _ => {
                bytes[1] = masked | LENGTH_64;
                bytes[2..10].copy_from_slice(&length);
            }
        }
        if let Some(key) = self.masking_key {
            bytes[self.size - 4..self.size].copy_from_slice(&key);
        }
        bytes
    }

    /// The same header with another masking key, or with none.
    #[inline]
    #[must_use]
    pub const fn masked_with(mut self, key: Option<[u8; 4]>) -> Self {
        self.size = 2 + self.extended() + if key.is_some() { 4 } else { 0 };
        self.masking_key = key;
        self
    }

    /// The size of the extended length field in bytes: 0, 2 or 8.
    #[inline]
    const fn extended(&self) -> usize {
        self.size - 2 - if self.masking_key.is_some() { 4 } else { 0 }
    }

    /// Whether RSV1 is set. With permessage-deflate, RSV1 on a message's first frame means that the
    /// message is compressed.
    #[inline]
    #[must_use]
    pub const fn rsv1(&self) -> bool {
        self.rsv & RSV1 != 0
    }

    /// Whether the length is in its shortest form.
    const fn is_minimal(&self) -> bool {
        match self.extended() {
            0 => true,
            2 => self.length >= LENGTH_16 as u64,
            _ => self.length > u16::MAX as u64,
        }
    }
}

/// Which data frames may come next (section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// No message is open: the next data frame is a text or binary frame.
    Start,
    /// A message is open: the next data frame is a continuation frame.
    Continue,
    /// The order of frames is not checked.
    Any,
}

/// The rules for the headers of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rules {
    /// Which side sends: clients mask, servers do not.
    pub from_client: bool,
    /// Whether permessage-deflate was agreed, which defines RSV1.
    pub deflate: bool,
    /// Whether an extension was agreed that this crate does not know. It defines the RSV bits that
    /// permessage-deflate does not define.
    pub foreign_extension: bool,
    /// Which rules are enforced.
    pub strictness: Strictness,
}

impl Rules {
    /// The set RSV bits that permessage-deflate does not define for a frame of this opcode.
    #[inline]
    const fn outside_deflate(&self, rsv: u8, opcode: Option<Opcode>) -> u8 {
        match opcode {
            Some(Opcode::Text | Opcode::Binary) if self.deflate => rsv & !RSV1,
            _ => rsv,
        }
    }

    /// The set RSV bits that no agreed extension defines for a frame of this opcode.
    #[inline]
    const fn undefined_rsv(&self, rsv: u8, opcode: Option<Opcode>) -> u8 {
        if self.foreign_extension { 0 } else { self.outside_deflate(rsv, opcode) }
    }

    /// Whether a frame belongs to the unknown extension.
    #[inline]
    #[must_use]
    pub const fn is_foreign(&self, header: &Header) -> bool {
        self.foreign_extension && self.outside_deflate(header.rsv, Some(header.opcode)) != 0
    }

    /// Counts the violations of switched-off rules in an accepted header.
    pub fn count_breaches(&self, header: &Header, tolerated: &mut Tolerated) {
        tolerated.mask_direction += u64::from(header.masking_key.is_some() != self.from_client);
        tolerated.minimal_length += u64::from(!header.is_minimal());
        tolerated.reserved_bits +=
            u64::from(self.undefined_rsv(header.rsv, Some(header.opcode)) != 0);
    }
}

/// Parses the header at the start of `bytes`; `None` if more bytes are needed.
#[expect(clippy::inline_always, reason = "a call costs small messages 8 % more instructions")]
#[inline(always)]
pub fn parse(bytes: &[u8], rules: &Rules, order: Order) -> Result<Option<Header>, Kind> {
    let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
    let (fin, rsv) = (first & 0x80 != 0, (first >> 4) & 0x7);
    let opcode = Opcode::from_bits(first & 0xF);
    if rsv != 0 && rules.strictness.reserved_bits && rules.undefined_rsv(rsv, opcode) != 0 {
        return Err(Kind::ReservedBits(rules.undefined_rsv(rsv, opcode)));
    }
    let Some(opcode) = opcode else { return Err(Kind::ReservedOpcode(first & 0xF)) };
    match (opcode, order) {
        (Opcode::Close | Opcode::Ping | Opcode::Pong, _) if !fin => {
            return Err(Kind::FragmentedControl(opcode));
        }
        (Opcode::Continuation, Order::Start) => return Err(Kind::ContinuationWithoutStart),
        (Opcode::Text | Opcode::Binary, Order::Continue) => {
            return Err(Kind::DataInsideMessage(opcode));
        }
        _ => {}
    }

    let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
    let (masked, short) = (second & 0x80 != 0, second & 0x7F);
    if masked != rules.from_client && rules.strictness.mask_direction {
        return Err(if masked { Kind::MaskedFromServer } else { Kind::UnmaskedFromClient });
    }
    if opcode.is_control() && usize::from(short) > MAX_CONTROL {
        return Err(Kind::ControlTooLong(opcode));
    }

    let (length, rest) = match short {
        LENGTH_16 => {
            let Some((&bytes, rest)) = rest.split_first_chunk::<2>() else { return Ok(None) };
            (u64::from(u16::from_be_bytes(bytes)), rest)
        }
        LENGTH_64 => {
            if rest.first().is_some_and(|byte| byte & 0x80 != 0) {
                return Err(Kind::LengthTopBit);
            }
            let Some((&bytes, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
            (u64::from_be_bytes(bytes), rest)
        }
        short => (u64::from(short), rest),
    };
    let needless = match short {
        LENGTH_16 => length < u64::from(LENGTH_16),
        LENGTH_64 => u16::try_from(length).is_ok(),
        _ => false,
    };
    if needless && rules.strictness.minimal_length {
        return Err(Kind::NonMinimalLength(length));
    }

    let (masking_key, rest) = if masked {
        let Some((&key, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
        (Some(key), rest)
    } else {
        (None, rest)
    };
    let size = bytes.len() - rest.len();
    Ok(Some(Header { opcode, fin, rsv, masking_key, length, size }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SERVER: Rules = Rules {
        from_client: false,
        deflate: false,
        foreign_extension: false,
        strictness: Strictness::DEFAULT,
    };

    #[test]
    fn rules_are_tested_in_the_order_of_their_bytes() {
        for (bytes, kind) in [
            (&b"\xff\xff"[..], Kind::ReservedBits(7)),
            (b"\x8f\xff", Kind::ReservedOpcode(15)),
            (b"\x09\xff", Kind::FragmentedControl(Opcode::Ping)),
            (b"\x80\xff", Kind::ContinuationWithoutStart),
            (b"\x89\xff", Kind::MaskedFromServer),
            (b"\x89\x7e", Kind::ControlTooLong(Opcode::Ping)),
            (b"\x82\x7f\x80", Kind::LengthTopBit),
            (b"\x82\x7e\x00\x7d", Kind::NonMinimalLength(125)),
            (b"\x82\x7f\0\0\0\0\0\0\xff\xff", Kind::NonMinimalLength(65_535)),
        ] {
            assert_eq!(parse(bytes, &SERVER, Order::Start), Err(kind), "{bytes:02x?}");
        }
    }

    proptest! {
        #[test]
        fn incomplete_header_gives_none_or_the_same_error(
            bytes in prop::collection::vec(any::<u8>(), MAX_HEADER),
            from_client in any::<bool>(),
            deflate in any::<bool>(),
            order in prop::sample::select(vec![Order::Start, Order::Continue, Order::Any]),
        ) {
            let rules = Rules { from_client, deflate, ..SERVER };
            let whole = parse(&bytes, &rules, order);
            let mut seen_error = false;
            for cut in 0..MAX_HEADER {
                match parse(&bytes[..cut], &rules, order) {
                    Ok(None) => prop_assert!(!seen_error),
                    Err(kind) => {
                        prop_assert_eq!(Err(kind), whole);
                        seen_error = true;
                    }
                    Ok(Some(header)) => {
                        prop_assert_eq!(Ok(Some(header)), whole);
                        prop_assert!(header.size <= cut);
                    }
                }
            }
        }

        #[test]
        fn header_is_written_as_it_was_read(
            bytes in prop::collection::vec(any::<u8>(), MAX_HEADER),
            from_client in any::<bool>(),
        ) {
            let strictness = Strictness { minimal_length: false, ..SERVER.strictness };
            let rules = Rules { from_client, deflate: true, strictness, ..SERVER };
            if let Ok(Some(header)) = parse(&bytes, &rules, Order::Any) {
                prop_assert_eq!(&header.to_bytes()[..header.size], &bytes[..header.size]);
            }
        }

        #[test]
        fn new_header_is_minimal_and_read_as_it_was_made(
            fin in any::<bool>(),
            rsv in prop::sample::select(vec![0, RSV1]),
            masking_key in any::<Option<[u8; 4]>>(),
            length in prop_oneof![0_u64..300, 65_000_u64..66_000, 0..1_u64 << 63],
        ) {
            let header = Header::new(Opcode::Text, fin, rsv, masking_key, length);
            let rules = Rules { from_client: masking_key.is_some(), deflate: true, ..SERVER };
            let read = parse(&header.to_bytes(), &rules, Order::Start);
            prop_assert_eq!(read, Ok(Some(header)));
        }

        #[test]
        fn other_masking_key_changes_the_key_and_the_size_alone(
            masking_key in any::<Option<[u8; 4]>>(),
            other in any::<Option<[u8; 4]>>(),
            length in prop_oneof![0_u64..300, 65_000_u64..66_000, 0..1_u64 << 63],
        ) {
            let header = |key| Header::new(Opcode::Binary, true, 0, key, length);
            prop_assert_eq!(header(masking_key).masked_with(other), header(other));
        }
    }
}
