//! Interprets a fuzzer's bytes: first the settings, then the bytes to read with them.
//!
//! ```text
//! byte 0   bits: from the client, deflate agreed, server's and client's no_context_takeover,
//!          UTF-8 not checked
//! byte 1   bits of rules switched off: mask_direction, minimal_length, reserved_bits, close_codes;
//!          bits of rules switched on: no_context_takeover, empty_compressed_payload, deflate_tail
//! byte 2   max_frame_size     0 is off; see `size`
//! byte 3   max_message_size   likewise
//! byte 4   max_fragments      0 is off
//! byte 5   max_inflate_ratio  0 is off; in quarters
//! byte 6   how the wire bytes are split into chunks
//! ```

use wsdefrag_core::{DeflateParams, Limits, Settings, Strictness};

/// Bytes before the wire bytes.
pub(crate) const HEAD: usize = 7;

/// Settings, the seed of the cuts and the wire bytes; `None` if there are too few bytes.
pub(crate) fn read(input: &[u8]) -> Option<(Settings, u8, &[u8])> {
    let (&[flags, rules, frame, message, fragments, ratio, cuts], wire) =
        input.split_first_chunk::<HEAD>()?;
    let has = |bits: u8, bit: u8| bits & 1 << bit != 0;
    let params = DeflateParams {
        server_no_context_takeover: has(flags, 2),
        client_no_context_takeover: has(flags, 3),
        ..DeflateParams::default()
    };
    let settings = Settings {
        from_client: has(flags, 0),
        deflate: has(flags, 1).then_some(params),
        foreign_extension: has(flags, 5),
        limits: Limits {
            max_frame_size: size(frame),
            max_message_size: size(message),
            max_fragments: (fragments > 0).then_some(u64::from(fragments)),
            max_inflate_ratio: (ratio > 0).then_some(f64::from(ratio) / 4.0),
        },
        strictness: Strictness {
            mask_direction: !has(rules, 0),
            minimal_length: !has(rules, 1),
            reserved_bits: !has(rules, 2),
            close_codes: !has(rules, 3),
            utf8: !has(flags, 4),
            no_context_takeover: has(rules, 4),
            empty_compressed_payload: has(rules, 5),
            deflate_tail: has(rules, 6),
        },
    };
    Some((settings, cuts, wire))
}

/// The bytes for the settings of a wire case, or for the nearest settings that bytes can express.
/// Default limits become no limits.
pub(crate) fn head(settings: &Settings, cuts: u8) -> [u8; HEAD] {
    let Settings { from_client, deflate, foreign_extension, limits, strictness } = *settings;
    let params = deflate.unwrap_or_default();
    let bits = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    let flags = bits(&[
        from_client,
        deflate.is_some(),
        params.server_no_context_takeover,
        params.client_no_context_takeover,
        !strictness.utf8,
        foreign_extension,
    ]);
    let rules = bits(&[
        !strictness.mask_direction,
        !strictness.minimal_length,
        !strictness.reserved_bits,
        !strictness.close_codes,
        strictness.no_context_takeover,
        strictness.empty_compressed_payload,
        strictness.deflate_tail,
    ]);
    if limits == Limits::default() {
        return [flags, rules, 0, 0, 0, 0, cuts];
    }
    let limit = |limit: Option<u64>| match limit {
        None => 0,
        Some(bytes @ 0..128) => u8::try_from(bytes).unwrap(),
        Some(bytes) => u8::try_from(127 + (bytes >> 10).max(1)).unwrap_or(u8::MAX),
    };
    let fragments = limits.max_fragments.unwrap_or(0).min(255);
    let quarters = (0..u8::MAX).find(|quarters| {
        limits.max_inflate_ratio.is_none_or(|ratio| f64::from(*quarters) / 4.0 >= ratio)
    });
    [
        flags,
        rules,
        limit(limits.max_frame_size),
        limit(limits.max_message_size),
        u8::try_from(fragments).unwrap(),
        quarters.unwrap_or(u8::MAX),
        cuts,
    ]
}

/// A limit in bytes: values from 1 to 127 are bytes, higher ones are KiB, up to 128 KiB.
pub(crate) fn size(byte: u8) -> Option<u64> {
    match u64::from(byte) {
        0 => None,
        bytes @ 1..128 => Some(bytes),
        over => Some((over - 127) << 10),
    }
}

/// `wire` in chunks of pseudo-random lengths; some are empty.
pub(crate) fn cut(wire: &[u8], seed: u8) -> impl Iterator<Item = &[u8]> {
    let longest = [1, 2, 7, 19, 150, 4500, 70_000, usize::MAX][usize::from(seed & 7)];
    let mut state = u32::from(seed) << 8 | 1;
    let mut rest = Some(wire);
    std::iter::from_fn(move || {
        let left = rest.take()?;
        // The generator of Numerical Recipes; its upper bits are the most random ones.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let length = (state >> 8) as usize % longest.saturating_add(1);
        if left.is_empty() {
            return None;
        }
        let (chunk, more) = left.split_at(length.min(left.len()));
        rest = Some(more);
        Some(chunk)
    })
}
